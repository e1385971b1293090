"""`.pre-commit-hooks.yaml`, by the real pre-commit (https://pre-commit.com), against a clone of what it reads.

Only `language` differs from what a user writes: with `python`, pre-commit would install hardgate and all that it needs
from PyPI, and a test has no network. What is started is the hardgate of these tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import commit, git
from tests.cli.test_hooks import CLEAN, ONLY_SECRETS, SECRET

pytestmark = pytest.mark.real

MANIFEST = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"
BIN = Path(sys.executable).parent


def test_others_use_hardgate_from_pre_commit(home: Path, repository: Callable[..., Path], tmp_path: Path) -> None:
    source = tmp_path / "hardgate"
    source.mkdir()
    git(source, "init", "--quiet", "--initial-branch=main")
    shutil.copyfile(MANIFEST, source / MANIFEST.name)
    hooks = [{"id": one["id"], "language": "system"} for one in yaml.safe_load(MANIFEST.read_text())]
    wanted = {
        "default_install_hook_types": ["pre-commit", "pre-push"],
        "repos": [{"repo": str(source), "rev": commit(source), "hooks": hooks}],
    }
    root = repository({"app.py": CLEAN, ".pre-commit-config.yaml": yaml.safe_dump(wanted)}, pipeline=ONLY_SECRETS)
    git(root, "init", "--quiet", "--bare", str(tmp_path / "remote.git"))
    git(root, "remote", "add", "origin", str(tmp_path / "remote.git"))
    env = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "cache"), "PATH": f"{BIN}:{os.environ['PATH']}"}

    def tried(*words: str) -> tuple[int, str]:
        done = subprocess.run(words, cwd=root, env=env, check=False, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    code, said = tried(str(BIN / "pre-commit"), "install")
    assert code == 0, said
    code, said = tried("git", "push", "--quiet", "origin", "main")  # the first push of a root commit
    assert code == 0, said
    (root / "app.py").write_text(SECRET)
    git(root, "add", "--all")
    (root / "app.py").write_text(CLEAN)
    code, said = tried("git", "commit", "--message=a change")
    assert code == 1
    assert "app.py:3: critical" in said
    assert "hardgate refuses this commit (FAIL)" in said
    git(root, "commit", "--quiet", "--no-verify", "--message=in a hurry")
    git(root, "commit", "--quiet", "--all", "--no-verify", "--message=gone")
    code, said = tried("git", "push", "origin", "main")
    assert code != 0
    assert "2 commits and 0 files, looked at by gitleaks-history" in said
    git(root, "reset", "--quiet", "--hard", "HEAD~2")
    (root / "other.py").write_text(CLEAN)
    git(root, "add", "--all")
    code, said = tried("git", "commit", "--message=a good one")
    assert code == 0, said
    code, said = tried("git", "push", "origin", "main")
    assert code == 0, said
