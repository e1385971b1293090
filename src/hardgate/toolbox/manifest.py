"""The seal of an installed tool: every file with its size and SHA-256, compared with the disk before each use."""

from __future__ import annotations

import array
import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

import msgspec

from hardgate.errors import ToolError

MANIFEST = "manifest.json"
_MTIMES = "manifest.mtimes"
_OURS = frozenset({MANIFEST, _MTIMES})
_SHOWN = 3  # damaged files that a message names


class File(msgspec.Struct, frozen=True, array_like=True):
    """A file below the tool's folder; `size` is in bytes."""

    path: str
    size: int
    sha256: str
    executable: bool


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """What was installed, and from where. `command` is relative to the tool's folder."""

    tool: str
    version: str
    channel: str
    python: str
    command: str


class Manifest(Label, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was installed, file by file. `links` maps a symbolic link to its target."""

    files: tuple[File, ...]
    links: dict[str, str]

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(file.size for file in self.files)


class _Seen(msgspec.Struct):
    """What lies in a folder: the size and the time of change (nanoseconds) of each file, and the links."""

    files: dict[str, tuple[int, int]]
    links: dict[str, str]


def _look(home: Path) -> _Seen:
    seen = _Seen({}, {})
    folders = [""]
    while folders:
        below = folders.pop()
        with os.scandir(home / below) as entries:
            for entry in entries:
                path = f"{below}/{entry.name}" if below else entry.name
                if entry.is_symlink():
                    seen.links[path] = str(Path(entry.path).readlink())
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif path not in _OURS:
                    status = entry.stat(follow_symlinks=False)
                    seen.files[path] = (status.st_size, status.st_mtime_ns)
    return seen


def sha256(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def seal(home: Path, *, tool: str, version: str, channel: str, python: str, command: str) -> None:
    """Write the manifest of everything in `home`."""
    seen = _look(home)
    files = tuple(
        File(path, size, sha256(home / path), os.access(home / path, os.X_OK))
        for path, (size, _) in sorted(seen.files.items())
    )
    manifest = Manifest(
        tool=tool,
        version=version,
        channel=channel,
        python=python,
        command=command,
        files=files,
        links=dict(sorted(seen.links.items())),
    )
    (home / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    (home / _MTIMES).write_bytes(_packed([seen.files[file.path][1] for file in files]))


def _packed(times: list[int]) -> bytes:
    return array.array("q", times).tobytes()


def _remember(home: Path, seen: _Seen, manifest: Manifest) -> None:
    """Keep the times of change of files that were just read; where that cannot be written, they are read again."""
    times = [seen.files[file.path][1] for file in manifest.files]
    if times == _read_mtimes(home, len(times)):
        return
    with contextlib.suppress(OSError):
        # Made outside of `home`, where another check would take it for an added file.
        handle, part = tempfile.mkstemp(prefix=".mtimes-", dir=home.parent)
        with os.fdopen(handle, "wb") as out:
            out.write(_packed(times))
        Path(part).replace(home / _MTIMES)


def _read_mtimes(home: Path, count: int) -> list[int]:
    """The times of change at the last full check; times that match nothing when there are none."""
    try:
        raw = (home / _MTIMES).read_bytes()
    except OSError:
        return [-1] * count
    return array.array("q", raw).tolist() if len(raw) == 8 * count else [-1] * count


def read(home: Path) -> tuple[Manifest, str]:
    """The manifest and its SHA-256, which covers every file; raises ToolError when it is not whole."""
    try:
        raw = (home / MANIFEST).read_bytes()
        return msgspec.json.decode(raw, type=Manifest), hashlib.sha256(raw).hexdigest()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ToolError(f"the manifest {home / MANIFEST} cannot be read: {error}") from error


def read_label(home: Path) -> tuple[Label, str]:
    """As `read`, without the list of files: that of a large tool takes 15 ms to read."""
    try:
        raw = (home / MANIFEST).read_bytes()
        return msgspec.json.decode(raw, type=Label), hashlib.sha256(raw).hexdigest()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ToolError(f"the manifest {home / MANIFEST} cannot be read: {error}") from error


def check(home: Path, manifest: Manifest) -> None:
    """Compare names, sizes and times of change with the disk; raises ToolError that names what differs.

    A file of the right size that was touched since the last full check is read: a restored backup is no damage.
    """
    seen = _observe(home)
    times = _read_mtimes(home, len(manifest.files))
    expected = {file.path: (file.size, time) for file, time in zip(manifest.files, times, strict=True)}
    if seen.files != expected:
        touched = [file for file in manifest.files if seen.files.get(file.path) != expected[file.path]]
        _refuse(home, [*_added(seen, manifest), *(file.path for file in touched if _differs(home, file))])
        _remember(home, seen, manifest)
    _check_links(home, seen, manifest)


def check_fully(home: Path, manifest: Manifest) -> None:
    """Read every file and compare it with the manifest; raises ToolError that names what differs.

    The times of change are kept for `check`, or forgotten when something differs: then `check` finds it too.
    """
    seen = _observe(home)
    wrong = [*_added(seen, manifest), *(file.path for file in manifest.files if _differs(home, file))]
    if wrong:
        with contextlib.suppress(OSError):
            (home / _MTIMES).unlink(missing_ok=True)
    _refuse(home, wrong)
    _check_links(home, seen, manifest)
    _remember(home, seen, manifest)


def _observe(home: Path) -> _Seen:
    try:
        return _look(home)
    except OSError as error:
        raise ToolError(f"{home} cannot be read: {error.strerror}") from error


def _added(seen: _Seen, manifest: Manifest) -> list[str]:
    return sorted(seen.files.keys() - {file.path for file in manifest.files})


def _differs(home: Path, file: File) -> bool:
    path = home / file.path
    try:
        if path.stat().st_size != file.size or os.access(path, os.X_OK) != file.executable:
            return True
        return sha256(path) != file.sha256
    except OSError:
        return True


def _check_links(home: Path, seen: _Seen, manifest: Manifest) -> None:
    wrong = {path for path, _ in seen.links.items() ^ manifest.links.items()}
    dangling = {path for path in manifest.links if not (home / path).exists()}
    _refuse(home, sorted(wrong | dangling))


def _refuse(home: Path, paths: list[str]) -> None:
    if paths:
        more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
        raise ToolError(f"in {home} this is not what was installed: {', '.join(paths[:_SHOWN])}{more}")
