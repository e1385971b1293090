"""Which findings the exceptions cover, and which exceptions are of no use: pure, and linear in both.

The first record that covers a finding counts: waivers come before VEX statements, and both before a baseline.
"""

from __future__ import annotations

import fnmatch
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hardgate.algorithms import names_one
from hardgate.allowances import BASELINE, GRACE, INLINE, VEX, WAIVER, Waiver
from hardgate.exceptions import baseline, merged, purls
from hardgate.exceptions.waivers import day_after, too_far
from hardgate.model import Exceptions, Finding, Gap, GapReason, Policy, Severity, Suppression

SHORT_ID = 16  # digits of an id as reports show it; a fingerprint has 64
_TO_COME = "have a `since` that is still to come, and waive nothing"
_WORDS = {
    WAIVER: "waived by",
    VEX: "not affected, says",
    BASELINE: "in the baseline of",
    INLINE: "suppressed in the code by",
    GRACE: "given time by",
}


@dataclass(frozen=True, slots=True)
class Taken:
    """`waivers` has the record for each finding in the order of the findings, None where there is none."""

    waivers: tuple[Waiver | None, ...]
    gaps: tuple[Gap, ...] = ()
    warnings: tuple[str, ...] = ()


def names(finding: Finding) -> tuple[str, ...]:
    """Every id by which a record may name a finding: its own and those fingerprints that no other has, whole and short.

    A witness's own counts too: which tool leads a merged finding may change.
    """
    whole = (finding.id, *(value for name, value in finding.fingerprints.items() if names_one(name)))
    return tuple(dict.fromkeys((*whole, *(name[:SHORT_ID] for name in whole))))


def matches(waiver: Waiver, finding: Finding) -> bool:
    """Whether a record speaks of a finding, whatever its date: by id, or by rule with path glob, package or both."""
    if waiver.id:
        return waiver.id in names(finding)
    return waiver.rule in _rules(finding) and _placed(waiver, finding)


def _rules(finding: Finding) -> set[str]:
    return {finding.rule, *finding.ids, *(witness.rule for witness in finding.witnesses)}


def _placed(waiver: Waiver, finding: Finding) -> bool:
    if not waiver.path and not waiver.purl:
        return False
    path = not waiver.path or fnmatch.fnmatchcase(finding.location.path, waiver.path)
    return path and (not waiver.purl or purls.covers(waiver.purl, finding.package))


def sentence(waiver: Waiver) -> str:
    """Who accepts it until when and why, and where that is written: what every report shows."""
    until = f" until {waiver.until}" if waiver.until else ""
    what = f"{_WORDS[waiver.kind]} {waiver.owner}{until}: {waiver.reason}"
    more = ", ".join(part for part in (waiver.justification, waiver.ticket, waiver.source) if part)
    return f"{what} ({more})" if more else what


def bars(waiver: Waiver, finding: Finding, policy: Policy) -> bool:
    """Whether a baseline's record does not cover a finding: it may have none, or is worse than it was then."""
    worse = waiver.severity and finding.severity.rank > Severity(waiver.severity).rank
    return waiver.kind == BASELINE and (bool(worse) or baseline.never(finding, policy) != "")


