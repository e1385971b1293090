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
_OWN = ("editable", "virtual", "directory")
# What pip-compile and uv write beside pins: hashes, and where packages come from.
_ASIDE = re.compile(r"--(hash|index-url|extra-index-url|find-links|trusted-host|no-binary|only-binary|pre|no-index)\b")
_HERE = re.compile(r"(-e\s+)?(file:)?\.(\[[\w,-]*\])?(\s*\\)?")
# `-r requirements.in`, and a project of the tree: `shop (pyproject.toml)`.
_OF_TREE = re.compile(r"-[rc] .+|(?P<project>[A-Za-z0-9][A-Za-z0-9._-]*) \((?P<file>[^()]+)\)")
_ASKING = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?")
_DOTS = 2000  # in one line: tomllib takes minutes for a key of thousands of parts


def plain(name: str) -> str:
    """A distribution's name as PEP 503 compares names."""
    return _DASHES.sub("-", name).lower()


def read(path: str, content: bytes) -> Graph | None:
    """Who asks for each distribution of a lock file; None for a file that does not say it, or not of all."""
    name = path.rpartition("/")[2]
    try:
        text = content.decode("utf-8")
        if name in {"poetry.lock", "uv.lock"}:
            plain_keys = all(line.count(".") <= _DOTS for line in text.split("\n"))
            return _locked(tomllib.loads(text), poetry=name == "poetry.lock") if plain_keys else None
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
        own = isinstance(source, dict) and any(_inside(source[word]) for word in _OWN if word in source)
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


def _inside(folder: object) -> bool:
    """Whether a folder that a lock names lies in the tree, so that its files are read."""
    return isinstance(folder, str) and not folder.startswith(("/", "~")) and ".." not in re.split(r"[/\\]", folder)


def _compiled(text: str) -> Graph | None:
    """Requirements with `# via` below or beside each; None when one has none, and for any line of another sort."""
    found: dict[str, set[str]] = {}
    told: set[str] = set()
    name, open_ = "", False
    for line in text.splitlines():
        before, mark, comment = line.partition("#")
        if pin := _PIN.match(before.strip()):
            name, open_ = plain(pin[1]), False
            found.setdefault(name, set())
        elif before.strip(" \t\\") and not (_ASIDE.match(before.strip()) or _HERE.fullmatch(before.strip())):
            return None
        open_ = open_ and not line.startswith("#")  # the last words of a file are about no package
        if not mark or not name:
            continue
        words = comment.strip()
        if words == "via" or words.startswith("via "):
            open_, words = True, words[3:].strip()
            told.add(name)
        asking = _asking(words) if open_ else set()
        if asking is None:
            return None
        found[name] |= asking
    return {one: frozenset(parents) for one, parents in found.items()} if found and told == found.keys() else None


def _asking(words: str) -> set[str] | None:
    """Who asks, of one line: packages; not files of the tree. None for what cannot be read."""
    found = set[str]()
    for one in (word.strip() for word in words.split(",")) if words else ():
        known, package = _OF_TREE.fullmatch(one), _ASKING.fullmatch(one)
        if package:
            found.add(plain(package[1]))
        elif known is None or (known["file"] and not _inside(known["file"])):
            return None
    return found
