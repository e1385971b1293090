"""Every way that was found to import a package without an import that can be read: none is "not imported"."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hardgate import import_peers, import_texts, repository, sourced
from hardgate.import_names import NAMES
from hardgate.model import Package, Use
from hardgate.proofs import Imported
from tests.builders import dependency, receipt

_LISTED = '[[package]]\nname = "{}"\nsource = {{ registry = "x" }}\n'
LOCK = (
    _LISTED.format("urllib3")
    + _LISTED.format("requests")
    + 'dependencies = [{ name = "urllib3" }]\n'
    + _LISTED.format("flask")
)
PROJECT = """[project]
dependencies = ["requests>=2"]
description = "no requests"
[tool.poetry.group.dev.dependencies]
x = {version = "1", extras = ["requests"]}
"""


def used(root: Path, files: dict[str, bytes | str], name: str = "urllib3", exclude: str = "\0") -> Use:
    """What is said of a package of uv.lock in a tree of these files beside an application of Flask."""
    for path, text in {"uv.lock": LOCK, "app.py": "import flask\n", **files}.items():
        place = root / "tree" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text if isinstance(text, bytes) else text.encode())
    tree = repository.read(
        root / "tree", root / "git", exclude=lambda path: path.startswith(exclude), limit=3_000, leave=frozenset()
    )
    package = Package(ecosystem="PyPI", name=name, version="1.0")
    found = msgspec.structs.replace(dependency("CVE-2026-1", name=name, path="uv.lock"), package=package)
    uses = sourced.read(tree, [receipt(findings=(found,))]).uses
    assert uses is not None
    return uses[f"pypi/{name}"]


@pytest.mark.parametrize(
    "python",
    [
        "from importlib import import_module as load\nload(name)",
        "import importlib\nlist(map(importlib.import_module, names))",
        "import importlib\ngetattr(importlib, 'import_module')(name)",
        "import importlib\nimportlib.import_module('.api', package)",
        "import builtins\nbuiltins.exec(code)",
        "import builtins\ngetattr(builtins, word)(code)",
        "__builtins__['exec'](code)",
        "run = exec\nrun(code)",
        "import runpy\nrunpy.run_path(path)",
        "import imp\nimp.load_source(name, path)",
        "import pydoc\npydoc.locate(name)",
        "import zipimport\nzipimport.zipimporter(path)",
        "import pickle\npickle.load(file)",
        "from joblib import load\nload(path)",
        "import sys, subprocess\nsubprocess.run([sys.executable, '-m', name])",
        "import os\nos.system(f'python -m {name}')",
        "from uvicorn.importer import import_from_string\nimport_from_string(name)",
        "from stevedore import driver\ndriver.DriverManager(space, name)",
        "import google.cloud.storage",
        "import flower",
        "def f():\n    '''\n    >>> import requests\n    '''",
        "import boto3",
        "x = 'requests' if y else 'z'",
    ],
)
def test_a_hidden_import_is_unknown(tmp_path: Path, python: str) -> None:
    assert used(tmp_path, {"a.py": python}).imported is Imported.UNKNOWN


@pytest.mark.parametrize(
    "raw",
    [
        b"# coding: utf-7\n+AGk-mport +AHI-equests\n",
        b"# coding: unicode_escape\n\\x69mport \\x72equests\n",
        b"import os, \\\n  requests . api\n",
        b"from\\\n requests import(get)\n",
        b"if x: import requests as r\n",
        b"\fimport\trequests\n",
        b"x = 1;from requests.api import *\r",
        b"from " + b"requests . " * 100 + b"a import b\n",
        b"try:\n    import requests\nexcept ImportError:\n    pass\n",
        b"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import requests\n",
    ],
)
def test_an_import_in_any_dress_is_seen(tmp_path: Path, raw: bytes) -> None:
    assert used(tmp_path, {"a.py": raw}).imported is Imported.YES


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pyproject.toml", "[tool.pytest.ini_options]\naddopts = '-p requests'\n"),
        ("pyproject.toml", "[project.scripts]\nshop = 'requests.help:main'\n"),
        ("pyproject.toml", "a" + ".a" * 3000 + " = 'requests'\n"),
        ("setup.py", "setup(entry_points={'console_scripts': ['x=requests.help:main']})\n"),
        ("setup.cfg", "[options.entry_points]\nconsole_scripts =\n  x = requests.help:main\n"),
        ("Pipfile", "[scripts]\nx = 'python -m requests'\n"),
        ("package.json", '{"scripts": {"start": "python -m requests.help"}}'),
        ("run.sh", "python -mrequests.help\n"),
        ("config.py.in", "import requests\n"),
        ("license-check.sh", "python -m requests.help\n"),
        ("hardgate.yaml", "stages:\n- name: x\n  actions:\n  - migrate: {command: [python, -m, requests.help]}\n"),
        ("run.ps1", "python -m requests.help\n".encode("utf-16")),
        ("lib.whl", b"PK\x03\x04"),
        ("a.ipynb", '{"cells": [{"source": ["x = 1\\n", "import flower\\n"]}]}'),
        ("fast.pyx", "import flower\n"),
        ("bin/manage", "#!/usr/bin/env python3\nimport flower\n"),
        ("site.pth", "import requests\n"),
        ("Dockerfile", "FROM x\nRUN pip3.11 install \\\n    flower==2.0\n"),
        ("Dockerfile", 'FROM x\nRUN ["pip", "install", "-r", "requirements.txt", "flower"]\n'),
        ("large.py", "#" * 4_000),
        ("broken.py", "print 'x'\nimport flower\n"),
        ("zeros.py", b"import requests\0\n"),
        ("deep.py", "import requests\nx = " + "(" * 300 + ")" * 300),
    ],
)
def test_what_is_not_python_may_load_it(tmp_path: Path, path: str, text: bytes | str) -> None:
    assert used(tmp_path, {path: text}).imported is Imported.UNKNOWN


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pyproject.toml", PROJECT),
        ("setup.py", "import setuptools as s\nrequired = ['requests']\ns.setup(install_requires=['urllib3'])\n"),
        ("setup.cfg", "[metadata]\nname = requests\n[options]\ninstall_requires =\n  requests\n[x]\ny = 1\n"),
        ("Pipfile", "[packages]\nrequests = '*'\n"),
        ("package.json", '{"dependencies": {"requests": "^1"}, "name": "requests"}'),
        ("requirements/dev.in", "requests\n"),
        ("docs/changes.rst", "requests is no more\n"),
        (".hardgate/waivers.yaml", "waivers: [{rule: requests}]\n"),
        ("Dockerfile", "FROM x\nRUN pip install --upgrade pip && pip install -r requirements.txt # requests-like\n"),
        ("words.py", "import os\nfrom collections import abc\n# from flower import x, as one says\nx = 1\n"),
    ],
)  # fmt: skip
def test_what_only_lists_it_does_not(tmp_path: Path, path: str, text: str) -> None:
    assert used(tmp_path, {path: text}).imported is Imported.NO


def test_files_that_are_left_out_of_the_scans_are_read(tmp_path: Path) -> None:
    assert used(tmp_path / "a", {"lib/a.py": "import requests\n"}, exclude="lib/").imported is Imported.YES
    assert used(tmp_path / "b", {"lib/run": "requests\n"}, exclude="lib/").imported is Imported.UNKNOWN


@pytest.mark.parametrize(
    ("importer", "name"),
    [
        ("fastapi", "python-multipart"), ("fastapi", "jinja2"), ("sqlalchemy", "psycopg2-binary"),
        ("sqlalchemy", "mysqlclient"), ("django", "pillow"), ("flask", "python-dotenv"), ("uvicorn", "pyyaml"),
        ("requests", "chardet"), ("httpx", "h2"), ("flask", "gunicorn"), ("flask", "celery"), ("pyjwt", "cryptography"),
        ("beautifulsoup4", "lxml"), ("sentry-sdk", "redis"), ("pytest", "pytest-xdist"),
    ],
)  # fmt: skip
def test_what_a_package_takes_where_it_is_there_is_unknown(tmp_path: Path, importer: str, name: str) -> None:
    lock = _LISTED.format(importer) + _LISTED.format(name)
    python = f"import {NAMES[importer][0]}\n"
    assert used(tmp_path, {"uv.lock": lock, "app.py": python}, name).imported is Imported.UNKNOWN


def test_names_that_no_report_can_hold_are_made_plain(tmp_path: Path) -> None:
    found = used(tmp_path / "a", {"app\udcff.py": "import requests"})
    assert (found.path, found.imported) == (r"app\xff.py", Imported.YES)
    assert msgspec.json.encode(found)
    odd = used(tmp_path / "b", {"a.py": 'import importlib\nimportlib.import_module("requests.\\udc80")'})
    assert (odd.imported, r"requests.\x80" in odd.because) == (Imported.YES, True)
    assert msgspec.json.encode(odd)


def test_the_table_of_peers_speaks_of_known_packages() -> None:
    assert set(import_peers.PEERS) | {one for peers in import_peers.PEERS.values() for one in peers} <= set(NAMES)
    assert {"gunicorn", "celery", "pytest", "django"} <= import_peers.STARTED
    assert not {"requests", "urllib3", "lxml"} & import_peers.STARTED


def test_commands_that_install_are_read() -> None:
    said = "RUN pip install -q --target lib a==1 'b[c]' -c d.txt ./e f.whl && pip list\npip install pip tox # g\n"
    lines = import_texts.texts("Dockerfile", said.encode())
    assert list(import_texts.installed(lines)) == [("a", 1), ("b", 1)]
