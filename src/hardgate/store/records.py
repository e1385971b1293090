"""Values to text and back: JSON records, and strings that a database would refuse.

File names that are not UTF-8 reach us as strings with lone surrogates, and reports of hostile files hold NUL. Neither
fits into a text column of PostgreSQL, and lone surrogates fit into no UTF-8 at all. Such characters, and SUB itself,
are written as SUB (U+001A) followed by four hexadecimal digits. JSON never holds a bare SUB, so records need no mark.
"""

from __future__ import annotations

import json
import re
from typing import TypeVar

import msgspec

from hardgate.errors import StoreError

ALTERED = "The store was altered or damaged. Restore it from a backup, or run the pipeline again."
_REFUSED = re.compile("[\x00\x1a\ud800-\udfff]")
_ESCAPED = re.compile("\x1a([0-9a-f]{4})")

Value = TypeVar("Value")


def escape(text: str) -> str:
    """`text` without NUL and lone surrogates, so that any database takes it; undone by `unescape`."""
    if text.isascii() and text.isprintable():
        return text
    return _REFUSED.sub(lambda match: f"\x1a{ord(match[0]):04x}", text)


def unescape(text: str) -> str:
    """The string that `escape` was given."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "\x1a" in text else text


def encode(value: object) -> str:
    """`value` as JSON text that any database takes."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        # msgspec writes UTF-8 only; the standard library leaves lone surrogates in the text for us to escape.
        plain = json.dumps(msgspec.to_builtins(value), ensure_ascii=False, separators=(",", ":"))
        return escape(plain)


def decode(text: str, kind: type[Value], what: str) -> Value:
    """The value of `kind` that `encode` was given.

    Raises StoreError, naming `what`, when the text is no such value: it was damaged or altered.
    """
    try:
        if "\x1a" in text:
            return msgspec.convert(json.loads(unescape(text)), kind)
        return msgspec.json.decode(text, type=kind)
    except ValueError as error:  # of json, and the base of msgspec's errors
        raise StoreError(
            f"{what} in the store cannot be read: {error}.",
            hint=ALTERED,
        ) from error
