"""The hard gate: (Run, Policy, now) in, a Verdict out; pure, so any stored run can be judged again.

INCOMPLETE whenever anything that had to be looked at was not; FAIL when something blocks; PASS otherwise. Every finding
gets exactly one decision, so that blocking + waived + informing is all of them.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import msgspec

from hardgate import rated
from hardgate.exceptions import applying, origins, weakening
from hardgate.model import (
    ActionState,
    Decision,
    Finding,
    Gap,
    GapReason,
    Kind,
    Outcome,
    Policy,
    Receipt,
    Run,
    RunState,
    Severity,
    State,
    Verdict,
    Waiver,
)
from hardgate.proofs import Imported

_CONFIDENCE = {"low": 0, "medium": 1, "high": 2}
_TOLD = 5  # endpoints in one sentence
_SURE = 2  # a finding with another word, or none, is never let off for its confidence


def decide(run: Run, policy: Policy, *, now: str) -> Verdict:
    """Judge a run. `now` is ISO 8601 in UTC; waivers end after their `until` day in UTC."""
    informational = {receipt.action for receipt in run.receipts if not receipt.blocking}
    gaps = _gaps(run, policy)
    whole = not gaps and not run.selection.base
    time = origins.grace(run.exceptions.comparison, run.findings, policy)
    policy = msgspec.structs.replace(policy, waivers=(*policy.waivers, *time))
    taken = applying.settle(run.findings, policy, now, whole=whole, inline=applying.obeyed(run.exceptions))
    gaps = (*gaps, *taken.gaps)
    pairs = zip(run.findings, taken.waivers, strict=True)
    decisions = tuple(_decision(finding, policy, informational, waiver) for finding, waiver in pairs)
    blocks = any(decision.state is State.BLOCKING for decision in decisions)
    complete = Outcome.FAIL if blocks else Outcome.PASS
    outcome = Outcome.INCOMPLETE if gaps else complete
    warnings = (*taken.warnings, *_apart(run, decisions, policy))
    return Verdict(outcome=outcome, judged_at=now, decisions=decisions, gaps=gaps, warnings=warnings, blocks=blocks)


def _apart(run: Run, decisions: Sequence[Decision], policy: Policy) -> tuple[str, ...]:
    """A warning for what a test showed and nothing confirmed, where the policy weighs what is confirmed.

    `block_confirmed` speaks of joined issues alone: a route that could not be read keeps two findings apart.
    """
    limit = policy.block_confirmed
    if limit is None:
        return ()
    shown = [
        finding.location.path
        for finding, decision in zip(run.findings, decisions, strict=True)
        if finding.kind is Kind.DYNAMIC and not finding.joined and decision.state is State.INFORMING
        if finding.severity.rank >= limit.rank
    ]
    places = list(dict.fromkeys(shown))
    more = f" and {len(places) - _TOLD:,} more" if len(places) > _TOLD else ""
    said = (
        f"A test showed something at {', '.join(places[:_TOLD])}{more} that could not be joined with a finding in the "
        "source: policy.block_confirmed does not speak of it, and policy.block_at lets it inform."
    )
    return (said,) if places else ()


def _decision(finding: Finding, policy: Policy, informational: set[str], waiver: Waiver | None) -> Decision:
    if waiver:
        because = applying.sentence(waiver)
        return Decision(finding=finding.id, state=State.WAIVED, because=because, waiver=waiver)
    state, because = _judge(finding, policy, informational)
    return Decision(finding=finding.id, state=state, because=because)


def _judge(finding: Finding, policy: Policy, informational: set[str]) -> tuple[State, str]:
    if finding.joined:
        return _confirmed(finding, policy, informational)
    if always := _always(finding):
        return State.BLOCKING, always
    return _usual(finding, policy, informational)


def _usual(finding: Finding, policy: Policy, informational: set[str]) -> tuple[State, str]:
    threshold = policy.block_at[finding.kind]
    if threshold is None:
        return State.INFORMING, f"the policy never blocks on findings of kind {finding.kind}"
    if finding.severity.rank < threshold.rank:
        return State.INFORMING, _below(finding.severity, threshold, finding.kind)
    if doubt := _doubt(finding, policy) or _unused(finding, policy):
        return State.INFORMING, doubt
    actions = {witness.action for witness in finding.witnesses} or {finding.action}
    if actions <= informational:
        return State.INFORMING, f"{' and '.join(sorted(actions))} only inform (`blocking: false`)"
    return State.BLOCKING, _reaches(finding.severity, threshold, finding.kind)


def _confirmed(finding: Finding, policy: Policy, informational: set[str]) -> tuple[State, str]:
    """A confirmed issue blocks where any of what it was made of does, and from `block_confirmed` on."""
    judged = [_judge(part, policy, informational) for part in finding.joined]
    for state, because in judged:
        if state is State.BLOCKING:
            return state, f"{because}, and a test confirmed it"
    threshold = policy.block_confirmed
    told = any(witness.action not in informational for witness in finding.witnesses)
    if threshold and told and finding.severity.rank >= threshold.rank:
        return (
            State.BLOCKING,
            f"{finding.severity} reaches {threshold}, where confirmed issues begin to block",
        )
    return State.INFORMING, f"a test confirmed it, and {judged[0][1]}"


def _unused(finding: Finding, policy: Policy) -> str:
    """Why a vulnerable package is let off that the application certainly does not import, "" when it is not."""
    limit, use = policy.block_not_imported, finding.use
    if limit is None or use is None or use.imported is not Imported.NO or rated.exploited(finding.severity_from):
        return ""
    return _let_off(finding.severity, limit) if finding.severity.rank < limit.rank else ""


# A million decisions share these few sentences.
@functools.cache
def _let_off(severity: Severity, threshold: Severity) -> str:
    return f"{severity} is below {threshold}, where packages that the application does not import begin to block"


@functools.cache
def _below(severity: Severity, threshold: Severity, kind: Kind) -> str:
    return f"{severity} is below {threshold}, where {kind} findings begin to block"


@functools.cache
def _reaches(severity: Severity, threshold: Severity, kind: Kind) -> str:
    return f"{severity} reaches {threshold}, where {kind} findings begin to block"


def _doubt(finding: Finding, policy: Policy) -> str:
    """Why a finding is not sure enough to block, "" when it is."""
    wanted = policy.block_confidence
    if _CONFIDENCE.get(finding.confidence, _SURE) < _CONFIDENCE[wanted] and not _agreed(finding):
        return f"its confidence is {finding.confidence}, and the policy blocks from {wanted} on"
    if finding.refuted and not policy.block_refuted:
        return f"{finding.refuted} followed all that reaches this place, and found nothing harmful in it"
    return ""


def _agreed(finding: Finding) -> bool:
    """Whether two tools say the same: that is worth more than what either thinks of itself."""
    return len({witness.scanner for witness in finding.witnesses}) > 1


def _always(finding: Finding) -> str:
    """Why a finding blocks whatever the policy says and also where its action shall only inform, "" if it does not."""
    if finding.scanner == weakening.SCANNER:
        return "a change that weakens the gate always blocks"
    if finding.kind is Kind.SECRET:
        return "secrets always block"
    if finding.kind is Kind.DEPENDENCY and finding.severity is Severity.CRITICAL:
        return "critical dependencies always block"
    return ""


def _gaps(run: Run, policy: Policy) -> tuple[Gap, ...]:
    receipts = {receipt.action: receipt for receipt in run.receipts}
    of_receipts = [gap for receipt in run.receipts for gap in receipt.gaps]
    own = (
        _not_run(run, receipts), _unsaid(run), _not_covered(run, receipts), _required(policy, receipts),
        _nothing_seen(run),
    )  # fmt: skip
    return (*run.gaps, *of_receipts, *(gap for gaps in own for gap in gaps))


def _not_run(run: Run, receipts: dict[str, Receipt]) -> list[Gap]:
    missing = [name for name in run.expected if name not in receipts]
    if not missing and run.state is not RunState.FINISHED:
        # All receipts are there, and the findings of the run have not been made of them yet.
        message = "the run was interrupted before its findings were brought together"
        return [Gap(reason=GapReason.NOT_RUN, message=message, remedy="Continue it: hardgate run --resume")]
    if run.selection.partial:
        why = "this run was limited to a part of the pipeline"
        remedy = "Run the whole pipeline: hardgate run"
    elif run.state is RunState.FINISHED:
        why, remedy = "no receipt of it was handed in", "Run the action, and hand its receipt to the gate."
    else:
        why, remedy = "the run was interrupted", "Continue it: hardgate run --resume"
    return [
        Gap(reason=GapReason.NOT_RUN, action=name, message=f"{name} did not run: {why}", remedy=remedy)
        for name in missing
    ]


def _unsaid(run: Run) -> list[Gap]:
    """Actions that did not do their work, by their receipts' own words, and give no reason."""
    return [
        Gap(
            reason=GapReason.TOOL_FAILED,
            action=receipt.action,
            message=f"{receipt.action} did not do all of its work, and its receipt does not say why",
            remedy=f"Run it again: hardgate run --action {receipt.action}",
        )
        for receipt in run.receipts
        if receipt.state is ActionState.GAP and not receipt.gaps
    ]


