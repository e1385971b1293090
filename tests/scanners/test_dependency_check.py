"""dependency-check: published reports, the ways in which one looks clean and is not, and runs of a stand-in."""

from __future__ import annotations

import datetime
import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hardgate import identity
from hardgate.adapter import Job
from hardgate.errors import ReportError
from hardgate.model import DataUse, ExitCode, Finding, GapReason, Report, Severity
from hardgate.scanners.dependency_check import DEPENDENCY_CHECK, Options
from hardgate.scanners.pip_audit import PIP_AUDIT
from hardgate.scanners.snyk import SNYK
from tests.lab import stand_in_dependency_check as stand_in
from tests.lab.command import Result, hardgate
from tests.scanners import real

SAMPLES = Path(__file__).parent / "samples" / "dependency-check"


def sample(name: str) -> Report:
    return DEPENDENCY_CHECK.parse((SAMPLES / name).read_bytes())


def test_json_of_version_12() -> None:
    report = sample("report-12.1.1.json")
    (one,) = report.findings
    assert (one.rule, one.ids, one.cwe) == ("CVE-2024-9329", ("CVE-2024-9329",), ("CWE-601", "CWE-233"))
    assert (one.severity, one.severity_from, one.confidence) == (Severity.MEDIUM, "tool", "low")
    assert one.url == "https://nvd.nist.gov/vuln/detail/CVE-2024-9329"
    assert one.location.path.endswith("lib/main/org.glassfish.hk2.osgi-resource-locator-1.0.3.jar")
    # No package URL: the file's name, and the release out of the CPE name.
    assert one.package is not None
    assert (one.package.purl, one.package.version, one.package.fixed) == ("", "1.0.3", ("7.0.17",))
    assert report.gaps == ()
    assert report.version == "12.1.1"
    source = "NVD, as dependency-check keeps it (NVD API Last Checked, NVD Cache Last Checked)"
    assert report.data == DataUse(source=source, date="2025-01-01T00:00:00Z")


def test_xml_of_version_7() -> None:
    report = sample("report-7.1.1.xml")
    (one,) = report.findings
    assert (one.rule, one.severity, one.cwe, one.confidence) == ("CVE-2019-10088", Severity.HIGH, ("CWE-770",), "high")
    assert one.message.startswith("org.apache.tika:tika-core 1.21: A carefully crafted or corrupt zip file can cause")
    assert one.package is not None
    assert (one.package.ecosystem, one.package.name) == ("Maven", "org.apache.tika:tika-core")
    assert one.package.purl == "pkg:maven/org.apache.tika/tika-core@1.21"
    assert one.fix.startswith("The report names no release")
    assert report.gaps == ()
    assert report.data is not None
    assert report.data.date == "2022-07-26T12:57:33"


def test_xml_of_version_10_without_a_finding() -> None:
    report = sample("report-10.0.1.xml")
    assert (report.findings, report.gaps, report.version) == ((), (), "10.0.1")


def test_an_analysis_that_failed_is_a_gap_beside_the_findings() -> None:
    report = sample("exceptions-5.2.4.json")
    assert [one.rule for one in report.findings] == ["CVE-2018-1000632"]
    (gap,) = report.gaps
    assert gap.reason is GapReason.NOT_COVERED
    assert "Failed to request component-reports" in gap.message


def _report(*dependencies: dict[str, Any], **scan: Any) -> dict[str, Any]:
    checked = [{"name": "NVD API Last Checked", "timestamp": "2026-11-20T00:00:00Z"}]
    info = {"engineVersion": "12.1.0", "dataSource": checked, **scan}
    return {"reportSchema": "1.1", "scanInfo": info, "projectInfo": {}, "dependencies": list(dependencies)}


def _jar(**more: Any) -> dict[str, Any]:
    return {"isVirtual": False, "fileName": "a.jar", "filePath": "/srv/a.jar", **more}


def _known(name: str = "CVE-2020-0001", **more: Any) -> dict[str, Any]:
    return {"source": "NVD", "name": name, "description": "Bad.", **more}


def parse(content: object) -> Report:
    return DEPENDENCY_CHECK.parse(msgspec.json.encode(content))


@pytest.mark.parametrize("missing", ["reportSchema", "scanInfo", "dependencies"])
def test_a_report_that_lacks_a_part_is_refused(missing: str) -> None:
    with pytest.raises(ReportError, match="not whole"):
        parse({name: value for name, value in _report(_jar()).items() if name != missing})


def test_no_dependency_at_all_is_a_gap() -> None:
    assert [gap.reason for gap in parse(_report()).gaps] == [GapReason.FILE_UNREAD]


