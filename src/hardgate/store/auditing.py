"""Whether the ledger is whole, and whether the store still holds what the ledger says of it.

The chain alone cannot miss its own last records. The verdicts and overrides in the store do: each has its record.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select

from hardgate import ledger
from hardgate.ledger import Chain, Line, Problem
from hardgate.model import RunState
from hardgate.override import State
from hardgate.store import ledgering, schema
from hardgate.store.records import unescape

_STATES = {
    State.REQUESTED: ledger.REQUESTED,
    State.GRANTED: ledger.GRANTED,
    State.REVOKED: ledger.REVOKED,
    State.USED: ledger.USED,
}


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. `problems` are those of the chain and of the comparison with the store; `lines` all records."""

    chain: Chain
    problems: tuple[Problem, ...]
    lines: tuple[Line, ...]


def audit(connection: Connection, *, evidence: bool) -> Audit:
    """Follow the chain, and compare it with the verdicts, the overrides and, with `evidence`, the runs."""
    lines, unreadable = ledgering.lines(connection)
    chain = ledger.follow(lines)
    newest = {(one.record.kind, one.record.subject): one for one in lines}
    verdicts = _verdicts(connection, lines, newest, evidence=evidence)
    problems = (*unreadable, *chain.problems, *verdicts, *_overrides(connection, newest))
    return Audit(chain=chain, problems=tuple(dict.fromkeys(problems)), lines=tuple(lines))


def _verdicts(
    connection: Connection, lines: list[Line], newest: dict[tuple[str, str], Line], *, evidence: bool
) -> list[Problem]:
    before = lines[0].record.what.get("last_run", 0) if lines and lines[0].record.kind == ledger.GENESIS else 0
    runs, verdicts = schema.runs, schema.verdicts
    query = select(runs.c.seq, runs.c.id, verdicts.c.body).join(verdicts, verdicts.c.run == runs.c.seq)
    problems, seen = list[Problem](), set[str]()
    for row in connection.execute(query.order_by(runs.c.seq)):
        name = ledger.tidy(unescape(row.id))
        seen.add(name)
        line = newest.get((ledger.VERDICT, name))
        if line is None and row.seq > before:
            message = f"the verdict of run {name} has no record: its record was removed, or the verdict was put there"
            problems.append(Problem(seq=0, message=message))
        elif line is not None:
            problems += _verdict(connection, row.seq, row.body, line, evidence=evidence)
    problems += [
        Problem(seq=line.record.seq, message=f"the verdict of run {name} in record {line.record.seq} is gone")
        for (kind, name), line in newest.items()
        if kind == ledger.VERDICT and name not in seen
    ]
    return problems


def _verdict(connection: Connection, run: int, body: str, line: Line, *, evidence: bool) -> list[Problem]:
    record = line.record
    if ledger.digest(body.encode()) != record.what.get("verdict"):
        message = f"the verdict of run {record.subject} in the store is not the one of record {record.seq}"
        return [Problem(seq=record.seq, message=message)]
    # A run that was judged before its end may have gone on since.
    whole = record.what.get("state") == RunState.FINISHED
    if evidence and whole and ledgering.evidence_of(connection, run) != record.evidence:
        message = f"the evidence of run {record.subject} in the store is not that of record {record.seq}"
        return [Problem(seq=record.seq, message=message)]
    return []


def _overrides(connection: Connection, newest: dict[tuple[str, str], Line]) -> list[Problem]:
    problems = []
    table = schema.overrides
    for row in connection.execute(select(table).order_by(table.c.id)):
        last = max((one for kind in _STATES.values() if (one := newest.get((kind, row.id)))), default=None,
                   key=lambda one: one.record.seq)  # fmt: skip
        kind = _STATES.get(row.state)
        told = (last.record.kind, last.record.what.get("seal"), last.record.evidence) if last else None
        if told != (kind, row.seal, ledger.digest(row.body.encode())):
            message = f"the override {row.id} in the store is not as its last record says: it was altered or put there"
            problems.append(Problem(seq=last.record.seq if last else 0, message=message))
    return problems
