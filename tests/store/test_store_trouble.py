"""Disks, files and addresses that will not do: a reason, a way out, and nothing lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from hardgate.errors import StoreError
from hardgate.store import Store
from tests.store import values

REPOSITORY = Path(__file__).parents[2]
KEPT = values.ended(values.run("kept"), values.receipt("bandit", (values.finding(1),)))
MANY = tuple(values.finding(number) for number in range(5000))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A store that holds one run."""
    path = tmp_path / "store.db"
    with Store.open(path) as store:
        store.save(KEPT)
    return path


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that other users can reach (pytest's own cannot be)."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_new_store_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "not" / "yet there" / "störe ?#%.db"
    with Store.open(path) as store:
        store.save(KEPT)
        assert {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_path_that_is_no_text_is_a_path(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.db")
    for _ in range(2):
        with Store.open(path) as store:
            assert store.runs() == []
    assert path.exists()


def test_a_relative_path_is_kept_when_the_folder_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Store.open("store.db") as store:
        monkeypatch.chdir("/")
        store.save(KEPT)
        assert store.where == str(tmp_path / "store.db")
    with Store.open(f"sqlite:///{tmp_path}/store.db") as store:
        assert store.run("kept") == KEPT


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    _refused(tmp_path, "is a folder or a device", "Name a file")


def test_a_device_is_no_store() -> None:
    _refused(Path("/dev/null"), "is a folder or a device", "Name a file")


def test_a_file_in_the_way_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    _refused(tmp_path / "file" / "store.db", "a file lies where a folder of its path should be", "Name another store")


@pytest.mark.parametrize("content", [b"text", b"SQLite format 3\x00", b"SQLite format 3\x00" + b"\xff" * 5000, b"\x00"])
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(content)
    _refused(path, "No store was opened", "ame another")
    assert path.read_bytes() == content


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_the_database_of_another_program_is_left_alone(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode={mode}")
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    before = path.read_bytes()
    _refused(path, "database of another program; it was not changed", "Name another file")
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["store.db"]


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.touch()
    with Store.open(path) as store:
        store.save(KEPT)
        assert store.run("kept") == KEPT


def test_a_damaged_store_is_an_error_wherever_the_damage_is(file: Path) -> None:
    whole = file.read_bytes()
    told = 0
    for start in range(0, len(whole), 4096):
        file.write_bytes(whole[:start] + b"\xa5" * 4096 + whole[start + 4096 :])
        told += _reads_right_or_says_so(file)
    for length in range(1, len(whole), 4096 * 3 + 17):
        file.write_bytes(whole[:length])
        told += _reads_right_or_says_so(file)
    assert told > 10


def test_a_store_that_ends_in_the_middle_of_a_page_is_not_opened(file: Path) -> None:
    whole = file.read_bytes()
    for length in (17, 18, 4095, 4097, *range(len(whole) - 4095, len(whole), 273)):
        file.write_bytes(whole[:length])
        _refused(file, "it ends in the middle of a page", "restore the store from a backup")
    file.write_bytes(whole)
    with Store.open(file) as store:
        assert store.run("kept") == KEPT


def test_a_read_only_folder(open_to_all: Path) -> None:
    path = open_to_all / "store.db"
    with _unprivileged(open_to_all):
        _refused(path, "this user may not write there", "Make the file and its folder writable")
    assert not path.exists()


def test_a_store_in_a_read_only_folder(open_to_all: Path) -> None:
    path = open_to_all / "store.db"
    with Store.open(path) as store:
        store.save(KEPT)
    path.chmod(0o644)
    before = path.read_bytes()
    with _unprivileged(open_to_all, path):
        _refused(path, "it can only be read", "copy it to a folder that can be written")
    assert path.read_bytes() == before


def test_a_read_only_file(open_to_all: Path) -> None:
    folder = open_to_all / "folder"
    folder.mkdir()
    folder.chmod(0o777)
    path = folder / "store.db"
    with Store.open(path) as store:
        store.save(KEPT)
    before = path.read_bytes()
    path.chmod(0o444)
    with _unprivileged(path), Store.open(path) as store:
        assert store.run("kept") == KEPT
        with pytest.raises(StoreError, match=r"Run more was not begun in .*: it can only be read") as refused:
            store.begin(values.run("more"))
        assert "untouched" in refused.value.hint
    assert path.read_bytes() == before


def test_a_full_disk(open_to_all: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk; test_a_file_that_may_not_grow covers the rest")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "none", open_to_all], check=True)
    try:
        _fill(open_to_all / "store.db", "the disk is full")
        (open_to_all / "filler").write_bytes(b"\x00" * _free(open_to_all))
        _refused(open_to_all / "folder" / "new.db", "full", "Free some space")
    finally:
        subprocess.run(["umount", open_to_all], check=True)


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    """A limit on the size of files stands for a quota; it needs a process of its own."""
    script = (
        "import resource, pathlib\n"
        "from tests.store import test_store_trouble as tests\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))\n"
        f"tests._fill(pathlib.Path({str(tmp_path / 'store.db')!r}), 'the disk refused to read or write')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with Store.open(tmp_path / "store.db") as store:
        assert store.run("kept") == KEPT


def test_another_writer_that_does_not_end(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as other, Store.open(file, wait=0.1) as store:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process is still writing") as refused:
            store.begin(values.run("more"))
        assert "Wait" in refused.value.hint
        assert store.run("kept") == KEPT, "readers do not wait"
        other.execute("ROLLBACK")
        store.begin(values.run("more"))


@pytest.mark.parametrize(
    "address",
    ["mysql://host/db", "sqlite://", "sqlite:///:memory:", "sqlite:///a.db?mode=ro", "http://[", "://", "a://"],
)
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(StoreError, match="nothing was opened") as refused:
        Store.open(address)
    assert "postgresql+psycopg://" in refused.value.hint


def test_a_password_is_never_shown() -> None:
    for address in ("mysql://user:hunter2@host/db", "postgresql://user:hunter2@127.0.0.1:1/db?connect_timeout=1"):
        with pytest.raises(StoreError) as refused:
            Store.open(address)
        assert "hunter2" not in str(refused.value) + refused.value.hint
        assert "user:***@" in str(refused.value)


def test_postgresql_without_its_driver_names_the_extra() -> None:
    script = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from hardgate.store import Store\n"
        "from hardgate.errors import StoreError\n"
        "try: Store.open('postgresql://host/db')\n"
        "except StoreError as error: print(error, '|', error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "needs psycopg, which is not installed" in done.stdout
    assert done.stdout.strip().endswith("| pip install 'hardgate[postgresql]'")


def _refused(path: Path, why: str, hint: str) -> None:
    with pytest.raises(StoreError) as refused:
        Store.open(path)
    assert why in str(refused.value)
    assert str(path) in str(refused.value)
    assert hint in refused.value.hint


def _reads_right_or_says_so(path: Path) -> bool:
    """True when the damage was told."""
    for log in path.parent.glob("store.db-*"):
        log.unlink()
    try:
        with Store.open(path) as store:
            assert store.run("kept") == KEPT
            assert [row.id for row in store.runs()] == ["kept"]
            assert store.findings("kept") == list(KEPT.findings)
    except StoreError as error:
        return error.hint != ""
    return False


def _fill(path: Path, why: str) -> None:
    """Store runs until the disk is full, and see that those before are still there."""
    with Store.open(path) as store:
        store.save(KEPT)
        store.begin(values.run("large"))
        with pytest.raises(StoreError) as refused:
            store.add_receipt("large", values.receipt("bandit", MANY))
        assert f"No receipt was added to run large in {path}: {why}" in str(refused.value)
        assert "untouched" in refused.value.hint
        assert store.run("large").receipts == ()
        assert store.run("kept") == KEPT
    with Store.open(path) as store:
        assert store.run("kept") == KEPT


def _free(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_bsize


@contextmanager
def _unprivileged(*paths: Path) -> Iterator[None]:
    """Nobody may write to `paths`: root may write anywhere, so become another user for a while."""
    modes = {path: path.stat().st_mode for path in paths}
    for path in paths:
        path.chmod(modes[path] & ~0o222)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        for path in paths:
            path.chmod(modes[path])
