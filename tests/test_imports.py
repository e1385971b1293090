"""Whether the application imports a package: what is said, and that "not imported" is never said without knowing."""

from __future__ import annotations

import pytest

from hardgate import asked, import_reading, imports
from hardgate.proofs import Imported, Use

LOCK = b"""[[package]]
name = "Flask"
[package.dependencies]
Jinja2 = ">=3"
werkzeug = {version = "*"}

[[package]]
name = "jinja2"
[package.dependencies]
MarkupSafe = "*"

[[package]]
name = "werkzeug"

[[package]]
name = "markupsafe"

[[package]]
name = "requests"
[package.dependencies]
urllib3 = "*"

[[package]]
name = "urllib3"

[[package]]
name = "gunicorn"

[[package]]
name = "python-multipart"

[[package]]
name = "strange-name"
[package.dependencies]
pyyaml = "*"

[[package]]
name = "pyyaml"
"""
UV = b"""[[package]]
name = "shop"
source = { editable = "." }
dependencies = [{ name = "flask" }]

[[package]]
name = "flask"
dependencies = [{ name = "jinja2", marker = "python_version > '3'" }]
[package.optional-dependencies]
async = [{ name = "asgiref" }]
"""
COMPILED = b"""flask==3.1.0
    # via -r requirements.in
jinja2==3.1.6 \\
    --hash=sha256:00
    # via
    #   flask
    #   flask-babel[x]
markupsafe==3.0.2  # via jinja2, werkzeug
"""
READ: dict[str, set[str]] = {"flask": set(), "jinja2": {"flask", "flask-babel"}, "markupsafe": {"jinja2", "werkzeug"}}
TAIL = b"-e file:.\n    # via -r requirements.in\n\n# The following packages are considered unsafe, or so:\n# pip\n"
OUTSIDE = {"shop": set[str](), "flask": {"shop"}, "jinja2": {"flask"}, "asgiref": {"flask"}}
IMPORTS = "import flask\n"


def use(name: str, python: str = "", lock: bytes = LOCK, path: str = "poetry.lock", **others: str) -> Use:
    """What is said of a package beside an app.py and files of other kinds, `dot` in their names for a point."""
    graphs = {path: asked.read(path, lock)}
    texts = [(one.replace("dot", "."), text.encode()) for one, text in others.items()]
    return imports.use(name, imports.read([("app.py", python.encode())], texts, {name: graphs}), graphs)


@pytest.mark.parametrize(
    ("name", "python", "line"),
    [
        ("flask", "import os\nimport flask", 2),
        ("flask", "from flask.views import View", 1),
        ("flask", "def f():\n    if x:\n        import flask.json as j", 3),
        ("flask", "try:\n    import flask\nexcept ImportError:\n    flask = None", 2),
        ("flask", "import importlib\nx = importlib.import_module('flask.app')", 2),
        ("flask", "x = __import__('flask')", 1),
        ("pyyaml", "import yaml", 1),
        ("ruamel-yaml", "from ruamel import yaml", 1),
        ("strange-name", "import strange_name", 1),
        ("flask", "import \uff46lask", 1),  # as Python reads it
    ],
)
def test_a_direct_import_is_told_with_its_line(name: str, python: str, line: int) -> None:
    found = use(name, python)
    assert (found.imported, found.path, found.line, found.through) == (Imported.YES, "app.py", line, "")


def test_the_application_is_named_before_its_tests() -> None:
    files = [
        ("tests/test_app.py", b"import flask\n"),
        ("web/app.py", b"\nimport flask\n"),
        ("test/x.py", b"import flask"),
    ]
    tree = imports.read(files, [], {"flask": {}})
    assert tree.finds(["flask"]) == ("flask", ("web/app.py", 2))


def test_what_an_imported_package_asks_for_is_imported_through_it() -> None:
    found = use("markupsafe", IMPORTS)
    assert (found.imported, found.through, found.line) == (Imported.YES, "flask", 1)
    assert found.because == "app.py line 1 imports flask, and flask asks for it"


def test_what_nobody_imports_is_not_imported() -> None:
    for name in ("requests", "urllib3"):
        found = use(name, IMPORTS, Dockerfile="CMD python app.py")
        assert found == Use(imported=Imported.NO, because=f"no file imports {name}, nor what asks for it")
    assert use("urllib3", '"""Unlike urllib3, this is small."""\nimport flask').imported is Imported.NO
    assert use("urllib3", "from . import urllib3").imported is Imported.NO
    assert use("urllib3", "import flask\nurllib3_like = 1\nx = 'urllib3-like'").imported is Imported.NO


