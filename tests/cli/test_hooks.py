"""Git's hooks with the real tools: what is staged is looked at, and what gets past them the pipeline catches."""

from __future__ import annotations

import datetime
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from hardgate.model import ExitCode
from tests.cli.conftest import commit, git, run
from tests.lab.command import Result, hardgate

pytestmark = pytest.mark.real

# Put together here, so that no scanner takes this file for a leak.
KEY = "".join(("AK", "IA", "Q3EXAMPLQ7B2", "NVKT"))[:20]
CLEAN = '"""A module."""\n\nANSWER = 42\n'
SECRET = f'"""A module."""\n\naws_access_key_id = "{KEY}"\n'
ONLY_SECRETS = "pipeline: small\nstages: [{name: scan, actions: [gitleaks]}]\nhooks: {pre-commit: [gitleaks]}\n"


def try_git(root: Path, *words: str) -> Result:
    done = subprocess.run(["git", *words], cwd=root, check=False, capture_output=True, text=True)
    return Result(code=ExitCode.FAIL if done.returncode else ExitCode.PASS, stdout=done.stdout, stderr=done.stderr)


def try_commit(root: Path) -> Result:
    return try_git(root, "commit", "--quiet", "--message=a change")


def test_a_commit_is_looked_at_as_it_is_staged(home: Path, tmp_path: Path) -> None:
    """The first commit of a repository without hardgate.yaml: all five checks, by default."""
    root = tmp_path / "new"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    installed = hardgate("hooks", "install", cwd=root)
    assert installed.code is ExitCode.PASS, installed.stderr
    (root / "app.py").write_text(SECRET)
    (root / "shell.py").write_text('"""A module."""\n\nimport subprocess\n\nsubprocess.run(input(), shell=True)\n')
    (root / "style.py").write_text('"""A module."""\n\nimport os\nx = { 1 : 2}\n')
    (root / "notes.md").write_text("Nothing.\n")
    git(root, "add", "--all")
    (root / "app.py").write_text(CLEAN)  # edited away: what is staged still has it
    refused = try_commit(root)
    assert refused.code is ExitCode.FAIL
    assert "app.py:3: critical:" in refused.stderr
    assert "[detect-secrets AWS Access Key, gitleaks aws-access-token]" in refused.stderr
    assert "shell.py:5: high:" in refused.stderr
    assert "style.py:4: style: is not as Black would write it [black would-reformat]" in refused.stderr
    assert "style.py:3: style: 'os' imported but unused [flake8 F401]" in refused.stderr
    assert "hardgate refuses this commit (FAIL)" in refused.stderr
    assert KEY not in refused.stderr
    git(root, "add", "app.py")
    (root / "shell.py").unlink()
    (root / "style.py").unlink()
    git(root, "add", "--all")
    (root / "app.py").write_text(SECRET)  # not staged: none of this commit's business
    went = try_commit(root)
    assert went.code is ExitCode.PASS, went.stderr
    assert "2 staged files, looked at by gitleaks, detect-secrets, ruff, black, flake8" in went.stderr
    git(root, "rm", "--quiet", "--cached", "notes.md")
    gone = try_commit(root)  # what is deleted brings nothing
    assert "0 staged files, nothing to look at" in gone.stderr
    assert git(root, "rev-list", "--count", "HEAD") == "2"


def test_what_gets_past_the_hooks_the_next_ones_and_the_pipeline_catch(
    home: Path, repository: Callable[..., Path], tmp_path: Path
) -> None:
    root = repository({"app.py": CLEAN}, pipeline=ONLY_SECRETS)
    git(root, "init", "--quiet", "--bare", str(tmp_path / "remote.git"))
    git(root, "remote", "add", "origin", str(tmp_path / "remote.git"))
    git(root, "push", "--quiet", "origin", "main")
    assert hardgate("hooks", "install", cwd=root).code is ExitCode.PASS
    (root / "app.py").write_text(SECRET)
    git(root, "commit", "--quiet", "--all", "--no-verify", "--message=in a hurry")
    (root / "app.py").write_text(CLEAN)
    git(root, "commit", "--quiet", "--all", "--no-verify", "--message=gone, is it?")
    refused = try_git(root, "push", "origin", "main")
    assert refused.code is ExitCode.FAIL
    assert "[gitleaks aws-access-token]" in refused.stderr
    assert "refs/heads/main: 2 commits and 0 files, looked at by gitleaks-history" in refused.stderr
    assert git(root, "ls-remote", "origin", "main").split()[0] == git(root, "rev-parse", "HEAD~2")
    caught = run(root, "--action", "gitleaks")
    assert [one["rule"] for one in caught.json["findings"]] == ["aws-access-token"]
    assert caught.json["verdict"]["blocks"]
    git(root, "push", "--quiet", "--no-verify", "origin", "main")
    (root / "app.py").write_text(f"{CLEAN}OTHER = 43\n")
    git(root, "commit", "--quiet", "--all", "--no-verify", "--message=on top")
    went = try_git(root, "push", "origin", "main", "main:refs/heads/copy")
    assert went.code is ExitCode.PASS, went.stderr  # the remote has the rest already
    assert "refs/heads/main: 1 commit and 1 file, looked at by gitleaks" in went.stderr


