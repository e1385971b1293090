"""Open Cybersecurity Schema Framework 1.6 (https://schema.ocsf.io/1.6.0): an array of events, one for each finding.

Packages are Vulnerability Findings (class 2002), settings Compliance Findings (2003), code, secrets, licences and what
the running application did Application Security Posture Findings (2007, from OCSF 1.5 on). The verdict and every gap
are Compliance Findings.
"""

from __future__ import annotations

import re

from hardgate import rated
from hardgate.model import Decision, Finding, Gap, Kind, Outcome, Run, Severity, State, Verdict
from hardgate.outward import OWN_NAME, advisory, aliases, is_cve, milliseconds, states, uuid_of, verdict_line
from hardgate.proven import proved, used
from hardgate.wording import Judged, also_seen_by, flow, judge, place, to_json, web_link

_Json = dict[str, object]

VERSION = "1.6.0"
_FINDINGS, _CREATE = 2, 1  # the category, and the activity: this event tells of a finding
_VULNERABILITY, _COMPLIANCE, _POSTURE = 2002, 2003, 2007
_CLASSES = {Kind.DEPENDENCY: _VULNERABILITY, Kind.MISCONFIGURATION: _COMPLIANCE}
_SEVERITIES = {
    Severity.INFO: 1,
    Severity.LOW: 2,
    Severity.MEDIUM: 3,
    Severity.HIGH: 4,
    Severity.CRITICAL: 5,
}
_CONFIDENCES = {"low": 1, "medium": 2, "high": 3}
_NEW, _SUPPRESSED = 1, 3
_UNKNOWN, _PASS, _FAIL = 0, 1, 3  # status of a check
_OUTCOMES = {Outcome.PASS: _PASS, Outcome.FAIL: _FAIL, Outcome.INCOMPLETE: _UNKNOWN}
_CWE = re.compile(r"CWE-[1-9][0-9]*")


def render(run: Run, verdict: Verdict) -> bytes:
    """The verdict, then every gap, then every finding, the worst first.

    Raises Error when the verdict says nothing about one of the findings.
    """
    judged = judge(run, verdict)
    gaps = (_gap(run, verdict, gap) for gap in verdict.gaps)
    return to_json([_verdict(run, verdict, judged), *gaps, *(_finding(run, verdict, one) for one in judged)])


def _event(run: Run, verdict: Verdict, class_uid: int, severity: Severity) -> _Json:
    """What all events have in common."""
    return {
        "category_uid": _FINDINGS,
        "class_uid": class_uid,
        "activity_id": _CREATE,
        "type_uid": class_uid * 100 + _CREATE,
        "time": milliseconds(verdict.judged_at),
        "severity_id": _SEVERITIES[severity],
        "severity": "Informational" if severity is Severity.INFO else severity.capitalize(),
        "metadata": {
            "version": VERSION,
            "product": {"name": OWN_NAME, "vendor_name": OWN_NAME, "version": run.hardgate_version or "unknown"},
            "correlation_uid": run.id,
        },
    }


def _unmapped(run: Run, more: _Json) -> _Json:
    own = {"run": run.id, "pipeline": run.pipeline, "commit": run.commit, "dirty": run.dirty, "tree": run.tree}
    return {"unmapped": {OWN_NAME: own | more}}


def _finding(run: Run, verdict: Verdict, judged: Judged) -> _Json:
    finding, decision = judged
    class_uid = _CLASSES.get(finding.kind, _POSTURE)
    waived = decision.state is State.WAIVED
    event = {
        **_event(run, verdict, class_uid, finding.severity),
        "message": flow(finding.message) or finding.rule,
        "status_id": _SUPPRESSED if waived else _NEW,
        "status": "Suppressed" if waived else "New",
        "status_detail": flow(decision.because),
        "finding_info": _info(finding),
        **_unmapped(run, _told(finding, decision)),
        **_body(run, finding, class_uid),
    }
    if finding.confidence in _CONFIDENCES:
        event |= {
            "confidence_id": _CONFIDENCES[finding.confidence],
            "confidence": finding.confidence.capitalize(),
        }
    return event


def _info(finding: Finding) -> _Json:
    link = web_link(finding.url)
    return {
        "uid": finding.id,
        "title": f"{flow(finding.rule)} in {place(finding.location)}",
        "desc": flow(finding.message),
        "types": [finding.kind],
        "analytic": {"name": flow(finding.rule), "uid": f"{finding.scanner}/{flow(finding.rule)}", "type_id": 1},
        "data_sources": [finding.scanner, *also_seen_by(finding)],
        **({"src_url": link} if link else {}),
    }


def _told(finding: Finding, decision: Decision) -> _Json:
    return {
        "state": decision.state,
        "because": flow(decision.because),
        "action": finding.action,
        "severity_from": finding.severity_from,
        "refuted": finding.refuted,
        "confirmed": proved(finding),
        "imported": used(finding),
        "history": finding.location.commit,
    }


