"""What later runs use again: results by content, checked canaries, timings, and documents by their digest.

A remembered record that can no longer be read counts as not remembered: the tool runs again, which is always honest.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Table, delete, func, select
from sqlalchemy.dialects import sqlite

from hardgate.errors import StoreError
from hardgate.store import schema
from hardgate.store.records import Value, decode, encode, escape

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

KEEP = 1000
"""How many entries of each kind are remembered; the oldest are forgotten first."""
KEEP_BYTES = 200_000_000
"""How large all results remembered by content may be together."""
_PAST = 5  # runs of a tool that its timing is taken from


def recall(connection: Connection, table: Table, key: str, kind: type[Value]) -> Value | None:
    """The value of `kind` remembered under `key`, or None."""
    body = connection.execute(select(table.c.body).where(table.c.key == escape(key))).scalar()
    if body is None:
        return None
    try:
        return decode(body, kind, key)
    except StoreError:
        return None


def remember(connection: Connection, table: Table, key: str, value: object) -> None:
    """Keep `value` under `key` as the newest entry, and forget the oldest beyond KEEP and KEEP_BYTES."""
    body = encode(value)
    age = connection.execute(select(func.coalesce(func.max(table.c.age), 0) + 1)).scalar_one()
    row = {"key": escape(key), "age": age, "size": len(body), "body": body}
    statement = _insert(connection, table).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=row))
    newest_first = table.c.age.desc()
    ranked = select(
        table.c.key,
        func.row_number().over(order_by=newest_first).label("place"),
        func.sum(table.c.size).over(order_by=newest_first).label("total"),
    ).subquery()
    old = select(ranked.c.key).where((ranked.c.place > KEEP) | ((ranked.c.total > KEEP_BYTES) & (ranked.c.place > 1)))
    # Two processes may forget the same entries: each skips those that the other has in hand.
    free = select(table.c.key).where(table.c.key.in_(old)).with_for_update(skip_locked=True)
    connection.execute(delete(table).where(table.c.key.in_(free)))


def past_timing(connection: Connection, scanner: str, root: str) -> tuple[float, int] | None:
    """(mean seconds, highest peak memory in bytes) of the last few times that `scanner` really ran over `root`."""
    receipts = schema.receipts
    recent = (
        select(receipts.c.seconds, receipts.c.peak_memory)
        .where(receipts.c.root == escape(root), receipts.c.scanner == escape(scanner), receipts.c.timed == 1)
        .order_by(receipts.c.seq.desc())
        .limit(_PAST)
        .subquery()
    )
    seconds, memory = connection.execute(select(func.avg(recent.c.seconds), func.max(recent.c.peak_memory))).one()
    return None if seconds is None else (float(seconds), int(memory))


def store_blob(connection: Connection, data: bytes) -> str:
    """Keep `data` once, under its SHA-256, and return that. A damaged copy is mended."""
    digest = hashlib.sha256(data).hexdigest()
    blobs = schema.blobs
    row = {"sha256": digest, "size": len(data), "data": data}
    statement = _insert(connection, blobs).values(row)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["sha256"], set_=row, where=blobs.c.data != statement.excluded.data
        )
    )
    return digest


def load_blob(connection: Connection, sha256: str) -> bytes:
    """The data of that digest. Raises StoreError when it is not there, or is no longer what was stored."""
    data = connection.execute(select(schema.blobs.c.data).where(schema.blobs.c.sha256 == escape(sha256))).scalar()
    if data is None:
        raise StoreError(f"There is no document {sha256} in the store.", hint="Run the pipeline again.")
    if hashlib.sha256(data).hexdigest() != sha256:
        raise StoreError(
            f"The document {sha256} in the store is not what was stored: it was altered or damaged.",
            hint="Restore the store from a backup, or run the pipeline again.",
        )
    return bytes(data)


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """INSERT ... ON CONFLICT, which both databases have and each dialect spells as its own."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 (150 ms, which a run over SQLite need not spend)

    return postgresql.insert(table)
