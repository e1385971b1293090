"""Root file systems for base images, made of what is installed on this Debian: no registry needs to be reached.

A package comes with all that it depends on and with its lines in dpkg's records, so that a scanner of images sees a
Debian and its packages. A Python comes from where the interpreter of the tests was installed, less its test suite.
"""

from __future__ import annotations

import functools
import io
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

MOMENT = 1_767_225_600  # 2026-01-01: every file is from then, so that the same packages make the same image
FOLDERS = (
    "dev", "etc/apt/apt.conf.d", "proc", "root", "run", "sys", "tmp", "usr/bin", "usr/lib", "usr/lib64", "usr/sbin",
    "usr/local/bin", "usr/local/lib", "var/cache/apt/archives/partial", "var/lib/apt/lists/partial",
    "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log/apt", "var/tmp",
)  # fmt: skip
MERGED = ("bin", "lib", "lib64", "sbin")  # each a link into usr, as Debian has them since 12
STICKY = {"tmp", "var/tmp"}
DOCUMENTS = re.compile(r"/usr/share/(doc|info|lintian|locale|man)/")
# Written by the packages' own scripts when they are installed: in no list of files.
MADE = ("/etc/alternatives", "/etc/ssl/certs")
RECORDS = Path("/var/lib/dpkg/info")
ACCOUNTS = Path("/usr/share/base-passwd")
# Of the standard library: what needs a screen, and what tests Python itself.
UNWANTED = {"__pycache__", "idlelib", "lib2to3", "site-packages", "test", "tests", "tkinter", "turtledemo"}


