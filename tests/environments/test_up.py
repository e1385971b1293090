"""Environments of plain processes: real servers, their order, their readiness, their logs, and what goes wrong."""

from __future__ import annotations

import re
import sys
import threading
import time
from pathlib import Path

import pytest

from hardgate import environments, tools
from hardgate.environments import Running
from tests.environments.made import SERVER, environment, folders, refused, service

ASK = "import os, sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode(), end='')"
BOTH = pytest.mark.parametrize("isolation", ["network", "none"])


def ask(running: Running, address: str, folder: Path) -> str:
    """What an address answers with, asked by a test of the environment."""
    words = running.words((sys.executable, "-c", ASK, address), folder)
    done = tools.run(words, cwd=folder, env=running.environment(folder), timeout=60)
    assert done.exit_code == 0, done.stderr.decode()
    return done.stdout.decode()


@BOTH
def test_services_start_in_order_each_when_the_one_before_is_ready(isolation: str, tmp_path: Path) -> None:
    """The database makes its file late; the API only starts where it finds it, and is told its port."""
    late = "import os, sys, time; time.sleep(0.4); open(sys.argv[1], 'w').write('x'); time.sleep(600)"
    check = "import sys, pathlib; sys.exit(not pathlib.Path(sys.argv[1]).is_file())"
    database = service(
        "the-database",
        command=(sys.executable, "-c", late, "${STATE}/made"),
        ready=(sys.executable, "-c", check, "${STATE}/made"),
    )
    write = (
        "import json, os, pathlib; assert pathlib.Path(os.environ['HARDGATE_STATE'], 'made').is_file()\n"
        "names = ('HARDGATE_PORT', 'HARDGATE_PORT_THE_DATABASE', 'DATABASE', 'COST', 'HTTP_PROXY', 'HOME')\n"
        "pathlib.Path('seen.json').write_text(json.dumps([os.environ.get(name) for name in names]))\n"
        "import http.server, sys; sys.argv = ['', '--bind', '127.0.0.1', os.environ['HARDGATE_PORT']]\n"
        "import runpy; runpy.run_module('http.server', run_name='__main__')"
    )
    api = service(
        command=(sys.executable, "-c", write),
        variables={"DATABASE": "db://127.0.0.1:${the-database.PORT}", "COST": "$$5"},
        folder="app",
    )
    places = folders(tmp_path)
    (places["tree"] / "app").mkdir()
    with environments.up(environment(database, api, isolation=isolation), **places) as running:
        other = running.places["the-database.PORT"]
        seen = ask(running, f"{running.address}/seen.json", tmp_path)
        assert seen == (
            f'["{running.places["PORT"]}", "{other}", "db://127.0.0.1:{other}", "$5", null, '
            f'"{places["scratch"] / "home"}"]'
        )
        assert running.variables["HARDGATE_URL"] == running.address == f"http://127.0.0.1:{running.places['PORT']}"
        assert running.gone() == ()
        assert ("no route out" in running.isolation) is (isolation == "network")
        logs = running.logs()
    assert list(logs) == ["the-database", "api"]
    assert b'"GET /seen.json HTTP/1.1" 200' in logs["api"]
    assert not (places["scratch"] / "state").exists()


