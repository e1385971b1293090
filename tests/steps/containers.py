"""What tests of the steps with containers share: an application, runs of the real steps, what an image holds."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hardgate import config, engine
from hardgate.model import Action, Gap, Receipt, Run
from hardgate.steps import STEPS
from hardgate.store import Store
from hardgate.toolbox import open_default
from tests.cli.conftest import commit, git
from tests.lab.containers.lab import Lab

DOCKERFILE = """\
FROM python:3.12-slim
ARG VERSION=none
ENV VERSION=$VERSION
COPY . /app
RUN --mount=type=secret,id=pip wc -c </run/secrets/pip >/size
CMD ["python", "/app/app.py"]
"""
SECRET = "-".join(("correct", "horse", "battery", "4711"))


class Watcher:
    """Is told how a run goes, and keeps nothing of it."""

    def planned(self, stages: Sequence[tuple[str, tuple[Action, ...]]]) -> None: ...
    def started(self, action: Action) -> None: ...
    def ended(self, receipt: Receipt) -> None: ...


def application(folder: Path, dockerfile: str = DOCKERFILE) -> Path:
    """A git repository with one commit of a small application."""
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text(dockerfile)
    (folder / "app.py").write_text("print('planets')\n")
    (folder / ".gitignore").write_text(".env\n")
    (folder / ".dockerignore").write_text("Dockerfile\n")
    (folder / ".env").write_text("PASSWORD=1\n")
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder)
    return folder


class Runner:
    """Runs the real steps over a tree, with a store of its own; PATH and the engine are the environment's."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder, self.store = folder, store

    def run(self, tree: Path, *stages: Mapping[str, Any]) -> Run:
        """One stage for each mapping of a step to its keys."""
        pipeline = {
            "pipeline": "containers",
            "stages": [
                {"name": f"s{n}", "actions": [{name: keys} for name, keys in stage.items()]}
                for n, stage in enumerate(stages)
            ],
        }
        steps = {step.name: step for step in STEPS}
        raw = json.dumps(pipeline).encode()
        loaded = config.load(raw, options={name: step.options for name, step in steps.items()})
        tools = open_default({"HARDGATE_HOME": str(self.folder), "PATH": os.environ["PATH"]})
        settings = engine.Settings(
            scanners={}, steps=steps, locate=tools.locate, cache_folder=self.folder / "cache",
            receipts=self.folder / "receipts",
        )  # fmt: skip
        return engine.execute(loaded, tree, settings=settings, store=self.store, watcher=Watcher())

    def one(self, tree: Path, name: str, **keys: Any) -> Receipt:
        """The receipt of one step in a run of its own."""
        [receipt] = self.run(tree, {name: keys}).receipts
        return receipt

    def gap(self, tree: Path, *stages: Mapping[str, Any]) -> Gap:
        """The one gap of a run, all of whose other steps are done."""
        [gap] = [gap for receipt in self.run(tree, *stages).receipts for gap in receipt.gaps]
        return gap

    def kept(self, receipt: Receipt) -> bytes:
        """All that was kept of an action: its receipt as a file, and the documents beside it."""
        folder = self.folder / "receipts"
        return b"".join(path.read_bytes() for path in sorted(folder.glob(f"{receipt.action}*")))


@contextmanager
def runner(folder: Path) -> Iterator[Runner]:
    """A runner for as long as the `with` lasts."""
    with Store.open(folder / "store.db") as store:
        yield Runner(folder, store)


def everything(lab: Lab, image: str, folder: Path) -> bytes:
    """All that somebody can read who has an image: its layers, as saved, its configuration and its history."""
    archive = folder / "saved.tar"
    lab.docker("save", f"--output={archive}", image)
    said = lab.docker("image", "inspect", image) + lab.docker("history", "--no-trunc", image)
    return archive.read_bytes() + said.encode()


def stand_in(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `docker` first on PATH that meddles, and hands on to the real one as $REAL."""
    folder.mkdir(exist_ok=True)
    program = folder / "docker"
    program.write_text(f'#!/bin/sh\nREAL=/usr/bin/docker\n{script}\nexec $REAL "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
