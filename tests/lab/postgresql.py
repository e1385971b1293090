"""A real PostgreSQL server from the Debian package, in a folder of its own, for as long as a `with` lasts.

It listens on a Unix socket only, trusts whoever can reach that, and does not wait for the disk: it is thrown away.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import msgspec
import psycopg

_PACKAGES = Path("/usr/lib/postgresql")
_SETTINGS = ("-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=100")


class Server(msgspec.Struct, frozen=True):
    """A running server; `folder` holds its socket."""

    folder: Path

    def url(self, database: str) -> str:
        """The address of `database` as SQLAlchemy writes it."""
        return f"postgresql+psycopg://hardgate@/{database}?host={self.folder}"

    def database(self, options: str = "ENCODING 'UTF8'") -> str:
        """Make an empty database with options of CREATE DATABASE; its name."""
        name = f"store_{uuid4().hex}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE template0 {options}")
        return name

    def schema(self) -> str:
        """The address of an empty schema in the common database: much cheaper than a database."""
        name = f"store_{uuid4().hex}"
        self._execute(f"CREATE SCHEMA {name}")
        return f"{self.url('postgres')}&options=-csearch_path%3D{name}"

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def address(self, database: str) -> str:
        """The address of `database` as psycopg itself takes it."""
        return f"host={self.folder} user=hardgate dbname={database}"


@contextmanager
def server() -> Iterator[Server]:
    """Start a server, and stop it at the end. Raises RuntimeError when the package is not installed."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # short: the path of a socket has at most 107 bytes
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root: the user that its package made
    if user is not None:
        shutil.chown(folder, user)
    make: list[str | Path] = [
        programs / "initdb",
        "-D",
        folder / "data",
        "-U",
        "hardgate",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    serve: list[str | Path] = [programs / "postgres", "-D", folder / "data", "-k", folder, *_SETTINGS]
    try:
        with started(make, folder, user) as making:
            if making.wait() != 0:
                raise failure("initdb", folder)
        with started(serve, folder, user) as serving:
            try:
                running = Server(folder)
                _await(running, serving)
                yield running
            finally:
                serving.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    found = sorted(_PACKAGES.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found:
        raise RuntimeError(f"No PostgreSQL server under {_PACKAGES}: run `make setup` (apt-get install postgresql).")
    return found[-1].parent


def started(command: list[str | Path], folder: Path, user: str | None) -> subprocess.Popen[bytes]:
    environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            user=user,
            group=user,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent,  # noqa: PLW1509 (it takes no lock: safe beside threads)
        )


_LIBC = ctypes.CDLL(None)


def die_with_parent() -> None:
    """A test run that is killed must not leave a server behind: prctl(2), PR_SET_PDEATHSIG."""
    _LIBC.prctl(1, signal.SIGQUIT)


def _await(running: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(running.address("postgres")).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise failure("postgres", running.folder)


def failure(program: str, folder: Path) -> RuntimeError:
    return RuntimeError(f"{program} failed:\n{(folder / 'log').read_text()}")
