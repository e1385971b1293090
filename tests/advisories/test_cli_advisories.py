"""`hardgate advisories` as a user starts it, and real runs of the real pip-audit on the local database, offline."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hardgate.advisories.database import Database, read_meta
from hardgate.advisories.lookup import look_up
from hardgate.model import ExitCode, GapReason
from tests.advisories.conftest import fill, record
from tests.lab.command import EXECUTABLE, Result, hardgate
from tests.lab.osv_server import data_folder
from tests.lab.tools import command

PINS = "jinja2==2.4.1\nflask==1.0\nrequests==2.19.0\nidna==3.10\n"
PIPELINE = "pipeline: small\nstages:\n  - name: scan\n    actions: [pip-audit]\n"
OLD_WILL_DO = "policy: {max_advisory_age: 9999d}\n"
# Nothing but this machine can be reached, and not even that through the proxy.
OFFLINE = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:1")
OPEN = [{"introduced": "0"}]


@pytest.fixture
def home(tmp_path: Path, tools_folder: Path, python_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """HARDGATE_HOME with the installed tools and the database of Python's advisories, and no network."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "tools").symlink_to(tools_folder)
    (folder / "advisories").symlink_to(python_folder)
    monkeypatch.setenv("HARDGATE_HOME", str(folder))
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder with requirements and this policy."""

    def make(policy: str = "") -> Path:
        root = tmp_path / "tree"
        root.mkdir(exist_ok=True)
        (root / "requirements.txt").write_text(PINS)
        (root / "hardgate.yaml").write_text(PIPELINE + policy)
        return root

    return make


def ran(root: Path, *words: str, **more: str) -> Result:
    return hardgate("run", str(root), "--json", *words, env=more)


def found_by(result: Result) -> set[tuple[str, str]]:
    return {(one["package"]["name"], name) for one in result.json["findings"] for name in one["ids"]}


pytestmark = pytest.mark.real


def test_offline_the_local_database_stands_in(home: Path, tree: Callable[..., Path], python_database: Database) -> None:
    """pip-audit's answer over the loopback service is that of our own look-up."""
    result = ran(tree(OLD_WILL_DO))
    assert result.code is ExitCode.FAIL, result.stdout + result.stderr
    assert result.json["gaps"] == []
    [receipt] = result.json["receipts"]
    meta = python_database.meta
    assert receipt["data"]["date"] == meta.date
    assert meta.digest in receipt["data"]["source"]
    assert "cordon-scanner 0.6.0" in receipt["data"]["source"]
    assert "$ADVISORIES/v1/query" in receipt["argv"][0]
    assert any("does not answer here" in note for note in receipt["notes"])
    purls = [f"pkg:pypi/{line.replace('==', '@')}" for line in PINS.split()]
    own = look_up(python_database, purls)
    assert own.unjudged == ()
    assert found_by(result) == {(hit.name, name) for hit in own.hits for name in hit.ids}
    fixes = {(one["package"]["name"], fix) for one in result.json["findings"] for fix in one["package"]["fixed"]}
    assert {("jinja2", "2.10.1"), ("flask", "2.2.5")} <= fixes


def test_the_second_run_starts_nothing_and_other_data_starts_all(
    home: Path, tree: Callable[..., Path], tmp_path: Path
) -> None:
    root = tree(OLD_WILL_DO)
    first, second = ran(root), ran(root)
    assert second.json["receipts"][0]["cached_from"] == first.json["run"]["id"]
    assert second.json["findings"] == first.json["findings"]
    jinja = record("PYSEC-2019-217", "PyPI", "jinja2", OPEN, aliases=["CVE-2019-10906"])
    other = fill(tmp_path / "other", [jinja], ecosystems=["PyPI"])
    third = ran(root, HARDGATE_ADVISORIES=str(other))
    assert third.json["receipts"][0]["cached_from"] == ""
    assert found_by(third) == {("jinja2", "PYSEC-2019-217"), ("jinja2", "CVE-2019-10906")}


def test_old_data_is_a_gap_also_for_a_result_that_was_whole_yesterday(home: Path, tree: Callable[..., Path]) -> None:
    assert ran(tree(OLD_WILL_DO)).code is ExitCode.FAIL
    result = ran(tree())
    assert result.code is ExitCode.INCOMPLETE
    [gap] = result.json["gaps"]
    assert gap["reason"] == GapReason.DATA_STALE
    assert "2026-10-07" in gap["message"]
    assert "max_advisory_age allows 7" in gap["message"]
    assert "hardgate advisories import" in gap["remedy"]
    assert result.json["findings"], "what was found is told all the same"


