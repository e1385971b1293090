"""The comments that silence tools are found in every tool's own words, and cover no more than they say."""

from __future__ import annotations

from typing import Any

import pytest

from hardgate.exceptions import inline
from hardgate.model import Finding, Location, Severity, Suppression, Witness
from tests.builders import settled


@pytest.mark.parametrize(
    ("line", "tool", "rules"),
    [
        ("x = 1  # nosec", "bandit", ()),
        ("x = 1  #nosec B602, B607", "bandit", ("B602", "B607")),
        ("x = 1  # nosec: B602", "bandit", ("B602",)),
        ("x = 1  # nosec assert_used", "bandit", ("assert_used",)),
        ("x = 1  # nosec because it is a test", "bandit", ()),
        ("x = 1  # nosemgrep", "semgrep", ()),
        ("x = 1;  // nosemgrep: python.lang.sqli, a.b", "semgrep", ("python.lang.sqli", "a.b")),
        ("x = 1  # nosem", "semgrep", ()),
        ("x = 1  # noqa", "ruff", ()),
        ("x = 1  # noqa: S602,S603", "ruff", ("S602", "S603")),
        ("x = 1  # noqa: E501, S602 (it is a test)", "ruff", ("S602",)),
        ("# ruff: noqa: S101", "ruff", ("S101",)),
        ("  # checkov:skip=CKV_AWS_20:The bucket is public", "checkov", ("CKV_AWS_20",)),
        ("  #bridgecrew:skip=BC_AWS_1: x", "checkov", ("BC_AWS_1",)),
        ("# hadolint ignore=DL3008,DL3009", "hadolint", ("DL3008", "DL3009")),
        ("# hadolint global ignore=DL3008", "hadolint", ("DL3008",)),
        ("key = 'x'  # gitleaks:allow", "gitleaks", ()),
        ("#trivy:ignore:AVD-AWS-0086", "trivy", ("AVD-AWS-0086",)),
        ("  # tfsec:ignore:aws-s3-no-public", "trivy", ("aws-s3-no-public",)),
        ("key = 'x'  # pragma: allowlist secret", "detect-secrets", ()),
        ("        ignore_checks: [E3002, W]", "cfn-lint", ("E3002", "W")),
        ('          "ignore_checks": [', "cfn-lint", ()),
        ("      # zizmor: ignore[template-injection, artipacked]", "zizmor", ("template-injection", "artipacked")),
    ],
)
def test_each_tool_has_its_words(line: str, tool: str, rules: tuple[str, ...]) -> None:
    assert inline.suspected(line.encode())
    assert [(one.tool, one.rules, one.line) for one in inline.find("a", f"\n{line}\n")] == [(tool, rules, 2)]


@pytest.mark.parametrize(
    "line",
    ["x = 1  # noqa: E501", "nosecret = 1", "# no security", "x = 'nosemi'", "skip=CKV_1", "", "# trivy is ignored"],
)
def test_what_silences_nothing_about_security_is_none(line: str) -> None:
    assert list(inline.find("a", line)) == []


def test_two_on_one_line_are_two() -> None:
    found = list(inline.find("a", "x()  # noqa: S602  # nosec B602"))
    assert [(one.tool, one.rules) for one in found] == [("bandit", ("B602",)), ("ruff", ("S602",))]


def test_a_binary_file_is_not_read() -> None:
    assert not inline.suspected(b"\x7fELF\0 # nosec")


@pytest.mark.parametrize("hostile", ["# noqa" + " ," * 100_000, "nosem:" + "a." * 100_000, "checkov:" + " " * 200_000])
def test_a_long_line_is_read_in_no_time(hostile: str) -> None:
    """Linear: a pattern that tried every split of 200,000 characters would not come to an end."""
    assert len(list(inline.find("a", hostile))) <= 1


def finding(rule: str = "S602", line: int = 3, scanner: str = "ruff", **more: Any) -> Finding:
    place = Location(path="a.py", line=line, end_line=line)
    return settled(rule=rule, scanner=scanner, actions=(scanner,), **{"location": place, **more})


