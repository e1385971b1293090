"""Weak transport: certificates and host keys that nobody checks, and protocols and cipher suites of the past."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from hardgate.dataflow.families import lexical
from hardgate.dataflow.families.common import Checks, table
from hardgate.dataflow.families.lexical import words
from hardgate.dataflow.families.suites import old_version, weak_algorithm, weak_suites
from hardgate.dataflow.frame import Call
from hardgate.dataflow.values import Value

UNCHECKED = "The certificate of the other side is not checked: anyone on the way can read and change what is sent."
_OLD = "An old version of TLS, or a cipher suite that is broken, is allowed."
HOST_KEYS = "Every host key is believed: anyone on the way can pose as the server."
_VERBS = frozenset(
    {
        "get",
        "post",
        "put",
        "patch",
        "delete",
        "head",
        "options",
        "request",
        "send",
        "stream",
        "urlopen",
        "ws_connect",
        "fetch",
    }
)
# Packages in whose calls `verify=False`, or `ssl=False`, is about certificates.
_CLIENTS = re.compile(
    r"^(requests|httpx|aiohttp|urllib3|boto3|botocore|hvac|consul|docker|requests_\w+|cloudscraper|curl_cffi|niquests|httpcore|gidgethub"
    r"|elasticsearch|opensearchpy|tornado|websockets?|grequests|treq|zeep|suds|keystoneauth1|openstack|kubernetes|proxmoxer|netmiko|ncclient|authlib|oauthlib|minio|jenkins|gql)\b"
)
_SESSIONS = frozenset(
    {"session", "client", "http", "requests", "api", "httpx", "connection", "adapter", "agent", "conn", "sess", "s"}
)
# Arguments that are about certificates whoever takes them, by the value that leaves them unchecked.
_OFF = frozenset({
    "verify_ssl", "ssl_verify", "verify_certs", "validate_certs", "validate_cert", "verify_certificate", "tls_verify",
    "verify_tls", "ssl_verify_cert",
    "verify_ssl_certs", "ssl_verifypeer", "check_hostname", "assert_hostname", "ssl_check_hostname",
    "verify_ssl_cert", "ssl_assert_hostname", "ssl_verification",
    "verify_peer", "validate_certificate", "verify_server_cert", "check_server_certificate", "rejectUnauthorized",
    "ssl_verify_identity", "ssl_verify_hostname",
    "tls_verify_hostname", "enable_ssl_certificate_verification", "enable.ssl.certificate.verification",
    "verify_certificates", "use_tls_verification", "certificate_verification", "verify_cert", "verify_identity",
})  # fmt: skip
_ON = frozenset({
    "tlsInsecure", "tlsAllowInvalidCertificates", "tlsAllowInvalidHostnames", "tls_insecure",
    "disable_ssl_certificate_validation", "insecure_skip_verify",
    "insecure_mode", "skip_tls_verify", "disable_ssl_verification", "ssl_insecure", "trust_server_certificate",
    "TrustServerCertificate",
    "allow_invalid_certificates", "disable_certificate_validation", "tls_allow_invalid_certificates", "skip_verify",
    "no_verify_ssl", "allow_insecure_tls",
})  # fmt: skip
_REQUIRED = frozenset(
    {
        "cert_reqs",
        "ssl_cert_reqs",
        "validate",
        "verify_mode",
        "tls_require_cert",
        "require_cert",
        "ssl_ca_certs_reqs",
        "sslcertreqs",
        "tls_ca_cert_reqs",
    }
)
_VERSIONS = frozenset(
    {
        "ssl_version",
        "ssl_minimum_version",
        "minimum_version",
        "maximum_version",
        "ssl_maximum_version",
        "tls_version",
        "ssl_min_version",
        "protocol",
        "method",
        "tls_minimum_version",
        "min_version",
        "insecurelyLowerMinimumTo",
    }
)


def may_be(value: Value, wanted: object) -> bool:
    """Whether the value may be this very constant."""
    return any(one is wanted for one in value.some)


def certless(value: Value) -> bool:
    """Whether it may be CERT_NONE, as `ssl`, urllib3 and redis write it."""
    return any(
        name.endswith(("CERT_NONE", "VERIFY_NONE", "OPT_X_TLS_NEVER", "OPT_X_TLS_ALLOW")) for name in value.names
    ) or any(text in {"CERT_NONE", "none"} for text in value.texts)


def _arguments(call: Call) -> Iterator[tuple[str, Value]]:
    """Keywords of the call, and the items of dictionaries among its arguments."""
    given = [*call.kwargs.items(), *((key, one) for key, one in (call.spread.items or () if call.spread else ()))]
    for key, value in given:
        if isinstance(key, str):
            yield key, value
        if value.kind == "dict":
            yield from ((inner, one) for inner, one in value.items or () if isinstance(inner, str))
    for value in call.args[:3]:
        if value.kind == "dict":
            yield from ((inner, one) for inner, one in value.items or () if isinstance(inner, str))


def _every(call: Call) -> None:
    """Any call, for what its arguments say of certificates and versions."""
    if not (call.kwargs or call.spread is not None or any(one.kind == "dict" for one in call.args[:3])):
        return
    for key, value in _arguments(call):
        _option(call, key, value)


def _option(call: Call, key: str, value: Value) -> None:
    off = may_be(value, False)
    if key in {"verify", "ssl"}:
        if off and _is_client(call, key):
            call.report("python-tls-verification-disabled", UNCHECKED)
    elif (
        (key in _OFF and off and not (key in {"check_hostname"} and not call.last))
        or (key in _ON and may_be(value, True))
        or (key in _REQUIRED and certless(value))
        or (key == "ssl_cert_reqs" and value.known and value.const is None and "redis" in " ".join(call.names).lower())
        or (
            key in {"ssl_context", "context", "ssl_options", "sslContext"}
            and any("_create_unverified_context" in name for name in value.names)
            and not _made_here(call)
        )
        or (key == "sslmode" and any(text in {"disable", "allow"} for text in value.texts))
    ):
        call.report("python-tls-verification-disabled", UNCHECKED)
    if key in _VERSIONS and old_version(value):
        call.report("python-old-tls", _OLD)
    if key in _ALGORITHMS and any(map(weak_algorithm, _listed(value))):
        call.report("python-old-tls", _OLD)
    if key in {"ciphers", "ssl_ciphers"} and any(map(weak_suites, value.texts)):
        call.report("python-old-tls", _OLD)


def _made_here(call: Call) -> bool:
    # Where the context is made is reported already.
    return "_create_unverified_context" in " ".join(name for name in call.names)


# docs.paramiko.org SecurityOptions, asyncssh.readthedocs.io: lists of algorithms that a connection may use.
_ALGORITHMS = frozenset({"ciphers", "kex", "digests", "encryption_algs", "kex_algs", "mac_algs"})


def _listed(value: Value) -> list[str]:
    return [text for _, one in value.items or () for text in one.texts]


def _is_client(call: Call, key: str) -> bool:
    """Whether the call is one of an HTTP client or of another that takes a connection."""
    if any("jwt" in name.lower() or "jose" in name.lower() for name in call.names):
        return False
    if any(_CLIENTS.match(name) for name in call.names | call.receiver.names):
        return True
    if call.last & {
        "TLSConfig",
        "TCPConnector",
        "AsyncClient",
        "Session",
        "ClientSession",
        "HTTPTransport",
        "AsyncHTTPTransport",
    } and any("." in one for one in call.names):
        return True
    node = call.node
    if not isinstance(node, ast.Call) or not call.last & _VERBS or not isinstance(node.func, ast.Attribute):
        return False
    receiver = words(lexical.last_name(node.func.value) or lexical.last_name(getattr(node.func.value, "func", node)))
    address = call.arg(1 if call.last & {"request", "stream"} else 0, "url")
    texts = [] if address is None else [*address.texts, address.text or ""]
    return bool(receiver & _SESSIONS and (key == "verify" or address is not None)) or any(
        one.startswith(("http:", "https:")) for one in texts
    )


def _attribute(call: Call) -> None:
    """`session.verify = False`, `context.verify_mode = ssl.CERT_NONE`, `context.minimum_version = ...`."""
    name, value = call.args[0].texts[0], call.args[1]
    unchecked = (
        (name == "verify" and may_be(value, False) and _is_session(call))
        or (name == "check_hostname" and may_be(value, False))
        or (name == "verify_mode" and certless(value))
        or (name in _OFF - {"check_hostname"} and may_be(value, False))
        or (name in _ON and may_be(value, True))
        or (name == "cert_reqs" and certless(value))
    )
    if unchecked and not _of_server(call) and not _overwritten(call):
        call.report("python-tls-verification-disabled", UNCHECKED)
    if name == "_create_default_https_context" and any("unverified" in one for one in value.names):
        call.report("python-tls-verification-disabled", UNCHECKED)
    if name in _ALGORITHMS and any(map(weak_algorithm, _listed(value))):
        call.report("python-old-tls", _OLD)
    if name == "DEFAULT_CIPHERS" and any(map(weak_suites, value.texts)):
        call.report("python-old-tls", _OLD)
    if name == "match_hostname" and value.things and not value.names:
        call.report("python-tls-verification-disabled", UNCHECKED)
    if name == "hostkeys" and value.known and value.const is None:
        call.report("python-tls-verification-disabled", HOST_KEYS)
    if name in _VERSIONS - {"method", "protocol"} and old_version(value) and not _overwritten(call):
        call.report("python-old-tls", _OLD)
    if name == "options" and _allows_again(call):
        call.report("python-old-tls", _OLD)


def _is_session(call: Call) -> bool:
    if any(_CLIENTS.match(name) for name in call.receiver.names) or call.receiver.names & {"requests", "httpx"}:
        return True
    target = call.node.value if isinstance(call.node, ast.Attribute) else call.node
    derived = any(
        "Session" in name or "Client" in name
        for one in call.receiver.things
        for name in getattr(getattr(one, "owner", None), "outside", frozenset)()
    )
    return derived or bool(words(lexical.last_name(target)) & _SESSIONS)


def _of_server(call: Call) -> bool:
    """Whether the context is a server's, which asks its clients for no certificates as a rule."""
    if not isinstance(call.node, ast.Attribute):
        return False
    scope = lexical.scope_of(call.frame, call.node)
    made = [ast.unparse(one) for one in lexical.definitions(scope, ast.unparse(call.node.value))]
    return bool(made) and all(re.search(r"PROTOCOL_TLS_SERVER|CLIENT_AUTH", one) for one in made)


