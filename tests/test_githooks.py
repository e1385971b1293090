"""The files by which git calls hardgate: where they go, and what they leave alone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from hardgate import githooks
from hardgate.errors import ConfigError
from tests.cli.conftest import commit, git


@pytest.fixture
def work(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    return root


def program(folder: Path, code: int = 0) -> Path:
    """A command that writes down its words and its standard input, in the place of hardgate."""
    file = folder / "it's hardgate"
    file.write_text(f'#!/bin/sh\necho "$*" >> "{folder}/called"\ncat >> "{folder}/called"\nexit {code}\n')
    file.chmod(0o755)
    return file


def states(root: Path, **more: Path) -> list[str]:
    return [hook.state for hook in githooks.look(root, os.environ, **more)]


def test_git_calls_what_is_installed_until_it_is_taken_back(work: Path, tmp_path: Path) -> None:
    hardgate = program(tmp_path, code=1)
    assert states(work, program=hardgate) == ["missing", "missing"]
    assert [hook.state for hook in githooks.install(work, os.environ, chain=False, program=hardgate)] == [
        "installed"
    ] * 2
    assert states(work) == ["outdated"] * 2  # another installation of hardgate
    refused = subprocess.run(
        ["git", "commit", "--allow-empty", "-m", "x"], cwd=work, check=False, stdin=subprocess.DEVNULL
    )
    assert refused.returncode == 1
    assert (tmp_path / "called").read_text() == "hooks run pre-commit\n"
    hardgate.unlink()  # moved away: the hardgate of PATH does it
    found = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    (tmp_path / "bin").mkdir()
    program(tmp_path).rename(tmp_path / "bin" / "hardgate")
    subprocess.run(
        ["git", "commit", "--quiet", "--allow-empty", "-m", "x"],
        cwd=work,
        check=True,
        env=found,
        stdin=subprocess.DEVNULL,
    )
    (tmp_path / "bin" / "hardgate").unlink()
    bare = {**os.environ, "PATH": "/usr/bin:/bin"}
    gone = subprocess.run(
        ["git", "commit", "--allow-empty", "-m", "x"], cwd=work, check=False, env=bare, capture_output=True, text=True
    )
    assert gone.returncode != 0
    assert "hardgate is not there any more, so nothing was looked at" in gone.stderr
    assert len(githooks.uninstall(work, os.environ)) == 2
    assert not githooks.uninstall(work, os.environ)
    commit(work)


def test_a_hook_of_the_users_own_is_never_overwritten(work: Path, tmp_path: Path) -> None:
    own = work / ".git" / "hooks" / "pre-push"
    own.parent.mkdir(exist_ok=True)
    own.write_text(f'#!/bin/sh\necho "own $*" >> "{tmp_path}/own"\ncat >> "{tmp_path}/own"\n')
    own.chmod(0o755)
    text, hardgate = own.read_text(), program(tmp_path)
    with pytest.raises(ConfigError, match="there is a pre-push hook already, and it is not hardgate's"):
        githooks.install(work, os.environ, chain=False, program=hardgate)
    assert own.read_text() == text
    assert states(work) == ["missing", "another's"]  # neither was written
    githooks.install(work, os.environ, chain=True, program=hardgate)
    assert states(work, program=hardgate) == ["installed"] * 2
    githooks.install(work, os.environ, chain=True, program=hardgate)  # once more changes nothing
    git(work, "init", "--quiet", "--bare", str(tmp_path / "remote.git"))
    commit(work)
    git(work, "push", "--quiet", str(tmp_path / "remote.git"), "main")
    line = f"refs/heads/main {git(work, 'rev-parse', 'main')} refs/heads/main {'0' * 40}\n"
    place = str(tmp_path / "remote.git")
    assert (tmp_path / "own").read_text() == f"own {place} {place}\n{line}"
    assert (tmp_path / "called").read_text().endswith(f"hooks run pre-push {place} {place}\n{line}")
    (work / "refusing").write_text("#!/bin/sh\nexit 7\n")
    (work / "refusing").chmod(0o755)
    kept = own.with_name("pre-push.before-hardgate")
    kept.write_text("#!/bin/sh\nexit 7\n")
    called = (tmp_path / "called").read_text()
    refused = subprocess.run(["git", "push", str(tmp_path / "remote.git"), "main:other"], cwd=work, check=False)
    assert refused.returncode != 0
    assert (tmp_path / "called").read_text() == called  # the user's own comes first
    kept.write_text(text)
    githooks.uninstall(work, os.environ)
    assert own.read_text() == text
    assert states(work) == ["missing", "another's"]


def test_two_hooks_of_before_are_one_too_many(work: Path) -> None:
    folder = work / ".git" / "hooks"
    folder.mkdir(exist_ok=True)
    for name in ("pre-commit", "pre-commit.before-hardgate"):
        (folder / name).write_text("#!/bin/sh\n")
    with pytest.raises(ConfigError, match="there are both"):
        githooks.install(work, os.environ, chain=True)


def test_where_git_is_told_to_look(work: Path, tmp_path: Path) -> None:
    git(work, "config", "core.hooksPath", "tools/hooks")
    githooks.install(work, os.environ, chain=False, program=program(tmp_path))
    assert sorted(file.name for file in (work / "tools" / "hooks").iterdir()) == ["pre-commit", "pre-push"]
    commit(work)
    git(work, "config", "--unset", "core.hooksPath")
    second = tmp_path / "second"
    git(work, "worktree", "add", "--quiet", str(second))
    assert {hook.file.parent for hook in githooks.look(second, os.environ)} == {work / ".git" / "hooks"}
    shared = tmp_path / "gitconfig"
    shared.write_text(f"[core]\n\thooksPath = {tmp_path}/company\n")
    with pytest.raises(ConfigError, match=r"core\.hooksPath is .*company, outside of this repository"):
        githooks.install(work, {**os.environ, "GIT_CONFIG_GLOBAL": str(shared)}, chain=True)
    assert not (tmp_path / "company").exists()


def test_outside_git(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is in no git repository"):
        githooks.install(tmp_path, os.environ, chain=False)
