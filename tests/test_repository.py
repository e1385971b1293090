"""repository.py and git.py on real repositories, most of them hostile."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardgate import git as borrowed
from hardgate import repository
from hardgate.errors import ConfigError, ToolError
from hardgate.model import GapReason
from hardgate.repository import Entry, Tree

LIMIT = 50_000_000
NOBODY = 65534
NO_UTF8 = os.fsdecode(b"caf\xe9.py")


def git(folder: Path, *words: str, given: bytes = b"") -> str:
    """A git command of the repository's owner, with the repository's own settings."""
    argv = ["git", "-c", "protocol.file.allow=always", *words]
    done = subprocess.run(argv, cwd=folder, input=given, capture_output=True, check=True)
    return os.fsdecode(done.stdout).strip()


def put(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def commit(folder: Path, files: dict[str, str] | None = None, *, force: bool = False) -> str:
    put(folder, files or {})
    git(folder, "add", "--all", *(["--force"] if force else []))
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "a commit")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with one commit of `a.py` and `sub/b.py`."""
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, {"a.py": "a = 1\n", "sub/b.py": "b = 2\n"})
    return folder


@pytest.fixture
def scratch(tmp_path: Path) -> Callable[[], Path]:
    """A new empty folder at each call."""
    count = iter(range(100))

    def make() -> Path:
        folder = tmp_path / f"scratch-{next(count)}"
        folder.mkdir()
        return folder

    return make


Scratch = Callable[[], Path]


def read(
    root: Path,
    scratch: Scratch,
    *,
    exclude: Callable[[str], bool] = lambda _path: False,
    limit: int = LIMIT,
    leave: frozenset[str] = frozenset(),
) -> Tree:
    return repository.read(root, scratch(), exclude=exclude, limit=limit, leave=leave)


def paths(tree: Tree) -> list[str]:
    return [entry.path for entry in tree.entries]


def gaps(tree: Tree) -> dict[str, str]:
    assert {gap.reason for gap in tree.gaps} <= {GapReason.FILE_UNREAD}
    assert all(gap.remedy for gap in tree.gaps)
    return {gap.path: gap.message.removeprefix(f"{gap.path} ") for gap in tree.gaps}


