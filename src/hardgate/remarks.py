"""What a report says of a run as a whole, as sentences: what to do next, what was left out, and all remarks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hardgate.model import ActionState, GapReason, Receipt, Run, State, Verdict
from hardgate.wording import count, flow, judge, only, overridden, plain

_FOR_DOCTOR = frozenset(
    {
        GapReason.TOOL_MISSING,
        GapReason.TOOL_FAILED,
        GapReason.RULES_EMPTY,
        GapReason.CANARY_MISSED,
        GapReason.DATA_UNAVAILABLE,
        GapReason.DATA_STALE,
    }
)


class Step(NamedTuple):
    """One thing to do next: the command to type or the file to edit, and what it is good for."""

    do: str
    why: str


def next_steps(run: Run, verdict: Verdict) -> tuple[Step, ...]:
    """What a person does now, the most useful first."""
    steps = []
    blocking = only(judge(run, verdict), State.BLOCKING)
    if blocking:
        steps.append(Step(f"hardgate explain {plain(blocking[0].finding.id)}", "the worst finding whole, and its fix"))
    if len(blocking) > 1:
        steps.append(Step("hardgate findings --state blocking", f"all {len(blocking):,} that block"))
    if any(gap.reason in _FOR_DOCTOR for gap in verdict.gaps):
        steps.append(Step("hardgate doctor", "what is missing here, and the command that mends it"))
    if blocking or verdict.gaps:
        steps.append(Step("hardgate run", "once it is mended: only what changed runs again"))
    if blocking:
        steps.append(Step("edit hardgate.yaml", "policy: waivers: accepts a risk, with reason, owner and end date"))
    if not steps and verdict.count(State.INFORMING):
        steps.append(Step("hardgate findings --state informing", "what does not block but is worth a look"))
    return tuple(steps)


def left_out(run: Run) -> tuple[str, ...]:
    """What was not looked at on purpose, or had nothing to look at, as sentences."""
    chosen = run.selection
    said = []
    if chosen.stages:
        said.append(f"Only these stages were asked for: {_list(chosen.stages)}.")
    if chosen.actions:
        said.append(f"Only these actions were asked for: {_list(chosen.actions)}.")
    told = {receipt.action for receipt in run.receipts}
    skipped = [name for name in run.expected if chosen.partial and name not in told]
    if skipped:
        said.append(f"Actions of the pipeline that were not asked for: {_list(skipped)}.")
    if chosen.base:
        said.append(f"Only what changed since {plain(chosen.base)} was looked at.")
    said += [
        f"{flow(need.subject)}: not covered, by the policy's own words: {flow(need.exempt)}"
        for need in run.requirements
        if need.exempt
    ]
    idle = [receipt.action for receipt in run.receipts if receipt.state is ActionState.NOTHING_TO_DO]
    if idle:
        said.append(f"Nothing to do, because no file is of their kind: {_list(idle)}.")
    return (*said, *(sentence for receipt in run.receipts for sentence in _scope_sentences(receipt)))


def _scope_sentences(receipt: Receipt) -> list[str]:
    scope = receipt.scope
    said = []
    if scope and scope.excluded:
        said.append(f"{plain(receipt.action)}: {count(scope.excluded, 'file')} left out by exclude in hardgate.yaml.")
    if scope and scope.configs:
        obeyed = "obeyed, because hardgate.yaml says so" if scope.honoured else "not obeyed"
        found = f"configuration in the repository was {obeyed}: {_list(scope.configs)}."
        said.append(f"{plain(receipt.action)}: {found}")
    return said


def _list(words: Sequence[str]) -> str:
    return ", ".join(plain(word) for word in words)


def remarks(run: Run, verdict: Verdict) -> tuple[str, ...]:
    """Warnings of the gate, then notes of the run, then notes of its actions, as sentences; equal notes are one."""
    said: dict[str, list[str]] = {}
    for receipt in run.receipts:
        for note in receipt.notes:
            said.setdefault(flow(note), []).append(receipt.action)
    own = (f"{_list(actions)}: {note}" for note, actions in said.items())
    opened = (overridden(verdict),) if verdict.override else ()
    return (*opened, *map(flow, verdict.warnings), *map(flow, run.notes), *own)
