"""Findings by the thousand, for measures of speed and size."""

from __future__ import annotations

from collections.abc import Iterator

from hardgate.model import Finding, Location, Outcome, Run, Severity, Verdict
from tests.reporters.sample_run import decision, finding, receipt, run_of


def many(number: int) -> tuple[Run, Verdict]:
    """`number` findings of every severity over many files, tools and rules, for measures of speed and size."""
    findings = tuple(_spread(number))
    receipts = tuple(receipt(name, findings, seconds=1.0) for name in ("bandit", "semgrep", "trivy"))
    verdict = Verdict(
        outcome=Outcome.FAIL,
        judged_at="2026-01-31T12:00:15Z",
        decisions=tuple(decision(finding, frozenset()) for finding in findings),
        blocks=True,
    )
    return run_of(findings, receipts), verdict


def _spread(number: int) -> Iterator[Finding]:
    severities, tools = list(Severity), ("bandit", "semgrep", "trivy")
    for at in range(number):
        yield finding(
            at,
            scanner=tools[at % 3],
            action=tools[at % 3],
            rule=f"RULE-{at % 97}",
            severity=severities[at % 5],
            message=f"Problem number {at}: a value from outside reaches a place where it is obeyed.",
            location=Location(path=f"src/package_{at % 50}/module_{at % 211}.py", line=at % 900 + 1),
            cwe=(f"CWE-{at % 40 + 20}",),
            fix="Check the value where it enters.",
        )
