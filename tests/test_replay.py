"""`hardgate replay`: stored runs by another policy."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hardgate import assembling, gate
from hardgate.cli.main import main
from hardgate.cli.replaying import Change, replay
from hardgate.config import load
from hardgate.model import DataUse, Policy, Requirement, Run, RunState, Severity
from hardgate.scanners.bandit import BANDIT
from hardgate.store import Store
from tests.builders import receipt, settled
from tests.store import values

BASE = "pipeline: small\nstages: [{name: scan, actions: [bandit]}]\n"
OPTIONS = {"bandit": BANDIT.options}


def policy(text: str = "") -> Policy:
    return load((BASE + text).encode(), options=OPTIONS, subjects=("terraform",)).policy


def run(name: str = "run-1", *findings: Any, text: str = "", **more: Any) -> Run:
    """A whole run of the pipeline above."""
    one = receipt("bandit", findings=findings)
    base = values.ended(values.run(name), one, finished=assembling.now())
    usual = {"definition": BASE + text, "expected": ("bandit",), "requirements": (), "started": assembling.now()}
    return msgspec.structs.replace(base, **(usual | more))


HIGH, MEDIUM = settled(1), settled(2, severity=Severity.MEDIUM)
STRICT, LAX = policy("policy: {block_at: medium}\n"), policy("policy: {block_at: critical}\n")


def test_what_another_policy_changes() -> None:
    for finding, other, expected in (
        (HIGH, STRICT, (Change.SAME, 1, 1)),
        (HIGH, LAX, (Change.LET_THROUGH, 1, 0)),
        (MEDIUM, STRICT, (Change.BLOCKED, 0, 1)),
        (MEDIUM, LAX, (Change.SAME, 0, 0)),
    ):
        found = replay(run("run-1", finding), policy(), None, other)
        assert (found.change, found.then_blocking, found.now_blocking) == expected


def test_what_was_said_then_counts_and_not_what_would_be_said_now() -> None:
    one = run("run-1", HIGH)
    then = gate.decide(one, LAX, now=one.finished)
    assert replay(one, policy(), then, policy()).change is Change.BLOCKED


def test_exemptions_are_those_of_the_other_policy() -> None:
    need = Requirement(subject="terraform", scanners=("checkov",), reason="there is Terraform", exempt="elsewhere")
    one = run(requirements=(need,))
    own = policy("policy: {exempt: {terraform: elsewhere}}\n")
    assert replay(one, own, None, own).now == "PASS"
    assert replay(one, own, None, policy()).now == "INCOMPLETE"
    assert replay(one, own, None, policy()).change is Change.BLOCKED


@pytest.mark.parametrize(
    "key", ["honour_inline_suppressions: true", "tools_from_path: true", "max_advisory_age: 1"]
)  # fmt: skip
def test_what_took_effect_while_scanning_cannot_be_replayed(key: str) -> None:
    one = run()
    dated = msgspec.structs.replace(one.receipts[0], data=DataUse(source="https://osv.dev"))
    found = replay(msgspec.structs.replace(one, receipts=(dated,)), policy(), None, policy(f"policy: {{{key}}}\n"))
    assert found.change is Change.NOT_JUDGED
    assert key.split(":", maxsplit=1)[0] in found.why
    assert found.now is None


def test_a_run_that_did_not_end_is_not_judged_again() -> None:
    found = replay(run(state=RunState.INTERRUPTED), policy(), None, LAX)
    assert (found.change, found.why) == (Change.NOT_JUDGED, "it is interrupted: what it would have found is not known")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of two runs: one that passed, one that failed."""
    path = tmp_path / "store.db"
    monkeypatch.setenv("HARDGATE_STORE", str(path))
    with Store.open(path) as opened:
        for one in (run("failed", HIGH), run("passed", MEDIUM)):
            opened.save(one)
            opened.save_verdict(one.id, gate.decide(one, policy(), now=one.finished))
    return path


def asked(tmp_path: Path, text: str, *words: str) -> int:
    file = tmp_path / "other.yaml"
    file.write_text(BASE + text)
    return main(["replay", "--policy", str(file), *words])


def test_exit_codes(store: Path, tmp_path: Path) -> None:
    assert asked(tmp_path, "") == 0
    assert asked(tmp_path, "policy: {block_at: medium}\n") == 1
    assert asked(tmp_path, "policy: {tools_from_path: true}\n") == 3
    assert asked(tmp_path, "", "--path", str(tmp_path)) == 3
    assert asked(tmp_path, "", "--last", "soon") == 2


def test_the_table_and_the_json(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked(tmp_path, "policy: {block_at: medium}\n")
    out = capsys.readouterr().out
    assert "PASS              FAIL (1 block)       would have been blocked" in out
    assert "1 with the same answer,\n1 would have been blocked, 0 would have been let through, 0 blocked" in out
    asked(tmp_path, "policy: {block_at: critical}\n", "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["totals"] == {"same": 1, "blocked": 0, "let-through": 1, "other": 0, "not-judged": 0}
    assert [(one["run"], one["then"], one["now"]) for one in found["runs"]] == [
        ("passed", "PASS", "PASS"), ("failed", "FAIL", "PASS")]  # fmt: skip


def test_a_damaged_run_is_told_of_and_the_others_are_judged(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("UPDATE runs SET body = '{}' WHERE id = 'failed'")
        connection.commit()
    assert asked(tmp_path, "") == 3
    out = capsys.readouterr().out
    assert "not judged again" in out
    assert "Run failed in the store cannot be read" in out
    assert "1 with the same answer" in out


def test_nothing_is_stored(store: Path, tmp_path: Path) -> None:
    with Store.open(store) as opened:
        before = opened.ledger()
    asked(tmp_path, "policy: {block_at: medium}\n")
    with Store.open(store) as opened:
        assert opened.ledger() == before
