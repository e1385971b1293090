"""Scans archives of images in one run, in a process of its own.

`python -m tests.lab.image_scan HOME ROOT STEP KEYS NAME=FILE=DIGEST ...`: HOME has the tools and, in `advisories`, the
local database; KEYS are those of every action, as JSON. The receipts are printed as JSON, in this order. With an engine
the archives come from there (see saving.save); everything after that is the same.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from hardgate import config, engine, imagefile, saving
from hardgate.advisories.local import Local
from hardgate.model import Output, Receipt
from hardgate.step import Context, Result, Step
from hardgate.stepkeys import StepKeys
from hardgate.steps import sbom, scan_image
from hardgate.store import Store
from hardgate.toolbox import open_default
from tests.lab.doing import Watcher

DOING: dict[str, tuple[Callable[[Context, saving.Saved], Result], type[StepKeys]]] = {
    "scan-image": (scan_image.scan, scan_image.Options),
    "sbom": (sbom.describe, sbom.Options),
}


def _perform(what: str, file: Path, digest: str, context: Context) -> Result:
    name = context.action.name.partition("--")[0]
    image = Output(name=name, media_type=imagefile.MANIFEST, sha256=digest, size=0, reference=f"sha256:{digest}")
    return DOING[what][0](context, saving.opened(context, file, image, digest))


def scanned(home: Path, root: Path, archives: list[str], what: str = "scan-image", keys: str = "{}") -> list[Receipt]:
    """The receipts of a run over these archives, each `NAME=FILE=DIGEST`; `keys` are those of every action, as JSON."""
    steps, actions = {}, []
    for archive in archives:
        name, file, digest = archive.split("=")
        do = partial(_perform, what, Path(file), digest)
        steps[name] = Step(name=name, perform=do, options=DOING[what][1])
        actions.append({name: msgspec.json.decode(keys)})
    raw = msgspec.json.encode({"pipeline": "images", "stages": [{"name": "scan", "actions": actions}]})
    pipeline = config.load(raw, options={name: step.options for name, step in steps.items()})
    with Store.open(home / "store.db") as store, Local(home / "advisories") as local:
        settings = engine.Settings(
            scanners={}, steps=steps, locate=open_default({**os.environ, "HARDGATE_HOME": str(home)}).locate,
            cache_folder=home / "cache", advisories=local,
        )  # fmt: skip
        run = engine.execute(pipeline, root, settings=settings, store=store, watcher=Watcher())
    by_name = {receipt.action: receipt for receipt in run.receipts}
    return [by_name[archive.partition("=")[0]] for archive in archives]


if __name__ == "__main__":
    place, tree, kind, more, *words = sys.argv[1:]
    sys.stdout.write(msgspec.json.encode(scanned(Path(place), Path(tree), words, kind, more)).decode())
