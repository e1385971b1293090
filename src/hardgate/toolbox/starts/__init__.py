"""How the toolbox starts a Python tool whose own script does more than a look needs. The tool itself stays as it is.

Each module here is copied beside the tool's environment when it is installed, is sealed with it, and is run by the
tool's own Python, which has no hardgate. It is told of the tool's own script and runs that: what it prints and its exit
code are the tool's.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

FILE = "start.py"


@functools.cache
def content(name: str) -> bytes:
    """The start of a tool, to be written into FILE."""
    return (Path(__file__).parent / f"{name}.py").read_bytes()


def mark(name: str) -> str:
    """What tells an installation with this start from one with another, "" for a tool without one."""
    return f"-{hashlib.sha256(content(name)).hexdigest()[:8]}" if name else ""
