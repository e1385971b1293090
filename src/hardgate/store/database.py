"""Connections and transactions: reads see one moment, writes are whole or not at all."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from hardgate.store.failures import explained


class Database:
    """An open database. `where` names it for people, without a password."""

    def __init__(self, engine: Engine, where: str) -> None:
        self.where = where
        self._engine = engine
        self._reader: Engine
        self._writer: Engine
        if engine.dialect.name == "sqlite":
            self._reader, self._writer = engine, engine.execution_options(immediate=True)
            # Who finds an SQLite file locked sleeps and tries again: our own threads need not wait that long.
            self._turn: AbstractContextManager[object] = threading.Lock()
        else:
            # The default of PostgreSQL lets each statement of a transaction see another moment.
            self._reader, self._writer = engine.execution_options(isolation_level="REPEATABLE READ"), engine
            self._turn = nullcontext()

    @contextmanager
    def read(self, undone: str) -> Iterator[Connection]:
        """One consistent view of the store. Raises StoreError that begins with `undone`."""
        with explained(self.where, undone), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self, undone: str) -> Iterator[Connection]:
        """One transaction: all of it is stored, or nothing. Raises StoreError that begins with `undone`."""
        with explained(self.where, undone), self._turn, self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections. The last one to leave an SQLite store tidies its log away."""
        self._engine.dispose()


def sqlite_engine(path: Path, wait: float) -> Engine:
    """An engine over the file `path`; a writer waits `wait` seconds for another.

    Transactions are begun here and not by the driver, which begins none before reads and DDL.
    See https://docs.sqlalchemy.org/en/20/dialects/sqlite.html (Serializable isolation, transactional DDL).
    """
    engine = create_engine(
        URL.create("sqlite", database=str(path)), connect_args={"isolation_level": None, "timeout": wait}
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def postgresql_engine(url: URL) -> Engine:
    """An engine for `url`. Raises ModuleNotFoundError when psycopg is not installed."""
    arguments = {"application_name": "hardgate", "connect_timeout": "10"}
    # A run may pause for minutes between two receipts: a connection that was cut meanwhile is replaced.
    return create_engine(
        url, connect_args={key: value for key, value in arguments.items() if key not in url.query}, pool_pre_ping=True
    )


def _prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    # FULL: what was reported as stored survives a power cut. NORMAL would save one fsync per transaction, a run has
    # about fifteen of them, and a receipt or an override that is forgotten is worse than those milliseconds.
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    # The indexes of a large run are written all over: in 2 MB, the default, their pages would be written many times.
    connection.execute("PRAGMA cache_size=-16000")


def _begin(connection: Connection) -> None:
    # IMMEDIATE takes the write lock at once, and waits for it: a read that turns into a write would fail instead.
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
