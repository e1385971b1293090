"""snyk: its samples, and the ways in which it looks clean without having looked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hardgate.adapter import Job
from hardgate.errors import ReportError
from hardgate.model import ExitCode, GapReason, Kind, Report, Severity
from hardgate.scanners.snyk import SNYK, Options
from tests.lab import osv_server, snyk_service
from tests.lab.command import Result, hardgate
from tests.lab.tools import tool
from tests.scanners import capture_snyk, real

SAMPLES = Path(__file__).parent / "samples" / "snyk"
PROTOTYPE = "GHSA-jf85-cpcp-j695"  # CVE-2019-10744, as the loopback service names it


def sample(name: str) -> Report:
    return SNYK.parse((SAMPLES / f"{name}-1.1307.4.json").read_bytes())


def rules(report: Report) -> set[tuple[str, str]]:
    return {(one.rule, one.severity.value) for one in report.findings}


NPM = {
    ("GHSA-35jh-r3h4-6jhm", "high"),
    ("GHSA-4xc9-xhrj-v574", "high"),
    (PROTOTYPE, "critical"),
    ("GHSA-p6mc-m468-83gw", "high"),
    ("GHSA-r5fr-rjxr-66jc", "high"),
    ("GHSA-cqhc-2h57-wpxf", "high"),
    ("snyk:lic:npm:mariadb:LGPL-2.1", "medium"),
}


def test_sample() -> None:
    report = sample("npm")
    assert rules(report) == NPM
    assert len(report.findings) == len(NPM)
    assert {one.location.path for one in report.findings} == {"web/package-lock.json"}
    assert report.gaps == ()


def test_one_finding_whole() -> None:
    (one,) = (one for one in sample("npm").findings if one.rule == PROTOTYPE)
    assert one.ids == (PROTOTYPE, "CVE-2019-10744")
    assert one.message == "lodash 4.17.4: Prototype Pollution in lodash"
    assert one.fix == "Upgrade lodash to 4.17.12"
    assert (one.severity, one.severity_from) == (Severity.CRITICAL, "tool")
    assert one.package is not None
    assert (one.package.ecosystem, one.package.purl) == ("npm", "pkg:npm/lodash@4.17.4")
    assert one.url == f"https://security.snyk.io/vuln/{PROTOTYPE}"


def test_a_licence_is_no_vulnerability() -> None:
    (one,) = (one for one in sample("npm").findings if one.kind is Kind.LICENCE)
    assert (one.rule, one.package, one.ids) == ("snyk:lic:npm:mariadb:LGPL-2.1", None, ())
    assert one.message == "mariadb 3.4.0: LGPL-2.1 license"


def test_the_lock_file_is_named_where_snyk_names_the_manifest() -> None:
    report = sample("poetry")
    assert {one.location.path for one in report.findings} == {"poetry.lock"}
    assert "CVE-2019-10906" in {word for one in report.findings for word in one.ids}
    assert {one.package.purl for one in report.findings if one.package} == {"pkg:pypi/jinja2@2.4.1"}


def test_grouped_issues_are_the_same_findings() -> None:
    assert rules(sample("grouped")) == NPM


def test_an_image_has_a_finding_for_each_package() -> None:
    report = SNYK.parse((SAMPLES / "image-grouped.json").read_bytes())
    assert [(one.rule, one.package.name) for one in report.findings if one.package] == [
        ("SNYK-ALPINE312-MUSL-1042762", "musl/musl"),
        ("SNYK-ALPINE312-MUSL-1042762", "musl/musl-utils"),
    ]
    assert {one.location.path for one in report.findings} == {"alpine:3.12.1"}
    assert report.findings[0].fix == "Upgrade musl/musl to 1.1.24-r10"


def test_a_clean_report_is_clean() -> None:
    assert sample("clean") == Report()


def test_a_project_without_dependencies_is_a_gap() -> None:
    (gap,) = sample("nothing").gaps
    assert (gap.reason, gap.path) == (GapReason.FILE_UNREAD, "package-lock.json")


def test_what_a_threshold_left_out_is_a_gap() -> None:
    report = sample("threshold")
    assert rules(report) == {(PROTOTYPE, "critical")}
    (gap,) = report.gaps
    assert gap.reason is GapReason.NOT_COVERED
    assert "below critical" in gap.message


def test_what_a_policy_ignores_is_still_a_finding() -> None:
    report = sample("ignored")
    assert rules(report) == NPM
    (one,) = (one for one in report.findings if one.rule == PROTOTYPE)
    assert one.message.endswith("(a policy asks snyk to ignore this: no input reaches it)")


def test_of_several_projects_each_counts_and_a_failed_one_is_a_gap() -> None:
    report = sample("several")
    assert rules(report) == NPM
    (gap,) = report.gaps
    assert gap.reason is GapReason.FILE_UNREAD
    assert "Missing node_modules folder" in gap.message
    assert sample("unlocked").gaps == report.gaps


def _project(**changes: object) -> dict[str, Any]:
    return {"ok": True, "vulnerabilities": [], "dependencyCount": 3, "path": "/srv/tree", **changes}


def _issue(**changes: object) -> dict[str, Any]:
    return {"id": "SNYK-JS-X-1", "title": "Bad", "severity": "low", "name": "x", "version": "1.0", **changes}


def parse(content: object) -> Report:
    return SNYK.parse(msgspec.json.encode(content))


@pytest.mark.parametrize("missing", ["ok", "vulnerabilities", "dependencyCount", "path"])
def test_a_report_that_lacks_a_word_is_refused(missing: str) -> None:
    with pytest.raises(ReportError, match="not whole"):
        parse({name: value for name, value in _project().items() if name != missing})


def test_a_report_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ReportError, match="not in order, and not why"):
        parse(_project(ok=False))
    with pytest.raises(ReportError, match="counts 2 issues and holds 1"):
        parse(_project(ok=False, vulnerabilities=[_issue()], uniqueCount=2))


def test_sarif_is_refused_with_the_way_out() -> None:
    with pytest.raises(ReportError, match="SARIF") as caught:
        parse({"version": "2.1.0", "runs": []})
    assert "ingest sarif" in caught.value.hint


def test_paths_to_one_package_are_one_finding() -> None:
    issues = [_issue(**{"from": ["a@1", way, "x@1.0"]}) for way in ("b@1", "c@1")]
    assert len(parse(_project(ok=False, vulnerabilities=issues, uniqueCount=1)).findings) == 1


def test_a_severity_that_the_platform_lowered_is_the_higher() -> None:
    (one,) = parse(_project(ok=False, vulnerabilities=[_issue(originalSeverity="critical")])).findings
    assert one.severity is Severity.CRITICAL
    assert one.message == "x 1.0: Bad (a policy of snyk's platform made it low; it was critical)"


def test_a_new_severity_counts_as_high_and_is_a_gap() -> None:
    report = parse(_project(ok=False, vulnerabilities=[_issue(severity="extreme")]))
    assert [(one.severity, one.severity_from) for one in report.findings] == [(Severity.HIGH, "adapter")]
    assert [gap.reason for gap in report.gaps] == [GapReason.SEVERITY_UNKNOWN]


def test_releases_that_are_not_known_are_a_gap() -> None:
    (gap,) = parse(_project(hasUnknownVersions=True)).gaps
    assert gap.reason is GapReason.NOT_COVERED


def test_the_applications_of_an_image_count() -> None:
    inner = _project(ok=False, vulnerabilities=[_issue()], displayTargetFile="/app/package-lock.json")
    report = parse(_project(path="shop:1", applications=[inner, {**_project(), "dependencyCount": 0}]))
    assert [one.location.path for one in report.findings] == ["/app/package-lock.json"]
    assert [gap.reason for gap in report.gaps] == [GapReason.FILE_UNREAD]


def test_maven_and_scoped_names_as_package_urls() -> None:
    issues = [_issue(name="org.x:lib"), _issue(name="@scope/x")]
    purls = [
        one.package.purl
        for manager, issue in zip(("maven", "npm"), issues, strict=True)
        for one in parse(_project(ok=False, vulnerabilities=[issue], packageManager=manager)).findings
        if one.package
    ]
    assert purls == ["pkg:maven/org.x/lib@1.0", "pkg:npm/%40scope/x@1.0"]


def _job(**more: Any) -> Job:
    fields = {"command": ("snyk",), "root": "/r", "report": "", "scratch": "/s", "rules": "", "options": Options()}
    return Job(**{"files": (), **fields, **more})


def test_each_lock_file_has_its_start_and_each_manifest_without_one() -> None:
    files = ("a/package.json", "a/yarn.lock", "b/package.json", "pyproject.toml", "c/pyproject.toml", "c/poetry.lock")
    assert all(map(SNYK.selects, files))
    assert [part.subject for part in SNYK.split(_job(files=files))] == [
        "a/yarn.lock",
        "b/package.json",
        "c/poetry.lock",
    ]
    # What is no project of Snyk's is asked about all the same: exit code 3.
    assert [part.subject for part in SNYK.split(_job(files=("pyproject.toml",)))] == [""]


def test_policies_count_only_where_hardgate_yaml_honours_them() -> None:
    argv = SNYK.argv(_job(subject="a/yarn.lock", options=Options(org="shop")))
    assert argv[-3:] == ("--ignore-policy", "--file=a/yarn.lock", "--org=shop")
    assert "--ignore-policy" not in SNYK.argv(_job(honour_config=True))
    assert SNYK.configs("web/.snyk")


def _run(folder: Path, files: dict[str, str], *, address: str, token: str, **keys: Any) -> Result:
    pipeline = {
        "pipeline": "shop",
        "stages": [{"name": "scan", "actions": [{"snyk": {"timeout": 120, **keys}}]}],
        "policy": {"tools_from_path": True, "exempt": dict.fromkeys(("lockfile", "manifest"), "a test of one scanner")},
    }
    root = real.write(folder / "repository", {**files, "hardgate.yaml": msgspec.json.encode(pipeline).decode()})
    env = {
        "PATH": f"{tool('path:snyk').parent}{os.pathsep}/usr/bin:/bin",
        "HARDGATE_HOME": str(folder / "home"),
        "SNYK_API": f"{address}/v1",
        "SNYK_TOKEN": token,
    }
    return hardgate("run", str(root), "--json", env=env)


@pytest.mark.real
def test_a_run_asks_the_service_and_tells_what_it_says(tmp_path: Path) -> None:
    """A project and a policy file that a repository would like to be obeyed; the token goes nowhere."""
    token = snyk_service.TOKEN
    files = {**capture_snyk.LODASH, ".snyk": capture_snyk.POLICY}
    with snyk_service.serving(osv_server.data_folder()) as server:
        result = _run(tmp_path, files, address=server.address, token=token)
    assert result.code is ExitCode.FAIL, result.stdout + result.stderr
    (receipt,) = result.json["receipts"]
    assert receipt["exit_codes"] == [1]
    found = {(one["rule"], one["location"]["path"]) for one in result.json["findings"]}
    assert found == {(rule, "package-lock.json") for rule, _ in NPM}
    assert receipt["canary"]["rules"] == ["CVE-2019-10744"]
    assert "--ignore-policy" in receipt["argv"][0]
    assert result.json["gaps"] == []
    assert server.asked.count("/v1/test-dep-graph?org=&ignorePolicy=true") == 2
    assert token not in result.stdout + result.stderr


def _refused(tmp_path: Path, address: str, token: str) -> str:
    """What the CLI says on its standard output when it ends with exit code 2, which is a gap."""
    root = real.write(tmp_path / "tree", capture_snyk.LODASH)
    (part,) = SNYK.split(real.job(SNYK, root, tmp_path / "scratch"))
    with capture_snyk.environment(address, token):
        done = capture_snyk.start(part)
    assert (done.exit_code, done.exit_code in SNYK.done_exits) == (2, False)
    report = SNYK.parse(done.stdout)
    assert [gap.reason for gap in report.gaps] == [GapReason.FILE_UNREAD]
    return report.gaps[0].message


@pytest.mark.real
def test_a_service_that_refuses_the_token_is_a_gap(tmp_path: Path) -> None:
    with snyk_service.serving(None) as server:
        assert "Authentication failed" in _refused(tmp_path, server.address, "another")


@pytest.mark.real
def test_a_service_that_is_not_there_is_a_gap(tmp_path: Path) -> None:
    assert "ECONNREFUSED" in _refused(tmp_path, "http://localhost:1", snyk_service.TOKEN)


@pytest.mark.real
def test_a_service_that_knows_nothing_of_no_package_is_incomplete(tmp_path: Path) -> None:
    """Nothing found among no packages: neither the canary nor the scan says that anything was judged."""
    with snyk_service.serving(None) as server:
        result = _run(tmp_path, capture_snyk.npm("shop"), address=server.address, token=snyk_service.TOKEN)
    assert result.code is ExitCode.INCOMPLETE
    reasons = {gap["reason"] for gap in result.json["gaps"]}
    assert reasons >= {GapReason.CANARY_MISSED.value, GapReason.FILE_UNREAD.value}
