"""Whole runs of the real Trivy on the local database, offline: what goes on the receipt, and what stays a gap."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hardgate.advisories import trivydb
from hardgate.advisories.database import Database, read_meta
from hardgate.model import ExitCode, GapReason
from tests.advisories.conftest import fill, record
from tests.advisories.test_cli_advisories import OFFLINE, found_by, ran

pytestmark = pytest.mark.real

BOTH = "pipeline: small\nstages:\n  - name: scan\n    actions: [pip-audit, {trivy: {scanners: [vuln]}}]\n"
ALONE = "pipeline: small\nstages:\n  - name: scan\n    actions: [{trivy: {scanners: [vuln]}}]\n"
OLD_WILL_DO = "policy: {max_advisory_age: 9999d}\n"
PINS = "jinja2==2.4.1\nflask==1.0\nidna==3.10\n"


@pytest.fixture
def home(
    tmp_path: Path, tools_folder: Path, python_folder: Path, trivy_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """HARDGATE_HOME with the installed tools and the database of Python's advisories, also Trivy's, and no network."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "tools").symlink_to(tools_folder)
    (folder / "advisories").symlink_to(python_folder)
    shutil.copytree(trivy_folder, folder / "cache")
    for name, value in {"HARDGATE_HOME": str(folder), **OFFLINE}.items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder with these files and this pipeline."""

    def make(pipeline: str, **files: str) -> Path:
        root = tmp_path / "tree"
        root.mkdir(exist_ok=True)
        for name, content in {"requirements.txt": PINS, **files, "hardgate.yaml": pipeline}.items():
            (root / name).write_text(content)
        return root

    return make


def test_it_finds_what_pip_audit_finds_and_both_are_one(home: Path, tree: Callable[..., Path]) -> None:
    ready = {path.name for path in (home / "cache").iterdir()}
    shutil.rmtree(home / "cache")
    result = ran(tree(BOTH + OLD_WILL_DO))
    # The run made Trivy's database by itself; the other tests are given the same.
    assert ready == {path.name for path in (home / "cache").glob("trivy-db-*")}
    assert result.code is ExitCode.FAIL, result.stdout + result.stderr
    assert result.json["gaps"] == []
    audit, trivy = result.json["receipts"]
    assert trivy["data"] == audit["data"]
    assert read_meta(home / "advisories").digest in trivy["data"]["source"]
    assert trivy["canary"]["rules"] == ["CVE-2019-10906"]
    assert all(
        {one["scanner"] for one in finding["witnesses"]} == {"pip-audit", "trivy"}
        for finding in result.json["findings"]
    )
    assert ("jinja2", "CVE-2019-10906") in found_by(result)


def test_the_second_run_starts_nothing_and_other_data_starts_all(
    home: Path, tree: Callable[..., Path], tmp_path: Path
) -> None:
    root = tree(ALONE + OLD_WILL_DO)
    first, second = ran(root), ran(root)
    assert second.json["receipts"][0]["cached_from"] == first.json["run"]["id"]
    raw = record("PYSEC-2019-217", "PyPI", "jinja2", [{"introduced": "0"}], aliases=["CVE-2019-10906"])
    other = fill(tmp_path / "other", [raw], ecosystems=["PyPI"])
    third = ran(root, HARDGATE_ADVISORIES=str(other))
    assert found_by(third) == {("jinja2", "PYSEC-2019-217"), ("jinja2", "CVE-2019-10906")}


def test_old_data_is_a_gap(home: Path, tree: Callable[..., Path]) -> None:
    result = ran(tree(ALONE))
    assert [gap["reason"] for gap in result.json["gaps"]] == [GapReason.DATA_STALE]
    assert "trivy used vulnerability data of 2026-10-07" in result.json["gaps"][0]["message"]


def test_without_a_database_it_is_a_gap(home: Path, tree: Callable[..., Path]) -> None:
    result = ran(tree(ALONE), HARDGATE_ADVISORIES=str(home / "none"))
    assert result.code is ExitCode.INCOMPLETE
    assert result.json["findings"] == []
    assert GapReason.DATA_UNAVAILABLE in {gap["reason"] for gap in result.json["gaps"]}
    assert any("hardgate advisories import" in gap["remedy"] for gap in result.json["gaps"])


def test_a_lock_file_of_which_the_database_knows_nothing_is_a_gap(home: Path, tree: Callable[..., Path]) -> None:
    lock = 'version = 3\n\n[[package]]\nname = "a"\nversion = "1.0.0"\nsource = "registry+x"\n'
    result = ran(tree(ALONE + OLD_WILL_DO, **{"Cargo.lock": lock}))
    assert result.code is ExitCode.INCOMPLETE
    (gap,) = result.json["gaps"]
    assert (gap["reason"], gap["path"]) == (GapReason.DATA_UNAVAILABLE, "Cargo.lock")
    assert "no advisories of crates.io" in gap["message"]


def test_a_lock_file_that_trivy_cannot_read_is_a_gap(home: Path, tree: Callable[..., Path]) -> None:
    result = ran(tree(ALONE + OLD_WILL_DO, **{"poetry.lock": "[[package\n"}))
    assert [(gap["reason"], gap["path"]) for gap in result.json["gaps"]] == [(GapReason.FILE_UNREAD, "poetry.lock")]


def test_an_empty_requirements_file_is_no_gap(home: Path, tree: Callable[..., Path]) -> None:
    result = ran(tree(ALONE + OLD_WILL_DO, **{"requirements-dev.txt": "# none yet\n"}))
    assert result.json["gaps"] == []


def test_a_manifest_without_a_lock_file_is_a_gap_until_it_is_exempt(home: Path, tree: Callable[..., Path]) -> None:
    wants = json.dumps({"dependencies": {"a": "1"}})
    root = tree(ALONE + OLD_WILL_DO, **{"package.json": wants, "pyproject.toml": "[project]\ndependencies = ['a']\n"})
    (gap,) = ran(root).json["gaps"]
    assert gap["reason"] == GapReason.NOT_COVERED
    assert gap["message"].startswith("package.json pins no releases")
    exempt = "policy: {max_advisory_age: 9999d, exempt: {manifest: built elsewhere}}\n"
    assert ran(tree(ALONE + exempt)).json["gaps"] == []


@pytest.mark.parametrize(
    ("date", "gaps"), [("2026-01-01T00:00:00Z", [GapReason.DATA_STALE]), ("2999-01-01T00:00:00Z", [])]
)
def test_the_date_of_a_database_that_trivy_has_itself_counts(
    home: Path, tree: Callable[..., Path], tmp_path: Path, date: str, gaps: list[GapReason]
) -> None:
    raw = record("PYSEC-2019-217", "PyPI", "jinja2", [{"introduced": "0"}], aliases=["CVE-2019-10906"])
    with Database.open(fill(tmp_path / "other", [raw], ecosystems=["PyPI"], date=date)) as database:
        trivydb.write(database, tmp_path / "cache")
    pipeline = ALONE.replace("[vuln]", f"[vuln], cache_dir: {tmp_path / 'cache'}")
    result = ran(tree(pipeline))
    assert result.json["receipts"][0]["data"] == {"source": "trivy-db", "date": date}
    assert [gap["reason"] for gap in result.json["gaps"]] == gaps
    assert found_by(result) == {("jinja2", "PYSEC-2019-217"), ("jinja2", "CVE-2019-10906")}


def test_a_date_that_cannot_be_read_is_told(home: Path, tree: Callable[..., Path], tmp_path: Path) -> None:
    """Trivy fails over it as well; a tool that did not would have used data of nobody knows when."""
    raw = record("PYSEC-2019-217", "PyPI", "jinja2", [{"introduced": "0"}])
    folder = fill(tmp_path / "other", [raw], ecosystems=["PyPI"], date="some time ago")
    with Database.open(folder) as database:
        trivydb.write(database, tmp_path / "cache")
    gaps = ran(tree(ALONE.replace("[vuln]", f"[vuln], cache_dir: {tmp_path / 'cache'}"))).json["gaps"]
    assert next(gap["reason"] for gap in gaps if "some time ago" in gap["message"]) == GapReason.DATA_STALE