def _overwritten(call: Call) -> bool:
    """Whether a later statement of the same block sets the same attribute to something else for sure."""
    if not isinstance(call.node, ast.Attribute):
        return False
    wanted = ast.unparse(call.node)
    for one in lexical.after(call.frame, call.node):
        if isinstance(one, ast.Assign) and any(ast.unparse(target) == wanted for target in one.targets):
            text = ast.unparse(one.value)
            return not re.search(r"False|NONE|TLSv1$|TLSv1_1|SSLv3", text)
        if any(
            isinstance(inner, ast.Name) and inner.id == wanted.partition(".")[0] and not isinstance(one, ast.Assign)
            for inner in ast.walk(one)
        ):
            return False
    return False


def _allows_again(call: Call) -> bool:
    """`options &= ~ssl.OP_NO_TLSv1`, and `-=` and `^=` of the same."""
    at = call.frame.at
    text = ast.unparse(at) if isinstance(at, ast.Assign | ast.AugAssign) else ""
    return bool(re.search(r"(&=? *~|& ~|-=? *|\^=? *)\(?.*OP_NO_(SSLv2|SSLv3|TLSv1|TLSv1_1)\b", text))


def _context(call: Call) -> None:
    """`ssl.SSLContext(ssl.PROTOCOL_TLSv1)`, `ssl.wrap_socket(...)`, `SSL.Context(SSL.TLSv1_METHOD)`, and their kin."""
    if any(old_version(one) for one in call.args[:4]):
        call.report("python-old-tls", _OLD)
    if call.is_a("ssl._create_unverified_context", "ssl._create_stdlib_context"):
        call.report("python-tls-verification-disabled", UNCHECKED)
    if call.is_a("ssl.SSLContext") and _believes(call):
        call.report("python-tls-verification-disabled", UNCHECKED)
    if (
        call.is_a("ssl.wrap_socket")
        and call.arg(None, "server_side") is None
        and (reqs := call.arg(None, "cert_reqs")) is None
        and reqs is None
    ):
        call.report("python-tls-verification-disabled", UNCHECKED)


