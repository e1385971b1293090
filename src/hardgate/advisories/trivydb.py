"""Trivy's own vulnerability database, made from ours: https://github.com/aquasecurity/trivy-db, schema 2.

The buckets `<ecosystem>::<source>` hold for each package its advisories, `vulnerability` what is said of each, and
`data-source` where they are from (pkg/db, pkg/types/types.go). Trivy looks an advisory up by the name of a package in
small letters, except for Go (NormalizePkgName in pkg/vulnsrc/vulnerability/vulnerability.go).

An advisory of which nobody can say whether it covers a release is written too, for all versions, and marked in
`Custom`: so Trivy tells of it where the package is used, and hardgate makes a gap of it.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from hardgate.advisories.bolt import Values, Writer
from hardgate.advisories.constraints import ALL, listed, texts
from hardgate.advisories.database import Database
from hardgate.advisories.lookup import weaknesses
from hardgate.advisories.matching import included
from hardgate.advisories.records import Package, Range, Record
from hardgate.advisories.severity import Rating, rate
from hardgate.advisories.versions import NotComparableError, parse
from hardgate.errors import StoreError
from hardgate.model import Severity

# OSV's ecosystems and Trivy's names for them (pkg/ecosystem/ecosystem.go).
ECOSYSTEMS = {"PyPI": "pip", "npm": "npm", "Maven": "maven", "Go": "go"}
FORMAT = 1  # of what is written here: another number is another folder
SOURCE = "hardgate"  # the name of this source of data, so that nobody takes it for one of Trivy's
_SCHEMA = 2
_KEPT = 86_400.0  # seconds after its last use for which a database of older data stays
_LEVELS = {Severity.CRITICAL: 4, Severity.HIGH: 3, Severity.MEDIUM: 2, Severity.LOW: 1, Severity.INFO: 1}
_NAMES = ("UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL")
_VECTORS = {"2.0": ("V2Vector", "V2Score"), "3.0": ("V3Vector", "V3Score"), "3.1": ("V3Vector", "V3Score")}
_VECTORS["4.0"] = ("V40Vector", "V40Score")
_PREFIXES = ("CVE-", "GHSA-")


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What was written: advisories by packages, and how many of them can be judged in part or not at all."""

    advisories: int
    unjudged: int


def folder_for(database: Database, cache: Path, ecosystems: Iterable[str]) -> Path:
    """Trivy's cache folder (`--cache-dir`), below `cache`, with the database made of ours for these ecosystems.

    Raises StoreError when it cannot be written, or when our own is damaged.
    """
    wanted = sorted({*ecosystems} & ECOSYSTEMS.keys())
    folder = cache / "-".join(["trivy-db", str(FORMAT), database.meta.digest[:32], *wanted])
    if not _is_whole(folder):
        half = cache / f".half-{secrets.token_hex(6)}"
        try:
            write(database, half, wanted)
            _swap(half, folder)
        except OSError as error:
            hint = "Free some space, or make the folder writable."
            raise StoreError(f"Trivy's database could not be written below {cache}: {error}", hint=hint) from error
        finally:
            shutil.rmtree(half, ignore_errors=True)
    with contextlib.suppress(OSError):
        os.utime(folder)
    _sweep(cache, folder)
    return folder


def _is_whole(folder: Path) -> bool:
    return (folder / "db" / "metadata.json").is_file()


def _swap(half: Path, folder: Path) -> None:
    try:
        half.rename(folder)
    except OSError:
        if not _is_whole(folder):  # else another run has just made the same
            raise


def _sweep(cache: Path, used: Path) -> None:
    """Remove databases of older data; not those of today, which another run may just be using."""
    for folder in cache.glob("trivy-db-*"):
        with contextlib.suppress(OSError):
            if folder != used and time.time() - folder.stat().st_mtime > _KEPT:
                shutil.rmtree(folder, ignore_errors=True)


def write(database: Database, folder: Path, ecosystems: Collection[str] = tuple(ECOSYSTEMS)) -> Written:
    """Write `db/trivy.db` and `db/metadata.json` below `folder`."""
    tables, details = _Tables(), _Details()
    with _unswept():
        for package, records in _packages(database, ecosystems):
            tables.add(package, records, details)
    target = folder / "db"
    target.mkdir(parents=True, exist_ok=True)
    with (target / "trivy.db").open("wb") as file:
        writer = Writer(file)
        for ecosystem, table in tables.of.items():
            writer.nested(_bucket(ecosystem), table)
        writer.bucket(b"data-source", {_bucket(name): _origin(database) for name in tables.of})
        writer.bucket(b"vulnerability", details.values())
        writer.close()
    date = database.meta.date
    # Trivy would not take a database whose next update is due for a current one; ours is judged by its own date.
    content = {"Version": _SCHEMA, "NextUpdate": "2999-01-01T00:00:00Z", "UpdatedAt": date, "DownloadedAt": date}
    (target / "metadata.json").write_bytes(msgspec.json.encode(content))
    return Written(advisories=tables.advisories, unjudged=tables.unjudged)


