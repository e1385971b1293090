"""One action before its tool starts: what is in scope, with which tool, rules and data, and under which cache key."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from hardgate import plan, repository, staging, tools
from hardgate.adapter import Job, Scanner
from hardgate.errors import StoreError, ToolError
from hardgate.model import Action, ActionState, DataUse, Gap, GapReason, Policy, Receipt, Scope
from hardgate.roles import Advisories, Memory, Tool
from hardgate.services import Environment
from hardgate.wording import flow, plain

IMPORT = "Make one: hardgate advisories import"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that the actions of one run share. `staged` makes the private copy of the tree when first asked for.

    `advisories` is the local database, for tools whose online service cannot be reached; `served` is the address at
    which it answers now, "" when it does not; `trivy` the cache folder with the database that was made of it for
    Trivy, None when there is none; `configs` the tools' configuration files at the base, None without one.
    """

    tree: repository.Tree
    staged: Callable[[], Path]
    scratch: Path
    rules: Path
    policy: Policy
    exclude: tuple[str, ...]
    pipeline_digest: str
    osv_url: str
    cache: Path
    changed: frozenset[str] | None
    locate: Callable[..., Tool]
    memory: Memory
    clock: Callable[[], str]
    version: str
    output_limit: int = tools.OUTPUT_LIMIT
    advisories: Advisories | None = None
    served: str = ""
    trivy: Path | None = None
    configs: Mapping[str, bytes] | None = None
    environments: Mapping[str, Environment] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An action of which it is clear what it will look at and with what: enough to look its result up.

    `cut_off`: the online service that its data comes from cannot be reached, and no other was named or found;
    `local`: the local advisory database stands in for it. `rates` is that database where it is there and the findings
    are about packages: it knows how severe an advisory is, whoever names it; `lowers`: it is young enough to lower one.
    """

    action: Action
    scanner: Scanner
    stage: str
    entries: tuple[repository.Entry, ...]
    scope: Scope
    tool: Tool
    rules_digest: str
    history: bool
    online: bool
    cut_off: bool
    local: bool
    data: DataUse | None
    notes: tuple[str, ...]
    gaps: tuple[Gap, ...]
    rates: DataUse | None = None
    lowers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sources:
    """Where the data of an action comes from in this run."""

    online: bool
    data: DataUse | None = None
    local: bool = False
    notes: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()


def in_scope(scene: Scene, scanner: Scanner, action: Action) -> tuple[tuple[repository.Entry, ...], int]:
    """The entries that the action shall look at, and how many its own `exclude` left out."""
    chosen, left = [], 0
    for entry in scene.tree.entries:
        theirs = scanner.selects(entry.path) or scanner.configs(entry.path)
        rule = scanner.obeys and scanner.configs(entry.path)
        if not theirs or not (rule or plan.within(entry.path, action.paths)):
            continue
        if scene.changed is not None and entry.path not in scene.changed and not rule:
            continue
        if plan.excluded(entry.path, action.exclude):
            left += 1
            continue
        if scanner.recognises and not staging.recognised(scanner, scene.staged, entry):
            continue
        chosen.append(entry)
    return tuple(chosen), left


def _entries_digest(entries: Iterable[repository.Entry]) -> str:
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(os.fsencode(entry.path) + b"\0" + entry.digest.encode() + b"\n")
    return digest.hexdigest()


def rules_digest(folder: Path) -> str:
    """The digest over names and contents of all files below `folder`, "" when there is none."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest() if files else ""


def blank(scene: Scene, stage: str, action: Action, state: ActionState) -> Receipt:
    """A receipt with nothing on it yet but to what it belongs."""
    return Receipt(
        action=action.name,
        stage=stage,
        scanner=action.scanner,
        state=state,
        commit=scene.tree.commit,
        tree=scene.tree.digest,
        pipeline_digest=scene.pipeline_digest,
        started=scene.clock(),
        blocking=action.blocking,
        hardgate_version=scene.version,
    )


def gap_of(action: Action, reason: GapReason, message: str, remedy: str = "", path: str = "") -> Gap:
    return Gap(reason=reason, action=action.name, message=flow(message), remedy=remedy, path=plain(path))


