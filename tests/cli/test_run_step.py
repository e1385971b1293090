"""The step `run` as a user has it: its exit code, its words and its secrets, from hardgate.yaml to the gate."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hardgate.model import ExitCode
from tests.cli.conftest import commit, run
from tests.lab.command import Result, hardgate

Make = Callable[..., Path]
TESTS = "import os, pathlib\n\ndef test_it(): assert pathlib.Path('value').read_text() == os.environ['WANTED']\n"


def pipeline(**keys: Any) -> str:
    step = {"run": {"name": "functional", **keys}}
    return json.dumps(
        {"pipeline": "small", "stages": [{"name": "test", "actions": [step]}], "policy": {"required": ["run"]}}
    )


def shell(text: str, **keys: Any) -> str:
    return pipeline(command=["sh", "-c", text], **keys)


@pytest.fixture(autouse=True)
def _home(home: Path) -> None:
    """A store of its own."""


def test_functional_tests_pass_fail_and_are_resumed_by_nobody(repository: Make) -> None:
    keys: dict[str, Any] = {"command": ["pytest", "-q", "-p", "no:cacheprovider"], "env": {"WANTED": "1"}}
    root = repository({"test_app.py": TESTS, "value": "1"}, pipeline=pipeline(**keys, expect="[1-9][0-9]* passed"))
    good, again = run(root), run(root)
    assert (good.code, again.code) == (ExitCode.PASS, ExitCode.PASS), good.stdout + good.stderr
    [receipt] = again.json["receipts"]
    assert (receipt["scanner"], receipt["cached_from"], receipt["exit_codes"]) == ("run", "", [0])
    assert receipt["tool"]["name"] == "pytest"
    assert receipt["argv"][0][1:] == ["-q", "-p", "no:cacheprovider"]
    (root / "value").write_text("2")
    commit(root)
    bad = run(root)
    assert (bad.code, bad.json["gaps"]) == (ExitCode.FAIL, [])
    [finding] = bad.json["findings"]
    assert (finding["kind"], finding["rule"], finding["severity"]) == ("dynamic", "failed-functional", "high")
    shown = hardgate("findings", "--path", str(root)).stdout
    assert "functional failed: `pytest` ended with exit code 1" in " ".join(shown.split())


BROKEN: dict[str, tuple[dict[str, Any], str, str]] = {
    "exit": ({"command": ["sh", "-c", "echo it is broken >&2; exit 2"]}, "tool-failed", "exit code 2: it is broken"),
    "signal": ({"command": ["sh", "-c", "kill -9 $$"]}, "tool-failed", "signal 9"),
    "idle": (
        {"command": ["echo", "0 passed"], "expect": "[1-9] passed"},
        "not-covered",
        "did not say what is expected",
    ),
    "slow": ({"command": ["sleep", "600"], "timeout": 0.5}, "timeout", "was ended after 0.5 s"),
    "unset": ({"command": ["true"], "secrets": ["NOT_SET_HERE"]}, "input-missing", "NOT_SET_HERE"),
    "absent": ({"command": ["no-such-command"]}, "tool-missing", "no-such-command is not on PATH"),
    "nowhere": ({"command": ["./not-there"]}, "tool-failed", "could not be started"),
}


def test_a_command_that_did_not_do_its_work_is_incomplete(repository: Make) -> None:
    actions = [{"run": {"name": name, **keys}} for name, (keys, _, _) in BROKEN.items()]
    text = json.dumps({"pipeline": "small", "stages": [{"name": "test", "actions": actions}]})
    result = run(repository({"app.py": ""}, pipeline=text))
    assert (result.code, result.json["findings"]) == (ExitCode.INCOMPLETE, [])
    gaps = {gap["action"]: gap for gap in result.json["gaps"]}
    assert len(gaps) == len(result.json["gaps"])
    assert {name: gap["reason"] for name, gap in gaps.items()} == {name: one[1] for name, one in BROKEN.items()}
    for name, (_, _, words) in BROKEN.items():
        assert words in gaps[name]["message"]


def test_a_secret_is_handed_through_and_masked_everywhere(repository: Make, home: Path, tmp_path: Path) -> None:
    text = shell('echo "$TOKEN $PRIVATE" | tee "$TOKEN-file"; echo "$TOKEN" >&2; exit 7', secrets=["TOKEN"])
    root = repository({"app.py": ""}, pipeline=text)
    folder = tmp_path / "receipts"
    words = {"TOKEN": "s3cr3t-t0k3n", "PRIVATE": "not-handed-on"}
    result = hardgate("run", str(root), "--receipts", str(folder), env=words)
    assert result.code is ExitCode.INCOMPLETE
    assert (folder / "functional-log.txt").read_text() == "*** \n***\n"
    kept = b"".join(path.read_bytes() for path in [*folder.iterdir(), *home.glob("store.db*")])
    for word in words.values():
        assert word.encode() not in kept
        assert word not in result.stdout + result.stderr
    judged = hardgate("gate", str(root), "--receipts", str(folder), "--json")
    assert (judged.code, [gap["reason"] for gap in judged.json["gaps"]]) == (
        ExitCode.INCOMPLETE, ["tool-failed"],
    )  # fmt: skip


def test_receipts_of_a_step_are_judged_elsewhere_and_policy_can_require_it(repository: Make, tmp_path: Path) -> None:
    root, folder = repository({"app.py": ""}, pipeline=shell("echo done")), tmp_path / "receipts"
    assert hardgate("run", str(root), "--receipts", str(folder)).code is ExitCode.PASS
    assert hardgate("gate", str(root), "--receipts", str(folder)).code is ExitCode.PASS
    (folder / "functional.receipt.json").unlink()
    judged = hardgate("gate", str(root), "--receipts", str(folder), "--json")
    assert {gap["message"].partition(" ")[0] for gap in judged.json["gaps"]} >= {"functional", "run"}


def refused(repository: Make, text: str) -> Result:
    result = run(repository({"app.py": ""}, pipeline=text))
    assert result.code is ExitCode.USAGE
    return result


def test_a_key_that_would_do_nothing_is_refused(repository: Make) -> None:
    said = refused(repository, shell("true", paths=["."], name="x")).stderr
    assert "run is a step, and `paths` means nothing to it" in said


def test_an_expression_that_is_none_is_refused(repository: Make) -> None:
    said = refused(repository, shell("true", expect="(")).stderr
    assert "run" in said
    assert "`expect` is no regular expression" in said


@pytest.mark.parametrize(
    ("keys", "rule", "words"),
    [
        ({"command": ["sh", "-c", "true"]}, "weakened-action-option", "`command` is now"),
        ({"blocking": False}, "weakened-action-informs", "inform only"),
        ({"expect": ""}, "weakened-action-option", "`expect`"),
        ({"fails": [2]}, "weakened-action-option", "`fails` has lost `1`"),
        (None, "weakened-action-removed", "The action `functional` of stage `test` is gone"),
    ],
)
def test_a_change_that_weakens_a_step_is_found(
    keys: dict[str, Any] | None, rule: str, words: str, repository: Make
) -> None:
    was: dict[str, Any] = {"command": ["sh", "-c", "echo done"], "expect": "done"}
    root = repository({"app.py": ""}, pipeline=pipeline(**was))
    base = commit(root)
    other = pipeline(command=["true"]).replace('"functional"', '"other"').replace('{"run"', '{"ruff"')
    other = json.dumps({"pipeline": "small", "stages": [{"name": "test", "actions": ["ruff"]}]})
    (root / "hardgate.yaml").write_text(other if keys is None else pipeline(**{**was, **keys}))
    commit(root)
    found = run(root, "--base", base).json["findings"]
    assert [(one["rule"], words in one["message"]) for one in found if one["scanner"] == "hardgate-policy"][:1] == [
        (rule, True)
    ]
