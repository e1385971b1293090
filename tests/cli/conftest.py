"""A home with the real scanners and a store of its own, and small repositories to run them on."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.lab.command import Result, hardgate

Files = Mapping[str, str | bytes]
PIPELINE = "pipeline: small\nstages:\n  - name: scan\n    actions: [ruff]\n"
# ruff calls this S602: a shell with what the user typed, high by bandit's word for the same rule.
HOLE = "import subprocess\n\nsubprocess.run(input(), shell=True)\n"


@pytest.fixture
def home(tmp_path: Path, tools_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """HARDGATE_HOME: an empty store beside the installed tools."""
    folder = tmp_path / "hardgate-home"
    folder.mkdir()
    (folder / "tools").symlink_to(tools_folder)
    monkeypatch.setenv("HARDGATE_HOME", str(folder))
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Callable[..., Path]:
    """Makes a git repository with one commit of these files; `hardgate.yaml` runs ruff unless another is given."""

    def make(files: Files, *, pipeline: str = PIPELINE, name: str = "repository") -> Path:
        root = tmp_path / name
        for path, content in {"hardgate.yaml": pipeline, **files}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content.encode() if isinstance(content, str) else content)
        git(root, "init", "--quiet", "--initial-branch=main")
        commit(root)
        return root

    return make


def git(root: Path, *words: str) -> str:
    """Run git in `root`; what it prints."""
    done = subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(root: Path) -> str:
    """Commit everything; the commit."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message=a change")
    return git(root, "rev-parse", "HEAD")


def run(root: Path, *words: str, **more: str) -> Result:
    """`hardgate run ROOT --json` with these words."""
    return hardgate("run", str(root), "--json", *words, env=more)
