"""The adapter keeps hardgate's contract over reports that Flawfinder itself wrote."""

from pathlib import Path

import hardgate_flawfinder
from hardgate import contract

SAMPLES = {path.name: path.read_bytes() for path in (Path(__file__).parents[1] / "samples").glob("*.sarif")}


def test_the_contract_is_kept() -> None:
    assert len(SAMPLES) == 2
    assert contract.broken(hardgate_flawfinder.FLAWFINDER, SAMPLES) == []


def test_what_was_found_is_read() -> None:
    report = hardgate_flawfinder.FLAWFINDER.parse(SAMPLES["found-2.0.20.sarif"])
    found = {(one.rule, one.location.path, one.location.line, one.severity.value) for one in report.findings}
    assert found == {("FF1001", "copy.c", 4, "high"), ("FF1013", "copy.c", 3, "low")}
    assert (report.version, report.gaps) == ("2.0.20", ())