@pytest.mark.parametrize("sources", [[], [{"name": "VersionCheckOn", "timestamp": "2026-11-20T00:00:00Z"}]])
def test_a_report_that_names_no_data_is_a_gap(sources: list[dict[str, str]]) -> None:
    report = parse(_report(_jar(), dataSource=sources))
    assert (report.data, [gap.reason for gap in report.gaps]) == (None, [GapReason.DATA_UNAVAILABLE])


def test_what_a_suppression_file_leaves_out_is_still_told() -> None:
    suppressed = _known(cvssv3={"baseScore": 9.8, "baseSeverity": "CRITICAL"}, notes="not reachable")
    names = [{"id": "cpe:2.3:a:x:y:1:*:*:*:*:*:*:*", "confidence": "HIGHEST"}]
    report = parse(_report(_jar(suppressedVulnerabilities=[suppressed], suppressedVulnerabilityIds=names)))
    (one,) = report.findings
    assert one.severity is Severity.CRITICAL
    assert one.message.endswith("(a suppression file asks dependency-check to leave this out: not reachable)")
    (gap,) = report.gaps
    assert gap.reason is GapReason.NOT_COVERED
    assert "a.jar is not cpe:2.3:a:x:y:1" in gap.message


XML = """<?xml version="1.0"?>
<analysis xmlns="https://jeremylong.github.io/DependencyCheck/dependency-check.4.1.xsd">
<scanInfo><engineVersion>12.1.0</engineVersion>
<dataSource><name>NVD API Last Checked</name><timestamp>2026-11-20T00:00:00Z</timestamp></dataSource>
<analysisExceptions><exception><message>AnalysisException: no</message></exception></analysisExceptions></scanInfo>
<projectInfo/><dependencies><dependency isVirtual="true"><fileName>x:1</fileName>
<filePath>/srv/poetry.lock?/x:1</filePath>
<identifiers><package confidence="HIGH"><id>pkg:pypi/My_Package@1.0</id></package>
<suppressedIdentifier><id>cpe:2.3:a:x:y:1:*</id></suppressedIdentifier></identifiers>
<vulnerabilities><vulnerability source="NVD"><name>CVE-2020-0001</name>
<knownExploitedVulnerability><dateAdded>2024-01-01</dateAdded></knownExploitedVulnerability><severity>Medium</severity>
<description>Bad.</description></vulnerability>
<suppressedVulnerability source="NVD"><name>CVE-2020-0002</name>
<cvssV2><score>5</score><severity>low</severity></cvssV2>
<description/><notes>no</notes></suppressedVulnerability></vulnerabilities></dependency></dependencies></analysis>
"""


def test_xml_tells_what_json_does() -> None:
    report = DEPENDENCY_CHECK.parse(XML.encode())
    first, second = report.findings
    assert first.message == "my-package 1.0: Bad. (known to be exploited, says CISA)"
    assert (first.location.path, first.severity, second.severity) == ("/srv/poetry.lock", Severity.MEDIUM, Severity.LOW)
    assert second.message.endswith("leave this out: no)")
    assert [gap.reason for gap in report.gaps] == [GapReason.NOT_COVERED, GapReason.NOT_COVERED]
    for encoding in ("utf-8-sig", "utf-16"):
        assert DEPENDENCY_CHECK.parse(XML.encode(encoding)) == report


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("dependency-check.4.1", "dependency-check.1.8"),
        ("dependency-check.4.1", "dependency-check.5.0"),
        ("scanInfo>", "scanned>"),
        ("dependencies>", "found>"),
        ("<engineVersion>12.1.0</engineVersion>", ""),
        ("<fileName>x:1</fileName>", ""),
        (' source="NVD"', ""),
        ("<name>CVE-2020-0001</name>", ""),
        ('<?xml version="1.0"?>', "<!DOCTYPE analysis>"),
    ],
)
def test_xml_that_is_not_understood_is_refused(old: str, new: str) -> None:
    assert old in XML
    with pytest.raises(ReportError):
        DEPENDENCY_CHECK.parse(XML.replace(old, new).encode())


def test_json_of_another_schema_is_refused() -> None:
    with pytest.raises(ReportError, match=r"schema 2\.0"):
        parse({**_report(_jar()), "reportSchema": "2.0"})


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({"severity": "moderate"}, Severity.MEDIUM),
        ({"severity": "CRITICAL", "cvssv2": {"score": 1, "severity": "LOW"}}, Severity.CRITICAL),
        ({"cvssv4": {"baseScore": 9, "baseSeverity": "HIGH"}, "cvssv3": {"baseSeverity": "LOW"}}, Severity.HIGH),
        ({"cvssv3": {"baseScore": 9.8, "baseSeverity>": "CRITICAL"}}, Severity.CRITICAL),  # version 5.0
        ({"cvssv2": {"score": 4, "severity": "Medium"}}, Severity.MEDIUM),
    ],
)
def test_severities(more: dict[str, Any], wanted: Severity) -> None:
    report = parse(_report(_jar(vulnerabilities=[_known(**more)])))
    assert ([one.severity for one in report.findings], report.gaps) == ([wanted], ())


