"""Which of several rules Flask takes: Werkzeug goes from part to part of a path, and text comes before parameters.

https://werkzeug.palletsprojects.com/en/stable/routing/#rule-priority, as Werkzeug 3.1's matcher.py and rules.py do it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hardgate.routes import templates

Order = tuple[tuple[int, int, tuple[int, ...], int, tuple[int, ...]], ...]
_NUMBERS, _USUAL, _WHOLE = 50, 100, 200  # the weights of Werkzeug's converters


def order(parts: Sequence[str]) -> Order:
    """A key for each rule that fits one path: the lowest is tried first, and of equal ones the one added first."""
    return tuple(_key(segment) for segment in _segments(parts))


def _segments(parts: Sequence[str]) -> Iterator[list[str]]:
    """The parts between slashes; what may hold slashes itself takes all that follows."""
    segment: list[str] = []
    whole = False
    for part in parts:
        if part[:1] != "=" or whole:
            whole = whole or part == templates.WHOLE
            segment.append(part)
            continue
        first, *others = part[1:].split("/")
        segment += [f"={first}"] if first else []
        for text in others:
            yield segment
            segment = [f"={text}"] if text else []
    yield segment


def _key(segment: Sequence[str]) -> tuple[int, int, tuple[int, ...], int, tuple[int, ...]]:
    sorts = [part for part in segment if part[:1] != "="]
    if not sorts:
        return (0, 0, (), 0, ())
    whole = templates.WHOLE in sorts
    lengths = [
        len(piece)
        for part in segment
        if part[:1] == "="
        for piece in (part[1:].split("/") if whole else [part[1:]])
        if piece
    ]
    weights = tuple(_weight(sort) for sort in sorts)
    return (1, -len(lengths), tuple(-length for length in lengths), -len(sorts), weights)


def _weight(sort: str) -> int:
    if sort in {templates.INT, templates.FLOAT, templates.DECIMAL}:
        return _NUMBERS
    return _WHOLE if sort == templates.WHOLE else _USUAL
