"""tools.py with real processes: time, output, groups, environments, and two small questions to a server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardgate import tools
from hardgate.errors import ToolError

SH = "/bin/sh"
HERE = Path(__file__).parents[1]


def run(*argv: str, cwd: Path = HERE, timeout: float = 60.0, output_limit: int = tools.OUTPUT_LIMIT) -> tools.Completed:
    return tools.run(argv, cwd=cwd, env={"PATH": os.defpath}, timeout=timeout, output_limit=output_limit)


def python(code: str, *words: str, timeout: float = 60.0, output_limit: int = tools.OUTPUT_LIMIT) -> tools.Completed:
    return run(sys.executable, "-c", code, *words, timeout=timeout, output_limit=output_limit)


def _alive(pid: int) -> bool:
    """Whether a process does anything any more: a zombie that nobody waits for does not."""
    try:
        facts = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return facts.rsplit(")", 1)[1].split()[0] not in {"Z", "X"}


def _eventually(true: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.02)
    return False


def test_output_exit_code_and_figures() -> None:
    done = run(SH, "-c", "echo out; echo err >&2; exit 7")
    assert (done.exit_code, done.stdout, done.stderr) == (7, b"out\n", b"err\n")
    assert not done.timed_out
    assert not done.overflowed
    assert 0 < done.seconds < 60
    assert done.peak_memory > 100_000


def test_cpu_time_counts_children_that_were_waited_for() -> None:
    busy = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    done = run(SH, "-c", f"'{sys.executable}' -c '{busy}'; true")
    assert 0.3 <= done.cpu_seconds < 30


def test_both_pipes_are_read_at_once() -> None:
    done = python("import os; [os.write(1 + n % 2, b'x' * 50_000) for n in range(40)]")
    assert len(done.stdout) == len(done.stderr) == 1_000_000


def test_a_tool_has_no_standard_input() -> None:
    assert run("cat").stdout == b""


def test_a_file_can_be_standard_input(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"from a file")
    with (tmp_path / "in").open("rb") as stdin:
        done = tools.run(["cat"], cwd=tmp_path, env={"PATH": os.defpath}, timeout=60, stdin=stdin)
    assert done.stdout == b"from a file"


def test_a_tool_gets_no_file_descriptors_of_ours(tmp_path: Path) -> None:
    with (tmp_path / "open").open("wb") as file:
        os.set_inheritable(file.fileno(), True)
        done = python("import os; print(*sorted(os.listdir('/proc/self/fd')))")
    assert len(done.stdout.split()) == 4  # three streams and the listing itself


@pytest.mark.parametrize("name", ["KILL", "SEGV", "TERM"])
def test_a_signal_is_a_negative_exit_code(name: str) -> None:
    done = run(SH, "-c", f"kill -{name} $$")
    assert done.exit_code == -signal.Signals[f"SIG{name}"]
    assert not done.timed_out


def test_a_missing_executable_is_named() -> None:
    with pytest.raises(ToolError, match=r"^no-such-tool could not be started: "):
        run("/opt/no-such-tool")


def test_a_missing_working_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="could not be started"):
        run(SH, "-c", "true", cwd=tmp_path / "absent")


def test_an_executable_without_permission_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    with pytest.raises(ToolError, match=r"^tool could not be started: .*Permission"):
        run(str(tmp_path / "tool"))


@pytest.mark.parametrize("argv", [("echo", "a\0b"), ("echo", "x" * 3_000_000)])
def test_arguments_that_no_process_can_take_are_an_error(argv: tuple[str, ...]) -> None:
    with pytest.raises(ToolError, match=r"^echo could not be started"):
        run(*argv)


def test_a_timeout_ends_the_whole_group_also_those_that_ignore_a_polite_end() -> None:
    done = run(SH, "-c", "trap '' TERM; sleep 601 & echo $!; (sleep 602 & echo $!; wait) & wait", timeout=1.5)
    children = [int(word) for word in done.stdout.split()]
    assert done.timed_out
    assert done.exit_code == -signal.SIGKILL
    assert 1.5 <= done.seconds < 30
    assert len(children) == 2
    assert _eventually(lambda: not any(map(_alive, children)))


def test_children_left_behind_by_a_tool_that_ended_well_are_ended() -> None:
    done = run(SH, "-c", "sleep 603 & echo $!")
    assert done.exit_code == 0
    assert not done.timed_out
    assert done.seconds < 30
    assert _eventually(lambda: not _alive(int(done.stdout)))


def _with_a_runaway(what: str, folder: Path) -> tools.Completed:
    """A tool that ends once a process of its own, which prints its number, is in a session of its own."""
    script = f"setsid {SH} -c 'echo $$; touch ready; {what}' & while [ ! -e ready ]; do sleep 0.05; done"
    return run(SH, "-c", script, cwd=folder, output_limit=1 << 40)


@pytest.mark.parametrize("what", ["exec sleep 604", "while echo y; do :; done"], ids=["is silent", "writes for ever"])
def test_a_process_that_left_the_group_and_holds_the_pipes_cannot_hold_us(what: str, tmp_path: Path) -> None:
    done = _with_a_runaway(what, tmp_path)
    pid = int(done.stdout.split()[0])
    with suppress(ProcessLookupError):  # who writes ends when nobody reads any more
        os.kill(pid, signal.SIGKILL)
    assert done.exit_code == 0
    assert done.seconds < 30


def test_all_that_a_tool_wrote_before_its_end_is_read() -> None:
    for _ in range(20):
        assert run("head", "-c", "65536", "/dev/zero").stdout == b"\0" * 65536


def test_output_is_cut_at_the_limit_and_the_tool_is_ended() -> None:
    done = run("yes", output_limit=100_000)
    assert done.overflowed
    assert not done.timed_out
    assert len(done.stdout) == 100_000
    assert done.exit_code in {-signal.SIGKILL, -signal.SIGPIPE}


@pytest.mark.parametrize(("size", "over"), [(999, False), (1000, False), (1001, True)])
def test_the_limit_is_exact(size: int, over: bool) -> None:
    done = run("head", "-c", str(size), "/dev/zero", output_limit=1000)
    assert done.overflowed is over
    assert len(done.stdout) == min(size, 1000)


def test_standard_error_keeps_its_end() -> None:
    done = python("import sys; sys.stderr.write('x' * 5_000_000 + 'the last words')")
    assert len(done.stderr) == tools.STDERR_LIMIT
    assert done.stderr.endswith(b"the last words")
    assert not done.overflowed


def test_two_gigabytes_of_output_do_not_fill_our_memory() -> None:
    code = (
        "import os, sys; from pathlib import Path; from hardgate import tools\n"
        "for argv in ('head -c 2G /dev/zero', 'head -c 300M /dev/zero >&2'):\n"
        "    done = tools.run(['/bin/sh', '-c', argv], cwd=Path('/'), env={'PATH': os.defpath}, timeout=60,"
        " output_limit=16 * 1024 * 1024)\n"
        "    print(done.overflowed, len(done.stdout), len(done.stderr))\n"
        # Not ru_maxrss: that begins with the size of the process that started this one, here of pytest.
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM:')))\n"
    )
    done = python(code)
    first, second, peak = done.stdout.decode().splitlines()
    assert first == f"True {16 * 1024 * 1024} 0"
    assert second == f"False 0 {tools.STDERR_LIMIT}"
    assert int(peak) < 120 * 1024  # kB


def test_kill_all_ends_every_running_tool() -> None:
    ended: list[tools.Completed] = []
    threads = [threading.Thread(target=lambda: ended.append(run("sleep", "605"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert _eventually(lambda: len(tools._live) == 3)
    tools.kill_all()
    for thread in threads:
        thread.join(30)
    assert [one.exit_code for one in ended] == [-signal.SIGKILL] * 3
    assert not any(one.timed_out for one in ended)
    assert tools._live == set()


INTERRUPTED = """
import os, signal, sys, threading, time
from pathlib import Path
from hardgate import tools

