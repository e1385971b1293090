"""A run that is killed during a dynamic test: nothing is left running, the run is marked, and it can be resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hardgate.model import ExitCode, RunState
from hardgate.store import Store
from tests.cli.conftest import home, repository, run
from tests.lab import npm_tools, planets
from tests.lab.command import EXECUTABLE
from tests.lab.postman import BASIC, ask, collection, folder
from tests.lab.waiting import eventually

__all__ = ["home", "repository"]
pytestmark = pytest.mark.real
# It hangs in the middle of the tests for as long as a file is there.
SLOW = """\
import pathlib, sys, time
import http.server

class Slow(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/slow":
            pathlib.Path(sys.argv[2] + ".reached").touch()
            while pathlib.Path(sys.argv[2]).exists():
                time.sleep(0.05)
        raw = b'["Mercury", "Venus", "Earth"]'
        self.send_response(200)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Slow).serve_forever()
"""


def running(word: str) -> list[int]:
    """The processes that have `word` in their command line."""
    found = []
    for folder_ in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (folder_ / "cmdline").read_bytes():
                found.append(int(folder_.name))
        except OSError:
            continue
    return found


def test_a_killed_run_leaves_nothing_is_marked_and_is_resumed(
    home: Path, repository: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "newman").symlink_to(npm_tools.newman()[-1])
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    wait = tmp_path / f"wait-{os.getpid()}"
    wait.touch()
    service = {
        "command": [sys.executable, "-c", SLOW, "${PORT}", str(wait)], "ready": "http://127.0.0.1:${PORT}/",
    }  # fmt: skip
    whole = collection(BASIC, folder("Slow", ask("slow", "GET", "/slow", 'pm.test("comes", () => {});')))
    text = {
        "pipeline": "p",
        "stages": [
            {"name": "first", "actions": [{"run": {"name": "before", "command": ["true"]}}]},
            {"name": "test", "actions": [{"newman": {"collection": "planets.json"}}]},
        ],
        "environment": {"local": {"services": {"api": service}}},
    }
    root = repository({"planets.json": json.dumps(whole)}, pipeline=json.dumps(text))
    words = [str(EXECUTABLE), "run", str(root), "--json"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
        assert eventually(Path(f"{wait}.reached").exists)
        assert len(running(str(wait))) >= 1
        program.send_signal(signal.SIGKILL)
    assert eventually(lambda: running(str(wait)) == [])
    with Store.open(home / "store.db") as store:
        [row] = store.runs()
        assert row.state is not RunState.FINISHED
    wait.unlink()
    resumed = run(root, "--resume")
    assert (resumed.code, resumed.json["gaps"], resumed.json["findings"]) == (ExitCode.PASS, [], []), resumed.stdout
    assert [one["action"] for one in resumed.json["receipts"]] == ["before", "newman"]
    assert planets.TOKEN not in resumed.stdout
