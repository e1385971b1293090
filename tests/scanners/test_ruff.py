"""Ruff's S rules: samples, the table beside Bandit's own words, and the ways in which it looks clean."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hardgate.errors import ReportError
from hardgate.model import GapReason, Severity
from hardgate.scanners.bandit import BANDIT
from hardgate.scanners.ruff import RUFF
from tests.scanners import inputs, real

SAMPLES = Path(__file__).parent / "samples"
RUFF_SAMPLE = SAMPLES / "ruff" / "report-0.17.5.json"
TREE = "/srv/tree/"

EXPECTED = {
    ("S307", "notes.ipynb", None, "medium"),
    ("S307", "shop/.tox/hidden.py", 1, "medium"),
    ("S105", "shop/app.py", 5, "low"),
    ("S107", "shop/app.py", 8, "low"),
    ("S106", "shop/app.py", 9, "low"),
    ("S608", "shop/app.py", 10, "medium"),
    ("S602", "shop/app.py", 11, "high"),
    ("S602", "shop/app.py", 12, "low"),
    ("S607", "shop/app.py", 12, "low"),
    ("S324", "shop/app.py", 13, "high"),
    ("S301", "shop/app.py", 14, "medium"),
    ("S103", "shop/tests/test_app.py", 3, "medium"),
    ("S103", "shop/tests/test_app.py", 4, "high"),
}


def violation(**changes: object) -> bytes:
    one: dict[str, object] = {
        "code": "S307", "message": "m", "filename": "a.py", "location": {"row": 3, "column": 1},
        "end_location": {"row": 4, "column": 1}, "url": None,
    }  # fmt: skip
    return msgspec.json.encode([one | changes])


def test_sample() -> None:
    report = RUFF.parse(RUFF_SAMPLE.read_bytes())
    got = {
        (one.rule, one.location.path.removeprefix(TREE), one.location.line, one.severity.value)
        for one in report.findings
    }
    assert got == EXPECTED
    assert len(report.findings) == len(EXPECTED)
    assert {(gap.reason, gap.path.removeprefix(TREE)) for gap in report.gaps} == {
        (GapReason.FILE_UNREAD, "shop/broken.py"),
        (GapReason.FILE_UNREAD, "shop/latin.py"),
    }
    assert len(report.gaps) == 2


def test_what_comes_with_a_finding() -> None:
    report = RUFF.parse(RUFF_SAMPLE.read_bytes())
    (sql,) = [one for one in report.findings if one.rule == "S608"]
    assert (sql.cwe, sql.severity_from) == (("CWE-89",), "adapter")
    assert sql.fix
    assert sql.url.startswith("https://docs.astral.sh/")
    (cell,) = [one for one in report.findings if one.location.path.endswith(".ipynb")]
    assert "cell 2, line 2" in cell.message


def test_an_earlier_release_is_read_too() -> None:
    """Before 0.12 a syntax error had no code at all."""
    report = RUFF.parse((SAMPLES / "ruff" / "report-0.9.10.json").read_bytes())
    assert len(report.findings) == 10
    assert {gap.path.removeprefix(TREE) for gap in report.gaps} == {"shop/broken.py", "shop/latin.py"}


def test_it_says_what_bandit_says() -> None:
    """On the same input, finding by finding: the same number has the same severity and CWE."""
    bandit = BANDIT.parse((SAMPLES / "bandit" / "report-1.9.4.json").read_bytes())
    theirs = {
        (one.rule[1:], one.location.path[2:], one.location.line): (one.severity, one.cwe) for one in bandit.findings
    }
    ruff = RUFF.parse(RUFF_SAMPLE.read_bytes())
    ours = {
        (one.rule[1:], one.location.path.removeprefix(TREE), one.location.line): (one.severity, one.cwe)
        for one in ruff.findings
    }
    both = theirs.keys() & ours.keys()
    assert len(both) == 12
    assert {key: theirs[key] for key in both} == {key: ours[key] for key in both}


def test_a_rule_without_a_rating_is_high_and_a_gap() -> None:
    report = RUFF.parse(violation(code="S999"))
    assert report.findings[0].severity is Severity.HIGH
    assert report.gaps[0].reason is GapReason.SEVERITY_UNKNOWN
    assert "S999" in report.gaps[0].message


def test_several_errors_of_one_file_are_one_gap() -> None:
    two = msgspec.json.decode(violation(code="invalid-syntax", message="first")) * 2
    (gap,) = RUFF.parse(msgspec.json.encode(two)).gaps
    assert "first (line 3)" in gap.message


def test_the_report_of_a_clean_tree_is_refused() -> None:
    with pytest.raises(ReportError, match="empty list"):
        RUFF.parse(b"[]")


@pytest.mark.real
def test_a_hostile_repository_cannot_switch_it_off(tmp_path: Path) -> None:
    tree = real.write(tmp_path / "tree", inputs.PYTHON | inputs.NOTEBOOK)
    real.write(
        tree,
        {
            "ruff.toml": 'exclude = ["*"]\n',
            "shop/pyproject.toml": '[tool.ruff]\nexclude = ["*"]\n',
            ".gitignore": "*\n",
            "shop/noqa.py": "# ruff: noqa\n# flake8: noqa\neval(input())  # ruff: ignore[S307]\n",
            "shop/range.py": "# ruff: disable[S307]\neval(input())\n# ruff: enable[S307]\n",
            "shop/tool.pyw": "eval(input())\n",
            "venv/lib.py": "eval(input())\n",
            "shop/new.py": "type Number = int\neval(input())\n",
        },
    )
    report = real.scan(RUFF, tree, tmp_path / "scratch")
    prefix = str(tree.resolve()) + "/"
    got = {(one.rule, one.location.path.removeprefix(prefix), one.location.line) for one in report.findings}
    more = {("shop/noqa.py", 3), ("shop/range.py", 2), ("shop/tool.pyw", 1), ("venv/lib.py", 1), ("shop/new.py", 2)}
    assert got == {one[:3] for one in EXPECTED} | {("S307", path, line) for path, line in more}
    assert {Path(gap.path).name for gap in report.gaps} == {"broken.py", "latin.py"}


@pytest.mark.real
def test_inline_suppression_counts_when_the_user_says_so(tmp_path: Path) -> None:
    tree = real.write(tmp_path / "tree", inputs.PYTHON)
    report = real.scan(RUFF, tree, tmp_path / "scratch", honour_inline=True)
    assert ("S602", 12) not in {(one.rule, one.location.line) for one in report.findings}


@pytest.mark.real
def test_a_target_that_is_not_there(tmp_path: Path) -> None:
    """Ruff exits 0 with `[]` and a warning on standard error, but for E902."""
    done = real.start(RUFF, real.job(RUFF, tmp_path, tmp_path / "scratch"))
    with pytest.raises(ReportError):
        RUFF.parse(done.stdout)
