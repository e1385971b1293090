"""What a commit and a push bring: out of git's objects, in every shape that an index can have."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hardgate import staged
from hardgate.errors import ConfigError, ToolError
from tests.cli.conftest import commit, git


@pytest.fixture
def work(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    return root


@pytest.fixture
def looked(tmp_path: Path) -> Callable[..., staged.Staged]:
    """Lays out what is staged, or what `rows` are."""
    numbers = iter(range(100))

    def look(root: Path, **environ: str) -> staged.Staged:
        folder = tmp_path / f"look-{next(numbers)}"
        ours = staged.borrow(root, folder / "git", environ)
        rows = staged.index_changes(ours)
        into = folder / "tree"
        return staged.lay_out(ours, rows, into, root=root, exclude=lambda path: path.startswith("left/"), limit=1000)

    return look


def content(what: staged.Staged) -> dict[str, bytes]:
    return {entry.path: (what.base / entry.private).read_bytes() for entry in what.tree.entries}


def test_the_first_commit_and_a_file_that_the_work_tree_has_otherwise(
    work: Path, looked: Callable[..., staged.Staged]
) -> None:
    (work / "a.txt").write_text("staged\n")
    (work / "b.txt").write_text("staged\n")
    git(work, "add", ".")
    (work / "a.txt").write_text("edited away\n")
    (work / "b.txt").unlink()
    (work / "c.txt").write_text("not staged\n")
    assert content(looked(work)) == {"a.txt": b"staged\n", "b.txt": b"staged\n"}


def test_every_sort_of_entry(work: Path, looked: Callable[..., staged.Staged], tmp_path: Path) -> None:
    for name in ("gone", "moved", "same", "part", "kind"):
        (work / name).write_text(f"{name}\n" * 9)
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    commit(other)
    commit(work)
    (work / "gone").unlink()
    (work / "moved").rename(work / "new name")
    (work / "part").write_text("first\n")
    (work / "kind").unlink()
    (work / "kind").symlink_to("/etc/passwd")
    (work / "bytes").write_bytes(bytes(range(256)))
    (work / "-dash\n").write_bytes(b"odd\r\n\n")
    (work / "link-\udcff").symlink_to("same")
    (work / "large").write_bytes(b"x" * 1001)
    (work / "pointer").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    (work / "left").mkdir()
    (work / "left" / "out").write_text("excluded\n")
    git(work, "add", "--all")
    head = git(other, "rev-parse", "HEAD")
    git(work, "update-index", "--add", "--cacheinfo", f"160000,{head},module")
    (work / "part").write_text("second\n")
    what = looked(work)
    assert content(what) == {
        "new name": b"moved\n" * 9, "part": b"first\n", "kind": b"/etc/passwd", "bytes": bytes(range(256)),
        "-dash\n": b"odd\r\n\n", "link-\udcff": b"same",
    }  # fmt: skip
    assert what.links == {"kind", "link-\udcff"}
    assert what.tree.excluded == 1
    assert sorted(gap.path for gap in what.tree.gaps) == ["large", "module", "pointer"]
    assert all("\n" not in entry.private for entry in what.tree.entries)
    assert what.tree.commit == git(work, "rev-parse", "HEAD")


def test_the_index_that_git_hands_to_its_hooks(work: Path, looked: Callable[..., staged.Staged]) -> None:
    """`git commit PATH` makes another index than the one that lies there."""
    (work / "a").write_text("a\n")
    (work / "b").write_text("b\n")
    git(work, "add", "a", "b")
    shutil.copyfile(work / ".git" / "index", work / ".git" / "next-index")
    git(work, "rm", "--quiet", "--cached", "b")
    assert set(content(looked(work))) == {"a"}
    assert set(content(looked(work, GIT_INDEX_FILE=".git/next-index"))) == {"a", "b"}
    with pytest.raises(ToolError, match=r"the index \.git/none could not be read"):
        looked(work, GIT_INDEX_FILE=".git/none")


def test_a_second_work_tree(work: Path, looked: Callable[..., staged.Staged], tmp_path: Path) -> None:
    commit(work)
    second = tmp_path / "second"
    git(work, "worktree", "add", "--quiet", str(second))
    (second / "here").write_text("x")
    git(second, "add", ".")
    assert set(content(looked(second))) == {"here"}
    assert not content(looked(work))
    assert set(content(looked(second, GIT_DIR=git(second, "rev-parse", "--absolute-git-dir")))) == {"here"}


def test_an_object_that_is_not_there_is_a_gap(work: Path, looked: Callable[..., staged.Staged]) -> None:
    (work / "a").write_text("a\n")
    git(work, "add", "a")
    blob = git(work, "rev-parse", ":a")
    (work / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    what = looked(work)
    assert not what.tree.entries
    assert [gap.path for gap in what.tree.gaps] == ["a"]


def test_a_conflict_is_refused(work: Path, looked: Callable[..., staged.Staged]) -> None:
    (work / "a").write_text("a\n")
    git(work, "add", "a")
    blob = git(work, "rev-parse", ":a")
    git(work, "rm", "--quiet", "--cached", "a")
    rows = work.parent / "rows"
    rows.write_text("".join(f"100644 {blob} {stage}\ta\n" for stage in (1, 2, 3)))
    os.system(f"cd '{work}' && git update-index --index-info < '{rows}'")
    with pytest.raises(ToolError, match="a is not merged yet"):
        looked(work)


def test_outside_git(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is in no git repository"):
        staged.borrow(tmp_path, tmp_path / "git", {})
    with pytest.raises(ConfigError, match="is in no git repository"):
        staged.top(tmp_path)


def test_files_of_the_index_and_of_a_commit_by_name(work: Path, tmp_path: Path) -> None:
    (work / ".hardgate").mkdir()
    (work / ".hardgate" / "waivers.yaml").write_text("[]\n")
    (work / "hardgate.yaml").write_text("committed\n")
    first = commit(work)
    (work / "hardgate.yaml").write_text("staged\n")
    git(work, "add", ".")
    (work / "hardgate.yaml").write_text("edited\n")
    ours = staged.borrow(work, tmp_path / "git", {})
    names = ("hardgate.yaml", ".hardgate", "setup.cfg")
    waivers = {".hardgate/waivers.yaml": b"[]\n"}
    assert staged.kept(ours, "", names) == {"hardgate.yaml": b"staged\n", **waivers}
    assert staged.kept(ours, first, names) == {"hardgate.yaml": b"committed\n", **waivers}
    (work / "hardgate.yaml").unlink()
    (work / "hardgate.yaml").symlink_to("elsewhere")
    git(work, "add", ".")
    ours = staged.borrow(work, tmp_path / "again", {})
    with pytest.raises(ConfigError, match=r"hardgate\.yaml is no regular file"):
        staged.kept(ours, "", names)


def test_what_a_push_brings(work: Path, tmp_path: Path) -> None:
    remote = tmp_path / "remote.git"
    git(work, "init", "--quiet", "--bare", str(remote))
    git(work, "remote", "add", "origin", str(remote))
    commits = [commit(work) for _ in range(2)]
    (work / "a").write_text("a\n")
    commits.append(commit(work))
    zeros = "0" * 40
    lines = f"refs/heads/main {commits[2]} refs/heads/main {zeros}\n(delete) {zeros} refs/heads/old {commits[0]}\n"
    given = staged.pushes(lines)
    assert given == [staged.Push("refs/heads/main", commits[2], "")]

    def span(pushes: list[staged.Push], name: str) -> tuple[str, int]:
        tips, found = staged.pushed(staged.borrow(work, tmp_path / name, {}), pushes, "origin")
        assert not found.shallow
        return tips[0].old, found.commits

    assert span(given, "1") == ("", 3)  # nothing is known of the remote: all of it
    git(work, "push", "--quiet", "origin", f"{commits[0]}:refs/heads/main")
    git(work, "fetch", "--quiet", "origin")
    assert span(given, "2") == (commits[0], 2)  # a new branch: since it left what the remote has
    assert span([staged.Push("x", commits[2], commits[1])], "3") == (commits[1], 1)
    unknown = staged.Push("x", commits[2], "1" * 40)
    assert span([unknown], "4") == (commits[0], 2)  # what the remote has there was never fetched
    git(work, "tag", "--annotate", "--message=v1", "v1")
    assert span([staged.Push("refs/tags/v1", git(work, "rev-parse", "v1"), "")], "5") == (commits[0], 2)
    ours = staged.borrow(work, tmp_path / "6", {})
    assert [row.path for row in staged.commit_changes(ours, commits[0], commits[2])] == ["a"]
    with pytest.raises(ToolError, match="v2 names no commit"):
        staged.pushed(ours, [staged.Push("v2", git(work, "rev-parse", "HEAD:a"), "")], "origin")


def test_a_shallow_clone_says_where_it_ends(work: Path, tmp_path: Path) -> None:
    tip = [commit(work) for _ in range(3)][-1]
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{work}", str(clone))
    ours = staged.borrow(clone, tmp_path / "git", {})
    _, span = staged.pushed(ours, [staged.Push("main", tip, "")], "elsewhere")
    assert span.shallow
    (clone / "new").write_text("x")
    new = commit(clone)
    ours = staged.borrow(clone, tmp_path / "again", {})
    _, span = staged.pushed(ours, [staged.Push("main", new, "")], "origin")
    assert (span.shallow, span.commits) == (False, 1)


@pytest.mark.parametrize("line", ["main", "a b c d", f"main {'1' * 40} main", f"main {'1' * 40} main {'2' * 39}"])
def test_lines_of_another_form_are_refused(line: str) -> None:
    with pytest.raises(ConfigError, match="no line of git's pre-push"):
        staged.pushes(line)
