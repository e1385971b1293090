"""Schemathesis: an API that runs, held to its own OpenAPI document by requests that are made up.

Report: the JSON run report of Schemathesis 4.32 (`--report json`). It names failures by their codes and operations, and
holds nothing that was sent or answered.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import msgspec

from hardgate import described
from hardgate.adapter import brief, decode
from hardgate.errors import ReportError
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Report, Severity

_TOOL = "schemathesis"
# What hardgate takes its checks for (https://schemathesis.readthedocs.io/en/stable/reference/checks/); it names none.
_WEAKNESSES = {
    "ServerError": "CWE-755",
    "IgnoredAuth": "CWE-306",
    "ObjectLevelAuthorization": "CWE-639",
    "AcceptedNegativeData": "CWE-20",
    "MissingHeaderNotRejected": "CWE-20",
    "UseAfterFree": "CWE-672",
}
# Warnings that say nothing of what was tested.
_HARMLESS = frozenset({"constants_extraction", "unused_openapi_auth"})
_SHOWN = 5  # operations that a gap lists
_PHASES = frozenset({"examples", "coverage", "fuzzing", "stateful"})
_LEAVING = frozenset({"--checks", "-c", "--exclude-checks", "--warnings", "--mode", "-m", "--max-time"})
_DONE, _SKIPPED = frozenset({"success", "failure", "error", "skip"}), "skip"
# An OpenAPI document without examples, links or operations for a phase: there was nothing to leave out.
_IDLE = frozenset({None, "nothing_to_test", "not_applicable"})


class _Operations(msgspec.Struct):
    total: int
    selected: int
    tested: int
    errored: int
    skipped: int
    skip_reasons: list[str]


class _Phase(msgspec.Struct):
    status: str
    skip_reason: str | None


class _Cases(msgspec.Struct):
    generated: int
    unique_failures: int
    without_checks: int
    errored: int


class _Failure(msgspec.Struct):
    type: str
    code: str | None
    title: str
    severity: str
    count: int
    operations: list[str]


class _Error(msgspec.Struct):
    title: str
    count: int


class _Rates(msgspec.Struct):
    """What became of valid requests to an operation, in one phase."""

    accepted: int
    conflicts: int


class _Baseline(msgspec.Struct):
    known: int


class _Report(msgspec.Struct):
    schemathesis_version: str
    seed: int | None
    stop_reason: str
    complete: bool
    exit_code: int
    operations: _Operations | None
    phases: dict[str, _Phase] | None
    test_cases: _Cases
    failures: list[_Failure]
    errors: list[_Error]
    baseline: _Baseline | None
    filtered: int
    warnings: dict[str, list[str]]
    valid_rates: dict[str, dict[str, _Rates]]
    command: str


def _parse(raw: bytes) -> Report:
    report = decode(raw, _Report, _TOOL)
    _agree(report)
    findings = tuple(found for one in report.failures for found in _findings(one))
    gaps = (*_stopped(report), *_untested(report), *_errors(report), *_warned(report), *_silenced(report))
    gaps = (*gaps, *_refused(report), *_told(report.command))
    gaps = (*gaps, *(_unknown(one) for one in report.failures if one.severity not in set(Severity)))
    return Report(findings=findings, gaps=gaps, version=report.schemathesis_version)


def told_exit(raw: bytes) -> int:
    """The exit code that a report says Schemathesis ended with. Raises ReportError for what is no whole report."""
    return decode(raw, _Report, _TOOL).exit_code


def _agree(report: _Report) -> None:
    """Raise ReportError where the counts of a report are not those of what it lists: it was cut or edited."""
    listed, told = sum(one.count for one in report.failures), report.test_cases.unique_failures
    if listed != told or any(not one.operations for one in report.failures):
        raise ReportError(
            f"schemathesis's report counts {told} failures and lists {listed}: it was cut or edited",
            hint="Run schemathesis again, and read the file of `--report json`.",
        )
    if report.exit_code == 0 and (report.failures or report.errors):
        raise ReportError("schemathesis's report has failures, and the exit code of a run without any: it was edited")


def _findings(one: _Failure) -> Iterator[Finding]:
    """One for each operation in which a check failed."""
    # A word that is not known yet counts as high, beside its gap.
    severity = Severity(one.severity) if one.severity in set(Severity) else Severity.HIGH
    for operation in dict.fromkeys(one.operations):
        yield Finding(
            scanner=_TOOL,
            rule=one.code or one.type,
            kind=Kind.DYNAMIC,
            severity=severity,
            severity_from="tool",
            message=f"{operation}: {brief(one.title)} ({one.type})",
            location=Location(path=operation),
            cwe=(_WEAKNESSES[one.type],) if one.type in _WEAKNESSES else (),
            fix="Mend what answers there, or the document, where it is wrong. `st explain CODE` says more.",
        )


def _gap(message: str, remedy: str, reason: GapReason = GapReason.NOT_COVERED) -> Gap:
    return Gap(reason=reason, message=message, remedy=remedy)


def _unknown(one: _Failure) -> Gap:
    message = f"schemathesis rates {one.type} as {one.severity!r}, which hardgate does not know; it counts as high"
    return _gap(message, "Look for a newer hardgate, or rate the rule under `severity`.", GapReason.SEVERITY_UNKNOWN)


def _stopped(report: _Report) -> Iterator[Gap]:
    """What kept the run from its end."""
    if not report.complete or report.stop_reason != "completed":
        message = f"schemathesis did not come to its end: {brief(report.stop_reason)}"
        yield _gap(message, "See whether the application runs; give it longer.", GapReason.TOOL_FAILED)
    if report.phases is None:
        yield _gap("schemathesis began no phase of its tests", "See its log.", GapReason.TOOL_FAILED)
    if absent := _PHASES.difference(report.phases or _PHASES):
        yield _gap(f"schemathesis does not tell of the phase {' and '.join(sorted(absent))}", "Have all phases run.")
    for name, phase in (report.phases or {}).items():
        if phase.status not in _DONE:
            yield _gap(f"the phase {name} ended as {phase.status}", "Run it again.", GapReason.TOOL_FAILED)
        if phase.status == _SKIPPED and phase.skip_reason not in _IDLE:
            yield _gap(f"the phase {name} was left out: {phase.skip_reason}", "Have all phases run.")


def _untested(report: _Report) -> Iterator[Gap]:
    """Operations that nothing was sent to, or of which no answer was judged."""
    count, cases = report.operations, report.test_cases
    if count is None or not count.tested or not cases.generated:
        yield _gap("schemathesis tested no operation", "See whether the document is the right one.")
    if count is not None and count.selected < count.total:
        yield _gap(
            f"{count.total - count.selected} of {count.total} operations were left out", "Have all of them tested."
        )
    if count is not None and count.tested < count.selected:
        why = ", ".join(map(brief, count.skip_reasons)) or "for no reason that it tells"
        yield _gap(
            f"{count.selected - count.tested} of {count.selected} operations were not tested: {why}", "See its log."
        )
    if cases.errored:
        yield _gap(
            f"{cases.errored} requests got no answer",
            "See its log, and that of the application.",
            GapReason.TOOL_FAILED,
        )
    if cases.without_checks:
        yield _gap(f"{cases.without_checks} answers were judged by no check", "Do not leave checks out.")


def _refused(report: _Report) -> Iterator[Gap]:
    """Operations that took nothing of what the document allows: what lies behind the refusal was not tested.

    The warnings tell the same of some answers, and can be turned off.
    """
    took = {
        name
        for name, phases in report.valid_rates.items()
        if any(one.accepted + one.conflicts for one in phases.values())
    }
    tested = report.operations.tested if report.operations else 0
    if len(took) < tested:
        message = f"{tested - len(took)} of {tested} operations took no valid request: what they do was not tested"
        yield _gap(message, "Give it what it lacks: a login (`headers`), examples in the document, the right address.")


def _told(command: str) -> Iterator[Gap]:
    """Words by which Schemathesis leaves something out and its report does not say so."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    for word in dict.fromkeys(one for one in map(option, words) if one in _LEAVING):
        yield _gap(f"schemathesis was told {word}: what that leaves out, its report does not tell", "Run it without.")


