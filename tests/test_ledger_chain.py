"""The chain by itself: whatever is done to an export shows."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hardgate import ledger
from hardgate.errors import StoreError
from hardgate.ledger import Entry, Line
from hardgate.permits import Person

TEXT = st.text(max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def chain(number: int) -> list[Line]:
    """A whole ledger of so many records."""
    made, previous = list[Line](), ledger.START
    for seq in range(1, number + 1):
        kind = ledger.GENESIS if seq == 1 else ledger.VERDICT
        entry = Entry(kind=kind, subject=f"run-{seq}", at="", who=Person(name="ada"), what={"outcome": "FAIL"})
        made.append(ledger.next_line(entry, seq, previous))
        previous = made[-1].digest
    return made


WHOLE = chain(6)
EXPORT = b"".join(map(ledger.export_line, WHOLE))


@given(st.integers(0, len(EXPORT) - 1), st.integers(1, 255))
def test_no_byte_of_an_export_can_be_another(at: int, change: int) -> None:
    raw = EXPORT[:at] + bytes([EXPORT[at] ^ change]) + EXPORT[at + 1 :]
    try:
        problems = ledger.follow(ledger.read_export(raw, "ledger.jsonl")).problems
    except StoreError:
        return
    assert problems


@given(st.permutations(range(len(WHOLE))))
def test_no_other_order_is_whole(order: list[int]) -> None:
    found = ledger.follow([WHOLE[at] for at in order])
    assert (found.problems == ()) is (order == sorted(order))


@given(st.sets(st.integers(0, len(WHOLE) - 1), min_size=1))
def test_what_is_left_out_shows_unless_it_was_the_end(left: set[int]) -> None:
    kept = [line for at, line in enumerate(WHOLE) if at not in left]
    found = ledger.follow(kept)
    the_end = kept == WHOLE[: len(kept)]
    assert (found.problems == ()) is (the_end and bool(kept))
    assert ledger.missing_head(found, WHOLE[-1].digest) is not None or WHOLE[-1] in kept
    assert len(ledger.compare(kept, WHOLE)) == len(left)


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, len(WHOLE)))
def test_what_is_put_in_shows(which: int, at: int) -> None:
    assert ledger.follow([*WHOLE[:at], WHOLE[which], *WHOLE[at:]]).problems


@given(st.dictionaries(TEXT, VALUES, max_size=4), TEXT)
def test_whatever_is_recorded_is_read_back_as_it_was_written(what: dict[str, object], why: str) -> None:
    entry = Entry(kind="deploy", subject=why, at="", who=Person(name=why), what=what, why=why)
    line = ledger.next_line(entry, 1, ledger.START)
    [again] = ledger.read_export(ledger.export_line(line), "x")
    assert again == line
    assert ledger.digest(ledger.canonical(again.record)) == line.digest


def test_a_record_of_a_later_format_is_refused() -> None:
    raw = msgspec.json.encode({"digest": "x", "record": {**msgspec.to_builtins(WHOLE[0].record), "more": 1}})
    try:
        ledger.read_export(raw, "x")
    except StoreError as error:
        assert "more" in str(error)  # noqa: PT017 (the sentence is looked at)
    else:
        raise AssertionError("it was read")