@contextlib.contextmanager
def _unswept() -> Iterator[None]:
    """Without looking for garbage that goes in circles: there is none, and the looking takes a third of the time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _bucket(ecosystem: str) -> bytes:
    return f"{ECOSYSTEMS[ecosystem]}::{SOURCE}".encode()


def _origin(database: Database) -> bytes:
    return msgspec.json.encode({"ID": SOURCE, "Name": database.meta.source, "URL": "https://osv.dev"})


def _packages(database: Database, ecosystems: Collection[str]) -> Iterator[tuple[Package, list[Record]]]:
    """The packages of these ecosystems, each with its advisories."""
    for package, found in itertools.groupby(database.records(), key=lambda one: one[0]):
        if package.ecosystem in ecosystems:
            yield package, [record for _, record in found]


class _Details:
    """What is said of each vulnerability, once for all packages: by the record that rates it worst."""

    def __init__(self) -> None:
        self._of: dict[bytes, tuple[tuple[bool, int, float], bytes]] = {}

    def add(self, name: str, record: Record) -> None:
        rating = rate(record)
        rank = (rating.known, rating.severity.rank, rating.score or 0.0)
        known = self._of.get(name.encode())
        if known is None or known[0] < rank:
            self._of[name.encode()] = (rank, msgspec.json.encode(_detail(record, rating)))

    def values(self) -> Values:
        return {name: raw for name, (_rank, raw) in self._of.items()}


class _Tables:
    """The advisories of each ecosystem: by package, by vulnerability."""

    def __init__(self) -> None:
        self.of: dict[str, dict[bytes, dict[bytes, bytes]]] = {}
        self.advisories = self.unjudged = 0

    def add(self, package: Package, records: Iterable[Record], details: _Details) -> None:
        """Take the advisories of one package; those of one name are one."""
        groups: dict[str, list[Record]] = {}
        for record in records:
            groups.setdefault(named(record), []).append(record)
        name = package.name if package.ecosystem == "Go" else package.name.lower()
        table = self.of.setdefault(package.ecosystem, {}).setdefault(name.encode(), {})
        for vulnerability, group in groups.items():
            self.advisories += 1
            reasons = self._put(table, package, vulnerability, group)
            self.unjudged += bool(reasons)
            for record in group:
                details.add(vulnerability, record)
                if reasons:
                    details.add(_unjudged(vulnerability), record)

    def _put(self, table: dict[bytes, bytes], package: Package, name: str, group: list[Record]) -> list[str]:
        """Write one advisory; the reasons why it cannot be judged for some releases."""
        found, reasons = list[str](), list[str]()
        for one in (one for record in group for one in record.affected or ()):
            mine, why = texts(one, package.ecosystem)
            found += mine
            reasons += why
        ids = sorted({other for record in group for other in record.ids} - {name})
        known = table.get(name.encode())
        if known is not None:
            # Two packages of npm whose names differ in capitals only are one for Trivy.
            found += msgspec.json.decode(known).get("VulnerableVersions", ())
        if found:
            fixed = _patched(group) if package.ecosystem == "PyPI" else []
            table[name.encode()] = _advisory(list(dict.fromkeys(found)), ids, PatchedVersions=fixed)
        if reasons:
            custom = {"not_judged": "; ".join(dict.fromkeys(reasons))}
            table[_unjudged(name).encode()] = _advisory([ALL], [name, *ids], Custom=custom)
        return reasons


def named(record: Record) -> str:
    """The name that Trivy shall report an advisory by: its CVE, else GitHub's name, else the first of all."""
    for prefix in _PREFIXES:
        if names := sorted(name for name in record.ids if name.startswith(prefix)):
            return names[0]
    return record.id if record.malicious else min(record.ids)


def _unjudged(name: str) -> str:
    return f"{name} (not judged)"


def _advisory(versions: list[str], ids: list[str], **more: object) -> bytes:
    parts: dict[str, object] = {"VulnerableVersions": versions, "VendorIDs": ids, **more}
    return msgspec.json.encode({key: part for key, part in parts.items() if part})


def _patched(group: list[Record]) -> list[str]:
    """The releases of PyPI that mend it, the lowest first. Trivy takes them as not vulnerable: so none that is so by
    another range or record. For other ecosystems it reads them out of `<` (createFixedVersions in
    pkg/detector/library/driver.go), which has no such side effect.
    """
    entries = [entry for record in group for entry in record.affected or ()]
    ranges = [one for entry in entries for one in entry.ranges or () if one.type != "GIT"]
    keys: dict[str, Any] = {}
    for version in {event.fixed for one in ranges for event in one.events if event.fixed}:
        with contextlib.suppress(NotComparableError):
            keys[version] = parse("PyPI", version)
    return [
        version
        for version in sorted(keys, key=keys.__getitem__)
        if "+" not in version
        and not any(_within(one, keys[version]) for one in ranges)
        and not any(listed(entry, version) for entry in entries)
    ]


def _within(one: Range, version: Any) -> bool:
    try:
        return included(one, "PyPI", version)
    except NotComparableError:
        return False  # the advisory is written as not judged: nothing more can be said of this range


def _detail(record: Record, rating: Rating) -> dict[str, object]:
    level = _LEVELS[rating.severity] if rating.known else 0
    parts: dict[str, object] = {
        "Title": record.title,
        "Severity": _NAMES[level],
        "VendorSeverity": {SOURCE: level},
        "CVSS": _cvss(rating),
        "CweIDs": sorted(set(weaknesses(record))),
        "References": [one.url for one in record.references or ()],
        "PublishedDate": record.published,
        "LastModifiedDate": record.modified,
    }
    return {key: part for key, part in parts.items() if part}


def _cvss(rating: Rating) -> dict[str, dict[str, object]]:
    names = _VECTORS.get(rating.source.removeprefix("CVSS "))
    return {SOURCE: {names[0]: rating.vector, names[1]: rating.score}} if names and rating.vector else {}
