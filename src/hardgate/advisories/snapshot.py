"""The advisory snapshot in the PyPI package cordon-scanner (Apache-2.0), as OSV records.

Its folder `cordon_scanner/intel/data` has a file of rows for each ecosystem, a row for each range or list of versions
of an advisory and package; a file with the digests of all others; and CISA's list of exploited vulnerabilities. What it
leaves out is in COVERAGE. Nothing of the package is imported or run.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import itertools
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from hardgate.advisories.matching import ordered
from hardgate.advisories.records import Affected, Event, Package, Range, Record, Reference, Specific
from hardgate.advisories.versions import NotComparableError, parse
from hardgate.advisories.writing import Kev, Origin
from hardgate.errors import ConfigError, StoreError

DISTRIBUTION = "cordon-scanner"
META, DIGESTS, EXPLOITED = "advisories-meta.json", "advisories-digests.json", "exploited.json"
COVERAGE = (
    "a part of OSV: advisories rated high or critical, those without a rating, and malicious packages; "
    "what is rated medium or low is not in it"
)
_LIMIT = 1_000_000_000  # bytes of one file, unpacked: the largest has 70 MB
# The snapshot's names of ecosystems for the ones whose versions can be compared here.
_FILES = {"PyPI": "pypi", "npm": "npm", "Maven": "maven", "Go": "gomod"}
ECOSYSTEMS = tuple(_FILES)
_HINT = "Nothing was imported; what was stored before is as it was. Install the package again."


class _Row(msgspec.Struct, frozen=True):
    id: str
    name: str
    malicious: bool
    summary: str = ""
    reference: str = ""
    aliases: tuple[str, ...] = ()
    severity: str | None = None
    introduced: str | None = None
    fixed: str | None = None
    last_affected: str | None = None
    versions: tuple[str, ...] = ()


class _Meta(msgspec.Struct, frozen=True):
    built_at: str


class _Listed(msgspec.Struct, frozen=True):
    kev: dict[str, Any] | None = None


class _Exploited(msgspec.Struct, frozen=True):
    entries: dict[str, _Listed]
    generated: str


def find() -> Path:
    """The snapshot's folder in hardgate's own environment; raises ConfigError when the package is not installed."""
    try:
        path = importlib.metadata.distribution(DISTRIBUTION).locate_file("cordon_scanner/intel/data")
    except importlib.metadata.PackageNotFoundError as error:
        hint = "Nothing was imported. Install it: pip install 'hardgate[advisories]', or name its folder with --from."
        raise ConfigError(f"the package {DISTRIBUTION} is not installed beside hardgate", hint=hint) from error
    return Path(str(path))


def is_one(folder: Path) -> bool:
    """Whether a folder is such a snapshot."""
    return (folder / META).is_file() and (folder / DIGESTS).is_file()


class Snapshot:
    """One snapshot, opened: its digests and its date were read. Raises StoreError when it is damaged."""

    def __init__(self, folder: Path, ecosystems: Iterable[str] = ()) -> None:
        self.folder = folder
        self._wanted = tuple(ecosystems) or ECOSYSTEMS
        for name in self._wanted:
            if name not in _FILES:
                known = ", ".join(ECOSYSTEMS)
                raise ConfigError(f"the snapshot of {DISTRIBUTION} is not read for {name}", hint=f"It has: {known}.")
        self._digests = _decode(_bytes(folder / DIGESTS), dict[str, str], folder / DIGESTS)
        self._built = _decode(self._file(META), _Meta, folder / META).built_at

    @property
    def origin(self) -> Origin:
        """What the records of this snapshot are."""
        source = f"OSV snapshot of {DISTRIBUTION}{_version_of(self.folder)}"
        return Origin(source=source, coverage=COVERAGE, ecosystems=self._wanted, date=self._built)

    def kev(self) -> Kev:
        """The part of its list of exploited vulnerabilities that is CISA's."""
        found = _decode(self._file(EXPLOITED), _Exploited, self.folder / EXPLOITED)
        ids = tuple(name for name, entry in found.entries.items() if entry.kev is not None)
        return Kev(source=f"CISA's list as bundled in {DISTRIBUTION}", date=found.generated, ids=ids)

    def records(self) -> Iterator[Record]:
        """All advisories of the wanted ecosystems."""
        for ecosystem in self._wanted:
            path = self.folder / f"advisories-{_FILES[ecosystem]}.json.gz"
            rows = _decode(_unpacked(self._file(path.name), path), list[_Row], path)
            rows.sort(key=lambda row: (row.id, row.name))
            for _id, group in itertools.groupby(rows, key=lambda row: row.id):
                yield _record(ecosystem, list(group), self._built)

    def _file(self, name: str) -> bytes:
        path = self.folder / name
        raw = _bytes(path)
        if hashlib.sha256(raw).hexdigest() != self._digests.get(name):
            raise StoreError(f"{path} does not have the digest that {DIGESTS} names for it", hint=_HINT)
        return raw


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path} could not be read: {error.strerror}", hint=_HINT) from error


