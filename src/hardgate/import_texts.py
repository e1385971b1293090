"""What of a file that is no Python may start or load a package by its name: its texts, without lists of packages.

A list of packages only says what is installed. Whatever cannot be told apart counts as a text that may load.
"""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

PYTHON = (".py", ".pyw")
# Python that this cannot parse, or that lies in other text; `config.py.in` and its kin are made into Python.
_KIN = re.compile(r"\.(ipynb|pyx|pxd|pxi|wsgi|cgi|fcgi|ipy|py[23]|pyi)$|\.pyw?[.~-][\w.-]+$", re.IGNORECASE)
_PACKED = re.compile(r"\.(zip|whl|egg|pyzw?|t?gz|tar|t?bz2|t?xz|zst|7z|rar)$", re.IGNORECASE)
# Words about the application, and not of it.
_PROSE = (".md", ".rst", ".adoc", ".svg", ".css", ".lock")
_LEGAL = re.compile(r"(licen[cs]e|copying|notice|change(log|s)|history|authors|contributors)([-_.]?[a-z0-9]*\.txt)?")
_LISTS = re.compile(r"(^|/)(requirements[^/]*|[^/]*requirements|requirements/[^/]+)\.(txt|in)$", re.IGNORECASE)
_IDLE = frozenset({"go.sum", "Cargo.toml"})
# Keys that list packages, or that speak about a project.
_LISTING = re.compile(r".*dependencies|requires|extras|dependency-groups|overrides|resolutions|install_requires"
                      r"|setup_requires|tests_require", re.IGNORECASE)  # fmt: skip
_ABOUT = frozenset({"name", "description", "keywords", "classifiers", "urls", "authors", "maintainers", "license",
                    "readme", "version", "homepage", "repository", "documentation"})  # fmt: skip
_PROJECTS = (("project",), ("tool", "poetry"), ())
_DOTS = 2000  # in one line: tomllib takes minutes for a key of thousands of parts
_KEY = re.compile(r"[A-Za-z_]")
_INSTALL = re.compile(r"\b(?:pip[\d.]*|conda|mamba|micromamba|easy_install)\b[^;&|\n]*?\binstall\b([^;&|\n]*)")
_VALUED = frozenset({"-r", "-c", "-e", "-i", "-f", "-t", "--requirement", "--constraint", "--editable", "--index-url",
                     "--extra-index-url", "--find-links", "--target", "--prefix", "--root", "--python", "--platform",
                     "--python-version", "--implementation", "--abi", "--trusted-host", "--cache-dir", "--timeout",
                     "--no-binary", "--only-binary", "--proxy", "--retries", "--src", "--log", "--cert"})  # fmt: skip
_REQUIREMENT = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
# What works on an application, and is no part of it.
_WORKSHOP = frozenset(
    """pip setuptools wheel build twine tox nox uv poetry pipenv virtualenv hatch pdm flit pre-commit pip-tools coverage
    codecov flake8 black isort mypy ruff pylint bandit safety hardgate pip-audit semgrep checkov cibuildwheel install
    bumpversion pipx detect-secrets update -y""".split()  # noqa: SIM905 (a list of words reads better so)
)

Texts = list[tuple[str, int]]
"""Texts of a file, each with its line from 1."""


def counts(path: str) -> bool:
    """Whether a file that is no Python may start or load a package: no list of packages, and no prose."""
    name = path.rpartition("/")[2]
    own = path.startswith(".hardgate/") and name.endswith((".yaml", ".yml", ".json"))
    about = name.lower().endswith(_PROSE) or _LEGAL.fullmatch(name.lower())
    return not (path.endswith(PYTHON) or own or about or name in _IDLE or _LISTS.search(path))


def kin(path: str, raw: bytes) -> bool:
    """Whether a file holds Python that is not parsed: a notebook, Cython, a script without an ending."""
    return bool(_KIN.search(path)) or (raw.startswith(b"#!") and b"python" in raw.partition(b"\n")[0])


def packed(path: str) -> bool:
    """Whether a file holds others, so that their texts cannot be seen."""
    return bool(_PACKED.search(path))


def texts(path: str, raw: bytes) -> Texts:
    """The texts of a file that may start or load a package."""
    plain = raw.replace(b"\0", b"").decode("utf-8", "replace")  # UTF-16 of plain letters is those and zeros
    name = path.rpartition("/")[2]
    lines = [(line, number) for number, line in enumerate(plain.split("\n"), 1)]
    if path == "hardgate.yaml":
        return _without_policy(lines)
    if name not in _TABLES:
        return lines
    try:
        found = _TABLES[name](plain)
    except (ValueError, configparser.Error, RecursionError, AttributeError):
        return lines
    return [(text, _line(text, lines)) for text in found]


def installed(lines: Texts) -> Iterator[tuple[str, int]]:
    """The packages that commands install by their names, with their lines."""
    whole, start = "", 1
    for line, number in lines:
        start = start if whole else number
        whole += line.removesuffix("\\") + " "
        if not line.endswith("\\"):
            if "install" in whole:
                words = re.sub(r"""[\[\]"',]""", " ", re.sub(r"(?<=\w)\[[^]]*\]", " ", whole))
                yield from ((name, start) for call in _INSTALL.finditer(words) for name in _named(call[1].split()))
            whole = ""


def _named(words: list[str]) -> Iterator[str]:
    skip = False
    for word in words:
        skip, valued = word in _VALUED, skip
        name = _REQUIREMENT.match(word)
        path = "/" in word or word.endswith((".txt", ".in", ".whl", ".toml"))
        if word.startswith("#"):
            return
        if name and not (valued or path) and name[0].lower() not in _WORKSHOP:
            yield name[0]


def _without_policy(lines: Texts) -> Texts:
    """hardgate.yaml without its policy, whose waivers name packages, and without comments."""
    kept, inside = [], False
    for line, number in lines:
        if _KEY.match(line):
            inside = line.startswith("policy")
        if not inside and not line.lstrip().startswith("#"):
            kept.append((line, number))
    return kept


def _line(text: str, lines: Texts) -> int:
    first = text.partition("\n")[0].strip()
    return next((number for line, number in lines if first and first in line), 1)


def toml(text: str) -> dict[str, Any]:
    """A TOML document. Raises ValueError also for what would take tomllib minutes."""
    if any(line.count(".") > _DOTS for line in text.split("\n")):
        raise ValueError("a line has too many dots to be read")
    return tomllib.loads(text)


def _setup(text: str) -> list[str]:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    parser.read_string(text)
    sections = (one for one in parser.sections() if one not in {"metadata", "options.extras_require"})
    return [
        value or key
        for section in sections
        for key, value in parser.items(section)
        if not (section == "options" and _LISTING.fullmatch(key))
    ]


def _values(document: Any, place: tuple[str, ...] = ()) -> Iterator[str]:
    if isinstance(document, str):
        yield document
    elif isinstance(document, list):
        for one in document:
            yield from _values(one, place)
    elif isinstance(document, dict):
        for key, one in document.items():
            about = place in _PROJECTS and key in _ABOUT
            if not (about or _LISTING.fullmatch(key) or (*place, key) == ("tool", "poetry", "group")):
                yield from _values(one, (*place, key))


_TABLES = {
    "pyproject.toml": lambda text: list(_values(toml(text))),
    "Pipfile": lambda text: list(_values(toml(text))),
    "package.json": lambda text: list(_values(json.loads(text))),
    "setup.cfg": _setup,
}
