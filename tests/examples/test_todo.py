"""examples/todo: it works, and its pipeline and hooks pass with the real scanners."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hardgate.model import ExitCode
from tests.cli.conftest import commit, git
from tests.lab import advisory_db
from tests.lab.command import hardgate

TODO = Path(__file__).parents[2] / "examples" / "todo"


def test_its_own_tests_pass(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={TODO}", "tests"]
    done = subprocess.run(words, cwd=TODO, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\b1\d passed|\[100%\]", done.stdout)


def test_what_it_needs_is_pinned_with_hashes_and_the_registries_are_said_alike() -> None:
    lines = (TODO / "requirements.txt").read_text().splitlines()
    pins = {line.partition("==")[0] for line in lines if "==" in line}
    assert {"flask", "gunicorn"} <= pins
    assert sum("--hash=sha256:" in line for line in lines) >= 2 * len(pins)
    pipeline = yaml.safe_load((TODO / "hardgate.yaml").read_text())
    [[hadolint]] = [stage["actions"] for stage in pipeline["stages"] if stage["name"] == "dockerfile"]
    beside = yaml.safe_load((TODO / ".hadolint.yaml").read_text())
    assert hadolint["hadolint"]["trusted_registries"] == beside["trustedRegistries"] == ["docker.io"]


@pytest.mark.real
def test_its_pipeline_and_its_hooks_pass(tmp_path: Path, tools_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "tools").symlink_to(tools_folder)
    monkeypatch.setenv("HARDGATE_HOME", str(home))
    monkeypatch.setenv("HARDGATE_ADVISORIES", str(advisory_db.fill(tmp_path / "advisories")))
    root = tmp_path / "todo"
    shutil.copytree(TODO, root, ignore=shutil.ignore_patterns("__pycache__", "*.db", ".venv"))
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", "--all")
    hook = hardgate("hooks", "run", "pre-commit", cwd=root)
    assert hook.code is ExitCode.PASS, hook.stderr
    assert "looked at by gitleaks, detect-secrets, ruff, black, flake8, hadolint" in hook.stderr
    commit(root)
    result = hardgate("run", str(root), "--json")
    assert result.json["gaps"] == []
    assert result.json["findings"] == []
    assert result.code is ExitCode.PASS
    assert {one["action"]: one["state"] for one in result.json["receipts"]} == dict.fromkeys(
        ("bandit", "pip-audit", "semgrep", "dataflow", "gitleaks", "cyclonedx", "hadolint"), "done"
    )
    # The same file shuts the gate when the base image comes from elsewhere.
    dockerfile = root / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("FROM python", "FROM registry.example/python"))
    elsewhere = hardgate("run", str(root), "--json")
    assert elsewhere.code is ExitCode.FAIL
    assert [one["rule"] for one in elsewhere.json["findings"]] == ["DL3026"]
