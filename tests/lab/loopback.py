"""What servers of the tests share."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def free_port() -> int:
    """A port that nobody has now. Whoever takes it in between makes the server fail, and the test with it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


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
