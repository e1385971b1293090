"""The ledger in the database: each record is added in the transaction of what it records, behind the newest one.

An advisory lock makes the writers of PostgreSQL queue for the end of the chain; SQLite has one writer at a time anyway.
Whoever needs other locks takes them first, so that nobody waits in a circle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, text

from hardgate import ledger
from hardgate.ledger import Entry, Line, Problem, Record
from hardgate.model import State, Verdict, Waiver
from hardgate.permits import Person
from hardgate.store import schema
from hardgate.store.owner import now
from hardgate.store.reading import find_run
from hardgate.store.records import unescape

_TOGETHER = 2000  # texts
_LOCK = 0x6C656467  # of the end of the chain; beside that of opening.py: "ledg"
_Change = tuple[str, dict[str, Any], dict[str, Any] | None]  # the word, the waiver, and what it was before
_DETAILS = frozenset({"reason", "owner", "until", "ticket"})  # of a waiver: what can change while it waives the same


def lock(connection: Connection) -> None:
    """Keep the end of the chain for this transaction; what is read afterwards is as new as the chain."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def append(connection: Connection, entry: Entry) -> Line:
    """Add a record behind the newest one, and return it with its digest."""
    lock(connection)
    table = schema.ledger
    last = connection.execute(select(table.c.seq, table.c.digest).order_by(table.c.seq.desc()).limit(1)).first()
    line = ledger.next_line(entry, last.seq + 1 if last else 1, last.digest if last else ledger.START)
    record = line.record
    connection.execute(
        insert(table).values(
            seq=record.seq,
            digest=line.digest,
            previous=record.previous,
            kind=record.kind,
            subject=record.subject,
            body=ledger.canonical(record).decode(),
        )
    )
    return line


def begin(connection: Connection) -> None:
    """Write the first record: how much was in the store before there was a ledger, which it cannot vouch for."""
    runs = connection.execute(select(func.coalesce(func.max(schema.runs.c.seq), 0))).scalar_one()
    verdicts = connection.execute(select(func.count()).select_from(schema.verdicts)).scalar_one()
    why = "The ledger begins. What was judged before is not in it." if verdicts else "The ledger begins."
    what = {"last_run": runs, "verdicts": verdicts}
    who = Person(source="hardgate")
    append(connection, Entry(kind=ledger.GENESIS, subject="", at=now(), who=who, what=what, why=why))


def record_verdict(
    connection: Connection, run_id: str, verdict: Verdict, digest: str, *, by: Person, waivers: Iterable[Waiver] | None
) -> Line:
    """Record the verdict that was stored for a run, with the digest of its text, and before it what changed about its
    waivers."""
    run = find_run(connection, run_id)
    evidence = evidence_of(connection, run.seq)
    lock(connection)
    name = unescape(run.id)
    if waivers is not None and not _newer_judged(connection, run):
        for entry in _waiver_changes(connection, run, waivers, by):
            append(connection, entry)
    what = {
        "run": name,
        "pipeline": unescape(run.pipeline),
        "pipeline_digest": unescape(run.pipeline_digest),
        "root": unescape(run.root),
        "commit": unescape(run.commit_id),
        "tree": unescape(run.tree),
        "state": run.state,
        "outcome": verdict.outcome.value,
        "exit_code": verdict.exit_code.value,
        "judged_at": verdict.judged_at,
        "counts": {state.value: verdict.count(state) for state in State} | {"gaps": len(verdict.gaps)},
        "override": verdict.override.id if verdict.override else "",
        "verdict": digest,
    }
    entry = Entry(kind=ledger.VERDICT, subject=name, at=now(), who=by, what=what, evidence=evidence)
    return append(connection, entry)


def evidence_of(connection: Connection, run: int) -> str:
    """SHA-256 over the stored texts of a run: itself, the list of its merged findings, its receipts, their findings and
    the merged ones that have rows of their own, in this order. A run of revision 0003 has no such list.

    Each text is followed by a NUL, which none of them can hold.
    """
    whole = hashlib.sha256()
    runs, receipts, findings = schema.runs, schema.receipts, schema.findings
    for query in (
        select(runs.c.body).where(runs.c.seq == run),
        select(runs.c.merged).where(runs.c.seq == run, runs.c.merged.is_not(None)),
        select(receipts.c.body).where(receipts.c.run == run).order_by(receipts.c.position),
        # In the order of the index: sorting would cost as much as all the rest.
        select(findings.c.body)
        .where(findings.c.run == run, findings.c.receipt.is_not(None))
        .order_by(findings.c.receipt, findings.c.position),
        select(findings.c.body)
        .where(findings.c.run == run, findings.c.receipt.is_(None))
        .order_by(findings.c.position),
    ):
        texts = connection.execute(query.execution_options(yield_per=_TOGETHER)).scalars()
        for some in texts.partitions():
            whole.update("\0".join([*some, ""]).encode())
    return whole.hexdigest()


