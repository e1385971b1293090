"""Weak encryption: broken ciphers, ECB, keys that are too short, ciphers of one's own."""

from __future__ import annotations

import ast
import re

from hardgate.dataflow.families import lexical
from hardgate.dataflow.families.common import Checks, table
from hardgate.dataflow.families.lexical import last_name, words
from hardgate.dataflow.frame import Call, Frame

# pycryptodome.readthedocs.io/en/latest/src/cipher/classic.html, cryptography.io/en/latest/hazmat/decrepit/ciphers/
_BROKEN = frozenset({
    "DES", "DES3", "ARC2", "ARC4", "Blowfish", "CAST", "XOR", "IDEA", "RC2", "RC4", "TripleDES", "CAST5", "CAST128",
    "SEED", "RC5",
})  # fmt: skip
_PACKAGES = ("Crypto.", "Cryptodome.", "cryptography.")
_LOOSE = re.compile(  # pyDes, arc4, oscrypto.symmetric, and the like
    r"(pyDes\.(des|triple_des)|arc4\.ARC4|rc4\.\w+|des\.(DesKey|des)|blowfish\.Cipher|xtea\.new|oscrypto\.symmetric\.(rc[24]|des|tripledes)_\w*encrypt)"
)
_NAMED = re.compile(
    r"(?i)^(des|3des|des3|rc2|rc4|arc4|bf|cast5?|blowfish|idea|seed)([-_](ede3?|40|64|128))*([-_](cbc|ecb|cfb\d*|ofb|pkcs\d))*$"
)
_WEAK = "A broken cipher, or one with blocks of 64 bits: what it encrypts can be read without the key."


def _broken(call: Call) -> None:
    for name in call.names:
        parts = name.split(".")
        made = parts[-1] == "new" and "Cipher" in parts and parts[-2] in _BROKEN
        if (
            name.startswith(_PACKAGES) and (made or ("algorithms" in parts and parts[-1] in _BROKEN))
        ) or _LOOSE.fullmatch(name):
            call.report("python-weak-cipher", _WEAK)


def _by_name(call: Call) -> None:
    """`EVP.Cipher("des_ede3_cbc", ...)` of M2Crypto and others that take a cipher's name."""
    if any(
        _NAMED.match(text)
        for one in (call.arg(0, "alg", "algorithm", "cipher", "name"),)
        if one is not None
        for text in one.texts
    ):
        call.report("python-weak-cipher", _WEAK)


def _by_keyword(call: Call) -> None:
    """`gpg.encrypt(text, None, symmetric="CAST5")`, `jwe.encrypt(text, key, algorithm="RSA1_5")`."""
    for keyword in ("symmetric", "cipher_algo", "algorithm"):
        value = call.kwargs.get(keyword)
        if value is not None and any(_NAMED.match(text) or text == "RSA1_5" for text in value.texts):
            call.report("python-weak-cipher", _WEAK)


def _padding(call: Call) -> None:
    """RSA encryption with the padding of PKCS #1 v1.5 lets an attacker who sees errors decrypt (Bleichenbacher)."""
    old = call.is_a("Crypto.Cipher.PKCS1_v1_5.new", "Cryptodome.Cipher.PKCS1_v1_5.new")
    value = call.arg(1, "padding")
    if old or (
        call.last & {"encrypt"} and value is not None and any("padding.PKCS1v15" in name for name in value.names)
    ):
        call.report(
            "python-weak-cipher", "RSA encryption with an old padding: its errors tell an attacker the text. Take OAEP."
        )


def _ecb(call: Call) -> None:
    mode = call.arg(1, "mode")
    ours = any(name.startswith(_PACKAGES) for name in call.names) or any(
        name.startswith(_PACKAGES) for one in (call.receiver, mode) if one is not None for name in one.names
    )
    if not ours or "MODE_ECB" in call.last:
        return
    cipher = any(".Cipher." in name and name.endswith(".new") for name in call.names)
    if mode is not None and (
        any(name.removesuffix("()").endswith((".MODE_ECB", "modes.ECB")) for name in mode.names)
        or (
            cipher
            and mode.known
            and mode.const == 1
            and call.is_a("Crypto.Cipher.AES.new", "Cryptodome.Cipher.AES.new")
        )
    ):
        call.report("python-ecb-mode", "ECB: equal blocks become equal blocks, and what repeats in the text shows.")
    elif (
        call.is_a("Crypto.Cipher.AES.new")
        and len(call.args) == 1
        and not call.kwargs
        and not call.star
        and not call.spread
    ):
        call.report("python-ecb-mode", "Without a mode this is ECB: equal blocks become equal blocks.")


def _ecb_alone(call: Call) -> None:
    if any(name.startswith(("pyaes.", "oscrypto.", "aes.", "Crypto.")) for name in call.names) or call.last & {
        "AESModeOfOperationECB"
    }:
        call.report("python-ecb-mode", "ECB: equal blocks become equal blocks, and what repeats in the text shows.")


_LEAST = 2048  # bits, NIST SP 800-131A
_CURVE_BITS = re.compile(r"(?i)(?:secp|sect|prime|p-?|nistp?|brainpoolp)(\d{3})")
_LEAST_CURVE = 224


