"""The ledger: what is recorded with what, and every way to alter it by hand, on both databases."""

from __future__ import annotations

import functools
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, Engine, create_engine, text

from hardgate import ledger
from hardgate.errors import StoreError
from hardgate.ledger import Entry, Line
from hardgate.model import Run, RunState, Waiver
from hardgate.permits import Person
from hardgate.store import Store, auditing
from tests.store import values
from tests.store.worker import working

ADA = Person(name="ada", source="--by", account="ada@desk")
WAIVER = Waiver(id="0" * 16, reason="a test", owner="Ada", until="2026-12-31")


def judged(store: Store, name: str, *, waivers: tuple[Waiver, ...] = (), **more: Any) -> Run:
    """A finished run with two findings and a verdict."""
    run = values.ended(values.run(name, **more), values.receipt("bandit", (values.finding(1), values.finding(2))))
    store.save(run)
    store.save_verdict(name, values.verdict(run), by=ADA, waivers=waivers)
    return run


@pytest.fixture
def engine(target: str) -> Iterator[Engine]:
    """A second way into the same database, for plain SQL."""
    made = create_engine(target if "://" in target else f"sqlite:///{target}")
    yield made
    made.dispose()


@pytest.fixture
def six(store: Store) -> tuple[Line, ...]:
    """A ledger of six records: the first, and five verdicts."""
    for number in range(5):
        judged(store, f"run-{number}")
    return store.ledger()


# What is recorded


def test_a_ledger_begins_with_what_was_there_before(store: Store) -> None:
    [first] = store.ledger()
    assert (first.record.seq, first.record.kind, first.record.previous) == (1, ledger.GENESIS, ledger.START)
    assert first.record.what == {"last_run": 0, "verdicts": 0}
    assert store.audit().problems == ()


def test_the_ledger_of_an_older_store_says_what_it_cannot_vouch_for(tmp_path: Path) -> None:
    path = Path(shutil.copy(Path(__file__).parent / "hardgate-0.1.0.db", tmp_path / "store.db"))
    with Store.open(path) as store:
        [first] = store.ledger()
        assert (first.record.what, first.record.kind) == ({"last_run": 2, "verdicts": 1}, ledger.GENESIS)
        assert "What was judged before is not in it" in first.record.why
        assert store.audit(evidence=True).problems == ()
        old = store.runs(state=RunState.FINISHED)[0].id
        store.save_verdict(old, values.verdict(store.run(old)))
        assert store.audit(evidence=True).problems == ()
        judged(store, "new")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM ledger WHERE seq = 3")
        connection.commit()
    with Store.open(path) as store:
        assert [one.message for one in store.audit().problems] == [
            "the verdict of run new has no record: its record was removed, or the verdict was put there"
        ]


def test_every_verdict_is_recorded_with_who_what_and_the_evidence(store: Store) -> None:
    judged(store, "run-1")
    [_, line] = store.ledger()
    record = line.record
    assert (record.kind, record.subject, record.who) == (ledger.VERDICT, "run-1", ADA)
    assert record.what["outcome"] == "FAIL"
    assert record.what["counts"] == {"blocking": 2, "waived": 0, "informing": 0, "gaps": 0}
    assert record.what["commit"] == "c" * 40
    assert len(record.evidence) == 64
    assert line.digest == ledger.digest(ledger.canonical(record))


def test_a_verdict_that_is_not_stored_is_not_recorded(store: Store) -> None:
    with pytest.raises(StoreError):
        store.save_verdict("none", values.verdict(values.run("none")))
    assert len(store.ledger()) == 1


def test_judging_again_is_a_record_of_its_own(store: Store) -> None:
    run = judged(store, "run-1")
    store.save_verdict("run-1", values.verdict(run))
    assert [line.record.kind for line in store.ledger()] == ["genesis", "verdict", "verdict"]
    assert store.audit(evidence=True).problems == ()


def test_other_kinds_need_no_new_table(store: Store) -> None:
    entry = Entry(kind="approval", subject="release 7", at="2026-01-31T12:00:00Z", who=ADA, what={"stage": "live"})
    line = store.record(entry)
    assert store.ledger()[-1] == line
    assert line.record.what == {"stage": "live"}
    with pytest.raises(TypeError, match="no whole number"):
        store.record(msgspec.structs.replace(entry, what={"hours": 1.5}))


