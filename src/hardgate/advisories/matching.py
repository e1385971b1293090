"""Whether an advisory covers a release: https://ossf.github.io/osv-schema/#evaluation, step by step.

What that page leaves open: events of the same version keep the order that the record gives them. What cannot be
compared is NOT_JUDGED and says why: it is never "not affected".
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from hardgate.advisories.records import Affected, Event, Range, Record
from hardgate.advisories.versions import NotComparableError, parse, public

_START, _ALWAYS = "0", "*"


class Answer(enum.StrEnum):
    """What an advisory says of a release."""

    AFFECTED = "affected"
    NOT_AFFECTED = "not-affected"
    NOT_JUDGED = "not-judged"


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """The answer; `fixed` are the first later releases without the problem; `reason` says why it is not judged."""

    answer: Answer
    fixed: tuple[str, ...] = ()
    reason: str = ""


def judge(record: Record, ecosystem: str, version: str) -> Judgement:
    """What a record, as the database keeps it for one package of `ecosystem`, says of a version of that package."""
    affected = record.affected or ()
    if any(version in (one.versions or ()) for one in affected):
        return Judgement(answer=Answer.AFFECTED, fixed=_fixed(affected, ecosystem, version))
    try:
        mine, built = parse(ecosystem, public(ecosystem, version)), parse(ecosystem, version)
    except NotComparableError as error:
        return Judgement(answer=Answer.NOT_JUDGED, reason=str(error))
    reasons: list[str] = []
    if any(_listed(one, ecosystem, (mine, built)) or _ranged(one, ecosystem, mine, reasons) for one in affected):
        return Judgement(answer=Answer.AFFECTED, fixed=_fixed(affected, ecosystem, version))
    if reasons:
        return Judgement(answer=Answer.NOT_JUDGED, reason=f"{record.id}: {'; '.join(dict.fromkeys(reasons))}")
    return Judgement(answer=Answer.NOT_AFFECTED)


def _listed(one: Affected, ecosystem: str, wanted: tuple[Any, ...]) -> bool:
    return any(known in wanted for known in _readable(one.versions or (), ecosystem))


def _ranged(one: Affected, ecosystem: str, mine: Any, reasons: list[str]) -> bool:
    """Whether one of the ranges has the version; what could not be compared is added to `reasons`."""
    numbered = [found for found in one.ranges or () if found.type != "GIT"]
    if not numbered and not one.versions:
        reasons.append("it names commits or nothing, and no versions")
    covered = False
    for found in numbered:
        try:
            covered = covered or included(found, ecosystem, mine)
        except NotComparableError as error:
            reasons.append(str(error))
    return covered


def included(found: Range, ecosystem: str, mine: Any) -> bool:
    """Whether a range of versions has a parsed version. Raises NotComparableError for a range that cannot be read."""
    limits = [event.limit for event in found.events if event.limit is not None]
    if limits and not any(limit == _ALWAYS or mine < parse(ecosystem, limit) for limit in limits):
        return False
    vulnerable = False
    for event in ordered(found.events, ecosystem):
        if event.introduced is not None:
            vulnerable = vulnerable or event.introduced == _START or mine >= parse(ecosystem, event.introduced)
        elif _closes(event, ecosystem, mine):
            vulnerable = False
    return vulnerable


def _closes(event: Event, ecosystem: str, mine: Any) -> bool:
    if event.fixed is not None:
        return bool(mine >= parse(ecosystem, event.fixed))
    return event.last_affected is not None and bool(mine > parse(ecosystem, event.last_affected))


def ordered(events: Iterable[Event], ecosystem: str) -> list[Event]:
    """The events that open and close intervals, by version; "0" comes before every version.

    Raises NotComparableError for a version that cannot be read, and for a range that does not say where it begins.
    """
    kept = [event for event in events if event.limit is None]
    if not any(event.introduced is not None for event in kept):
        raise NotComparableError("a range does not say where it begins")
    first = [event for event in kept if event.introduced == _START]
    rest = [event for event in kept if event.introduced != _START]
    return first + sorted(rest, key=lambda event: parse(ecosystem, _version(event)))


def _version(event: Event) -> str:
    return event.introduced or event.fixed or event.last_affected or ""


def _readable(versions: Iterable[str], ecosystem: str) -> Iterator[Any]:
    for version in versions:
        with contextlib.suppress(NotComparableError):
            yield parse(ecosystem, version)


def _fixed(affected: Iterable[Affected], ecosystem: str, version: str) -> tuple[str, ...]:
    """For each range that has the version, the first later release without the problem, the lowest first.

    A release that is only listed has those of all ranges: which of them is its own branch is not known.
    """
    try:
        mine = parse(ecosystem, public(ecosystem, version))
    except NotComparableError:
        return ()
    own, later = dict[Any, str](), dict[Any, str]()
    for found in (found for one in affected for found in one.ranges or () if found.type != "GIT"):
        with contextlib.suppress(NotComparableError):
            fixes = {parse(ecosystem, event.fixed): event.fixed for event in found.events if event.fixed}
            after = [(key, text) for key, text in fixes.items() if key > mine]
            later |= dict(after)
            if after and included(found, ecosystem, mine):
                lowest = min(after, key=lambda one: one[0])
                own[lowest[0]] = lowest[1]
    return tuple(text for _key, text in sorted((own or later).items(), key=lambda one: one[0]))
