"""The baseline: what an old repository had on the day it adopted the gate, with a day by which each finding is gone.

`.hardgate/baseline.json` has ids, severities and dates; the policy gives the days. A finding that is worse than it was
then, a secret, what CISA lists as exploited, and what EPSS says is likely to be are never covered.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Annotated, NamedTuple

import msgspec

from hardgate import rated, strict
from hardgate.allowances import BASELINE, Waiver
from hardgate.errors import ConfigError
from hardgate.exceptions.waivers import day_after
from hardgate.model import Decision, Finding, Kind, Policy, Severity, State
from hardgate.wording import cut, plain

FILE = ".hardgate/baseline.json"
SCHEMA = 1
POLICY_RULES = "weakened-"
# Days to mend what was there: critical and high as CISA's BOD 19-02 has it (15 and 30), medium and low as FedRAMP's
# continuous monitoring strategy guide has it (90 and 180).
DAYS = {Severity.CRITICAL: 15, Severity.HIGH: 30, Severity.MEDIUM: 90, Severity.LOW: 180, Severity.INFO: 180}
_LONGEST = 500  # characters of an error message

_Date = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$(?!\n)")]


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One finding as it was. `rule` and `path` are for the reader of the file; the `id` alone counts."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    severity: Severity
    since: _Date
    rule: str = ""
    path: str = ""


class Baseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file. `owner` answers for the burn-down; `schema` is the number of this form."""

    schema: int
    owner: Annotated[str, msgspec.Meta(min_length=1)]
    findings: tuple[Entry, ...]


def read(raw: bytes, name: str = FILE) -> Baseline:
    """Read the file; raises ConfigError, with the key, for anything that is not understood."""
    try:
        found = strict.decode(raw, Baseline)
        for number, one in enumerate(found.findings):
            _day(one.since, f"$.findings[{number}].since")
    except ValueError as error:
        hint = "Nothing was run. Mend it, or make it anew: hardgate baseline create"
        raise ConfigError(plain(cut(f"{name}: {error}", _LONGEST)), hint=hint) from error
    if found.schema != SCHEMA:
        hint = "Nothing was run. Use the hardgate that wrote it, or a newer one."
        raise ConfigError(f"{name}: $.schema is {found.schema}; this hardgate reads {SCHEMA}", hint=hint)
    return found


def _day(text: str, where: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{error} - at `{where}`") from error


def write(baseline: Baseline) -> bytes:
    """The file's bytes: one finding a line, in the order of paths, so that two versions can be compared."""
    lines = [msgspec.json.encode(one).decode() for one in sorted(baseline.findings, key=_order)]
    owner = msgspec.json.encode(baseline.owner).decode()
    body = ",\n".join(f"    {line}" for line in lines)
    inside = f"\n{body}\n  " if lines else ""
    return f'{{\n  "schema": {SCHEMA},\n  "owner": {owner},\n  "findings": [{inside}]\n}}\n'.encode()


def _order(entry: Entry) -> tuple[str, str, str]:
    return (entry.path, entry.rule, entry.id)


def due(entry: Entry, policy: Policy) -> str:
    """The last day on which the finding is covered."""
    return day_after(entry.since, policy.baseline_days.get(entry.severity, 0))


def records(raw: bytes, name: str, policy: Policy) -> tuple[Waiver, ...]:
    """Each finding of the file as a record that waives it until its day."""
    found = read(raw, name)
    return tuple(
        Waiver(
            reason=f"there since {one.since}, as {one.severity}",
            owner=found.owner,
            until=due(one, policy),
            id=one.id,
            kind=BASELINE,
            source=name,
            severity=one.severity.value,
        )
        for one in found.findings
    )


def never(finding: Finding, policy: Policy) -> str:
    """Why neither a baseline nor a grace covers a finding, "" when they may."""
    if finding.kind is Kind.SECRET:
        return "a secret is open to whoever has a clone: revoke it, and waive it by its id"
    if rated.exploited(finding.severity_from):
        return "CISA lists it as known to be exploited: mend it now"
    if finding.rule.startswith(POLICY_RULES):
        return "it weakens the gate itself"
    if finding.joined:
        return "a test showed that it can be exploited: mend it now"
    return _urgent(finding, policy.urgent_epss)


def _urgent(finding: Finding, threshold: float | None) -> str:
    """Why the probability that a vulnerability is exploited leaves no time, "" when it does, or nobody asks."""
    if threshold is None or finding.package is None or finding.kind is not Kind.DEPENDENCY:
        return ""
    epss = rated.epss(finding.severity_from)
    if epss is None:
        # An advisory without a CVE, one that is newer than the scores, or no scores at all: not known is not low.
        return "its EPSS score is not known: import FIRST's scores, and mend it if that tells none"
    if epss >= threshold:
        return f"its EPSS score of {epss:.5f} reaches policy.urgent_epss: mend it now"
    return ""


def create(
    findings: Iterable[Finding], decisions: Iterable[Decision], policy: Policy, *, owner: str, today: str
) -> tuple[Baseline, tuple[tuple[Finding, str], ...]]:
    """A baseline of all that blocks, and what it does not take in, each with the reason."""
    states = {decision.finding: decision.state for decision in decisions}
    blocking = [one for one in findings if states[one.id] is State.BLOCKING]
    taken = [one for one in blocking if not never(one, policy)]
    entries = tuple(
        Entry(id=one.id, severity=one.severity, since=today[:10], rule=one.rule, path=one.location.path)
        for one in taken
    )
    left = tuple((one, why) for one in blocking if (why := never(one, policy)))
    return Baseline(schema=SCHEMA, owner=owner, findings=entries), left


class Standing(NamedTuple):
    """The entries of one severity: those still there and covered, still there and overdue, and gone; the next day."""

    covered: tuple[Entry, ...]
    overdue: tuple[Entry, ...]
    gone: tuple[Entry, ...]
    next_day: str


def standing(baseline: Baseline, there: frozenset[str], policy: Policy, today: str) -> dict[Severity, Standing]:
    """How far the burn-down is: `there` are all names of the findings of a run (see applying.names)."""
    table = {}
    for severity in Severity:
        mine = [one for one in baseline.findings if one.severity is severity]
        left = [one for one in mine if one.id in there]
        covered = tuple(one for one in left if due(one, policy) >= today[:10])
        overdue = tuple(one for one in left if due(one, policy) < today[:10])
        days = sorted(due(one, policy) for one in covered)
        gone = tuple(one for one in mine if one.id not in there)
        table[severity] = Standing(covered, overdue, gone, days[0] if days else "")
    return table


def pruned(baseline: Baseline, there: frozenset[str]) -> Baseline:
    """The baseline without what is not there any more: should it come back, it is new."""
    return msgspec.structs.replace(baseline, findings=tuple(one for one in baseline.findings if one.id in there))