@pytest.mark.parametrize("more", [{}, {"unscored": "true", "severity": "Unknown"}, {"severity": "0.0"}])
def test_an_unknown_severity_counts_as_high_and_is_a_gap(more: dict[str, Any]) -> None:
    report = parse(_report(_jar(vulnerabilities=[_known(**more)])))
    assert [(one.severity, one.severity_from) for one in report.findings] == [(Severity.HIGH, "adapter")]
    assert [gap.reason for gap in report.gaps] == [GapReason.SEVERITY_UNKNOWN]


def test_an_entry_without_a_number_is_named_by_its_words() -> None:
    sentence = (
        "Regex in its jQuery.htmlPrefilter sometimes may introduce XSS, and so on, for more than eighty characters"
    )
    known = _known(sentence, source="RETIREJS", severity="medium", references=[{"source": "x", "url": "https://x/1"}])
    names = [{"id": "cpe:2.3:a:jquery:jquery:1.2:*:*:*:*:*:*:*", "confidence": "LOW"}]
    (one,) = parse(_report(_jar(vulnerabilities=[known], vulnerabilityIds=names))).findings
    assert one.rule == f"RETIREJS: {sentence[:80]}"
    assert (one.ids, one.url, one.confidence) == ((), "https://x/1", "")


def test_a_scoped_package_of_npm_and_its_lock_file() -> None:
    names = [{"id": "pkg:npm/%40antora%2Fasciidoc-loader@3.1.8"}]
    advisory = _known("GHSA-xxxx-yyyy-zzzz", source="NPM", severity="high")
    entry = {"isVirtual": True, "fileName": "x", "filePath": "/srv/package-lock.json?/x:1", "packages": names}
    (one,) = parse(_report({**entry, "vulnerabilities": [advisory]})).findings
    assert one.package is not None
    assert (one.package.name, one.package.purl) == (
        "@antora/asciidoc-loader",
        "pkg:npm/%40antora/asciidoc-loader@3.1.8",
    )
    assert (one.location.path, one.url) == (
        "/srv/package-lock.json",
        "https://github.com/advisories/GHSA-xxxx-yyyy-zzzz",
    )


def _settled(report: Report, action: str, path: str) -> tuple[Finding, ...]:
    return identity.settle(report.findings, action=action, severities={}, place=lambda _: path, lines=lambda _: ())


def test_what_pip_audit_and_snyk_say_of_the_same_is_one_finding() -> None:
    """By the CVE, which all three name, whatever each calls the advisory and however it spells the package."""
    ours = parse(_report(_jar(packages=[{"id": "pkg:pypi/Jinja2@2.4.1"}], vulnerabilities=[_known(severity="medium")])))
    vulns = [{"id": "PYSEC-1", "fix_versions": [], "aliases": ["CVE-2020-0001"], "description": ""}]
    audit = {"dependencies": [{"name": "jinja2", "version": "2.4.1", "vulns": vulns}], "fixes": []}
    issue = {"id": "SNYK-PYTHON-JINJA2-1", "title": "Bad", "severity": "critical", "name": "jinja2", "version": "2.4.1"}
    project = {"ok": False, "dependencyCount": 1, "path": "/srv", "packageManager": "pip"}
    theirs = {**project, "vulnerabilities": [{**issue, "identifiers": {"CVE": ["CVE-2020-0001"]}}]}
    found = [
        *_settled(ours, "dependency-check", "requirements.txt"),
        *_settled(PIP_AUDIT.parse(msgspec.json.encode(audit)), "pip-audit", "requirements.txt"),
        *_settled(SNYK.parse(msgspec.json.encode(theirs)), "snyk", "requirements.txt"),
    ]
    assert len({one.id for one in found}) == 1
    (one,) = identity.merge(found)
    assert {witness.scanner for witness in one.witnesses} == {"dependency-check", "pip-audit", "snyk"}
    assert one.severity is Severity.CRITICAL
    apart = [*found[1:], *_settled(ours, "dependency-check", "other/requirements.txt")]
    assert len(identity.merge(apart)) == 2


def test_the_command_line_is_local_and_leaves_the_database_alone() -> None:
    job = Job(command=("dc",), root="/r", files=(), report="/s/report.json", scratch="/s", rules="", options=Options())
    argv = DEPENDENCY_CHECK.argv(job)
    assert {"--noupdate", "--enableExperimental", "--disableOssIndex", "--disableYarnAudit"} <= set(argv)
    assert argv[argv.index("--out") + 1] == "/s/report.json"
    assert "--data" not in argv


