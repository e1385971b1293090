"""Runs, receipts, findings and verdicts, on both databases."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from hardgate.errors import StoreError
from hardgate.model import ActionState, Kind, Outcome, RunState, Severity, State, Witness
from hardgate.store import RunRow, Store
from tests.store import values

HIGH = values.finding(1)
LOW = values.finding(2, severity=Severity.LOW)
OTHER = values.finding(3, scanner="semgrep")


def test_a_run_is_read_back_as_it_was_stored_at_every_step(store: Store) -> None:
    begun = values.run("first")
    store.begin(begun)
    assert store.run("first") == begun

    bandit = values.receipt("bandit", (HIGH, LOW))
    store.add_receipt("first", bandit)
    assert store.run("first") == msgspec.structs.replace(begun, receipts=(bandit,))

    semgrep = values.receipt("semgrep", (OTHER,))
    store.add_receipt("first", semgrep)
    finished = values.ended(begun, bandit, semgrep)
    store.finish(finished)
    assert store.run("first") == finished


def test_what_is_finished_is_what_is_stored_even_where_receipts_changed(store: Store) -> None:
    begun = values.run("first")
    store.begin(begun)
    store.add_receipts("first", (values.receipt("bandit", (HIGH,)), values.receipt("forgotten", (LOW,))))
    finished = values.ended(begun, values.receipt("semgrep", (OTHER,)), values.receipt("bandit", (HIGH, LOW)))
    store.finish(finished)
    assert store.run("first") == finished


def test_a_run_that_still_says_running_is_finished_now(store: Store) -> None:
    store.begin(values.run("first"))
    store.finish(values.run("first"))
    stored = store.run("first")
    assert stored.state is RunState.FINISHED
    assert stored.finished > "2026"


def test_save_stores_a_run_of_other_machines_whole(store: Store) -> None:
    whole = values.ended(values.run("collected"), values.receipt("bandit", (HIGH,)))
    store.save(whole)
    assert store.run("collected") == whole


def test_two_receipts_of_one_action_are_refused(store: Store) -> None:
    store.begin(values.run("first"))
    store.add_receipt("first", values.receipt("bandit", (HIGH,)))
    with pytest.raises(StoreError, match="bandit was not stored") as refused:
        store.add_receipts("first", (values.receipt("semgrep"), values.receipt("bandit")))
    assert "new run" in refused.value.hint
    assert store.run("first").receipts == (values.receipt("bandit", (HIGH,)),), "all of a call or nothing"
    twice = values.ended(values.run("second"), values.receipt("bandit"), values.receipt("bandit"))
    with pytest.raises(StoreError, match="two receipts of bandit"):
        store.save(twice)
    assert [row.id for row in store.runs()] == ["first"]


def test_a_gap_makes_room_for_a_later_receipt_of_its_action(store: Store) -> None:
    store.begin(values.run("first"))
    store.add_receipts("first", (values.receipt("bandit", (LOW,), ActionState.GAP), values.receipt("semgrep")))
    store.add_receipt("first", values.receipt("bandit", (HIGH,)))
    assert store.run("first").receipts == (values.receipt("bandit", (HIGH,)), values.receipt("semgrep"))


def test_a_finished_run_takes_nothing_more(store: Store) -> None:
    store.save(values.ended(values.run("first")))
    with pytest.raises(StoreError, match="has finished"):
        store.add_receipt("first", values.receipt())
    with pytest.raises(StoreError, match="has finished"):
        store.finish(values.ended(values.run("first")))
    with pytest.raises(StoreError, match="has finished"):
        store.interrupt("first")
    with pytest.raises(StoreError, match="has finished"):
        store.resume("first")


def test_an_id_is_taken_once(store: Store) -> None:
    store.begin(values.run("first"))
    with pytest.raises(StoreError, match="one of that id"):
        store.begin(values.run("first"))


def test_a_run_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    for name in ("ab", "abc", "abd", "b%", "b_x"):
        store.save(values.ended(values.run(name)))
    assert store.run("abc").id == "abc"
    assert store.run("ab").id == "ab", "a whole id is not ambiguous"
    assert store.run("b%").id == "b%"
    with pytest.raises(StoreError, match=r"several runs: ab, abc"):
        store.run("a")
    for unknown in ("x", "", "%", "abcd", "AB"):
        with pytest.raises(StoreError, match="no run") as refused:
            store.run(unknown)
        assert "hardgate runs" in refused.value.hint


@pytest.mark.parametrize("task", ["add", "finish", "interrupt", "resume", "verdict", "findings"])
def test_an_unknown_run_is_an_error_and_never_empty(store: Store, task: str) -> None:
    missing = values.run("missing")
    calls: dict[str, Callable[[], object]] = {
        "add": lambda: store.add_receipt("missing", values.receipt()),
        "finish": lambda: store.finish(missing),
        "interrupt": lambda: store.interrupt("missing"),
        "resume": lambda: store.resume("missing"),
        "verdict": lambda: store.save_verdict("missing", values.verdict(missing)),
        "findings": lambda: store.findings("missing"),
    }
    with pytest.raises(StoreError, match="no run 'missing'"):
        calls[task]()


def test_the_list_shows_the_newest_first_with_counts_and_outcome(store: Store) -> None:
    judged = values.ended(values.run("first"), values.receipt("bandit", (HIGH, LOW)))
    store.save(judged)
    store.save_verdict("first", values.verdict(judged))
    store.begin(values.run("second", root="/elsewhere"))
    running, finished = store.runs()
    assert finished == RunRow(
        id="first",
        pipeline="planetary-api",
        root=values.ROOT,
        commit="c" * 40,
        started="2026-01-31T12:00:00Z",
        finished="2026-01-31T12:01:00Z",
        state=RunState.FINISHED,
        counts={Severity.HIGH: 1, Severity.LOW: 1},
        outcome=Outcome.FAIL,
        blocking=1,
        gaps=0,
    )
    assert (running.id, running.state, running.counts, running.outcome) == ("second", RunState.RUNNING, None, None)
    assert [row.id for row in store.runs(root=values.ROOT)] == ["first"]
    assert [row.id for row in store.runs(state=RunState.RUNNING)] == ["second"]
    assert [row.id for row in store.runs(limit=1)] == ["second"]
    assert store.runs(root="/nowhere") == []


def test_latest_is_the_run_of_the_root_that_finished_last(store: Store) -> None:
    assert store.latest(values.ROOT) is None
    store.save(values.ended(values.run("late"), finished="2026-02-02T00:00:00Z"))
    store.save(values.ended(values.run("early"), finished="2026-02-01T00:00:00Z"))
    store.save(values.ended(values.run("other", root="/elsewhere"), finished="2026-02-03T00:00:00Z"))
    store.begin(values.run("running"))
    latest = store.latest(values.ROOT)
    assert latest is not None
    assert latest.id == "late"
    store.save(values.ended(values.run("same second"), finished="2026-02-02T00:00:00Z"))
    latest = store.latest(values.ROOT)
    assert latest is not None
    assert latest.id == "same second"


def test_the_newest_verdict_of_a_run_is_kept(store: Store) -> None:
    judged = values.ended(values.run("first"), values.receipt("bandit", (HIGH, LOW)))
    store.save(judged)
    assert store.verdict("first") is None
    store.save_verdict("first", values.verdict(judged))
    later = msgspec.structs.replace(values.verdict(judged), outcome=Outcome.PASS, judged_at="2026-03-01T00:00:00Z")
    store.save_verdict("first", later)
    assert store.verdict("fir") == later
    assert store.runs()[0].outcome is Outcome.PASS


def test_findings_are_filtered(store: Store) -> None:
    seen_by_two = msgspec.structs.replace(
        HIGH,
        witnesses=(
            *HIGH.witnesses,
            Witness(scanner="semgrep", action="semgrep", rule="sqli", severity=Severity.HIGH, message="too"),
        ),
    )
    secret = msgspec.structs.replace(values.finding(9, scanner="gitleaks"), kind=Kind.SECRET)
    begun = values.run("first")
    whole = msgspec.structs.replace(
        values.ended(begun, values.receipt("bandit", (HIGH, LOW)), values.receipt("semgrep", (OTHER,))),
        findings=(seen_by_two, LOW, OTHER, secret),
    )
    store.save(whole)
    store.save_verdict("first", values.verdict(whole))
    assert store.findings("first") == [seen_by_two, LOW, OTHER, secret]
    assert store.findings("first", severities=(Severity.LOW, Severity.INFO)) == [LOW]
    assert store.findings("first", scanner="semgrep") == [seen_by_two, OTHER]
    assert store.findings("first", scanner="sem") == []
    assert store.findings("first", scanner="%") == []
    assert store.findings("first", kinds=(Kind.SECRET,)) == [secret]
    assert store.findings("first", states=(State.INFORMING,)) == [LOW]
    assert store.findings("first", states=(State.BLOCKING,), scanner="semgrep") == [seen_by_two, OTHER]
    assert store.findings("first", states=(State.WAIVED,)) == []


def test_findings_by_state_need_a_verdict(store: Store) -> None:
    store.save(values.ended(values.run("first"), values.receipt("bandit", (HIGH,))))
    with pytest.raises(StoreError, match="has not been judged") as refused:
        store.findings("first", states=(State.BLOCKING,))
    assert refused.value.hint == "Judge it: hardgate gate --run first"


def test_a_run_under_way_shows_the_findings_so_far(store: Store) -> None:
    store.begin(values.run("first"))
    store.add_receipt("first", values.receipt("bandit", (HIGH, LOW)))
    assert store.findings("first") == [HIGH, LOW]
    assert store.find_finding(values.ROOT, HIGH.id) == [("first", HIGH)]


def test_a_finding_is_found_in_every_run_newest_first(store: Store) -> None:
    for name in ("first", "second"):
        begun = values.run(name)
        store.begin(begun)
        store.add_receipt(name, values.receipt("bandit", (HIGH,)))
        store.finish(values.ended(begun, values.receipt("bandit", (HIGH,))))
    store.save(values.ended(values.run("other", root="/elsewhere"), values.receipt("bandit", (HIGH, LOW))))
    assert store.find_finding(values.ROOT, HIGH.id[:12]) == [("second", HIGH), ("first", HIGH)]
    assert [name for name, _ in store.find_finding(None, HIGH.id)] == ["other", "second", "first"]
    assert store.find_finding(values.ROOT, LOW.id) == []
    assert store.find_finding(values.ROOT, "") == []
    assert len(store.find_finding(None, HIGH.id, limit=2)) == 2


def test_an_interrupted_run_is_resumed_with_its_receipts(store: Store) -> None:
    begun = values.run("first")
    store.begin(begun)
    store.add_receipt("first", values.receipt("bandit", (HIGH,)))
    assert store.resumable(values.ROOT, values.PIPELINE_DIGEST, values.TREE) is None, "it is running"
    store.interrupt("first")
    interrupted = msgspec.structs.replace(
        begun, state=RunState.INTERRUPTED, receipts=(values.receipt("bandit", (HIGH,)),)
    )
    assert store.run("first") == interrupted
    assert store.resumable(values.ROOT, values.PIPELINE_DIGEST, values.TREE) == interrupted
    for other in (
        ("/elsewhere", values.PIPELINE_DIGEST, values.TREE),
        (values.ROOT, "f" * 64, values.TREE),
        (values.ROOT, values.PIPELINE_DIGEST, "f" * 64),
    ):
        assert store.resumable(*other) is None
    assert store.resume("first") == msgspec.structs.replace(interrupted, state=RunState.RUNNING)
    store.add_receipt("first", values.receipt("semgrep", (OTHER,)))
    store.finish(values.ended(begun, values.receipt("bandit", (HIGH,)), values.receipt("semgrep", (OTHER,))))
    assert store.resumable(values.ROOT, values.PIPELINE_DIGEST, values.TREE) is None


def test_an_interrupted_end_keeps_what_was_found(store: Store) -> None:
    begun = values.run("first")
    store.begin(begun)
    partly = msgspec.structs.replace(
        values.ended(begun, values.receipt("bandit", (HIGH,)), finished=""), state=RunState.INTERRUPTED
    )
    store.finish(partly)
    assert store.run("first") == partly
    assert store.findings("first") == [HIGH]


def test_merged_findings_are_stored_once_and_what_they_absorbed_is_not_found(store: Store) -> None:
    """The second is a witness of the first; the third stands as its receipt has it."""
    one, two, three = values.finding(1), values.finding(2, scanner="semgrep"), values.finding(3, scanner="semgrep")
    joined = msgspec.structs.replace(one, witnesses=(*one.witnesses, *two.witnesses))
    begun, receipts = values.run("run-1"), (values.receipt("bandit", (one,)), values.receipt("semgrep", (two, three)))
    ended = msgspec.structs.replace(values.ended(begun, *receipts), findings=(three, joined))
    store.begin(begun)
    store.add_receipts(begun.id, receipts)
    assert {found.id for found in store.findings(begun.id)} == {one.id, two.id, three.id}
    store.finish(ended)
    assert store.run(begun.id) == ended
    assert store.findings(begun.id) == [three, joined]
    assert store.findings(begun.id, scanner="bandit") == [joined]
    assert store.find_finding(None, one.id) == [(begun.id, joined)]
    assert store.find_finding(None, two.id) == []
    assert store.find_finding(None, three.id) == [(begun.id, three)]
    with store._database.read("Nothing was read") as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM findings").scalar() == len((one, two, three, joined))
