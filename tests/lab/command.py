"""Runs `hardgate` as a user would, in a process of its own, and hands back everything it said."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from hardgate.model import ExitCode
from tests.lab import forking

EXECUTABLE = Path(sys.executable).with_name("hardgate")


@dataclass(frozen=True, slots=True)
class Result:
    """How one command ended."""

    code: ExitCode
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """Standard output as JSON; fails when anything else stands there."""
        return msgspec.json.decode(self.stdout)


def hardgate(
    *words: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, timeout: float = 300
) -> Result:
    """Run `hardgate` with these words; `env` is added to the environment of the test.

    It is forked from a process that has loaded its modules (forking.py); where the environment changes how Python
    starts it is the installed command. Raises subprocess.TimeoutExpired.
    """
    whole = {**os.environ, **(env or {})}
    argv = [str(EXECUTABLE), *words]
    if forking.can(whole):
        done = forking.run(argv, cwd or Path.cwd(), whole, timeout)
    else:
        done = subprocess.run(
            argv, cwd=cwd, env=whole, capture_output=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL
        )
    return Result(code=ExitCode(done.returncode), stdout=_text(done.stdout), stderr=_text(done.stderr))


def _text(raw: bytes) -> str:
    return io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8").read()
