"""The database on disk: whole or not at all, damage is seen, imports and readers do not disturb each other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hardgate.advisories.database import LOCK, META, Database, NoDatabaseError, read_meta
from hardgate.advisories.records import Record
from hardgate.advisories.writing import Origin, write
from hardgate.errors import StoreError
from tests.advisories.conftest import fill, record, typed

OLD = [{"introduced": "0"}, {"fixed": "2.0"}]
JINJA = record("T-1", "PyPI", "Jinja2", OLD, aliases=["CVE-2026-1"], summary="a hole")


def ids(folder: Path, name: str = "jinja2") -> list[str]:
    with Database.open(folder) as database:
        return [one.id for one in database.of_package("PyPI", name)]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    both = record("T-2", "PyPI", "jinja2", OLD)
    both["affected"] += record("x", "npm", "left", OLD)["affected"]
    fill(tmp_path, [JINJA, both, record("T-3", "npm", "left", OLD)], kev=["CVE-2026-1"])
    with Database.open(tmp_path) as database:
        assert [one.id for one in database.of_package("PyPI", "JINJA2")] == ["T-1", "T-2"]
        [mine] = [one for one in database.of_package("npm", "left") if one.id == "T-2"]
        assert [one.package.ecosystem for one in mine.affected or () if one.package] == ["npm"]
        whole = database.by_id("T-2")
        assert whole is not None
        assert len(whole.affected or ()) == 2
        assert database.by_id("T-9") is None
        assert database.of_package("PyPI", "flask") == ()
        assert {(package.name, one.id) for package, one in database.records()} == {
            ("jinja2", "T-1"), ("jinja2", "T-2"), ("left", "T-2"), ("left", "T-3")
        }  # fmt: skip
        assert database.kev == {"CVE-2026-1"}
        assert database.meta.ecosystems["PyPI"].records == 2
        assert database.meta.ecosystems["npm"].records == 2
        assert database.meta.ecosystems["Go"].records == 0
        assert database.meta.digest in database.use.source


def test_two_spellings_of_a_name_are_one_package(tmp_path: Path) -> None:
    raw = record("T-1", "PyPI", "Foo.Bar", OLD)
    raw["affected"] += record("x", "PyPI", "foo-bar", [], versions=["7.0"])["affected"]
    fill(tmp_path, [raw])
    with Database.open(tmp_path) as database:
        [one] = database.of_package("PyPI", "foo_bar")
        assert len(one.affected or ()) == 2


def test_withdrawn_and_foreign_records_are_counted_and_left_out(tmp_path: Path) -> None:
    gone = record("T-1", "PyPI", "jinja2", OLD, withdrawn="2026-01-01T00:00:00Z")
    fill(tmp_path, [gone, record("T-2", "npm", "x", OLD), {"id": "T-3", "modified": "2026"}], ecosystems=["PyPI"])
    meta = read_meta(tmp_path)
    assert (meta.withdrawn, meta.left_out, list(meta.ecosystems)) == (1, 2, ["PyPI"])
    assert ids(tmp_path) == []


def test_the_same_data_has_the_same_digest_and_other_data_another(tmp_path: Path) -> None:
    first = read_meta(fill(tmp_path / "a", [JINJA])).digest
    again = read_meta(fill(tmp_path / "b", [JINJA])).digest
    other = read_meta(fill(tmp_path / "c", [record("T-1", "PyPI", "Jinja2", OLD[:1])])).digest
    older = read_meta(fill(tmp_path / "d", [JINJA], date="2020-01-01")).digest
    assert first == again
    assert len({first, other, older}) == 3


def test_no_database_is_an_error_that_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(NoDatabaseError, match="there is no advisory database") as caught:
        Database.open(tmp_path / "none")
    assert "hardgate advisories import" in caught.value.hint


def _data(folder: Path) -> Path:
    return folder / read_meta(folder).data


def _everything(folder: Path) -> None:
    with Database.open(folder) as database:
        assert database.of_package("PyPI", "jinja2")
        assert database.by_id("T-1")
        assert database.kev


@pytest.mark.parametrize("how", ["flip", "cut", "remove"])
def test_every_damaged_file_is_seen(tmp_path: Path, how: str) -> None:
    """Whatever happens to a file, no question is answered with "nothing known"."""
    fill(tmp_path, [JINJA], kev=["CVE-2026-1"])
    _everything(tmp_path)
    for file in [path for path in _data(tmp_path).iterdir() if path.name not in {LOCK}]:
        whole = file.read_bytes()
        if how == "remove":
            file.unlink()
        else:
            middle = len(whole) // 2
            file.write_bytes(whole[:middle] if how == "cut" else whole[:middle] + b"?" + whole[middle + 1 :])
        with pytest.raises(StoreError, match="advisory database"):
            _everything(tmp_path)
        file.write_bytes(whole)


def test_a_damaged_description_is_seen(tmp_path: Path) -> None:
    fill(tmp_path, [JINJA])
    file = tmp_path / META
    whole = file.read_bytes()
    for damaged in (
        b"",
        b"{}",
        b"[]",
        whole[:-9],
        whole.replace(b"2026-11-01", b"2026-11-21"),
        whole.replace(b'"PyPI"', b'"PyPy"'),
    ):
        file.write_bytes(damaged)
        with pytest.raises(StoreError, match="damaged"):
            Database.open(tmp_path)
    content: dict[str, Any] = msgspec.json.decode(whole)
    content["shards"] = {}
    file.write_bytes(msgspec.json.encode(content))
    with pytest.raises(StoreError, match="damaged"):
        Database.open(tmp_path)


def test_a_failed_import_leaves_what_was_there(tmp_path: Path) -> None:
    fill(tmp_path, [JINJA])
    before = (tmp_path / META).read_bytes()

    def broken() -> Iterator[Record]:
        yield typed(record("T-2", "PyPI", "jinja2", OLD))
        raise StoreError("the file ends here")

    with pytest.raises(StoreError, match="ends here"):
        write(tmp_path, Origin(source="x", coverage="x", ecosystems=("PyPI",)), broken(), None)
    assert (tmp_path / META).read_bytes() == before
    assert ids(tmp_path) == ["T-1"]
    assert len(list(tmp_path.glob("data-*"))) == 1, "nothing is left lying"


KILLED = """
import sys, time
from pathlib import Path
from hardgate.advisories.writing import Origin, write
from tests.advisories.conftest import record, typed
def records():
    for number in range(10**9):
        yield typed(record(f"N-{number}", "PyPI", f"p{number}", [{"introduced": "0"}], summary="x" * 2000))
        if number == 30_000:
            print("filling", flush=True)
