"""The local database on disk: plain files, swapped in whole, checked by digest before they are believed.

`meta.json` names the folder of the data in force and the digest of each of its files. The data lies in shards, by a
hash of ecosystem and name, so that a look-up reads one small file for each package. A reader holds a shared lock on
its data for as long as it is open; an import removes only data that nobody holds and that is not in force.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from hardgate.advisories.records import Package, Record, packages
from hardgate.advisories.versions import normal
from hardgate.errors import StoreError
from hardgate.model import DataUse

FORMAT = 1
META, KEV, EPSS, LOCK = "meta.json", "kev.json", "epss.json", ".lock"
SHARDS = 512
WHOLE = "all of OSV for the ecosystems named"  # the coverage of data that leaves nothing out
_TRIES = 20  # an import may swap the data between our two steps; twenty imports in a row do not happen
_AGAIN = "Import it again: hardgate advisories import"


class NoDatabaseError(StoreError):
    """There is no local advisory database in the folder."""


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """What the database has of one ecosystem: advisories and packages."""

    records: int
    packages: int


class Exploited(msgspec.Struct, frozen=True, kw_only=True):
    """CISA's list of vulnerabilities known to be exploited: its source, its date (ISO 8601), and how many it names."""

    source: str
    date: str
    count: int
    sha256: str


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """FIRST's EPSS scores: their source, their date (ISO 8601), the model that made them, how many CVEs have one."""

    source: str
    date: str
    model: str
    count: int
    sha256: str


