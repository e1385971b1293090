"""Newman's reports: real ones, of collections that judge well, that judge nothing, and that never came to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hardgate.errors import ReportError
from hardgate.model import Finding, GapReason, Kind, Location, Report, Severity
from hardgate.scanners.newman import NEWMAN
from tests.lab.planets import TOKEN

BROKEN = "the request 'list planets' broke off in its test-script (ReferenceError): not all of its tests were made"
SAMPLES = Path(__file__).parent / "samples" / "newman"


def read(case: str, version: str = "6.2.2") -> Report:
    return NEWMAN.parse((SAMPLES / f"{case}-{version}.json").read_bytes())


def edited(case: str, change: Callable[[dict[str, Any]], object]) -> Report:
    """The report of a case after somebody changed it."""
    whole = json.loads((SAMPLES / f"{case}-6.2.2.json").read_bytes())
    change(whole)
    return NEWMAN.parse(json.dumps(whole).encode())


@pytest.mark.parametrize("version", ["6.2.2", "5.3.2"])
def test_each_failed_test_is_a_finding_at_its_endpoint(version: str) -> None:
    report = read("found", version)
    assert report.gaps == ()
    first, second = report.findings
    assert first == Finding(
        scanner="newman",
        rule="Security/SQL injection [CWE-89]/unsafe login/answers 401 [CWE-89]",
        kind=Kind.DYNAMIC,
        severity=Severity.HIGH,
        severity_from="adapter",
        message="POST /unsafe/login answered 200: expected response to have status code 401 but got 200",
        location=Location(path="POST /unsafe/login"),
        cwe=("CWE-89",),
        fix="Mend what answers there, or the test, where it is wrong.",
    )
    assert (second.location.path, second.cwe) == ("GET /unsafe/hello", ("CWE-79",))
    assert second.message == "GET /unsafe/hello answered 200: expected … to not include …"


@pytest.mark.parametrize("version", ["6.2.2", "5.3.2"])
def test_a_folder_of_which_all_was_sent_and_passed_is_clean(version: str) -> None:
    assert read("clean", version) == Report()


def test_a_test_that_fails_in_each_iteration_is_one_finding() -> None:
    once, twice = read("found"), read("twice")
    assert [one.rule for one in twice.findings] == [one.rule for one in once.findings]
    assert "answered 200, 2 times:" in twice.findings[0].message


@pytest.mark.parametrize("version", ["6.2.2", "5.3.2"])
def test_a_request_whose_script_sends_another_is_told_once_and_by_its_own_endpoint(version: str) -> None:
    """Newman lists it twice, and both times with the address and the status of what the script sent."""
    raw = json.loads((SAMPLES / f"asked-more-{version}.json").read_bytes())
    listed = [one["request"]["url"]["path"] for one in raw["run"]["executions"] if one["item"]["name"] == "greet"]
    assert listed == [["planets", "12345"]] * 2
    report = read("asked-more", version)
    assert report.gaps == ()
    (finding,) = report.findings
    assert (finding.rule, finding.cwe) == ("greet/is shown afterwards [CWE-89]", ("CWE-89",))
    assert finding.location == Location(path="GET /safe/hello")
    assert finding.message == "GET /safe/hello and what its script asked were answered: expected 404 to equal 200"


def test_entries_of_one_request_that_differ_are_refused() -> None:
    def change(whole: dict[str, Any]) -> None:
        whole["run"]["executions"][-1]["assertions"][0]["error"] = None

    with pytest.raises(ReportError, match="it was cut or edited"):
        edited("asked-more", change)


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("empty", ["newman sent no request: the collection, or the folder that was asked for, is empty"]),
        ("unjudged", ["newman's collection has no test that was made: nothing judged what came back"]),
        (
            "unreachable",
            [
                "the request 'list planets' failed (ECONNREFUSED): not all of its tests were made",
                "the request 'list planets' (GET /planets) got no answer: its tests say nothing",
            ],
        ),
        (
            "thrown",
            [
                BROKEN,
                "newman's collection has no test that was made: nothing judged what came back",
                "the tests of the request 'list planets' were not reached: none of them was made",
            ],
        ),
        (
            "thrown-later",
            [
                BROKEN,
            ],
        ),
        ("skipped", ["the test list planets/is quick was skipped"]),
        ("ended", ["newman never sent 1 of 2 requests: Negative/unknown planet"]),
        ("not-reached", ["the tests of the request 'unknown planet' were not reached: none of them was made"]),
        ("left-out", ["newman does not tell of 1 of the 2 requests that it came to: skipRequest leaves them out"]),
    ],
)
def test_what_was_not_judged_is_a_gap_and_no_finding(case: str, told: list[str]) -> None:
    report = read(case)
    assert report.findings == ()
    assert [gap.message for gap in report.gaps] == told


@pytest.mark.parametrize("version", ["6.2.2", "5.3.2"])
def test_a_run_that_stopped_at_its_first_failure_is_not_whole(version: str) -> None:
    report = read("bail", version)
    assert [one.cwe for one in report.findings] == [("CWE-89",)]
    assert [gap.message for gap in report.gaps] == [
        "newman stopped at the first failed test, as --bail asks",
        "newman never sent 1 of 2 requests: Security/SQL injection [CWE-89]/safe login",
    ]


def test_what_was_done_in_name_only_is_a_gap() -> None:
    """A login that failed, a file that is not there, a script that left early: Newman calls each of these passed."""
    report = read("in-name")
    assert report.findings == ()
    assert [gap.message for gap in report.gaps] == [
        "the tests of the request 'another word' were not reached: none of them was made",
        "the tests of the request 'waits' were not reached: none of them was made",
        "newman never sent 1 of 10 requests in round 2: last",
        "the test 'answers 404' of the request 'leave' was not made in 2 of 2 sendings",
        "the request 'as ada' was sent without the variable token, which a script was to set",
        "the request 'as nobody' was sent without the variable empty, which a script was to set",
        "the request 'upload' was sent without the file a.bin",
        "the request 'send' was sent without the file b.bin",
    ]


FOLDER_TEST = {"listen": "test", "script": {"exec": ["if (0) {", 'pm.test("of all", () => {});', "}"]}}


@pytest.mark.parametrize("whose", ["folder 'Basic'", "collection"])
def test_a_test_of_a_folder_is_made_by_one_of_its_requests(whose: str) -> None:
    def add(whole: dict[str, Any]) -> None:
        basic = next(one for one in whole["collection"]["item"] if one["name"] == "Basic")
        (basic if "Basic" in whose else whole["collection"])["event"] = [FOLDER_TEST]

    def make(whole: dict[str, Any]) -> None:
        add(whole)
        for one in whole["run"]["executions"]:
            one["assertions"][0]["assertion"] = "of all"
            one["item"]["event"] = []
        for one in whole["collection"]["item"]:
            for ask in one["item"]:
                ask["event"] = []

    [gap] = edited("clean", add).gaps
    assert gap.message == f"the test 'of all' of the {whose} was not made"
    assert edited("clean", make).gaps == ()


def test_a_script_that_cannot_be_read_is_a_gap() -> None:
    assert "test-script (SyntaxError)" in read("unparsed").gaps[0].message


def test_nothing_of_an_answer_comes_out() -> None:
    """Not by a message, not by a test that was named after it, not by an address that was made of it."""
    assert TOKEN in (SAMPLES / "secretive-6.2.2.json").read_text()
    report = read("secretive")
    assert TOKEN not in msgspec.json.encode(report).decode()
    assert [(one.rule, one.location.path) for one in report.findings] == [
        ("take/test 1", "GET /unsafe/hello/{{token}}/card"),
        ("take/says so", "GET /unsafe/hello/{{token}}/card"),
        ("take/or throws", "GET /unsafe/hello/{{token}}/card"),
    ]
    assert report.findings[0].cwe == ("CWE-522",)
    assert report.findings[2].message == "GET /unsafe/hello/{{token}}/card answered 404: …"


def test_a_weakness_is_told_by_the_nearest_name() -> None:
    def rename(whole: dict[str, Any]) -> None:
        for one in whole["run"]["executions"]:
            for test in one["assertions"]:
                test["assertion"] = "is refused"

    first, second = edited("found", rename).findings
    assert (first.cwe, second.cwe) == (("CWE-89",), ())


def _drop(whole: dict[str, Any]) -> None:
    whole["run"]["executions"] = [one for one in whole["run"]["executions"] if "unsafe" not in one["item"]["name"]]


def _forgive(whole: dict[str, Any]) -> None:
    del whole["run"]["executions"][0]["assertions"][0]["error"]


def _forget(whole: dict[str, Any]) -> None:
    whole["run"]["failures"].clear()


def _swap(whole: dict[str, Any]) -> None:
    whole["collection"]["item"] = whole["collection"]["item"][1:]


@pytest.mark.parametrize("change", [_drop, _forgive, _forget, _swap])
def test_a_report_that_was_cut_or_edited_is_refused(change: Callable[[dict[str, Any]], None]) -> None:
    with pytest.raises(ReportError, match=r"cut or edited|does not have: unsafe login, safe login"):
        edited("found", change)


@pytest.mark.parametrize("what", ["iterations", "items", "requests", "assertions"])
def test_what_was_waiting_when_it_ended_is_a_gap(what: str) -> None:
    [gap] = edited("clean", lambda whole: whole["run"]["stats"][what].update(pending=1)).gaps
    assert (gap.reason, gap.message) == (GapReason.TOOL_FAILED, f"newman was ended while 1 {what} were waiting")


def test_an_error_of_the_run_is_a_gap() -> None:
    [gap] = edited("clean", lambda whole: whole["run"].update(error={"message": "no"})).gaps
    assert gap.message == "newman says that its run ended in an error"
