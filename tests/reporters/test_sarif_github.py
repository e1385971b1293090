"""SARIF for GitHub: within the limits of code scanning, the most relevant first, and nothing cut off in silence."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from hardgate.model import Run, State, ToolUse, Verdict
from hardgate.reporters import sarif, text
from tests.reporters import sample_many, sample_run, snapshots

SCHEMA = json.loads((Path(__file__).parents[1] / "schemas" / "sarif-2.1.0.json").read_bytes())


def _read(run: Run, verdict: Verdict) -> Any:
    return json.loads(sarif.render_github(run, verdict))


def _notes(run: dict[str, Any]) -> list[str]:
    return [note["message"]["text"] for one in run["invocations"] for note in one["toolExecutionNotifications"]]


@pytest.mark.parametrize("case", snapshots.CASES)
def test_every_report_fits_the_schema_and_the_limits(case: str) -> None:
    document = _read(*snapshots.CASES[case]())
    jsonschema.Draft7Validator(SCHEMA).validate(document)
    assert len(document["runs"]) <= 20
    for run in document["runs"]:
        assert len(run["results"]) <= 25_000
        assert all(len(rule["properties"]["tags"]) <= 20 for rule in run["tool"]["driver"]["rules"])
        assert all(len(result["locations"]) <= 1_000 for result in run["results"])


def test_what_blocks_comes_first_and_what_is_waived_last() -> None:
    run, verdict = sample_run.incomplete()
    order = list(State)
    for one in _read(run, verdict)["runs"]:
        states = [result["properties"]["hardgate"]["state"] for result in one["results"]]
        assert states == sorted(states, key=["blocking", "informing", "waived"].index)
    assert order == [State.BLOCKING, State.WAIVED, State.INFORMING]


def _of_one_tool(number: int) -> tuple[Run, Verdict]:
    run, verdict = sample_many.many(number)
    found = tuple(msgspec.structs.replace(one, scanner="semgrep", action="semgrep") for one in run.findings)
    receipt = next(one for one in run.receipts if one.action == "semgrep")
    return msgspec.structs.replace(run, findings=found, receipts=(receipt,)), verdict


def test_the_least_relevant_beyond_25000_are_left_out_and_counted() -> None:
    run, verdict = _of_one_tool(25_010)
    document = _read(run, verdict)
    [only] = document["runs"]
    said = "10 findings of semgrep, the least: GitHub takes 25,000 a tool."
    assert len(only["results"]) == 25_000
    assert document["properties"]["hardgate"]["leftOut"] == [said]
    assert f"Not in this file: {said}" in _notes(only)
    kept = Counter(one["properties"]["hardgate"]["state"] for one in only["results"])
    assert kept["blocking"] == verdict.count(State.BLOCKING)
    terminal = " ".join(text.render(run, verdict).decode().split())
    assert f"Not in SARIF for GitHub: {said}" in terminal
    assert "GitHub shows the worst 5,000 findings of semgrep." in terminal


def test_a_usual_run_says_nothing_of_it() -> None:
    run, verdict = sample_run.incomplete()
    assert "leftOut" not in _read(run, verdict)["properties"]["hardgate"]
    assert "GitHub" not in text.render(run, verdict).decode()


def _of_tools(number: int) -> tuple[Run, Verdict]:
    run, verdict = sample_run.incomplete()
    receipt = run.receipts[0]
    more = tuple(
        msgspec.structs.replace(
            receipt,
            action=f"tool-{at}",
            scanner=f"tool-{at}",
            tool=ToolUse(name=f"tool-{at}", version="1", digest="", origin="path"),
        )
        for at in range(number)
    )
    return msgspec.structs.replace(run, receipts=(*run.receipts, *more)), verdict


def test_of_more_than_20_tools_the_most_relevant_stay_and_no_gap_is_lost() -> None:
    run, verdict = _of_tools(30)
    document = _read(run, verdict)
    jsonschema.Draft7Validator(SCHEMA).validate(document)
    assert len(document["runs"]) == 20
    assert sum(len(one["results"]) for one in document["runs"]) == len(run.findings)
    own = document["runs"][-1]
    assert own["tool"]["driver"]["name"] == "hardgate"
    assert len(document["properties"]["hardgate"]["leftOut"]) == 39 - 20
    assert sum(note.startswith("Not in this file: All of ") for note in _notes(own)) == 19
    whole = " ".join(note for one in document["runs"] for note in _notes(one))
    assert all(gap.message.split("\x1b")[0] in whole for gap in verdict.gaps)


def test_the_category_stays_when_a_tool_is_upgraded() -> None:
    run, verdict = sample_run.failing()

    def categories(run: Run) -> set[str]:
        return {one["automationDetails"]["id"].rpartition("/")[0] for one in _read(run, verdict)["runs"]}

    newer = tuple(
        msgspec.structs.replace(one, tool=msgspec.structs.replace(one.tool, version="9.9.9"))
        for one in run.receipts
        if one.tool
    )
    upgraded = msgspec.structs.replace(run, id="run-9", receipts=newer)
    assert categories(upgraded) == categories(run)
    assert "hardgate/planetary-api/bandit" in categories(run)
