"""Writes bbolt files, the format of Trivy's database: https://github.com/etcd-io/bbolt, version 2 of the file.

A file is pages of 4096 bytes: two copies of the head (meta), an empty list of free pages, and B+ trees. A bucket is a
tree; a small one stands in the leaf of its parent (internal/common/page.go, meta.go, bucket.go and inode.go).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

PAGE = 4096
_BRANCH, _LEAF, _META, _FREELIST = 0x01, 0x02, 0x04, 0x10
_BUCKET = 0x01  # the flag of a leaf's element that is a bucket
_INLINE = PAGE // 4  # bytes: a bucket up to this size may stand in its parent's leaf
_MAGIC, _VERSION = 0xED0CDAED, 2
_FIRST = 3  # the first page after the heads and the list of free pages
_HEAD = struct.Struct("<QHHI")  # number, flags, count of elements, count of pages that follow
_ELEMENT = struct.Struct("<IIII")  # flags, distance to the key, sizes of key and value
_CHILD = struct.Struct("<IIQ")  # distance to the key, its size, number of the page
_ROOT = struct.Struct("<QQ")  # number of a bucket's root page (0: it follows at once), its sequence

Values = Mapping[bytes, bytes]
_Item = tuple[bytes, bytes, int]  # key, value, flags
_Child = tuple[bytes, int]  # the first key of a page, its number


class Writer:
    """Writes buckets, one after another; `close` writes the head, without which the file is not read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._next = _FIRST
        self._buckets: list[_Item] = []
        file.write(bytes(PAGE * _FIRST))

    def bucket(self, name: bytes, values: Values) -> None:
        """A bucket of keys and values."""
        root = self._tree((key, values[key], 0) for key in sorted(values))
        self._buckets.append((name, _ROOT.pack(root, 0), _BUCKET))

    def nested(self, name: bytes, buckets: Mapping[bytes, Values]) -> None:
        """A bucket of buckets."""
        root = self._tree((key, self._inner(buckets[key]), _BUCKET) for key in sorted(buckets))
        self._buckets.append((name, _ROOT.pack(root, 0), _BUCKET))

    def close(self) -> None:
        """Write what was kept back: after this the file is whole, and on the disk."""
        root = self._tree(sorted(self._buckets))
        self._file.seek(0)
        for number in (0, 1):
            self._file.write(_meta(number, root, self._next))
        self._file.write(_HEAD.pack(2, _FREELIST, 0, 0).ljust(PAGE, b"\0"))
        self._file.flush()
        os.fsync(self._file.fileno())

    def _inner(self, values: Values) -> bytes:
        items = [(key, values[key], 0) for key in sorted(values)]
        if _HEAD.size + sum(map(_size, items)) <= _INLINE:
            return _ROOT.pack(0, 0) + _leaf(0, items, 0)
        return _ROOT.pack(self._tree(items), 0)

    def _tree(self, items: Iterable[_Item]) -> int:
        """Write sorted items as leaves and the branches above them; the number of the root page."""
        level = [self._leaf_page(part) for part in _grouped(items)]
        while len(level) > 1:
            level = [self._branch_page(part) for part in _paired(level)]
        return level[0][1]

    def _leaf_page(self, items: list[_Item]) -> _Child:
        pages = -(-(_HEAD.size + sum(map(_size, items))) // PAGE)
        number = self._put(_leaf(self._next, items, pages - 1), pages)
        return (items[0][0] if items else b"", number)

    def _branch_page(self, children: list[_Child]) -> _Child:
        pages = -(-(_HEAD.size + sum(_CHILD.size + len(key) for key, _ in children)) // PAGE)
        return (children[0][0], self._put(_branch(self._next, children, pages - 1), pages))

    def _put(self, raw: bytes, pages: int) -> int:
        number = self._next
        self._file.write(raw.ljust(pages * PAGE, b"\0"))
        self._next += pages
        return number


def _size(item: _Item) -> int:
    return _ELEMENT.size + len(item[0]) + len(item[1])


def _grouped(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """The items of each leaf: as many as fit into a page, one that is larger than a page by itself."""
    part, room = list[_Item](), PAGE - _HEAD.size
    for item in items:
        if part and _size(item) > room:
            yield part
            part, room = [], PAGE - _HEAD.size
        part.append(item)
        room -= _size(item)
    yield part


def _paired(children: Iterable[_Child]) -> Iterator[list[_Child]]:
    """The children of each branch: as many as fit into a page, and at least two, so that every level is shorter."""
    part, room = list[_Child](), PAGE - _HEAD.size
    for child in children:
        size = _CHILD.size + len(child[0])
        if len(part) > 1 and size > room:
            yield part
            part, room = [], PAGE - _HEAD.size
        part.append(child)
        room -= size
    yield part


def _leaf(number: int, items: list[_Item], overflow: int) -> bytes:
    elements, data = bytearray(), bytearray()
    for index, (key, value, flags) in enumerate(items):
        distance = _ELEMENT.size * (len(items) - index) + len(data)
        elements += _ELEMENT.pack(flags, distance, len(key), len(value))
        data += key + value
    return _HEAD.pack(number, _LEAF, len(items), overflow) + bytes(elements + data)


def _branch(number: int, children: list[_Child], overflow: int) -> bytes:
    elements, data = bytearray(), bytearray()
    for index, (key, page) in enumerate(children):
        elements += _CHILD.pack(_CHILD.size * (len(children) - index) + len(data), len(key), page)
        data += key
    return _HEAD.pack(number, _BRANCH, len(children), overflow) + bytes(elements + data)


def _meta(number: int, root: int, pages: int) -> bytes:
    """The head: magic, version, page size, flags, root bucket, list of free pages, pages in all, transaction."""
    fields = struct.pack("<IIIIQQQQQ", _MAGIC, _VERSION, PAGE, 0, root, 0, 2, pages, number)
    page = _HEAD.pack(number, _META, 0, 0) + fields + struct.pack("<Q", _fnv1a(fields))
    return page.ljust(PAGE, b"\0")


def _fnv1a(data: bytes) -> int:
    """FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/)."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value
