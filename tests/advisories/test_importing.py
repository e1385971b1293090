"""Exports as OSV lays them out, and every way in which a file can be something else; the snapshot of a package."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hardgate.advisories import importing, snapshot
from hardgate.advisories.database import Database, read_meta
from hardgate.advisories.importing import epss, exports, kev, origin, records
from hardgate.advisories.matching import Answer, judge
from hardgate.advisories.snapshot import DIGESTS, ECOSYSTEMS, EXPLOITED, META, Snapshot, find, is_one
from hardgate.advisories.writing import write
from hardgate.errors import ConfigError, Error, StoreError
from tests.advisories.conftest import fill, record
from tests.lab.osv_server import data_folder

OPEN = [{"introduced": "0"}]
JINJA = record("T-1", "PyPI", "jinja2", OPEN)
LEFT = record("T-2", "npm", "left", OPEN)


def packed(path: Path, files: Mapping[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content if isinstance(content, bytes) else json.dumps(content))
    return path


def brought(folder: Path, paths: list[Path], ecosystems: tuple[str, ...] = ()) -> Any:
    found = exports(paths, ecosystems)
    return write(folder, origin(found), records(found), None)


def test_exports_as_osv_lays_them_out(tmp_path: Path) -> None:
    both = record("T-3", "PyPI", "flask", OPEN, modified="2026-11-05T00:00:00Z")
    both["affected"] += record("x", "npm", "flask", OPEN)["affected"]
    packed(tmp_path / "osv" / "PyPI" / "all.zip", {"T-1.json": JINJA, "T-3.json": both})
    packed(tmp_path / "osv" / "npm" / "all.zip", {"T-2.json": LEFT, "T-3.json": both})
    meta = brought(tmp_path / "db", [tmp_path / "osv"])
    assert {name: one.records for name, one in meta.ecosystems.items()} == {"PyPI": 2, "npm": 2}
    assert meta.date == "2026-11-05T00:00:00Z", "the newest change, where the files tell no date"
    alone = brought(tmp_path / "db", [tmp_path / "osv" / "npm" / "all.zip"])
    assert list(alone.ecosystems) == ["npm"]
    with Database.open(tmp_path / "db") as database:
        assert database.of_package("PyPI", "flask") == ()
        assert len(database.of_package("npm", "flask")) == 1


def test_the_date_is_that_of_the_ecosystem_that_stands_still(tmp_path: Path) -> None:
    old = record("T-1", "PyPI", "jinja2", OPEN, modified="2020-01-01T00:00:00Z")
    packed(tmp_path / "PyPI.zip", {"a.json": old})
    packed(tmp_path / "npm.zip", {"b.json": LEFT})
    assert brought(tmp_path / "db", [tmp_path]).date == "2020-01-01T00:00:00Z"


def test_a_folder_of_records(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "T-1.json").write_text(json.dumps(JINJA))
    assert brought(tmp_path / "db", [tmp_path / "records"], ("PyPI",)).ecosystems["PyPI"].records == 1
    with pytest.raises(ConfigError, match="cannot be told which ecosystem"):
        exports([tmp_path / "records"], ())
    with pytest.raises(ConfigError, match="cannot be told which ecosystem"):
        exports([tmp_path / "records"], ("PyPI", "npm"))
    packed(tmp_path / "osv" / "PyPI" / "all.zip", {"T-1.json": JINJA})
    with pytest.raises(ConfigError, match="there is no export of npm"):
        exports([tmp_path / "osv"], ("PyPI", "npm"))


@pytest.mark.parametrize("ecosystem", ["crates.io", "pypi", ""])
def test_an_ecosystem_that_cannot_be_judged_is_refused(tmp_path: Path, ecosystem: str) -> None:
    packed(tmp_path / "all.zip", {"a.json": JINJA})
    with pytest.raises(ConfigError, match="cannot be compared here"):
        exports([tmp_path / "all.zip"], (ecosystem,))


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def _flipped(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[60] ^= 0xFF
    path.write_bytes(raw)


def _with(files: Mapping[str, Any]) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        packed(path, files)

    return change


BAD = {
    "truncated": (_truncated, "no whole zip file"),
    "flipped": (_flipped, "a.json cannot be unpacked"),
    "no zip": (lambda path: path.write_bytes(b"<html>not found</html>"), "no whole zip file"),
    "empty file": (lambda path: path.write_bytes(b""), "no whole zip file"),
    "empty zip": (_with({}), "has no record at all"),
    "no json": (_with({"a.json": b"{"}), "a.json is no OSV record"),
    "no id": (_with({"a.json": {"modified": "x"}}), "a.json is no OSV record"),
    "list": (_with({"a.json": []}), "a.json is no OSV record"),
    "half a record": (_with({"a.json": JINJA, "b.json": json.dumps(LEFT).encode()[:-9]}), "b.json is no OSV record"),
    "ranges of numbers": (_with({"a.json": record("T-1", "PyPI", "x", [{"introduced": 0}])}), "a.json is no OSV"),
    "versions of numbers": (_with({"a.json": record("T-1", "PyPI", "x", versions=[1])}), "a.json is no OSV"),
    "wrong ecosystem": (_with({"a.json": JINJA, "b.json": LEFT}), "b.json: T-2 affects no package of PyPI"),
    "schema 2": (_with({"a.json": {**JINJA, "schema_version": "2.0.0"}}), "no OSV record of schema 1"),
}  # fmt: skip


@pytest.mark.parametrize("how", BAD)
def test_a_bad_export_is_refused_by_name_and_nothing_is_lost(tmp_path: Path, how: str) -> None:
    fill(tmp_path / "db", [record("OLD-1", "PyPI", "jinja2", OPEN)])
    before = read_meta(tmp_path / "db")
    path = packed(tmp_path / "PyPI" / "all.zip", {"a.json": JINJA})
    change, message = BAD[how]
    change(path)
    with pytest.raises(StoreError, match=message) as caught:
        brought(tmp_path / "db", [path])
    assert str(path) in str(caught.value)
    assert "Nothing was imported" in caught.value.hint
    assert read_meta(tmp_path / "db") == before


def test_a_zip_bomb_is_stopped_while_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "RECORD_LIMIT", 1_000_000)
    path = packed(tmp_path / "PyPI.zip", {"a.json": b" " * 50_000_000})
    raw = bytearray(path.read_bytes())
    size = raw.rindex(struct.pack("<I", 50_000_000))
    raw[size : size + 4] = struct.pack("<I", 400)  # it says that it is small
    path.write_bytes(raw)
    with pytest.raises(StoreError, match=r"a\.json"):
        brought(tmp_path / "db", [path])
    monkeypatch.setattr(importing, "RECORD_LIMIT", 60_000_000)
    monkeypatch.setattr(importing, "TOTAL_LIMIT", 90_000_000)
    many = packed(tmp_path / "npm.zip", {f"{n}.json": json.dumps(LEFT).encode() + b" " * 50_000_000 for n in "ab"})
    with pytest.raises(StoreError, match=r"b\.json unpacks to more"):
        brought(tmp_path / "db", [many])


def test_an_encrypted_entry_is_an_error(tmp_path: Path) -> None:
    path = packed(tmp_path / "PyPI.zip", {"a.json": JINJA})
    raw = bytearray(path.read_bytes())
    raw[6] |= 1
    raw[raw.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    with pytest.raises(StoreError, match=r"a\.json cannot be unpacked"):
        brought(tmp_path / "db", [path])


def test_the_list_of_cisa(tmp_path: Path) -> None:
    """The keys of https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities_schema.json."""
    path = tmp_path / "kev.json"
    listed = {"title": "x", "catalogVersion": "1", "dateReleased": "2026-11-01T00:00:00.0000Z", "count": 1}
    path.write_text(json.dumps({**listed, "vulnerabilities": [{"cveID": "CVE-2021-44228", "vendorProject": "Apache"}]}))
    assert kev(path).ids == ("CVE-2021-44228",)
    others: list[Any] = [{}, [], listed, {**listed, "vulnerabilities": [{"id": "x"}]}]
    for bad in others:
        path.write_text(json.dumps(bad))
        with pytest.raises(StoreError, match="is not CISA's list"):
            kev(path)


EPSS = b"#model_version:v2026.06.15,score_date:2026-09-26T12:00:22Z\ncve,epss,percentile\n"


@pytest.mark.parametrize("packed", [False, True])
def test_the_scores_of_first(packed: bool, tmp_path: Path) -> None:
    """The format of https://www.first.org/epss/data_stats, packed as it is published, and unpacked."""
    raw = EPSS + b"CVE-1999-0001,0.03351,0.88243\nCVE-2026-123456,1.0,1.0\nCVE-2000-0002,5e-05,0.1\n"
    path = tmp_path / "epss_scores-2026-09-26.csv.gz"
    path.write_bytes(gzip.compress(raw) if packed else raw)
    found = epss(path)
    assert (found.date, found.model) == ("2026-09-26", "v2026.06.15")
    assert found.scores == {"CVE-1999-0001": 0.03351, "CVE-2026-123456": 1.0, "CVE-2000-0002": 0.00005}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "in the middle of a line"),
        (b"\n", "is not a file of FIRST's EPSS scores"),
        (EPSS, "is not a file of FIRST's EPSS scores"),
        (b"cve,epss,percentile\nCVE-1999-0001,0.1,0.8\n", "is not a file of FIRST's EPSS scores"),
        (EPSS + b"CVE-1999-0001,0.1,0.8", "in the middle of a line"),
        (EPSS + b"CVE-1999-0001,0.1,0.8\nCVE-1999-0002,0.1\n", "line 4 is no CVE"),
        (EPSS + b"CVE-1999-0001,1.1,0.8\n", "line 3 is no CVE"),
        (EPSS + b"CVE-1999-0001,nan,0.8\n", "line 3 is no CVE"),
        (EPSS + b"GHSA-1,0.1,0.8\n", "line 3 is no CVE"),
        (gzip.compress(EPSS + b"CVE-1999-0001,0.1,0.8\n")[:-9], "cannot be unpacked"),
    ],
)
def test_other_files_are_no_scores(raw: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "scores"
    path.write_bytes(raw)
    with pytest.raises(StoreError, match=words):
        epss(path)


# The snapshot


def test_the_snapshot_of_python(python_folder: Path, python_database: Database) -> None:
    meta = read_meta(python_folder)
    assert meta.source == "OSV snapshot of cordon-scanner 0.6.0"
    assert meta.date == "2026-10-07T00:01:54Z"
    assert "medium or low is not in it" in meta.coverage
    assert meta.ecosystems["PyPI"].records == 20_471
    assert meta.ecosystems["PyPI"].packages == 13_108
    assert meta.kev is not None
    assert meta.kev.count == 1734
    assert list(meta.ecosystems) == ["PyPI"]
    # What https://osv.dev/vulnerability/PYSEC-2023-62 says of Flask: two branches, in one range.
    [flask] = [one for one in python_database.of_package("PyPI", "flask") if one.id == "PYSEC-2023-62"]
    [affected] = flask.affected or ()
    assert len(affected.ranges or ()) == 1
    answers = {version: judge(flask, "PyPI", version).answer for version in ("2.2.4", "2.2.5", "2.3.0", "2.3.2")}
    assert answers["2.2.4"] is answers["2.3.0"] is Answer.AFFECTED
    assert answers["2.2.5"] is answers["2.3.2"] is Answer.NOT_AFFECTED


def _snapshot(folder: Path, rows: list[dict[str, Any]]) -> Path:
    """A snapshot of these rows of PyPI, with digests that fit."""
    folder.mkdir()
    for name in (META, EXPLOITED):
        shutil.copyfile(data_folder() / name, folder / name)
    for file in ("pypi", "npm", "maven", "gomod"):
        content = rows if file == "pypi" else []
        (folder / f"advisories-{file}.json.gz").write_bytes(gzip.compress(json.dumps(content).encode()))
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    (folder / DIGESTS).write_text(json.dumps(digests))
    return folder


def _row(**more: Any) -> dict[str, Any]:
    return {"id": "T-1", "name": "x", "malicious": False, "summary": "s", "reference": "https://x", **more}


def test_overlapping_rows_stay_ranges_of_their_own(tmp_path: Path) -> None:
    rows = [
        _row(introduced="0", fixed="1.5"),
        _row(introduced="1.0", fixed="2.0"),
        _row(introduced="3", last_affected="3"),
    ]
    folder = _snapshot(tmp_path / "snapshot", rows)
    assert is_one(folder)
    [one] = Snapshot(folder).records()
    for version, expected in {"0.1": True, "1.7": True, "2.0": False, "3.0": True, "3.1": False}.items():
        assert (judge(one, "PyPI", version).answer is Answer.AFFECTED) == expected, version


def test_a_damaged_snapshot_is_refused(tmp_path: Path) -> None:
    folder = _snapshot(tmp_path / "snapshot", [_row(introduced="0")])
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name, right in whole.items():
        if name.endswith(".gz") and "pypi" not in name:
            continue
        for content in (right[:-4], b"", None):
            (folder / name).unlink()
            if content is not None:
                (folder / name).write_bytes(content)
            with pytest.raises(StoreError):
                _taken(folder)
            (folder / name).write_bytes(right)
    assert _taken(folder) == 1


def _taken(folder: Path) -> int:
    opened = Snapshot(folder, ("PyPI",))
    opened.kev()
    return len(list(opened.records()))


def test_a_snapshot_that_unpacks_short_is_refused(tmp_path: Path) -> None:
    folder = _snapshot(tmp_path / "snapshot", [_row(introduced="0")])
    path = folder / "advisories-pypi.json.gz"
    path.write_bytes(path.read_bytes()[:-9])
    digests = msgspec.json.decode((folder / DIGESTS).read_bytes(), type=dict[str, str])
    digests[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / DIGESTS).write_text(json.dumps(digests))
    with pytest.raises(StoreError, match="ends early"):
        _taken(folder)


def test_the_snapshot_is_not_read_for_what_it_does_not_have() -> None:
    with pytest.raises(ConfigError, match="not read for Debian"):
        Snapshot(data_folder(), ("Debian",))
    assert set(ECOSYSTEMS) == {"PyPI", "npm", "Maven", "Go"}


def test_a_package_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "DISTRIBUTION", "cordon-scanner-of-nobody")
    with pytest.raises(Error, match="cordon-scanner-of-nobody is not installed") as caught:
        find()
    assert "hardgate[advisories]" in caught.value.hint