def snapshot(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything below a folder, to see whether anything was written into it."""
    facts = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        facts[os.fspath(path)] = (status.st_mtime_ns, status.st_mode, content)
    return facts


# What is in scope


def test_tracked_and_unknown_files_are_in_scope_and_ignored_ones_are_not(repo: Path, scratch: Scratch) -> None:
    put(repo, {".gitignore": "*.log\nsecret/\n", "new.py": "", "x.log": "", "secret/key": ""})
    tree = read(repo, scratch)
    assert paths(tree) == [".gitignore", "a.py", "new.py", "sub/b.py"]
    assert tree.gaps == ()
    assert ".gitignore" in tree.notes[0]


def test_an_ignore_of_everything_hides_nothing_that_is_tracked(repo: Path, scratch: Scratch) -> None:
    commit(repo, {".gitignore": "**\n"}, force=True)
    put(repo, {"unknown.py": ""})
    assert paths(read(repo, scratch)) == [".gitignore", "a.py", "sub/b.py"]


def test_settings_of_the_user_and_of_the_clone_ignore_nothing(repo: Path, scratch: Scratch, tmp_path: Path) -> None:
    put(repo, {".git/info/exclude": "new.py\n", "new.py": ""})
    git(repo, "config", "core.excludesFile", str(tmp_path / "everything"))
    (tmp_path / "everything").write_text("*\n")
    assert "new.py" in paths(read(repo, scratch))


def test_an_entry_tells_the_content(repo: Path, scratch: Scratch) -> None:
    entry = read(repo, scratch).entries[0]
    assert entry == Entry("a.py", "a.py", 6, hashlib.sha256(b"a = 1\n").hexdigest())


def test_the_digest_is_of_names_and_contents(repo: Path, scratch: Scratch) -> None:
    before = read(repo, scratch).digest
    assert read(repo, scratch).digest == before
    (repo / "a.py").write_text("a = 2\n")
    changed = read(repo, scratch).digest
    (repo / "a.py").write_text("a = 1\n")
    (repo / "a.py").rename(repo / "c.py")
    assert len({before, changed, read(repo, scratch).digest}) == 3


def test_a_clean_tree_stays_clean_when_its_files_are_touched(repo: Path, scratch: Scratch) -> None:
    os.utime(repo / "a.py", (1, 1))
    tree = read(repo, scratch)
    assert not tree.dirty
    assert tree.commit == git(repo, "rev-parse", "HEAD")


@pytest.mark.parametrize("what", ["changed", "deleted", "new", "staged"])
def test_a_tree_that_is_not_its_commit_is_dirty(what: str, repo: Path, scratch: Scratch) -> None:
    match what:
        case "changed":
            put(repo, {"a.py": "a = 3\n"})
        case "deleted":
            (repo / "a.py").unlink()
        case "new":
            put(repo, {"new.py": ""})
        case _:
            put(repo, {"a.py": "a = 3\n"})
            git(repo, "add", "a.py")
    tree = read(repo, scratch)
    assert tree.dirty
    assert ("a.py" in paths(tree)) == (what != "deleted")
    assert tree.gaps == ()


def test_a_deleted_file_below_what_is_now_a_file_is_deleted(repo: Path, scratch: Scratch) -> None:
    shutil.rmtree(repo / "sub")
    put(repo, {"sub": "now a file"})
    tree = read(repo, scratch)
    assert paths(tree) == ["a.py", "sub"]
    assert tree.gaps == ()


def test_own_reports_are_left_out_unless_git_tracks_them(repo: Path, scratch: Scratch) -> None:
    put(repo, {"report.html": ""})
    tree = read(repo, scratch, leave=frozenset({"report.html", "a.py"}))
    assert paths(tree) == ["a.py", "sub/b.py"]
    assert not tree.dirty


def test_exclusions_are_counted(repo: Path, scratch: Scratch) -> None:
    tree = read(repo, scratch, exclude=lambda path: path.startswith("sub"))
    assert (paths(tree), tree.excluded) == (["a.py"], 1)


def test_a_folder_of_a_repository_is_a_root_of_its_own(repo: Path, scratch: Scratch) -> None:
    put(repo, {"sub/new.py": "", "sub/x.log": "", ".gitignore": "*.log\n"})
    tree = read(repo / "sub", scratch)
    assert (paths(tree), tree.prefix) == (["b.py", "new.py"], "sub/")
    assert tree.commit == git(repo, "rev-parse", "HEAD")


def test_a_folder_that_did_not_change_is_clean_in_a_dirty_repository(repo: Path, scratch: Scratch) -> None:
    put(repo, {"a.py": "a = 3\n"})
    assert not read(repo / "sub", scratch).dirty


@pytest.mark.parametrize(
    "name", [":(exclude)sub", ":!x", "s*", "[ab]", "a\\b", "-dash", "two words", "li\nne", NO_UTF8]
)
def test_a_folder_named_like_a_pattern_is_taken_literally(name: str, repo: Path, scratch: Scratch) -> None:
    commit(repo, {f"{name}/inside.py": ""})
    put(repo, {f"{name}/new.py": ""})
    tree = read(repo / name, scratch)
    assert paths(tree) == ["inside.py", "new.py"]
    assert repository.history(tree, scratch() / "history", {"canary": b"x"}) is not None


@pytest.mark.parametrize("name", ["two words", 'quo"te', "back\\slash", "li\nne", "#hash", NO_UTF8])
def test_a_repository_may_lie_at_an_odd_place(name: str, tmp_path: Path, scratch: Scratch) -> None:
    root = tmp_path / name / "repo"
    root.mkdir(parents=True)
    git(root, "init", "--quiet")
    expected = commit(root, {"a.py": ""})
    tree = read(root, scratch)
    assert (paths(tree), tree.commit, tree.dirty) == (["a.py"], expected, False)


def test_without_git_every_file_is_in_scope(tmp_path: Path, scratch: Scratch) -> None:
    root = tmp_path / "plain"
    put(root, {"a.py": "", "deep/er/b.py": "", ".gitignore": "*\n", ".hidden/c": "", "sub/.git/config": "x"})
    tree = read(root, scratch)
    assert paths(tree) == [".gitignore", ".hidden/c", "a.py", "deep/er/b.py"]
    assert (tree.git, tree.commit, tree.dirty, tree.gaps) == (None, "", False, ())
    assert "no git" in tree.notes[0]


def test_an_empty_folder_has_nothing(tmp_path: Path, scratch: Scratch) -> None:
    root = tmp_path / "plain"
    root.mkdir()
    tree = read(root, scratch)
    assert (tree.entries, tree.gaps, tree.excluded) == ((), (), 0)


def test_before_the_first_commit(tmp_path: Path, scratch: Scratch) -> None:
    git(tmp_path, "init", "--quiet", "new")
    put(tmp_path / "new", {"a.py": "", "b.py": ""})
    git(tmp_path / "new", "add", "a.py")
    tree = read(tmp_path / "new", scratch)
    assert (paths(tree), tree.commit, tree.dirty) == (["a.py", "b.py"], "", True)
    assert repository.history(tree, scratch(), {"canary": b"x"}) is None


# Every shape of a repository


def test_a_detached_head(repo: Path, scratch: Scratch) -> None:
    first = git(repo, "rev-parse", "HEAD")
    commit(repo, {"c.py": ""})
    git(repo, "checkout", "--quiet", first)
    tree = read(repo, scratch)
    assert (paths(tree), tree.commit) == (["a.py", "sub/b.py"], first)


def test_packed_references_and_objects(repo: Path, scratch: Scratch) -> None:
    git(repo, "branch", "other")
    git(repo, "gc", "--quiet")
    assert not (repo / ".git/refs/heads/main").exists()
    tree = read(repo, scratch)
    assert (tree.commit, tree.dirty) == (git(repo, "rev-parse", "HEAD"), False)
    assert repository.changed(tree, "other") == frozenset()


def test_a_worktree(repo: Path, scratch: Scratch, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    expected = commit(tmp_path / "side", {"side.py": ""})
    tree = read(tmp_path / "side", scratch)
    assert (paths(tree), tree.commit, tree.dirty) == (["a.py", "side.py", "sub/b.py"], expected, False)
    assert repository.changed(tree, "main") == {"side.py"}
    assert read(repo, scratch).commit != expected


def test_a_git_folder_elsewhere(tmp_path: Path, scratch: Scratch) -> None:
    git(tmp_path, "init", "--quiet", "--separate-git-dir=store", "repo")
    expected = commit(tmp_path / "repo", {"a.py": ""})
    assert read(tmp_path / "repo", scratch).commit == expected


def test_a_split_index(repo: Path, scratch: Scratch) -> None:
    git(repo, "update-index", "--split-index")
    assert list((repo / ".git").glob("sharedindex.*"))
    tree = read(repo, scratch)
    assert (paths(tree), tree.dirty) == (["a.py", "sub/b.py"], False)


def test_a_repository_of_sha256(tmp_path: Path, scratch: Scratch) -> None:
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "repo")
    expected = commit(tmp_path / "repo", {"a.py": ""})
    tree = read(tmp_path / "repo", scratch)
    assert (paths(tree), tree.commit, len(tree.commit)) == (["a.py"], expected, 64)
    assert repository.history(tree, scratch() / "history", {"canary": b"x"}) is not None


def test_references_that_this_git_cannot_read_are_no_empty_history(repo: Path, scratch: Scratch) -> None:
    """A repository of reftables keeps a HEAD that names no branch; a git older than 2.45 takes it for a new one."""
    config = repo / ".git/config"
    config.write_text(
        config.read_text().replace("version = 0", "version = 1") + "[extensions]\n\trefStorage = reftable\n"
    )
    shutil.rmtree(repo / ".git/refs")
    put(repo, {".git/HEAD": "ref: refs/heads/.invalid\n", ".git/refs/heads": "", ".git/reftable/tables.list": ""})
    try:
        git(repo, "status")
        newer = True
    except subprocess.CalledProcessError:
        newer = False
    if newer:
        assert read(repo, scratch).commit == ""
    else:
        with pytest.raises(ToolError, match=r"^git ls-files failed: .*refstorage"):
            read(repo, scratch)


def test_a_shallow_clone_is_known_as_one(repo: Path, scratch: Scratch, tmp_path: Path) -> None:
    commit(repo, {"c.py": ""})
    git(tmp_path, "clone", "--quiet", "--depth=1", repo.as_uri(), "shallow")
    assert read(tmp_path / "shallow", scratch).shallow
    assert not read(repo, scratch).shallow


def test_a_partial_clone_is_known_as_one(repo: Path, scratch: Scratch, tmp_path: Path) -> None:
    """Its older contents are not here: a scanner of the history would only log an error, and find nothing."""
    git(repo, "config", "uploadpack.allowFilter", "true")
    commit(repo, {"a.py": "a = 2\n"})
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", repo.as_uri(), "partial")
    assert read(tmp_path / "partial", scratch).shallow


def test_a_submodule_is_a_gap(repo: Path, scratch: Scratch, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(repo), "other")
    git(repo, "submodule", "--quiet", "add", str(tmp_path / "other"), "vendor/other")
    commit(repo)
    tree = read(repo, scratch)
    assert gaps(tree) == {"vendor/other/": "is a submodule and was not looked at"}
    assert paths(tree) == [".gitmodules", "a.py", "sub/b.py"]
    assert read(repo, scratch, exclude=lambda path: path.startswith("vendor/")).gaps == ()


def test_a_repository_within_the_tree_is_a_gap(repo: Path, scratch: Scratch) -> None:
    git(repo, "init", "--quiet", "nested")
    commit(repo / "nested", {"inside.py": ""})
    tree = read(repo, scratch)
    assert gaps(tree) == {"nested/": "is a git repository of its own and was not looked at"}
    assert gaps(read(repo / "sub", scratch)) == {}


def test_a_sparse_checkout_is_a_gap_for_each_file(repo: Path, scratch: Scratch) -> None:
    commit(repo, {"left/out.py": "", "left/out-2.py": ""})
    git(repo, "sparse-checkout", "set", "sub")
    assert not (repo / "left").exists()
    tree = read(repo, scratch)
    told = "is not checked out (sparse checkout)"
    assert gaps(tree) == {"left/out.py": told, "left/out-2.py": told}
    assert (paths(tree), tree.dirty) == (["a.py", "sub/b.py"], False)
    git(repo, "sparse-checkout", "reapply", "--sparse-index")
    assert gaps(read(repo, scratch)) == {"left/out.py": told, "left/out-2.py": told}


def test_a_file_that_git_was_told_to_pass_by_is_still_read(repo: Path, scratch: Scratch) -> None:
    put(repo, {"a.py": "password = 'hidden'\n"})
    git(repo, "update-index", "--skip-worktree", "a.py")
    tree = read(repo, scratch)
    assert tree.entries[0].digest == hashlib.sha256(b"password = 'hidden'\n").hexdigest()
    assert tree.gaps == ()


def test_a_merge_with_conflicts_lists_each_file_once(repo: Path, scratch: Scratch) -> None:
    git(repo, "checkout", "--quiet", "-b", "other")
    commit(repo, {"a.py": "a = 'other'\n"})
    git(repo, "checkout", "--quiet", "main")
    commit(repo, {"a.py": "a = 'main'\n"})
    with pytest.raises(subprocess.CalledProcessError):
        git(repo, "merge", "other")
    assert paths(read(repo, scratch)) == ["a.py", "sub/b.py"]


@pytest.mark.parametrize(
    "damage",
    [
        ("HEAD", b"nonsense"),
        ("HEAD", b"0" * 40),
        ("index", b"nonsense"),
        ("refs/heads/main", b"1234567890123456789012345678901234567890\n"),
    ],
)
def test_a_damaged_repository_is_an_error_and_no_plain_folder(
    damage: tuple[str, bytes], repo: Path, scratch: Scratch
) -> None:
    (repo / ".git" / damage[0]).write_bytes(damage[1])
    with pytest.raises(ToolError, match=r"^git [a-z-]+ failed: ") as caught:
        read(repo, scratch)
    assert "git fsck" in caught.value.hint


def test_a_git_file_that_leads_nowhere_is_an_error(tmp_path: Path, scratch: Scratch) -> None:
    for content in (b"", b"gitdir: absent", b"nonsense", b"gitdir: a\0b", b"\xff\xfe"):
        root = tmp_path / content.hex() / "root"
        root.mkdir(parents=True)
        (root / ".git").write_bytes(content)
        with pytest.raises(ToolError):
            read(root, scratch)


def test_without_the_git_command_nothing_is_guessed(
    repo: Path, scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(repo))
    with pytest.raises(ToolError, match=r"^git could not be started"):
        read(repo, scratch)


# Files that are none


@pytest.mark.parametrize("versioned", [True, False])
def test_links(versioned: bool, tmp_path: Path, scratch: Scratch) -> None:
    root = tmp_path / "root"
    root.mkdir()
    put(tmp_path, {"outside/secret.py": "", "beside.py": ""})
    put(root, {"real.py": "", "folder/inside.py": ""})
    links = {
        "in.py": "real.py", "in-folder": "folder", "dangling": "nowhere", "out.py": "../beside.py",
        "out-folder": "../outside", "out-absolute": "/etc/passwd", "out-dangling": "/nowhere", "loop-a": "loop-b",
        "loop-b": "loop-a",
    }  # fmt: skip
    for name, target in links.items():
        (root / name).symlink_to(target)
    if versioned:
        git(root, "init", "--quiet")
        commit(root)
    tree = read(root, scratch)
    out = "is a link that leads out of the tree; not followed"
    circle = "could not be read: its links go in a circle"
    found = gaps(tree)
    assert paths(tree) == ["folder/inside.py", "real.py"]
    assert {name for name, told in found.items() if told == out} == {
        "out.py", "out-folder", "out-absolute", "out-dangling",
    }  # fmt: skip
    if sys.version_info < (3, 13):
        assert (found["loop-a"], found["loop-b"]) == (circle, circle)


def test_a_tracked_file_is_not_read_through_a_folder_that_became_a_link(repo: Path, scratch: Scratch) -> None:
    outside = repo.parent / "outside"
    put(outside, {"b.py": "a secret of the machine"})
    shutil.rmtree(repo / "sub")
    (repo / "sub").symlink_to(outside)
    tree = read(repo, scratch)
    assert paths(tree) == ["a.py"]
    assert gaps(tree) == {"sub": "is a link that leads out of the tree; not followed"}


def test_pipes_and_sockets_are_not_waited_for(tmp_path: Path, scratch: Scratch) -> None:
    root = tmp_path / "root"
    put(root, {"a.py": ""})
    os.mkfifo(root / "pipe")
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # the path of a socket has at most 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(folder / "socket"))
            (folder / "socket").rename(root / "socket")
            tree = read(root, scratch)
    finally:
        folder.rmdir()
    told = "is no regular file and was not looked at"
    assert (paths(tree), gaps(tree)) == (["a.py"], {"pipe": told, "socket": told})


def test_a_tracked_file_that_became_a_pipe_is_a_gap(repo: Path, scratch: Scratch) -> None:
    (repo / "a.py").unlink()
    os.mkfifo(repo / "a.py")
    assert gaps(read(repo, scratch)) == {"a.py": "is no regular file and was not looked at"}


def test_a_file_over_the_limit_is_a_gap(repo: Path, scratch: Scratch) -> None:
    os.truncate(repo / "a.py", 60_000_000)
    os.truncate(repo / "sub/b.py", LIMIT)
    tree = read(repo, scratch)
    assert paths(tree) == ["sub/b.py"]
    assert gaps(tree) == {
        "a.py": "has 60,000,000 bytes, more than limits.file_size (50,000,000), and was not looked at"
    }


def as_nobody(folder: Path, task: Callable[[], object]) -> Any:
    """What `task` returns to a user who may not read everything: root goes through a child process without its rights.

    `folder` is made that user's own.
    """
    if os.geteuid() != 0:
        return msgspec.json.decode(msgspec.json.encode(task()))
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        os.write(writing, msgspec.json.encode(task()))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        raw = answer.read()
    os.waitpid(child, 0)
    return msgspec.json.decode(raw)


@pytest.fixture
def common_folder() -> Iterator[Path]:
    """A folder that every user can reach: pytest's own is closed to others."""
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="hardgate-test-"))
    folder.chmod(0o755)
    yield folder
    for path in folder.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder)


