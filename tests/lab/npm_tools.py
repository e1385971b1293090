"""Where the tests' tools from npm lie: `make npm-tools` installs what the lock files in tests/lab/npm name."""

from __future__ import annotations

import shutil
from pathlib import Path

FOLDER = Path(__file__).parent / "npm"


def command(tool: str, script: str) -> tuple[str, ...]:
    """The words that start `script`, a path below tests/lab/npm/`tool`/node_modules, with node.

    Raises FileNotFoundError, which names the command that installs it.
    """
    path, node = FOLDER / tool / "node_modules" / script, shutil.which("node")
    if node is None or not path.is_file():
        raise FileNotFoundError(f"{path} or node is not there: make npm-tools")
    return (node, str(path))


NEWMAN = {"6.2.2": "newman/bin/newman.js", "5.3.2": "newman-5/bin/newman.js"}


def newman(version: str = "6.2.2") -> tuple[str, ...]:
    """The words that start Newman."""
    return command("newman", NEWMAN[version])
