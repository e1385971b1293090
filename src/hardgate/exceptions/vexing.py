"""VEX documents out of a run: what the gate made of each vulnerable package, in OpenVEX 0.2.0 and in CycloneDX 1.6.

A scanner matches versions and knows no more: what nobody has judged is `under_investigation` (`in_triage`). What a VEX
statement waives is `not_affected` with its justification; a risk that somebody accepts is `affected` (`exploitable`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from hardgate.allowances import VEX, Waiver
from hardgate.errors import ConfigError
from hardgate.exceptions import purls
from hardgate.exceptions.vex import OPENVEX, TO_CYCLONEDX, TO_OPENVEX
from hardgate.model import Finding, Run, Verdict
from hardgate.wording import flow, judge, to_json

_Json = dict[str, Any]
FORMATS = ("openvex", "cyclonedx")


class _Row(NamedTuple):
    """One vulnerability of one package, and the record that waives it."""

    finding: Finding
    purl: str
    waiver: Waiver | None
    because: str


def render(run: Run, verdict: Verdict, form: str, author: str) -> bytes:
    """The document in one of FORMATS; raises ConfigError when the run found no vulnerable package to speak of."""
    rows = _rows(run, verdict)
    if not rows:
        hint = "Nothing was written: a VEX document makes statements about vulnerabilities of packages."
        raise ConfigError(f"run {run.id} found no vulnerable package", hint=hint)
    made = _openvex(run, verdict, rows, author) if form == "openvex" else _cyclonedx(run, verdict, rows, author)
    return to_json(made)


def _rows(run: Run, verdict: Verdict) -> list[_Row]:
    """Each vulnerability of each package once, by package URL and name; one that is not waived comes first."""
    found: dict[tuple[str, str], _Row] = {}
    for finding, decision in judge(run, verdict):
        if finding.package and (url := _url(finding)):
            key = (url, finding.rule)
            if key not in found or not decision.waiver:
                found[key] = _Row(finding, url, decision.waiver, decision.because)
    return [found[key] for key in sorted(found)]


def _url(finding: Finding) -> str:
    if finding.package is None:
        return ""
    if finding.package.purl:
        return finding.package.purl
    made = purls.of(finding.package)
    return f"pkg:{made.type}/{quote(made.name)}@{quote(made.version)}" if made else ""


def _names(finding: Finding) -> list[str]:
    return [name for name in dict.fromkeys(finding.ids) if name != finding.rule]


def _openvex(run: Run, verdict: Verdict, rows: Iterable[_Row], author: str) -> _Json:
    version = f"@{run.commit}" if run.commit else ""
    product = f"pkg:generic/{quote(run.pipeline, safe='')}{version}"
    return {
        "@context": f"{OPENVEX}/v0.2.0",
        "@id": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'hardgate:{run.id}:{verdict.judged_at}')}",
        "author": author,
        "timestamp": verdict.judged_at,
        "version": 1,
        "tooling": f"hardgate {run.hardgate_version}".strip(),
        "statements": [
            {
                "vulnerability": {"name": row.finding.rule, "aliases": _names(row.finding)},
                "products": [{"@id": product, "subcomponents": [{"@id": row.purl}]}],
                **_stated(row),
            }
            for row in rows
        ],
    }


def _stated(row: _Row) -> Mapping[str, str]:
    if row.waiver is None:
        return {"status": "under_investigation", "status_notes": flow(row.because)}
    if row.waiver.kind == VEX:
        label = row.waiver.justification
        return {
            "status": "not_affected",
            "justification": label if label in TO_CYCLONEDX else TO_OPENVEX[label],
            "status_notes": flow(row.because),
        }
    return {"status": "affected", "action_statement": flow(row.because)}


def _cyclonedx(run: Run, verdict: Verdict, rows: Iterable[_Row], author: str) -> _Json:
    rows = list(rows)
    packages = {row.purl: row.finding.package for row in rows if row.finding.package}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'hardgate:{run.id}:{verdict.judged_at}')}",
        "version": 1,
        "metadata": {
            "timestamp": verdict.judged_at,
            "authors": [{"name": author}],
            "component": {"type": "application", "name": run.pipeline, "version": run.commit or run.tree},
        },
        "components": [
            {"type": "library", "bom-ref": url, "name": package.name, "version": package.version, "purl": url}
            for url, package in packages.items()
        ],
        "vulnerabilities": [
            {
                "id": row.finding.rule,
                "references": [
                    {"id": name, "source": {"name": name.partition("-")[0]}} for name in _names(row.finding)
                ],
                "analysis": {**_analysed(row), "detail": flow(row.because), "lastUpdated": verdict.judged_at},
                "affects": [{"ref": row.purl}],
            }
            for row in rows
        ],
    }


def _analysed(row: _Row) -> _Json:
    if row.waiver is None:
        return {"state": "in_triage"}
    if row.waiver.kind == VEX:
        label = row.waiver.justification
        return {"state": "not_affected", "justification": label if label in TO_OPENVEX else TO_CYCLONEDX[label]}
    return {"state": "exploitable", "response": ["will_not_fix"]}
