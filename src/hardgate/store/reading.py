"""Questions to the store. Each function works inside the transaction of its caller and writes nothing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, case, false, select

from hardgate.errors import StoreError
from hardgate.model import Finding, Kind, Outcome, Receipt, Run, RunState, Severity, State, Verdict
from hardgate.store import rows, schema
from hardgate.store.owner import Owner, gone
from hardgate.store.records import decode, escape, unescape

_LAST = "\U0010ffff"  # sorts after every other character: the end of a range of prefixes


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list of runs.

    `counts` (findings by severity) is None until the run has finished; `outcome`, `blocking` (findings) and `gaps` are
    None until it has been judged.
    """

    id: str
    pipeline: str
    root: str
    commit: str
    started: str
    finished: str
    state: RunState
    counts: dict[Severity, int] | None
    outcome: Outcome | None
    blocking: int | None
    gaps: int | None


def find_run(connection: Connection, run_id: str) -> Row[Any]:
    """The row of the run whose id is, or begins with, `run_id`. Raises StoreError for none and for several."""
    runs = schema.runs
    wanted = escape(run_id)
    query = select(*schema.RUN).where(begins(runs.c.id, wanted)).order_by(runs.c.id).limit(3)
    found = list(connection.execute(query)) if wanted else []
    if not found:
        raise unknown_run(run_id)
    if len(found) > 1 and found[0].id != wanted:
        these = ", ".join(unescape(row.id) for row in found[:2])
        raise StoreError(f"{run_id!r} is the beginning of several runs: {these}.", hint="Give more of the id.")
    return found[0]


def load_run(connection: Connection, row: Row[Any]) -> Run:
    """The whole run of a row, as it was when it was stored last."""
    by_receipt, merged = rows.load(connection, row.seq)
    query = select(schema.receipts).where(schema.receipts.c.run == row.seq).order_by(schema.receipts.c.position)
    receipts = [
        msgspec.structs.replace(
            decode(line.body, Receipt, f"The receipt of {line.action}"), findings=tuple(by_receipt.get(line.seq, ()))
        )
        for line in connection.execute(query)
    ]
    interrupted = row.state != RunState.FINISHED and _seen_state(row) is RunState.INTERRUPTED
    return msgspec.structs.replace(
        decode(row.body, Run, f"Run {row.id}"),
        state=RunState.INTERRUPTED if interrupted else RunState(row.state),
        receipts=tuple(receipts),
        findings=merged,
    )


def list_runs(connection: Connection, *, root: str | None, state: RunState | None, limit: int) -> list[RunRow]:
    """The newest runs first."""
    runs, verdicts = schema.runs, schema.verdicts
    current = _current_state(connection)
    columns = (*schema.RUN, current.label("current"), verdicts.c.outcome, verdicts.c.blocking, verdicts.c.gaps)
    query = select(*columns).outerjoin(verdicts, verdicts.c.run == runs.c.seq).order_by(runs.c.seq.desc()).limit(limit)
    if root is not None:
        query = query.where(runs.c.root == escape(root))
    if state is not None:
        query = query.where(current == state.value)
    return [_run_row(row) for row in connection.execute(query)]


def latest_finished(connection: Connection, root: str) -> Row[Any] | None:
    """The row of the run of `root` that finished last."""
    runs = schema.runs
    query = select(*schema.RUN).where(runs.c.root == escape(root), runs.c.state == RunState.FINISHED.value)
    return connection.execute(query.order_by(runs.c.finished.desc(), runs.c.seq.desc()).limit(1)).first()


def newest_interrupted(connection: Connection, root: str, pipeline_digest: str, tree: str) -> Row[Any] | None:
    """The row of the newest interrupted run of the same definition over the same files."""
    runs = schema.runs
    query = select(*schema.RUN).where(
        runs.c.root == escape(root),
        runs.c.pipeline_digest == escape(pipeline_digest),
        runs.c.tree == escape(tree),
        _current_state(connection) == RunState.INTERRUPTED.value,
    )
    return connection.execute(query.order_by(runs.c.seq.desc()).limit(1)).first()


