"""Stores of earlier and later releases: brought up to date with all that is in them, or refused untouched."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Inspector, create_engine, inspect, text
from sqlalchemy.engine.interfaces import ReflectedIndex

from hardgate import store as package
from hardgate.errors import StoreError
from hardgate.model import RunState, Severity
from hardgate.store import Store, opening, schema
from tests.lab.postgresql import Server
from tests.store import capture_sample, values

MIGRATIONS = Path(package.__file__).parent / "migrations"
SAMPLES = sorted(Path(__file__).parent.glob("hardgate-*.db"))
KEPT = values.ended(values.run("kept"), values.receipt("bandit", (values.finding(1), values.finding(2))))


def test_there_are_samples() -> None:
    assert "hardgate-0.1.0.db" in {sample.name for sample in SAMPLES}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_the_store_of_every_release_is_read_whole(tmp_path: Path, sample: Path) -> None:
    path = Path(shutil.copy(sample, tmp_path / "store.db"))
    finished, interrupted = capture_sample.finished(), capture_sample.interrupted()
    with Store.open(path) as store:
        assert [row.id for row in store.runs()] == [interrupted.id, finished.id]
        assert store.run(finished.id) == store.latest(values.ROOT) == finished
        assert store.run(interrupted.id) == interrupted
        assert store.resumable(values.ROOT, values.PIPELINE_DIGEST, values.TREE) == interrupted
        assert store.verdict(finished.id) == values.verdict(finished)
        assert store.findings(finished.id) == list(finished.findings)
        assert store.cached("a key") == capture_sample.receipt()
        assert store.canary("a key") == capture_sample.CHECK
        assert store.blob(hashlib.sha256(capture_sample.SBOM).hexdigest()) == capture_sample.SBOM
        assert store.timing("bandit", values.ROOT) == (1.5, 50_000_000)
        assert store.resume(interrupted.id).state is RunState.RUNNING


def test_the_list_of_revisions_is_that_of_the_scripts() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert tuple(reversed([script.revision for script in scripts.walk_revisions()])) == schema.REVISIONS
    assert scripts.get_heads() == [schema.HEAD]


@pytest.mark.parametrize("revision", schema.REVISIONS[:-1])
def test_an_older_store_keeps_all_it_has(target: str, tmp_path: Path, revision: str) -> None:
    _make_old(target, revision)
    before = _rows(target)
    assert before["findings"], "there is something to lose"
    with Store.open(target) as store:
        assert store.run("kept") == KEPT
        assert store.runs()[0].counts == {Severity.HIGH: 2}
        store.remember("key", KEPT.receipts[0])
        assert store.cached("key") == KEPT.receipts[0]
        store.save(values.ended(values.run("later")))
    after = _rows(target)
    assert (before.pop(schema.VERSION_TABLE), after.pop(schema.VERSION_TABLE)) == ([(revision,)], [(schema.HEAD,)])
    # A later revision adds columns at the end, which are empty in the rows that were there.
    kept = {
        table: [row[: len(old)] for row, old in zip(rows, before[table], strict=False)]
        for table, rows in after.items()
        if table in before
    }
    assert kept == before
    if "://" not in target:
        _is_backup(tmp_path / f"store.db.{revision}.bak", revision)


@pytest.mark.parametrize("revision", schema.REVISIONS[:-1])
def test_migrations_lead_to_the_tables_that_a_new_store_has(target: str, tmp_path: Path, revision: str) -> None:
    Store.open(target).close()
    new = _shape(target)
    with Store.open(target) as store, store._database.write("Nothing was dropped") as connection:
        schema.metadata.drop_all(connection)
    _make_old(target, revision)
    Store.open(target).close()
    assert _shape(target) == new


def test_the_evidence_of_an_older_store_is_still_that_of_its_ledger(target: str) -> None:
    """A run whose merged findings are stored twice, as revision 0003 did, beside one that has them once."""
    _make_old(target, "0003", "0003")
    later = msgspec.structs.replace(KEPT, id="later")
    with Store.open(target) as store:
        assert store.run("kept") == KEPT
        store.save(later)
        store.save_verdict(later.id, values.verdict(later))
        assert store.run("later") == later
        for run in (KEPT, later):
            assert store.findings(run.id) == list(run.findings)
        name = KEPT.findings[0].id
        assert [run for run, _ in store.find_finding(None, name)] == ["later", "kept"]
        assert store.audit(evidence=True).problems == ()
    rows = _rows(target)["findings"]
    assert [sum(row[1] == run for row in rows) for run in (1, 2)] == [4, 2]


def test_a_migration_that_fails_changes_nothing(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _make_old(target, "0001")
    before = _rows(target)

    def fails(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE half_made (number INTEGER)"))
        connection.execute(text("DELETE FROM findings"))
        connection.execute(text("INSERT INTO missing VALUES (1)"))

    monkeypatch.setattr(opening, "_migrate", fails)
    with pytest.raises(StoreError, match="The store was not brought up to date"):
        Store.open(target)
    monkeypatch.undo()
    assert _rows(target) == before
    with Store.open(target) as store:
        assert store.run("kept") == KEPT


def test_without_a_backup_there_is_no_migration(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    _make_old(str(path), "0001")
    (tmp_path / "store.db.0001.bak").mkdir()
    with pytest.raises(StoreError, match=r"No backup was made as .*store\.db\.0001\.bak, so the store was not brought"):
        Store.open(path)
    assert _rows(str(path))[schema.VERSION_TABLE] == [("0001",)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store.db", "store.db.0001.bak"]


def test_a_store_that_is_being_written_to_is_migrated_with_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    _make_old(str(path), "0001")
    with closing(sqlite3.connect(path)) as other:
        other.execute("UPDATE runs SET pipeline = 'changed'")
        other.commit()
        assert (tmp_path / "store.db-wal").stat().st_size
        with Store.open(path) as store:
            assert store.runs()[0].pipeline == "changed"


def test_a_newer_store_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'")
        connection.commit()
    before = path.read_bytes()
    _refuses_newer(str(path))
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["store.db"]


def test_a_newer_store_with_a_log_is_refused_untouched(tmp_path: Path) -> None:
    """Its process was killed before it could work the log into the file."""
    made, path = tmp_path / "made.db", tmp_path / "store.db"
    Store.open(made).close()
    with closing(sqlite3.connect(made)) as connection:
        connection.execute(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'")
        connection.commit()
        for ending in ("", "-wal"):
            shutil.copy(f"{made}{ending}", f"{path}{ending}")
    before = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    _refuses_newer(str(path))
    assert (path.read_bytes(), Path(f"{path}-wal").read_bytes()) == before


def test_a_newer_store_on_a_server_is_refused_untouched(postgresql: Server) -> None:
    target = postgresql.schema()
    Store.open(target).close()
    engine = create_engine(target)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'"))
    engine.dispose()
    before = _rows(target)
    _refuses_newer(target)
    assert _rows(target) == before


def test_alembic_is_imported_only_to_migrate(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from hardgate.store import Store\n"
        "for _ in range(2): Store.open(sys.argv[1]).close()\n"
        "print([name for name in sys.modules if name.startswith('alembic')])\n"
    )
    command_line = [sys.executable, "-c", script, str(tmp_path / "store.db")]
    assert subprocess.run(command_line, capture_output=True, text=True, check=True).stdout == "[]\n"


def _refuses_newer(target: str) -> None:
    with pytest.raises(StoreError, match=r"written by a newer release of hardgate \(revision 9999") as refused:
        Store.open(target)
    assert "Upgrade hardgate" in refused.value.hint


def _make_old(target: str, revision: str, sample: str = "0001") -> None:
    """A store as a release that knew revisions up to `revision` left it, holding the rows of the run KEPT."""
    engine = create_engine(_address(target))
    tables = json.loads((Path(__file__).parent / f"revision-{sample}.json").read_text())
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(MIGRATIONS))
        command.upgrade(config, revision)
        for name, rows in tables.items():
            columns = ", ".join(rows[0])
            places = ", ".join(f":{column}" for column in rows[0])
            connection.execute(text(f"INSERT INTO {name} ({columns}) VALUES ({places})"), rows)
            if "://" in target and name in {
                "runs",
                "receipts",
                "findings",
            }:  # rows with given numbers do not move the sequence on
                sequence = f"pg_get_serial_sequence('{name}', 'seq')"
                connection.execute(text(f"SELECT setval({sequence}, (SELECT max(seq) FROM {name}))"))
    engine.dispose()
    if "://" not in target:
        with closing(sqlite3.connect(target)) as file:
            file.execute("PRAGMA journal_mode=WAL")


def _is_backup(path: Path, revision: str) -> None:
    assert _rows(str(path))[schema.VERSION_TABLE] == [(revision,)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with Store.open(path) as store:
        assert store.run("kept") == KEPT


def _rows(target: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    engine = create_engine(_address(target))
    with engine.connect() as connection:
        names = inspect(connection).get_table_names()
        rows = {name: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {name}"))] for name in names}
    engine.dispose()
    return rows


def _shape(target: str) -> dict[str, list[str]]:
    """Columns, keys and indexes of every table."""
    engine = create_engine(_address(target))
    with engine.connect() as connection:
        look = inspect(connection)
        shape = {name: _table_shape(look, name) for name in look.get_table_names()}
    engine.dispose()
    return shape


def _table_shape(look: Inspector, name: str) -> list[str]:
    columns = [repr(column) for column in look.get_columns(name)]
    parts = (look.get_pk_constraint(name), look.get_foreign_keys(name), look.get_unique_constraints(name))
    indexes = sorted(
        f"{index['name']} {index['column_names']} {index['unique']} {sorted(map(str, _options(index)))}"
        for index in look.get_indexes(name)
    )
    return [*columns, *map(repr, parts), *indexes]


def _options(index: ReflectedIndex) -> list[tuple[str, str]]:
    """What only one database has, such as the condition of a partial index."""
    return [(key, str(value)) for key, value in index.get("dialect_options", {}).items()]


def _address(target: str) -> str:
    return target if "://" in target else f"sqlite:///{target}"
