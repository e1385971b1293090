"""GitLab's security reports, one file for each kind: SAST, dependency scanning, secret detection.

The fields are those of version 15.2.1 of
https://gitlab.com/gitlab-org/security-products/security-report-schemas. GitLab knows no waiver in a report: the state
that the gate gave a finding is among its details.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from hardgate import rated
from hardgate.model import Finding, Kind, Run, Verdict
from hardgate.outward import OWN_NAME, advisory, aliases, complete, elsewhere, finished, short, uuid_of, verdict_line
from hardgate.proven import proved, used
from hardgate.wording import Judged, also_seen_by, flow, judge, plain, to_json, web_link

_Json = dict[str, object]

VERSION = "15.2.1"
_NAME, _DESCRIPTION, _SOLUTION, _VALUE = 255, 100_000, 7000, 2000
_SECONDS = len("2026-01-31T12:00:00")
_NO_COMMIT = "0000000"  # what GitLab's own analyzer writes for what is in no commit
_VECTORS = {"2.0", "3.0", "3.1"}  # the CVSS versions that the schema takes


@dataclass(frozen=True, slots=True)
class _Form:
    """A type of report: its name in the report, its schema's name, and the kinds of findings that it is for."""

    type: str
    schema: str
    kinds: frozenset[Kind]


_SAST = _Form("sast", "sast", frozenset({Kind.CODE, Kind.MISCONFIGURATION}))
_DEPENDENCY = _Form("dependency_scanning", "dependency-scanning", frozenset({Kind.DEPENDENCY}))
_SECRET = _Form("secret_detection", "secret-detection", frozenset({Kind.SECRET}))


def _render(form: _Form, run: Run, verdict: Verdict) -> bytes:
    judged = judge(run, verdict)
    own = [one for one in judged if one.finding.kind in form.kinds]
    schemas = "https://gitlab.com/gitlab-org/security-products/security-report-schemas/-/raw"
    return to_json(
        {
            "version": VERSION,
            "schema": f"{schemas}/v{VERSION}/dist/{form.schema}-report-format.json",
            "scan": _scan(form, run, verdict, judged),
            "vulnerabilities": [_vulnerability(form, run, one) for one in own],
        }
    )


# The findings of code and configuration; of packages; of secrets. Each tells all gaps, and counts what it leaves out.
# Raises Error when the verdict says nothing about one of the findings.
render_sast = partial(_render, _SAST)
render_dependency = partial(_render, _DEPENDENCY)
render_secret = partial(_render, _SECRET)


def _scan(form: _Form, run: Run, verdict: Verdict, judged: tuple[Judged, ...]) -> _Json:
    """The scan failed when something was not looked at: GitLab's word for a result that is not to be relied on."""
    tool = {
        "id": OWN_NAME,
        "name": OWN_NAME,
        "version": run.hardgate_version or "unknown",
        "vendor": {"name": OWN_NAME},
    }
    messages = [
        {"level": "info" if complete(verdict) else "fatal", "value": verdict_line(verdict)},
        *({"level": "warn", "value": _gap(gap.message, gap.remedy)} for gap in verdict.gaps),
    ]
    if left := elsewhere(judged, form.kinds):
        messages.append({"level": "info", "value": left})
    return {
        "analyzer": tool,
        "scanner": tool,
        "type": form.type,
        "start_time": run.started[:_SECONDS],
        "end_time": finished(run, verdict)[:_SECONDS],
        "status": "success" if complete(verdict) else "failure",
        "messages": messages,
    }


def _gap(message: str, remedy: str) -> str:
    return flow(f"Not looked at: {message} {remedy}")


def _vulnerability(form: _Form, run: Run, judged: Judged) -> _Json:
    finding, decision = judged
    entry: _Json = {
        "id": uuid_of(run.pipeline, finding.id),
        "name": short(finding.rule, _NAME),
        "description": short(finding.message, _DESCRIPTION),
        "severity": finding.severity.capitalize(),
        "identifiers": _identifiers(finding),
        "location": _location(form, run, finding),
        "details": _details(judged),
    }
    if finding.fix.strip():
        entry["solution"] = short(finding.fix, _SOLUTION)
    if link := web_link(finding.url):
        entry["links"] = [{"url": link}]
    if finding.refuted:
        entry["flags"] = [_flag(finding, decision.because)]
    cvss = rated.cvss(finding.severity_from)
    if cvss and cvss.version in _VECTORS:
        entry["cvss_vectors"] = [{"vendor": "unknown", "vector": cvss.vector}]
    return entry


def _flag(finding: Finding, because: str) -> _Json:
    return {
        "type": "flagged-as-likely-false-positive",
        "origin": flow(finding.refuted),
        "description": short(because, _VALUE),
    }


def _details(judged: Judged) -> _Json:
    finding, decision = judged
    told = {
        "state": ("State", f"{decision.state}: {decision.because}"),
        "seen_by": ("Also seen by", ", ".join(also_seen_by(finding))),
        "confirmed": ("Shown by a test", proved(finding)),
        "imported": ("Imported by the application", used(finding)),
        "history": ("Only in the history, in commit", finding.location.commit),
        "id": ("Id in hardgate", finding.id),
    }
    return {
        key: {"name": name, "type": "text", "value": short(value, _VALUE)}
        for key, (name, value) in told.items()
        if value
    }


def _identifiers(finding: Finding) -> list[_Json]:
    """The first one is what GitLab tells findings apart by: the advisory of a package, else the tool's rule."""
    rule = _identifier(f"{finding.scanner}_rule", finding.rule, f"{finding.scanner} {finding.rule}")
    known = [_identifier(_type(one), one, one) for one in (advisory(finding), *aliases(finding)) if one in finding.ids]
    weaknesses = [
        {"type": "cwe", "name": one, "value": one.removeprefix("CWE-"), **_cwe_page(one)}
        for one in finding.cwe
        if one.removeprefix("CWE-")
    ]
    named = [*known, rule] if finding.kind is Kind.DEPENDENCY else [rule, *known]
    return [*named, *weaknesses]


def _identifier(kind: str, value: str, name: str) -> _Json:
    return {"type": kind, "name": short(name, _VALUE), "value": short(value, _VALUE, empty="no-rule")}


def _type(name: str) -> str:
    return flow(name).partition("-")[0].lower() or "advisory"


def _cwe_page(cwe: str) -> _Json:
    number = cwe.removeprefix("CWE-")
    known = number.isascii() and number.isdecimal()
    return {"url": f"https://cwe.mitre.org/data/definitions/{number}.html"} if known else {}


def _location(form: _Form, run: Run, finding: Finding) -> _Json:
    where, package = finding.location, finding.package
    file = {"file": plain(where.path) or "(no file)"}
    if form is _DEPENDENCY:
        name = {"name": flow(package.name) if package else flow(finding.rule)}
        return file | {"dependency": {"package": name, "version": flow(package.version) if package else ""}}
    lines: _Json = {} if where.line is None else {"start_line": where.line, "end_line": where.end_line or where.line}
    commit: _Json = {"commit": {"sha": where.commit or run.commit or _NO_COMMIT}} if form is _SECRET else {}
    return file | lines | commit
