"""Writes a database beside the one in force and swaps it in whole: an import that is killed leaves the old one.

Memory stays low whatever is imported: records go to a file for each shard first, and the shards are made one by one.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from hardgate.advisories.database import (
    EPSS,
    FORMAT,
    KEV,
    LOCK,
    META,
    Count,
    Database,
    Exploited,
    Meta,
    Scores,
    Shard,
    digest_of,
    key_of,
    read_meta,
    shard_of,
)
from hardgate.advisories.records import Affected, Package, Record, base, packages
from hardgate.advisories.versions import normal
from hardgate.errors import StoreError

_BUFFER = 48 * 1024 * 1024  # bytes of records that are kept in memory before they are written
_DETAILS = 600  # characters of `details` that are kept: it is shown where a record has no summary
_REFERENCES = 3
_LEVEL = 3  # of zlib: four times smaller, at little cost


class Kev(msgspec.Struct, frozen=True, kw_only=True):
    """CISA's list: where it is from, its date (ISO 8601), and the CVE ids."""

    source: str
    date: str
    ids: tuple[str, ...]


class Epss(msgspec.Struct, frozen=True, kw_only=True):
    """FIRST's scores: where they are from, their date (ISO 8601), their model, and the probability of each CVE id."""

    source: str
    date: str
    model: str
    scores: dict[str, float]


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where data comes from; `date` ISO 8601, or "" to take the newest change in each ecosystem, the oldest of those.

    `ecosystems` are those that the source covers whole, as far as `coverage` goes: only these are judged.
    """

    source: str
    coverage: str
    ecosystems: tuple[str, ...]
    date: str = ""


class _Entry(msgspec.Struct, frozen=True):
    key: str
    record: Record


_ENTRY = msgspec.json.Decoder(_Entry)


def write(folder: Path, origin: Origin, records: Iterable[Record], kev: Kev | None, epss: Epss | None = None) -> Meta:
    """Make `records` the database in `folder`, and return what it is now.

    The list of CISA stays when `kev` is None, and FIRST's scores stay when `epss` is.

    Raises StoreError, also from `records`; what was there before is then in force as before.
    """
    with _new_data(folder) as data:
        writer = _Writer(data, origin.ecosystems)
        for record in records:
            writer.add(record)
        shards = writer.shards()
        exploited, scores = _exploited(folder, data, kev), _scores(folder, data, epss)
        meta = Meta(
            format=FORMAT,
            data=data.name,
            source=origin.source,
            date=origin.date or writer.newest(),
            imported_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            coverage=origin.coverage,
            ecosystems=writer.counts(),
            withdrawn=writer.withdrawn,
            left_out=writer.left_out,
            shards=shards,
            kev=exploited,
            epss=scores,
        )
        meta = msgspec.structs.replace(meta, digest=digest_of(meta))
        _swap(folder, data, meta)
    _sweep(folder)
    return meta


@contextlib.contextmanager
def _new_data(folder: Path) -> Iterator[Path]:
    """An empty folder for new data, locked while it is filled, removed when it did not come into force."""
    token = secrets.token_hex(6)
    data, unseen = folder / f"data-{token}", folder / f".new-{token}"
    handle = -1
    try:
        unseen.mkdir(parents=True)
        handle = os.open(unseen / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(handle, fcntl.LOCK_EX)
        unseen.rename(data)  # locked before another import can see it
        yield data
    except OSError as error:
        hint = "What was imported before is as it was. Free some space, or set HARDGATE_ADVISORIES to another folder."
        raise StoreError(f"the advisory database in {folder} was not written: {error}", hint=hint) from error
    finally:
        with contextlib.suppress(StoreError):
            if not (folder / META).exists() or read_meta(folder).data != data.name:
                shutil.rmtree(data, ignore_errors=True)
        if handle >= 0:
            os.close(handle)


class _Writer:
    """Sorts records into a file for each shard."""

    def __init__(self, data: Path, ecosystems: Iterable[str]) -> None:
        self.data = data
        self.withdrawn = self.left_out = 0
        self._wanted = frozenset(ecosystems)
        self._parts: dict[str, list[bytes]] = {}
        self._waiting = 0
        self._records: Counter[str] = Counter()
        self._packages: Counter[str] = Counter()
        self._newest: dict[str, str] = {}

    def add(self, record: Record) -> None:
        """Take one record: once for each of its packages that is of an ecosystem that is imported."""
        if record.withdrawn:
            self.withdrawn += 1
            return
        mine = [package for package in packages(record) if base(package.ecosystem) in self._wanted]
        if not mine:
            self.left_out += 1
        for kind in {base(package.ecosystem) for package in mine}:
            self._newest[kind] = max(self._newest.get(kind, ""), record.modified)
        for key in dict.fromkeys(map(key_of, mine)):
            self._put(key, _trimmed(record, key))

    def _put(self, key: str, record: Record) -> None:
        raw = msgspec.json.encode(_Entry(key, record))
        self._parts.setdefault(shard_of(key), []).append(raw)
        self._parts.setdefault(shard_of(record.id), []).append(msgspec.json.encode([record.id, key]))
        self._waiting += len(raw)
        if self._waiting > _BUFFER:
            self._flush()

    def _flush(self) -> None:
        for name, lines in self._parts.items():
            with (self.data / f"{name}.part").open("ab") as out:
                out.write(b"\n".join([*lines, b""]))
        self._parts.clear()
        self._waiting = 0

    def shards(self) -> dict[str, str]:
        """Make the shards; their names and digests."""
        self._flush()
        digests = {}
        for part in sorted(self.data.glob("*.part")):
            shard = self._shard(part.read_bytes().splitlines())
            raw = zlib.compress(msgspec.json.encode(shard), _LEVEL)
            part.with_suffix("").write_bytes(raw)
            part.unlink()
            digests[part.stem] = hashlib.sha256(raw).hexdigest()
        return digests

    def _shard(self, lines: Iterable[bytes]) -> Shard:
        found: dict[str, dict[str, Record]] = {}
        ids: dict[str, set[str]] = {}
        for line in lines:
            if line.startswith(b"["):
                name, key = msgspec.json.decode(line, type=tuple[str, str])
                ids.setdefault(name, set()).add(key)
                continue
            entry = _ENTRY.decode(line)
            known = found.setdefault(entry.key, {})
            # The same advisory out of two files: the newer one counts.
            if entry.record.id not in known or known[entry.record.id].modified <= entry.record.modified:
                known[entry.record.id] = entry.record
        self._packages.update(_kind(key) for key in found)
        self._records.update(kind for keys in ids.values() for kind in {_kind(key) for key in keys})
        return Shard(
            packages={
                key: tuple(one for _id, one in sorted(records.items())) for key, records in sorted(found.items())
            },
            ids={name: tuple(sorted(keys)) for name, keys in sorted(ids.items())},
        )

    def counts(self) -> dict[str, Count]:
        """What there is of each ecosystem, also of one that turned out to be empty."""
        return {
            name: Count(records=self._records[name], packages=self._packages[name]) for name in sorted(self._wanted)
        }

    def newest(self) -> str:
        """The last change of the ecosystem whose last change is the oldest; "" when there is none."""
        return min(self._newest.values(), default="")


def _trimmed(record: Record, key: str) -> Record:
    """The record as the database keeps it for the one package that is filed under `key`."""
    return msgspec.structs.replace(
        record,
        affected=tuple(_named(one) for one in record.affected or () if one.package and key_of(one.package) == key),
        details=None if record.summary else (record.details or "")[:_DETAILS] or None,
        references=tuple(sorted(record.references or (), key=lambda one: one.type != "ADVISORY"))[:_REFERENCES],
    )


def _named(one: Affected) -> Affected:
    """Python's packages under their one name: tools compare it letter by letter."""
    package = one.package
    if package is None or package.ecosystem != "PyPI":
        return one
    return msgspec.structs.replace(one, package=Package("PyPI", normal("PyPI", package.name)))