def _what_nobody_reads(root: Path, scratch: Path) -> object:
    tree = repository.read(root, scratch, exclude=lambda _path: False, limit=LIMIT, leave=frozenset())
    return [paths(tree), gaps(tree)]


@pytest.mark.parametrize("versioned", [True, False])
def test_what_cannot_be_read_is_a_gap(versioned: bool, common_folder: Path) -> None:
    root, scratch = common_folder / "root", common_folder / "scratch"
    scratch.mkdir()
    put(root, {"open.py": "", "closed.py": "", "tracked/in.py": ""})
    if versioned:
        git(root, "init", "--quiet")
        commit(root)
    put(root, {"unknown/in.py": ""})
    (root / "closed.py").chmod(0)
    (root / "tracked").chmod(0)
    (root / "unknown").chmod(0)
    names, told = as_nobody(common_folder, lambda: _what_nobody_reads(root, scratch))
    denied = "Permission denied"
    assert names == ["open.py"]
    assert told["closed.py"] == f"could not be read: {denied}"
    assert told["unknown/"] == f"could not be listed: {denied}"
    expected = {"tracked/in.py": f"could not be read: {denied}", "tracked/": f"could not be listed: {denied}"}
    assert {name: told[name] for name in told if name.startswith("tracked/")}.items() <= expected.items()
    assert any(name.startswith("tracked/") for name in told)


