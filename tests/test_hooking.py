"""What goes wrong with a tool of a hook is a gap, and nothing of it is remembered: by processes that fail for real."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from hardgate import config, hooking, repository, staged
from hardgate.errors import ConfigError, ToolError
from hardgate.model import ActionState, GapReason, Receipt
from hardgate.scanners import SCANNERS

OPTIONS = {one.name: one.options for one in SCANNERS}
TEXT = b"pipeline: x\nstages: [{name: s, actions: [{bandit: {exclude: [a.py], honour_config: true}}]}]\n"
PIPELINE = config.load(TEXT, options=OPTIONS)
# What the real one writes for a planted file that is no Python; the canary's folder has a name of its own each time.
PLANTED = (
    'for file in "$@"; do case "$file" in *canary*) echo "$file:1:5: E999 SyntaxError: invalid syntax";; esac; done'
)


@dataclass(frozen=True)
class Stand:
    """A tool as the toolbox hands it out."""

    command: tuple[str, ...]
    version: str = "1"
    digest: str = "d"
    origin: str = "toolbox"


@pytest.fixture
def looked(tmp_path: Path) -> Callable[..., Receipt]:
    """Has a shell script in Flake8's place look at a.py and b.py; it is asked again with every call."""
    base = tmp_path / "base"
    base.mkdir()
    entries = []
    for name in ("a.py", "b.py"):
        (base / name).write_text("x = 1\n")
        entries.append(repository.Entry(name, name, 6, name * 16))
    tree = repository.Tree(root=tmp_path, entries=tuple(entries), digest="t")
    what = staged.Staged(tree=tree, base=base, links=frozenset())

    def look(script: str, name: str = "flake8") -> Receipt:
        def locate(_name: str, **_more: object) -> Stand:
            if not script:
                raise ToolError("flake8 7.5.0 is not installed", hint="Install it.")
            file = tmp_path / "tool"
            file.write_text(f"#!/bin/sh\necho asked >> {shlex.quote(str(tmp_path / 'asked'))}\n{script}\n")
            file.chmod(0o755)
            return Stand((str(file),))

        place = hooking.Place(
            pipeline=PIPELINE, policy=PIPELINE.policy, scanners={one.name: one for one in SCANNERS}, locate=locate,
            scratch=tmp_path, memory=tmp_path / "memory", code="c",
        )  # fmt: skip
        [receipt] = hooking.look(place, what, hooking.actions_of([name], place, {}))
        return receipt

    return look


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("", GapReason.TOOL_MISSING),
        ("exit 0", GapReason.TOOL_FAILED),
        (f"{PLANTED}; exit 2", GapReason.TOOL_FAILED),
        (f"{PLANTED}; kill -9 $$", GapReason.TOOL_FAILED),
        ("exit 1", GapReason.REPORT_UNREADABLE),
        (f"{PLANTED}; echo 'Traceback (most recent call last):'; exit 1", GapReason.REPORT_UNREADABLE),
        ("echo a.py:1:1: W291 trailing whitespace; exit 1", GapReason.CANARY_MISSED),
    ],
)
def test_a_tool_that_did_not_do_its_work_is_a_gap(looked: Callable[..., Receipt], script: str, reason: str) -> None:
    receipt = looked(script)
    assert receipt.state is ActionState.GAP
    assert {gap.reason for gap in receipt.gaps} == {reason}


def test_what_was_said_of_a_file_is_asked_once(looked: Callable[..., Receipt], tmp_path: Path) -> None:
    script = f"{PLANTED}; echo a.py:1:1: W291 trailing whitespace; exit 1"
    first, second = looked(script), looked(script)
    assert (tmp_path / "asked").read_text() == "asked\n"
    assert [one.rule for one in first.findings] == ["W291"]
    assert first.findings == second.findings
    assert (first.state, second.state) == (ActionState.DONE, ActionState.DONE)
    [kept] = (tmp_path / "memory").iterdir()
    answers = msgspec.json.decode(kept.read_bytes())
    assert sorted(len(one) for one in answers.values()) == [0, 1]
    kept.write_bytes(msgspec.json.encode({name: one for name, one in answers.items() if "b.py" in name}))
    assert looked(script).findings == first.findings  # a.py alone is asked about again
    assert (tmp_path / "asked").read_text() == "asked\n" * 2


