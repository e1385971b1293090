"""Runs a command in a lab of its own: `python -m tests.lab.containers [--online] [COMMAND...]`, a shell without one."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.lab.containers import lab


def main(words: list[str]) -> int:
    """Start a lab, run the command in it, and end it; the command's exit code."""
    online = words[:1] == ["--online"]
    with lab.start(online=online) as running:
        told = {"LAB_REGISTRY": running.trusted, "LAB_USER": running.user, "LAB_PASSWORD": running.password}
        environment = {**os.environ, **running.environment, **told}
        command = words[online:] or [os.environ.get("SHELL", "/bin/bash")]
        return subprocess.run(running.inside(*command), env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
