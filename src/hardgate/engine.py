"""A run, from the pipeline to its evidence: read the tree, start the actions of each stage, keep every receipt.

`execute` makes a Run here; assembling.py makes one from receipts that other machines wrote. The gate is not here: a Run
is evidence, and gate.py judges it.
"""

from __future__ import annotations

import concurrent.futures
import functools
import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

import hardgate
from hardgate import action as actions
from hardgate import (
    assembling,
    basis,
    identity,
    performing,
    plan,
    receipts,
    repository,
    roles,
    scan,
    sourced,
    staging,
    step,
    tools,
)
from hardgate.adapter import Scanner
from hardgate.budget import MEMORY_SHARE, Budget, free_memory
from hardgate.errors import ConfigError
from hardgate.model import Action, ActionState, Pipeline, Receipt, Run, RunState, Selection
from hardgate.step import Step

RULES = Path(__file__).parent / "rules"


class Store(roles.Memory, Protocol):
    """What the engine asks of the store: see store.Store."""

    def begin(self, run: Run) -> None: ...
    def add_receipt(self, run_id: str, receipt: Receipt) -> None: ...
    def withdraw(self, run_id: str, actions: Collection[str]) -> None: ...
    def finish(self, run: Run) -> None: ...
    def interrupt(self, run_id: str) -> None: ...
    def resumable(self, root: str, pipeline_digest: str, tree: str) -> Run | None: ...
    def resume(self, run_id: str) -> Run: ...
    def cached(self, key: str) -> Receipt | None: ...
    def remember(self, key: str, receipt: Receipt) -> None: ...
    def timing(self, scanner: str, root: str) -> tuple[float, int] | None: ...
    def blob(self, sha256: str) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to run, beside what the pipeline says. `leave` are report files of hardgate's own, relative to the root.

    `fetch` is called once, before the first action: it gets the chosen actions, and a function that tells whether one
    of them has anything to look at, and may install their tools.
    """

    scanners: Mapping[str, Scanner]
    steps: Mapping[str, Step] = field(default_factory=dict)
    locate: Callable[..., roles.Tool]
    fetch: Callable[[Sequence[Action], Callable[[Action], bool]], None] | None = None
    selection: Selection = field(default_factory=Selection)
    cache: bool = True
    resume: bool = False
    osv_url: str = ""
    advisories: roles.Advisories | None = None
    leave: frozenset[str] = frozenset()
    receipts: Path | None = None
    rules: Path = RULES
    basis: basis.Basis = field(default_factory=basis.Basis)
    cache_folder: Path = field(default_factory=lambda: Path(tempfile.gettempdir()) / "hardgate-cache")


@functools.cache
def code_digest() -> str:
    """The digest over hardgate's own code: a result made by other code is never used again."""
    digest, folder = hashlib.sha256(), Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@dataclass(slots=True)
class _Execution:
    """The mutable heart of one run: what is ready, what ended, and whether to stop."""

    scene: actions.Scene
    settings: Settings
    store: Store
    watcher: roles.Watcher
    run: Run
    bench: performing.Bench
    done: dict[str, Receipt] = field(default_factory=dict)
    passed: list[str] = field(default_factory=list)

    @property
    def earlier(self) -> dict[str, Receipt]:
        """The receipts of the stages before this one, in the order of the pipeline."""
        names = (name for name in self.run.expected if name in self.done)
        return {name: self.done[name] for name in names if self.done[name].stage in self.passed}


