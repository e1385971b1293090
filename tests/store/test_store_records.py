"""Strings that databases refuse survive, in records and in the columns that are searched by."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardgate.errors import StoreError
from hardgate.model import Finding, Location, RunState
from hardgate.store import Store
from hardgate.store.records import decode, encode, escape, unescape
from tests.store import values

# Any code point, lone surrogates and NUL included, and more often those that are treated specially.
TEXT = st.text(st.one_of(st.characters(exclude_categories=()), st.sampled_from("\x00\x1a\udc80\ud83d\ude00\\u0")))
NASTY = "src/\udcff\x00\x1a001a \ud83d\ude00'\"%_\\\n\x1b[31m😀.py"


@given(TEXT)
def test_escaped_text_fits_any_database_and_comes_back(text: str) -> None:
    escaped = escape(text)
    assert b"\x00" not in escaped.encode("utf-8")
    assert unescape(escaped) == text


@given(TEXT)
def test_records_come_back_exactly(text: str) -> None:
    location = Location(path=text, line=1)
    stored = encode(location)
    assert b"\x00" not in stored.encode("utf-8")
    assert decode(stored, Location, "A location") == location


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", '{"path": 1}', '{"path": "a"', "\x1adc80", '{"path": "\x1adc80', '{"path":\x1adc80}'],
)
def test_what_is_no_record_is_an_error(text: str) -> None:
    with pytest.raises(StoreError, match="A location in the store cannot be read") as refused:
        decode(text, Location, "A location")
    assert "backup" in refused.value.hint


def test_no_truncation_of_a_record_is_read() -> None:
    whole = encode(values.finding(1))
    for length in range(len(whole)):
        with pytest.raises(StoreError):
            decode(whole[:length], Finding, "A finding")


def test_hostile_names_survive_everywhere(store: Store) -> None:
    finding = msgspec.structs.replace(
        values.finding(1, path=NASTY), id=NASTY, scanner=NASTY, message=NASTY, fingerprints={NASTY: NASTY}
    )
    receipt = msgspec.structs.replace(values.receipt("bandit", (finding,)), action=NASTY, scanner=NASTY)
    begun = msgspec.structs.replace(
        values.run(NASTY, root=NASTY, tree=NASTY), pipeline=NASTY, commit=NASTY, pipeline_digest=NASTY
    )
    store.begin(begun)
    store.add_receipt(NASTY, receipt)
    store.interrupt(NASTY)
    interrupted = msgspec.structs.replace(begun, state=RunState.INTERRUPTED, receipts=(receipt,))
    assert store.resumable(NASTY, NASTY, NASTY) == interrupted
    store.resume(NASTY)
    whole = values.ended(begun, receipt)
    store.finish(whole)
    assert store.run(NASTY[:6]) == store.latest(NASTY) == whole
    row = store.runs(root=NASTY)[0]
    assert (row.id, row.root, row.pipeline, row.commit) == (NASTY, NASTY, NASTY, NASTY)
    assert store.find_finding(NASTY, NASTY[:5]) == [(NASTY, finding)]
    assert store.findings(NASTY, scanner=NASTY) == [finding]
    store.remember(NASTY, receipt)
    assert store.cached(NASTY) == receipt
    assert store.timing(NASTY, NASTY) == (1.5, 50_000_000)
