"""Tools that are part of hardgate: nothing to download, started with the Python that runs hardgate.

One may need a library that the toolbox installs: that is then a tool of its own there, whose recipe names the module.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path

from hardgate.errors import ToolError

_MODULES = {"dataflow": "hardgate.dataflow"}
ORIGIN = "hardgate"


def is_own(name: str) -> bool:
    """Whether the tool of this name is part of hardgate."""
    return name in _MODULES


def version() -> str:
    """That of this installation of hardgate."""
    from importlib import metadata  # noqa: PLC0415 (20 ms, which a commit hook need not spend)

    return metadata.version("hardgate")


def command(name: str) -> tuple[str, ...]:
    """The first words of its command line."""
    return module_command(_MODULES[name])


def module_command(module: str) -> tuple[str, ...]:
    """What starts a module of ours. -I: neither the scanned tree nor the user's settings add modules."""
    return (sys.executable, "-I", "-X", "utf8", "-m", module)


def home(name: str) -> Path:
    """The folder of its modules. Raises ToolError when it is not there."""
    return module_home(_MODULES[name], name)


def module_home(module: str, name: str) -> Path:
    """The folder of a package of ours that starts the tool `name`. Raises ToolError when it is not there."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ToolError(f"{name} is missing from this installation of hardgate", hint="Install hardgate again.")
    return Path(spec.origin).parent


def digest(folder: Path) -> str:
    """SHA-256 over the names and contents of its modules, and the versions of hardgate and of Python."""
    running = hashlib.sha256(f"{version()}\0{sys.version}\0".encode())
    for path in sorted(folder.rglob("*.py")):
        running.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return running.hexdigest()