def test_what_cannot_be_looked_at_refuses_the_commit(
    home: Path, repository: Callable[..., Path], tmp_path: Path
) -> None:
    root = repository({"app.py": CLEAN}, pipeline=f"{ONLY_SECRETS}limits: {{file_size: 300}}\n")
    (root / "large.bin").write_bytes(bytes(301))
    git(root, "add", "--all")
    large = hardgate("hooks", "run", "pre-commit", cwd=root)
    assert large.code is ExitCode.INCOMPLETE
    assert "large.bin has 301 bytes, more than limits.file_size (300), and was not looked at" in large.stderr
    git(root, "rm", "--quiet", "--cached", "large.bin")
    (root / "new.py").write_text(CLEAN)
    git(root, "add", "new.py")
    empty = tmp_path / "empty-home"
    (empty / "tools").mkdir(parents=True)
    missing = hardgate("hooks", "run", "pre-commit", cwd=root, env={"HARDGATE_HOME": str(empty)})
    assert missing.code is ExitCode.INCOMPLETE
    assert "gitleaks 8.30.1 is not installed" in missing.stderr
    assert "hardgate tools sync gitleaks" in missing.stderr
    (root / "hardgate.yaml").write_text(f"{ONLY_SECRETS}hooks: 1\n")
    git(root, "add", "--all")
    wrong = hardgate("hooks", "run", "pre-commit", cwd=root)
    assert wrong.code is ExitCode.USAGE
    assert "the staged hardgate.yaml" in wrong.stderr


def test_a_file_is_looked_at_once_and_a_waiver_counts(home: Path, repository: Callable[..., Path]) -> None:
    root = repository({"README": "x\n"}, pipeline=ONLY_SECRETS)
    (root / "app.py").write_text(SECRET)
    git(root, "add", "--all")
    first = hardgate("hooks", "run", "pre-commit", cwd=root)
    kept = list((home / "cache" / "hooks").iterdir())
    assert [len(msgspec.json.decode(one.read_bytes())) for one in kept] == [1]
    again = hardgate("hooks", "run", "pre-commit", cwd=root)
    assert (first.code, again.code) == (ExitCode.FAIL, ExitCode.FAIL)
    assert first.stderr.splitlines()[:-1] == again.stderr.splitlines()[:-1]
    kept[0].write_bytes(kept[0].read_bytes()[:-9])  # half written: asked anew
    assert hardgate("hooks", "run", "pre-commit", cwd=root).code is ExitCode.FAIL
    [answers] = msgspec.json.decode(kept[0].read_bytes()).values()
    until = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=9)).date().isoformat()
    waiver = {"id": answers[0]["id"], "reason": "made up", "owner": "ada", "until": until}
    policy = f"policy: {{waivers: [{msgspec.json.encode(waiver).decode()}]}}\n"
    (root / "hardgate.yaml").write_text(ONLY_SECRETS + policy)
    assert hardgate("hooks", "run", "pre-commit", cwd=root).code is ExitCode.FAIL  # it is not staged
    git(root, "add", "hardgate.yaml")
    waived = hardgate("hooks", "run", "pre-commit", cwd=root)
    assert waived.code is ExitCode.PASS, waived.stderr
    assert "1 finding waived, in writing" in waived.stderr
    (root / "hardgate.yaml").write_text(f"{ONLY_SECRETS}exclude: [app.py]\n")
    git(root, "add", "hardgate.yaml")
    assert "2 staged files (1 left out by `exclude`), looked" in hardgate("hooks", "run", "pre-commit", cwd=root).stderr


def test_the_words_of_install_status_and_uninstall(home: Path, repository: Callable[..., Path]) -> None:
    root = repository({}, pipeline=ONLY_SECRETS)
    before = hardgate("hooks", "status", cwd=root)
    assert before.code is ExitCode.INCOMPLETE
    assert "pre-commit  missing" in before.stdout
    hardgate("hooks", "install", "--path", str(root))
    after = hardgate("hooks", "status", cwd=root)
    assert after.code is ExitCode.PASS
    assert "pre-commit looks with gitleaks\n" in after.stdout
    assert "and with gitleaks at each pushed commit" in after.stdout
    (root / "app.py").write_text(CLEAN)
    commit(root)
    (root / "app.py").write_text(SECRET)  # not staged: git makes another index of it
    for words in (["--all"], ["app.py"]):
        refused = try_git(root, "commit", "--message=a change", *words)
        assert refused.code is ExitCode.FAIL
        assert "app.py:3: critical" in refused.stderr
    git(root, "checkout", "--quiet", "app.py")
    assert "pre-push is removed" in hardgate("hooks", "uninstall", cwd=root).stdout
    assert commit(root)
    assert not (root / ".git" / "hooks" / "pre-commit").exists()


def test_a_hook_loads_and_starts_little(
    home: Path, repository: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a commit waits for, counted: modules of hardgate's, and starts of git. Seconds depend on the machine."""
    root = repository({"notes.md": "Nothing.\n"}, pipeline=ONLY_SECRETS)
    (root / "notes.md").write_text("Something.\n")
    git(root, "add", "--all")
    real, counted = shutil.which("git"), tmp_path / "bin" / "git"
    counted.parent.mkdir()
    counted.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/starts\nexec {real} "$@"\n')
    counted.chmod(0o755)
    monkeypatch.setenv("PATH", str(counted.parent), prepend=os.pathsep)
    words = "from hardgate.cli.main import main; raise SystemExit(main(['hooks', 'run', 'pre-commit']))"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", words], cwd=root, check=False, capture_output=True, text=True
    )
    assert done.returncode == ExitCode.PASS, done.stderr
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    for part in ("advisories", "basis", "canary", "environments", "reporters", "routes", "steps", "store"):
        assert not {name for name in loaded if f"{name}.".startswith(f"hardgate.{part}.")}
    assert not loaded & {"sqlalchemy", "http.client", "urllib.request", "importlib.metadata"}
    assert len([name for name in loaded if name.startswith("hardgate.")]) <= 115
    assert len((tmp_path / "starts").read_text().splitlines()) <= 6