@pytest.mark.parametrize(
    ("path", "wanted"),
    [("lib/a.JAR", True), ("requirements/dev.txt", True), ("web/package-lock.json", False), ("notes.txt", False)],
)
def test_files(path: str, wanted: bool) -> None:
    assert DEPENDENCY_CHECK.selects(path) is wanted


NOW = datetime.datetime.now(datetime.UTC)
KNOWN = {stand_in.LOG4J: ["CVE-2021-44228", "CVE-2021-45046"]}
# As test_faults.py breaks the tools that can be had; the report is a file here.
FAULTS = {
    "killed at once": "kill -KILL $$",
    "killed midway": 'REAL; for word in "$@"; do case "$word" in */report.json) echo "{" > "$word";; esac; done\n'
    "kill -KILL $$",
    "dead without a word": "exit 0",
    "truncated": 'REAL; for word in "$@"; do case "$word" in */report.json) head -c 700 "$word" > "$word.half";'
    ' mv "$word.half" "$word";; esac; done',
    "target missing": 'mkdir "$TMPDIR/nowhere"; cd "$TMPDIR/nowhere"; REAL',
    "hanging": "sleep 600",
    "talking without end": "yes '[{\"a\": 1},'",
    "an option that it does not know": "REAL --no-such-option",
    "no database": 'REAL --data "$TMPDIR/nowhere"',
}


def _run(folder: Path, *, data: Path, fault: str = "", canary: bool = True, **keys: Any) -> Result:
    bin_folder = stand_in.install(folder / "bin", data)
    if fault:
        inner = stand_in.install(folder / "inner", data) / "dependency-check"
        script = fault.replace("REAL", f'{shlex.quote(str(inner))} "$@"')
        (bin_folder / "dependency-check").write_text(f"#!/bin/sh\n{script}\n")
    pipeline = {
        "pipeline": "shop",
        "stages": [{"name": "scan", "actions": [{"dependency-check": keys}]}],
        "policy": {"tools_from_path": True},
    }
    files = DEPENDENCY_CHECK.canary.files if canary else {"lib/notes.js": b"1;\n"}
    root = real.write(folder / "repository", {**files, "hardgate.yaml": msgspec.json.encode(pipeline)})
    env = {"PATH": f"{bin_folder}:/usr/bin:/bin", "HARDGATE_HOME": str(folder / "home")}
    return hardgate("run", str(root), "--json", env=env)


def _fresh(folder: Path) -> Path:
    return stand_in.fill(folder / "data", NOW.strftime("%Y-%m-%dT%H:%M:%SZ"), KNOWN)


def test_a_whole_run_with_a_stand_in(tmp_path: Path) -> None:
    result = _run(tmp_path, data=_fresh(tmp_path))
    assert result.code is ExitCode.FAIL, result.stdout + result.stderr
    assert result.json["gaps"] == []
    (receipt,) = result.json["receipts"]
    assert receipt["canary"]["rules"] == ["CVE-2021-44228"]
    assert receipt["tool"]["version"] == "12.1.1"
    assert receipt["data"]["date"] == NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    found = {(one["rule"], one["location"]["path"], one["severity"]) for one in result.json["findings"]}
    assert found == {(name, "log4j-core-2.14.1.jar", "critical") for name in KNOWN[stand_in.LOG4J]}


def test_old_data_is_a_gap(tmp_path: Path) -> None:
    data = stand_in.fill(tmp_path / "data", "2026-01-02T03:04:05", KNOWN)
    result = _run(tmp_path, data=data)
    assert result.code is ExitCode.INCOMPLETE
    (gap,) = result.json["gaps"]
    assert gap["reason"] == GapReason.DATA_STALE
    assert "2026-01-02" in gap["message"]


def test_data_that_knows_nothing_is_a_gap(tmp_path: Path) -> None:
    data = stand_in.fill(tmp_path / "data", NOW.isoformat(), {})
    result = _run(tmp_path, data=data)
    assert result.code is ExitCode.INCOMPLETE
    assert [gap["reason"] for gap in result.json["gaps"]] == [GapReason.CANARY_MISSED]


def test_a_tree_in_which_it_finds_no_dependency_is_a_gap(tmp_path: Path) -> None:
    result = _run(tmp_path, data=_fresh(tmp_path), canary=False)
    assert result.code is ExitCode.INCOMPLETE
    assert [gap["reason"] for gap in result.json["gaps"]] == [GapReason.FILE_UNREAD]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_stand_in_is_incomplete(fault: str, tmp_path: Path) -> None:
    timeout = 2 if fault == "hanging" else 60
    result = _run(tmp_path, data=_fresh(tmp_path), fault=FAULTS[fault], timeout=timeout)
    assert result.code is ExitCode.INCOMPLETE, result.stdout + result.stderr
    assert result.json["gaps"]
