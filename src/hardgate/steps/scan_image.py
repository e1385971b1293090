"""The step `scan-image`: Trivy over the image that an earlier action built, as the engine has it, by its digest.

Looked at are packages, of the system and of languages, secrets in every layer (also in files that a later layer
removes) and in the configuration (`ENV`, history), and how the image is made to run. That Trivy looked is shown by the
layers that its report names and by a known-bad image; what it has no data for is a gap.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import msgspec

from hardgate import saving, tools, trivy_image
from hardgate.advisories import age
from hardgate.errors import ReportError, StoreError
from hardgate.imagefile import Facts
from hardgate.model import (
    CanaryCheck,
    DataUse,
    Finding,
    Gap,
    GapReason,
    Kind,
    Location,
    Report,
    Severity,
    ToolUse,
)
from hardgate.roles import Advisories
from hardgate.saving import Saved
from hardgate.scanners import trivy
from hardgate.step import Context, GapError, Result, Step
from hardgate.stepkeys import StepKeys
from hardgate.tools import Completed
from hardgate.trivy_image import Seen

NAME = "scan-image"
_OF_CANARY = "PyPI"  # the ecosystem of the known-bad image's package
_UNSUPPORTED = re.compile(rb"\tWARN\t([^\n]*(?:Unsupported os|not on the EOL list)[^\n]*)", re.IGNORECASE)
_IMPORT = "Import advisories (hardgate advisories import), or run where Trivy can download its database."


class Options(StepKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`of` names the action that built the image, where there are several; `engine` as for `build`.

    `cache_dir`: a folder with Trivy's database. `system_exempt`: why the packages of the image's system need not be
    judged, where there is no data for them or no system to be recognised; `unread_exempt`: paths or globs of
    the image, and why packages need not be judged whose files Trivy cannot read there.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"version"})
    of: str = ""
    engine: Literal["", "docker", "podman", "buildah"] = ""
    cache_dir: str = ""
    system_exempt: str = ""
    unread_exempt: dict[str, str] = msgspec.field(default_factory=dict)


class _Data(msgspec.Struct, frozen=True, kw_only=True):
    """Which database is used, in Trivy's cache folder: Trivy's own, or (`local`) one made of the local advisories."""

    folder: str
    use: DataUse
    online: bool = False
    local: bool = False


class _Work(msgspec.Struct, kw_only=True):
    """What the scan came to until now."""

    findings: list[Finding] = []
    gaps: list[Gap] = []
    notes: list[str] = []
    checks: list[CanaryCheck] = []
    version: str = ""


def _perform(context: Context) -> Result:
    return scan(context, saving.save(context, context.options.of, context.options.engine))


def scan(context: Context, saved: Saved) -> Result:
    """What Trivy finds in a saved image. Raises GapError when there is no Trivy."""
    tool = context.tool(trivy_image.TOOL)
    work = _Work(notes=[f"looked at the image {saved.name}, sha256:{saved.image.sha256}"])
    begin = functools.partial(trivy_image.contents, context, tool.command)
    seen = _scanned(context, saved, begin, _Proof(trivy_image.IN_CONTENTS, tool.digest), work)
    data = None
    if seen is not None:
        data = _database(context, seen, work)
        _system(context, saved, seen, data, work)
    if data is not None:
        folder, online = Path(data.folder), data.online
        look = functools.partial(trivy_image.vulnerable, context, tool.command, database=folder, online=online)
        judged = _scanned(context, saved, look, _Proof(trivy_image.IN_PACKAGES, tool.digest, data.use), work)
        work.findings += [_ended(saved, judged)] if judged and judged.ended else []
    use = _dated(context, data, work)
    return Result(
        findings=tuple(work.findings),
        gaps=tuple(work.gaps),
        notes=tuple(work.notes),
        tool=ToolUse(
            name=trivy_image.TOOL, version=tool.version or work.version, digest=tool.digest, origin=tool.origin
        ),
        data=use,
        canary=_together(work.checks),
    )


def _scanned(
    context: Context,
    saved: Saved,
    start: Callable[[Path], Completed],
    proof: _Proof,
    work: _Work,
) -> Seen | None:
    """One look at the image, which the known-bad one makes a proof; what Trivy saw, or None after a gap was noted."""
    try:
        done = start(saved.file)
        report, seen = _read(context, done, saved.facts)
    except GapError as error:
        work.gaps.append(error.gap)
        return None
    work.version = report.version
    work.findings += [_placed(one, saved) for one in report.findings]
    for gap in report.gaps:
        path = _path(gap.path, saved) if gap.path else ""
        mine = msgspec.structs.replace(gap, path=path, message=gap.message.replace(saved.file.name, saved.name))
        work.gaps += [] if mine in work.gaps else [mine]
    work.gaps += trivy_image.unread(context, saved.name, done.stderr, context.options.unread_exempt)
    try:
        work.checks.append(_proved(context, start, proof))
    except GapError as error:
        work.gaps.append(error.gap)
    return seen


class _Proof(NamedTuple):
    """What must be found in the known-bad image, by which tool and data."""

    wanted: Sequence[tuple[str, str]]
    tool: str
    data: DataUse | None = None

    @property
    def key(self) -> str:
        """By what it is remembered for a day."""
        parts = [NAME, self.wanted, self.tool, self.data, trivy_image.WORDS]
        return msgspec.json.encode(parts, order="deterministic").decode()


def _proved(context: Context, start: Callable[[Path], Completed], proof: _Proof) -> CanaryCheck:
    """Look at the known-bad image, unless the same tool and data found it bad today. Raises GapError."""
    known = context.memory.canary(proof.key)
    if known and known.checked_at[:10] == context.clock()[:10]:
        return msgspec.structs.replace(known, how="earlier today")
    file, facts = trivy_image.bait(context.scratch)
    report, _ = _read(context, start(file), facts)
    if missed := trivy_image.missed(report.findings, proof.wanted):
        message = f"trivy did not find the known-bad image's {', '.join(missed)}: what it says is no proof"
        raise context.missing(GapReason.CANARY_MISSED, message, "See: hardgate doctor trivy")
    rules = tuple(dict.fromkeys(rule for rule, _ in proof.wanted))
    check = CanaryCheck(checked_at=context.clock(), how="this run", rules=rules)
    context.memory.remember_canary(proof.key, check)
    return check


def _together(checks: Sequence[CanaryCheck]) -> CanaryCheck | None:
    """Several checks as the one that a receipt has: the oldest of them, with the rules of all."""
    if not checks:
        return None
    oldest = min(checks, key=lambda one: one.checked_at)
    return msgspec.structs.replace(oldest, rules=tuple(dict.fromkeys(rule for one in checks for rule in one.rules)))


def _read(context: Context, done: Completed, facts: Facts) -> tuple[Report, Seen]:
    """The report of one start, with what Trivy said beside it. Raises GapError."""
    try:
        seen = trivy_image.seen(done.stdout, facts)
        report = trivy.TRIVY.parse(done.stdout)
    except ReportError as error:
        raise context.missing(GapReason.REPORT_UNREADABLE, str(error), error.hint) from error
    said = [*trivy.TRIVY.complaints(done.stderr), *_unsupported(context, done.stderr)]
    return msgspec.structs.replace(report, gaps=(*report.gaps, *said)), seen


def _unsupported(context: Context, stderr: bytes) -> list[Gap]:
    """A gap for a system without advisories: Trivy goes on, and finds none (pkg/detector/ospkg/detect.go)."""
    lines = dict.fromkeys(found[1] for found in _UNSUPPORTED.finditer(stderr))
    remedy = "Build on a system that Trivy knows, or say why not: scan-image: {system_exempt: ...}."
    return [
        context.gap(GapReason.NOT_COVERED, f"trivy: {line.decode('utf-8', 'replace').strip()}", remedy)
        for line in lines
        if not context.options.system_exempt
    ]


def _path(path: str, saved: Saved) -> str:
    """A place in an image without what a new build changes: no file name of ours, tag, digest or layer."""
    if path.startswith(saved.file.name):
        return saved.name + path.removeprefix(saved.file.name)
    return f"{saved.name}:/{path.lstrip('/')}"


def _placed(finding: Finding, saved: Saved) -> Finding:
    where, message, fix = finding.location, finding.message.replace(saved.file.name, saved.name), finding.fix
    line, end = where.line, where.end_line
    own = where.path == saved.file.name  # the configuration and the history: their lines are Trivy's own
    if own:
        line = end = None
    if finding.kind is Kind.SECRET:
        message = message.replace("in the file", "in the image's configuration") if own else message
        fix = _REVOKE
    location = Location(path=_path(where.path, saved), line=line, end_line=end)
    return msgspec.structs.replace(finding, scanner=NAME, location=location, message=message, fix=fix)


_REVOKE = (
    "Revoke it where it was issued: whoever has the image has it, also when a later layer removes the file. Then hand "
    "it to the build as a secret, or to the container when it runs."
)


def _system(context: Context, saved: Saved, seen: Seen, data: _Data | None, work: _Work) -> None:
    """A gap where nothing can be said of the packages of the image's system; a note where hardgate.yaml says why."""
    if not seen.system:
        why = "no operating system was recognised in it"
    elif not seen.installed:
        why = f"it is {seen.system}, and no list of what is installed was found"
    elif data is not None and data.local:
        why = f"the local advisory database has no advisories of {seen.system} ({seen.installed} packages)"
    else:
        return
    message = f"{saved.name}: the packages of its system were not judged: {why}"
    if context.options.system_exempt:
        work.notes.append(f"{message} (system_exempt: {context.options.system_exempt})")
        return
    remedy = (
        "Let Trivy download its own database, or say why they need not be judged: scan-image: {system_exempt: ...}."
    )
    work.gaps.append(context.gap(GapReason.NOT_COVERED, message, remedy))