def execute(pipeline: Pipeline, root: Path, *, settings: Settings, store: Store, watcher: roles.Watcher) -> Run:
    """Run the selected actions over the tree below `root` and keep every receipt as it comes.

    Raises ConfigError before anything runs when the pipeline or the selection names what is not there; StoreError when
    the evidence cannot be kept. A KeyboardInterrupt ends all tools, marks the run interrupted, and goes on.
    """
    chosen = _chosen(pipeline, settings.selection)
    scan.identity_key()
    with assembling.scratch() as folder:
        scene = _scene(pipeline, root, folder, settings, store)
        _check_paths(pipeline, root, chosen)
        if settings.fetch:
            settings.fetch([one for _, some in chosen for one in some], functools.partial(_has_work, settings, scene))
        run = _resumed(pipeline, root, scene, settings, store)
        if run is None:
            run = _begun(pipeline, root, scene, settings)
            store.begin(run)
        execution = _execution(scene, settings, store, watcher, run)
        execution.done = _standing(pipeline, settings, run)
        undone = [one for one in run.receipts if one.state is not ActionState.GAP and one.action not in execution.done]
        store.withdraw(run.id, [one.action for one in undone])
        watcher.planned(chosen)
        with _marked(execution):
            for stage, members in chosen:
                _stage(execution, stage, members)
                execution.passed.append(stage)
            return _finished(execution)


def _execution(scene: actions.Scene, settings: Settings, store: Store, watcher: roles.Watcher, run: Run) -> _Execution:
    workshop = performing.Workshop(scene.tree, scene.scratch / "steps-git-view", settings.leave)
    bench = performing.Bench(workshop=workshop, blob=store.blob, stopping=threading.Event())
    return _Execution(scene=scene, settings=settings, store=store, watcher=watcher, run=run, bench=bench)


def _standing(pipeline: Pipeline, settings: Settings, run: Run) -> dict[str, Receipt]:
    """What a resumed run need not do again: what is done, but no step after one that has to be done again.

    Such a step worked on what the other made then, such as an image.
    """
    done = {receipt.action: receipt for receipt in run.receipts if receipt.state is not ActionState.GAP}
    again = False
    for stage in pipeline.stages:
        mine = [action.name for action in stage.actions if step.of(settings.steps, action)]
        if again:
            for name in mine:
                done.pop(name, None)
        again = again or any(name not in done for name in mine)
    return done


def _resumed(pipeline: Pipeline, root: Path, scene: actions.Scene, settings: Settings, store: Store) -> Run | None:
    """The interrupted run to go on with, None unless asked for; a resumed run keeps what it was limited to."""
    if not settings.resume:
        return None
    found = store.resumable(str(root), pipeline.digest, scene.tree.digest)
    same = found is not None and found.exceptions.digest == settings.basis.exceptions.digest
    if found is None or not same or found.selection != settings.selection:
        hint = "Start anew (hardgate run), or give the same --stage and --action that the run had."
        raise ConfigError("there is no interrupted run of these files with this hardgate.yaml and selection", hint=hint)
    return store.resume(found.id)


@contextmanager
def _marked(execution: _Execution) -> Iterator[None]:
    """Mark the run as interrupted when its body does not come to its end, also for ^C."""
    ended = False
    try:
        yield
        ended = True
    finally:
        if not ended:
            execution.store.interrupt(execution.run.id)


def _chosen(pipeline: Pipeline, selection: Selection) -> tuple[tuple[str, tuple[Action, ...]], ...]:
    for what, wanted, known in (
        ("stage", selection.stages, [stage.name for stage in pipeline.stages]),
        ("action", selection.actions, [action.name for action in pipeline.actions]),
    ):
        for name in wanted:
            if name not in known:
                raise ConfigError(f"there is no {what} {name!r} in {pipeline.name}", hint=f"It has: {', '.join(known)}")
    return plan.selected(pipeline, selection)


