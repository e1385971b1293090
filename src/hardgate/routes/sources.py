"""What the names in the modules of a tree mean, as far as that is certain: nothing is imported or run.

A name that may mean two things means nothing here.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from hardgate.routes.modules import (
    Defined,
    Items,
    Made,
    Outside,
    Scope,
    Source,
    Thing,
    dotted_name,
    own,
    parse,
)

_DEEP = 12  # names that stand for names
_MOST_ITEMS = 200
_LONGEST = 4_000  # characters of a text that is put together: no path is as long


class Sources:
    """All modules, and what expressions in them mean."""

    def __init__(self, files: Mapping[str, bytes], wanted: Callable[[bytes], bool]) -> None:
        """`all` are the modules whose content is wanted; others are read when a name leads to them.

        A dotted name that several modules could have is nobody's, but for the one that has it whole. `refused` are the
        paths of those that are no Python.
        """
        self._files = files
        self._read: dict[str, Source | None] = {}
        self.refused: list[str] = []
        self._exact: dict[str, str] = {}
        self._ends: dict[str, list[str]] = {}
        self._calls: dict[ast.Call, Thing | None] = {}
        self._texts: dict[ast.AST, str | None] = {}
        self.given: Mapping[ast.AST, tuple[Thing, ...]] = {}
        self._name(files)
        self.all = tuple(source for path, raw in files.items() if wanted(raw) and (source := self._source(path)))

    def _name(self, paths: Iterable[str]) -> None:
        names = {path: dotted_name(path) for path in paths}
        packages = {dotted for dotted, package in names.values() if package}
        for path, (dotted, _) in names.items():
            self._exact[dotted] = path
            parts = dotted.split(".")
            for start in range(1, len(parts)):
                # A folder is a source root, unless it is a package itself.
                if ".".join(parts[:start]) not in packages:
                    self._ends.setdefault(".".join(parts[start:]), []).append(path)

    def _source(self, path: str) -> Source | None:
        if path not in self._read:
            self._read[path] = parse(path, self._files[path])
            if self._read[path] is None:
                self.refused.append(path)
        return self._read[path]

    def module(self, dotted: str) -> Source | None:
        """The module of this name; a source root above it need not be known."""
        if dotted in self._exact:
            return self._source(self._exact[dotted])
        found = self._ends.get(dotted, [])
        return self._source(found[0]) if len(found) == 1 else None

    def named(self, dotted: str, deep: int = 0) -> Thing | None:
        """What an import of this dotted name gives."""
        if source := self.module(dotted):
            return source
        above, _, last = dotted.rpartition(".")
        if above and (source := self.module(above)):
            return self.look_up(last, source.top, deep + 1)
        holder = self.named(above, deep + 1) if above.count(".") and deep < _DEEP else None
        return None if isinstance(holder, Source | Defined | Made | Items) else Outside(dotted)

    def look_up(self, name: str, scope: Scope, deep: int = 0) -> Thing | None:
        """What a name means in a scope; None for what is not known, or may be two things."""
        at: Scope | None = scope
        first = True
        while at is not None:
            # The names of a class are not those of its methods.
            if name in at.names and (first or not isinstance(at.node, ast.ClassDef)):
                return self._one(at.names[name], at, deep)
            first, at = False, at.outer
        return None

    def _one(self, bindings: list[ast.AST | str], scope: Scope, deep: int) -> Thing | None:
        known = {one if isinstance(one, str) else id(one) for one in bindings}
        if len(known) != 1 or deep > _DEEP:
            return None
        meant = bindings[0]
        if isinstance(meant, ast.Name) and isinstance(meant.ctx, ast.Store | ast.Del):
            return None
        if isinstance(meant, str):
            return self.named(meant, deep + 1)
        if isinstance(meant, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return Defined(meant, scope)
        return self.meaning(meant, scope, deep + 1) if isinstance(meant, ast.expr) else None

    def meaning(self, node: ast.AST, scope: Scope, deep: int = 0) -> Thing | None:
        """What an expression means; None for what is not known."""
        if deep > _DEEP:
            return None
        match node:
            case ast.Name(id=name):
                return self.look_up(name, scope, deep)
            case ast.Attribute(value=value, attr=attr):
                return self._attribute(self.meaning(value, scope, deep + 1), attr, deep)
            case ast.Call():
                return self._made(node, scope, deep)
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                return Items(tuple(elements), scope)
            case _:
                return self.text(node, scope, deep)

    def _attribute(self, owner: Thing | None, attr: str, deep: int) -> Thing | None:
        match owner:
            case Outside(name=name):
                return Outside(f"{name}.{attr}")
            case Source():
                return self.module(f"{owner.dotted}.{attr}") or self.look_up(attr, owner.top, deep + 1)
            case _:
                return None

    def _made(self, call: ast.Call, scope: Scope, deep: int) -> Thing | None:
        """A call of a function of the tree is what it gives back, where that is one thing."""
        if call not in self._calls:
            self._calls[call] = None  # what leads back to itself is not known
            self._calls[call] = self._given_back(call, scope, deep)
        return self._calls[call]

    def _given_back(self, call: ast.Call, scope: Scope, deep: int) -> Thing:
        called = self.meaning(call.func, scope, deep + 1)
        if isinstance(called, Defined) and not isinstance(called.node, ast.ClassDef):
            inner = called.scope.source.scopes[called.node]
            values = [one.value for one in own(called.node) if isinstance(one, ast.Return) and one.value]
            given = [self.meaning(one, inner, deep + 1) for one in values]
            if given and given[0] is not None and all(one == given[0] for one in given):
                return given[0]
        return Made(call, scope)

    def text(self, node: ast.AST | None, scope: Scope, deep: int = 0) -> str | None:
        """The text that an expression is, None for what is no text, not known, or longer than any path."""
        match node:
            case ast.Constant(value=str() as value):
                return value
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._put_together(node, (left, right), scope, deep)
            case ast.JoinedStr(values=values):
                parts = [one.value if isinstance(one, ast.FormattedValue) else one for one in values]
                return self._put_together(node, parts, scope, deep)
            case ast.Name() | ast.Attribute():
                found = self.meaning(node, scope, deep + 1)
                return found if isinstance(found, str) else None
            case _:
                return None

    def _put_together(self, node: ast.AST, parts: Sequence[ast.expr], scope: Scope, deep: int) -> str | None:
        """Each node once: texts of texts of texts would be as many as one likes."""
        if node not in self._texts:
            self._texts[node] = None
            found, length = list[str](), 0
            for one in parts if deep < _DEEP else ():
                text = self.text(one, scope, deep + 1)
                if text is None or (length := length + len(text)) > _LONGEST:
                    return None
                found.append(text)
            self._texts[node] = "".join(found) if deep < _DEEP else None
        return self._texts[node]

    def several(self, node: ast.AST, scope: Scope) -> tuple[Thing, ...]:
        """What an expression may mean, one after the other: also the variable of a loop over things that are listed."""
        if isinstance(node, ast.Name) and (binding := _binding(node.id, scope)):
            loop, at = binding
            if isinstance(loop, ast.For | ast.AsyncFor):
                listed = self.meaning(loop.iter, at)
                found = [self.meaning(one, listed.scope) for one in listed.elements[:_MOST_ITEMS]] if isinstance(
                    listed, Items
                ) else [None]  # fmt: skip
                return tuple(filter(None, found)) if None not in found else ()
            if isinstance(loop, ast.arg):
                return tuple(self.given.get(loop, ()))
        found_one = self.meaning(node, scope)
        return () if found_one is None else (found_one,)

    def bases(self, node: ast.ClassDef, scope: Scope) -> Iterator[tuple[ast.ClassDef, Scope]]:
        """A class and the classes of the tree that it is made from, nearest first."""
        waiting, seen = [(node, scope)], set[ast.ClassDef]()
        while waiting:
            one, around = waiting.pop(0)
            if one in seen:
                continue
            seen.add(one)
            yield one, around
            for base in one.bases:
                found = self.meaning(base, around)
                if isinstance(found, Defined) and isinstance(found.node, ast.ClassDef):
                    waiting.append((found.node, found.scope))

    def outside(self, node: ast.ClassDef, scope: Scope) -> set[str]:
        """The dotted names of what a class is made from outside of the tree."""
        found = (self.meaning(base, around) for one, around in self.bases(node, scope) for base in one.bases)
        return {one.name for one in found if isinstance(one, Outside)}


def _binding(name: str, scope: Scope) -> tuple[ast.AST, Scope] | None:
    """The one thing that binds a name, where that is a loop or a parameter."""
    at: Scope | None = scope
    while at is not None:
        if name in at.names:
            found = [one for one in at.names[name] if isinstance(one, ast.For | ast.AsyncFor | ast.arg)]
            others = [one for one in at.names[name] if one not in found]
            return (found[0], at) if len(found) == 1 and not others else None
        at = at.outer
    return None