def _short(call: Call) -> None:
    """RSA, DSA and Diffie-Hellman keys, by the number of bits, wherever the library takes it."""
    name = " ".join(call.names)
    kind = call.arg(0, "kty", "key_type", "alg_name", "alg")
    if re.search(r"ECDSA|ECC|Ed25519|ECKey|OctKey|OKPKey", name) or (
        kind is not None and kind.texts and not any(re.search(r"(?i)rsa|dsa|dss", text) for text in kind.texts)
    ):
        return
    if "generate_private_key" in call.last and ".rsa." in name:
        bits = call.arg(1, "key_size")
    elif re.search(r"OpenSSL\.crypto|crypto\.PKey\(\)|KeyPair|generate_parameters|JsonWebKey|asyncssh|jwk\.JWK", name):
        bits = call.arg(1, "key_size", "bits", "size")
    elif call.last & {"newkeys"} or re.search(
        r"PublicKey\.|\.dsa\.|\.dh\.|paramiko\.|jose|authlib|^M2Crypto|RSA\.gen_key|oscrypto", name
    ):
        bits = call.arg(0, "bits", "key_size", "size", "nbits", "key_size_or_curve", "options")
    else:
        return
    if (
        bits is not None
        and any(isinstance(one, int) and 0 < one < _LEAST for one in bits.some if not isinstance(one, bool))
        and "ECC" not in name
    ):
        call.report("python-short-key", "The key is too short: those with means can find it.")


def _curve(call: Call) -> None:
    for value in (call.arg(0, "curve"),):
        if value is None:
            continue
        found = [*value.texts, *(name.removesuffix("()").rpartition(".")[2] for name in value.names)]
        for one in found:
            match = _CURVE_BITS.match(one)
            if match and int(match[1]) < _LEAST_CURVE:
                call.report("python-short-key", "The curve is too small: those with means can find the key.")


def _exclusive(call: Call) -> None:
    """`bytes(a ^ b for a, b in zip(text, cycle(key)))`, `out.append(c ^ key[i % len(key)])`: no cipher at all."""
    node = call.node
    if not isinstance(node, ast.Call) or not node.args:
        return
    for one in ast.walk(node.args[0]):
        if isinstance(one, ast.BinOp) and isinstance(one.op, ast.BitXor):
            text = ast.unparse(node.args[0])
            if re.search(r"\bcycle\(|% ?len\(", text) or _repeated(call.frame, one):
                call.report(
                    "python-weak-cipher",
                    "Exclusive or with a repeated key is no encryption: known text gives the key away.",
                )
                return


def _repeated(frame: Frame, node: ast.BinOp) -> bool:
    """One operand is a constant or a key of one byte, or comes out of a repeated key."""
    texts = [
        ast.unparse(one)
        for side in (node.left, node.right)
        if isinstance(side, ast.Name)
        for one in lexical.resolved(frame, side)
    ]
    return any(re.search(r"\bcycle\(|% ?len\(", one) for one in texts)


def _rotated(call: Call) -> None:
    coding = call.arg(1, "encoding")
    scope = lexical.scope_of(call.frame, call.node)
    about = words(getattr(scope, "name", ""))
    if (
        coding is not None
        and any(text.replace("_", "").replace("-", "") == "rot13" for text in coding.texts)
        and about
        & {
            "encrypt",
            "seal",
            "protect",
            "hide",
            "secret",
            "cipher",
            "token",
            "password",
            "obfuscate",
            "scramble",
            "store",
        }
    ):
        call.report("python-weak-cipher", "A rotation of letters is no encryption: everyone can undo it.")


_ENCRYPTING = frozenset(
    {"encrypt", "encipher", "cipher", "seal", "protect", "scramble", "conceal", "encrypted", "obscure"}
)


def _disguised(call: Call) -> None:
    """Base64, or letters moved by a number, in a function that says that it encrypts."""
    scope = lexical.scope_of(call.frame, call.node)
    if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef) or not words(scope.name) & _ENCRYPTING:
        return
    called = {last_name(one.func) for one in ast.walk(scope) if isinstance(one, ast.Call)}
    if called - _REWRITING:
        return
    shifted = any(
        isinstance(one, ast.BinOp) and isinstance(one.op, ast.Add | ast.Sub) and "ord(" in ast.unparse(one)
        for one in ast.walk(scope)
    )
    if call.last & {"b64encode", "urlsafe_b64encode", "b32encode", "hexlify", "b85encode", "a85encode"} or (
        call.last & {"chr"} and shifted
    ):
        call.report("python-weak-cipher", "This is no encryption: everyone can undo it.")


_REWRITING = frozenset({
    "encode", "decode", "b64encode", "urlsafe_b64encode", "b32encode", "hexlify", "b85encode", "a85encode", "str",
    "bytes", "chr", "ord", "join", "reversed",
    "len", "range", "dumps", "enumerate", "list", "strip", "rstrip", "append", "isalpha", "isupper", "islower",
    "upper", "lower", "translate", "maketrans",
})  # fmt: skip


CHECKS: Checks = table(
    (
        _broken,
        (
            "new",
            *sorted(_BROKEN),
            "des",
            "triple_des",
            "DesKey",
            "Cipher",
            "rc4_encrypt",
            "des_cbc_pkcs5_encrypt",
            "tripledes_cbc_pkcs5_encrypt",
            "rc2_cbc_pkcs5_encrypt",
            "rc4",
            "encrypt",
        ),
    ),
    (_by_name, ("Cipher", "get_cipherbyname", "EVP_get_cipherbyname")),
    (_by_keyword, ("encrypt", "encrypt_file", "serialize_compact")),
    (_padding, ("new", "encrypt")),
    (_ecb, ("new", "Cipher")),
    (_ecb_alone, ("AESModeOfOperationECB", "aes_ecb_pkcs7_encrypt")),
    (
        _short,
        (
            "generate_private_key",
            "generate",
            "newkeys",
            "generate_key",
            "generate_parameters",
            "gen_key",
            "generate_pair",
        ),
    ),
    (_curve, ("generate_private_key", "generate", "derive_private_key")),
    (_exclusive, ("bytes", "bytearray", "join", "append")),
    (_rotated, ("encode",)),
    (_disguised, ("b64encode", "urlsafe_b64encode", "b32encode", "hexlify", "b85encode", "a85encode", "chr")),
)