def _believes(call: Call) -> bool:
    """`SSLContext(PROTOCOL_TLS)` checks nothing by itself: whether it is for a client, and nobody has it check."""
    chosen = call.arg(0, "protocol")
    if chosen is not None and not any(name.endswith(("PROTOCOL_TLS", "PROTOCOL_SSLv23")) for name in chosen.names):
        return False
    text = ast.unparse(lexical.scope_of(call.frame, call.node))
    return (
        bool(re.search(r"server_hostname|urlopen|HTTPSConnection|create_connection|starttls|SMTP_SSL|IMAP4_SSL", text))
        and "verify_mode" not in text
        and "server_side" not in text
    )


_SWITCHES = {
    "PYTHONHTTPSVERIFY": "0",
    "NODE_TLS_REJECT_UNAUTHORIZED": "0",
    "GIT_SSL_NO_VERIFY": "1",
    "CURL_CA_BUNDLE": "",
    "REQUESTS_CA_BUNDLE": "",
}


def _suites(call: Call) -> None:
    value = call.arg(0, "ciphers", "cipherlist", "cipher_list")
    if value is not None and any(
        weak_suites(one if isinstance(one, str) else one.decode("latin-1"))
        for one in value.some
        if isinstance(one, str | bytes)
    ):
        call.report("python-old-tls", _OLD)


