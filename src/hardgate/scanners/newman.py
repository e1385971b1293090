"""Newman: the tests of a Postman collection, against a running application.

Report: the export of its JSON reporter (https://github.com/postmanlabs/newman#json-reporter), as Newman 5 and 6 write
it. It holds requests and answers whole, tokens and bodies included: nothing of those gets into a finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from hardgate import described
from hardgate.adapter import decode
from hardgate.errors import ReportError
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Report, Severity

_TOOL = "newman"
_CWE = re.compile(r"\bCWE-0*([1-9]\d{0,4})\b", re.IGNORECASE)
# The words of Chai (https://www.chaijs.com/api/bdd/) and of Postman's own assertions. Whatever else stands in the
# message of a failed test may come out of an answer.
_SAYS = frozenset({
    "a", "above", "an", "array", "at", "be", "below", "body", "but", "code", "contain", "empty", "equal", "exist",
    "expected", "false", "got", "greater", "have", "header", "in", "include", "is", "json", "key", "least", "length",
    "less", "match", "most", "not", "null", "number", "object", "of", "ok", "or", "property", "reason", "response",
    "satisfy", "status", "string", "than", "the", "time", "to", "true", "undefined", "with", "within",
})  # fmt: skip
_UNKNOWN = 0  # the status of an answer that Newman's report mixes up with another
_LONGEST = 160  # characters of such a message
_NUMBER = re.compile(r"\d{1,4}")  # a status or a time; more digits may be a code that somebody was sent
_WORD = re.compile(r"[A-Za-z_]{1,40}")  # ECONNREFUSED, ReferenceError
_SHOWN = 5  # names that a gap lists
_SLASH = "/"


class _Script(msgspec.Struct):
    exec: list[str] | str = ""


class _Event(msgspec.Struct):
    script: _Script | None = None


class _Url(msgspec.Struct):
    path: list[str] = []


class _Request(msgspec.Struct):
    method: str = "GET"
    url: _Url | None = None


class _Entry(msgspec.Struct):
    """A request or a folder of the collection; of a folder `item` are the entries."""

    id: str
    name: str = ""
    item: list[_Entry] | None = None
    event: list[_Event] = []


class _Collection(msgspec.Struct):
    item: list[_Entry]
    event: list[_Event] = []


class _Error(msgspec.Struct):
    name: str | None = None
    message: Any = None
    code: str | int | None = None


class _Assertion(msgspec.Struct):
    assertion: str
    skipped: bool
    error: _Error | None = None


class _Asked(msgspec.Struct):
    id: str
    name: str = ""
    request: _Request = msgspec.field(default_factory=_Request)


class _Response(msgspec.Struct):
    code: int


class _Cursor(msgspec.Struct):
    """Where the run was: `ref` is made anew whenever it comes to a request of the collection."""

    ref: str = ""


class _Execution(msgspec.Struct):
    item: _Asked
    request: _Request | None = None
    response: _Response | None = None
    assertions: list[_Assertion] = []
    cursor: _Cursor = msgspec.field(default_factory=_Cursor)


class _Source(msgspec.Struct):
    name: str = ""


class _Failure(msgspec.Struct):
    at: str
    error: _Error
    source: _Source = msgspec.field(default_factory=_Source)


class _Count(msgspec.Struct):
    total: int
    pending: int
    failed: int


class _Stats(msgspec.Struct):
    iterations: _Count
    items: _Count
    requests: _Count
    assertions: _Count


class _Timings(msgspec.Struct):
    started: float
    completed: float


class _Run(msgspec.Struct):
    stats: _Stats
    timings: _Timings
    executions: list[_Execution]
    failures: list[_Failure]
    error: Any = None


class _Report(msgspec.Struct):
    collection: _Collection
    run: _Run


class _Place(msgspec.Struct):
    """A request of the collection: the folders it lies in (names, ids), its scripts, and those above it as well."""

    folders: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    own: str = ""
    scripts: str = ""


def _parse(raw: bytes) -> Report:
    report = decode(raw, _Report, _TOOL)
    run = msgspec.structs.replace(report.run, executions=list(_once(report.run.executions)))
    _agree(run)
    places = dict(_placed(report.collection.item, _Place(scripts=_source(report.collection.event))))
    unknown = [one.item.name for one in run.executions if one.item.id not in places]
    if unknown:
        raise ReportError(f"newman's report has requests that its collection does not have: {_names(unknown)}")
    answered = [one for one in run.executions if one.response is not None]
    gaps = (*_stopped(run), *_failed(run), *_unsent(report.collection, places, run), *_unjudged(run, places))
    return Report(findings=tuple(_findings(answered, places)), gaps=tuple(dict.fromkeys(gaps)))


def _once(executions: list[_Execution]) -> Iterator[_Execution]:
    """Each execution once. Newman lists one again for each request that its scripts sent by pm.sendRequest.

    All entries are alike then, and each has the request and the answer that came last, whichever these are
    (https://github.com/postmanlabs/newman/issues/2752): both are left out. Entries that differ stay, to be refused.
    """
    groups: dict[str, list[_Execution]] = {}
    for number, one in enumerate(executions):
        groups.setdefault(one.cursor.ref or f"entry {number}", []).append(one)
    for group in groups.values():
        first = group[0]
        if len(group) == 1 or any(one != first for one in group):
            yield from group
        else:
            answer = _Response(_UNKNOWN) if first.response else None
            yield msgspec.structs.replace(first, request=None, response=answer)


def _agree(run: _Run) -> None:
    """Raise ReportError where the counts of a report are not those of what it lists: it was cut or edited."""
    tests = [test for one in run.executions for test in one.assertions]
    listed = {
        "assertions": (len(tests), run.stats.assertions.total),
        "failed assertions": (sum(test.error is not None for test in tests), run.stats.assertions.failed),
        "failures of assertions": (sum(_of_a_test(one) for one in run.failures), run.stats.assertions.failed),
    }
    for what, (have, told) in listed.items():
        if have != told:
            raise ReportError(
                f"newman's report counts {told} {what} and lists {have}: it was cut or edited",
                hint="Run newman again, and read the file that its JSON reporter wrote.",
            )


def _of_a_test(failure: _Failure) -> bool:
    return failure.at.startswith("assertion:")


def _placed(entries: list[_Entry], above: _Place) -> Iterator[tuple[str, _Place]]:
    for one in entries:
        own = _source(one.event)
        scripts = f"{above.scripts}\n{own}"
        if one.item is None:
            yield one.id, _Place(above.folders, above.within, own, scripts)
        else:
            yield from _placed(one.item, _Place((*above.folders, one.name), (*above.within, one.id), own, scripts))


def _source(events: list[_Event]) -> str:
    scripts = (one.script.exec for one in events if one.script)
    return "\n".join(text if isinstance(text, str) else "\n".join(text) for text in scripts)


def _gap(message: str, remedy: str, reason: GapReason = GapReason.NOT_COVERED) -> Gap:
    return Gap(reason=reason, message=message, remedy=remedy)


def _stopped(run: _Run) -> Iterator[Gap]:
    """What kept the run from its end."""
    if not run.executions or not run.stats.iterations.total:
        yield _gap("newman sent no request: the collection, or the folder that was asked for, is empty", _CHOOSE)
    if run.error:
        yield _gap("newman says that its run ended in an error", "Run it again, and read what it says.", _FAILED)
    left = run.stats.items.total - len(run.executions)
    if left:
        come = f"newman does not tell of {left} of the {run.stats.items.total} requests that it came to"
        yield _gap(f"{come}: skipRequest leaves them out", "Have each request sent.")
    for what in ("iterations", "items", "requests", "assertions"):
        waiting = getattr(run.stats, what).pending
        if waiting:
            yield _gap(f"newman was ended while {waiting} {what} were waiting", "Run it to its end.", _FAILED)


def _failed(run: _Run) -> Iterator[Gap]:
    """Requests without an answer, scripts that threw, and what ended the run early."""
    for one in run.failures:
        if one.error.name == "AssertionFailure":
            yield _gap("newman stopped at the first failed test, as --bail asks", "Run it without --bail.")
        elif not _of_a_test(one):
            yield _broken(one)
    for asked in run.executions:
        if asked.response is None:
            message = f"the request {asked.item.name!r} ({_endpoint(asked)}) got no answer: its tests say nothing"
            yield _gap(message, "See whether the application runs, and at which address.", _FAILED)


_CHOOSE = "See which collection, which --folder and which data newman was given."
_FAILED = GapReason.TOOL_FAILED


def _broken(one: _Failure) -> Gap:
    """A request that failed, or a script that threw. Of the error only its name: its text may quote an answer."""
    why = next((word for word in (one.error.code, one.error.name) if word and _WORD.fullmatch(str(word))), "an error")
    what = "failed" if one.at == "request" else f"broke off in its {one.at}"
    message = f"the request {one.source.name!r} {what} ({why}): not all of its tests were made"
    return _gap(message, "Mend the script, or see whether the application runs.", _FAILED)


def _unsent(collection: _Collection, places: dict[str, _Place], run: _Run) -> Iterator[Gap]:
    """Requests that were never sent, of the innermost folder that holds all that were: as `--folder` chooses one."""
    sent = {one.item.id for one in run.executions}
    if not sent:
        return
    home = _common([places[one].within for one in sent])
    asked = {key: place for key, place in places.items() if place.within[: len(home)] == home}
    names = _named(collection.item)
    missed = [_SLASH.join((*place.folders, names[key])) for key, place in asked.items() if key not in sent]
    if missed:
        message = f"newman never sent {len(missed)} of {len(asked)} requests: {_names(missed)}"
        yield _gap(message, "See what leads past them: --bail, several --folder, setNextRequest or skipRequest.")


def _named(entries: list[_Entry]) -> dict[str, str]:
    names = {one.id: one.name for one in entries}
    for one in entries:
        names |= _named(one.item or [])
    return names


def _names(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _common(chains: list[tuple[str, ...]]) -> tuple[str, ...]:
    """What all of the chains begin with."""
    first, last = min(chains), max(chains)
    same = [pair[0] for pair in zip(first, last, strict=False)]
    length = next((place for place, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(same))
    return first[:length]


def _unjudged(run: _Run, places: dict[str, _Place]) -> Iterator[Gap]:
    """Tests that were skipped, or that a script has and did not come to."""
    tests = [(one, test) for one in run.executions for test in one.assertions]
    if run.executions and not any(not test.skipped for _, test in tests):
        yield _gap("newman's collection has no test that was made: nothing judged what came back", "Write tests.")
    for one, test in tests:
        if test.skipped:
            name = _rule(one, test, places)
            yield _gap(f"the test {name} was skipped", "Have it made, or take it out of the collection.")
    for one in run.executions:
        if one.response is not None and not one.assertions and "pm.test(" in places[one.item.id].own:
            message = f"the tests of the request {one.item.name!r} were not reached: none of them was made"
            yield _gap(message, "See which condition of its script leads past them.")


def _findings(answered: list[_Execution], places: dict[str, _Place]) -> Iterator[Finding]:
    """One for each test of a request that failed, in however many iterations."""
    failed: dict[tuple[str, str, int], list[tuple[_Execution, _Assertion]]] = {}
    for one in answered:
        for number, test in enumerate(one.assertions):
            if test.error is not None:
                failed.setdefault((one.item.id, test.assertion, number), []).append((one, test))
    for group in failed.values():
        yield _finding(group, places)


def _finding(group: list[tuple[_Execution, _Assertion]], places: dict[str, _Place]) -> Finding:
    one, test = group[0]
    endpoint = _endpoint(one)
    codes = sorted({execution.response.code for execution, _ in group if execution.response} - {_UNKNOWN})
    answered = f"answered {', '.join(map(str, codes))}" if codes else "and what its script asked were answered"
    times = f", {len(group)} times" if len(group) > 1 else ""
    said = _said(str(test.error.message or "") if test.error else "")
    return Finding(
        scanner=_TOOL,
        rule=_rule(one, test, places),
        kind=Kind.DYNAMIC,
        # Newman states none. A test that somebody wrote to stop a release stops it, unless hardgate.yaml rates it.
        severity=Severity.HIGH,
        severity_from="adapter",
        message=f"{endpoint} {answered}{times}{f': {said}' if said else ''}",
        location=Location(path=endpoint),
        cwe=_cwe(test.assertion, one.item.name, *reversed(places[one.item.id].folders)),
        fix="Mend what answers there, or the test, where it is wrong.",
    )


def _cwe(*names: str) -> tuple[str, ...]:
    """The weaknesses that the nearest of the names tells: of the test, its request, its folders from inside out."""
    found = (tuple(dict.fromkeys(f"CWE-{number}" for number in _CWE.findall(name))) for name in names)
    return next(filter(None, found), ())


def _rule(one: _Execution, test: _Assertion, places: dict[str, _Place]) -> str:
    """Folders, request and test. A name that no script holds as it is was made while it ran, out of who knows what."""
    place = places[one.item.id]
    names = (*place.folders, one.item.name)
    written = bool(test.assertion.strip()) and test.assertion.replace("\\", "") in place.scripts.replace("\\", "")
    return _SLASH.join((*names, test.assertion if written else f"test {one.assertions.index(test) + 1}"))


def _endpoint(one: _Execution) -> str:
    """Method and path, without the query. What a variable filled in stands there by the variable's name."""
    request = one.request or one.item.request
    template = one.item.request.url.path if one.item.request.url else []
    path = list(request.url.path) if request.url else []
    for place in range(1, min(len(path), len(template)) + 1):
        if "{{" in template[-place] or template[-place].startswith(":"):
            path[-place] = template[-place]
    return f"{request.method} /{_SLASH.join(path)}"


def _said(message: str) -> str:
    """What an assertion says, with … for every word that may come from an answer."""
    words: list[str] = []
    for word in message.split():
        kept = word.strip(",.:").lower() in _SAYS or _NUMBER.fullmatch(word)
        if kept or words[-1:] != ["…"]:
            words.append(word if kept else "…")
    text = " ".join(words)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


NEWMAN = described.scanner(_TOOL, frozenset({Kind.DYNAMIC}), _parse)
