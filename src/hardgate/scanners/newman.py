"""Newman: the tests of a Postman collection, against a running application.

Report: the export of its JSON reporter (https://github.com/postmanlabs/newman#json-reporter), as Newman 5 and 6 write
it. It holds requests and answers whole, tokens and bodies included: nothing of those gets into a finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

import msgspec

from hardgate import described, newman_report, newman_sent
from hardgate.adapter import brief
from hardgate.errors import ReportError
from hardgate.excerpts import excerpt
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Report, Severity
from hardgate.newman_report import (
    UNKNOWN,
    Assertion,
    Collection,
    Entry,
    Execution,
    Failure,
    Place,
    Run,
    Wanted,
    endpoint_of,
    name_of,
    of_a_test,
    placed,
    source,
)

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
_LONGEST = 160  # characters of such a message
_NUMBER = re.compile(r"\d{1,4}")  # a status or a time; more digits may be a code that somebody was sent
_WORD = re.compile(r"[A-Za-z_]{1,40}")  # ECONNREFUSED, ReferenceError
_SHOWN = 5  # names that a gap lists
_SLASH = "/"
# The variable of a collection that maps names of tests, requests and folders to weaknesses, as JSON.
_MAP = "hardgate_cwe"
_Weakness = Annotated[str, msgspec.Meta(pattern=r"^CWE-[1-9]\d{0,4}$(?!\n)")]


def _parse(raw: bytes) -> Report:
    return read(raw, None)


def read(raw: bytes, wanted: Wanted | None) -> Report:
    """Newman's report; `wanted` where hardgate itself started it, and knows what it was asked for.

    Raises ReportError for anything that is not a whole report.
    """
    report = newman_report.whole(raw)
    run = report.run
    places = dict(placed(report.collection.item, Place(scripts=source(report.collection.event))))
    unknown = [one.item.name for one in run.executions if one.item.id not in places]
    if unknown:
        raise ReportError(f"newman's report has requests that its collection does not have: {_names(unknown)}")
    answered = [one for one in run.executions if one.response is not None]
    known, wrong = _mapped(report.collection)
    gaps = (*_stopped(run), *_failed(run), *_unsent(report.collection, places, run, wanted), *_unjudged(run, places))
    gaps = (
        *gaps,
        *wrong,
        *_in_name(report.collection, places, run, wanted),
        *(_idle(report.collection, places, run, wanted) if wanted else ()),
    )
    return Report(findings=tuple(_findings(answered, places, known, wanted)), gaps=tuple(dict.fromkeys(gaps)))


def _mapped(collection: Collection) -> tuple[dict[str, str], tuple[Gap, ...]]:
    """The collection's own map of names to weaknesses, and a gap where it cannot be read."""
    texts = [str(one.value) for one in collection.variable if one.key == _MAP]
    try:
        known = {
            name: cwe for text in texts for name, cwe in msgspec.json.decode(text, type=dict[str, _Weakness]).items()
        }
    except ValueError as error:
        message = f"the variable {_MAP} of the collection does not map names to weaknesses: {brief(str(error))}"
        return {}, (_gap(message, 'Write it as {"name of a test, request or folder": "CWE-89"}.'),)
    return known, ()


def _in_name(collection: Collection, places: dict[str, Place], run: Run, wanted: Wanted | None) -> Iterator[Gap]:
    """What was done in name only: see newman_sent."""
    names = _named(collection.item)
    asked = {key: _SLASH.join((*place.folders, names[key])) for key, place in places.items()}
    for message in newman_sent.rounds(run, asked) if run.executions else ():
        yield _gap(message, _ROUNDS)
    for message in newman_sent.unmade(collection, run):
        yield _gap(message, "Make it whatever comes back, and ask inside the test; take out what is no test any more.")
    for message in newman_sent.bare(run, places):
        yield _gap(message, "See the request or script that should provide it, and whether the file is there.")
    if wanted:
        for message in newman_sent.astray(run, places, wanted):
            yield _gap(message, "Write its address with the variable that hardgate fills, such as {{base}}.")


_ROUNDS = "See what leads past them: --bail, setNextRequest or skipRequest."


def _idle(collection: Collection, places: dict[str, Place], run: Run, wanted: Wanted) -> Iterator[Gap]:
    """A gap for each folder that was asked for, and in which no test was made."""
    tops = tuple(one.name for one in collection.item if one.item is not None)
    for folder in wanted.folders or tops:
        made = [one for one in run.executions if folder in (*places[one.item.id].folders, one.item.name)]
        judged = any(not test.skipped for one in made for test in one.assertions)
        if folder not in wanted.setup and not judged:
            message = f"no test was made in the folder {folder!r}: nothing judged what came back"
            yield _gap(message, "Write tests, or name it under `setup` if it only prepares.")


def _gap(message: str, remedy: str, reason: GapReason = GapReason.NOT_COVERED) -> Gap:
    return Gap(reason=reason, message=message, remedy=remedy)


def _stopped(run: Run) -> Iterator[Gap]:
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


def _failed(run: Run) -> Iterator[Gap]:
    """Requests without an answer, scripts that threw, and what ended the run early."""
    for one in run.failures:
        if one.error.name == "AssertionFailure":
            yield _gap("newman stopped at the first failed test, as --bail asks", "Run it without --bail.")
        elif not of_a_test(one):
            yield _broken(one)
    for asked in run.executions:
        if asked.response is None:
            message = f"the request {asked.item.name!r} ({endpoint_of(asked)}) got no answer: its tests say nothing"
            yield _gap(message, "See whether the application runs, and at which address.", _FAILED)


_CHOOSE = "See which collection, which --folder and which data newman was given."
_FAILED = GapReason.TOOL_FAILED


