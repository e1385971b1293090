"""Findings made comparable: relative paths, harmless text, versioned ids, and one fact from two tools made one.

Ids of version 1, the first that applies is a finding's `id` (its first 16 hexadecimal digits):
- `dependency/v1`: package URL without version, advisory (the CVE if there is one) and path: an upgrade that does not
  mend the problem keeps the id.
- `secret/v1`: rule, path, commit and count of the same in that file: never anything of the value.
- `code/v1`: rule, path, the code of the line with its white space folded, and count of the same in that file: lines
  above may come and go.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from hardgate import equivalents, rated
from hardgate.model import Finding, Kind, Location, Receipt, Refutation, Severity, Witness
from hardgate.wording import flow, plain

ID_LENGTH = 16
# CVE first: the one name that all databases share.
_ADVISORIES = ("CVE-", "GHSA-", "PYSEC-", "OSV-", "SNYK-")


def relative(path: str, roots: Sequence[str], names: Mapping[str, str]) -> str:
    """`path` as a tool wrote it, relative to the first of `roots` it is in, with private names made real again."""
    for root in roots:
        if root and (path == root or path.startswith(root.rstrip("/") + "/")):
            path = path[len(root) :].lstrip("/")
            break
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    return names.get(path, path)


def settle(
    findings: Iterable[Finding],
    *,
    action: str,
    severities: Mapping[str, Severity],
    place: Callable[[str], str],
    lines: Callable[[str], Sequence[str]],
) -> tuple[Finding, ...]:
    """The findings of one action, ready to be kept.

    `place` turns a tool's path into ours (see `relative`), `lines` gives the lines of a file of the tree ([] when it is
    not there), `severities` is the action's own map by rule or advisory.
    """
    known = functools.lru_cache(maxsize=32)(lines)
    settled = [_settle(finding, action, severities, place, known) for finding in _once(findings)]
    counted: Counter[tuple[str, ...]] = Counter()
    result = []
    for finding, code in sorted(settled, key=lambda one: _reading_order(one[0])):
        key = _key(finding, code)
        prints = {key[0]: _digest((*key, str(counted[key])))}
        counted[key] += 1
        result.append(
            msgspec.structs.replace(
                finding, fingerprints=prints, id=prints[key[0]][:ID_LENGTH], witnesses=_own(finding)
            )
        )
    return tuple(result)


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """The findings of one action with each secret of the history told once: by its value's mark, whatever the place.

    What still stands in the tree is told there, and says since which commit. What does not is told at the commit that
    brought it in. `fingerprints` hold a mark of the value and the date of the commit only here: `settle` drops them.
    """
    here: dict[str, list[Finding]] = {}
    past: dict[str, list[Finding]] = {}
    rest = []
    for finding in findings:
        mark = finding.fingerprints.get("mark", "")
        if not (mark and finding.kind is Kind.SECRET):
            rest.append(finding)
        else:
            (past if finding.location.commit else here).setdefault(mark, []).append(finding)
    for mark, group in past.items():
        first = min(group, key=_age)
        if mark in here:
            worst = max((one.severity for one in group), key=lambda one: one.rank)
            here[mark] = [_also_past(one, first.location.commit, worst) for one in here[mark]]
        else:
            rest.append(_only_past(first, group))
    return [*rest, *(one for group in here.values() for one in group)]


def _age(finding: Finding) -> tuple[str, str, str, int]:
    where = finding.location
    return (finding.fingerprints.get("date", ""), where.commit, where.path, where.line or 0)


def _also_past(finding: Finding, commit: str, worst: Severity) -> Finding:
    message = f"{_sentence(finding.message)} It is in the history too, since commit {commit[:12]}."
    severity = max(finding.severity, worst, key=lambda one: one.rank)
    return msgspec.structs.replace(finding, message=message, severity=severity)


def _only_past(first: Finding, group: Sequence[Finding]) -> Finding:
    commits = len({one.location.commit for one in group})
    more = f" and {commits - 1} more" if commits > 1 else ""
    message = (
        f"{_sentence(first.message)} It was removed, or is in no file that was looked at, but stays in the history: "
        f"commit {first.location.commit[:12]}{more}."
    )
    severity = max((one.severity for one in group), key=lambda one: one.rank)
    return msgspec.structs.replace(first, message=message, severity=severity)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _settle(
    finding: Finding,
    action: str,
    severities: Mapping[str, Severity],
    place: Callable[[str], str],
    lines: Callable[[str], Sequence[str]],
) -> tuple[Finding, str]:
    """The finding with our path and severity, and the code of its line."""
    path = place(finding.location.path)
    text = lines(path)
    location = msgspec.structs.replace(finding.location, path=plain(path))
    if finding.package and location.line is None:
        location = _pinned(location, finding.package.name, text)
    code = text[location.line - 1] if location.line and location.line <= len(text) else ""
    override = next((severities[name] for name in (finding.rule, *finding.ids) if name in severities), None)
    settled = msgspec.structs.replace(
        finding,
        action=action,
        location=location,
        rule=plain(finding.rule),
        message=flow(finding.message),
        fix=flow(finding.fix),
        severity=override or finding.severity,
        severity_from=rated.by("hardgate.yaml", finding.severity_from) if override else finding.severity_from,
    )
    return settled, code


def _own(finding: Finding) -> tuple[Witness, ...]:
    return (
        Witness(
            scanner=finding.scanner,
            action=finding.action,
            rule=finding.rule,
            severity=finding.severity,
            message=finding.message,
        ),
    )


def _pinned(location: Location, package: str, lines: Sequence[str]) -> Location:
    """The line of a requirements file that names a package; names are compared as PEP 503 says."""
    wanted = _pypi_name(package)
    for number, line in enumerate(lines, 1):
        name = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", line)
        if name and _pypi_name(name[1]) == wanted:
            return msgspec.structs.replace(location, line=number, end_line=number)
    return location


def _pypi_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _reading_order(finding: Finding) -> tuple[str, str, int, str, str, tuple[str, ...], str]:
    """By place; then by all that tells findings apart, since a tool with threads writes in any order."""
    where = finding.location
    package = f"{finding.package.name} {finding.package.version}" if finding.package else ""
    return (where.path, where.commit, where.line or 0, finding.rule, finding.message, finding.ids, package)


def _key(finding: Finding, code: str) -> tuple[str, ...]:
    where = finding.location
    if finding.package:
        purl = _unversioned(finding.package.purl) or f"{finding.package.ecosystem}/{finding.package.name}"
        return ("dependency/v1", purl, advisory(finding), where.path)
    if finding.kind is Kind.SECRET:
        return ("secret/v1", finding.rule, where.path, where.commit)
    return ("code/v1", finding.rule, where.path, " ".join(code.split()))


def _unversioned(purl: str) -> str:
    """A package URL up to its version: https://github.com/package-url/purl-spec. A scope may be written with an @."""
    return re.sub(r"@[^@/]*$", "", re.split("[?#]", purl, maxsplit=1)[0])


def _digest(parts: tuple[str, ...]) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def advisory(finding: Finding) -> str:
    """The one name of an advisory: its CVE if it has one, else the first of the known kinds, else the rule."""
    for prefix in _ADVISORIES:
        for name in sorted({*finding.ids, finding.rule}):
            if name.startswith(prefix):
                return name
    return finding.rule


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
    return tuple(sorted(merged, key=lambda one: (-one.severity.rank, *_reading_order(one))))


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
        name = _pypi_name(package.name) if place == "pypi" else package.name.lower()
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
        fingerprints=lead.fingerprints
        | {f"{one.action}/{name}": value for one in others for name, value in one.fingerprints.items()},
    )


def _union(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for words in lists for word in words))
