"""The files of a project: their syntax trees, what they import, and the functions and classes that they define."""

from __future__ import annotations

import ast
import dataclasses
import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from hardgate.dataflow.changes import Changes
from hardgate.dataflow.values import Thing, Value

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@functools.lru_cache(maxsize=4096)
def attributes_of(node: ast.AST) -> dict[str, frozenset[str]]:
    """For each variable in this code the names of the attributes that are asked of it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for one in ast.walk(node):
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name):
            found[one.value.id].add(one.attr)
    return {name: frozenset(used) for name, used in found.items()}


@dataclasses.dataclass(eq=False, slots=True)
class Module:
    """One file. `names` are its top-level variables once it was run, `stars` the modules imported with `*`."""

    path: str
    dotted: str
    tree: ast.Module
    lines: list[str]
    names: dict[str, Value] = dataclasses.field(default_factory=dict)
    started: bool = False
    package: bool = False


@dataclasses.dataclass(eq=False, slots=True)
class Function(Thing):
    """A function, method or lambda. `closure` are the variables around it; `owner` the class that it is a method of."""

    node: FunctionNode
    module: Module
    owner: Class | None
    closure: dict[str, Value]
    decorators: tuple[Value, ...] = ()
    defaults: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    wrapped: Function | None = None  # the function that this one stands in for, as a decorator made it
    covered: bool = False  # another function stands in for this one, and changes what it gives back

    @property
    def name(self) -> str:
        """Its name; "<lambda>" for a lambda."""
        return "<lambda>" if isinstance(self.node, ast.Lambda) else self.node.name

    @property
    def parameters(self) -> list[ast.arg]:
        """All parameters that have a position, in order."""
        return [*self.node.args.posonlyargs, *self.node.args.args]

    def decorated(self, *words: str) -> bool:
        """Whether a decorator's dotted name ends in one of these words."""
        return any(name.removesuffix("()").rpartition(".")[2] in words for one in self.decorators for name in one.names)


@dataclasses.dataclass(eq=False, slots=True)
class Class(Thing):
    """A class. `names` are its attributes and methods, `bases` what it is derived from, `shared` its typical object."""

    name: str
    node: ast.ClassDef
    module: Module
    bases: tuple[Value, ...]
    names: dict[str, Value] = dataclasses.field(default_factory=dict)
    decorators: tuple[Value, ...] = ()
    shared: Instance | None = None
    annotations: dict[str, ast.expr] = dataclasses.field(default_factory=dict)

    def family(self) -> Iterator[Class]:
        """The class and its bases within the project, nearest first."""
        seen: set[int] = set()
        waiting: list[Class] = [self]
        while waiting:
            one = waiting.pop(0)
            if id(one) not in seen:
                seen.add(id(one))
                yield one
                waiting += [base for value in one.bases for base in value.things if isinstance(base, Class)]

    def outside(self) -> frozenset[str]:
        """Dotted names of its bases outside the project."""
        return frozenset(name for one in self.family() for base in one.bases for name in base.names)

    def derived(self, *words: str) -> bool:
        """Whether the last part of the name of a base outside the project is one of these words."""
        return any(name.rpartition(".")[2] in words for name in self.outside())

    def find(self, name: str) -> Value | None:
        """The attribute or method of this name, from the class or its bases."""
        return next((one.names[name] for one in self.family() if name in one.names), None)


@dataclasses.dataclass(eq=False, slots=True)
class Instance(Thing):
    """An object of a class of the project. `changes` counts what happened to its attributes."""

    owner: Class
    names: dict[str, Value] = dataclasses.field(default_factory=dict)
    changes: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Bound(Thing):
    """A method together with its object; also a function with leading arguments, as functools.partial makes it."""

    function: Value
    leading: tuple[Value, ...] = ()
    keywords: tuple[tuple[str, Value], ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class ModuleThing(Thing):
    """A module of the project, as an import gives it."""

    module: Module


class Project:
    """All files, findable by the dotted names that an import may use."""

    def __init__(self, modules: Iterable[Module]) -> None:
        """Modules in the order in which they are looked at; a dotted name that two could mean is the first one's."""
        self.modules = tuple(modules)
        self._found: dict[str, Module] = {}
        for module in self.modules:
            parts = module.dotted.split(".")
            # A source root is not known, so that src/shop/db.py is also shop.db, and db.
            for start in range(len(parts)):
                self._found.setdefault(".".join(parts[start:]), module)
        self._exact = {module.dotted: module for module in self.modules}
        self.changes = Changes([module.tree for module in self.modules])

    def find(self, dotted: str, near: Module | None = None) -> Module | None:
        """The module of this name; one beside `near` goes before another of the same name."""
        if near is not None:
            folder = near.dotted.split(".")
            for end in range(len(folder) - (0 if near.package else 1), 0, -1):
                if found := self._exact.get(".".join([*folder[:end], dotted])):
                    return found
        return self._exact.get(dotted) or (
            self._found.get(dotted) if "." in dotted or near is None else self._single(dotted)
        )

    def _single(self, word: str) -> Module | None:
        # `import redis` does not mean src/cache/redis.py: a lone word is a module at the top, or below a source root.
        found = self._found.get(word)
        return found if found is not None and found.dotted.count(".") <= 1 else None

    def relative(self, module: Module, level: int, dotted: str) -> str:
        """The dotted name that `from ..x import y` in this module is about."""
        parts = module.dotted.split(".")
        kept = parts[: len(parts) - (level - 1 if module.package else level)]
        return ".".join([*kept, *([dotted] if dotted else [])])


def parse(path: str, content: bytes) -> Module:
    """The module of a file's content. Raises SyntaxError or ValueError for what is no Python."""
    tree = ast.parse(content, filename=path)
    place = PurePosixPath(path)
    package = place.name == "__init__.py"
    parts = (place.parent if package else place.with_suffix("")).parts
    text = content.decode("utf-8", errors="replace").splitlines()
    return Module(path=path, dotted=".".join(parts) or place.stem, tree=tree, lines=text, package=package)