def test_a_git_folder_that_cannot_be_read_is_an_error(common_folder: Path) -> None:
    root, scratch = common_folder / "root", common_folder / "scratch"
    scratch.mkdir()
    root.mkdir()
    git(root, "init", "--quiet")
    commit(root, {"a.py": ""})

    def task() -> object:
        said = []
        for closed in (root / ".git" / "refs", root / ".git" / "index", root / ".git"):
            closed.chmod(0)
            try:
                repository.read(root, scratch / closed.name, exclude=bool, limit=LIMIT, leave=frozenset())
            except ToolError as error:
                said.append(str(error))
            closed.chmod(0o755)
        return said

    said = as_nobody(common_folder, task)
    assert isinstance(said, list)
    assert len(said) == 3
    assert all("could not be read" in one for one in said)


def test_a_checkout_that_cannot_be_written_to_is_read(common_folder: Path) -> None:
    root, scratch = common_folder / "root", common_folder / "scratch"
    scratch.mkdir()
    root.mkdir()
    git(root, "init", "--quiet")
    commit(root, {"a.py": "", "sub/b.py": ""})
    put(root, {"new.py": ""})
    for path in (*root.rglob("*"), root):
        path.chmod(0o555 if path.is_dir() else 0o444)
    found = as_nobody(scratch, lambda: _what_nobody_reads(root, scratch))
    assert found == [["a.py", "new.py", "sub/b.py"], {}]