def prepare(scene: Scene, scanner: Scanner, stage: str, action: Action) -> Prepared | Receipt:
    """Everything that can be known before the tool starts; a Receipt when that already ends the action."""
    if scanner.obeys:
        action = msgspec.structs.replace(action, honour_config=True)
    entries, left = in_scope(scene, scanner, action)
    configs = tuple(plain(entry.path) for entry in entries if scanner.configs(entry.path))
    history = bool(getattr(action.options, "history", False))
    past = history and scene.changed is None
    gaps, notes = _history(scene, action) if past else ((), ())
    notes = (*scanner.told, *notes)
    past = past and scene.tree.git is not None and bool(scene.tree.commit)
    files = tuple(entry for entry in entries if scanner.selects(entry.path))
    # Rules of the repository's own and nothing to judge by them: the tool says so.
    idle = scanner.obeys and configs and scene.changed is None
    if not files and not past and not idle:
        receipt = blank(scene, stage, action, ActionState.GAP if gaps else ActionState.NOTHING_TO_DO)
        return msgspec.structs.replace(receipt, gaps=gaps, notes=notes)
    try:
        # Only looked at here: a cached result needs no more, and a scan checks it before it starts (see scan.perform).
        tool = find_tool(scene, scanner, action, check=False)
        rules = _rules(scene, scanner)
        address = scanner.address(action.options)
        found = _sources(scene, scanner, action, tool, address)
    except MissingError as error:
        receipt = blank(scene, stage, action, ActionState.GAP)
        gaps = (*gaps, msgspec.structs.replace(error.gap, action=action.name))
        return msgspec.structs.replace(receipt, gaps=gaps, notes=notes)
    scope = Scope(
        files=len(files), digest=_entries_digest(entries), excluded=left, configs=configs, honoured=action.honour_config
    )
    named = (scanner.asks_osv and scene.osv_url) or (scanner.ecosystem and found.data and found.data.date)
    cut_off = bool(found.data and address) and not (found.online or found.local or named)
    if address and not found.online and not found.data:
        notes = (*notes, f"{address} cannot be reached; what comes from there was left out")
    rates, unrated = _rates(scene, action, found)
    return Prepared(
        action=action, scanner=scanner, stage=stage, entries=entries, scope=scope, tool=tool, rules_digest=rules,
        history=past, online=found.online, cut_off=cut_off, local=found.local, data=found.data,
        notes=(*notes, *found.notes), rates=rates, lowers=not stale(scene, action, rates, ours=True),
        gaps=(*gaps, *found.gaps, *unrated, *stale(scene, action, found.data, ours=found.local)),
    )  # fmt: skip


def _rates(scene: Scene, action: Action, found: _Sources) -> tuple[DataUse | None, tuple[Gap, ...]]:
    """The local database to rate the findings by, where there is one; a gap when it is damaged."""
    if scene.advisories is None or found.data is None or (found.gaps and not found.local):
        return None, ()
    try:
        return scene.advisories.use(), ()
    except StoreError as error:
        message = f"{action.name}: no severity was taken from the local advisory database: {error}"
        return None, (gap_of(action, GapReason.DATA_UNAVAILABLE, message, error.hint),)


def reached(scanner: Scanner, address: str, osv_url: str) -> bool:
    """Whether the online service of a scanner is there. One that could be replaced must answer: a mirror of packages
    takes connections too, and knows no vulnerabilities.
    """
    if not address or (scanner.asks_osv and osv_url):
        return False
    return tools.answers(address) if scanner.asks_osv else tools.reachable(address)