def _body(run: Run, finding: Finding, class_uid: int) -> _Json:
    """What each class has of its own."""
    remedy: _Json = {"remediation": {"desc": flow(finding.fix)}} if finding.fix.strip() else {}
    if class_uid == _VULNERABILITY:
        return {"vulnerabilities": [_package(finding) | remedy], "resources": [_resource(run, finding)]}
    if class_uid == _COMPLIANCE:
        check = {"control": flow(finding.rule), "status_id": _FAIL, "status": "Fail", "standards": [finding.scanner]}
        return {"compliance": check, "resources": [_resource(run, finding)], **remedy}
    first = next((cwe for cwe in finding.cwe if _CWE.fullmatch(cwe)), "")
    application = {"application": {"name": run.pipeline, "uid": run.pipeline}}
    return {**application, **remedy, **({"vulnerabilities": [_weakness(finding, first)]} if first else {})}


def _resource(run: Run, finding: Finding) -> _Json:
    return {"name": place(finding.location), "uid": uuid_of(run.pipeline, finding.location.path), "type": "File"}


def _package(finding: Finding) -> _Json:
    """A vulnerability of a package: a CVE where it has one, an advisory of another database where not."""
    name, link = advisory(finding), web_link(finding.url)
    entry: _Json = {
        "title": flow(name),
        "desc": flow(finding.message),
        "severity": finding.severity,
        "references": [link] if link else [],
        "related_vulnerabilities": [flow(one) for one in aliases(finding)],
        "cve" if is_cve(name) else "advisory": _record(finding, name),
    }
    if finding.package:
        package = finding.package
        fixed = {"fixed_in_version": ", ".join(package.fixed)} if package.fixed else {}
        named = {"name": package.name, "version": package.version, "package_manager": package.ecosystem}
        purl = {"purl": package.purl} if package.purl else {}
        entry["affected_packages"] = [named | fixed | purl | {"path": finding.location.path}]
        entry["is_fix_available"] = bool(package.fixed)
    if rated.exploited(finding.severity_from):
        entry["is_exploit_available"] = True
    return entry


def _record(finding: Finding, name: str) -> _Json:
    if not is_cve(name):
        return {"uid": flow(name)}
    cvss = rated.cvss(finding.severity_from)
    score: _Json = (
        {"cvss": [{"version": cvss.version, "base_score": cvss.score, "vector_string": cvss.vector}]} if cvss else {}
    )
    epss = rated.epss(finding.severity_from)
    score |= {} if epss is None else {"epss": {"score": f"{epss:.5f}"}}
    weaknesses = [_cwe(one) for one in finding.cwe if _CWE.fullmatch(one)]
    return {"uid": name, **score, **({"related_cwes": weaknesses} if weaknesses else {})}


def _cwe(name: str) -> _Json:
    return {"uid": name, "src_url": f"https://cwe.mitre.org/data/definitions/{name.removeprefix('CWE-')}.html"}


def _weakness(finding: Finding, cwe: str) -> _Json:
    where = finding.location
    path = flow(where.path) or "(no file)"
    lines = {} if where.line is None else {"start_line": where.line, "end_line": where.end_line or where.line}
    code = {
        "file": {"name": path.rpartition("/")[2] or path, "path": path, "type_id": 1},
        "rule": {"name": flow(finding.rule), "uid": flow(finding.rule)},
        **lines,
    }
    return {"title": flow(finding.rule), "severity": finding.severity, "cwe": _cwe(cwe), "affected_code": [code]}


def _own(run: Run, verdict: Verdict, severity: Severity, title: str, text: str) -> _Json:
    return {
        **_event(run, verdict, _COMPLIANCE, severity),
        "message": text,
        "status_id": _NEW,
        "status": "New",
        "resources": [{"name": run.pipeline, "uid": run.pipeline, "type": "Pipeline"}],
        "finding_info": {"uid": uuid_of(run.pipeline, title, text), "title": title, "desc": text},
    }


def _gap(run: Run, verdict: Verdict, gap: Gap) -> _Json:
    """A gap is a check of unknown status: neither passed nor failed."""
    text = flow(f"{gap.message} {gap.remedy}".strip())
    event = _own(run, verdict, Severity.HIGH, f"Not looked at: {gap.reason}", text)
    check = {"control": gap.reason, "status_id": _UNKNOWN, "status": "Unknown", "status_details": [flow(gap.message)]}
    remedy: _Json = {"remediation": {"desc": flow(gap.remedy)}} if gap.remedy.strip() else {}
    told: _Json = {"state": "gap", "reason": gap.reason, "action": gap.action, "path": flow(gap.path)}
    return {**event, "compliance": check, **remedy, **_unmapped(run, told)}


def _verdict(run: Run, verdict: Verdict, judged: tuple[Judged, ...]) -> _Json:
    severity = Severity.INFO if verdict.outcome is Outcome.PASS else Severity.HIGH
    event = _own(run, verdict, severity, f"Verdict: {verdict.outcome.name}", verdict_line(verdict))
    status = _OUTCOMES[verdict.outcome]
    told: _Json = {"state": "verdict", "outcome": verdict.outcome, "blocks": verdict.blocks}
    check = {
        "control": "policy of hardgate.yaml",
        "status_id": status,
        "status": {_PASS: "Pass", _FAIL: "Fail", _UNKNOWN: "Unknown"}[status],
        "status_details": [f"{states(judged)}.", f"{len(verdict.gaps):,} gaps."],
    }
    return {**event, "compliance": check, **_unmapped(run, told)}
