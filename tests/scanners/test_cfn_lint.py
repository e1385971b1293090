"""cfn-lint: its samples, and the ways in which it looks clean without having looked."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hardgate.errors import ReportError
from hardgate.model import GapReason, Severity
from hardgate.scanners.cfn_lint import CFN_LINT
from tests.scanners import inputs, real

SAMPLES = Path(__file__).parent / "samples" / "cfn-lint"
NEW = (SAMPLES / "report-1.58.0.json").read_bytes()
DATABASE = "stacks/database.yaml"

EXPECTED = {
    ("E3006", "stacks/[odd] name.yml", 1, "medium"),
    ("W2501", DATABASE, 13, "high"),
    ("E3002", DATABASE, 14, "medium"),
    ("E3012", DATABASE, 19, "medium"),
    ("E2531", "stacks/function.template", 2, "medium"),
    ("E3001", "stacks/numbers.cfn.yaml", 1, "medium"),
    ("E3002", "stacks/serverless.yaml", 5, "medium"),
}
INFORMATIONAL = {
    ("I3011", DATABASE, 5, "info"),
    ("I3013", DATABASE, 8, "info"),
    ("I3011", DATABASE, 15, "info"),
}


def test_sample() -> None:
    report = CFN_LINT.parse(NEW)
    got = {(one.rule, one.location.path, one.location.line, one.severity.value) for one in report.findings}
    assert got == EXPECTED | INFORMATIONAL
    assert {(gap.reason, gap.path) for gap in report.gaps} == {
        (GapReason.FILE_UNREAD, "stacks/broken.yaml"),
        (GapReason.FILE_UNREAD, "stacks/numbers.cfn.yaml"),
    }
    assert "E0000" in report.gaps[0].message
    assert "E0002: E1029" in report.gaps[1].message


def test_what_comes_with_a_finding() -> None:
    by_rule = {one.rule: one for one in CFN_LINT.parse(NEW).findings}
    assert (by_rule["W2501"].cwe, by_rule["W2501"].severity_from) == (("CWE-798",), "adapter")
    assert by_rule["W2501"].fix.startswith("Revoke it")
    assert by_rule["E3006"].message == "Resource type 'AWS::SNS::Topc' does not exist in 'us-east-1'"
    assert (by_rule["E3006"].cwe, by_rule["E3006"].severity_from) == ((), "tool")
    assert all(one.url.startswith("https://") for one in by_rule.values())


def test_no_secret_is_quoted() -> None:
    assert b"open-sesame-43" in NEW
    report = CFN_LINT.parse(NEW)
    assert "sesame" not in msgspec.json.encode(report).decode()
    [one] = [one for one in report.findings if one.rule == "E3012"]
    assert one.message == "Check resource properties values: Resources/Replica/Properties/MasterUserPassword"


def test_an_earlier_release_is_read_too() -> None:
    report = CFN_LINT.parse((SAMPLES / "report-0.87.11.json").read_bytes())
    assert {(one.rule, one.location.line, one.severity.value) for one in report.findings} == {
        ("W2501", 13, "high"), ("E3002", 14, "medium"), ("E3002", 19, "medium"),
    }  # fmt: skip
    assert [(gap.reason, gap.path) for gap in report.gaps] == [(GapReason.FILE_UNREAD, "stacks/broken.yaml")]


def test_a_level_it_does_not_know_is_high_and_a_gap() -> None:
    report = CFN_LINT.parse(NEW.replace(b'"Level": "Error"', b'"Level": "Unknown"'))
    assert {one.severity for one in report.findings if one.rule == "E3002"} == {Severity.HIGH}
    odd = [gap for gap in report.gaps if gap.reason is GapReason.SEVERITY_UNKNOWN]
    assert len(odd) == len([one for one in EXPECTED if one[0].startswith("E3")])
    assert "severity: {E3006: low}" in odd[0].remedy


def test_a_finding_without_a_file_is_refused() -> None:
    with pytest.raises(ReportError, match="looked at nothing"):
        CFN_LINT.parse(NEW.replace(b'"Filename": "stacks/[odd] name.yml"', b'"Filename": null'))


def test_the_report_of_clean_files_is_refused() -> None:
    with pytest.raises(ReportError, match="empty list"):
        CFN_LINT.parse(b"[]")


@pytest.mark.real
def test_neither_metadata_nor_configuration_switch_it_off(tmp_path: Path) -> None:
    tree = real.write(tmp_path / "tree", inputs.TEMPLATES)
    real.write(tree, {".cfnlintrc": "ignore_checks: [E, W]\nignore_templates: ['**/*']\nregions: [nowhere]\n"})
    report = real.scan(CFN_LINT, tree, tmp_path / "scratch")
    assert real.found(report) == {one[:3] for one in EXPECTED}
    assert {gap.path for gap in report.gaps} == {"stacks/broken.yaml", "stacks/numbers.cfn.yaml"}


@pytest.mark.real
def test_metadata_counts_when_the_user_says_so(tmp_path: Path) -> None:
    quiet = str(inputs.TEMPLATES[DATABASE]).replace("regions: [nowhere]", "regions: [us-east-1]")
    tree = real.write(tmp_path / "tree", {DATABASE: quiet})
    report = real.scan(CFN_LINT, tree, tmp_path / "scratch", honour_inline=True)
    assert report.findings == ()


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("odd.template", "Metadata: 5\nResources: {}\n", {}),  # it crashes
        ("fine.template", "Resources: {}\n", {"regions": ["nowhere"]}),
    ],
)
def test_a_run_that_fails_is_told_by_its_exit_code(
    name: str, content: str, options: dict[str, object], tmp_path: Path
) -> None:
    tree = real.plant(CFN_LINT, real.write(tmp_path / "tree", {name: content}))
    done = real.start(CFN_LINT, real.job(CFN_LINT, tree, tmp_path / "scratch", options=options))
    assert done.exit_code not in CFN_LINT.done_exits


@pytest.mark.real
def test_a_file_that_is_gone_spoils_the_report(tmp_path: Path) -> None:
    tree = real.plant(CFN_LINT, tmp_path / "tree")
    job = real.job(CFN_LINT, tree, tmp_path / "scratch", files=("gone.yaml", f"{real.MARK}/canary.template"))
    done = real.start(CFN_LINT, job)
    assert done.exit_code in CFN_LINT.done_exits
    with pytest.raises(ReportError, match="looked at nothing"):
        CFN_LINT.parse(done.stdout)
