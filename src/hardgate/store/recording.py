"""Runs, receipts, findings and verdicts into rows. Each function works inside the transaction of its caller."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, CursorResult, Row, delete, func, insert, select, update

from hardgate.errors import StoreError
from hardgate.model import ActionState, Receipt, Run, RunState, State, Verdict
from hardgate.store import rows, schema
from hardgate.store.owner import Owner, gone, now, this_process
from hardgate.store.reading import find_run, lost_runs, owner_of, unknown_run
from hardgate.store.records import encode, escape

_RESUME = "Resume it with: hardgate run --resume"


class Written(NamedTuple):
    """A receipt that this process stored, and the digest that its row has."""

    receipt: Receipt
    sha256: str


def insert_run(connection: Connection, run: Run) -> None:
    """Store `run` whole as one of this process. Raises StoreError when its id is taken."""
    _settle(connection)
    if connection.execute(select(schema.runs.c.seq).where(schema.runs.c.id == escape(run.id))).first():
        raise StoreError(
            f"The run {run.id} was not stored: there is one of that id.", hint="Begin a run with a new id."
        )
    owner = _owner_columns(this_process())
    result = connection.execute(insert(schema.runs).values(**_run_columns(run), **owner))
    _write_contents(connection, _number(result), run, {})


def update_run(connection: Connection, run: Run, written: Mapping[str, Written]) -> None:
    """Make the stored run equal to `run`: its receipts (`written` are known, by action), its findings, its state."""
    row = own_run(connection, run.id)
    connection.execute(update(schema.runs).where(schema.runs.c.seq == row.seq).values(**_run_columns(run)))
    _write_contents(connection, row.seq, run, written)


def insert_receipts(connection: Connection, run_id: str, receipts: Iterable[Receipt]) -> dict[str, Written]:
    """Add receipts to a run of this process; what was written, by action.

    A receipt with a gap makes room for a later one of its action (a run that is resumed tries again). Raises StoreError
    when an action that is done reports twice.
    """
    row = own_run(connection, run_id)
    return {receipt.action: _add_receipt(connection, row, receipt) for receipt in receipts}


def own_run(connection: Connection, run_id: str) -> Row[Any]:
    """The row of a run that this process works on, locked. Raises StoreError when it is finished or another's."""
    runs = schema.runs
    row = connection.execute(select(*schema.RUN).where(runs.c.id == escape(run_id)).with_for_update()).first()
    if row is None:
        raise unknown_run(run_id)
    if row.state == RunState.FINISHED:
        raise StoreError(f"Nothing was added to run {run_id}: it has finished.", hint="Begin a new run.")
    if owner_of(row) != this_process():
        raise StoreError(f"Nothing was added to run {run_id}: it belongs to another process.", hint=_RESUME)
    if row.state == RunState.INTERRUPTED:  # another machine lost sight of us: we are alive
        connection.execute(update(runs).where(runs.c.seq == row.seq).values(state=RunState.RUNNING))
    return row


def claim_run(connection: Connection, run_id: str) -> Row[Any]:
    """Make this process the owner of an interrupted run. Raises StoreError when it is no such run."""
    runs = schema.runs
    row = connection.execute(select(*schema.RUN).where(runs.c.id == escape(run_id)).with_for_update()).first()
    if row is None:
        raise unknown_run(run_id)
    if row.state == RunState.FINISHED:
        raise StoreError(f"Run {run_id} was not resumed: it has finished.", hint="Start a new one: hardgate run")
    if row.state == RunState.RUNNING and not gone(owner_of(row), row.claimed):
        raise StoreError(
            f"Run {run_id} was not resumed: process {row.process} is still working on it.",
            hint="Wait for that process to end, or start a new run.",
        )
    owner = _owner_columns(this_process())
    connection.execute(update(runs).where(runs.c.seq == row.seq).values(state=RunState.RUNNING, **owner))
    return connection.execute(select(*schema.RUN).where(runs.c.seq == row.seq)).one()


