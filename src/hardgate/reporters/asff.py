"""AWS Security Finding Format, as the request of BatchImportFindings: what Security Hub is told.

The fields and their limits are those of https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSecurityFinding.html,
the types those of
https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format-type-taxonomy.html.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from hardgate import rated
from hardgate.model import Finding, Gap, Kind, Outcome, Run, Severity, State, Verdict
from hardgate.outward import OWN_NAME, advisory, aliases, finished, short, states, verdict_line
from hardgate.proven import proved, sourced, used
from hardgate.wording import Judged, also_seen_by, judge, place, to_json, web_link

_Json = dict[str, object]

# A report knows no AWS account: whoever sends it sets these. Security Hub refuses findings of another account.
NO_ACCOUNT = "000000000000"
NO_REGION = "us-east-1"

_SCHEMA = "2018-10-08"
_TITLE, _DESCRIPTION, _RECOMMENDATION, _ID, _NOTE, _VALUE = 256, 1024, 512, 512, 512, 1024
_MESSAGE, _BECAUSE = 640, 256  # of a description: the rest is for who else saw it
_LISTED = 20  # of names and addresses in one finding: 240 KB hold many times as much
_LABELS = {
    Severity.CRITICAL: ("CRITICAL", 90),
    Severity.HIGH: ("HIGH", 70),
    Severity.MEDIUM: ("MEDIUM", 40),
    Severity.LOW: ("LOW", 1),
    Severity.INFO: ("INFORMATIONAL", 0),
}
_CHECKS = "Software and Configuration Checks"
# A path of the taxonomy may end early; only this namespace has classifiers.
_TYPES = {
    Kind.SECRET: ("Sensitive Data Identifications/Passwords", f"{_CHECKS}/Vulnerabilities"),
    Kind.DEPENDENCY: (f"{_CHECKS}/Vulnerabilities/CVE",),
    Kind.CODE: (f"{_CHECKS}/Vulnerabilities",),
    Kind.MISCONFIGURATION: (_CHECKS,),
    Kind.LICENCE: (_CHECKS,),
    Kind.DYNAMIC: (f"{_CHECKS}/Vulnerabilities",),
}
_COMPLIANCE = {Outcome.PASS: "PASSED", Outcome.FAIL: "FAILED", Outcome.INCOMPLETE: "NOT_AVAILABLE"}


def render(run: Run, verdict: Verdict) -> bytes:
    """The request of BatchImportFindings with all findings, gaps and the verdict; batches of 100 are the sender's.

    Raises Error when the verdict says nothing about one of the findings.
    """
    return to_json({"Findings": findings(run, verdict)})


def findings(run: Run, verdict: Verdict, *, account: str = NO_ACCOUNT, region: str = NO_REGION) -> list[_Json]:
    """One AwsSecurityFinding for the verdict, for each gap and for each finding, for an account and a region.

    Raises Error when the verdict says nothing about one of the findings.
    """
    judged = judge(run, verdict)
    own = {
        "SchemaVersion": _SCHEMA,
        "ProductArn": f"arn:aws:securityhub:{region}:{account}:product/{account}/default",
        "AwsAccountId": account,
        "CreatedAt": run.started,
        "UpdatedAt": verdict.judged_at,
        "LastObservedAt": finished(run, verdict),
    }
    gaps = [own | _gap(run, gap, name) for name, gap in _named(verdict).items()]
    return [own | _verdict(run, verdict, judged), *gaps, *(own | _finding(run, one) for one in judged)]


def _id(run: Run, *parts: str) -> str:
    """Unique in an account as long as the names of its pipelines are: a finding of the same id overwrites another."""
    name = "/".join((OWN_NAME, run.pipeline, *parts))
    fits = len(name) <= _ID and name.isascii() and name.isprintable()
    return name if fits else f"{OWN_NAME}/{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _severity(severity: Severity, original: str) -> _Json:
    """`Severity` and what Security Hub keeps as the provider's own."""
    label, number = _LABELS[severity]
    return {"Severity": {"Label": label, "Normalized": number, "Original": original}}


def _fields(run: Run, more: Mapping[str, str]) -> dict[str, str]:
    own = {"Run": run.id, "Pipeline": run.pipeline, "Commit": run.commit, "Tree": run.tree}
    return {f"{OWN_NAME}/{key}": short(value, _VALUE) for key, value in (own | dict(more)).items() if value.strip()}


