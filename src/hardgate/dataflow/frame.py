"""One function being run on abstract values, and what all such runs have in common."""

from __future__ import annotations

import ast
import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from hardgate.dataflow.project import Class, Function, Instance, Module, ModuleThing, Project
from hardgate.dataflow.values import UNKNOWN, Mark, Thing, Value, doubted, join, named, thing

Variables = dict[str, Value]
Expressions = dict[type[ast.AST], Callable[["Frame", ast.expr], Value]]
Statements = dict[type[ast.AST], Callable[["Frame", ast.stmt], bool]]

EXPRESSIONS: Expressions = {}  # what each kind of expression gives; filled by the modules that know
STATEMENTS: Statements = {}  # runs a statement; False when what follows it is never reached
STEPS = 20_000  # expressions evaluated for one function at the root, before what it calls is no longer followed
VIEW = "."  # first character of the key of what a check has told of an attribute or item: ".self.name"
CONTEXTS = 30  # ways of calling one function, without data from outside, that are told apart
DEEPEST = 10  # calls within calls that are followed


class Stopped(Exception):  # noqa: N818 - control flow, not an error
    """The function was left by an exception or an exit from within an expression."""


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """A weakness at a place: lines and columns count from 1; `marks` tell where the data came from."""

    rule: str
    path: str
    line: int
    column: int
    end_line: int
    message: str
    source: str = ""


@dataclasses.dataclass(slots=True)
class Call:
    """A call that is about to happen: all that a check may want to know of it.

    `names` are the dotted names of what is called, without the last "()"; `last` their last parts. `receiver` is the
    object whose method it is. `star` is what `*args` may bring, `spread` what `**kwargs` may. `marks` are those of
    what is called: `request.get_json` has one.
    """

    frame: Frame
    node: ast.AST
    names: frozenset[str]
    last: frozenset[str]
    receiver: Value
    args: list[Value]
    kwargs: dict[str, Value]
    star: Value | None = None
    spread: Value | None = None
    marks: frozenset[Mark] = frozenset()

    def arg(self, position: int | None, *keywords: str) -> Value | None:
        """The argument at this position (from 0) or with one of these keywords; None when it is not given."""
        for keyword in keywords:
            if keyword in self.kwargs:
                return self.kwargs[keyword]
            if self.spread is not None and (found := self.spread.item(keyword)) is not None:
                return found
        if position is not None and position < len(self.args):
            return self.args[position]
        if self.star is None or position is None:
            return None
        held = self.star.items is not None or self.star.rest is not None
        return self.star.every() if held else Value(marks=self.star.marks)

    def all(self) -> list[Value]:
        """Every argument."""
        more = [one for one in (self.star, self.spread) if one is not None]
        return [*self.args, *self.kwargs.values(), *more]

    def is_a(self, *names: str) -> bool:
        """Whether one of these dotted names is called."""
        return not self.names.isdisjoint(names)

    def check(self) -> None:
        """Have every check look at it that asked for calls of this name."""
        checks = self.frame.analysis.checks
        for last in self.last:
            for one in checks.get(last, ()):
                one(self)
        for one in checks.get("", ()) if isinstance(self.node, ast.Call) else ():
            one(self)

    def report(self, rule: str, message: str, source: str = "") -> None:
        """Note a weakness at the place of the call."""
        self.frame.analysis.report(self.frame, self.node, rule, message, source)


Check = Callable[[Call], None]


