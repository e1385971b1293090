"""What the name of a variable, parameter or key says about the value that goes into it."""

from __future__ import annotations

import functools
import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LONG = re.compile(r"^(api|auth|access|secret|session|private|pass|csrf|jwt)(key|token|secret|id|word|phrase|code)$")
# Words of which one is enough to make a thing secret.
SECRETS = frozenset({
    "token", "password", "passwd", "pwd", "passphrase", "passcode", "secret", "otp", "totp", "hotp", "pin", "salt",
    "nonce",
    "csrf", "xsrf", "sid", "voucher", "coupon", "credential", "bearer", "captcha", "challenge", "iv", "apikey",
    "mnemonic",
    "invite", "invitation", "activation", "verification", "confirmation", "sessionid", "ticket", "authcode", "passkey",
    "promo", "pepper", "verifier", "ivec",
})  # fmt: skip
# "key", "code", "id", "link", "hash" and "state" mean something secret after one of these words.
_BEFORE = {
    "key": frozenset({
        "api", "access", "secret", "encryption", "encrypt", "signing", "sign", "private", "session", "file", "data",
        "master",
        "auth", "license", "licence", "crypto", "cipher", "aes", "des", "hmac", "jwt", "fernet", "client", "product",
        "activation",
        "recovery", "backup", "app", "device", "share", "user", "stream", "wrapping", "symmetric", "root", "new",
        "reset",
        "confirm", "unsubscribe", "registration", "cdkey", "serial", "hash", "flask", "django", "service", "shared",
        "webhook",
    }),
    "code": frozenset({
        "login", "verification", "verify", "reset", "access", "auth", "authorization", "activation", "invite",
        "invitation",
        "confirm", "confirmation", "recovery", "backup", "security", "discount", "gift", "redeem", "redemption",
        "promo", "sms",
        "one", "time", "otp", "pairing", "pair", "unlock", "referral", "signup", "registration", "mfa", "factor",
        "2", "device", "door",
        "entry", "secret", "phone", "email", "mail", "link", "pickup", "join", "user", "card", "refund", "sign",
        "in", "unique", "random", "generate", "generated", "temporary", "temp", "numeric", "customer", "table", "check",
    }),
    "id": frozenset({"session", "sess"}),
    "identifier": frozenset({"session"}),
    "state": frozenset({"oauth", "auth", "oidc", "login", "sso"}),
    "link": frozenset({
        "magic", "reset", "share", "download", "secret", "invite", "confirm", "activation", "login", "unsubscribe"}),
    "hash": frozenset({"reset", "activation", "confirm", "auth", "verification", "verify", "session"}),
    "string": frozenset({"secret", "auth"}),
    "bytes": frozenset({"key", "secret"}),
    "material": frozenset({"key", "keying"}),
    "cookie": frozenset({"session", "auth", "remember", "login"}),
    "digits": frozenset({"pin", "otp", "code"}),
    "session": frozenset({"new"}),
}  # fmt: skip
# Words that make something else of it: when it ends, how long it is, how many there are, what it is drawn from.
_OTHER = frozenset({
    "expires", "expire", "expiry", "expiration", "expired", "ttl", "at", "timestamp", "created", "updated", "date",
    "length",
    "len", "size", "count", "index", "idx", "max", "min", "limit", "age", "lifetime", "delay", "interval", "timeout",
    "retries",
    "retry", "attempts", "attempt", "type", "types", "name", "names", "label", "color", "colour", "position",
    "weight", "weights", "probability",
    "prob", "rate", "ratio", "score", "alphabet", "chars", "characters", "charset", "letters", "generator", "rng",
    "source",
    "bucket", "shard", "embedding", "embeddings", "logits", "mask", "dim", "vocab", "loss", "version", "path",
    "file", "filename",
    "num", "number", "total", "mean", "avg", "per", "quota", "used", "seconds", "minutes", "hours", "days", "start",
    "end", "since", "last", "level",
    "status", "error", "exit", "country", "language", "zip", "postal", "response", "http", "cache", "sort",
    "primary", "foreign", "partition",
    "routing", "board", "game", "player", "ids", "window", "cost", "price", "value", "amount", "percent", "rows",
    "choices", "options", "order",
})  # fmt: skip


@functools.lru_cache(maxsize=8192)
def words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: of `resetToken`, `reset_token` and `RESET-TOKEN` they are the same."""
    found: list[str] = []
    for word in _WORD.findall(name[:120]):
        joined = _LONG.match(word.lower())
        found += [joined[1], joined[2]] if joined and joined[0] not in SECRETS else [word.lower()]
    return tuple(found)


def singular(word: str) -> str:
    """The word without the s of the plural."""
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word  # noqa: PLR2004 (a number of parts)


@functools.lru_cache(maxsize=8192)
def is_secret(name: str) -> bool:
    """Whether a value of this name is one that nobody may guess."""
    parts = [singular(one) for one in words(name)]
    if not parts or not _OTHER.isdisjoint(words(name)):
        return False
    if not SECRETS.isdisjoint(parts):
        return True
    wanted = _BEFORE.get(parts[-1])
    return wanted is not None and not wanted.isdisjoint(parts[:-1])


@functools.lru_cache(maxsize=8192)
def is_plural(name: str) -> bool:
    """Whether the name speaks of several things."""
    parts = words(name)
    return bool(parts) and singular(parts[-1]) != parts[-1]


@functools.lru_cache(maxsize=8192)
def may_be_secret(name: str) -> bool:
    """Whether the name means something secret when the value was built as a text: `code`, `key`, `state`, `link`."""
    return name.lower().strip("_") in {
        "code",
        "codes",
        "key",
        "keys",
        "state",
        "reset_link",
        "session",
        "cookie",
        "secret_number",
        "magic",
    }
