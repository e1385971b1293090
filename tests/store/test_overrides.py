"""Overrides in the store and at the gate: one use, nothing else, on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, create_engine, text

from hardgate import assembling, override, seals
from hardgate.cli import judging
from hardgate.cli.main import main
from hardgate.errors import StoreError
from hardgate.ledger import tidy
from hardgate.model import Gap, GapReason, Outcome, Output, Run, State, Verdict
from hardgate.override import Backend, Override, Sealed
from hardgate.permits import OverridePolicy, Person
from hardgate.receipts import KEY_VARIABLE
from hardgate.store import Store
from tests.store import gates, values

ADA, GRACE = Person(name="ada", source="--by"), Person(name="grace", source="--by")
NOW = "2026-01-31T13:00:00Z"
LATER = "2026-01-31T14:00:00Z"
POLICY = OverridePolicy()
DEFINITION = "pipeline: planetary-api\nstages: [{name: scan, actions: [bandit]}]\n"


@pytest.fixture
def database(target: str) -> Iterator[Engine]:
    """A second way into the same database, for plain SQL."""
    made = create_engine(target if "://" in target else f"sqlite:///{target}")
    yield made
    made.dispose()


def failed(store: Store, name: str = "run-1", *, gaps: tuple[Gap, ...] = (), **more: Any) -> tuple[Run, Verdict]:
    """A stored run with two findings that block, and gaps."""
    receipt = values.receipt("bandit", (values.finding(1), values.finding(2)))
    receipt = msgspec.structs.replace(receipt, gaps=gaps)
    run = values.ended(values.run(name), receipt)
    usual = {"definition": DEFINITION, "expected": ("bandit",), "requirements": ()}
    run = msgspec.structs.replace(run, **(usual | more))
    store.save(run)
    verdict = values.verdict(run)
    outcome = Outcome.INCOMPLETE if gaps else Outcome.FAIL
    return run, msgspec.structs.replace(verdict, outcome=outcome)


def asked(store: Store, run: Run, verdict: Verdict, *, key: str = "", **more: Any) -> Sealed:
    """A request by Ada."""
    words = {"reason": "payments are down", "ticket": "SEC-1", "requester": ADA, "requested_at": NOW, **more}
    scope = words.pop("scope", override.scope_of(run, verdict))
    one = msgspec.convert(tidy(Override(id=f"ov-{run.id}", scope=scope, run=run.id, **words)), Override)
    store.add_override(one, seals.make(override.raw(one), key))
    return store.override(one.id)


def granted(
    store: Store, run: Run, verdict: Verdict, *, hours: float = 24, key: str = "", at: str = NOW, **more: Any
) -> Sealed:
    """The same, granted by Grace."""
    known = asked(store, run, verdict, key=key, **more)
    made = override.granted(known.override, GRACE, at, hours)
    store.grant_override(known, made, seals.make(override.raw(made), key))
    return store.override(made.id)


def gate(store: Backend, run: Run, verdict: Verdict, policy: OverridePolicy = POLICY, *, now: str = LATER) -> Verdict:
    """What the gate makes of a verdict."""
    return judging.opened(store, run, verdict, policy, by=ADA, now=now)


def why(verdict: Verdict) -> str:
    """Why the one override that was there opened nothing."""
    assert verdict.override is None
    assert verdict.exit_code != 0
    [warning] = verdict.warnings
    return warning


def kinds(store: Store) -> list[str]:
    return [line.record.kind for line in store.ledger()[1:]]


# One use


def test_it_opens_one_gate_once_and_the_verdict_stays_what_it_was(store: Store) -> None:
    run, verdict = failed(store)
    granted(store, run, verdict)
    first = gate(store, run, verdict)
    assert (first.outcome, first.exit_code) == (Outcome.FAIL, 0)
    assert first.override is not None
    assert (first.override.requester, first.override.granter) == ("ada (--by)", "grace (--by)")
    assert first.count(State.BLOCKING) == 2
    assert "was used by run run-1 at 2026-01-31T14:00:00Z (ledger record 4)" in why(gate(store, run, verdict))
    assert kinds(store) == ["override-requested", "override-granted", "override-used"]
    assert store.audit(evidence=True).problems == ()


def test_fifty_gates_at_once_and_one_opens(target: str, tmp_path: Path) -> None:
    with Store.open(target) as store:
        run, verdict = failed(store)
        granted(store, run, verdict, at=assembling.now())  # the clock of these gates is the real one
    said = gates.ask(50, target, tmp_path, run.id)
    assert sorted(one.code for one in said) == [0] + [1] * 49, said[0].stderr
    opened = [json.loads(one.stdout)["verdict"] for one in said]
    assert sum(one["override"] is not None for one in opened) == 1
    assert {one["outcome"] for one in opened} == {"FAIL"}
    shut = [one["warnings"][-1] for one in opened if one["override"] is None]
    assert all("opens nothing here: it was used by run run-1" in warning for warning in shut)
    with Store.open(target) as store:
        found = [line.record.kind for line in store.ledger()]
        assert found.count("override-used") == 1
        assert found.count("verdict") == 50
        assert store.audit(evidence=True).problems == ()


# What opens nothing, and says why


def test_what_was_only_asked_for_opens_nothing(store: Store) -> None:
    run, verdict = failed(store)
    asked(store, run, verdict)
    assert why(gate(store, run, verdict)) == "Override ov-run-1 opens nothing here: it is requested and not granted."


def test_what_was_revoked_opens_nothing(store: Store) -> None:
    run, verdict = failed(store)
    store.revoke_override(granted(store, run, verdict), ADA, NOW, "the fix is ready")
    assert "was revoked by ada at 2026-01-31T13:00:00Z: the fix is ready" in why(gate(store, run, verdict))
    with pytest.raises(StoreError, match=r"it was revoked by ada"):
        store.revoke_override(store.override("ov-run-1"), ADA, NOW, "again")


def test_after_its_end_it_opens_nothing(store: Store) -> None:
    run, verdict = failed(store)
    granted(store, run, verdict, hours=1)
    assert "it ended at 2026-01-31T14:00:00Z" in why(gate(store, run, verdict, now="2026-01-31T14:00:00Z"))
    assert gate(store, run, verdict, now="2026-01-31T13:59:59Z").override is not None


def test_a_stricter_policy_than_that_of_the_grant_holds(store: Store) -> None:
    run, verdict = failed(store)
    granted(store, run, verdict, requester=GRACE)
    assert "asked for and granted by grace alone" in why(gate(store, run, verdict))
    alone = OverridePolicy(two_person=False, max_hours=8)
    assert "granted for longer than the 8 hours" in why(gate(store, run, verdict, alone))
    assert gate(store, run, verdict, OverridePolicy(two_person=False)).override is not None


def test_what_is_for_something_else_opens_nothing(store: Store) -> None:
    run, verdict = failed(store)
    granted(store, run, verdict)
    other = msgspec.structs.replace
    image = Output(name="image", media_type=min(override.IMAGES), sha256="a" * 64, size=1)
    built = other(run, receipts=(other(run.receipts[0], outputs=(image,)),))
    new = Verdict(outcome=Outcome.FAIL, judged_at=NOW, decisions=values.verdict(run).decisions[:1], blocks=True)
    gap = Gap(reason=GapReason.TIMEOUT, message="It took too long.", action="bandit")
    incomplete = other(verdict, outcome=Outcome.INCOMPLETE, gaps=(gap,))
    both = OverridePolicy(incomplete=True)
    told = {
        "is for the commit cccccccccccc, and this one is ffffffffffff": (other(run, commit="f" * 40), verdict),
        "is for the folder /srv/checkout, and this one is /srv/other": (other(run, root="/srv/other"), verdict),
        "is for the pipeline planetary-api, and this one is other": (other(run, pipeline="other"), verdict),
        "is for other files than these, though of the same commit": (other(run, tree="f" * 64), verdict),
        "is for no image, and this delivery has aaaa": (built, verdict),
        "covers a finding that blocks that is not there": (run, new),
        "does not cover each gap: timeout bandit  It took too long.": (run, incomplete),
    }
    for expected, (where, judged) in told.items():
        assert expected in why(gate(store, where, judged, both)), expected
    assert gate(store, run, verdict, both).override is not None, "none of these used it up"


def test_one_more_finding_is_not_covered(store: Store) -> None:
    run, verdict = failed(store)
    scope = override.scope_of(run, verdict)
    granted(store, run, verdict, scope=msgspec.structs.replace(scope, findings=scope.findings[:1]))
    assert f"does not cover each finding that blocks: {scope.findings[1]}" in why(gate(store, run, verdict))


def test_the_same_findings_of_another_commit_far_away_are_not_even_mentioned(store: Store) -> None:
    run, verdict = failed(store)
    granted(store, run, verdict)
    elsewhere = msgspec.structs.replace(run, commit="f" * 40, root="/srv/other")
    assert gate(store, elsewhere, verdict).warnings == ()


def test_incomplete_needs_a_policy_that_allows_it_and_binds_the_gaps(store: Store) -> None:
    gap = Gap(reason=GapReason.TIMEOUT, message="It took too long.", action="bandit")
    run, verdict = failed(store, gaps=(gap,))
    assert verdict.outcome is Outcome.INCOMPLETE
    granted(store, run, verdict)
    assert "covers gaps, and the policy does not allow INCOMPLETE" in why(gate(store, run, verdict))
    opened = gate(store, run, verdict, OverridePolicy(incomplete=True))
    assert (opened.outcome, opened.exit_code) == (Outcome.INCOMPLETE, 0)


# Edited by hand

SET_BACK = "UPDATE overrides SET state = 'granted'"
EDITS = {
    "used, and set back": (SET_BACK, True, "was used by run run-1"),
    "used, set back, and its use deleted": (
        f"{SET_BACK}; DELETE FROM ledger WHERE kind = 'override-used'; DELETE FROM ledger WHERE kind LIKE '%granted'",
        True, "the ledger knows of no such grant"),
    "requested, and granted by hand": (SET_BACK, False, "the ledger knows of no such grant"),
    "an id more": ("UPDATE overrides SET body = REPLACE(body, 'payments', 'payment')", False, "was altered after it"),
    "no state": ("UPDATE overrides SET state = 'used'", False, "is used by its row, and the ledger does not say so"),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_what_was_edited_by_hand_opens_nothing(store: Store, database: Engine, edit: str) -> None:
    statements, used, told = EDITS[edit]
    run, verdict = failed(store)
    if used:
        granted(store, run, verdict)
        assert gate(store, run, verdict).override is not None
    else:
        asked(store, run, verdict)
    with database.begin() as connection:
        for statement in statements.split("; "):
            connection.execute(text(statement))
    assert told in why(gate(store, run, verdict))
    assert store.audit().problems != (), "and an audit finds it"


def test_a_grant_that_was_put_into_the_store_by_hand_opens_nothing(store: Store, database: Engine) -> None:
    """By somebody who can compute digests: only the ledger knows better."""
    run, verdict = failed(store)
    known = asked(store, run, verdict)
    forged = override.granted(known.override, GRACE, NOW, 24)
    row = {"body": override.raw(forged).decode(), "seal": seals.make(override.raw(forged), "")}
    with database.begin() as connection:
        connection.execute(text("UPDATE overrides SET state = 'granted', body = :body, seal = :seal"), row)
    assert "the ledger knows of no such grant" in why(gate(store, run, verdict))


def test_a_gate_with_a_key_wants_the_key(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run, verdict = failed(store)
    granted(store, run, verdict, key="first")
    assert f"is sealed with a key, and the gate has none: set {KEY_VARIABLE}" in why(gate(store, run, verdict))
    monkeypatch.setenv(KEY_VARIABLE, "second")
    assert "was altered after it was sealed, or sealed with another key" in why(gate(store, run, verdict))
    monkeypatch.setenv(KEY_VARIABLE, "first")
    assert gate(store, run, verdict).override is not None


def test_what_changes_between_looking_and_taking_is_not_taken(store: Store) -> None:
    run, verdict = failed(store)
    known = granted(store, run, verdict)
    store.revoke_override(known, ADA, NOW, "stop")
    assert store.take_override(known, run.id, ADA, LATER) == "was revoked by ada at 2026-01-31T13:00:00Z: stop"
    with pytest.raises(StoreError, match="Nothing was done with the override ov-run-1"):
        store.grant_override(known, known.override, known.seal)


# The command line, over both databases


@pytest.fixture
def at(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The store and the home of the commands of this test."""
    monkeypatch.setenv("HARDGATE_STORE", target)
    monkeypatch.setenv("HARDGATE_HOME", str(tmp_path / "home"))
    return target


