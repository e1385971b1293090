"""The report for programs, against its published schemas."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from hardgate.model import Finding, Kind, Location, Severity
from hardgate.reporters.json import finding_entry, render, render_ingest
from tests.reporters import sample_run, snapshots


def schema(name: str) -> Draft202012Validator:
    raw = resources.files("hardgate").joinpath("schemas", name).read_bytes()
    Draft202012Validator.check_schema(json.loads(raw))
    return Draft202012Validator(json.loads(raw))


REPORT = schema("report-1.schema.json")
INGEST = schema("ingest-1.schema.json")


@pytest.mark.parametrize("case", snapshots.CASES)
def test_every_report_fits_the_schema(case: str) -> None:
    REPORT.validate(json.loads(render(*snapshots.CASES[case]())))


def test_blocking_waived_and_informing_are_all() -> None:
    report = json.loads(render(*sample_run.incomplete()))
    counts = report["verdict"]["counts"]
    assert counts["blocking"] + counts["waived"] + counts["informing"] == counts["all"] == len(report["findings"])
    assert counts["gaps"] == len(report["gaps"]) == 3
    for state in ("blocking", "waived", "informing"):
        assert sum(row[state] for row in counts["by_severity"].values()) == counts[state]
        assert sum(finding["state"] == state for finding in report["findings"]) == counts[state]


def test_incomplete_and_blocking_are_both_told() -> None:
    verdict = json.loads(render(*sample_run.incomplete()))["verdict"]
    assert (verdict["outcome"], verdict["exit_code"], verdict["blocks"]) == ("INCOMPLETE", 3, True)


def test_a_finding_is_told_whole() -> None:
    findings = {finding["id"]: finding for finding in json.loads(render(*sample_run.incomplete()))["findings"]}
    flask = findings["hg1-0000000000000004"]
    assert flask["package"] == {
        "ecosystem": "PyPI",
        "name": "flask",
        "version": "0.12",
        "purl": "pkg:pypi/flask@0.12",
        "fixed": ["2.2.5", "2.3.2"],
    }
    assert flask["cwe"] == ["CWE-539", "CWE-488"]
    assert findings["hg1-0000000000000009"]["message"] == sample_run.HOSTILE_MESSAGE
    assert findings["hg1-0000000000000009"]["location"]["path"] == sample_run.HOSTILE_PATH
    assert findings["hg1-000000000000000a"]["location"]["path"] == "data/caf\\xe9 menu.py"
    assert [one["severity"] for one in findings["hg1-0000000000000003"]["witnesses"]] == ["medium", "high"]


def test_a_report_holds_no_folder_of_the_machine() -> None:
    assert b"/home/ada" not in render(*sample_run.incomplete())


def _spoilt(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Copies of the report, each with one key too many or too few somewhere."""
    paths: list[list[Any]] = [[], ["run"], ["verdict"], ["verdict", "counts"], ["findings", 0], ["gaps", 0]]
    paths += [["findings", 0, "location"], ["receipts", 0], ["receipts", 0, "scope"], ["receipts", 0, "counts"]]
    spoilt = []
    for path in paths:
        for key in [*_at(report, path), "extra"]:
            one = copy.deepcopy(report)
            place = _at(one, path)
            place.pop(key) if key in place else place.update({key: 1})
            spoilt.append(one)
    return spoilt


def _at(tree: Any, path: list[Any]) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def test_the_schema_refuses_a_key_too_many_or_too_few() -> None:
    spoilt = _spoilt(json.loads(render(*sample_run.incomplete())))
    assert len(spoilt) > 90
    for report in spoilt:
        with pytest.raises(ValidationError):
            REPORT.validate(report)


def test_ingest_has_one_entry_per_problem_and_no_judgement() -> None:
    run, verdict = sample_run.incomplete()
    report = json.loads(render_ingest(run.findings, verdict.gaps))
    INGEST.validate(report)
    assert {finding["state"] for finding in report["findings"]} == {"unjudged"}
    assert [finding["rule"] for finding in report["findings"]] == [finding.rule for finding in run.findings]
    assert [gap["reason"] for gap in report["gaps"]] == ["not-covered", "file-unread", "data-unavailable"]


def test_ingest_of_a_finding_as_an_adapter_leaves_it() -> None:
    bare = Finding(
        scanner="bandit", rule="B101", kind=Kind.CODE, severity=Severity.LOW, message="m", location=Location(path="a")
    )
    report = json.loads(render_ingest([bare], []))
    INGEST.validate(report)
    assert report == {"findings": [json.loads(msgspec.json.encode(finding_entry(bare, None)))], "gaps": []}
    assert report["findings"][0]["location"] == {"path": "a", "line": None, "end_line": None, "commit": ""}


def test_a_judged_finding_does_not_pass_as_ingested() -> None:
    report = json.loads(render(*sample_run.failing()))
    with pytest.raises(ValidationError):
        INGEST.validate({"findings": report["findings"], "gaps": []})


def test_each_key_is_described_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "json.md").read_text("utf-8")
    named = {word for code in re.findall(r"`([^`\n]+)`", page) for word in re.findall(r"\w+", code)}
    keys = set(_keys(REPORT.schema)) | set(_keys(INGEST.schema))
    assert len(keys) > 80
    assert keys - named - {word.value for word in Severity} == set()


def _keys(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for part in schema.values():
            yield from _keys(part)
    if isinstance(schema, list):
        for part in schema:
            yield from _keys(part)
