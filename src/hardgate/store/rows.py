"""Findings into rows and back, many at a time. A merged finding that is one of a receipt's as it is has no second row.

Each function works inside the transaction of its caller.
"""

from __future__ import annotations

import functools
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
from sqlalchemy import ColumnElement, Connection, bindparam, case, delete, select, update

from hardgate.errors import StoreError
from hardgate.model import Finding, Kind, Severity
from hardgate.store import schema
from hardgate.store.records import ALTERED, decode, encode, escape

_TOGETHER = 2000  # rows: all at once would double the memory of a run
_WORDS = {word: word.value for word in (*Severity, *Kind)}  # `value` is a call of Python
_COLUMNS = ("run", "receipt", "position", "id", "severity", "kind", "scanners", "body")


def insert(connection: Connection, run: int, receipt: int | None, findings: Iterable[Finding]) -> Iterator[str]:
    """Insert the findings of a receipt, or (None) merged ones; their texts, many at a time, once the rows are there.

    Between two texts is a comma.
    """
    # As plain tuples: SQLAlchemy would spend as long on each row as the database does.
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    marks = ", ".join([mark] * len(_COLUMNS))
    statement = f"INSERT INTO findings ({', '.join(_COLUMNS)}) VALUES ({marks})"  # noqa: S608 (constants)
    rows = (
        (
            run, receipt, position, escape(one.id), _WORDS[one.severity], _WORDS[one.kind],
            _scanners(one), encode(one),
        )
        for position, one in enumerate(findings)
    )  # fmt: skip
    while some := list(itertools.islice(rows, _TOGETHER)):
        connection.exec_driver_sql(statement, some)
        yield ",".join([row[-1] for row in some])


def _scanners(finding: Finding) -> str:
    """Every scanner that saw it, each between commas."""
    return _listed(finding.scanner, tuple([witness.scanner for witness in finding.witnesses]))


@functools.lru_cache(maxsize=256)
def _listed(lead: str, others: Sequence[str]) -> str:
    return f",{','.join(escape(name) for name in sorted({lead, *others}))},"


def write_merged(connection: Connection, run: int, of_receipts: Sequence[Finding], merged: Sequence[Finding]) -> None:
    """Make the merged findings of a run these. `of_receipts` are all of its receipts', in the order of the receipts.

    Those that a receipt has as they are stand in its rows; the others get rows of their own.
    """
    table = schema.findings
    connection.execute(delete(table).where(table.c.run == run, table.c.receipt.is_(None)))
    connection.execute(update(table).where(table.c.run == run, table.c.absorbed == 1).values(absorbed=None))
    places = {one.id: place for place, one in enumerate(of_receipts)}
    shared = [_shared(one, places, of_receipts) for one in merged]
    alone = (one for one, place in zip(merged, shared, strict=True) if place is None)
    for _ in insert(connection, run, None, alone):
        pass
    numbers, own = _numbers(connection, run)
    order = [next(own) if place is None else numbers[place] for place in shared]
    standing = set(order)
    absorbed = [{"number": number} for number in numbers if number not in standing]
    if absorbed:
        mark = update(table).where(table.c.seq == bindparam("number")).values(absorbed=1)
        connection.execute(mark, absorbed)
    told = msgspec.json.encode(order).decode()
    connection.execute(update(schema.runs).where(schema.runs.c.seq == run).values(merged=told))


def _shared(finding: Finding, places: Mapping[str, int], of_receipts: Sequence[Finding]) -> int | None:
    """Where the same finding is among those of the receipts, None when none of them is the same in all."""
    place = places.get(finding.id)
    return None if place is None or of_receipts[place] != finding else place


def _numbers(connection: Connection, run: int) -> tuple[list[int], Iterator[int]]:
    """The rows of a run's findings: those of the receipts, in the order of the receipts, and those of none."""
    receipts, table = schema.receipts, schema.findings
    query = select(table.c.receipt, table.c.seq).where(table.c.run == run)
    by_receipt: defaultdict[int | None, list[int]] = defaultdict(list)
    for receipt, number in connection.execute(query.order_by(table.c.receipt, table.c.position)):
        by_receipt[receipt].append(number)
    listed = connection.execute(select(receipts.c.seq).where(receipts.c.run == run).order_by(receipts.c.position))
    return [number for receipt in listed.scalars() for number in by_receipt[receipt]], iter(by_receipt[None])


def standing(finished: ColumnElement[bool]) -> ColumnElement[bool]:
    """The findings that count: the merged ones of a `finished` run, else those of the receipts; beside `runs`."""
    runs, table = schema.runs, schema.findings
    merged = case((runs.c.merged.is_(None), table.c.receipt.is_(None)), else_=table.c.absorbed.is_(None))
    # A case, and no "and": SQLite would read every finding of the root, by the index over its runs.
    return case((finished, merged), else_=table.c.receipt.is_not(None))


def order(connection: Connection, run: int) -> list[int] | None:
    """The rows of the merged findings of a run in their order; None for one that an older release stored."""
    told = connection.execute(select(schema.runs.c.merged).where(schema.runs.c.seq == run)).scalar()
    return None if told is None else decode(told, list[int], f"The order of the findings of run {run}")


def load(connection: Connection, run: int) -> tuple[Mapping[int, list[Finding]], tuple[Finding, ...]]:
    """All findings of a run: those of each receipt, by its row, and the merged ones.

    Raises StoreError when one cannot be read, or is not there.
    """
    table = schema.findings
    query = select(table.c.seq, table.c.receipt, table.c.id, table.c.body).where(table.c.run == run)
    by_receipt: defaultdict[int, list[Finding]] = defaultdict(list)
    own: list[Finding] = []
    known: dict[int, Finding] = {}
    rows = connection.execute(query.order_by(table.c.receipt, table.c.position).execution_options(yield_per=_TOGETHER))
    for number, receipt, name, body in rows:
        found = known[number] = decode(body, Finding, f"Finding {name}")
        (own if receipt is None else by_receipt[receipt]).append(found)
    listed = order(connection, run)
    if listed is None:
        return by_receipt, tuple(own)
    if gone := [number for number in listed if number not in known]:
        raise StoreError(
            f"{len(gone)} findings of a run are not in the store any more, such as that of row {gone[0]}.", hint=ALTERED
        )
    return by_receipt, tuple(known[number] for number in listed)
