"""Real `hardgate gate` commands in processes of their own, all at the same moment, on one store.

They are forked from a server that has imported all this once: fifty starts of Python would take half a minute.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

import msgspec

from hardgate.cli import gate, judging, who
from hardgate.cli.main import main

__all__ = ["Said", "ask", "gate", "judging", "who"]


class Said(msgspec.Struct, frozen=True):
    """How one gate ended, and what it printed."""

    code: int
    stdout: str
    stderr: str


def ask(number: int, target: str, home: Path, run: str) -> list[Said]:
    """`number` processes judge `run` at once, and say how that ended."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", __name__, "tests.store.worker", "psycopg", "hardgate.engine"])
    barrier = context.Barrier(number)
    pipes, processes = [], []
    for _ in range(number):
        ours, theirs = context.Pipe()
        process = context.Process(target=_gate, args=(target, home, run, barrier, theirs))
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    answers = []
    for pipe, process in zip(pipes, processes, strict=True):
        assert pipe.poll(240), "a gate said nothing for four minutes"
        answers.append(pipe.recv())
        process.join()
        pipe.close()
    return answers


def _gate(target: str, home: Path, run: str, barrier: Barrier, say: Connection) -> None:
    os.environ["HARDGATE_STORE"] = target
    os.environ["HARDGATE_HOME"] = str(home / str(os.getpid()))
    raw, err = io.BytesIO(), io.StringIO()
    out = io.TextIOWrapper(raw, encoding="utf-8")
    barrier.wait(240)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["gate", "--run", run, "--json"])
        out.flush()
    say.send(Said(code, raw.getvalue().decode(), err.getvalue()))
