"""What functions and attributes from outside the project give back."""

from __future__ import annotations

import re

from hardgate.dataflow import charsets
from hardgate.dataflow.configured import CONFIGURED, CONFIGURED_METHODS
from hardgate.dataflow.deferred import DEFERRED
from hardgate.dataflow.frame import Call, Stopped
from hardgate.dataflow.given import Result, plain
from hardgate.dataflow.library import LIBRARY, LIBRARY_METHODS
from hardgate.dataflow.methods import METHODS
from hardgate.dataflow.origins import ORIGINS
from hardgate.dataflow.places import PLACES, PLACES_METHODS
from hardgate.dataflow.pythonic import BUILTINS
from hardgate.dataflow.rendering import RENDERING, RENDERING_METHODS
from hardgate.dataflow.responses import RESPONSES, RESPONSES_METHODS
from hardgate.dataflow.values import Mark, Value, made_safe

_NO_DATA = frozenset({"size", "content_length", "port", "is_json", "method", "status_code", "is_authenticated", "pk"})
_HOSTS = frozenset({"hostname", "netloc", "host", "registered_domain", "top_domain_under_public_suffix", "fqdn"})
_FILE_PARTS = frozenset({"name", "stem", "suffix"})

EXACT: dict[str, Result] = {**BUILTINS, **ORIGINS, **LIBRARY, **PLACES, **RENDERING, **RESPONSES, **CONFIGURED}
_METHODS: dict[str, Result] = {
    **METHODS, **LIBRARY_METHODS, **DEFERRED, **PLACES_METHODS, **RENDERING_METHODS, **RESPONSES_METHODS,
    **CONFIGURED_METHODS,
}  # fmt: skip
# A function of this name makes a value harmless, wherever it comes from.
_SAFE_LAST: dict[str, tuple[str, ...]] = {
    "escape_filter_chars": ("ldap",), "escape_rdn": ("ldap-name",), "escape_dn_chars": ("ldap-name",),
    "quote_ident": ("sql",),
    "quote_name": ("sql",), "secure_filename": ("path", "header"), "safe_join": ("path",),
    "sanitize": ("xss", "xss-attr"),
}  # fmt: skip
# Functions that do not come back.
_LEAVING = frozenset({"abort", "exit", "_exit", "fail"})


def aspect(whole: str, name: str) -> str:
    """What `.name` of something that is this aspect of a variable is of it."""
    if whole != "whole":
        return "part"
    return "host" if name in _HOSTS else "scheme" if name == "scheme" else "part"


def attribute_marks(owner: Value, name: str) -> frozenset[Mark]:
    """The marks of `owner.name`."""
    if not owner.marks or name in _NO_DATA:
        return frozenset()
    if name in _FILE_PARTS and any("Path()" in one for one in owner.names):
        return made_safe(Value(marks=owner.marks), ("path",)).marks
    if name == "scheme":
        return made_safe(Value(marks=owner.marks), charsets.FAMILIES).marks
    return owner.marks


# They write what they are given in another way: it is still made of it ("random.random()" stays among the names).
# https://docs.python.org/3/library/: hashlib, base64, binascii, uuid, struct, functions
_REWRITING = re.compile(
    r"(hashlib|base64|binascii|zlib|struct|Crypto\.Hash\.\w+|cryptography\.hazmat\.primitives\.hashes)\."
    r"|uuid\.UUID$|codecs\.encode$"
    r"|(hex|oct|bin|chr|str|repr|format|bytes\.fromhex|int\.to_bytes|urllib\.parse\.quote"
    r"|urllib\.parse\.urlencode|json\.dumps|divmod|pow|abs|round)$"
)
_MOST_NAMES = 12


def result(call: Call) -> Value:
    """What the call of something from outside the project gives."""
    value = _result(call)
    if any(_REWRITING.match(name) for name in call.names):
        origins = {name for one in call.all() for held in (one, one.every()) for name in held.names if "()" in name}
        if origins and len(origins | value.names) <= _MOST_NAMES:
            return value.but(names=value.names | origins)
    return value


def _is_object(name: str) -> bool:
    """Whether a dotted name has a result, an item, a class or a constant in it."""
    named = any(part[:1].isupper() for part in name.split("."))
    return named or "(" in name or "[" in name or name.endswith((".session", "__"))


def _is_module(value: Value) -> bool:
    """Whether a function is called that only shares its name with a method: shlex.split."""
    # Modules have small names; what was imported as PRODUCTS is a table, and flask.session is one.
    plain_names = bool(value.names) and not any(map(_is_object, value.names))
    return plain_names and not value.marks and not value.kind and value.items is None and value.rest is None


def _result(call: Call) -> Value:
    for name in call.names:
        handler = EXACT.get(name)
        if handler is not None:
            return handler(call)
    methods = DEFERRED if _is_module(call.receiver) else _METHODS
    for name in call.last:
        handler = methods.get(name)
        if handler is not None:
            return handler(call)
    for name in call.last:
        if families := _SAFE_LAST.get(name):
            return made_safe(plain(call), families)
    if call.last & _LEAVING:
        raise Stopped
    return plain(call)
