"""How passwords are stored: schemes that are too weak for them, and too few rounds of the others.

The least numbers of rounds are those of the pages docs/rules/python-weak-key-derivation.md and -password-hasher.md.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from hardgate.dataflow.families import lexical
from hardgate.dataflow.families.common import Checks, table
from hardgate.dataflow.frame import Call
from hardgate.dataflow.values import Value

_PBKDF2, _BCRYPT, _SCRYPT = 100_000, 10, 16_384
_ARGON2 = 7_168  # KiB, OWASP's Password Storage Cheat Sheet: at least 7 MiB
# passlib.readthedocs.io/en/stable/lib/passlib.hash.html: archaic, unsalted, plain text, or a single fast round.
_SCHEMES = frozenset({
    "md5_crypt", "apr_md5_crypt", "sha1_crypt", "sun_md5_crypt", "des_crypt", "bsdi_crypt", "bigcrypt", "crypt16",
    "hex_md4", "hex_md5", "hex_sha1",
    "hex_sha256", "hex_sha512", "ldap_md5", "ldap_sha1", "ldap_salted_md5", "ldap_salted_sha1", "ldap_salted_sha256",
    "ldap_salted_sha512", "ldap_hex_md5", "ldap_hex_sha1",
    "ldap_plaintext", "ldap_des_crypt", "ldap_md5_crypt", "plaintext", "roundup_plaintext", "mysql323", "mysql41",
    "mssql2000", "mssql2005", "oracle10", "oracle11", "lmhash", "nthash",
    "msdcc", "msdcc2", "postgres_md5", "django_salted_sha1", "django_salted_md5", "django_des_crypt",
    "django_disabled", "htdigest", "cisco_pix", "cisco_type7", "cisco_asa", "bsd_nthash",
    "atlassian_pbkdf2_sha1_none", "unix_fallback", "phpass_md5",
}) - {"django_disabled"}  # fmt: skip
# docs.djangoproject.com/en/stable/topics/auth/passwords/: hashers that are fast, and their short names.
_DJANGO = re.compile(r"(Unsalted)?(MD5|SHA1|Crypt)PasswordHasher$")
_DJANGO_SHORT = frozenset({"md5", "unsalted_md5", "sha1", "unsalted_sha1", "crypt"})
_STORED = (
    "Passwords are stored by a scheme that is too fast, or no hash at all: stolen ones can be tried by the billion."
)
_ROUNDS = "Too few rounds: what is derived from a password can be guessed by trying."


def _few(value: Value | None, least: int) -> bool:
    """Whether the number may be below the least that is enough."""
    return value is not None and any(
        isinstance(one, int) and not isinstance(one, bool) and one < least for one in value.some
    )


def _texts(value: Value | None) -> tuple[str, ...]:
    """The names in a list, or the one name: texts, and the last parts of names outside the project."""
    if value is None:
        return ()
    items = [one for _, one in value.items] if value.items is not None else [value]
    return tuple(
        text
        for one in items
        for text in (*one.texts, *(name.removesuffix("()").rpartition(".")[2] for name in sorted(one.names)))
    )


def _passlib(call: Call) -> None:
    """`passlib.hash.md5_crypt.hash(secret)`; `verify` counts when nothing stronger is there to move to."""
    for name in call.names:
        parts = name.replace("()", "").split(".")
        if parts[0] != "passlib" or not _SCHEMES & set(parts):
            continue
        if call.last & {"verify"} and _moves(call):
            return
        call.report("python-weak-password-hash", _STORED)


def _moves(call: Call) -> bool:
    """Whether the function also makes a hash by something else: an old record on its way to a new scheme."""
    scope = lexical.scope_of(call.frame, call.node)
    return any(
        isinstance(one, ast.Call)
        and lexical.last_name(one.func)
        in {"hash", "hashpw", "generate_password_hash", "make_password", "set_password", "encrypt"}
        for one in ast.walk(scope)
    )


def _context(call: Call) -> None:
    """`CryptContext(schemes=["md5_crypt", ...])`: new passwords get the default, which is the first."""
    schemes, default = _texts(call.arg(0, "schemes")), _texts(call.arg(None, "default"))
    deprecated = _texts(call.arg(None, "deprecated"))
    first = default[:1] or tuple(one for one in schemes if one not in deprecated)[:1]
    if any(one in _SCHEMES for one in first):
        call.report("python-weak-password-hasher", _STORED)
    _options(call, call.kwargs)


def _from_text(call: Call) -> None:
    """`CryptContext.from_string("[passlib]\\nschemes = md5_crypt")`."""
    for text in _texts(call.arg(0)):
        match = re.search(r"(?m)^\s*(?:default|schemes)\s*=\s*(\w+)", text)
        if match and match[1] in _SCHEMES:
            call.report("python-weak-password-hasher", _STORED)


def _options(call: Call, given: dict[str, Value]) -> None:
    """passlib's `bcrypt__rounds=4`, `pbkdf2_sha256__default_rounds=1000`."""
    for key, value in given.items():
        scheme, _, option = key.partition("__")
        if option in {"rounds", "default_rounds", "min_rounds"} and option != "min_rounds":
            _scheme_rounds(call, scheme, value)