def _ended(saved: Saved, seen: Seen) -> Finding:
    return Finding(
        scanner=NAME,
        rule="end-of-life-system",
        kind=Kind.MISCONFIGURATION,
        severity=Severity.HIGH,
        severity_from="adapter",
        message=f"{seen.system} is not supported any more: what becomes known of its packages is not mended.",
        location=Location(path=saved.name),
        cwe=("CWE-1104",),
        fix="Build on a release that is supported.",
    )


def _database(context: Context, seen: Seen, work: _Work) -> _Data | None:
    """The vulnerability data for these packages, as the scanner trivy chooses it; None after a gap was noted."""
    options = trivy.Options(scanners=("vuln",), cache_dir=context.options.cache_dir)
    cache = Path(options.cache_dir) if options.cache_dir else context.cache.parent / trivy_image.TOOL
    if tools.reachable(trivy.TRIVY.address(options)):
        return _Data(folder=str(cache), use=DataUse(source="trivy-db"), online=True)
    kept = age.kept(cache)
    try:
        use = context.advisories.use() if context.advisories and not options.cache_dir else None
        if context.advisories and use and not age.newer(kept, use.date):
            return _local(context, context.advisories, seen, use, work)
    except StoreError as error:
        work.gaps.append(context.gap(GapReason.DATA_UNAVAILABLE, str(error), error.hint))
        return None
    if not kept:
        message = "trivy has no vulnerability database and cannot download one: no package of the image was judged"
        work.gaps.append(context.gap(GapReason.DATA_UNAVAILABLE, message, _IMPORT))
        return None
    return _Data(folder=str(cache), use=DataUse(source="trivy-db", date=kept))


