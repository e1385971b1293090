"""Writes a vulnerability database for Trivy from the bundle of tests/lab/osv_server.py, so that tests can run its
vulnerability scan without the internet.

`write(folder, cache)` makes `cache/db/trivy.db` and `metadata.json`; Trivy takes `--cache-dir cache`. What is found
with it is our reading of a part of OSV and not Trivy's data. Formats: the file is bbolt's, version 2
(https://github.com/etcd-io/bbolt: internal/common/page.go and meta.go), its contents are trivy-db's, schema 2
(https://github.com/aquasecurity/trivy-db: pkg/db and pkg/types).
"""

from __future__ import annotations

import functools
import gzip
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from packaging.utils import canonicalize_name

from tests.lab.osv_server import RECORDS, Meta, Row

PAGE = 4096
_META, _LEAF, _FREELIST = 0x04, 0x02, 0x10
_BUCKET = 1
_SEVERITIES = {"critical": ("CRITICAL", 4), "high": ("HIGH", 3), "moderate": ("MEDIUM", 2), None: ("UNKNOWN", 0)}
_SOURCE = {"ID": "ghsa", "Name": "a part of OSV, for tests", "URL": "https://osv.dev"}

Item = tuple[bytes, bytes, int]


def write(folder: Path, cache: Path) -> None:
    """Read the bundle in `folder` and write the database below `cache`."""
    target = cache / "db"
    target.mkdir(parents=True, exist_ok=True)
    for name, content in _made(folder).items():
        (target / name).write_bytes(content)


@functools.cache
def _made(folder: Path) -> dict[str, bytes]:
    """The files by their names; a second each time, so once in a process."""
    rows = msgspec.json.decode(gzip.decompress((folder / RECORDS).read_bytes()), type=list[Row])
    built = msgspec.json.decode((folder / "advisories-meta.json").read_bytes(), type=Meta).built_at
    date = built.strftime("%Y-%m-%dT%H:%M:%SZ")
    metadata = {"Version": 2, "NextUpdate": "2099-01-01T00:00:00Z", "UpdatedAt": date, "DownloadedAt": date}
    database = _file(_buckets([row for row in rows if not row.versions]))
    return {"trivy.db": database, "metadata.json": msgspec.json.encode(metadata)}


def _buckets(rows: Iterable[Row]) -> dict[bytes, list[Item]]:
    advisories: dict[str, dict[str, dict[str, list[str]]]] = {}
    details: dict[str, dict[str, object]] = {}
    for row in rows:
        name = next((alias for alias in row.aliases if alias.startswith("CVE-")), row.id)
        word, level = _SEVERITIES[row.severity]
        known = advisories.setdefault(canonicalize_name(row.name), {}).setdefault(name, {})
        known.setdefault("VulnerableVersions", []).append(_range(row))
        known.setdefault("PatchedVersions", []).extend([row.fixed] if row.fixed else [])
        if name not in details or details[name]["Severity"] == "UNKNOWN":
            details[name] = {"Title": row.summary, "Severity": word, "VendorSeverity": {"ghsa": level}}
    packages = [(name.encode(), _inline(_documents(found)), _BUCKET) for name, found in advisories.items()]
    return {
        b"data-source": _documents({"pip::OSV": _SOURCE}),
        b"pip::OSV": packages,
        b"vulnerability": _documents(details),
    }


def _range(row: Row) -> str:
    lower = f">={row.introduced}" if row.introduced not in (None, "0") else ""
    upper = f"<{row.fixed}" if row.fixed else f"<={row.last_affected}" if row.last_affected else ""
    return ", ".join(part for part in (lower, upper) if part) or ">=0"


def _documents(found: Mapping[str, Mapping[str, object]]) -> list[Item]:
    return [(name.encode(), msgspec.json.encode(content), 0) for name, content in found.items()]


def _leaf(number: int, items: list[Item], overflow: int = 0) -> bytes:
    """A leaf page: header, one element for each item, then keys and values, sorted by key."""
    elements, data = bytearray(), bytearray()
    for index, (key, value, flags) in enumerate(sorted(items)):
        position = 16 * (len(items) - index) + len(data)
        elements += struct.pack("<IIII", flags, position, len(key), len(value))
        data += key + value
    return struct.pack("<QHHI", number, _LEAF, len(items), overflow) + bytes(elements + data)


def _inline(items: list[Item]) -> bytes:
    """A bucket small enough to stand in its parent's page: root page 0, then the page itself."""
    return struct.pack("<QQ", 0, 0) + _leaf(0, items)


def _file(buckets: dict[bytes, list[Item]]) -> bytes:
    """Two meta pages, an empty freelist, the root, then one run of pages for each bucket."""
    number, body, root = 4, bytearray(), list[Item]()
    for name, items in buckets.items():
        pages = -(-len(_leaf(0, items)) // PAGE)
        body += _leaf(number, items, pages - 1).ljust(pages * PAGE, b"\0")
        root.append((name, struct.pack("<QQ", number, 0), _BUCKET))
        number += pages
    freelist = struct.pack("<QHHI", 2, _FREELIST, 0, 0).ljust(PAGE, b"\0")
    return _meta(0, number) + _meta(1, number) + freelist + _leaf(3, root).ljust(PAGE, b"\0") + bytes(body)


def _meta(index: int, high_water: int) -> bytes:
    fields = struct.pack("<IIIIQQQQQ", 0xED0CDAED, 2, PAGE, 0, 3, 0, 2, high_water, index)
    page = struct.pack("<QHHI", index, _META, 0, 0) + fields + struct.pack("<Q", _fnv1a(fields))
    return page.ljust(PAGE, b"\0")


def _fnv1a(data: bytes) -> int:
    """FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/)."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value
