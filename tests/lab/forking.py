"""Starts `hardgate` from processes that have loaded its modules (forked.py): two of them, started when first asked for.

Two, so that what depends on the order in which Python hashes text still shows: each has an order of its own, and they
take turns.
"""

from __future__ import annotations

import atexit
import functools
import itertools
import marshal
import os
import secrets
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.lab import forked

# Variables that change how Python itself starts, or the libraries that it brings.
_STARTS = ("PYTHON", "LD_", "LC_", "LANG", "MALLOC_")
_LOCK = threading.Lock()


def can(environment: Mapping[str, str]) -> bool:
    """Whether a process of this environment may be forked: Python would start as it did for the first ones."""
    starting = _starting(environment)
    return starting == _starting(os.environ) and not any(name.startswith("PYTHON") for name in starting)


def run(
    argv: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[bytes]:
    """As `subprocess.run` with captured output and nothing on standard input. Raises subprocess.TimeoutExpired."""
    with _LOCK:
        address = next(_turns(tuple(sorted(_starting(os.environ).items()))))
    out, their_out = os.pipe()
    err, their_err = os.pipe()
    with os.fdopen(out, "rb", 0) as stdout, os.fdopen(err, "rb", 0) as stderr, _line() as line:
        try:
            line.connect(address)
            socket.send_fds(line, [marshal.dumps((list(argv), str(folder), dict(environment)))], [their_out, their_err])
        finally:
            os.close(their_out)
            os.close(their_err)
        pid = int(line.recv(100))
        said = _read([stdout.fileno(), stderr.fileno()], time.monotonic() + timeout)
        if said is None:
            os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(list(argv), timeout)
        return subprocess.CompletedProcess(list(argv), int(line.recv(100)), *said)


def _read(pipes: Sequence[int], deadline: float) -> list[bytes] | None:
    """All that is written to these pipes until nobody has them open; None when that takes too long."""
    said = {pipe: bytearray() for pipe in pipes}
    with selectors.DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                return None
            for key, _ in ready:
                if chunk := os.read(key.fd, 1 << 16):
                    said[key.fd] += chunk
                else:
                    selector.unregister(key.fd)
    return [bytes(said[pipe]) for pipe in pipes]


def _starting(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_STARTS)}


@functools.cache
def _turns(variables: tuple[tuple[str, str], ...]) -> itertools.cycle[str]:
    return itertools.cycle([_begin(dict(variables)) for _ in range(2)])


def _line() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _begin(variables: Mapping[str, str]) -> str:
    """Start a process to fork from; where it listens. It ends with this one."""
    address = f"\0hardgate-{secrets.token_hex(8)}"  # a name without a file: unix(7)
    with _line() as listener:
        listener.bind(address)
        listener.listen(64)
        process = subprocess.Popen(
            [sys.executable, "-P", forked.__file__, str(listener.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            cwd="/",
            env=dict(variables),
            pass_fds=(listener.fileno(),),
        )
    atexit.register(process.communicate)
    return address
