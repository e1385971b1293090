"""Several real processes on one store, and processes that are killed."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from hardgate.errors import StoreError
from hardgate.model import RunState
from hardgate.store import Store
from tests.store import values, worker

HERE = Path(__file__).parents[2]


def test_two_processes_write_at_once(target: str) -> None:
    """They even make the store at once."""
    with ExitStack() as stack:
        workers = [stack.enter_context(_worker(target, name, "several")) for name in ("a", "b")]
        for process in workers:
            process.communicate(timeout=120)
            assert process.returncode == 0
    with Store.open(target) as store:
        assert len(store.runs()) == 10
        for row in store.runs():
            assert row.state is RunState.FINISHED
            assert store.run(row.id) == _whole(row.id)
            assert store.verdict(row.id) == values.verdict(_whole(row.id))
    _check(target)


def test_a_process_that_is_killed_leaves_an_interrupted_run(target: str) -> None:
    with _worker(target, "first", "hold") as process, Store.open(target) as store:
        assert _line(process) == "open"
        assert _line(process) == "begun"
        assert store.runs()[0].state is RunState.RUNNING
        assert store.run("first").state is RunState.RUNNING
        with pytest.raises(StoreError, match="belongs to another process"):
            store.add_receipt("first", values.receipt("semgrep"))
        with pytest.raises(StoreError, match=f"process {process.pid} is still working on it"):
            store.resume("first")
        with pytest.raises(StoreError, match="another process runs it"):
            store.interrupt("first")
        process.kill()
        process.wait()
        bandit = values.receipt("bandit", worker.findings("bandit"))
        left = msgspec.structs.replace(values.run("first"), state=RunState.INTERRUPTED, receipts=(bandit,))
        assert store.run("first") == left
        assert store.runs()[0].state is RunState.INTERRUPTED
        assert store.runs(state=RunState.RUNNING) == []
        assert [row.id for row in store.runs(state=RunState.INTERRUPTED)] == ["first"]
        assert store.resumable(values.ROOT, values.PIPELINE_DIGEST, values.TREE) == left
        store.begin(values.run("second"))
        assert store.run("first") == left, "written down by the next run"
        store.interrupt("second")
        assert store.resume("first").state is RunState.RUNNING
        store.finish(values.ended(values.run("first"), bandit))
        assert store.runs(state=RunState.INTERRUPTED)[0].id == "second"


def test_of_two_that_resume_one_succeeds(target: str) -> None:
    with Store.open(target) as store:
        store.begin(values.run("first"))
        store.interrupt("first")
    with _worker(target, "first", "take") as one, _worker(target, "first", "take") as other:
        said = [process.communicate(timeout=60)[0] for process in (one, other)]
        codes = sorted([one.returncode, other.returncode])
    assert codes == [0, 1]
    assert sorted(text.split() for text in said) == [["open"], ["open", "resumed"]]


def test_kills_at_random_moments_lose_nothing_that_was_stored(target: str) -> None:
    moments = random.Random(20260131)
    known: set[str] = set()
    for round_number in range(15):
        with _worker(target, f"round {round_number}", "forever") as process:
            assert _line(process) == "open"
            time.sleep(moments.uniform(0.0, 0.25))
            process.kill()
            process.wait()
        _check(target)
        with Store.open(target) as store:
            rows = store.runs(limit=100_000)
            assert known <= {row.id for row in rows if row.state is RunState.FINISHED}
            for row in rows:
                if row.id not in known:
                    _is_whole_or_interrupted(store, row.id)
            known = {row.id for row in rows if row.state is RunState.FINISHED}
    assert known, "at least one run was faster than its killer"


def test_kills_while_the_store_is_made(target: str) -> None:
    moments = random.Random(7)
    for _ in range(6):
        with _worker(target, "first", "several") as process:
            time.sleep(moments.uniform(0.2, 0.9))
            process.kill()
            process.wait()
        with Store.open(target) as store:
            store.save(values.ended(values.run(f"after {time.monotonic_ns()}")))
        _check(target)


@contextmanager
def _worker(target: str, name: str, task: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.store.worker", target, name, task]
    with subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _whole(name: str) -> values.Run:
    receipts = [values.receipt(action, worker.findings(action)) for action in worker.ACTIONS]
    return values.ended(values.run(name), *receipts)


def _is_whole_or_interrupted(store: Store, name: str) -> None:
    stored = store.run(name)
    if stored.state is RunState.FINISHED:
        assert stored == _whole(name)
        return
    assert stored.state is RunState.INTERRUPTED
    assert stored.receipts == _whole(name).receipts[: len(stored.receipts)], "a receipt is there whole or not at all"


def _check(target: str) -> None:
    if "://" not in target:
        with closing(sqlite3.connect(target)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
