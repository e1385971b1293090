"""Tools that nobody pinned: the command that hardgate.yaml or an adapter of somebody else's names."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from hardgate.adapter import OUTSIDE
from hardgate.errors import ToolError


def is_outside(name: str) -> bool:
    """Whether it is the name of a command, and not that of a tool of the toolbox."""
    return name.startswith(OUTSIDE)


def find(name: str, path: str, version: str) -> Path:
    """The executable, looked for in absolute folders only: a scanned repository must not lend us a tool.

    Last of all in the environment that hardgate runs in: an adapter from elsewhere may have brought its tool there.

    Raises ToolError when it is not there, and when a `version` is asked for: that is known after it ran.
    """
    command = name.removeprefix(OUTSIDE)
    if version:
        hint = "Take `version` out of hardgate.yaml, and pin the tool where you install it."
        raise ToolError(f"{command} {version} is asked for, and hardgate does not install it", hint=hint)
    ours = str(Path(sys.executable).absolute().parent)
    folders = os.pathsep.join(part for part in (*path.split(os.pathsep), ours) if Path(part).is_absolute())
    named = Path(command)
    found = command if named.is_absolute() and os.access(named, os.X_OK) and named.is_file() else None
    if found is None and "/" not in command:
        found = shutil.which(command, path=folders)
    if found is None:
        hint = f"Install it, so that `{command}` is on PATH; hardgate installs the tools of its own list only."
        raise ToolError(f"{command} is not on PATH", hint=hint)
    return Path(found)
