"""OCSF, against the schemas of its three classes as published for version 1.6.0."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hardgate.model import Kind, State
from hardgate.reporters.ocsf import render
from tests.reporters import sample_run, snapshots
from tests.reporters.huge import huge

SCHEMAS = Path(__file__).parents[1] / "schemas"
CLASSES = {2002: "vulnerability", 2003: "compliance", 2007: "application-security-posture"}
CASES = {**snapshots.CASES, "huge": huge}


def _validator(class_uid: int) -> jsonschema.Draft202012Validator:
    schema = json.loads((SCHEMAS / f"ocsf-1.6.0-{CLASSES[class_uid]}-finding.json").read_bytes())
    return jsonschema.Draft202012Validator(schema)


VALIDATORS = {class_uid: _validator(class_uid) for class_uid in CLASSES}


def _errors(event: dict[str, Any]) -> list[str]:
    return [error.message for error in VALIDATORS[event["class_uid"]].iter_errors(event)]


@pytest.mark.parametrize("case", CASES)
def test_every_event_fits_the_schema_of_its_class(case: str) -> None:
    for event in json.loads(render(*CASES[case]())):
        assert _errors(event) == []
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
        assert event["metadata"]["version"] == "1.6.0"


@pytest.mark.parametrize("class_uid", CLASSES)
def test_the_schemas_are_not_asleep(class_uid: int) -> None:
    events = json.loads(render(*sample_run.incomplete()))
    event = next(one for one in events if one["class_uid"] == class_uid)
    assert "severity_idd" in " ".join(_errors({**event, "severity_idd": 1}))
    assert "not one of" in " ".join(_errors({**event, "severity_id": 7}))
    assert "finding_info" in " ".join(_errors({key: one for key, one in event.items() if key != "finding_info"}))


def _packages(**both: object) -> dict[str, Any]:
    events = json.loads(render(*sample_run.incomplete()))
    event = next(one for one in events if one["class_uid"] == 2002)
    event["vulnerabilities"][0] |= both
    return dict(event)


def test_a_vulnerability_is_a_cve_or_an_advisory_and_never_both() -> None:
    assert _errors(_packages()) == []
    assert _errors(_packages(advisory={"uid": "GHSA-1"})) != []


def test_each_kind_has_its_class() -> None:
    run, verdict = sample_run.incomplete()
    events = {one["finding_info"]["uid"]: one for one in json.loads(render(run, verdict))}
    for finding in run.findings:
        wanted = {Kind.DEPENDENCY: 2002, Kind.MISCONFIGURATION: 2003}.get(finding.kind, 2007)
        assert events[finding.id]["class_uid"] == wanted
    code = events["hg1-0000000000000003"]["vulnerabilities"][0]
    assert code["cwe"]["uid"] == "CWE-89"
    assert code["affected_code"][0]["start_line"] == 42


def test_waived_is_suppressed_and_everything_else_is_new() -> None:
    run, verdict = sample_run.incomplete()
    events = json.loads(render(run, verdict))[1 + len(verdict.gaps) :]
    assert Counter(one["status"] for one in events) == {"New": 9, "Suppressed": 1}
    told = Counter(one["unmapped"]["hardgate"]["state"] for one in events)
    assert told == {state.value: verdict.count(state) for state in State}


@pytest.mark.parametrize(("case", "status"), [("clean", 1), ("failing", 3), ("incomplete", 0), ("nothing_ran", 0)])
def test_a_gap_is_a_check_of_unknown_status_and_so_is_the_verdict_over_it(case: str, status: int) -> None:
    run, verdict = CASES[case]()
    first, *rest = json.loads(render(run, verdict))
    assert first["compliance"]["status_id"] == status
    assert first["message"].startswith(verdict.outcome)
    unknown = [one for one in rest if one.get("compliance", {}).get("status_id") == 0]
    assert len(unknown) == len(verdict.gaps)
