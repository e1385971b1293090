"""What only a PostgreSQL server can do to us; everything else runs on both databases (see conftest.py)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from hardgate.errors import StoreError
from hardgate.store import Store
from tests.lab import postgresql as lab
from tests.lab.postgresql import Server
from tests.store import values

HERE = Path(__file__).parents[2]
KEPT = values.ended(values.run("kept"), values.receipt("bandit", (values.finding(1),)))


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"])
def test_every_spelling_of_the_address_uses_psycopg(postgresql: Server, scheme: str) -> None:
    target = postgresql.schema().replace("postgresql+psycopg", scheme)
    with Store.open(target) as store:
        store.save(KEPT)
        assert store.run("kept") == KEPT
        assert store.where.startswith("postgresql+psycopg://hardgate@")


def test_a_schema_of_its_own_by_the_search_path(postgresql: Server) -> None:
    name = postgresql.database()
    target = postgresql.url(name)
    with psycopg.connect(postgresql.address(name), autocommit=True) as connection:
        connection.execute("CREATE TABLE runs (of_another_program text)")
        connection.execute("CREATE SCHEMA gate")
    with pytest.raises(StoreError, match="holds a table of another program") as refused:
        Store.open(target)
    assert refused.value.hint == "Give hardgate its own database."
    with Store.open(f"{target}&options=-csearch_path%3Dgate") as store:
        store.save(KEPT)
    with psycopg.connect(postgresql.address(name)) as connection:
        assert connection.execute("SELECT id FROM gate.runs").fetchall() == [("kept",)]
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (1,)


def test_a_database_that_cannot_hold_every_name_is_refused(postgresql: Server) -> None:
    target = postgresql.url(postgresql.database("ENCODING 'LATIN1' LOCALE 'C'"))
    with pytest.raises(StoreError, match="keeps its text as LATIN1") as refused:
        Store.open(target)
    assert "createdb --encoding=UTF8" in refused.value.hint


def test_ids_and_times_sort_alike_under_any_locale(postgresql: Server) -> None:
    name = postgresql.database("ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'")
    with Store.open(postgresql.url(name)) as store:
        for name in ("a-1", "A1", "a1", "B2", "ä3"):
            store.save(values.ended(values.run(name)))
        for name in ("a-", "A", "a1", "B", "ä"):
            assert store.run(name).id.startswith(name)


def test_a_database_that_is_not_there(postgresql: Server) -> None:
    with pytest.raises(StoreError, match=r"No store was opened .*does not exist") as refused:
        Store.open(postgresql.url("missing"))
    assert "Check the address" in refused.value.hint


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No store was opened") as refused:
        Store.open(f"postgresql://hardgate@/db?host={tmp_path}")
    assert "Check the address" in refused.value.hint


def test_a_role_that_may_only_read(postgresql: Server) -> None:
    name = postgresql.database()
    target = postgresql.url(name)
    with Store.open(target) as store:
        store.save(KEPT)
    with psycopg.connect(postgresql.address(name), autocommit=True) as connection:
        connection.execute("CREATE ROLE reader LOGIN")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    with Store.open(target.replace("hardgate@", "reader@")) as store:
        assert store.run("kept") == KEPT
        with pytest.raises(StoreError, match=r"Run more was not begun .*may not do this"):
            store.begin(values.run("more"))
    empty = postgresql.schema()
    with pytest.raises(StoreError, match=r"was not brought up to date .*closed to the role") as refused:
        Store.open(empty.replace("hardgate@", "reader@"))
    assert "GRANT USAGE" in refused.value.hint
    assert "CREATE TABLE" not in str(refused.value)


def test_a_role_that_may_only_add_to_the_ledger(postgresql: Server) -> None:
    name = postgresql.database()
    target = postgresql.url(name)
    Store.open(target).close()
    with psycopg.connect(postgresql.address(name), autocommit=True) as connection:
        connection.execute("CREATE ROLE gate LOGIN")
        connection.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO gate")
        connection.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO gate")
        connection.execute("REVOKE UPDATE, DELETE ON ledger FROM gate")
    with Store.open(target.replace("hardgate@", "gate@")) as store:
        store.save(KEPT)
        store.save_verdict("kept", values.verdict(KEPT), waivers=())
        assert store.audit(evidence=True).problems == ()
    with (
        psycopg.connect(postgresql.address(name).replace("user=hardgate", "user=gate"), autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("UPDATE ledger SET body = ''")


def test_a_connection_that_was_cut_is_replaced(postgresql: Server) -> None:
    name = postgresql.database()
    target = postgresql.url(name)
    with Store.open(target) as store:
        store.begin(values.run("first"))
        with psycopg.connect(postgresql.address("postgres"), autocommit=True) as connection:
            cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
            assert connection.execute(cut, (name,)).fetchone() == (1,)
        store.add_receipt("first", values.receipt())
        assert len(store.run("first").receipts) == 1


def test_many_make_the_tables_at_once(postgresql: Server) -> None:
    target = postgresql.schema()

    def one(number: int) -> None:
        with Store.open(target) as store:
            store.save(values.ended(values.run(f"run {number}")))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(one, range(6)))
    with Store.open(target) as store:
        assert len(store.runs()) == 6


def test_a_missing_server_package_is_said_aloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lab, "_PACKAGES", tmp_path)
    with pytest.raises(RuntimeError, match="make setup"), lab.server():
        pass


def test_a_test_run_that_is_killed_takes_its_server_along() -> None:
    script = (
        "import os, sys\n"
        "from tests.lab.postgresql import server\n"
        "with server() as running:\n"
        "    print((running.folder / 'data' / 'postmaster.pid').read_text().split()[0], running.folder, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        process, folder = run.stdout.readline().split()
        run.kill()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{process}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    shutil.rmtree(folder)
    assert not Path(f"/proc/{process}").exists()