def test_hidden_characters_are_recorded_visibly(store: Store) -> None:
    entry = Entry(kind="deploy", subject="a\x1b[2Jb", at="", who=ADA, what={"root": "/x/\udcff\0"}, why="line\nbreak")
    line = store.record(entry)
    assert store.ledger()[-1] == line
    assert (line.record.subject, line.record.why) == ("a\\x1b[2Jb", "line\\nbreak")
    assert line.record.what == {"root": "/x/\\xff\\x00"}


# Waivers


def changes(store: Store) -> list[tuple[str, str]]:
    found = [line.record for line in store.ledger() if line.record.kind == ledger.WAIVER]
    return [(record.what["change"], record.what["waiver"]["until"]) for record in found]


def test_waivers_are_compared_with_the_run_before(store: Store) -> None:
    later = msgspec.structs.replace(WAIVER, until="2027-01-31")
    judged(store, "run-1", waivers=(WAIVER,))
    judged(store, "run-2", waivers=(WAIVER,))
    assert changes(store) == [("added", "2026-12-31")]
    judged(store, "run-3", waivers=(later,))
    judged(store, "run-4")
    judged(store, "run-5", waivers=(WAIVER,))
    assert changes(store)[1:] == [("changed", "2027-01-31"), ("removed", "2027-01-31"), ("added", "2026-12-31")]
    changed = [line.record for line in store.ledger() if line.record.what.get("change") == "changed"]
    assert changed[0].what["before"]["until"] == "2026-12-31"
    assert changed[0].why == "a test"


def test_another_folder_or_pipeline_has_waivers_of_its_own(store: Store) -> None:
    judged(store, "run-1", waivers=(WAIVER,))
    judged(store, "run-2", root="/srv/other")
    assert changes(store) == [("added", "2026-12-31")]


def test_an_older_run_that_is_judged_again_changes_no_waiver(store: Store) -> None:
    first = judged(store, "run-1")
    judged(store, "run-2", waivers=(WAIVER,))
    store.save_verdict("run-1", values.verdict(first), waivers=())
    assert changes(store) == [("added", "2026-12-31")]


# Edited by hand


def body(line: Line, **changed: Any) -> str:
    return ledger.canonical(msgspec.structs.replace(line.record, **changed)).decode()


def put(connection: Connection, seq: int, line: Line, raw: str, *, digest: str = "", previous: str = "") -> None:
    statement = text("UPDATE ledger SET body = :body, digest = :digest, previous = :previous WHERE seq = :seq")
    values_ = {"body": raw, "digest": digest or line.digest, "previous": previous or line.record.previous, "seq": seq}
    connection.execute(statement, values_)


def edit(connection: Connection, lines: tuple[Line, ...]) -> None:
    """A FAIL becomes a PASS."""
    what = {**lines[2].record.what, "outcome": "PASS"}
    put(connection, 3, lines[2], body(lines[2], what=what))


def edit_with_digest(connection: Connection, lines: tuple[Line, ...]) -> None:
    """The same by somebody who knows what a digest is."""
    raw = body(lines[2], what={**lines[2].record.what, "outcome": "PASS"})
    put(connection, 3, lines[2], raw, digest=ledger.digest(raw.encode()))


def delete(connection: Connection, lines: tuple[Line, ...]) -> None:
    """One from the middle."""
    connection.execute(text("DELETE FROM ledger WHERE seq = 4"))


def delete_and_close_up(connection: Connection, lines: tuple[Line, ...]) -> None:
    """One from the middle, and the later ones move up."""
    connection.execute(text("DELETE FROM ledger WHERE seq = 4"))
    for line in lines[4:]:
        seq = line.record.seq
        raw = body(line, seq=seq - 1)
        put(connection, seq, line, raw, digest=ledger.digest(raw.encode()))
        connection.execute(text("UPDATE ledger SET seq = :to WHERE seq = :seq"), {"to": seq - 1, "seq": seq})


def delete_last(connection: Connection, lines: tuple[Line, ...]) -> None:
    """The newest two: the chain itself cannot miss them, the verdicts can."""
    connection.execute(text("DELETE FROM ledger WHERE seq >= 5"))


def delete_first(connection: Connection, lines: tuple[Line, ...]) -> None:
    """The beginning."""
    connection.execute(text("DELETE FROM ledger WHERE seq = 1"))