def _scheme_rounds(call: Call, scheme: str, value: Value | None) -> None:
    least = (
        _BCRYPT
        if "bcrypt" in scheme
        else _PBKDF2
        if re.search(r"pbkdf2|sha\d+_crypt", scheme)
        else 14
        if scheme == "scrypt"
        else 0
    )
    if _few(value, least):
        call.report("python-weak-key-derivation", _ROUNDS)


def _rounds(call: Call) -> None:
    """`passlib.hash.bcrypt.using(rounds=4)`."""
    for name in call.names:
        if name.startswith("passlib."):
            for part in name.replace("()", "").split(".")[2:-1]:
                _scheme_rounds(call, part, call.arg(None, "rounds", "default_rounds"))


def _pbkdf2(call: Call) -> None:
    if call.is_a("hashlib.pbkdf2_hmac") or "PBKDF2HMAC" in call.last:
        rounds = call.arg(3, "iterations")
    elif any(name.startswith(("Crypto.", "Cryptodome.")) for name in call.names):
        rounds = call.arg(3, "count")
        if rounds is None and call.spread is None and call.star is None:
            call.report(
                "python-weak-key-derivation", _ROUNDS + " PBKDF2 of PyCryptodome makes 1000 when it is not told."
            )
    elif call.is_a(
        "django.utils.crypto.pbkdf2",
        "backports.pbkdf2.pbkdf2_hmac",
        "pbkdf2.PBKDF2",
        "werkzeug.security.pbkdf2_hex",
        "werkzeug.security.pbkdf2_bin",
    ):
        rounds = call.arg(2, "iterations")
    else:
        return
    if _few(rounds, _PBKDF2):
        call.report("python-weak-key-derivation", _ROUNDS)


def _bcrypt(call: Call) -> None:
    if call.is_a("bcrypt.gensalt"):
        rounds = call.arg(0, "rounds", "log_rounds")
    elif "generate_password_hash" in call.last and any("bcrypt" in name.lower() for name in call.names):
        rounds = call.arg(1, "rounds")
    else:
        return
    if _few(rounds, _BCRYPT):
        call.report("python-weak-key-derivation", _ROUNDS)


def _scrypt(call: Call) -> None:
    if any(
        name.startswith(("hashlib.", "Crypto.", "Cryptodome.", "cryptography.", "scrypt.", "pyscrypt."))
        for name in call.names
    ):
        crypto = any(name.startswith("Crypto") for name in call.names)
        if _few(call.arg(3 if crypto else 2 if "Scrypt" in call.last else 9, "n", "N"), _SCRYPT):
            call.report("python-weak-key-derivation", _ROUNDS)


def _argon2(call: Call) -> None:
    if any(name.startswith("argon2.") for name in call.names) and _few(call.arg(1, "memory_cost"), _ARGON2):
        call.report("python-weak-key-derivation", "Too little memory: what Argon2 derives can be guessed by trying.")


def _werkzeug(call: Call) -> None:
    """`generate_password_hash(password, method="pbkdf2:sha1:1")`, and "plain" or a bare hash of old releases."""
    if any("bcrypt" in name.lower() for name in call.names):
        return
    for text in _texts(call.arg(1, "method")):
        method, _, rest = text.partition(":")
        numbers = [int(one) for one in re.findall(r"(?<!\w)\d+", rest)]
        if method in {"plain", "md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha"}:
            call.report("python-weak-password-hash", _STORED)
        elif numbers and numbers[0] < (_SCRYPT if method == "scrypt" else _PBKDF2):
            call.report("python-weak-key-derivation", _ROUNDS)


