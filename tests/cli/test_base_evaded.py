"""Ways around the base: each was one until it was tried."""

from __future__ import annotations

import argparse
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hardgate.cli import common, judged
from hardgate.model import ExitCode
from tests.cli.conftest import HOLE, commit, git, run
from tests.cli.test_base import STRICT, WAIVERS, states, write
from tests.cli.test_base import until as until  # noqa: PLC0414 (a fixture)
from tests.cli.test_run import _counting
from tests.lab.command import EXECUTABLE, hardgate
from tests.lab.tools import command

Make = Callable[..., Path]

pytestmark = pytest.mark.real


def test_a_result_under_the_changes_own_configuration_is_not_used_again_with_a_base(
    home: Path, repository: Make
) -> None:
    root = repository({"readme.py": "x = 1\n"}, pipeline=STRICT.replace("[ruff]", "[{ruff: {honour_config: true}}]"))
    git(root, "checkout", "--quiet", "-b", "change")
    write(root, {"app.py": HOLE, "ruff.toml": '[lint.per-file-ignores]\n"*" = ["S602"]\n'})
    commit(root)
    assert states(run(root, "--no-base")) == {}
    assert states(run(root, "--base", "main")) == {"S602": "blocking"}


@pytest.mark.parametrize("place", ["link", "above"])
def test_a_pipeline_of_the_repository_is_the_bases_wherever_it_lies(home: Path, repository: Make, place: str) -> None:
    name = "services/api/hardgate.yaml" if place == "link" else "ci.yaml"
    root = repository({name: STRICT, "services/api/app.py": "x = 1\n"})
    git(root, "checkout", "--quiet", "-b", "change")
    write(root, {"services/api/app.py": HOLE})
    weak = STRICT.replace("high", "never")
    if place == "link":
        write(root, {"weak.yaml": weak})
        (root / name).unlink()
        (root / name).symlink_to("../../weak.yaml")
    else:
        write(root, {name: weak})
    commit(root)
    result = run(root / "services/api", "--base", "main", "--config", str(root / name))
    assert states(result) == {"S602": "blocking", "weakened-policy-threshold": "blocking"}


def test_a_tag_with_the_name_of_the_remote_branch_is_not_the_base(home: Path, repository: Make) -> None:
    root = repository({"app.py": "x = 1\n"}, pipeline=STRICT)
    git(root, "update-ref", "refs/remotes/origin/main", "main")
    git(root, "checkout", "--quiet", "-b", "change")
    write(root, {"app.py": HOLE, "hardgate.yaml": STRICT.replace("high", "never")})
    commit(root)
    git(root, "tag", "origin/main")
    git(root, "tag", "main")
    for remote in (True, False):
        if not remote:
            git(root, "update-ref", "-d", "refs/remotes/origin/main")
            git(root, "tag", "-d", "origin/main")
        result = run(root, GITHUB_BASE_REF="main")
        assert result.code is ExitCode.FAIL
        assert states(result)["S602"] == "blocking"


def test_an_old_branch_without_the_scanners_of_the_base_does_not_pass(home: Path, repository: Make) -> None:
    old = STRICT.replace("[ruff]", "[hadolint]")
    root = repository({"Dockerfile": "FROM python:3.12@sha256:" + "0" * 64 + "\nUSER 1\n"}, pipeline=old)
    git(root, "checkout", "--quiet", "-b", "change")
    write(root, {"app.py": HOLE})
    commit(root)
    git(root, "checkout", "--quiet", "main")
    write(root, {"hardgate.yaml": STRICT.replace("[ruff]", "[hadolint, ruff]")})
    commit(root)
    git(root, "checkout", "--quiet", "change")
    found = run(root, "--base", "main")
    assert states(found)["weakened-action-removed"] == "blocking"
    (one,) = [one for one in found.json["findings"] if one["rule"] == "weakened-action-removed"]
    assert "since this change left it" in one["message"]