def _scene(pipeline: Pipeline, root: Path, folder: Path, settings: Settings, store: Store) -> actions.Scene:
    tree = assembling.read_tree(pipeline, root, folder / "git-view", settings.leave)
    changed = repository.changed(tree, settings.selection.base) if settings.selection.base else None
    scans = [one for one in pipeline.actions if not step.of(settings.steps, one)]
    pairs = [(one, settings.scanners[one.scanner].fitted(one.options)) for one in scans]
    obeying = [scanner.configs for one, scanner in pairs if one.honour_config or scanner.obeys]
    return actions.Scene(
        tree=tree,
        staged=staging.Stager(tree, folder / "tree"),
        scratch=folder,
        rules=settings.rules,
        policy=settings.basis.for_tools(pipeline.policy),
        configs=basis.configs(settings.basis, tree, obeying),
        exclude=pipeline.exclude,
        pipeline_digest=basis.bound(settings.basis.exceptions, pipeline.digest),
        osv_url=settings.osv_url or pipeline.osv_url,
        cache=settings.cache_folder,
        changed=changed,
        locate=settings.locate,
        environments=pipeline.environments,
        memory=store,
        clock=assembling.now,
        version=hardgate.__version__,
        advisories=settings.advisories,
    )


def _check_paths(pipeline: Pipeline, root: Path, chosen: Sequence[tuple[str, tuple[Action, ...]]]) -> None:
    for _stage_name, members in chosen:
        for action in members:
            for path in action.paths:
                if not (root / path).exists():
                    hint = f"Nothing was run. Mend `paths` of {action.name} in the hardgate.yaml of {pipeline.name}."
                    raise ConfigError(f"{action.name} shall look at {path}, and there is no such path", hint=hint)


def _has_work(settings: Settings, scene: actions.Scene, action: Action) -> bool:
    if step.of(settings.steps, action):
        return True
    scanner = settings.scanners[action.scanner].fitted(action.options)
    if getattr(action.options, "history", False) and scene.changed is None:
        return True
    found = (entry.path for entry in actions.in_scope(scene, scanner, action)[0])
    return any(scanner.selects(path) or (scanner.obeys and scanner.configs(path)) for path in found)


def _begun(pipeline: Pipeline, root: Path, scene: actions.Scene, settings: Settings) -> Run:
    names = [entry.path for entry in scene.tree.entries]
    exceptions = basis.complete(settings.basis, scene.tree, pipeline.policy)
    return Run(
        id=assembling.new_id(),
        pipeline=pipeline.name,
        pipeline_digest=pipeline.digest,
        definition=pipeline.definition,
        root=str(root),
        commit=scene.tree.commit,
        tree=scene.tree.digest,
        dirty=scene.tree.dirty,
        started=assembling.now(),
        selection=settings.selection,
        expected=tuple(action.name for action in pipeline.actions),
        requirements=plan.requirements(pipeline, assembling.demanding(scene.tree, scene.changed)),
        gaps=assembling.readable(scene.tree.gaps),
        notes=(*_notes(pipeline, scene, names), *basis.notes(exceptions)),
        hardgate_version=hardgate.__version__,
        exceptions=exceptions,
    )


def _notes(pipeline: Pipeline, scene: actions.Scene, names: Sequence[str]) -> tuple[str, ...]:
    left = scene.tree.excluded
    excluded = (f"{left} files were left out by `exclude` in hardgate.yaml",) if left else ()
    base = (f"only files that changed since {scene.tree.commit and 'the base'}",) if scene.changed is not None else ()
    return (*scene.tree.notes, *base, *excluded, *plan.advice(pipeline, names))


def _stage(execution: _Execution, stage: str, members: Sequence[Action]) -> None:
    """Run the actions of one stage in parallel, the longest first, as many at once as there are cores and memory."""
    settings = execution.settings
    waiting = []
    for action in (action for action in members if action.name not in execution.done):
        scanner = step.of(settings.steps, action) or settings.scanners[action.scanner]
        known = execution.store.timing(action.scanner, execution.run.root)
        waiting.append((known or (scanner.seconds, scanner.memory), action))
    ready = sorted(waiting, key=lambda one: (-one[0][0], one[1].name))
    budget = Budget(int(free_memory() * MEMORY_SHARE))
    workers = max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    with concurrent.futures.ThreadPoolExecutor(max_workers=workers + 1) as pool:
        futures = [pool.submit(_one, execution, stage, action, memory, budget) for (_, memory), action in ready]
        ended = False
        try:
            for future in tools.ended(futures):
                future.result()
            ended = True
        finally:
            # The pool waits for its threads, and they for their tools: end those first, also for ^C.
            if not ended:
                execution.bench.stopping.set()
                tools.stop(pool, futures)