@pytest.mark.parametrize(
    ("name", "python", "others", "because"),
    [
        ("urllib3", "import importlib\nimportlib.import_module(name)", {}, "app.py line 2 may import"),
        ("urllib3", "exec(code)", {}, "may import what only the running program knows"),
        ("urllib3", "from importlib.metadata import entry_points\nentry_points()", {}, "may import what only"),
        ("urllib3", "x = 'mysql+urllib3://'", {}, "app.py line 1 names urllib3: it may be loaded"),
        ("urllib3", "APPS = ['requests']", {}, "names requests"),
        ("urllib3", "", {"Dockerfile": 'FROM x\nCMD ["requests", "-A", "app"]'}, "Dockerfile line 2 names requests"),
        ("urllib3", "", {"Procfile": "web: requests worker"}, "Procfile line 1 names requests"),
        ("urllib3", "def (", {"x": "urllib3"}, "app.py is no Python that could be read"),
        ("strange-name", "", {}, "under which names strange-name is imported is not known"),
        ("pyyaml", "", {}, "under which names strange-name is imported is not known"),
        ("click", "", {}, "poetry.lock does not say which packages ask for it"),
        (
            "gunicorn",
            "",
            {},
            "gunicorn brings commands or plug-ins, and may be started, or loaded, by a name that no file",
        ),
        ("python-multipart", "import fastapi", {}, "may import fastapi, and fastapi takes python-multipart where it"),
        ("urllib3", "import strange_name", {}, "line 1 may import strange-name, and what else that imports is not"),
    ],
)
def test_what_is_not_known_is_unknown(name: str, python: str, others: dict[str, str], because: str) -> None:
    # A file that names nothing is not parsed: here each names the package, in a comment if not in its code.
    found = use(name, f"{python}\n# {name}", LOCK, "poetry.lock", **others)
    assert found.imported is Imported.UNKNOWN
    assert because in found.because


def test_without_a_lock_file_only_what_is_imported_is_told() -> None:
    plain = b"flask==3.1.0\nurllib3==2.0\n"
    assert use("urllib3", IMPORTS, plain, "requirements.txt").imported is Imported.UNKNOWN
    assert use("flask", IMPORTS, plain, "requirements.txt").imported is Imported.YES
    assert imports.use("urllib3", import_reading.Tree(), {}).imported is Imported.UNKNOWN


def test_a_module_of_the_tree_with_the_same_name_may_be_what_is_imported() -> None:
    graphs = {"poetry.lock": asked.read("poetry.lock", LOCK)}
    tree = imports.read([("urllib3.py", b"x = 1"), ("src/requests/__init__.py", b"")], [], {"urllib3": graphs})
    assert imports.use("urllib3", tree, graphs).because == "the tree has a module called like one of urllib3"


@pytest.mark.parametrize(
    ("path", "raw", "graph"),
    [
        ("uv.lock", UV, {"flask": set(), "jinja2": {"flask"}, "asgiref": {"flask"}}),
        ("requirements.txt", COMPILED, READ),
        ("requirements.txt", b"--index-url https://x\n" + COMPILED + TAIL, READ),
        ("requirements.txt", b"-r base.txt\n" + COMPILED, None),
        ("requirements.txt", b"flower\n" + COMPILED, None),
        ("requirements.txt", b"-e ../lib\n" + COMPILED, None),
        ("requirements.txt", b"flask==3 # via lib (../lib/pyproject.toml)", None),
        ("requirements.txt", b"flask==3 # via something else", None),
        ("uv.lock", UV.replace(b'editable = "."', b'editable = "../shop"'), OUTSIDE),
        ("uv.lock", b"a" + b".a" * 20_000 + b" = 1", None),
        ("requirements.txt", COMPILED + b"click==8.0\n", None),
        ("requirements.txt", b"", None),
        ("poetry.lock", b"[[package]", None),
        ("poetry.lock", b"[[package]]\nversion = 1", None),
        ("uv.lock", b"\xff", None),
        ("Pipfile.lock", b"{}", None),
    ],
)
def test_lock_files_say_who_asks_for_whom(path: str, raw: bytes, graph: dict[str, set[str]] | None) -> None:
    assert asked.read(path, raw) == graph