def test_a_gap_is_not_remembered(looked: Callable[..., Receipt], tmp_path: Path) -> None:
    looked("exit 2")
    looked("exit 2")
    assert (tmp_path / "asked").read_text() == "asked\n" * 2
    assert not (tmp_path / "memory").exists()


def test_an_action_of_the_pipeline_is_used_as_it_stands_there_but_for_files_of_the_repository(tmp_path: Path) -> None:
    place = hooking.Place(
        pipeline=PIPELINE, policy=PIPELINE.policy, scanners={one.name: one for one in SCANNERS}, locate=Stand,
        scratch=tmp_path, memory=tmp_path, code="",
    )  # fmt: skip
    (_, bandit), (_, gitleaks) = hooking.actions_of(["bandit", "gitleaks"], place, {})
    assert (bandit.exclude, bandit.honour_config) == (("a.py",), False)
    assert gitleaks.options.history is False
    with pytest.raises(ConfigError, match=r"pyproject\.toml"):
        hooking.actions_of(["black"], place, {"pyproject.toml": b"["})


@pytest.mark.parametrize("name", ["semgrep", "pip-audit", "nothing"])
def test_a_hook_takes_only_what_answers_at_once(name: str) -> None:
    text = f"pipeline: x\nstages: [{{name: s, actions: [bandit]}}]\nhooks: {{pre-push: [{name}]}}\n"
    with pytest.raises(ConfigError, match=f"line 3.*unknown check of a hook '{name}'"):
        config.load(text.encode(), options=OPTIONS)


def test_black_that_ends_between_two_files_is_a_gap(looked: Callable[..., Receipt], tmp_path: Path) -> None:
    """It looks at the planted file last: exit code 1 after some files is also what it gives when all are done."""
    script = "printf -- '--- a.py\\t1\\n+++ a.py\\t2\\n@@ -1 +1 @@\\n-x  =  1\\n+x = 1\\n'; exit 1"
    receipt = looked(f'echo "$@" > {shlex.quote(str(tmp_path / "words"))}; {script}', "black")
    assert {gap.reason for gap in receipt.gaps} == {GapReason.CANARY_MISSED}
    assert (tmp_path / "words").read_text().split()[-3:-1] == ["a.py", "b.py"]
    assert (tmp_path / "words").read_text().strip().endswith("/canary.py")


def test_no_more_tools_start_at_once_than_there_are_cores_the_longest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooking, "_cores", lambda: 1)
    began: list[str] = []

    def locate(name: str, **_more: object) -> Stand:
        began.append(name)
        return Stand(("/bin/false",))

    place = hooking.Place(
        pipeline=PIPELINE, policy=PIPELINE.policy, scanners={one.name: one for one in SCANNERS}, locate=locate,
        scratch=tmp_path, memory=tmp_path / "memory", code="c",
    )  # fmt: skip
    (tmp_path / "base").mkdir(exist_ok=True)
    (tmp_path / "base" / "a.py").write_text("x = 1\n")
    tree = repository.Tree(root=tmp_path, entries=(repository.Entry("a.py", "a.py", 6, "d"),), digest="t")
    what = staged.Staged(tree=tree, base=tmp_path / "base", links=frozenset())
    names = ["flake8", "ruff", "black", "gitleaks", "detect-secrets"]
    receipts = hooking.look(place, what, hooking.actions_of(names, place, {}))
    assert [one.action for one in receipts] == names
    assert list(dict.fromkeys(began)) == ["detect-secrets", "gitleaks", "black", "flake8", "ruff"]
    assert {one.state for one in receipts} == {ActionState.GAP}


def test_other_code_of_hardgate_has_another_stamp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one.py", "inner/two.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("pass\n")
    monkeypatch.setattr(hooking, "__file__", str(tmp_path / "hooking.py"))
    first = hooking.code_stamp()
    assert first == hooking.code_stamp()
    (tmp_path / "inner" / "two.py").write_text("passed\n")
    second = hooking.code_stamp()
    (tmp_path / "inner" / "notes.txt").write_text("no code\n")
    assert len({first, second, hooking.code_stamp()}) == 2
