"""Code Climate issues, against the field list of their specification; there is no published schema of it.

The list is that of SPEC.md in github.com/codeclimate/platform, in the words of the npm package codeclimate-types 0.3.1
(MIT), with what GitLab wants beside: a fingerprint, a severity and a first line.
"""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from hardgate.reporters.codeclimate import render
from tests.reporters import sample_run, snapshots
from tests.reporters.huge import huge

CASES = {**snapshots.CASES, "huge": huge}
_LINE = {"type": "integer", "minimum": 1}
SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["type", "check_name", "description", "categories", "location", "severity", "fingerprint"],
        "additionalProperties": False,
        "properties": {
            "type": {"const": "issue"},
            "check_name": {"type": "string", "minLength": 1},
            "description": {"type": "string", "minLength": 1, "pattern": "^[^\n<>]+$"},
            "content": {"type": "object", "required": ["body"], "properties": {"body": {"type": "string"}}},
            "categories": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "enum": ["Bug Risk", "Clarity", "Compatibility", "Complexity", "Duplication", "Performance",
                             "Security", "Style"]
                },
            },
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "fingerprint": {"type": "string", "minLength": 1},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "additionalProperties": False,
                "properties": {
                    "path": {"type": "string", "minLength": 1},
                    "lines": {
                        "type": "object",
                        "required": ["begin", "end"],
                        "additionalProperties": False,
                        "properties": {"begin": _LINE, "end": _LINE},
                    },
                },
            },
        },
    },
}  # fmt: skip


def _read(case: str) -> Any:
    return json.loads(render(*CASES[case]()))


@pytest.mark.parametrize("case", CASES)
def test_every_issue_has_the_fields(case: str) -> None:
    jsonschema.Draft7Validator(SCHEMA).validate(_read(case))


@pytest.mark.parametrize("case", CASES)
def test_every_gap_and_finding_is_an_issue_of_its_own(case: str) -> None:
    run, verdict = CASES[case]()
    issues = _read(case)
    assert len({one["fingerprint"] for one in issues}) == len(issues)
    assert len(issues) == len(verdict.gaps) + len(run.findings) + (verdict.override is not None)


def test_only_a_run_without_gap_and_finding_is_empty() -> None:
    assert _read("clean") == []
    [gap] = _read("nothing_ran")
    assert gap["severity"] == "blocker"
    assert gap["description"].startswith("INCOMPLETE: not looked at (not-run): bandit was not run")


def test_what_is_waived_does_not_alarm_and_says_why() -> None:
    [waived] = [one for one in _read("incomplete") if one["description"].startswith("Waived")]
    assert waived["severity"] == "info"
    assert waived["description"].startswith("Waived (high): flask 0.12")
    assert "waived: Waived by Ada Lovelace until 2026-03-01" in waived["content"]["body"]


def test_the_fingerprint_is_the_id_of_the_finding() -> None:
    run, _ = sample_run.failing()
    assert {one["fingerprint"] for one in _read("failing")} == {finding.id for finding in run.findings}