def _not_covered(run: Run, receipts: dict[str, Receipt]) -> list[Gap]:
    gaps = []
    for need in run.requirements:
        reported = [name for name in need.actions if name in receipts and _looked(receipts[name])]
        unsettled = [name for name in need.actions if name not in receipts or receipts[name].state is ActionState.GAP]
        # An action that failed or did not run has said so in a gap of its own.
        if reported or unsettled or need.exempt:
            continue
        choice = " or ".join(need.scanners)
        message = f"{need.reason}, and no {choice} looked at it" if choice else need.reason
        do = f"Add {choice} to a stage" if choice else "Do that"
        remedy = f"{do}, or say why not under policy.exempt.{need.subject}."
        gaps.append(Gap(reason=GapReason.NOT_COVERED, message=message, remedy=remedy))
    return gaps


def _looked(receipt: Receipt) -> bool:
    return receipt.state is ActionState.DONE


def _required(policy: Policy, receipts: dict[str, Receipt]) -> list[Gap]:
    done = {word for receipt in receipts.values() for word in (receipt.action, receipt.scanner)}
    return [
        Gap(
            reason=GapReason.NOT_RUN,
            message=f"{name} is required by the policy and has not reported",
            remedy=f"Run it: hardgate run --action {name}, or the whole pipeline.",
        )
        for name in policy.required
        if name not in done
    ]


def _saw(receipt: Receipt, *, idle: bool) -> bool:
    return _looked(receipt) and (receipt.scope is not None or not idle)


def _nothing_seen(run: Run) -> list[Gap]:
    """A gap when no scanner found a file; what a step did (it has no scope) is no look, but it may be all there is."""
    idle = any(receipt.state is ActionState.NOTHING_TO_DO for receipt in run.receipts)
    if any(receipt.state is ActionState.GAP or _saw(receipt, idle=idle) for receipt in run.receipts):
        return []
    what = "no file changed since the base" if run.selection.base else "no action found a file to look at"
    remedy = "Check the path and the exclusions, and that the files are known to git and not ignored."
    return [Gap(reason=GapReason.NOTHING_IN_SCOPE, message=f"nothing was looked at: {what}", remedy=remedy)]
