"""Zizmor: GitHub Actions workflows, composite actions and Dependabot settings.

Report: https://docs.zizmor.sh/usage/#output-formats (`--format json`, a bare list, "v1"), read in the shape of 1.x.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from hardgate.adapter import Canary, Job, Scanner, decode, refuse_empty
from hardgate.errors import ReportError
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Report, Severity

_TOOL = "zizmor"
_SEVERITIES = {
    "Informational": Severity.INFO,
    "Low": Severity.LOW,
    "Medium": Severity.MEDIUM,
    "High": Severity.HIGH,
}
# Zizmor names no CWE: these are ours, chosen after the page of each audit (https://docs.zizmor.sh/audits/).
_CWES = {
    "artipacked": "CWE-522",
    "bot-conditions": "CWE-290",
    "cache-poisoning": "CWE-349",
    "dangerous-triggers": "CWE-349",
    "excessive-permissions": "CWE-250",
    "github-env": "CWE-94",
    "hardcoded-container-credentials": "CWE-798",
    "insecure-commands": "CWE-94",
    "known-vulnerable-actions": "CWE-1395",
    "overprovisioned-secrets": "CWE-250",
    "secrets-inherit": "CWE-250",
    "template-injection": "CWE-94",
    "unpinned-images": "CWE-829",
    "unpinned-uses": "CWE-829",
    "unredacted-secrets": "CWE-532",
}
# Zizmor's exit codes: 0 nothing found, 10 (before 1.0), 11 to 14 found, by the worst severity; 1 to 3 are failures.
_DONE = frozenset({0, 10, 11, 12, 13, 14})
_READ = re.compile(r"(?:.*/)?(?:\.github/workflows/[^/]+|\.github/dependabot|action)\.ya?ml")


class _Determinations(msgspec.Struct):
    confidence: str
    severity: str


class _Point(msgspec.Struct):
    row: int  # counts from 0


class _Span(msgspec.Struct):
    start_point: _Point
    end_point: _Point


class _Concrete(msgspec.Struct):
    location: _Span


class _Symbolic(msgspec.Struct):
    key: dict[str, Any]
    annotation: str
    kind: str = ""


class _Place(msgspec.Struct):
    symbolic: _Symbolic
    concrete: _Concrete


class _Fix(msgspec.Struct):
    title: str


class _Audit(msgspec.Struct):
    ident: str
    desc: str
    url: str
    determinations: _Determinations
    locations: list[_Place]
    fixes: list[_Fix] = []


def _argv(job: Job) -> tuple[str, ...]:
    # --strict-collection: a workflow that zizmor cannot read ends the run, instead of a warning on standard error and
    # no word in the report. `./` keeps a path from being taken for a repository on GitHub.
    inline = () if job.honour_inline else ("--no-ignores",)
    own = () if job.honour_config else ("--no-config",)
    return (
        *job.command, "--offline", "--format", "json", "--persona", "regular", "--strict-collection", "--no-progress",
        "--color", "never", *own, *inline, *job.args, "--", *(f"./{path}" for path in job.files),
    )  # fmt: skip


def _parse(raw: bytes) -> Report:
    audits = refuse_empty(decode(raw, list[_Audit], _TOOL), _TOOL)
    return Report(
        findings=tuple(_finding(number, audit) for number, audit in enumerate(audits, 1)),
        gaps=tuple(gap for audit in audits for gap in _unrated(audit)),
    )


def _finding(number: int, audit: _Audit) -> Finding:
    # One location is the primary one; what is "Related" or "Hidden" gives the surroundings.
    primary = next((one for one in audit.locations if one.symbolic.kind == "Primary"), None) or next(
        iter(audit.locations), None
    )
    if primary is None:
        raise ReportError(f"zizmor's report does not say where finding {number} ({audit.ident}) is")
    span = primary.concrete.location
    note = primary.symbolic.annotation
    return Finding(
        scanner=_TOOL,
        rule=audit.ident,
        kind=Kind.MISCONFIGURATION,
        severity=_SEVERITIES.get(audit.determinations.severity, Severity.HIGH),
        message=f"{audit.desc}: {note}" if note else audit.desc,
        location=Location(
            path=_path(number, primary.symbolic.key),
            line=span.start_point.row + 1,
            end_line=span.end_point.row + 1,
        ),
        confidence=audit.determinations.confidence.lower(),
        cwe=(_CWES[audit.ident],) if audit.ident in _CWES else (),
        fix=_sentence(audit.fixes[0].title) if audit.fixes else "",
        url=audit.url,
    )


def _sentence(title: str) -> str:
    return title[:1].upper() + title[1:] + "."


def _path(number: int, key: dict[str, Any]) -> str:
    local = key.get("Local")
    # `verbatim_path` since 1.25, `given_path` in earlier releases of 1.x.
    path = local.get("verbatim_path", local.get("given_path")) if isinstance(local, dict) else None
    if not isinstance(path, str):
        raise ReportError(f"zizmor's report does not name the file of finding {number}")
    return path


def _unrated(audit: _Audit) -> tuple[Gap, ...]:
    word = audit.determinations.severity
    if word in _SEVERITIES:
        return ()
    message = f"zizmor rates {audit.ident} {word!r}, which hardgate does not know; it counts as high."
    remedy = f"Rate it in hardgate.yaml: severity: {{{audit.ident}: medium}}"
    return (Gap(reason=GapReason.SEVERITY_UNKNOWN, message=message, remedy=remedy),)


_CANARY = b"""\
on: issues
permissions: {}
jobs:
  canary:
    runs-on: ubuntu-latest
    permissions: {}
    steps:
      - run: echo "${{ github.event.issue.title }}"
"""

ZIZMOR = Scanner(
    name=_TOOL,
    kinds=frozenset({Kind.MISCONFIGURATION}),
    argv=_argv,
    parse=_parse,
    done_exits=_DONE,
    canary=Canary(files={".github/workflows/canary.yml": _CANARY}, rules=("template-injection",)),
    selects=lambda path: bool(_READ.fullmatch(path)),
    configs=lambda path: path.removeprefix(".github/") in {"zizmor.yml", "zizmor.yaml"},
    planted=True,
    seconds=0.4,
    memory=80_000_000,
)
