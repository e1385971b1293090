"""JSON from elsewhere as typed values, where nothing may be lost in silence.

A key that stands twice in one object has two values, and each reader takes the one it likes (RFC 8259, section 4):
msgspec takes the last. `"results": [...], "results": []` would read as "nothing found", so it is refused.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn, TypeVar

import msgspec

T = TypeVar("T")

# Every object is looked at up to this size, in bytes. Beyond it that would cost a second for each 100 MB, so it is
# enough that no object has `_MUCH` bytes which are in none of its values: they would be a value that is lost.
_EVERY = 8_000_000
_MUCH = 64_000
_DEEP = "it is nested too deeply"
_SHOWN = 80  # characters of a key that an error quotes


def decode(raw: bytes, kind: type[T]) -> T:
    """Read JSON into `kind`. Raises ValueError for what is no JSON, or of another form, or has a key twice, or is
    nested so deeply that no reader of it can be trusted.
    """
    try:
        found = msgspec.json.decode(raw, type=kind)
        once(raw)
    except RecursionError as error:
        raise ValueError(_DEEP) from error
    return found


def once(raw: bytes) -> None:
    """Raises ValueError when a key stands twice in one object of this JSON, or it is nested too deeply, or is none.

    Of JSON above 8 MB only when a value of 64 KB or more is lost by it.
    """
    try:
        if len(raw) <= _EVERY or not _whole(memoryview(raw)):
            json.loads(raw, object_pairs_hook=_single)
    except RecursionError as error:
        raise ValueError(_DEEP) from error


def _single(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        _twice([key for key, _ in pairs])


def _twice(keys: list[str]) -> NoReturn:
    key = next(key for index, key in enumerate(keys) if key in keys[:index])
    raise ValueError(f"the key {key[:_SHOWN]!r} stands twice in one object")


def _whole(raw: memoryview) -> bool:
    """Whether all but a few of the bytes of each large object are in its values, as its readers get them."""
    start = bytes(raw[:_SHOWN]).lstrip()[:1]
    if start == b"[":
        return all(_whole(inner) for one in msgspec.json.decode(raw, type=list[msgspec.Raw]) if (inner := _large(one)))
    if start != b"{":
        return start == b'"'
    values = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    beside = len(raw) - sum(len(memoryview(value)) + len(key) for key, value in values.items())
    return beside < _MUCH and all(_whole(inner) for value in values.values() if (inner := _large(value)))


def _large(value: msgspec.Raw) -> memoryview | None:
    view = memoryview(value)
    return view if len(view) >= _MUCH else None
