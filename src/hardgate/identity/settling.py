"""The findings of one action made ready to be kept: relative paths, harmless text, one secret told once, ids."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from hardgate import rated
from hardgate.identity.naming import ID_LENGTH, Namer, Text, pypi_name
from hardgate.model import Finding, Kind, Severity, Witness
from hardgate.wording import flow, plain

Lines = Callable[[str], Sequence[str]]
_NAMED = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def relative(path: str, roots: Sequence[str], names: Mapping[str, str]) -> str:
    """`path` as a tool wrote it, relative to the first of `roots` it is in, with private names made real again."""
    for root in roots:
        if root and (path == root or path.startswith(root.rstrip("/") + "/")):
            path = path[len(root) :].lstrip("/")
            break
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    return names.get(path, path)


def drained(findings: list[Finding]) -> Iterator[Finding]:
    """The findings in their order, each let go as it is handed on: a million of them twice is a gigabyte more."""
    findings.reverse()
    while findings:
        yield findings.pop()


def settle(
    findings: Iterable[Finding],
    *,
    action: str,
    severities: Mapping[str, Severity],
    place: Callable[[str], str],
    lines: Lines,
    original: Lines | None = None,
    key: bytes = b"",
) -> tuple[Finding, ...]:
    """The findings of one action, ready to be kept.

    `place` turns a tool's path into ours (see `relative`), `lines` gives the lines of a file of the tree as the tool
    was shown them ([] when it is not there), `original` as they are in the repository, where that may differ.
    `severities` is the action's own map by rule or advisory; `key` makes the keyed hashes of secrets.
    """
    files: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in _once(findings):
        files[place(finding.location.path)].append(finding)
    namer = Namer(key)
    result = []
    for path in sorted(files, key=lambda one: (plain(one), one)):  # file by file: one text at a time is held
        text = lines(path)
        read = Text(path, text, original(path) if original else text)
        pins = _Pins(text)
        group = [_settle(finding, action, severities, path, pins) for finding in files.pop(path)]
        read.expect({one.location.line or 0 for one in group if not one.location.commit})
        for finding in sorted(group, key=reading_order):
            prints = namer.fingerprints(finding, read)
            name = next(iter(prints.values()))[:ID_LENGTH]
            result.append(msgspec.structs.replace(finding, fingerprints=prints, id=name, witnesses=_own(finding)))
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
    path: str,
    pins: _Pins,
) -> Finding:
    """The finding with our path and severity."""
    location, shown = finding.location, plain(path)
    if location.path is not shown:  # one text for all findings of a file
        location = msgspec.structs.replace(location, path=shown)
    if finding.package and location.line is None:
        line = pins.line(finding.package.name)
        location = msgspec.structs.replace(location, line=line, end_line=line) if line else location
    override = None
    if severities:
        override = next((severities[name] for name in (finding.rule, *finding.ids) if name in severities), None)
    return msgspec.structs.replace(
        finding,
        action=action,
        location=location,
        rule=plain(finding.rule),
        message=flow(finding.message),
        fix=flow(finding.fix) if finding.fix else "",
        joined=(),  # these three are no adapter's to say
        proof=None,
        use=None,
        severity=override or finding.severity,
        severity_from=rated.by("hardgate.yaml", finding.severity_from) if override else finding.severity_from,
    )


def _own(finding: Finding) -> tuple[Witness, ...]:
    return _witness(finding.scanner, finding.action, finding.rule, finding.severity, finding.message)


@functools.lru_cache(maxsize=4096)  # what is said of many places is kept once
def _witness(scanner: str, action: str, rule: str, severity: Severity, message: str) -> tuple[Witness, ...]:
    return (Witness(scanner=scanner, action=action, rule=rule, severity=severity, message=message),)


class _Pins:
    """The lines of a requirements file by the packages that they name, read when the first finding asks."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._found: dict[str, int] | None = None

    def line(self, package: str) -> int | None:
        """The first line that names a package, from 1; names are compared as PEP 503 says."""
        if self._found is None:
            self._found = {}
            for number, line in enumerate(self._lines, 1):
                if name := _NAMED.match(line):
                    self._found.setdefault(pypi_name(name[1]), number)
        return self._found.get(pypi_name(package))


def reading_order(finding: Finding) -> tuple[str, str, int, str, str, tuple[str, ...], str]:
    """By place; then by all that tells findings apart, since a tool with threads writes in any order."""
    where = finding.location
    package = f"{finding.package.name} {finding.package.version}" if finding.package else ""
    return (where.path, where.commit, where.line or 0, finding.rule, finding.message, finding.ids, package)
