"""A change cannot exempt itself: with a base, what it adds to policy, waivers, configuration, comments is a request."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hardgate.model import ExitCode
from tests.cli.conftest import HOLE, commit, git, run
from tests.lab.command import Result, hardgate

Make = Callable[..., Path]
STRICT = "pipeline: small\nstages:\n  - name: scan\n    actions: [ruff]\npolicy:\n  block_at: high\n"
WAIVERS = "waivers:\n  - {rule: S602, path: app.py, reason: shown, owner: ada, until: %s}\n"

pytestmark = pytest.mark.real


@pytest.fixture
def until() -> str:
    """A day that a waiver may end on: some weeks from today."""
    return str(datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=30))


def states(result: Result) -> dict[str, str]:
    return {one["rule"]: one["state"] for one in result.json["findings"]}


def requests(result: Result) -> list[tuple[str, str]]:
    return [(one["kind"], one["source"]) for one in result.json["exceptions"]["requests"]]


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_waivers_in_their_own_file_count_and_travel_with_the_run(home: Path, repository: Make, until: str) -> None:
    root = repository({"app.py": HOLE, ".hardgate/waivers.yaml": WAIVERS % until}, pipeline=STRICT)
    result = run(root)
    assert (result.code, states(result)) == (ExitCode.PASS, {"S602": "waived"})
    (document,) = result.json["exceptions"]["documents"]
    assert document["path"] == ".hardgate/waivers.yaml"
    assert len(result.json["exceptions"]["digest"]) == 64
    # The stored run is judged again the same way, although the file is gone now.
    (root / ".hardgate/waivers.yaml").unlink()
    assert hardgate("gate", "--run", result.json["run"]["id"], "--json").json == result.json


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("waivers:\n  - {rule: S602}\n", ".hardgate/waivers.yaml: line 2: waivers[0]: object missing"),
        (WAIVERS % "2999-01-01", ".hardgate/waivers.yaml line 2: until: 2999-01-01 is"),
        (WAIVERS % "soon", "'soon' is not a date"),
    ],
)
def test_a_bad_file_of_waivers_stops_everything(home: Path, repository: Make, text: str, words: str) -> None:
    root = repository({"app.py": HOLE, ".hardgate/waivers.yaml": text}, pipeline=STRICT)
    result = run(root)
    assert (result.code, result.stdout) == (ExitCode.USAGE, "")
    assert words in result.stderr


def test_a_link_is_no_file_of_waivers(home: Path, repository: Make) -> None:
    root = repository({"app.py": HOLE}, pipeline=STRICT)
    (root / ".hardgate").mkdir()
    (root / ".hardgate/waivers.yaml").symlink_to("/etc/passwd")
    assert run(root).code is ExitCode.USAGE


def test_a_waiver_that_the_change_adds_takes_no_effect(home: Path, repository: Make, until: str) -> None:
    root = repository({"readme.py": "x = 1\n"}, pipeline=STRICT)
    git(root, "checkout", "--quiet", "-b", "change")
    inner = f"  waivers:\n    - {{rule: S602, path: '*', reason: r, owner: eve, until: {until}}}\n"
    write(root, {"app.py": HOLE, ".hardgate/waivers.yaml": WAIVERS % until, "hardgate.yaml": STRICT + inner})
    commit(root)
    assert run(root).code is ExitCode.PASS
    result = run(root, "--base", "main")
    assert (result.code, states(result)) == (ExitCode.FAIL, {"S602": "blocking"})
    assert requests(result) == [("waiver", "hardgate.yaml line 8"), ("waiver", ".hardgate/waivers.yaml line 2")]
    assert "without effect" in " ".join(result.json["notes"])
    # What the base has counts, also when the change takes the file away; judged again it is the same.
    git(root, "checkout", "--quiet", "main")
    write(root, {".hardgate/waivers.yaml": WAIVERS % until})
    base = commit(root)
    git(root, "checkout", "--quiet", "change")
    again = run(root, "--base", "main")
    assert (again.code, states(again)) == (ExitCode.PASS, {"S602": "waived"})
    assert again.json["exceptions"]["base"] == base
    assert hardgate("gate", "--run", again.json["run"]["id"], "--json").json == again.json


def test_a_weaker_hardgate_yaml_is_a_finding_and_does_not_judge(home: Path, repository: Make) -> None:
    root = repository({"app.py": HOLE}, pipeline=STRICT)
    git(root, "checkout", "--quiet", "-b", "change")
    write(root, {"hardgate.yaml": STRICT.replace("high", "critical")})
    commit(root)
    assert run(root).code is ExitCode.PASS
    result = run(root, "--base", "main")
    assert result.code is ExitCode.FAIL
    assert states(result)["S602"] == "blocking"
    assert states(result)["weakened-policy-threshold"] == "blocking"
    stored = hardgate("gate", "--run", result.json["run"]["id"], "--json").json
    assert stored == result.json


def test_what_only_the_base_made_stricter_is_no_deed_of_the_change(home: Path, repository: Make) -> None:
    root = repository({"app.py": "x = 1\n"}, pipeline=STRICT.replace("high", "critical"))
    git(root, "checkout", "--quiet", "-b", "change")
    write(root, {"app.py": HOLE})
    commit(root)
    git(root, "checkout", "--quiet", "main")
    write(root, {"hardgate.yaml": STRICT})
    commit(root)
    git(root, "checkout", "--quiet", "change")
    # It is judged by the stricter policy of the base, and is not accused of having weakened it.
    assert states(run(root, "--base", "main")) == {"S602": "blocking"}
    write(root, {"hardgate.yaml": STRICT.replace("high", "never")})
    commit(root)
    assert "weakened-policy-threshold" in states(run(root, "--base", "main"))


@pytest.mark.parametrize("variable", ["GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"])
def test_a_pull_request_sets_the_base_by_itself(home: Path, repository: Make, until: str, variable: str) -> None:
    root = repository({"readme.py": "x = 1\n"}, pipeline=STRICT)
    write(root, {"app.py": HOLE, ".hardgate/waivers.yaml": WAIVERS % until})
    commit(root)
    git(root, "branch", "target", "HEAD~1")
    git(root, "update-ref", "refs/remotes/origin/target", "HEAD~1")
    assert run(root, **{variable: "target"}).code is ExitCode.FAIL
    assert run(root, "--no-base", **{variable: "target"}).code is ExitCode.PASS
    missing = run(root, **{variable: "nowhere"})
    assert missing.code is ExitCode.USAGE
    assert "git fetch origin" in missing.stderr


def test_a_comment_that_the_change_adds_takes_no_effect(home: Path, repository: Make) -> None:
    pipeline = STRICT + "  honour_inline_suppressions: true\n"
    root = repository({"old.py": HOLE.replace("True)", "True)  # noqa: S602")}, pipeline=pipeline)
    git(root, "checkout", "--quiet", "-b", "change")
    write(root, {"new.py": HOLE.replace("True)", "True)  # noqa: S602")})
    commit(root)
    assert states(run(root)) == {}  # ruff obeyed both
    result = run(root, "--base", "main")
    assert result.code is ExitCode.FAIL
    found = {one["location"]["path"]: one for one in result.json["findings"]}
    assert {path: one["state"] for path, one in found.items()} == {"old.py": "waived", "new.py": "blocking"}
    assert found["old.py"]["waiver"]["kind"] == "inline"
    assert "Ada Tester" in found["old.py"]["because"]
    assert requests(result) == [("inline", "new.py line 3")]


def test_the_configuration_of_a_tool_is_that_of_the_base(home: Path, repository: Make) -> None:
    pipeline = STRICT.replace("[ruff]", "[{ruff: {honour_config: true}}]")
    silent = '[lint.per-file-ignores]\n"*" = ["S602"]\n'
    root = repository({"app.py": HOLE, "ruff.toml": "line-length = 100\n"}, pipeline=pipeline)
    git(root, "checkout", "--quiet", "-b", "change")
    write(root, {"ruff.toml": silent, "sub/ruff.toml": silent, "sub/b.py": HOLE})
    commit(root)
    assert run(root).json["findings"] == []
    result = run(root, "--base", "main")
    assert result.code is ExitCode.FAIL
    assert {one["location"]["path"] for one in result.json["findings"]} == {"app.py", "sub/b.py"}
    # A run without a base does not get the results of one with it from the cache, nor the other way round.
    assert run(root).json["findings"] == []


def test_receipts_are_judged_by_the_base_too(home: Path, repository: Make, tmp_path: Path, until: str) -> None:
    root = repository({"readme.py": "x = 1\n"}, pipeline=STRICT)
    git(root, "checkout", "--quiet", "-b", "change")
    write(root, {"app.py": HOLE, ".hardgate/waivers.yaml": WAIVERS % until})
    commit(root)
    folder = str(tmp_path / "receipts")
    assert hardgate("run", str(root), "--receipts", folder, "--base", "main").code is ExitCode.PASS
    assert hardgate("gate", str(root), "--receipts", folder).code is ExitCode.PASS
    judged = hardgate("gate", str(root), "--receipts", folder, "--base", "main", "--json")
    assert judged.code is ExitCode.FAIL
    assert requests(judged) == [("waiver", ".hardgate/waivers.yaml line 2")]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--base", "mian"], "is no commit"),
        (["--base", ""], "--base is empty"),
        (["--base", "--all"], "is no commit"),
        (["--base", "main", "--no-base"], "contradict"),
    ],
)
def test_a_base_that_is_none_stops_everything(home: Path, repository: Make, words: list[str], message: str) -> None:
    root = repository({"app.py": HOLE}, pipeline=STRICT)
    words = [f"{words[0]}={words[1]}", *words[2:]] if words[0] == "--base" else words
    result = run(root, *words)
    assert (result.code, result.stdout) == (ExitCode.USAGE, "")
    assert message in result.stderr


def test_a_base_without_a_pipeline_leaves_that_of_the_change(home: Path, repository: Make, until: str) -> None:
    root = repository({"app.py": HOLE}, pipeline=STRICT)
    (root / "hardgate.yaml").unlink()
    commit(root)
    git(root, "checkout", "--quiet", "-b", "change")
    inner = f"  waivers:\n    - {{rule: S602, path: '*', reason: r, owner: eve, until: {until}}}\n"
    write(root, {"hardgate.yaml": STRICT + inner})
    commit(root)
    result = run(root, "--base", "main")
    assert (result.code, states(result)) == (ExitCode.FAIL, {"S602": "blocking"})
    assert requests(result) == [("waiver", "hardgate.yaml line 8")]


def test_a_folder_inside_a_repository_has_its_own_files(home: Path, repository: Make, until: str) -> None:
    files: dict[str, Any] = {"services/api/hardgate.yaml": STRICT, "services/api/app.py": HOLE}
    root = repository({**files, "services/api/.hardgate/waivers.yaml": WAIVERS % until})
    git(root, "checkout", "--quiet", "-b", "change")
    write(root, {"services/api/hardgate.yaml": STRICT.replace("high", "never")})
    commit(root)
    result = run(root / "services/api", "--base", "main")
    assert states(result) == {"S602": "waived", "weakened-policy-threshold": "blocking"}


def test_findings_are_split_by_the_stored_run_of_the_base(home: Path, repository: Make) -> None:
    grace = STRICT + "  grace: {preexisting: 10}\n"
    root = repository({"old.py": HOLE, "gone.py": HOLE.replace("input()", "input().strip()")}, pipeline=grace)
    before = run(root).json
    git(root, "checkout", "--quiet", "-b", "change")
    (root / "gone.py").unlink()
    write(root, {"new.py": HOLE.replace("input()", "input().lower()")})
    commit(root)
    result = run(root, "--base", "main")
    found = {one["location"]["path"]: one for one in result.json["findings"]}
    assert {path: one["state"] for path, one in found.items()} == {"old.py": "waived", "new.py": "blocking"}
    comparison = result.json["exceptions"]["comparison"]
    assert comparison["run"] == before["run"]["id"]
    assert comparison["origins"] == {found["old.py"]["id"]: "preexisting", found["new.py"]["id"]: "introduced"}
    assert comparison["fixed"] == [one["id"] for one in before["findings"] if one["location"]["path"] == "gone.py"]
    assert "1 introduced, 1 preexisting, 0 disclosed, 1 fixed" in " ".join(result.json["notes"])
    assert hardgate("gate", "--run", result.json["run"]["id"], "--json").json == result.json


def test_what_is_in_a_renamed_file_is_no_deed_of_the_change_but_what_was_rewritten_is(
    home: Path, repository: Make
) -> None:
    grace = STRICT + "  grace: {preexisting: 10}\n"
    lines = "".join(f"x{number} = {number}\n" for number in range(20))
    root = repository({"old.py": HOLE + lines, "other.py": HOLE + lines.replace("x", "y")}, pipeline=grace)
    before = run(root).json
    git(root, "checkout", "--quiet", "-b", "change")
    git(root, "mv", "old.py", "moved.py")
    git(root, "mv", "other.py", "rewritten.py")
    write(root, {"rewritten.py": HOLE.replace("input()", "input().lower()") + lines.replace("x", "y")})
    commit(root)
    result = run(root, "--base", "main")
    found = {one["location"]["path"]: one for one in result.json["findings"]}
    assert {path: one["state"] for path, one in found.items()} == {"moved.py": "waived", "rewritten.py": "blocking"}
    fixed = [one["id"] for one in before["findings"] if one["location"]["path"] == "other.py"]
    assert result.json["exceptions"]["comparison"]["fixed"] == fixed


def test_without_a_run_of_the_base_nothing_is_told_apart(home: Path, repository: Make) -> None:
    root = repository({"old.py": HOLE}, pipeline=STRICT + "  grace: {preexisting: 10}\n")
    result = run(root, "--base", "main")
    assert (result.code, states(result)) == (ExitCode.FAIL, {"S602": "blocking"})
    assert "no whole run of the base is stored" in " ".join(result.json["notes"])
