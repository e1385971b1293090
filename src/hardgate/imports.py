"""Whether the application imports a distribution: from its files' syntax trees, never by importing anything.

"Not imported" is said only where all is known: the names of the distribution's modules, every Python file, who else
asks for it (asked.py) and is not imported either, and that nothing may load it by its name. Everything else is unknown.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hardgate.asked import Graph
from hardgate.import_names import NAMES
from hardgate.proofs import Imported, Use

_LOADERS = frozenset({"import_module", "__import__", "import_string", "run_module", "resolve_name", "find_spec"})
# What loads code that only the running program knows.
_HIDDEN = frozenset({"exec", "eval", "entry_points", "iter_entry_points", "load_entry_point", "iter_modules",
                     "spec_from_file_location", "SourceFileLoader", "walk_packages"})  # fmt: skip
_SUSPECT = re.compile("|".join(sorted(_LOADERS | _HIDDEN)))
_Place = tuple[str, int]


@dataclass(slots=True)
class Tree:
    """What the files of a tree say: imports by dotted name, names in texts, what hides imports, files not read."""

    imports: dict[str, _Place] = field(default_factory=dict)
    named: list[tuple[str, _Place]] = field(default_factory=list)
    hidden: _Place | None = None
    unread: str = ""
    modules: frozenset[str] = frozenset()

    def finds(self, names: Iterable[str]) -> tuple[str, _Place] | None:
        """The first place that imports one of these modules, or one within it; the application before its tests."""
        wanted = tuple(names)
        found = [
            (dotted, place)
            for dotted, place in self.imports.items()
            if any(dotted == name or dotted.startswith(f"{name}.") for name in wanted)
        ]
        return min(found, key=lambda pair: (_tests(pair[1][0]), pair[1])) if found else None

    def names(self, words: Iterable[str]) -> _Place | None:
        """The first place where a text names one of these."""
        any_of = "|".join(map(re.escape, words))
        form = re.compile(rf"(?<![\w-])(?:{any_of})(?![\w-])", re.IGNORECASE)
        return next((place for text, place in self.named if form.search(text)), None)


def names(distribution: str) -> tuple[tuple[str, ...], bool]:
    """The modules of a distribution, and whether these are known, or only what it usually would be."""
    known = NAMES.get(distribution)
    return known or (distribution.replace("-", "_"),), known is not None


def above(distribution: str, graph: Graph | None) -> tuple[str, ...]:
    """The distributions that ask for this one, and those that ask for them, nearest first."""
    found, waiting = dict[str, None](), [distribution]
    while waiting:
        for parent in sorted((graph or {}).get(waiting.pop(0), ())):
            if parent not in found and parent != distribution:
                found[parent] = None
                waiting.append(parent)
    return tuple(found)


def read(python: Iterable[tuple[str, bytes]], others: Iterable[tuple[str, bytes]], wanted: Sequence[str]) -> Tree:
    """What Python files and other texts say of the distributions `wanted`; those that name none are not parsed."""
    words = {word for one in wanted for word in (one, one.replace("-", "_"), *names(one)[0])}
    firsts = sorted({word.partition(".")[0] for word in words} | words)
    form = re.compile("|".join(map(re.escape, firsts)).encode() or b"(?!)", re.IGNORECASE)
    tree, modules = Tree(), set[str]()
    for path, raw in python:
        parts = path.removesuffix(".py").split("/")
        modules.add(parts[0] if parts[0] != "src" or len(parts) == 1 else parts[1])
        # Python folds letters of other forms into plain ones, so that only plain text can be searched.
        if not raw.isascii() or form.search(raw) or _SUSPECT.search(raw.decode("ascii")):
            _python(path, raw, tree)
    tree.modules = frozenset(modules)
    for path, raw in others:
        lines = raw.splitlines() if form.search(raw) else []
        for number, line in enumerate(lines, 1):
            if form.search(line):
                tree.named.append((line.decode("utf-8", "replace"), (path, number)))
    return tree


def _python(path: str, raw: bytes, tree: Tree) -> None:
    try:
        parsed = ast.parse(raw, filename=path)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree.unread = tree.unread or path
        return
    prose, listing = set[int](), path.rpartition("/")[2] == "setup.py"  # the texts of that one are a list of packages
    for node in ast.walk(parsed):  # a statement comes before what is in it
        if isinstance(node, ast.Expr):
            prose.add(id(node.value))  # a docstring, if it is a text
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, str) and not listing and id(node) not in prose:
                tree.named.append((node.value, (path, node.lineno)))
        elif isinstance(node, ast.Import | ast.ImportFrom | ast.Call):
            place = (path, node.lineno)
            for dotted in _imported(node):
                known = tree.imports.setdefault(dotted, place)
                if _tests(known[0]) and not _tests(path):
                    tree.imports[dotted] = place
            if _hides(node):
                tree.hidden = min(tree.hidden or place, place)


def _tests(path: str) -> bool:
    return any(part in {"tests", "test", "conftest.py"} for part in path.split("/"))


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and _called(node) in _LOADERS and node.args:
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value.replace(":", ".")


def _called(node: ast.Call) -> str:
    called = node.func
    if isinstance(called, ast.Attribute):
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""


def _hides(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = _called(node)
    literal = bool(node.args) and isinstance(node.args[0], ast.Constant)
    alone = isinstance(node.func, ast.Name) or name not in {"exec", "eval"}  # `cursor.exec(...)` is another matter
    return alone and (name in _HIDDEN or (name in _LOADERS and not literal)) and not (literal and name == "eval")


def use(distribution: str, tree: Tree, graphs: Mapping[str, Graph | None]) -> Use:
    """Whether the tree imports a distribution; `graphs` are those of the files that list it, by path."""
    if found := tree.finds(names(distribution)[0]):
        return _yes(found, "")
    for graph in graphs.values():
        for parent in above(distribution, graph):
            if found := tree.finds(names(parent)[0]):
                return _yes(found, parent)
    if doubt := next(_doubts(distribution, tree, graphs), ""):
        return Use(imported=Imported.UNKNOWN, because=doubt)
    modules = " or ".join(names(distribution)[0])
    return Use(imported=Imported.NO, because=f"no file imports {modules}, nor what asks for it")


def _yes(found: tuple[str, _Place], through: str) -> Use:
    dotted, (path, line) = found
    asks = f", and {through} asks for it" if through else ""
    because = f"{path} line {line} imports {dotted}{asks}"
    return Use(imported=Imported.YES, because=because, path=path, line=line, through=through)


def _doubts(distribution: str, tree: Tree, graphs: Mapping[str, Graph | None]) -> Iterator[str]:
    """Why it cannot be said that nothing imports a distribution that no import names."""
    if tree.unread:
        yield f"{tree.unread} is no Python that could be read"
    if tree.hidden:
        path, line = tree.hidden
        yield f"{path} line {line} may import what only the running program knows"
    silent = [path for path, graph in graphs.items() if graph is None or distribution not in graph]
    if silent or not graphs:
        yield f"{silent[0] if silent else 'no file'} does not say which packages ask for it"
    for one in (distribution, *(parent for graph in graphs.values() for parent in above(distribution, graph))):
        modules, known = names(one)
        if not known:
            yield f"under which names {one} is imported is not known"
        if tree.modules & {name.partition(".")[0] for name in modules}:
            yield f"the tree has a module called like one of {one}"
        if place := tree.names({one, one.replace("-", "_"), *modules}):
            yield f"{place[0]} line {place[1]} names {one}: it may be loaded, or started, by its name"
