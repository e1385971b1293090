"""SARIF of any tool: real logs, and the parts of the standard that tools use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from hardgate.errors import ReportError
from hardgate.model import Finding, GapReason, Kind, Severity
from hardgate.scanners import sarif
from tests.scanners import real
from tests.scanners.test_bandit import EXPECTED as BANDIT_EXPECTED

SAMPLES = Path(__file__).parent / "samples" / "sarif"
EVERY = sorted(SAMPLES.glob("*.sarif"))


def log(*results: Any, rules: Any = (), **run: Any) -> bytes:
    whole = {"tool": {"driver": {"name": "Some Tool", "rules": list(rules)}}, "results": list(results)} | run
    return msgspec.json.encode({"version": "2.1.0", "runs": [whole]})


def one(result: dict[str, Any], **rest: Any) -> Finding:
    report = sarif.parse(log({"message": {"text": "m"}, "ruleId": "R1"} | result, **rest), "some")
    (finding,) = report.findings
    return finding


def sample(name: str) -> bytes:
    (path,) = SAMPLES.glob(f"{name}-*.sarif")
    return path.read_bytes()


def test_bandit() -> None:
    report = sarif.parse(sample("bandit"), "bandit")
    # The log was captured with Bandit's own list of left-out folders.
    assert real.found(report) == {part[:3] for part in BANDIT_EXPECTED if ".tox" not in part[1]}
    native = {(rule, line, severity, cwe) for rule, _, line, _, severity, cwe in BANDIT_EXPECTED if rule != "B307"}
    assert {(x.rule, x.location.line, x.severity.value, *x.cwe) for x in report.findings} == native
    assert {gap.path for gap in report.gaps} == {"shop/broken.py", "shop/latin.py"}
    assert report.version == "1.9.4"
    assert b"tulip" not in msgspec.json.encode(report)


def test_gitleaks() -> None:
    report = sarif.parse(sample("gitleaks"), "gitleaks")
    assert real.found(report) == {
        ("aws-access-token", "src/settings.py", 2),
        ("generic-api-key", "a folder/client.ini", 2),
        ("private-key", "deploy/id_rsa", 1),
    }
    # It states no level at all.
    kinds = {(x.kind, x.severity, x.severity_from) for x in report.findings}
    assert kinds == {(Kind.SECRET, Severity.HIGH, "adapter")}


def test_hadolint() -> None:
    report = sarif.parse(sample("hadolint"), "hadolint")
    levels = {(x.rule, x.location.line): x.severity.value for x in report.findings}
    assert levels[("DL4000", 2)] == "high"
    assert levels[("DL3002", 6)] == "medium"
    assert levels[("SC2086", 4)] == "low"
    assert len(report.findings) == 9
    assert {x.kind for x in report.findings} == {Kind.MISCONFIGURATION}


def test_ruff() -> None:
    report = sarif.parse(sample("ruff"), "ruff")
    assert len(report.findings) == 10
    assert {Path(gap.path).name for gap in report.gaps} == {"broken.py", "latin.py"}
    assert {gap.reason for gap in report.gaps} == {GapReason.FILE_UNREAD}
    assert all(x.url.startswith("https://docs.astral.sh/") for x in report.findings)


def test_zizmor() -> None:
    report = sarif.parse(sample("zizmor"), "zizmor")
    assert {(x.rule, x.location.line, x.severity.value) for x in report.findings} == {
        ("zizmor/artipacked", 7, "medium"),
        ("zizmor/excessive-permissions", 4, "medium"),
        ("zizmor/dangerous-triggers", 2, "high"),
        ("zizmor/template-injection", 8, "high"),
    }


def test_semgrep() -> None:
    report = sarif.parse(sample("semgrep"), "semgrep")
    assert {(x.rule, x.cwe) for x in report.findings} == {
        ("python-code-injection", ("CWE-95",)),
        ("python-command-injection", ("CWE-78",)),
    }
    (gap,) = report.gaps
    assert "web/broken.py" in gap.message


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_every_truncation_is_refused(path: Path) -> None:
    raw = path.read_bytes().rstrip()
    for end in {*range(0, len(raw), max(1, len(raw) // 150)), len(raw) - 1, len(raw) - 2}:
        with pytest.raises(ReportError):
            sarif.parse(raw[:end], "some")


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{}", b"[]", b"null", b"junk", b'{"version":"2.1.0"}', b'{"version":"2.1.0","runs":[]}',
        b'{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}}}]}',
        b'{"version":"2.1.0","runs":[{"results":[]}]}',
        b'{"version":"1.0.0","runs":[{"tool":{"driver":{"name":"x"}},"results":[]}]}',
        b'{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":null}]}',
    ],
)  # fmt: skip
def test_what_is_no_whole_log_is_refused(raw: bytes) -> None:
    with pytest.raises(ReportError):
        sarif.parse(raw, "some")


def test_a_clean_log_names_its_tool_and_is_whole() -> None:
    report = sarif.parse(log(), "")
    assert (report.findings, report.gaps) == ((), ())


def test_a_bad_result_is_a_gap_and_the_rest_is_kept() -> None:
    good = {"message": {"text": "m"}, "ruleId": "R1"}
    report = sarif.parse(log(good, {"message": 5}, {"ruleId": "R2"}, good), "some")
    assert len(report.findings) == 2
    assert [gap.reason for gap in report.gaps] == [GapReason.REPORT_UNREADABLE] * 2
    assert "Result 1 of run 1" in report.gaps[0].message
    assert "Result 2 of run 1" in report.gaps[1].message


@pytest.mark.parametrize(
    ("result", "rule", "severity"),
    [
        ({"level": "error"}, {}, "high"),
        ({"level": "warning"}, {}, "medium"),
        ({"level": "note"}, {}, "low"),
        ({"level": "none"}, {}, "info"),
        ({}, {}, "medium"),
        ({"kind": "informational"}, {}, "info"),
        ({}, {"defaultConfiguration": {"level": "error"}}, "high"),
        ({"level": "note"}, {"defaultConfiguration": {"level": "error"}}, "low"),
        ({"level": "note"}, {"properties": {"security-severity": "9.8"}}, "critical"),
        ({"level": "error"}, {"properties": {"security-severity": "7.0"}}, "high"),
        ({"level": "error"}, {"properties": {"security-severity": 6.9}}, "medium"),
        ({"level": "error"}, {"properties": {"security-severity": "3.9"}}, "low"),
        ({"level": "error"}, {"properties": {"security-severity": "0.0"}}, "info"),
        ({"properties": {"security-severity": "9.0"}}, {"properties": {"security-severity": "1.0"}}, "critical"),
    ],
)
def test_severities(result: dict[str, Any], rule: dict[str, Any], severity: str) -> None:
    assert one(result, rules=[{"id": "R1"} | rule]).severity.value == severity


@pytest.mark.parametrize(
    "rest",
    [{"level": "grave"}, {"properties": {"security-severity": "bad"}}, {"properties": {"security-severity": 11}}],
)
def test_a_severity_it_does_not_know_is_high_and_a_gap(rest: dict[str, Any]) -> None:
    report = sarif.parse(log({"message": {"text": "m"}, "ruleId": "R1"} | rest), "some")
    assert report.findings[0].severity is Severity.HIGH
    assert [gap.reason for gap in report.gaps] == [GapReason.SEVERITY_UNKNOWN]
    assert "R1" in report.gaps[0].message


@pytest.mark.parametrize(
    ("result", "rule"),
    [
        ({}, {"properties": {"tags": ["security", "external/cwe/cwe-089"]}}),
        ({}, {"properties": {"tags": ["CWE-89: SQL Injection"]}}),
        ({}, {"properties": {"cwe": "CWE-89"}}),
        ({}, {"relationships": [{"target": {"id": "89", "toolComponent": {"name": "CWE"}}, "kinds": ["superset"]}]}),
        ({"taxa": [{"id": "89", "toolComponent": {"name": "cwe"}}]}, {}),
        ({"taxa": [{"id": "CWE-89"}]}, {}),
    ],
)
def test_weaknesses(result: dict[str, Any], rule: dict[str, Any]) -> None:
    assert one(result, rules=[{"id": "R1"} | rule]).cwe == ("CWE-89",)


def test_advisories_make_it_a_dependency() -> None:
    found = one({"ruleId": "CVE-2023-30861"}, rules=[{"id": "CVE-2023-30861", "helpUri": "https://example.org/a"}])
    assert (found.kind, found.ids, found.url) == (Kind.DEPENDENCY, ("CVE-2023-30861",), "https://example.org/a")


def test_tags_tell_the_kind() -> None:
    kinds = {tag: one({}, rules=[{"id": "R1", "properties": {"tags": [tag]}}]).kind for tag in ("secret", "license")}
    assert kinds == {"secret": Kind.SECRET, "license": Kind.LICENCE}


def test_rules_by_index_extension_and_hierarchy() -> None:
    rules = [{"id": "R0"}, {"id": "R1", "helpUri": "https://example.org/r1"}]
    assert one({"ruleId": "", "ruleIndex": 1}, rules=rules).rule == "R1"
    assert one({"ruleId": "R1/part"}, rules=rules).url == "https://example.org/r1"
    # An index that points at another rule than the id names is not believed.
    assert one({"ruleIndex": 0}, rules=rules).url == "https://example.org/r1"
    tool = {"driver": {"name": "x"}, "extensions": [{"name": "pack", "rules": rules}]}
    reference = {"ruleId": "R1", "rule": {"index": 1, "toolComponent": {"index": 0}}}
    assert one(reference, tool=tool).url == "https://example.org/r1"


def test_messages_by_id() -> None:
    rule = {"id": "R1", "messageStrings": {"default": {"text": "{0} reaches {1}, {7} does not"}}}
    found = one({"message": {"id": "default", "arguments": ["input", "eval"]}}, rules=[rule])
    assert found.message == "input reaches eval, {7} does not"


def test_places() -> None:
    region = {"startLine": 3}
    uri = {"physicalLocation": {"artifactLocation": {"uri": "a%20b/c.py"}, "region": region}}
    found = one({"locations": [uri]})
    assert (found.location.path, found.location.line, found.location.end_line) == ("a b/c.py", 3, 3)
    index = {"physicalLocation": {"artifactLocation": {"index": 1}}}
    artifacts = [{}, {"location": {"uri": "file:///srv/tree/d.py"}}]
    assert one({"locations": [index]}, artifacts=artifacts).location.path == "/srv/tree/d.py"
    assert one({}).location.path == ""


def test_fixes() -> None:
    assert one({"fixes": [{"artifactChanges": []}, {"description": {"text": "Do this."}}]}).fix == "Do this."


def test_suppressed_results_are_kept_and_marked() -> None:
    assert one({"suppressions": [{"kind": "inSource"}]}).message == "m (suppressed in the report)"


@pytest.mark.parametrize("rest", [{"kind": "pass"}, {"kind": "notApplicable"}, {"baselineState": "absent"}])
def test_results_that_are_no_problem(rest: dict[str, str]) -> None:
    assert sarif.parse(log({"message": {"text": "m"}, "ruleId": "R1"} | rest), "some").findings == ()


def test_what_the_tool_says_of_its_own_run() -> None:
    place = {"physicalLocation": {"artifactLocation": {"uri": "a.py"}}}
    invocation = {
        "executionSuccessful": False,
        "toolExecutionNotifications": [
            {"level": "error", "message": {"text": "cannot parse"}, "locations": [place]},
            {"message": {"text": "slow"}},
            {"level": "note", "message": {"text": "hello"}},
        ],
    }
    report = sarif.parse(log(invocations=[invocation]), "some")
    assert [(gap.reason, gap.path) for gap in report.gaps] == [
        (GapReason.TOOL_FAILED, ""),
        (GapReason.FILE_UNREAD, "a.py"),
        (GapReason.TOOL_FAILED, ""),
    ]


def test_every_run_counts_and_an_unnamed_tool_is_that_of_the_run() -> None:
    runs = [
        {"tool": {"driver": {"name": name}}, "results": [{"message": {"text": "m"}, "ruleId": "R"}]}
        for name in ("Hadolint", "Other")
    ]
    report = sarif.parse(msgspec.json.encode({"version": "2.1.0", "runs": runs}), "")
    assert [(x.scanner, x.kind) for x in report.findings] == [
        ("hadolint", Kind.MISCONFIGURATION),
        ("other", Kind.CODE),
    ]
