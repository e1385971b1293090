"""Scanners of other packages: the entry points of the group `hardgate.scanners`, beside hardgate's own.

See https://packaging.python.org/en/latest/specifications/entry-points/. Each entry is a `hardgate.adapter.Scanner`
under its own name. They are listed when a name that is not ours is asked for, and each is imported when it is used:
who has none pays nothing. One that is named and cannot be used is an error, and never left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from hardgate.adapter import Scanner
from hardgate.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "hardgate.scanners"
_NOT_RUN = "Nothing was run."
_Value = TypeVar("_Value")
# What the code of a module may raise while it is imported; also that it ends the program, which would read as a pass.
_FAILURES = (
    ArithmeticError, AssertionError, AttributeError, EOFError, ImportError, LookupError, MemoryError, NameError,
    OSError, RuntimeError, SyntaxError, TypeError, ValueError, msgspec.MsgspecError, SystemExit, Warning,
)  # fmt: skip


class Scanners(Mapping[str, Scanner]):
    """Every scanner by its name: those of `own`, then those of other packages. A lookup may raise ConfigError."""

    def __init__(self, own: Mapping[str, Scanner]) -> None:
        self._own = own
        self._loaded: dict[str, Scanner] = {}

    def __getitem__(self, name: str) -> Scanner:
        if name in self._own:
            return self._own[name]
        if name not in self._loaded:
            self._loaded[name] = _load(name, self._entries[name])
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._entries

    def __iter__(self) -> Iterator[str]:
        yield from self._own
        yield from self.others

    def __len__(self) -> int:
        return len(self._own) + len(self.others)

    @property
    def others(self) -> tuple[str, ...]:
        """The names that other packages bring, in their order."""
        return tuple(sorted(name for name in self._entries if name not in self._own))

    @property
    def claims(self) -> tuple[str, ...]:
        """A sentence for each entry point that has the name of a scanner of ours: it is not used."""
        return tuple(
            f"{_owner(entry)} brings a scanner named {name!r}, which hardgate has itself: hardgate's own is used"
            for name in sorted(self._entries)
            if name in self._own
            for entry in self._entries[name]
        )

    @cached_property
    def _entries(self) -> dict[str, list[EntryPoint]]:
        from importlib.metadata import entry_points  # noqa: PLC0415 (45 ms, which who has none need not spend)

        found: dict[str, list[EntryPoint]] = {}
        for entry in entry_points(group=GROUP):
            found.setdefault(entry.name, []).append(entry)
        return found


class Late(Mapping[str, _Value]):
    """A mapping that is made when it is first asked for anything: what it is made of is slow to import."""

    def __init__(self, make: Callable[[], Mapping[str, _Value]]) -> None:
        self._make = make

    def __getitem__(self, name: str) -> _Value:
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)

    @cached_property
    def _made(self) -> Mapping[str, _Value]:
        return self._make()


class Options(Mapping[str, type[msgspec.Struct]]):
    """The keys in hardgate.yaml of each scanner of `scanners` and of each step. A lookup may raise ConfigError.

    `clear` are scanners of which no step has the name: for them the steps are not asked.
    """

    def __init__(
        self, scanners: Mapping[str, Scanner], steps: Mapping[str, type[msgspec.Struct]], clear: Collection[str] = ()
    ) -> None:
        self._scanners, self._steps, self._clear = scanners, steps, clear

    def __getitem__(self, name: str) -> type[msgspec.Struct]:
        return self._steps[name] if self._is_step(name) else self._scanners[name].options

    def __contains__(self, name: object) -> bool:
        return name in self._clear or name in self._steps or name in self._scanners

    def _is_step(self, name: object) -> bool:
        return name not in self._clear and name in self._steps

    def __iter__(self) -> Iterator[str]:
        yield from self._steps
        yield from (name for name in self._scanners if name not in self._steps)

    def __len__(self) -> int:
        return len({*self._steps, *self._scanners})


def _owner(entry: EntryPoint) -> str:
    """The package of an entry point and its version."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "a package without a name"


def _load(name: str, entries: list[EntryPoint]) -> Scanner:
    """The one scanner of this name, with its origin. Raises ConfigError, which names the package."""
    if len(entries) > 1:
        owners = " and ".join(sorted(_owner(entry) for entry in entries))
        hint = f"{_NOT_RUN} Uninstall all of them but one."
        raise ConfigError(f"the scanner {name!r} is brought by several packages: {owners}", hint=hint)
    [entry] = entries
    try:
        value = entry.load()
        digest = _digest(entry)
    except _FAILURES as error:
        what = f"{type(error).__name__}: {error}"
        raise _unusable(entry, f"{entry.value} could not be imported: {what}") from error
    from hardgate import contract  # noqa: PLC0415 (loaded where it is needed)

    wrong = contract.shape(value) or _foreign(value, name)
    if wrong:
        raise _unusable(entry, f"{entry.value}: {'; '.join(wrong)}")
    scanner: Scanner = replace(value, origin=f"{_owner(entry)}, SHA-256 {digest}")
    return scanner


def _foreign(scanner: Scanner, name: str) -> list[str]:
    """What is demanded of an adapter from elsewhere beyond its shape."""
    from hardgate.toolbox import NAMES  # noqa: PLC0415 (only who has such an adapter needs it)

    if scanner.name != name:
        return [f"its name is {scanner.name!r}, and that of the entry point {name!r}"]
    if scanner.tool is None and name not in NAMES:
        return [f"hardgate does not install {name}: `tool` must name a tool of the toolbox, or OUTSIDE and a command"]
    return []


def _unusable(entry: EntryPoint, why: str) -> ConfigError:
    hint = f"{_NOT_RUN} Install another version of {_owner(entry).split()[0]}, or ask who makes it."
    return ConfigError(f"the scanner {entry.name!r} of {_owner(entry)} cannot be used: {why}", hint=hint)


def _digest(entry: EntryPoint) -> str:
    """SHA-256 over what the package installed and the files of the entry's module or of the package around it.

    Also of one that is installed as a link to its sources, where the version stays and the code does not.
    """
    from importlib.util import find_spec  # noqa: PLC0415 (loaded where it is needed)

    running = hashlib.sha256(((entry.dist and entry.dist.read_text("RECORD")) or "").encode())
    spec = find_spec(entry.module.partition(".")[0])
    for folder in sorted(map(Path, (spec.submodule_search_locations or ()) if spec else ())):
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
            running.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    if spec and spec.origin and not spec.submodule_search_locations:
        running.update(Path(spec.origin).read_bytes())
    return running.hexdigest()
