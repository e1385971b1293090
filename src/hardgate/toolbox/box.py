"""The toolbox: a folder of installed tools and the lock file that says which they must be.

<folder>/<tool>/<version>-<fingerprint of its lock entry>-<platform>/   one installed tool, sealed
<folder>/.staging/                                                      what is being installed, or was when killed
<folder>/.lock                                                          held while something is installed

Where hardgate starts a tool in a way of its own (see starts/), the digest of that ends the name of the tool's folder.
"""

from __future__ import annotations

import enum
import hashlib
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from hardgate import tools
from hardgate.errors import ConfigError, Error, ToolError
from hardgate.toolbox import folder, manifest, outside, own, starts
from hardgate.toolbox.lock import PACKAGED, Lock, Pinned, read_lock, this_platform
from hardgate.toolbox.recipes import BY_NAME, NAMES, RECIPES, Recipe
from hardgate.toolbox.steps import Progress, Site, Step

_AT_ONCE = 4  # installations: some wait for the network while others compile


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool that may be started: `command` are the first words of its command line.

    `origin` is "toolbox", where `digest` is that of the manifest of everything installed, "path", where it is that of
    the executable, or "hardgate" for what is part of it, where it is that of the modules.
    """

    command: tuple[str, ...]
    version: str
    digest: str
    origin: str
    home: Path


class State(enum.StrEnum):
    """How an entry of the lock file stands on this machine."""

    INSTALLED = "installed"
    MISSING = "missing"
    DAMAGED = "damaged"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One line of `hardgate tools list`. `size` is in bytes; `channel` says where the tool came or would come from."""

    name: str
    version: str
    state: State
    channel: str
    size: int = 0
    digest: str = ""
    path: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What became of one tool in a sync: `installed` now, or `present` before; else `error` and `hint` say why not.

    `passed_over` names channels that come first in the lock file but could not be used.
    """

    name: str
    version: str
    installed: bool = False
    present: bool = False
    seconds: float = 0.0
    passed_over: str = ""
    error: str = ""
    hint: str = ""


class _Check(enum.Enum):
    """How closely an installed tool is looked at: not at all, names and sizes and times, or every byte."""

    NONE = enum.auto()
    QUICK = enum.auto()
    FULL = enum.auto()


def _silent(_tool: str, _step: Step, _done: int, _total: int) -> None:
    pass


def lock_path(environ: Mapping[str, str]) -> Path:
    """The lock file in force: HARDGATE_TOOLS_LOCK, else the one that came with hardgate. Never one of a repository."""
    return Path(environ["HARDGATE_TOOLS_LOCK"]) if environ.get("HARDGATE_TOOLS_LOCK") else PACKAGED


def open_default(environ: Mapping[str, str], *, lock: Path | None = None) -> Toolbox:
    """The toolbox of this user; raises ConfigError for a bad lock file, ToolError when there is no home."""
    return Toolbox(folder.default_folder(environ), read_lock(lock or lock_path(environ)), environ=environ)


class Toolbox:
    """The tools of `lock` in `folder`, which is made when something is installed. May be used by several threads."""

    def __init__(self, root: Path, lock: Lock, *, environ: Mapping[str, str] | None = None) -> None:
        self.folder, self.lock = root, lock
        self._environ = dict(os.environ if environ is None else environ)

    def locate(self, name: str, *, version: str = "", allow_path: bool = False, check: bool = True) -> Tool:
        """The tool, checked by names, sizes and times of its files, unless it is only to be named and not started.

        `version` must be the locked one when it is given; `allow_path` accepts an executable on PATH where nothing is
        installed. Raises ToolError when the tool is missing, damaged or of another version.
        """
        if own.is_own(name):
            return _own(name, version)
        if outside.is_outside(name):
            found = outside.find(name, self._environ.get("PATH", ""), version)
            return Tool(
                command=(str(found),), version="", digest=manifest.sha256(found), origin="path", home=found.parent
            )
        recipe = _recipe(name)
        pinned = self.lock.pinned(name)
        home = self._home(name, pinned)
        if version and version != pinned.version:
            return self._elsewhere(recipe, version, allow_path, _other_version(name, version, pinned.version))
        if not home.is_dir():
            missing = ToolError(f"{name} {pinned.version} is not installed", hint=_sync(name))
            return self._elsewhere(recipe, version, allow_path, missing)
        return self._checked(name, home, _Check.QUICK if check else _Check.NONE)

    def verify(self, name: str) -> Tool:
        """The tool, every byte of it compared with what was installed; raises ToolError as `locate` does."""
        if own.is_own(name):
            return _own(name, "")
        if outside.is_outside(name):
            return self.locate(name)
        _recipe(name)
        pinned = self.lock.pinned(name)
        home = self._home(name, pinned)
        if not home.is_dir():
            raise ToolError(f"{name} {pinned.version} is not installed", hint=_sync(name))
        return self._checked(name, home, _Check.FULL)

    def status(self) -> tuple[Status, ...]:
        """How every tool of the lock file stands here, in the order of their names."""
        return tuple(self._status(name, self.lock.tools[name]) for name in sorted(self.lock.tools))

    def absent(self, names: Sequence[str], *, allow_path: bool = False) -> tuple[str, ...]:
        """Those of `names` that can be installed and are not there at all, also not on PATH where that is allowed."""
        return tuple(
            name
            for name in names
            if name in self.lock.tools
            and not self._home(name, self.lock.pinned(name)).is_dir()
            and not (allow_path and _on_path(_recipe(name), self._environ.get("PATH", "")))
        )

    def sync(self, names: Sequence[str], progress: Progress = _silent) -> tuple[Synced, ...]:
        """Install what is missing and repair what is damaged, in parallel; one result for each name, in their order.

        Raises ConfigError for an unknown name, ToolError when the folder cannot be used.
        """
        from hardgate.toolbox import install  # noqa: PLC0415 (50 ms, which a run needs not spend)

        asked = {_recipe(name).name for name in names}
        wanted = [recipe for recipe in RECIPES if recipe.name in asked]
        for recipe in wanted:
            self.lock.pinned(recipe.name)
        if all(self._whole(recipe.name) for recipe in wanted):
            return tuple(self._present(name, progress) for name in names)

        def waiting() -> None:
            for one in wanted:
                progress(one.name, Step.WAITING, 0, 0)

        with folder.alone(self.folder, waiting):
            folder.sweep(self.folder)
            install.prepare()
            done = {result.name: result for result in self._in_parallel(wanted, progress)}
            folder.sweep(self.folder)
        return tuple(done[name] for name in names)

    def _in_parallel(self, wanted: Sequence[Recipe], progress: Progress) -> list[Synced]:
        stopped = threading.Event()

        def guarded(tool: str, step: Step, done: int, total: int) -> None:
            if stopped.is_set():
                raise ToolError("interrupted", hint=_sync(tool))
            progress(tool, step, done, total)

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            running = [pool.submit(self._sync_one, one, guarded) for one in wanted]
            ended = False
            try:
                for future in tools.ended(running):
                    future.result()
                results = [future.result() for future in running]
                ended = True
            finally:
                if not ended:  # ^C, or a fault of ours: nobody waits for the rest
                    stopped.set()
                    tools.stop(pool, running)
            return results

    def prune(self) -> tuple[str, ...]:
        """Remove installed tools that the lock file does not name; returns their folders, relative to the toolbox."""
        kept = {self._home(name, pinned) for name, pinned in self.lock.tools.items()}
        with folder.alone(self.folder, lambda: None):
            old = [path for path in sorted(self.folder.glob("[!.]*/*")) if path not in kept]
            for path in old:
                folder.remove(path)
        return tuple(str(path.relative_to(self.folder)) for path in old)

    def _home(self, name: str, pinned: Pinned) -> Path:
        start = starts.mark(BY_NAME[name].start) if name in BY_NAME else ""
        return self.folder / name / f"{pinned.version}-{pinned.fingerprint}-{this_platform()}{start}"

    def _checked(self, name: str, home: Path, check: _Check) -> Tool:
        try:
            if check is _Check.NONE:
                named, digest = manifest.read_label(home)
                return _tool(name, home, named, digest)
            sealed, digest = manifest.read(home)
            (manifest.check if check is _Check.QUICK else manifest.check_fully)(home, sealed)
        except ToolError as error:
            raise ToolError(f"{name} is damaged: {error}", hint=_sync(name)) from error
        return _tool(name, home, sealed, digest)

    def _elsewhere(self, recipe: Recipe, version: str, allow_path: bool, error: ToolError) -> Tool:
        from hardgate.toolbox import install  # noqa: PLC0415 (loaded where it is needed)

        found = _on_path(recipe, self._environ.get("PATH", "")) if allow_path else None
        if found is None:
            raise error
        with tempfile.TemporaryDirectory(prefix="hardgate-") as scratch:
            said = install.probe(recipe, found, Path(scratch))
        if not said or (version and said != version):
            message = f"the {recipe.name} on PATH ({found}) says that it is {said or 'nothing'}"
            raise ToolError(f"{message}; {error}", hint=error.hint)
        digest = manifest.sha256(found)
        return Tool(command=(str(found),), version=said, digest=digest, origin="path", home=found.parent)

    def _whole(self, name: str) -> bool:
        home = self._home(name, self.lock.tools[name])
        if not home.is_dir():
            return False
        try:
            self._checked(name, home, _Check.QUICK)
        except ToolError:
            return False
        return True

    def _present(self, name: str, progress: Progress) -> Synced:
        progress(name, Step.READY, 0, 0)
        return Synced(name=name, version=self.lock.tools[name].version, present=True)

    def _status(self, name: str, pinned: Pinned) -> Status:
        channel = pinned.channels[0].title if pinned.channels else ""
        missing = Status(name=name, version=pinned.version, state=State.MISSING, channel=channel)
        try:
            home = self._home(name, pinned)
        except ToolError as error:
            return replace(missing, state=State.UNSUPPORTED, message=str(error))
        if not home.is_dir():
            return missing
        try:
            tool = self._checked(name, home, _Check.QUICK)
            sealed, _ = manifest.read(home)
        except ToolError as error:
            return replace(missing, state=State.DAMAGED, path=str(home), message=str(error))
        whole = replace(missing, state=State.INSTALLED, channel=sealed.channel, size=sealed.size)
        return replace(whole, digest=tool.digest, path=tool.command[0])

    def _sync_one(self, recipe: Recipe, progress: Progress) -> Synced:
        name, pinned = recipe.name, self.lock.tools[recipe.name]
        if self._whole(name):
            # Another hardgate installed it while this one waited.
            return self._present(name, progress)
        began = time.monotonic()
        try:
            passed_over = self._install(recipe, pinned, progress)
        except (Error, OSError) as error:
            hint = error.hint if isinstance(error, Error) else f"Nothing was installed. Mend that, then: {_sync(name)}"
            progress(name, Step.FAILED, 0, 0)
            return Synced(name=name, version=pinned.version, error=_plain(error), hint=hint)
        progress(name, Step.READY, 0, 0)
        seconds = time.monotonic() - began
        return Synced(name=name, version=pinned.version, installed=True, seconds=seconds, passed_over=passed_over)

    def _install(self, recipe: Recipe, pinned: Pinned, progress: Progress) -> str:
        from hardgate.toolbox import install  # noqa: PLC0415 (loaded where it is needed)

        home = self._home(recipe.name, pinned)
        stage = Path(tempfile.mkdtemp(prefix=f"{recipe.name}-", dir=self.folder / folder.STAGING))
        python = Path(self._environ.get("HARDGATE_TOOLS_PYTHON") or sys.executable)
        # The cache lies beside the tools, so that uv can link out of it, and nobody else's environments share files
        # with ours; it is emptied after every sync.
        site = Site(stage=stage, cache=self.folder / folder.STAGING / "uv-cache", python=python, environ=self._environ)
        passed_over = install.install(recipe, pinned, site, progress)
        home.parent.mkdir(parents=True, exist_ok=True)
        if home.exists():
            home.rename(stage / "damaged")
        site.home.rename(home)
        return passed_over


def _recipe(name: str) -> Recipe:
    try:
        return BY_NAME[name]
    except KeyError as error:
        raise ConfigError(f"there is no tool {name!r} in the toolbox", hint=f"It has: {', '.join(NAMES)}") from error


def _tool(name: str, home: Path, label: manifest.Label, digest: str) -> Tool:
    command: tuple[str, ...] = (str(home / label.command),)
    if module := BY_NAME[name].module:
        # What judges is hardgate's module and the library: the digest is that of both.
        ours = own.digest(own.module_home(module, name))
        command, digest = (
            (*own.module_command(module), *command),
            hashlib.sha256(f"{ours} {digest}".encode()).hexdigest(),
        )
    return Tool(command=command, version=label.version, digest=digest, origin="toolbox", home=home)


def _own(name: str, version: str) -> Tool:
    if version and version != own.version():
        hint = f"{name} is part of hardgate: take `version` out, or install hardgate {version}."
        raise ToolError(f"{name} {version} is asked for, and this is hardgate {own.version()}", hint=hint)
    home = own.home(name)
    return Tool(
        command=own.command(name),
        version=own.version(),
        digest=own.digest(home),
        origin=own.ORIGIN,
        home=home,
    )


def _sync(name: str) -> str:
    return f"Install it: hardgate tools sync {name}"


def _other_version(name: str, asked: str, locked: str) -> ToolError:
    hint = (
        f"Lock it: hardgate tools lock {name}=={asked} --lock hardgate-tools.lock, then set HARDGATE_TOOLS_LOCK to that"
        f" file and install: hardgate tools sync {name}"
    )
    return ToolError(f"{name} {asked} is asked for, the lock file has {locked}", hint=hint)


def _on_path(recipe: Recipe, path: str) -> Path | None:
    """The executable on PATH, looked for in absolute folders only: a scanned repository must not lend us a tool."""
    folders = os.pathsep.join(part for part in path.split(os.pathsep) if Path(part).is_absolute())
    found = next(filter(None, (shutil.which(command, path=folders) for command in recipe.on_path)), None)
    return Path(found) if found else None


def _plain(error: Exception) -> str:
    return f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)