def test_nothing_is_written_into_the_repository(repo: Path, scratch: Scratch) -> None:
    put(repo, {"a.py": "a = 2\n", "new.py": ""})
    os.utime(repo / "sub/b.py", (1, 1))
    before = snapshot(repo)
    tree = read(repo, scratch)
    repository.stage(tree, scratch())
    repository.history(tree, scratch() / "history", {"canary": b"x"})
    repository.changed(tree, "HEAD")
    assert snapshot(repo) == before


# A hostile repository


HOOKS = ("post-index-change", "post-checkout", "pre-commit", "reference-transaction", "fsmonitor-watchman")


def _arm(folder: Path, git_folder: Path, trap: Path) -> None:
    """Let everything by which a repository can start a program write a file outside."""
    spring = folder / "spring.sh"
    spring.write_text(f"#!/bin/sh\necho sprung >> {trap}\nexit 1\n")
    spring.chmod(0o755)
    for hook in HOOKS:
        (git_folder / "hooks").mkdir(exist_ok=True)
        shutil.copy(spring, git_folder / "hooks" / hook)
    (folder / "included").write_text(f"[core]\n\tfsmonitor = {spring}\n[diff]\n\texternal = {spring}\n")
    settings = {
        "core.fsmonitor": spring, "core.hooksPath": git_folder / "hooks", "core.pager": spring, "core.editor": spring,
        "core.sshCommand": spring, "core.askPass": spring, "core.gitProxy": spring, "diff.external": spring,
        "diff.evil.textconv": spring, "diff.evil.command": spring, "filter.evil.clean": spring,
        "filter.evil.smudge": spring, "filter.evil.process": spring, "filter.evil.required": "true",
        "include.path": folder / "included", "alias.ls-files": f"!{spring}", "alias.diff": f"!{spring}",
        "credential.helper": spring, "gpg.program": spring, "uploadpack.packObjectsHook": spring,
        "extensions.partialClone": "origin", "remote.origin.promisor": "true", "remote.origin.url": f"ext::{spring}",
    }  # fmt: skip
    with (git_folder / "config").open("a") as config:
        for name, value in settings.items():
            section, _, key = name.rpartition(".")
            word, _, subsection = section.partition(".")
            config.write(f'[{word}{f" {chr(34)}{subsection}{chr(34)}" if subsection else ""}]\n\t{key} = "{value}"\n')


