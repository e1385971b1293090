"""A run whose every text is as long and as odd as a hostile repository can make it."""

from __future__ import annotations

import msgspec

from hardgate.model import Decision, Finding, Gap, GapReason, Kind, Location, Package, Run, Severity, State, Verdict
from tests.reporters import sample_run

ODD = "\U0001f4a5\x1b[31m\u202e<b>&\"'=" * 2000  # 34,000 characters, many of which are escaped


def huge() -> tuple[Run, Verdict]:
    """One finding of each kind and state, and one gap, all of them with texts of 34,000 characters."""
    found = tuple(_finding(number, kind) for number, kind in enumerate(Kind, 1))
    states = [State.WAIVED, *[State.BLOCKING] * (len(found) - 2), State.INFORMING]
    gap = Gap(reason=GapReason.FILE_UNREAD, message=ODD, path=ODD, action="semgrep", remedy=ODD)
    run, verdict = sample_run.incomplete()
    decisions = tuple(
        Decision(finding=finding.id, state=state, because=ODD) for finding, state in zip(found, states, strict=True)
    )
    return (
        msgspec.structs.replace(run, findings=found, receipts=(), gaps=(gap,)),
        msgspec.structs.replace(verdict, decisions=decisions, gaps=(gap,)),
    )


def _finding(number: int, kind: Kind) -> Finding:
    return sample_run.finding(
        number,
        scanner="semgrep",
        action="semgrep",
        rule=ODD,
        kind=kind,
        severity=Severity.HIGH,
        message=ODD,
        location=Location(path=ODD, line=number, end_line=number + 1, commit=ODD),
        cwe=tuple(f"CWE-{one}" for one in range(1, 300)),
        ids=(ODD, *(f"CVE-2020-{one:05}" for one in range(300))),
        fix=ODD,
        url="https://example.org/" + "a" * 40_000,
        package=Package(ecosystem=ODD, name=ODD, version=ODD, purl=ODD, fixed=(ODD,) * 3),
        refuted=ODD,
    )
