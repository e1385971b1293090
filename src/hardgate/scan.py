"""One action while its tool runs: every way in which a tool can fail to look ends as a gap on the receipt.

The tool must find its canary, end with an exit code that it gives after whole work, in time, within the output limit,
write a report that can be read whole, and have seen every file in scope, as far as it tells. Nothing here judges.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from hardgate import identity, plan, repository
from hardgate.action import MissingError, Prepared, Scene, blank, find_tool, gap_of, job_of, stale
from hardgate.adapter import OUTSIDE, Job, Scanner
from hardgate.errors import ReportError, StoreError, ToolError
from hardgate.model import (
    Action,
    ActionState,
    CanaryCheck,
    Finding,
    Gap,
    GapReason,
    Output,
    Receipt,
    Report,
    ToolUse,
)
from hardgate.roles import Tool
from hardgate.start import Sum, defuse, judged, plant, spell_out, start, told
from hardgate.wording import flow, plain

ANSWER = 400  # characters of a failed tool's last words that a gap quotes
HIDDEN = "hardgate-hidden"  # the folder for files that a tool would pass by because of their names
UNSEEN = 20  # gaps for single files that a tool did not see; more become one
# Gaps after which it says nothing that a file was not seen.
_BROKEN = frozenset({GapReason.TOOL_FAILED, GapReason.TIMEOUT, GapReason.OUTPUT_LIMIT, GapReason.REPORT_UNREADABLE})
LINES_UP_TO = 5_000_000  # bytes: in larger files a line is not read again for its id


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Stand:
    """One laid-out scan: the private view, its name for each path, and the mark of the planted canary."""

    view: Path
    names: dict[str, str]
    mark: str
    prefix: str
    exclude: tuple[str, ...]


def perform(scene: Scene, ready: Prepared) -> Receipt:
    """Start the tool and read what it reports. What a tool did wrong is on the receipt, not raised."""
    receipt = blank(scene, ready.stage, ready.action, ActionState.DONE)
    total = Sum(gaps=list(ready.gaps))
    check: CanaryCheck | None = None
    work = scene.scratch / f"action-{secrets.token_hex(4)}"
    try:
        find_tool(scene, ready.scanner, ready.action, check=True)
        scene = _with_data(scene, ready)
        work.mkdir()
        if not _bait(ready):
            total.notes.append(f"{ready.scanner.name} has no canary: whether it finds what it must find was not tried")
        elif ready.scanner.planted:
            check = CanaryCheck(
                checked_at=receipt.started, how="this run", rules=ready.scanner.bait(ready.action.options).rules
            )
        else:
            from hardgate import canary  # noqa: PLC0415 (loaded where it is needed)

            check = canary.daily(scene, ready, work / "canary", total)
        if check or not _hopeless(total):
            # Also when the canary was missed: what blocks is told, beside the gap.
            _scan(scene, ready, work / "scan", total)
    except MissingError as error:
        total.gaps.append(msgspec.structs.replace(error.gap, action=ready.action.name))
    except (OSError, ToolError, StoreError) as error:
        remedy = "Free some space, or set TMPDIR to a folder that has it." if isinstance(error, OSError) else error.hint
        message = f"{ready.scanner.name} could not be run: {error}"
        total.gaps.append(gap_of(ready.action, GapReason.TOOL_FAILED, message, remedy))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if data := told(scene, ready, total):
        ready = dataclasses.replace(ready, data=data)
        total.gaps += stale(scene, ready.action, data, ours=False)
    if ready.cut_off and total.gaps:
        total.gaps.insert(0, _cut_off(ready))
    return _signed(receipt, ready, total, check, whole=scene.changed is None)


def _with_data(scene: Scene, ready: Prepared) -> Scene:
    """The scene with the local database as this tool can ask it, where it stands in for an online service."""
    if not ready.local or not scene.advisories or ready.scanner.judges:
        return scene
    if ready.scanner.ecosystem is None:
        address = scene.advisories.address()
        return dataclasses.replace(scene, osv_url=address, served=address)
    kinds = {ready.scanner.ecosystem(name) for name in (*(e.path for e in ready.entries), *_bait(ready))}
    folder = scene.advisories.trivy(scene.cache, kinds & scene.advisories.ecosystems())
    return dataclasses.replace(scene, trivy=folder)


def _bait(ready: Prepared) -> tuple[str, ...]:
    return tuple(ready.scanner.bait(ready.action.options).files)


def _hopeless(total: Sum) -> bool:
    """Whether another start would only wait again."""
    return any(gap.reason is GapReason.TIMEOUT for gap in total.gaps)


def _cut_off(ready: Prepared) -> Gap:
    source = ready.data.source if ready.data else "its data"
    message = f"{ready.scanner.name} asks {source}, which does not answer here: not all was looked up"
    remedy = (
        "Import a local database: hardgate advisories import; or name an OSV service that answers: "
        "advisories: {osv_url: ...} in hardgate.yaml, or --osv-url."
    )
    return gap_of(ready.action, GapReason.DATA_UNAVAILABLE, message, remedy)


def _signed(receipt: Receipt, ready: Prepared, total: Sum, check: CanaryCheck | None, *, whole: bool) -> Receipt:
    missed = any(gap.reason is GapReason.CANARY_MISSED for gap in total.gaps)
    return msgspec.structs.replace(
        receipt,
        state=ActionState.GAP if total.gaps else ActionState.DONE,
        tool=use_of(ready.scanner.tool_name(ready.action.options), ready.tool, total.version),
        rules_digest=ready.rules_digest,
        data=ready.data,
        argv=tuple(total.argv),
        exit_codes=tuple(total.exits),
        seconds=round(total.seconds, 3),
        cpu_seconds=round(total.cpu_seconds, 3),
        peak_memory=total.peak_memory,
        scope=msgspec.structs.replace(ready.scope, seen=_count(ready, total)),
        canary=None if missed else check,
        findings=tuple(total.findings),
        refuted=tuple(total.refuted) if whole else (),  # files that were not looked at may change what arrives
        gaps=tuple(total.gaps),
        notes=(*ready.notes, *total.notes),
        outputs=tuple(total.outputs),
    )


def _count(ready: Prepared, total: Sum) -> int | None:
    """How many files the tool says it read; None where it tells that of lock files only, or of none."""
    return None if total.seen is None or ready.scanner.ecosystem else len(total.seen)


def use_of(name: str, tool: Tool, told: str = "") -> ToolUse:
    """What goes on the record of a tool; `told` is the version that its report names, where nothing else does."""
    version = tool.version or told
    return ToolUse(name=name.removeprefix(OUTSIDE), version=version, digest=tool.digest, origin=tool.origin)


def _scan(scene: Scene, ready: Prepared, work: Path, total: Sum) -> None:
    scanner, action = ready.scanner, ready.action
    bait = scanner.bait(action.options)
    view = work / "tree"
    view.mkdir(parents=True)
    base = scene.staged()
    wanted = [entry for entry in ready.entries if scanner.selects(entry.path) or action.honour_config]
    names = repository.view(base, wanted, view, rename=_renamer(scanner, honoured=action.honour_config))
    if scene.configs is not None and action.honour_config:
        _overlay(view, scene.configs, scanner)
    if scanner.silencers and not scene.policy.honour_inline_suppressions:
        defuse(view, scanner.silencers)
    if scanner.utf8_only:
        spell_out(view)
    mark = f"hardgate-canary-{secrets.token_hex(6)}" if scanner.planted else ""
    planted = plant(view, mark, bait) if mark else ()
    past = ""
    if ready.history:
        loose = {f"{mark}-{Path(name).name}": content for name, content in bait.files.items()} if mark else {}
        past = str(repository.history(scene.tree, work / "history", loose) or "")
    private = {real: name for name, real in names.items()}
    alters = bool(scanner.silencers or scanner.utf8_only or scanner.prepare)
    copies = {entry.path: entry.private for entry in wanted}
    files = tuple(private.get(entry.path, entry.path) for entry in wanted if scanner.selects(entry.path))
    job = job_of(
        scene, scanner, action, ready.tool.command, view,
        files=(*files, *planted), history=past, prefix=scene.tree.prefix, online=ready.online,
    )  # fmt: skip
    names = dict(sorted(names.items(), key=lambda one: -len(one[0])))  # a name may be the beginning of another
    stand = _Stand(view=view, names=names, mark=mark, prefix=scene.tree.prefix, exclude=scene.exclude)
    found: list[Finding] = []
    try:
        for number, part in enumerate(scanner.split(job)):
            # Not kept in a name: a report is let go when its findings are taken.
            found += _take(ready, stand, part, _start(scene, ready, part, work / f"start-{number}", total), total)
    finally:
        # All starts of the action together: a secret in the tree and in the history is one.
        found = list(_rated(scene, ready, found, total))
        total.findings += identity.settle(
            identity.drained(found),
            action=action.name,
            severities=action.severity,
            place=lambda path: path,
            lines=functools.partial(_lines, view, private),
            original=functools.partial(_lines, base, copies) if alters else None,
            key=identity_key(),
        )
    total.gaps[:] = [_named(gap, stand) for gap in total.gaps]
    _unseen(ready, total)


def _overlay(view: Path, configs: Mapping[str, bytes], scanner: Scanner) -> None:
    """Put the tool's configuration of the base in the place of the tree's."""
    from hardgate import basis  # noqa: PLC0415 (loaded where it is needed)

    basis.overlay(view, configs, scanner.configs)


def _rated(scene: Scene, ready: Prepared, found: list[Finding], total: Sum) -> Sequence[Finding]:
    """The findings as the local advisory database rates them; as they are, and a gap, where it is damaged.

    Data that is older than the policy allows may raise a severity and never lowers one.
    """
    use, packages = ready.rates, sum(one.package is not None for one in found)
    if use is None or scene.advisories is None or not packages:
        return found
    try:
        rated, known = scene.advisories.rate(found, lower=ready.lowers)
    except StoreError as error:
        message = f"{ready.action.name}: no severity was taken from the local advisory database: {error}"
        total.gaps.append(gap_of(ready.action, GapReason.DATA_UNAVAILABLE, message, error.hint))
        return found
    old = "" if ready.lowers else ": older than policy.max_advisory_age, so it lowered no severity"
    total.notes.append(f"the local advisory database of {use.date} rates {known} of {packages} findings{old}")
    return rated


def _renamer(scanner: Scanner, *, honoured: bool) -> Callable[[str], str]:
    """Under which name a file is shown to a tool: its configuration as mere content, what it would pass by as new."""
    numbers = itertools.count()

    def rename(path: str) -> str:
        if scanner.configs(path) and honoured:
            return ""
        if scanner.hidden(path):
            return f"{HIDDEN}/{next(numbers)}"
        return repository.inert(path) if scanner.configs(path) else ""

    return rename


def _start(scene: Scene, ready: Prepared, part: Job, home: Path, total: Sum) -> Report | None:
    """One start of the tool: its report, or None after a gap was noted."""
    home.mkdir(parents=True)
    part = dataclasses.replace(part, scratch=str(home), report=str(home / ready.scanner.report_name))
    for path in ready.scanner.rewrites(part) if ready.scanner.prepare else ():
        if not _made_ready(ready, dataclasses.replace(part, subject=path), total):
            if part.subject:
                return None
            total.seen = (total.seen or set()) | {path}  # by us: there is nothing in it that the tool could judge
    try:
        raw = start(scene, ready.scanner, ready.action, part, total)
    except MissingError as error:
        where = f" on {plain(part.subject)}" if part.subject else ""
        message = f"{error.gap.message}{where}"
        total.gaps.append(msgspec.structs.replace(error.gap, action=ready.action.name, message=message))
        return None
    try:
        report = ready.scanner.parse(judged(scene, ready.scanner, raw))
    except (ReportError, StoreError) as error:
        total.gaps.append(gap_of(ready.action, GapReason.REPORT_UNREADABLE, str(error), error.hint, part.subject))
        return None
    if ready.scanner.makes:
        slug = part.subject.replace("/", "-") or "tree"
        name = f"{ready.action.name}-{plain(slug)}.cdx.json"
        output = Output(name=name, media_type=ready.scanner.makes, sha256=scene.memory.put_blob(raw), size=len(raw))
        total.outputs.append(output)
    return report


def _made_ready(ready: Prepared, part: Job, total: Sum) -> bool:
    """Replace the file that the job is about by what its tool can read; False when that is nothing."""
    file = Path(part.root) / part.subject
    prepared = ready.scanner.prepare(part, file.read_bytes()) if ready.scanner.prepare else None
    if prepared is None:
        return True
    total.gaps += [msgspec.structs.replace(gap, action=ready.action.name) for gap in prepared.gaps]
    file.unlink()  # a link to the shared copy: the other actions keep the whole file
    file.write_bytes(prepared.content)
    return bool(prepared.content)


def _take(ready: Prepared, stand: _Stand, part: Job, report: Report | None, total: Sum) -> list[Finding]:
    """Add one report to the sum; the findings are returned: without the canary, with our paths."""
    if report is None:
        return []
    found = [_placed(one, stand, part) for one in report.findings]
    theirs = [one for one in found if not _is_canary(one, stand)]
    past = [one for one in theirs if one.location.commit and not _wanted(stand, ready.action, one.location.path)]
    if past:
        gone = {id(one) for one in past}
        theirs = [one for one in theirs if id(one) not in gone]
        total.notes.append(f"{len(past)} findings in the history of excluded files were left out")
    if stand.mark and not set(ready.scanner.bait(ready.action.options).rules) <= {
        one.rule for one in found if _is_canary(one, stand)
    }:
        which = f" in its {part.mode} mode" if part.mode else ""
        remedy = f"Its report cannot be trusted. See: hardgate doctor {ready.scanner.name}"
        message = f"{ready.scanner.name}{which} did not find the known-bad input that was planted for it"
        total.gaps.append(gap_of(ready.action, GapReason.CANARY_MISSED, message, remedy))
    known = set(total.gaps) if report.gaps else set()
    for gap in report.gaps:
        mine = msgspec.structs.replace(gap, action=ready.action.name)
        if not (stand.mark and stand.mark in gap.path) and mine not in known:  # several starts say the same
            known.add(mine)
            total.gaps.append(mine)
    places = ((one, _place(one.path, stand)) for one in report.refuted)
    total.refuted += [
        msgspec.structs.replace(one, path=path) for one, path in places if not (stand.mark and stand.mark in path)
    ]
    total.version = total.version or plain(report.version)
    total.data = min((one for one in (total.data, report.data) if one), key=lambda one: one.date, default=None)
    if report.seen is not None:
        seen = {_place(path, stand) for path in report.seen}
        total.seen = (total.seen or set()) | {path for path in seen if not (stand.mark and stand.mark in path)}
    return theirs


def _wanted(stand: _Stand, action: Action, path: str) -> bool:
    """Whether a path of the history would be in scope if it were in the tree."""
    return plan.within(path, action.paths) and not plan.excluded(path, (*stand.exclude, *action.exclude))


def _named(gap: Gap, stand: _Stand) -> Gap:
    """The gap with the files' own names in place of those of the private view, and nothing that a terminal obeys."""
    message = gap.message
    for private, real in stand.names.items():
        message = message.replace(private, real)
    path = plain(_place(gap.path, stand))
    return msgspec.structs.replace(gap, message=flow(message), remedy=flow(gap.remedy), path=path)