def _one(execution: _Execution, stage: str, action: Action, memory: int, budget: Budget) -> None:
    """One action to its receipt: from the cache when nothing it depends on has changed, but never a step."""
    if execution.bench.stopping.is_set():
        return
    if doing := step.of(execution.settings.steps, action):
        with budget.hold(memory):
            if not execution.bench.stopping.is_set():
                _step(execution, doing, stage, action)
        return
    scene, store = execution.scene, execution.store
    ready = actions.prepare(scene, execution.settings.scanners[action.scanner].fitted(action.options), stage, action)
    if isinstance(ready, Receipt):
        _keep(execution, ready)
        return
    key = actions.key(scene, ready, assembling.now()[:13], code_digest() + identity.key_name(scan.identity_key()))
    known = store.cached(key) if execution.settings.cache else None
    if known is not None:
        _keep(execution, _again(scene, ready, known))
        return
    with budget.hold(memory):
        if execution.bench.stopping.is_set():
            return
        execution.watcher.started(action)
        receipt = scan.perform(scene, ready)
    if execution.bench.stopping.is_set():
        return
    if receipt.state is ActionState.DONE:
        store.remember(key, msgspec.structs.replace(receipt, cached_from=execution.run.id))
    _keep(execution, receipt)


def _step(execution: _Execution, doing: Step, stage: str, action: Action) -> None:
    execution.watcher.started(action)
    task = performing.Task(step=doing, stage=stage, action=action, earlier=execution.earlier)
    receipt = performing.perform(execution.scene, execution.bench, task)
    if receipt is not None and not execution.bench.stopping.is_set():
        _keep(execution, receipt)


def _again(scene: actions.Scene, ready: actions.Prepared, known: Receipt) -> Receipt:
    """A cached receipt for this run: what was found then, what it belongs to now."""
    mine = actions.blank(scene, ready.stage, ready.action, known.state)
    return msgspec.structs.replace(
        known,
        stage=mine.stage,
        commit=mine.commit,
        tree=mine.tree,
        pipeline_digest=mine.pipeline_digest,
        started=mine.started,
        blocking=mine.blocking,
        seconds=0.0,
        cpu_seconds=0.0,
    )


def _keep(execution: _Execution, receipt: Receipt) -> None:
    sealed = receipts.seal(receipt, os.environ.get(receipts.KEY_VARIABLE, ""))
    execution.store.add_receipt(execution.run.id, sealed)
    execution.done[sealed.action] = sealed
    if execution.settings.receipts is not None:
        documents = {
            output.name: execution.store.blob(output.sha256) for output in sealed.outputs if not output.reference
        }
        receipts.write(execution.settings.receipts, sealed, documents)
    execution.watcher.ended(sealed)


def _finished(execution: _Execution) -> Run:
    staged = execution.scene.staged
    gaps = staged.gaps if isinstance(staged, staging.Stager) else ()
    own = execution.settings.basis
    done = [execution.done[name] for name in execution.run.expected if name in execution.done]
    code = sourced.read(execution.scene.tree, done)
    findings = (*identity.conclude(done, code), *own.findings)
    exceptions = basis.compared(own, execution.scene.tree, execution.run.exceptions, findings)
    made = {"receipts": tuple(done), "findings": findings, "code": code, "exceptions": exceptions}
    run = msgspec.structs.replace(
        execution.run,
        state=RunState.FINISHED,
        finished=assembling.now(),
        **made,
        notes=(*execution.run.notes, *basis.told(exceptions), *sourced.told(code)),
        gaps=(*execution.run.gaps, *assembling.readable(gaps)),
    )
    execution.store.finish(run)
    return run
