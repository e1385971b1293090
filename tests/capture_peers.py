"""Prints the rows of src/hardgate/import_peers.py: which installed packages may import which.

    python -m tests.capture_peers SITE-PACKAGES [SITE-PACKAGES ...]

Read are the modules that each package's RECORD lists, but for its tests. An import counts, in whatever place it stands,
and in a module that loads others by their names each text that is the name of a module. What is known of older releases
is in `_OLDER`.
"""

from __future__ import annotations

import ast
import csv
import importlib.metadata
import re
import sys
import textwrap
import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from hardgate.asked import plain
from hardgate.import_names import NAMES

_TESTS = re.compile(r"(^|/)(_?tests?|conftest\.py|benchmarks)(/|$)")
_LAZY = re.compile(rb"import_module|__import__|import_string|find_spec|symbol_by_name|find_loader|importlib")
_NAME = re.compile(r"[A-Za-z_][\w.]*(:\w+)?")
_OLDER = {
    "aiohttp": "chardet charset-normalizer", "boto3": "urllib3", "django": "pymongo", "docker": "pyyaml",
    "fastapi": "httpx itsdangerous jinja2 requests", "flask": "simplejson", "gunicorn": "eventlet gevent tornado",
    "itsdangerous": "simplejson", "pyjwt": "ecdsa pycrypto pycryptodome", "pytest": "pytest-xdist",
    "requests": "chardet cryptography pyopenssl simplejson",
    "sqlalchemy": "mysqlclient psycopg2 psycopg2-binary pymysql",
    "urllib3": "brotlicffi certifi cryptography h2 idna pyopenssl",
    "uvicorn": "gunicorn python-dotenv pyyaml websockets", "werkzeug": "cryptography",
}  # fmt: skip


def rows(folder: Path) -> Iterator[str]:
    """A row for each package of a folder that is among those whose names are known."""
    owners = defaultdict(set)
    for name, modules in NAMES.items():
        for module in modules:
            owners[module].add(name)
    for info in importlib.metadata.distributions(path=[str(folder)]):
        name = plain(info.metadata["Name"])
        if name not in NAMES:
            continue
        files = [row[0] for row in csv.reader((info.read_text("RECORD") or "").splitlines())]
        open_ = bool(info.entry_points) or any(one.endswith(".pth") or "/bin/" in one for one in files)
        found = set(_OLDER.get(name, "").split())
        for file in files:
            if file.endswith(".py") and not file.startswith("..") and not _TESTS.search(file):
                found |= {owner for dotted in _said((folder / file).read_bytes()) for owner in _owned(dotted, owners)}
        yield f"{name}{'!' * open_}: {' '.join(sorted(found - {name}))}".rstrip()


def _owned(dotted: str, owners: dict[str, set[str]]) -> set[str]:
    parts = dotted.split(".")
    return {one for end in range(1, len(parts) + 1) for one in owners.get(".".join(parts[:end]), ())}


def _said(raw: bytes) -> Iterator[str]:
    """The dotted names that a module imports, or may load."""
    try:
        tree = ast.parse(raw)
    except SyntaxError:
        return
    lazy = _LAZY.search(raw)
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str() as module, level=0, names=names):
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.Constant(value=str() as text) if lazy and _NAME.fullmatch(text):
                yield text.replace(":", ".")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    every = dict(row.partition(":")[::2] for place in sys.argv[1:] for row in rows(Path(place)))
    for package, peers in sorted(every.items()):
        row = textwrap.fill(f"{package}:{peers}", 118, subsequent_indent="  ", break_on_hyphens=False)
        sys.stdout.write(f"{row}\n")
