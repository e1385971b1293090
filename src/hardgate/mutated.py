"""A whole report with one thing wrong in it, over and over: what an adapter must not read as clean.

Each mutation is such as a new version of a tool, a careless wrapper or a damaged file brings. In JSON: a value of
another type, a key of another name, a key that stands twice, a word that nobody has heard of. In XML: an element or an
attribute of another name.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

_WORD = re.compile(r"[A-Za-z][A-Za-z_-]{0,29}")
_ELEMENT = re.compile(rb"<([A-Za-z_][\w.:-]*)")
_ATTRIBUTE = re.compile(rb"\s([A-Za-z_][\w.:-]*)\s*=\s*[\"']")
_UNHEARD = "Unheard"
_KEPT = 1  # places of one pattern, such as results[*].severity, that are tried: the first ones
# Values of another type or empty ones. Not null, which is often written for "none".
_OTHERS: dict[type, tuple[Any, ...]] = {
    list: ({}, ""),
    dict: ([], ""),
    str: ([], -1, ""),
    int: ([], "", -1),
    float: ([], ""),
}

Step = str | int


class Mutation(NamedTuple):
    """`what` was done, for a person, and the report.

    `lost` is the name of the key, element or attribute that is not there any more, "" when all are there.
    """

    what: str
    raw: bytes
    lost: str = ""


class _Twice(dict[str, Any]):
    """An object that is written with one of its keys once more, last, which is the one that readers take."""

    def __init__(self, pairs: dict[str, Any], key: str, value: Any) -> None:
        super().__init__(pairs)
        self._more = (key, value)

    def items(self) -> Any:
        return [*super().items(), self._more]


def mutations(raw: bytes) -> Iterator[Mutation]:
    """All mutations of a report; none when it is neither JSON nor XML."""
    try:
        tree = json.loads(raw)
    except (ValueError, RecursionError):
        yield from _of_xml(raw)
        return
    seen: dict[tuple[Step, ...], int] = {}
    for path, value in _places(tree, ()):
        pattern = tuple("*" if isinstance(step, int) else step for step in path)
        seen[pattern] = seen.get(pattern, 0) + 1
        if seen[pattern] <= _KEPT:
            yield from _at(tree, path, value)


def _of_xml(raw: bytes) -> Iterator[Mutation]:
    """Each name of an element and of an attribute changed wherever it stands."""
    for name in sorted(set(_ELEMENT.findall(raw))):
        changed = re.sub(rb"(</?)" + re.escape(name) + rb"(?=[\s/>])", rb"\1" + name + b"X", raw)
        yield Mutation(f"each <{name.decode()}> is called <{name.decode()}X>", changed, name.decode())
    for name in sorted(set(_ATTRIBUTE.findall(raw))):
        changed = re.sub(rb"(\s)" + re.escape(name) + rb"(?=\s*=\s*[\"'])", rb"\1" + name + b"X", raw)
        yield Mutation(f"each attribute {name.decode()} is called {name.decode()}X", changed, name.decode())


def _places(tree: Any, path: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], Any]]:
    if path:
        yield path, tree
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _places(value, (*path, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from _places(value, (*path, index))


def _at(tree: Any, path: tuple[Step, ...], value: Any) -> Iterator[Mutation]:
    where = _dotted(path)
    for other in _OTHERS.get(type(value), ()):
        if other != value:
            yield Mutation(f"{where} is {json.dumps(other)}", _with(tree, path, functools.partial(_instead, other)))
    key = path[-1]
    if isinstance(key, str):
        name = key + "X"
        yield Mutation(f"{where} is called {name}", _parent(tree, path, lambda pairs: _renamed(pairs, key, name)), key)
        none = type(value)() if value is not None else None
        if value != none:
            twice = _parent(tree, path, lambda pairs: _Twice(pairs, key, none))
            yield Mutation(f"{where} stands twice, at last as {json.dumps(none)}", twice)
    if isinstance(value, str) and _WORD.fullmatch(value):
        yield Mutation(f"{where} is the word {_UNHEARD}", _with(tree, path, functools.partial(_instead, _UNHEARD)))


def _instead(other: Any, _value: Any) -> Any:
    return other


def _renamed(pairs: dict[str, Any], key: str, name: str) -> dict[str, Any]:
    return {name if one == key else one: value for one, value in pairs.items()}


def _parent(tree: Any, path: tuple[Step, ...], change: Callable[[Any], Any]) -> bytes:
    return _with(tree, path[:-1], change)


def _with(tree: Any, path: tuple[Step, ...], change: Callable[[Any], Any]) -> bytes:
    """The JSON of the tree with what is at `path` changed; the tree itself stays as it is."""
    return json.dumps(_changed(tree, path, change), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _changed(tree: Any, path: tuple[Step, ...], change: Callable[[Any], Any]) -> Any:
    if not path:
        return change(tree)
    step, rest = path[0], path[1:]
    if isinstance(tree, list):
        return [_changed(one, rest, change) if index == step else one for index, one in enumerate(tree)]
    return {key: _changed(one, rest, change) if key == step else one for key, one in tree.items()}


def _dotted(path: tuple[Step, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
