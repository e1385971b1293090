"""Other programs and libraries that are told to believe whoever answers: SSH clients, curl, mail, LDAP."""

from __future__ import annotations

import re

from hardgate.dataflow.families.common import Checks, table
from hardgate.dataflow.families.transport import HOST_KEYS, UNCHECKED, certless, may_be
from hardgate.dataflow.frame import Call


def _starting(call: Call) -> None:
    """`smtp.starttls()` without a context checks no certificate (docs.python.org/3/library/smtplib.html)."""
    if (
        call.last & {"starttls"}
        and call.arg(None, "context", "ssl_context") is None
        and not call.args
        and any(name.startswith(("smtplib.", "imaplib.", "poplib.")) for name in call.names)
    ):
        call.report("python-tls-verification-disabled", UNCHECKED)


_COMMAND_OFF = re.compile(
    r"StrictHostKeyChecking=(no|off|accept-new)|--no-check-certificate|--insecure\b|http\.sslVerify=(false|0)|--trusted-host|--no-verify-ssl"
)


def _command(call: Call) -> None:
    """Programs that are told to check nothing: `ssh -o StrictHostKeyChecking=no`, `curl -k`."""
    if not any(name.startswith(("subprocess.", "os.", "asyncio.")) for name in call.names):
        return
    _openssl(call)
    given = [one for value in call.args for one in (value, *(held for _, held in value.items or ()))]
    texts = [text for one in given for text in one.texts] + [one.text for one in given if one.text]
    curl = any(re.match(r"(.*/)?curl\b", text) for text in texts)
    if any(_COMMAND_OFF.search(text) and "accept-new" not in text for text in texts) or (
        curl and any(re.search(r"(^|\s)-k(\s|$)", text) for text in texts)
    ):
        call.report("python-tls-verification-disabled", UNCHECKED)


def _verified(call: Call) -> None:
    """`context.set_verify(SSL.VERIFY_NONE, ...)`, the options of python-ldap, `curl.setopt(SSL_VERIFYPEER, 0)`."""
    if any(certless(one) for one in call.args[:2]):
        call.report("python-tls-verification-disabled", UNCHECKED)
    elif (
        "setopt" in call.last
        and len(call.args) > 1
        and any(
            name.endswith(("SSL_VERIFYPEER", "SSL_VERIFYHOST", "PROXY_SSL_VERIFYPEER")) for name in call.args[0].names
        )
    ):
        if any(one in (0, False) for one in call.args[1].some):
            call.report("python-tls-verification-disabled", UNCHECKED)
    elif "tls_insecure_set" in call.last and any(may_be(one, True) for one in call.args[:1]):
        call.report("python-tls-verification-disabled", UNCHECKED)


def _host_keys(call: Call) -> None:
    """`client.set_missing_host_key_policy(paramiko.AutoAddPolicy())`, `asyncssh.connect(host, known_hosts=None)`."""
    if "set_missing_host_key_policy" in call.last:
        policy = call.arg(0, "policy")
        if policy is not None and any(
            name.removesuffix("()").endswith(("AutoAddPolicy", "WarningPolicy")) for name in policy.names
        ):
            call.report("python-tls-verification-disabled", HOST_KEYS)
        return
    known = call.arg(None, "known_hosts")
    if (
        known is not None
        and known.known
        and known.const is None
        and any(name.startswith("asyncssh.") for name in call.names)
    ):
        call.report("python-tls-verification-disabled", HOST_KEYS)


def _openssl(call: Call) -> None:
    """`openssl enc -des3`, `openssl genrsa 1024`, `ssh-keygen -b 1024`, as a list of words or as one text."""
    first = call.args[0] if call.args else None
    if first is None:
        return
    words = [text for _, one in first.items or () for text in one.texts] or [
        part for text in first.texts for part in text.split()
    ]
    if not words or words[0].rpartition("/")[2] not in {"openssl", "ssh-keygen"}:
        return
    if "enc" in words and any(re.fullmatch(r"-(des\S*|rc[24]\S*|bf\S*|cast\S*|idea\S*|seed\S*)", one) for one in words):
        call.report("python-weak-cipher", "A broken cipher: what it encrypts can be read without the key.")
    elif "enc" in words and any(re.fullmatch(r"-\S+-ecb", one) for one in words):
        call.report("python-ecb-mode", "ECB: equal blocks become equal blocks, and what repeats in the text shows.")
    sizes = [int(one) for one in words if re.fullmatch(r"512|768|1024", one)]
    if sizes and any(one in {"genrsa", "gendsa", "dsaparam", "dhparam", "-b"} for one in words):
        call.report("python-short-key", "The key is too short: those with means can find it.")


CHECKS: Checks = table(
    (_starting, ("starttls",)),
    (
        _command,
        (
            "run",
            "call",
            "check_call",
            "check_output",
            "Popen",
            "system",
            "popen",
            "create_subprocess_exec",
            "create_subprocess_shell",
            "getoutput",
        ),
    ),
    (_verified, ("set_verify", "set_option", "setopt", "tls_insecure_set", "tls_set")),
    (_host_keys, ("set_missing_host_key_policy", "connect", "create_connection", "run_client")),
)
