"""The start of `hardgate` without its imports: processes forked from one that has them, for tests that start hundreds.

Half a second of every start is the loading of modules that are always the same. A process that is forked from here goes
on as one that was just started: with the words, the environment, the folder and the streams that it is given, into the
same `main`, and through the interpreter's own end. Tests that are about the start itself, or change how Python starts,
start the installed command: forking.py decides by the environment.

    python -P forked.py LISTENER   (the number of an open socket; it ends when standard input does)
"""

from __future__ import annotations

import gc
import marshal
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

LARGEST = 1 << 20  # bytes of a request: words, folder and environment


def serve(listener: socket.socket) -> int:
    """Fork for whoever calls until standard input ends; what the child is to be started as, in the child."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the waiters
    while True:
        ready, _, _ = select.select([listener.fileno(), 0], [], [])
        if 0 in ready:
            os._exit(0)
        caller, _ = listener.accept()
        with caller:
            raw, streams, _, _ = socket.recv_fds(caller, LARGEST, 2)
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listener.close()
                _wait(caller)
                caller.close()
                return _become(marshal.loads(raw), streams)
            for stream in streams:
                os.close(stream)


def _wait(caller: socket.socket) -> None:
    """Return in the child; its parent tells the caller its number, then how it ended, and is gone."""
    pid = os.fork()
    if pid == 0:
        return
    for stream in (1, 2):
        os.close(stream)
    caller.send(b"%d" % pid)
    _, status = os.waitpid(pid, 0)
    caller.send(b"%d" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(asked: Any, streams: list[int]) -> int:
    """Take on what was asked for, and run the command; its exit code."""
    for number, stream in zip((1, 2), streams, strict=True):
        os.dup2(stream, number)
        os.close(stream)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    words, folder, environment = asked
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    sys.argv = words
    sys.path[:0] = [str(Path(words[0]).parent)]  # as of a script that is started
    from hardgate.cli.main import main  # noqa: PLC0415 (loaded by now: see below)

    return main()


if __name__ == "__main__":
    import hardgate.cli.run
    import hardgate.store  # noqa: F401 (what nearly every command loads, sooner or later)

    gc.collect()
    gc.freeze()
    sys.exit(serve(socket.socket(fileno=int(sys.argv[1]))))
