"""Several real processes on one store, and processes that are killed."""

from __future__ import annotations

import random
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import msgspec
import pytest

from hardgate.errors import StoreError
from hardgate.model import Run, RunState
from hardgate.store import Store
from tests.store import values, worker
from tests.store.worker import working


def test_two_processes_write_at_once(target: str) -> None:
    """They even make the store at once."""
    with working(target, "a", "several") as one, working(target, "b", "several") as other:
        for each in (one, other):
            assert [each.says(), each.says()] == ["open", "done"]
    with Store.open(target) as store:
        assert len(store.runs()) == 10
        for row in store.runs():
            assert row.state is RunState.FINISHED
            assert store.run(row.id) == _whole(row.id)
            assert store.verdict(row.id) == values.verdict(_whole(row.id))
    _check(target)


def test_threads_share_a_store(store: Store) -> None:
    """The actions of a stage end at the same time."""
    store.begin(values.run("first"))
    actions = [f"action {number}" for number in range(12)]

    def add(action: str) -> None:
        store.add_receipt("first", values.receipt(action, worker.findings(action)))
        store.remember(action, values.receipt(action))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(add, actions))
    stored = store.run("first")
    assert sorted(receipt.action for receipt in stored.receipts) == sorted(actions)
    assert all(receipt.findings == worker.findings(receipt.action) for receipt in stored.receipts)


def test_a_process_that_is_killed_leaves_an_interrupted_run(target: str) -> None:
    bandit = values.receipt("bandit", worker.findings("bandit"))
    with working(target, "first", "hold") as other, Store.open(target) as store:
        assert [other.says(), other.says()] == ["open", "begun"]
        assert store.runs()[0].state is RunState.RUNNING
        assert store.run("first").state is RunState.RUNNING
        with pytest.raises(StoreError, match="belongs to another process"):
            store.add_receipt("first", values.receipt("semgrep"))
        with pytest.raises(StoreError, match=f"process {other.process.pid} is still working on it"):
            store.resume("first")
        with pytest.raises(StoreError, match="another process runs it"):
            store.interrupt("first")
        other.kill()
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
        assert [row.id for row in store.runs(state=RunState.INTERRUPTED)] == ["second"]


def test_of_two_that_resume_one_succeeds(target: str) -> None:
    with Store.open(target) as store:
        store.begin(values.run("first"))
        store.interrupt("first")
    with working(target, "first", "take") as one, working(target, "first", "take") as other:
        assert [one.says(), other.says()] == ["open", "open"]
        said = sorted([one.says(), other.says()])
    assert said[0].startswith("Run first was not resumed: process ")
    assert said[1] == "resumed"


def test_kills_at_random_moments_lose_nothing_that_was_stored(target: str) -> None:
    moments = random.Random(20260131)
    with Store.open(target) as store:
        began = time.monotonic()
        worker.one_run(store, "whole")
        usual = time.monotonic() - began
    known = {"whole"}
    for round_number in range(15):
        with working(target, f"round {round_number}", "forever") as writer:
            assert writer.says() == "open"
            if round_number % 3 == 0:  # also on a machine where a run takes longer than usual
                assert writer.says() == "stored"
            time.sleep(moments.uniform(0.0, 3 * usual))
            writer.kill()
        _check(target)
        known = _read_everything(target, known)
    assert len(known) > 5, "a run that was stored is not there"


def test_kills_while_the_store_is_made(target: str) -> None:
    moments = random.Random(7)
    for _ in range(8):
        with working(target, "first", "several") as writer:
            time.sleep(moments.uniform(0.0, 0.06))
            writer.kill()
        with Store.open(target) as store:
            store.save(values.ended(values.run(f"after {time.monotonic_ns()}")))
        _check(target)


def _read_everything(target: str, known: set[str]) -> set[str]:
    """Read what is new whole; the finished runs, of which those in `known` must be some."""
    with Store.open(target) as store:
        rows = store.runs(limit=100_000)
        for row in rows:
            if row.id not in known:
                _is_whole_or_interrupted(store, row.id)
    finished = {row.id for row in rows if row.state is RunState.FINISHED}
    assert known <= finished
    return finished


def _whole(name: str) -> Run:
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