def test_request_grant_use_list_and_verify(at: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Store.open(at) as store:
        run, _ = failed(store)
    words = ["--reason", "payments are down", "--ticket", "SEC-1", "--by", "ada"]
    assert main(["override", "request", "--run", run.id, *words]) == 0
    name = capsys.readouterr().out.split()[0]
    assert main(["override", "grant", name, "--by", "Ada"]) == 2
    assert "Ada asked for it, and the policy wants another person" in capsys.readouterr().err
    assert main(["override", "grant", name, "--by", "grace", "--hours", "25"]) == 2
    assert "the policy allows more than 0 and at most 24" in capsys.readouterr().err
    assert main(["override", "grant", name[:8], "--by", "grace"]) == 0
    assert main(["gate", "--run", run.id, "--no-override", "--quiet"]) == 1
    assert main(["gate", "--run", run.id]) == 0
    out = capsys.readouterr()
    assert f"Override {name} opened it once." in " ".join(out.out.split())
    assert main(["report", "text", "--run", run.id]) == 0
    assert "granted by grace (--by)" in " ".join(capsys.readouterr().out.split())
    assert main(["gate", "--run", run.id, "--quiet"]) == 1
    assert main(["override", "revoke", name, "--reason", "late", "--by", "ada"]) == 3
    assert main(["override", "list"]) == 0
    assert "used" in capsys.readouterr().out
    assert main(["override", "list", "--json"]) == 0
    [entry] = json.loads(capsys.readouterr().out)
    assert (entry["state"], entry["override"]["requester"]["name"]) == ("used", "ada")
    head = next(word for word in out.err.split() if len(word) == 65).rstrip(".")
    assert main(["audit", "verify", "--head", head, "--evidence"]) == 0
    assert main(["audit", "verify", "--head", "0" * 64]) == 1


def test_what_cannot_be_asked_for(at: str, capsys: pytest.CaptureFixture[str]) -> None:
    gap = Gap(reason=GapReason.TIMEOUT, message="It took too long.", action="bandit")
    with Store.open(at) as store:
        failed(store, "incomplete", gaps=(gap,))
        failed(store, "uncommitted", commit="")
        failed(store, "never", definition=DEFINITION + "policy: {overrides: {max_hours: 0}}\n")
        failed(store, "passed", findings=())
    told = {
        "incomplete": "the policy does not allow that to be overridden",
        "uncommitted": "this folder is no git repository",
        "never": "the policy allows no overrides",
        "passed": "there is nothing to override",
    }
    for name, expected in told.items():
        assert main(["override", "request", "--run", name, "--reason", "x", "--ticket", "y"]) == 2
        assert expected in capsys.readouterr().err
    assert main(["override", "request", "--run", "passed", "--reason", " ", "--ticket", "y"]) == 2


def test_an_export_is_compared_and_stands_alone(at: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store.open(at) as store:
        run, _ = failed(store)
    file = tmp_path / "ledger.jsonl"
    assert main(["gate", "--run", run.id, "--quiet"]) == 1
    assert main(["audit", "export", "--output", str(file)]) == 0
    assert main(["gate", "--run", run.id, "--quiet"]) == 1
    assert main(["audit", "verify", "--against", str(file)]) == 0
    assert main(["audit", "verify", "--file", str(file), "--json"]) == 0
    capsys.readouterr()
    file.write_text(file.read_text().replace("FAIL", "PASS"))
    assert main(["audit", "verify", "--file", str(file)]) == 1
    assert "record 2 was altered" in capsys.readouterr().out
    assert main(["audit", "verify", "--against", str(file)]) == 3
    assert "is no whole ledger itself" in capsys.readouterr().err
