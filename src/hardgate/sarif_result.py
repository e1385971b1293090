"""One result of our SARIF. A log has hundreds of thousands of them: what many have alike is made once.

Sections are those of SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

import msgspec
from msgspec import UNSET, UnsetType, structs

from hardgate import rated
from hardgate.allowances import INLINE
from hardgate.model import Decision, Finding, Kind, Location, Severity, State
from hardgate.outward import uri
from hardgate.proven import proved, used
from hardgate.wording import Judged, flow, in_order

ROOT = "SRCROOT"
# SARIF knows three levels of failure (3.27.10).
LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_FIRST = 100.0
_KEPT = 4096  # values that are remembered
_Json = dict[str, object]


class Artifact(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A file of the scanned tree, by its path (3.4)."""

    uri: str
    uri_base_id: str = ROOT


class _Region(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    start_line: int
    end_line: int | UnsetType = UNSET


class _Physical(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    artifact_location: Artifact
    region: _Region | UnsetType = UNSET


class _Text(msgspec.Struct, frozen=True, gc=False):
    text: str


class _Place(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    physical_location: _Physical
    message: _Text | UnsetType = UNSET


class _Rating(msgspec.Struct, frozen=True, gc=False):
    """Who rated a finding, and what the local advisory database knows of its advisory; the rest is left out."""

    source: str
    cvss: _Json | UnsetType = UNSET
    epss: float | UnsetType = UNSET
    exploited: bool | UnsetType = UNSET


class _Own(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What SARIF has no word for (3.8, property bags)."""

    id: str
    severity: Severity
    severity_from: str
    cvss: _Json | UnsetType
    epss: float | UnsetType
    exploited: bool | UnsetType
    kind: Kind
    state: State
    because: str
    action: str
    ids: tuple[str, ...]
    fix: str
    commit: str
    package: str
    seen_by: tuple[str, ...]
    confirmed: bool | UnsetType = UNSET
    proof: str | UnsetType = UNSET
    imported: str | UnsetType = UNSET


class _Properties(msgspec.Struct, frozen=True, gc=False):
    hardgate: _Own


class Result(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A finding as a result (3.27)."""

    rule_id: str
    rule_index: int
    level: str
    message: _Text
    locations: tuple[_Place, ...]
    partial_fingerprints: dict[str, str]
    suppressions: tuple[_Json, ...]
    taxa: tuple[_Json, ...]
    properties: _Properties
    rank: float | UnsetType = UNSET
    related_locations: tuple[_Place | _Json, ...] | UnsetType = UNSET


class Maker:
    """Makes the results of one run, given the places of its rules and of its weaknesses."""

    def __init__(self, rules: Mapping[str, int], weaknesses: Mapping[str, int]) -> None:
        self._rules, self._weaknesses = rules, weaknesses
        self._taxa: dict[tuple[str, ...], tuple[_Json, ...]] = {(): ()}

    def result(self, judged: Judged) -> Result:
        """One finding and what the gate made of it."""
        finding, decision = judged
        taxa = self._taxa.get(finding.cwe)
        if taxa is None:
            taxa = self._taxa[finding.cwe] = tuple(taxon(cwe, self._weaknesses) for cwe in finding.cwe)
        return Result(
            finding.rule,
            self._rules[finding.rule],
            LEVELS[finding.severity],
            _Text(finding.message),
            (_place(finding.location),) if finding.location.path else (),
            _fingerprints(finding),
            # An empty list says "not suppressed"; leaving it out would say "not known" (3.27.23).
            _suppressions(decision) if decision.state is State.WAIVED else (),
            taxa,
            _Properties(_own(finding, decision)),
            # Of 0 to 100 (3.27.25): the rest has no rank of its own. Other places of an issue are related (3.27.22).
            _FIRST if finding.joined else UNSET,
            _related(finding) if finding.joined else UNSET,
        )


def _related(finding: Finding) -> tuple[_Place | _Json, ...]:
    """The further parts of a confirmed issue; an endpoint is no place of the tree."""
    texts = ((one, _Text(flow(f"{one.scanner} {one.rule}: {one.message}"))) for one in finding.joined[1:])
    return tuple(
        {"message": text} if one.kind is Kind.DYNAMIC else structs.replace(_place(one.location), message=text)
        for one, text in texts
    )


def taxon(cwe: str, weaknesses: Mapping[str, int]) -> _Json:
    """A weakness by its place in the run's taxonomy (3.54)."""
    return {"id": cwe, "index": weaknesses[cwe], "toolComponent": {"name": "CWE", "index": 0}}


@functools.lru_cache(maxsize=_KEPT)
def artifact(path: str) -> Artifact:
    """A file of the tree by its path."""
    return Artifact(uri(path))


def _place(location: Location) -> _Place:
    region: _Region | UnsetType = UNSET
    if location.line is not None:
        region = _Region(location.line, UNSET if location.end_line is None else location.end_line)
    physical = _Physical(artifact(location.path), region)
    if not location.commit:
        return _Place(physical)
    return _Place(physical, _Text(f"In commit {location.commit}, not in the scanned tree."))


def _fingerprints(finding: Finding) -> dict[str, str]:
    """All of them; GitHub's own under the name by which it reads it."""
    prints = finding.fingerprints
    return {shown: prints[name] for name, shown in _shown_names(tuple(prints))}


@functools.lru_cache(maxsize=_KEPT)
def _shown_names(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The names in their order, each with what it is called here."""
    return tuple((name, "primaryLocationLineHash" if name == "line/v1" else name) for name in in_order(names))


def _suppressions(decision: Decision) -> tuple[_Json, ...]:
    record = decision.waiver
    kind = "inSource" if record and record.kind == INLINE else "external"
    more = {"properties": {"hardgate": structs.asdict(record)}} if record else {}
    return ({"kind": kind, "status": "accepted", "justification": decision.because, **more},)


def _own(finding: Finding, decision: Decision) -> _Own:
    package, rating = finding.package, _rating(finding.severity_from)
    return _Own(
        finding.id,
        finding.severity,
        rating.source,
        rating.cvss,
        rating.epss,
        rating.exploited,
        finding.kind,
        decision.state,
        decision.because,
        finding.action,
        finding.ids,
        finding.fix,
        finding.location.commit,
        package.purl or f"{package.name} {package.version}" if package else "",
        _seen_by(finding.scanner, tuple([witness.scanner for witness in finding.witnesses])),
        finding.confirmed if finding.proof else UNSET,
        proved(finding) if finding.proof else UNSET,
        used(finding) if finding.use else UNSET,
    )


@functools.lru_cache(maxsize=_KEPT)
def _seen_by(scanner: str, witnesses: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({*witnesses, scanner}))


@functools.lru_cache(maxsize=_KEPT)
def _rating(severity_from: str) -> _Rating:
    cvss, epss = rated.cvss(severity_from), rated.epss(severity_from)
    return _Rating(
        rated.source(severity_from),
        cvss._asdict() if cvss else UNSET,
        UNSET if epss is None else epss,
        True if rated.exploited(severity_from) else UNSET,
    )