def _sources(scene: Scene, scanner: Scanner, action: Action, tool: Tool, address: str) -> _Sources:
    """The online service where it answers or was named, else the local database where that will do.

    Raises MissingError when only that will do and it is not there.
    """
    if scanner.judges:
        return _alone(scene, action)
    online = reached(scanner, address, scene.osv_url)
    data = scanner.data(job_of(scene, scanner, action, tool.command, Path(), online=online))
    if data is None or not address or online:
        return _Sources(online=online, data=data and _dated(scene, scanner, action, data, online=online))
    data = _dated(scene, scanner, action, data, online=False)
    named = scene.osv_url if scanner.asks_osv else getattr(action.options, "cache_dir", "")
    if scene.advisories and (scanner.asks_osv or scanner.ecosystem) and not named:
        try:
            use = scene.advisories.use()
            if use and not (scanner.ecosystem and _newer(data.date, use.date)):
                return _local(scene, scanner, action, data, use)
        except StoreError as error:
            gap = gap_of(action, GapReason.DATA_UNAVAILABLE, str(error), error.hint)
            return _Sources(online=False, data=data, gaps=(gap,))
    return _Sources(online=False, data=data)


def _newer(date: str, other: str) -> bool:
    from hardgate.advisories import age  # noqa: PLC0415 (loaded where it is needed)

    return age.newer(date, other)


def _local(scene: Scene, scanner: Scanner, action: Action, data: DataUse, use: DataUse) -> _Sources:
    """The local database in place of `data`; a gap for each file whose packages it knows nothing of."""
    note = f"{data.source} does not answer here; asked was the {use.source}, of {use.date}"
    notes, gaps = (note, *_partial(scene)), []
    if scanner.ecosystem and scene.advisories:
        known = scene.advisories.ecosystems()
        for entry in in_scope(scene, scanner, action)[0]:
            kind = scanner.ecosystem(entry.path)
            if kind and kind not in known:
                message = f"the local advisory database has no advisories of {kind}: {entry.path} was not judged"
                remedy = (
                    f"Import them, where there are any (hardgate advisories import --ecosystem {kind}), or run online."
                )
                gaps.append(gap_of(action, GapReason.DATA_UNAVAILABLE, message, remedy, entry.path))
    return _Sources(online=False, data=use, local=True, notes=notes, gaps=tuple(gaps))


def _alone(scene: Scene, action: Action) -> _Sources:
    """The local database, for a scanner that has no other. Raises MissingError when it is not there or damaged."""
    message, remedy = f"{action.name} judges by the local advisory database, and there is none", IMPORT
    try:
        use = scene.advisories.use() if scene.advisories else None
    except StoreError as error:
        use, message, remedy = None, str(error), error.hint
    if use is None:
        raise MissingError(Gap(reason=GapReason.DATA_UNAVAILABLE, message=flow(message), remedy=remedy))
    return _Sources(online=False, data=use, local=True, notes=_partial(scene))


def _partial(scene: Scene) -> tuple[str, ...]:
    """What a local database that does not have all of its source has: no gap, and never left unsaid."""
    coverage = scene.advisories.coverage() if scene.advisories else ""
    return (f"that database is partial, and what it lacks is not found: it has {coverage}",) if coverage else ()


def _dated(scene: Scene, scanner: Scanner, action: Action, data: DataUse, *, online: bool) -> DataUse:
    """The data with its date: what the service tells, or what lies beside a database that Trivy keeps.

    While its service can be reached Trivy gets a newer one by itself: then the date is known after the scan.
    """
    if data.date:
        return data
    if scanner.ecosystem is None:
        return msgspec.structs.replace(data, date=tools.last_modified(data.source))
    return data if online else msgspec.structs.replace(data, date=kept_date(scene, scanner, action))


def kept_date(scene: Scene, scanner: Scanner, action: Action) -> str:
    """The date of the database that Trivy keeps in its cache folder, "" when there is none."""
    from hardgate.advisories import age  # noqa: PLC0415 (loaded where it is needed)

    return age.kept(Path(getattr(action.options, "cache_dir", "") or scene.cache / scanner.name))


def stale(scene: Scene, action: Action, data: DataUse | None, *, ours: bool) -> tuple[Gap, ...]:
    """A gap when the data tells a date that is longer ago than the policy allows, or that cannot be read.

    `ours`: it was imported.
    """
    if data is None:
        return ()
    from hardgate.advisories import age  # noqa: PLC0415 (loaded where it is needed)

    return age.stale(action.name, data, scene.clock(), scene.policy.max_advisory_age, ours=ours)


