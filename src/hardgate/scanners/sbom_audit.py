"""sbom-audit: the SBOM of a requirements file, made by cyclonedx-bom, judged by the local advisory database.

The report is what `hardgate advisories lookup --json` prints: the tool makes the document, and hardgate looks its
packages up before anything is read here (see Scanner.judges).
"""

from __future__ import annotations

import msgspec

from hardgate import pins, rated, sboms
from hardgate.adapter import Canary, Scanner, brief, decode
from hardgate.errors import ReportError
from hardgate.model import DataUse, Finding, Gap, GapReason, Kind, Location, Package, Report, Severity

_NAME = "sbom-audit"
_NOT_IMPORTED = "the database has no advisories of "


class _Rating(msgspec.Struct):
    severity: Severity
    source: str
    score: float | None
    vector: str


class _Hit(msgspec.Struct):
    purl: str
    ecosystem: str
    name: str
    version: str
    id: str
    ids: list[str]
    summary: str
    rating: _Rating
    fixed: list[str]
    kev: bool
    malicious: bool
    url: str
    cwe: list[str]


class _Unjudged(msgspec.Struct):
    purl: str
    reason: str
    advisory: str


class _Answer(msgspec.Struct):
    # Without defaults: an answer that does not say of which data it is, or what it could not judge, is none.
    data: DataUse
    judged: int
    hits: list[_Hit]
    unjudged: list[_Unjudged]


def _parse(raw: bytes) -> Report:
    answer = decode(raw, _Answer, _NAME)
    if not answer.data.source:
        raise ReportError("the answer does not say by which data the packages were judged")
    gaps = [_not_judged(one) for one in answer.unjudged]
    if not (answer.judged or gaps):
        gaps.append(_NOTHING)
    return Report(findings=tuple(map(_finding, answer.hits)), gaps=tuple(gaps))


def _finding(hit: _Hit) -> Finding:
    text = brief(hit.summary) or hit.id
    return Finding(
        scanner=_NAME,
        rule=hit.id,
        kind=Kind.DEPENDENCY,
        severity=hit.rating.severity,
        severity_from=_source(hit),
        message=f"{hit.name} {hit.version}: {text}",
        location=Location(path=""),
        cwe=tuple(hit.cwe),
        ids=(hit.id, *(name for name in hit.ids if name != hit.id)),
        fix=_fix(hit),
        url=hit.url,
        package=Package(
            ecosystem=hit.ecosystem, name=hit.name, version=hit.version, purl=hit.purl, fixed=tuple(hit.fixed)
        ),
    )


def _source(hit: _Hit) -> str:
    """Who rated it, and by what. What nobody rated counts as high until somebody does."""
    rating = hit.rating
    cvss = [] if rating.score is None else [rated.scored(rated.Cvss(rating.source[5:], rating.score, rating.vector))]
    exploited = [rated.EXPLOITED] if hit.kev else []
    return rated.told("adapter" if rating.source == "unknown" else "tool", [*cvss, *exploited])


def _fix(hit: _Hit) -> str:
    if hit.malicious:
        return f"Remove {hit.name}, and treat every machine that installed it as compromised."
    if not hit.fixed:
        return f"No release of {hit.name} mends this: replace it, or accept the risk in writing."
    return f"Upgrade {hit.name} to {' or '.join(hit.fixed)}"


def _not_judged(one: _Unjudged) -> Gap:
    if one.reason.startswith(_NOT_IMPORTED):
        reason, remedy = GapReason.DATA_UNAVAILABLE, "Import them: hardgate advisories import"
    else:
        reason, remedy = GapReason.NOT_COVERED, "Pin it to one release that its ecosystem knows, or read the advisory."
    return Gap(reason=reason, message=f"{one.purl} was not judged: {one.reason}.", remedy=remedy)


_NOTHING = Gap(
    reason=GapReason.FILE_UNREAD,
    message="The SBOM lists no package: nothing was judged.",
    remedy="Pin the requirements to exact releases with ==, or take the file out of the scope.",
)


SBOM_AUDIT = Scanner(
    name=_NAME,
    kinds=frozenset({Kind.DEPENDENCY}),
    argv=sboms.argv,
    parse=_parse,
    done_exits=frozenset({0}),
    canary=Canary(files={"requirements.txt": b"jinja2==2.4.1\n"}, rules=("CVE-2019-10906",)),
    selects=pins.is_requirements,
    split=sboms.split,
    prepare=sboms.prepare,
    data=lambda _job: DataUse(source="local advisory database"),
    judges=True,
    makes=sboms.MEDIA_TYPE,
    tool=lambda _options: sboms.MAKER,
    seconds=1.5,
    memory=90_000_000,
)
