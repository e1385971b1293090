"""npm audit: reports of npm 11 and 6, and the documents in which npm says that it judged nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hardgate.errors import ReportError
from hardgate.model import Finding, GapReason, Kind, Location, Package, Report, Severity
from hardgate.scanners.npm_audit import NPM_AUDIT
from tests.scanners import real

SAMPLES = Path(__file__).parent / "samples" / "npm-audit"


def read(name: str) -> Report:
    return NPM_AUDIT.parse((SAMPLES / f"{name}.json").read_bytes())


def edited(change: Callable[[dict[str, Any]], object]) -> Report:
    whole = json.loads((SAMPLES / "lock-3-11.19.1.json").read_bytes())
    change(whole)
    return NPM_AUDIT.parse(json.dumps(whole).encode())


@pytest.mark.parametrize("lock", [1, 2, 3])
def test_each_advisory_of_a_package_is_a_finding(lock: int) -> None:
    report = read(f"lock-{lock}-11.19.1")
    assert report.gaps == ()
    assert [(one.rule, one.severity.value, one.package and one.package.name) for one in report.findings] == [
        ("GHSA-35jh-r3h4-6jhm", "high", "lodash"),
        ("GHSA-4xc9-xhrj-v574", "high", "lodash"),
        ("GHSA-jf85-cpcp-j695", "critical", "lodash"),
        ("GHSA-p6mc-m468-83gw", "high", "lodash"),
        ("GHSA-r5fr-rjxr-66jc", "high", "lodash"),
        ("GHSA-xvch-5gv4-984h", "critical", "minimist"),
    ]


def test_a_finding_is_whole() -> None:
    assert read("lock-3-11.19.1").findings[2] == Finding(
        scanner="npm-audit",
        rule="GHSA-jf85-cpcp-j695",
        kind=Kind.DEPENDENCY,
        severity=Severity.CRITICAL,
        message="lodash <4.17.12: Prototype Pollution in lodash, at node_modules/lodash",
        location=Location(path=""),
        cwe=("CWE-1321",),
        ids=("GHSA-jf85-cpcp-j695",),
        fix="Upgrade lodash to 4.18.0",
        url="https://github.com/advisories/GHSA-jf85-cpcp-j695",
        package=Package(ecosystem="npm", name="lodash", version="", purl="pkg:npm/lodash"),
    )


def test_a_workspace_is_looked_at() -> None:
    assert len(read("workspaces-11.19.1").findings) == 5


def test_a_clean_lock_file_is_clean() -> None:
    assert read("clean-11.19.1") == Report()


def test_npm_6_names_the_release() -> None:
    report = read("report-6.14.18")
    assert (len(report.findings), report.gaps) == (7, ())
    third = report.findings[2]
    assert (third.rule, third.ids) == ("GHSA-jf85-cpcp-j695", ("GHSA-jf85-cpcp-j695", "CVE-2019-10744"))
    assert third.package == Package(ecosystem="npm", name="lodash", version="4.17.4", purl="pkg:npm/lodash@4.17.4")
    assert third.fix == "Upgrade lodash to >=4.17.12"


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (
            {"error": {"code": "ENOLOCK", "summary": "This command requires an existing lockfile.", "detail": "x"}},
            "ENOLOCK: This command requires an existing lockfile.",
        ),
        (
            {"message": "request to http://me:word@a/-/npm failed", "error": {"summary": "", "detail": ""}},
            r"request to http://a/-/npm failed$",
        ),
        ({"message": "404 Not Found", "statusCode": 404}, "404 Not Found"),
        ({"error": {}}, "no reason"),
        ({"auditReportVersion": 3, "vulnerabilities": {}}, "version 3"),
        ({"advisories": {}}, "not whole"),
    ],
)
def test_a_document_that_judged_nothing_is_refused(raw: dict[str, Any], told: str) -> None:
    with pytest.raises(ReportError, match=told):
        NPM_AUDIT.parse(json.dumps(raw).encode())


def test_a_lock_file_without_packages_is_a_gap() -> None:
    for name, none in (("clean-11.19.1", {"dependencies": {"total": 0}}), ("report-6.14.18", {"totalDependencies": 0})):
        whole = json.loads((SAMPLES / f"{name}.json").read_bytes())
        whole["metadata"] |= none
        report = NPM_AUDIT.parse(json.dumps(whole).encode())
        assert [gap.reason for gap in report.gaps] == [GapReason.FILE_UNREAD]


@pytest.mark.parametrize("name", ["lock-3-11.19.1", "report-6.14.18"])
def test_a_severity_that_is_new_counts_as_high(name: str) -> None:
    whole = (SAMPLES / f"{name}.json").read_text().replace('"severity": "critical"', '"severity": "dire"')
    report = NPM_AUDIT.parse(whole.encode())
    assert {one.severity for one in report.findings} == {Severity.HIGH}
    assert {gap.reason for gap in report.gaps} == {GapReason.SEVERITY_UNKNOWN}


@pytest.mark.parametrize(
    "change",
    [
        lambda whole: whole["vulnerabilities"].pop("lodash"),
        lambda whole: whole["vulnerabilities"]["lodash"].update(via=["gone"]),
    ],
)
def test_a_report_that_was_cut_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(ReportError, match=r"counts 2 packages and lists 1|does not say by what"):
        edited(change)


def test_a_package_that_is_only_reached_through_another_is_no_advisory_of_its_own() -> None:
    def through(whole: dict[str, Any]) -> None:
        whole["vulnerabilities"]["mkdirp"] = {**whole["vulnerabilities"]["minimist"], "via": ["minimist"]}
        whole["metadata"]["vulnerabilities"]["total"] += 1

    assert len(edited(through).findings) == 6


def test_each_lock_file_is_one_start_and_a_shrinkwrap_goes_first(tmp_path: Path) -> None:
    files = {"a/package-lock.json": "", "a/npm-shrinkwrap.json": "", "package-lock.json": "", "a/.npmrc": "", "b": ""}
    part = real.job(NPM_AUDIT, real.write(tmp_path / "tree", files), tmp_path / "scratch")
    parts = NPM_AUDIT.split(part)
    assert [one.subject for one in parts] == ["a/npm-shrinkwrap.json", "package-lock.json"]
    assert "./a" in NPM_AUDIT.argv(parts[0])
    assert NPM_AUDIT.configs("a/.npmrc")
