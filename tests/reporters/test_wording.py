"""The words that reports share."""

from __future__ import annotations

import sys
import unicodedata

import msgspec
import pytest

from hardgate import remarks, wording
from hardgate.model import (
    Decision,
    Gap,
    GapReason,
    Location,
    Outcome,
    Severity,
    State,
    Verdict,
)
from tests.reporters import sample_run


def test_plain_shows_every_hidden_character_of_unicode() -> None:
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    missed = [
        f"U+{code:04X}"
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in hidden and not wording.plain(chr(code)).isascii()
    ]
    assert missed == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\x9b2J", "\\x9b2J"),
        ("caf\udce9", "caf\\xe9"),
        ("\ud83d", "\\ud83d"),
        ("\U000e0041", "\\U000e0041"),
        ("Größe 大きさ 👩 e\u0301", "Größe 大きさ 👩 e\u0301"),
    ],
)
def test_plain(text: str, shown: str) -> None:
    assert wording.plain(text) == shown


def test_flow_keeps_words_apart() -> None:
    assert wording.flow("one\n  two\x1b\tthree ") == "one two\\x1b three"


def test_cut_says_that_it_cut() -> None:
    assert wording.cut("abcdef", 6) == "abcdef"
    assert wording.cut("abcdefg", 6) == "abcde…"


def test_brief_reads_no_more_than_it_shows() -> None:
    assert wording.brief("a  b", 10) == "a b"
    assert wording.brief("ab " * 9, 10) == "ab ab ab …"
    assert wording.brief(" " * 100 + "end", 10) == "…"
    assert len(wording.brief("\x1b" * 10_000_000, 10)) == 10


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  ::error::x", "  :\\x3aerror::x"),
        ("a ::error::x", "a ::error::x"),
        ("x ##[add-mask]y", "x ##\\x5badd-mask]y"),
    ],
)
def test_inert(line: str, shown: str) -> None:
    assert wording.inert(line) == shown


@pytest.mark.parametrize("url", ["https://a.example/x?y=1#z", "http://a.example/"])
def test_web_link_takes_ordinary_addresses(url: str) -> None:
    assert wording.web_link(url) == url


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "https://a b", 'https://a"b', "https://a>b", "https://a\n", "", "//a"],
)
def test_web_link_refuses_everything_else(url: str) -> None:
    assert wording.web_link(url) == ""


def test_place_names_the_commit_of_what_is_only_in_the_history() -> None:
    assert wording.place(Location(path="a.py", line=3)) == "a.py:3"
    assert wording.place(Location(path="a.py")) == "a.py"
    assert wording.place(Location(path="")) == "(no file)"
    assert wording.place(Location(path="a.py", line=3, commit="c" * 40)) == "a.py:3 in commit cccccccccccc"


def test_judge_puts_the_worst_first_then_goes_by_place() -> None:
    judged = wording.judge(*sample_run.incomplete())
    assert [one.finding.id[-1] for one in judged] == ["1", "4", "3", "2", "5", "9", "6", "a", "7", "8"]


def test_tally_adds_up() -> None:
    run, verdict = sample_run.incomplete()
    table = wording.tally(wording.judge(run, verdict))
    assert table[Severity.HIGH] == {State.BLOCKING: 3, State.WAIVED: 1, State.INFORMING: 0}
    assert sum(sum(row.values()) for row in table.values()) == len(run.findings)
    for state in State:
        assert sum(row[state] for row in table.values()) == verdict.count(state)


def _verdict(outcome: Outcome, blocking: int, gaps: int) -> Verdict:
    decisions = tuple(Decision(finding=str(at), state=State.BLOCKING, because="") for at in range(blocking))
    gap = Gap(reason=GapReason.TIMEOUT, message="")
    return Verdict(outcome=outcome, judged_at="", decisions=decisions, gaps=(gap,) * gaps, blocks=bool(blocking))


@pytest.mark.parametrize(
    ("outcome", "blocking", "gaps", "words"),
    [
        (Outcome.PASS, 0, 0, "Nothing blocks, and all that the policy requires was looked at."),
        (Outcome.FAIL, 1, 0, "1 finding blocks this delivery."),
        (Outcome.FAIL, 1200, 0, "1,200 findings block this delivery."),
        (Outcome.INCOMPLETE, 0, 1, "1 thing was not looked at. Nothing else blocks, but this is no pass."),
        (
            Outcome.INCOMPLETE,
            2,
            3,
            "3 things were not looked at, and 2 findings block this delivery whatever the rest would show.",
        ),
    ],
)
def test_headline_tells_both_what_blocks_and_what_was_not_seen(
    outcome: Outcome, blocking: int, gaps: int, words: str
) -> None:
    assert wording.headline(_verdict(outcome, blocking, gaps)) == words


def test_next_steps_of_a_clean_run_are_none() -> None:
    assert remarks.next_steps(*sample_run.clean()) == ()


def test_doctor_is_advised_only_where_it_can_help() -> None:
    run, verdict = sample_run.incomplete()
    assert "hardgate doctor" in [step.do for step in remarks.next_steps(run, verdict)]
    unread = tuple(gap for gap in verdict.gaps if gap.reason is GapReason.FILE_UNREAD)
    other = msgspec.structs.replace(verdict, gaps=unread)
    assert "hardgate doctor" not in [step.do for step in remarks.next_steps(run, other)]


def test_to_json_is_always_valid_and_keeps_what_can_be_kept() -> None:
    raw = wording.to_json({"bell\x07": ["\u202e", "\udce9", "😀", "\U000e0041", "##[x]", "é"]})
    assert msgspec.json.decode(raw) == {"bell\x07": ["\u202e", "\\xe9", "😀", "\U000e0041", "##[x]", "é"]}
    assert b"\\u202e" in raw
    assert b"\\udb40\\udc41" in raw
    assert b"##[" not in raw
