"""Environments always come down: also after ^C, and when hardgate itself is killed and can do nothing any more."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.environments.made import RUNAWAY, SERVER, URL, environment, service

HERE = Path(__file__).parents[2]
# What each test's runaways are told to sleep tells them from all others, also from those of another worker.
SECONDS = (f"{seconds}.{os.getpid()}" for seconds in itertools.count(86_001))


def processes(word: str) -> list[int]:
    """The processes of this machine that have `word` in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if word.encode() in words:
            found.append(int(folder.name))
    return found


def left(word: str) -> list[int]:
    """Those that are still there when there should be none: the system takes a moment."""
    end = time.monotonic() + 20
    while processes(word) and time.monotonic() < end:
        time.sleep(0.05)
    return processes(word)


@pytest.fixture(params=["network", "none"])
def isolation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def held(isolation: str, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A program that holds an environment up, with a service that has left its group; and the word to find that by."""
    word = next(SECONDS)
    flees = service("runaway", command=(sys.executable, "-c", RUNAWAY, word), ready=("true",))
    definition = environment(flees, service(command=SERVER, ready=URL), isolation=isolation)
    (tmp_path / "environment.json").write_bytes(msgspec.json.encode(definition))
    words = [sys.executable, "-m", "tests.environments.made", str(tmp_path)]
    with subprocess.Popen(words, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "up\n", program.stderr and program.stderr.read()
        end = time.monotonic() + 20
        while len(processes(word)) < 2 and time.monotonic() < end:
            time.sleep(0.05)  # until the grandchild is where it wants to be
        assert len(processes(word)) >= 2
        yield program, word
        program.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_when_hardgate_ends(number: signal.Signals, held: tuple[subprocess.Popen[str], str]) -> None:
    program, word = held
    program.send_signal(number)
    program.wait(60)
    assert left(word) == []
    assert processes(str(program.args[-1])) == []  # type: ignore[index] # a list: see above
