"""Ways around the base: each was one until it was tried."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hardgate.model import ExitCode
from tests.cli.conftest import HOLE, commit, git, run
from tests.cli.test_base import STRICT, states, write

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