def _finding(run: Run, judged: Judged) -> _Json:
    finding, decision = judged
    waived = decision.state is State.WAIVED
    types = list(_TYPES[finding.kind])
    severity = _severity(finding.severity, finding.severity)
    label = _LABELS[finding.severity][0]
    entry: _Json = {
        "Id": _id(run, finding.id),
        "GeneratorId": short(f"{OWN_NAME}/{finding.scanner}/{finding.rule}", _ID),
        "Types": types,
        "Title": short(f"{finding.rule} in {place(finding.location)}: {finding.message}", _TITLE),
        "Description": _description(judged),
        **severity,
        "FindingProviderFields": {"Severity": {"Label": label, "Original": finding.severity}, "Types": types},
        "Resources": [_resource(run, finding)],
        "ProductFields": _fields(run, _told(judged)),
        "RecordState": "ARCHIVED" if waived else "ACTIVE",
        "Workflow": {"Status": "SUPPRESSED" if waived else "NEW"},
        **_remedy(finding.fix, finding.url),
        **_problem(finding),
    }
    if waived:
        text = short(decision.because, _NOTE)
        entry["Note"] = {"Text": text, "UpdatedBy": OWN_NAME, "UpdatedAt": run.finished or run.started}
    return entry


def _description(judged: Judged) -> str:
    finding, decision = judged
    also = ", ".join(also_seen_by(finding))
    said = [
        short(finding.message, _MESSAGE),
        f"[{decision.state}: {short(decision.because, _BECAUSE)}]",
        *(f"[{short(one, _BECAUSE)}]" for one in sourced(finding)),
        f"Also seen by {also}." if also else "",
    ]
    return short(" ".join(filter(None, said)), _DESCRIPTION)


def _told(judged: Judged) -> dict[str, str]:
    finding, decision = judged
    return {
        "Id": finding.id,
        "State": decision.state,
        "Because": decision.because,
        "Kind": finding.kind,
        "Scanner": finding.scanner,
        "Rule": finding.rule,
        "Action": finding.action,
        "SeverityFrom": finding.severity_from,
        "Cwe": " ".join(finding.cwe[:_LISTED]),
        "AlsoSeenBy": " ".join(also_seen_by(finding)),
        "Refuted": finding.refuted,
        "Confirmed": proved(finding),
        "Imported": used(finding),
    }


def _resource(run: Run, finding: Finding) -> _Json:
    """One resource, of the type Other: the file, in the repository that the pipeline is for."""
    where = finding.location
    details = {"Pipeline": run.pipeline, "Path": where.path, "Commit": where.commit or run.commit}
    if where.line is not None:
        details["Line"] = str(where.line)
    if finding.package:
        details |= {"Package": finding.package.name, "Version": finding.package.version, "Purl": finding.package.purl}
    shown = {key: short(value, _VALUE) for key, value in details.items() if value.strip()}
    return {"Type": "Other", "Id": short(f"{run.pipeline}/{where.path}", _ID), "Details": {"Other": shown}}


def _link(url: str) -> str:
    """An address that is whole: half of one leads elsewhere."""
    return web_link(url) if len(url) <= _VALUE else ""


def _remedy(fix: str, url: str) -> _Json:
    link = _link(url)
    entry: _Json = {"Text": short(fix, _RECOMMENDATION)} if fix.strip() else {}
    entry |= {"Url": link} if link else {}
    source: _Json = {"SourceUrl": link} if link else {}
    return source | ({"Remediation": {"Recommendation": entry}} if entry else {})


def _problem(finding: Finding) -> _Json:
    """What ASFF has for the kind of problem: Vulnerabilities of packages and code, Compliance of settings."""
    if finding.kind is Kind.MISCONFIGURATION:
        return {"Compliance": {"Status": "FAILED"}}
    if finding.kind is Kind.DEPENDENCY:
        return {"Vulnerabilities": [_vulnerability(finding)]}
    return {"Vulnerabilities": [_code(finding)]} if finding.kind is Kind.CODE and finding.location.path else {}


