"""One fact seen by several tools made one finding with several witnesses."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from hardgate import equivalents
from hardgate.identity.naming import advisory, pypi_name
from hardgate.identity.settling import reading_order
from hardgate.model import Finding, Kind, Receipt, Refutation


def merge(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding per fact: the most severe leads, the others become its witnesses.

    Two are one fact when they are the same advisory of the same package in the same file; when both are secrets in the
    same line of the same file; or when bandit and ruff report the same rule (B608 is S608), or semgrep and dataflow the
    same bundled rule, in the same line. What one action reports twice stays two: the first goes with the first of the
    other tools, the second with the second.
    """
    groups: defaultdict[tuple[object, ...], list[Finding]] = defaultdict(list)
    counted: Counter[tuple[object, ...]] = Counter()
    for finding in findings:
        fact = _fact(finding)
        groups[(fact, counted[(fact, finding.action)])].append(finding)
        counted[(fact, finding.action)] += 1
    merged = (_join(group) for group in groups.values())
    return tuple(sorted(merged, key=lambda one: (-one.severity.rank, *reading_order(one))))


def conclude(receipts: Iterable[Receipt]) -> tuple[Finding, ...]:
    """The findings of all actions, merged; those that another scanner refutes say so.

    A finding is refuted when each of its witnesses reports a rule that stands for one bundled rule, and a refutation of
    that rule covers its line.
    """
    known = list(receipts)
    merged = merge(finding for receipt in known for finding in receipt.findings)
    places: defaultdict[tuple[str, str], list[tuple[str, Refutation]]] = defaultdict(list)
    for receipt in known:
        for one in receipt.refuted:
            places[one.rule, one.path].append((receipt.scanner, one))
    return tuple(_refuted(finding, places) for finding in merged) if places else merged


def _refuted(finding: Finding, places: Mapping[tuple[str, str], Sequence[tuple[str, Refutation]]]) -> Finding:
    rules = {equivalents.bundled(one.scanner, one.rule) for one in finding.witnesses}
    line = finding.location.line or 0
    for scanner, place in places.get((min(rules), finding.location.path), ()) if len(rules) == 1 else ():
        if place.line <= line <= place.end_line and scanner not in {one.scanner for one in finding.witnesses}:
            return msgspec.structs.replace(finding, refuted=scanner)
    return finding


def _fact(finding: Finding) -> tuple[object, ...]:
    where = finding.location
    if finding.package:
        package, place = finding.package, finding.package.ecosystem.lower()
        name = pypi_name(package.name) if place == "pypi" else package.name.lower()
        return ("dependency", place, name, package.version, advisory(finding), where.path)
    if finding.kind is Kind.SECRET and where.line:
        return ("secret", where.path, where.commit, where.line)
    twin = re.fullmatch(r"[BS](\d{3})", finding.rule)
    if twin and finding.scanner in {"bandit", "ruff"}:
        return ("bandit", twin[1], where.path, where.line)
    if equivalents.is_bundled(finding.scanner, finding.rule) and where.line:
        return ("bundled", finding.rule, where.path, where.line)
    return ("one", finding.id, finding.action)


def _join(group: list[Finding]) -> Finding:
    lead, *others = sorted(group, key=lambda one: (-one.severity.rank, one.scanner, one.action, one.rule, one.id))
    if not others:
        return lead
    return msgspec.structs.replace(
        lead,
        witnesses=tuple(witness for one in (lead, *others) for witness in one.witnesses),
        cwe=_union(one.cwe for one in (lead, *others)),
        ids=_union(one.ids for one in (lead, *others)),
        fix=next((one.fix for one in (lead, *others) if one.fix), ""),
        url=next((one.url for one in (lead, *others) if one.url), ""),
        fingerprints=_fingerprints(lead, others),
    )


def _fingerprints(lead: Finding, others: Iterable[Finding]) -> dict[str, str]:
    """Those of the lead, and those of the witnesses under their actions' names; the same value is not told twice."""
    prints = dict(lead.fingerprints)
    known = set(prints.values())
    for one in others:
        prints |= {f"{one.action}/{name}": value for name, value in one.fingerprints.items() if value not in known}
        known.update(one.fingerprints.values())
    return prints


def _union(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for words in lists for word in words))
