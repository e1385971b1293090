"""How fast the store is: processor time, which other programs on the machine do not change."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from hardgate.store import Store
from tests.store import values

MANY = tuple(values.finding(number) for number in range(10_000))


def test_ten_thousand_findings_are_stored_and_read_at_once(store: Store) -> None:
    # Half of this on a machine that does nothing else; the driver of PostgreSQL takes twice as long per row.
    limit = 2.0 if "://" in store.where else 1.0
    begun = values.run("large")
    store.begin(begun)
    receipt = values.receipt("bandit", MANY)
    began = time.process_time()
    store.add_receipt("large", receipt)
    stored = time.process_time()
    store.finish(values.ended(begun, receipt))
    finished = time.process_time()
    assert len(store.run("large").findings) == len(MANY)
    read = time.process_time()
    assert stored - began < limit
    assert finished - stored < limit
    assert read - finished < limit, "20 000: those of the receipt and the merged ones"


def test_an_open_costs_less_than_30_milliseconds(tmp_path: Path) -> None:
    script = (
        "import sys, time, sqlalchemy, sqlalchemy.dialects.sqlite\n"
        "from hardgate.store import Store\n"
        "path, spent = sys.argv[1], []\n"
        "Store.open(path).close()\n"
        "for _ in range(5):\n"
        "    began = time.process_time()\n"
        "    store = Store.open(path)\n"
        "    store.latest('/srv/checkout')\n"
        "    spent.append(time.process_time() - began)\n"
        "    store.close()\n"
        "print(spent[0])\n"
    )
    environment = {"PATH": os.defpath, "HOME": str(tmp_path)}
    seconds = [
        float(
            subprocess.run(
                [sys.executable, "-c", script, tmp_path / "store.db"],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for _ in range(2)
    ]
    assert min(seconds) < 0.03


_INNER = {"SCAN anon_1", "SCAN (subquery-1)"}  # the few rows of an inner query; SQLite changed how it names them


@pytest.mark.parametrize(
    ("question", "index"),
    [
        ("latest", "ix_runs_latest"),
        ("runs of a root", "ix_runs_root"),
        ("timing", "ix_receipts_timing"),
        ("cached", "sqlite_autoindex_cache_1"),
        ("finding", "ix_findings_id"),
        ("resumable", "ix_runs_"),
    ],
)
def test_questions_are_answered_by_an_index(tmp_path: Path, question: str, index: str) -> None:
    with Store.open(tmp_path / "store.db") as store:
        questions: dict[str, Callable[[], object]] = {
            "latest": lambda: store.latest("/elsewhere"),
            "runs of a root": lambda: store.runs(root=values.ROOT),
            "timing": lambda: store.timing("bandit", values.ROOT),
            "cached": lambda: store.cached("key"),
            "finding": lambda: store.find_finding(values.ROOT, "abc"),
            "resumable": lambda: store.resumable(values.ROOT, values.PIPELINE_DIGEST, values.TREE),
        }
        with store._database.read("Nothing was read") as connection:
            engine: Engine = connection.engine
        asked: list[tuple[str, Any]] = []

        def note(*arguments: Any) -> None:
            asked.append((arguments[2], arguments[3]))

        event.listen(engine, "before_cursor_execute", note)
        questions[question]()
        event.remove(engine, "before_cursor_execute", note)
        sql, given = asked[-1]
        with store._database.read("Nothing was read") as connection:
            plan = [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given)]
        assert index in plan[0] + plan[1 % len(plan)], plan
        assert not [step for step in plan if step.startswith("SCAN ") and step not in _INNER], plan
