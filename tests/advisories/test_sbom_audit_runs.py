"""Whole runs of the scanner `sbom-audit`: the SBOM that the run makes, judged by the local database, offline."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hardgate.advisories import sbom
from hardgate.advisories.database import Database, read_meta
from hardgate.advisories.lookup import look_up
from hardgate.model import ExitCode, GapReason
from tests.advisories.conftest import fill, record
from tests.advisories.test_cli_advisories import OFFLINE, ran
from tests.advisories.test_three_ways import requirements
from tests.lab.command import hardgate

pytestmark = pytest.mark.real

ALONE = "pipeline: small\nstages:\n  - name: scan\n    actions: [sbom-audit]\n"
WITNESSES = ALONE.replace("[sbom-audit]", "[sbom-audit, pip-audit, cyclonedx, {trivy: {scanners: [vuln]}}]")
OLD_WILL_DO = "policy: {max_advisory_age: 9999d}\n"
PINS = "# pins\njinja2==2.4.1\nFlask==1.0\nidna==3.10\n"
OPEN = [{"introduced": "0"}]
JINJA = record("PYSEC-2019-217", "PyPI", "jinja2", OPEN, aliases=["CVE-2019-10906"])


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


def test_the_sbom_of_the_run_is_what_was_judged(home: Path, tree: Callable[..., Path], tmp_path: Path) -> None:
    root, receipts = tree(ALONE + OLD_WILL_DO), tmp_path / "receipts"
    result = ran(root)
    assert result.code is ExitCode.FAIL, result.stdout + result.stderr
    assert result.json["gaps"] == [], "a requirements file that sbom-audit looked at is covered"
    [receipt] = result.json["receipts"]
    meta = read_meta(home / "advisories")
    assert meta.digest in receipt["data"]["source"]
    assert receipt["data"]["date"] == meta.date
    assert (receipt["tool"]["name"], receipt["canary"]["rules"]) == ("cyclonedx", ["CVE-2019-10906"])
    assert any("that database is partial" in note for note in receipt["notes"])
    [output] = receipt["outputs"]
    hardgate("run", str(root), "--receipts", str(receipts))
    [kept] = receipts.rglob("*.cdx.json")
    assert output["media_type"] == "application/vnd.cyclonedx+json; version=1.6"
    with Database.open(home / "advisories") as database:
        own = look_up(database, sbom.purls(kept)[0])
    assert {(one["rule"], one["package"]["purl"]) for one in result.json["findings"]} == {
        (hit.id, hit.purl) for hit in own.hits
    }
    assert {one["location"]["line"] for one in result.json["findings"]} == {2, 3}
    later = hardgate("advisories", "lookup", "--sbom", str(kept), "--json")
    answer = tmp_path / "answer.json"
    answer.write_text(later.stdout)
    read = hardgate("ingest", "sbom-audit", str(answer), "--json")
    assert {one["rule"] for one in read.json["findings"]} == {hit.id for hit in own.hits}


def test_three_witnesses_of_one_fact_are_one_finding(home: Path, tree: Callable[..., Path]) -> None:
    result = ran(tree(WITNESSES + OLD_WILL_DO))
    assert result.json["gaps"] == []
    found = result.json["findings"]
    assert len(found) >= 8
    assert {tuple(sorted(one["scanner"] for one in item["witnesses"])) for item in found} == {
        ("pip-audit", "sbom-audit", "trivy")
    }
    outputs = {one["action"]: [kept["sha256"] for kept in one["outputs"]] for one in result.json["receipts"]}
    assert outputs["sbom-audit"] == outputs["cyclonedx"], "the document that was judged is the one that is kept"


def test_the_releases_of_the_three_ways_are_judged_the_same_in_one_run(home: Path, tree: Callable[..., Path]) -> None:
    """Every fact has all three witnesses, but what cannot be judged: pip-audit knows no such word."""
    result = ran(tree(WITNESSES + OLD_WILL_DO, **requirements()))
    lone = [item for item in result.json["findings"] if len({one["scanner"] for one in item["witnesses"]}) < 3]
    assert len(result.json["findings"]) > 100
    assert all("NOT JUDGED" in item["message"] for item in lone), lone[:3]


def test_without_a_database_it_is_one_gap(home: Path, tree: Callable[..., Path]) -> None:
    result = ran(tree(ALONE), HARDGATE_ADVISORIES=str(home / "none"))
    assert result.code is ExitCode.INCOMPLETE
    [gap] = result.json["gaps"]
    assert (gap["reason"], gap["remedy"]) == (GapReason.DATA_UNAVAILABLE, "Make one: hardgate advisories import")
    status = hardgate("doctor", "sbom-audit", env={"HARDGATE_ADVISORIES": str(home / "none")})
    assert status.code is ExitCode.INCOMPLETE
    assert "Make one: hardgate advisories import" in status.stdout


def test_a_damaged_database_is_a_gap(home: Path, tree: Callable[..., Path], tmp_path: Path) -> None:
    for what in ("meta", "shards"):
        folder = fill(tmp_path / what, [JINJA])
        for path in [folder / "meta.json"] if what == "meta" else (folder / read_meta(folder).data).glob("???"):
            path.write_bytes(path.read_bytes()[:-9])
        result = ran(tree(ALONE + OLD_WILL_DO), HARDGATE_ADVISORIES=str(folder))
        assert result.code is ExitCode.INCOMPLETE
        assert result.json["findings"] == []
        assert result.json["gaps"], what


def test_a_database_without_python_is_a_gap(home: Path, tree: Callable[..., Path], tmp_path: Path) -> None:
    folder = fill(tmp_path / "other", [record("GHSA-1", "npm", "x", OPEN)], ecosystems=["npm"])
    result = ran(tree(ALONE + OLD_WILL_DO), HARDGATE_ADVISORIES=str(folder))
    assert {gap["reason"] for gap in result.json["gaps"]} == {GapReason.DATA_UNAVAILABLE}


def test_old_data_is_a_gap(home: Path, tree: Callable[..., Path]) -> None:
    result = ran(tree(ALONE))
    assert [gap["reason"] for gap in result.json["gaps"]] == [GapReason.DATA_STALE]
    assert "hardgate advisories import" in result.json["gaps"][0]["remedy"]


def test_the_second_run_starts_nothing_and_other_data_judges_anew(
    home: Path, tree: Callable[..., Path], tmp_path: Path
) -> None:
    root = tree(ALONE + OLD_WILL_DO)
    first, second = ran(root), ran(root)
    assert second.json["receipts"][0]["cached_from"] == first.json["run"]["id"]
    third = ran(root, HARDGATE_ADVISORIES=str(fill(tmp_path / "other", [JINJA], kev=["CVE-2019-10906"])))
    [finding] = third.json["findings"]
    assert (finding["rule"], finding["severity_from"]) == ("CVE-2019-10906", "adapter; exploited (CISA)")


def test_what_is_not_pinned_is_a_gap_and_an_empty_file_is_none(home: Path, tree: Callable[..., Path]) -> None:
    files = {"requirements-dev.txt": "flask>=1\n", "requirements-test.txt": "# none yet\n"}
    [gap] = ran(tree(ALONE + OLD_WILL_DO, **files)).json["gaps"]
    assert (gap["reason"], gap["action"]) == (GapReason.NOT_COVERED, "sbom-audit")
    assert "pkg:pypi/flask was not judged" in gap["message"]


def test_a_timeout_is_a_gap(home: Path, tree: Callable[..., Path]) -> None:
    result = ran(tree(ALONE.replace("[sbom-audit]", "[{sbom-audit: {timeout: 0.01}}]") + OLD_WILL_DO))
    assert GapReason.TIMEOUT in {gap["reason"] for gap in result.json["gaps"]}


def test_doctor_and_status_look_at_it(home: Path, tree: Callable[..., Path]) -> None:
    assert hardgate("doctor", "sbom-audit").code is ExitCode.PASS
    status = hardgate("advisories", "status", "--path", str(tree(ALONE)), "--json")
    assert status.code is ExitCode.PASS, status.stdout + status.stderr
    [source] = status.json["sources"]
    assert source["source"].startswith("local advisory database, partial")
    assert json.loads(status.stdout)["database"]["coverage"].startswith("a part of OSV")
