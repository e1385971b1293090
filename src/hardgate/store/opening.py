"""From a path or an address to an open, up-to-date database, or a reason why not.

An existing SQLite file is looked at first: one that is not ours, or is newer than this release, is refused without a
byte of it having changed.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import msgspec
from sqlalchemy import URL, Connection, Engine, insert, make_url, text
from sqlalchemy.exc import ArgumentError

from hardgate.errors import StoreError
from hardgate.store import ledgering, schema
from hardgate.store.database import Database, postgresql_engine, sqlite_engine
from hardgate.store.failures import DAMAGED, explained

_NOT_OPENED = "No store was opened"
_LOCK = 0x68617264  # any number that other programs on the same PostgreSQL database do not use: "hard"
_VERSION = f"SELECT version_num FROM {schema.VERSION_TABLE}"  # noqa: S608 (a constant)
# https://www.sqlite.org/fileformat.html, section 1.3: behind it the page size in two bytes, where 1 stands for 65,536
_MAGIC = b"SQLite format 3\x00"
_SIZED = len(_MAGIC) + 2
_LARGEST = 65_536
_ANOTHER = "Name another file for the store."
_EXPECTED = "Name a file, or an address such as postgresql+psycopg://user@host/database."


class _Found(msgspec.Struct, frozen=True):
    """What lies in an SQLite file: its revision ("" in an empty one) and whether it keeps a write-ahead log."""

    revision: str
    wal: bool


def open_database(target: str | Path, wait: float) -> Database:
    """The database at `target`: a path, `sqlite:///path`, or an address of PostgreSQL. Raises StoreError."""
    if isinstance(target, Path) or "://" not in target:
        return _open_sqlite(Path(target), wait)
    try:
        url = make_url(target)
    except ArgumentError as error:
        raise StoreError("The address of the store cannot be read; nothing was opened.", hint=_EXPECTED) from error
    match url.get_backend_name():
        case "sqlite" if url.database and url.database != ":memory:" and not url.query:
            return _open_sqlite(Path(url.database), wait)
        case "postgresql" | "postgres":
            return _open_postgresql(url.set(drivername="postgresql+psycopg"))
    raise StoreError(
        f"{_hidden(url)} is no address of a store that hardgate knows; nothing was opened.", hint=_EXPECTED
    )


def _hidden(url: URL) -> str:
    return url.render_as_string(hide_password=True)


def _open_sqlite(path: Path, wait: float) -> Database:
    path = Path.cwd() / path
    with explained(str(path), _NOT_OPENED):
        _claim(path)
        found = _look(path, wait)
    _refuse_unknown(found.revision, str(path))
    engine = sqlite_engine(path, wait)
    database = Database(engine, str(path))
    try:
        if not found.wal:
            _keep_log(engine, database, wait)
        if found.revision != schema.HEAD:
            with database.write("The store was not brought up to date") as connection:
                _bring_up(connection, path)
    except StoreError:
        engine.dispose()
        raise
    return database


def _claim(path: Path) -> None:
    """See to it that `path` is a file: a new one is for its owner only, since findings tell where to attack."""
    if path.exists():
        if not path.is_file():
            raise StoreError(f"{_NOT_OPENED}: {path} is a folder or a device.", hint="Name a file for the store.")
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))


def _look(path: Path, wait: float) -> _Found:
    """Read the revision without changing the file. Raises StoreError when it is the database of something else.

    Where a log lies beside the file, a connection that may write would work it in on closing. Where none lies there, it
    is the read-only connection that would leave traces: the empty log that it makes and may not remove.
    """
    with path.open("rb") as file:
        header, size = file.read(_SIZED), os.fstat(file.fileno()).st_size
    magic = header[: len(_MAGIC)]
    if not magic:
        return _Found("", wal=False)
    if magic != _MAGIC:  # SQLite itself takes a file of one byte for an empty database
        raise StoreError(f"{_NOT_OPENED}: {path} is no SQLite database; it was not changed.", hint=_ANOTHER)
    page = int.from_bytes(header[len(_MAGIC) :], "big")
    if not page or size % (_LARGEST if page == 1 else page):
        # SQLite takes what is missing of the last page for zeros: an index that ends there has no rows.
        raise StoreError(f"{_NOT_OPENED}: {path} is damaged: it ends in the middle of a page.", hint=DAMAGED)
    beside = (path.with_name(f"{path.name}-{log}") for log in ("wal", "journal"))
    mode = "ro" if any(map(_size, beside)) else "rw"
    try:
        return _look_through(f"{path.as_uri()}?mode={mode}", path, wait)
    except sqlite3.OperationalError as error:
        # A process was killed in the middle of its first write: only a connection that may write can undo that.
        if error.sqlite_errorname not in {"SQLITE_READONLY_ROLLBACK", "SQLITE_READONLY_RECOVERY"}:
            raise
        return _look_through(f"{path.as_uri()}?mode=rw", path, wait)


def _size(log: Path) -> int:
    """The bytes of a log, 0 where there is none: another process may take it away at any moment."""
    try:
        return log.stat().st_size
    except FileNotFoundError:
        return 0


def _look_through(uri: str, path: Path, wait: float) -> _Found:
    with closing(sqlite3.connect(uri, uri=True, timeout=wait, isolation_level=None)) as connection:
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if schema.VERSION_TABLE in names:
            row = connection.execute(_VERSION).fetchone()
            return _Found(row[0] if row else "", wal=mode == "wal")
    if names:
        raise StoreError(
            f"{_NOT_OPENED}: {path} is the database of another program; it was not changed.",
            hint=_ANOTHER,
        )
    return _Found("", wal=mode == "wal")


def _refuse_unknown(revision: str, where: str) -> None:
    if revision and revision not in schema.REVISIONS:
        raise StoreError(
            f"{_NOT_OPENED}: {where} was written by a newer release of hardgate (revision {revision}, this one knows "
            f"up to {schema.HEAD}); it was not changed.",
            hint="Upgrade hardgate, or name another store.",
        )


def _keep_log(engine: Engine, database: Database, wait: float) -> None:
    """Switch the file to a write-ahead log: readers and a writer do not wait for each other, a kill loses nothing.

    SQLite does not wait for other processes here, so we do. A file system that cannot have such a log (some network
    disks) keeps the rollback journal, which is as safe and slower.
    """
    deadline = time.monotonic() + wait
    with explained(database.where, _NOT_OPENED):
        while True:
            try:
                with closing(engine.raw_connection()) as connection:
                    connection.cursor().execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return


def _open_postgresql(url: URL) -> Database:
    try:
        engine = postgresql_engine(url)
    except ModuleNotFoundError as error:
        raise StoreError(
            f"{_NOT_OPENED}: {_hidden(url)} needs psycopg, which is not installed.",
            hint="pip install 'hardgate[postgresql]'",
        ) from error
    schema.for_postgresql()
    database = Database(engine, _hidden(url))
    try:
        with database.read(_NOT_OPENED) as connection:
            revision = _revision(connection)
        _refuse_unknown(revision, database.where)
        if revision != schema.HEAD:
            with database.write("The store was not brought up to date") as connection:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
                _require_utf8(connection, database.where)
                _bring_up(connection, None)
    except StoreError:
        engine.dispose()
        raise
    return database


def _require_utf8(connection: Connection, where: str) -> None:
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    if encoding != "UTF8":
        raise StoreError(
            f"{_NOT_OPENED}: {where} keeps its text as {encoding}, which cannot hold every file name.",
            hint="Make a database for hardgate with: createdb --encoding=UTF8 --template=template0 hardgate",
        )


def _revision(connection: Connection) -> str:
    """The revision of the tables, "" where there are none."""
    if not connection.dialect.has_table(connection, schema.VERSION_TABLE):
        return ""
    return connection.execute(text(_VERSION)).scalar() or ""


def _bring_up(connection: Connection, file: Path | None) -> None:
    """Make the tables, or upgrade them, inside the caller's transaction: another process may have been faster."""
    revision = _revision(connection)
    if revision == schema.HEAD:
        return
    if not revision:
        schema.metadata.create_all(connection, checkfirst=False)
        connection.execute(insert(schema.version).values(version_num=schema.HEAD))
        ledgering.begin(connection)
        return
    if file is not None:
        _back_up(file, revision)
    _migrate(connection)
    if revision < schema.WITH_LEDGER:
        ledgering.begin(connection)


def _back_up(path: Path, revision: str) -> None:
    """Copy the store as it is to `NAME.REVISION.bak` beside it: the way back to an older release."""
    target = path.with_name(f"{path.name}.{revision}.bak")
    half = path.with_name(f"{target.name}.{os.getpid()}.tmp")
    undone = f"No backup was made as {target}, so the store was not brought up to date"
    with explained(str(path), undone):
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as source:
                copy = os.open(half, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
                try:
                    source.execute("VACUUM INTO ?", (str(half),))
                    os.fsync(copy)
                finally:
                    os.close(copy)
            half.replace(target)
        finally:
            half.unlink(missing_ok=True)


def _migrate(connection: Connection) -> None:
    # Alembic takes longer to import than a store takes to open, and is seldom needed.
    from alembic import command  # noqa: PLC0415 (loaded where it is needed)
    from alembic.config import Config  # noqa: PLC0415 (loaded where it is needed)

    config = Config(attributes={"connection": connection})
    folder = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    command.upgrade(config, "head")
