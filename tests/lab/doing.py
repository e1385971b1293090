"""A run of steps that a test makes up, by the real engine into a real store."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from hardgate import config, engine
from hardgate.model import Action, Receipt, Run
from hardgate.step import Context, Result, Step
from hardgate.store import Store
from hardgate.toolbox import open_default

Doing = Callable[[Context], Result]


class Watcher:
    """Is told how a run goes, and keeps nothing of it."""

    def planned(self, stages: Sequence[tuple[str, tuple[Action, ...]]]) -> None: ...
    def started(self, action: Action) -> None: ...
    def ended(self, receipt: Receipt) -> None: ...


def run(tree: Path, store: Store, stages: Sequence[dict[str, Doing]], **settings: object) -> Run:
    """A run of these steps, stage by stage; `build--web` is an action of that name, of the step `build`."""
    doings = {name: do for stage in stages for name, do in stage.items()}
    kinds = {name: name.partition("--")[0] for name in doings}
    steps = {kind: Step(name=kind, perform=lambda own: doings[own.action.name](own)) for kind in kinds.values()}
    words = {name: name if name == kind else f"{kind}: {{name: {name}}}" for name, kind in kinds.items()}
    lines = [
        f"  - {{name: s{n}, actions: [{', '.join(words[one] for one in stage)}]}}" for n, stage in enumerate(stages)
    ]
    raw = "\n".join(["pipeline: steps", "stages:", *lines, 'exclude: ["left out"]']).encode()
    pipeline = config.load(raw, options={name: step.options for name, step in steps.items()})
    own = engine.Settings(
        scanners={}, steps=steps, locate=open_default({"HARDGATE_HOME": str(tree.parent), "PATH": os.defpath}).locate,
        cache_folder=tree.parent / "cache", **settings,  # type: ignore[arg-type]  # the caller names fields of it
    )  # fmt: skip
    return engine.execute(pipeline, tree, settings=own, store=store, watcher=Watcher())
