"""Killed installations and two at once, with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardgate.errors import ToolError
from hardgate.toolbox.lock import Lock, encode_lock
from tests.toolbox.workshop import Server, bandit, box_of, tree

# Prints each step, so that the test knows when to strike, and stays in the step that it shall be struck in.
_SYNC = """
import os, sys
from pathlib import Path
from hardgate.toolbox import Toolbox, read_lock
box = Toolbox(Path(sys.argv[1]), read_lock(Path(sys.argv[2])), environ=os.environ)
def tell(tool, step, done, total):
    print(step, flush=True)
    if step in sys.argv[3:]:
        sys.stdin.read()
for result in box.sync(["bandit"], tell):
    print("installed" if result.installed else "present" if result.present else result.error, flush=True)
"""


def _start(server: Server, folder: Path, lock: Lock, *stays: str) -> subprocess.Popen[str]:
    path = folder.parent / "own.lock"
    path.write_bytes(encode_lock(lock))
    return subprocess.Popen(
        [sys.executable, "-c", _SYNC, str(folder), str(path), *stays],
        env={**os.environ, **server.environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        yield line.strip()


def _end(process: subprocess.Popen[str]) -> list[str]:
    rest = list(_lines(process))
    process.wait()
    assert process.stdout is not None
    assert process.stdin is not None
    process.stdout.close()
    process.stdin.close()
    return rest


@pytest.mark.parametrize("moment", ["downloading", "first start", "sealing"])
def test_a_killed_installation_leaves_nothing_that_is_used(moment: str, server: Server, tmp_path: Path) -> None:
    lock = bandit(server, before=f"import time; time.sleep({2 if moment == 'first start' else 0})")
    if moment == "downloading":
        server.shelf.stall = threading.Event()
    box = box_of(server, tmp_path / "tools", lock)
    # The other two wait by themselves: for the server, and for the tool.
    process = _start(server, box.folder, lock, "sealing")
    assert any(line == moment for line in _lines(process))
    if server.shelf.stall:
        assert server.shelf.stalled.wait(30)
    process.send_signal(signal.SIGKILL)
    _end(process)
    assert process.returncode == -signal.SIGKILL
    with pytest.raises(ToolError, match="is not installed"):
        box.locate("bandit")
    assert tree(box.folder / ".staging") != []

    if server.shelf.stall:
        server.shelf.stall.set()
        server.shelf.stall = None
    assert box.sync(["bandit"])[0].installed
    assert box.verify("bandit").version == "1.0.1"
    assert tree(box.folder / ".staging") == []


def test_two_at_once_wait_for_each_other(server: Server, tmp_path: Path) -> None:
    lock = bandit(server, before="import time; time.sleep(0.5)")
    server.shelf.stall = threading.Event()
    folder = tmp_path / "tools"
    first = _start(server, folder, lock)
    assert server.shelf.stalled.wait(30)
    second = _start(server, folder, lock)
    assert next(_lines(second)) == "waiting"
    time.sleep(0.3)
    server.shelf.stall.set()
    assert _end(first)[-1] == "installed"
    assert _end(second)[-1] == "present"
    wheels = [path for path in server.shelf.asked if path.startswith("/wheels/")]
    assert len(wheels) == 1
    assert box_of(server, folder, lock).verify("bandit").version == "1.0.1"
    assert tree(folder / ".staging") == []


def test_an_interrupt_ends_every_installation_at_once(server: Server, tmp_path: Path) -> None:
    lock = bandit(server, before="import time; time.sleep(50)")
    process = _start(server, tmp_path / "tools", lock)
    assert any(line == "first start" for line in _lines(process))
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _end(process)
    assert time.monotonic() - began < 20
    assert process.returncode != 0
    with pytest.raises(ToolError, match="is not installed"):
        box_of(server, tmp_path / "tools", lock).locate("bandit")
