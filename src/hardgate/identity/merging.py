"""One fact seen by several tools made one finding with several witnesses."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import msgspec

from hardgate import equivalents, rated
from hardgate.identity.naming import advisory, aliases, pypi_name
from hardgate.identity.settling import reading_order
from hardgate.model import Code, Finding, Kind, Receipt, Refutation, Severity, Use


def merge(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding per fact: the most severe leads, the others become its witnesses.

    Two are one fact when they are the same advisory, by any of its names, of the same release of a package in the same
    file; when both are secrets in the same line of the same file; or when they are of the same kind and say the same
    (equivalents.meaning) of the same place. What one action reports twice stays two: the first goes with the first of
    the other tools, the second with the second. Kinds are never mixed, since a policy judges by them.
    """
    return _sorted(_join(group) for group in _groups(findings))


def conclude(receipts: Iterable[Receipt], code: Code | None = None) -> tuple[Finding, ...]:
    """The findings of all actions, merged; those that another scanner refutes say so, and what `code` says of them.

    A finding is refuted when each of its witnesses reports a rule that stands for one bundled rule, and a refutation of
    that rule covers its line. Where that holds for some of those that say the same, and not for others, the two stay
    apart: neither is a refuted witness a reason to block, nor does it hide one that is not. Who reports a place himself
    has not refuted it.
    """
    known = list(receipts)
    groups = _groups(finding for receipt in known for finding in receipt.findings)
    places: defaultdict[tuple[str, str], list[tuple[str, Refutation]]] = defaultdict(list)
    for receipt in known:
        for one in receipt.refuted:
            places[one.rule, one.path].append((receipt.scanner, one))
    if not places:
        return _sourced(_sorted(map(_join, groups)), code or Code())
    return _sourced(_sorted(_join(part) for group in groups for part in _parted(group, places)), code or Code())


def _sourced(findings: tuple[Finding, ...], code: Code) -> tuple[Finding, ...]:
    """The findings with what the source says of them, where it was asked; what a test confirms comes first."""
    if code.uses is not None:
        findings = tuple(_used(one, code.uses) for one in findings)
    if code.routes is not None:
        from hardgate.identity.proving import prove  # noqa: PLC0415 (most runs have no dynamic findings)

        findings = _sorted(prove(findings, code.routes))
    return findings


def _used(finding: Finding, uses: Mapping[str, Use]) -> Finding:
    use = uses.get(package_key(finding))
    return msgspec.structs.replace(finding, use=use) if use else finding


def difference(one: Finding, other: Finding) -> list[str]:
    """Why two findings of one run are two, in words; empty when they say the same of one place."""
    words = []
    for what, values in (
        ("kind", [finding.kind.value for finding in (one, other)]),
        ("file", [finding.location.path for finding in (one, other)]),
        ("commit", [finding.location.commit for finding in (one, other)]),
    ):
        if values[0] != values[1]:
            words.append(f"another {what}: {values[0] or 'none'} and {values[1] or 'none'}")
    if one.package and other.package:
        return words + _other_package(one, other)
    if (one.location.line, one.kind) != (other.location.line, other.kind) and not _overlap(one, other):
        words.append(f"another place: line {one.location.line or 'none'} and line {other.location.line or 'none'}")
    if one.kind is not Kind.SECRET:
        said = [_meaning(finding)[0] or finding.rule for finding in (one, other)]
        if said[0] != said[1]:
            words.append(f"another problem: {said[0]} and {said[1]}")
    if not words and {witness.action for witness in one.witnesses} & {witness.action for witness in other.witnesses}:
        words.append("one tool reports both, and what one tool reports twice is two")
    return words


def _other_package(one: Finding, other: Finding) -> list[str]:
    words = []
    if _package(one) != _package(other):
        packages = [f"{found.package.name} {found.package.version}" for found in (one, other) if found.package]
        words.append(f"another release of a package: {' and '.join(packages)}")
    if not set(_advisories(one)) & set(_advisories(other)):
        words.append(f"another advisory: {advisory(one)} and {advisory(other)} share no name")
    return words


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    ranks = {severity: -severity.rank for severity in Severity}
    return tuple(sorted(findings, key=lambda one: (not one.joined, ranks[one.severity], *reading_order(one))))


def _groups(findings: Iterable[Finding]) -> Iterator[list[Finding]]:
    """The findings that are one fact, each list with at most one of each action."""
    files: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        files[finding.location.path].append(finding)
    return (group for members in files.values() for group in _groups_of_file(members))


def _groups_of_file(findings: list[Finding]) -> Iterator[list[Finding]]:
    """Every fact is one of a file; where one action alone reported, no two findings are one."""
    if all(one.action == findings[0].action for one in findings):
        yield from ([one] for one in findings)
        return
    near: defaultdict[tuple[object, ...], list[Finding]] = defaultdict(list)
    for finding in findings:
        near[_fact(finding)].append(finding)
    for fact, members in near.items():
        if len(members) == 1:
            yield members
            continue
        for cluster in _clusters(fact[0], members):
            counted: Counter[str] = Counter()
            groups: defaultdict[int, list[Finding]] = defaultdict(list)
            for one in cluster:
                groups[counted[one.action]].append(one)
                counted[one.action] += 1
            yield from groups.values()


