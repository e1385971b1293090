"""Whether a text that stands in the code is a secret, by its name and by what it looks like.

The names of settings are those of the documentations of Flask, Django, Starlette, SQLAlchemy, boto3 and others.
"""

from __future__ import annotations

import functools
import re

from hardgate.dataflow.families import naming
from hardgate.dataflow.values import HOLE, Const

KEY, PASSWORD, TOKEN = "key", "password", "token"
_PASSWORDS = frozenset({
    "password", "passwd", "passphrase", "pwd", "passcode", "pass", "pw", "passw", "pswd", "passkey", "userpass", "psw"
})  # fmt: skip
_KEYS = frozenset({"secret", "pepper", "secretkey", "privkey", "jwtsecret", "signkey", "masterkey"})
_TOKENS = frozenset({
    "token", "apikey", "credential", "bearer", "authorization", "pat", "apitoken", "authtoken", "accesstoken"
})  # fmt: skip
# What may stand before "key" in the name of a key that signs or encrypts, and in the name of one that opens a service.
_BEFORE_KEY = frozenset({
    "secret", "signing", "sign", "signature", "jwt", "encryption", "enc", "dec", "encrypt", "crypto", "cipher",
    "aes", "des", "hmac", "fernet",
    "cookie", "master", "private", "session", "token", "symmetric", "archive", "data", "shared", "csrf", "webhook",
    "salt", "rsa",
    "vault", "wrapping", "kek", "dek", "license", "app", "auth", "rc4", "blowfish", "decryption", "decrypt",
    "sealing", "seal", "hash", "mac", "root", "backup", "file", "storage", "flask", "django",
})  # fmt: skip
_SIGNING = frozenset({
    "secret", "signing", "sign", "jwt", "encryption", "fernet", "hmac", "private", "master", "aes", "cipher",
    "crypto", "cookie"
})  # fmt: skip
_BEFORE_TOKEN_KEY = frozenset({
    "api", "access", "account", "service", "subscription", "client", "admin", "stripe", "aws", "azure", "google",
    "openai", "maps",
    "sendgrid", "mailgun", "twilio", "integration", "deploy", "partner", "sdk", "write", "storage",
})  # fmt: skip
# Words at the end that make it the name of something about a secret.
_ABOUT = frozenset({
    "field", "fields", "label", "hint", "pattern", "regex", "regexp", "re", "url", "uri", "template", "hash",
    "hashed", "hashes", "file", "path",
    "name", "length", "len", "min", "max", "policy", "help", "text", "message", "messages", "error", "errors",
    "prompt", "header", "headers", "param", "parameter", "arg",
    "env", "var", "variable", "type", "reset", "changed", "view", "validators", "validator", "hashers", "hasher",
    "alias", "arn", "id", "prefix", "suffix", "scheme",
    "algorithm", "alg", "algo", "format", "expiry", "expires", "ttl", "lifetime", "age", "title", "description",
    "placeholder", "page", "form", "input", "column",
    "attr", "attribute", "class", "cls", "location", "ref", "reference", "provider", "backend", "manager",
    "endpoint", "host", "port", "user", "username", "email",
    "method", "mode", "strength", "score", "required", "enabled", "size", "bits", "version", "kind", "status",
    "count", "dir", "folder", "filename", "widget", "context",
    "chars", "alphabet", "charset", "characters", "role", "scope", "audience", "issuer", "log", "event", "action",
    "subject", "body", "instructions", "selector", "xpath",
    "css", "icon", "docs", "doc", "link", "route", "flow", "grant", "lookup", "question", "rules", "rule",
    "requirements", "note", "notice", "warning", "key_name", "store", "public", "suffixes", "separator",
})  # fmt: skip
_PUBLIC = frozenset({
    "public", "pub", "cache", "sort", "primary", "foreign", "partition", "routing", "dict", "index", "lookup",
    "idempotency", "site", "translation", "message", "storage_name"
})  # fmt: skip
_NO_WORDS = frozenset({
    "no", "not", "invalid", "missing", "wrong", "bad", "forgot", "show", "hide", "has", "is", "use", "min", "max",
    "require", "allow", "verify", "expired", "confirm_text"
})  # fmt: skip


# Words at the end that change nothing of what the rest of the name says.
_EMPTY = frozenset({
    "default", "value", "str", "string", "bytes", "raw", "old", "new", "current", "previous",
    "prod", "production", "live", "dev", "primary", "secondary", "fallback", "plain", "text", "plaintext",
})  # fmt: skip