def _decode(raw: bytes, kind: Any, path: Path) -> Any:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StoreError(f"{path} is not what the snapshot should have: {error}", hint=_HINT) from error


def _unpacked(raw: bytes, path: Path) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)  # gzip
    try:
        content = unpacker.decompress(raw, _LIMIT)
    except zlib.error as error:
        raise StoreError(f"{path} is damaged: {error}", hint=_HINT) from error
    if not unpacker.eof:
        raise StoreError(f"{path} ends early, or has more than {_LIMIT} bytes", hint=_HINT)
    return content


def _version_of(folder: Path) -> str:
    """The version of the package that a folder belongs to, by the folder that its installer wrote beside it."""
    found = sorted(folder.parents[2].glob("cordon_scanner-*.dist-info")) if len(folder.parents) > 2 else []  # noqa: PLR2004 (a number of parts)
    return f" {found[0].name.removeprefix('cordon_scanner-').removesuffix('.dist-info')}" if found else ""


def _record(ecosystem: str, rows: list[_Row], built: str) -> Record:
    first = rows[0]
    affected = [
        _affected(Package(ecosystem, name), list(mine))
        for name, mine in itertools.groupby(rows, key=lambda row: row.name)
    ]
    return Record(
        id=first.id,
        modified=built,
        schema_version="1.6.0",
        aliases=first.aliases or None,
        summary=first.summary or None,
        affected=tuple(affected),
        references=(Reference("ADVISORY", first.reference),) if first.reference else None,
        database_specific=Specific(severity=first.severity.upper()) if first.severity else None,
    )


def _affected(package: Package, rows: list[_Row]) -> Affected:
    """One package of an advisory. The intervals go back into one range, as OSV has them, where they do not overlap:
    pip-audit 2.10 reads the fixed versions of one range only.
    """
    listed = tuple(dict.fromkeys(version for row in rows for version in row.versions))
    intervals = [_interval(row) for row in rows if not row.versions]
    kind: Literal["SEMVER", "ECOSYSTEM"] = "SEMVER" if package.ecosystem in {"npm", "Go"} else "ECOSYSTEM"
    joined = _joined(intervals, package.ecosystem)
    ranges = tuple(Range(type=kind, events=events) for events in joined)
    return Affected(package=package, ranges=ranges or None, versions=listed or None)


def _interval(row: _Row) -> tuple[Event, ...]:
    start = Event(introduced=row.introduced or "0")
    if row.fixed:
        return (start, Event(fixed=row.fixed))
    return (start, Event(last_affected=row.last_affected)) if row.last_affected else (start,)


def _joined(intervals: list[tuple[Event, ...]], ecosystem: str) -> list[tuple[Event, ...]]:
    """The intervals as one range; each as its own where two overlap or touch, or one cannot be read."""
    if len(intervals) < 2:  # noqa: PLR2004 (a number of parts)
        return intervals
    together = tuple(event for interval in intervals for event in interval)
    try:
        by_version = ordered(together, ecosystem)
        apart = all(
            (left.introduced is None) != (right.introduced is None) for left, right in itertools.pairwise(by_version)
        )
        keys = [parse(ecosystem, event.introduced or event.fixed or event.last_affected or "") for event in by_version]
        distinct = all(left < right for left, right in itertools.pairwise(keys))
    except NotComparableError:
        return intervals
    return [tuple(by_version)] if apart and distinct else intervals
