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