def _make_password(call: Call) -> None:
    hasher = call.arg(2, "hasher")
    names = _texts(hasher)
    if any(one in _DJANGO_SHORT or _DJANGO.search(one) for one in names):
        call.report("python-weak-password-hash", _STORED)


def _django_hasher(call: Call) -> None:
    """`MD5PasswordHasher().encode(password, salt)`."""
    if any("hashers." in name and _DJANGO.search(name.split("()")[0]) for name in call.names):
        call.report("python-weak-password-hash", _STORED)


def _crypt(call: Call) -> None:
    if not call.is_a("crypt.crypt", "crypt.mksalt"):
        return
    chosen = call.arg(0 if "mksalt" in call.last else 1, "salt", "method")
    if chosen is None:
        return
    weak = any(name.endswith(("METHOD_CRYPT", "METHOD_MD5")) for name in chosen.names)
    if weak or any(text.startswith("$1$") or (len(text) == 2 and "$" not in text) for text in chosen.texts):  # noqa: PLR2004 (a number of parts)
        call.report("python-weak-password-hash", _STORED)


def _setting(call: Call, key: str, value: Value) -> None:
    """A setting of Django, Flask-Security or Flask-Bcrypt, by its name."""
    if (
        (key == "PASSWORD_HASHERS" and any(_DJANGO.search(one) for one in _texts(value)[:1]))
        or (key in {"SECURITY_PASSWORD_HASH", "USER_PASSWORD_HASH"} and any(one in _SCHEMES for one in _texts(value)))
        or (key == "SECURITY_PASSWORD_SCHEMES" and any(one in _SCHEMES for one in _texts(value)[:1]))
    ):
        call.report("python-weak-password-hasher", _STORED)
    elif key in {"BCRYPT_LOG_ROUNDS", "BCRYPT_ROUNDS"} and _few(value, _BCRYPT):
        call.report("python-weak-key-derivation", _ROUNDS)


def _assigned(call: Call) -> None:
    """`PASSWORD_HASHERS = [...]`, `app.config["BCRYPT_LOG_ROUNDS"] = 4`, and `iterations` of a hasher of one's own."""
    key, value = call.args
    for text in key.texts:
        _setting(call, text, value)
        inside = call.frame.inside
        if text in {"iterations", "rounds", "work_factor"} and inside is not None and call.frame.function is None:
            bases = " ".join(inside.outside())
            least = (
                _PBKDF2 if "PBKDF2" in bases else _BCRYPT if "BCrypt" in bases else _SCRYPT if "Scrypt" in bases else 0
            )
            if _few(value, least):
                call.report("python-weak-key-derivation", _ROUNDS)


def _configured(call: Call) -> None:
    """`app.config.update(SECURITY_PASSWORD_HASH="hex_md5")`, `settings.configure(PASSWORD_HASHERS=[...])`."""
    given: Iterable[tuple[object, Value]] = [
        *call.kwargs.items(),
        *(pair for one in call.args for pair in one.items or ()),
    ]
    for key, value in given:
        if isinstance(key, str) and key.isupper():
            _setting(call, key, value)


CHECKS: Checks = table(
    (_passlib, ("hash", "encrypt", "verify", "genhash", "identify_and_hash")),
    (_rounds, ("using", "hash", "encrypt")),
    (_context, ("CryptContext", "LazyCryptContext")),
    (_from_text, ("from_string",)),
    (_pbkdf2, ("pbkdf2_hmac", "PBKDF2HMAC", "PBKDF2", "pbkdf2", "pbkdf2_hex", "pbkdf2_bin")),
    (_bcrypt, ("gensalt", "generate_password_hash")),
    (_scrypt, ("scrypt", "Scrypt", "hash")),
    (_argon2, ("PasswordHasher", "hash_password", "Argon2id")),
    (_werkzeug, ("generate_password_hash",)),
    (_make_password, ("make_password",)),
    (_django_hasher, ("encode",)),
    (_crypt, ("crypt", "mksalt")),
    (_assigned, ("=name", "=[]")),
    (_configured, ("update", "from_mapping", "configure", "override_settings")),
)