def _broken(one: Failure) -> Gap:
    """A request that failed, or a script that threw. Of the error only its name: its text may quote an answer."""
    why = next((word for word in (one.error.code, one.error.name) if word and _WORD.fullmatch(str(word))), "an error")
    what = "failed" if one.at == "request" else f"broke off in its {one.at}"
    message = f"the request {one.source.name!r} {what} ({why}): not all of its tests were made"
    return _gap(message, "Mend the script, or see whether the application runs.", _FAILED)


def _unsent(collection: Collection, places: dict[str, Place], run: Run, wanted: Wanted | None) -> Iterator[Gap]:
    """Requests that were never sent, of those that were asked for; where that is not known, of the innermost folder
    that holds all that were: as `--folder` chooses one.
    """
    sent = {one.item.id for one in run.executions}
    if not sent:
        return
    names = _named(collection.item)
    if wanted is None:
        home = _common([places[one].within for one in sent])
        asked = {key: place for key, place in places.items() if place.within[: len(home)] == home}
    else:
        folders = {*wanted.folders, *wanted.setup} if wanted.folders else set()
        asked = {k: one for k, one in places.items() if not folders or folders & {*one.folders, names[k]}}
    missed = [_SLASH.join((*place.folders, names[key])) for key, place in asked.items() if key not in sent]
    if missed:
        message = f"newman never sent {len(missed)} of {len(asked)} requests: {_names(missed)}"
        yield _gap(message, "See what leads past them: --bail, several --folder, setNextRequest or skipRequest.")


def _named(entries: list[Entry]) -> dict[str, str]:
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


def _unjudged(run: Run, places: dict[str, Place]) -> Iterator[Gap]:
    """Tests that were skipped, or that a script has and did not come to."""
    tests = [(one, test) for one in run.executions for test in one.assertions]
    if run.executions and not any(not test.skipped for _, test in tests):
        yield _gap("newman's collection has no test that was made: nothing judged what came back", "Write tests.")
    for one, test in tests:
        if test.skipped:
            name = name_of(one, test, places)
            yield _gap(f"the test {name} was skipped", "Have it made, or take it out of the collection.")
    for one in run.executions:
        if one.response is not None and not one.assertions and newman_sent.has_tests(places[one.item.id].own):
            message = f"the tests of the request {one.item.name!r} were not reached: none of them was made"
            yield _gap(message, "See which condition of its script leads past them.")


def _findings(
    answered: list[Execution], places: dict[str, Place], known: dict[str, str], wanted: Wanted | None
) -> Iterator[Finding]:
    """One for each test of a request that failed, in however many iterations."""
    failed: dict[tuple[str, str, int], list[tuple[Execution, Assertion]]] = {}
    for one in answered:
        for number, test in enumerate(one.assertions):
            if test.error is not None:
                failed.setdefault((one.item.id, test.assertion, number), []).append((one, test))
    for group in failed.values():
        one, test = group[0]
        finding = _finding(group, places)
        place = places[one.item.id]
        names = (test.assertion, one.item.name, *reversed(place.folders))
        finding = msgspec.structs.replace(finding, cwe=_cwe(known, *names))
        yield finding if wanted is None else _told(finding, one, place, wanted)


def _finding(group: list[tuple[Execution, Assertion]], places: dict[str, Place]) -> Finding:
    one, test = group[0]
    endpoint = endpoint_of(one)
    codes = sorted({execution.response.code for execution, _ in group if execution.response} - {UNKNOWN})
    answered = f"answered {', '.join(map(str, codes))}" if codes else "and what its script asked were answered"
    times = f", {len(group)} times" if len(group) > 1 else ""
    said = _said(str(test.error.message or "") if test.error else "")
    return Finding(
        scanner=_TOOL,
        rule=name_of(one, test, places),
        kind=Kind.DYNAMIC,
        # Newman states none. A test that somebody wrote to stop a release stops it, unless hardgate.yaml rates it.
        severity=Severity.HIGH,
        severity_from="adapter",
        message=f"{endpoint} {answered}{times}{f': {said}' if said else ''}",
        location=Location(path=endpoint),
        fix="Mend what answers there, or the test, where it is wrong.",
    )


def _told(finding: Finding, one: Execution, place: Place, wanted: Wanted) -> Finding:
    """A weakness with what was sent and what came back, or a test that failed, of a rule and severity of its own."""
    if not {name.casefold() for name in place.folders} & {name.casefold() for name in wanted.security}:
        rated = Severity(wanted.severity)
        return msgspec.structs.replace(finding, rule=f"failed-test/{finding.rule}", severity=rated)
    sent = excerpt(_sent(one))
    body = bytes(one.response.stream.data) if one.response and one.response.stream else b""
    got = excerpt(body.decode("utf-8", "replace"))
    shown = "".join(f"; {word}: {text}" for word, text in (("sent", sent), ("got", got)) if text)
    return msgspec.structs.replace(finding, message=f"{finding.message}{shown}")


def _sent(one: Execution) -> str:
    """Query and body as the collection has them: what a variable filled in stands there by its name."""
    request = one.item.request
    form = [*(request.url.query if request.url else ()), *(request.body.urlencoded if request.body else ())]
    pairs = "&".join(f"{pair.key}={pair.value}" for pair in form)
    return " ".join(filter(None, (pairs, request.body.raw if request.body else "")))


def _cwe(known: dict[str, str], *names: str) -> tuple[str, ...]:
    """The weaknesses that the nearest of the names tells: of the test, its request, its folders from inside out."""
    for name in names:
        found = [f"CWE-{number}" for number in _CWE.findall(f"{name} {known.get(name, '')}")]
        if found:
            return tuple(dict.fromkeys(found))
    return ()


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
