"""JSON with very long lists: the same bytes as wording.to_json, a few hundred entries in memory at a time."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

from hardgate.wording import formatted

HERE = (1 << 64) - 1
"""Stands in a tree where a list goes. It is no size, count or line: as a number it can stand in no text either."""
_HERE = re.compile(rb'^( *)((?:"\w+": )?)%d(?=,?$)' % HERE, re.MULTILINE)
_TOGETHER = 250


def to_json(tree: object, lists: Sequence[Iterable[object]]) -> bytes:
    """The tree as wording.to_json writes it, with one of `lists`, in their order, wherever it says HERE.

    Raises ValueError when there are more or fewer of these than of lists.
    """
    return b"".join(parts(tree, lists))


def parts(tree: object, lists: Sequence[Iterable[object]]) -> Iterator[bytes]:
    """The same one after the other, for who writes it into a file; raises ValueError as `to_json`, at the end."""
    frame, at = formatted(tree), 0
    for place, entries in zip(_HERE.finditer(frame), lists, strict=True):
        yield frame[at : place.end(2)]
        yield from _list(iter(entries), b"\n" + place[1])
        at = place.end()
    yield frame[at:] + b"\n"


def _list(entries: Iterator[object], line: bytes) -> Iterator[bytes]:
    """A list whose entries stand two spaces deeper than `line` does."""
    depth = (len(line) - 1) // 2
    # In so many lists the entries are laid out as deep as they shall stand; what opens and closes these is cut off.
    opening = sum(2 + 2 * level for level in range(depth + 1)) - 1
    closing = opening + 1
    between = b"["
    while some := list(itertools.islice(entries, _TOGETHER)):
        nested: object = some
        for _ in range(depth):
            nested = [nested]
        yield between + formatted(nested)[opening:-closing]
        between = b","
    yield b"[]" if between == b"[" else line + b"]"
