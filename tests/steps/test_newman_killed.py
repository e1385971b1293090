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

from hardgate.environments.composed import LABEL
from hardgate.model import ExitCode, RunState
from hardgate.store import Store
from tests.cli.conftest import home, repository, run
from tests.lab import npm_tools, planets
from tests.lab.command import EXECUTABLE
from tests.lab.containers.lab import Lab
from tests.lab.postman import BASIC, ask, collection, folder
from tests.lab.waiting import eventually, running

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


# A command of the user's, with a process that has left its group.
HANGS = """\
import pathlib, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(611)", sys.argv[1]], start_new_session=True)
pathlib.Path(sys.argv[1] + ".hangs").touch()
while pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.05)
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands among the words of all that the run starts."""
    for name in ("bin", "own"):
        (tmp_path / name).mkdir()
    (tmp_path / "bin" / "newman").symlink_to(npm_tools.newman()[-1])
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "own"))
    return tmp_path / "own"


@pytest.mark.parametrize(
    ("number", "isolation"), [(signal.SIGKILL, "network"), (signal.SIGINT, "none"), (signal.SIGTERM, "network")]
)
def test_a_killed_run_leaves_nothing_is_marked_and_is_resumed(
    number: signal.Signals, isolation: str, own: Path, home: Path, repository: Callable[..., Path]
) -> None:
    """In the middle of two tests at once: one behind a wall, or without, and one by a command of the user's."""
    wait = own / "wait"
    wait.touch()
    service = {
        "command": [sys.executable, "-c", SLOW, "${PORT}", str(wait)], "ready": "http://127.0.0.1:${PORT}/",
    }  # fmt: skip
    whole = collection(BASIC, folder("Slow", ask("slow", "GET", "/slow", 'pm.test("comes", () => {});')))
    hangs = {"name": "hangs", "command": ["python3", "-c", HANGS, str(wait)]}
    text = {
        "pipeline": "p",
        "stages": [
            {"name": "first", "actions": [{"run": {"name": "before", "command": ["true"]}}]},
            {"name": "test", "actions": [{"newman": {"collection": "planets.json"}}, {"run": hangs}]},
        ],
        "environment": {"local": {"services": {"api": service}, "isolation": isolation}},
    }
    root = repository({"planets.json": json.dumps(whole)}, pipeline=json.dumps(text))
    words = [str(EXECUTABLE), "run", str(root), "--json"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
        assert eventually(Path(f"{wait}.reached").exists)
        assert eventually(Path(f"{wait}.hangs").exists)
        assert len(running(str(own))) >= 4  # newman, its service, the command, and what has left its group
        program.send_signal(number)
    assert eventually(lambda: running(str(own)) == [])
    with Store.open(home / "store.db") as store:
        [row] = store.runs()
        assert row.state is RunState.INTERRUPTED
    wait.unlink()
    resumed = run(root, "--resume")
    assert (resumed.code, resumed.json["gaps"], resumed.json["findings"]) == (ExitCode.PASS, [], []), resumed.stdout
    assert [one["action"] for one in resumed.json["receipts"]] == ["before", "newman", "hangs"]
    assert planets.TOKEN not in resumed.stdout


def test_containers_of_a_killed_run_are_gone(own: Path, lab: Lab, home: Path, repository: Callable[..., Path]) -> None:
    flag = own / "flag"
    flag.mkdir()
    (flag / "wait").touch()
    serve = SLOW.replace("127.0.0.1", "0.0.0.0")
    api = {
        "image": "python:3.12-slim", "command": ["python3", "-c", serve, "8080", "/flag/wait"],
        "volumes": [{"type": "bind", "source": str(flag), "target": "/flag"}],
    }  # fmt: skip
    slow = folder("Slow", ask("slow", "GET", "/slow", 'pm.test("comes", () => {});'))
    ready = "http://127.0.0.1:${PORT}/"
    text = {
        "pipeline": "p",
        "stages": [{"name": "test", "actions": [{"newman": {"collection": "planets.json"}}]}],
        "environment": {"local": {"compose": "compose.json", "service": "api", "port": 8080, "ready": ready}},
    }
    files = {"planets.json": json.dumps(collection(slow)), "compose.json": json.dumps({"services": {"api": api}})}
    root = repository(files, pipeline=json.dumps(text))
    path = os.pathsep.join((str(EXECUTABLE.parent), lab.environment["PATH"], os.environ["PATH"]))
    environment = {**os.environ, **lab.environment, "PATH": path, "TMPDIR": str(own)}
    words = lab.inside(str(EXECUTABLE), "run", str(root), "--json")
    listed = ("ps", "--all", "--quiet", "--filter", f"label={LABEL}")
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as program:
        assert eventually((flag / "wait.reached").exists), program.poll()
        assert len(lab.docker(*listed).split()) == 1
        for pid in Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split():
            os.kill(int(pid), signal.SIGKILL)  # nsenter, which entered the lab, has hardgate for a child
    assert eventually(lambda: lab.docker(*listed).split() == [])
    assert eventually(lambda: running(str(own)) == [])
    (flag / "wait").unlink()
    done = lab.run(str(EXECUTABLE), "run", str(root), "--json", "--resume", env=environment)
    assert (done.returncode, json.loads(done.stdout)["gaps"]) == (ExitCode.PASS, []), done.stdout + done.stderr
