"""Python files as values: their syntax trees, and which names each scope in them binds.

Files that are no Python are told by who reads them for findings.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from hardgate.syntax import below

Function = ast.FunctionDef | ast.AsyncFunctionDef
_CLOSED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_BODIES = ("body", "orelse", "finalbody", "handlers", "cases")


@dataclass(eq=False, slots=True)
class Scope:
    """A module or function. `names` are bound in it: each binding is a node, or the dotted name of an import."""

    source: Source
    node: ast.Module | Function | ast.ClassDef
    outer: Scope | None = None
    names: dict[str, list[ast.AST | str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As in `Shop.total`; "" for the module."""
        if isinstance(self.node, ast.Module):
            return ""
        above = self.outer.name if self.outer else ""
        return f"{above}.{self.node.name}" if above else self.node.name


@dataclass(eq=False, slots=True)
class Source:
    """One file: `dotted` is what an import calls it."""

    path: str
    dotted: str
    package: bool
    tree: ast.Module
    scopes: dict[ast.AST, Scope] = field(default_factory=dict)

    @property
    def top(self) -> Scope:
        """The scope of the module."""
        return self.scopes[self.tree]


@dataclass(frozen=True, slots=True)
class Outside:
    """Something from outside the tree, by its dotted name."""

    name: str


@dataclass(frozen=True, slots=True)
class Defined:
    """A function or class of the tree; `scope` is the one around it."""

    node: Function | ast.ClassDef
    scope: Scope


@dataclass(frozen=True, slots=True)
class Made:
    """What a call gives back, once for each place where it is called."""

    call: ast.Call
    scope: Scope


@dataclass(frozen=True, slots=True)
class Items:
    """The elements of a list or tuple."""

    elements: tuple[ast.expr, ...]
    scope: Scope


@dataclass(frozen=True, slots=True)
class Given:
    """What a function is given by callers that nobody knows: an object of the class that its annotation names."""

    name: str
    parameter: ast.arg
    path: str


Thing = Outside | Defined | Made | Items | Given | Source | str


def parse(path: str, content: bytes) -> Source | None:
    """The module of a Python file, None for what is none for the Python that runs this."""
    try:
        tree = ast.parse(content, filename=path)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    dotted, package = dotted_name(path)
    source = Source(path, dotted, package, tree)
    source.scopes[tree] = Scope(source, tree)
    _bind(source.scopes[tree], tree.body)
    return source


def dotted_name(path: str) -> tuple[str, bool]:
    """What an import calls a file, from the root on, and whether it is a package."""
    place = PurePosixPath(path)
    package = place.name == "__init__.py"
    parts = (place.parent if package else place.with_suffix("")).parts
    return ".".join(parts) or place.stem, package


def _bind(scope: Scope, body: Iterable[ast.stmt]) -> None:
    """Note what the statements of a scope bind, and make the scopes within it."""
    waiting: deque[ast.AST] = deque(body)
    while waiting:
        node = waiting.popleft()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            scope.names.setdefault(node.name, []).append(node)
            inner = scope.source.scopes[node] = Scope(scope.source, node, scope)
            if not isinstance(node, ast.ClassDef):
                for one in _parameters(node):
                    inner.names.setdefault(one.arg, []).append(one)
            _bind(inner, node.body)
            continue
        for name, meant in _bound(node, scope.source):
            scope.names.setdefault(name, []).append(meant)
        waiting.extend(child for part in _BODIES for child in getattr(node, part, ()))


def _parameters(node: Function) -> list[ast.arg]:
    given = node.args
    more = [one for one in (given.vararg, given.kwarg) if one]
    return [*given.posonlyargs, *given.args, *given.kwonlyargs, *more]


def _bound(node: ast.AST, source: Source) -> Iterator[tuple[str, ast.AST | str]]:
    """The names that a statement binds, each with what it means."""
    match node:
        case ast.Import() | ast.ImportFrom():
            yield from _imported(node, source)
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _target(target, value)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield from _target(target, value)
        case ast.For(target=target) | ast.AsyncFor(target=target):
            yield from _target(target, node)
        case ast.ExceptHandler(name=str() as name):
            yield name, node
        case _:
            for target in _lost(node):
                yield from _stored(target)


def _imported(node: ast.Import | ast.ImportFrom, source: Source) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            first = alias.name.partition(".")[0]
            yield alias.asname or first, alias.name if alias.asname else first
        return
    start = absolute(source, node)
    for alias in node.names:
        yield alias.asname or alias.name, f"{start}.{alias.name}" if start else alias.name


def _lost(node: ast.AST) -> list[ast.expr]:
    """What a statement gives a meaning that is not looked into."""
    match node:
        case ast.AugAssign(target=target):
            return [target]
        case ast.With(items=items) | ast.AsyncWith(items=items):
            return [item.optional_vars for item in items if item.optional_vars]
        case ast.Delete(targets=targets):
            return targets
        case _:
            return []


def _target(target: ast.expr, meant: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(target, ast.Name):
        yield target.id, meant
    else:
        yield from _stored(target)


def _stored(target: ast.expr) -> Iterator[tuple[str, ast.AST]]:
    """Names that come to mean something that is not looked into."""
    yield from ((one.id, one) for one in ast.walk(target) if isinstance(one, ast.Name))


def absolute(source: Source, node: ast.ImportFrom) -> str:
    """The dotted name of the module that `from ..x import y` asks."""
    if not node.level:
        return node.module or ""
    parts = source.dotted.split(".")
    kept = parts[: len(parts) - (node.level - 1 if source.package else node.level)]
    return ".".join([*kept, *([node.module] if node.module else [])])


def own(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function or module without those of functions and classes within it, in their order."""
    waiting = list[ast.AST](reversed(getattr(node, "body", ())))
    while waiting:
        one = waiting.pop()
        yield one
        if isinstance(one, _CLOSED):
            continue
        waiting += below(one)


def shown(node: ast.AST) -> str:
    """The beginning of a node's code; one that is nested beyond all measure has none."""
    try:
        return ast.unparse(node)[:120]
    except RecursionError:
        return "…"
