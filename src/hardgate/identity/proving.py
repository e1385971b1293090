"""What a dynamic test showed, joined with what static tools report in the code behind its endpoint.

One issue is made of the dynamic findings of one weakness on endpoints that one function answers, and the static ones of
the same weakness in that function. Where it has none, a function that it calls may have them: just one, for else nobody
can say which it is. What cannot be told stays apart, and says why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from hardgate import equivalents
from hardgate.model import Finding, Kind, Proof
from hardgate.proofs import Place, Route, Routes
from hardgate.routes import match

_STATIC = frozenset({Kind.CODE, Kind.MISCONFIGURATION})


class _Aim(NamedTuple):
    """Where a dynamic finding leads: the function whose findings it is joined with, and the weakness; or why not."""

    place: Place | None
    weakness: str
    because: str
    handler: Place | None = None


def prove(findings: Iterable[Finding], table: Routes) -> tuple[Finding, ...]:
    """The findings with those that prove each other made one; every dynamic one says what is known of its code."""
    known = list(findings)
    statics: defaultdict[str, list[Finding]] = defaultdict(list)
    for one in known:
        if one.kind in _STATIC and one.location.line and not one.location.commit and not one.refuted:
            statics[one.location.path].append(one)
    groups: defaultdict[tuple[Place, str], list[Finding]] = defaultdict(list)
    result = [one for one in known if one.kind is not Kind.DYNAMIC]
    for one in known:
        if one.kind is Kind.DYNAMIC:
            aim = _aim(one, table, statics)
            if aim.place is None:
                result.append(_alone(one, aim.because, aim.handler))
            else:
                groups[aim.place, aim.weakness].append(one)
    taken: set[str] = set()
    for (place, weakness), shown in sorted(
        groups.items(), key=lambda pair: (pair[0][0].path, pair[0][0].line, pair[0][1])
    ):
        parts = [one for one in _within(place, weakness, statics) if one.id not in taken]
        if parts:
            taken |= {one.id for one in parts}
            result.append(_joined(parts, shown, place))
        else:
            result += [_alone(one, "the static findings in its code belong to another issue", place) for one in shown]
    return tuple(one for one in result if one.confirmed or one.id not in taken)


def _aim(finding: Finding, table: Routes, statics: Mapping[str, Sequence[Finding]]) -> _Aim:
    route, why = match(table, finding.location.path)
    if route is None:
        return _Aim(None, "", why)
    named = sorted(equivalents.weaknesses(finding.cwe))
    if not named:
        return _Aim(None, "", "the test names no weakness that is narrow enough", route.handler)
    found = [(place, one) for one in named for place in _nearest(route, one, statics)]
    if len(found) == 1:
        return _Aim(*found[0], "", route.handler)
    if not found:
        return _Aim(None, "", "no static tool reports that weakness in the code that answers", route.handler)
    return _Aim(None, "", "which of several places it showed cannot be told", route.handler)


def _nearest(route: Route, weakness: str, statics: Mapping[str, Sequence[Finding]]) -> list[Place]:
    """The handler if it has such findings, else the functions that it calls and that have some."""
    if _within(route.handler, weakness, statics):
        return [route.handler]
    return [place for place in route.calls if _within(place, weakness, statics)]


def _within(place: Place, weakness: str, statics: Mapping[str, Sequence[Finding]]) -> list[Finding]:
    return [
        one
        for one in statics.get(place.path, ())
        if place.line <= (one.location.line or 0) <= place.end_line and weakness in equivalents.weaknesses(one.cwe)
    ]


def _alone(finding: Finding, because: str, handler: Place | None) -> Finding:
    shown = f" ({_shown(handler)})" if handler else ""
    proof = Proof(
        confirmed=False,
        endpoints=(finding.location.path,),
        because=f"a test alone shows it: {because}{shown}",
        handler=_name(handler) if handler else "",
    )
    return msgspec.structs.replace(finding, proof=proof)


def _joined(statics: Sequence[Finding], shown: Sequence[Finding], place: Place) -> Finding:
    """One issue: the most severe static finding leads, so that its place in the source is the issue's."""
    lead, *others = sorted(statics, key=lambda one: (-one.severity.rank, one.location.line or 0, one.rule, one.id))
    dynamic = sorted(shown, key=lambda one: (one.location.path, one.rule, one.id))
    parts = (lead, *others, *dynamic)
    worst = max(parts, key=lambda one: one.severity.rank)
    endpoints = tuple(dict.fromkeys(one.location.path for one in dynamic))
    scanners = sorted({witness.scanner for one in statics for witness in one.witnesses})
    because = (
        f"{' and '.join(endpoints)} showed it while the application ran, and {' and '.join(scanners)} "
        f"report{'s' if len(scanners) == 1 else ''} it in the code that answers: {_shown(place)}"
    )
    return msgspec.structs.replace(
        lead,
        severity=worst.severity,
        severity_from=worst.severity_from,
        cwe=tuple(dict.fromkeys(word for one in parts for word in one.cwe)),
        ids=tuple(dict.fromkeys(word for one in parts for word in one.ids)),
        witnesses=tuple(witness for one in parts for witness in one.witnesses),
        fingerprints=_fingerprints(parts),
        joined=parts,
        proof=Proof(confirmed=True, endpoints=endpoints, because=because, handler=_name(place)),
    )


def _fingerprints(parts: Sequence[Finding]) -> dict[str, str]:
    """Those of the lead, and those of the others under their ids: two of one tool have names of their own."""
    prints = dict(parts[0].fingerprints)
    known = set(prints.values())
    for one in parts[1:]:
        prints |= {f"{one.id}/{name}": value for name, value in one.fingerprints.items() if value not in known}
        known.update(one.fingerprints.values())
    return prints


def _name(place: Place) -> str:
    return f"{place.path}:{place.name}"


def _shown(place: Place) -> str:
    return f"{place.name} in {place.path}, lines {place.line} to {place.end_line}"
