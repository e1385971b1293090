"""What the local database knows of findings that other tools made: severity, CVSS, EPSS, and whether CISA lists them.

An advisory is known by any of its names: the records of the package that share one with the finding, directly or
through each other, are records of the same fact.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from hardgate import rated
from hardgate.advisories.database import Database
from hardgate.advisories.records import Record
from hardgate.advisories.severity import UNKNOWN, Rating, worst
from hardgate.model import Finding, Severity

EXPLOITED = "Known to be exploited (CISA)."


def rate(database: Database, findings: Iterable[Finding], *, lower: bool) -> tuple[tuple[Finding, ...], int]:
    """The findings, those about packages as the database rates them, and of how many it knows something.

    What a tool states itself is never lowered, nor is what is critical; what its adapter supposed is, where `lower`
    allows it. Raises StoreError when the database is damaged.
    """
    records: dict[tuple[str, str], Sequence[Record]] = {}
    result, known = list[Finding](), 0
    for finding in findings:
        if finding.package is None:
            result.append(finding)
            continue
        key = (finding.package.ecosystem, finding.package.name)
        if key not in records:
            records[key] = database.of_package(*key)
        names, same = _same({finding.rule, *finding.ids}, records[key])
        exploited = not database.kev.isdisjoint(names)
        rating = worst(same) if same else UNKNOWN
        likely = max((database.epss[name] for name in names if name in database.epss), default=None)
        known += rating.known or exploited
        result.append(_rated(finding, rating, exploited=exploited, likely=likely, lower=lower))
    return tuple(result), known


def _same(names: set[str], records: Sequence[Record]) -> tuple[set[str], list[Record]]:
    """All names of the fact that has these names, and the records that are about it."""
    names, same = set(names), list[Record]()
    while found := [one for one in records if one not in same and not names.isdisjoint(one.ids)]:
        same += found
        names.update(name for one in found for name in one.ids)
    return names, same


def _rated(finding: Finding, rating: Rating, *, exploited: bool, likely: float | None, lower: bool) -> Finding:
    said = rated.source(finding.severity_from)
    stated = said == "tool" or finding.severity is Severity.CRITICAL or not lower
    severity = finding.severity
    if rating.known and (rating.severity.rank > severity.rank or not stated):
        severity = rating.severity
    # An adapter's guess that the database confirms is a guess no longer.
    confirmed = rating.known and rating.severity is severity and said == "adapter"
    ours = severity is not finding.severity or confirmed
    epss = "" if likely is None else rated.likely(likely)
    parts = [_part(rating), rated.EXPLOITED if exploited else "", epss]
    message = finding.message
    if exploited and EXPLOITED not in message:
        message = f"{message}{'' if message.endswith(_ENDS) else '.'} {EXPLOITED}"
    return msgspec.structs.replace(
        finding,
        severity=severity,
        severity_from=rated.told("advisories" if ours else said, parts),
        message=message,
    )


_ENDS = (".", "!", "?", "…")


def _part(rating: Rating) -> str:
    """What is known, as a part of `severity_from`; "" for nothing."""
    if rating.score is not None:
        return rated.scored(rated.Cvss(rating.source.removeprefix("CVSS "), rating.score, rating.vector))
    words = {"malicious": rated.MALICIOUS, "database": rated.worded(rating.severity)}
    return words.get(rating.source, "")
