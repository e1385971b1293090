"""The only place that starts a process or opens a connection: bounded in time and output, alone in its group.

A started tool gets no standard input, an environment of its own (see `environment`) and a process group of its own, so
that a timeout, an overflow or an interrupt ends it with all its children.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlsplit

from hardgate.errors import ToolError

MEBIBYTE = 1024 * 1024
OUTPUT_LIMIT = 256 * MEBIBYTE
STDERR_LIMIT = LOG_LIMIT = 1 * MEBIBYTE
# What a tool wrote is read for this long after its end (seconds): a process that left its group can hold a pipe open.
DRAIN = 1.0
_TICK = 100  # milliseconds between two looks at whether the tool has ended
# Variables that a tool needs to reach the network the way its user does: proxies and certificate bundles.
PASSED = (
    "ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "all_proxy", "https_proxy", "http_proxy", "no_proxy",
    "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE",
    "SYSTEMROOT",
)  # fmt: skip

# The main thread never waits for longer without a look around (seconds). The system may hand ^C to any thread, Python
# runs its handler in the main one only, and a wait without an end is then not woken: seen in two of a hundred installs.
HEED = 0.25

Result = TypeVar("Result")

_live: set[int] = set()
_live_lock = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """What one process did. `cpu_seconds` and `peak_memory` (bytes) count the children that it waited for too.

    `exit_code` is negative for a signal. `stdout` is cut at the limit when `overflowed`; `stderr` keeps its last part.
    """

    exit_code: int
    stdout: bytes
    stderr: bytes
    seconds: float
    cpu_seconds: float
    peak_memory: int
    timed_out: bool = False
    overflowed: bool = False


class _Reader(threading.Thread):
    """Reads one pipe to its end; past the limit it keeps either the head (and sets `on_overflow`) or the tail.

    After `drain` it reads what still comes, at most DRAIN seconds long.
    """

    def __init__(self, pipe: IO[bytes], limit: int, *, tail: bool, on_overflow: threading.Event) -> None:
        super().__init__(daemon=True)
        self.pipe, self.limit, self.tail, self.overflow = pipe, limit, tail, on_overflow
        self.kept = bytearray()
        self.until = float("inf")

    def run(self) -> None:
        poll = select.poll()
        poll.register(self.pipe, select.POLLIN | select.POLLHUP)
        late = False
        while not late:
            late = time.monotonic() >= self.until
            # One read takes all that a pipe can hold: what the tool itself wrote is never left behind.
            chunk = os.read(self.pipe.fileno(), MEBIBYTE) if poll.poll(0 if late else _TICK) else None
            if chunk == b"" or (chunk and not self._keep(chunk)):
                return

    def _keep(self, chunk: bytes) -> bool:
        """Whether to read on."""
        self.kept += chunk
        if self.tail and len(self.kept) > 2 * self.limit:
            del self.kept[: -self.limit]
        if self.tail or len(self.kept) <= self.limit:
            return True
        self.overflow.set()
        return False

    def drain(self) -> None:
        """The tool has ended: stop at the end of the pipe, or soon."""
        self.until = time.monotonic() + DRAIN

    def data(self) -> bytes:
        return bytes(self.kept[-self.limit :] if self.tail else self.kept[: self.limit])


class _Watch(threading.Thread):
    """Ends the group of `pid` when `stop` is set early (overflow, interrupt) or the deadline passes."""

    def __init__(self, pid: int, timeout: float, overflow: threading.Event) -> None:
        super().__init__(daemon=True)
        self.pid, self.timeout, self.overflow = pid, timeout, overflow
        self.timed_out = False
        self.ended = False

    def run(self) -> None:
        fired = self.overflow.wait(self.timeout)
        if self.ended:
            return
        self.timed_out = not fired
        _kill_group(self.pid)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # Nobody is left in the group; macOS says "not permitted" for a group of zombies.
        return


def ended(futures: Iterable[Future[Result]]) -> Iterator[Future[Result]]:
    """The futures as they come to their ends, like `concurrent.futures.as_completed`, but never deaf to ^C."""
    waiting = set(futures)
    while waiting:
        done, waiting = concurrent.futures.wait(waiting, HEED, concurrent.futures.FIRST_COMPLETED)
        yield from done


def _await_end(pid: int) -> None:
    """Return when the process has ended, without reaping it: its group keeps its number until its children are gone."""
    # Where the system has none (macOS), or the process is gone from view, waitid alone waits.
    with contextlib.suppress(AttributeError, OSError):
        handle = os.pidfd_open(pid)
        try:
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            while not poll.poll(HEED * 1000):
                pass
        finally:
            os.close(handle)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def kill_all() -> None:
    """End every tool that is running, with its children: for an interrupt."""
    with _live_lock:
        for pid in _live:
            _kill_group(pid)


def stop(pool: Executor, futures: Collection[Future[Result]]) -> None:
    """End every tool until all `futures` of `pool` are done: one of them may be just about to start its tool."""
    pool.shutdown(wait=False, cancel_futures=True)
    kill_all()
    while concurrent.futures.wait(futures, HEED).not_done:
        kill_all()


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    output_limit: int = OUTPUT_LIMIT,
    stdin: IO[bytes] | None = None,
    spared: bool = False,
) -> Completed:
    """Run `argv` to its end without standard input (or with the file `stdin`), at most `timeout` seconds and
    `output_limit` bytes on standard output. `spared`: it cleans up after another, and an interrupt does not end it.

    Raises ToolError when the process cannot be started. A tool that was ended for time or output is no error here:
    `timed_out` and `overflowed` tell.
    """
    began = time.monotonic()
    process = _opened(argv, cwd, env, stdin=stdin or subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        with _live_lock:
            _live.update(() if spared else (process.pid,))
        return _attend(process, began, timeout, output_limit)
    finally:
        with _live_lock:
            if process.pid in _live:  # ^C came before the end
                _kill_group(process.pid)
                _live.discard(process.pid)


def _opened(
    argv: Sequence[str], cwd: Path, env: Mapping[str, str], *, stdin: IO[bytes] | int, stderr: int
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(argv), cwd=cwd, env=env, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True
        )
    except (OSError, ValueError) as error:
        raise ToolError(f"{Path(argv[0]).name} could not be started: {error}") from error


class Service:
    """A process that runs beside us in a group of its own until `stop`. Of what it writes the end is kept: both
    streams in one, as in a log. With `told` it has a standard input, to which `tell` writes. `spared` as in `run`.

    Raises ToolError when it cannot be started.
    """

    def __init__(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], told: bool = False, spared: bool = False
    ) -> None:
        stdin = subprocess.PIPE if told else subprocess.DEVNULL
        self.process = _opened(argv, cwd, env, stdin=stdin, stderr=subprocess.STDOUT)
        self.pid = self.process.pid
        with _live_lock:
            _live.update(() if spared else (self.pid,))
        if self.process.stdout is None:
            raise ToolError("a process was started without a pipe")
        self._out = _Reader(self.process.stdout, LOG_LIMIT, tail=True, on_overflow=threading.Event())
        self._waiter = threading.Thread(target=_await_end, args=(self.pid,), daemon=True)
        self._out.start()
        self._waiter.start()

    def ended(self, within: float = 0.0) -> bool:
        """Whether it has ended, or does `within` so many seconds."""
        self._waiter.join(within)
        return not self._waiter.is_alive()

    def log(self) -> bytes:
        """The last LOG_LIMIT bytes of what it wrote until now."""
        return self._out.data()

    def tell(self, line: str) -> None:
        """Write a line to its standard input; raises ToolError when it does not read any more."""
        try:
            os.write(self.process.stdin.fileno() if self.process.stdin else -1, f"{line}\n".encode())
        except OSError as error:
            raise ToolError(f"a process that should listen does not: {error}") from error

    def hang_up(self) -> None:
        """Close its standard input: a keeper ends, and takes with it what it keeps."""
        if self.process.stdin:
            self.process.stdin.close()

    def stop(self) -> int:
        """End it with its group, now; its exit code, negative for a signal. Again is no harm."""
        with _live_lock:
            if self.process.returncode is None:  # nobody has reaped it: the number is still its own
                _kill_group(self.pid)
            _live.discard(self.pid)
        self._waiter.join()
        code = self.process.wait()
        self.hang_up()
        self._out.drain()
        self._out.join()
        if self.process.stdout:
            self.process.stdout.close()
        return code


def _attend(process: subprocess.Popen[bytes], began: float, timeout: float, output_limit: int) -> Completed:
    if process.stdout is None or process.stderr is None:
        raise ToolError("a process was started without pipes")
    overflow = threading.Event()
    out = _Reader(process.stdout, output_limit, tail=False, on_overflow=overflow)
    err = _Reader(process.stderr, STDERR_LIMIT, tail=True, on_overflow=overflow)
    watch = _Watch(process.pid, timeout, overflow)
    for thread in (out, err, watch):
        thread.start()
    _await_end(process.pid)
    watch.ended = True
    overflow.set()
    watch.join()
    _kill_group(process.pid)
    # From here on the number may be another process's: nothing is sent to it any more.
    with _live_lock:
        _live.discard(process.pid)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    out.drain()
    err.drain()
    out.join()
    err.join()
    process.stdout.close()
    process.stderr.close()
    return Completed(
        exit_code=process.returncode,
        stdout=out.data(),
        stderr=err.data(),
        seconds=time.monotonic() - began,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_memory=usage.ru_maxrss * (1 if os.uname().sysname == "Darwin" else 1024),
        timed_out=watch.timed_out,
        overflowed=len(out.kept) > out.limit,
    )


def environment(home: Path, *, extra: Mapping[str, str] | None = None, passed: Collection[str] = ()) -> dict[str, str]:
    """The environment of a tool: its own home and temporary folder, nothing of the user's but the network's variables.

    `passed` names further variables to hand through. Folders of PATH that are not absolute are dropped, and Python does
    not look into the working directory: a scanned repository must not be able to lend a tool its code.
    """
    path = [part for part in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(part).is_absolute()]
    values = {name: os.environ[name] for name in (*PASSED, *passed) if name in os.environ}
    values |= {
        "PATH": os.pathsep.join(path),
        "HOME": str(home),
        "TMPDIR": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".data"),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "PYTHONSAFEPATH": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",  # a repository's replacements hide what its history holds
        "GIT_TERMINAL_PROMPT": "0",
    }
    return values | dict(extra or {})


def mask(argv: Sequence[str], secrets: Collection[str]) -> tuple[str, ...]:
    """`argv` with every occurrence of a secret value replaced: a command line goes on the record."""
    words = list(argv)
    # The longest first: one secret may be the beginning of another.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        words = [word.replace(secret, "***") for word in words]
    return tuple(words)


def reachable(address: str, *, timeout: float = 3.0) -> bool:
    """Whether the host of a URL accepts a connection. True says nothing of what it would answer."""
    try:
        parts = urlsplit(address)
        port = parts.port or (80 if parts.scheme == "http" else 443)
        if not parts.hostname:
            return False
        with socket.create_connection((parts.hostname, port), timeout=timeout):
            return True
    except (OSError, ValueError):
        return False


def _asked(address: str, timeout: float, method: str) -> tuple[int, str]:
    """The status and the `Last-Modified` header of what an address answers with; (0, "") when nothing does."""
    # Here and not above: they take 50 ms, and few runs ask.
    from http.client import HTTPException  # noqa: PLC0415 (loaded where it is needed)
    from urllib.request import Request, urlopen  # noqa: PLC0415 (loaded where it is needed)

    if not address.startswith(("http://", "https://")):
        return 0, ""
    try:
        with urlopen(Request(address, method=method), timeout=timeout) as answer:  # noqa: S310 (scheme checked above)
            return answer.status, str(answer.headers.get("Last-Modified", ""))
    except HTTPError as error:
        error.close()
        return error.code, ""
    except (HTTPException, OSError, ValueError):
        return 0, ""


def answers(address: str, *, timeout: float = 5.0, statuses: Collection[int] = (200,)) -> bool:
    """Whether there is something at an address: a server that has it, and not just any server."""
    return _asked(address, timeout, "GET")[0] in statuses


def last_modified(address: str, *, timeout: float = 5.0) -> str:
    """The `Last-Modified` header (RFC 9110, section 8.8.2) that an address answers to HEAD with, or ""."""
    return _asked(address, timeout, "HEAD")[1]


def free_port() -> int:
    """A port of this machine's loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def raise_loopback() -> None:
    """Bring up the loopback device of a new network namespace: ioctl SIOCSIFFLAGS, see netdevice(7)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        fcntl.ioctl(handle, 0x8914, struct.pack("16sh22x", b"lo", 0x41))  # IFF_UP, IFF_RUNNING
