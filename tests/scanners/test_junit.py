"""JUnit XML of several runners: what failed, what says nothing, and what is not whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardgate.errors import ReportError
from hardgate.model import Finding, GapReason, Kind, Location, Report, Severity
from hardgate.scanners.junit import JUNIT
from tests.lab.planets import TOKEN

SAMPLES = Path(__file__).parent / "samples" / "junit"
FAILED, SKIPPED = Severity.HIGH, Severity.INFO


def read(name: str) -> Report:
    return JUNIT.parse((SAMPLES / f"{name}.xml").read_bytes())


def found(report: Report) -> list[tuple[str, Severity]]:
    return [(one.rule, one.severity) for one in report.findings]


def gaps(report: Report) -> list[str]:
    return [gap.message for gap in report.gaps]


def test_a_failed_test_is_a_finding() -> None:
    first, second = read("newman-found-6.2.2").findings
    suite = "Security / SQL injection [CWE-89] / unsafe login"
    rule = f"{suite}/SecuritySqlInjectionCwe89UnsafeLogin/answers 401 [CWE-89]"
    assert first == Finding(
        scanner="junit",
        rule=rule,
        kind=Kind.DYNAMIC,
        severity=FAILED,
        severity_from="adapter",
        message=f"The test {rule} failed (AssertionFailure).",
        location=Location(path=""),
        cwe=("CWE-89",),
        fix="Mend what it tests, or the test, where it is wrong.",
    )
    assert second.cwe == ("CWE-79",)
    assert read("newman-found-6.2.2").gaps == ()


@pytest.mark.parametrize(("name", "path"), [("pytest-9", ""), ("pytest-9-xunit1", "test_login.py")])
def test_pytest(name: str, path: str) -> None:
    report = read(name)
    assert found(report) == [
        ("pytest/test_login/test_refuses_a_quote", FAILED),
        ("pytest/test_login/test_is_quick", SKIPPED),
    ]
    assert {one.location.path for one in report.findings} == {path}
    assert gaps(report) == ["the test pytest/test_login/test_lists_all broke off in an error, and came to no result"]
    assert report.gaps[0].reason is GapReason.TOOL_FAILED


def test_suites_within_suites() -> None:
    report = read("node-20")
    assert found(report) == [
        ("login/test/refuses a quote [CWE-89]", FAILED),
        ("login/test/is quick", SKIPPED),
    ]
    assert report.gaps == ()


def test_surefire() -> None:
    assert found(read("surefire-circle")) == [("com.shape.CircleTest/testRadius", FAILED)]
    [gap] = read("surefire-circle").gaps
    assert "CircleTest/testProperties broke off in an error (java.lang.ArithmeticException)" in gap.message
    assert found(read("surefire-flaky")) == [("org.acme.FlakyTest/testFlaky", SKIPPED)]
    assert "passed when it was tried again" in read("surefire-flaky").findings[0].message


def test_what_a_test_compared_is_not_shown() -> None:
    for path in SAMPLES.glob("*.xml"):
        assert TOKEN not in str(JUNIT.parse(path.read_bytes()))
    assert TOKEN in (SAMPLES / "pytest-9.xml").read_text()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("newman-empty-6.2.2", ["the report has no test: nothing was tried"]),
        ("pytest-9-empty", ["the report has no test: nothing was tried"]),
        ("pytest-9-broken", ["the test pytest/test_login broke off in an error, and came to no result"]),
        (
            # Newman has no test for a script that threw: only a number tells of it.
            "newman-thrown-6.2.2",
            [
                "the report has no test: nothing was tried",
                "the suite 'planets' tells tests='1' and lists 0: it was cut, or something failed outside",
                "the suite 'list planets' tells errors='1' and lists 0: it was cut, or something failed outside",
            ],
        ),
    ],
)
def test_what_was_not_tried_is_a_gap(name: str, told: list[str]) -> None:
    report = read(name)
    assert (found(report), gaps(report)) == ([], told)


def test_an_application_that_did_not_answer_is_a_gap_beside_the_failure() -> None:
    assert "tells errors='1' and lists 0" in gaps(read("newman-unreachable-6.2.2"))[0]


@pytest.mark.parametrize("word", ["tests", "failures", "errors", "skipped"])
@pytest.mark.parametrize("number", ["7", "many", "-1"])
def test_counts_that_disagree_are_a_gap(word: str, number: str) -> None:
    raw = f'<testsuite name="a" {word}="{number}"><testcase name="t"/></testsuite>'.encode()
    assert [gap.reason for gap in JUNIT.parse(raw).gaps] == [GapReason.REPORT_UNREADABLE]


def test_a_suite_of_which_all_was_skipped_tried_nothing() -> None:
    raw = b'<testsuite><testcase name="a" status="notrun"/><testcase name="b"><skipped/></testcase></testsuite>'
    assert gaps(JUNIT.parse(raw)) == ["all of the 2 tests were skipped: nothing was tried"]


@pytest.mark.parametrize(
    "raw",
    [
        b'<testsuite><testcase name="a"><aborted/></testcase></testsuite>',
        b'<testsuite><testcase name="a"/><crash/></testsuite>',
        b'<testsuites><testsuite><testcase name="a"/></testsuite><failure/></testsuites>',
    ],
)
def test_a_word_that_is_new_is_a_gap(raw: bytes) -> None:
    [gap] = JUNIT.parse(raw).gaps
    assert "which hardgate does not know" in gap.message


def test_another_document_is_refused() -> None:
    with pytest.raises(ReportError, match=r"<analysis>, and JUnit XML is"):
        JUNIT.parse(b"<analysis/>")
