"""Waiting for what another process does, with an end."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def eventually(true: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether something comes true within the time; asked ten times a second."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def running(word: str) -> list[int]:
    """The processes that have `word` in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found
