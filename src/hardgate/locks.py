"""Lock files and manifests by their names: which are read, for which ecosystem, and what stands for what.

What Trivy 0.74 really reads was tried with a file of each sort; docs/scanners/trivy.md has the table.
"""

from __future__ import annotations

import json
import posixpath
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from typing import Any

from hardgate.pins import is_requirements

# Files that name exact releases and that Trivy reads, with OSV's name for the ecosystem of their packages.
READ = {
    "Pipfile.lock": "PyPI", "poetry.lock": "PyPI", "pylock.toml": "PyPI", "uv.lock": "PyPI",
    "bun.lock": "npm", "npm-shrinkwrap.json": "npm", "package-lock.json": "npm", "pnpm-lock.yaml": "npm",
    "yarn.lock": "npm", "build.sbt.lock": "Maven", "gradle.lockfile": "Maven", "pom.xml": "Maven", "go.mod": "Go",
    "Cargo.lock": "crates.io", "composer.lock": "Packagist", "conan.lock": "ConanCenter", "Gemfile.lock": "RubyGems",
    "mix.lock": "Hex", "Package.resolved": "SwiftURL", "packages.config": "NuGet", "packages.lock.json": "NuGet",
    "Podfile.lock": "CocoaPods", "pubspec.lock": "Pub",
}  # fmt: skip
_PYLOCK = re.compile(r"pylock\.[^./]+\.toml")  # https://packaging.python.org/en/latest/specifications/pylock-toml/
_NODE = ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock")
_PYTHON = ("uv.lock", "poetry.lock", "Pipfile.lock", "pylock.toml", "pdm.lock")
_UV = "uv lock, or uv pip compile NAME -o requirements.txt"
# Files that name what is wanted, or that nothing reads: the files of which one beside it will do, and how to make one.
_WANTING: dict[str, tuple[tuple[str, ...], str]] = {
    "pyproject.toml": (_PYTHON, _UV),
    "setup.py": (_PYTHON, _UV),
    "setup.cfg": (_PYTHON, _UV),
    "requirements.in": (_PYTHON, "uv pip compile NAME -o requirements.txt"),
    "Pipfile": (("Pipfile.lock",), "pipenv lock"),
    "pdm.lock": (_PYTHON[:-1], "pdm export -o requirements.txt"),
    "package.json": (_NODE, "npm install --package-lock-only"),
    "build.gradle": (("gradle.lockfile",), "gradle dependencies --write-locks"),
    "build.gradle.kts": (("gradle.lockfile",), "gradle dependencies --write-locks"),
    "build.sbt": (("build.sbt.lock",), "sbt dependencyLockWrite, of the plugin sbt-dependency-lock"),
    "go.sum": (("go.mod",), "go mod init, then go mod tidy"),
    "Gemfile": (("Gemfile.lock",), "bundle lock"),
    "Cargo.toml": (("Cargo.lock",), "cargo generate-lockfile"),
    "composer.json": (("composer.lock",), "composer update --no-install"),
}
_UNREAD = ("pdm.lock", "go.sum")
_BESIDE = ("locks", "requirements")  # folders in which the locks of the folder above are kept
_WORKSPACES = ("uv.lock", *_NODE)  # locks that name their members by folder
_PACKAGES = ("dependencies", "devDependencies", "optionalDependencies")
_DOTS = 2000  # in one line of TOML
_GRADLE = re.compile(rb"\b(implementation|api|compile|compileOnly|runtimeOnly|kapt|\w+Implementation)\b\s*[(\"']")


def ecosystem(path: str) -> str:
    """The ecosystem of the releases that a file names, as OSV calls it, where Trivy reads it; else ""."""
    name = posixpath.basename(path)
    return "PyPI" if is_requirements(path) or _PYLOCK.fullmatch(name) else READ.get(name, "")


def is_pipenv(path: str) -> bool:
    """Whether a file is Pipenv's lock file."""
    return posixpath.basename(path) == "Pipfile.lock"


def pipenv_joined(content: bytes) -> bytes:
    """A Pipfile.lock with its development packages among the others; as it is when it cannot be read."""
    try:
        lock = json.loads(content)
        every = {**lock.get("develop", {}), **lock.get("default", {})}
        return json.dumps({**lock, "default": every, "develop": {}}).encode() if every else b""
    except (ValueError, AttributeError, TypeError, RecursionError):
        return content


def is_manifest(path: str) -> bool:
    """Whether a file names packages without exact releases, or is a lock file that nothing here reads."""
    return posixpath.basename(path) in _WANTING


