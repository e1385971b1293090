"""Judge releases against the local database: which advisories cover them, and what could not be judged.

Advisories that name each other, or the same CVE, are one fact: one Hit, named by its CVE where it has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from hardgate.advisories import purl as purls
from hardgate.advisories.database import Database
from hardgate.advisories.matching import Answer, Judgement, judge
from hardgate.advisories.records import Record, base
from hardgate.advisories.severity import Rating, worst
from hardgate.advisories.versions import NotComparableError, comparable, parse, public
from hardgate.model import DataUse


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One fact about one release. `id` is its CVE or its first name, `ids` all its names, `advisories` the records.

    `fixed` are later releases without the problem, the lowest first; `kev`: CISA lists it as exploited.
    """

    purl: str
    ecosystem: str
    name: str
    version: str
    id: str
    ids: tuple[str, ...]
    advisories: tuple[str, ...]
    summary: str
    rating: Rating
    fixed: tuple[str, ...]
    kev: bool
    malicious: bool
    url: str
    cwe: tuple[str, ...] = ()


class Unjudged(msgspec.Struct, frozen=True, kw_only=True):
    """What nobody can say anything about: a package, or one advisory of it, and why."""

    purl: str
    reason: str
    advisory: str = ""


class LookUp(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: `judged` counts the releases that were wholly judged."""

    judged: int
    hits: tuple[Hit, ...]
    unjudged: tuple[Unjudged, ...]


def look_up(database: Database, names: Iterable[str], nameless: Iterable[str] = ()) -> LookUp:
    """Judge every purl, each once, in their order; `nameless` are components of an SBOM that have no purl.

    Raises StoreError when the database is damaged.
    """
    hits, unjudged, judged = list[Hit](), list[Unjudged](), 0
    for name in dict.fromkeys(names):
        try:
            release = purls.read(name)
        except purls.PurlError as error:
            unjudged.append(Unjudged(purl=name, reason=str(error)))
            continue
        found, open_ = of_release(database, release)
        hits += found
        unjudged += open_
        judged += not open_
    unjudged += [Unjudged(purl=name, reason="it has no purl in the SBOM") for name in nameless]
    return LookUp(judged=judged, hits=tuple(hits), unjudged=tuple(unjudged))


def document(answer: LookUp, used: DataUse) -> dict[str, object]:
    """The answer and the data that it is by, as JSON shows it."""
    return {"data": used, **msgspec.structs.asdict(answer)}


def of_release(database: Database, release: purls.Release) -> tuple[list[Hit], list[Unjudged]]:
    """What the database says of one release, the worst first, and what it cannot say."""
    reason = not_judged(database, release.package.ecosystem, release.version)
    if reason:
        return [], [Unjudged(purl=release.purl, reason=reason)]
    covering, unjudged = list[tuple[Record, Judgement]](), list[Unjudged]()
    for record in database.of_package(release.package.ecosystem, release.package.name):
        said = judge(record, release.package.ecosystem, release.version)
        if said.answer is Answer.AFFECTED:
            covering.append((record, said))
        elif said.answer is Answer.NOT_JUDGED:
            unjudged.append(Unjudged(purl=release.purl, reason=said.reason, advisory=record.id))
    facts = [_hit(database, release, fact) for fact in _facts(covering)]
    hits = sorted(facts, key=lambda hit: (-hit.rating.severity.rank, hit.id))
    known = {name for hit in hits for name in hit.ids}
    return hits, [one for one in unjudged if one.advisory not in known]


def not_judged(database: Database, ecosystem: str, version: str) -> str:
    """Why a version of a package of this ecosystem cannot be judged at all; "" when it can."""
    if not comparable(ecosystem):
        return f"versions of {ecosystem} cannot be compared here"
    if base(ecosystem) not in database.meta.ecosystems:
        return f"the database has no advisories of {base(ecosystem)}: import them"
    try:
        parse(ecosystem, public(ecosystem, version))
    except NotComparableError as error:
        return str(error)
    return ""


def _facts(covering: Sequence[tuple[Record, Judgement]]) -> list[list[tuple[Record, Judgement]]]:
    """The records in groups that share a name, directly or through others."""
    groups: list[tuple[set[str], list[tuple[Record, Judgement]]]] = []
    for one in covering:
        names, members = set(one[0].ids), [one]
        for group in [group for group in groups if group[0] & names]:
            groups.remove(group)
            names |= group[0]
            members = group[1] + members
        groups.append((names, members))
    return [members for _names, members in groups]


def _hit(database: Database, release: purls.Release, fact: list[tuple[Record, Judgement]]) -> Hit:
    records = [record for record, _ in fact]
    ids = tuple(dict.fromkeys(name for record in records for name in record.ids))
    cves = sorted(name for name in ids if name.startswith("CVE-"))
    ecosystem = release.package.ecosystem
    fixed = {version for _, said in fact for version in said.fixed}
    return Hit(
        purl=release.purl,
        ecosystem=ecosystem,
        name=release.package.name,
        version=release.version,
        id=cves[0] if cves else ids[0],
        ids=tuple(sorted(ids)),
        advisories=tuple(record.id for record in records),
        summary=records[0].title,
        rating=worst(records),
        fixed=tuple(sorted(fixed, key=lambda version: parse(ecosystem, version))),
        kev=not database.kev.isdisjoint(ids),
        malicious=any(record.malicious for record in records),
        url=f"https://osv.dev/vulnerability/{records[0].id}",
        cwe=tuple(sorted({word for record in records for word in weaknesses(record)})),
    )


def weaknesses(record: Record) -> list[str]:
    own = record.database_specific
    words = own.cwe_ids if own is not None and isinstance(own.cwe_ids, list) else []
    return [word for word in words if isinstance(word, str) and word.startswith("CWE-")]