def _place(path: str, stand: _Stand) -> str:
    return identity.relative(path, (str(stand.view), str(stand.view.resolve())), stand.names)


def _placed(finding: Finding, stand: _Stand, part: Job) -> Finding:
    path = _place(finding.location.path or part.subject, stand)
    if finding.location.commit:
        path = path.removeprefix(stand.prefix)
    location = msgspec.structs.replace(finding.location, path=path)
    return msgspec.structs.replace(finding, location=location)


def _is_canary(finding: Finding, stand: _Stand) -> bool:
    return bool(stand.mark) and stand.mark in finding.location.path


def _lines(folder: Path, names: Mapping[str, str], path: str) -> Sequence[str]:
    """The lines of a file of a folder that calls it by `names`; none when it is not there or very large."""
    file = folder / names.get(path, path)
    if not file.is_file() or file.stat().st_size > LINES_UP_TO:
        return ()
    return file.read_text("utf-8", "replace").split("\n")


def identity_key() -> bytes:
    """The key that hashes of secrets are made with, b"" for none. Raises ConfigError for one that is too short."""
    return identity.key_of(os.environ.get(identity.KEY_VARIABLE, ""))


def _unseen(ready: Prepared, total: Sum) -> None:
    """A gap for every file in scope that the tool does not say it read, where it says so of any."""
    scanner, action = ready.scanner, ready.action
    lists = scanner.ecosystem if ready.data else None
    if total.gaps and (lists is None or any(gap.reason in _BROKEN for gap in total.gaps)):
        return
    if lists is None and (total.seen is None or scanner.ecosystem):
        return  # it tells nothing, or of lists of packages only, and those are not asked for
    seen, wanted = total.seen or set(), lists or scanner.selects
    missed = sorted(entry.path for entry in ready.entries if wanted(entry.path) and entry.path not in seen)
    remedy = f"Leave it out in writing ({scanner.name}: {{exclude: [...]}}), or see why: hardgate doctor {scanner.name}"
    for path in missed[:UNSEEN]:
        what = "found a release in" if lists else "read"
        message = f"{scanner.name} does not say that it {what} {path}"
        total.gaps.append(gap_of(action, GapReason.FILE_UNREAD, message, remedy, path))
    if len(missed) > UNSEEN:
        message = f"{scanner.name} does not say that it read {len(missed) - UNSEEN} more files"
        total.gaps.append(gap_of(action, GapReason.FILE_UNREAD, message, remedy))
