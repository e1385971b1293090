"""A real MariaDB server from the Debian packages, in a folder of its own, for as long as a `with` lasts.

It is the nearest to MySQL 8 that Debian has. It listens on a Unix socket for whoever started it, and on a free port of
loopback for the users that `Server.database` makes. It is thrown away, so it does not wait for the disk.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import msgspec

from tests.lab.loopback import free_port
from tests.lab.postgresql import failure, started

_INSTALL, _SERVE = Path("/usr/bin/mariadb-install-db"), Path("/usr/sbin/mariadbd")
_SETTINGS = (
    "--skip-name-resolve",
    "--skip-log-bin",
    "--bind-address=127.0.0.1",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--innodb-buffer-pool-size=16M",
    "--performance-schema=OFF",
)


class Server(msgspec.Struct, frozen=True):
    """A running server; `folder` holds its socket."""

    folder: Path
    port: int

    def database(self) -> Mapping[str, str]:
        """Make an empty database with a user of its own; what DB_HOST, DB_PORT, DB_USER, DB_PASSWORD, DB_NAME are."""
        name, password = f"planets_{uuid4().hex[:12]}", secrets.token_urlsafe(12)
        self.execute(
            f"CREATE DATABASE {name} CHARACTER SET utf8mb4;"
            f"CREATE USER {name}@127.0.0.1 IDENTIFIED BY '{password}';"
            f"GRANT ALL ON {name}.* TO {name}@127.0.0.1"
        )
        port = str(self.port)
        return {"DB_HOST": "127.0.0.1", "DB_PORT": port, "DB_USER": name, "DB_PASSWORD": password, "DB_NAME": name}

    def execute(self, statements: str) -> str:
        """What the client prints for these statements of the administrator; raises CalledProcessError."""
        words = ("mariadb", "--no-defaults", "--batch", f"--socket={self.folder / 'socket'}", f"--user={_me()}")
        done = subprocess.run(words, input=statements, check=True, capture_output=True, text=True)
        return done.stdout


@contextmanager
def server() -> Iterator[Server]:
    """Start a server, and stop it at the end. Raises RuntimeError when a package is not installed or it fails."""
    if not (_INSTALL.is_file() and _SERVE.is_file()):
        raise RuntimeError("No MariaDB server: run `make setup` (apt-get install mariadb-server-core mariadb-client).")
    folder = Path(tempfile.mkdtemp(prefix="my"))  # short: the path of a socket has at most 107 bytes
    user = "daemon" if os.geteuid() == 0 else None  # it refuses to run as root; every Debian has that user and group
    if user is not None:
        shutil.chown(folder, user)
    try:
        _make(folder, user)
        running = Server(folder, free_port())
        own = (f"--datadir={folder / 'data'}", f"--socket={folder / 'socket'}", f"--port={running.port}")
        with started([_SERVE, "--no-defaults", *own, *_SETTINGS], folder, user) as serving:
            try:
                _await(running, serving)
                yield running
            finally:
                serving.send_signal(signal.SIGKILL)  # at once: nothing of it is kept
    finally:
        shutil.rmtree(folder)


def _make(folder: Path, user: str | None) -> None:
    own = (f"--datadir={folder / 'data'}", f"--auth-root-socket-user={_me()}", "--skip-test-db")
    with started([_INSTALL, "--no-defaults", *own, *_SETTINGS], folder, user) as making:
        if making.wait() != 0:
            raise failure("mariadb-install-db", folder)


def _me() -> str:
    """The user who may do everything, and needs no password: the socket tells the server who asks."""
    return pwd.getpwuid(os.geteuid()).pw_name


def _await(running: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            running.execute("SELECT 1")
        except subprocess.CalledProcessError:
            time.sleep(0.1)
        else:
            return
    raise failure("mariadbd", running.folder)
