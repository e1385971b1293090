"""bolt.py: what is written is what a reader by the format's own description finds, whatever its size."""

from __future__ import annotations

import struct
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardgate.advisories.bolt import PAGE, Writer

Tree = dict[bytes, "bytes | Tree"]


class Reader:
    """Follows pages and elements as bbolt does (internal/common/page.go, bucket.go)."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        magic, version, size, _flags, self.root, _seq, free, self.pages, _tx = struct.unpack_from("<IIIIQQQQQ", raw, 16)
        assert (magic, version, size, free) == (0xED0CDAED, 2, PAGE, 2)
        assert len(raw) == self.pages * PAGE

    def bucket(self, number: int) -> Tree:
        return dict(self._items(self.raw[number * PAGE :], number))

    def _items(self, page: bytes, number: int) -> list[tuple[bytes, bytes | Tree]]:
        own, flags, count, overflow = struct.unpack_from("<QHHI", page)
        assert own == number
        assert number + overflow < self.pages
        found: list[tuple[bytes, bytes | Tree]] = []
        for index in range(count):
            at = 16 + 16 * index
            if flags == 0x01:
                distance, size, child = struct.unpack_from("<IIQ", page, at)
                below = self._items(self.raw[child * PAGE :], child)
                assert below[0][0] == page[at + distance : at + distance + size]
                found += below
            else:
                assert flags == 0x02
                kind, distance, keys, values = struct.unpack_from("<IIII", page, at)
                key, end = page[at + distance : at + distance + keys], at + distance + keys + values
                value = page[end - values : end]
                found.append((key, self._nested(value) if kind else value))
        assert [key for key, _ in found] == sorted({key for key, _ in found})
        return found

    def _nested(self, value: bytes) -> Tree:
        root, _ = struct.unpack_from("<QQ", value)
        return self.bucket(root) if root else dict(self._items(value[16:], 0))


def written(flat: dict[bytes, bytes], nested: dict[bytes, dict[bytes, bytes]]) -> Tree:
    with tempfile.TemporaryFile() as file:
        writer = Writer(file)
        writer.bucket(b"flat", flat)
        writer.nested(b"nested", nested)
        writer.close()
        file.seek(0)
        reader = Reader(file.read())
    return reader.bucket(reader.root)


keys, values = st.binary(min_size=1, max_size=40), st.binary(max_size=9000)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(keys, values, max_size=60), st.dictionaries(keys, st.dictionaries(keys, values, max_size=8)))
def test_it_reads_back(flat: dict[bytes, bytes], nested: dict[bytes, dict[bytes, bytes]]) -> None:
    assert written(flat, nested) == {b"flat": flat, b"nested": nested}


@pytest.mark.parametrize("number", [1, 300, 70_000])
def test_more_items_than_one_page_can_count(number: int) -> None:
    flat = {f"{index:06}".encode(): b"x" for index in range(number)}
    assert written(flat, {})[b"flat"] == flat


def test_long_keys_make_branches_of_two() -> None:
    flat = {bytes([65 + index]) * 3000: b"" for index in range(20)}
    assert written(flat, {})[b"flat"] == flat
