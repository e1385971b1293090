"""OSV's exports as a stream of records: one all.zip for each ecosystem, or a folder of JSON files.

https://google.github.io/osv.dev/data/#data-dumps. An export of an ecosystem has every advisory of it and nothing else:
a record that is of none of its packages says that the file is not what it was taken for.
"""

from __future__ import annotations

import gzip
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from hardgate import strict
from hardgate.advisories.database import WHOLE
from hardgate.advisories.records import Record, base, packages, read
from hardgate.advisories.versions import ECOSYSTEMS
from hardgate.advisories.writing import Epss, Kev, Origin
from hardgate.errors import ConfigError, StoreError

EXPORT = "https://osv-vulnerabilities.storage.googleapis.com/{}/all.zip"
# https://www.first.org/epss/data_stats leads there.
FIRST = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"
CISA = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
RECORD_LIMIT = 30_000_000  # bytes of one record, unpacked; the largest have some hundred thousand
TOTAL_LIMIT = 8_000_000_000  # bytes of one export, unpacked; npm's has about one thousand million
_FILES_LIMIT = 3_000_000  # records of one export
_HINT = "Nothing was imported; what was stored before is as it was. Fetch the export again."


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """One export: a zip file, a JSON file or a folder of JSON files, and the ecosystem that it is the export of."""

    path: Path
    ecosystem: str


def exports(paths: Sequence[Path], ecosystems: Sequence[str]) -> tuple[Export, ...]:
    """What lies at `paths`: of the one ecosystem that is named, else of the ones that files or folders are named after.

    `PyPI/all.zip` and `PyPI.zip` tell that they are PyPI's, as OSV's own addresses do. Raises ConfigError when that
    cannot be told, or when nothing is there.
    """
    for name in ecosystems:
        known(name)
    found = [export for path in paths for export in _exports(path, ecosystems)]
    missing = [name for name in ecosystems if name not in {export.ecosystem for export in found}]
    if missing or not found:
        raise ConfigError(f"there is no export of {', '.join(missing) or 'anything'} to import", hint=_PLACES)
    return tuple(found)


_PLACES = "Nothing was imported. Lay them out as OSV does (FOLDER/PyPI/all.zip), or name one: --ecosystem PyPI."


def known(ecosystem: str) -> str:
    """The name of an ecosystem that can be judged here; raises ConfigError."""
    if ecosystem not in ECOSYSTEMS:
        hint = f"Nothing was imported. These can be judged: {', '.join(ECOSYSTEMS)}."
        raise ConfigError(f"versions of {ecosystem} cannot be compared here", hint=hint)
    return ecosystem


def _exports(path: Path, ecosystems: Sequence[str]) -> Iterator[Export]:
    if not path.exists():
        raise ConfigError(f"there is no {path}", hint="Nothing was imported. Name OSV's all.zip, or its folder.")
    if path.is_dir() and not any(path.glob("*.json")) and not (path / "all.zip").is_file():
        inner = sorted(one for one in path.iterdir() if one.is_dir() or one.suffix == ".zip")
        for one in inner:
            if (name := _named(one)) and (not ecosystems or name in ecosystems):
                yield from _exports(one, (name,))
        return
    name = ecosystems[0] if len(ecosystems) == 1 else _named(path)
    if not name or (ecosystems and name not in ecosystems):
        raise ConfigError(f"it cannot be told which ecosystem {path} is the export of", hint=_PLACES)
    yield Export(path=path / "all.zip" if (path / "all.zip").is_file() else path, ecosystem=name)


def _named(path: Path) -> str:
    """The ecosystem that a file or its folder is named after, or ""."""
    return next((name for name in (path.stem, path.parent.name) if name in ECOSYSTEMS), "")


def origin(found: Sequence[Export], source: str = "", date: str = "") -> Origin:
    """What the records of these exports are; without a `date` it is that of their newest change."""
    names = tuple(dict.fromkeys(export.ecosystem for export in found))
    return Origin(source=source or "OSV export (local files)", coverage=WHOLE, ecosystems=names, date=date)