def option(word: str) -> str:
    """The option that a word is, without a value that it has with it: `--mode=all`, `-mall`."""
    return word.partition("=")[0] if word.startswith("--") else word[:2]


def _errors(report: _Report) -> Iterator[Gap]:
    for one in report.errors:
        times = f", {one.count} times" if one.count > 1 else ""
        message = f"schemathesis could not test all: {brief(one.title)}{times}"
        yield _gap(message, "See its log for the operation, and mend the document.", GapReason.TOOL_FAILED)


def _warned(report: _Report) -> Iterator[Gap]:
    """What was tested in name only, such as an operation that refused every request for want of a login."""
    for word, operations in report.warnings.items():
        if operations and word not in _HARMLESS:
            more = f" and {len(operations) - _SHOWN} more" if len(operations) > _SHOWN else ""
            message = f"schemathesis warns of {word}: {', '.join(map(brief, operations[:_SHOWN]))}{more}"
            yield _gap(message, "Give it what it lacks: a login (`headers`), examples in the document.")


def _silenced(report: _Report) -> Iterator[Gap]:
    known = report.filtered + (report.baseline.known if report.baseline else 0)
    if known:
        yield _gap(f"{known} failures were left out of schemathesis's report", "Waive them in hardgate.yaml instead.")


SCHEMATHESIS = described.scanner(_TOOL, frozenset({Kind.DYNAMIC}), _parse)