def list_findings(
    connection: Connection,
    run: Row[Any],
    *,
    severities: Collection[Severity],
    kinds: Collection[Kind],
    scanner: str,
    states: Collection[State],
) -> list[Finding]:
    """The findings of a run that every given filter lets through, in the order of the run."""
    runs, findings = schema.runs, schema.findings
    counts = rows.standing(runs.c.state == RunState.FINISHED.value)
    wanted: list[ColumnElement[bool]] = [findings.c.run == run.seq, counts]
    if severities:
        wanted.append(findings.c.severity.in_([severity.value for severity in severities]))
    if kinds:
        wanted.append(findings.c.kind.in_([kind.value for kind in kinds]))
    if scanner:
        wanted.append(findings.c.scanners.contains(f",{escape(scanner)},", autoescape=True))
    query = select(findings.c.seq, findings.c.id, findings.c.body).join(runs, runs.c.seq == findings.c.run)
    found = connection.execute(query.where(*wanted).order_by(findings.c.receipt, findings.c.position)).all()
    if run.state == RunState.FINISHED and (order := rows.order(connection, run.seq)) is not None:
        places = {number: place for place, number in enumerate(order)}
        found = sorted(found, key=lambda row: places[row.seq])
    decided = _decided(connection, run, states) if states else None
    return [decode(row.body, Finding, f"Finding {row.id}") for row in found if decided is None or row.id in decided]


def search_finding(connection: Connection, root: str | None, prefix: str, limit: int) -> list[tuple[str, Finding]]:
    """(run id, finding) for findings whose id is, or begins with, `prefix`; the newest run first."""
    if not prefix:
        return []
    runs, findings = schema.runs, schema.findings
    elsewhere = false() if root is None else runs.c.root != escape(root)
    counts = case((elsewhere, false()), else_=rows.standing(runs.c.state == RunState.FINISHED.value))
    query = (
        select(runs.c.id.label("run_id"), findings.c.id, findings.c.body)
        .join(runs, runs.c.seq == findings.c.run)
        .where(begins(findings.c.id, escape(prefix)), counts)
        .order_by(runs.c.seq.desc(), findings.c.seq)
        .limit(limit)
    )
    return [(unescape(row.run_id), decode(row.body, Finding, f"Finding {row.id}")) for row in connection.execute(query)]


def load_verdict(connection: Connection, run: Row[Any]) -> Verdict | None:
    """The verdict of a run; None when it has not been judged."""
    body = connection.execute(select(schema.verdicts.c.body).where(schema.verdicts.c.run == run.seq)).scalar()
    return None if body is None else decode(body, Verdict, f"The verdict of run {run.id}")


def unknown_run(run_id: str) -> StoreError:
    """What to say about a run that the store has not."""
    return StoreError(f"There is no run {run_id!r} in the store.", hint="List the runs with: hardgate runs")


def owner_of(row: Row[Any]) -> Owner:
    """The process that a run belongs to."""
    return Owner(unescape(row.machine), row.process, row.process_started)


def lost_runs(connection: Connection, *, lock: bool = False) -> list[int]:
    """The rows of runs that say they are running and whose process is gone.

    With `lock` they stay so until the end of the transaction; rows that another process has locked are left out.
    """
    query = select(*schema.RUN).where(schema.runs.c.state == RunState.RUNNING.value)
    running = connection.execute(query.with_for_update(skip_locked=True) if lock else query)
    return [row.seq for row in running if gone(owner_of(row), row.claimed)]


def begins(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """A range, and not LIKE: an index serves it, and `%` is no wildcard in it."""
    return and_(column >= prefix, column < prefix + _LAST)


def _seen_state(row: Row[Any]) -> RunState:
    if row.state == RunState.RUNNING and gone(owner_of(row), row.claimed):
        return RunState.INTERRUPTED
    return RunState(row.state)


def _current_state(connection: Connection) -> ColumnElement[str]:
    """The state as it is now: reading must not need the right, or the space, to write down that a process died."""
    lost = lost_runs(connection)
    runs = schema.runs
    return case((runs.c.seq.in_(lost), RunState.INTERRUPTED.value), else_=runs.c.state) if lost else runs.c.state


def _decided(connection: Connection, run: Row[Any], states: Collection[State]) -> set[str]:
    verdict = load_verdict(connection, run)
    if verdict is None:
        name = unescape(run.id)
        raise StoreError(
            f"Run {name} has not been judged, so no finding has a state.", hint=f"Judge it: hardgate gate --run {name}"
        )
    return {escape(decision.finding) for decision in verdict.decisions if decision.state in states}


def _run_row(row: Row[Any]) -> RunRow:
    return RunRow(
        id=unescape(row.id),
        pipeline=unescape(row.pipeline),
        root=unescape(row.root),
        commit=unescape(row.commit_id),
        started=unescape(row.started),
        finished=unescape(row.finished),
        state=RunState(row.current),
        counts=None if row.counts is None else decode(row.counts, dict[Severity, int], f"The counts of run {row.id}"),
        outcome=None if row.outcome is None else Outcome(row.outcome),
        blocking=row.blocking,
        gaps=row.gaps,
    )
