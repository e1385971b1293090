"""What is known of a value at one place in the code."""

from __future__ import annotations

import ast
import dataclasses
import functools
import os.path
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Const = str | bytes | int | float | bool | None
HOLE = "\0"  # stands in `Value.text` for a part that is not known
OURS = HOLE + "\1"  # such a part that is not from outside
LINE = HOLE + "\2"  # such a part that holds no line end
_CONSTS = 16  # more possible constants than these count as "not known"
_MARKS = 12
_KEYS = 40
_TEXT = 600
_DEPTH = 8
_NAME = 160


@dataclass(frozen=True, slots=True)
class Mark:
    """Data from outside, as it came in at `path`:`line` (from 1), `source` in words.

    `safe` are the families of weaknesses for which it has been made harmless since; `gone` are characters that have
    been taken out of it.
    """

    source: str
    path: str
    line: int
    safe: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()


class Thing:
    """A function, class or object of the project, compared by identity."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Value:
    """What a variable may hold. The empty Value is one of which nothing is known, and that is not from outside.

    `marks`: the data from outside in it. `some`: constants that it may be; `closed`: it cannot be anything else.
    `names`: dotted names of what it may be outside the project; `()` stands for a call's result, `[]` for an item
    ("flask.request.args.get()"). `things`: what it may be of the project. `items`: what is known of a container's
    items by key or index; `rest`: what any other item may be. `text`: a text as far as it is known, HOLE for each
    unknown part. `about`: (variable, aspect) pairs: it is that aspect ("whole", "host", "part") of those variables of
    the same function. `test`: the condition whose outcome it is. `sure`: all that it is made of is known: constants,
    and data from outside that has its marks. `doubtful`: it may also be what is not seen here: what another function
    puts there later, or what a caller outside the project gives. Nothing that it becomes part of is accounted for.
    """

    marks: frozenset[Mark] = frozenset()
    some: frozenset[Const] = frozenset()
    closed: bool = False
    names: frozenset[str] = frozenset()
    things: frozenset[Thing] = frozenset()
    items: tuple[tuple[Const, Value], ...] | None = None
    rest: Value | None = None
    text: str | None = None
    about: frozenset[tuple[str, str]] = frozenset()
    test: ast.expr | None = None
    sure: bool = False
    doubtful: bool = False
    kind: str = ""  # "text", "bytes", "number", "list", "dict", "tuple", "set" where the code makes that plain

    @property
    def held(self) -> bool:
        """Whether something is known of what is in it."""
        return self.items is not None or self.rest is not None

    @property
    def consts(self) -> frozenset[Const] | None:
        """All constants that it may be; None when it may be something else."""
        return self.some if self.closed else None

    def but(self, **changes: object) -> Value:
        """The same with some fields changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]  # fields by name: mypy cannot see them

    @property
    def const(self) -> Const:
        """The only constant that it can be. Raises ValueError when there is not exactly one."""
        if not self.known:
            raise ValueError("not one constant")
        return next(iter(self.some))

    @property
    def known(self) -> bool:
        """Whether it is exactly one constant."""
        return self.closed and len(self.some) == 1

    @property
    def texts(self) -> tuple[str, ...]:
        """The constant texts among what it may be."""
        return tuple(sorted(one for one in self.some if isinstance(one, str)))

    @property
    def prefix(self) -> str:
        """The part of the text that is known to stand at its beginning."""
        return (self.text or "").partition(HOLE)[0]

    @property
    def fixed(self) -> str:
        """The part at the beginning that is not from outside; "\1" stands for what is not known in it."""
        return (self.text or "").replace(OURS, OURS[1]).partition(HOLE)[0]

    def item(self, key: Const) -> Value | None:
        """What is known of the item with this key or index."""
        for one, value in self.items or ():
            if one == key and type(one) is type(key):
                return doubted(value) if self.doubtful else value
        return None

    def every(self) -> Value:
        """What any one of the items may be."""
        found = join([*(value for _, value in self.items or ()), *([self.rest] if self.rest else [])])
        return doubted(found) if self.doubtful else found

    def deep(self) -> frozenset[Mark]:
        """Marks of the value and of everything in it."""
        if self.items is None and self.rest is None:
            return self.marks
        return _few(
            self.marks.union(*(one.deep() for _, one in self.items or ()), self.rest.deep() if self.rest else ())
        )

    def named(self, *wanted: str) -> bool:
        """Whether it may be one of these names."""
        return not self.names.isdisjoint(wanted)


