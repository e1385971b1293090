"""Annotations, read back the way actions/runner reads them (src/Runner.Common/ActionCommand.cs)."""

from __future__ import annotations

from typing import NamedTuple

from hardgate.model import Run, Verdict
from hardgate.reporters import github
from tests.reporters import sample_many, sample_run


class _Command(NamedTuple):
    name: str
    properties: dict[str, str]
    message: str


def _undo(text: str, pairs: str) -> str:
    for escaped, raw in zip(("%0D", "%0A", "%3A", "%2C"), "\r\n:,", strict=True):
        text = text.replace(escaped, raw) if raw in pairs else text
    return text.replace("%25", "%")


def _obey(line: str) -> _Command:
    assert line.startswith("::")
    end = line.index("::", 2)
    name, _, listed = line[2:end].partition(" ")
    pairs = [pair.partition("=") for pair in listed.split(",") if pair]
    properties = {key: _undo(value, "\r\n:,") for key, _, value in pairs}
    return _Command(name, properties, _undo(line[end + 2 :], "\r\n"))


def _commands(made: tuple[Run, Verdict]) -> list[_Command]:
    return [_obey(line) for line in github.render(*made).decode().splitlines()]


def _named(commands: list[_Command], name: str) -> list[_Command]:
    return [command for command in commands if command.name == name]


def test_what_blocks_is_an_error_at_its_place() -> None:
    errors = _named(_commands(sample_run.failing()), "error")
    assert errors[2] == _Command(
        "error",
        {"file": "app/views.py", "line": "42", "endLine": "45", "title": "high: bandit B608"},
        "Possible SQL injection vector through string-based query construction.\n"
        "Fix: Pass the values as parameters of the query.\n"
        "policy: block_at: high code findings block from high up. More: hardgate explain hg1-0000000000000003",
    )


def test_hostile_text_starts_no_command_and_sets_no_property() -> None:
    commands = _commands(sample_run.incomplete())
    assert {command.name for command in commands} == {"error", "warning", "notice"}
    [hostile] = [one for one in commands if one.properties.get("title", "").startswith("high: semgrep evil|rule")]
    assert set(hostile.properties) == {"file", "line", "title"}
    assert hostile.properties["title"] == "high: semgrep evil|rule`::]]>"
    assert hostile.properties["file"].endswith("|`a`\\n::error::fake.py")
    assert "%0A::add-mask::x ##[add-mask]y ::stop-commands::z \\x9b31m" in hostile.message


def test_gaps_are_an_error_together_and_a_warning_each() -> None:
    commands = _commands(sample_run.incomplete())
    assert commands[0].properties["title"] == "INCOMPLETE: 3 things not looked at"
    titles = [one.properties["title"] for one in _named(commands, "warning")][:3]
    assert titles == [
        "not looked at: the whole run, not-covered",
        "not looked at: semgrep, file-unread",
        "not looked at: pip-audit, data-unavailable",
    ]


def test_what_is_only_in_the_history_is_pinned_to_no_file_of_today() -> None:
    [old] = [one for one in _commands(sample_run.failing()) if "generic-api-key" in one.properties["title"]]
    assert "file" not in old.properties
    assert "In deploy/old.env:3 in commit 0badc0de0000." in old.message


def test_at_most_ten_of_each_and_the_rest_is_counted() -> None:
    commands = _commands(sample_many.many(1_000))
    assert [len(_named(commands, name)) for name in ("error", "warning", "notice")] == [10, 10, 1]
    assert commands[-1].message == (
        "400 findings block this delivery.\n"
        "390 more errors and 590 more warnings left out here: GitHub keeps 10 of each from a step."
    )


def test_a_clean_run_is_one_notice() -> None:
    assert _commands(sample_run.clean()) == [
        _Command(
            "notice",
            {"title": "PASS: hardgate planetary-api"},
            "Nothing blocks, and all that the policy requires was looked at.",
        )
    ]
