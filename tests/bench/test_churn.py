"""bench/churn.py over a small real history: what git's diff says, and what each way makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import churn
from tests.builders import finding
from tests.identity.capture_run import commit
from tests.scanners import real

BEFORE = "import os\n\n\ndef f(x):\n    eval(x)\n\n\ndef g(y):\n    eval(y)\n"


def lines(tmp_path: Path, before: str, after: str, name: str = "a.py") -> churn.Unchanged:
    real.write(tmp_path, {"a.py": before})
    commit(tmp_path, "first")
    (tmp_path / "a.py").rename(tmp_path / name)
    real.write(tmp_path, {name: after})
    commit(tmp_path, "second")
    run = churn._Replay(tmp_path, churn.BY_NAME["bandit"])
    return run.unchanged("HEAD~1", "HEAD", {"a.py": name} if name != "a.py" else {})


@pytest.mark.parametrize(
    ("after", "places"),
    [
        ("# one\n# two\n" + BEFORE, {7: 5, 11: 9, 1: None}),
        (BEFORE.replace("import os\n\n", ""), {3: 5, 7: 9}),
        (BEFORE.replace("eval(x)", "eval(x, {})"), {5: None, 9: 9}),
        (BEFORE.replace("    eval(x)\n", "    eval(x)\n    pass\n"), {5: 5, 6: None, 10: 9}),
        (BEFORE.replace("def f(x):\n    eval(x)\n\n\n", ""), {5: 9, 4: 8}),
        (BEFORE + "# end\n", {9: 9, 10: None}),
    ],
)
def test_where_git_says_that_a_line_was(tmp_path: Path, after: str, places: dict[int, int | None]) -> None:
    found = lines(tmp_path, BEFORE, after)
    for line, was in places.items():
        assert found.place(finding(path="a.py", line=line)) == (("a.py", was) if was else None), line


def test_a_renamed_file_and_a_new_one(tmp_path: Path) -> None:
    found = lines(tmp_path, BEFORE * 4, "# one\n" + BEFORE * 4, "b.py")
    assert found.place(finding(path="b.py", line=6)) == ("a.py", 5)
    assert lines(tmp_path / "other", BEFORE, "x = 1\n", "c.py").place(finding(path="c.py", line=1)) is None


@pytest.mark.real
def test_a_history_is_counted_for_every_way(tmp_path: Path) -> None:
    """A file gets a line, a twin above its like, and a new name."""
    versions = [
        ("a.py", BEFORE),
        ("a.py", "# why\n" + BEFORE),
        ("a.py", "# why\n\n\ndef e(x):\n    eval(x)\n\n\n" + BEFORE),
        ("b.py", "# why\n\n\ndef e(x):\n    eval(x)\n\n\n" + BEFORE),
    ]
    for name, text in versions:
        for old in tmp_path.glob("*.py"):
            old.unlink()
        real.write(tmp_path, {name: text})
        commit(tmp_path, f"{name} {len(text)}")
    result = churn.replay("small", tmp_path, churn.BY_NAME["bandit"], 60)
    assert (result.commits, result.same, result.changed, result.unread) == (4, 7, 1, 0)
    ways = {one.way: (one.new, one.another) for one in result.ways}
    assert ways == {"line": (7, 0), "github": (3, 0), "code": (4, 0), "ours": (0, 0)}