def comment(text: str, line: int = 3) -> Suppression:
    (one,) = inline.find("a.py", "\n" * (line - 1) + text)
    return one


@pytest.mark.parametrize(
    ("text", "at", "one", "covered"),
    [
        ("x  # noqa", 3, finding(), True),
        ("x  # noqa: S602", 3, finding(), True),
        ("x  # noqa: S603", 3, finding(), False),
        ("x  # noqa", 2, finding(), False),
        ("x  # noqa", 4, finding(), False),
        ("# noqa", 2, finding(), False),
        ("x  # nosec", 3, finding(), False),
        ("# nosemgrep: sqli", 2, finding("python.sqli", scanner="semgrep"), True),
        ("x  # nosemgrep: sqli", 2, finding("python.sqli", scanner="semgrep"), False),
        ("# hadolint ignore=DL3008", 2, finding("DL3008", scanner="hadolint"), True),
        ("# trivy:ignore:*", 2, finding("AVD-1", scanner="trivy"), True),
        ("x  # noqa", 3, finding(location=Location(path="b.py", line=3)), False),
        ("x  # noqa", 3, finding(location=Location(path="a.py")), False),
        ("x  # gitleaks:allow", 3, finding("k", scanner="gitleaks", location=Location(path="a.py", line=3, commit="c")),
         False),
    ],
)  # fmt: skip
def test_a_comment_covers_its_tool_its_line_and_its_rules(text: str, at: int, one: Finding, covered: bool) -> None:
    assert inline.covers(comment(text, at), one) is covered


def test_what_another_tool_saw_too_is_not_covered() -> None:
    other = Witness(scanner="bandit", action="bandit", rule="B602", severity=Severity.HIGH, message="")
    one = finding()
    both = finding(witnesses=(*one.witnesses, other))
    assert inline.covers(comment("x  # noqa"), one)
    assert not inline.covers(comment("x  # noqa"), both)


def test_a_comment_is_the_same_when_lines_above_change_and_another_when_its_code_does() -> None:
    def keys(text: str) -> list[tuple[str, ...]]:
        return inline.keys(list(inline.find("a", text)), text)

    old = "a()  # nosec\na()  # nosec\n# hadolint ignore=DL1\nRUN x\n"
    assert keys("\n\n" + old) == keys(old)
    assert len(set(keys(old))) == 3
    assert keys(old.replace("RUN x", "RUN y"))[2] not in keys(old)
    assert keys(old.replace("a()  # nosec", "b()  # nosec", 1))[0] not in keys(old)
    assert keys("a()  # nosec\n" + old)[2] not in keys(old)


BUCKETS = """resource "aws_s3_bucket" "logs" {
  # checkov:skip=CKV_AWS_18: it is the log itself
  bucket = "logs"
}
resource "aws_s3_bucket" "people" {
  bucket = "people"
}
"""
CALLS = """run(
    ["ls"],
)  # nosec

run(
    words,
)
"""


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        (BUCKETS, BUCKETS.replace('"logs" {', '"customers" {')),
        (BUCKETS, BUCKETS.replace('"logs" {\n', '"logs" {\n  tags = {\n').replace('"logs"\n}', '"logs"\n  }\n}')),
        (BUCKETS, BUCKETS.replace('"logs" {\n', '"logs" {\n   }\n   resource "aws_s3_bucket" "people" {\n')),
        (CALLS, CALLS.replace('run(\n    ["ls"]', 'execute(\n    ["ls"]')),
        (CALLS, CALLS.replace('["ls"]', "words")),
    ],
)
def test_a_comment_that_speaks_of_a_block_does_not_move_to_another(text: str, moved: str) -> None:
    def keys(text: str) -> list[tuple[str, ...]]:
        return inline.keys(list(inline.find("a", text)), text)

    assert text != moved
    assert keys(text)
    assert set(keys(text)).isdisjoint(keys(moved))
    assert keys(text) == keys("x = 1\n\n" + text)
