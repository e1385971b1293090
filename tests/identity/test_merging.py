"""One fact from several tools is one finding, and two facts stay two: by the table, by CWE, by place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from hardgate import equivalents, identity, rated
from hardgate.model import Finding, Kind, Receipt, Refutation, Severity
from hardgate.scanners.checkov import CHECKOV
from hardgate.scanners.trivy import TRIVY
from tests.builders import dependency, finding, receipt

SAMPLES = Path(__file__).parents[1] / "scanners" / "samples"


def settle(scanner: str, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return identity.settle(findings, action=scanner, severities={}, place=str, lines=lambda _path: ())


def merged(*findings: Finding) -> list[list[str]]:
    """The rules of each merged finding's witnesses, in alphabetical order."""
    by_scanner: dict[str, list[Finding]] = {}
    for one in findings:
        by_scanner.setdefault(one.scanner, []).append(one)
    found = identity.merge(one for name, group in by_scanner.items() for one in settle(name, group))
    return sorted(sorted(witness.rule for witness in one.witnesses) for one in found)


def told(scanner: str, rule: str, line: int | None = 3, cwe: str = "", **more: object) -> Finding:
    end = more.pop("end", line)
    one = finding(rule, scanner=scanner, line=line, cwe=(cwe,) if cwe else (), **more)  # type: ignore[arg-type] # any field
    return msgspec.structs.replace(one, location=msgspec.structs.replace(one.location, end_line=end))


# Code


def test_four_tools_and_one_injection() -> None:
    findings = [
        told("bandit", "B608"), told("ruff", "S608"), told("semgrep", "python-sql-injection"),
        told("dataflow", "python-sql-injection", severity=Severity.CRITICAL),
    ]  # fmt: skip
    assert merged(*findings) == [["B608", "S608", "python-sql-injection", "python-sql-injection"]]
    (one,) = identity.merge(made for each in findings for made in settle(each.scanner, [each]))
    assert (one.severity, one.scanner) == (Severity.CRITICAL, "dataflow")


def test_two_holes_on_one_line_stay_two() -> None:
    """A statement put together and a shell: each tool sees both, in an order of its own."""
    assert merged(
        told("bandit", "B602", cwe="CWE-78"), told("bandit", "B608", cwe="CWE-89"),
        told("semgrep", "python-sql-injection"), told("semgrep", "python-command-injection"),
        told("ruff", "S608"), told("ruff", "S602"),
    ) == [["B602", "S602", "python-command-injection"], ["B608", "S608", "python-sql-injection"]]  # fmt: skip


def test_two_holes_of_one_kind_on_one_line_stay_two() -> None:
    """eval(a) + eval(b): both tools report both."""
    twice = [told("bandit", "B307", message="a"), told("bandit", "B307", message="b")]
    ours = [
        told("semgrep", "python-code-injection", message="a"),
        told("semgrep", "python-code-injection", message="b"),
    ]
    assert merged(*twice, *ours) == [["B307", "python-code-injection"]] * 2
    assert merged(*twice, ours[0]) == [["B307"], ["B307", "python-code-injection"]]


@pytest.mark.parametrize(
    "other",
    [
        told("bandit", "B607", cwe="CWE-78"),  # a program found by the path: the same CWE, and not the same hole
        told("bandit", "B404", cwe="CWE-78"),
        told("semgrep", "python-command-injection", line=4),
        told("semgrep", "python-command-injection", path="b.py"),
        told("semgrep", "python-sql-injection"),
        told("semgrep", "python-command-injection", kind=Kind.MISCONFIGURATION),  # a policy judges by kinds
        told("any", "shell", cwe="CWE-89"),
        told("any", "shell", cwe="CWE-20"),  # too wide to say the same
        told("any", "shell"),
    ],
)
def test_what_is_another_problem_than_a_shell(other: Finding) -> None:
    shell = told("ruff", "S602")
    assert len(merged(shell, other)) == 2
    made = [settle(one.scanner, [one])[0] for one in (shell, other)]
    assert identity.difference(*made)


