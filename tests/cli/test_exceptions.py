"""`hardgate exceptions`: what is waived, and who told a tool to be silent, since when."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import HOLE, commit, run
from tests.lab.command import hardgate

pytestmark = pytest.mark.real


def test_comments_are_listed_with_author_and_age(
    home: Path, repository: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = HOLE.replace("True)", "True)  # noqa: S602")
    root = repository({"sub dir/app.py": silent, "notes.md": "nothing\n"})
    with (root / "sub dir/app.py").open("a") as file:
        file.write("x = 1  # nosec\n")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Grace \x1b[1m Hopper")
    monkeypatch.setenv("GIT_AUTHOR_DATE", "2026-02-01T10:00:00+02:00")
    commit(root)
    (root / "new.py").write_text("y = 2  # nosemgrep\n")
    report = run(root).json
    found = report["exceptions"]["suppressions"]
    assert [(one["path"], one["line"], one["tool"], one["rules"], one["since"]) for one in found] == [
        ("new.py", 1, "semgrep", [], ""),
        ("sub dir/app.py", 3, "ruff", ["S602"], "2026-01-31T12:00:00Z"),
        ("sub dir/app.py", 4, "bandit", [], "2026-02-01T08:00:00Z"),
    ]
    assert not any(one["counts"] for one in found)
    listed = hardgate("exceptions", "--path", str(root))
    assert "sub dir/app.py:3  ruff S602  Ada Tester, 2026-01-31" in listed.stdout
    assert "new.py:1  semgrep all rules  not committed  does not count" in listed.stdout
    assert "\x1b" not in listed.stdout
    assert hardgate("exceptions", "--path", str(root), "--json").json["suppressions"] == found
    assert "comments that silence a tool: 3, of which none counts" in " ".join(report["notes"])


def test_outside_git_nobody_is_blamed(home: Path, tmp_path: Path) -> None:
    root = tmp_path / "plain"
    root.mkdir()
    (root / "hardgate.yaml").write_text("pipeline: p\nstages:\n  - {name: s, actions: [ruff]}\n")
    (root / "a.py").write_text("x = 1  # noqa\n")
    (one,) = run(root).json["exceptions"]["suppressions"]
    assert (one["author"], one["since"], one["tool"]) == ("", "", "ruff")