def records(found: Sequence[Export]) -> Iterator[Record]:
    """Every record of the exports. Raises StoreError that names the file and the record for the first bad one."""
    for export in found:
        number = 0
        for where, raw in _files(export.path):
            record = read(raw, where)
            if export.ecosystem not in {base(package.ecosystem) for package in packages(record)}:
                message = f"{where}: {record.id} affects no package of {export.ecosystem}"
                raise StoreError(message, hint=f"{_HINT} It is not an export of {export.ecosystem}.")
            number += 1
            yield record
        if not number:
            raise StoreError(f"{export.path} has no record at all", hint=_HINT)


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every JSON file with the name that an error shall give it."""
    try:
        if path.is_dir():
            for file in sorted(path.rglob("*.json")):
                yield str(file), _whole(file)
        elif path.suffix == ".json":
            yield str(path), _whole(path)
        else:
            with zipfile.ZipFile(path) as archive:
                yield from _entries(path, archive)
    except zipfile.BadZipFile as error:
        raise StoreError(f"{path} is no whole zip file: {error}", hint=_HINT) from error
    except OSError as error:
        raise StoreError(f"{path} could not be read: {error}", hint=_HINT) from error


def _whole(file: Path) -> bytes:
    with file.open("rb") as source:
        raw = source.read(RECORD_LIMIT + 1)
    if len(raw) > RECORD_LIMIT:
        raise StoreError(f"{file} has more than {RECORD_LIMIT} bytes", hint=_HINT)
    return raw


def _entries(path: Path, archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    """The JSON files of an archive. What an archive says of its sizes is not believed: what comes out is counted."""
    total, entries = 0, [entry for entry in archive.infolist() if entry.filename.endswith(".json")]
    if len(entries) > _FILES_LIMIT:
        raise StoreError(f"{path} has more than {_FILES_LIMIT} records", hint=_HINT)
    for entry in entries:
        where = f"{path}: {entry.filename}"
        try:
            with archive.open(entry) as source:
                raw = source.read(RECORD_LIMIT + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise StoreError(f"{where} cannot be unpacked: {error}", hint=_HINT) from error
        total += len(raw)
        if len(raw) > RECORD_LIMIT or total > TOTAL_LIMIT:
            raise StoreError(f"{where} unpacks to more than an advisory, or an export, can have", hint=_HINT)
        yield where, raw


class _Exploited(msgspec.Struct, frozen=True, rename="camel"):
    cve_id: str = msgspec.field(name="cveID")


class _Catalogue(msgspec.Struct, frozen=True, rename="camel"):
    # Without defaults: another file is refused.
    date_released: str
    vulnerabilities: tuple[_Exploited, ...]


def kev(path: Path, source: str = "CISA's list") -> Kev:
    """CISA's list out of its file `known_exploited_vulnerabilities.json`; raises StoreError."""
    try:
        catalogue = strict.decode(_whole(path), _Catalogue)
    except OSError as error:
        raise StoreError(f"{path} could not be read: {error.strerror}", hint=_HINT) from error
    except ValueError as error:
        raise StoreError(f"{path} is not CISA's list of exploited vulnerabilities: {error}", hint=_HINT) from error
    ids = tuple(one.cve_id for one in catalogue.vulnerabilities)
    return Kev(source=source, date=catalogue.date_released, ids=ids)


# The first line; then `cve,epss,percentile`, and a line for each CVE with five places.
_SCORED = re.compile(rb"#model_version:(?P<model>v[0-9.]+),score_date:(?P<date>\d{4}-\d\d-\d\d)T[0-9:+Z-]+")
_SCORE = re.compile(rb"(?P<cve>CVE-\d{4}-\d{4,}),(?P<epss>\d(?:\.\d+)?(?:e-\d+)?),\d(?:\.\d+)?(?:e-\d+)?")
_COLUMNS = b"cve,epss,percentile"
_SCORES_LIMIT = 200_000_000  # bytes, unpacked; all CVEs of 2026 have about ten million


def epss(path: Path, source: str = "FIRST's scores") -> Epss:
    """FIRST's EPSS scores out of `epss_scores-YYYY-MM-DD.csv.gz`, packed or not; raises StoreError."""
    lines = _unpacked(path).splitlines()
    head = _SCORED.fullmatch(lines[0]) if lines else None
    if head is None or lines[1:2] != [_COLUMNS] or not lines[2:]:
        raise StoreError(f"{path} is not a file of FIRST's EPSS scores: its first two lines say so", hint=_HINT)
    scores = {}
    for number, line in enumerate(lines[2:], 3):
        row = _SCORE.fullmatch(line)
        if row is None or float(row["epss"]) > 1:
            raise StoreError(f"{path}: line {number} is no CVE with its EPSS score", hint=_HINT)
        scores[row["cve"].decode()] = float(row["epss"])
    return Epss(source=source, date=head["date"].decode(), model=head["model"].decode(), scores=scores)


def _unpacked(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as source:
            raw = source.read(_SCORES_LIMIT + 1)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise StoreError(f"{path} cannot be unpacked: {error}", hint=_HINT) from error
    except OSError as error:
        raise StoreError(f"{path} could not be read: {error.strerror}", hint=_HINT) from error
    if len(raw) > _SCORES_LIMIT:
        raise StoreError(f"{path} unpacks to more than FIRST's scores can have", hint=_HINT)
    if not raw.endswith(b"\n"):
        # Every line of a whole file ends; a download that broke off would leave out the rest of the CVEs unseen.
        raise StoreError(f"{path} breaks off in the middle of a line", hint=_HINT)
    return raw
