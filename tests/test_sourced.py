"""What a run reads of a real tree: routes and imports where findings ask for them, and nothing where none does."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hardgate import repository, sourced
from hardgate.model import Code, Finding, Kind, Location, Package
from hardgate.proofs import Imported
from tests.builders import dependency, receipt, settled

FILES = {
    "app.py": 'import flask\n\napp = flask.Flask(__name__)\n\n\n@app.get("/")\ndef home():\n    pass\n',
    "notes/prose.md": "requests would be too much here\n",
    "hardgate.yaml": "# requests is waived\npolicy:\n  waivers: [{rule: requests}]\nreports: []\n",
    "requirements.txt": "flask==3.1.0\n    # via -r requirements.in\njinja2==3.1.6\n    # via flask\n"
    "requests==2.0\n    # via -r requirements.in\nurllib3==2.0\n    # via requests\n",
    "requirements.in": "flask\nrequests\n",
    "poetry.lock": "requests\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> repository.Tree:
    root = tmp_path / "tree"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return repository.read(root, tmp_path / "git", exclude=lambda _path: False, limit=10**6, leave=frozenset())


def package(name: str, ecosystem: str = "PyPI", path: str = "requirements.txt") -> Finding:
    found = dependency("CVE-2026-1", name=name, path=path)
    other = Package(ecosystem=ecosystem, name=name, version="1.0")
    return msgspec.structs.replace(found, package=other)


def read(tree: repository.Tree, *findings: Finding) -> Code:
    return sourced.read(tree, [receipt(findings=findings)])


def test_nothing_is_read_that_no_finding_asks_for(tree: repository.Tree) -> None:
    assert read(tree, settled()) == Code()


def test_a_dynamic_finding_asks_for_the_routes(tree: repository.Tree) -> None:
    code = read(tree, settled(kind=Kind.DYNAMIC, location=Location(path="GET /")))
    assert code.routes is not None
    assert [(one.template, one.handler.name) for one in code.routes.routes] == [("/", "home")]
    assert (sourced.told(code), code.uses) == ((), None)


def test_a_vulnerable_package_asks_for_the_imports(tree: repository.Tree) -> None:
    code = read(tree, package("Flask"), package("jinja2"), package("urllib3"), package("left-pad", "npm"))
    assert code.uses is not None
    assert {key: one.imported for key, one in code.uses.items()} == {
        "pypi/flask": Imported.YES,
        "pypi/jinja2": Imported.YES,
        "pypi/urllib3": Imported.NO,
        "npm/left-pad": Imported.UNKNOWN,
    }
    assert (code.uses["pypi/jinja2"].through, code.uses["pypi/jinja2"].path) == ("flask", "app.py")
    assert code.routes is None


def test_a_second_file_that_does_not_say_who_asks_makes_it_unknown(tree: repository.Tree) -> None:
    code = read(tree, package("urllib3"), package("urllib3", path="image/usr/lib/python3/dist-packages"))
    assert code.uses is not None
    assert code.uses["pypi/urllib3"].imported is Imported.UNKNOWN


def test_a_file_that_changed_since_is_told(tree: repository.Tree) -> None:
    (tree.root / "app.py").write_text("import requests\n")
    code = read(tree, package("urllib3"), settled(kind=Kind.DYNAMIC, location=Location(path="GET /")))
    assert code.uses is not None
    assert code.uses["pypi/urllib3"].imported is Imported.UNKNOWN
    assert sourced.told(code) == ("route not read: app.py line 1: it changed while the run went on",)


def test_a_file_with_an_odd_name_has_the_path_that_its_findings_have(tree: repository.Tree, tmp_path: Path) -> None:
    text = FILES["app.py"].replace("home", "tea").replace('"/"', '"/tea"')
    (tree.root / "caf\udce9.py").write_text(text)
    again = repository.read(tree.root, tmp_path / "g", exclude=lambda _path: False, limit=10**6, leave=frozenset())
    code = read(again, settled(kind=Kind.DYNAMIC, location=Location(path="GET /tea")))
    assert code.routes is not None
    assert [one.handler.path for one in code.routes.routes] == [r"caf\xe9.py"]
    assert msgspec.json.decode(msgspec.json.encode(code), type=Code) == code
