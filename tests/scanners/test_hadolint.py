"""Hadolint: its sample, and the ways in which it looks clean without having looked."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hardgate.errors import ReportError
from hardgate.model import GapReason, Severity
from hardgate.scanners.hadolint import HADOLINT
from tests.scanners import inputs, real

SAMPLE = Path(__file__).parent / "samples" / "hadolint" / "report-2.15.1.json"

EXPECTED = {
    ("DL3006", "app/Dockerfile", 1, "medium", "adapter"),
    ("DL4000", "app/Dockerfile", 2, "info", "adapter"),
    ("DL3008", "app/Dockerfile", 4, "low", "tool"),
    ("DL3009", "app/Dockerfile", 4, "info", "tool"),
    ("DL3015", "app/Dockerfile", 4, "info", "tool"),
    ("DL4006", "app/Dockerfile", 4, "low", "adapter"),
    ("SC2086", "app/Dockerfile", 4, "info", "tool"),
    ("DL3004", "app/Dockerfile", 5, "medium", "adapter"),
    ("DL3002", "app/Dockerfile", 6, "high", "adapter"),
    ("DL3066", "app/Dockerfile", 6, "info", "tool"),
    ("DL3025", "app/Dockerfile", 7, "low", "tool"),
    ("DL3026", "other/web.Dockerfile", 1, "high", "adapter"),
}


def failure(**changes: object) -> bytes:
    one: dict[str, object] = {"file": "Dockerfile", "line": 2, "code": "DL9999", "level": "error", "message": "m"}
    return msgspec.json.encode([one | changes])


def test_sample() -> None:
    report = HADOLINT.parse(SAMPLE.read_bytes())
    got = [
        (one.rule, one.location.path[2:], one.location.line, one.severity.value, one.severity_from)
        for one in report.findings
    ]
    assert set(got) == EXPECTED
    assert len(got) == len(EXPECTED)
    (gap,) = report.gaps
    assert (gap.reason, gap.path) == (GapReason.FILE_UNREAD, "./broken/Dockerfile")
    assert "line 2" in gap.message


def test_help_pages_and_fixes() -> None:
    report = HADOLINT.parse(SAMPLE.read_bytes())
    pages = {one.rule: one.url for one in report.findings}
    assert pages["DL3002"] == "https://github.com/hadolint/hadolint/wiki/DL3002"
    assert pages["SC2086"] == "https://www.shellcheck.net/wiki/SC2086"
    assert {one.cwe for one in report.findings if one.rule == "DL3002"} == {("CWE-250",)}
    assert all(one.fix for one in report.findings if one.severity is Severity.HIGH)


def test_a_level_it_does_not_know_is_high_and_a_gap() -> None:
    report = HADOLINT.parse(failure(level="fatal"))
    assert report.findings[0].severity is Severity.HIGH
    assert report.gaps[0].reason is GapReason.SEVERITY_UNKNOWN


@pytest.mark.parametrize("code", ["DL1000", "SC1072", "SC1073"])
def test_what_could_not_be_parsed_is_a_gap(code: str) -> None:
    report = HADOLINT.parse(failure(code=code, message="unexpected\nmore"))
    assert report.findings == ()
    assert report.gaps[0].reason is GapReason.FILE_UNREAD


def test_the_report_of_clean_files_is_refused() -> None:
    with pytest.raises(ReportError, match="empty list"):
        HADOLINT.parse(b"[]")


@pytest.mark.parametrize(
    ("path", "chosen"),
    [
        ("Dockerfile", True),
        ("a/Dockerfile.prod", True),
        ("a/web.Dockerfile", True),
        ("a/web.dockerfile", True),
        ("Containerfile", True),
        ("Dockerfiles/readme.md", False),
        ("docker-compose.yml", False),
        (".dockerignore", False),
    ],
)
def test_what_it_looks_at(path: str, chosen: bool) -> None:
    assert HADOLINT.selects(path) is chosen


@pytest.mark.real
def test_neither_pragmas_nor_hidden_files_switch_it_off(tmp_path: Path) -> None:
    tree = real.write(tmp_path / "tree", inputs.DOCKERFILES)
    real.write(tree, {"g/Dockerfile": "# hadolint global ignore=DL3002\nFROM docker.io/a:1\nUSER root\n"})
    real.write(tree, {"-f/a b.Dockerfile": "FROM docker.io/a:1\nUSER root\n"})
    real.write(tree, {"g/.hadolint.yaml": "ignored: [DL3002]\n"})
    report = real.scan(HADOLINT, tree, tmp_path / "scratch", options={"trusted_registries": ["docker.io"]})
    more = {
        (rule, *place) for rule in ("DL3002", "DL3066") for place in (("g/Dockerfile", 3), ("-f/a b.Dockerfile", 2))
    }
    assert real.found(report) == {one[:3] for one in EXPECTED} | more


@pytest.mark.real
def test_pragmas_count_when_the_user_says_so(tmp_path: Path) -> None:
    tree = real.write(tmp_path / "tree", inputs.DOCKERFILES)
    rules = {one.rule for one in real.scan(HADOLINT, tree, tmp_path / "scratch", honour_inline=True).findings}
    assert "DL3002" in rules
    assert not {"DL3008", "DL3009"} & rules


@pytest.mark.real
def test_every_registry_is_trusted_by_default(tmp_path: Path) -> None:
    tree = real.write(tmp_path / "tree", inputs.DOCKERFILES)
    report = real.scan(HADOLINT, tree, tmp_path / "scratch")
    assert "DL3026" not in {one.rule for one in report.findings}


@pytest.mark.real
def test_a_file_that_is_gone_is_a_failure(tmp_path: Path) -> None:
    """One missing file costs the whole report: exit code 1, as for findings, and nothing on standard output."""
    real.plant(HADOLINT, tmp_path)
    done = real.start(HADOLINT, real.job(HADOLINT, tmp_path, tmp_path / "s", files=("gone", "Dockerfile")))
    assert done.exit_code in HADOLINT.done_exits
    with pytest.raises(ReportError):
        HADOLINT.parse(done.stdout)