def delete_all(connection: Connection, lines: tuple[Line, ...]) -> None:
    """Ledger and verdicts: as if nothing had ever been judged."""
    connection.execute(text("DELETE FROM ledger"))
    connection.execute(text("DELETE FROM verdicts"))


def insert(connection: Connection, lines: tuple[Line, ...]) -> None:
    """One more at the end, well made but not linked."""
    record = msgspec.structs.replace(lines[5].record, seq=7, previous="f" * 64, subject="run-4")
    raw = ledger.canonical(record)
    statement = text("INSERT INTO ledger VALUES (7, :digest, :previous, 'verdict', 'run-4', :body)")
    connection.execute(statement, {"digest": ledger.digest(raw), "previous": "f" * 64, "body": raw.decode()})


def swap(connection: Connection, lines: tuple[Line, ...]) -> None:
    """Two change places."""
    for old, new in ((3, 100), (4, 3), (100, 4)):
        connection.execute(text("UPDATE ledger SET seq = :new WHERE seq = :old"), {"new": new, "old": old})


def spoil(connection: Connection, lines: tuple[Line, ...]) -> None:
    """No record at all."""
    connection.execute(text("UPDATE ledger SET body = 'gone' WHERE seq = 3"))


def edit_copies(connection: Connection, lines: tuple[Line, ...]) -> None:
    """Only what the store searches by."""
    connection.execute(text("UPDATE ledger SET kind = 'deploy', subject = 'x' WHERE seq = 3"))


def edit_verdict(connection: Connection, lines: tuple[Line, ...]) -> None:
    """The verdict, and not its record."""
    connection.execute(text("UPDATE verdicts SET body = REPLACE(body, 'FAIL', 'PASS')"))


def delete_verdict(connection: Connection, lines: tuple[Line, ...]) -> None:
    """The verdict, and not its record."""
    connection.execute(text("DELETE FROM verdicts"))


WAYS: dict[Callable[..., None], str] = {
    edit: "record 3 was altered: its content does not have the digest",
    edit_with_digest: "record 4 does not follow the one before",
    delete: "record 5 stands where record 4 belongs",
    delete_and_close_up: "record 4 does not follow the one before",
    delete_last: "the verdict of run run-4 has no record",
    delete_first: "record 2 stands where record 1 belongs",
    delete_all: "there is no record, not even the first",
    insert: "record 7 does not follow the one before",
    swap: "record 4 stands where record 3 belongs",
    spoil: "record 3 was altered: it cannot be read",
    edit_copies: "record 3 was altered: the copies",
    edit_verdict: "the verdict of run run-0 in the store is not the one of record 2",
    delete_verdict: "the verdict of run run-0 in record 2 is gone",
}


def found_after(engine: Engine, change: Callable[[Connection], object], *, evidence: bool = False) -> list[str]:
    """What an audit says of the database as a change leaves it; the change is undone."""
    with engine.connect() as connection, connection.begin() as transaction:
        change(connection)
        found = [problem.message for problem in auditing.audit(connection, evidence=evidence).problems]
        transaction.rollback()
    return found


def test_what_is_edited_by_hand_is_found(store: Store, engine: Engine, six: tuple[Line, ...]) -> None:
    assert store.audit(evidence=True).problems == ()
    missed = {}
    for way, expected in WAYS.items():
        found = found_after(engine, functools.partial(way, lines=six))
        if not any(message.startswith(expected) for message in found):
            missed[way.__name__] = found
    assert missed == {}
    assert store.audit(evidence=True).problems == (), "each edit was undone"


EVIDENCE = {
    "a finding": "UPDATE findings SET body = REPLACE(body, 'Problem', 'Nothing')",
    "a finding is gone": "DELETE FROM findings WHERE position = 1",
    "a receipt": "UPDATE receipts SET body = REPLACE(body, 'done', 'gap')",
    "the run": "UPDATE runs SET body = REPLACE(body, 'cccc', 'dddd')",
}


def test_evidence_that_is_edited_is_found(store: Store, engine: Engine) -> None:
    judged(store, "run-1")
    told = ["the evidence of run run-1 in the store is not that of record 2"]
    for what, statement in EVIDENCE.items():
        change = functools.partial(Connection.execute, statement=text(statement))
        assert found_after(engine, change) == [], what
        assert found_after(engine, change, evidence=True) == told, what


