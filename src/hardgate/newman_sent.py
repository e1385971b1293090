"""What Newman did in name only: requests that went out without what belongs to them, tests that are written and were
not made, rounds that ended early. Newman itself says nothing of all this, and its report has no failure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from hardgate.newman_report import Collection, Entry, Execution, Pair, Place, Request, Run, Wanted, source

# Comments that fill whole lines; what follows code on its line may be the `//` of an address.
_COMMENTS = re.compile(r"^[ \t]*(//[^\n]*|/\*.*?\*/)", re.MULTILINE | re.DOTALL)
# https://learning.postman.com/docs/tests-and-scripts/write-scripts/test-scripts/, and Postman's older `tests["name"]`.
_TESTS = re.compile(r"\bpm\s*\.\s*test\b|\btests\s*\[")
# A test whose name is written out: what is joined together or filled in is known only when it is made.
_NAMED = re.compile(r"""\bpm\s*\.\s*test\s*\(\s*(["'`])((?:\\.|(?!\1)[^\\])*)\1\s*,""", re.DOTALL)
_SETS = re.compile(r"""\.set\(\s*["'`]([^"'`]+)["'`]""")
_PLACE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_SLASH = "/"


def has_tests(script: str) -> bool:
    """Whether a script names what makes tests, whatever it then does with it."""
    return _TESTS.search(_COMMENTS.sub("", script)) is not None


def _written(script: str) -> list[str]:
    """The names of a script's tests, as far as they are written out."""
    found = (one[2] for one in _NAMED.finditer(_COMMENTS.sub("", script)))
    return [name.replace("\\", "") for name in found if "${" not in name]


def unmade(collection: Collection, run: Run) -> Iterator[str]:
    """Tests that stand in a script and were not made: by each sending of a request, below a folder by any.

    A script that left before them, or asked whether to make them, made the request look as if it had passed.
    """
    made: dict[str, list[set[str]]] = {}
    for one in run.executions:
        if one.response is not None:
            names = {test.assertion.replace("\\", "") for test in one.assertions}
            made.setdefault(one.item.id, []).append(names)
    yield from _unmade("the collection", source(collection.event), [_all(made.values())] if made else [])
    yield from _below(collection.item, made)


def _below(entries: Iterable[Entry], made: Mapping[str, list[set[str]]]) -> Iterator[str]:
    for one in entries:
        if one.item is None:
            yield from _unmade(f"the request {one.name!r}", source(one.event), made.get(one.id, []))
        else:
            sent = [made[key] for key in _ids(one.item) if key in made]
            yield from _unmade(f"the folder {one.name!r}", source(one.event), [_all(sent)] if sent else [])
            yield from _below(one.item, made)


def _unmade(whose: str, script: str, sendings: list[set[str]]) -> Iterator[str]:
    for name in dict.fromkeys(_written(script)):
        missed = sum(name not in names for names in sendings)
        if missed and any(sendings):  # a request that made no test at all has a gap of its own
            times = f" in {missed} of {len(sendings)} sendings" if len(sendings) > 1 else ""
            yield f"the test {name!r} of {whose} was not made{times}"


def _all(sendings: Iterable[list[set[str]]]) -> set[str]:
    return {name for names in sendings for some in names for name in some}


def _ids(entries: Iterable[Entry]) -> Iterator[str]:
    for one in entries:
        yield from (one.id,) if one.item is None else _ids(one.item)


def rounds(run: Run, asked: Mapping[str, str]) -> Iterator[str]:
    """Rounds (iterations) in which not all of the requests `asked`, names by id, were sent."""
    sent: dict[int, set[str]] = {}
    for one in run.executions:
        sent.setdefault(one.cursor.iteration, set()).add(one.item.id)
    some = set().union(*sent.values())
    for number in range(run.stats.iterations.total if run.stats.iterations.total > 1 else 0):
        missed = [name for key, name in asked.items() if key in some and key not in sent.get(number, set())]
        if missed:
            which = f"{len(missed)} of {len(some)} requests in round {number + 1}"
            yield f"newman never sent {which}: {', '.join(missed[:5])}"


def astray(run: Run, places: Mapping[str, Place], wanted: Wanted) -> Iterator[str]:
    """Requests that somebody else answered than what is tested."""
    for one in run.executions:
        if not wanted.origins or one.request is None or set(places[one.item.id].folders) & set(wanted.setup):
            continue
        if one.response is not None and (where := _origin(one.request)) not in wanted.origins:
            yield f"the request {one.item.name!r} was answered by {where}, which is not what is tested"


def _origin(request: Request) -> str:
    url = request.url
    if url is None:
        return "nobody"
    return f"{'.'.join(url.host)}:{url.port or (443 if url.protocol == 'https' else 80)}"


def bare(run: Run, places: Mapping[str, Place]) -> Iterator[str]:
    """Requests that were sent without a file that belongs to them, or without what a script before was to fill in."""
    filled: set[str] = set()
    for one in run.executions:
        if one.request is not None:
            for file in _files(one.item.request, one.request):
                yield f"the request {one.item.name!r} was sent without the file {file}"
            own = _SETS.findall(places[one.item.id].own)  # what logs in again has what the first login did not get
            for name in dict.fromkeys(_unfilled(one, filled.difference(own))):
                yield f"the request {one.item.name!r} was sent without the variable {name}, which a script was to set"
        # Only from here on: what logs in has the login of the whole collection, and goes without it.
        filled.update(_SETS.findall(places[one.item.id].scripts))


def _files(written: Request, sent: Request) -> Iterator[str]:
    """Files that Newman could not read. It sends the request without them, marked as postman-runtime does that."""
    if written.body is None or sent.body is None:
        return
    for mine, theirs in zip(written.body.formdata, sent.body.formdata, strict=False):
        if theirs.type == "file" and theirs.disabled and not mine.disabled:
            yield str(theirs.src)
    if sent.body.mode == "file" and sent.body.file and sent.body.file.value is None:
        yield str(sent.body.file.src)


def _unfilled(one: Execution, filled: set[str]) -> Iterator[str]:
    """Names of `filled` that stand in what was sent as they were written, or as nothing."""
    for written, sent in _texts(one):
        for name in _PLACE.findall(written):
            if name in filled and (name in _PLACE.findall(sent) or _empty(written, name, sent)):
                yield name


def _empty(written: str, name: str, sent: str) -> bool:
    """Whether a text has nothing where it was written with this place."""
    parts = _PLACE.split(written)  # texts and names in turn
    words = [f"(?P<g{at}>.*)" if at % 2 else re.escape(part) for at, part in enumerate(parts)]
    found = re.fullmatch("".join(words), sent, re.DOTALL)
    return found is not None and any(not found[f"g{at}"] for at in range(1, len(parts), 2) if parts[at] == name)


def _texts(one: Execution) -> Iterator[tuple[str, str]]:
    """Texts of a request as they were written, and as they were sent."""
    written, sent = one.item.request, one.request
    if sent is None:
        return
    headers = {pair.key: str(pair.value) for pair in sent.header}
    yield from ((str(mine.value), headers[mine.key]) for mine in written.header if mine.key in headers)
    yield from ((f"Bearer {token}", headers.get("Authorization", "")) for token in _tokens(written))
    if written.url and sent.url:
        yield _SLASH.join(written.url.path), _SLASH.join(sent.url.path)
        yield from _pairs(written.url.query, sent.url.query)
    if written.body and sent.body:
        yield written.body.raw, sent.body.raw
        yield from _pairs(written.body.urlencoded, sent.body.urlencoded)
        yield from _pairs(written.body.formdata, sent.body.formdata)
        yield str(written.body.graphql or ""), str(sent.body.graphql or "")


def _tokens(request: Request) -> Iterator[str]:
    return (str(one.value) for one in (request.auth.bearer if request.auth else ()) if one.key == "token")


def _pairs(written: list[Pair], sent: list[Pair]) -> Iterator[tuple[str, str]]:
    for mine, theirs in zip(written, sent, strict=False):
        if not mine.disabled:
            yield str(mine.value), str(theirs.value)