@BOTH
def test_several_at_once_do_not_meet(isolation: str, tmp_path: Path) -> None:
    definition = environment(isolation=isolation)
    seen, problems, meeting = {}, list[BaseException](), threading.Barrier(3, timeout=120)

    def one(name: str) -> None:
        places = folders(tmp_path / name)
        (places["tree"] / "name").write_text(name)
        try:
            with environments.up(definition, **places) as running:
                meeting.wait()  # now all are up
                seen[name] = ask(running, f"{running.address}/name", tmp_path)
                meeting.wait()
        except BaseException as error:  # noqa: BLE001 (handed to the thread that judges)
            problems.append(error)

    threads = [threading.Thread(target=one, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert seen == {"a": "a", "b": "b", "c": "c"}


def test_a_service_that_ends_early_is_an_error_at_once_with_the_end_of_its_log(tmp_path: Path) -> None:
    dies = "print('x' * 5000, 'there is no table planets'); raise SystemExit(7)"
    definition = environment(service(command=(sys.executable, "-c", dies), timeout=600.0))
    began = time.monotonic()
    error = refused(definition, tmp_path)
    assert re.search(r"ended with 7 before it was ready: x+ there is no table planets$", str(error))
    assert time.monotonic() - began < 60  # and not 600
    assert b"there is no table planets" in error.logs["api"]
    assert error.hint


@pytest.mark.parametrize(
    ("ready", "why"),
    [
        ("http://127.0.0.1:${PORT}/absent", r"http://127.0.0.1:20001/absent did not answer"),
        (("sh", "-c", "echo not yet; exit 3"), r"its `ready` command ended with 3: not yet"),
        (("sleep", "600"), r"its `ready` command did not end"),
    ],
    ids=["a URL that answers 404", "a command that says no", "a command that hangs"],
)
def test_what_is_not_ready_in_time_is_an_error(ready: str | tuple[str, ...], why: str, tmp_path: Path) -> None:
    definition = environment(service(ready=ready, timeout=2.0))
    said = str(refused(definition, tmp_path))
    assert f"api of environment local was not ready after 2 s: {why}" in said


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (
            {"command": ("no-such-program",)},
            r"ended with 127 before .* env: .no-such-program.: No such file",
        ),
        ({"folder": "absent"}, "the folder absent of service api is not in the tree"),
    ],
)
def test_what_cannot_start_is_an_error(more: dict[str, str], why: str, tmp_path: Path) -> None:
    assert re.search(why, str(refused(environment(service(**more)), tmp_path)))


def test_a_service_that_dies_during_the_tests_is_told(tmp_path: Path) -> None:
    code = (
        "import http.server as h, sys; s = h.HTTPServer(('127.0.0.1', int(sys.argv[1])), h.SimpleHTTPRequestHandler)\n"
        "while not open('die').read(): s.handle_request()"
    )
    places = folders(tmp_path)
    (places["tree"] / "die").write_text("")
    dies = service(command=(sys.executable, "-c", code, "${PORT}"))
    with environments.up(environment(dies), **places) as running:
        assert running.gone() == ()
        (places["tree"] / "die").write_text("now")
        ask(running, running.address, tmp_path)
        assert running.started["api"].ended(60)
        assert running.gone() == ("api",)


def test_a_server_that_was_there_before_is_not_taken_for_the_service(tmp_path: Path) -> None:
    """What is started cannot have the port, and stays: without a look before, the other would be tested."""
    (tmp_path / "before").mkdir()
    with environments.up(environment(isolation="none"), **folders(tmp_path / "before")) as before:
        stays = service(command=("sleep", "600"), ready=before.address)
        definition = environment(stays, isolation="none", address=before.address)
        message = str(refused(definition, tmp_path / "after"))
    assert message == f"something else listens at {before.address} before the service api is started"


def test_a_log_without_an_end_does_not_fill_anything(tmp_path: Path) -> None:
    loud = "import sys\nfor _ in range(5000): print('y' * 1023)\nprint('z', flush=True)\n"
    serve = (
        "import runpy; sys.argv = ['', '--bind', '127.0.0.1', sys.argv[1]]\n"
        "runpy.run_module('http.server', run_name='__main__')"
    )
    definition = environment(service(command=(sys.executable, "-c", loud + serve, "${PORT}")))
    with environments.up(definition, **folders(tmp_path)) as running:
        log = running.logs()["api"]
    assert len(log) == tools.LOG_LIMIT
    assert b"\nz\n" in log


def _broken_off(running: Running) -> None:
    raise ZeroDivisionError(running.started["api"].pid)


def test_an_exception_among_the_tests_takes_it_down(tmp_path: Path) -> None:
    up = environments.up(environment(service(command=SERVER)), **folders(tmp_path))
    with pytest.raises(ZeroDivisionError) as caught, up as running:
        _broken_off(running)
    assert not Path(f"/proc/{caught.value.args[0]}").exists()