@pytest.mark.parametrize("more", ["", "# of b\n"])
def test_a_run_of_another_folder_is_not_that_of_the_base(home: Path, repository: Make, more: str) -> None:
    grace = STRICT + "  grace: {preexisting: 10}\n"
    files = {"a/hardgate.yaml": grace, "b/hardgate.yaml": grace + more, "a/app.py": HOLE, "b/readme.py": "x = 1\n"}
    root = repository(files, pipeline=grace)
    assert run(root / "a").code is ExitCode.FAIL
    git(root, "checkout", "--quiet", "-b", "change")
    write(root, {"b/app.py": HOLE})
    commit(root)
    result = run(root / "b", "--base", "main")
    assert (result.code, states(result)) == (ExitCode.FAIL, {"S602": "blocking"})


def test_a_waiver_that_is_gone_does_not_come_back_with_a_resumed_run(
    tmp_path: Path, repository: Make, until: str
) -> None:
    pipeline = STRICT.replace("[ruff]", "[ruff]\n  - name: late\n    actions: [bandit]") + "  tools_from_path: true\n"
    root = repository({"app.py": HOLE, ".gitignore": ".hardgate\n"}, pipeline=pipeline)
    write(root, {".hardgate/waivers.yaml": WAIVERS % until})
    folder, _log = _counting(tmp_path, ["ruff", "bandit"])
    probe = f'case "$*" in *--version*) exec {" ".join(command("bandit"))} "$@";; esac'
    (folder / "bandit").write_text(f"#!/bin/sh\n{probe}\necho here > {tmp_path / 'gate'}\nexec sleep 600\n")
    os.mkfifo(tmp_path / "gate")
    environment = {**os.environ, "PATH": f"{folder}:/usr/bin:/bin", "HARDGATE_HOME": str(tmp_path / "own")}
    with subprocess.Popen([EXECUTABLE, "run", root, "--quiet"], env=environment, stderr=subprocess.PIPE) as process:
        assert (tmp_path / "gate").read_text() == "here\n"
        process.terminate()
    (root / ".hardgate/waivers.yaml").unlink()
    result = hardgate("run", str(root), "--resume", env=environment)
    assert (result.code, "there is no interrupted run" in result.stderr) == (ExitCode.USAGE, True)


RULE = """rules:
  - {id: no-shell, languages: [python], severity: ERROR, message: no, pattern: "subprocess.run(..., shell=True)"}
"""


@pytest.mark.parametrize("new", ["rules: []\n", None])
def test_rules_of_the_repository_that_the_change_alters_are_told(home: Path, repository: Make, new: str | None) -> None:
    pipeline = STRICT.replace("[ruff]", "[{semgrep: {config: [bundled, rules/]}}]")
    root = repository({"readme.py": "x = 1\n", "rules/shell.yaml": RULE, "rules/b.yaml": RULE}, pipeline=pipeline)
    git(root, "checkout", "--quiet", "-b", "change")
    write(root, {"rules/more.yaml": RULE})
    commit(root)
    given = argparse.Namespace(base="main", no_base=False, config=None)
    assert judged.read(given, root, common.load_pipeline(root), "2026-01-31T12:00:00Z").findings == ()
    (root / "rules/shell.yaml").unlink() if new is None else write(root, {"rules/shell.yaml": new})
    commit(root)
    (found,) = judged.read(given, root, common.load_pipeline(root), "2026-01-31T12:00:00Z").findings
    assert found.rule == "weakened-action-rules"
    assert "`rules/shell.yaml` is " in found.message


def test_receipts_that_were_made_without_the_base_are_refused_beside_it(
    home: Path, repository: Make, tmp_path: Path
) -> None:
    root = repository({"readme.py": "x = 1\n"}, pipeline=STRICT + "  honour_inline_suppressions: true\n")
    git(root, "checkout", "--quiet", "-b", "change")
    write(root, {"app.py": HOLE.rstrip() + "  # noqa: S602\n"})
    commit(root)
    folder = str(tmp_path / "receipts")
    assert hardgate("run", str(root), "--receipts", folder).code is ExitCode.PASS
    result = hardgate("gate", str(root), "--receipts", folder, "--base", "main", "--json")
    assert result.code is ExitCode.INCOMPLETE
    assert "or without its base" in result.stdout
