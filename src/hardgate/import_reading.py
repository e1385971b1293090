"""What the files of a tree import, by syntax trees and never by importing anything, and what hides imports.

Files are searched first: parsed are only those that may say something that is asked. What the search takes for an
import is at least everything that Python would take for one.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from hardgate import import_texts
from hardgate.syntax import below

# What loads a module by a text: known where the text is written there.
_LOADERS = frozenset(
    """import_module __import__ import_string run_module resolve_name find_spec find_loader get_loader
    import_from_string symbol_by_name import_object""".split()  # noqa: SIM905 (a list of words reads better so)
)
# What loads code that only the running program knows; data of `pickle` and its kin names the modules that it needs.
_HIDDEN = frozenset(
    """exec_ execfile entry_points iter_entry_points load_entry_point iter_modules walk_packages run_path load_module
    exec_module spec_from_file_location spec_from_loader module_from_spec SourceFileLoader SourcelessFileLoader
    ExtensionFileLoader load_source load_compiled load_dynamic zipimporter addsitedir meta_path path_hooks LazyLoader
    DriverManager ExtensionManager NamedExtensionManager EnabledExtensionManager DispatchExtensionManager HookManager
    load_setuptools_entrypoints WorkingSet working_set unsafe_load UnsafeLoader InteractiveInterpreter
    InteractiveConsole __builtins__""".split()  # noqa: SIM905 (a list of words reads better so)
)
_PICKLES = frozenset({"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "shelve", "jsonpickle", "joblib"})
_RUNS = frozenset({"exec", "eval"})  # names of methods as well
_OWNED = frozenset({("builtins", "exec"), ("builtins", "eval"), ("pydoc", "locate")})
_LOADING = _LOADERS | _HIDDEN
_TELLING = frozenset(word.lower().encode() for word in (*_LOADERS, *_HIDDEN, *_PICKLES, *_RUNS, "builtins", "locate"))
_WORD = re.compile(rb"\w+", re.ASCII)
_RUN = re.compile(r"[\w-]+", re.ASCII)
_GAP = rb"(?:[ \t\f]|\\\r?\n?)*"
_REST = rb"(?:[. \t\f\w]|\\\r?\n?)"
_IMPORT = re.compile(
    # `from x import …` up to its `import`; from a `from` with more before it than anybody writes; `import x, y`.
    rb"(?<![\w.])(?:from(?!\w)" + _GAP + rb"([\w.]*)(?:" + _REST + rb"{0,120}?(?<!\w)import(?!\w)|(?=" + _REST
    + rb"{120}))|import(?!\w)((?:[\w., \t\f]|\\\r?\n?)+))",
    re.ASCII,
)  # fmt: skip
# Python with another encoding may hide every word; https://peps.python.org/pep-0263/ says where it stands.
_CODING = re.compile(
    rb"\A(?:[^\r\n]*\r?[\r\n])?[^\r\n]*coding[:=][ \t]*(?!(?:utf-?8|us-ascii|ascii|latin-?1|iso-8859-1)\b)"
)
_STANDARD = sys.stdlib_module_names | {"__future__", "__main__", "annotationlib", "compression"}
_LISTS = re.compile(r"requir|depend|extras", re.IGNORECASE)
_LIST_WORDS = frozenset({"name", "description", "long_description", "keywords", "classifiers", "author", "url"})
_FLAG = re.compile(rb"[\"' ]-m\b")
Place = tuple[str, int]


@dataclass(slots=True)
class Tree:
    """What the files of a tree say.

    `imports` are dotted names in files that were parsed; `tops` the first names of all that may be imported, but for
    the standard library; `named` words in texts, of those asked for, in small letters; `installed` what commands
    install by name. `hidden` may import what is not written; `unread` is a file that could not be looked into, and why.
    """

    imports: dict[str, Place] = field(default_factory=dict)
    tops: dict[str, Place] = field(default_factory=dict)
    named: dict[str, Place] = field(default_factory=dict)
    installed: dict[str, Place] = field(default_factory=dict)
    hidden: Place | None = None
    unread: str = ""
    modules: frozenset[str] = frozenset()

    def finds(self, names: Iterable[str]) -> tuple[str, Place] | None:
        """The first place that imports one of these modules, or one within it; the application before its tests."""
        wanted = tuple(names)
        found = [
            (dotted, place)
            for dotted, place in self.imports.items()
            if any(dotted == name or dotted.startswith(f"{name}.") for name in wanted)
        ]
        return min(found, key=lambda pair: (_tests(pair[1][0]), pair[1])) if found else None

    def names(self, words: Iterable[str]) -> Place | None:
        """The first place where a text names one of these; of dotted ones their first name."""
        found = (self.named.get(word.partition(".")[0].lower()) for word in words)
        return min(filter(None, found), default=None)


def read(
    python: Iterable[tuple[str, bytes]],
    others: Iterable[tuple[str, bytes]],
    words: Collection[str],
    known: Collection[str] = (),
) -> Tree:
    """What Python files and other texts say, of modules and names `words`; `known` are first names of packages.

    A file is parsed where it may import or name one of `words`, hide an import, or import what nobody knows.
    """
    files = list(python)
    tree = Tree()
    tree.modules = frozenset(part for path, _ in files for part in path.removesuffix(".py").split("/"))
    asked = {word.partition(".")[0].lower() for word in words}
    named = frozenset(max(word.split("-"), key=len).encode() for word in asked)
    plain = (set(known) | tree.modules) - asked
    for path, raw in files:
        said = _searched(raw)
        odd = not raw.isascii() or _CODING.match(raw)
        # Once something is hidden, nothing is certain any more but the imports that can be read.
        certain = not (tree.hidden or tree.unread)
        strange = certain and (_FLAG.search(raw) or not said.keys() <= plain)
        telling = named | _TELLING if certain else named
        if odd or strange or not telling.isdisjoint(_WORD.findall(raw.lower())):
            _python(path, raw, tree, asked)
        else:
            for top, start in said.items():
                tree.tops.setdefault(top, (path, raw.count(b"\n", 0, start) + 1))
    for path, raw in others:
        _other(path, raw, tree, asked)
    return tree


def _searched(raw: bytes) -> dict[str, int]:
    """The first names of all that a text may import, with where at first: more than Python would, and never less."""
    tops: dict[str, int] = {}
    for found in _IMPORT.finditer(raw):
        for one in (found[1],) if found[2] is None else found[2].replace(b"\\", b" ").split(b","):
            name = _WORD.match(one.strip())
            top = name[0].decode() if name else ""
            if top and top not in _STANDARD:
                tops.setdefault(top, found.start())
    return tops


def _other(path: str, raw: bytes, tree: Tree, asked: Collection[str]) -> None:
    if import_texts.packed(path):
        tree.unread = tree.unread or f"{path} is packed, and is not looked into"
        return
    if import_texts.kin(path, raw):
        for top, start in _searched(raw.replace(b"\\n", b"\n\n")).items():
            tree.tops.setdefault(top, (path, raw.count(b"\n", 0, start) + 1))
    lines = import_texts.texts(path, raw)
    for text, number in lines:
        _name(text, (path, number), tree, asked)
    for name, number in import_texts.installed(lines):
        tree.installed.setdefault(name, (path, number))


def _name(text: str, place: Place, tree: Tree, asked: Collection[str]) -> None:
    for run in _RUN.findall(text.lower()):
        # `-mcelery` and `-kgevent` name them too.
        for word in (run, run[2:], run.lstrip("-")) if run[0] == "-" else (run,):
            if word in asked:
                tree.named.setdefault(word, place)


def _python(path: str, raw: bytes, tree: Tree, asked: Collection[str]) -> None:
    try:
        parsed = ast.parse(raw, filename=path)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree.unread = tree.unread or f"{path} is no Python that could be read"
        return
    nodes = list(_nodes(parsed))
    fine = _fine(nodes, listing=path.rpartition("/")[2] == "setup.py")
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in fine:
            _name(node.value, (path, node.lineno), tree, asked)
        elif isinstance(node, ast.Import | ast.ImportFrom | ast.Call):
            _note(node, path, tree)
        if tree.hidden is None and id(node) not in fine and _hides(node):
            tree.hidden = (path, getattr(node, "lineno", 1))


def _note(node: ast.Import | ast.ImportFrom | ast.Call, path: str, tree: Tree) -> None:
    """Keep what a statement or call imports."""
    place = (path, node.lineno)
    for dotted in _imported(node):
        known = tree.imports.setdefault(dotted, place)
        if _tests(known[0]) and not _tests(path):
            tree.imports[dotted] = place
        top = dotted.partition(".")[0]
        if top not in _STANDARD:
            tree.tops.setdefault(top, place)


def _nodes(parsed: ast.AST) -> Iterator[ast.AST]:
    """Every node, in the order of the text; several times faster than ast.walk."""
    waiting = [parsed]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += below(node)


def _fine(nodes: Iterable[ast.AST], *, listing: bool) -> set[int]:
    """The nodes that say nothing: prose, lists of packages in a setup.py, and loaders of what is written beside."""
    fine = set[int]()
    for node in nodes:
        if isinstance(node, ast.Call):
            called = _called(node)
            if (called in _LOADERS and _literal(node)) or (called == "eval" and _texts(node.args[:1])):
                fine.add(id(node.func))  # the text is read as any
        elif isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id == "builtins":
                fine.add(id(node.value))
        elif isinstance(node, ast.Expr):
            if _texts([node.value]) and ">>>" not in str(getattr(node.value, "value", "")):
                fine.add(id(node.value))
        elif listing and _lists(node):
            fine.update(map(id, ast.walk(node)))
    return fine


def _texts(nodes: Sequence[ast.AST]) -> bool:
    return bool(nodes) and all(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in nodes)


def _lists(node: ast.AST) -> bool:
    """Whether a statement or keyword of a setup.py lists packages, or speaks about its own."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]):
            return bool(_LISTS.search(name))
        case ast.keyword(arg=str() as name):
            return name in _LIST_WORDS or bool(_LISTS.search(name))
        case _:
            return False


