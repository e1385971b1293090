"""The checks of a git hook over what is staged or pushed: the tools started at once, what is known of a file not again.

They start as in every run (see scan.py): each must find what is planted for it, in time, and write a whole report.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec

import hardgate
from hardgate import action as actions
from hardgate import assembling, identity, repository, roles, scan, staged, styles, tools
from hardgate.adapter import Job, Scanner
from hardgate.errors import StoreError
from hardgate.model import Action, ActionState, CanaryCheck, Finding, Kind, Pipeline, Policy, Receipt

RULES = Path(__file__).parent / "rules"
HISTORY = "gitleaks-history"
_STAGE = "hook"
_KEPT = 5_000  # answers for single files that are kept of one tool
_FORGOTTEN = 30 * 86_400  # seconds after which the answers of a tool that is not asked any more are removed
_Known = dict[str, tuple[Finding, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What all checks of a hook share. `policy` is that in force; `scratch` and `memory` are folders of hardgate's own.

    `scanners` has every scanner of CHECKS that is no style check by its name.
    """

    pipeline: Pipeline
    policy: Policy
    scanners: Mapping[str, Scanner]
    locate: Callable[..., roles.Tool]
    scratch: Path
    memory: Path
    code: str


class _Memory:
    """The memory of one hook: what is asked of it in the next is asked anew."""

    def __init__(self) -> None:
        self.checks: dict[str, CanaryCheck] = {}

    def canary(self, key: str) -> CanaryCheck | None:
        return self.checks.get(key)

    def remember_canary(self, key: str, check: CanaryCheck) -> None:
        self.checks[key] = check

    def put_blob(self, data: bytes) -> str:
        raise StoreError(f"a hook keeps no documents, and one of {len(data)} bytes came")


def code_stamp() -> str:
    """A digest over the names, sizes and times of hardgate's modules: other code does not use its answers again."""
    rows, folders = list[str](), [str(Path(__file__).parent)]
    for folder in folders:  # it grows
        with os.scandir(folder) as entries:  # a third of the time of Path.rglob
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.name.endswith(".py"):
                    facts = entry.stat()
                    rows.append(f"{entry.path}\0{facts.st_size}\0{facts.st_mtime_ns}\n")
    return hashlib.sha256("".join([hardgate.__version__, *sorted(rows)]).encode("utf-8", "surrogateescape")).hexdigest()


def actions_of(names: Sequence[str], place: Place, settings: Mapping[str, bytes]) -> list[tuple[Scanner, Action]]:
    """The actions of these checks: those of the pipeline where it has the scanner, without looking at the history.

    `settings` are the repository's files that may set up Black and Flake8, by their names.
    """
    found: list[tuple[Scanner, Action]] = []
    for name in dict.fromkeys(names):
        if name in styles.STYLES:
            options = (
                styles.black_options(settings.get(styles.BLACK_FILE))
                if name == styles.BLACK.name
                else styles.flake8_options(settings)
            )
            found.append((styles.STYLES[name], Action(name=name, scanner=name, options=options)))
            continue
        scanner = _single(place.scanners[name])
        theirs = [one for one in place.pipeline.actions if one.scanner == name]
        own = theirs or [Action(name=name, scanner=name, options=scanner.options())]
        found += [(scanner, _limited(one)) for one in own]
    return found


def _single(scanner: Scanner) -> Scanner:
    """detect-secrets in one process: a pool of them takes longer to start than a few files to read."""
    if scanner.name != "detect-secrets":
        return scanner

    def argv(job: Job) -> tuple[str, ...]:
        return (*job.command, "-c", "1", *scanner.argv(job)[len(job.command) :])

    return dataclasses.replace(scanner, argv=argv)


def _limited(action: Action) -> Action:
    """An action of the pipeline as a hook runs it: files alone, and by hardgate's rules. What the repository's own
    configuration of a scanner would excuse is told, since that file may not be among the staged ones.
    """
    past = {"history": False} if getattr(action.options, "history", False) else {}
    return msgspec.structs.replace(action, honour_config=False, options=msgspec.structs.replace(action.options, **past))


def look(place: Place, what: staged.Staged, chosen: Sequence[tuple[Scanner, Action]]) -> list[Receipt]:
    """A receipt of each action over the staged files, in the order of `chosen`."""
    work = [functools.partial(_look, place, what, *one) for one in chosen]
    return _together(work, [scanner.seconds for scanner, _ in chosen])


def look_back(place: Place, ours: Path, span: staged.Range, tip: str) -> Receipt:
    """The receipt of Gitleaks over the commits of a push, one by one: what came and went in them is pushed too."""
    gitleaks = place.scanners["gitleaks"]
    mine = [one for one in place.pipeline.actions if one.scanner == "gitleaks"]
    action = mine[0] if mine else Action(name="gitleaks", scanner="gitleaks", options=gitleaks.options())
    options = msgspec.structs.replace(action.options, history=True)
    # --glob: the planted commit is of no branch. The last --log-opts counts.
    limited = " ".join(("--full-history --diff-filter=tuxdb --no-renames --glob=refs/hardgate", *span.words))
    action = msgspec.structs.replace(
        action, name=HISTORY, options=options, args=(*action.args, f"--log-opts={limited}")
    )
    empty = place.scratch / "nothing"
    empty.mkdir(exist_ok=True)
    tree = repository.Tree(root=empty, entries=(), digest="", git=ours, commit=tip, shallow=span.shallow)
    scene = _scene(place, tree, empty)
    ready = actions.prepare(scene, dataclasses.replace(gitleaks, split=_past), _STAGE, action)
    return ready if isinstance(ready, Receipt) else scan.perform(scene, ready)


