"""ZAP's traditional reports, as its makers published them, and what in them is no clean result."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hardgate.errors import ReportError
from hardgate.model import Finding, GapReason, Kind, Location, Report, Severity
from hardgate.scanners.zap import ZAP

SAMPLES = Path(__file__).parent / "samples" / "zap"
Change = Callable[[dict[str, Any]], object]


def read(name: str) -> Report:
    return ZAP.parse((SAMPLES / name).read_bytes())


def edited(change: Change, name: str = "traditional.json") -> Report:
    whole = json.loads((SAMPLES / name).read_bytes())
    change(whole)
    return ZAP.parse(json.dumps(whole).encode())


def alert(**keys: Any) -> Change:
    return lambda whole: whole["site"][0]["alerts"][0].update(keys)


@pytest.mark.parametrize("name", ["traditional.json", "traditional.xml"])
def test_an_alert_is_a_finding_at_its_endpoint(name: str) -> None:
    report = read(name)
    # Two instances of one parameter of one endpoint: one finding. "Test Param" is no name of a parameter.
    expected = Finding(
        scanner="zap",
        rule="1",
        kind=Kind.DYNAMIC,
        severity=Severity.HIGH,
        confidence="medium",
        message="XSS",
        location=Location(path="GET /example_3"),
        cwe=("CWE-123",),
        fix="Test Solution",
        url="https://www.zaproxy.org/docs/alerts/1/",
    )
    assert report == Report(findings=(expected,), version="Dev Build")


def test_each_endpoint_and_parameter_is_a_finding() -> None:
    report = read("traditional-plus.json")
    assert [(one.rule, one.location.path, one.message, one.cwe) for one in report.findings] == [
        ("40012", "GET /bodgeit/search.jsp", "Cross Site Scripting (Reflected) in q", ("CWE-79",)),
        ("40012", "POST /bodgeit/contact.jsp", "Cross Site Scripting (Reflected) in comments", ("CWE-79",)),
    ]
    assert [(gap.reason, gap.message) for gap in report.gaps] == [
        (GapReason.TOOL_FAILED, "ZAP's plan ended with errors (1)"),
        (GapReason.TOOL_FAILED, "ZAP's plan ended with warnings (1)"),
        (GapReason.NOT_COVERED, "ZAP's sequences have steps that failed (1): what comes after was not reached"),
    ]


@pytest.mark.parametrize("name", ["traditional.json", "traditional.xml", "traditional-plus.json"])
def test_nothing_that_was_sent_or_answered_comes_out(name: str) -> None:
    text = str(read(name))
    assert not any(word in text for word in ("Attack", "Evidence", "scrIpt", "%3C", "anticsrf", "Content-Type"))


def test_the_host_is_told_where_there_are_several() -> None:
    report = edited(lambda whole: whole["site"].append({**whole["site"][0], "alerts": []}))
    assert report.findings[0].location.path == "GET http://example.com/example_3"


def test_a_false_positive_stays_visible() -> None:
    [one] = edited(alert(confidence="0")).findings
    assert (one.severity, one.confidence) == (Severity.HIGH, "low")
    assert one.message == "XSS (marked as a false positive in ZAP)"


@pytest.mark.parametrize(("code", "severity"), [("3", "high"), ("2", "medium"), ("1", "low"), ("0", "info")])
def test_risks(code: str, severity: str) -> None:
    assert [one.severity.value for one in edited(alert(riskcode=code)).findings] == [severity]


@pytest.mark.parametrize("key", ["riskcode", "confidence"])
def test_a_word_that_is_new_counts_as_high(key: str) -> None:
    report = edited(alert(**{key: "7"}))
    assert (report.findings[0].severity, report.findings[0].confidence in {"high", "medium"}) == (Severity.HIGH, True)
    assert [gap.reason for gap in report.gaps] == [GapReason.SEVERITY_UNKNOWN]


@pytest.mark.parametrize("number", ["", "-1", "0", "x"])
def test_no_weakness_is_no_weakness(number: str) -> None:
    assert edited(alert(cweid=number)).findings[0].cwe == ()


def _silent(whole: dict[str, Any]) -> None:
    whole["site"][0]["alerts"] = []


def _answered(whole: dict[str, Any]) -> None:
    _silent(whole)
    whole["insights"] = [{"level": "Info", "key": "insight.code.2xx", "description": "d", "statistic": "95"}]


def test_a_scan_that_reached_nothing_is_no_clean_one() -> None:
    assert "no site: it reached nothing" in edited(lambda whole: whole.update(site=[])).gaps[0].message
    assert "does not tell that it was answered" in edited(_silent).gaps[0].message
    assert edited(_answered) == Report(version="Dev Build")
    assert "no site" in ZAP.parse(b"<OWASPZAPReport version='2.9.0'/>").gaps[0].message


def test_what_zap_says_of_its_own_scan_is_a_gap() -> None:
    insight = {"level": "High", "key": "insight.auth.failure", "description": "Logins that failed", "statistic": "100"}
    report = edited(lambda whole: whole.update(insights=[insight]))
    assert [gap.message for gap in report.gaps] == ["ZAP says of its own scan: Logins that failed (100)"]


def test_instances_that_are_not_listed_are_a_gap() -> None:
    assert [gap.reason for gap in edited(alert(count="9")).gaps] == [GapReason.REPORT_UNREADABLE]
    assert edited(alert(count="9", systemic=True)).gaps == ()


@pytest.mark.parametrize(
    "raw",
    [
        b"<html/>",
        b"<OWASPZAPReport/>",
        b"<OWASPZAPReport version='2'><site/></OWASPZAPReport>",
        b"<OWASPZAPReport version='2'><site name='a'/></OWASPZAPReport>",
        b"<OWASPZAPReport version='2'><site name='a'><alerts><alertitem/></alerts></site></OWASPZAPReport>",
        b'{"@version": "2", "site": [{"@name": "a"}]}',
        b'{"site": []}',
    ],
)
def test_a_report_that_is_not_whole_is_refused(raw: bytes) -> None:
    with pytest.raises(ReportError):
        ZAP.parse(raw)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ReportError, match="an address that is none"):
        edited(alert(instances=[{"uri": "http://[x", "method": "GET"}], count="1"))