def _clusters(what: object, members: list[Finding]) -> list[list[Finding]]:
    """Those of a package that share a name of the advisory; those of a file whose lines overlap; else all of them."""
    if what == "dependency":
        return _by_alias(members)
    return _by_lines(members) if what == equivalents.BLOCK else [members]


def _by_alias(members: list[Finding]) -> list[list[Finding]]:
    """By any shared name; a finding that two others share a name with makes them one cluster."""
    homes: dict[str, int] = {}
    parents = list(range(len(members)))

    def root(place: int) -> int:
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    for place, one in enumerate(members):
        for name in _advisories(one):
            parents[root(place)] = root(homes.setdefault(name, place))
    clusters: defaultdict[int, list[Finding]] = defaultdict(list)
    for place, one in enumerate(members):
        clusters[root(place)].append(one)
    return list(clusters.values())


def _by_lines(members: list[Finding]) -> list[list[Finding]]:
    clusters: list[list[Finding]] = []
    end = -1
    for one in sorted(members, key=lambda one: (_lines(one), reading_order(one))):
        first, last = _lines(one)
        if clusters and first <= end:
            clusters[-1].append(one)
        else:
            clusters.append([one])
        end = max(end, last)
    return clusters


def _lines(finding: Finding) -> tuple[int, int]:
    first = finding.location.line or 0
    return first, max(first, finding.location.end_line or 0)


def _overlap(one: Finding, other: Finding) -> bool:
    """Whether both say something whose reach is a block, or a file, and are near enough."""
    reaches = {_meaning(finding)[1] for finding in (one, other)}
    (first, last), (begin, end) = _lines(one), _lines(other)
    return reaches == {equivalents.FILE} or (reaches == {equivalents.BLOCK} and first <= end and begin <= last)


def _parted(
    group: list[Finding], places: Mapping[tuple[str, str], Sequence[tuple[str, Refutation]]]
) -> Iterable[list[Finding]]:
    """The members that are refuted and those that are not, each marked; together when the refuter is among them."""
    reporters = {witness.scanner for one in group for witness in one.witnesses}
    told = [_refuted(one, places, reporters) for one in group]
    parts = [[one for one in told if one.refuted], [one for one in told if not one.refuted]]
    return [part for part in parts if part]


def _refuted(
    finding: Finding, places: Mapping[tuple[str, str], Sequence[tuple[str, Refutation]]], reporters: Collection[str]
) -> Finding:
    rules = {equivalents.bundled(one.scanner, one.rule) for one in finding.witnesses}
    line = finding.location.line or 0
    for scanner, place in places.get((min(rules), finding.location.path), ()) if len(rules) == 1 else ():
        if place.line <= line <= place.end_line and scanner not in reporters:
            return msgspec.structs.replace(finding, refuted=scanner)
    return finding


def _fact(finding: Finding) -> tuple[object, ...]:
    """What two findings must share to be one; how near they must be is in the first word, see `_clusters`."""
    where = finding.location
    if finding.package:
        return ("dependency", *_package(finding), where.path)
    if finding.kind is Kind.SECRET and where.line:
        return ("secret", where.path, where.commit, where.line)
    said, reach = _meaning(finding)
    place = (said, finding.kind, where.path, where.commit)
    if said and reach in {equivalents.BLOCK, equivalents.FILE}:
        return (reach, *place)
    if said and where.line:
        return (reach, *place, where.line)
    return ("one", finding.id, finding.action)


def _meaning(finding: Finding) -> tuple[str, str]:
    whole = finding.location.line is None
    return equivalents.meaning(finding.scanner, finding.rule, finding.cwe, whole_file=whole)


def package_key(finding: Finding) -> str:
    """How a package is called in `Code.uses`, as in "pypi/jinja2"; "" for a finding about none."""
    return "/".join(_package(finding)[:2]) if finding.package else ""


def _package(finding: Finding) -> tuple[str, str, str]:
    if finding.package is None:
        return ("", "", "")
    package, place = finding.package, finding.package.ecosystem.lower()
    return place, pypi_name(package.name) if place == "pypi" else package.name.lower(), package.version


def _advisories(finding: Finding) -> tuple[str, ...]:
    return aliases(finding) or (finding.rule,)


def _join(group: list[Finding]) -> Finding:
    if len(group) == 1:
        return group[0]
    lead, *others = sorted(group, key=lambda one: (-one.severity.rank, one.scanner, one.action, one.rule, one.id))
    return msgspec.structs.replace(
        lead,
        witnesses=tuple(witness for one in (lead, *others) for witness in one.witnesses),
        cwe=_union(one.cwe for one in (lead, *others)),
        ids=_union(one.ids for one in (lead, *others)),
        fix=next((one.fix for one in (lead, *others) if one.fix), ""),
        url=next((one.url for one in (lead, *others) if one.url), ""),
        fingerprints=_fingerprints(lead, others),
        severity_from=_known(lead, others),
    )


def _known(lead: Finding, others: Iterable[Finding]) -> str:
    """Who rated the lead, and that it is exploited when any witness knows that: no baseline may cover it."""
    known = rated.known(lead.severity_from)
    if rated.EXPLOITED in known or not any(rated.exploited(one.severity_from) for one in others):
        return lead.severity_from
    return rated.told(rated.source(lead.severity_from), [*known, rated.EXPLOITED])


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