write(Path(sys.argv[1]), Origin(source="x", coverage="x", ecosystems=("PyPI",)), records(), None)
"""


def test_a_killed_import_leaves_what_was_there_and_the_next_one_sweeps(tmp_path: Path) -> None:
    fill(tmp_path, [JINJA])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, tmp_path], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "filling\n"
        assert len(list(tmp_path.glob("data-*"))) == 2
        assert any(tmp_path.glob("data-*/*.part"))
        fill(tmp_path, [JINJA])
        assert len(list(tmp_path.glob("data-*"))) == 2, "data that is being filled is not swept"
        process.send_signal(signal.SIGKILL)
    assert ids(tmp_path) == ["T-1"]
    fill(tmp_path, [JINJA])
    assert len(list(tmp_path.glob("data-*"))) == 1


def test_a_reader_keeps_its_data_through_an_import(tmp_path: Path) -> None:
    fill(tmp_path, [JINJA])
    with Database.open(tmp_path) as database:
        fill(tmp_path, [record("T-2", "PyPI", "jinja2", OLD)])
        assert [one.id for one in database.of_package("PyPI", "jinja2")] == ["T-1"]
        assert ids(tmp_path) == ["T-2"]
        assert len(list(tmp_path.glob("data-*"))) == 2
    fill(tmp_path, [JINJA])
    assert len(list(tmp_path.glob("data-*"))) == 1


def test_many_imports_and_readers_at_once(tmp_path: Path) -> None:
    """Every reader sees one whole import, and one of the imports is in force at the end."""
    fill(tmp_path, [record("T-0", "PyPI", "jinja2", OLD)])
    problems: list[str] = []
    stop = threading.Event()

    def importing(number: int) -> None:
        for turn in range(4):
            name = f"T-{number}-{turn}"
            fill(tmp_path, [record(name, "PyPI", "jinja2", OLD), record(name, "PyPI", "flask", OLD)])

    def reading() -> None:
        while not stop.is_set():
            with Database.open(tmp_path) as database:
                found = [one.id for one in database.of_package("PyPI", "jinja2")]
                other = [one.id for one in database.of_package("PyPI", "flask")]
            if len(found) != 1 or (other and other != found):
                problems.append(f"{found} {other}")

    readers = [threading.Thread(target=reading) for _ in range(3)]
    writers = [threading.Thread(target=importing, args=(number,)) for number in range(3)]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in readers:
        thread.join()
    assert problems == []
    fill(tmp_path, [JINJA])
    assert len(list(tmp_path.glob("data-*"))) == 1


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="was not written") as caught:
        fill(tmp_path / "file" / "advisories", [JINJA])
    assert "HARDGATE_ADVISORIES" in caught.value.hint


def test_the_list_of_cisa_stays_through_an_import_without_one(tmp_path: Path) -> None:
    fill(tmp_path, [JINJA], kev=["CVE-2026-1"])
    fill(tmp_path, [record("T-2", "PyPI", "jinja2", OLD)])
    with Database.open(tmp_path) as database:
        assert database.kev == {"CVE-2026-1"}
