"""One secret is one finding: seen by several tools, in the tree and in the history. Real repositories, real tools."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.lab.command import hardgate
from tests.scanners import inputs, real

FIRST, SECOND = "mango.tree.42", "green-bottle-7"
LATER = ["2026-01-02T03:04:05+0000", "2026-02-02T03:04:05+0000", "2026-03-02T03:04:05+0000", "2026-04-02T03:04:05+0000"]

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("home")]


@pytest.fixture
def home(tmp_path: Path, tools_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty store beside the installed tools."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home/tools").symlink_to(tools_folder)
    monkeypatch.setenv("HARDGATE_HOME", str(tmp_path / "home"))


def commit(root: Path, number: int, files: dict[str, str | bytes], *, gone: tuple[str, ...] = ()) -> str:
    """One more commit; its name."""
    if not (root / ".git").exists():
        root.mkdir(parents=True)
        inputs.git(root, "init", "-q", "-b", "main")
    real.write(root, files)
    for name in gone:
        (root / name).unlink()
    inputs.git(root, "add", "--all")
    inputs.git(root, "commit", "-qm", f"number {number}", when=LATER[number])
    return (root / ".git/refs/heads/main").read_text().strip()


def findings(root: Path, home: Path, *actions: object) -> list[dict[str, Any]]:
    """The secrets that `hardgate run` tells of a repository."""
    stages = [{"name": "secrets", "actions": list(actions or ("gitleaks",))}]
    pipeline = msgspec.json.encode({"pipeline": "p", "stages": stages})
    (root / "hardgate.yaml").write_bytes(pipeline)
    result = hardgate("run", str(root), "--json", env={"HARDGATE_STORE": str(home / "store.db")})
    assert result.json["gaps"] == [], result.stdout
    text = result.stdout + result.stderr
    for value in (FIRST, SECOND):
        assert value not in text
        for name in ("md5", "sha1", "sha256", "sha512"):
            assert hashlib.new(name, value.encode()).hexdigest() not in text
    assert not any(value.encode() in (home / "store.db").read_bytes() for value in (FIRST, SECOND))
    assert hashlib.sha256(FIRST.encode()).hexdigest().encode() not in (home / "store.db").read_bytes()
    return [one for one in result.json["findings"] if one["kind"] == "secret"]


def test_a_secret_of_the_tree_says_since_when_it_is_in_the_history(tmp_path: Path) -> None:
    root = tmp_path / "r"
    first = commit(root, 0, {"a.env": f"DB_PASSWORD={FIRST}\n", "b.txt": "x\n"})
    commit(root, 1, {"a.env": f"# moved down\n\nDB_PASSWORD={FIRST}  # ours\n"})
    commit(root, 2, {"b.txt": "y\n"})
    (one,) = findings(root, tmp_path)
    assert (one["location"]["path"], one["location"]["line"], one["location"].get("commit", "")) == ("a.env", 3, "")
    assert f"in the history too, since commit {first[:12]}" in one["message"]
    assert len(one["witnesses"]) == 1


def test_a_removed_secret_is_one_finding_that_says_so(tmp_path: Path) -> None:
    root = tmp_path / "r"
    first = commit(root, 0, {"a.env": f"DB_PASSWORD={FIRST}\n"})
    commit(root, 1, {"etc/a.env": f"\nPOSTGRES_PASSWORD={FIRST}\n"}, gone=("a.env",))  # moved and renamed
    commit(root, 2, {"etc/a.env": "POSTGRES_PASSWORD=${DB_PASSWORD}\n"})
    (one,) = findings(root, tmp_path)
    assert (one["location"]["path"], one["location"]["commit"]) == ("a.env", first)
    assert f"stays in the history: commit {first[:12]} and 1 more" in one["message"]
    assert "Set a new password" in one["fix"]
    assert "every clone" in one["fix"]


def test_a_new_value_does_not_hide_the_old_one(tmp_path: Path) -> None:
    root = tmp_path / "r"
    first = commit(root, 0, {"a.env": f"DB_PASSWORD={FIRST}\n"})
    second = commit(root, 1, {"a.env": f"DB_PASSWORD={SECOND}\n"})
    old, new = sorted(findings(root, tmp_path), key=lambda one: one["location"].get("commit", ""), reverse=True)
    assert old["location"]["commit"] == first
    assert new["location"].get("commit", "") == ""
    assert f"since commit {second[:12]}" in new["message"]
    assert old["id"] != new["id"]


def test_two_tools_and_the_history_saw_one_secret(tmp_path: Path) -> None:
    root = tmp_path / "r"
    commit(root, 0, {"app/db.py": f'password = "{FIRST}"\n'})
    (one,) = findings(root, tmp_path, "gitleaks", "detect-secrets")
    assert (one["scanner"], one["severity"]) == ("gitleaks", "high")
    assert [witness["scanner"] for witness in one["witnesses"]] == ["gitleaks", "detect-secrets"]
    assert "in the history too" in one["message"]


def test_what_the_pipeline_leaves_out_is_not_the_place_that_is_told(tmp_path: Path) -> None:
    root = tmp_path / "r"
    commit(root, 0, {"old/a.env": f"DB_PASSWORD={FIRST}\n", "b.txt": "x\n"})
    second = commit(root, 1, {"a.env": f"DB_PASSWORD={FIRST}\n"}, gone=("old/a.env",))
    commit(root, 2, {}, gone=("a.env",))
    (one,) = findings(root, tmp_path, {"gitleaks": {"exclude": ["old"]}})
    assert (one["location"]["path"], one["location"]["commit"]) == ("a.env", second)


def test_the_same_secret_in_two_files_of_the_tree_stays_two(tmp_path: Path) -> None:
    root = tmp_path / "r"
    commit(root, 0, {"a.env": f"DB_PASSWORD={FIRST}\n", "b.env": f"DB_PASSWORD={FIRST}\n"})
    assert [one["location"]["path"] for one in findings(root, tmp_path)] == ["a.env", "b.env"]


def test_the_id_stays_when_the_history_grows(tmp_path: Path) -> None:
    root = tmp_path / "r"
    commit(root, 0, {"a.env": f"DB_PASSWORD={FIRST}\n"})
    (root / "hardgate.yaml").touch()
    before = findings(root, tmp_path)
    commit(root, 1, {"a.env": f"# more\nDB_PASSWORD={FIRST}\n"})
    assert [one["id"] for one in findings(root, tmp_path)] == [one["id"] for one in before]
    commit(root, 2, {"a.env": "\n"})
    (gone,) = findings(root, tmp_path)
    commit(root, 3, {"b.txt": "more\n"})
    assert [one["id"] for one in findings(root, tmp_path)] == [gone["id"]]
