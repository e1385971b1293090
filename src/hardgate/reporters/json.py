"""The report for programs: docs/reference/json.md describes it, schemas/report-1.schema.json and ingest-1 check it.

Keys may be added under a new `schema` number only: `additionalProperties` is false throughout.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from hardgate import bulk
from hardgate.model import (
    Decision,
    Exceptions,
    Finding,
    Gap,
    Kind,
    Location,
    Package,
    Proof,
    Receipt,
    Run,
    Severity,
    State,
    Use,
    Verdict,
    Waiver,
    Witness,
)
from hardgate.wording import Judged, judge, prints_in_order, tally, to_json

SCHEMA = 1
UNJUDGED = "unjudged"


def render(run: Run, verdict: Verdict) -> bytes:
    """The whole run and its verdict as one JSON object, the worst finding first.

    Raises Error when the verdict says nothing about one of the findings.
    """
    return b"".join(parts(run, verdict))


def parts(run: Run, verdict: Verdict) -> Iterator[bytes]:
    """The same one after the other, for who writes it into a file; raises Error before the first."""
    judged = judge(run, verdict)
    return bulk.parts(
        {
            "schema": SCHEMA,
            "hardgate": run.hardgate_version,
            "run": _run(run),
            "verdict": _verdict(judged, verdict),
            "findings": bulk.HERE,
            "gaps": [gap_entry(gap) for gap in verdict.gaps],
            "receipts": [_receipt(receipt) for receipt in run.receipts],
            "notes": run.notes,
            "exceptions": _exceptions(run.exceptions),
        },
        [(finding_entry(one.finding, one.decision) for one in judged)],
    )


def render_ingest(findings: Iterable[Finding], gaps: Iterable[Gap]) -> bytes:
    """What an adapter read from reports written elsewhere: one entry per problem, in the order of the reports."""
    return to_json(
        {"findings": [finding_entry(one, None) for one in findings], "gaps": [gap_entry(one) for one in gaps]}
    )


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One finding as JSON shows it everywhere: its keys, in their order.

    Place, package and witnesses are as the model has them: with another key there the schema is another one too.
    """

    id: str
    rule: str
    scanner: str
    severity: Severity
    severity_from: str
    kind: Kind
    confidence: str
    cwe: tuple[str, ...]
    ids: tuple[str, ...]
    message: str
    location: Location
    fix: str
    url: str
    package: Package | None
    state: str
    because: str
    waiver: dict[str, object] | None
    refuted: str
    confirmed: bool
    proof: Proof | None
    use: Use | None
    parts: tuple[dict[str, object], ...]
    action: str
    witnesses: tuple[Witness, ...]
    fingerprints: dict[str, str]


def finding_entry(finding: Finding, decision: Decision | None) -> Entry:
    """What JSON shows of one finding; without a decision its state is "unjudged"."""
    return Entry(
        finding.id,
        finding.rule,
        finding.scanner,
        finding.severity,
        finding.severity_from,
        finding.kind,
        finding.confidence,
        finding.cwe,
        finding.ids,
        finding.message,
        finding.location,
        finding.fix,
        finding.url,
        finding.package,
        decision.state if decision else UNJUDGED,
        decision.because if decision else "",
        waiver_entry(decision.waiver) if decision and decision.waiver else None,
        finding.refuted,
        finding.confirmed,
        finding.proof,
        finding.use,
        tuple(map(part_entry, finding.joined)) if finding.joined else (),
        finding.action,
        finding.witnesses,
        prints_in_order(finding),
    )


def part_entry(part: Finding) -> dict[str, object]:
    """One of the findings that a confirmed issue was made of."""
    return {
        "id": part.id,
        "rule": part.rule,
        "scanner": part.scanner,
        "severity": part.severity,
        "kind": part.kind,
        "location": part.location,
        "message": part.message,
    }


def gap_entry(gap: Gap) -> dict[str, object]:
    """One gap as JSON shows it everywhere."""
    return {
        "reason": gap.reason,
        "message": gap.message,
        "path": gap.path,
        "action": gap.action,
        "remedy": gap.remedy,
    }


def waiver_entry(waiver: Waiver) -> dict[str, object]:
    """One record that waives, as JSON shows it everywhere."""
    return {name: getattr(waiver, name) for name in waiver.__struct_fields__}


def _exceptions(given: Exceptions) -> dict[str, object]:
    """What the run was judged by, the files by their digests: their text is in the store."""
    entry: dict[str, object] = msgspec.to_builtins(given)
    del entry["definition"]
    entry["documents"] = [{"path": one.path, "sha256": one.sha256} for one in given.documents]
    return entry


def _run(run: Run) -> dict[str, object]:
    chosen = run.selection
    return {
        "id": run.id,
        "pipeline": run.pipeline,
        "pipeline_digest": run.pipeline_digest,
        "commit": run.commit,
        "dirty": run.dirty,
        "tree": run.tree,
        "started": run.started,
        "finished": run.finished,
        "state": run.state,
        "selection": {"stages": chosen.stages, "actions": chosen.actions, "base": chosen.base},
        "expected": run.expected,
        "requirements": [
            {
                "subject": need.subject,
                "scanners": need.scanners,
                "reason": need.reason,
                "actions": need.actions,
                "exempt": need.exempt,
            }
            for need in run.requirements
        ],
    }


def _verdict(judged: Sequence[Judged], verdict: Verdict) -> dict[str, object]:
    return {
        "outcome": verdict.outcome,
        "exit_code": verdict.exit_code.value,
        "blocks": verdict.blocks,
        "judged_at": verdict.judged_at,
        "counts": {
            "all": len(judged),
            **{state.value: verdict.count(state) for state in State},
            "gaps": len(verdict.gaps),
            "by_severity": tally(judged),
        },
        "warnings": verdict.warnings,
        "override": msgspec.structs.asdict(verdict.override) if verdict.override else None,
    }


def _receipt(receipt: Receipt) -> dict[str, object]:
    """All of a receipt but its findings and gaps, which the report has in full elsewhere: here they are counted.

    What it refutes stands at the findings that it refutes.
    """
    left_out = {"findings", "gaps", "refuted"}
    whole = {name: getattr(receipt, name) for name in receipt.__struct_fields__ if name not in left_out}
    whole["counts"] = {"findings": len(receipt.findings), "gaps": len(receipt.gaps)}
    entry: dict[str, object] = msgspec.to_builtins(whole)
    return entry
