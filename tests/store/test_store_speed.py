"""What the store's speed rests on: few statements, indexes, and nothing loaded that is not needed."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from hardgate.store import Store
from tests.store import values

FEW, MANY = 100, 10_000


def _statements(target: str, number: int) -> list[int]:
    """How many statements each step takes: storing a receipt with so many findings, ending its run, reading it."""
    findings = tuple(values.finding(one) for one in range(number))
    begun, receipt = values.run(f"run of {number}"), values.receipt("bandit", findings)
    counts: list[int] = []
    with Store.open(target) as store:
        with store._database.read("Nothing was read") as connection:
            engine: Engine = connection.engine
        store.begin(begun)
        steps: tuple[Callable[[], object], ...] = (
            lambda: store.add_receipt(begun.id, receipt),
            lambda: store.finish(values.ended(begun, receipt)),
            lambda: store.run(begun.id),
        )
        for step in steps:
            asked: list[str] = []
            note = functools.partial(_note, asked)
            event.listen(engine, "before_cursor_execute", note)
            step()
            event.remove(engine, "before_cursor_execute", note)
            counts.append(len(asked))
        assert len(store.run(begun.id).findings) == number
    return counts


def _note(asked: list[str], *arguments: Any) -> None:
    asked.append(arguments[2])


def test_ten_thousand_findings_take_no_statement_each(target: str) -> None:
    few, many = _statements(target, FEW), _statements(target, MANY)
    # PostgreSQL takes some hundreds of rows in a statement, SQLite all.
    assert all(large - small < MANY / 100 for small, large in zip(few, many, strict=True)), (few, many)


def test_a_command_opens_the_store_without_the_code_that_migrates_it(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from hardgate.store import Store\n"
        "store = Store.open(sys.argv[1])\n"
        "store.latest('/srv/checkout')\n"
        "store.close()\n"
        "print(*sorted(sys.modules))\n"
    )
    Store.open(tmp_path / "store.db").close()
    environment = {"PATH": os.defpath, "HOME": str(tmp_path)}
    out = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "store.db"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    loaded = set(out.split())
    assert "sqlalchemy.dialects.sqlite" in loaded
    assert not {name for name in loaded if name.startswith(("alembic", "sqlalchemy.dialects.postgresql", "psycopg"))}


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
