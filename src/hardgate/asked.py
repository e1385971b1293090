"""Which distribution asks for which, as far as a lock file says so: poetry.lock, uv.lock, and pip-compile's comments.

https://python-poetry.org/docs/basic-usage/#installing-with-poetrylock, https://docs.astral.sh/uv/concepts/projects/
layout/#the-lockfile, https://pip-tools.readthedocs.io/en/stable/#example-usage-for-pip-compile.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from typing import Any

# From a distribution to those that ask for it; what is not among the keys is not in the file.
Graph = dict[str, frozenset[str]]
_DASHES = re.compile("[-_.]+")
_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?\s*(?:==|@)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_OWN = ("editable", "virtual", "directory")


def plain(name: str) -> str:
    """A distribution's name as PEP 503 compares names."""
    return _DASHES.sub("-", name).lower()


def read(path: str, content: bytes) -> Graph | None:
    """Who asks for each distribution of a lock file; None for a file that does not say it, or not of all."""
    name = path.rpartition("/")[2]
    try:
        text = content.decode("utf-8")
        if name in {"poetry.lock", "uv.lock"}:
            return _locked(tomllib.loads(text), poetry=name == "poetry.lock")
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError):
        return None
    return _compiled(text) if name.endswith((".txt", ".in")) else None


def _locked(document: dict[str, Any], *, poetry: bool) -> Graph | None:
    packages = document.get("package")
    if not isinstance(packages, list):
        return None
    found: defaultdict[str, set[str]] = defaultdict(set)
    for one in packages:
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            return None
        name, source = plain(one["name"]), one.get("source")
        own = isinstance(source, dict) and any(word in source for word in _OWN)
        if not own:
            found[name] |= set()
        for child in _poetry(one) if poetry else _uv(one):
            found[child] |= set() if own else {name}
    return {name: frozenset(parents) for name, parents in found.items()}


def _poetry(package: dict[str, Any]) -> list[str]:
    asked = package.get("dependencies", {})
    return [plain(name) for name in asked] if isinstance(asked, dict) else []


def _uv(package: dict[str, Any]) -> list[str]:
    """Those of every extra too: which of them are installed is not looked up."""
    more = package.get("optional-dependencies", {})
    lists = [package.get("dependencies", []), *(more.values() if isinstance(more, dict) else [])]
    rows = (one for rows in lists if isinstance(rows, list) for one in rows)
    return [plain(one["name"]) for one in rows if isinstance(one, dict) and isinstance(one.get("name"), str)]


def _compiled(text: str) -> Graph | None:
    """Requirements with `# via` below or beside each; None when one of them has none."""
    found: dict[str, set[str]] = {}
    told: set[str] = set()
    name, open_ = "", False
    for line in text.splitlines():
        before, mark, comment = line.partition("#")
        if pin := _PIN.match(before.strip()):
            name, open_ = plain(pin[1]), False
            found.setdefault(name, set())
        if not mark or not name:
            continue
        words = comment.strip()
        if words == "via" or words.startswith("via "):
            open_, words = True, words[3:].strip()
            told.add(name)
        if open_:
            found[name] |= {plain(one.strip()) for one in words.split(",") if _NAME.fullmatch(one.strip())}
    return {one: frozenset(parents) for one, parents in found.items()} if found and told == found.keys() else None
