"""CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/) with vulnerabilities: the packages that findings are about.

It is no inventory: a package without a finding is not in it, and it says so. cyclonedx and sbom-audit make inventories.
"""

from __future__ import annotations

import re

from hardgate import rated
from hardgate.model import Decision, Finding, Kind, Package, Run, State, Verdict
from hardgate.outward import (
    OWN_NAME,
    advisory,
    aliases,
    complete,
    elsewhere,
    finished,
    short,
    states,
    uuid_of,
    verdict_line,
)
from hardgate.proven import used
from hardgate.wording import Judged, also_seen_by, flow, judge, place, to_json, web_link

_Json = dict[str, object]

_ROOT = "root"
_VERSION = 1024
_METHODS = {"2.0": "CVSSv2", "3.0": "CVSSv3", "3.1": "CVSSv31", "4.0": "CVSSv4"}
_CWE = re.compile(r"CWE-([1-9][0-9]*)")
# CycloneDX has no state for a risk that was accepted: it may be exploitable, and nobody will mend it for now.
_ANALYSIS: dict[State, _Json] = {
    State.WAIVED: {"state": "exploitable", "response": ["will_not_fix"]},
    State.BLOCKING: {"state": "in_triage"},
    State.INFORMING: {"state": "in_triage"},
}


def render(run: Run, verdict: Verdict) -> bytes:
    """The findings about packages as vulnerabilities; gaps and what is left out as annotations.

    Raises Error when the verdict says nothing about one of the findings.
    """
    judged = judge(run, verdict)
    own = [one for one in judged if one.finding.kind is Kind.DEPENDENCY]
    packages = {_ref(one.finding): one.finding for one in own}
    return to_json(
        {
            "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": f"urn:uuid:{uuid_of(run.id, verdict.judged_at)}",
            "version": 1,
            "metadata": _metadata(run, verdict, judged),
            "components": [_component(ref, finding) for ref, finding in sorted(packages.items())],
            "vulnerabilities": [_vulnerability(one) for one in own],
            "compositions": _compositions(verdict, own),
            "annotations": _annotations(run, verdict, judged),
        }
    )


def _metadata(run: Run, verdict: Verdict, judged: tuple[Judged, ...]) -> _Json:
    told = {
        "outcome": verdict.outcome,
        "findings": states(judged),
        "gaps": str(len(verdict.gaps)),
        "run": run.id,
        "commit": run.commit,
        "tree": run.tree,
    }
    return {
        "timestamp": finished(run, verdict),
        "tools": {"components": [_self(run)]},
        "component": {"type": "application", "bom-ref": _ROOT, "name": run.pipeline, "version": run.commit},
        "properties": _properties(told),
    }


def _self(run: Run) -> _Json:
    return {"type": "application", "name": OWN_NAME, "version": run.hardgate_version}


def _properties(told: dict[str, str]) -> list[_Json]:
    return [{"name": f"{OWN_NAME}:{name}", "value": flow(value)} for name, value in told.items() if value]


def _package(finding: Finding) -> Package:
    """The package, or for a finding that names none the file that it is in."""
    return finding.package or Package(ecosystem="", name=finding.location.path or "(no file)", version="")


def _cut(version: str) -> str:
    """The schema takes 1,024 characters of a version."""
    return short(version, _VERSION, empty="")


def _ref(finding: Finding) -> str:
    package = _package(finding)
    return f"pkg-{uuid_of(package.ecosystem, package.name, package.version, package.purl)}"


def _component(ref: str, finding: Finding) -> _Json:
    package = _package(finding)
    purl = {"purl": flow(package.purl)} if package.purl else {}
    ecosystem = _properties({"ecosystem": package.ecosystem})
    return {
        "type": "library" if finding.package else "file",
        "bom-ref": ref,
        "name": flow(package.name),
        "version": _cut(package.version),
        **purl,
        **({"properties": ecosystem} if ecosystem else {}),
    }


def _vulnerability(judged: Judged) -> _Json:
    finding, decision = judged
    cwes = [int(match[1]) for one in finding.cwe if (match := _CWE.fullmatch(one))]
    link = web_link(finding.url)
    entry: _Json = {
        "bom-ref": finding.id,
        "id": flow(advisory(finding)),
        "source": {"name": finding.scanner},
        "references": [{"id": flow(one), "source": {"name": finding.scanner}} for one in aliases(finding)],
        "ratings": [_rating(finding)],
        "cwes": list(dict.fromkeys(cwes)),
        "description": flow(finding.message),
        "analysis": _ANALYSIS[decision.state] | {"detail": flow(f"{decision.state}: {decision.because}")},
        "affects": [{"ref": _ref(finding), "versions": [_version(finding)]}],
        "properties": _told(finding, decision),
    }
    entry |= {"recommendation": flow(finding.fix)} if finding.fix.strip() else {}
    return entry | ({"advisories": [{"url": link}]} if link else {})


def _version(finding: Finding) -> _Json:
    return {"version": _cut(_package(finding).version), "status": "affected"}


def _rating(finding: Finding) -> _Json:
    rating: _Json = {
        "source": {"name": rated.source(finding.severity_from)},
        "severity": finding.severity,
    }
    if cvss := rated.cvss(finding.severity_from):
        rating |= {"score": cvss.score, "method": _METHODS.get(cvss.version, "other"), "vector": cvss.vector}
    return rating


def _told(finding: Finding, decision: Decision) -> list[_Json]:
    return _properties(
        {
            "state": decision.state,
            "place": place(finding.location),
            "rule": finding.rule,
            "action": finding.action,
            "fixed": ", ".join(finding.package.fixed) if finding.package else "",
            "seen_by": ", ".join(also_seen_by(finding)),
            "exploited": rated.EXPLOITED if rated.exploited(finding.severity_from) else "",
            "refuted": finding.refuted,
            "imported": used(finding),
        }
    )


def _compositions(verdict: Verdict, own: list[Judged]) -> list[_Json]:
    """Packages without a finding are not listed; vulnerabilities may be missing where something was not looked at."""
    known = "unknown" if complete(verdict) else "incomplete"
    parts: list[_Json] = [{"bom-ref": "packages", "aggregate": "incomplete", "assemblies": [_ROOT]}]
    refs = [one.finding.id for one in own]
    return [*parts, {"bom-ref": "vulnerabilities", "aggregate": known, "vulnerabilities": refs}]


def _annotations(run: Run, verdict: Verdict, judged: tuple[Judged, ...]) -> list[_Json]:
    said = [
        ("verdict", verdict_line(verdict)),
        ("left-out", elsewhere(judged, {Kind.DEPENDENCY})),
        *((f"gap-{number}", f"Not looked at ({gap.reason}): {gap.message} {gap.remedy}")
          for number, gap in enumerate(verdict.gaps, 1)),
    ]  # fmt: skip
    return [
        {
            "bom-ref": name,
            "subjects": [_ROOT],
            "annotator": {"component": _self(run)},
            "timestamp": verdict.judged_at,
            "text": flow(text),
        }
        for name, text in said
        if text
    ]
