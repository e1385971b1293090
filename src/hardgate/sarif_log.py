"""A SARIF 2.1.0 log as values, and the repair of what tools get wrong in it.

Sections are those of the OASIS standard (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html). A log is
read part by part: one that cannot be read is left out and named, and the rest is kept.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote

import msgspec

from hardgate import recoded, strict
from hardgate.errors import ReportError

T = TypeVar("T")

# An escape of half a character: of a pair, or alone, which JSON does not allow and msgspec refuses with the whole log.
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_DRIVE = re.compile(r"[A-Za-z]:/")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # of two letters or more: one is a drive
# The names that tools give to the folder they scan.
_ROOT = re.compile(r"%?(SRC|SOURCE|PROJECT|REPO|REPOSITORY|WORKSPACE)?[_-]?(ROOT|ROOTPATH|ROOTDIR)%?", re.IGNORECASE)


class Text(msgspec.Struct, frozen=True, gc=False):
    text: str = ""
    markdown: str = ""
    id: str = ""
    arguments: list[str] = []


class Artifact(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    uri: str = ""
    uri_base_id: str = ""
    index: int = -1


class Region(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    start_line: int | None = None
    end_line: int | None = None


class Physical(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    artifact_location: Artifact = Artifact()
    region: Region = Region()


class Place(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    physical_location: Physical = Physical()


class Component(msgspec.Struct, frozen=True, gc=False):
    name: str = ""
    index: int = -1


class Reference(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    id: str = ""
    index: int = -1
    tool_component: Component = Component()


class Relationship(msgspec.Struct, frozen=True, gc=False):
    target: Reference


class Configuration(msgspec.Struct, frozen=True, gc=False):
    level: str = ""


class Rule(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    id: str = ""
    short_description: Text = Text()
    message_strings: dict[str, Text] = {}
    help_uri: str = ""
    default_configuration: Configuration = Configuration()
    relationships: list[Relationship] = []
    properties: dict[str, Any] = {}


class Fix(msgspec.Struct, frozen=True, gc=False):
    description: Text = Text()


class Result(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    message: Text
    rule_id: str = ""
    rule_index: int = -1
    rule: Reference = Reference()
    level: str = ""
    kind: str = "fail"
    baseline_state: str = ""
    locations: list[Place] = []
    taxa: list[Reference] = []
    fixes: list[Fix] = []
    suppressions: list[Any] = []
    properties: dict[str, Any] = {}


class Notification(msgspec.Struct, frozen=True):
    message: Text = Text()
    level: str = "warning"
    locations: list[Place] = []


class Invocation(msgspec.Struct, frozen=True, rename="camel"):
    # The standard wants it (section 3.20.14). Where it is missing nothing is said, as where there is no invocation.
    execution_successful: bool | None = None
    tool_execution_notifications: list[Notification] = []
    tool_configuration_notifications: list[Notification] = []


class File(msgspec.Struct, frozen=True):
    location: Artifact = Artifact()


class _Driver(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    version: str = ""
    semantic_version: str = ""
    rules: list[msgspec.Raw] = []


class _Tool(msgspec.Struct, frozen=True):
    driver: _Driver
    extensions: list[_Driver] = []


class _Run(msgspec.Struct, frozen=True, rename="camel"):
    tool: _Tool
    # Absent when the tool did not come to look (section 3.14.23).
    results: list[msgspec.Raw] | None = None
    invocations: list[msgspec.Raw] = []
    artifacts: list[msgspec.Raw] = []
    original_uri_base_ids: dict[str, Artifact] = {}
    external_property_file_references: dict[str, Any] = {}


class _Log(msgspec.Struct, frozen=True):
    version: str
    runs: list[msgspec.Raw]


class Unread(NamedTuple):
    """A part of a log that could not be read, such as `result 3`, and why. `number` counts runs from 1."""

    number: int
    part: str
    why: str


@dataclass(slots=True)
class Run:
    """One run of a log. `components` are the rules of the driver, then those of each extension, by their index.

    `results` are still bytes: see `value`.
    """

    number: int
    name: str
    version: str
    results: list[msgspec.Raw]
    components: list[list[Rule]]
    artifacts: list[File]
    bases: dict[str, Artifact]
    invocations: list[Invocation] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    by_id: dict[str, Rule] = field(default_factory=dict)
    joined: bool = False
    unknown: dict[str, Rule] = field(default_factory=dict)  # rules that results name and no component has
    paths: dict[Artifact, str] = field(default_factory=dict)


def read(raw: bytes, *, joined: bool = False) -> tuple[list[Run], list[Unread]]:
    """The runs of a log that can be read, and what of them cannot.

    `joined`: paths are joined with the scanned folder's address too, because the reader knows where it lies.
    Raises ReportError for what is no whole log of SARIF 2.1.0, and when no run of it has results.
    """
    text = recoded.utf8(raw)
    try:
        strict.once(text)
        log = value(text if _HALF.search(text) is None else _without_halves(text), _Log)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"the SARIF log ({len(raw)} bytes) is not whole: {error}") from error
    if not log.version.startswith("2.1.0"):
        raise ReportError(f"the SARIF log is of version {log.version!r}", hint="hardgate reads SARIF 2.1.0.")
    runs, unread = list[Run](), list[Unread]()
    for number, part in enumerate(log.runs, 1):
        try:
            runs.append(_run(number, value(part, _Run), joined))
        except (msgspec.DecodeError, ReportError) as error:
            unread.append(Unread(number, "it", str(error)))
    if not runs:
        why = f": {unread[0].why}" if unread else ""
        raise ReportError(
            f"the SARIF log has no run with results, so no tool looked at anything{why}", hint="Run it again."
        )
    return runs, unread


def _without_halves(text: bytes) -> bytes:
    """The same JSON with U+FFFD for half a character: a tool that cuts a text may leave half of a surrogate pair.

    Raises ValueError for what is no JSON.
    """
    return msgspec.json.encode(_mapped(json.loads(text), lambda word: _SURROGATE.sub("\ufffd", word)))


def value(raw: bytes | msgspec.Raw, kind: type[T]) -> T:
    """A part of a log. What is `null` counts as left out, and a number in quotes as a number, as many tools write them.

    Raises msgspec.DecodeError.
    """
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError:
        return _repaired(raw, kind)


def _repaired(raw: bytes | msgspec.Raw, kind: type[T]) -> T:
    try:
        tree = _mapped(msgspec.json.decode(raw), str)
        return msgspec.json.decode(msgspec.json.encode(tree), type=kind, strict=False)
    except RecursionError as error:
        raise msgspec.DecodeError("it is nested too deeply") from error


def _mapped(tree: Any, change: Callable[[str], str]) -> Any:
    """The tree without what is null in an object, and with every text changed."""
    if isinstance(tree, dict):
        return {change(key): _mapped(item, change) for key, item in tree.items() if item is not None}
    if isinstance(tree, list):
        return [_mapped(item, change) for item in tree]
    return change(tree) if isinstance(tree, str) else tree


def _run(number: int, part: _Run, joined: bool) -> Run:
    driver = part.tool.driver
    if "results" in part.external_property_file_references:
        raise ReportError("its results stand in another file (externalPropertyFileReferences)")
    if part.results is None:
        raise ReportError("it has no results: the tool did not come to look")
    run = Run(
        number=number,
        name=driver.name,
        version=driver.semantic_version or driver.version,
        results=part.results,
        components=[],
        artifacts=[],
        bases=part.original_uri_base_ids,
        joined=joined,
    )
    run.components = [_values(run, one.rules, Rule, f"rule of {one.name}") for one in (driver, *part.tool.extensions)]
    run.artifacts = _values(run, part.artifacts, File, "artifact")
    run.invocations = _values(run, part.invocations, Invocation, "invocation")
    for rules in reversed(run.components):
        run.by_id |= {rule.id: rule for rule in reversed(rules) if rule.id}
    return run


def _values(run: Run, parts: list[msgspec.Raw], kind: type[T], name: str) -> list[T]:
    """All parts in their places: results refer to them by index. One that cannot be read is an empty one, and named."""
    read = []
    for index, part in enumerate(parts):
        try:
            read.append(value(part, kind))
        except msgspec.DecodeError as error:
            run.unread.append(Unread(run.number, f"{name} {index}", str(error)))
            read.append(kind())
    return read


def rule_of(run: Run, result: Result) -> Rule:
    """The rule that a result refers to (section 3.52.4): by component and index, else by id, else an empty one."""
    wanted = result.rule_id or result.rule.id
    component = result.rule.tool_component.index + 1  # the driver has no index
    owner = run.components[component] if 0 < component < len(run.components) else run.components[0]
    index = result.rule_index if result.rule_index >= 0 else result.rule.index
    if 0 <= index < len(owner) and wanted in {"", owner[index].id}:
        return owner[index]
    # A hierarchical id such as CA1000/1 belongs to the rule CA1000 (section 3.52.4).
    names = (wanted, wanted.rpartition("/")[0])
    found = next((run.by_id[name] for name in names if name in run.by_id), None)
    return found or run.unknown.setdefault(wanted, Rule(id=wanted))


def paths_of(run: Run, places: list[Place]) -> list[tuple[str, Region]]:
    """Path and lines of each place that is in a file."""
    found = []
    for place in places:
        artifact = place.physical_location.artifact_location
        path = run.paths.get(artifact)
        if path is None:
            path = run.paths[artifact] = path_of(run, artifact)
        if path:
            found.append((path, _sane(place.physical_location.region)))
    return found


def _sane(region: Region) -> Region:
    """Lines begin at 1 (section 3.30.5): 0 is for the whole file, and an end before the start is the start."""
    if region.start_line and region.end_line and 0 < region.start_line <= region.end_line:
        return region  # as most are
    first = region.start_line if region.start_line and region.start_line > 0 else None
    last = region.end_line if first and region.end_line and region.end_line >= first else first
    return Region(start_line=first, end_line=last)


def path_of(run: Run, artifact: Artifact) -> str:
    """The path of an artifact (section 3.4): by its URI and base, or by its index among the artifacts of the run.

    A base that is the scanned folder by its name is left out, unless the run is `joined`: paths are relative to it.
    """
    if not artifact.uri and 0 <= artifact.index < len(run.artifacts):
        artifact = run.artifacts[artifact.index].location
    path, base = local(artifact.uri), artifact.uri_base_id
    seen = set[str]()
    while path and not _absolute(path) and base in run.bases and base not in seen:
        seen.add(base)
        above = local(run.bases[base].uri)
        if above and (run.joined or not (_absolute(above) and _ROOT.fullmatch(base))):
            path = f"{above.rstrip('/')}/{path}"
        base = run.bases[base].uri_base_id
    return posixpath.normpath(path) if "/../" in f"/{path}" and not _SCHEME.match(path) else path


def _absolute(path: str) -> bool:
    return path.startswith("/") or _DRIVE.match(path) is not None or _SCHEME.match(path) is not None


def local(uri: str) -> str:
    """A URI as a path: percent-decoded, Windows paths with `/`; of another scheme than file it stays as it is.

    Bytes that are no UTF-8 are carried as file names carry them (PEP 383). `#` and `?` are left in a path: a file's
    URI has no other use for them, and tools forget to encode them.
    """
    uri = uri.replace("\\", "/")  # never in a URI (RFC 3986, appendix A): a path of Windows
    if _DRIVE.match(uri):
        return uri
    if not _SCHEME.match(uri):
        return unquote(uri, errors="surrogateescape")
    if not uri.lower().startswith("file:"):
        return uri
    rest = uri[len("file:") :]
    host, path = "", rest
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        path = slash + path
    path = unquote(path, errors="surrogateescape")
    if _DRIVE.match(path[1:]):
        path = path[1:]
    return path if host.lower() in {"", "localhost"} else f"//{host}{path}"
