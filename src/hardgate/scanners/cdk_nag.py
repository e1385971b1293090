"""cdk-nag: rules for AWS over the constructs of a CDK app, as the app's own synthesis reports them.

It is a library inside the app. So there is nothing for hardgate to start but the command that synthesises; and for
`hardgate ingest` the files that the synthesis left. Read are

- NagReport.json and .csv of 2.x (https://github.com/cdklabs/cdk-nag/blob/v2.38.2/src/nag-logger.ts);
- validation-report.json of the CDK, in which 3.x reports (policy-validation-report.json of older CDKs);
- *.metadata.json of the CDK, which alone tells what was acknowledged in 3.x.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import msgspec

from hardgate import described, strict
from hardgate.adapter import Canary, Scanner
from hardgate.errors import ReportError
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Report, Severity

_TOOL = "cdk-nag"
_HEAD = ["Rule ID", "Resource ID", "Compliance", "Exception Reason", "Rule Level", "Rule Info"]
_ACKNOWLEDGED = "aws:cdk:acknowledged-rules"
# The CDK's own check of templates, which reports beside cdk-nag whether that is there or not.
_OF_THE_CDK = "CloudFormation Validate"
_SEVERITIES = {
    "fatal": Severity.CRITICAL,
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "info": Severity.LOW,
}
_Word = Annotated[str, msgspec.Meta(min_length=1)]


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The command that synthesises and writes its reports, one JSON document behind the other, to `{report}` or to its
    standard output. `{root}` is the private copy of the tree; `exits` the exit codes after which they count.
    """

    command: Annotated[tuple[_Word, ...], msgspec.Meta(min_length=1)]
    exits: Annotated[tuple[int, ...], msgspec.Meta(min_length=1)] = (0,)


class _Line(msgspec.Struct, rename="camel"):
    rule_id: str
    resource_id: str
    compliance: str
    exception_reason: str
    rule_level: str
    rule_info: str


class _NagReport(msgspec.Struct):
    lines: list[_Line]


class _Template(msgspec.Struct, rename="camel"):
    template_path: str = ""


class _Construct(msgspec.Struct, rename="camel"):
    construct_path: str
    cloud_formation_resource: _Template | None = None


class _Violation(msgspec.Struct, rename="camel"):
    rule_name: str
    description: str
    violating_constructs: list[_Construct]
    severity: str = ""
    suggested_fix: str = ""


class _Summary(msgspec.Struct, rename="camel"):
    plugin_name: str
    status: str


class _Plugin(msgspec.Struct, rename="camel"):
    violations: list[_Violation]
    plugin_name: str = ""
    conclusion: str = ""
    summary: _Summary | None = None  # where older CDKs have name and conclusion


class _Validation(msgspec.Struct, rename="camel"):
    title: str
    plugin_reports: list[_Plugin]


class _Entry(msgspec.Struct):
    type: _Word
    data: Any = None


def parse(raw: bytes) -> Report:
    """One report; raises ReportError for anything that is not a whole one."""
    if raw.lstrip().startswith(b"Rule ID"):
        return _csv(raw)
    return _together(_documents(raw, joined=False))


def _joined(raw: bytes) -> Report:
    """The reports of one synthesis, one behind the other: one of them at least must tell what cdk-nag found."""
    documents = _documents(raw, joined=True)
    if not any(isinstance(one, _NagReport | _Validation) for one in documents):
        raise ReportError("the synthesis handed on no report of cdk-nag", hint="See docs/scanners/cdk-nag.md.")
    return _together(documents)


def _together(documents: list[Any]) -> Report:
    read = [_READERS[type(one)](one) for one in documents]
    findings = tuple(finding for report in read for finding in report.findings)
    return Report(findings=findings, gaps=tuple(gap for report in read for gap in report.gaps))


