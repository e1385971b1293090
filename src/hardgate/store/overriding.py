"""Overrides in the database. Each change of one is recorded in the ledger by the same transaction."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, and_, insert, or_, select, update

from hardgate import ledger
from hardgate.errors import StoreError
from hardgate.ledger import Entry, Line
from hardgate.override import Override, Scope, Sealed, State, raw
from hardgate.permits import NOBODY, Person
from hardgate.store import ledgering, schema
from hardgate.store.reading import begins
from hardgate.store.records import escape

_LIST = "List them with: hardgate override list"


def add(connection: Connection, override: Override, seal: str) -> Line:
    """Store a request."""
    scope = override.scope
    connection.execute(
        insert(schema.overrides).values(
            id=override.id,
            pipeline=scope.pipeline,
            root=scope.root,
            commit_id=scope.commit,
            state=State.REQUESTED.value,
            seal=seal,
            body=raw(override).decode(),
        )
    )
    return _recorded(connection, ledger.REQUESTED, override, seal, by=override.requester, at=override.requested_at)


def grant(connection: Connection, known: Sealed, override: Override, seal: str) -> Line:
    """Make a request that reads as `known` the grant `override`. Raises StoreError when it has changed meanwhile."""
    _unchanged(connection, known, State.REQUESTED)
    table = schema.overrides
    values = {"state": State.GRANTED.value, "seal": seal, "body": raw(override).decode()}
    connection.execute(update(table).where(table.c.id == override.id).values(**values))
    by = override.granter or NOBODY
    return _recorded(connection, ledger.GRANTED, override, seal, by=by, at=override.granted_at)


def revoke(connection: Connection, known: Sealed, by: Person, at: str, why: str) -> Line:
    """Take an override back that was not used. Raises StoreError when it has changed meanwhile."""
    row = _unchanged(connection, known, known.state)
    if row.state not in {State.REQUESTED, State.GRANTED}:
        raise StoreError(f"The override {row.id} was not revoked: it is {row.state}.", hint=_LIST)
    _become(connection, row.id, State.REVOKED)
    return _recorded(connection, ledger.REVOKED, known.override, known.seal, by=by, at=at, why=why)


def take(connection: Connection, known: Sealed, run_id: str, by: Person, at: str) -> str:
    """Use up an override for one run: "" for the one caller that has it, else why not."""
    table = schema.overrides
    row = connection.execute(select(table).where(table.c.id == known.override.id).with_for_update()).first()
    ledgering.lock(connection)  # then what is read of the ledger is as new as the row
    if row is None:
        return "is no longer there"
    now = _sealed(connection, row)
    if now.state is not State.GRANTED or now.fate or now.doubt:
        return now.fate or now.doubt or f"is {now.state} and not granted"
    if now != known:
        return "was changed while the gate looked at it"
    _become(connection, row.id, State.USED)
    _recorded(connection, ledger.USED, known.override, known.seal, by=by, at=at, run=run_id)
    return ""


def find(connection: Connection, prefix: str) -> Sealed:
    """The override whose id is, or begins with, `prefix`. Raises StoreError for none and for several."""
    table = schema.overrides
    query = select(table).where(begins(table.c.id, escape(prefix))).order_by(table.c.id).limit(2)
    rows = list(connection.execute(query)) if prefix else []
    if not rows or len(rows) > 1:
        what = f"{prefix!r} is the beginning of several overrides" if rows else f"There is no override {prefix!r}"
        raise StoreError(f"{what}.", hint=_LIST)
    return _sealed(connection, rows[0])


def near(connection: Connection, scope: Scope) -> list[Sealed]:
    """Those of this commit, and those that wait for a gate of this pipeline in this folder; oldest first."""
    table = schema.overrides
    waiting = table.c.state.in_([State.REQUESTED.value, State.GRANTED.value])
    here = and_(table.c.pipeline == scope.pipeline, table.c.root == scope.root, waiting)
    query = select(table).where(or_(table.c.commit_id == scope.commit, here)).order_by(table.c.id)
    return [_sealed(connection, row) for row in connection.execute(query)]


def listed(connection: Connection, root: str | None) -> list[Sealed]:
    """All overrides, or those of one folder; newest first."""
    table = schema.overrides
    query = select(table).order_by(table.c.id.desc())
    if root is not None:
        query = query.where(table.c.root == ledger.tidy(root))
    return [_sealed(connection, row) for row in connection.execute(query)]


def _sealed(connection: Connection, row: Row[Any]) -> Sealed:
    """A row with what the ledger says of it: a row can be set back by hand, and the ledger remembers."""
    try:
        override, state = msgspec.json.decode(row.body, type=Override), State(row.state)
    except (ValueError, RecursionError) as error:
        hint = f"Remove the row, and see what the ledger says: hardgate audit export. {_LIST}"
        raise StoreError(f"The override {row.id} in the store cannot be read: {error}", hint=hint) from error
    used = ledgering.records(connection, ledger.USED, row.id)
    revoked = ledgering.records(connection, ledger.REVOKED, row.id)
    fate = doubt = ""
    if used:
        record = used[-1].record
        fate = f"was used by run {record.what.get('run', '?')} at {record.at} (ledger record {record.seq})"
    elif revoked:
        record = revoked[-1].record
        fate = f"was revoked by {record.who.name} at {record.at}: {record.why}"
    elif state in {State.USED, State.REVOKED}:
        doubt = f"is {state} by its row, and the ledger does not say so: somebody altered the store"
    elif (override.id, raw(override).decode()) != (row.id, row.body):
        doubt = "was altered in the store"
    elif state is State.GRANTED and not _said(connection, ledger.GRANTED, row):
        doubt = "is granted by its row, and the ledger knows of no such grant: somebody altered the store"
    return Sealed(override=override, seal=row.seal, state=state, fate=fate, doubt=doubt)


def _said(connection: Connection, kind: str, row: Row[Any]) -> bool:
    """Whether the ledger has a record of this kind with the same seal, which is whole in itself."""
    lines = ledgering.records(connection, kind, row.id)
    whole = (line for line in lines if ledger.digest(ledger.canonical(line.record)) == line.digest)
    return any(line.record.what.get("seal") == row.seal for line in whole)


def _unchanged(connection: Connection, known: Sealed, wanted: State) -> Row[Any]:
    table = schema.overrides
    row = connection.execute(select(table).where(table.c.id == known.override.id).with_for_update()).first()
    ledgering.lock(connection)
    name = known.override.id
    if row is None or _sealed(connection, row) != known or known.state is not wanted:
        what = f"it is {row.state}" if row else "it is gone"
        raise StoreError(f"Nothing was done with the override {name}: {what}.", hint=_LIST)
    if known.fate or known.doubt:
        raise StoreError(f"Nothing was done with the override {name}: it {known.fate or known.doubt}.", hint=_LIST)
    return row


def _become(connection: Connection, name: str, state: State) -> None:
    table = schema.overrides
    connection.execute(update(table).where(table.c.id == name).values(state=state.value))


def _recorded(
    connection: Connection,
    kind: str,
    override: Override,
    seal: str,
    *,
    by: Person,
    at: str,
    why: str = "",
    run: str = "",
) -> Line:
    what: dict[str, Any] = {"seal": seal, "override": override}
    if run:
        what["run"] = run
    evidence = ledger.digest(raw(override))
    entry = Entry(
        kind=kind, subject=override.id, at=at, who=by, what=what, why=why or override.reason, evidence=evidence
    )
    return ledgering.append(connection, entry)