@dataclasses.dataclass(slots=True)
class Analysis:
    """What all runs share. `checks` are called before each call, by the last part of its name ("" for all)."""

    project: Project
    checks: Mapping[str, tuple[Check, ...]]
    found: dict[tuple[str, str, int, int], Found] = dataclasses.field(default_factory=dict)
    memory: dict[object, object] = dataclasses.field(default_factory=dict)
    active: list[object] = dataclasses.field(default_factory=list)
    functions: dict[int, Function] = dataclasses.field(default_factory=dict)
    calls: dict[ast.AST, list[ast.Call]] = dataclasses.field(default_factory=dict)  # those within an expression
    contexts: Counter[Function] = dataclasses.field(default_factory=Counter)
    steps: int = 0
    classes: list[Class] = dataclasses.field(default_factory=list)
    derived: tuple[int, dict[Class, set[str]]] = (0, {})  # names in the classes below each, and for how many classes
    doubt: bool = False  # something doubtful went into the expression that is being evaluated
    cut: dict[tuple[str, int], str] = dataclasses.field(default_factory=dict)
    raised: list[tuple[str, frozenset[Mark]]] = dataclasses.field(default_factory=list)  # class, what its text holds
    judged: dict[tuple[str, str, int, int], set[str]] = dataclasses.field(default_factory=dict)
    failed: dict[str, str] = dataclasses.field(default_factory=dict)  # files that could not be judged whole, and why

    def load(self, module: Module) -> None:
        """Run a module's own statements, once."""
        if module.started:
            return
        module.started = True
        frame = Frame(self, module, module.names, {})
        outer, self.doubt = self.doubt, False
        for one in module.tree.body:
            frame.execute([one])
            if frame.variables is not module.names:
                module.names.update(frame.variables)
                frame.variables = module.names
        self.doubt = outer

    def submodule(self, module: Module, name: str) -> Value | None:
        """The module of this name within a package."""
        found = self.project.find(f"{module.dotted}.{name}")
        return thing(ModuleThing(found)) if found is not None else None

    def shared(self, owner: Class) -> Value:
        """The object of a class that stands for all that nobody is seen to make."""
        if owner.shared is None:
            owner.shared = Instance(owner)
        return thing(owner.shared)

    def settled(self, owner: Thing, name: str, value: Value) -> bool:
        """Whether an attribute that was read is all that it can be."""
        made = isinstance(owner, Instance) and owner.owner.shared is not owner
        if isinstance(owner, Instance | Class) and not made:
            kind = owner.owner if isinstance(owner, Instance) else owner
            given = isinstance(owner, Instance) and any(name in one.annotations for one in kind.family())
            if given or self._overridden(kind, name):
                return False
        return self.project.changes.attribute(name, value, settled=made or not isinstance(owner, Instance))

    def _overridden(self, owner: Class, name: str) -> bool:
        """Whether a class that is derived from this one has something else under the name."""
        if len(self.classes) != self.derived[0]:
            below: dict[Class, set[str]] = {}
            for one in self.classes:
                for base in one.family():
                    if base is not one:
                        below.setdefault(base, set()).update(one.names)
            self.derived = (len(self.classes), below)
        return name in self.derived[1].get(owner, ())

    def judge(self, frame: Frame, node: ast.AST, rule: str, outcome: str) -> None:
        """Note how dangerous a place is here: "harmful", "harmless", or "open" when not all of the value is known."""
        line = getattr(node, "lineno", 1)
        place = (rule, frame.module.path, line, getattr(node, "end_lineno", None) or line)
        self.judged.setdefault(place, set()).add(outcome)

    def report(self, frame: Frame, node: ast.AST, rule: str, message: str, source: str = "") -> None:
        """Note a weakness, once for each rule and place."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1
        key = (rule, frame.module.path, line, column)
        end = getattr(node, "end_lineno", None) or line
        if key not in self.found:
            self.found[key] = Found(rule, frame.module.path, line, column, end, message, source)


@dataclasses.dataclass(slots=True)
class Frame:
    """A function (or a module's or class's body) being run with certain arguments.

    `variables` are those at this point, and under VIEW what checks have told of attributes and items. `returned` are
    what was given back, the variables at that point and the expression.
    """

    analysis: Analysis
    module: Module
    variables: Variables
    closure: Variables
    function: Function | None = None
    depth: int = 0
    returned: list[tuple[Value, Variables, ast.expr | None]] = dataclasses.field(default_factory=list)
    yielded: list[Value] = dataclasses.field(default_factory=list)
    assigned: set[str] = dataclasses.field(default_factory=set)
    globals: set[str] = dataclasses.field(default_factory=set)
    leaving: list[Variables] = dataclasses.field(default_factory=list)
    branch: int = 0
    entry: str = ""  # how it answers requests: "flask", "django", "fastapi"; "" when it does not
    at: ast.stmt | None = None
    inside: Class | None = None  # the class that a method, or a class's body, belongs to

    def evaluate(self, node: ast.expr) -> Value:
        """What the expression may be."""
        analysis = self.analysis
        analysis.steps += 1
        outer, analysis.doubt = analysis.doubt, False
        handler = EXPRESSIONS.get(type(node))
        value = handler(self, node) if handler is not None else self._unknown(node)
        # What a doubtful part was made into is doubtful too, but for the number that a conversion makes of anything.
        if analysis.doubt and (value.kind != "number" or value.closed):
            value = doubted(value)
        analysis.doubt = outer or value.doubtful
        return value

    def _unknown(self, node: ast.expr) -> Value:
        parts = [self.evaluate(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        return Value(marks=join(parts).deep()) if parts else UNKNOWN

    def execute(self, body: Iterable[ast.stmt]) -> bool:
        """Run statements; False when their end is never reached."""
        for one in body:
            handler = STATEMENTS.get(type(one))
            self.at = one
            try:
                if handler is not None and not handler(self, one):
                    return False
            except Stopped:
                return False
        return True

    def tell(self, node: ast.AST, event: str, *args: Value) -> None:
        """Have the checks look at what is no call: "={}" an item of a written dict, "==" a comparison, "=default"."""
        if event in self.analysis.checks:
            Call(self, node, frozenset(), frozenset([event]), UNKNOWN, list(args), {}).check()

    def look_up(self, name: str) -> Value:
        """A variable by name: of the function, of those around it, of the module, or one of Python's own.

        It is doubtful where others may put something else there.
        """
        changes, node = self.analysis.project.changes, self.function.node if self.function is not None else None
        for scope, settled in (
            (self.variables, changes.local), (self.closure, changes.around), (self.module.names, changes.top),
        ):  # fmt: skip
            if name in scope:
                value = scope[name]
                return value if settled(node, name, value) else doubted(value)
        return named(name)

    def built(self, node: ast.AST, value: Value) -> Value:
        """Have the checks for "=text" look at a text that was put together here; the text."""
        if value.text is not None and not value.closed:
            Call(self, node, frozenset(), frozenset(["=text"]), UNKNOWN, [value], {}).check()
        return value

    def copy(self) -> Variables:
        """The variables as they are now."""
        return dict(self.variables)


def merged(paths: Iterable[Variables]) -> Variables:
    """The variables where several paths through the code meet."""
    whole: Variables | None = None
    for one in paths:
        if whole is None:
            whole = dict(one)
            continue
        for view in [name for name in whole if name[0] == VIEW and name not in one]:
            del whole[view]
        for name, value in one.items():
            other = whole.get(name)
            if other is None:
                if name[0] != VIEW:
                    whole[name] = value
            elif other is not value:
                whole[name] = join([other, value])
    return whole if whole is not None else {}


def expression(
    *kinds: type[ast.AST],
) -> Callable[[Callable[[Frame, ast.expr], Value]], Callable[[Frame, ast.expr], Value]]:
    """Register what an expression of these kinds gives."""

    def register(handler: Callable[[Frame, ast.expr], Value]) -> Callable[[Frame, ast.expr], Value]:
        EXPRESSIONS.update(dict.fromkeys(kinds, handler))
        return handler

    return register


def statement(
    *kinds: type[ast.AST],
) -> Callable[[Callable[[Frame, ast.stmt], bool]], Callable[[Frame, ast.stmt], bool]]:
    """Register how a statement of these kinds is run."""

    def register(handler: Callable[[Frame, ast.stmt], bool]) -> Callable[[Frame, ast.stmt], bool]:
        STATEMENTS.update(dict.fromkeys(kinds, handler))
        return handler

    return register