def interrupt():
    while not Path("pid").is_file() or not Path("pid").read_text().strip() or not tools._live:
        time.sleep(0.01)
    time.sleep(0.5)  # by now the main thread waits for the tool
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=interrupt).start()
tools.run(["/bin/sh", "-c", "echo $$ > pid; exec sleep 606"], cwd=Path.cwd(), env={}, timeout=60)
"""


def test_an_interrupt_ends_the_tool(tmp_path: Path) -> None:
    """^C reaches the thread that waits for the tool, which is in a group of its own and did not hear it."""
    argv = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, timeout=50, check=False)
    assert b"KeyboardInterrupt" in done.stderr
    assert _eventually(lambda: not _alive(int((tmp_path / "pid").read_text())))


def test_the_environment_of_a_tool_is_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    theirs = {
        "PYTHONPATH": "/evil", "PYTHONSTARTUP": "/evil", "LD_PRELOAD": "/evil", "GIT_DIR": "/evil", "SECRET": "s",
        "HARDGATE_RECEIPT_KEY": "k", "XDG_CONFIG_HOME": "/evil", "BASH_ENV": "/evil", "HTTPS_PROXY": "http://proxy:1",
        "SAFETY_API_KEY": "given",
    }  # fmt: skip
    for name, value in theirs.items():
        monkeypatch.setenv(name, value)
    env = tools.environment(tmp_path, extra={"GIT_OPTIONAL_LOCKS": "0"}, passed=("SAFETY_API_KEY", "ABSENT"))
    seen = tools.run(["env", "-0"], cwd=tmp_path, env=env, timeout=60).stdout.decode().split("\0")
    given = dict(line.split("=", 1) for line in seen if line)
    assert {name: given.get(name) for name in theirs} == {
        **dict.fromkeys(theirs), "XDG_CONFIG_HOME": str(tmp_path / ".config"), "HTTPS_PROXY": "http://proxy:1",
        "SAFETY_API_KEY": "given",
    }  # fmt: skip
    assert given["HOME"] == given["TMPDIR"] == str(tmp_path)
    assert given["GIT_OPTIONAL_LOCKS"] == "0"
    assert "ABSENT" not in given


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        (".:/usr/bin::bin:./x:/bin", "/usr/bin:/bin"),
        ("", ""),
        (".", ""),
        (None, os.defpath),
    ],
)
def test_only_absolute_folders_stay_in_path(path: str | None, kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PATH") if path is None else monkeypatch.setenv("PATH", path)
    assert tools.environment(HERE)["PATH"] == kept


def test_python_takes_no_code_from_the_working_directory(tmp_path: Path) -> None:
    """The scanned repository is the working directory: its `json.py` is not ours."""
    (tmp_path / "json.py").write_text("print('taken over')")
    (tmp_path / "sitecustomize.py").write_text("print('taken over')")
    argv = [sys.executable, "-c", "import json; print(json.dumps(1))"]
    done = tools.run(argv, cwd=tmp_path, env=tools.environment(tmp_path), timeout=60)
    assert done.stdout == b"1\n"


def test_the_first_words_of_a_longer_secret_are_no_way_around_the_mask() -> None:
    words = tools.mask(["--key=abcdef", "abc", "plain", "xabcx"], ["abc", "abcdef", ""])
    assert words == ("--key=***", "***", "plain", "x***x")


SECRETS = st.lists(st.text("ab/= ", min_size=1, max_size=5), max_size=4)


@given(words=st.lists(st.text("abc*/= ", max_size=12), max_size=5), secrets=SECRETS)
def test_no_secret_survives_the_mask(words: list[str], secrets: list[str]) -> None:
    masked = tools.mask(words, secrets)
    assert len(masked) == len(words)
    assert not any(secret in word for secret in secrets for word in masked)


class _Answer(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        if self.path == "/garbage":
            self.wfile.write(b"this is no HTTP\r\n\r\n")
        elif self.path == "/file":
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
        else:
            self.send_response(200 if self.path == "/" else int(self.path[1:]))
            self.send_header("Last-Modified", "Sat, 31 Jan 2026 12:00:00 GMT")
            self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is http.server's)
        """Say nothing."""


@contextmanager
def _server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def _silent() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_a_server_is_reachable_and_says_how_old_its_data_is() -> None:
    with _server() as address:
        assert tools.reachable(address)
        assert tools.reachable(address + "/some/path?query")
        assert tools.last_modified(address + "/") == "Sat, 31 Jan 2026 12:00:00 GMT"


@pytest.mark.parametrize("path", ["/404", "/500", "/204x", "/garbage", "/file"])
def test_an_answer_without_a_date_is_no_date(path: str) -> None:
    with _server() as address:
        assert tools.last_modified(address + path) == ""


def test_a_server_that_does_not_answer_ends_in_time() -> None:
    with _silent() as address:
        assert tools.reachable(address)
        assert tools.last_modified(address, timeout=0.3) == ""


def test_a_closed_port_is_not_reachable() -> None:
    address = f"http://127.0.0.1:{_closed_port()}"
    assert not tools.reachable(address)
    assert tools.last_modified(address) == ""


@pytest.mark.parametrize(
    "address",
    ["", "nonsense", "http://", "http:///path", "http://127.0.0.1:99999", "http://[::1", "http://127.0.0.1:port",
     "file:///etc/passwd", "https://" + "a" * 70 + ".localhost", "http://\udce9/"],
)  # fmt: skip
def test_an_address_that_is_none_is_not_reachable(address: str) -> None:
    assert not tools.reachable(address, timeout=0.3)
    assert tools.last_modified(address, timeout=0.3) == ""
