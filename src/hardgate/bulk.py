"""JSON with very long lists, a few hundred entries in memory at a time.

A list of up to LONG entries is written as wording.to_json writes it. In a longer one, that nobody reads from end to
end, each entry stands on a line of its own: half the bytes, and `grep` finds an entry whole.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

from hardgate.wording import formatted, in_lines

LONG = 1_000
"""Entries that a list may have and be laid out for people."""
HERE = (1 << 64) - 1
"""Stands in a tree where a list goes. It is no size, count or line: as a number it can stand in no text either."""
_HERE = re.compile(rb'^( *)((?:"\w+": )?)%d(?=,?$)' % HERE, re.MULTILINE)
_TOGETHER = 250


def to_json(tree: object, lists: Sequence[Iterable[object]]) -> bytes:
    """The tree with one of `lists`, in their order, wherever it says HERE.

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
    some = list(itertools.islice(entries, LONG + 1))
    if len(some) <= LONG:
        yield from _laid_out(some, line)
        return
    before, between = b"[" + line + b"  ", b"," + line + b"  "
    for part in _parts(itertools.chain(some, entries)):
        yield before + in_lines(part, between)
        before = between
    yield line + b"]"


def _laid_out(entries: Sequence[object], line: bytes) -> Iterator[bytes]:
    depth = (len(line) - 1) // 2
    # In so many lists the entries are laid out as deep as they shall stand; what opens and closes these is cut off.
    opening = sum(2 + 2 * level for level in range(depth + 1)) - 1
    closing = opening + 1
    between = b"["
    for some in _parts(iter(entries)):
        nested: object = some
        for _ in range(depth):
            nested = [nested]
        yield between + formatted(nested)[opening:-closing]
        between = b","
    yield b"[]" if between == b"[" else line + b"]"


def _parts(entries: Iterator[object]) -> Iterator[list[object]]:
    while some := list(itertools.islice(entries, _TOGETHER)):
        yield some