@pytest.mark.parametrize("cwe", ["CWE-78", "CWE-77"])
def test_a_tool_that_nobody_knows_is_understood_by_its_cwe(cwe: str) -> None:
    assert merged(told("ruff", "S602"), told("any", "exec-shell", cwe=cwe)) == [["S602", "exec-shell"]]
    assert merged(told("some", "a", cwe=cwe), told("any", "b", cwe="CWE-78")) == [["a", "b"]]


def test_cwes_of_two_families_say_nothing() -> None:
    both = finding("x", scanner="any", cwe=("CWE-78", "CWE-89"))
    assert merged(both, told("ruff", "S602"), told("ruff", "S608")) == [["S602"], ["S608"], ["x"]]


def test_the_weaknesses_of_the_table_are_those_of_the_bundled_rules() -> None:
    rules = Path(equivalents.__file__).parent / "rules" / "semgrep.json"
    bundled = set(re.findall(r'"id": "([a-z-]+)"', rules.read_text()))
    named = {f"python-{name}" for name in equivalents._FAMILIES} | {*equivalents._NUMBERS.values()}
    named |= {*equivalents._SAID.values()}
    named |= {rule for rule in equivalents._CHECKS if re.match("terraform-|dockerfile-", rule)}
    assert named <= bundled


# Refutations


def refuting(line: int = 3, rule: str = "python-insecure-random") -> Receipt:
    return receipt("dataflow", refuted=(Refutation(rule=rule, path="app.py", line=line, end_line=line),))


def concluded(*findings: Finding, refutation: Receipt | None = None) -> list[tuple[list[str], str]]:
    receipts = [receipt(one.scanner, findings=settle(one.scanner, [one])) for one in findings]
    found = identity.conclude([*receipts, *([refutation] if refutation else [])])
    return sorted((sorted(witness.rule for witness in one.witnesses), one.refuted) for one in found)


def test_a_refuted_witness_leaves_those_that_are_not() -> None:
    """B311 is no matter of what arrives: nobody has refuted it. It is not raised by what was refuted either."""
    ours, bandit = told("semgrep", "python-insecure-random"), told("bandit", "B311", severity=Severity.LOW)
    assert concluded(ours, bandit) == [(["B311", "python-insecure-random"], "")]
    assert concluded(ours, bandit, refutation=refuting()) == [(["B311"], ""), (["python-insecure-random"], "dataflow")]


def test_all_witnesses_refuted_is_refuted() -> None:
    three = [told("bandit", "B608"), told("ruff", "S608"), told("semgrep", "python-sql-injection")]
    expected = [(["B608", "S608", "python-sql-injection"], "dataflow")]
    assert concluded(*three, refutation=refuting(rule="python-sql-injection")) == expected


def test_who_reports_a_place_has_not_refuted_it() -> None:
    two = [told("bandit", "B608"), told("dataflow", "python-sql-injection")]
    assert concluded(*two, refutation=refuting(rule="python-sql-injection")) == [(["B608", "python-sql-injection"], "")]


# Packages


def test_an_advisory_is_one_by_any_shared_name() -> None:
    assert merged(
        dependency("PYSEC-1", "GHSA-1", scanner="pip-audit"), dependency("CVE-1", "GHSA-1", scanner="trivy"),
        dependency("GHSA-1", scanner="safety"),
    ) == [["CVE-1", "GHSA-1", "PYSEC-1"]]  # fmt: skip


def test_an_entry_for_two_advisories_does_not_make_them_one() -> None:
    wide = dependency("PYSEC-1", "CVE-1", "CVE-2", scanner="pip-audit")
    two = [dependency("CVE-1", scanner="trivy"), dependency("CVE-2", scanner="trivy")]
    assert merged(wide, *two) == [["CVE-1", "PYSEC-1"], ["CVE-2"]]


# Dockerfiles and Terraform


