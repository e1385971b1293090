"""cdk-nag: reports of real syntheses with 2.x and 3.x, and the ways in which they could look clean."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from hardgate import contract
from hardgate.errors import ReportError
from hardgate.model import ExitCode, GapReason, Severity
from hardgate.scanners import cdk_nag
from hardgate.scanners.cdk_nag import CDK_NAG
from tests.lab.command import hardgate

SAMPLES = Path(__file__).parent / "samples" / "cdk-nag"
FILES = sorted(path.name for path in SAMPLES.glob("*.json"))
LOGS = "No access logs, for it holds nothing of value"


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def told(raw: bytes) -> set[tuple[str, str]]:
    return {(one.rule, one.message.partition("(")[2].partition(")")[0]) for one in cdk_nag.parse(raw).findings}


SECOND = {
    ("AwsSolutions-S1", "Shop/Plain/Resource"),
    ("AwsSolutions-S10", "Shop/Plain/Resource"),
    ("AwsSolutions-SQS3", "Shop/Orders/Resource"),
    ("AwsSolutions-SQS4", "Shop/Orders/Resource"),
    ("AwsSolutions-EC23", "Shop/Open/Resource"),
    ("AwsSolutions-EC27", "Shop/Unsure"),
    ("AwsSolutions-IAM5", "Shop/Wide/Resource"),  # once for its action and once for its resource, in the same words
}
LINES = len(SECOND) + 1


@pytest.mark.parametrize("name", ["nag-report-2.38.2.json", "nag-report-2.38.2.csv"])
def test_reports_of_the_second_version(name: str) -> None:
    read = cdk_nag.parse(sample(name))
    places = {(one.rule, place) for one in read.findings for _, place in SECOND if f"({place})" in one.message}
    assert places == SECOND
    (suppressed,) = [one for one in read.findings if one.rule == "AwsSolutions-S1"]
    assert suppressed.message.endswith(f"(suppressed in the app: {LOGS})")
    assert {one.severity for one in read.findings} == {Severity.HIGH}
    # UNKNOWN: the rule could not be evaluated for a range that is known at deployment only.
    unknown, *rest = read.gaps
    assert unknown.reason is GapReason.FILE_UNREAD
    assert "Shop/Unsure by AwsSolutions-EC23: UNKNOWN" in unknown.message
    assert [one.reason for one in rest] == ([GapReason.REPORT_UNREADABLE] if name.endswith("csv") else [])


def test_a_report_of_the_third_version() -> None:
    read = cdk_nag.parse(sample("validation-report-3.0.2.json"))
    rules = {one.rule for one in read.findings}
    assert {rule for rule, _ in SECOND} - rules == {"AwsSolutions-S1", "AwsSolutions-IAM5"}  # S1 was acknowledged
    assert {"AwsSolutions-IAM5[Action::s3:*]", "AwsSolutions-IAM5[Resource::*]"} < rules
    assert ("AwsSolutions-EC23", "Shop/Unsure") in told(sample("validation-report-3.0.2.json"))
    (port,) = [one for one in read.findings if one.rule == "W2508"]
    assert (port.severity, port.location.path) == (Severity.MEDIUM, "Shop.template.json")
    assert port.fix == "Restrict the CIDR range to specific IP addresses"
    assert read.gaps == ()


def test_what_was_acknowledged_stays_visible() -> None:
    (one,) = cdk_nag.parse(sample("metadata-3.0.2.json")).findings
    assert one.rule == "AwsSolutions-S1"
    assert one.message == f"Acknowledged in the app: {LOGS} (Shop/Plain)"


def test_a_clean_report_of_the_third_version_shows_nothing() -> None:
    """It is what the CDK writes with a pack that finds nothing, and without any pack: real, of a sealed stack."""
    read = cdk_nag.parse(sample("clean-3.0.2.json"))
    assert [one.reason for one in read.gaps] == [GapReason.RULES_EMPTY]
    only = (
        b'{"title": "Validation Report", "pluginReports": [{"pluginName": "CloudFormation Validate",'
        b' "conclusion": "success", "violations": []}]}'
    )
    assert [one.reason for one in cdk_nag.parse(only).gaps] == [GapReason.RULES_EMPTY]


def validation(**keys: Any) -> bytes:
    plugin = {"pluginName": "AwsSolutions", "conclusion": "failure", "violations": [], **keys}
    return json.dumps({"title": "Validation Report", "pluginReports": [plugin]}).encode()


def test_the_report_of_older_cdks() -> None:
    violation = {"ruleName": "R1", "description": "d", "violatingConstructs": [{"constructPath": "A/B"}]}
    summary = {"pluginName": "AwsSolutions", "status": "failure"}
    raw = validation(pluginName="", conclusion="", summary=summary, violations=[violation])
    assert told(raw) == {("R1", "A/B")}
    assert cdk_nag.parse(raw).gaps == ()


@pytest.mark.parametrize("keys", [{}, {"conclusion": "error"}, {"conclusion": ""}])
def test_a_pack_that_did_not_end_well_is_a_gap(keys: dict[str, str]) -> None:
    assert [one.reason for one in cdk_nag.parse(validation(**keys)).gaps] == [GapReason.TOOL_FAILED]


def test_new_words_are_gaps() -> None:
    line = {"ruleId": "R", "resourceId": "A/B", "compliance": "Non-Compliant", "exceptionReason": "N/A",
            "ruleLevel": "Dire", "ruleInfo": "i"}  # fmt: skip
    read = cdk_nag.parse(json.dumps({"lines": [line, {**line, "compliance": "Half"}]}).encode())
    assert [one.severity for one in read.findings] == [Severity.HIGH]
    assert [one.reason for one in read.gaps] == [GapReason.SEVERITY_UNKNOWN, GapReason.FILE_UNREAD]
    assert [one.reason for one in cdk_nag.parse(b'{"lines": []}').gaps] == [GapReason.RULES_EMPTY]


@pytest.mark.parametrize("name", FILES)
def test_half_a_report_is_refused(name: str) -> None:
    raw = sample(name)
    assert [length for length in contract.cuts(raw) if not contract.refused(CDK_NAG, raw[:length])] == []
    assert contract.refused(CDK_NAG, raw + raw)


@pytest.mark.parametrize("raw", contract.JUNK)
def test_junk_is_refused(raw: bytes) -> None:
    assert contract.refused(CDK_NAG, raw)


def test_half_a_csv_is_refused_or_a_gap() -> None:
    raw = sample("nag-report-2.38.2.csv")
    for length in contract.cuts(raw):
        cut = raw[:length]
        assert contract.refused(CDK_NAG, cut) or cdk_nag.parse(cut).gaps, length


def test_findings_are_whole() -> None:
    for name in FILES:
        for one in cdk_nag.parse(sample(name)).findings:
            assert one.rule
            assert one.message
            assert one.scanner == "cdk-nag"


def test_a_described_synthesis_needs_a_report() -> None:
    scanner = CDK_NAG.fitted(cdk_nag.Options(command=("synth",)))
    both = sample("nag-report-2.38.2.json") + b"\n" + sample("metadata-3.0.2.json")
    assert len(scanner.parse(both).findings) == LINES + 1
    with pytest.raises(ReportError, match="no report"):
        scanner.parse(sample("metadata-3.0.2.json"))


@pytest.mark.real
@pytest.mark.parametrize(
    ("after", "exits", "code", "reasons"),
    [
        ("exit 1", [0, 1], ExitCode.INCOMPLETE, [GapReason.FILE_UNREAD]),
        ("exit 1", [0], ExitCode.INCOMPLETE, [GapReason.TOOL_FAILED]),
        ("rm $1", [0, 1], ExitCode.INCOMPLETE, [GapReason.REPORT_UNREADABLE]),
    ],
)
def test_the_whole_way(after: str, exits: list[int], code: ExitCode, reasons: list[str], tmp_path: Path) -> None:
    """A command in place of a synthesis, which takes twenty seconds: it hands on what a real one wrote."""
    root = tmp_path / "app"
    root.mkdir()
    shutil.copy(SAMPLES / "nag-report-2.38.2.json", root / "real.json")
    script = f'cp real.json "$1"; {after}'
    command = ["sh", "-c", script, "sh", "{report}"]
    keys = {"name": "nag", "command": command, "exits": exits}
    pipeline = {"pipeline": "p", "stages": [{"name": "s", "actions": [{"cdk-nag": keys}]}]}
    (root / "hardgate.yaml").write_text(json.dumps(pipeline))
    result = hardgate("run", str(root), "--json", env={"HARDGATE_HOME": str(tmp_path / "home")})
    assert result.code is code, shlex.join(command) + result.stdout
    assert [one["reason"] for one in result.json["gaps"]] == reasons
    if reasons == [GapReason.FILE_UNREAD]:
        assert len(result.json["findings"]) == LINES
        assert len({one["id"] for one in result.json["findings"]}) == LINES


@pytest.mark.real
def test_ingest() -> None:
    files = (str(SAMPLES / "validation-report-3.0.2.json"), str(SAMPLES / "metadata-3.0.2.json"))
    result = hardgate("ingest", "cdk-nag", *files, "--json")
    assert result.code is ExitCode.PASS
    assert "AwsSolutions-S1" in {one["rule"] for one in result.json["findings"]}