def test_without_a_database_it_is_the_gap_that_it_was(home: Path, tree: Callable[..., Path]) -> None:
    result = ran(tree(), HARDGATE_ADVISORIES=str(home / "none"))
    assert result.code is ExitCode.INCOMPLETE
    assert result.json["gaps"][0]["reason"] == GapReason.DATA_UNAVAILABLE
    assert "hardgate advisories import" in result.json["gaps"][0]["remedy"]
    assert result.json["findings"] == []


@pytest.mark.parametrize("what", ["meta", "shards"])
def test_a_damaged_database_is_a_gap(home: Path, tree: Callable[..., Path], tmp_path: Path, what: str) -> None:
    folder = fill(tmp_path / "other", [record("PYSEC-2019-217", "PyPI", "jinja2", OPEN)])
    damaged = [folder / "meta.json"] if what == "meta" else (folder / read_meta(folder).data).glob("???")
    for path in damaged:
        path.write_bytes(path.read_bytes()[:-9])
    result = ran(tree(OLD_WILL_DO), HARDGATE_ADVISORIES=str(folder))
    assert result.code is ExitCode.INCOMPLETE
    assert result.json["findings"] == []
    assert result.json["gaps"]


def test_a_database_without_python_is_a_gap(home: Path, tree: Callable[..., Path], tmp_path: Path) -> None:
    folder = fill(tmp_path / "other", [record("GHSA-1", "npm", "x", OPEN)], ecosystems=["npm"])
    result = ran(tree(OLD_WILL_DO), HARDGATE_ADVISORIES=str(folder))
    assert result.code is ExitCode.INCOMPLETE
    assert result.json["findings"] == []


