"""OSV's affected versions in the words of Trivy's comparers, so that both mean the same releases.

Trivy 0.74 joins the texts of an advisory with `||`, reads a comma as "and", and takes an empty text as "all versions"
(pkg/detector/library/compare/compare.go). Its comparers: for pip aquasecurity/go-pep440-version, which is PEP 440's
specifiers; for npm aquasecurity/go-npm-version; for go aquasecurity/go-version; for maven masahiro331/go-mvn-version.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from hardgate.advisories.matching import ordered
from hardgate.advisories.records import Affected, Event, Range
from hardgate.advisories.versions import NotComparableError, parse

ALL = ""  # the text that Trivy takes as "whatever the version"
_START, _ANY = "0", "*"
_MANY = 5  # versions in a list that are written as they are
_ALWAYS = (Event(introduced=_START),)  # so stands malware in the data: most of all advisories
_DIGITS = re.compile(r"\d{20}")  # Trivy keeps numbers in 64 bits, which hold all of 19 digits
_SEMVER = re.compile(r"[vV]?(?P<core>\d+(?:\.\d+){0,2})(?P<pre>-[0-9A-Za-z.-]+)?(?:\+.*)?", re.ASCII)
_WILD = re.compile(r"(?:^-|\.)[xX](?:\.|$)")  # an identifier that Trivy's library takes as "anything"
_MAVEN = re.compile(r"[0-9A-Za-z.~-]+", re.ASCII)
# What every reader of PEP 440 reads alike: no need to parse it first. Most releases are written so.
_PLAIN = re.compile(r"\d+(?:\.\d+)*(?:(?:a|b|rc)\d+)?(?:\.post\d+)?(?:\.dev\d+)?", re.ASCII)

_ZEROS = re.compile(r"(?:\.0+)+(?!\.?\d)")


class Interval(NamedTuple):
    """Versions from `low` (None: from the first) to `high` (None: without end), which is one of them if `closed`."""

    low: str | None
    high: str | None
    closed: bool


def texts(affected: Affected, ecosystem: str) -> tuple[list[str], list[str]]:
    """What Trivy shall match for the entry of one package, and the reasons why parts of it cannot be said."""
    found, reasons = list[str](), list[str]()
    numbered = [one for one in affected.ranges or () if one.type != "GIT"]
    if not numbered and not affected.versions:
        reasons.append("it names commits or nothing, and no versions")
    for one in numbered:
        try:
            found += _of_range(one, ecosystem)
        except NotComparableError as error:
            reasons.append(str(error))
    found += _of_list(_beyond(affected.versions or (), numbered, ecosystem), ecosystem)
    return ([ALL] if ALL in found else list(dict.fromkeys(found))), reasons


def _of_range(one: Range, ecosystem: str) -> Iterator[str]:
    """The text for each interval, within the limit where there is one (OSV: below the highest of all limits)."""
    if one.events == _ALWAYS:
        return iter((ALL,))
    limits = [event.limit for event in one.events if event.limit is not None]
    bound = [] if not limits or _ANY in limits else [max(limits, key=lambda limit: parse(ecosystem, limit))]
    below = [_WORDS[ecosystem](Interval(None, limit, closed=False)) for limit in bound]
    parts = [_WORDS[ecosystem](interval) for interval in intervals(one.events, ecosystem)]
    return (",".join(filter(None, (part, *below))) for part in parts)


def _beyond(versions: Sequence[str], ranges: Sequence[Range], ecosystem: str) -> Iterable[str]:
    """The versions that no range has by itself: Trivy would take seconds to read lists of hundreds for Python."""
    if ecosystem != "PyPI" or len(versions) < _MANY:
        return versions
    spans = list[tuple[Any, Any, bool]]()
    for one in (one for one in ranges if not any(event.limit for event in one.events)):
        with contextlib.suppress(NotComparableError):
            for low, high, closed in intervals(one.events, ecosystem):
                spans.append((low and parse(ecosystem, low), high and parse(ecosystem, high), closed))
    return [version for version in versions if not _spanned(version, spans)]


def _spanned(version: str, spans: Iterable[tuple[Any, Any, bool]]) -> bool:
    try:
        mine = parse("PyPI", version)
    except NotComparableError:
        return True  # no release that could be asked for
    return any(
        (low is None or low <= mine) and (high is None or mine < high or (closed and mine == high))
        for low, high, closed in spans
    )


def _of_list(versions: Iterable[str], ecosystem: str) -> Iterator[str]:
    """Each version by itself. One that its ecosystem cannot read is no release that could be asked for."""
    for version in versions:
        try:
            yield _EQUAL[ecosystem](version)
        except NotComparableError:
            continue


def intervals(events: Iterable[Event], ecosystem: str) -> list[Interval]:
    """The intervals that the events of a range open and close, read in the order of https://ossf.github.io/osv-schema/
    #evaluation. Raises NotComparableError.
    """
    found, low, opened = list[Interval](), None, False
    for event in ordered(events, ecosystem):
        if event.introduced is not None:
            low, opened = (low if opened else event.introduced), True
        elif opened:
            high, closed = (event.fixed, False) if event.fixed is not None else (event.last_affected, True)
            found.append(Interval(None if low == _START else low, high, closed))
            opened = False
        elif event.fixed is not None and found and _same(ecosystem, found[-1].high, event.fixed):
            found[-1] = found[-1]._replace(closed=False)  # the last affected release is also the fixed one
    if opened:
        found.append(Interval(None if low == _START else low, None, closed=False))
    return found


def _same(ecosystem: str, one: str | None, other: str) -> bool:
    return one is not None and bool(parse(ecosystem, one) == parse(ecosystem, other))


def listed(affected: Affected, version: str) -> bool:
    """Whether a release of PyPI is in the list of versions, however its zeros are written."""
    wanted = _ZEROS.sub("", _pep440(version))
    for known in affected.versions or ():
        with contextlib.suppress(NotComparableError):
            if _ZEROS.sub("", _pep440(known)) == wanted:
                return True
    return False


def _short(text: str) -> str:
    if _DIGITS.search(text):
        raise NotComparableError(f"{text} has a number that Trivy cannot hold")
    return text


def _pypi(interval: Interval) -> str:
    """PEP 440's own `<` leaves out the pre-releases of its version, and OSV's does not: so `<=` and `!=`.

    A build such as 2.0+cu118 stands for its release, here as there; between 2.0 and a bound of 2.0+x lies nothing.
    """
    low, high, closed = interval
    parts = []
    if low is not None:
        release, _, build = _pep440(low).partition("+")
        parts += [f">={release}", f"!={release}"] if build else [f">={release}"]
    if high is not None:
        release, _, build = _pep440(high).partition("+")
        parts += [f"<={release}"] if closed or build else [f"<={release}", f"!={release}"]
    return ",".join(parts)


def _pep440(text: str) -> str:
    return _short(text if _PLAIN.fullmatch(text) else str(parse("PyPI", text)))


def _semver(text: str) -> str:
    """In full: Trivy reads 1.2 as "any 1.2" for npm."""
    match = _SEMVER.fullmatch(text)
    if match is None or _WILD.search(match["pre"] or ""):
        raise NotComparableError(f"{text!r} is no version that Trivy can compare")
    core = ".".join(itertools.islice(itertools.chain(match["core"].split("."), "00"), 3))
    return _short(core + (match["pre"] or ""))


def _maven(text: str) -> str:
    if not _MAVEN.fullmatch(text):
        raise NotComparableError(f"{text!r} is no version that Trivy can compare")
    return _short(text)


def _between(written: Callable[[str], str]) -> Callable[[Interval], str]:
    """The text of an interval for comparers whose `<` is the plain one."""

    def text(interval: Interval) -> str:
        low, high, closed = interval
        parts = [] if low is None else [f">={written(low)}"]
        return ",".join(parts if high is None else [*parts, f"{'<=' if closed else '<'}{written(high)}"])

    return text


_WORDS: dict[str, Callable[[Interval], str]] = {
    "PyPI": _pypi, "npm": _between(_semver), "Go": _between(_semver), "Maven": _between(_maven),
}  # fmt: skip
_EQUAL: dict[str, Callable[[str], str]] = {
    "PyPI": lambda text: f"=={_pep440(text)}",
    "npm": lambda text: f"={_semver(text)}",
    "Go": lambda text: f"={_semver(text)}",
    "Maven": lambda text: f"={_maven(text)}",
}
