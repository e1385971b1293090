"""Which function, class or block each line of a file is in: what a finding's place is called when lines move.

Python is read as a syntax tree; HCL, YAML and Dockerfiles by their blocks (blocks.py). A file of another kind, or one
that is not well formed, has no scopes: its findings are then known by their code alone.
"""

from __future__ import annotations

import ast
import hashlib
import posixpath
import re
from collections.abc import Callable, Sequence

from hardgate.identity import blocks

_KINDS: dict[str, Callable[[Sequence[str]], list[str] | None]]
# The backslash of an escape that the parser might warn of: what it stands for does not matter here. Before quotes, ends
# of lines and \N{...} it means something for where a text ends.
_ESCAPE = re.compile(r"\\(?=[^\n'\"\\N])")
_KEPT = 4096  # files whose spans are remembered
_KNOWN: dict[bytes, tuple[tuple[int, int, str], ...] | None] = {}
_BODIES = ("body", "orelse", "finalbody", "handlers", "cases")


def scopes(path: str, lines: Sequence[str]) -> list[str] | None:
    """The scope of each line, the first line first, "" outside of all; None when the file has none that we can read."""
    name = posixpath.basename(path).lower()
    if re.search(r"(^|[.-])(docker|container)file($|[.-])", name):
        return blocks.dockerfile(lines)
    read = _KINDS.get(posixpath.splitext(name)[1])
    return read(lines) if read else None


def python(lines: Sequence[str]) -> list[str] | None:
    """Qualified names as in `Order.total` or `outer.inner`; a decorator belongs to what it decorates."""
    text = "\n".join(lines)
    # Several tools report in one file: it is parsed for the first of them.
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    if digest not in _KNOWN:
        if len(_KNOWN) >= _KEPT:
            _KNOWN.clear()
        _KNOWN[digest] = _spans(text)
    if (spans := _KNOWN[digest]) is None:
        return None
    names = [""] * len(lines)
    for first, last, name in spans:
        names[first - 1 : last] = [name] * (last - first + 1)
    return names


def _spans(text: str) -> tuple[tuple[int, int, str], ...] | None:
    """First and last line and name of each function and class, the outer before the inner; None for no Python."""
    if "\\" in text:
        text = _ESCAPE.sub(" ", text.replace("\\\\", "  "))
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    spans = []
    waiting: list[tuple[ast.AST, str]] = [(tree, "")]
    while waiting:
        node, outer = waiting.pop()
        for child in (child for field in _BODIES for child in getattr(node, field, ())):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{outer}.{child.name}" if outer else child.name
                first = min([child.lineno, *(one.lineno for one in child.decorator_list)])
                spans.append((first, child.end_lineno or child.lineno, name))
                waiting.append((child, name))
            elif isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
                waiting.append((child, outer))
    return tuple(spans)


_KINDS = {
    ".py": python, ".pyi": python, ".tf": blocks.hcl, ".hcl": blocks.hcl, ".tfvars": blocks.hcl,
    ".yaml": blocks.yaml, ".yml": blocks.yaml,
}  # fmt: skip
