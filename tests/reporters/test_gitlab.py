"""GitLab's three security reports, against the rules of its schemas (see gitlab_schema.py)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import msgspec
import pytest

from hardgate.model import Kind, Location, Run, Verdict
from hardgate.reporters.gitlab import render_dependency, render_sast, render_secret
from tests.reporters import sample_run, snapshots
from tests.reporters.gitlab_schema import schema
from tests.reporters.huge import huge

CASES = {**snapshots.CASES, "huge": huge}
FORMS: dict[str, Callable[[Run, Verdict], bytes]] = {
    "sast": render_sast,
    "dependency_scanning": render_dependency,
    "secret_detection": render_secret,
}
EACH = pytest.mark.parametrize("form", FORMS)


def _errors(form: str, document: object) -> list[str]:
    return [error.message[:300] for error in jsonschema.Draft7Validator(schema(form)).iter_errors(document)]


def _read(form: str, case: str = "incomplete") -> Any:
    return json.loads(FORMS[form](*CASES[case]()))


@EACH
@pytest.mark.parametrize("case", CASES)
def test_every_report_fits_the_schema(form: str, case: str) -> None:
    assert _errors(form, _read(form, case)) == []


@EACH
def test_the_schema_is_not_asleep(form: str) -> None:
    document = _read(form)
    document["vulnerabilities"][0]["severity"] = "high"
    document["scan"]["start_time"] += "Z"
    del document["vulnerabilities"][0]["location"]
    assert len(_errors(form, document)) == 3


@EACH
def test_a_run_with_a_gap_is_a_scan_that_failed(form: str) -> None:
    for case, make in CASES.items():
        _, verdict = make()
        scan = _read(form, case)["scan"]
        assert scan["status"] == ("failure" if verdict.gaps else "success")
        assert [one["level"] for one in scan["messages"]].count("warn") == len(verdict.gaps)
        assert scan["messages"][0]["level"] == ("fatal" if verdict.gaps else "info")
        assert scan["messages"][0]["value"].startswith(verdict.outcome)


def test_every_finding_is_in_one_file_or_counted_in_all() -> None:
    run, _ = sample_run.incomplete()
    told = {form: len(_read(form)["vulnerabilities"]) for form in FORMS}
    assert told == {"sast": 5, "dependency_scanning": 2, "secret_detection": 2}
    assert sum(told.values()) + sum(one.kind is Kind.LICENCE for one in run.findings) == len(run.findings)
    for form in FORMS:
        assert "licence, 1 finding: 0 blocking, 0 waived, 1 informing" in _read(form)["scan"]["messages"][-1]["value"]


def test_the_first_identifier_of_a_package_is_its_cve_and_of_code_its_rule() -> None:
    first = {form: _read(form)["vulnerabilities"][0]["identifiers"] for form in FORMS}
    assert first["dependency_scanning"][0] == {"type": "cve", "name": "CVE-2023-30861", "value": "CVE-2023-30861"}
    assert [one["type"] for one in first["dependency_scanning"]] == ["cve", "ghsa", "pysec", "trivy_rule", "cwe", "cwe"]
    assert first["secret_detection"][0]["value"] == "aws-access-token"
    assert first["secret_detection"][1]["url"] == "https://cwe.mitre.org/data/definitions/798.html"


def test_a_secret_names_its_commit_and_a_tree_without_one_says_so() -> None:
    now, history = (one["location"] for one in _read("secret_detection")["vulnerabilities"])
    assert now["commit"]["sha"] == sample_run.COMMIT
    assert history["commit"]["sha"] == sample_run.OLD_COMMIT
    run, verdict = sample_run.failing()
    outside = json.loads(render_secret(msgspec.structs.replace(run, commit=""), verdict))
    assert outside["vulnerabilities"][0]["location"]["commit"]["sha"] == "0000000"


def test_the_state_is_among_the_details_and_a_refuted_finding_is_flagged() -> None:
    waived = _read("dependency_scanning")["vulnerabilities"][1]
    assert waived["details"]["state"]["value"].startswith("waived: Waived by Ada Lovelace until 2026-03-01")
    run, verdict = sample_run.failing()
    first = msgspec.structs.replace(run.findings[0], kind=Kind.CODE, refuted="dataflow", location=Location(path="a.py"))
    document = json.loads(render_sast(msgspec.structs.replace(run, findings=(first, *run.findings[1:])), verdict))
    assert _errors("sast", document) == []
    [flag] = [one["flags"][0] for one in document["vulnerabilities"] if "flags" in one]
    assert (flag["type"], flag["origin"]) == ("flagged-as-likely-false-positive", "dataflow")
