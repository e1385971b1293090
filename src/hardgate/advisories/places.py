"""Where the local advisory database lies."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path

from hardgate.errors import StoreError

VARIABLE = "HARDGATE_ADVISORIES"


def default_folder(environ: Mapping[str, str]) -> Path:
    """HARDGATE_ADVISORIES, else `advisories` under HARDGATE_HOME or in the user's cache (XDG Base Directory
    Specification). Raises StoreError when this user has no home.
    """
    if own := environ.get("HARDGATE_ADVISORIES"):
        return Path(own).absolute()
    if home := environ.get("HARDGATE_HOME"):
        return Path(home).absolute() / "advisories"
    # The specification says to ignore relative paths.
    if (cache := environ.get("XDG_CACHE_HOME", "")) and Path(cache).is_absolute():
        return Path(cache) / "hardgate" / "advisories"
    return Path(environ.get("HOME") or _home_of_user(os.getuid())) / ".cache" / "hardgate" / "advisories"


def _home_of_user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_dir
    except KeyError as error:
        hint = f"Set {VARIABLE} to a folder that hardgate may write to."
        raise StoreError("this user has no home folder to keep advisories in", hint=hint) from error
