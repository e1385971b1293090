"""Secrets that are made of numbers which can be guessed: of `random`, of the time, of counters."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Iterator

from hardgate.dataflow.families import naming, places
from hardgate.dataflow.families.common import Checks, table
from hardgate.dataflow.families.keys import key_of
from hardgate.dataflow.frame import Call
from hardgate.dataflow.values import HOLE, Value

RULE = "python-insecure-random"
# "The pseudo-random generators of this module should not be used for security purposes."
# https://docs.python.org/3/library/random.html ; the same in https://numpy.org/doc/stable/reference/random/
_DRAWN = re.compile(
    r"(?:random\.(?:Random\(\)\.)?(?!SystemRandom|Random|seed|getstate|setstate)\w+\(\)"
    r"|(?:numpy|cupy|jax)\.random\.(?:(?:default_rng|RandomState|Generator)\(\)\.)?(?!default_rng"
    r"|RandomState|Generator|seed|PCG64|MT19937|Philox|SFC64|SeedSequence|PRNGKey)\w+\(\)"
    r"|torch\.(?:rand|randint|randn|randperm)\(\)|tensorflow\.random\.\w+\(\)"
    r"|faker\.(?:Faker|Factory\.create)\(\)\.(?:pystr|password|uuid4|random_\w+|lexify|numerify|bothify|sha\d+|md5)\(\)"
    r"|uuid\.uuid1\(\)|uuid\.uuid[35]\(\)|uuid\.uuid6\(\))"
)
# Not numbers of chance at all; they count only where a text was made of them.
_GUESSED = re.compile(
    r"time\.(?:time|time_ns|monotonic|monotonic_ns|perf_counter|ctime|strftime|localtime|gmtime)"
    r"\(\)|datetime\.(?:datetime\.)?(?:now|utcnow|today)\(\)"
    r"|django\.utils\.timezone\.now\(\)|itertools\.count\(\)\[\]|os\.getpid\(\)|os\.getppid"
    r"\(\)|threading\.get_ident\(\)"
)
_PICKED = re.compile(
    r"(?:random\.(?:Random\(\)\.)?|random\.(?:default_rng\(\)\.)?)(?:choice|choices|sample|shuffle"
    r"|permutation)\(\)(?:\[\])*"
)
_STRONG = re.compile(
    r"secrets\.\w+|os\.urandom\(\)|os\.getrandom\(\)|random\.SystemRandom|secrets\.SystemRandom"
    r"|uuid\.uuid4\(\)|get_random_string|get_random_secret_key|generate_key\(\)|get_random_bytes"
    r"|gen_salt|hmac\.|os\.environ|settings\.\w*(?:SECRET|KEY)|nacl\.utils\.random|Crypto\.Random"
)
# What is known to rewrite a number as a text, without making it harder to guess.
_REWRITTEN = re.compile(
    r"^(?:hex|oct|bin|hashlib\.|base64\.|binascii\.|uuid\.UUID|zlib\.|str|Crypto\.Hash"
    r"\.|cryptography\.hazmat)"
)
# To guess a moment takes longer than to guess a number of six digits: what lives for one request only stands it.
_BRIEF = frozenset({"nonce", "iv", "pin", "captcha", "challenge", "promo", "ticket", "confirmation", "verifier"})
_MESSAGE = (
    "A secret is made of {}. Who has seen a few of these, or knows when it was made, can compute "
    "it: use the secrets module."
)
_WRITTEN = frozenset({"text", "bytes"})
_LONGEST_SHORT = 999  # a number up to here is one of a few, and no code that somebody has to guess
_STORING = frozenset({
    "set", "setex", "put", "hset", "setdefault", "set_cookie", "set_signed_cookie", "setattr", "psetex", "setnx",
    "aset"
})  # fmt: skip
_PURPOSES = frozenset((one,) for one in ("reset", "verify", "login", "2fa", "mfa", "confirm", "signup", "sms"))
_READING = frozenset({
    "verify", "check", "is", "validate", "get", "find", "delete", "remove", "revoke", "count", "has", "match",
    "compare", "matches", "search", "query",
})  # fmt: skip
_TOLD = re.compile(
    r"(?i)(?:(?:code|password|passcode|token|otp|pin|secret|key)\b[\w ]{0,12}(?:\bis|:|=)?[\s:='\"]{0,4}\0"
    r"|[?&](?:token|code|key|otp|secret|state|ticket)=\0|/(?:reset|verify|activate|confirm"
    r"|unsubscribe|magic|invite|invitation)[\w-]*/\0)"
)


def _names(value: Value, depth: int = 0) -> Iterator[str]:
    yield from value.names
    if depth < 4:  # noqa: PLR2004 - lists of lists of texts
        for _, one in value.items or ():
            yield from _names(one, depth + 1)
        if value.rest is not None:
            yield from _names(value.rest, depth + 1)


@functools.lru_cache(maxsize=8192)
def _kind(name: str) -> str:
    if _STRONG.search(name):
        return "strong"
    if _DRAWN.match(name):
        return (
            "picked"
            if name.endswith("[picked]") or _PICKED.fullmatch(name) or _PICKED.fullmatch(name.removeprefix("numpy."))
            else "drawn"
        )
    if _GUESSED.match(name):
        return "guessed"
    return "rewritten" if _REWRITTEN.match(name) else ""


def drawn(value: Value | None) -> tuple[str, bool]:
    """The function whose numbers are in the value ("" for none), and whether they only tell the time or count."""
    if value is None or (not value.names and value.items is None and value.rest is None):
        return "", False
    kinds: dict[str, str] = {}
    for name in _names(value):
        if kind := _kind(name):
            kinds.setdefault(kind, name)
    if "strong" in kinds or not kinds.keys() & {"drawn", "picked", "guessed"}:
        return "", False
    text = value.kind in _WRITTEN or "rewritten" in kinds or (value.rest is not None and value.rest.kind in _WRITTEN)
    if "drawn" in kinds:
        return _origin(kinds["drawn"]), False
    if "picked" in kinds:
        # One of several things, in a game or for a test; a text of many drawn characters is another matter.
        return (_origin(kinds["picked"]), False) if text or value.kind == "number" else ("", False)
    return (_origin(kinds["guessed"]), True) if text else ("", False)


def _origin(name: str) -> str:
    found = _DRAWN.match(name) or _GUESSED.match(name)
    return (found[0] if found else name).removesuffix("[]")


def _judge(call: Call, name: str, value: Value, node: ast.AST | None = None) -> bool:
    """Report when a value that can be guessed goes under a name that says secret."""
    sure = naming.is_secret(name)
    if not sure and not naming.may_be_secret(name):
        return False
    origin, by_time = drawn(value)
    if not origin or (not sure and value.kind not in _WRITTEN and not _is_long(call, name)):
        return False
    if sure and naming.is_plural(name) and value.kind not in {"text", "bytes", "list"} and value.rest is None:
        return False  # a number of tokens
    if by_time and (not sure or not _BRIEF.isdisjoint(naming.words(name))):
        return False
    _report(call, origin, node)
    return True


def _is_long(call: Call, name: str) -> bool:
    """`code = random.randint(100000, 999999)`: a number with so many digits is there to be guessed."""
    at = call.frame.at
    if not name.endswith("code") or not isinstance(at, ast.Assign | ast.AnnAssign) or at.value is None:
        return False
    numbers = [one.value for one in ast.walk(at.value) if isinstance(one, ast.Constant) and isinstance(one.value, int)]
    return max(numbers, default=0) > _LONGEST_SHORT


def _report(call: Call, origin: str, node: ast.AST | None = None) -> None:
    message = _MESSAGE.format(origin)
    if node is None:
        call.report(RULE, message)
    else:
        call.frame.analysis.report(call.frame, node, RULE, message)


def _named(call: Call) -> None:
    """`token = ...`, `self.token = ...`, `{"token": ...}`, a default, and what a function of such a name gives back."""
    name, value = call.args[0], call.args[1]
    if not name.known or not isinstance(name.const, str):
        return
    target = name.const
    at = call.frame.at
    made = at.value if isinstance(at, ast.Assign | ast.AnnAssign) and "=name" in call.last else None
    if isinstance(made, ast.Call) and naming.is_secret(target):
        for default in places.default_values(call.frame, made):
            if _judge(call, target, default):
                return
    if not (naming.is_secret(target) or naming.may_be_secret(target)):
        return
    written = at.value if isinstance(at, ast.Assign | ast.AnnAssign) and "={}" not in call.last else None
    if not drawn(value)[0]:
        if "=default" not in call.last and (origin := _computable(target, written)):
            _report(call, origin)
        return
    if call.last & {"=name"} and places.thrown_away(call.frame, target):
        return
    _judge(call, target, value)


# A hash of what everybody knows of a user, without a secret in it; the number of the sessions so far.
_PUBLIC = re.compile(
    r"(?:hashlib\.)?(?:md5|sha1|sha224|sha256|sha384|sha512|blake2b|blake2s|new)\((?P<of>.*)\)\.hexdigest\(\)"
    r"|(?:base64\.)?(?:urlsafe_)?b64encode\((?P<coded>.*)\)"
)
_KNOWN_OF_USER = re.compile(
    r"(?i)\b(e?mail|user_?name|login|phone|user_?id|account_?id|member_?id|(user|account|member"
    r"|customer)\.(id|pk|name))\b"
)
_UNKNOWN = re.compile(
    r"(?i)secret|key|salt|password|passwd|pepper|token|config|environ|random|uuid|urandom|nonce"
    r"|credential|auth|:"
)
_COUNTED = re.compile(r"len\([\w.]+\) \+ 1\b")
_HANDED_OUT = frozenset({
    "token", "sid", "session", "otp", "invite", "invitation", "activation", "verification", "confirmation",
    "voucher", "csrf"
})  # fmt: skip


def _computable(name: str, node: ast.AST | None) -> str:
    """What a token is made of that everybody can compute; "" when it is not."""
    if node is None or _HANDED_OUT.isdisjoint(naming.words(name)) or not naming.is_secret(name):
        return ""
    text = ast.unparse(node)
    found = _PUBLIC.search(text)
    inner = (found["of"] or found["coded"] or "") if found is not None else ""
    if inner and _KNOWN_OF_USER.search(inner) and not _UNKNOWN.search(inner):
        return "what is known of the user"
    return "the number of entries" if _COUNTED.search(text) else ""


def _returned(call: Call) -> None:
    name, value = call.args[0], call.args[1]
    if not name.known or not isinstance(name.const, str) or (_READING - {"get"}) & set(naming.words(name.const)[:1]):
        return
    if not _judge(call, name.const, value) and (origin := _computable(name.const, call.node)):
        _report(call, origin)


def _any(call: Call) -> None:
    for keyword, value in call.kwargs.items():
        if _judge(call, keyword, value):
            return
    for value in (*call.args, *call.kwargs.values()):
        if value.text is not None and HOLE in value.text and value.names and _TOLD.search(value.text):
            origin, by_time = drawn(value)
            if origin and not by_time:
                _report(call, origin)
                return
    _by_function(call)


def _by_function(call: Call) -> None:
    """`user.set_password(x)`, `send_otp(phone, x)`, `cache.set("otp:1", x)`, and what takes a key."""
    if not any(value.names or value.rest is not None for value in call.args):
        return
    key = key_of(call)
    if key is not None and drawn(key)[0]:
        _report(call, drawn(key)[0])
        return
    names: Iterable[str] = call.last
    if call.last & _STORING and call.args:
        shape = (call.args[0].text or "").partition(HOLE)[0] or "".join(call.args[0].texts[:1])
        first = re.split(r"[:/]", shape)[0]
        names = [f"{first}_code" if naming.words(first)[-1:] in _PURPOSES else first, shape]
    for name in names:
        parts = naming.words(name)
        if len(parts) < (1 if call.last & _STORING else 2) or parts[0] in _READING:
            continue
        if any(_judge(call, name, value) for value in call.args):
            return


CHECKS: Checks = table(
    (_named, ("=name", "=.", "=[]", "={}", "=default")),
    (_returned, ("=return",)),
    (_any, ("",)),
)