def _tests(path: str) -> bool:
    return any(part in {"tests", "test", "conftest.py"} for part in path.split("/"))


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and _called(node) in _LOADERS and (text := _literal(node)):
        yield text.replace(":", ".")


def _called(node: ast.Call) -> str:
    called = node.func
    if isinstance(called, ast.Attribute):
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""


def _literal(node: ast.Call) -> str:
    """What a loader is told to load, "" where that is not written there; "." for a module of this package."""
    match node.args:
        case [ast.Constant(value=str() as text), *_] if not text.startswith("."):
            return text
        case [ast.Constant(value=str() as text), ast.Constant(value=str() as package), *_]:
            return package + text
        case [ast.Constant(value=str()), ast.Name(id="__package__" | "__name__"), *_]:
            return "."
        case _:
            return ""


def _hides(node: ast.AST) -> bool:
    """Whether a node may load what is not written: also a loader that is handed on, or has another name."""
    if isinstance(node, ast.Name):
        return node.id in _LOADING or node.id in _RUNS or node.id == "builtins"
    if isinstance(node, ast.Attribute):
        owner = node.value.id if isinstance(node.value, ast.Name) else ""
        return node.attr in _LOADING or (owner, node.attr) in _OWNED
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and node.value in _LOADING
    if isinstance(node, ast.Import | ast.ImportFrom):
        return _brings(node)
    return isinstance(node, ast.List | ast.Tuple | ast.Call | ast.JoinedStr) and _starts(node)


