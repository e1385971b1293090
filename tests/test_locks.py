"""locks.py and manifests.py: which file names releases, and when a manifest needs no lock file of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hardgate import locks, manifests, repository
from hardgate.plan import requirements
from tests.builders import pipeline, policy


@pytest.mark.parametrize(
    ("path", "ecosystem"),
    [
        ("requirements.txt", "PyPI"), ("locks/requirements-dev.txt", "PyPI"), ("a/uv.lock", "PyPI"),
        ("pylock.toml", "PyPI"), ("pylock.dev.toml", "PyPI"), ("pnpm-lock.yaml", "npm"), ("pom.xml", "Maven"),
        ("go.mod", "Go"), ("Gemfile.lock", "RubyGems"), ("go.sum", ""), ("pdm.lock", ""), ("my-uv.lock", ""),
        ("pyproject.toml", ""), ("pylock.a.b.toml", ""),
    ],
)  # fmt: skip
def test_ecosystem(path: str, ecosystem: str) -> None:
    assert locks.ecosystem(path) == ecosystem


@pytest.mark.parametrize(
    ("path", "beside"),
    [
        ("pyproject.toml", "uv.lock"), ("pyproject.toml", "pdm.lock"), ("pyproject.toml", "requirements.txt"),
        ("pyproject.toml", "locks/requirements-run.txt"), ("a/setup.py", "a/requirements/prod.txt"),
        ("requirements.in", "requirements.txt"), ("setup.cfg", "poetry.lock"), ("Pipfile", "Pipfile.lock"),
        ("a/package.json", "a/yarn.lock"), ("go.sum", "go.mod"), ("pdm.lock", "requirements.txt"),
        ("build.gradle.kts", "gradle.lockfile"), ("Cargo.toml", "Cargo.lock"), ("composer.json", "composer.lock"),
    ],
)  # fmt: skip
def test_a_lock_file_beside_it_will_do(path: str, beside: str) -> None:
    assert locks.unlocked(path, {path}) != ""
    assert locks.unlocked(path, {path, beside}) == ""
    assert locks.unlocked(path, {path, f"other/{beside}"}) != ""


def test_what_is_no_manifest_needs_none() -> None:
    assert locks.unlocked("app.py", {"app.py"}) == ""
    assert not locks.is_manifest("uv.lock")


def test_the_way_out_names_the_file() -> None:
    assert locks.unlocked("pyproject.toml", {"pyproject.toml"}).endswith(
        "make one: uv lock, or uv pip compile pyproject.toml -o requirements.txt"
    )
    assert "read by no tool" in locks.unlocked("a/pdm.lock", {"a/pdm.lock"})


@pytest.mark.parametrize(
    ("name", "content", "declares"),
    [
        ("pyproject.toml", "[tool.ruff]\nline-length = 1\n", False),
        ("pyproject.toml", "[project]\nname = 'x'\ndependencies = []\n", False),
        ("pyproject.toml", "[project]\ndependencies = ['flask']\n", True),
        ("pyproject.toml", "[project]\ndynamic = ['dependencies']\n", True),
        ("pyproject.toml", "[project]\ndynamic = ['version']\n", False),
        ("pyproject.toml", "[dependency-groups]\ndev = ['pytest']\n", True),
        ("pyproject.toml", "[tool.poetry.dependencies]\npython = '*'\n", False),
        ("pyproject.toml", "[tool.poetry.dependencies]\nflask = '*'\n", True),
        ("pyproject.toml", "not toml = = 1", True),
        ("pyproject.toml", "project = 3", True),
        ("setup.py", "setup(name='x')", False),
        ("setup.py", "setup(install_requires=['flask'])", True),
        ("setup.cfg", "[metadata]\nname = x\n", False),
        ("setup.cfg", "[options]\ninstall_requires =\n  flask\n", True),
        ("package.json", '{"name": "x", "scripts": {}}', False),
        ("package.json", '{"devDependencies": {"a": "1"}}', True),
        ("package.json", "[]", True),
        ("composer.json", '{"require": {"php": ">=8", "ext-json": "*"}}', False),
        ("composer.json", '{"require": {"a/b": "*"}}', True),
        ("Cargo.toml", "[package]\nname = 'x'\n", False),
        ("Cargo.toml", "[target.'cfg(unix)'.dependencies]\na = '1'\n", True),
        ("Pipfile", "[packages]\n", False),
        ("Pipfile", "[packages]\na = '*'\n", True),
        ("build.gradle", "plugins { id 'base' }\n", False),
        ("build.gradle", "dependencies {\n implementation 'a:b:1'\n}", True),
        ("Gemfile", "source 'x'\n# gem 'rack'\n", False),
        ("Gemfile", "gem 'rack'\n", True),
        ("requirements.in", "# nothing\n\n", False),
        ("requirements.in", "flask\n", True),
        ("go.sum", "", False),
    ],
)
def test_whether_a_manifest_names_a_package(name: str, content: str, *, declares: bool) -> None:
    assert locks.declares(name, content.encode()) is declares


@pytest.mark.parametrize(
    ("lock", "named"),
    [
        (b'source = { editable = "packages/a" }', True),
        (b'    "packages/a": {', True),
        (b"  packages/a:\n", True),
        (b'resolution: "a@workspace:packages/a"', True),
        (b'    "packages/ab": {', False),
        (b"", False),
    ],
)
def test_a_workspace_names_its_members(lock: bytes, *, named: bool) -> None:
    assert locks.names_member(lock, "packages/a") is named


def test_the_lock_files_above() -> None:
    names = {"w/packages/a/package.json", "w/yarn.lock", "package-lock.json", "uv.lock"}
    assert locks.above("w/packages/a/package.json", names) == [
        ("w/yarn.lock", "packages/a"),
        ("package-lock.json", "w/packages/a"),
    ]


def test_only_what_names_packages_and_has_no_lock_is_asked_for(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": "[tool.ruff]\n",
        "app/pyproject.toml": "[project]\ndependencies = ['flask']\n",
        "web/package.json": '{"dependencies": {"a": "1"}}',
        "web/package-lock.json": '{"packages": {"": {}, "inner": {}}}',
        "web/inner/package.json": '{"dependencies": {"b": "1"}}',
        "web/stranger/package.json": '{"dependencies": {"c": "1"}}',
    }
    for name, content in files.items():
        (tmp_path / "t" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "t" / name).write_text(content)
    subprocess.run(["git", "init", "--quiet", tmp_path / "t"], check=True)
    tree = repository.read(tmp_path / "t", tmp_path / "s", exclude=lambda _path: False, limit=10**6, leave=frozenset())
    settled = manifests.settled(tree)
    assert settled == {"pyproject.toml", "web/package.json", "web/inner/package.json"}
    needs = requirements(pipeline(), [name for name in files if name not in settled])
    reasons = {need.reason for need in needs if need.subject == "manifest"}
    assert {reason.split()[0] for reason in reasons} == {"app/pyproject.toml", "web/stranger/package.json"}


def test_a_manifest_can_be_exempt_in_writing() -> None:
    (need,) = requirements(pipeline(rules=policy(exempt={"manifest": "a library"})), ["pyproject.toml"])
    assert (need.subject, need.exempt, need.scanners, need.actions) == ("manifest", "a library", (), ())
