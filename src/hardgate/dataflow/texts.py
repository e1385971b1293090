"""Texts put together from parts: what is constant in them, and what is from outside."""

from __future__ import annotations

import dataclasses
import itertools
import re
import string
from collections.abc import Iterable

from hardgate.dataflow import markup
from hardgate.dataflow.charsets import harmless
from hardgate.dataflow.values import (
    HOLE,
    LINE,
    OURS,
    UNKNOWN,
    Const,
    Mark,
    Value,
    accounted,
    constant,
    join,
    made_safe,
    mapped,
)

_MOST = 16
_LONGEST = 600
_POWER = 64  # larger powers are not worked out


def joined(parts: Iterable[Value], kind: str = "text", *, paths: bool = False) -> Value:
    """The text that these parts make, one after the other; of `paths`, an absolute one drops what was before it."""
    pieces = list(parts)
    if not paths and any(mark.gone or "rooted" in piece.kind for piece in pieces[1:] for mark in piece.marks):
        pieces = [_behind(pieces[:number], piece) for number, piece in enumerate(pieces)]
    choices = [[str(one) for one in piece.some] if piece.closed and _plain(piece) else None for piece in pieces]
    if all(choice is not None for choice in choices) and _count(choices) <= _MOST:
        texts = ["".join(chosen) for chosen in itertools.product(*[choice or [""] for choice in choices])]
        return join(map(constant, dict.fromkeys(texts))) if texts else constant("")
    shape = ""
    for number, piece in enumerate(pieces):
        pieces[number] = markup.placed(piece, shape)
        shape += shape_of(piece)
    marks = frozenset().union(*(piece.deep() for piece in pieces))
    sure = all(map(accounted, pieces))
    return Value(
        marks=join([Value(marks=marks)]).marks, text=shape[:_LONGEST], kind=kind, names=_names(pieces), sure=sure
    )


def _behind(before: list[Value], piece: Value) -> Value:
    """A part of a text behind others: it cannot be an absolute path, and no host where a `/` is before it."""
    start = "".join(map(shape_of, before)) if piece.marks else ""
    if not start:
        return piece
    if "rooted" in piece.kind:
        return made_safe(piece, ("path",))
    return mapped(piece, lambda mark: _behind_text(mark, start))


def _behind_text(mark: Mark, start: str) -> Mark:
    if start == "/" and {"^/", "^\\"} <= mark.gone:
        mark = dataclasses.replace(mark, safe=mark.safe | {"redirect"})
    climbing = mark.gone.isdisjoint({"..", "../", "^.."})
    return mark if climbing else dataclasses.replace(mark, gone=mark.gone | {"^/"})


def _names(pieces: list[Value]) -> frozenset[str]:
    # What weak numbers and the like become part of is still made of them: rules ask for the name of the origin.
    return frozenset(name for piece in pieces for name in piece.names if "()" in name)


def _plain(value: Value) -> bool:
    return all(isinstance(one, str | int | float) for one in value.some)


def _count(choices: list[list[str] | None]) -> int:
    total = 1
    for choice in choices:
        total *= max(1, len(choice or ()))
    return total


def shape_of(value: Value) -> str:
    """The text of a value with HOLE for what is not known."""
    if value.known and isinstance(value.const, str | int | float):
        return str(value.const)
    text = value.text if value.text is not None else HOLE
    if HOLE not in text:
        return text
    marks = value.deep()
    if not marks:
        return text.replace(OURS, HOLE).replace(HOLE, OURS)
    return LINE if text == HOLE and all(harmless(mark, "header") for mark in marks) else text


def percent(template: Value, value: Value) -> Value:
    """`template % value`."""
    if not template.texts:
        return joined([template, value])
    args = [one for _, one in value.items or ()] if value.kind == "tuple" else None
    found = []
    for text in template.texts:
        pieces: list[Value] = []
        position = 0
        for number, match in enumerate(re.finditer(r"%(?:\((\w+)\))?[-#0 +]*[\d.*]*([a-zA-Z%])", text)):
            pieces.append(constant(text[position : match.start()]))
            position = match.end()
            pieces.append(_argument(match[1], match[2], number, value, args))
        found.append(joined([*pieces, constant(text[position:])]))
    return join(found)


def _argument(key: str | None, letter: str, number: int, value: Value, args: list[Value] | None) -> Value:
    if letter == "%":
        return constant("%")
    if key is not None:
        chosen = value.item(key) or value.rest or Value(marks=value.marks)
    elif args is None:
        chosen = value
    else:
        chosen = args[number] if number < len(args) else UNKNOWN
    return Value(kind="number", names=chosen.names) if letter in "dioxXeEfFgG" else chosen


def formatted(template: Value, args: list[Value], kwargs: dict[str, Value], more: Value | None = None) -> Value:
    """`template.format(*args, **kwargs)`; `more` is what `**` may bring besides."""
    if not template.texts or not template.closed:
        return joined([template, *args, *kwargs.values(), *([more] if more else [])])
    return join([_formatted(text, args, kwargs, more) for text in template.texts])


def _formatted(text: str, args: list[Value], kwargs: dict[str, Value], more: Value | None) -> Value:
    pieces: list[Value] = []
    try:
        fields = list(string.Formatter().parse(text))
    except ValueError:
        return joined([*args, *kwargs.values()])
    for number, (literal, field, spec, _) in enumerate(fields):
        pieces.append(constant(literal))
        if field is not None:
            chosen = _field(re.split(r"[.\[]", field)[0], number, args, kwargs, more)
            number_ = Value(kind="number", names=chosen.names)
            pieces.append(number_ if spec and spec[-1] in "dxXofeg" else chosen)
    return joined(pieces)


def _field(name: str, number: int, args: list[Value], kwargs: dict[str, Value], more: Value | None) -> Value:
    if name in kwargs:
        return kwargs[name]
    if name.isdigit() or not name:
        position = int(name) if name else number
        return args[position] if position < len(args) else UNKNOWN
    return (more.item(name) or more.rest or Value(marks=more.marks)) if more is not None else UNKNOWN


def folded(one: Const, two: Const, operator: type) -> Const:
    """The constant that an arithmetic operation gives. Raises TypeError or ValueError where there is none."""
    action = _OPERATIONS.get(operator.__name__)
    if operator.__name__ == "Mult" and isinstance(one, str | bytes) and isinstance(two, int):
        return _repeated(one, two)
    if operator.__name__ == "Add" and isinstance(one, bytes) and isinstance(two, bytes):
        return one + two
    numbers = isinstance(one, int | float) and isinstance(two, int | float)
    if action is None or not numbers or (operator.__name__ == "Pow" and abs(two) > _POWER):  # type: ignore[arg-type]  # the test before has shown what it is
        raise TypeError(operator.__name__)
    result: Const = action(one, two)
    return result


def _repeated(one: str | bytes, times: int) -> Const:
    if len(one) * times > _LONGEST:
        raise ValueError("too long to be worked out")
    return one * times


_OPERATIONS = {
    "Add": lambda one, two: one + two,
    "Sub": lambda one, two: one - two,
    "Mult": lambda one, two: one * two,
    "Div": lambda one, two: one / two,
    "FloorDiv": lambda one, two: one // two,
    "Mod": lambda one, two: one % two,
    "Pow": lambda one, two: one**two,
    "BitOr": lambda one, two: one | two,
    "BitAnd": lambda one, two: one & two,
}
