"""What every adapter must keep, ours and those of others: `broken` is empty for one that does.

hardgate's own tests hold all of its scanners to this. The author of an adapter elsewhere calls `broken` in a test, with
the adapter and with reports that the real tool wrote (see docs/adding-a-scanner.md). Whether the real tool finds the
known-bad input is asked by `hardgate doctor NAME`. Nothing here starts a process or reads a file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

import msgspec

from hardgate import mutated, rated
from hardgate.adapter import Canary, Scanner
from hardgate.errors import ReportError
from hardgate.model import Finding, Kind, Report

EVERY_CUT = 6_000  # bytes: of larger samples a spread of cuts is tried
SPREAD = 400
ENDS = 200  # bytes at both ends of a large sample where each cut is tried
JUNK = (
    b"", b" \n", b"{}", b"[]", b"null", b"true", b"0", b'""', b"[{}]", b"[null]", b"[[]]", b"{", b"[", b"\xff\xfe\x00",
    b"<html><body>502 Bad Gateway</body></html>", b"No known vulnerabilities found\n", b'{"error": "no such file"}',
    b'{"results": null}', b"panic: runtime error\n\ngoroutine 1 [running]:\n",
)  # fmt: skip
TAILS = (b"\nTraceback (most recent call last):\n",)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # as config.Name
_CALLED = ("argv", "parse", "selects", "configs", "split", "hidden", "complaints", "rewrites", "address",
           "environment", "data")  # fmt: skip
_MAY_BE_CALLED = ("prepare", "ecosystem", "tool", "canary_for", "fit")
_MARKS = frozenset({"mark", "date"})  # the fingerprints that identity.py compares and drops


_TOLD = 5  # mutations of one sample that are told of
_RATED = re.compile(r"severity|level|status|priority|risk", re.IGNORECASE)


def broken(scanner: Scanner, samples: Mapping[str, bytes], omits: Collection[str] = ()) -> list[str]:
    """What `scanner` does not keep, as sentences; `samples` are whole reports that its tool wrote, by their names.

    `omits` are keys that the tool leaves out where there is nothing under them, so that a report without them is whole.
    At least one sample is needed. An error that `parse` raises and that is no ReportError comes through as it is.
    """
    return shape(scanner) or misread(scanner, samples, omits)


def misread(scanner: Scanner, samples: Mapping[str, bytes], omits: Collection[str] = ()) -> list[str]:
    """What of `broken` is about reading: also for a scanner whose command hardgate.yaml names."""
    if not samples:
        return [f"{scanner.name} has no sample: give it at least one report that the real tool wrote"]
    read = [raw for raw in JUNK if not refused(scanner, raw)]
    wrong = [f"{scanner.name} reads {raw!r} as a whole report" for raw in read]
    for name, raw in samples.items():
        wrong += [f"{name}: {told}" for told in _sample(scanner, raw, omits)]
    return wrong


def shape(scanner: object) -> list[str]:
    """What is wrong with a value as an adapter, before anything of it is called but its options."""
    if not isinstance(scanner, Scanner):
        return [f"it is {type(scanner).__name__}, and not a hardgate.adapter.Scanner"]
    return [f"{word} is wrong: it must be {must}" for word, right, must in _fields(scanner) if not right]


def _fields(one: Scanner) -> Iterator[tuple[str, bool, str]]:
    yield "name", isinstance(one.name, str) and bool(_NAME.fullmatch(one.name)), "letters, digits, `.`, `_` and `-`"
    kinds = isinstance(one.kinds, frozenset) and all(isinstance(kind, Kind) for kind in one.kinds)
    told = "a frozenset of hardgate.model.Kind, empty only for what makes a document"
    yield "kinds", kinds and bool(one.kinds or one.makes), told
    for word in _CALLED:
        yield word, callable(getattr(one, word)), "a function"
    for word in _MAY_BE_CALLED:
        yield word, getattr(one, word) is None or callable(getattr(one, word)), "a function, or None"
    exits = isinstance(one.done_exits, frozenset) and all(type(code) is int for code in one.done_exits)
    yield "done_exits", exits and bool(one.done_exits), "a frozenset with at least one exit code"
    bait = isinstance(one.canary, Canary) and bool(one.canary.files and (one.canary.rules or one.canary.outputs))
    yield "canary", bait or one.canary_for is not None, "a hardgate.adapter.Canary with files, and rules or outputs"
    yield "options", _optional(one.options), "a msgspec.Struct that refuses unknown fields and has a default for each"
    yield "origin", not one.origin, "left to hardgate"


def _optional(options: object) -> bool:
    """Whether hardgate.yaml may name the scanner without keys, and misspelt ones are refused."""
    if not (isinstance(options, type) and issubclass(options, msgspec.Struct)):
        return False
    required = any(field.required for field in msgspec.structs.fields(options))
    return options.__struct_config__.forbid_unknown_fields and not required


def _sample(scanner: Scanner, raw: bytes, omits: Collection[str]) -> Iterator[str]:
    try:
        report = scanner.parse(raw)
    except ReportError as error:
        yield f"it is refused: {error}"
        return
    yield from _report(scanner, report)
    read = [length for length in cuts(raw) if not refused(scanner, raw[:length])]
    if read:
        yield f"cut after {read[0]} bytes it is still read as a whole report ({len(read)} such cuts)"
    whole = raw.rstrip()
    for tail in (*TAILS, whole):
        if not refused(scanner, whole + tail):
            yield f"with {tail[:40]!r} behind it, it is still read as a whole report"
    # A part that the tool may leave out may be called by another name too: nobody can tell these apart.
    ways = (one for one in mutated.ways(raw) if one.lost not in omits)
    quiet = [told for one in ways if (told := hides(scanner, report, one.what, one.make()))]
    yield from quiet[:_TOLD]
    if len(quiet) > _TOLD:
        yield f"{len(quiet) - _TOLD} more such changes are passed over in silence"


def hides(scanner: Scanner, whole: Report, what: str, raw: bytes) -> str:
    """What a report in which `what` was changed loses in silence against the `whole` one; "" when nothing.

    It is refused, or has a gap that the whole one has not, or has no finding less and rates none lower.
    """
    try:
        report = scanner.parse(raw)
    except ReportError:
        return ""
    unseen = whole.seen and report.seen is not None and whole.seen - report.seen  # scan.py makes a gap of each
    if set(report.gaps) - set(whole.gaps) or unseen:
        return ""
    if len(report.findings) < len(whole.findings):
        return f"where {what}, {len(report.findings)} of {len(whole.findings)} findings are left and no gap tells"
    pairs = zip(whole.findings, report.findings, strict=False)
    if _RATED.search(what) and any(now.severity.rank < then.severity.rank for then, now in pairs):
        return f"where {what}, a finding is rated lower and no gap tells"
    return ""


def _report(scanner: Scanner, report: Report) -> Iterator[str]:
    for number, finding in enumerate(report.findings):
        for told in _finding(scanner, finding):
            yield f"finding {number}: {told}"
    for number, gap in enumerate(report.gaps):
        if not (gap.message and gap.remedy):
            yield f"gap {number} has no message or no remedy"


def _finding(scanner: Scanner, one: Finding) -> Iterator[str]:
    if one.scanner != scanner.name:
        yield f"its scanner is {one.scanner!r}, and not {scanner.name!r}"
    if one.kind not in scanner.kinds:
        yield f"its kind is {one.kind}, which `kinds` does not have"
    if not (one.rule and one.message):
        yield "it has no rule or no message"
    if rated.source(one.severity_from) not in {"tool", "adapter"}:
        yield f"severity_from is {one.severity_from!r}: an adapter says `tool` or `adapter`"
    if one.id or one.action or one.witnesses or not set(one.fingerprints) <= _MARKS:
        yield "id, action, witnesses and fingerprints are hardgate's own business"
    if one.joined or one.proof or one.use:
        yield "joined, proof and use are read from the source by hardgate itself"
    if not all(word.startswith("CWE-") for word in one.cwe):
        yield f"cwe has {one.cwe}: write CWE-79"
    if (one.kind is Kind.DEPENDENCY) != (one.package is not None):
        yield "a finding about a dependency has a package, and no other has one"


def cuts(raw: bytes) -> Iterator[int]:
    """Lengths of beginnings of `raw` that lack more than white space: all, or a spread with both ends whole."""
    whole = len(raw.rstrip())
    if whole <= EVERY_CUT:
        yield from range(whole)
        return
    yield from range(ENDS)
    yield from range(ENDS, whole - ENDS, max(1, (whole - 2 * ENDS) // SPREAD))
    yield from range(whole - ENDS, whole)


def refused(scanner: Scanner, raw: bytes) -> bool:
    """Whether `raw` is refused, and with the one error that is allowed and has a message."""
    try:
        scanner.parse(raw)
    except ReportError as error:
        return bool(str(error))
    return False
