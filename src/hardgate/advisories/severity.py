"""How bad an advisory is: its CVSS vector, else the word of its database, else high with a mark.

CVSS 4.0 and 3.x scores become words as FIRST's specification says (https://www.first.org/cvss/v4.0/specification-document
and https://www.first.org/cvss/v3.1/specification-document, "Qualitative Severity Rating Scale"); CVSS 2.0 has no such
table, and NVD's is used (https://nvd.nist.gov/vuln-metrics/cvss).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hardgate.advisories.records import Affected, Record, Score, Specific
from hardgate.model import Severity

# In order of preference: the newer version says more of the same vulnerability.
_SYSTEMS = ("CVSS_V4", "CVSS_V3", "CVSS_V2")
_BANDS = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
_BANDS_2 = ((7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.0, Severity.LOW))
_WORDS = {
    "CRITICAL": Severity.CRITICAL,
    "IMPORTANT": Severity.HIGH,
    "HIGH": Severity.HIGH,
    "MODERATE": Severity.MEDIUM,
    "MEDIUM": Severity.MEDIUM,
    "LOW": Severity.LOW,
    "NEGLIGIBLE": Severity.LOW,
    "NONE": Severity.INFO,
}


class Rating(msgspec.Struct, frozen=True, kw_only=True):
    """A severity and where it is from: "CVSS 3.1", "database", "malicious", or "unknown" (then it counts as high)."""

    severity: Severity
    source: str
    score: float | None = None
    vector: str = ""

    @property
    def known(self) -> bool:
        """False when nobody rated it."""
        return self.source != "unknown"


UNKNOWN = Rating(severity=Severity.HIGH, source="unknown")


def rate(record: Record) -> Rating:
    """The rating of a record as the database keeps it, for its one package.

    A package that is malware is critical: its code has run wherever it was installed. The ratings of `affected` come
    before those of the whole record (schema, "affected[].severity").
    """
    if record.malicious:
        return Rating(severity=Severity.CRITICAL, source="malicious")
    affected = record.affected or ()
    return (
        _scored(score for one in affected for score in one.severity or ())
        or _scored(record.severity or ())
        or _worded(record, affected)
        or UNKNOWN
    )


def worst(records: Iterable[Record]) -> Rating:
    """The rating of several records of one fact; UNKNOWN when there are none.

    A record that somebody rated says more than one that nobody did; among those the worst counts.
    """
    ratings = map(rate, records)
    return max(ratings, key=lambda one: (one.known, one.severity.rank, one.score or 0.0), default=UNKNOWN)


def _scored(scores: Iterable[Score]) -> Rating | None:
    """The rating by the newest CVSS; the worst where one version is there more than once."""
    by_system: dict[str, list[Rating]] = {}
    for score in scores:
        if score.type in _SYSTEMS and (rating := cvss(score.score)):
            by_system.setdefault(score.type, []).append(rating)
    best = next((by_system[system] for system in _SYSTEMS if system in by_system), [])
    return max(best, key=lambda one: one.score or 0.0, default=None)


def cvss(vector: str) -> Rating | None:
    """The rating of a CVSS vector of version 2.0, 3.0, 3.1 or 4.0; None for what is none."""
    from cvss import CVSS2, CVSS3, CVSS4, CVSSError  # type: ignore[import-untyped]  # noqa: PLC0415 (75 ms)

    version = vector.removeprefix("CVSS:").partition("/")[0] if vector.startswith("CVSS:") else "2.0"
    kind = {"4.0": CVSS4, "3.1": CVSS3, "3.0": CVSS3, "2.0": CVSS2}.get(version)
    try:
        score = float(kind(vector).base_score) if kind else None
    except CVSSError:
        return None
    if score is None:
        return None
    return Rating(severity=band(score, version), source=f"CVSS {version}", score=score, vector=vector)


def band(score: float, version: str) -> Severity:
    """The word for a base score."""
    bands = _BANDS_2 if version == "2.0" else _BANDS
    return next((word for least, word in bands if score >= least), Severity.INFO)


def _worded(record: Record, affected: Iterable[Affected]) -> Rating | None:
    places: list[Specific | None] = [*(one.database_specific for one in affected), record.database_specific]
    words = [one.severity.upper() for one in places if one is not None and isinstance(one.severity, str)]
    known = [_WORDS[word] for word in words if word in _WORDS]
    return Rating(severity=max(known, key=lambda one: one.rank), source="database") if known else None
