"""Code Climate issues as one JSON array, which is also the Code Quality report of GitLab.

The fields are those of https://github.com/codeclimate/platform/blob/master/spec/analyzers/SPEC.md#issues, of which
GitLab reads some (https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format). The format has no word
for "waived" or "not looked at": such issues say it in their first word.
"""

from __future__ import annotations

from typing import assert_never

from hardgate.model import Finding, Gap, Run, Severity, State, Verdict
from hardgate.outward import short, uuid_of, verdict_line
from hardgate.proven import sourced
from hardgate.wording import Judged, also_seen_by, flow, judge, plain, to_json

_Json = dict[str, object]

_SEVERITIES = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.INFO: "info",
}
_DESCRIPTION = 400  # a line of a merge request; the specification would have it under 70
_PARAGRAPH = 10_000
_NO_FILE = "hardgate.yaml"  # an issue must be in a file; what is in none is about the pipeline


def render(run: Run, verdict: Verdict) -> bytes:
    """Every gap as a blocker, then every finding, the worst first; an empty array for a run that found nothing.

    Raises Error when the verdict says nothing about one of the findings.
    """
    judged = judge(run, verdict)
    gaps = [_gap(gap, number) for number, gap in enumerate(verdict.gaps, 1)]
    return to_json([*_override(verdict), *gaps, *map(_finding, judged)])


def _override(verdict: Verdict) -> list[_Json]:
    """The override that opened this gate, as an issue of its own: the format has no place for a verdict."""
    if verdict.override is None:
        return []
    said, name = verdict_line(verdict), uuid_of("override", verdict.override.id)
    return [_issue("override", "info", said, [said], name) | _place("", None, None)]


def _issue(check: str, severity: str, text: str, details: list[str], fingerprint: str) -> _Json:
    body = "\n\n".join(_no_html(short(one, _PARAGRAPH)) for one in details if one.strip())
    return {
        "type": "issue",
        "check_name": flow(check) or "no-rule",
        "description": short(_no_html(flow(text)), _DESCRIPTION),
        "content": {"body": body},
        "categories": ["Security"],
        "severity": severity,
        "fingerprint": fingerprint,
    }


def _no_html(text: str) -> str:
    """A description has no HTML, and a body is Markdown: neither begins a tag."""
    return text.replace("<", "‹").replace(">", "›")  # noqa: RUF001 (quotation marks that look like them)


def _place(path: str, line: int | None, end: int | None) -> _Json:
    first = line or 1
    return {"location": {"path": plain(path) or _NO_FILE, "lines": {"begin": first, "end": max(end or first, first)}}}


def _gap(gap: Gap, number: int) -> _Json:
    """The number keeps two gaps that say the same apart: GitLab shows one issue for a fingerprint."""
    text = f"INCOMPLETE: not looked at ({gap.reason}): {gap.message}"
    fingerprint = uuid_of("gap", str(number), gap.reason, gap.action, gap.path, gap.message)
    details = [gap.message, gap.remedy, "What was not looked at is no pass."]
    return _issue(f"gap/{gap.reason}", "blocker", text, details, fingerprint) | _place(gap.path, None, None)


def _finding(judged: Judged) -> _Json:
    finding = judged.finding
    where = finding.location
    check = f"{finding.scanner}/{finding.rule}"
    issue = _issue(check, _severity(judged), _text(judged), _details(judged), finding.id)
    return issue | _place(where.path, where.line, where.end_line)


def _severity(judged: Judged) -> str:
    """A waived finding is shown and does not alarm: the format has no suppression."""
    return "info" if judged.decision.state is State.WAIVED else _SEVERITIES[judged.finding.severity]


def _text(judged: Judged) -> str:
    finding, decision = judged
    match decision.state:
        case State.WAIVED:
            return f"Waived ({finding.severity}): {finding.message}"
        case State.INFORMING | State.BLOCKING:
            return finding.message
        case _:
            assert_never(decision.state)


def _details(judged: Judged) -> list[str]:
    finding, decision = judged
    also = ", ".join(also_seen_by(finding))
    return [
        finding.message,
        f"{decision.state}: {decision.because}",
        finding.fix,
        " ".join((*finding.cwe, *finding.ids)),
        f"Also seen by {also}." if also else "",
        _refuted(finding),
        *sourced(finding),
        f"In commit {finding.location.commit}, not in the scanned tree." if finding.location.commit else "",
    ]


def _refuted(finding: Finding) -> str:
    return f"Refuted by {finding.refuted}." if finding.refuted else ""
