"""What every reporter promises, tested over the list itself."""

from __future__ import annotations

import functools
import time
import unicodedata
from collections.abc import Callable

import msgspec
import pytest

from hardgate.errors import Error
from hardgate.model import Run, Verdict
from hardgate.reporters import BY_NAME, REPORTERS, Reporter, text
from tests.reporters import sample_many, sample_run, snapshots

EACH = pytest.mark.parametrize("reporter", REPORTERS, ids=lambda reporter: str(reporter.name))
EACH_CASE = pytest.mark.parametrize("make", snapshots.CASES.values(), ids=snapshots.CASES)


@pytest.mark.parametrize("name", sorted(snapshots.expected()))
def test_whole_output_is_as_recorded(name: str) -> None:
    assert snapshots.expected()[name]() == (snapshots.FOLDER / name).read_bytes()


def test_no_snapshot_is_left_over() -> None:
    assert {file.name for file in snapshots.FOLDER.iterdir()} == set(snapshots.expected())


def test_names_and_suffixes_are_unique() -> None:
    names = (
        "text json sarif markdown junit html github sarif-github asff ocsf gitlab-sast gitlab-dependency gitlab-secret"
    )
    assert list(BY_NAME) == [*names.split(), "cyclonedx", "csv", "codeclimate"]
    assert len({reporter.suffix for reporter in REPORTERS}) == len(REPORTERS)


@EACH
@EACH_CASE
def test_nothing_hidden_reaches_the_output(reporter: Reporter, make: Callable[[], tuple[Run, Verdict]]) -> None:
    out = reporter.render(*make()).decode("utf-8")
    hidden = {char for char in out if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert hidden <= {"\n"}
    assert out.endswith("\n")


def test_only_our_own_colours_reach_a_terminal() -> None:
    out = text.render_colour(*sample_run.incomplete()).decode()
    assert out.count("\x1b") == out.count("\x1b[0m") * 2
    for style in out.split("\x1b[")[1:]:
        assert style.split("m", 1)[0].replace(";", "").isdecimal()


@EACH
def test_the_order_in_which_findings_arrive_does_not_matter(reporter: Reporter) -> None:
    run, verdict = sample_run.incomplete()
    turned = msgspec.structs.replace(run, findings=run.findings[::-1])
    other = msgspec.structs.replace(verdict, decisions=verdict.decisions[::-1])
    assert reporter.render(turned, other) == reporter.render(run, verdict)


@EACH
def test_a_finding_without_a_decision_is_never_dropped_in_silence(reporter: Reporter) -> None:
    run, verdict = sample_run.incomplete()
    short = msgspec.structs.replace(verdict, decisions=verdict.decisions[1:])
    with pytest.raises(Error, match="says nothing about 1 finding of run run-0002, such as 'hg1-0000000000000001'"):
        reporter.render(run, short)


@EACH
def test_every_gap_is_told(reporter: Reporter) -> None:
    run, verdict = sample_run.incomplete()
    out = reporter.render(run, verdict).decode()
    for words in ("no package was checked", "is Terraform", "semgrep could not read"):
        assert words in out.replace("\n      ", " ")


@EACH
def test_both_the_gaps_and_what_blocks_are_told(reporter: Reporter) -> None:
    out = reporter.render(*sample_run.incomplete()).decode()
    assert "INCOMPLETE" in out or reporter.name == "junit"
    assert "aws-access-token" in out


_many = functools.cache(sample_many.many)  # every reporter gets the same: they change nothing


def _cpu_seconds(reporter: Reporter, number: int) -> float:
    run, verdict = _many(number)
    start = time.process_time()
    reporter.render(run, verdict)
    return time.process_time() - start


@EACH
def test_time_grows_with_the_findings_and_not_with_their_square(reporter: Reporter) -> None:
    few, many = (min(_cpu_seconds(reporter, number) for _ in range(2)) for number in (1_000, 4_000))
    assert many < few * 9  # linear: 4, quadratic: 16


def _runner_obeys(line: str) -> bool:
    """How actions/runner finds a command in a line of output (ActionCommand.cs)."""
    return line.lstrip().startswith("::") or "##[" in line


@pytest.mark.parametrize("name", ["text", "json", "sarif", "markdown"])
def test_a_log_of_github_actions_does_not_obey_a_report(name: str) -> None:
    run, verdict = sample_run.incomplete()
    for width in range(40, 120):
        out = text.render(run, verdict, width=width) if name == "text" else BY_NAME[name].render(run, verdict)
        assert [line for line in out.decode().splitlines() if _runner_obeys(line)] == []
        if name != "text":
            break


@EACH
def test_an_override_stands_beside_the_verdict_and_hides_nothing(reporter: Reporter) -> None:
    run, verdict = sample_run.overridden()
    assert verdict.override is not None
    out = " ".join(reporter.render(run, verdict).decode().replace("\\", "").split())
    for word in (verdict.override.id, "SEC-12", "ada (GITHUB_ACTOR)", "grace (GITHUB_ACTOR)", "mended on Monday"):
        assert word in out, word
    assert "FAIL" in out or reporter.name in {"junit", "codeclimate"}
    shut = reporter.render(*sample_run.failing()).decode()
    assert "ov-2026" not in shut
    for finding in run.findings:
        assert (finding.rule in out) == (finding.rule in shut)
    assert verdict.exit_code == 0
