"""SARIF, against the published schema and against what the schema cannot say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from hardgate.model import ActionState, Decision, Run, State, ToolUse, Verdict
from hardgate.reporters.sarif import render
from tests.reporters import sample_run, snapshots

SCHEMA = json.loads((Path(__file__).parents[1] / "schemas" / "sarif-2.1.0.json").read_bytes())
OFFICIAL = Draft202012Validator(SCHEMA, format_checker=FormatChecker())


def _log(made: tuple[Run, Verdict]) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(render(*made))
    return log


def _results(log: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {result["properties"]["hardgate"]["id"]: result for run in log["runs"] for result in run["results"]}


@pytest.mark.parametrize("case", snapshots.CASES)
def test_every_log_fits_the_official_schema(case: str) -> None:
    OFFICIAL.validate(_log(snapshots.CASES[case]()))


def test_the_official_schema_is_not_asleep() -> None:
    log = _log(sample_run.failing())
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert not OFFICIAL.is_valid(log)


@pytest.mark.parametrize("case", snapshots.CASES)
def test_every_index_points_at_what_it_names(case: str) -> None:
    for run in _log(snapshots.CASES[case]())["runs"]:
        rules = run["tool"]["driver"]["rules"]
        taxa = [taxon for taxonomy in run.get("taxonomies", []) for taxon in taxonomy["taxa"]]
        targets = [relation["target"] for rule in rules for relation in rule.get("relationships", [])]
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            targets += result["taxa"]
        for target in targets:
            assert taxa[target["index"]]["id"] == target["id"]


def test_one_run_for_each_tool_with_its_version_and_all_findings_once() -> None:
    run, verdict = sample_run.incomplete()
    log = _log((run, verdict))
    names = [one["tool"]["driver"]["name"] for one in log["runs"]]
    assert names == [
        "gitleaks",
        "bandit",
        "semgrep",
        "pip-audit",
        "hadolint",
        "trivy",
        "zizmor",
        "cyclonedx",
        "hardgate",
    ]
    assert log["runs"][5]["tool"]["driver"]["version"] == "0.76.0"
    assert sorted(_results(log)) == sorted(finding.id for finding in run.findings)
    assert sum(len(one["results"]) for one in log["runs"]) == len(run.findings)
    assert log["runs"][7]["results"] == []


def test_what_did_not_complete_is_not_successful_and_says_why() -> None:
    log = _log(sample_run.incomplete())
    failed = {
        run["tool"]["driver"]["name"]: [
            (note["descriptor"]["id"], note["level"])
            for invocation in run["invocations"]
            for note in invocation["toolExecutionNotifications"]
        ]
        for run in log["runs"]
        if not all(invocation["executionSuccessful"] for invocation in run["invocations"])
    }
    assert failed == {
        "semgrep": [("file-unread", "error")],
        "pip-audit": [("data-unavailable", "error")],
        "hardgate": [("not-covered", "error")],
    }


def test_an_action_in_state_gap_is_not_successful_even_without_a_gap_in_the_verdict() -> None:
    run, verdict = sample_run.clean()
    broken = msgspec.structs.replace(run.receipts[0], state=ActionState.GAP)
    log = _log((msgspec.structs.replace(run, receipts=(broken, run.receipts[1])), verdict))
    assert [one["invocations"][0]["executionSuccessful"] for one in log["runs"]] == [False, True]


def test_what_is_waived_is_suppressed_with_its_reason_and_nothing_else_is() -> None:
    results = _results(_log(sample_run.incomplete()))
    suppressed = {name: result["suppressions"] for name, result in results.items() if result["suppressions"]}
    assert suppressed == {
        "hg1-0000000000000005": [
            {
                "kind": "external",
                "status": "accepted",
                "justification": "Waived by Ada Lovelace until 2026-03-01: the proxy in front limits the size of a "
                "request (SEC-12).",
            }
        ]
    }
    assert all("suppressions" in result for result in results.values())


def _uri(result: dict[str, Any]) -> str:
    uri: str = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    return uri


def test_uris_carry_every_byte_of_a_path() -> None:
    results = _results(_log(sample_run.incomplete()))
    hostile = _uri(results["hg1-0000000000000009"])
    assert unquote_to_bytes(hostile).decode() == sample_run.HOSTILE_PATH
    assert set(hostile) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/%")
    assert unquote_to_bytes(_uri(results["hg1-000000000000000a"])) == b"data/caf\xe9 menu.py"


def test_a_finding_without_a_file_has_no_location_and_one_in_the_history_says_so() -> None:
    results = _results(_log(sample_run.incomplete()))
    assert results["hg1-0000000000000008"]["locations"] == []
    message = results["hg1-0000000000000002"]["locations"][0]["message"]["text"]
    assert message == f"In commit {sample_run.OLD_COMMIT}, not in the scanned tree."


def test_a_link_that_is_no_web_address_is_left_out() -> None:
    log = _log(sample_run.incomplete())
    links = {rule["helpUri"] for run in log["runs"] for rule in run["tool"]["driver"]["rules"] if "helpUri" in rule}
    assert links == {
        "https://avd.aquasec.com/nvd/cve-2023-30861",
        "https://bandit.readthedocs.io/en/1.9.4/plugins/b608_hardcoded_sql_expressions.html",
    }


def test_severities_reach_github_as_levels_and_numbers() -> None:
    log = _log(sample_run.incomplete())
    rules = {rule["id"]: rule for run in log["runs"] for rule in run["tool"]["driver"]["rules"]}
    told = {
        name: (rules[name]["defaultConfiguration"]["level"], rules[name]["properties"].get("security-severity"))
        for name in ("CVE-2023-30861", "B608", "B324", "artipacked", "MIT")
    }
    assert told == {
        "CVE-2023-30861": ("error", "9.5"),
        "B608": ("error", "8.0"),
        "B324": ("warning", "5.5"),
        "artipacked": ("note", "2.0"),
        "MIT": ("note", None),
    }


def test_two_versions_of_a_tool_are_two_runs_with_two_categories() -> None:
    run, verdict = sample_run.clean()
    older = msgspec.structs.replace(
        run.receipts[0], action="old", tool=ToolUse(name="bandit", version="1.0", digest="", origin="path")
    )
    idle = msgspec.structs.replace(run.receipts[0], action="idle", tool=None, state=ActionState.NOTHING_TO_DO)
    log = _log((msgspec.structs.replace(run, receipts=(run.receipts[0], older, idle)), verdict))
    assert [one["automationDetails"]["id"] for one in log["runs"]] == [
        "hardgate/planetary-api/bandit@1.2.3/run-0002",
        "hardgate/planetary-api/bandit@1.0/run-0002",
    ]
    assert len(log["runs"][0]["invocations"]) == 2


def test_another_engine_of_a_scanner_is_named() -> None:
    run, verdict = sample_run.clean()
    other = msgspec.structs.replace(
        run.receipts[0],
        action="semgrep",
        scanner="semgrep",
        tool=ToolUse(name="opengrep", version="1.30.0", digest="", origin="toolbox"),
    )
    log = _log((msgspec.structs.replace(run, receipts=(other,)), verdict))
    assert log["runs"][0]["tool"]["driver"]["name"] == "opengrep"
    assert log["runs"][0]["automationDetails"]["id"] == "hardgate/planetary-api/semgrep/opengrep/run-0002"


def test_a_finding_whose_scanner_left_no_receipt_is_kept() -> None:
    run, _ = sample_run.failing()
    alone = msgspec.structs.replace(run, receipts=(), findings=run.findings[:1])
    decision = Decision(finding=run.findings[0].id, state=State.BLOCKING, because="b")
    log = _log((alone, msgspec.structs.replace(sample_run.failing()[1], decisions=(decision,))))
    OFFICIAL.validate(log)
    assert list(_results(log)) == ["hg1-0000000000000001"]
