"""Which versions of TLS, and which cipher suites, are of the past."""

from __future__ import annotations

import re

from hardgate.dataflow.values import Value


def old_version(value: Value) -> bool:
    """Whether the value may be SSL 2 or 3, TLS 1.0 or 1.1, as `ssl`, pyOpenSSL and Twisted write them."""
    return any(
        re.search(
            r"(PROTOCOL_(SSLv2|SSLv3|TLSv1|TLSv1_1)|TLSVersion\.(SSLv3|TLSv1|TLSv1_1|MINIMUM_SUPPORTED)|SSL\.(SSLv2|SSLv3|TLSv1|TLSv1_1)_METHOD|SSL\.(SSL3|TLS1|TLS1_1)_VERSION|TLSVersion\.(SSLv3|TLSv1_0|TLSv1_1))$",
            name,
        )
        for name in value.names
    ) or any(text in {"TLSv1", "TLSv1.0", "TLSv1.1", "SSLv3", "SSLv2", "TLSv1_1"} for text in value.texts)


# What a list of suites must not ask for (openssl.org/docs/manmaster/man1/openssl-ciphers.html).
_SUITE = re.compile(
    r"(?i)^(.*[-+_])?(ALL|COMPLEMENTOFALL|[ae]?NULL|EXP(ORT)?\d*|LOW|RC4|RC2|3?DES|DES[-_]CBC3?|MD5|ADH|AECDH|a?DSS|SEED|IDEA)([-+_].*)?$"
)


def weak_suites(text: str) -> bool:
    """Whether a list of suites, in the way of OpenSSL, asks for one that is broken or has no identity."""
    parts = [one for one in re.split(r"[:, ]+", text) if one]
    refused = {one.lstrip("!-").lower() for one in parts if one[0] in "!-"}
    for one in parts:
        if one[0] in "!-":
            continue
        if re.fullmatch(r"(?i)@SECLEVEL=0|.*@SECLEVEL=0", one):
            return True
        name = one.lstrip("+").partition("@")[0]
        if name.upper() in {"ALL", "COMPLEMENTOFALL"}:
            if not refused & {"anull", "adh"} or not refused & {"rc4", "low", "medium"}:
                return True
        elif _SUITE.match(name) and name.lower() not in refused:
            return True
    return False


_SSH = re.compile(
    r"(3des|arcfour|blowfish|cast128|des)-?\w*|hmac-md5.*|hmac-sha1-96|umac-32.*|diffie-hellman-group1-sha1|none|ssh-dss"
)


def weak_algorithm(text: str) -> bool:
    """Whether an algorithm of SSH, by its name there (RFC 8758, RFC 9142), is broken."""
    return bool(_SSH.fullmatch(text.partition("@")[0]))
