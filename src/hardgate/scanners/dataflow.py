"""dataflow: hardgate's own analysis of what request data reaches in Python code; see hardgate.dataflow.

It is part of hardgate, and runs as a process of its own like every other tool: a crash or a hang is a gap. Its rules
have the names, severities and words of the bundled Semgrep rules for the same weaknesses.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from hardgate.adapter import Canary, Job, Scanner, decode
from hardgate.errors import ReportError
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Refutation, Report, Severity

_TOOL = "dataflow"
_RULES = "semgrep.json"


class _Rule(msgspec.Struct):
    severity: Severity
    kind: Kind
    confidence: str
    cwe: list[str]
    fix: str
    url: str


class _Found(msgspec.Struct):
    rule: str
    path: str
    line: int
    end_line: int
    message: str


class _Unread(msgspec.Struct):
    path: str
    message: str


class _Report(msgspec.Struct):
    # Without defaults: a report that does not say what was read, or by which rules, is none.
    version: Literal[1]
    read: list[str]
    unread: list[_Unread]
    rules: dict[str, _Rule]
    findings: list[_Found]
    refuted: list[Refutation]


def _argv(job: Job) -> tuple[str, ...]:
    return (*job.command, "--rules", f"{job.rules}/{_RULES}", *job.args, ".")


def _parse(raw: bytes) -> Report:
    report = decode(raw, _Report, _TOOL)
    if not report.rules:
        raise ReportError("dataflow's report names no rule: it judged nothing")
    return Report(
        findings=tuple(_finding(one, report.rules) for one in report.findings),
        gaps=tuple(map(_unread, report.unread)),
        seen=frozenset(report.read),
        refuted=tuple(report.refuted),
    )


def _finding(one: _Found, rules: dict[str, _Rule]) -> Finding:
    rule = rules.get(one.rule)
    if rule is None:
        raise ReportError(f"dataflow's report has a finding of the rule {one.rule}, which it does not describe")
    return Finding(
        scanner=_TOOL,
        rule=one.rule,
        kind=rule.kind,
        severity=rule.severity,
        message=one.message,
        location=Location(path=one.path, line=one.line, end_line=one.end_line),
        confidence=rule.confidence,
        cwe=tuple(rule.cwe),
        fix=rule.fix,
        url=rule.url,
    )


def _unread(one: _Unread) -> Gap:
    return Gap(
        reason=GapReason.FILE_UNREAD,
        path=one.path,
        message=f"dataflow did not judge {one.path} whole: {one.message}.",
        remedy="Mend the file (it is read by the syntax of the Python that hardgate runs on), or exclude it.",
    )


DATAFLOW = Scanner(
    name=_TOOL,
    kinds=frozenset({Kind.CODE, Kind.SECRET, Kind.MISCONFIGURATION}),
    argv=_argv,
    parse=_parse,
    done_exits=frozenset({0}),
    canary=Canary(
        files={
            "canary.py": b"import flask\n\n\ndef given():\n    return flask.request.args['code']\n\n\n"
            b"def run():\n    return eval(given())\n"
        },
        rules=("python-code-injection",),
    ),
    selects=lambda path: path.endswith((".py", ".pyw")),
    uses_rules=True,
    seconds=4.0,
    memory=250_000_000,
)