def test_the_traps_are_real(repo: Path, tmp_path: Path) -> None:
    """The same repository, asked by a plain git, starts its programs."""
    _arm(repo, repo / ".git", tmp_path / "trap")
    put(repo, {".gitattributes": "* filter=evil diff=evil\n"})
    os.utime(repo / "a.py", (1, 1))
    subprocess.run(["git", "status"], cwd=repo, capture_output=True, check=False)
    assert (tmp_path / "trap").is_file()


def test_a_repository_cannot_start_a_program(repo: Path, scratch: Scratch, tmp_path: Path) -> None:
    commit(repo, {"c.py": "c = 1\n"})
    _arm(repo, repo / ".git", tmp_path / "trap")
    put(repo, {".gitattributes": "* filter=evil diff=evil\n", "sub/.gitattributes": "* filter=evil\n", "a.py": "a = 5"})
    os.utime(repo / "sub/b.py", (1, 1))
    tree = read(repo, scratch)
    read(repo / "sub", scratch)
    repository.stage(tree, scratch())
    repository.history(tree, scratch() / "history", {"canary": b"x"})
    assert "a.py" in repository.changed(tree, "HEAD~1")
    assert not (tmp_path / "trap").exists()


def test_a_submodule_cannot_start_a_program(repo: Path, scratch: Scratch, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(repo), "other")
    git(repo, "submodule", "--quiet", "add", str(tmp_path / "other"), "module")
    commit(repo)
    _arm(repo / "module", repo / ".git/modules/module", tmp_path / "trap")
    put(repo, {"module/a.py": "changed", "module/.gitattributes": "* filter=evil\n"})
    git(repo, "init", "--quiet", "nested")
    _arm(repo / "nested", repo / "nested/.git", tmp_path / "trap")
    tree = read(repo, scratch)
    repository.changed(tree, "HEAD")
    assert gaps(tree).keys() == {"module/", "nested/"}
    assert not (tmp_path / "trap").exists()


def test_a_repository_cannot_move_its_work_tree(repo: Path, scratch: Scratch, tmp_path: Path) -> None:
    put(tmp_path / "decoy", {"clean.py": ""})
    git(repo, "config", "core.worktree", str(tmp_path / "decoy"))
    assert paths(read(repo, scratch)) == ["a.py", "sub/b.py"]


def test_references_that_are_links_or_pipes_are_not_followed(repo: Path, scratch: Scratch, tmp_path: Path) -> None:
    put(tmp_path / "large", {f"{number}": "x" for number in range(50)})
    (repo / ".git/refs/heads/folder").symlink_to(tmp_path / "large")
    (repo / ".git/refs/heads/dangling").symlink_to("/nowhere")
    os.mkfifo(repo / ".git/refs/heads/pipe")
    tree = read(repo, scratch)
    assert paths(tree) == ["a.py", "sub/b.py"]
    assert tree.git is not None
    assert [path.name for path in (tree.git / "refs/heads").iterdir()] == ["main"]


def _log(bare: Path, folder: Path) -> str:
    """The history as a scanner reads it."""
    env = {"PATH": os.environ["PATH"], "GIT_NO_REPLACE_OBJECTS": "1", "HOME": str(folder)}
    argv = ["git", f"--git-dir={bare}", "log", "--patch", "--all", "--full-history"]
    return subprocess.run(argv, env=env, capture_output=True, check=True, text=True).stdout


def test_the_history_holds_all_and_the_canary(repo: Path, scratch: Scratch) -> None:
    commit(repo, {"gone.py": "gone = 'once'\n"})
    (repo / "gone.py").unlink()
    commit(repo)
    git(repo, "checkout", "--quiet", "-b", "side")
    commit(repo, {"side.py": "side = 'branch'\n"})
    git(repo, "checkout", "--quiet", "main")
    tree = read(repo, scratch)
    bare = repository.history(tree, scratch() / "history", {"planted-1": b"canary one\n", "planted-2": b"canary two\n"})
    assert bare is not None
    log = _log(bare, repo)
    assert [word in log for word in ("gone = 'once'", "side = 'branch'", "canary one", "canary two")] == [True] * 4
    assert "canary" not in git(repo, "log", "--all", "--patch")


def test_the_canary_of_a_folder_lies_in_that_folder(repo: Path, scratch: Scratch) -> None:
    tree = read(repo / "sub", scratch)
    bare = repository.history(tree, scratch() / "history", {"planted": b"canary\n"})
    assert bare is not None
    assert "+++ b/sub/planted" in _log(bare, repo)


