"""What is costly to make and never changed: made once for all workers of a test run."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def made(config: pytest.Config, factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder `name` of this run, filled by `make`: the first worker that asks makes it, and the others wait.

    Nobody may write there. Where `make` fails nothing is left, and the next one who asks tries again.
    """
    base = factory.getbasetemp()
    root = base.parent if hasattr(config, "workerinput") else base  # the workers of pytest-xdist have a folder each
    folder, half = root / name, root / f"{name}.half"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir()
            make(half)
            half.rename(folder)
    return folder