class _Index:
    """The records by the ids and rules that they name, so that each finding asks only those that may mean it."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._named: dict[str, list[tuple[int, Waiver]]] = defaultdict(list)
        for number, waiver in enumerate(policy.waivers):
            self._named[waiver.id or waiver.rule].append((number, waiver))

    def of(self, finding: Finding) -> Sequence[Waiver]:
        """All records that speak of a finding, in their order."""
        if not self._named:  # most runs: their findings need not be asked for their names
            return ()
        words = dict.fromkeys((*names(finding), *sorted(_rules(finding))))
        parts = finding.joined or (finding,)  # the parts of a confirmed issue lie in several places
        found = {
            one[0]: one[1]
            for word in words
            for one in self._named.get(word, ())
            if any(matches(one[1], part) for part in parts)
        }
        return [waiver for _, waiver in sorted(found.items()) if not bars(waiver, finding, self._policy)]


def obeyed(exceptions: Exceptions) -> tuple[Suppression, ...]:
    """The comments that hardgate itself obeys: those of the base. Without one the tools obey them, or nobody does."""
    return tuple(one for one in exceptions.suppressions if one.counts) if exceptions.base else ()


class _Comments:
    """The comments that are obeyed, by file."""

    def __init__(self, given: Iterable[Suppression]) -> None:
        self._by_path: dict[str, list[Suppression]] = defaultdict(list)
        for one in given:
            self._by_path[one.path].append(one)

    def of(self, finding: Finding) -> Waiver | None:
        for one in self._by_path.get(finding.location.path, ()):
            from hardgate.exceptions import inline as inline_  # noqa: PLC0415 (few runs obey comments)

            if inline_.covers(one, finding):
                owner = one.author or "an unknown author"
                reason = f"a comment of {one.since[:10] or 'unknown age'} tells {one.tool} to be silent"
                source = f"{one.path} line {one.line}"
                return Waiver(reason=reason, owner=owner, until="", id=finding.id, kind=INLINE, source=source)
        return None


def settle(
    findings: Sequence[Finding], policy: Policy, now: str, *, whole: bool, inline: Iterable[Suppression] = ()
) -> Taken:
    """Which record covers each finding, judged at `now`. `whole`: all was looked at, so what matches nothing is idle.

    `inline` are comments to obey, see `obeyed`.
    """
    far = {id(one): problem for one in policy.waivers if (problem := _far(one, policy, now))}
    ended = {id(one) for one in policy.waivers if one.until < now[:10]}
    index = _Index(policy)
    found = [index.of(finding) for finding in findings]
    used = Counter(id(one) for each in found for one in each)
    broad = {id(one) for one in policy.waivers if not one.id and used[id(one)] > policy.max_waiver_matches}
    refused = {*far, *ended, *(broad if policy.broad_waivers == "error" else ())}
    comments = _Comments(inline)
    gaps, warnings = list[Gap](), list[str]()
    chosen = tuple(
        (_covering([one for one in each if id(one) not in refused], finding, policy, warnings) if each else None)
        or comments.of(finding)
        for each, finding in zip(found, findings, strict=True)
    )
    for one in policy.waivers:
        if id(one) in far:
            gaps += [_gap(one, far[id(one)])] if one.kind != BASELINE else []
        elif id(one) in ended:
            if one.kind not in {BASELINE, GRACE}:
                warnings.append(f"{_called(one)} ended on {one.until}: it waives nothing.")
        elif id(one) in broad:
            _tell(policy.broad_waivers, one, _broad(used[id(one)], policy), gaps, warnings)
        elif whole and not used[id(one)] and one.kind == WAIVER:
            _tell(policy.unused_waivers, one, "matches no finding: remove it.", gaps, warnings)
    gaps += _of_the_future([one for one in policy.waivers if one.kind == BASELINE and id(one) in far])
    if over := sum(one.kind == BASELINE and id(one) in ended for one in policy.waivers):
        warnings.append(f"The time of {over:,} of the baseline's findings is over: those that are still there block.")
    return Taken(waivers=chosen, gaps=tuple(gaps), warnings=tuple(warnings))


def _covering(records: Sequence[Waiver], finding: Finding, policy: Policy, warnings: list[str]) -> Waiver | None:
    """The record that covers a finding; of a confirmed issue each part needs one, since each would block alone."""
    if not finding.joined:
        return _first(records, finding, warnings)
    own = [[one for one in records if matches(one, part) and not bars(one, part, policy)] for part in finding.joined]
    missing = [part.id for part, each in zip(finding.joined, own, strict=True) if not each]
    if missing and records:
        warnings.append(
            f"A record speaks of a part of the confirmed issue {finding.id} and covers it not: a test showed what it "
            f"waives. Missing: {' and '.join(missing)}."
        )
    return None if missing else own[0][0]


def _first(records: Sequence[Waiver], finding: Finding, warnings: list[str]) -> Waiver | None:
    """The record that covers a finding, None when there is none, or not for all that several tools saw there."""
    if records and (missing := merged.left(finding, records)):
        warnings += merged.told(finding, missing)
        return None
    return records[0] if records else None


def _far(waiver: Waiver, policy: Policy, now: str) -> str:
    """What is wrong with the end of a record, "" when nothing is.

    A baseline has days of its own, and a VEX document no end: its reader gave it the longest that is allowed. Either
    ends later than that when its own date is still to come.
    """
    if waiver.kind == BASELINE:
        days = policy.baseline_days.get(Severity(waiver.severity), 0)
        return _TO_COME if waiver.until > day_after(now[:10], days) else ""
    return too_far(waiver, policy.max_waiver_days, now) if waiver.kind in {WAIVER, VEX} else ""


def _of_the_future(entries: Sequence[Waiver]) -> list[Gap]:
    """One gap for all: a baseline has as many entries as it likes."""
    if not entries:
        return []
    message = f"{len(entries):,} of the baseline's entries {_TO_COME}, such as that of {entries[0].id}."
    remedy = f"Write the day on which each was taken in: {entries[0].source}"
    return [Gap(reason=GapReason.EXCEPTION_REFUSED, message=message, remedy=remedy)]


def _called(waiver: Waiver) -> str:
    what = "VEX statement" if waiver.kind == VEX else "waiver"
    return f"The {what} of {waiver.subject} by {waiver.owner}"


def _broad(number: int, policy: Policy) -> str:
    most = policy.max_waiver_matches
    nothing = "it waives nothing. " if policy.broad_waivers == "error" else ""
    return f"matches {number:,} findings; policy.max_waiver_matches allows {most:,}: {nothing}Say more exactly where."


def _tell(level: str, waiver: Waiver, problem: str, gaps: list[Gap], warnings: list[str]) -> None:
    """Put a problem where the policy wants it."""
    if level == "error":
        gaps.append(_gap(waiver, problem))
    else:
        warnings.append(f"{_called(waiver)} {problem}")


def _gap(waiver: Waiver, problem: str) -> Gap:
    remedy = f"Mend or remove it in {waiver.source}." if waiver.source else "Mend or remove it."
    message = f"{_called(waiver)}: {problem}"
    return Gap(reason=GapReason.EXCEPTION_REFUSED, message=message, remedy=remedy)
