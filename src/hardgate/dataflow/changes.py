"""What the code may change where the analysis does not see when: it runs each function by itself, once for each caller.

A global, an attribute or a container that one function changes can be another thing when the next one reads it. This
looks at how the code is written, by names alone, and rather calls too much changeable than too little.
"""

from __future__ import annotations

import ast
import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator

from hardgate.dataflow.values import Value

# Methods that leave a container as it is, and give no other name to it: docs.python.org/3/library/stdtypes.html
_READING = frozenset({
    "get", "items", "keys", "values", "index", "count", "copy", "isdisjoint", "issubset", "issuperset", "union",
    "intersection", "difference", "symmetric_difference", "__contains__", "__len__", "__getitem__", "join", "format",
})  # fmt: skip
# Functions that read a container and keep nothing of it: docs.python.org/3/library/functions.html
_READERS = frozenset({
    "len", "sorted", "list", "tuple", "set", "dict", "frozenset", "any", "all", "str", "repr", "min", "max", "sum",
    "enumerate", "zip", "map", "filter", "reversed", "isinstance", "print", "bool", "join",
})  # fmt: skip
_READ_BY = (
    ast.Compare, ast.FormattedValue, ast.UnaryOp, ast.BinOp, ast.If, ast.While, ast.Assert, ast.Expr, ast.comprehension,
    ast.Slice,
)  # fmt: skip
_HANDED_ON = (ast.BoolOp, ast.IfExp, ast.NamedExpr, ast.Await, ast.Starred)
_SETTERS = frozenset({"setattr", "__setattr__", "delattr", "__delattr__"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_NAMED = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar,
)  # fmt: skip
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_OWN = frozenset({"__init__", "__post_init__"})  # where an object gets its attributes before anybody has it


@dataclasses.dataclass(slots=True)
class Scope:
    """A function that is in no other, with those within it.

    `bound`: how often each of its names is given a value (twice, where that is in a loop). `free`: names that functions
    within it set. `shared`: containers that are known under another name too, or filled by a function within.
    """

    bound: Counter[str] = dataclasses.field(default_factory=Counter)
    free: set[str] = dataclasses.field(default_factory=set)
    shared: set[str] = dataclasses.field(default_factory=set)


class Changes:
    """The names in a project that something else may be put under than what was last seen there."""

    def __init__(self, trees: Iterable[ast.Module]) -> None:
        """Look at the syntax trees of all files."""
        self.variables: set[str] = set()  # set through `global`
        self.attributes: set[str] = set()  # set after their object was made
        self.made: set[str] = set()  # set by the method that makes an object
        self.modules: set[str] = set()  # those of `attributes` that may be set on a module
        self.containers: set[str] = set()  # filled in a function, or known under another name too
        self.computed = False  # an attribute is set whose name is worked out
        self._scopes: dict[ast.AST, Scope] = {}
        for tree in trees:
            _Reader(self).visit(tree, _Place())

    def local(self, node: ast.AST | None, name: str, value: Value) -> bool:
        """Whether a variable of the function `node` is what was last put there; None: of a module or class."""
        scope = self._scopes.get(node) if node is not None else None
        if scope is None:
            return node is None and self.top(None, name, value)
        return name not in scope.free and not _fluid(value, name in scope.shared)

    def around(self, node: ast.AST | None, name: str, value: Value) -> bool:
        """Whether a variable of a function around this one is what it was when this one was made."""
        scope = self._scopes.get(node) if node is not None else None
        if scope is None or scope.bound[name] > 1 or name in scope.free:
            return False
        return not _fluid(value, name in scope.shared or name in self.containers)

    def top(self, node: ast.AST | None, name: str, value: Value) -> bool:
        """Whether a module's variable stays what it is once the module was run."""
        scope = self._scopes.get(node) if node is not None else None
        if scope is not None and scope.bound[name]:
            return False  # one of a function's own that has no value yet
        changed = name in self.variables or name in self.modules or self.computed
        return not changed and not _fluid(value, name in self.containers)

    def attribute(self, name: str, value: Value, *, settled: bool) -> bool:
        """Whether an attribute stays what it is; `settled`: the object is one whose making was seen."""
        changed = name in self.attributes or self.computed or (not settled and name in self.made)
        return not changed and not _fluid(value, name in self.containers)

    def enter(self, node: ast.AST, scope: Scope) -> None:
        """Note which scope a function belongs to."""
        self._scopes[node] = scope


def _fluid(value: Value, shared: bool) -> bool:
    """Whether a container may hold something else: it is shared, or has containers in it, each of which may be."""
    if not value.held:
        return False
    if value.kind == "tuple":
        return any(_fluid(one, shared) for one in _parts(value))
    return shared or any(one.held and one.kind != "tuple" for one in _parts(value))


def _parts(value: Value) -> Iterator[Value]:
    yield from (one for _, one in value.items or ())
    if value.rest is not None:
        yield value.rest


@dataclasses.dataclass(frozen=True, slots=True)
class _Place:
    """The function and loop in which a piece of code stands."""

    scope: Scope | None = None
    depth: int = 0  # functions within functions
    looped: int = 1  # 2 within a loop
    method: str = ""
    first: str = ""  # the first parameter of a method


_Way = tuple[ast.AST, ...]  # the last nodes above one


class _Reader:
    """Walks through a file, with the way to each node."""

    def __init__(self, changes: Changes) -> None:
        self.changes = changes

    def visit(self, node: ast.AST, place: _Place, way: _Way = ()) -> None:
        self.note(node, place, way)
        if isinstance(node, _FUNCTIONS):
            place = self.function(node, place, way)
        elif isinstance(node, _LOOPS) and place.looped == 1:
            place = dataclasses.replace(place, looped=2)
        way = (*way[-3:], node)
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.expr_context | ast.operator | ast.cmpop | ast.Constant):
                self.visit(child, place, way)

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, place: _Place, way: _Way) -> _Place:
        scope = place.scope if place.scope is not None else Scope()
        self.changes.enter(node, scope)
        args = node.args
        names = [*args.posonlyargs, *args.args, *args.kwonlyargs, *filter(None, (args.vararg, args.kwarg))]
        scope.bound.update(one.arg for one in names)
        method = isinstance(way[-1], ast.ClassDef)
        positional = [*args.posonlyargs, *args.args]
        return _Place(
            scope=scope,
            depth=place.depth + 1,
            method=getattr(node, "name", "") if method else "",
            first=positional[0].arg if method and positional else "",
        )

    def note(self, node: ast.AST, place: _Place, way: _Way) -> None:
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                self.read(name, node, place, way)
            case ast.Name(id=name):
                self.bind(name, place, way)
            case ast.Attribute(attr=name, ctx=ast.Load()):
                self.read(name, node, place, way)
            case ast.Attribute():
                self.store(node, place)
            case ast.Call():
                self.call(node)
            case ast.Global(names=names):
                self.changes.variables.update(names)
            case ast.Nonlocal(names=names) if place.scope is not None:
                place.scope.free.update(names)
            case ast.alias(name=name, asname=other):
                self.bind((other or name).partition(".")[0], place, way)
                self.changes.containers.update((name, other) if other is not None else ())
            case _ if isinstance(node, _NAMED) and node.name is not None:
                self.bind(node.name, place, way)

    def bind(self, name: str, place: _Place, way: _Way) -> None:
        if place.scope is not None:
            place.scope.bound[name] += 2 if isinstance(way[-1], (*_LOOPS, ast.comprehension)) else place.looped

    def store(self, node: ast.Attribute, place: _Place) -> None:
        own = isinstance(node.value, ast.Name) and node.value.id == place.first
        if own and place.method in _OWN and isinstance(node.ctx, ast.Store):
            self.changes.made.add(node.attr)
            return
        if place.scope is None:
            return  # once, when the module is run
        self.changes.attributes.add(node.attr)
        if not (isinstance(node.value, ast.Name) and node.value.id in {"self", "cls", place.first}):
            self.changes.modules.add(node.attr)

    def call(self, node: ast.Call) -> None:
        """`setattr` and what else sets names that are worked out."""
        last = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if last in _SETTERS:
            names = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            self.changes.attributes.update(names)
            self.changes.modules.update(names)
            self.changes.computed = self.changes.computed or not names
        elif last in {"exec", "globals", "locals"}:
            self.changes.computed = True

    def read(self, name: str, node: ast.expr, place: _Place, way: _Way) -> None:
        """Whether a container of this name is changed here, or goes where it may be."""
        parents = list(way)
        parent: ast.AST = parents.pop()
        while isinstance(parent, _HANDED_ON) and parents:
            node, parent = parent, parents.pop()
        above = parents[-1] if parents else None
        if _reads(node, parent, above):
            return
        filled = isinstance(parent, ast.Attribute | ast.Subscript)
        if name in {"__dict__"} and filled:
            self.changes.computed = True
        if place.scope is None:
            # A module fills its own containers while it is run: that is seen.
            if not filled:
                self.changes.containers.add(name)
            return
        self.changes.containers.add(name)
        if not filled or place.depth > 1 or isinstance(node, ast.Attribute):
            place.scope.shared.add(name)


def _reads(node: ast.expr, parent: ast.AST, above: ast.AST | None) -> bool:
    """Whether this use of a container leaves it as it is, and gives no other name to it."""
    match parent:
        case ast.Attribute(attr=method):
            called = isinstance(above, ast.Call) and above.func is parent
            return method in _READING if called else method not in _FILLING
        case ast.Subscript(value=owner, ctx=ast.Load()):
            return owner is node or not isinstance(node, ast.Starred)
        case ast.Subscript(value=owner):
            return owner is not node
        case ast.Call(func=function):
            last = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            return function is node or last in _READERS
        case ast.For(iter=over) | ast.AsyncFor(iter=over):
            return over is node
    return isinstance(parent, _READ_BY)


_FILLING = frozenset({
    "append", "extend", "insert", "add", "update", "setdefault", "pop", "popitem", "clear", "remove", "discard", "sort",
    "reverse", "appendleft", "extendleft", "rotate", "difference_update", "intersection_update", "__setitem__",
    "symmetric_difference_update", "move_to_end", "subtract", "setlist", "appendlist", "setlistdefault",
})  # fmt: skip
