"""ZAP: weaknesses of a running web application.

Reports: the traditional ones in JSON and XML, with or without requests and responses
(https://www.zaproxy.org/docs/desktop/addons/report-generation/report-traditional-json/), as ZAP 2.9 to 2.17 write them.
They hold what was sent and answered: of that only method and path get into a finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec

from hardgate import described, xmlfile
from hardgate.adapter import decode
from hardgate.errors import ReportError
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Report, Severity
from hardgate.xmlfile import Element

_TOOL = "zap"
# https://www.zaproxy.org/docs/desktop/start/features/alerts/: risk and confidence.
_RISKS = {"3": Severity.HIGH, "2": Severity.MEDIUM, "1": Severity.LOW, "0": Severity.INFO}
_CONFIDENCES = {"4": "high", "3": "high", "2": "medium", "1": "low", "0": "low"}
_FALSE = "0"  # somebody marked it as a false positive
_PARAMETER = re.compile(r"[\w.\[\]-]{1,60}")
_TAGS = re.compile(r"<[^>]{0,200}>")
_ANSWERED = "insight.code.2xx"
_FIX = 300  # characters of a solution that is told


class _Instance(msgspec.Struct):
    uri: str
    method: str
    param: str = ""


class _Alert(msgspec.Struct):
    pluginid: str
    name: str
    riskcode: str
    confidence: str
    instances: list[_Instance]
    alertref: str = msgspec.field(default="", name="alertRef")
    count: str = ""
    systemic: bool = False
    solution: str = ""
    cweid: str = ""


class _Site(msgspec.Struct):
    name: str = msgspec.field(name="@name")
    alerts: list[_Alert]


class _Insight(msgspec.Struct):
    level: str
    key: str = ""
    description: str = ""
    statistic: str | float = ""


class _Step(msgspec.Struct):
    passed: str | bool = msgspec.field(name="pass")


class _Sequence(msgspec.Struct):
    steps: list[_Step]


class _Report(msgspec.Struct):
    site: list[_Site] | _Site
    version: str = msgspec.field(name="@version")
    insights: list[_Insight] = []
    sequences: list[_Sequence] = []
    errors: list[Any] = msgspec.field(default_factory=list, name="afPlanErrors")
    warnings: list[Any] = msgspec.field(default_factory=list, name="afPlanWarns")


def _parse(raw: bytes) -> Report:
    is_xml = raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    report = _of_xml(xmlfile.parse(raw, _TOOL)) if is_xml else decode(raw, _Report, _TOOL)
    sites = report.site if isinstance(report.site, list) else [report.site]
    alerts = [alert for site in sites for alert in site.alerts]
    gaps = (*_unlooked(report, sites), *(gap for alert in alerts for gap in _unclear(alert)))
    findings = tuple(one for alert in alerts for one in _findings(alert, hosts=len(sites)))
    return Report(findings=findings, gaps=tuple(dict.fromkeys(gaps)), version=report.version)


def _of_xml(root: Element) -> _Report:
    if root.name != "OWASPZAPReport":
        raise ReportError(f"the report is <{root.name}>, and ZAP's is <OWASPZAPReport>", hint="See what wrote it.")
    sites = [_Site(name=_attribute(site, "name"), alerts=list(_alerts(site))) for site in root.all("site")]
    words = ("level", "key", "description", "statistic")
    insights = [
        _Insight(*(one.attributes.get(word) or one.said(word) or "" for word in words)) for one in root.every("insight")
    ]
    return _Report(site=sites, version=_attribute(root, "version"), insights=insights)


def _attribute(part: Element, name: str) -> str:
    value = part.attributes.get(name)
    if value is None:
        raise ReportError(f"zap's report is not whole: <{part.name}> has no {name}")
    return value


def _text(part: Element, name: str) -> str:
    value = part.said(name)
    if value is None:
        raise ReportError(f"zap's report is not whole: <{part.name}> has no <{name}>")
    return value


def _alerts(site: Element) -> Iterator[_Alert]:
    if site.first("alerts") is None:
        raise ReportError("zap's report is not whole: <site> has no <alerts>")
    for item in (item for alerts in site.all("alerts") for item in alerts.all("alertitem")):
        if item.first("instances") is None:
            raise ReportError("zap's report is not whole: <alertitem> has no <instances>")
        yield _Alert(
            pluginid=_text(item, "pluginid"),
            name=_text(item, "name"),
            riskcode=_text(item, "riskcode"),
            confidence=_text(item, "confidence"),
            instances=[
                _Instance(uri=_text(one, "uri"), method=_text(one, "method"), param=one.said("param") or "")
                for instances in item.all("instances")
                for one in instances.all("instance")
            ],
            alertref=item.said("alertRef") or "",
            count=item.said("count") or "",
            systemic=item.said("systemic") == "true",
            solution=item.said("solution") or "",
            cweid=item.said("cweid") or "",
        )


def _gap(message: str, remedy: str, reason: GapReason = GapReason.NOT_COVERED) -> Gap:
    return Gap(reason=reason, message=message, remedy=remedy)


def _unlooked(report: _Report, sites: list[_Site]) -> Iterator[Gap]:
    """What ZAP says, or does not say, of how far it came."""
    if not sites:
        yield _gap(
            "ZAP's report has no site: it reached nothing", "See whether the application runs, and at which URL."
        )
    elif not any(site.alerts for site in sites) and not _answered(report):
        message = "ZAP raised no alert of any risk, and does not tell that it was answered: one that reached nothing"
        yield _gap(f"{message} writes the same", "Use ZAP 2.17 or later, whose report tells it in its insights.")
    for words, what in ((report.errors, "errors"), (report.warnings, "warnings")):
        if words:
            yield _gap(f"ZAP's plan ended with {what} ({len(words)})", "Read them in its log.", GapReason.TOOL_FAILED)
    failed = sum(str(step.passed).lower() != "true" for one in report.sequences for step in one.steps)
    if failed:
        yield _gap(f"ZAP's sequences have steps that failed ({failed}): what comes after was not reached", "Mend them.")
    for one in report.insights:
        if one.level.lower() in {"high", "medium"}:
            message = f"ZAP says of its own scan: {one.description or one.key} ({one.statistic})"
            yield _gap(message, "See https://www.zaproxy.org/docs/desktop/addons/insights/.")


def _answered(report: _Report) -> bool:
    return any(one.key == _ANSWERED and str(one.statistic) not in {"", "0", "0.0"} for one in report.insights)


def _rule(alert: _Alert) -> str:
    return alert.alertref or alert.pluginid


def _unclear(alert: _Alert) -> Iterator[Gap]:
    rule = _rule(alert)
    for word, known, what in ((alert.riskcode, _RISKS, "risk"), (alert.confidence, _CONFIDENCES, "confidence")):
        if word not in known:
            message = f"ZAP gives {rule} the {what} {word!r}, which hardgate does not know; it counts as high."
            remedy = f"Rate it in hardgate.yaml: severity: {{{rule}: low}}"
            yield _gap(message, remedy, GapReason.SEVERITY_UNKNOWN)
    # Of what is systemic it lists some places only, and says so.
    if alert.count and not alert.systemic and alert.count != str(len(alert.instances)):
        message = f"ZAP counts {alert.count} instances of {rule} and lists {len(alert.instances)}"
        yield _gap(message, "Have it list all of them.", GapReason.REPORT_UNREADABLE)


def _findings(alert: _Alert, *, hosts: int) -> Iterator[Finding]:
    """One for each endpoint and parameter."""
    instances = alert.instances or [_Instance(uri="/", method="GET")]
    places = dict.fromkeys((_endpoint(one, hosts=hosts), one.param) for one in instances)
    for path, param in places:
        where = f" in {param}" if _PARAMETER.fullmatch(param) else ""
        false = " (marked as a false positive in ZAP)" if alert.confidence == _FALSE else ""
        yield Finding(
            scanner=_TOOL,
            rule=_rule(alert),
            kind=Kind.DYNAMIC,
            severity=_RISKS.get(alert.riskcode, Severity.HIGH),
            confidence=_CONFIDENCES.get(alert.confidence, "high"),
            message=f"{alert.name}{where}{false}",
            location=Location(path=path),
            cwe=(f"CWE-{alert.cweid}",) if re.fullmatch(r"[1-9]\d{0,4}", alert.cweid) else (),
            fix=_plain(alert.solution),
            url=f"https://www.zaproxy.org/docs/alerts/{_rule(alert)}/",
        )


def _endpoint(one: _Instance, *, hosts: int) -> str:
    """Method and path without the query, which holds what was sent; with the host where a report has several."""
    try:
        parts = urlsplit(one.uri)
        site = f"{parts.scheme}://{parts.hostname}" if hosts > 1 and parts.hostname else ""
    except ValueError as error:
        raise ReportError(f"zap's report has an address that is none: {error}") from error
    return f"{one.method or 'GET'} {site}{parts.path or '/'}"


def _plain(text: str) -> str:
    """A solution without its HTML."""
    words = " ".join(_TAGS.sub(" ", text).split())
    return words if len(words) <= _FIX else f"{words[: _FIX - 1]}…"


ZAP = described.scanner(_TOOL, frozenset({Kind.DYNAMIC}), _parse)