class MissingError(Exception):
    """What an action needs is not there; `gap` says what and the way out."""

    def __init__(self, gap: Gap) -> None:
        super().__init__(gap.message)
        self.gap = gap


def _history(scene: Scene, action: Action) -> tuple[tuple[Gap, ...], tuple[str, ...]]:
    tree = scene.tree
    if tree.git is None:
        remedy = f"Scan a git clone, or say in hardgate.yaml that there is none: {action.scanner}: {{history: false}}."
        return (gap_of(action, GapReason.NOT_COVERED, "there is no git history here to look through", remedy),), ()
    if tree.shallow:
        remedy = (
            "Fetch it whole: git fetch --unshallow, or --refetch after --filter (in GitHub Actions: fetch-depth: 0)."
        )
        message = "the clone is shallow or partial: its history was only looked through in part"
        return (gap_of(action, GapReason.NOT_COVERED, message, remedy),), ()
    return (), () if tree.commit else ("the repository has no commit yet: there is no history to look through",)


def find_tool(scene: Scene, scanner: Scanner, action: Action, *, check: bool) -> Tool:
    """The tool of an action; `check` has its files compared with what was installed. Raises MissingError."""
    absent = [name for name in scanner.needs if not os.environ.get(name)]
    if absent:
        message = f"{scanner.name} cannot work without {' and '.join(absent)}"
        raise MissingError(Gap(reason=GapReason.DATA_UNAVAILABLE, message=message, remedy=scanner.needs_hint))
    name = scanner.tool_name(action.options)
    try:
        return scene.locate(name, version=action.version, allow_path=scene.policy.tools_from_path, check=check)
    except ToolError as error:
        raise MissingError(Gap(reason=GapReason.TOOL_MISSING, message=flow(str(error)), remedy=error.hint)) from error


def _rules(scene: Scene, scanner: Scanner) -> str:
    if not scanner.uses_rules:
        return ""
    digest = rules_digest(scene.rules)
    if not digest:
        message = f"the folder of {scanner.name}'s rules is empty"
        raise MissingError(Gap(reason=GapReason.RULES_EMPTY, message=message, remedy="Install hardgate again."))
    return digest


def job_of(scene: Scene, scanner: Scanner, action: Action, command: tuple[str, ...], root: Path, **more: Any) -> Job:
    """The job of an action in `root`; `more` are the fields that differ from start to start."""
    return Job(
        command=command,
        root=str(root),
        files=more.pop("files", ()),
        report="",
        scratch="",
        rules=str(scene.rules) if scanner.uses_rules else "",
        options=action.options,
        args=action.args,
        osv_url=scene.osv_url,
        cache=str(scene.trivy if scene.trivy and scanner.ecosystem else scene.cache / scanner.name),
        honour_inline=scene.policy.honour_inline_suppressions,
        honour_config=action.honour_config,
        **more,
    )


def key(scene: Scene, ready: Prepared, hour: str, code: str) -> str:
    """The digest of everything that a result depends on; `hour` stands for the data of an online service."""
    from hardgate import basis  # noqa: PLC0415 (loaded where it is needed)

    action = ready.action
    parts = [
        ready.scanner.origin, "" if ready.scanner.reusable else str(scene.scratch),  # which no other run has
        code, ready.tool.digest, ready.rules_digest, action, ready.scope, ready.history and _refs(scene.tree.git),
        scene.policy.honour_inline_suppressions, ready.online, ready.data, ready.rates, ready.lowers,
        hour if (ready.data and not ready.local) or ready.online else "",  # a local database has its digest
        scene.tree.prefix if ready.history else "", [gap.reason for gap in ready.gaps],
        basis.digest_parts(scene.configs, ready.scanner.configs) if action.honour_config else [],
    ]  # fmt: skip
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()


def _refs(git: Path | None) -> str:
    digest = hashlib.sha256()
    for path in sorted(git.rglob("*")) if git else ():
        inside = path.relative_to(git).parts[0] if git else ""
        if inside in {"refs", "packed-refs", "HEAD"} and path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
