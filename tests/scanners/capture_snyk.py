"""Captures the samples of snyk from the real command line, with the data of tests/lab/snyk_service.py.

`python -m tests.scanners.capture_snyk [CASE...]` writes tests/scanners/samples/snyk/CASE-VERSION.json with the
adapter's own command line, unless a case says otherwise. The folder of the capture is set to /srv/tree. What the
service matched is not Snyk's data.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from hardgate import tools
from hardgate.adapter import Job
from hardgate.scanners.snyk import SNYK
from tests.lab import osv_server, snyk_service
from tests.lab.tools import command
from tests.scanners import real

SAMPLES = Path(__file__).parent / "samples" / "snyk"
FOLDER = b"/srv/tree"  # stands for the folder in which the capture ran
POETRY = """\
[[package]]
name = "jinja2"
version = "2.4.1"
description = ""
optional = false
python-versions = "*"

[metadata]
lock-version = "2.0"
python-versions = "^3.8"
content-hash = "0"
"""
PYPROJECT = """\
[tool.poetry]
name = "pages"
version = "1.0.0"
description = ""
authors = []

[tool.poetry.dependencies]
python = "^3.8"
jinja2 = "2.4.1"
"""
POLICY = """\
version: v1.25.0
ignore:
  GHSA-jf85-cpcp-j695:
    - '*':
        reason: no input reaches it
        expires: 2099-01-01T00:00:00.000Z
patch: {}
"""


def npm(name: str, **packages: str) -> dict[str, str]:
    """package.json and package-lock.json of a project with these packages, each in one release."""
    root = {"name": name, "version": "1.0.0", "dependencies": packages}
    modules = {f"node_modules/{package}": {"version": version} for package, version in packages.items()}
    lock = {"name": name, "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": {"": root, **modules}}
    return {"package.json": _text(root), "package-lock.json": _text(lock)}


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def below(folder: str, files: dict[str, str]) -> dict[str, str]:
    """The same files in a folder."""
    return {f"{folder}/{name}": content for name, content in files.items()}


LODASH = npm("shop", lodash="4.17.4", mariadb="3.4.0")
# Input, and what is added to the adapter's command line; None: the command line as it stands there instead.
CASES: dict[str, tuple[dict[str, str], tuple[str, ...], tuple[str, ...] | None]] = {
    "npm": (below("web", LODASH), (), None),
    "poetry": ({"poetry.lock": POETRY, "pyproject.toml": PYPROJECT}, (), None),
    "clean": (npm("shop", lodash="4.18.1"), (), None),
    "nothing": (npm("shop"), (), None),
    "threshold": (LODASH, ("--severity-threshold=critical",), None),
    "grouped": (LODASH, ("--group-issues",), None),
    "ignored": ({**LODASH, ".snyk": POLICY}, (), ("test", "--json", "--dev")),
    "several": ({**below("web", LODASH), **below("old", {"package.json": LODASH["package.json"]})}, (),
                ("test", "web", "old", "--json")),
    "unlocked": ({"package.json": LODASH["package.json"]}, (), None),
}  # fmt: skip


@contextmanager
def environment(address: str, token: str = snyk_service.TOKEN) -> Iterator[None]:
    """The variables of the service while the block runs, and nothing of the user's own."""
    before = {name: os.environ.get(name) for name in SNYK.secrets}
    os.environ.update(snyk_service.environment(address, token))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def start(part: Job, words: tuple[str, ...] | None = None) -> tools.Completed:
    """Run snyk once as the engine does; `words` in place of the adapter's."""
    env = tools.environment(Path(part.scratch), extra=SNYK.environment(part), passed=SNYK.secrets)
    argv = SNYK.argv(part) if words is None else (*command("path:snyk"), *words)
    return tools.run(argv, cwd=Path(part.root), env=env, timeout=180)


def main(chosen: list[str]) -> None:
    """Write the chosen samples, or all."""
    version = tools.run(
        (*command("path:snyk"), "--version"), cwd=SAMPLES, env=tools.environment(SAMPLES), timeout=60
    ).stdout.decode().strip()  # fmt: skip
    with snyk_service.serving(osv_server.data_folder()) as server, environment(server.address):
        for name in chosen or CASES:
            files, args, words = CASES[name]
            with tempfile.TemporaryDirectory() as folder:
                root = real.write(Path(folder) / "tree", files)
                (part,) = SNYK.split(real.job(SNYK, root, Path(folder) / "scratch", args=args))[:1]
                done = start(part, words)
                raw = done.stdout.replace(os.fsencode(root.resolve()), FOLDER)
                (SAMPLES / f"{name}-{version}.json").write_bytes(raw)


if __name__ == "__main__":
    main(sys.argv[1:])