def lines(connection: Connection) -> tuple[list[Line], list[Problem]]:
    """The whole ledger in its order, and what is wrong with single rows: such as no record at all."""
    found, problems = list[Line](), list[Problem]()
    for row in connection.execute(select(schema.ledger).order_by(schema.ledger.c.seq)):
        try:
            record = msgspec.json.decode(row.body, type=Record)
        except (msgspec.DecodeError, RecursionError) as error:
            problems.append(Problem(seq=row.seq, message=f"record {row.seq} was altered: it cannot be read: {error}"))
            continue
        line = Line(digest=row.digest, record=record)
        found.append(line)
        if row.body != ledger.canonical(record).decode() or _columns(row) != _columns(record):
            message = f"record {row.seq} was altered: the copies that the store searches by are not what it says"
            problems.append(Problem(seq=row.seq, message=message))
    return found, problems


def _columns(one: Any) -> tuple[object, ...]:
    return (one.seq, one.previous, one.kind, one.subject)


def records(connection: Connection, kind: str, subject: str) -> list[Line]:
    """The records of one kind about one thing, oldest first; their digests are not looked at here."""
    table = schema.ledger
    query = select(table).where(table.c.kind == kind, table.c.subject == subject).order_by(table.c.seq)
    return [Line(digest=row.digest, record=msgspec.json.decode(row.body, type=Record)) for row in
            connection.execute(query)]  # fmt: skip


def head(connection: Connection) -> tuple[int, str]:
    """Number and digest of the newest record; (0, START) when all were removed."""
    table = schema.ledger
    row = connection.execute(select(table.c.seq, table.c.digest).order_by(table.c.seq.desc()).limit(1)).first()
    return (row.seq, row.digest) if row else (0, ledger.START)


# Waivers


def _newer_judged(connection: Connection, run: Row[Any]) -> bool:
    """Whether a later run of the same pipeline and root was judged: then the waivers of this one are history."""
    runs = schema.runs
    query = (
        select(runs.c.seq)
        .join(schema.verdicts, schema.verdicts.c.run == runs.c.seq)
        .where(runs.c.root == run.root, runs.c.pipeline == run.pipeline, runs.c.seq > run.seq)
        .limit(1)
    )
    return connection.execute(query).first() is not None


def _place(run: Row[Any]) -> str:
    """What a record about waivers is about: one pipeline in one folder."""
    return ledger.tidy(f"{unescape(run.pipeline)} in {unescape(run.root)}")  # type: ignore[no-any-return]  # a text stays one


def _waiver_changes(connection: Connection, run: Row[Any], waivers: Iterable[Waiver], by: Person) -> Sequence[Entry]:
    """What was added, removed and changed since the records of this pipeline and root were written last."""
    known: dict[bytes, dict[str, Any]] = {}
    for line in records(connection, ledger.WAIVER, _place(run)):
        what = line.record.what
        if what["change"] == "removed":
            known.pop(_same(what["waiver"]), None)
        else:
            known[_same(what["waiver"])] = what["waiver"]
    wanted = {_same(one): one for one in map(_said, waivers)}
    changes: list[_Change] = [("removed", known[key], None) for key in known if key not in wanted]
    changes += [("added", one, None) for key, one in wanted.items() if key not in known]
    changes += [("changed", one, known[key]) for key, one in wanted.items() if key in known and known[key] != one]
    return [_waiver_entry(run, change, waiver, before, by) for change, waiver, before in changes]


def _waiver_entry(
    run: Row[Any], change: str, waiver: dict[str, Any], before: dict[str, Any] | None, by: Person
) -> Entry:
    what = {"change": change, "run": unescape(run.id), "commit": unescape(run.commit_id), "waiver": waiver}
    if before is not None:
        what["before"] = before
    why = str(waiver.get("reason", ""))
    evidence = ledger.digest(ledger.canonical(waiver))
    return Entry(kind=ledger.WAIVER, subject=_place(run), at=now(), who=by, what=what, why=why, evidence=evidence)


def _said(waiver: Waiver) -> dict[str, Any]:
    """A waiver as a record has it: without what it leaves open, so that a new key of a later release changes none."""
    return {key: value for key, value in ledger.tidy(waiver).items() if value}


def _same(waiver: dict[str, Any]) -> bytes:
    """What a waiver is known by: what it waives, whoever answers for it and however long."""
    return ledger.canonical({key: value for key, value in waiver.items() if key not in _DETAILS})
