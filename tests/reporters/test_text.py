"""The report for a terminal."""

from __future__ import annotations

import re

import msgspec
import pytest

from hardgate.model import Location
from hardgate.reporters import text
from tests.reporters import sample_many, sample_run


def test_colour_changes_nothing_but_colour() -> None:
    run, verdict = sample_run.incomplete()
    coloured = text.render_colour(run, verdict).decode()
    bare = re.sub("\x1b\\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in bare.splitlines()] == text.render(run, verdict).decode().splitlines()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_lines_fit_the_terminal(width: int) -> None:
    lines = text.render(*sample_run.failing(), width=width).decode().splitlines()
    next_steps = lines.index(next(line for line in lines if line.startswith("What to do next")))
    assert max(map(len, lines[:next_steps])) <= width


def test_twenty_are_shown_whole_and_the_rest_is_counted() -> None:
    run, verdict = sample_many.many(1000)
    out = text.render(run, verdict).decode()
    assert out.count("\n      fix  ") == text.SHOWN
    assert " and 380 more: hardgate findings --state blocking\n" in out


def test_places_of_reports_are_named() -> None:
    out = text.render(*sample_run.clean(), places={"html": "out/a\x1b.html", "sarif": "out/b.sarif"}).decode()
    assert " html   out/a\\x1b.html\n sarif  out/b.sarif\n" in out


def test_an_action_that_did_not_complete_shows_no_zero() -> None:
    out = text.render(*sample_run.incomplete()).decode()
    assert re.search(r"pip-audit +not complete +2\.0 s +1 gap\n", out)
    assert re.search(r"cyclonedx +done +0\.9 s +0 findings\n", out)


def test_a_path_of_4096_characters_keeps_its_beginning_and_its_end() -> None:
    run, verdict = sample_run.failing()
    longest = msgspec.structs.replace(
        run.findings[0], location=Location(path="start/" + "x" * 4096 + "/end.py", line=1)
    )
    out = text.render(msgspec.structs.replace(run, findings=(longest, *run.findings[1:])), verdict).decode()
    assert re.search(r"start/x+…x+/end\.py:1", out)
    assert max(map(len, out.splitlines())) < 400


def test_wide_letters_keep_the_columns() -> None:
    run, verdict = sample_run.clean()
    wide = msgspec.structs.replace(run.receipts[0], action="検査")
    out = text.render(msgspec.structs.replace(run, receipts=(wide, run.receipts[1])), verdict).decode()
    assert " scan     検査      done" in out
    assert " secrets  gitleaks  done" in out
