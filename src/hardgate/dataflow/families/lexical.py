"""The text around a place in the code: names, where a variable is set and used, who calls a function.

What a value is used for shows in names more than in the values themselves: `cache_key`, `token`, `expected_signature`.
Syntax trees are indexed once for each module, and only for modules in which somebody asks.
"""

from __future__ import annotations

import ast
import functools
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

from hardgate.dataflow.frame import Frame
from hardgate.dataflow.project import Module

Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Module
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# Names that many things of Python itself have.
_COMMON = frozenset(
    {
        "encode",
        "decode",
        "get",
        "update",
        "hash",
        "digest",
        "hexdigest",
        "format",
        "copy",
        "__init__",
        "__call__",
        "run",
        "save",
        "load",
    }
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@dataclass(slots=True)
class Index:
    """A module's tree: the parent of each node, and all calls by the last part of what is called."""

    parents: dict[int, ast.AST] = field(default_factory=dict)
    calls: defaultdict[str, list[ast.Call]] = field(default_factory=lambda: defaultdict(list))


def index(frame: Frame, module: Module | None = None) -> Index:
    """The index of the frame's module, or of another."""
    module = module or frame.module
    key = ("lexical", module.path)
    known = frame.analysis.memory.get(key)
    if known is None:
        known = frame.analysis.memory[key] = _indexed(module.tree)
    return cast("Index", known)


def _indexed(tree: ast.AST) -> Index:
    found = Index()
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            found.parents[id(child)] = node
        if isinstance(node, ast.Call):
            found.calls[last_name(node.func)].append(node)
    return found


def words(name: str) -> frozenset[str]:
    """The words of a name or a text, in small letters: `passwordHash` and `password-hash` have the same two."""
    return frozenset(one.lower() for one in _WORD.findall(name.replace("ETag", "Etag")))


def last_name(node: ast.AST) -> str:
    """`c` of `a.b.c`; "" for what is no name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def identifiers(node: ast.AST) -> Iterator[str]:
    """The names, attributes, keywords and written texts in an expression, as they stand in the code."""
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            yield one.id
        elif isinstance(one, ast.Attribute):
            yield one.attr
        elif isinstance(one, ast.keyword) and one.arg:
            yield one.arg
        elif isinstance(one, ast.Constant) and isinstance(one.value, str | bytes):
            yield one.value if isinstance(one.value, str) else one.value.decode("latin-1")


def up(frame: Frame, node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Pairs of a node and its parent, from `node` to the module."""
    parents = index(frame).parents
    while (parent := parents.get(id(node))) is not None:
        yield node, parent
        node = parent


def scope_of(frame: Frame, node: ast.AST) -> Scope:
    """The function that the node stands in, or the module."""
    for _, parent in up(frame, node):
        if isinstance(parent, (*_FUNCTIONS, ast.Lambda)):
            return parent
    return frame.function.node if frame.function is not None else frame.module.tree


def class_of(frame: Frame, node: ast.AST) -> ast.ClassDef | None:
    """The class that the node stands in."""
    return next((parent for _, parent in up(frame, node) if isinstance(parent, ast.ClassDef)), None)


def definitions(scope: ast.AST, name: str) -> Sequence[ast.expr]:
    """What is assigned to a variable, or to an attribute written as `self.name`, anywhere in the scope."""
    return _assigned(scope).get(name, ())


def uses(scope: ast.AST, name: str) -> Sequence[ast.Name]:
    """Where a variable is read in the scope."""
    return _read(scope).get(name, ())


@functools.lru_cache(maxsize=4096)
def _assigned(scope: ast.AST) -> dict[str, list[ast.expr]]:
    found: defaultdict[str, list[ast.expr]] = defaultdict(list)
    for node in ast.walk(scope):
        for target, value in _settings(node):
            for name in _targets(target):
                if value not in found[name]:
                    found[name].append(value)
    return dict(found)


def _settings(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What is set to what by this node."""
    if isinstance(node, ast.Assign):
        yield from ((target, node.value) for target in node.targets)
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr | ast.AugAssign) and node.value is not None:
        yield node.target, node.value
    elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        yield node.target, node.iter
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        yield node.optional_vars, node.context_expr


def _targets(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Tuple | ast.List):
        for one in node.elts:
            yield from _targets(one)
    elif isinstance(node, ast.Name | ast.Attribute):
        yield ast.unparse(node)


@functools.lru_cache(maxsize=4096)
def _read(scope: ast.AST) -> dict[str, list[ast.Name]]:
    found: defaultdict[str, list[ast.Name]] = defaultdict(list)
    for node in ast.walk(scope):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found[node.id].append(node)
    return dict(found)


def resolved(frame: Frame, node: ast.expr, depth: int = 2) -> list[ast.expr]:
    """The expression, and those that the variables in it were set from, `depth` steps back."""
    found, scope = [node], scope_of(frame, node)
    for one in list(ast.walk(node)) if depth else ():
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load):
            for value in definitions(scope, one.id):
                if value is not node:
                    found += resolved(frame, value, depth - 1)
    return found


def callers(frame: Frame, name: str) -> list[tuple[Module, ast.Call]]:
    """The calls of a function of this name: those of the same module, or else of all others."""
    here = index(frame).calls.get(name, [])
    if name in _COMMON:  # `x.encode()` is a text's more often than ours
        return [(frame.module, one) for one in here if ast.unparse(one.func).startswith(("self.", "cls."))]
    if here:
        return [(frame.module, one) for one in here]
    return [
        (module, one)
        for module in frame.analysis.project.modules
        if module is not frame.module and any(name in line for line in module.lines)
        for one in index(frame, module).calls.get(name, ())
    ]


def leaves(body: list[ast.stmt]) -> bool:
    """Whether a block ends by going away: return, raise, abort, or a jump in a loop."""
    last = body[-1] if body else None
    if isinstance(last, ast.Return | ast.Raise | ast.Continue | ast.Break):
        return True
    return isinstance(last, ast.Expr) and isinstance(last.value, ast.Call) and last_name(last.value.func) in {
        "abort", "exit", "_exit", "fail", "error", "deny", "reject",
    }  # fmt: skip


def before(frame: Frame, node: ast.AST) -> Iterator[ast.stmt]:
    """The statements that surely ran before this place within the function, nearest first."""
    for child, parent in up(frame, node):
        if isinstance(child, ast.stmt):
            for name in ("body", "orelse", "finalbody"):
                block = getattr(parent, name, None)
                if isinstance(block, list) and child in block:
                    yield from reversed(block[: block.index(child)])
        if isinstance(parent, (*_FUNCTIONS, ast.Lambda)):
            return


def after(frame: Frame, node: ast.AST) -> Iterator[ast.stmt]:
    """The statements that follow this one in its own block."""
    for child, parent in up(frame, node):
        if isinstance(child, ast.stmt):
            for name in ("body", "orelse", "finalbody"):
                block = getattr(parent, name, None)
                if isinstance(block, list) and child in block:
                    yield from block[block.index(child) + 1 :]
            return
