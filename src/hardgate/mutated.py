"""A whole report with one thing wrong in it, over and over: what an adapter must not read as clean.

Each mutation is such as a new version of a tool, a careless wrapper or a damaged file brings. In JSON: a value of
another type, a key of another name, a key that stands twice, a word that nobody has heard of. In XML: an element or an
attribute of another name.
"""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

_WORD = re.compile(r"[A-Za-z][A-Za-z_-]{0,29}")
_ELEMENT = re.compile(rb"<([A-Za-z_][\w.:-]*)")
_ATTRIBUTE = re.compile(rb"\s([A-Za-z_][\w.:-]*)\s*=\s*[\"']")
_UNHEARD = "Unheard"
# Values of another type or empty ones. Not null, which is often written for "none".
_OTHERS: dict[type, tuple[Any, ...]] = {
    list: ({}, ""),
    dict: ([], ""),
    str: ([], -1, ""),
    int: ([], "", -1),
    float: ([], ""),
}

Step = str | int


class Way(NamedTuple):
    """One thing to do to a report: `what`, for a person, and `make`, which gives the bytes of the changed report.

    `lost` is the name of the key, element or attribute that is not there any more, "" when all are there.
    """

    what: str
    make: Callable[[], bytes]
    lost: str = ""


class _Twice(dict[str, Any]):
    """An object that is written with one of its keys once more, last, which is the one that readers take."""

    def __init__(self, pairs: dict[str, Any], key: str, value: Any) -> None:
        super().__init__(pairs)
        self._more = (key, value)

    def items(self) -> Any:
        return [*super().items(), self._more]


def ways(raw: bytes, kept: int = 1) -> Iterator[Way]:
    """All that can be done to a report; nothing when it is neither JSON nor XML.

    Of places of one pattern, such as results[*].severity, the first `kept` are taken.
    """
    try:
        tree = json.loads(raw)
    except (ValueError, RecursionError):
        yield from _of_xml(raw)
        return
    seen: Counter[tuple[Step, ...]] = Counter()
    for path, value in _places(tree, ()):
        pattern = tuple("*" if isinstance(step, int) else step for step in path)
        seen[pattern] += 1
        if seen[pattern] <= kept:
            yield from _at(tree, path, value)


def _of_xml(raw: bytes) -> Iterator[Way]:
    """Each name of an element and of an attribute changed wherever it stands."""
    for name in sorted(set(_ELEMENT.findall(raw))):
        form = rb"(</?)" + re.escape(name) + rb"(?=[\s/>])"
        yield Way(f"each <{name.decode()}> is called <{name.decode()}X>", _xml(raw, form, name), name.decode())
    for name in sorted(set(_ATTRIBUTE.findall(raw))):
        form = rb"(\s)" + re.escape(name) + rb"(?=\s*=\s*[\"'])"
        yield Way(f"each attribute {name.decode()} is called {name.decode()}X", _xml(raw, form, name), name.decode())


def _xml(raw: bytes, form: bytes, name: bytes) -> Callable[[], bytes]:
    return lambda: re.sub(form, rb"\1" + name + b"X", raw)


def _places(tree: Any, path: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], Any]]:
    if path:
        yield path, tree
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _places(value, (*path, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from _places(value, (*path, index))


def _at(tree: Any, path: tuple[Step, ...], value: Any) -> Iterator[Way]:
    where, key = _dotted(path), path[-1]
    for other in _OTHERS.get(type(value), ()):
        if other != value:
            yield Way(f"{where} is {json.dumps(other)}", _with(tree, path, functools.partial(_instead, other)))
    if isinstance(value, str) and _WORD.fullmatch(value):
        yield Way(f"{where} is the word {_UNHEARD}", _with(tree, path, functools.partial(_instead, _UNHEARD)))
    if isinstance(key, str):
        name = key + "X"
        change = functools.partial(_renamed, key, name)
        yield Way(f"{where} is called {name}", _with(tree, path[:-1], change), key)
        none = None if value is None else type(value)()
        if value != none:
            again = functools.partial(_doubled, key, none)
            yield Way(f"{where} stands twice, at last as {json.dumps(none)}", _with(tree, path[:-1], again))


def _instead(other: Any, _value: Any) -> Any:
    return other


def _renamed(key: str, name: str, pairs: dict[str, Any]) -> dict[str, Any]:
    return {name if one == key else one: value for one, value in pairs.items()}


def _doubled(key: str, value: Any, pairs: dict[str, Any]) -> dict[str, Any]:
    return _Twice(pairs, key, value)


def _with(tree: Any, path: tuple[Step, ...], change: Callable[[Any], Any]) -> Callable[[], bytes]:
    """What gives the JSON of the tree with what is at `path` changed; the tree itself stays as it is."""
    return lambda: json.dumps(_changed(tree, path, change), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _changed(tree: Any, path: tuple[Step, ...], change: Callable[[Any], Any]) -> Any:
    if not path:
        return change(tree)
    step, rest = path[0], path[1:]
    if isinstance(tree, list):
        return [_changed(one, rest, change) if index == step else one for index, one in enumerate(tree)]
    return {key: _changed(one, rest, change) if key == step else one for key, one in tree.items()}


def _dotted(path: tuple[Step, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
