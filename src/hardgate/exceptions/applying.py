"""Which findings the exceptions cover, and which exceptions are of no use: pure, and linear in both.

The first record that covers a finding counts: waivers come before VEX statements, and both before a baseline.
"""

from __future__ import annotations

import fnmatch
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hardgate import rated
from hardgate.allowances import BASELINE, VEX, WAIVER, Waiver
from hardgate.exceptions import purls
from hardgate.exceptions.waivers import too_far
from hardgate.model import Finding, Gap, GapReason, Kind, Policy

SHORT_ID = 16  # digits of an id as reports show it; a fingerprint has 64
_WORDS = {WAIVER: "waived by", VEX: "not affected, says", BASELINE: "in the baseline of"}


@dataclass(frozen=True, slots=True)
class Taken:
    """`waivers` has the record for each finding in the order of the findings, None where there is none."""

    waivers: tuple[Waiver | None, ...]
    gaps: tuple[Gap, ...] = ()
    warnings: tuple[str, ...] = ()


def names(finding: Finding) -> tuple[str, ...]:
    """Every id by which a record may name a finding: its own and its fingerprints, whole and short.

    A witness's own counts too: which tool leads a merged finding may change.
    """
    whole = (finding.id, *finding.fingerprints.values())
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
    what = f"{_WORDS.get(waiver.kind, waiver.kind)} {waiver.owner} until {waiver.until}: {waiver.reason}"
    more = ", ".join(part for part in (waiver.justification, waiver.ticket, waiver.source) if part)
    return f"{what} ({more})" if more else what


def bars(waiver: Waiver, finding: Finding) -> bool:
    """Whether a finding is one that a baseline never covers: a secret, or what CISA lists as exploited."""
    return waiver.kind == BASELINE and (finding.kind is Kind.SECRET or rated.exploited(finding.severity_from))


class _Index:
    """The records by the ids and rules that they name, so that each finding asks only those that may mean it."""

    def __init__(self, given: Iterable[Waiver]) -> None:
        self._named: dict[str, list[tuple[int, Waiver]]] = defaultdict(list)
        for number, waiver in enumerate(given):
            self._named[waiver.id or waiver.rule].append((number, waiver))

    def of(self, finding: Finding) -> list[Waiver]:
        """All records that speak of a finding, in their order."""
        words = dict.fromkeys((*names(finding), *sorted(_rules(finding))))
        found = {one[0]: one[1] for word in words for one in self._named.get(word, ()) if matches(one[1], finding)}
        return [waiver for _, waiver in sorted(found.items()) if not bars(waiver, finding)]


def settle(findings: Sequence[Finding], policy: Policy, now: str, *, whole: bool) -> Taken:
    """Which record covers each finding, judged at `now`. `whole`: all was looked at, so what matches nothing is idle."""
    far = {id(one): problem for one in policy.waivers if (problem := _far(one, policy, now))}
    ended = {id(one) for one in policy.waivers if one.until < now[:10]}
    index = _Index(policy.waivers)
    found = [index.of(finding) for finding in findings]
    used = Counter(id(one) for each in found for one in each)
    broad = {id(one) for one in policy.waivers if not one.id and used[id(one)] > policy.max_waiver_matches}
    refused = {*far, *ended, *(broad if policy.broad_waivers == "error" else ())}
    chosen = tuple(next((one for one in each if id(one) not in refused), None) for each in found)
    gaps, warnings = list[Gap](), list[str]()
    for one in policy.waivers:
        if id(one) in far:
            gaps.append(_gap(one, far[id(one)]))
        elif id(one) in ended:
            warnings.append(f"{_called(one)} ended on {one.until}: it waives nothing.") if one.kind != BASELINE else None
        elif id(one) in broad:
            _tell(policy.broad_waivers, one, _broad(one, used[id(one)], policy), gaps, warnings)
        elif whole and not used[id(one)] and one.kind == WAIVER:
            _tell(policy.unused_waivers, one, "matches no finding: remove it.", gaps, warnings)
    if over := sum(one.kind == BASELINE and id(one) in ended for one in policy.waivers):
        warnings.append(f"The time of {over:,} of the baseline's findings is over: those that are still there block.")
    return Taken(waivers=chosen, gaps=tuple(gaps), warnings=tuple(warnings))


def _far(waiver: Waiver, policy: Policy, now: str) -> str:
    """A baseline has days of its own, and a VEX document no end: its reader gave it the longest that is allowed."""
    return too_far(waiver, policy.max_waiver_days, now) if waiver.kind == WAIVER else ""


def _called(waiver: Waiver) -> str:
    what = "VEX statement" if waiver.kind == VEX else "waiver"
    return f"The {what} of {waiver.subject} by {waiver.owner}"


def _broad(waiver: Waiver, number: int, policy: Policy) -> str:
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
