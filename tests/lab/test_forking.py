"""A forked `hardgate` beside the installed command: nobody can tell them apart, and none outlives its time."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.lab import forking
from tests.lab.command import EXECUTABLE
from tests.lab.waiting import eventually

WAITS = "pipeline: p\nstages:\n  - name: s\n    actions: [{run: {name: a, command: [sleep, '9']}}]\n"


def _installed(*words: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [EXECUTABLE, *words], cwd=cwd, env=env, capture_output=True, check=False, stdin=subprocess.DEVNULL
    )


def _forked(*words: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    assert forking.can(env)
    return forking.run([str(EXECUTABLE), *words], cwd, env, 60)


@pytest.mark.parametrize(
    "words", [("--version",), ("nonsense",), ("run", "--help"), ("runs", "--json"), ("gate",), ("run", "--quiet")]
)
def test_it_says_and_ends_as_the_installed_command(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "hardgate.yaml").write_text("pipeline: p\nstages: []\n")
    env = {**os.environ, "HARDGATE_HOME": str(tmp_path / "home"), "COLUMNS": "80"}
    one, other = (start(*words, cwd=tmp_path, env=env) for start in (_installed, _forked))
    assert (one.returncode, one.stdout, one.stderr) == (other.returncode, other.stdout, other.stderr)
    assert one.stdout + one.stderr


def test_an_environment_that_changes_how_python_starts_is_not_for_forking() -> None:
    assert not forking.can({**os.environ, "PYTHONPATH": "/nowhere"})
    assert not forking.can({**os.environ, "LC_ALL": "tr_TR.ISO-8859-9"})
    assert not forking.can({**os.environ, "LD_PRELOAD": "/nowhere.so"})


def test_what_takes_too_long_is_ended(tmp_path: Path) -> None:
    (tmp_path / "hardgate.yaml").write_text(WAITS)  # the step ends by itself: its run cannot end it any more
    env = {**os.environ, "HARDGATE_HOME": str(tmp_path / "home")}
    with pytest.raises(subprocess.TimeoutExpired):
        forking.run([str(EXECUTABLE), "run", "--quiet"], tmp_path, env, 0.2)
    assert eventually(lambda: not _running(str(tmp_path)))


def _running(folder: str) -> list[str]:
    """The processes whose environment names the folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if folder in path.read_bytes().decode(errors="replace"):
                found.append(path.parent.name)
        except OSError:  # it has ended
            continue
    return found


def test_two_take_turns() -> None:
    """Each hashes text in its own way: what depends on that shows."""
    turns = forking._turns(tuple(sorted(forking._starting(os.environ).items())))
    first, second, third = (next(turns) for _ in range(3))
    assert first != second
    assert first == third
