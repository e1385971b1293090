"""`hardgate explain ID OTHER` over real runs: one finding by its witnesses, one through a rename, and two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.identity import capture_run
from tests.lab.command import Result, hardgate
from tests.scanners import real

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def planets(tmp_path_factory: pytest.TempPathFactory, tools_folder: Path) -> tuple[Path, dict[str, str]]:
    """Two runs of one repository: a file was moved between them, and a line written anew."""
    folder = tmp_path_factory.mktemp("explain")
    root, home = folder / "planets", folder / "home"
    home.mkdir()
    (home / "tools").symlink_to(tools_folder)
    env = {"HARDGATE_HOME": str(home)}
    real.write(root, capture_run.FILES)
    capture_run.commit(root, "first")
    hardgate("run", str(root), "--json", env=env)
    (root / "src").mkdir()
    (root / "planets/app.py").rename(root / "src/app.py")
    capture_run.commit(root, "second")
    hardgate("run", str(root), "--json", env=env)
    return root, env


@pytest.fixture(scope="module")
def runs(planets: tuple[Path, dict[str, str]]) -> list[Any]:
    """The findings of the two runs, the older first."""
    root, env = planets
    listed = hardgate("runs", "--path", str(root), "--json", env=env).json
    found = [hardgate("findings", "--run", one["id"], "--json", env=env).json for one in listed]
    return list(reversed(found))


def explain(planets: tuple[Path, dict[str, str]], *words: str) -> Result:
    root, env = planets
    return hardgate("explain", *words, "--path", str(root), env=env)


def by(findings: Any, rule: str, line: int) -> Any:
    return next(one for one in findings if (one["rule"], one["location"]["line"]) == (rule, line))


def test_two_ids_say_why_they_are_one_or_two(planets: tuple[Path, dict[str, str]], runs: list[Any]) -> None:
    old, new = runs
    shell, other = by(new, "B602", 18), by(new, "B602", 22)
    witness = shell["fingerprints"]["ruff/code/v1"][:16]
    one = explain(planets, shell["id"], witness).stdout
    assert one.startswith("one finding\n")
    assert "bandit B602, ruff S602 say the same of the same place, and are its witnesses" in one
    two = explain(planets, shell["id"], other["id"]).stdout
    assert two.startswith("two findings\n")
    assert "another place: line 18 and line 22" in two
    former = by(old, "B602", 18)
    assert former["id"] != shell["id"]
    moved = explain(planets, shell["id"], former["id"]).stdout
    assert moved.startswith("one finding\n")
    assert "their place/v1 is the same" in moved
    assert "code/v1 differs" in moved
    assert "git says that planets/app.py is src/app.py now" in moved
    assert all(value in moved for value in shell["fingerprints"].values())
    answer = explain(planets, former["id"], other["id"], "--json").json
    assert answer["one"] is False
    assert f"its like in the other run is {shell['id']}" in answer["reasons"]


def test_an_id_that_nobody_has_is_told(planets: tuple[Path, dict[str, str]], runs: list[Any]) -> None:
    _, new = runs
    result = explain(planets, new[0]["id"], "feedfeedfeed")
    assert (result.code, "has a finding feedfeedfeed" in result.stderr) == (2, True)


def test_one_id_shows_all_of_its_fingerprints(planets: tuple[Path, dict[str, str]], runs: list[Any]) -> None:
    shell = by(runs[1], "B602", 18)
    page = explain(planets, shell["fingerprints"]["ruff/code/v1"]).stdout
    assert all(f"  {name}: " in page and f"    {value}" in page for name, value in shell["fingerprints"].items())
    assert "place/v1: the rule, the function, class or block around it" in page
