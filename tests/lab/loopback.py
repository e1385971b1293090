"""What servers of the tests share."""

from __future__ import annotations

import atexit
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_HELD: list[socket.socket] = []


def free_port() -> int:
    """A port of loopback that nobody else is given until this process ends: a server that is slow to come finds it.

    It is bound, and not listened at: a server that sets SO_REUSEADDR, as all of the tests' do, can have it beside us,
    and who asks for any free port gets another (https://man7.org/linux/man-pages/man7/socket.7.html).
    """
    if not _HELD:
        atexit.register(_let_go)
    probe = socket.socket()
    _HELD.append(probe)
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(("127.0.0.1", 0))
    port: int = probe.getsockname()[1]
    return port


def _let_go() -> None:
    for probe in _HELD:
        probe.close()


@contextmanager
def listening(family: int, place: tuple[str, int] | str) -> Iterator[tuple[socket.socket, list[bytes]]]:
    """A listener, and the first 100 bytes of everybody who called."""
    heard: list[bytes] = []
    with socket.socket(family) as server:
        server.bind(place)
        server.listen()

        def serve() -> None:
            while True:
                try:
                    end, _ = server.accept()
                except OSError:
                    return
                with end:
                    heard.append(end.recv(100))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server, heard
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