def test_no_name_of_a_branch_takes_its_history_away(repo: Path, scratch: Scratch) -> None:
    for name in ("hardgate-canary", "hardgate/x"):
        git(repo, "checkout", "--quiet", "--orphan", name)
        commit(repo, {"hidden.py": f"secret of {name}\n"})
    git(repo, "update-ref", "refs/hardgate/main", "HEAD")
    git(repo, "checkout", "--quiet", "main")
    bare = repository.history(read(repo, scratch), scratch() / "history", {"planted": b"canary\n"})
    assert bare is not None
    log = _log(bare, repo)
    assert all(f"secret of {name}" in log for name in ("hardgate-canary", "hardgate/x"))
    assert "+canary" in log


def test_replaced_objects_hide_no_history(repo: Path, scratch: Scratch) -> None:
    """`git replace` shows another object in place of one; the tools' environment turns that off."""
    bad = commit(repo, {"key.py": "key = 'in the history'\n"})
    (repo / "key.py").unlink()
    commit(repo)
    git(repo, "replace", bad, git(repo, "rev-parse", f"{bad}~1"))
    assert "in the history" not in git(repo, "log", "--all", "--patch", "HEAD")
    tree = read(repo, scratch)
    bare = repository.history(tree, scratch() / "history", {"planted": b"canary\n"})
    assert bare is not None
    log = borrowed.ask(bare, "log", "--patch", "HEAD").decode()
    assert "in the history" in log


# Private copies


def test_copies_have_contents_and_plain_names(tmp_path: Path, scratch: Scratch) -> None:
    root = tmp_path / "root"
    odd = [
        "-rf.py",
        "a\nb.py",
        "bell\x07.tf",
        "wri\u202etten.py",
        NO_UTF8,
        "zero\u200bwidth",
        "-dir/x.py",
        "t\tab/y.py",
    ]
    plain = ["two words.py", "naïve.py", "'quote\".py", "$(touch x).py", "a;b.py", "back\\slash.py", "日本.py"]
    put(root, {name: f"content of {name!r}" for name in (*odd, *plain)})
    git(root, "init", "--quiet")
    commit(root)
    tree = read(root, scratch)
    into = scratch()
    assert repository.stage(tree, into) == ()
    by_path = {entry.path: entry.private for entry in tree.entries}
    assert set(by_path) == {*odd, *plain}
    assert {name: by_path[name] for name in plain} == {name: name for name in plain}
    for name in odd:
        private = by_path[name]
        assert private.isascii()
        assert private.isprintable()
        assert not any(part.startswith("-") for part in private.split("/"))
    for name, private in by_path.items():
        assert (into / private).read_text() == f"content of {name!r}"
    assert by_path["a\nb.py"].endswith(".py")
    assert by_path["bell\x07.tf"].endswith(".tf")


def test_a_file_named_like_a_replacement_hides_no_other(tmp_path: Path, scratch: Scratch) -> None:
    root = tmp_path / "root"
    names = ["-a.py", *(f"{repository.ODD}{number}.py" for number in range(6)), f"{repository.INERT}x"]
    put(root, {name: f"content of {name}" for name in names})
    tree = read(root, scratch)
    into = scratch()
    assert repository.stage(tree, into) == ()
    assert sorted((into / entry.private).read_text() for entry in tree.entries) == sorted(
        f"content of {n}" for n in names
    )


PARTS = st.text(
    st.sampled_from([*"ab-.0 1\n\t", "\udce9", "é", *repository.ODD]) | st.characters(exclude_characters="/\0"),
    min_size=1,
    max_size=20,
).filter(lambda part: part not in {".", ".."})


@given(st.lists(st.lists(PARTS, min_size=1, max_size=3).map("/".join), unique=True, max_size=8))
def test_no_two_files_get_the_same_private_name(names: list[str]) -> None:
    private = [repository._private(name, number) for number, name in enumerate(names)]
    assert len(set(private)) == len(private)
    assert all(name.count("/") == one.count("/") for name, one in zip(names, private, strict=True))


@pytest.mark.parametrize("how", ["changed", "deleted", "a link", "a pipe", "in a linked folder", "grown"])
def test_a_file_that_changes_between_reading_and_copying_is_a_gap(how: str, repo: Path, scratch: Scratch) -> None:
    tree = read(repo, scratch)
    file = repo / "sub/b.py"
    match how:
        case "changed":
            file.write_text("b = 3\n")
        case "grown":
            file.write_text("b = 2\nb = 3\n")
        case "deleted":
            file.unlink()
        case "a link":
            (repo / "other").write_text("b = 2\n")
            file.unlink()
            file.symlink_to(repo / "other")
        case "a pipe":
            file.unlink()
            os.mkfifo(file)
        case _:
            (repo / "sub").rename(repo / "elsewhere")
            (repo / "sub").symlink_to(repo / "elsewhere")
    into = scratch()
    (gap,) = repository.stage(tree, into)
    assert (gap.reason, gap.path) == (GapReason.FILE_UNREAD, "sub/b.py")
    assert gap.message == "sub/b.py changed while it was read"
    view = scratch()
    repository.view(into, tree.entries, view, rename=lambda _path: "")
    assert (view / "a.py").read_text() == "a = 1\n"


def test_a_full_disk_is_an_error(repo: Path, scratch: Scratch) -> None:
    """A limit on the size of files stands for the disk: the write fails in the same way, and for every user."""
    put(repo, {"large.bin": "x" * 100_000})
    tree, into = read(repo, scratch), scratch()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(ToolError, match=r"^large\.bin could not be copied: File too large") as caught:
            repository.stage(tree, into)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "Free some space" in caught.value.hint


