"""The export of the JSON reporter of Newman 5 and 6, as values: https://github.com/postmanlabs/newman#json-reporter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from hardgate.adapter import decode
from hardgate.errors import ReportError

_SLASH = "/"


class _Script(msgspec.Struct):
    exec: list[str] | str = ""


class _Event(msgspec.Struct):
    script: _Script | None = None


class Pair(msgspec.Struct):
    """A parameter of a query or a form, a header, or a variable of the collection; `src` is the file of an upload."""

    key: str | None = None
    value: Any = None
    type: str = ""
    src: Any = None
    disabled: bool = False


class _Upload(msgspec.Struct):
    """The file that is a body. A `value` of null stands there only where Newman could not read it."""

    src: Any = None
    value: Any = ""


class _Login(msgspec.Struct):
    bearer: list[Pair] = []


class Url(msgspec.Struct):
    protocol: str = ""
    host: list[str] = []
    port: str = ""
    path: list[str] = []
    query: list[Pair] = []


class Body(msgspec.Struct):
    mode: str = ""
    raw: str = ""
    urlencoded: list[Pair] = []
    formdata: list[Pair] = []
    file: _Upload | None = None
    graphql: Any = None


class Request(msgspec.Struct):
    method: str = "GET"
    url: Url | None = None
    body: Body | None = None
    header: list[Pair] = []
    auth: _Login | None = None


class Entry(msgspec.Struct):
    """A request or a folder of the collection; of a folder `item` are the entries."""

    id: str
    name: str = ""
    item: list[Entry] | None = None
    event: list[_Event] = []


class Collection(msgspec.Struct):
    item: list[Entry]
    event: list[_Event] = []
    variable: list[Pair] = []


class _Error(msgspec.Struct):
    name: str | None = None
    message: Any = None
    code: str | int | None = None


class Assertion(msgspec.Struct):
    assertion: str
    skipped: bool
    error: _Error | None = None


class Asked(msgspec.Struct):
    id: str
    name: str = ""
    request: Request = msgspec.field(default_factory=Request)


class Stream(msgspec.Struct):
    """The body of an answer, byte by byte (a `Buffer` of Node)."""

    data: list[Annotated[int, msgspec.Meta(ge=0, le=255)]] = []


class Response(msgspec.Struct):
    code: int
    stream: Stream | None = None


class _Cursor(msgspec.Struct):
    """Where the run was: `ref` is made anew whenever it comes to a request of the collection; `iteration` from 0."""

    ref: str = ""
    iteration: int = 0


class Execution(msgspec.Struct):
    item: Asked
    request: Request | None = None
    response: Response | None = None
    assertions: list[Assertion] = []
    cursor: _Cursor = msgspec.field(default_factory=_Cursor)


class _Source(msgspec.Struct):
    name: str = ""


class Failure(msgspec.Struct):
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


class Run(msgspec.Struct):
    stats: _Stats
    timings: _Timings
    executions: list[Execution]
    failures: list[Failure]
    error: Any = None


class Export(msgspec.Struct):
    collection: Collection
    run: Run


class Place(msgspec.Struct):
    """A request of the collection: the folders it lies in (names, ids), its scripts, and those above it as well."""

    folders: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    own: str = ""
    scripts: str = ""


def whole(raw: bytes) -> Export:
    """The report; ReportError for anything that is not a whole one."""
    report = decode(raw, Export, "newman")
    run = msgspec.structs.replace(report.run, executions=list(_once(report.run.executions)))
    _agree(run)
    return msgspec.structs.replace(report, run=run)


UNKNOWN = 0  # the status of an answer that Newman's report mixes up with another


def _once(executions: list[Execution]) -> Iterator[Execution]:
    """Each execution once. Newman lists one again for each request that its scripts sent by pm.sendRequest.

    All entries are alike then, and each has the request and the answer that came last, whichever these are
    (https://github.com/postmanlabs/newman/issues/2752): both are left out. Entries that differ stay, to be refused.
    """
    groups: dict[str, list[Execution]] = {}
    for number, one in enumerate(executions):
        groups.setdefault(one.cursor.ref or f"entry {number}", []).append(one)
    for group in groups.values():
        first = group[0]
        if len(group) == 1 or any(one != first for one in group):
            yield from group
        else:
            answer = Response(UNKNOWN) if first.response else None
            yield msgspec.structs.replace(first, request=None, response=answer)


def _agree(run: Run) -> None:
    """Raise ReportError where the counts of a report are not those of what it lists: it was cut or edited."""
    tests = [test for one in run.executions for test in one.assertions]
    listed = {
        "assertions": (len(tests), run.stats.assertions.total),
        "failed assertions": (sum(test.error is not None for test in tests), run.stats.assertions.failed),
        "failures of assertions": (sum(of_a_test(one) for one in run.failures), run.stats.assertions.failed),
    }
    for what, (have, told) in listed.items():
        if have != told:
            raise ReportError(
                f"newman's report counts {told} {what} and lists {have}: it was cut or edited",
                hint="Run newman again, and read the file that its JSON reporter wrote.",
            )


def of_a_test(failure: Failure) -> bool:
    return failure.at.startswith("assertion:")


def placed(entries: list[Entry], above: Place) -> Iterator[tuple[str, Place]]:
    for one in entries:
        own = source(one.event)
        scripts = f"{above.scripts}\n{own}"
        if one.item is None:
            yield one.id, Place(above.folders, above.within, own, scripts)
        else:
            yield from placed(one.item, Place((*above.folders, one.name), (*above.within, one.id), own, scripts))


def source(events: list[_Event]) -> str:
    scripts = (one.script.exec for one in events if one.script)
    return "\n".join(text if isinstance(text, str) else "\n".join(text) for text in scripts)


def name_of(one: Execution, test: Assertion, places: dict[str, Place]) -> str:
    """Folders, request and test. A name that no script holds as it is was made while it ran, out of who knows what."""
    place = places[one.item.id]
    names = (*place.folders, one.item.name)
    written = bool(test.assertion.strip()) and test.assertion.replace("\\", "") in place.scripts.replace("\\", "")
    return _SLASH.join((*names, test.assertion if written else f"test {one.assertions.index(test) + 1}"))


def endpoint_of(one: Execution) -> str:
    """Method and path, without the query. What a variable filled in stands there by the variable's name."""
    request = one.request or one.item.request
    template = one.item.request.url.path if one.item.request.url else []
    path = list(request.url.path) if request.url else []
    for place in range(1, min(len(path), len(template)) + 1):
        if "{{" in template[-place] or template[-place].startswith(":"):
            path[-place] = template[-place]
    return f"{request.method} /{_SLASH.join(path)}"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What hardgate had Newman do. `folders` were asked for (none: all); `setup` are those that only prepare.

    A failed test in a folder of `security` is a weakness, one elsewhere a failed test, of `severity`. `origins`:
    where requests may go that do not only prepare, as `HOST:PORT`; none: anywhere.
    """

    folders: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    security: tuple[str, ...] = ("Security",)
    severity: str = "high"
    origins: frozenset[str] = frozenset()
