"""Who rated a finding and what is known beside: the words of `Finding.severity_from`, written and read in one place.

The first word is who rated it (see SOURCES). What the local advisory database knows follows, each part after "; ":
`CVSS 3.1 9.8 CVSS:3.1/AV:N/...` (version, base score, vector), `high in its database` (a word without a vector),
`malicious`, `exploited (CISA)` for what CISA lists as known to be exploited, and `EPSS 0.94321`: the probability, 0 to
1, that it is exploited within 30 days, as FIRST reckons it (https://www.first.org/epss/).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from hardgate.model import Severity

# "tool" states it itself; "adapter": the tool has no word; "advisories": the local advisory database; else the user.
SOURCES = ("tool", "adapter", "advisories", "hardgate.yaml")
EXPLOITED = "exploited (CISA)"
MALICIOUS = "malicious"
_BETWEEN = "; "
_EPSS = re.compile(r"EPSS (?P<score>[01]\.\d{5})")
_CVSS = re.compile(r"CVSS (?P<version>[234]\.[01]) (?P<score>\d{1,2}\.\d) (?P<vector>[A-Za-z0-9.:/]+)")


class Cvss(NamedTuple):
    """A CVSS base score with its version and vector."""

    version: str
    score: float
    vector: str


def source(severity_from: str) -> str:
    """Who rated it: one of SOURCES."""
    return severity_from.partition(_BETWEEN)[0]


def by(name: str, severity_from: str) -> str:
    """The same knowledge, with `name` as the one who rated it."""
    return told(name, known(severity_from))


def told(name: str, parts: Iterable[str]) -> str:
    """`severity_from` for who rated it and what is known beside."""
    return _BETWEEN.join([name, *(part for part in parts if part)])


def scored(cvss: Cvss) -> str:
    """The part that tells a CVSS score."""
    return f"CVSS {cvss.version} {cvss.score:.1f} {cvss.vector}"


def worded(severity: Severity) -> str:
    """The part that tells the word of the database that an advisory is from."""
    return f"{severity} in its database"


def known(severity_from: str) -> tuple[str, ...]:
    """The parts that tell what is known of the advisory."""
    return tuple(severity_from.split(_BETWEEN)[1:])


def cvss(severity_from: str) -> Cvss | None:
    """The CVSS score that is told, None when none is."""
    found = [match for part in known(severity_from) if (match := _CVSS.fullmatch(part))]
    return Cvss(found[0]["version"], float(found[0]["score"]), found[0]["vector"]) if found else None


def exploited(severity_from: str) -> bool:
    """Whether CISA is told to list it as known to be exploited."""
    return EXPLOITED in known(severity_from)


def likely(epss: float) -> str:
    """The part that tells an EPSS probability; FIRST publishes five places."""
    return f"EPSS {epss:.5f}"


def epss(severity_from: str) -> float | None:
    """The EPSS probability that is told, None when none is."""
    found = [match for part in known(severity_from) if (match := _EPSS.fullmatch(part))]
    return float(found[0]["score"]) if found else None


def brief(severity_from: str) -> str:
    """What is known for a person, without the vector: `CVSS 3.1 9.8, exploited (CISA)`; "" when nothing is."""
    parts = known(severity_from)
    return ", ".join(part.rpartition(" ")[0] if _CVSS.fullmatch(part) else part for part in parts)