def mark_interrupted(connection: Connection, run_id: str) -> None:
    """Note that a run was stopped. Raises StoreError when it has finished, or its process still works on it."""
    runs = schema.runs
    row = connection.execute(select(*schema.RUN).where(runs.c.id == escape(run_id)).with_for_update()).first()
    if row is None:
        raise unknown_run(run_id)
    owner = owner_of(row)
    if row.state == RunState.FINISHED or not (owner == this_process() or gone(owner, row.claimed)):
        raise StoreError(f"Run {run_id} was not marked as interrupted: it has finished, or another process runs it.")
    connection.execute(update(runs).where(runs.c.seq == row.seq).values(state=RunState.INTERRUPTED))


def store_verdict(connection: Connection, run_id: str, verdict: Verdict) -> str:
    """Keep `verdict` as the one of its run: the gate is pure, so an earlier one can be had again from the run.

    SHA-256 over its text is returned.
    """
    run = find_run(connection, run_id)
    # Of two gates that judge one run at once the second waits, and then sees the row that it replaces.
    connection.execute(select(schema.runs.c.seq).where(schema.runs.c.seq == run.seq).with_for_update())
    connection.execute(delete(schema.verdicts).where(schema.verdicts.c.run == run.seq))
    body = encode(verdict)
    connection.execute(
        insert(schema.verdicts).values(
            run=run.seq,
            judged_at=escape(verdict.judged_at),
            outcome=verdict.outcome.value,
            blocking=verdict.count(State.BLOCKING),
            gaps=len(verdict.gaps),
            body=body,
        )
    )
    return hashlib.sha256(body.encode()).hexdigest()


def _run_columns(run: Run) -> dict[str, object]:
    counts = Counter(finding.severity.value for finding in run.findings)
    return {
        "id": escape(run.id),
        "pipeline": escape(run.pipeline),
        "pipeline_digest": escape(run.pipeline_digest),
        "root": escape(run.root),
        "commit_id": escape(run.commit),
        "tree": escape(run.tree),
        "started": escape(run.started),
        "finished": escape(run.finished),
        "state": run.state.value,
        "counts": encode(counts) if run.state is RunState.FINISHED else None,
        "body": encode(msgspec.structs.replace(run, receipts=(), findings=())),
    }


def _owner_columns(owner: Owner) -> dict[str, object]:
    return {
        "machine": escape(owner.machine),
        "process": owner.process,
        "process_started": owner.started,
        "claimed": now(),
    }


def _settle(connection: Connection) -> None:
    """Write down which runs were interrupted: their process numbers will be used again."""
    lost = lost_runs(connection, lock=True)
    if lost:
        connection.execute(update(schema.runs).where(schema.runs.c.seq.in_(lost)).values(state=RunState.INTERRUPTED))


def withdraw(connection: Connection, run_id: str, actions: Iterable[str]) -> None:
    """Take the receipts of these actions out of a run of this process: they are to be done again."""
    run = own_run(connection, run_id)
    receipts = schema.receipts
    named = receipts.c.action.in_([escape(action) for action in actions])
    for seq in connection.execute(select(receipts.c.seq).where(receipts.c.run == run.seq, named)).scalars().all():
        _drop(connection, seq)


def _add_receipt(connection: Connection, run: Row[Any], receipt: Receipt) -> Written:
    receipts = schema.receipts
    of_run = receipts.c.run == run.seq
    earlier = connection.execute(select(receipts).where(of_run, receipts.c.action == escape(receipt.action))).first()
    if earlier is None:
        last = connection.execute(select(func.max(receipts.c.position)).where(of_run)).scalar()
        return _insert_receipt(connection, run, 0 if last is None else last + 1, receipt)
    if earlier.state == ActionState.GAP:
        _drop(connection, earlier.seq)
        return _insert_receipt(connection, run, earlier.position, receipt)
    raise StoreError(
        f"The receipt of {receipt.action} was not stored: its run has one of this action.",
        hint="Begin a new run to run the action again.",
    )


