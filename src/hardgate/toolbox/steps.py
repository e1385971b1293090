"""The words between the toolbox and those who watch it install: which step a tool is at, and where it happens."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


class Step(enum.StrEnum):
    """What is being done for a tool."""

    WAITING = "waiting"
    DOWNLOADING = "downloading"
    UNPACKING = "unpacking"
    STARTING = "first start"
    SEALING = "sealing"
    READY = "ready"
    FAILED = "failed"


# (tool, step, bytes done, bytes in all or 0 when nobody knows)
Progress = Callable[[str, Step, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where an installation happens: all paths are absolute, `stage` is empty and private to it."""

    stage: Path
    cache: Path
    python: Path
    environ: Mapping[str, str]

    @property
    def home(self) -> Path:
        """What becomes the tool's folder."""
        return self.stage / "home"
