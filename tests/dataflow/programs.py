"""Small programs drawn by chance, which are analysed and also run: what was refuted must never see harmful text.

The programs use what the analysis says it follows: variables, containers, loops, closures, globals, attributes,
classes, calls. They make little sense, and do not have to.
"""

from __future__ import annotations

import contextlib
import functools
import random
import sys
import types
from collections.abc import Callable, Iterator
from textwrap import indent
from typing import Any, TypeVar

EVIL = "EVIL"
HEAD = """\
import random
import sqlite3
from flask import Flask, request
from elsewhere import unknown, flip
app = Flask(__name__)
db = sqlite3.connect(":memory:")
"""
LINES = HEAD.count("\n")
_T = TypeVar("_T")
_TEXTS, _LISTS, _TABLES, _OBJECTS = ("t", "u"), ("l", "m"), ("d", "e"), ("o", "p")
_KEYS, _NAMES, _ALLOWED = ('"k"', '"n"'), ('"c"', '"s"', '"v"'), ("L", "l", '("a", "b")', "D")
_ROUNDS = 6  # how often each function is called
_LARGEST = 500  # texts and lists that grow longer end it too
_STEPS = 1_000  # lines that a call may run before it is given up


class Writer:
    """Writes one program."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.depth = 0
        self.made = 0
        self.functions: list[str] = ["str"]
        self.shared: list[str] = []

    def program(self) -> str:
        """The text of the program, without its head."""
        parts = [
            f'G = {self.constant()}\nH = {self.constant()}\nL = ["a", "b"]\nD = {{"k": "a", "n": "b"}}',
            f"class A:\n    c = {self.constant()}\n    s = {self.constant()}\n    h = []\n"
            f"    def __init__(self, v={self.constant()}):\n        self.v = v\n"
            + indent(self.function("method", "self"), "    "),
            f"class B(A):\n    s = {self.constant()}\n" + indent(self.function("other", "self"), "    "),
            "O = A()\n",
        ]
        for number in range(self.chance.randint(1, 3)):
            name = f"f{number}"
            parts.append(self.function(name))
        return "\n".join(parts) + "\n"

    def function(self, name: str, first: str = "") -> str:
        """A function that the application's users reach, or one that is called."""
        asked = not first and self.chance.random() < 0.5
        given = [one for one in (first, *([] if asked else ["t", "u"])) if one]
        if not asked and self.chance.random() < 0.6:
            given[-2:] = [f"t={self.constant()}", f"u={self.constant()}"]
        taken = {one.partition("=")[0] for one in given}
        every = {
            "t": self.constant(),
            "u": self.constant(),
            "l": self.list(4),
            "m": '["a"]',
            "d": self.table(4),
            "e": '{"k": "b", "n": "a"}',
            "o": "A()",
            "p": "B()",
        }
        start = "".join(f"{one} = {value}\n" for one, value in every.items() if one not in taken and value != one)
        body = start + self.block(self.chance.randint(1, 4))
        if self.chance.random() < 0.3:
            body = f"global {self.pick('G', 'H')}\n{body}"
        route = f'@app.route("/{name}")\n' if asked else ""
        self.functions += [] if asked or first else [name]
        return f"{route}def {name}({', '.join(given)}):\n{indent(body, '    ')}    return {self.text()}\n"

    def pick(self, *some: _T) -> _T:
        return self.chance.choice(some)

    def constant(self) -> str:
        return self.pick('"a"', '"b"', '"name"', '"7"')

    def block(self, number: int) -> str:
        self.depth += 1
        kinds: list[Callable[[], str]] = [
            self.sink,
            self.sink,
            self.assign,
            self.assign,
            self.fill,
            self.attribute,
            self.shift,
        ]
        if self.depth < 3:
            kinds += [self.condition, self.condition, self.loop, self.closure, self.attempt]
        text = "".join(self.chance.choice(kinds)() for _ in range(number))
        self.depth -= 1
        return text

    def sink(self) -> str:
        return self.pick(
            f'db.execute("SELECT " + {self.text()})\n',
            f'q = {self.text()}\ndb.execute(f"SELECT {{q}} FROM x")\n',
            f'q = "SELECT " + {self.text()}\nq += {self.text()}\ndb.execute(q)\n',
            f'db.execute("SELECT %s" % {self.text()})\n',
            f'db.execute("SELECT {{}}".format({self.text()}))\n',
        )

    def text(self, deep: int = 0) -> str:
        plain = [
            self.constant(),
            "t",
            "u",
            "G",
            "H",
            "O.c",
            "A.s",
            "O.v",
            "o.c",
            "p.s",
            'request.args["x"]',
            'request.args["x"]',
            "D['k']",
        ]
        if deep > 1 or self.chance.random() < 0.5:
            return self.chance.choice(plain)
        inner = functools.partial(self.text, deep + 1)
        return self.chance.choice(
            [
                f'", ".join({self.list(deep + 1)})',
                f"{self.table(deep + 1)}[{self.pick(*_KEYS, inner())}]",
                f"{self.table(deep + 1)}.get({inner()}, {inner()})",
                f"({inner()} if flip() else {inner()})",
                f"({inner()} or {inner()})",
                f"{inner()} + {inner()}",
                f"{self.list(deep + 1)}[{self.pick('0', '1')}]",
                *([f"str(int({inner()}))"] if self.chance.random() < 0.2 else []),
                f"{inner()}.lower().upper()",
                f"{self.call(deep + 1)}",
                f"(lambda t: {inner()})({inner()})",
                f"{self.list(deep + 1)}.pop()",
                f"getattr({self.object()}, {self.pick(*_NAMES)})",
                f"{self.pick('A', 'B')}({inner()}).v",
                f"{self.pick('A', 'B')}().{self.pick('c', 's', 'v')}",
                f"next(iter({self.list(deep + 1)}))",
                f"max({self.list(deep + 1)})",
            ]
        )

    def object(self) -> str:
        return self.pick("O", "o", "p", "o", "p", "A", "B")

    def call(self, deep: int = 0) -> str:
        name = self.chance.choice([*self.functions, f"{self.pick('o', 'p', 'O')}.method", "p.other"])
        args = [self.text(deep + 1) for _ in range(1 if name == "str" else 2)]
        if self.chance.random() < 0.2:
            args = [f"*{self.list(deep + 1)}"]
        return f"{name}({', '.join(args)})"

    def list(self, deep: int = 0) -> str:
        plain = [*(["l", "m"] if deep < 4 else []), "L", "A.h", f"[{self.constant()}, {self.constant()}]", '["b", "b"]']
        if deep > 1 or self.chance.random() < 0.6:
            return self.chance.choice(plain)
        return self.chance.choice(
            [
                f"[{self.text(deep + 1)}, {self.text(deep + 1)}]",
                f"[w for w in {self.list(deep + 1)}]",
                f"{self.list(deep + 1)} + {self.list(deep + 1)}",
                f"sorted({self.list(deep + 1)})",
                f"[{self.text(deep + 1)} for t in {self.list(deep + 1)} if t in L]",
                f"list({self.table(deep + 1)}.values())",
                f"({self.list(deep + 1)} if flip() else unknown())",
                f"{self.list(deep + 1)}[:1]",
                f"[*{self.list(deep + 1)}, {self.text(deep + 1)}]",
            ]
        )

    def table(self, deep: int = 0) -> str:
        plain = [*(["d", "e"] if deep < 4 else []), "D", f'{{"k": {self.constant()}, "n": "b"}}']
        if deep > 1 or self.chance.random() < 0.6:
            return self.chance.choice(plain)
        return self.chance.choice(
            [
                f'{{"k": {self.text(deep + 1)}, "n": {self.text(deep + 1)}}}',
                f'{{**{self.table(deep + 1)}, "k": {self.text(deep + 1)}}}',
                f"dict({self.table(deep + 1)})",
                f"{{w: {self.text(deep + 1)} for w in {self.list(deep + 1)}}}",
                f"{self.table(deep + 1)} | {self.table(deep + 1)}",
            ]
        )

    def assign(self) -> str:
        return self.pick(
            f"{self.pick(*_TEXTS)} = {self.text()}\n",
            f"{self.pick(*_TEXTS)} = {self.text()}\n",
            f"{self.pick(*_LISTS)} = {self.list()}\n",
            f"{self.pick(*_TABLES)} = {self.table()}\n",
            f"{self.pick(*_OBJECTS)} = {self.pick('A', 'B')}({self.text()})\n",
            f"t, u = {self.text()}, {self.text()}\n",
            f"{self.pick('G', 'H')} = {self.text()}\n",
            f"{self.pick(*_TEXTS)} += {self.text()}\n",
            "m = l\n",
            "e = d\n",
            "p = o\n",
            f"(u := {self.text()})\n",
            f"t, *l = {self.list()}\n",
        )

    def fill(self) -> str:
        return self.pick(
            f"{self.list()}.append({self.text()})\n",
            f"{self.pick(*_LISTS)}.append({self.text()})\n",
            f"{self.pick('l', 'L', 'A.h')}.extend({self.pick('unknown()', self.list())})\n",
            f"{self.pick('d', 'D')}[{self.pick(*_KEYS, self.text())}] = {self.text()}\n",
            f"{self.pick('d', 'D')}.update({self.table()})\n",
            f"{self.pick('l', 'L')}[0] = {self.text()}\n",
            f"{self.pick('d', 'D')}.setdefault({self.text()}, {self.text()})\n",
            f"{self.pick('l', 'L')} += {self.list()}\n",
            f"d.update(k={self.text()})\n",
            f"add = {self.pick('l', 'L')}.append\nadd({self.text()})\n",
        )

    def attribute(self) -> str:
        return self.pick(
            f"{self.object()}.{self.pick('c', 's', 'v')} = {self.text()}\n",
            f"{self.call()}\n",
            f"setattr({self.object()}, {self.pick(*_NAMES)}, {self.text()})\n",
            f"{self.call()}\n",
            f"{self.object()}.h.append({self.text()})\n",
        )

    def shift(self) -> str:
        return self.pick("t = u\nu = G\n", "u = t\n", "t, u = u, t\n", "l, m = m, l\n", "l = m[:]\n")

    def condition(self) -> str:
        test = self.pick(
            "flip()",
            f"{self.text()} in {self.list()}",
            f"{self.pick(*_TEXTS)} in {self.pick(*_ALLOWED)}",
            f"{self.pick(*_TEXTS)}.isdigit()",
            f"{self.text()} == {self.constant()}",
            f"not {self.text()}",
            "t in L and flip()",
            f"t not in ({self.constant()}, {self.constant()})",
            "isinstance(t, int)",
            'G == "7"',
            "t",
        )
        other = f"else:\n{indent(self.block(self.chance.randint(1, 2)), '    ')}" if self.chance.random() < 0.5 else ""
        leave = f"    return {self.text()}\n" if self.chance.random() < 0.3 else ""
        return f"if {test}:\n{indent(self.block(self.chance.randint(1, 2)), '    ')}{leave}{other}"

    def loop(self) -> str:
        head = self.pick(
            f"for t in {self.list()}:",
            f"for u in {self.list()}:",
            "while flip():",
            "for w, t in D.items():",
            "for t in d.values():",
        )
        end = self.pick("", "", "    if flip():\n        break\n", "    if t in L:\n        continue\n")
        return f"{head}\n{end}{indent(self.block(self.chance.randint(1, 3)), '    ')}"

    def closure(self) -> str:
        self.made += 1
        name, given = f"i{self.made}", self.pick("", "t", "u")
        inside = self.pick("", f"nonlocal l\nl = {self.list()}\n") if self.depth == 1 else ""
        body = inside + self.block(self.chance.randint(1, 3)) + f"return {self.text()}\n"
        more = self.block(1)
        inner = f"def {name}({given}):\n{indent(body, '    ')}"
        return f"l = {self.list()}\n{inner}{more}u = {name}({self.text() if given else ''})\n"

    def attempt(self) -> str:
        return f"try:\n{indent(self.block(2), '    ')}except ValueError:\n{indent(self.block(1), '    ')}"


