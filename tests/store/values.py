"""Runs, receipts and verdicts for the tests of the store."""

from __future__ import annotations

import hashlib

import msgspec

from hardgate.model import (
    ActionState,
    Decision,
    Finding,
    Gap,
    GapReason,
    Kind,
    Location,
    Outcome,
    Receipt,
    Requirement,
    Run,
    RunState,
    Severity,
    State,
    ToolUse,
    Verdict,
    Witness,
)

ROOT = "/srv/checkout"
PIPELINE_DIGEST = "d" * 64
TREE = "e" * 64


def finding(number: int, *, severity: Severity = Severity.HIGH, scanner: str = "bandit", path: str = "") -> Finding:
    """A finding whose id depends on `number` and `scanner` only."""
    name = hashlib.sha256(f"{scanner} {number}".encode()).hexdigest()
    return Finding(
        scanner=scanner,
        rule=f"B{number}",
        kind=Kind.CODE,
        severity=severity,
        message=f"Problem {number}: 100 % “bad” \\ 'quoted' — ✓",
        location=Location(path=path or f"src/module_{number}.py", line=number + 1),
        cwe=("CWE-89",),
        action=scanner,
        id=name,
        fingerprints={"hardgate/v1": name},
        witnesses=(
            Witness(scanner=scanner, action=scanner, rule=f"B{number}", severity=severity, message="as the tool says"),
        ),
    )


def receipt(
    action: str = "bandit",
    findings: tuple[Finding, ...] = (),
    state: ActionState = ActionState.DONE,
    seconds: float = 1.5,
) -> Receipt:
    """A receipt of an action named like its scanner."""
    gap = Gap(reason=GapReason.TIMEOUT, message="It took too long.", action=action)
    return Receipt(
        action=action,
        stage="scan",
        scanner=action,
        state=state,
        commit="c" * 40,
        tree=TREE,
        pipeline_digest=PIPELINE_DIGEST,
        started="2026-01-31T12:00:00Z",
        tool=ToolUse(name=action, version="1.9.4", digest="a" * 64, origin="toolbox"),
        argv=((action, "-f", "json"),),
        exit_codes=(1,),
        seconds=seconds,
        peak_memory=50_000_000,
        findings=findings,
        gaps=(gap,) if state is ActionState.GAP else (),
    )


def run(name: str, *, root: str = ROOT, tree: str = TREE) -> Run:
    """A run that begins."""
    return Run(
        id=name,
        pipeline="planetary-api",
        pipeline_digest=PIPELINE_DIGEST,
        definition="pipeline: planetary-api\n",
        root=root,
        commit="c" * 40,
        tree=tree,
        started="2026-01-31T12:00:00Z",
    )


def ended(begun: Run, *receipts: Receipt, finished: str = "2026-01-31T12:01:00Z") -> Run:
    """The same run with receipts, their findings as merged ones, and an end."""
    return msgspec.structs.replace(
        begun,
        state=RunState.FINISHED,
        finished=finished,
        receipts=receipts,
        findings=tuple(one for each in receipts for one in each.findings),
        gaps=tuple(gap for each in receipts for gap in each.gaps),
        requirements=(Requirement(subject="python", scanners=("bandit", "semgrep"), reason="There are *.py files."),),
    )


def verdict(judged: Run) -> Verdict:
    """High and critical findings block."""
    decisions = tuple(
        Decision(
            finding=one.id,
            state=State.BLOCKING if one.severity.rank >= Severity.HIGH.rank else State.INFORMING,
            because="block_at is high.",
        )
        for one in judged.findings
    )
    return Verdict(
        outcome=Outcome.FAIL, judged_at="2026-01-31T12:02:00Z", decisions=decisions, gaps=judged.gaps, blocks=True
    )
