"""Zizmor: its samples, and the ways in which it looks clean without having looked."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hardgate.errors import ReportError
from hardgate.model import GapReason, Severity
from hardgate.scanners.zizmor import ZIZMOR
from tests.scanners import inputs, real

SAMPLES = Path(__file__).parent / "samples" / "zizmor"
CI = ".github/workflows/ci.yml"

EXPECTED = {
    ("artipacked", CI, 7, "medium"),
    ("excessive-permissions", CI, 4, "medium"),
    ("dangerous-triggers", CI, 2, "high"),
    ("template-injection", CI, 8, "high"),
    ("unpinned-uses", CI, 7, "high"),
    ("template-injection", "tools/setup/action.yml", 9, "high"),
}


def test_sample() -> None:
    report = ZIZMOR.parse((SAMPLES / "report-1.32.0.json").read_bytes())
    got = [(one.rule, one.location.path[2:], one.location.line, one.severity.value) for one in report.findings]
    assert set(got) == EXPECTED
    assert len(got) == len(EXPECTED)
    assert report.gaps == ()


def test_what_comes_with_a_finding() -> None:
    report = ZIZMOR.parse((SAMPLES / "report-1.32.0.json").read_bytes())
    one = next(one for one in report.findings if one.rule == "template-injection")
    assert one.message == "Code injection via template expansion: may expand into attacker-controllable code"
    assert (one.cwe, one.confidence, one.severity_from) == (("CWE-94",), "high", "tool")
    assert one.url == "https://docs.zizmor.sh/audits/#template-injection"
    assert all(one.fix for one in report.findings)


def test_an_earlier_release_is_read_too() -> None:
    report = ZIZMOR.parse((SAMPLES / "report-1.5.2.json").read_bytes())
    # That release minds the comment that excuses unpinned-uses, since it was not told otherwise.
    assert {(one.rule, one.location.line) for one in report.findings} == {
        ("artipacked", 7), ("excessive-permissions", 4), ("dangerous-triggers", 2), ("template-injection", 8),
    }  # fmt: skip


def _changed(old: bytes, new: bytes) -> bytes:
    raw = (SAMPLES / "report-1.32.0.json").read_bytes()
    assert old in raw
    return raw.replace(old, new)


def test_a_severity_it_does_not_know_is_high_and_a_gap() -> None:
    report = ZIZMOR.parse(_changed(b'"severity": "Medium"', b'"severity": "Unknown"'))
    odd = [one for one in report.findings if one.rule in {"artipacked", "excessive-permissions"}]
    assert {one.severity for one in odd} == {Severity.HIGH}
    assert {gap.reason for gap in report.gaps} == {GapReason.SEVERITY_UNKNOWN}
    assert len(report.gaps) == 2


def test_a_finding_without_a_file_is_refused() -> None:
    with pytest.raises(ReportError, match="does not name the file"):
        ZIZMOR.parse(_changed(b'"Local"', b'"Remote"'))


def test_a_finding_without_a_place_is_refused() -> None:
    audits = msgspec.json.decode((SAMPLES / "report-1.32.0.json").read_bytes())
    audits[0]["locations"] = []
    with pytest.raises(ReportError, match="does not say where"):
        ZIZMOR.parse(msgspec.json.encode(audits))


def test_the_report_of_clean_files_is_refused() -> None:
    with pytest.raises(ReportError, match="empty list"):
        ZIZMOR.parse(b"[]")


@pytest.mark.parametrize(
    ("path", "chosen"),
    [
        (".github/workflows/ci.yml", True),
        ("examples/api/.github/workflows/ci.yaml", True),
        ("action.yml", True),
        (".github/actions/setup/action.yaml", True),
        (".github/dependabot.yml", True),
        (".github/workflows/deep/ci.yml", False),
        (".github/workflows/readme.md", False),
        ("reaction.yml", False),
    ],
)
def test_what_it_looks_at(path: str, chosen: bool) -> None:
    assert ZIZMOR.selects(path) is chosen


@pytest.mark.real
def test_neither_comments_nor_configuration_switch_it_off(tmp_path: Path) -> None:
    tree = real.write(tmp_path / "tree", inputs.WORKFLOWS)
    quiet = "rules:\n  template-injection:\n    disable: true\n"
    real.write(tree, {"zizmor.yml": quiet, ".github/zizmor.yml": quiet, ".gitignore": "*\n"})
    report = real.scan(ZIZMOR, tree, tmp_path / "scratch")
    assert real.found(report) == {one[:3] for one in EXPECTED}


@pytest.mark.real
def test_comments_count_when_the_user_says_so(tmp_path: Path) -> None:
    tree = real.write(tmp_path / "tree", inputs.WORKFLOWS)
    report = real.scan(ZIZMOR, tree, tmp_path / "scratch", honour_inline=True)
    assert "unpinned-uses" not in {one.rule for one in report.findings}


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bad.yml", b"name: [ci\n"),
        ("schema.yml", b"name: ci\non: push\njobs: 5\n"),
        ("empty.yml", b""),
        ("latin.yml", b"name: \xe9\n"),
    ],
)
def test_a_workflow_that_it_cannot_read_is_a_failure(tmp_path: Path, name: str, content: bytes) -> None:
    """Without --strict-collection three of these are a warning, and the exit code is that of the other files."""
    tree = real.write(tmp_path / "tree", inputs.WORKFLOWS | {f".github/workflows/{name}": content})
    real.plant(ZIZMOR, tree)
    done = real.start(ZIZMOR, real.job(ZIZMOR, tree, tmp_path / "scratch"))
    assert done.exit_code not in ZIZMOR.done_exits
    assert name in done.stderr.decode()