def _versions(call: Call) -> None:
    """pyOpenSSL: `context.set_min_proto_version(SSL.TLS1_VERSION)`."""
    if any(old_version(one) for one in call.args[:1]):
        call.report("python-old-tls", _OLD)


def _item(call: Call) -> None:
    """`kwargs["ssl_version"] = ssl.PROTOCOL_TLSv1`, `options["cert_reqs"] = "CERT_NONE"`."""
    key, value = call.args
    for text in key.texts:
        if text in _SWITCHES and _SWITCHES[text] in value.texts:
            call.report("python-tls-verification-disabled", UNCHECKED)
        if (
            (text in _REQUIRED and certless(value))
            or (text in _OFF and may_be(value, False))
            or (text in _ON and may_be(value, True))
        ):
            call.report("python-tls-verification-disabled", UNCHECKED)
        if text in _VERSIONS and old_version(value):
            call.report("python-old-tls", _OLD)


CHECKS: Checks = table(
    (_every, ("",)),
    (_attribute, ("=.",)),
    (_item, ("=[]",)),
    (
        _context,
        (
            "SSLContext",
            "wrap_socket",
            "Context",
            "_create_unverified_context",
            "get_server_certificate",
            "create_urllib3_context",
            "_create_stdlib_context",
            "CertificateOptions",
        ),
    ),
    (_suites, ("set_ciphers", "set_cipher_list")),
    (_versions, ("set_min_proto_version", "set_max_proto_version")),
)
