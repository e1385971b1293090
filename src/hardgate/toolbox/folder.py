"""The folder of the toolbox: where it lies, who may write to it now, and how things are removed from it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from hardgate.errors import ToolError

STAGING = ".staging"
_LOCK = ".lock"
_PATIENCE = 1800.0  # seconds to wait for another hardgate that installs
_PAUSE = 0.2


def default_folder(environ: Mapping[str, str]) -> Path:
    """Where tools are kept: under HARDGATE_HOME, else in the user's cache (XDG Base Directory Specification).

    Raises ToolError when this user has no home.
    """
    if own := environ.get("HARDGATE_HOME"):
        return Path(own).absolute() / "tools"
    # The specification says to ignore relative paths.
    if (cache := environ.get("XDG_CACHE_HOME", "")) and Path(cache).is_absolute():
        return Path(cache) / "hardgate" / "tools"
    home = environ.get("HOME") or _home_of_user(os.getuid())
    return Path(home) / ".cache" / "hardgate" / "tools"


def _home_of_user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_dir
    except KeyError as error:
        hint = "Set HARDGATE_HOME to a folder that hardgate may write to."
        raise ToolError("this user has no home folder to keep tools in", hint=hint) from error


@contextlib.contextmanager
def alone(folder: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the folder's lock, which the system takes back from a process that dies; `waiting` is called if it is taken.

    Raises ToolError when the folder cannot be written, and when another process holds the lock for half an hour.
    """
    try:
        (folder / STAGING).mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        message = f"the folder for tools, {folder}, cannot be written: {error.strerror}"
        raise ToolError(message, hint="Nothing was installed. Set HARDGATE_HOME to another folder.") from error
    try:
        _wait_for(handle, folder, waiting)
        yield
    finally:
        os.close(handle)


def _wait_for(handle: int, folder: Path, waiting: Callable[[], None]) -> None:
    deadline = time.monotonic() + _PATIENCE
    told = False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                hint = f"Nothing was installed. Find who holds it: fuser {folder / _LOCK}"
                raise ToolError("another hardgate has been installing tools for half an hour", hint=hint) from error
        else:
            return
        if not told:
            waiting()
        told = True
        time.sleep(_PAUSE)


def sweep(folder: Path) -> None:
    """Remove what installations left behind: under the lock, whatever is there belongs to nobody."""
    for path in (folder / STAGING).iterdir():
        remove(path)


def remove(path: Path) -> None:
    """Remove a folder and all below it, as far as that can be done: what stays is never used, and swept again later."""
    shutil.rmtree(path, ignore_errors=True)
