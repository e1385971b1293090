"""Bandit: its samples, and the ways in which it looks clean without having looked."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hardgate.model import GapReason, Severity
from hardgate.scanners.bandit import BANDIT
from tests.scanners import inputs, real

SAMPLES = Path(__file__).parent / "samples" / "bandit"

# Rule, file, line, end line, severity, CWE: what Bandit 1.9.4 says of tests/scanners/inputs.py.
EXPECTED = {
    ("B307", "shop/.tox/hidden.py", 1, 1, "medium", "CWE-78"),
    ("B403", "shop/app.py", 2, 2, "low", "CWE-502"),
    ("B404", "shop/app.py", 3, 3, "low", "CWE-78"),
    ("B105", "shop/app.py", 5, 5, "low", "CWE-259"),
    ("B107", "shop/app.py", 8, 14, "low", "CWE-259"),
    ("B106", "shop/app.py", 9, 9, "low", "CWE-259"),
    ("B608", "shop/app.py", 10, 10, "medium", "CWE-89"),
    ("B602", "shop/app.py", 11, 11, "high", "CWE-78"),
    ("B602", "shop/app.py", 12, 12, "low", "CWE-78"),
    ("B607", "shop/app.py", 12, 12, "low", "CWE-78"),
    ("B324", "shop/app.py", 13, 13, "high", "CWE-327"),
    ("B301", "shop/app.py", 14, 14, "medium", "CWE-502"),
    ("B103", "shop/tests/test_app.py", 3, 3, "medium", "CWE-732"),
    ("B103", "shop/tests/test_app.py", 4, 4, "high", "CWE-732"),
}


def test_sample() -> None:
    report = BANDIT.parse((SAMPLES / "report-1.9.4.json").read_bytes())
    got = [
        (one.rule, one.location.path[2:], one.location.line, one.location.end_line, one.severity.value, *one.cwe)
        for one in report.findings
    ]
    assert set(got) == EXPECTED
    assert len(got) == len(EXPECTED)
    assert {(gap.reason, gap.path) for gap in report.gaps} == {
        (GapReason.FILE_UNREAD, "./shop/broken.py"),
        (GapReason.FILE_UNREAD, "./shop/latin.py"),
    }
    assert report.seen == frozenset(
        {"./shop/.tox/hidden.py", "./shop/app.py", "./shop/clean.py", "./shop/tests/test_app.py"}
    )


def test_what_comes_with_a_finding() -> None:
    report = BANDIT.parse((SAMPLES / "report-1.9.4.json").read_bytes())
    (sql,) = [one for one in report.findings if one.rule == "B608"]
    assert (sql.confidence, sql.severity_from) == ("medium", "tool")
    assert sql.url.startswith("https://bandit.readthedocs.io/")
    assert sql.fix


def test_an_earlier_release_is_read_too() -> None:
    report = BANDIT.parse((SAMPLES / "report-1.7.9.json").read_bytes())
    # Without --ignore-nosec and -x that release leaves out line 11 and .tox; it has no B107 for this code.
    left = {one[:3] for one in EXPECTED} - {("B602", "shop/app.py", 11), ("B307", "shop/.tox/hidden.py", 1)}
    assert real.found(report) == left - {("B107", "shop/app.py", 8)}


@pytest.mark.parametrize("name", ["report-1.9.4.json", "report-1.7.9.json"])
def test_no_password_stays(name: str) -> None:
    raw = (SAMPLES / name).read_bytes()
    assert raw.count(b"tulip") > 2
    assert b"tulip" not in msgspec.json.encode(BANDIT.parse(raw))


def test_a_severity_it_does_not_know_is_high_and_a_gap() -> None:
    issue = {
        "filename": "a.py", "test_id": "B999", "issue_severity": "UNDEFINED", "issue_confidence": "HIGH",
        "issue_text": "t", "line_number": 3,
    }  # fmt: skip
    raw = msgspec.json.encode({"results": [issue], "errors": [], "metrics": {"_totals": {}, "a.py": {}}})
    report = BANDIT.parse(raw)
    assert report.findings[0].severity is Severity.HIGH
    assert (report.gaps[0].reason, report.gaps[0].path) == (GapReason.SEVERITY_UNKNOWN, "a.py")
    assert "B999" in report.gaps[0].message
    assert "UNDEFINED" in report.gaps[0].message


@pytest.mark.real
def test_a_hostile_repository_cannot_switch_it_off(tmp_path: Path) -> None:
    tree = real.write(tmp_path / "tree", inputs.PYTHON)
    # Two of them would even make Bandit stop; setup.cfg and pyproject.toml it must not read either.
    quiet = "[bandit]\nskips = B105,B307,B602,B608\n"
    real.write(tree, {".bandit": quiet, "shop/.bandit": quiet, "setup.cfg": quiet, "tox.ini": quiet})
    real.write(tree, {"pyproject.toml": '[tool.bandit]\nskips = ["B307"]\nexclude_dirs = ["shop"]\n'})
    report = real.scan(BANDIT, tree, tmp_path / "scratch")
    assert real.found(report) == {one[:3] for one in EXPECTED}


@pytest.mark.real
def test_inline_suppression_counts_when_the_user_says_so(tmp_path: Path) -> None:
    tree = real.write(tmp_path / "tree", inputs.PYTHON)
    report = real.scan(BANDIT, tree, tmp_path / "scratch", honour_inline=True)
    assert ("B602", "shop/app.py", 11) not in real.found(report)


@pytest.mark.real
def test_a_target_that_is_not_there(tmp_path: Path) -> None:
    """Bandit exits 0 without results: the canary and the files that it did not see tell."""
    part = real.job(BANDIT, tmp_path, tmp_path / "scratch", args=("nowhere",))
    report = BANDIT.parse(real.start(BANDIT, part).stdout)
    assert [gap.path for gap in report.gaps] == ["./nowhere"]
    assert report.seen == frozenset()
