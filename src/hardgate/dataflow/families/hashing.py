"""Weak hashes: broken functions where it matters, fast ones for passwords, and too few rounds.

MD5 as an ETag or for the name of a cache entry is harmless: a hash is judged by what it is made for (`purpose`).
"""

from __future__ import annotations

import ast

from hardgate.dataflow.families.common import Checks, table
from hardgate.dataflow.families.purpose import PASSWORDS, SECRETS, evidence
from hardgate.dataflow.frame import Call
from hardgate.dataflow.values import Value

_BROKEN = frozenset({
    "md5", "md4", "md2", "sha1", "sha", "sha-1", "md5-sha1", "ripemd160", "ripemd", "rmd160", "sha0", "mdc2",
    "ripemd-160", "whirlpool0", "haval",
})  # fmt: skip
# Functions of hashlib (docs.python.org/3/library/hashlib.html) that are sound, and too fast for passwords.
_FAST = frozenset({
    "sha224", "sha256", "sha384", "sha512", "sha3_224", "sha3_256", "sha3_384", "sha3_512", "blake2b", "blake2s",
    "shake_128", "shake_256", "sha512_256", "blake3",
})  # fmt: skip
_CHECKSUMS = frozenset({"crc32", "adler32", "xxh32", "xxh64", "xxh3_64", "crc_hqx", "hash32", "murmurhash3_32"})
_WEAK = "A broken hash function where it matters: two inputs with one hash can be made at will."
_TOO_FAST = (
    "A password is hashed by a function made to be fast: stolen hashes can be tried against billions of guesses."
)


def _kind(name: str) -> str:
    """The algorithm that a dotted name calls, in small letters; "" for no hash function."""
    head, _, last = name.rpartition(".")
    if head in {"hashlib", "_hashlib", "_md5", "_sha1"} or head.startswith(("django.utils.crypto", "werkzeug.utils")):
        return last.removeprefix("openssl_").lower()
    if head.startswith(("Crypto.Hash.", "Cryptodome.Hash.")) and last == "new":
        return head.rpartition(".")[2].lower()
    if name in {"md5.new", "md5.md5", "sha.new", "sha.sha"}:
        return head
    if head in {"zlib", "binascii", "mmh3", "xxhash"} and last in _CHECKSUMS | {"hash", "hash64", "hash128"}:
        return "crc32"
    return "blake3" if name == "blake3.blake3" else "crc32" if name == "hash" else ""


def _algorithms(value: Value | None) -> set[str]:
    """The algorithms that an argument names: a text, a function of hashlib, a module of PyCryptodome, a class."""
    if value is None:
        return set()
    found = {text.lower() for text in value.texts}
    for name in value.names:
        found.add(_kind(name) or name.removesuffix("()").rpartition(".")[2].lower())
    return found


def _hashed(call: Call) -> None:
    """`hashlib.md5(...)`, `hashlib.new("md5", ...)`, `MD5.new(...)`, `hashes.Hash(hashes.MD5())`."""
    kinds = {_kind(name) for name in call.names} - {""}
    if call.is_a("hashlib.new", "Crypto.Hash.new", "_hashlib.new"):
        kinds = _algorithms(call.arg(0, "name"))
    elif call.is_a("hashlib.file_digest"):
        kinds = _algorithms(call.arg(1, "digest"))
    elif "Hash" in call.last and any("hazmat.primitives.hashes" in name for name in call.names):
        kinds = _algorithms(call.arg(0, "algorithm"))
    if kinds & (_BROKEN | _FAST | {"crc32"}):
        _judge(call, kinds)