UNKNOWN = Value()
_DOUBTED = Value(doubtful=True)


@functools.lru_cache(maxsize=8192, typed=True)
def constant(value: Const) -> Value:
    """The value of a literal."""
    kind = {str: "text", bytes: "bytes", int: "number", float: "number"}.get(type(value), "")
    text = value[:_TEXT] if isinstance(value, str) and HOLE not in value else None
    return Value(some=frozenset([value]), closed=True, text=text, kind=kind, sure=True)


def one_of(values: Iterable[Const]) -> Value:
    """A value that is one of these constants."""
    return join([constant(one) for one in values])


def named(*names: str) -> Value:
    """Something outside the project with one of these dotted names."""
    return Value(names=frozenset(name for name in names if len(name) <= _NAME))


def thing(*things: Thing) -> Value:
    """Something of the project."""
    return Value(things=frozenset(things))


def tainted(marks: Iterable[Mark], kind: str = "") -> Value:
    """Data with these marks of which nothing else is known."""
    return Value(marks=_few(frozenset(marks)), kind=kind)


def _few(marks: frozenset[Mark]) -> frozenset[Mark]:
    if len(marks) <= _MARKS:
        return marks
    return frozenset(sorted(marks, key=lambda one: (len(one.safe), len(one.gone), one.path, one.line))[:_MARKS])


def join(values: Iterable[Value]) -> Value:
    """What is true of a value that is one of these."""
    found: Value | None = None
    for one in values:
        found = one if found is None or found is one else _join(found, one, 0)
    return UNKNOWN if found is None else found


def _join(one: Value, two: Value, depth: int) -> Value:
    if one == two:
        return one
    some = one.some | two.some
    items, rest = _items(one, two, depth) if depth < _DEPTH else (None, None)
    return Value(
        marks=_few(one.marks | two.marks) if depth < _DEPTH else _few(one.deep() | two.deep()),
        some=some if len(some) <= _CONSTS else frozenset(),
        closed=one.closed and two.closed and len(some) <= _CONSTS,
        names=one.names | two.names if len(one.names | two.names) <= _CONSTS else frozenset(),
        things=one.things | two.things,
        items=items,
        rest=rest,
        text=_text(one, two),
        about=one.about & two.about,
        test=one.test if one.test is two.test else None,
        kind=_kind(one, two),
        sure=one.sure and two.sure,
        doubtful=one.doubtful or two.doubtful or (one.held is not two.held and not (accounted(one) and accounted(two))),
    )


def _kind(one: Value, two: Value) -> str:
    if one.kind == two.kind or (two.closed and not any(two.some)):
        return one.kind
    return two.kind if one.closed and not any(one.some) else ""


def _text(one: Value, two: Value) -> str | None:
    if one.text is None or two.text is None or one.text == two.text:
        return one.text if one.text == two.text else None
    shared = os.path.commonprefix([one.text, two.text])  # noqa: RUF071 - texts, not paths
    return shared.partition(HOLE)[0] + HOLE


