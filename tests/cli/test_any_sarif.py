"""A tool that hardgate has no adapter for, named in hardgate.yaml: Flawfinder, which looks at C and writes SARIF."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hardgate.model import ExitCode, GapReason
from tests.cli.conftest import run
from tests.lab.command import Result

Make = Callable[..., Path]
HOLE = "#include <string.h>\nvoid f(char *a) { char b[4]; strcpy(b, a); }\n"
CLEAN = "int one(void) { return 1; }\n"
PATH = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))

pytestmark = pytest.mark.real


def pipeline(command: str, *more: str) -> str:
    keys = "".join(f"          {line}\n" for line in ("name: flawfinder", f"command: {command}", *more))
    return f"pipeline: small\nstages:\n  - name: scan\n    actions:\n      - sarif:\n{keys}policy:\n  block_at: high\n"


THREE_LINES = pipeline("[flawfinder, --sarif, .]", 'files: ["*.c", "*.h"]')
CANARY = 'canary: {files: {bad.c: "void f(char *a) { char b[4]; gets(b); }"}, rules: [FF1014]}'
PROVEN = pipeline("[flawfinder, --sarif, .]", 'files: ["*.c"]', CANARY)


def reasons(result: Result) -> list[str]:
    return [gap["reason"] for gap in result.json["gaps"]]


def test_three_lines_are_enough_to_find_a_hole(home: Path, repository: Make) -> None:
    root = repository({"src/a.c": HOLE}, pipeline=THREE_LINES)
    sarif = root.parent / "out.sarif"
    result = run(root, "--report", f"sarif={sarif}", PATH=PATH)
    assert result.code is ExitCode.FAIL, result.stdout + result.stderr
    [worst] = [one for one in result.json["findings"] if one["severity"] == "high"]
    assert (worst["scanner"], worst["action"], worst["location"]["path"]) == ("flawfinder", "flawfinder", "src/a.c")
    assert (worst["rule"], worst["location"]["line"], worst["cwe"]) == ("FF1001", 2, ["CWE-120"])
    [receipt] = result.json["receipts"]
    assert (receipt["tool"]["name"], receipt["tool"]["origin"]) == ("flawfinder", "path")
    assert receipt["tool"]["version"].startswith("2.")
    assert receipt["canary"] is None
    assert "flawfinder has no canary: whether it finds what it must find was not tried" in receipt["notes"]
    [one] = json.loads(sarif.read_bytes())["runs"]
    assert one["tool"]["driver"]["name"] == "flawfinder"
    assert len(one["results"]) == len(result.json["findings"])


def test_a_clean_log_without_rules_is_no_pass_and_a_canary_makes_it_one(home: Path, repository: Make) -> None:
    result = run(repository({"a.c": CLEAN}, pipeline=THREE_LINES), PATH=PATH)
    assert (result.code, reasons(result)) == (ExitCode.INCOMPLETE, [GapReason.RULES_EMPTY])
    assert "canary" in result.json["gaps"][0]["remedy"]
    proven = run(repository({"a.c": CLEAN}, pipeline=PROVEN, name="proven"), PATH=PATH)
    assert (proven.code, proven.json["gaps"]) == (ExitCode.PASS, []), proven.stdout
    assert proven.json["receipts"][0]["canary"]["rules"] == ["FF1014"]


def test_a_canary_that_it_does_not_find_is_a_gap(home: Path, repository: Make) -> None:
    blind = PROVEN.replace("FF1014", "FF9999")
    result = run(repository({"a.c": CLEAN}, pipeline=blind), PATH=PATH)
    assert (result.code, reasons(result)) == (ExitCode.INCOMPLETE, [GapReason.CANARY_MISSED])


def test_nothing_of_its_kind_is_nothing_to_do(home: Path, repository: Make) -> None:
    result = run(repository({"a.txt": "x\n"}, pipeline=THREE_LINES), PATH=PATH)
    assert result.json["receipts"][0]["state"] == "nothing-to-do"
    assert result.code is ExitCode.INCOMPLETE


def test_a_result_is_not_used_again_because_the_tool_may_be_another(home: Path, repository: Make) -> None:
    root = repository({"a.c": HOLE}, pipeline=THREE_LINES)
    assert [run(root, PATH=PATH).json["receipts"][0]["cached_from"] for _ in range(2)] == ["", ""]


@pytest.mark.parametrize(
    ("command", "reason", "words"),
    [
        ("[no-such-tool, --sarif]", GapReason.TOOL_MISSING, "no-such-tool is not on PATH"),
        ("[./flawfinder, --sarif]", GapReason.TOOL_MISSING, "./flawfinder is not on PATH"),
        ("[flawfinder, --no-such-option]", GapReason.TOOL_FAILED, "flawfinder ended with exit code 1"),
        ("[flawfinder, --dataonly, .]", GapReason.REPORT_UNREADABLE, "not whole"),
        ("[sh, -c, 'flawfinder --sarif . | head -c 900']", GapReason.REPORT_UNREADABLE, "not whole"),
        ("[sh, -c, 'flawfinder --sarif . > elsewhere', '{report}']", GapReason.REPORT_UNREADABLE, "wrote no report"),
        ("[sh, -c, 'kill -9 $$']", GapReason.TOOL_FAILED, "signal 9"),
        ("[sleep, '60']", GapReason.TIMEOUT, "after its timeout of 1 s"),
    ],
)
def test_what_goes_wrong_is_a_gap(home: Path, repository: Make, command: str, reason: str, words: str) -> None:
    limit = ("timeout: 1",) if "sleep" in command else ()
    root = repository({"a.c": HOLE, "flawfinder": "#!/bin/sh\nexit 0\n"}, pipeline=pipeline(command, *limit))
    result = run(root, PATH=PATH)
    assert (result.code, reasons(result)) == (ExitCode.INCOMPLETE, [reason]), result.stdout
    assert words in result.json["gaps"][0]["message"]


def test_a_report_in_a_file_and_other_exit_codes(home: Path, repository: Make) -> None:
    command = "[sh, -c, 'flawfinder --sarif \"$1\" > \"$2\"; exit 7', sh, '{root}', '{report}']"
    root = repository({"a.c": HOLE}, pipeline=pipeline(command, "exits: [0, 7]"))
    result = run(root, PATH=PATH)
    assert result.code is ExitCode.FAIL, result.stdout
    assert {one["location"]["path"] for one in result.json["findings"]} == {"a.c"}


@pytest.mark.parametrize(
    ("keys", "words"),
    [("name: x", "command"), ("command: []", "command"), ("command: [x]\n          nonsense: 1", "nonsense")],
)
def test_a_description_that_is_not_understood_is_refused(home: Path, repository: Make, keys: str, words: str) -> None:
    text = f"pipeline: small\nstages:\n  - name: scan\n    actions:\n      - sarif:\n          {keys}\n"
    result = run(repository({"a.c": HOLE}, pipeline=text), PATH=PATH)
    assert result.code is ExitCode.USAGE
    assert words in result.stderr
    assert "hardgate.yaml" in result.stderr
