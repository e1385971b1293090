"""`hardgate baseline` and `hardgate vex` as a user starts them, over real runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hardgate.model import ExitCode
from tests.cli.conftest import HOLE, commit, git, run
from tests.lab.command import hardgate

pytestmark = pytest.mark.real
Make = Callable[..., Path]


def test_adopt_today_block_what_is_new_and_burn_down(home: Path, repository: Make) -> None:
    root = repository({"old.py": HOLE, "other.py": HOLE.replace("input()", "input().strip()")})
    where = ("--path", str(root))
    assert hardgate("baseline", "create", "--owner", "Ada", *where).code is ExitCode.USAGE  # there is no run
    assert run(root).code is ExitCode.FAIL
    made = hardgate("baseline", "create", "--owner", "Ada", *where)
    assert made.code is ExitCode.PASS, made.stderr
    assert "2 findings that blocked" in made.stdout
    assert "high: 2, to be gone by 20" in made.stdout
    again = hardgate("baseline", "create", "--owner", "Ada", *where)
    assert again.code is ExitCode.USAGE
    assert "baseline prune" in again.stderr
    result = run(root)
    assert result.code is ExitCode.PASS, result.stderr
    assert {one["waiver"]["kind"] for one in result.json["findings"]} == {"baseline"}
    (root / "new.py").write_text(HOLE)
    assert [one["location"]["path"] for one in run(root).json["findings"] if one["state"] == "blocking"] == ["new.py"]
    (root / "new.py").unlink()
    (root / "other.py").write_text("x = 1\n")
    assert hardgate("baseline", "prune", *where).code is ExitCode.PASS  # of the newest run, which had all three
    assert run(root).code is ExitCode.PASS
    assert hardgate("baseline", "show", *where, "--json").json["high"]["gone"] == 1
    assert "hardgate baseline prune" in hardgate("baseline", "show", *where).stdout
    pruned = hardgate("baseline", "prune", *where)
    assert pruned.stdout == "1 finding taken out, 1 left.\n"
    (root / "other.py").write_text(HOLE.replace("input()", "input().strip()"))
    assert run(root).code is ExitCode.FAIL  # what comes back is new


def test_a_change_cannot_bring_its_own_baseline(home: Path, repository: Make) -> None:
    root = repository({"old.py": HOLE})
    git(root, "checkout", "--quiet", "-b", "change")
    run(root)
    assert hardgate("baseline", "create", "--owner", "Eve", "--path", str(root)).code is ExitCode.PASS
    commit(root)
    assert run(root).code is ExitCode.PASS
    result = run(root, "--base", "main")
    assert result.code is ExitCode.FAIL
    assert [one["kind"] for one in result.json["exceptions"]["requests"]] == ["baseline"]


def test_a_part_of_a_run_is_no_baseline(home: Path, repository: Make) -> None:
    root = repository({"old.py": HOLE})
    run(root, "--action", "ruff")
    done = hardgate("baseline", "create", "--owner", "Ada", "--path", str(root))
    assert (done.code, (root / ".hardgate").exists()) == (ExitCode.USAGE, False)
    assert "did not look at everything" in done.stderr


def test_vex_needs_a_vulnerable_package(home: Path, repository: Make) -> None:
    root = repository({"old.py": HOLE})
    run(root)
    done = hardgate("vex", "openvex", "--author", "Ada", "--path", str(root))
    assert (done.code, done.stdout) == (ExitCode.USAGE, "")
    assert "no vulnerable package" in done.stderr
    assert hardgate("vex", "openvex", "--author", " ", "--path", str(root)).code is ExitCode.USAGE