class Meta(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a database is. `date` is that of the data, ISO 8601 in UTC; `coverage` says what its source leaves out.

    `withdrawn` and `left_out` count records that are not in it: taken back by their authors, or of no package.
    `digest` seals all that an answer depends on: the same data has the same digest, whenever it was imported.
    """

    format: int
    data: str
    source: str
    date: str
    imported_at: str
    coverage: str
    ecosystems: dict[str, Count]
    withdrawn: int
    left_out: int
    shards: dict[str, str]
    kev: Exploited | None = None
    epss: Scores | None = None
    digest: str = ""

    @property
    def partial(self) -> bool:
        """Whether its source leaves advisories out, or does not say that it leaves none out."""
        return self.coverage != WHOLE


class Shard(msgspec.Struct, frozen=True):
    """One file: the records of some packages, and for some ids the packages that they affect."""

    packages: dict[str, tuple[Record, ...]]
    ids: dict[str, tuple[str, ...]]


_SHARD = msgspec.json.Decoder(Shard)


def key_of(package: Package) -> str:
    """The name that a package is filed under."""
    return f"{package.ecosystem}/{normal(package.ecosystem, package.name)}"


def shard_of(key: str) -> str:
    """The file that a package's key, or an advisory's id, is filed in."""
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) % SHARDS
    return f"{number:03x}"


def digest_of(meta: Meta) -> str:
    """The digest over all that an answer depends on."""
    parts = [meta.format, meta.source, meta.date, meta.coverage, meta.ecosystems, meta.withdrawn, meta.left_out]
    # Where there are no scores the digest is what it was before there could be any.
    scores = [meta.epss] if meta.epss else []
    raw = msgspec.json.encode([*parts, meta.shards, meta.kev, *scores], order="deterministic")
    return hashlib.sha256(raw).hexdigest()


def read_meta(folder: Path) -> Meta:
    """The description of the database in force; raises NoDatabaseError, or StoreError when it is damaged."""
    path = folder / META
    try:
        meta = msgspec.json.decode(path.read_bytes(), type=Meta)
    except (FileNotFoundError, NotADirectoryError) as error:
        hint = "Make one: hardgate advisories import"
        raise NoDatabaseError(f"there is no advisory database in {folder}", hint=hint) from error
    except OSError as error:
        raise StoreError(f"{path} could not be read: {error.strerror}", hint=_AGAIN) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} is damaged: {error}", hint=_AGAIN) from error
    if meta.format != FORMAT or meta.digest != digest_of(meta) or "/" in meta.data:
        raise StoreError(f"{path} is damaged, or of another version of hardgate", hint=_AGAIN)
    return meta


class Database:
    """The data in force when it was opened. Close it, or use it as a context manager; threads may share it."""

    def __init__(self, folder: Path, meta: Meta, lock: int) -> None:
        self.folder, self.meta = folder, meta
        self._lock = lock
        self._kev: frozenset[str] | None = None
        self._epss: dict[str, float] | None = None

    @classmethod
    def open(cls, folder: Path) -> Database:
        """Open the database in `folder`. Raises NoDatabaseError when there is none, StoreError when it is damaged."""
        for _ in range(_TRIES):
            meta = read_meta(folder)
            lock = _held(folder / meta.data / LOCK)
            if lock is not None:
                return cls(folder, meta, lock)
            if read_meta(folder).data == meta.data:
                break
        raise StoreError(f"the data {meta.data} of the advisory database in {folder} is gone", hint=_AGAIN)

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the data go: an import may now remove it."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    @property
    def use(self) -> DataUse:
        """What goes on a receipt: source, digest and date of the data."""
        return use_of(self.meta)

    @property
    def kev(self) -> frozenset[str]:
        """The CVE ids that CISA lists as known to be exploited; none when the list was not imported."""
        if self._kev is None:
            names = self._read(KEV, self.meta.kev.sha256) if self.meta.kev else b"[]"
            self._kev = frozenset(msgspec.json.decode(names, type=list[str]))
        return self._kev

    @property
    def epss(self) -> Mapping[str, float]:
        """The EPSS probability of each CVE, 0 to 1; none when FIRST's scores were not imported."""
        if self._epss is None:
            scores = self._read(EPSS, self.meta.epss.sha256) if self.meta.epss else b"{}"
            self._epss = msgspec.json.decode(scores, type=dict[str, float])
        return self._epss

    def of_package(self, ecosystem: str, name: str) -> tuple[Record, ...]:
        """The advisories of a package, each with the `affected` entries of this package only.

        Raises StoreError when the data is damaged.
        """
        key = key_of(Package(ecosystem, name))
        return self._shard(shard_of(key)).packages.get(key, ())

    def by_id(self, name: str) -> Record | None:
        """One advisory with all packages that are here; None when there is none of that id."""
        found = [
            record
            for key in self._shard(shard_of(name)).ids.get(name, ())
            for record in self._shard(shard_of(key)).packages[key]
            if record.id == name
        ]
        affected = tuple(one for record in found for one in record.affected or ())
        return msgspec.structs.replace(found[0], affected=affected) if found else None

    def records(self) -> Iterator[tuple[Package, Record]]:
        """Every package with each of its advisories; packages by shard, advisories by id. Low on memory."""
        for name in sorted(self.meta.shards):
            for _key, found in sorted(self._shard(name).packages.items()):
                for record in found:
                    yield packages(record)[0], record

    def _shard(self, name: str) -> Shard:
        if name not in self.meta.shards:
            return Shard({}, {})
        return _SHARD.decode(zlib.decompress(self._read(name, self.meta.shards[name])))

    def _read(self, name: str, sha256: str) -> bytes:
        """A file of the data; raises StoreError when it is not what was imported."""
        path = self.folder / self.meta.data / name
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise StoreError(f"{path} of the advisory database could not be read: {error}", hint=_AGAIN) from error
        if hashlib.sha256(raw).hexdigest() != sha256:
            raise StoreError(f"{path} of the advisory database is damaged: it is not what was imported", hint=_AGAIN)
        return raw


def use_of(meta: Meta) -> DataUse:
    """What goes on a receipt of the data that `meta` describes."""
    name = "local advisory database, partial" if meta.partial else "local advisory database"
    return DataUse(source=f"{name}: {meta.source}, sha256:{meta.digest}", date=meta.date)


def _held(path: Path) -> int | None:
    """A shared lock on a folder's lock file; None when an import has just removed it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
        if os.fstat(handle).st_nlink:
            return handle
    except OSError:
        os.close(handle)
        raise
    os.close(handle)
    return None