def _vulnerability(finding: Finding) -> _Json:
    package, cvss = finding.package, rated.cvss(finding.severity_from)
    entry: _Json = {
        "Id": short(advisory(finding), _VALUE),
        "FixAvailable": "YES" if package and package.fixed else "NO",
    }
    if others := aliases(finding)[:_LISTED]:
        entry["RelatedVulnerabilities"] = [short(one, _VALUE) for one in others]
    if link := _link(finding.url):
        entry["ReferenceUrls"] = [link]
    if package:
        named = {
            "Name": package.name,
            "Version": package.version,
            "PackageManager": package.ecosystem,
            "FilePath": finding.location.path,
            "FixedInVersion": ", ".join(package.fixed[:_LISTED]),
        }
        entry["VulnerablePackages"] = [{key: short(one, _VALUE) for key, one in named.items() if one.strip()}]
    if cvss:
        entry["Cvss"] = [{"Version": cvss.version, "BaseScore": cvss.score, "BaseVector": cvss.vector}]
    if rated.exploited(finding.severity_from):
        entry["ExploitAvailable"] = "YES"
    if (epss := rated.epss(finding.severity_from)) is not None:
        entry["EpssScore"] = epss
    return entry


def _code(finding: Finding) -> _Json:
    where = finding.location
    file: _Json = {
        "FilePath": short(where.path, _VALUE),
        "FileName": short(where.path.rpartition("/")[2], _VALUE, empty=short(where.path, _VALUE)),
    }
    if where.line is not None:
        file |= {"StartLine": where.line, "EndLine": where.end_line or where.line}
    cwes = [short(one, _VALUE) for one in finding.cwe[:_LISTED]]
    return {
        "Id": short(finding.rule, _VALUE),
        "CodeVulnerabilities": [{"FilePath": file, **({"Cwes": cwes} if cwes else {})}],
    }


def _named(verdict: Verdict) -> dict[str, Gap]:
    """Gaps by a name of their own: what they say, and a number where two say the same."""
    named: dict[str, Gap] = {}
    seen: dict[str, int] = {}
    for gap in verdict.gaps:
        words = "\0".join((gap.reason, gap.action, gap.path, gap.message))
        name = hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        seen[name] = seen.get(name, 0) + 1
        named[name if seen[name] == 1 else f"{name}-{seen[name]}"] = gap
    return named


def _own(run: Run, severity: Severity, state: str) -> _Json:
    """What the verdict and the gaps have in common."""
    return {
        "Types": [_CHECKS],
        **_severity(severity, state),
        "FindingProviderFields": {"Severity": {"Label": _LABELS[severity][0], "Original": state}, "Types": [_CHECKS]},
        "Resources": [{"Type": "Other", "Id": short(run.pipeline, _ID)}],
        "RecordState": "ACTIVE",
        "Workflow": {"Status": "NEW"},
    }


def _gap(run: Run, gap: Gap, name: str) -> _Json:
    reason = {"ReasonCode": gap.reason.upper().replace("-", "_"), "Description": short(gap.message, _VALUE)}
    told = {"State": "gap", "Reason": gap.reason, "Action": gap.action, "Path": gap.path}
    return {
        "Id": _id(run, "gap", name),
        "GeneratorId": f"{OWN_NAME}/gap/{gap.reason}",
        "Title": short(f"Not looked at ({gap.reason}): {gap.message}", _TITLE),
        "Description": short(f"{gap.message} What was not looked at is no pass.", _DESCRIPTION),
        **_own(run, Severity.HIGH, gap.reason),
        "Compliance": {"Status": "NOT_AVAILABLE", "StatusReasons": [reason]},
        "ProductFields": _fields(run, told),
        **_remedy(gap.remedy, ""),
    }


def _verdict(run: Run, verdict: Verdict, judged: tuple[Judged, ...]) -> _Json:
    severity = Severity.INFO if verdict.outcome is Outcome.PASS else Severity.HIGH
    return {
        "Id": _id(run, "verdict"),
        "GeneratorId": f"{OWN_NAME}/verdict",
        "Title": short(f"{run.pipeline}: {verdict_line(verdict)}", _TITLE),
        "Description": short(f"{verdict_line(verdict)} {states(judged)}, {len(verdict.gaps):,} gaps.", _DESCRIPTION),
        **_own(run, severity, verdict.outcome),
        "Compliance": {"Status": _COMPLIANCE[verdict.outcome]},
        "ProductFields": _fields(run, {"State": "verdict", "Outcome": verdict.outcome}),
    }