def _items(one: Value, two: Value, depth: int) -> tuple[tuple[tuple[Const, Value], ...] | None, Value | None]:
    if one.items is None and two.items is None:
        return None, _either(one.rest, two.rest, depth)
    first, second = list(one.items or ()), list(two.items or ())
    keys = {(type(key), key) for key, _ in first}
    merged = [(key, _either(value, two.item(key), depth) or UNKNOWN) for key, value in first]
    merged += [(key, value) for key, value in second if (type(key), key) not in keys]
    rest = _either(one.rest, two.rest, depth)
    if len(merged) > _KEYS:
        return None, join([*(value for _, value in merged), *([rest] if rest else [])])
    return tuple(merged), rest


def _either(one: Value | None, two: Value | None, depth: int) -> Value | None:
    if one is None or two is None:
        return one or two
    return _join(one, two, depth + 1)


def container(kind: str, items: Iterable[tuple[Const, Value]], rest: Value | None = None) -> Value:
    """A list, tuple, set or dict with these items; the later of two with one key counts."""
    found: dict[tuple[type, Const], tuple[Const, Value]] = {}
    for key, value in items:
        found[(type(key), key)] = (key, value)
    if len(found) > _KEYS:
        return Value(rest=join([*(value for _, value in found.values()), *([rest] if rest else [])]), kind=kind)
    return Value(items=tuple(found.values()), rest=rest, kind=kind)


def with_item(whole: Value, key: Value, value: Value) -> Value:
    """The container after an assignment to one item."""
    if key.known and not isinstance(key.const, float):
        changed = container(whole.kind or "dict", [*(whole.items or ()), (key.const, value)], whole.rest)
        made = whole.but(items=changed.items, rest=changed.rest, some=frozenset(), closed=False, kind=whole.kind)
        return made if whole.held else made.but(doubtful=True)
    return with_rest(whole, value)


def with_rest(whole: Value, value: Value) -> Value:
    """The container after something was put into it under a key that is not known."""
    rest = join([whole.rest, value]) if whole.rest else value
    return whole.but(rest=rest, some=frozenset(), closed=False, doubtful=whole.doubtful or not whole.held)


def made_safe(value: Value, families: Iterable[str]) -> Value:
    """The same, harmless for these families from now on."""
    wanted = frozenset(families)
    return mapped(value, lambda mark: dataclasses.replace(mark, safe=mark.safe | wanted))


def without(value: Value, characters: Iterable[str]) -> Value:
    """The same, with these characters taken out."""
    wanted = frozenset(characters)
    return mapped(value, lambda mark: dataclasses.replace(mark, gone=mark.gone | wanted))


def mapped(value: Value, change: Callable[[Mark], Mark]) -> Value:
    """The same with each mark changed, also those of its items."""
    if not value.deep():
        return value
    return value.but(
        marks=frozenset(change(mark) for mark in value.marks),
        items=None if value.items is None else tuple((key, mapped(one, change)) for key, one in value.items),
        rest=None if value.rest is None else mapped(value.rest, change),
    )


def doubted(value: Value) -> Value:
    """The same, which may also be something that is not seen here: also no number for sure."""
    if value.doubtful:
        return value
    if value is UNKNOWN:
        return _DOUBTED
    # Spelt out: this is called more often than all else that changes a value, and `replace` is slow.
    return Value(
        value.marks, value.some, value.closed, value.names, value.things, value.items, value.rest, value.text,
        value.about, value.test, False, True, "" if value.kind == "number" else value.kind,
    )  # fmt: skip


def accounted(value: Value) -> bool:
    """Whether all that the value, or any item of it, is made of is known."""
    if value.doubtful:
        return False
    if value.items is None and value.rest is None:
        return value.sure or value.kind == "number"
    parts = [*(one for _, one in value.items or ()), *([value.rest] if value.rest is not None else [])]
    return all(map(accounted, parts))


def clean(value: Value) -> Value:
    """The same, no longer counted as data from outside."""
    if not value.deep():
        return value
    return value.but(
        marks=frozenset(),
        items=None if value.items is None else tuple((key, clean(one)) for key, one in value.items),
        rest=None if value.rest is None else clean(value.rest),
    )
