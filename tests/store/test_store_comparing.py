"""The run of a commit, and since when a finding is known: asked of SQLite and of PostgreSQL."""

from __future__ import annotations

import msgspec

from hardgate.model import Run, RunState, Selection
from hardgate.store import Store
from tests.builders import run, settled

BASE = "b" * 40


def stored(store: Store, number: int, **more: object) -> Run:
    base = run(findings=(settled(1),), id=f"run-{number}", commit=BASE, started=f"2026-01-{number:02}T00:00:00Z")
    one: Run = msgspec.structs.replace(base, **more)
    store.save(one)
    return one


def test_the_newest_whole_run_of_a_commit(store: Store) -> None:
    assert store.run_of_commit("small", BASE) is None
    first = stored(store, 1)
    stored(store, 2, dirty=True)
    stored(store, 3, selection=Selection(actions=("bandit",)))
    stored(store, 4, selection=Selection(base="main"))
    stored(store, 5, pipeline="other")
    stored(store, 6, commit="c" * 40)
    assert first.state is RunState.FINISHED
    assert store.run_of_commit("small", BASE) == first
    newer = stored(store, 7)
    assert store.run_of_commit("small", BASE) == newer


def test_since_when_a_finding_is_known(store: Store) -> None:
    stored(store, 8)
    stored(store, 9, findings=(settled(1), settled(2)))
    stored(store, 10, findings=(settled(3),), pipeline="other")
    ids = [f"{number:016x}" for number in (1, 2, 3)]
    assert store.first_seen("small", ids) == {ids[0]: "2026-01-08T00:00:00Z", ids[1]: "2026-01-09T00:00:00Z"}
    assert store.first_seen("small", [f"{number:016x}" for number in range(2_000)]).keys() == {ids[0], ids[1]}
    assert store.first_seen("small", []) == {}