def _judge(call: Call, kinds: set[str]) -> None:
    if getattr(call.frame.function, "name", "") == "__hash__":
        return
    seen = evidence(call.frame, call.node)
    used_for = call.arg(None, "usedforsecurity")
    declared = used_for is not None and used_for.closed and not any(used_for.some)
    outcome = seen.verdict(seen.outputs)
    outcome = outcome if outcome is not None else seen.verdict(seen.near)
    breached = any(
        one & {"pwned", "pwnedpasswords", "breach", "breached", "leaked", "hibp"} for one in seen.outputs + seen.near
    )
    if breached or seen.stretched:
        return
    if seen.password() and not (outcome is False and not kinds & _BROKEN):
        if not call.arg(None, "key"):
            call.report("python-weak-password-hash", _TOO_FAST)
        return
    if not kinds & _BROKEN:
        if "crc32" in kinds and (
            seen.secret() or seen.gate or any(one & (PASSWORDS | SECRETS) for one in seen.outputs)
        ):
            call.report(
                "python-weak-hash", "A checksum stands in for a hash: other inputs with the same one are easy to find."
            )
        return
    strictly = any(one & (PASSWORDS | SECRETS | {"token", "signature", "code"}) for one in seen.outputs + seen.near)
    secret = seen.secret() or _given_code(call)
    if declared:
        harmful = (secret or strictly) and outcome is not False
    elif outcome is not None:
        harmful = outcome or (seen.gate and secret)
    else:
        harmful = seen.gate or secret or not seen.index
    if harmful:
        call.report("python-weak-hash", _WEAK)


def _given_code(call: Call) -> bool:
    """Whether a code that somebody typed in goes in: a PIN by another name."""
    return any(
        one.deep()
        and isinstance(node, ast.expr)
        and {"code", "pin", "answer"} & {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        for one, node in zip(call.args, getattr(call.node, "args", []), strict=False)
    )


def _keyed(call: Call) -> None:
    """MD5 within an HMAC, or given to a signer: RFC 6151 leaves it to old protocols. SHA-1 within an HMAC is sound."""
    if any(name.startswith("hmac.") for name in call.names):
        value = call.arg(2, "digestmod", "digest")
    else:
        value = call.arg(None, "digest_method", "digestmod")
        value = (
            call.arg(1, "algorithm")
            if value is None and any("hazmat.primitives.hmac" in name for name in call.names)
            else value
        )
    if _algorithms(value) & {"md5", "md4"}:
        call.report("python-weak-hash", "MD5 under a signature: take SHA-256.")


def _named_uuid(call: Call) -> None:
    """A UUID made of a name is MD5 or SHA-1 of that name: everybody can make it."""
    if call.is_a("uuid.uuid3", "uuid.uuid5"):
        seen = evidence(call.frame, call.node)
        if any(
            one & {"token", "session", "reset", "password", "csrf", "secret", "apikey", "invitation", "activation"}
            for one in seen.outputs
        ):
            call.report("python-weak-hash", _WEAK)


def _signed(call: Call) -> None:
    """`key.sign(data, padding, hashes.SHA1())`, `ec.ECDSA(hashes.SHA1())`, `builder.sign(key, hashes.MD5())`."""
    loose = any(name.startswith(("rsa.", "OpenSSL.", "ecdsa.")) for name in call.names)
    for value in call.all():
        if (loose and _algorithms(value) & _BROKEN) or any(
            "hazmat.primitives.hashes" in name and _algorithms(Value(names=frozenset([name]))) & _BROKEN
            for name in value.names
        ):
            call.report(
                "python-weak-hash", "A signature is made over a broken hash: one document's signature can fit another."
            )


CHECKS: Checks = table(
    (
        _hashed,
        sorted(
            _BROKEN
            | _FAST
            | _CHECKSUMS
            | {f"openssl_{one}" for one in _BROKEN}
            | {"new", "Hash", "file_digest", "hash", "hash64", "hash128"}
        ),
    ),
    (
        _keyed,
        (
            "new",
            "digest",
            "HMAC",
            "Signer",
            "TimestampSigner",
            "URLSafeSerializer",
            "URLSafeTimedSerializer",
            "Serializer",
            "TimedSerializer",
        ),
    ),
    (_named_uuid, ("uuid3", "uuid5")),
    (_signed, ("sign_deterministic", "sign", "ECDSA", "verify", "Prehashed")),
)
