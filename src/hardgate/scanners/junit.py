"""JUnit XML: what test runners of most languages write.

There is no standard. Read is what Maven Surefire's schema has
(https://maven.apache.org/surefire/maven-surefire-plugin/xsd/surefire-test-report.xsd), with what pytest, node:test,
Newman, GoogleTest and others make of it: several suites, suites within suites, tests without a suite.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from hardgate import described, xmlfile
from hardgate.errors import ReportError
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Report, Severity
from hardgate.xmlfile import Element

_TOOL = "junit"
_CWE = re.compile(r"\bCWE-0*([1-9]\d{0,4})\b", re.IGNORECASE)
_TYPE = re.compile(r"[\w.$:-]{1,120}")  # java.lang.AssertionError, testCodeFailure
_SUITES = frozenset({"testsuites", "testsuite"})
# Beside a result: what a test printed and how it was set up, which may hold secrets and is never shown.
_ASIDE = frozenset({"properties", "system-out", "system-err", "attachments"})
# Surefire's words for a test that failed at first: https://maven.apache.org/surefire/maven-surefire-plugin/examples/rerun-failing-tests.html
_FLAKY = frozenset({"flakyFailure", "flakyError"})
_RESULTS = frozenset({"failure", "error", "skipped", "rerunFailure", "rerunError", *_FLAKY})
# GoogleTest's: https://google.github.io/googletest/advanced.html#generating-an-xml-report
_NOT_RUN = frozenset({"notrun", "disabled", "skipped", "suppressed", "ignored"})
_SHOWN = 5  # names that a gap lists


class _Test:
    """A test as the report has it: its rule, its place, and which results stand in it."""

    def __init__(self, case: Element, suites: tuple[str, ...]) -> None:
        name = case.attributes.get("name") or "(no name)"
        self.names = (name, case.attributes.get("classname") or "", *reversed(suites))
        self.rule = "/".join(dict.fromkeys(filter(None, (*suites, case.attributes.get("classname"), name))))
        # Not `line`: pytest counts from 0, others from 1.
        self.location = Location(path=case.attributes.get("file") or "")
        self.results = Counter(part.name for part in case.children if part.name not in _ASIDE)
        if {case.attributes.get("status", "").lower(), case.attributes.get("result", "").lower()} & _NOT_RUN:
            self.results["skipped"] += 1
        worst = next((part for word in ("failure", "error") for part in case.every(word)), None)
        self.type = "" if worst is None else worst.attributes.get("type") or ""


def _parse(raw: bytes) -> Report:
    root = xmlfile.parse(raw, _TOOL)
    if root.name not in _SUITES:
        raise ReportError(
            f"the report is <{root.name}>, and JUnit XML is <testsuites> or <testsuite>",
            hint="Have the test runner write JUnit XML.",
        )
    tests = list(_tests(root, ()))
    gaps = (*_nothing(tests), *_errors(tests), *_counts(root), *_unknown(root, tests))
    return Report(findings=tuple(one for test in tests for one in _finding(test)), gaps=tuple(dict.fromkeys(gaps)))


def _tests(suite: Element, above: tuple[str, ...]) -> Iterator[_Test]:
    names = (*above, suite.attributes.get("name") or "") if suite.name == "testsuite" else above
    for part in suite.children:
        if part.name == "testcase":
            yield _Test(part, names)
        elif part.name in _SUITES:
            yield from _tests(part, names)


def _gap(message: str, remedy: str, reason: GapReason = GapReason.NOT_COVERED) -> Gap:
    return Gap(reason=reason, message=message, remedy=remedy)


def _nothing(tests: list[_Test]) -> Iterator[Gap]:
    if not tests:
        yield _gap("the report has no test: nothing was tried", "See whether the runner finds its tests.")
    elif all(test.results["skipped"] for test in tests):
        yield _gap(f"all of the {len(tests)} tests were skipped: nothing was tried", "Have them made.")


def _errors(tests: list[_Test]) -> Iterator[Gap]:
    """Tests that broke off: whether what they ask is so is not known."""
    broken = [test for test in tests if test.results["error"] and not test.results["failure"]]
    for test in broken:
        kind = f" ({test.type})" if _TYPE.fullmatch(test.type) else ""
        message = f"the test {test.rule} broke off in an error{kind}, and came to no result"
        yield _gap(message, "See what the runner says of it.", GapReason.TOOL_FAILED)


def _counts(suite: Element) -> Iterator[Gap]:
    """Where the attributes of a suite count other things than stand in it: Newman counts scripts that threw, and has
    no test for them; and a report may have been cut or edited.
    """
    cases, own = list(suite.every("testcase")), [part for part in suite.children if part.name == "testcase"]
    inner = [part for part in suite.children if part.name in _SUITES]
    # Surefire counts what a suite has, node:test its parts with inner suites as one each, most count all below.
    right = {"tests": {len(cases), len(own), len(own) + len(inner) * (suite.name == "testsuite")}}
    for word, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        right[word] = {len(list(suite.every(tag))), sum(any(True for _ in one.every(tag)) for one in cases)}
        right[word] |= {sum(1 for one in own if one.first(tag) is not None)}
    right["skipped"] |= {sum(bool(_Test(one, ()).results["skipped"]) for one in group) for group in (cases, own)}
    for word, counts in right.items():
        told = suite.attributes.get(word)
        if told is not None and (not told.strip().isdecimal() or int(told) not in counts):
            name = f"the suite {suite.attributes.get('name')!r}" if suite.attributes.get("name") else "the report"
            message = f"{name} tells {word}={told!r} and lists {max(counts)}: it was cut, or something failed outside"
            yield _gap(
                message, "See what the runner says; have it write the report again.", GapReason.REPORT_UNREADABLE
            )
    for part in inner:
        yield from _counts(part)


def _unknown(root: Element, tests: list[_Test]) -> Iterator[Gap]:
    """Results that hardgate has no word for."""
    words = {word for test in tests for word in test.results if word not in _RESULTS}
    for suite in (root, *(part for word in _SUITES for part in root.every(word) if part is not root)):
        words |= {part.name for part in suite.children if part.name not in {"testcase", *_SUITES, *_ASIDE}}
    for word in sorted(words):
        message = f"the report has <{word}>, which hardgate does not know: what it says was not read"
        yield _gap(message, "Tell the authors of hardgate which runner writes it.", GapReason.REPORT_UNREADABLE)


def _finding(test: _Test) -> Iterator[Finding]:
    """What a test that did not simply pass is. Messages and output are left out: they quote what was compared."""
    results = test.results
    if results["failure"]:
        kind = f" ({test.type})" if _TYPE.fullmatch(test.type) else ""
        severity, message = Severity.HIGH, f"The test {test.rule} failed{kind}."
        fix = "Mend what it tests, or the test, where it is wrong."
    elif results["error"]:
        return
    elif results["skipped"]:
        severity, message = Severity.INFO, f"The test {test.rule} was skipped: it says nothing."
        fix = "Have it made, or take it out."
    elif _FLAKY & set(results):
        severity, message = Severity.INFO, f"The test {test.rule} failed, and passed when it was tried again."
        fix = "Find out what it depends on."
    else:
        return
    cwe = next(filter(None, (tuple(f"CWE-{number}" for number in _CWE.findall(name)) for name in test.names)), ())
    yield Finding(
        scanner=_TOOL,
        rule=test.rule,
        kind=Kind.DYNAMIC,
        severity=severity,
        severity_from="adapter",  # JUnit XML has no severities: docs/scanners/junit.md
        message=message,
        location=test.location,
        cwe=tuple(dict.fromkeys(cwe)),
        fix=fix,
    )


JUNIT = described.scanner(_TOOL, frozenset({Kind.DYNAMIC}), _parse)
