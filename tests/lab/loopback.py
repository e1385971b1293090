"""What servers of the tests share."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A port that nobody has now. Whoever takes it in between makes the server fail, and the test with it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