class _LateError(Exception):
    """The call has run long enough."""


class _Base:
    def __init__(self, lines: dict[int, set[str]]) -> None:
        self.lines = lines

    def execute(self, text: object) -> None:
        self.lines.setdefault(sys._getframe(1).f_lineno, set()).add(str(text))


def run(text: str, seed: int) -> dict[int, set[str]]:
    """What each line of the program hands to the database, when its functions are called in any order by anybody."""
    chance = random.Random(seed)
    seen: dict[int, set[str]] = {}
    space: dict[str, Any] = {
        "db": _Base(seen),
        "flip": lambda *_: chance.random() < 0.6,
        "unknown": lambda *_: [EVIL, "x"],
        "request": types.SimpleNamespace(args=_Args(chance)),
        "app": types.SimpleNamespace(route=lambda _: lambda one: one),
    }
    program = "\n" * LINES + text
    with _stopped():
        exec(compile(program, "program", "exec"), space)
    for _ in range(_ROUNDS):
        every = [*_functions(space), *_methods(space)]
        for one in chance.sample(every, len(every)):
            count = one.__code__.co_argcount - len(one.__defaults__ or ()) - hasattr(one, "__self__")
            with _stopped():
                one(*[chance.choice([EVIL, "a", "7"]) for _ in range(max(0, count))])
    return seen


def _functions(space: dict[str, Any]) -> list[Any]:
    given = {"flip", "unknown"}
    return [one for name, one in space.items() if isinstance(one, types.FunctionType) and name not in given]


def _methods(space: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    for kind in (space.get("A"), space.get("B")):
        with _stopped():
            made = kind() if isinstance(kind, type) else None
            found += [getattr(made, name) for name in ("method", "other") if hasattr(made, name)]
    return found


class _Args:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def __getitem__(self, _name: str) -> str:
        return self.chance.choice([EVIL, EVIL, "a", "7"])


@contextlib.contextmanager
def _stopped() -> Iterator[None]:
    """End what runs for long, and let errors of the program be."""
    left = [_STEPS]

    def trace(frame: types.FrameType, event: str, _arg: object) -> Any:
        if event == "line":
            left[0] -= 1
            large = any(isinstance(one, str | list) and len(one) > _LARGEST for one in frame.f_locals.values())
            if left[0] < 0 or large:
                raise _LateError
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    except Exception:  # noqa: BLE001 - whatever the drawn program does wrong ends that call of it
        pass
    finally:
        sys.settrace(before)