def _kind(key: str) -> str:
    return base(key.partition("/")[0])


def _exploited(folder: Path, data: Path, kev: Kev | None) -> Exploited | None:
    """Write CISA's list, or take over the one in force."""
    if kev is None:
        return _kept(folder, data)
    raw = msgspec.json.encode(sorted(kev.ids))
    (data / KEV).write_bytes(raw)
    return Exploited(source=kev.source, date=kev.date, count=len(kev.ids), sha256=hashlib.sha256(raw).hexdigest())


def _scores(folder: Path, data: Path, epss: Epss | None) -> Scores | None:
    """Write FIRST's scores, or take over those in force."""
    if epss is None:
        return _kept_scores(folder, data)
    raw = msgspec.json.encode(epss.scores, order="deterministic")
    (data / EPSS).write_bytes(raw)
    digest = hashlib.sha256(raw).hexdigest()
    return Scores(source=epss.source, date=epss.date, model=epss.model, count=len(epss.scores), sha256=digest)


def _kept_scores(folder: Path, data: Path) -> Scores | None:
    try:
        with Database.open(folder) as old:
            if old.meta.epss is None:
                return None
            (data / EPSS).write_bytes(msgspec.json.encode(old.epss, order="deterministic"))
            return old.meta.epss
    except StoreError:
        return None  # as of CISA's list


def _kept(folder: Path, data: Path) -> Exploited | None:
    try:
        with Database.open(folder) as old:
            if old.meta.kev is None:
                return None
            (data / KEV).write_bytes(msgspec.json.encode(sorted(old.kev)))
            return old.meta.kev
    except StoreError:
        return None  # none yet, or damaged: then there is no list to keep, and the new description says so


def _swap(folder: Path, data: Path, meta: Meta) -> None:
    half = data / META
    half.write_bytes(msgspec.json.format(msgspec.json.encode(meta, order="deterministic"), indent=1) + b"\n")
    with half.open("rb") as written:
        os.fsync(written.fileno())
    half.replace(folder / META)


def _sweep(folder: Path) -> None:
    """Remove data that is not in force and that nobody holds: old data, and what killed imports left."""
    for data in folder.glob("data-*"):
        try:
            handle = os.open(data / LOCK, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue  # just being made, or just being removed
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if read_meta(folder).data != data.name:
                shutil.rmtree(data, ignore_errors=True)
        except BlockingIOError:
            continue  # somebody reads it or fills it
        finally:
            os.close(handle)
