"""trivydb.py: what the real Trivy makes of the database that is made of ours."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hardgate.advisories import trivydb
from hardgate.advisories.database import Database
from hardgate.errors import StoreError
from hardgate.model import GapReason, Report, Severity
from hardgate.scanners.trivy import TRIVY, prepare
from tests.advisories.conftest import fill, record
from tests.scanners import real

CVSS = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
BEFORE_2 = [{"introduced": "0"}, {"fixed": "2.0"}]
WHOLE = record(
    "GHSA-aaaa-bbbb-cccc", "PyPI", "Zope.Interface", BEFORE_2,
    aliases=["CVE-2020-1"], summary="A hole", published="2020-01-02T03:04:05Z",
    severity=[{"type": "CVSS_V3", "score": CVSS}], database_specific={"cwe_ids": ["CWE-79"]},
    references=[{"type": "ADVISORY", "url": "https://example.org/a"}],
)  # fmt: skip


def scan(tmp_path: Path, raws: list[dict[str, Any]], files: Mapping[str, str]) -> tuple[Report, dict[str, Any]]:
    """The real Trivy over these files with a database of these records: as hardgate reads it, and raw."""
    with Database.open(fill(tmp_path / "advisories", raws)) as database:
        trivydb.write(database, tmp_path / "cache")
    root = real.write(tmp_path / "tree", files)
    options = {"scanners": ["vuln"]}
    (part,) = TRIVY.split(real.job(TRIVY, root, tmp_path / "scratch", options=options, cache=str(tmp_path / "cache")))
    for path in TRIVY.rewrites(part):
        content = prepare(dataclasses.replace(part, subject=path), (root / path).read_bytes()).content
        (root / path).write_bytes(content)
    done = real.start(TRIVY, part)
    assert done.exit_code == 0, done.stderr.decode()
    return TRIVY.parse(done.stdout), json.loads(done.stdout)


def hits(report: Report) -> set[tuple[str, str, str]]:
    return {(one.package.name, one.package.version, one.rule) for one in report.findings if one.package}


@pytest.mark.real
def test_all_that_is_known_of_an_advisory_arrives(tmp_path: Path) -> None:
    report, raw = scan(tmp_path, [WHOLE], {"requirements.txt": "zope_interface==1.0\n"})
    (one,) = report.findings
    assert (one.rule, one.severity, one.severity_from) == ("CVE-2020-1", Severity.CRITICAL, "tool")
    assert one.ids == ("CVE-2020-1", "GHSA-aaaa-bbbb-cccc")
    assert one.cwe == ("CWE-79",)
    assert one.package is not None
    assert one.package.fixed == ("2.0",)
    assert one.message == "zope-interface 1.0: A hole"
    (said,) = raw["Results"][0]["Vulnerabilities"]
    assert said["CVSS"] == {"hardgate": {"V3Vector": CVSS, "V3Score": 9.8}}
    assert said["PublishedDate"] == "2020-01-02T03:04:05Z"
    assert said["LastModifiedDate"] == "2026-11-01T00:00:00Z"
    assert said["References"] == ["https://example.org/a"]
    assert said["DataSource"]["Name"] == "a test"


@pytest.mark.real
def test_every_ecosystem_and_its_names(tmp_path: Path) -> None:
    raws = [
        record("GHSA-1", "PyPI", "a.b_c", BEFORE_2),
        record("GHSA-2", "npm", "@Scope/Name", [{"introduced": "1.2"}, {"fixed": "2"}]),
        record("GHSA-3", "Maven", "org.a:B", [{"introduced": "0"}, {"last_affected": "1.0"}]),
        record("GHSA-4", "Go", "github.com/A/b", BEFORE_2),
        record("GHSA-5", "Debian:12", "c", BEFORE_2),
    ]
    node = {"version": "2.0.0-rc.1"}
    whole = {"name": "x", "dependencies": {"@Scope/Name": "2.0.0-rc.1"}}
    lock = {"name": "x", "lockfileVersion": 3, "packages": {"": whole, "node_modules/@Scope/Name": node}}
    files = {
        "requirements.txt": "A-B.C==1.0\n",
        "package-lock.json": json.dumps(lock),
        "gradle.lockfile": "org.a:B:1.0.Final=x\norg.a:C:1.0=x\n",
        "go.mod": "module x\n\ngo 1.22\n\nrequire github.com/A/b v1.9.0\n",
    }
    report, _ = scan(tmp_path, raws, files)
    assert {(name, rule) for name, _, rule in hits(report)} == {
        ("a-b-c", "GHSA-1"),
        ("@Scope/Name", "GHSA-2"),
        ("org.a:B", "GHSA-3"),
        ("github.com/A/b", "GHSA-4"),
    }


@pytest.mark.real
def test_two_records_of_one_fact_are_one_advisory_and_the_worse_rating_counts(tmp_path: Path) -> None:
    """1.9 is a fix by one record and affected by the other: it stays affected."""
    other = record(
        "PYSEC-1", "PyPI", "a", [{"introduced": "0"}, {"fixed": "1.9"}], aliases=["CVE-2020-1"],
        database_specific={"severity": "LOW"},
    )  # fmt: skip
    raws = [
        other,
        record("GHSA-1", "PyPI", "a", BEFORE_2, aliases=["CVE-2020-1"], database_specific={"severity": "HIGH"}),
    ]
    report, _ = scan(tmp_path, raws, {"requirements.txt": "a==1.9\n", "requirements-2.txt": "a==2.0\n"})
    (one,) = report.findings
    assert (one.severity, one.ids) == (Severity.HIGH, ("CVE-2020-1", "GHSA-1", "PYSEC-1"))
    assert one.package is not None
    assert (one.package.version, one.package.fixed) == ("1.9", ("2.0",))


@pytest.mark.real
def test_what_nobody_can_judge_is_a_gap_where_the_package_is_used(tmp_path: Path) -> None:
    commits = record("PYSEC-2", "PyPI", "a", aliases=["CVE-2020-2"])
    commits["affected"][0]["ranges"] = [{"type": "GIT", "events": [{"introduced": "0"}]}]
    raws = [commits, record("MAL-1", "PyPI", "b", [{"introduced": "0"}]), record("GHSA-1", "PyPI", "a", BEFORE_2)]
    report, _ = scan(tmp_path, raws, {"requirements.txt": "a==1.0\nb==7\n", "docs/requirements.txt": "c==1\n"})
    assert hits(report) == {("a", "1.0", "GHSA-1"), ("b", "7", "MAL-1")}
    assert {one.severity for one in report.findings if one.rule == "MAL-1"} == {Severity.CRITICAL}
    (gap,) = report.gaps
    assert (gap.reason, gap.path) == (GapReason.NOT_COVERED, "requirements.txt")
    assert "a 1.0: CVE-2020-2 (it names commits or nothing" in gap.message


@pytest.mark.real
def test_an_advisory_that_nobody_rated_is_high_and_no_gap(tmp_path: Path) -> None:
    report, _ = scan(tmp_path, [record("GHSA-1", "PyPI", "a", BEFORE_2)], {"requirements.txt": "a==1.0\n"})
    (one,) = report.findings
    assert (one.severity, one.severity_from, report.gaps) == (Severity.HIGH, "adapter", ())


def test_it_is_made_once_for_each_data_and_its_ecosystems(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with Database.open(fill(tmp_path / "advisories", [WHOLE])) as database:
        first = trivydb.folder_for(database, cache, ["PyPI", "Debian"])
        stamp = (first / "db" / "trivy.db").stat().st_mtime_ns
        assert trivydb.folder_for(database, cache, {"PyPI"}) == first
        assert (first / "db" / "trivy.db").stat().st_mtime_ns == stamp
        both = trivydb.folder_for(database, cache, {"npm", "PyPI"})
        assert database.meta.digest[:32] in both.name
    assert sorted(path.name for path in cache.iterdir()) == sorted([first.name, both.name])
    metadata = json.loads((first / "db" / "metadata.json").read_bytes())
    assert (metadata["Version"], metadata["UpdatedAt"]) == (2, "2026-11-01T00:00:00Z")


def test_a_folder_that_cannot_be_written_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Database.open(fill(tmp_path / "advisories", [WHOLE])) as database, pytest.raises(StoreError) as caught:
        trivydb.folder_for(database, tmp_path / "file", {"PyPI"})
    assert "Free some space" in caught.value.hint
