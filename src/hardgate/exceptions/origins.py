"""What a change did to the findings: introduced, there before, newly disclosed, fixed. Two lists in, the answer out."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence

from hardgate.allowances import DISCLOSED, GRACE, INTRODUCED, PREEXISTING, Comparison, Waiver
from hardgate.exceptions import applying, baseline, purls
from hardgate.model import Finding, Policy


def compare(
    before: Sequence[Finding],
    after: Sequence[Finding],
    *,
    run: str,
    since: str,
    unchanged: Callable[[str], bool],
    moved: Mapping[str, str] | None = None,
) -> Comparison:
    """The findings of a change beside those of its base.

    Two findings are the same when they share a name (applying.names), or when the file of the one was renamed: `moved`
    has the id of the finding then by the id of the finding now. One that is new is `disclosed`, and no deed of
    the change, when it is about a package that was there: its file is `unchanged(path)`, or the base had another
    finding of the same version of it. Whatever cannot be told is `introduced`. `run` is the run of the base, `since`
    its start.
    """
    known = {name for one in before for name in applying.names(one)}
    packages = {release for one in before if (release := _release(one))}
    origins, moves = {}, moved or {}
    for one in after:
        if one.id in moves or not known.isdisjoint(applying.names(one)):
            origins[one.id] = PREEXISTING
        elif one.package and (_release(one) in packages or unchanged(one.location.path)):
            origins[one.id] = DISCLOSED
        else:
            origins[one.id] = INTRODUCED
    there = {name for one in after for name in applying.names(one)} | set(moves.values())
    fixed = tuple(sorted(one.id for one in before if there.isdisjoint(applying.names(one))))
    return Comparison(run=run, since=since, origins=origins, fixed=fixed)


def _release(finding: Finding) -> tuple[str, str, str, str] | None:
    """The release of a package in its file; None where its version is not told: it may be another one by now."""
    url = purls.of(finding.package) if finding.package else None
    version = (url.version or finding.package.version) if url and finding.package else ""
    return (finding.location.path, url.type, url.name, version) if url and version else None


def started(comparison: Comparison, first: Mapping[str, str]) -> Comparison:
    """The comparison with the day from which each grace counts.

    That is when the store first saw the finding (`first`, ISO 8601 by id), at the latest the run of the base.
    """
    begun = {
        name: min(first.get(name, comparison.since), comparison.since)[:10]
        for name, origin in comparison.origins.items()
        if origin != INTRODUCED
    }
    return Comparison(
        run=comparison.run, since=comparison.since, origins=comparison.origins, fixed=comparison.fixed, begun=begun
    )


def grace(comparison: Comparison, findings: Iterable[Finding], policy: Policy) -> tuple[Waiver, ...]:
    """A record for each finding that the policy gives time since it is no deed of the change.

    None for what is introduced, nor for what no baseline would cover either (baseline.never).
    """
    return tuple(
        Waiver(
            reason=f"{_WORDS[origin]} since {begun}, and no deed of this change",
            owner="policy.grace",
            until=str(datetime.date.fromisoformat(begun) + datetime.timedelta(days=policy.grace[origin])),
            id=one.id,
            kind=GRACE,
            source=f"run {comparison.run}",
        )
        for one in findings
        if (origin := comparison.origins.get(one.id, INTRODUCED)) in policy.grace
        and (begun := comparison.begun.get(one.id, ""))
        and not baseline.never(one, policy)
    )


_WORDS = {PREEXISTING: "on the base", DISCLOSED: "disclosed"}