def _brings(node: ast.Import | ast.ImportFrom) -> bool:
    """Whether an import brings what may load anything, or a loader under another name."""
    if isinstance(node, ast.Import):
        return any(alias.name.partition(".")[0] in _PICKLES for alias in node.names)
    own = {alias.name for alias in node.names}
    renamed = any(alias.name in _LOADERS and alias.asname not in {None, alias.name} for alias in node.names)
    located = node.module == "pydoc" and bool(own & {"locate", "*"})
    return renamed or located or bool(own & (_HIDDEN | _RUNS)) or (node.module or "").partition(".")[0] in _PICKLES


def _starts(node: ast.AST) -> bool:
    """Whether a node starts Python with a module that is not written: `["python", "-m", name]`."""
    match node:
        case ast.List(elts=words) | ast.Tuple(elts=words) | ast.Call(args=words):
            return any(map(_module_of, words, words[1:]))
        case ast.JoinedStr(values=words):
            return any(map(_module_in, words, words[1:]))
        case _:
            return False


def _module_of(flag: ast.expr, name: ast.expr) -> bool:
    return isinstance(flag, ast.Constant) and flag.value == "-m" and not isinstance(name, ast.Constant)


def _module_in(before: ast.expr, name: ast.expr) -> bool:
    text = before.value if isinstance(before, ast.Constant) else ""
    return isinstance(name, ast.FormattedValue) and isinstance(text, str) and text.rstrip().endswith("-m")