def _documents(raw: bytes, *, joined: bool) -> list[Any]:
    try:
        text = raw.decode().strip()
        found, at = [], 0
        while at < len(text):
            value, end = json.JSONDecoder().raw_decode(text, at)
            strict.once(text[at:end].encode())
            at = end
            found.append(_typed(value))
            at = len(text) - len(text[at:].lstrip())
    except (UnicodeDecodeError, ValueError, RecursionError, msgspec.ValidationError) as error:
        raise ReportError(f"cdk-nag's report ({len(raw)} bytes) is not whole: {error}") from error
    if not found or (len(found) > 1 and not joined):
        raise ReportError(f"cdk-nag's report has {len(found)} JSON documents, and shall have one")
    return found


def _typed(value: Any) -> Any:
    """A report by its shape; raises msgspec.ValidationError."""
    if isinstance(value, dict) and "lines" in value:
        return msgspec.convert(value, _NagReport)
    if isinstance(value, dict) and value and all(key.startswith("/") for key in value):
        return msgspec.convert(value, dict[str, list[_Entry]])
    return msgspec.convert(value, _Validation)


def _csv(raw: bytes) -> Report:
    """The CSV of 2.x. It is written line by line, so that half of one looks whole: that is always a gap."""
    try:
        rows = list(csv.reader(io.StringIO(raw.decode(), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ReportError(f"cdk-nag's CSV is not whole: {error}") from error
    if rows[0] != _HEAD or not raw.endswith(b"\n") or any(len(row) != len(_HEAD) for row in rows):
        raise ReportError("cdk-nag's CSV is not whole: it lacks its head, a column or the end of its last line")
    read = _lines(_NagReport([_Line(*row) for row in rows[1:]]))
    message = "cdk-nag's CSV does not tell where it ends: it may be the beginning of a report."
    remedy = "Have the app write JSON: reportFormats: [NagReportFormat.JSON]; and hand in that."
    return msgspec.structs.replace(
        read, gaps=(*read.gaps, Gap(reason=GapReason.REPORT_UNREADABLE, message=message, remedy=remedy))
    )


def _lines(report: _NagReport) -> Report:
    findings, gaps = list[Finding](), list[Gap]()
    for one in report.lines:
        if one.compliance in {"Non-Compliant", "Suppressed"}:
            told = f" (suppressed in the app: {one.exception_reason})" if one.compliance == "Suppressed" else ""
            message = f"{one.rule_info} ({one.resource_id}){told}"
            finding, unknown = _finding(one.rule_id, one.rule_level, message)
            findings.append(finding)
            gaps += unknown
        elif one.compliance not in {"Compliant", "N/A"}:
            # UNKNOWN: the rule could not be evaluated, mostly since a value is known only when the stack is deployed.
            message = f"cdk-nag could not judge {one.resource_id} by {one.rule_id}: {one.compliance}."
            remedy = "Give the construct a value that is known at synthesis, or judge what is deployed."
            gaps.append(Gap(reason=GapReason.FILE_UNREAD, message=message, remedy=remedy))
    if not report.lines:
        gaps.append(_nothing("cdk-nag's report has no line: no rule looked at anything."))
    return Report(findings=tuple(findings), gaps=tuple(gaps))


def _nothing(message: str) -> Gap:
    remedy = "See that the app adds a pack of cdk-nag, and docs/scanners/cdk-nag.md on what shows that it does."
    return Gap(reason=GapReason.RULES_EMPTY, message=message, remedy=remedy)


def _validation(report: _Validation) -> Report:
    findings, gaps = list[Finding](), list[Gap]()
    names = [_name(plugin) for plugin in report.plugin_reports]
    if not set(names) - {_OF_THE_CDK}:
        # A pack that finds nothing is not named, as is one that is not there.
        gaps.append(_nothing("The CDK's validation report names no pack of cdk-nag: nothing shows that one looked."))
    for name, plugin in zip(names, report.plugin_reports, strict=True):
        ended = plugin.conclusion or (plugin.summary.status if plugin.summary else "")
        if ended not in {"success", "failure"} or (ended == "failure" and not plugin.violations):
            message = f"{name} ended with {ended or 'no conclusion'} and names nothing that is wrong."
            gaps.append(Gap(reason=GapReason.TOOL_FAILED, message=message, remedy="See what the synthesis said."))
        for finding, unknown in _violations(name, plugin.violations):
            findings.append(finding)
            gaps += unknown
    return Report(findings=tuple(findings), gaps=tuple(gaps))


def _name(plugin: _Plugin) -> str:
    name = plugin.plugin_name or (plugin.summary.plugin_name if plugin.summary else "")
    if not name:
        raise ReportError("the CDK's validation report has a part that does not say which plugin wrote it")
    return name


def _violations(plugin: str, violations: Iterable[_Violation]) -> Iterator[tuple[Finding, list[Gap]]]:
    for one in violations:
        if not one.violating_constructs:
            yield _finding(one.rule_name, one.severity or "error", f"{one.description} ({plugin})")
        for construct in one.violating_constructs:
            template = construct.cloud_formation_resource
            message = f"{one.description} ({construct.construct_path})"
            finding, gaps = _finding(one.rule_name, one.severity or "error", message)
            place = Location(path=template.template_path if template else "")
            yield msgspec.structs.replace(finding, location=place, fix=one.suggested_fix), gaps


def _metadata(entries: dict[str, list[_Entry]]) -> Report:
    """What was acknowledged: in 3.x no report names it."""
    found = []
    for path, rows in entries.items():
        for row in rows:
            if row.type == _ACKNOWLEDGED:
                for rule, reason in _reasons(row.data).items():
                    message = f"Acknowledged in the app: {reason} ({path.lstrip('/')})"
                    finding, _ = _finding(rule.removeprefix("Annotation::"), "error", message)
                    found.append(msgspec.structs.replace(finding, severity_from="adapter"))
    return Report(findings=tuple(found))


def _reasons(data: Any) -> dict[str, str]:
    try:
        return msgspec.convert(data, dict[str, str])
    except msgspec.ValidationError as error:
        raise ReportError(f"the CDK's metadata of what was acknowledged cannot be read: {error}") from error


def _finding(rule: str, level: str, message: str) -> tuple[Finding, list[Gap]]:
    severity = _SEVERITIES.get(level.lower())
    gaps = []
    if severity is None:
        said = f"cdk-nag rates {rule} {level!r}, which hardgate does not know; it counts as high."
        remedy = f"Rate it in hardgate.yaml: severity: {{{rule}: low}}"
        gaps.append(Gap(reason=GapReason.SEVERITY_UNKNOWN, message=said, remedy=remedy))
    finding = Finding(
        scanner=_TOOL,
        rule=rule or "no-rule",
        kind=Kind.MISCONFIGURATION,
        severity=severity or Severity.HIGH,
        message=" ".join(message.split()),
        location=Location(path=""),
        url="https://github.com/cdklabs/cdk-nag/blob/main/RULES.md",
    )
    return finding, gaps


_READERS: dict[type, Any] = {_NagReport: _lines, _Validation: _validation, dict: _metadata}


def _fit(options: Options) -> Scanner:
    return dataclasses.replace(
        CDK_NAG,
        parse=_joined,
        done_exits=frozenset(options.exits),
        reads_file=described.reads_file(options.command),
    )


CDK_NAG = Scanner(
    name=_TOOL,
    kinds=frozenset({Kind.MISCONFIGURATION}),
    options=Options,
    argv=described.argv,
    parse=parse,
    done_exits=frozenset({0}),
    canary=Canary(files={}),
    # The app may read anything in the tree.
    selects=lambda _path: True,
    tool=described.tool,
    fit=_fit,
    reusable=False,
    seconds=20.0,
    memory=600_000_000,
)