def _stored(connection: Connection, run: int) -> dict[str, Any]:
    """The receipts of a run, without their bodies, by action."""
    receipts = schema.receipts
    columns = (receipts.c.seq, receipts.c.action, receipts.c.state, receipts.c.position, receipts.c.sha256)
    return {row.action: row for row in connection.execute(select(*columns).where(receipts.c.run == run))}


def _write_contents(connection: Connection, seq: int, run: Run, written: Mapping[str, Written]) -> None:
    """Make receipts and merged findings those of `run`, writing again only what differs."""
    actions = [receipt.action for receipt in run.receipts]
    twice = [action for action, times in Counter(actions).items() if times > 1]
    if twice:
        raise StoreError(f"Run {run.id} was not stored: it has two receipts of {', '.join(twice)}.")
    row = connection.execute(select(*schema.RUN).where(schema.runs.c.seq == seq)).one()
    stored = _stored(connection, seq)
    for action in stored.keys() - {escape(action) for action in actions}:
        _drop(connection, stored[action].seq)
    for position, receipt in enumerate(run.receipts):
        earlier = stored.get(escape(receipt.action))
        if earlier is not None and earlier.position == position and _same(earlier.sha256, receipt, written):
            continue
        if earlier is not None:
            _drop(connection, earlier.seq)
        _insert_receipt(connection, row, position, receipt)
    rows.write_merged(connection, seq, [one for receipt in run.receipts for one in receipt.findings], run.findings)


def _same(sha256: str, receipt: Receipt, written: Mapping[str, Written]) -> bool:
    """Whether a receipt is the stored one. What was written here and is the same value need not be read again."""
    known = written.get(receipt.action)
    if known is not None and known.receipt is receipt:
        return known.sha256 == sha256
    return sha256 == _sha256(receipt, map(encode, receipt.findings))


def _insert_receipt(connection: Connection, run: Row[Any], position: int, receipt: Receipt) -> Written:
    receipts = schema.receipts
    result = connection.execute(
        insert(receipts).values(
            run=run.seq,
            position=position,
            action=escape(receipt.action),
            scanner=escape(receipt.scanner),
            state=receipt.state.value,
            root=run.root,
            timed=int(receipt.state is ActionState.DONE and not receipt.cached_from),
            seconds=receipt.seconds,
            peak_memory=receipt.peak_memory,
            sha256="",
            body=encode(msgspec.structs.replace(receipt, findings=())),
        )
    )
    number = _number(result)
    sha256 = _sha256(receipt, rows.insert(connection, run.seq, number, receipt.findings))
    connection.execute(update(receipts).where(receipts.c.seq == number).values(sha256=sha256))
    return Written(receipt, sha256)


def _number(result: CursorResult[Any]) -> int:
    """The number of the row that was inserted."""
    (number,) = tuple[int, ...](result.inserted_primary_key or ())
    return number


def _drop(connection: Connection, receipt: int) -> None:
    connection.execute(delete(schema.findings).where(schema.findings.c.receipt == receipt))
    connection.execute(delete(schema.receipts).where(schema.receipts.c.seq == receipt))


def _sha256(receipt: Receipt, texts: Iterable[str]) -> str:
    """SHA-256 over the text of the whole receipt, made in parts; `texts` are those of its findings, one or more each.

    Quotes within a text are written with a backslash, so the empty list is found in one place only.
    """
    head, empty, tail = encode(msgspec.structs.replace(receipt, findings=())).partition('"findings":[]')
    whole = hashlib.sha256(f"{head}{empty[:-1]}".encode())
    for place, one in enumerate(texts):
        whole.update(f",{one}".encode() if place else one.encode())
    whole.update(f"{empty[-1:]}{tail}".encode())
    return whole.hexdigest()