def test_a_named_service_with_old_data_is_a_gap(home: Path, tree: Callable[..., Path]) -> None:
    with subprocess.Popen([EXECUTABLE, "advisories", "serve"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        direct = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        stale = ran(tree(), "--osv-url", address, **direct)
        fine = ran(tree(OLD_WILL_DO), "--osv-url", address, **direct)
        server.terminate()
        assert server.wait(20) == 0
    assert [gap["reason"] for gap in stale.json["gaps"]] == [GapReason.DATA_STALE]
    assert "operator" in stale.json["gaps"][0]["remedy"]
    assert fine.code is ExitCode.FAIL
    assert fine.json["receipts"][0]["data"] == {"source": address, "date": "Wed, 07 Oct 2026 00:01:54 GMT"}


def test_status_and_doctor_see_what_a_run_would_use(home: Path, tree: Callable[..., Path]) -> None:
    root = tree()
    status = hardgate("advisories", "status", "--path", str(root), "--json")
    assert status.code is ExitCode.PASS, status.stdout + status.stderr
    [source] = status.json["sources"]
    assert source["answers"]
    assert source["source"].startswith("local advisory database")
    assert status.json["database"]["ecosystems"]["PyPI"] == {"records": 20_471, "packages": 13_108}
    assert "cordon-scanner" in hardgate("advisories", "status", "--path", str(root)).stdout
    assert hardgate("doctor", "pip-audit").code is ExitCode.PASS
    none = hardgate("advisories", "status", "--path", str(root), env={"HARDGATE_ADVISORIES": str(home / "none")})
    assert none.code is ExitCode.INCOMPLETE
    assert "There is no local database. Make one: hardgate advisories import" in none.stdout


def test_import_from_the_snapshot_and_from_files(tmp_path: Path) -> None:
    environment = {"HARDGATE_ADVISORIES": str(tmp_path / "db")}
    done = hardgate(
        "advisories", "import", "--from", str(data_folder()), "--ecosystem", "Go", "--json", env=environment
    )
    assert done.code is ExitCode.PASS, done.stderr
    assert done.json["ecosystems"] == {"Go": {"records": 6877, "packages": 1540}}
    (tmp_path / "GHSA-1.json").write_text(json.dumps(record("GHSA-1", "npm", "x", OPEN)))
    words = ("advisories", "import", "--from", str(tmp_path / "GHSA-1.json"))
    assert hardgate(*words, env=environment).code is ExitCode.USAGE
    assert "npm 1" in hardgate(*words, "--ecosystem", "npm", env=environment).stdout
    bad = hardgate(*words, "--ecosystem", "PyPI", env=environment)
    assert bad.code is ExitCode.INCOMPLETE
    assert "GHSA-1 affects no package of PyPI" in bad.stderr
    assert list(read_meta(tmp_path / "db").ecosystems) == ["npm"]
    two = hardgate("advisories", "import", "--from", "osv.dev", "--from", "cordon-scanner", env=environment)
    assert two.code is ExitCode.USAGE


def test_without_the_internet_an_import_says_the_other_ways(tmp_path: Path, home: Path) -> None:
    done = hardgate("advisories", "import", env={"HARDGATE_ADVISORIES": str(tmp_path / "db")})
    assert done.code is ExitCode.INCOMPLETE
    assert "--from cordon-scanner" in done.stderr
    assert not (tmp_path / "db" / "meta.json").exists()


def test_lookup(home: Path, tmp_path: Path) -> None:
    found = hardgate("advisories", "lookup", "pkg:pypi/jinja2@2.4.1", "--json")
    assert found.code is ExitCode.FAIL
    assert "CVE-2019-10906" in {hit["id"] for hit in found.json["hits"]}
    assert found.json["data"]["date"] == "2026-10-07T00:01:54Z"
    assert hardgate("advisories", "lookup", "pkg:pypi/idna@3.10").code is ExitCode.PASS
    assert hardgate("advisories", "lookup", "pkg:pypi/idna@3.10", "pkg:npm/x@1.0.0").code is ExitCode.INCOMPLETE
    assert hardgate("advisories", "lookup").code is ExitCode.USAGE
    none = hardgate("advisories", "lookup", "pkg:pypi/x@1", env={"HARDGATE_ADVISORIES": str(tmp_path / "none")})
    assert none.code is ExitCode.INCOMPLETE
    assert "there is no advisory database" in none.stderr


def test_an_sbom_of_the_real_cyclonedx_is_judged(home: Path, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(PINS)
    sbom = tmp_path / "bom.json"
    words = [
        "requirements",
        str(tmp_path / "requirements.txt"),
        "--spec-version",
        "1.6",
        "--of",
        "JSON",
        "-o",
        str(sbom),
    ]
    subprocess.run([*command("cyclonedx"), *words], check=True, capture_output=True)
    result = hardgate("advisories", "lookup", "--sbom", str(sbom), "--json")
    assert result.code is ExitCode.FAIL, result.stderr
    assert result.json["judged"] == 4
    assert {hit["name"] for hit in result.json["hits"]} == {"jinja2", "flask", "requests"}
    content: dict[str, Any] = json.loads(sbom.read_bytes())
    content["components"].append({"type": "library", "name": "vendored", "version": "1"})
    sbom.write_text(json.dumps(content))
    loose = hardgate("advisories", "lookup", "--sbom", str(sbom))
    assert loose.code is ExitCode.INCOMPLETE
    assert "NOT JUDGED vendored@1: it has no purl in the SBOM" in loose.stdout


# The import, which ends itself as no handler can prevent in the middle of the records.
KILLED = """
import os, signal, sys
from hardgate.advisories.snapshot import Snapshot
from hardgate.cli.main import main
every = Snapshot.records
def some(self):
    for number, record in enumerate(every(self)):
        if number == 2_000:
            print("filling", *sorted(os.listdir(os.environ["HARDGATE_ADVISORIES"])), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        yield record
Snapshot.records = some
main(sys.argv[1:])
"""


def test_an_import_that_is_killed_leaves_the_old_database(tmp_path: Path) -> None:
    folder = fill(tmp_path / "db", [record("T-1", "PyPI", "jinja2", OPEN)])
    before = read_meta(folder)
    words = ["advisories", "import", "--from", str(data_folder()), "--ecosystem", "PyPI"]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *words],
        env={**os.environ, "HARDGATE_ADVISORIES": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.count("data-") == 2, "it was killed while it filled its own"
    assert read_meta(folder) == before
    with Database.open(folder) as database:
        assert len(database.of_package("PyPI", "jinja2")) == 1
