"""Stored runs judged by another policy: what would have been blocked, and what let through.

Most of a policy is applied when a run is judged, and can be applied again. Some of it is applied while scanning: what
was then left out is in no receipt, and no later judgement can bring it back. Such runs are named, and not judged.
"""

from __future__ import annotations

import enum

import msgspec

from hardgate import gate
from hardgate.model import Outcome, Policy, Run, RunState, State, Verdict


class Change(enum.StrEnum):
    """What another policy would have changed."""

    SAME = "same"
    BLOCKED = "blocked"
    LET_THROUGH = "let-through"
    OTHER = "other"
    NOT_JUDGED = "not-judged"


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """One run by both policies. `why` says why it could not be judged again; `then` is None when it never was judged.

    `now` is None when it was not judged again; the numbers are findings that block, then and now.
    """

    run: str
    started: str
    commit: str
    change: Change
    then: Outcome | None = None
    now: Outcome | None = None
    then_blocking: int = 0
    now_blocking: int = 0
    why: str = ""


def replay(run: Run, own: Policy, then: Verdict | None, other: Policy) -> Replayed:
    """A run that was made under the policy `own` and got the verdict `then`, judged by `other` as of its end."""
    row = Replayed(run=run.id, started=run.started, commit=run.commit, change=Change.NOT_JUDGED)
    if why := _cannot(run, own, other):
        return msgspec.structs.replace(row, why=why, then=then.outcome if then else None)
    before = then or gate.decide(run, own, now=run.finished)
    after = gate.decide(_exempted(run, other), other, now=run.finished)
    return msgspec.structs.replace(
        row,
        change=_change(before.outcome, after.outcome),
        then=before.outcome,
        now=after.outcome,
        then_blocking=before.count(State.BLOCKING),
        now_blocking=after.count(State.BLOCKING),
    )


def _change(then: Outcome, now: Outcome) -> Change:
    if then is now:
        return Change.SAME
    if then is Outcome.PASS:
        return Change.BLOCKED
    return Change.LET_THROUGH if now is Outcome.PASS else Change.OTHER


def _cannot(run: Run, own: Policy, other: Policy) -> str:
    """Why a run cannot be judged by another policy, "" when it can."""
    if run.state is not RunState.FINISHED:
        return f"it is {run.state}: what it would have found is not known"
    if own.honour_inline_suppressions != other.honour_inline_suppressions:
        return "policy.honour_inline_suppressions differs, and it took effect while scanning"
    if own.tools_from_path != other.tools_from_path:
        return "policy.tools_from_path differs, and it took effect while scanning"
    dated = any(receipt.data is not None for receipt in run.receipts)
    if dated and own.max_advisory_age != other.max_advisory_age:
        return "policy.max_advisory_age differs, and the age of its data was judged while scanning"
    return ""


def _exempted(run: Run, policy: Policy) -> Run:
    """The run with what its files demand, less what this policy exempts instead of its own."""
    needs = tuple(
        msgspec.structs.replace(need, exempt=policy.exempt.get(need.subject, "")) for need in run.requirements
    )
    return msgspec.structs.replace(run, requirements=needs)