def _local(context: Context, advisories: Advisories, seen: Seen, use: DataUse, work: _Work) -> _Data:
    """A database made of the local advisories; a gap for each sort of packages that they know nothing of."""
    known = advisories.ecosystems()
    for kind, number in seen.kinds.items():
        ecosystem = trivy.ECOSYSTEMS.get(kind, kind)
        if ecosystem not in known:
            message = f"the local advisory database has no advisories of {ecosystem}: {number} packages were not judged"
            work.gaps.append(context.gap(GapReason.DATA_UNAVAILABLE, message, _IMPORT))
    wanted = {trivy.ECOSYSTEMS.get(kind, kind) for kind in seen.kinds} | {_OF_CANARY}
    folder = advisories.trivy(context.cache.parent / trivy_image.TOOL, wanted & known)
    partial = f"; it has {coverage}" if (coverage := advisories.coverage()) else ""
    work.notes.append(f"Trivy's database does not answer here; used was the {use.source}, of {use.date}{partial}")
    return _Data(folder=str(folder), use=use, local=True)


def _dated(context: Context, data: _Data | None, work: _Work) -> DataUse | None:
    """The data with its date, known after Trivy has downloaded it; a gap is noted when it is older than allowed."""
    if data is None:
        return None
    use = data.use
    if data.online:
        use = msgspec.structs.replace(use, date=age.kept(Path(data.folder)))
    work.gaps += age.stale(context.action.name, use, context.clock(), context.policy.max_advisory_age, ours=data.local)
    return use


SCAN_IMAGE = Step(
    name=NAME, options=Options, perform=_perform, tools=lambda _options: (trivy_image.TOOL,), seconds=20.0,
    memory=500_000_000,
)  # fmt: skip
