"""An override from the first run to the last, as users do it: with a real scanner, over a real repository."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest

from hardgate.cli import who
from hardgate.errors import ConfigError
from hardgate.model import ExitCode
from tests.cli.conftest import HOLE, commit, run
from tests.lab.command import hardgate

Make = Callable[..., Path]
ACTIONS = {"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "ada", "GITHUB_STEP_SUMMARY": ""}


@pytest.mark.real
def test_a_hole_is_shipped_once(home: Path, repository: Make) -> None:
    root = repository({"app.py": HOLE})
    assert run(root).code is ExitCode.FAIL
    words = ["--path", str(root), "--reason", "payments are down", "--ticket", "SEC-1"]
    asked = hardgate("override", "request", *words, env=ACTIONS)
    assert "was asked for by ada (GITHUB_ACTOR)" in asked.stdout
    name = asked.stdout.split()[0]
    assert hardgate("override", "grant", name, env=ACTIONS).code is ExitCode.USAGE
    granted = hardgate("override", "grant", name, "--hours", "1", env=ACTIONS | {"GITHUB_ACTOR": "grace"})
    assert granted.code is ExitCode.PASS, granted.stderr

    shipped = run(root)
    assert shipped.code is ExitCode.PASS
    assert shipped.json["verdict"]["outcome"] == "FAIL"
    assert shipped.json["verdict"]["override"]["id"] == name
    assert shipped.json["verdict"]["override"]["granter"] == "grace (GITHUB_ACTOR)"

    again = run(root)
    assert again.code is ExitCode.FAIL
    [warning] = again.json["verdict"]["warnings"]
    assert f"{name} opens nothing here: it was used by run {shipped.json['run']['id']}" in warning
    (root / "app.py").write_text(HOLE + "# changed\n")
    commit(root)
    assert run(root).json["verdict"]["override"] is None
    audit = hardgate("audit", "verify", "--evidence", "--head", shipped.stderr.split("record ")[1].split()[1][:64])
    assert audit.code is ExitCode.PASS, audit.stdout


# Who asks


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without a git configuration, and no CI service."""
    for name in ("GITHUB_ACTIONS", "GITHUB_ACTOR", "GITLAB_CI", "GITLAB_USER_LOGIN", "CODEBUILD_BUILD_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_the_sources_of_a_name_in_their_order(nobody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = pwd.getpwuid(os.getuid()).pw_name
    assert (who.asking().name, who.asking().source) == (account, "system user")
    (nobody / ".gitconfig").write_text("[user]\n\temail = ada@example.org\n")
    assert (who.asking().name, who.asking().source) == ("ada@example.org", "git config")
    monkeypatch.setenv("CODEBUILD_INITIATOR", "pipeline/x")
    assert who.asking().source == "git config", "no build of CodeBuild runs here"
    monkeypatch.setenv("CODEBUILD_BUILD_ID", "x:1")
    assert (who.asking().name, who.asking().source) == ("pipeline/x", "CODEBUILD_INITIATOR")
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("GITLAB_USER_LOGIN", "grace")
    assert (who.asking().name, who.asking().source) == ("grace", "GITLAB_USER_LOGIN")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_ACTOR", "linus")
    assert (who.asking().name, who.asking().source) == ("linus", "GITHUB_ACTOR")
    assert (who.asking(" eve\x1b ").name, who.asking("eve").source) == ("eve\\x1b", "--by")
    assert who.asking("eve").account.startswith(f"{account}@")
    with pytest.raises(ConfigError, match="--by is empty"):
        who.asking(" ")


def test_the_configuration_of_the_repository_names_nobody(
    nobody: Path, repository: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = repository({"a.py": ""})
    (root / ".git" / "config").write_text("[user]\n\temail = mallory@example.org\n")
    monkeypatch.chdir(root)
    assert who.asking().source == "system user"