@functools.lru_cache(maxsize=8192)
def kind_of(name: str) -> str:  # noqa: PLR0911 - one line for each kind of name
    """What a value of this name is: "key", "password", "token"; "" when the name does not say that it is a secret."""
    parts = [one for one in naming.words(name) if not one.isdigit()]
    while len(parts) > 1 and parts[-1] in _EMPTY:
        parts.pop()
    if not parts or parts[0] in _NO_WORDS or parts[-1] in _ABOUT:
        return ""
    last = naming.singular(parts[-1])
    if last in _PASSWORDS and (last != "pass" or len(parts) > 1):
        return PASSWORD
    if last in _KEYS:
        return "" if {"password", "db"} & set(parts[:-1]) and last == "secret" and len(parts) > 2 else KEY  # noqa: PLR2004 (a number of parts)
    if last == "key":
        before, nearest = set(parts[:-1]), parts[-2] if len(parts) > 1 else ""
        if before & _PUBLIC or (len(parts) > 2 and parts[-2] == "token" and "session" in before):  # noqa: PLR2004 (a number of parts)
            return ""
        return (
            KEY
            if nearest in _BEFORE_KEY and not {"access", "api"} & before
            else TOKEN
            if nearest in _BEFORE_TOKEN_KEY
            else ""
        )
    if last == "salt" and {"security", "password"} & set(parts):
        return KEY
    return TOKEN if last in _TOKENS else ""


@functools.lru_cache(maxsize=8192)
def is_group(name: str) -> str:
    """The kind of the values in a table of this name: `USERS`, `API_KEYS`, `CREDENTIALS`; "" for any other."""
    parts = naming.words(name)
    if not parts or (not naming.is_plural(name) and parts[-1] not in {"auth"}):
        return ""
    last = naming.singular(parts[-1])
    if last in {"user", "account", "login", "credential", "admin", "operator", "auth", "member"}:
        return "users"
    return kind_of(name)


# Blanks for a person or a program to fill in, and what stands for nothing.
_BLANK = re.compile(
    r"(?i)\s*$|[<\[{(].*[>\]})]$|.*(\$\{|\$\(|\{\{|\{\w*\}|%\(\w+\)s|%s|<[\w -]+>)|[*.x#•_?-]+$"
    r"|\$[A-Z_]+$|(none|null|true|false|redacted|masked|hidden|removed|unset|undefined|n/a|todo|tbd"
    r"|on|off|yes|no|empty|required|optional|not[-_ ]set|unused|disabled|dummy|ignored|(string|str"
    r"|text|boolean|bool|integer|int|number|object|array|bytes|binary|any|char|varchar|file|float"
    r"|secretstr|hidden|password_?input)[?!]?|to[-_ ]be[-_ ](set|filled|replaced))$|your[-_ ].*"
    r"|.*[-_ ]here$|replace[-_ ].*|insert[-_ ].*|enter[-_ ].*|example$"
)
_PUBLISHED = re.compile(
    r"-----BEGIN (PUBLIC KEY|RSA PUBLIC|CERTIFICATE|SSH2 PUBLIC|PGP PUBLIC)|ssh-(rsa|ed25519) "
    r"|ecdsa-sha2"
)
PRIVATE = re.compile(r"-----BEGIN ((RSA|EC|DSA|OPENSSH|ENCRYPTED) )?PRIVATE KEY( BLOCK)?-----\s+[\w+/=\s]{16,}")
# Forms that services document for their tokens; the same whatever the variable is called.
ISSUED = re.compile(
    r"\b(?:(?:AKIA|ASIA)(?!IOSFODNN7EXAMPLE)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{30,}"
    r"|github_pat_\w{40,}|glpat-[\w-]{18,}|xox[abprs]-[\w-]{10,}|sk_(?:live|test)_[A-Za-z0-9]{10,}"
    r"|rk_live_[A-Za-z0-9]{10,}"
    r"|AIza[\w-]{35}|SG\.[\w-]{16,}\.[\w-]{16,}|sk-(?:proj-|ant-)?[A-Za-z0-9_-]{32,}"
    r"|npm_[A-Za-z0-9]{36}|pypi-AgE[\w-]{20,}|hf_[A-Za-z]{30,}|dop_v1_[0-9a-f]{64}"
    r"|shpat_[0-9a-f]{32}|key-[0-9a-f]{32})"
)
_ADDRESS = re.compile(r"(?i)([a-z][a-z0-9+.-]{1,30}://|/|\./|~/|[a-z]:\\)\S*$")
_PATH = re.compile(
    r"[a-z][a-z0-9_.-]*(/[a-z][a-z0-9_.-]*){2,}/?$|[\w-]+(/[\w-]+)*\.(html?|txt|json|ya?ml|key|pem"
    r"|py|jinja2?|env|ini)$|alias/|arn:|projects/|secret/|vault:|ssm:|op://|file:|env:"
)
_HASHED = re.compile(
    r"\$(2[abxy]|argon2|5|6|y|scrypt|pbkdf2|7)|(pbkdf2|scrypt|bcrypt|argon2|sha1|sha256|md5"
    r"|pbkdf2_sha256|bcrypt_sha256)[:$_]|!$"
)
_TECHNICAL = re.compile(r"(?i)(oauth|sha|hs|rs|es|ps|v|md|utf-?|base|s|ec|argon|x|pbkdf|rfc|h|http|ipv|aes|ed)-?\d+")
_NAME = re.compile(
    r"(?i)(pass(word|wd|phrase|code)?|pwd|secret|token|key|credentials?|auth|authorization|csrf"
    r"|bearer|basic|api|session|user|login)$"
)
_ORDINARY = frozenset({
    "password", "secret", "token", "key", "access", "refresh", "api", "auth", "csrf", "new", "old", "current",
    "confirm", "id", "user", "field", "name", "form", "reset", "client", "x", "header", "bearer", "hash", "oauth",
    "my", "the", "string", "str", "text", "type", "basic", "value"
})  # fmt: skip