def test_what_trivy_and_checkov_really_report_of_the_same_files() -> None:
    """Samples of both tools over one tree."""
    trivy = TRIVY.parse((SAMPLES / "trivy/files-0.74.0.json").read_bytes()).findings
    checkov = CHECKOV.parse((SAMPLES / "checkov/list-3.3.30.json").read_bytes()).findings
    pairs = [rules for rules in merged(*trivy, *checkov) if len(rules) > 1]
    assert pairs == [
        ["AWS-0080", "CKV_AWS_16"], ["AWS-0089", "CKV_AWS_18"], ["AWS-0090", "CKV_AWS_21"],
        ["AWS-0092", "CKV_AWS_20"], ["AWS-0094", "CKV2_AWS_6"], ["AWS-0132", "CKV_AWS_145"],
        ["AWS-0176", "CKV_AWS_161"], ["AWS-0177", "CKV_AWS_293"], ["AWS-0180", "CKV_AWS_17"],
        ["CKV_DOCKER_1", "DS-0004"], ["CKV_DOCKER_2", "DS-0026"], ["CKV_DOCKER_4", "DS-0005"],
        ["CKV_DOCKER_7", "DS-0001"], ["CKV_DOCKER_8", "DS-0002"],
    ]  # fmt: skip


def iac(scanner: str, rule: str, line: int | None, end: int | None = None) -> Finding:
    return told(scanner, rule, line, path="main.tf", kind=Kind.MISCONFIGURATION, end=end or line)


def test_a_check_of_a_resource_meets_within_its_lines() -> None:
    block = iac("checkov", "CKV_AWS_17", 1, 9)
    assert merged(block, iac("trivy", "AVD-AWS-0180", 4)) == [["AVD-AWS-0180", "CKV_AWS_17"]]
    assert len(merged(block, iac("trivy", "AWS-0180", 12))) == 2
    assert len(merged(block, iac("trivy", "AWS-0177", 4))) == 2
    two = [iac("trivy", "AWS-0180", 4), iac("trivy", "AWS-0180", 6)]
    assert merged(block, *two) == [["AWS-0180"], ["AWS-0180", "CKV_AWS_17"]]


def test_three_tools_on_one_dockerfile() -> None:
    root = [iac("trivy", "DS002", 6), iac("hadolint", "DL3002", 6), iac("semgrep", "dockerfile-root-user", 6)]
    assert merged(*root) == [["DL3002", "DS002", "dockerfile-root-user"]]
    assert merged(iac("trivy", "DS-0002", None), iac("checkov", "CKV_DOCKER_3", 1, 20)) == [["CKV_DOCKER_3", "DS-0002"]]
    assert len(merged(iac("trivy", "DS-0002", None), iac("hadolint", "DL3002", 6))) == 2


# What is told of two


def test_two_findings_say_what_tells_them_apart() -> None:
    shell, sql = settle("bandit", [told("bandit", "B602"), told("bandit", "B608", line=5)])
    assert identity.difference(shell, sql) == [
        "another place: line 3 and line 5", "another problem: command-injection and sql-injection",
    ]  # fmt: skip
    twice = settle("bandit", [told("bandit", "B602", message="a"), told("bandit", "B602", message="b")])
    assert identity.difference(*twice) == ["one tool reports both, and what one tool reports twice is two"]
    new, old = settle("trivy", [dependency("CVE-1"), dependency("CVE-2", version="2.0", path="b.txt")])
    assert identity.difference(old, new) == [
        "another file: requirements.txt and b.txt", "another release of a package: flask 1.0 and flask 2.0",
        "another advisory: CVE-1 and CVE-2 share no name",
    ]  # fmt: skip


def test_that_a_vulnerability_is_exploited_is_known_of_whichever_witness_leads() -> None:
    told = dependency("PYSEC-1", "CVE-2024-1", severity=Severity.MEDIUM, severity_from=f"tool; {rated.EXPLOITED}")
    lead = dependency("PYSEC-1", scanner="trivy", severity=Severity.HIGH, severity_from="tool; high in its database")
    (one,) = identity.merge([*settle("pip-audit", [told]), *settle("trivy", [lead])])
    assert (one.scanner, rated.exploited(one.severity_from)) == ("trivy", True)
    assert one.severity_from.startswith("tool; high in its database; ")
