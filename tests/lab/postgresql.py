"""A real PostgreSQL server from the Debian package, in a folder of its own, for as long as a `with` lasts.

It listens on a Unix socket only, trusts whoever can reach that, and does not wait for the disk: it is thrown away.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import msgspec
import psycopg

_PACKAGES = Path("/usr/lib/postgresql")
_SETTINGS = "-c listen_addresses='' -c fsync=off -c full_page_writes=off -c max_connections=40 -k ."


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
    user = _user()
    if user is not None:
        shutil.chown(folder, user)
    data = folder / "data"
    try:
        _run(
            [programs / "initdb", "-D", data, "-U", "hardgate", "-A", "trust", "-E", "UTF8", "--no-sync"], folder, user
        )
        # `-w` waits until the server answers; a relative socket folder starts from the data folder.
        settings = _SETTINGS.replace("-k .", f"-k {folder}")
        _run([programs / "pg_ctl", "-D", data, "-l", folder / "log", "-o", settings, "-w", "start"], folder, user)
        try:
            yield Server(folder)
        finally:
            _run([programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], folder, user)
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    found = sorted(_PACKAGES.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found:
        raise RuntimeError(f"No PostgreSQL server under {_PACKAGES}: run `make setup` (apt-get install postgresql).")
    return found[-1].parent


def _user() -> str | None:
    """PostgreSQL refuses to run as root: the user that its package made."""
    return "postgres" if os.geteuid() == 0 else None


def _run(command: list[str | Path], folder: Path, user: str | None) -> None:
    with (folder / "commands.log").open("ab") as log:
        environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        done = subprocess.run(
            command,
            check=False,
            cwd=folder,
            env=environment,
            user=user,
            group=user,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    if done.returncode:
        said = "\n".join(path.read_text() for path in (folder / "commands.log", folder / "log") if path.exists())
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{said}")