def test_last_records_that_go_with_their_verdicts_are_found_by_a_head_elsewhere(
    store: Store, engine: Engine, six: tuple[Line, ...]
) -> None:
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM ledger WHERE seq >= 5"))
        connection.execute(text("DELETE FROM verdicts WHERE run >= (SELECT seq FROM runs WHERE id = 'run-3')"))
    audit = store.audit(evidence=True)
    assert audit.problems == (), "nothing in the store itself can tell"
    missing = ledger.missing_head(audit.chain, six[-1].digest)
    assert missing is not None
    assert "that was noted" in missing.message
    assert [one.seq for one in ledger.compare(audit.lines, six)] == [5, 6]


def test_a_ledger_that_is_written_anew_is_found_by_a_head_elsewhere(
    store: Store, engine: Engine, six: tuple[Line, ...]
) -> None:
    """By somebody who owns the database and can compute: all from the third record on."""
    with engine.begin() as connection:
        previous = six[1].digest
        connection.execute(text("DELETE FROM ledger WHERE seq > 2"))
        for line in six[2:]:
            record = msgspec.structs.replace(line.record, previous=previous, who=Person(name="mallory"))
            raw = ledger.canonical(record)
            row: dict[str, Any] = {
                "seq": record.seq,
                "digest": ledger.digest(raw),
                "previous": previous,
                "body": raw.decode(),
            }
            row |= {"kind": record.kind, "subject": record.subject}
            connection.execute(
                text("INSERT INTO ledger VALUES (:seq, :digest, :previous, :kind, :subject, :body)"), row
            )
            previous = row["digest"]
    audit = store.audit(evidence=True)
    assert audit.problems == ()
    assert ledger.missing_head(audit.chain, six[1].digest) is None
    assert ledger.missing_head(audit.chain, six[2].digest) is not None
    assert [one.message for one in ledger.compare(audit.lines, six)] == [
        f"record {seq} is another than in the export" for seq in (3, 4, 5, 6)
    ]


# Many at once


def test_many_processes_make_one_chain(target: str) -> None:
    names = [f"writer {number}" for number in range(6)]
    with ExitStack() as stack:
        workers = [stack.enter_context(working(target, name, "judging")) for name in names]
        for worker in workers:
            assert [worker.says(), worker.says()] == ["open", "done"]
    with Store.open(target) as store:
        audit = store.audit(evidence=True)
    assert audit.problems == ()
    assert [line.record.seq for line in audit.lines] == list(range(1, 32))
    subjects = [line.record.subject for line in audit.lines[1:]]
    assert sorted(subjects) == sorted(f"{name}-{number}" for name in names for number in range(5))


def test_a_fork_is_refused_by_the_table_itself(store: Store, engine: Engine, six: tuple[Line, ...]) -> None:
    record = msgspec.structs.replace(six[5].record, seq=7)
    row = {"digest": ledger.digest(ledger.canonical(record)), "previous": record.previous}
    with engine.connect() as connection, pytest.raises(Exception, match=r"(?i)unique"):
        connection.execute(text("INSERT INTO ledger VALUES (7, :digest, :previous, 'verdict', 'x', '')"), row)


# Exports


def test_an_export_is_verified_without_the_store(six: tuple[Line, ...]) -> None:
    raw = b"".join(map(ledger.export_line, six))
    lines = ledger.read_export(raw, "ledger.jsonl")
    assert lines == six
    assert ledger.follow(lines) == ledger.follow(six)
    assert ledger.follow(lines).problems == ()


@pytest.mark.parametrize("raw", [b"{}\n", b"[]", b"junk\n", b"\n", b'{"digest": "x", "record": {}}\n'])
def test_what_is_no_export_is_refused_with_its_line(raw: bytes, six: tuple[Line, ...]) -> None:
    whole = ledger.export_line(six[0])
    with pytest.raises(StoreError, match=r"ledger\.jsonl: line 2 is no record"):
        ledger.read_export(whole + raw, "ledger.jsonl")


def test_an_export_that_reads_otherwise_than_it_was_written_is_refused(six: tuple[Line, ...]) -> None:
    """Such as a key that stands twice: of two readers each could take another."""
    raw = ledger.export_line(six[1]).replace(b'"kind":"verdict"', b'"kind":"deploy","kind":"verdict"')
    with pytest.raises(StoreError, match="line 1 is not written as an export is"):
        ledger.read_export(raw, "ledger.jsonl")


def test_an_empty_export_is_no_whole_ledger() -> None:
    assert ledger.follow(ledger.read_export(b"", "x")).problems != ()
