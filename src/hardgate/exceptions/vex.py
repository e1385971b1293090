"""VEX documents as exceptions: `not_affected` with a justification waives; whatever else is said does not.

OpenVEX 0.2.0 (https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md) and the analysis of CycloneDX 1.4 to 1.6
(https://cyclonedx.org/docs/1.6/json/#vulnerabilities_items_analysis). Neither has an end date: a statement counts for
as many days after its timestamp as the policy gives any waiver.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Literal, NamedTuple
from urllib.parse import unquote

import msgspec

from hardgate import strict
from hardgate.allowances import VEX, Waiver
from hardgate.errors import ConfigError
from hardgate.exceptions import purls
from hardgate.exceptions.waivers import day_after
from hardgate.model import Policy
from hardgate.wording import cut, flow, plain

FOLDER = ".hardgate/vex/"
OPENVEX = "https://openvex.dev/ns"
_LONGEST = 500  # characters of an error message

# The labels of both formats, each with the nearest of the other: CycloneDX's nine are finer than OpenVEX's five.
TO_CYCLONEDX = {
    "component_not_present": "code_not_present",
    "vulnerable_code_not_present": "code_not_present",
    "vulnerable_code_not_in_execute_path": "code_not_reachable",
    "vulnerable_code_cannot_be_controlled_by_adversary": "requires_environment",
    "inline_mitigations_already_exist": "protected_by_mitigating_control",
}
TO_OPENVEX = {
    "code_not_present": "vulnerable_code_not_present",
    "code_not_reachable": "vulnerable_code_not_in_execute_path",
    "requires_configuration": "vulnerable_code_cannot_be_controlled_by_adversary",
    "requires_dependency": "vulnerable_code_cannot_be_controlled_by_adversary",
    "requires_environment": "vulnerable_code_cannot_be_controlled_by_adversary",
    "protected_by_compiler": "inline_mitigations_already_exist",
    "protected_at_runtime": "inline_mitigations_already_exist",
    "protected_at_perimeter": "inline_mitigations_already_exist",
    "protected_by_mitigating_control": "inline_mitigations_already_exist",
}


class _Named(msgspec.Struct, frozen=True):
    purl: str = ""


class _Part(msgspec.Struct, frozen=True, rename={"id": "@id"}):
    id: str = ""
    identifiers: _Named = _Named()

    @property
    def purl(self) -> str:
        """The package URL, which may stand as the id; "" when there is none."""
        return self.identifiers.purl or (self.id if self.id.startswith("pkg:") else "")


class _Product(_Part, frozen=True, rename={"id": "@id"}):
    subcomponents: tuple[_Part, ...] = ()


class _Vulnerability(msgspec.Struct, frozen=True):
    name: str
    aliases: tuple[str, ...] = ()


class _Statement(msgspec.Struct, frozen=True):
    vulnerability: _Vulnerability
    status: Literal["not_affected", "affected", "fixed", "under_investigation"]
    products: tuple[_Product, ...] = ()
    justification: str = ""
    impact_statement: str = ""
    status_notes: str = ""
    timestamp: str = ""
    last_updated: str = ""


class _OpenVex(msgspec.Struct, frozen=True, rename={"context": "@context", "id": "@id"}):
    context: str
    id: str
    author: str
    timestamp: str
    version: int
    statements: tuple[_Statement, ...]
    last_updated: str = ""


class _Who(msgspec.Struct, frozen=True):
    name: str = ""


class _Metadata(msgspec.Struct, frozen=True):
    timestamp: str = ""
    authors: tuple[_Who, ...] = ()
    manufacturer: _Who = _Who()
    supplier: _Who = _Who()


class _Component(msgspec.Struct, frozen=True, rename={"ref": "bom-ref"}):
    ref: str = ""
    purl: str = ""
    components: tuple[_Component, ...] = ()


class _Analysis(msgspec.Struct, frozen=True, rename="camel"):
    state: str = ""
    justification: str = ""
    detail: str = ""
    first_issued: str = ""
    last_updated: str = ""


class _Affected(msgspec.Struct, frozen=True):
    ref: str


class _Reference(msgspec.Struct, frozen=True):
    id: str = ""


class _Known(msgspec.Struct, frozen=True):
    id: str = ""
    references: tuple[_Reference, ...] = ()
    analysis: _Analysis = _Analysis()
    affects: tuple[_Affected, ...] = ()


class _CycloneDx(msgspec.Struct, frozen=True, rename="camel"):
    bom_format: Literal["CycloneDX"]
    spec_version: str
    vulnerabilities: tuple[_Known, ...]
    metadata: _Metadata = _Metadata()
    components: tuple[_Component, ...] = ()


class _Said(NamedTuple):
    """One thing that a document says: the names of a vulnerability, the package, when, and who says it where."""

    names: tuple[str, ...]
    purl: str
    waives: bool
    reason: str
    label: str
    when: datetime
    owner: str = ""
    source: str = ""


def read(raw: bytes, name: str, policy: Policy) -> tuple[Waiver, ...]:
    """What one document waives; raises ConfigError for anything that is not understood."""
    return together([(raw, name)], policy)


def together(documents: Iterable[tuple[bytes, str]], policy: Policy) -> tuple[Waiver, ...]:
    """What documents (bytes and name) waive; raises ConfigError for anything that is not understood.

    Of several statements about the same vulnerability of the same package the latest counts (OpenVEX, "Updating"), in
    whichever document it stands: a newer `affected` in another file ends a `not_affected`.
    """
    said = [one for raw, name in documents for one in _of(raw, name)]
    return _waivers(said, policy.max_waiver_days)


def _of(raw: bytes, name: str) -> list[_Said]:
    try:
        owner, said = _read(raw)
    except (ValueError, RecursionError) as error:
        hint = "Nothing was run. OpenVEX 0.2.0 and CycloneDX 1.4 to 1.6 with `vulnerabilities` are read."
        raise ConfigError(plain(cut(f"{name}: {error}", _LONGEST)), hint=hint) from error
    return [one._replace(owner=flow(owner), source=name) for one in said]


def _read(raw: bytes) -> tuple[str, list[_Said]]:
    """The author of a document and what it says; the two formats are told apart by the keys that they must have."""
    head = strict.decode(raw, dict[str, msgspec.Raw])
    if "bomFormat" in head:
        found = msgspec.json.decode(raw, type=_CycloneDx)
        owner, said = _author(found), list(_from_cyclonedx(found))
    else:
        document = msgspec.json.decode(raw, type=_OpenVex)
        if not document.context.startswith(OPENVEX):
            raise ValueError(f"`@context` is {document.context!r}, and not of {OPENVEX}")
        owner, said = document.author, list(_from_openvex(document))
    if not owner.strip():
        raise ValueError("the document does not say who its author is: somebody must answer for it")
    return owner, said


def _waivers(said: Iterable[_Said], days: int) -> tuple[Waiver, ...]:
    last: dict[tuple[str, purls.Purl], _Said] = {}
    for one in sorted(said, key=lambda one: (one.when, not one.waives)):
        last.update({(rule, purl): one for rule in one.names if (purl := purls.parse(one.purl))})
    denied: defaultdict[tuple[str, str, str], list[tuple[str, datetime]]] = defaultdict(list)
    for (rule, purl), one in last.items():
        if not one.waives:
            denied[rule, purl.type, purl.name].append((purl.version, one.when))

    def stands(one: _Said, purl: purls.Purl) -> bool:
        """Whether no later statement, about one release or all of them, says another thing of some of the same.

        By any of its names: what the one calls by its CVE the other may call by its GHSA.
        """
        others = (pair for rule in one.names for pair in denied.get((rule, purl.type, purl.name), ()))
        same = (late for version, late in others if version == purl.version or "" in {version, purl.version})
        return not any(late >= one.when for late in same)

    return tuple(
        Waiver(
            reason=flow(one.reason),
            owner=one.owner,
            until=day_after(one.when.date().isoformat(), days),
            rule=rule,
            purl=one.purl,
            kind=VEX,
            justification=one.label,
            source=one.source,
        )
        for (rule, purl), one in last.items()
        if one.waives and stands(one, purl)
    )


def _from_openvex(document: _OpenVex) -> Iterator[_Said]:
    for number, one in enumerate(document.statements):
        label = one.justification
        if label and label not in TO_CYCLONEDX:
            raise ValueError(f"{label!r} is no justification of OpenVEX - at `$.statements[{number}].justification`")
        when = _time(
            one.last_updated or one.timestamp or document.last_updated or document.timestamp,
            f"$.statements[{number}].timestamp",
        )
        names = tuple(dict.fromkeys((one.vulnerability.name, *one.vulnerability.aliases)))
        waives = one.status == "not_affected" and bool(label)
        reason = one.status_notes or one.impact_statement or label.replace("_", " ")
        for product in one.products:
            # With subcomponents the product is what we build, and they are what is in it.
            parts = product.subcomponents or (product,)
            for purl in (part.purl for part in parts if purls.parse(part.purl)):
                yield _Said(names, purl, waives, reason, label, when)


def _author(document: _CycloneDx) -> str:
    about = document.metadata
    named = [*(one.name for one in about.authors), about.manufacturer.name, about.supplier.name]
    return next(filter(None, named), "")


def _from_cyclonedx(document: _CycloneDx) -> Iterator[_Said]:
    urls = dict(_urls(document.components))
    for number, one in enumerate(document.vulnerabilities):
        found = one.analysis
        waives = found.state == "not_affected" and bool(found.justification)
        if waives and found.justification not in TO_OPENVEX:
            where = f"$.vulnerabilities[{number}].analysis.justification"
            raise ValueError(f"{found.justification!r} is no justification of CycloneDX - at `{where}`")
        if not found.state:
            continue
        when = _time(
            found.last_updated or found.first_issued or document.metadata.timestamp,
            f"$.vulnerabilities[{number}].analysis.lastUpdated",
        )
        names = tuple(dict.fromkeys(filter(None, (one.id, *(other.id for other in one.references)))))
        reason = found.detail or found.justification.replace("_", " ")
        for affected in one.affects:
            ref = affected.ref
            # A BOM-Link names the component of another document: urn:cdx:serial/version#bom-ref.
            ref = unquote(ref.partition("#")[2]) if ref.startswith("urn:cdx:") else ref
            purl = urls.get(ref) or (ref if ref.startswith("pkg:") else "")
            if purls.parse(purl):
                yield _Said(names, purl, waives, reason, found.justification, when)


def _urls(components: Iterable[_Component]) -> Iterator[tuple[str, str]]:
    for one in components:
        if one.ref and one.purl:
            yield one.ref, one.purl
        yield from _urls(one.components)


def _time(text: str, where: str) -> datetime:
    """A timestamp of RFC 3339; without one nobody knows how long it counts."""
    try:
        when = datetime.fromisoformat(text)
        return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is no time, such as 2026-01-31T12:00:00Z - at `{where}`") from error
