"""Cache, canaries, timings and documents, on both databases."""

from __future__ import annotations

import hashlib

import msgspec
import pytest
from sqlalchemy import func, select, update

from hardgate.errors import StoreError
from hardgate.model import ActionState, CanaryCheck
from hardgate.store import Store, reuse, schema
from hardgate.store.opening import open_database
from tests.store import values

CHECK = CanaryCheck(checked_at="2026-01-31T12:00:00Z", how="this run", rules=("B608",))


def test_a_result_is_remembered_whole(store: Store) -> None:
    first = values.receipt("bandit", (values.finding(1),))
    assert store.cached("key") is None
    store.remember("key", first)
    assert store.cached("key") == first
    assert store.cached("ke") is None
    second = values.receipt("bandit", ())
    store.remember("key", second)
    assert store.cached("key") == second


def test_a_canary_is_remembered(store: Store) -> None:
    assert store.canary("key") is None
    store.remember_canary("key", CHECK)
    assert store.canary("key") == CHECK


def test_the_oldest_results_are_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reuse, "KEEP", 3)
    for number in range(4):
        store.remember(f"key {number}", values.receipt())
    store.remember("key 1", values.receipt())
    store.remember("key 4", values.receipt())
    assert [store.cached(f"key {number}") is not None for number in range(5)] == [False, True, False, True, True]


def test_large_results_are_forgotten_sooner_and_the_newest_never(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(msgspec.json.encode(values.receipt()))
    monkeypatch.setattr(reuse, "KEEP_BYTES", 2 * size)
    for number in range(3):
        store.remember(f"key {number}", values.receipt())
    assert store.cached("key 0") is None
    assert store.cached("key 1") is not None
    monkeypatch.setattr(reuse, "KEEP_BYTES", 1)
    store.remember("key 3", values.receipt())
    assert [store.cached(f"key {number}") is not None for number in range(4)] == [False, False, False, True]


def test_a_damaged_entry_of_the_cache_counts_as_forgotten(target: str) -> None:
    with Store.open(target) as store:
        store.remember("key", values.receipt())
        _alter(target, update(schema.cache).values(body='{"action": "bandit"}'))
        assert store.cached("key") is None


def test_timing_is_that_of_real_runs_of_this_root(store: Store) -> None:
    assert store.timing("bandit", values.ROOT) is None
    store.begin(values.run("skipped"))
    slow = msgspec.structs.replace(values.receipt("bandit", seconds=100.0), cached_from="another run")
    store.add_receipts("skipped", (slow, values.receipt("semgrep", state=ActionState.GAP)))
    assert store.timing("bandit", values.ROOT) is None
    assert store.timing("semgrep", values.ROOT) is None
    for number in range(8):
        store.begin(values.run(f"run {number}"))
        store.add_receipt(f"run {number}", values.receipt("bandit", seconds=float(number)))
    assert store.timing("bandit", values.ROOT) == (5.0, 50_000_000), "the mean of the last five"
    assert store.timing("bandit", "/elsewhere") is None


def test_documents_are_kept_once_under_their_digest(target: str) -> None:
    data = b"\x00\xff an SBOM" * 1000
    with Store.open(target) as store:
        digest = store.put_blob(data)
        assert digest == hashlib.sha256(data).hexdigest()
        assert store.put_blob(data) == digest
        assert store.blob(digest) == data
        assert store.put_blob(b"") == hashlib.sha256(b"").hexdigest()
        assert store.blob(hashlib.sha256(b"").hexdigest()) == b""
    assert _count(target) == 2


def test_a_document_that_was_altered_is_refused_and_mended_by_the_next(target: str) -> None:
    with Store.open(target) as store:
        digest = store.put_blob(b"what was found")
        _alter(target, update(schema.blobs).values(data=b"nothing was found"))
        with pytest.raises(StoreError, match="not what was stored"):
            store.blob(digest)
        store.put_blob(b"what was found")
        assert store.blob(digest) == b"what was found"


@pytest.mark.parametrize("digest", ["0" * 64, "", "\x00", "\udc80"])
def test_an_unknown_document_is_an_error(store: Store, digest: str) -> None:
    with pytest.raises(StoreError, match="no document"):
        store.blob(digest)


def _alter(target: str, statement: object) -> None:
    database = open_database(target, 5.0)
    with database.write("Nothing was altered") as connection:
        connection.execute(statement)  # type: ignore[call-overload]  # any statement
    database.close()


def _count(target: str) -> int:
    database = open_database(target, 5.0)
    with database.read("Nothing was counted") as connection:
        number = connection.execute(select(func.count()).select_from(schema.blobs)).scalar_one()
    database.close()
    return number