def plain(value: Const) -> str:
    """The constant as a text; "" for what is none."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""


def is_filled(text: str) -> bool:
    """Whether the text is one that could open something: no blank, no public key, not the hash of a password."""
    return (
        bool(text)
        and HOLE not in text
        and not _BLANK.match(text)
        and not _PUBLISHED.match(text)
        and not _HASHED.match(text)
    )


_LABEL = re.compile(r"_[a-z]+(_[a-z]+)*")  # the name of an item of one's own: "_messages"


@functools.lru_cache(maxsize=8192)
def is_secret(  # noqa: PLR0911 - one line for each kind of text
    kind: str, name: str, text: str, *, binary: bool = False
) -> bool:
    """Whether a text written under a name of this kind is a secret and not a label, a name, an address or a message."""
    if binary and kind == KEY:
        return len(text) >= 8 and not _PUBLISHED.match(text)  # noqa: PLR2004 - 64 bits
    if not is_filled(text) or len(text) > 4000 or _LABEL.fullmatch(text):  # noqa: PLR2004 - a whole file
        return False
    if ISSUED.search(text) or PRIVATE.search(text):
        return True
    body = re.sub(r"(?i)^(bearer|basic|token|apikey)\s+", "", text)
    if len(body) < 4 or _ADDRESS.match(body) or _PATH.match(body):  # noqa: PLR2004 (a number of parts)
        return kind == KEY and len(body) == 3 and _is_signing(name)  # noqa: PLR2004 - "dev"
    if re.search(r"\s", body):
        return kind == KEY and _is_signing(name) and not re.search(r"[.?!:]\s*$", body)
    if kind == KEY:
        return binary or _is_signing(name) or not _names_something(name, body)
    if kind == PASSWORD:
        return not _names_something(name, body)
    return len(body) >= 8 and _mixed(body) and not _names_something(name, body)  # noqa: PLR2004 (a number of parts)


# Catalogues that everybody may look up, as https://cwe.mitre.org and https://www.checkov.io/5.Policy%20Index/all.html.
_CATALOGUED = re.compile(r"(?:CWE|CVE|CAPEC|CKV\d?|AVD|RFC)(?:[-_][A-Z]{2,12}){0,2}[-_]\d{1,5}(?:-\d{1,7})?")
_NUMBERED = re.compile(r"(([A-Z]{1,3})(?:[-_][A-Z]{1,5})*[-_]|[A-Z]{1,3})\d{1,5}")  # "SEC-LOG-7", "B105"
_WORDS = re.compile(r"[A-Za-z]+(?:[ _.-][A-Za-z]+)*")


def is_worded(text: str) -> bool:
    """Whether the text is letters only, in one word or several: chosen by people, not drawn."""
    return _WORDS.fullmatch(text) is not None


def is_vocabulary(texts: tuple[str, ...]) -> bool:
    """Whether a list under a name for secrets tells what secrets are called, or has the numbers of rules about them.

    A password may be a plain word too. So of a list of words half, and two at least, must name a secret ("password",
    "otp"), and no word may have a digit or a special character.
    """
    if all(map(is_worded, texts)):
        naming_one = sum(naming.is_secret(one) or bool(kind_of(one)) for one in texts)
        return naming_one > 1 and 2 * naming_one >= len(texts)
    return bool(texts) and (all(map(_CATALOGUED.fullmatch, texts)) or _are_numbered(texts))


def _are_numbered(texts: tuple[str, ...]) -> bool:
    """`B105`, `B106`; `SEC-101`, `SEC-LOG-7`: one series, whose letters name no secret (`KEY-1001` does)."""
    found = [_NUMBERED.fullmatch(one) for one in texts]
    starts = {one[2] or one[1] for one in found if one is not None}
    said = {word for one in texts for word in naming.words(one)}
    return (
        None not in found
        and len(texts) > 1
        and len(starts) == 1
        and said.isdisjoint(_ORDINARY | _PASSWORDS | naming.SECRETS)
    )


def _is_signing(name: str) -> bool:
    """`SECRET_KEY`, `JWT_SECRET` and the like, whose value is a secret whatever it looks like."""
    parts = [one for one in naming.words(name) if one not in {"default", "dev", "prod"} and not one.isdigit()]
    return len(parts) > 1 and (
        (parts[-1] == "key" and parts[-2] in _SIGNING)
        or (
            parts[-1] == "secret"
            and parts[-2] in {"jwt", "app", "session", "cookie", "signing", "hmac", "token", "webhook", "flask", "csrf"}
        )
    )


def _names_something(name: str, text: str) -> bool:
    """A word such as "password", "csrf_token", "X-Api-Key": the name of a field, a header, a variable."""
    if re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+", text) and not re.search(r"\d.*\d", text):
        return True  # the name of a variable of the environment
    bare = _TECHNICAL.sub("", text)
    if re.search(r"\d", bare) or re.search(r"[^\w\s:/.-]", bare):
        return False
    parts = [one for one in naming.words(bare) if not one.isdigit()]
    if not parts or set(parts) <= _ORDINARY | set(naming.words(name)):
        return True
    return any(_NAME.match(one) for one in parts) and not re.search(r"[a-z][A-Z][a-z]+[A-Z]", text)


def _mixed(text: str) -> bool:
    """Letters and digits, or many words: a token is drawn, and does not read like a label."""
    bare = _TECHNICAL.sub("", text)
    if re.search(r"\d", bare) and re.search(r"[A-Za-z]", bare):
        return True
    return bool(re.search(r"[^\w\s:/.-]", bare)) or len(re.findall(r"[-_.]", bare)) >= 2 or len(bare) >= 24  # noqa: PLR2004 (a number of parts)


_LOGIN = re.compile(
    r"(?i)[a-z][a-z0-9+.-]{2,30}://[^\s:/@\"'{}<$%]{0,60}:(?!\w*pass(word|wd)?@|secret@|pw@|pwd@|\*+@|x+@|\.+@|//)"
    r"([^\s/@\"'{}<$%\0]{3,80})@(?!example\.(com|org|net)\b|localhost|127\.0\.0\.1|\[::1\]|host"
    r"\b|hostname|server\b|proxy\b)[\w.\[\0-]+"
)
_FIELDS = re.compile(r"(?i)(?:^|[;\s])(?:password|pwd|passwd)\s*=\s*'?([^\s;'\0{}<$%*]{4,80})")


def holds_login(text: str) -> bool:
    """Whether an address or a connection string has a password in it; HOLE may stand for the host."""
    if "://" in text and "@" in text:
        found = _LOGIN.search(text)
        return found is not None and not _BLANK.match(found[2])
    if "=" in text and re.search(
        r"(?i)\b(host|server|dbname|database|data source|uid|user id|user|driver|accountname)\s*=", text
    ):
        found = _FIELDS.search(text)
        return found is not None and not _BLANK.match(found[1])
    return "AccountKey=" in text and re.search(r"AccountKey=[\w+/=]{20,}", text) is not None


# White space, less than six characters, an e-mail address, a date or number, a UUID.
_NO_PASSWORD = re.compile(r"\s|^.{0,5}$|.@.*\.|^[\d:TZ.-]+$|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


def looks_drawn(text: str) -> bool:
    """Whether a text among users or members looks like a password: not an address, a number, a name or a role."""
    if not is_filled(text) or _NO_PASSWORD.search(text) or _ADDRESS.match(text) or _PATH.match(text):
        return False
    letters_and_digits = re.search(r"\d", text) and re.search(r"[A-Za-z]", text)
    varied = re.search(r"[^\w.-]|[a-z].*[A-Z]|[A-Z].*[a-z]|.{8}", text)
    return bool(letters_and_digits and varied)
