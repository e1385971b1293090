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
# Zizmor names no CWE, and a fix for some findings only: these are ours, after the page of each audit
# (https://docs.zizmor.sh/audits/).
_AUDITS = {
    "artipacked": ("CWE-522", "Give actions/checkout persist-credentials: false."),
    "bot-conditions": ("CWE-290", "Compare github.event.pull_request.user.login instead of github.actor."),
    "cache-poisoning": ("CWE-349", "Do not restore caches in a workflow that publishes."),
    "dangerous-triggers": ("CWE-349", "Use pull_request, or never check out or run what the pull request brings."),
    "excessive-permissions": ("CWE-250", "Write permissions: {} at the top, and give each job what it needs."),
    "github-env": ("CWE-94", "Write outputs instead of variables, or keep outside values out of them."),
    "hardcoded-container-credentials": ("CWE-798", "Revoke the password; use a secret of the repository."),
    "insecure-commands": ("CWE-94", "Take ACTIONS_ALLOW_UNSECURE_COMMANDS out."),
    "known-vulnerable-actions": ("CWE-1395", "Upgrade the action to a release that is mended."),
    "overprovisioned-secrets": ("CWE-250", "Name the secrets that the step needs instead of all."),
    "secrets-inherit": ("CWE-250", "Name the secrets that the called workflow needs instead of all."),
    "template-injection": ("CWE-94", "Put the expression into env: and use the variable in the script."),
    "unpinned-images": ("CWE-829", "Pin the image by its sha256 digest."),
    "unpinned-uses": ("CWE-829", "Pin the action to the full commit id, with its release as a comment."),
    "unredacted-secrets": ("CWE-532", "Store each value as a secret of its own instead of one JSON secret."),
}
# Zizmor's exit codes: 0 nothing found; 10 to 14 found, by the worst severity. 1 to 3 are failures.
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
    primary: bool = False  # of 1.0, which has no `kind`


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
    named = (one for one in audit.locations if one.symbolic.kind == "Primary" or one.symbolic.primary)
    primary = next(named, None) or next(iter(audit.locations), None)
    if primary is None:
        raise ReportError(f"zizmor's report does not say where finding {number} ({audit.ident}) is")
    span = primary.concrete.location
    note = primary.symbolic.annotation
    cwe, fix = _AUDITS.get(audit.ident, ("", ""))
    return Finding(
        scanner=_TOOL,
        rule=audit.ident,
        kind=Kind.MISCONFIGURATION,
        severity=_SEVERITIES.get(audit.determinations.severity, Severity.HIGH),
        message=_capital(f"{audit.desc}: {note}" if note else audit.desc),
        location=Location(
            path=_path(number, primary.symbolic.key),
            line=span.start_point.row + 1,
            end_line=span.end_point.row + 1,
        ),
        confidence=audit.determinations.confidence.lower(),
        cwe=(cwe,) if cwe else (),
        fix=fix or (_capital(audit.fixes[0].title) + "." if audit.fixes else ""),
        url=audit.url,
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _path(number: int, key: dict[str, Any]) -> str:
    local = key.get("Local")
    # `verbatim_path` in 1.32, `given_path` in 1.5, `path` in 1.0.
    names = ("verbatim_path", "given_path", "path")
    path = next((local[name] for name in names if name in local), None) if isinstance(local, dict) else None
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