def unlocked(path: str, names: Collection[str]) -> str:
    """For a manifest without a lock file beside it among `names`: what is wrong and how to make one. Else ""."""
    folder, name = posixpath.split(path)
    if name not in _WANTING:
        return ""
    locks, way = _WANTING[name]
    places = (folder, *(posixpath.join(folder, below) for below in _BESIDE))
    if any(posixpath.join(place, lock) in names for place in places for lock in locks):
        return ""
    if locks[0] in _PYTHON and name != "Pipfile" and any(_pins(other, places) for other in names):
        return ""
    what = "is read by no tool here" if name in _UNREAD else "pins no releases"
    return f"{what}, and no lock file stands beside it; make one: {way.replace('NAME', name)}"


def _pins(path: str, places: Collection[str]) -> bool:
    return posixpath.dirname(path) in places and (is_requirements(path) or bool(_PYLOCK.fullmatch(path)))


def above(path: str, names: Collection[str]) -> list[tuple[str, str]]:
    """The lock files in folders above a manifest that may be its workspace's, each with the folder as it names it."""
    locks = _WANTING[posixpath.basename(path)][0]
    found, folder = [], posixpath.dirname(path)
    place = folder
    while place:
        place = posixpath.dirname(place)
        member = posixpath.relpath(folder, place or ".")
        found += [
            (file, member) for name in locks if name in _WORKSPACES and (file := posixpath.join(place, name)) in names
        ]
    return found


def names_member(lock: bytes, member: str) -> bool:
    """Whether the text of a workspace's lock file names a member's folder: quoted, as a key, or after a colon."""
    word = re.escape(member.encode())
    return bool(re.search(rb"""(?:["'@:]|^[^\S\n]*)""" + word + rb"""(?:["':]|$)""", lock, re.MULTILINE))


def declares(path: str, content: bytes) -> bool:
    """Whether a manifest names any package. One that cannot be read does: nobody can say that it does not."""
    name = posixpath.basename(path)
    try:
        if name in _TABLES:
            return _TABLES[name](json.loads(content) if name.endswith(".json") else _toml(content))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return True
    return bool(re.search(_MARKS.get(name, rb"(?m)^[^\S\n]*[^#\s]"), content))


def _toml(content: bytes) -> dict[str, Any]:
    """Raises ValueError also for what would take tomllib minutes: a key of thousands of parts."""
    if any(line.count(b".") > _DOTS for line in content.split(b"\n")):
        raise ValueError("a line has too many dots to be read")
    return tomllib.loads(content.decode())


_MARKS = {
    "setup.py": rb"(install|setup|extras|tests)_requires?\b",
    "setup.cfg": rb"(?m)^[^\S\n]*(install_requires|setup_requires|tests_require)\s*[=:]|options\.extras_require",
    "build.gradle": _GRADLE.pattern,
    "build.gradle.kts": _GRADLE.pattern,
    "build.sbt": rb"%%?\s*\"",
    "Gemfile": rb"(?m)^[^\S\n]*gem\b",
}


def _any(document: Mapping[str, Any], *keys: str) -> bool:
    return any(document.get(key) for key in keys)


def _pyproject(document: Mapping[str, Any]) -> bool:
    project, tool = document.get("project", {}), document.get("tool", {})
    poetry = tool.get("poetry", {})
    dynamic = {"dependencies", "optional-dependencies"} & {*project.get("dynamic", ())}
    return bool(
        dynamic
        or _any(project, "dependencies", "optional-dependencies")
        or document.get("dependency-groups")
        or _any(poetry, "group", "dev-dependencies")
        or {*poetry.get("dependencies", {})} - {"python"}
        or _any(tool.get("pdm", {}), "dev-dependencies")
        or _any(tool.get("uv", {}), "dev-dependencies")
    )


def _cargo(document: Mapping[str, Any]) -> bool:
    kinds = ("dependencies", "dev-dependencies", "build-dependencies")
    tables = [document, document.get("workspace", {}), *document.get("target", {}).values()]
    return any(_any(table, *kinds) for table in tables)


def _composer(document: Mapping[str, Any]) -> bool:
    wanted = {*document.get("require", {}), *document.get("require-dev", {})}
    return any("/" in name for name in wanted)  # without: PHP itself and its extensions


_TABLES: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "pyproject.toml": _pyproject,
    "Pipfile": lambda document: _any(document, "packages", "dev-packages"),
    "Cargo.toml": _cargo,
    "package.json": lambda document: _any(document, *_PACKAGES),
    "composer.json": _composer,
}
