"""grype and osv-scanner: what their makers published, and the whole way with programs that stand in for them.

The real tools are in no package that can be had here. The programs take the words that the adapters give and write
reports as documented: so command line, canary, exit codes, data and gaps are tried, and not what the real tools find.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hardgate import rated
from hardgate.errors import ReportError
from hardgate.model import ExitCode, GapReason, Kind, Severity
from hardgate.scanners.grype import GRYPE
from hardgate.scanners.osv_scanner import OSV_SCANNER
from tests.lab.command import Result, hardgate
from tests.scanners import real

SAMPLES = Path(__file__).parent / "samples"
HOLE = {"api/requirements.txt": "jinja2==2.4.1\n"}
LOCK = '{"lockfileVersion": 3, "packages": {"": {}, "node_modules/left-pad": {"version": "1.3.0"}}}'


def raw(name: str, change: Callable[[Any], object] = lambda _document: None) -> bytes:
    document = msgspec.json.decode((SAMPLES / name).read_bytes())
    change(document)
    return msgspec.json.encode(document)


# What is published: grype


def test_grype_of_an_image_with_database_schema_5() -> None:
    report = GRYPE.parse(raw("grype/published-0.65.1.json"))
    (one,) = report.findings
    assert (one.rule, one.ids) == ("GHSA-cfh5-3ghh-wfjx", ("GHSA-cfh5-3ghh-wfjx", "CVE-2014-3577"))
    assert (one.severity, one.severity_from, one.location.path) == (Severity.MEDIUM, "tool", "/TwilioNotifier.hpi")
    assert one.package is not None
    assert (one.package.ecosystem, one.package.fixed) == ("Maven", ("4.3.5",))
    assert one.package.purl == "pkg:maven/org.apache.httpcomponents/httpclient@4.1.1"
    assert report.data is not None
    assert (report.data.source, report.data.date) == ("grype's database, schema 5", "2023-08-31T01:24:19Z")
    assert (report.version, report.gaps) == ("0.65.1", ())


def test_grype_of_a_folder_knows_what_is_exploited_and_must_name_its_data() -> None:
    report = GRYPE.parse(raw("grype/published-folder.json"))
    assert [(one.severity.value, one.location.path, rated.exploited(one.severity_from)) for one in report.findings] == [
        ("low", "foo/bar/somefile-1.txt", False), ("critical", "foo/bar/somefile-2.txt", True)
    ]  # fmt: skip
    assert [gap.reason for gap in report.gaps] == [GapReason.DATA_UNAVAILABLE]
    nothing = GRYPE.parse(raw("grype/published-nothing.json"))
    assert {gap.reason for gap in nothing.gaps} == {GapReason.DATA_UNAVAILABLE, GapReason.FILE_UNREAD}


SIX = {"status": {"schemaVersion": "v6.1.9", "built": "2026-11-20T00:00:00Z", "valid": True}, "providers": {}}


@pytest.mark.parametrize(
    ("database", "date", "gaps"),
    [
        (SIX, "2026-11-20T00:00:00Z", []),
        ({"status": {**SIX["status"], "valid": False, "error": "checksum"}}, "", ["checksum"]),
        ({"built": "2026-11-20T00:00:00Z", "schemaVersion": 5, "error": "bad"}, "", ["bad"]),
        ({"status": {"schemaVersion": "v6.1.9", "valid": True}}, "", ["does not say by which database"]),
        ({"something": "new"}, "", ["does not say by which database"]),
    ],
)
def test_what_grype_says_of_its_database(database: Mapping[str, Any], date: str, gaps: list[str]) -> None:
    report = GRYPE.parse(raw("grype/published-0.65.1.json", lambda one: one["descriptor"].update(db=database)))
    assert (report.data.date if report.data else "") == date
    assert [gap.reason for gap in report.gaps] == [GapReason.DATA_UNAVAILABLE] * len(gaps)
    assert all(word in gap.message for word, gap in zip(gaps, report.gaps, strict=True))


def test_what_grype_was_asked_to_ignore_is_reported_all_the_same() -> None:
    def ignore(report: Any) -> None:
        rules = [{"vulnerability": "GHSA-cfh5-3ghh-wfjx", "reason": "not reached"}]
        report["ignoredMatches"] = [{**one, "appliedIgnoreRules": rules} for one in report["matches"]]
        report["matches"] = []

    report = GRYPE.parse(raw("grype/published-0.65.1.json", ignore))
    assert [one.rule for one in report.findings] == ["GHSA-cfh5-3ghh-wfjx"]
    assert report.findings[0].message.endswith("(grype was asked to ignore this: not reached)")
    assert report.gaps == ()


def test_a_severity_that_grype_does_not_know_is_high_and_a_gap() -> None:
    report = GRYPE.parse(
        raw("grype/published-0.65.1.json", lambda one: one["matches"][0]["vulnerability"].update(severity="Unknown"))
    )
    assert (report.findings[0].severity, report.findings[0].severity_from) == (Severity.HIGH, "adapter")
    assert [gap.reason for gap in report.gaps] == [GapReason.SEVERITY_UNKNOWN]
    with pytest.raises(ReportError, match="of 'syft', and not of grype"):
        GRYPE.parse(raw("grype/published-nothing.json", lambda one: one["descriptor"].update(name="syft")))


# What is published: osv-scanner


def test_osv_scanner_1_without_scores() -> None:
    report = OSV_SCANNER.parse(raw("osv-scanner/published-1.json"))
    go, rust = report.findings
    assert (go.rule, go.severity, go.severity_from) == ("CVE-2021-3121", Severity.HIGH, "adapter")
    assert go.ids == ("CVE-2021-3121", "GO-2021-0053", "GHSA-c3h9-896r-86jm")
    assert (rust.rule, rust.severity, rust.severity_from, rust.cwe) == (
        "CVE-2022-24713", Severity.HIGH, "tool", ("CWE-400",)
    )  # fmt: skip
    assert rust.package is not None
    assert (rust.package.purl, rust.package.fixed) == ("pkg:cargo/regex@1.5.1", ("1.5.5",))
    assert set(rust.ids) == {"CVE-2022-24713", "GHSA-m5pq-gvj9-9vr8", "RUSTSEC-2022-0013"}
    assert report.gaps == ()
    assert report.seen == frozenset(
        {
            "/path/to/scorecard-check-osv-e2e/go.mod",
            "/path/to/scorecard-check-osv-e2e/sub-rust-project/Cargo.lock",
        }
    )


def test_osv_scanner_1_before_it_had_groups() -> None:
    def alone(report: Any) -> None:
        for source in report["results"]:
            for package in source["packages"]:
                del package["groups"]

    rules = [one.rule for one in OSV_SCANNER.parse(raw("osv-scanner/published-1.json", alone)).findings]
    assert rules == ["CVE-2021-3121", "CVE-2022-24713", "CVE-2022-24713"]


def test_osv_scanner_2_with_groups_licences_and_nothing() -> None:
    (one,) = OSV_SCANNER.parse(raw("osv-scanner/published-2-groups.json")).findings
    assert (one.rule, one.ids, one.severity, one.severity_from) == (
        "OSV-1", ("OSV-1", "GHSA-123"), Severity.HIGH, "tool"
    )  # fmt: skip
    licences = OSV_SCANNER.parse(raw("osv-scanner/published-2-licences.json")).findings
    assert [(one.rule, one.kind, one.severity) for one in licences] == [
        ("MIT", Kind.LICENCE, Severity.MEDIUM), ("Apache-2.0", Kind.LICENCE, Severity.MEDIUM)
    ]  # fmt: skip
    nothing = OSV_SCANNER.parse(raw("osv-scanner/published-2-nothing.json"))
    assert [gap.reason for gap in nothing.gaps] == [GapReason.FILE_UNREAD]
    assert nothing.seen == frozenset()


def _group(**more: object) -> Callable[[Any], None]:
    return lambda report: report["results"][0]["packages"][0]["groups"][0].update(more)


def test_osv_scanners_severities() -> None:
    scores = {"10.0": "critical", "9.0": "critical", "7.0": "high", "6.9": "medium", "0.1": "low", "0.0": "info"}
    for score, word in scores.items():
        report = OSV_SCANNER.parse(raw("osv-scanner/published-2-groups.json", _group(max_severity=score)))
        assert (report.findings[0].severity.value, report.gaps) == (word, ())
    odd = OSV_SCANNER.parse(raw("osv-scanner/published-2-groups.json", _group(max_severity="severe")))
    assert odd.findings[0].severity is Severity.HIGH
    assert [gap.reason for gap in odd.gaps] == [GapReason.SEVERITY_UNKNOWN]


def test_osv_scanners_call_analysis_takes_nothing_away() -> None:
    uncalled = _group(experimentalAnalysis={"OSV-1": {"called": False}})
    (one,) = OSV_SCANNER.parse(raw("osv-scanner/published-2-groups.json", uncalled)).findings
    assert one.message.endswith("(osv-scanner's call analysis says that the code is not called)")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda report: report.update(results=[]), "has no results"),
        (_group(ids=["OSV-9"]), "group of OSV-9 and no such vulnerability"),
        (lambda report: report["results"][0].update(packageSource=report["results"][0].pop("source")), "source"),
    ],
)
def test_what_osv_scanner_never_writes_after_looking_is_refused(change: Callable[[Any], object], match: str) -> None:
    with pytest.raises(ReportError, match=match):
        OSV_SCANNER.parse(raw("osv-scanner/published-2-groups.json", change))


# The whole way


def scan(
    folder: Path, name: str, files: Mapping[str, str], keys: str = "", age: str = "9999d", **variables: str
) -> Result:
    """`hardgate run` of one scanner over these files, with the program that stands in for it on PATH."""
    module = f"tests.lab.stand_in_{name.replace('-', '_')}"
    program = real.write(folder / "bin", {name: ""}) / name
    exports = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in variables.items())
    words = f'PYTHONPATH={shlex.quote(str(real.ROOT))} exec {shlex.quote(sys.executable)} -m {module} "$@"'
    program.write_text(f"#!/bin/sh\n{exports}{words}\n")
    program.chmod(0o755)
    pipeline = (
        f"pipeline: p\nstages: [{{name: scan, actions: [{{{name}: {{{keys}}}}}]}}]\n"
        "policy: {exempt: {lockfile: a test, manifest: a test}, max_advisory_age: " + age + "}\n"
    )
    root = real.write(folder / "tree", {"hardgate.yaml": pipeline, **files})
    env = {"PATH": f"{program.parent}:/usr/bin:/bin", "HARDGATE_HOME": str(folder / "home")}
    return hardgate("run", str(root), "--json", env=env)


def databases(folder: Path) -> str:
    (folder / "osv").mkdir()
    return f"databases: {folder / 'osv'}"


def test_grype_finds_and_its_data_is_on_the_receipt(tmp_path: Path) -> None:
    result = scan(tmp_path, "grype", {**HOLE, ".grype.yaml": "ignore: [{vulnerability: GHSA-462w-v97r-4m45}]\n"})
    assert result.code is ExitCode.FAIL, result.stdout + result.stderr
    (one,) = result.json["findings"]
    assert (one["rule"], one["location"]["path"]) == ("GHSA-462w-v97r-4m45", "api/requirements.txt")
    receipt = result.json["receipts"][0]
    assert receipt["data"] == {"source": "grype's database, schema v6.1.9", "date": "2026-11-22T00:00:00Z"}
    assert receipt["canary"]["rules"] == ["GHSA-462w-v97r-4m45"]
    assert result.json["gaps"] == []


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("no-database", GapReason.TOOL_FAILED), ("blind", GapReason.CANARY_MISSED)],
)
def test_grype_without_data_is_incomplete(fault: str, reason: str, tmp_path: Path) -> None:
    result = scan(tmp_path, "grype", HOLE, GRYPE_LAB=fault)
    assert result.code is ExitCode.INCOMPLETE, result.stdout + result.stderr
    assert reason in {gap["reason"] for gap in result.json["gaps"]}


def test_old_data_of_grypes_is_incomplete(tmp_path: Path) -> None:
    result = scan(tmp_path, "grype", HOLE, age="5d", GRYPE_LAB="stale")
    assert result.code is ExitCode.INCOMPLETE
    (gap,) = (gap for gap in result.json["gaps"] if gap["reason"] == GapReason.DATA_STALE)
    assert "grype used vulnerability data of 2020-01-01" in gap["message"]


def test_database_schema_5_of_grypes(tmp_path: Path) -> None:
    result = scan(tmp_path, "grype", HOLE, GRYPE_LAB="schema-5")
    assert result.json["receipts"][0]["data"]["source"] == "grype's database, schema 5"
    assert result.json["gaps"] == []


def test_osv_scanner_finds_whatever_the_repository_says(tmp_path: Path) -> None:
    files = {**HOLE, "web/package-lock.json": LOCK, "api/osv-scanner.toml": '[[IgnoredVulns]]\nid = "CVE-2019-10906"\n'}
    result = scan(tmp_path, "osv-scanner", files, databases(tmp_path))
    assert result.code is ExitCode.FAIL, result.stdout + result.stderr
    (one,) = result.json["findings"]
    assert (one["rule"], one["location"]["path"]) == ("CVE-2019-10906", "api/requirements.txt")
    assert set(one["ids"]) == {"CVE-2019-10906", "GHSA-462w-v97r-4m45", "PYSEC-2019-217"}
    assert (result.json["gaps"], result.json["receipts"][0]["exit_codes"]) == ([], [1])


@pytest.mark.parametrize(
    ("files", "keys", "fault", "reason"),
    [
        (HOLE, "", "", GapReason.TOOL_FAILED),  # no database, and osv.dev does not answer: exit code 127
        (HOLE, "databases", "blind", GapReason.CANARY_MISSED),
        ({"package-lock.json": LOCK}, "databases", "passes-by", GapReason.FILE_UNREAD),
        ({"requirements.txt": "jinja2>=2\n"}, "databases", "", GapReason.NOT_COVERED),
    ],
)
def test_osv_scanner_that_did_not_look_is_incomplete(
    files: Mapping[str, str], keys: str, fault: str, reason: str, tmp_path: Path
) -> None:
    result = scan(tmp_path, "osv-scanner", files, databases(tmp_path) if keys else "", OSV_LAB=fault)
    assert result.code is ExitCode.INCOMPLETE, result.stdout + result.stderr
    assert reason in {gap["reason"] for gap in result.json["gaps"]}, result.json["gaps"]
