"""Where the real tools lie that tests start: in the toolbox of whoever runs the tests (`make setup` fills it)."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from hardgate.toolbox import Toolbox, open_default

# Taken now: tests get an environment of their own, without a home.
_ENVIRON = dict(os.environ)
if _ENVIRON.get("HARDGATE_TEST_HOME"):
    _ENVIRON["HARDGATE_HOME"] = _ENVIRON["HARDGATE_TEST_HOME"]
# npm's tools, where `make npm-tools` put them: before what else is on PATH, and a start script of ours before npm's.
_NPM = Path(__file__).parent / "npm"
_FOLDERS = (*sorted(_NPM.glob("*/bin")), *sorted(_NPM.glob("*/node_modules/.bin")))
_ENVIRON["PATH"] = os.pathsep.join([*map(str, _FOLDERS), _ENVIRON.get("PATH", "")])


@cache
def toolbox() -> Toolbox:
    """The toolbox that the tools of the tests come from."""
    return open_default(_ENVIRON)


def command(name: str) -> tuple[str, ...]:
    """The command line that starts a tool; raises ToolError, which names the command that installs it."""
    return toolbox().locate(name).command


def tool(name: str) -> Path:
    """The executable of a tool; raises ToolError, which names the command that installs it."""
    return Path(command(name)[0])