class Image:
    """A root file system as it is written into a tar archive; what is added twice is written once."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.tar = tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115 (closed by `close`)
        self.names: set[str] = set()

    def close(self) -> None:
        """Write the end of the archive."""
        self.tar.close()

    def folder(self, name: str) -> None:
        """An empty folder, and those above it."""
        above = name.rpartition("/")[0]
        if above:
            self.folder(above)
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name in STICKY else 0o755
        self._write(entry, None)

    def link(self, name: str, target: str) -> None:
        """A symbolic link."""
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, target, 0o777
        self._write(entry, None)

    def text(self, name: str, content: str, mode: int = 0o644) -> None:
        """A file with this content."""
        raw = content.encode()
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(raw), mode
        self._write(entry, io.BytesIO(raw))

    def copy(self, source: Path, name: str) -> None:
        """What lies at `source`, under another name; nothing where there is nothing."""
        if not source.is_symlink() and not source.exists():
            return
        self.folder(name.rpartition("/")[0])
        entry = self.tar.gettarinfo(source, name)
        if entry is None or not (entry.isfile() or entry.issym() or entry.isdir() or entry.islnk()):
            return
        if entry.islnk():  # a second name of a file: written as a file of its own
            entry.type, entry.linkname, entry.size = tarfile.REGTYPE, "", source.stat().st_size
        if entry.isfile():
            with source.open("rb") as content:
                self._write(entry, content)
        else:
            self._write(entry, None)

    def _write(self, entry: tarfile.TarInfo, content: IO[bytes] | None) -> None:
        if entry.name in self.names:
            return
        self.names.add(entry.name)
        entry.mtime = MOMENT
        entry.uname = entry.gname = ""
        self.tar.addfile(entry, content)


def debian(image: Image, packages: Iterable[str], *, essential: bool = True) -> None:
    """A Debian with its essential packages (or without), those named, and all that they depend on.

    Raises RuntimeError for a package that is not installed here.
    """
    chosen = closure(packages, essential=essential)
    for name in MERGED:
        image.link(name, f"usr/{name}")
    for name in FOLDERS:
        image.folder(name)
    for path in _files(chosen):
        image.copy(path, _place(path))
    for name, link in _alternatives():
        image.link(name, link)
    for record in sorted(RECORDS.iterdir()):
        if record.stem.partition(":")[0] in chosen:
            image.copy(record, str(record)[1:])
    image.text("var/lib/dpkg/status", _said("dpkg-query", "--status", *sorted(chosen)))
    image.text("etc/hostname", "container\n")
    users = (ACCOUNTS / "passwd.master").read_text()
    image.text("etc/passwd", users)
    image.text("etc/group", (ACCOUNTS / "group.master").read_text())
    names = (line.partition(":")[0] for line in users.splitlines())
    image.text("etc/shadow", "".join(f"{name}:*:19000:0:99999:7:::\n" for name in names), 0o640)


def python(image: Image) -> None:
    """The Python of the tests in /usr/local, with pip, under the names that the official image has."""
    prefix = Path(sys.base_prefix)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    image.copy(prefix / "bin" / version, f"usr/local/bin/{version}")
    for name in ("python", "python3"):
        image.link(f"usr/local/bin/{name}", version)
    for name in ("pip", "pip3"):
        start = "#!/usr/local/bin/python3\nimport sys\nfrom pip._internal.cli.main import main\nsys.exit(main())\n"
        image.text(f"usr/local/bin/{name}", start, 0o755)
    standard = prefix / "lib" / version
    for path in _wanted(standard):
        image.copy(path, f"usr/local/lib/{version}/{path.relative_to(standard)}")
    for path in _below(standard / "site-packages" / "pip"):
        image.copy(path, f"usr/local/lib/{version}/{path.relative_to(standard)}")
    for path in sorted((prefix / "lib").glob("libpython*.so*")):
        # Where the loader looks without being told: the official image has its own list of such folders.
        image.copy(path, f"usr/lib/{sys.implementation._multiarch}/{path.name}")


def python_needs() -> frozenset[str]:
    """The packages whose libraries the Python of the tests is linked with.

    Raises RuntimeError where that Python is a part of the system and not in a folder of its own.
    """
    prefix = Path(sys.base_prefix)
    if prefix == Path("/usr"):
        raise RuntimeError("the Python of the tests is the system's: make the virtual environment with one of its own")
    modules = [str(path) for path in (prefix / "lib").glob("python3*/lib-dynload/*.so") if "_tkinter" not in path.name]
    linked = _said("ldd", str(Path(sys.executable).resolve()), *sorted(modules))
    libraries = {Path(found).name for found in re.findall(r"=> (/\S+)", linked) if not found.startswith(str(prefix))}
    owners = _said("dpkg-query", "--search", *sorted(f"*/{name}" for name in libraries))
    return frozenset(re.findall(r"^([^:,\s]+)", owners, re.MULTILINE))


def closure(names: Iterable[str], *, essential: bool) -> frozenset[str]:
    """These packages, those that Debian calls essential, and what all of them depend on."""
    installed = _installed()
    provided = {word: name for name, (_, _, words) in installed.items() for word in words}
    waiting = [*names, *(name for name, (always, _, _) in installed.items() if always and essential)]
    chosen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in installed:
            if name not in provided:
                raise RuntimeError(f"the Debian package {name} is not installed: run `make system`")
            name = provided[name]
        if name not in chosen:
            chosen.add(name)
            for choice in installed[name][1]:
                here = [one for one in choice if one in installed or one in provided]
                waiting += here[:1]
    return frozenset(chosen)


@functools.cache
def _installed() -> Mapping[str, tuple[bool, tuple[tuple[str, ...], ...], tuple[str, ...]]]:
    """Every installed package: whether it is essential, what it depends on (each a choice), what it provides."""
    fields = "${db:Status-Status}|${Package}|${Essential}|${Pre-Depends},${Depends}|${Provides}\n"
    found = {}
    for line in _said("dpkg-query", "--show", f"--showformat={fields}").splitlines():
        # A choice of several is written with the same stroke: the name comes first, what is provided last.
        status, name, essential, rest = line.split("|", 3)
        depends, _, provides = rest.rpartition("|")
        if status == "installed":
            choices = tuple(tuple(_names(one, "|")) for one in depends.split(",") if one.strip())
            found[name] = (essential == "yes", choices, tuple(_names(provides, ",")))
    return found


def _names(text: str, separator: str) -> Iterator[str]:
    """The bare names in a list of packages: without versions and architectures."""
    return (match[0] for part in text.split(separator) if (match := re.match(r"[^\s(:]+", part.strip())))


def _files(packages: Iterable[str]) -> list[Path]:
    """All files of packages, with what their scripts made; without documents."""
    listed = _said("dpkg-query", "--listfiles", *sorted(packages)).splitlines()
    made = (str(path) for folder in MADE for path in _below(Path(folder)))
    names = {name for name in (*listed, *made) if name.startswith("/") and name != "/." and not DOCUMENTS.match(name)}
    return [Path(name) for name in sorted(names) if name.strip("/") not in MERGED]


def _place(path: Path) -> str:
    """Where a file lies that a package may still call by its name before usr was merged."""
    return str(path.parent.resolve() / path.name)[1:]


def _alternatives() -> Iterator[tuple[str, str]]:
    """The links such as /usr/bin/awk, which belong to no package; those that lead nowhere do no harm."""
    for folder in (Path("/usr/bin"), Path("/usr/sbin")):
        for path in sorted(folder.iterdir()):
            if path.is_symlink() and str(path.readlink()).startswith("/etc/alternatives/"):
                yield str(path)[1:], str(path.readlink())


def _wanted(folder: Path) -> Iterator[Path]:
    """The files of a Python's library that an image needs."""
    for path in sorted(folder.iterdir()):
        if path.name in UNWANTED or path.name.startswith(("config-3", "_tkinter")):
            continue
        if path.is_dir():
            yield from _wanted(path)
        else:
            yield path


def _below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix != ".pyc" and not path.is_dir())


def _said(*words: str) -> str:
    done = subprocess.run(
        words, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}, check=False
    )
    if done.returncode and words[0] != "ldd":  # it complains of a file that is linked with nothing
        raise RuntimeError(f"{' '.join(words)[:200]} failed: {done.stderr[-500:]}")
    return done.stdout