def _past(job: Job) -> tuple[Job, ...]:
    return (dataclasses.replace(job, mode="history"),)


def _together(work: Sequence[Callable[[], Receipt]], seconds: Sequence[float]) -> list[Receipt]:
    """Do as many at once as there are cores, the longest first: with more, the longest only gets less of a core.

    Each is busy from its start to its end: what it looks at is small, and nothing of it is asked of the network.
    """
    order = sorted(range(len(work)), key=lambda place: -seconds[place])
    futures: dict[int, Future[Receipt]] = {}
    with ThreadPoolExecutor(max_workers=_cores()) as pool:
        ended = False
        try:
            futures = {place: pool.submit(work[place]) for place in order}
            for future in tools.ended(futures.values()):
                future.result()
            ended = True
        finally:
            if not ended:  # also for ^C
                tools.stop(pool, list(futures.values()))
    return [futures[place].result() for place in range(len(work))]


def _cores() -> int:
    return max(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _scene(place: Place, tree: repository.Tree, base: Path) -> actions.Scene:
    return actions.Scene(
        tree=tree, staged=lambda: base, scratch=place.scratch, rules=RULES, policy=place.policy,
        exclude=place.pipeline.exclude, pipeline_digest=place.pipeline.digest, osv_url="", cache=place.scratch,
        changed=None, locate=place.locate, memory=_Memory(), clock=assembling.now, version=hardgate.__version__,
    )  # fmt: skip


def _look(place: Place, what: staged.Staged, scanner: Scanner, action: Action) -> Receipt:
    mine = [entry for entry in what.tree.entries if _concerns(scanner, action, what, entry)]
    scene = _scene(place, dataclasses.replace(what.tree, entries=tuple(mine)), what.base)
    ready = actions.prepare(scene, scanner, _STAGE, action)
    if isinstance(ready, Receipt):
        return ready
    file = place.memory / f"{_key(place, ready)}.json"
    known = _read(file)
    asked = tuple(entry for entry in ready.entries if _name(entry) not in known)
    old = tuple(one for entry in ready.entries for one in known.get(_name(entry), ()))
    if not any(scanner.selects(entry.path) for entry in asked):
        done = actions.blank(scene, _STAGE, action, ActionState.DONE)
        return msgspec.structs.replace(done, findings=old, scope=ready.scope, cached_from="an earlier look")
    receipt = scan.perform(scene, dataclasses.replace(ready, entries=asked))
    if receipt.state is ActionState.DONE:
        _remember(file, known, asked, receipt.findings)
    return msgspec.structs.replace(receipt, findings=(*old, *receipt.findings))


def _concerns(scanner: Scanner, action: Action, what: staged.Staged, entry: repository.Entry) -> bool:
    """The text of a link is no program: only who looks for secrets gets it."""
    if entry.path in what.links and Kind.SECRET not in scanner.kinds:
        return False
    return not styles.left_out(action.options, entry.path)


# What is known of single files


def _key(place: Place, ready: actions.Prepared) -> str:
    """The digest of all that the answer for a file depends on, beside the file."""
    parts = [
        place.code, ready.scanner.name, ready.tool.digest, ready.rules_digest, ready.action,
        place.policy.honour_inline_suppressions, identity.key_name(scan.identity_key()),
    ]  # fmt: skip
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()


def _name(entry: repository.Entry) -> str:
    return f"{entry.digest} {entry.path}"


def _read(file: Path) -> _Known:
    """The answers that are kept; none when the file is not there or is not whole: then the tool is asked."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=_Known)
    except (OSError, ValueError):
        return {}


def _remember(file: Path, known: _Known, asked: Sequence[repository.Entry], found: Sequence[Finding]) -> None:
    """Keep the answers for the files that were asked about, the newest last. Nothing is lost when that fails."""
    here = {entry.path for entry in asked}
    if any(one.location.path not in here or one.location.commit for one in found):
        return  # a finding that belongs to none of the files: not to be forgotten with them
    fresh = {_name(entry): tuple(one for one in found if one.location.path == entry.path) for entry in asked}
    kept = dict([*((name, one) for name, one in known.items() if name not in fresh), *fresh.items()][-_KEPT:])
    half = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    with contextlib.suppress(OSError, UnicodeEncodeError):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        half.write_bytes(msgspec.json.encode(kept))
        half.replace(file)
        for other in file.parent.iterdir():
            if other != file and time.time() - other.stat().st_mtime > _FORGOTTEN:
                other.unlink(missing_ok=True)
