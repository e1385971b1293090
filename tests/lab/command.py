"""Runs the installed `hardgate` command as a user would, and hands back everything it said."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from hardgate.model import ExitCode

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
    """Run `hardgate` with these words; `env` is added to the environment of the test."""
    done = subprocess.run(
        [str(EXECUTABLE), *words],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return Result(code=ExitCode(done.returncode), stdout=done.stdout, stderr=done.stderr)