def test_a_disk_that_is_really_full_is_an_error(repo: Path, scratch: Scratch) -> None:
    put(repo, {"large.bin": "x" * 3_000_000})
    tree, into = read(repo, scratch), scratch()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(into)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a file system can only be mounted by root")
    try:
        with pytest.raises(ToolError, match="No space left on device"):
            repository.stage(tree, into)
    finally:
        subprocess.run(["umount", str(into)], check=True)


def test_a_view_has_just_its_entries_under_the_names_it_is_told(repo: Path, scratch: Scratch) -> None:
    commit(repo, {".bandit": "skips", "sub/.bandit": "skips", "-x.py": "dash"})
    tree, base, view = read(repo, scratch), scratch(), scratch()
    repository.stage(tree, base)
    chosen = [entry for entry in tree.entries if entry.path != "a.py"]
    rename = lambda path: repository.inert(path) if path.endswith(".bandit") else ""  # noqa: E731
    names = repository.view(base, chosen, view, rename=rename)
    there = sorted(path.relative_to(view).as_posix() for path in view.rglob("*") if path.is_file())
    private = next(entry.private for entry in tree.entries if entry.path == "-x.py")
    assert names == {
        f"{repository.INERT}.bandit": ".bandit", f"sub/{repository.INERT}.bandit": "sub/.bandit", private: "-x.py",
    }  # fmt: skip
    assert there == sorted([*names, "sub/b.py"])
    assert (view / private).read_text() == "dash"


def test_inert_names_of_different_files_differ() -> None:
    names = [f"{folder}/.bandit" for folder in ("a", "-a", "-b", "b\n")]
    assert len({repository.inert(name) for name in names}) == len(names)


# What changed


def test_what_changed_since_a_base(repo: Path, scratch: Scratch) -> None:
    git(repo, "checkout", "--quiet", "-b", "feature")
    commit(repo, {"added.py": "", "moved.py": "m = 1\n" * 20})
    git(repo, "branch", "middle")
    git(repo, "mv", "moved.py", "renamed.py")
    commit(repo, {"sub/b.py": "b = 3\n"})
    put(repo, {"unknown.py": "", "staged.py": ""})
    git(repo, "add", "staged.py")
    (repo / "a.py").unlink()
    tree = read(repo, scratch)
    outside = {"staged.py", "unknown.py", "a.py", "sub/b.py", "renamed.py"}
    assert repository.changed(tree, "main") == {"added.py", *outside}
    assert repository.changed(tree, "middle") == {"moved.py", *outside}
    assert repository.changed(read(repo / "sub", scratch), "main") == {"b.py"}


def test_what_the_base_got_since_is_no_change_of_ours(repo: Path, scratch: Scratch) -> None:
    git(repo, "checkout", "--quiet", "-b", "feature")
    commit(repo, {"mine.py": ""})
    git(repo, "checkout", "--quiet", "main")
    commit(repo, {"theirs.py": ""})
    git(repo, "checkout", "--quiet", "feature")
    assert repository.changed(read(repo, scratch), "main") == {"mine.py"}


def test_a_touched_file_did_not_change(repo: Path, scratch: Scratch) -> None:
    os.utime(repo / "a.py", (1, 1))
    assert repository.changed(read(repo, scratch), "HEAD") == frozenset()


def test_odd_names_among_the_changes(repo: Path, scratch: Scratch) -> None:
    names = {NO_UTF8, "li\nne.py", "two words.py", 'quo"te.py', "-dash.py"}
    commit(repo, dict.fromkeys(names, ""))
    assert repository.changed(read(repo, scratch), "HEAD~1") == names


def test_a_remote_branch_is_a_base(repo: Path, scratch: Scratch, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(repo), "clone")
    commit(tmp_path / "clone", {"mine.py": ""})
    assert repository.changed(read(tmp_path / "clone", scratch), "origin/main") == {"mine.py"}


@pytest.mark.parametrize(
    "base",
    ["mian", "", " ", "-", "--git-dir=/nowhere", "--all", "-q", "HEAD^{tree}", "HEAD:a.py", "main..HEAD",
     "0" * 40, "main\n", "@{upstream}"],
)  # fmt: skip
def test_a_base_that_is_none_is_refused(base: str, repo: Path, scratch: Scratch) -> None:
    with pytest.raises(ConfigError, match="is no commit of this repository") as caught:
        repository.changed(read(repo, scratch), base)
    assert "Nothing was run" in caught.value.hint


def test_a_base_without_a_common_commit_is_refused(repo: Path, scratch: Scratch) -> None:
    git(repo, "checkout", "--quiet", "--orphan", "stranger")
    commit(repo, {"s.py": ""})
    with pytest.raises(ConfigError, match="have no commit in common"):
        repository.changed(read(repo, scratch), "main")


def test_a_change_needs_a_repository(tmp_path: Path, scratch: Scratch) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(ConfigError, match="needs a git repository"):
        repository.changed(read(tmp_path / "plain", scratch), "main")
