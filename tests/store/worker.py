"""Processes that write to a store, for tests that need real ones.

They are forked from a server that has imported all this once: SQLAlchemy takes longer to import than a test to run.
"""

from __future__ import annotations

import itertools
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import msgspec

from hardgate.errors import StoreError
from hardgate.model import Finding
from hardgate.store import Store
from tests.store import values

FINDINGS = 100
ACTIONS = ("bandit", "semgrep", "gitleaks")


def findings(action: str) -> tuple[Finding, ...]:
    """What `action` finds in every run of a worker."""
    return tuple(values.finding(number, scanner=action) for number in range(FINDINGS))


def one_run(store: Store, name: str) -> None:
    """A whole run, the way the engine stores it."""
    begun = values.run(name)
    store.begin(begun)
    receipts = tuple(values.receipt(action, findings(action)) for action in ACTIONS)
    for receipt in receipts:
        store.add_receipt(name, receipt)
        store.remember(f"key of {receipt.action}", receipt)
        store.put_blob(name.encode() * 1000)
    ended = values.ended(begun, *receipts)
    store.finish(ended)
    store.save_verdict(name, values.verdict(ended))


def forever(store: Store, name: str, say: Connection) -> None:
    """Runs until somebody kills us; each is told when it is whole."""
    for number in itertools.count():
        one_run(store, f"{name}-{number}")
        say.send("stored")


def several(store: Store, name: str, say: Connection) -> None:
    """Five runs."""
    for number in range(5):
        one_run(store, f"{name}-{number}")
    say.send("done")


def judging(store: Store, name: str, say: Connection) -> None:
    """Five small runs and their verdicts."""
    for number in range(5):
        run = values.ended(values.run(f"{name}-{number}"), values.receipt("bandit", findings("bandit")[:1]))
        store.save(run)
        store.save_verdict(run.id, values.verdict(run))
    say.send("done")


def hold(store: Store, name: str, say: Connection) -> None:
    """Half a run, and then nothing until somebody ends us."""
    store.begin(values.run(name))
    store.add_receipt(name, values.receipt("bandit", findings("bandit")))
    say.send("begun")
    time.sleep(600)


def take(store: Store, name: str, say: Connection) -> None:
    """Resume a run that others want too, and stay until somebody ends us."""
    try:
        store.resume(name)
        say.send("resumed")
    except StoreError as error:
        say.send(str(error))
    time.sleep(600)


class Worker(msgspec.Struct, frozen=True):
    """A process, and the end of the pipe on which it talks."""

    process: BaseProcess
    pipe: Connection

    def says(self) -> str:
        """The next thing that it says. Raises EOFError when it ended instead."""
        assert self.pipe.poll(60), "nothing was said for a minute"
        return str(self.pipe.recv())

    def kill(self) -> None:
        """End it at once, wherever it is (SIGKILL)."""
        self.process.kill()
        self.process.join()


@contextmanager
def working(target: str, name: str, task: str) -> Iterator[Worker]:
    """A process that opens the store, says "open", and does the task of that name."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", __name__, "sqlalchemy.dialects.sqlite", "psycopg"])
    pipe, theirs = context.Pipe()
    process = context.Process(target=_main, args=(target, name, task, theirs))
    process.start()
    theirs.close()
    worker = Worker(process, pipe)
    try:
        yield worker
    finally:
        worker.kill()
        pipe.close()


def _main(target: str, name: str, task: str, say: Connection) -> None:
    with Store.open(target) as store:
        say.send("open")
        tasks = {"forever": forever, "several": several, "judging": judging, "hold": hold, "take": take}
        tasks[task](store, name, say)
