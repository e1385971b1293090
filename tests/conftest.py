"""What holds for every test: it cannot reach home, the user's settings or the network, and git knows who it is.

The scanners that `make setup` installed lie in a home of their own: HARDGATE_TEST_HOME, or what HARDGATE_HOME and the
user's cache say when the tests are started. It is read once, before home is moved, and handed out by `tools_folder`.
"""

from __future__ import annotations

import gc
import ipaddress
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from hardgate import toolbox
from tests.lab import advisory_db, once
from tests.lab.containers.fixture import lab, together
from tests.lab.scheduling import ByFile, longest_first

__all__ = ["lab"]  # a fixture of all tests

# Quick and the same on every machine: no database of earlier examples, no limit on the time of one of them.
settings.register_profile("hardgate", max_examples=60, deadline=None, database=None, derandomize=True)
settings.load_profile("hardgate")

_CLEANED = ("HARDGATE_", "XDG_", "GIT_", "GITHUB_", "PYTHON")
_UNSET = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "COLUMNS", "LINES", "CI", "TMPDIR", "EMAIL")
_KEPT = {"PYTHONHASHSEED"}
_GIT = {
    "GIT_AUTHOR_NAME": "Ada Tester",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "2026-01-31T12:00:00+00:00",
    "GIT_COMMITTER_NAME": "Ada Tester",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_COMMITTER_DATE": "2026-01-31T12:00:00+00:00",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
_TOOLS = toolbox.default_folder(
    {**os.environ, "HARDGATE_HOME": os.environ.get("HARDGATE_TEST_HOME") or os.environ.get("HARDGATE_HOME", "")}
)
_LOCAL_NAMES = {"", "localhost"}
# A shell that runs the tests in its background has them and their children ignore ^C: a user's terminal does not.
signal.signal(signal.SIGINT, signal.default_int_handler)


class NetworkError(RuntimeError):
    """A test tried to leave this machine. It is no OSError, so that nothing takes it for a service that is down."""


def _is_local(host: object) -> bool:
    if host is None:
        return True
    name = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(name.split("%")[0]).is_loopback
    except ValueError:
        return name in _LOCAL_NAMES or _is_loopback_number(name)


def _is_loopback_number(name: str) -> bool:
    """Whether a name is 127.0.0.1 in one of the forms that the C library reads, such as 2130706433 or 0x7f.1."""
    try:
        return ipaddress.IPv4Address(socket.inet_aton(name)).is_loopback
    except OSError:
        return False


def _guard(event: str, args: tuple[object, ...]) -> None:
    """An audit hook (https://docs.python.org/3/library/audit_events.html): it cannot be patched away by a test."""
    if event in {"socket.connect", "socket.sendto"}:
        address = args[1]
        if isinstance(address, tuple) and not _is_local(address[0]):
            raise NetworkError(f"a test tried to reach {address[0]}")
    elif event == "socket.getaddrinfo" and not _is_local(args[0]):
        raise NetworkError(f"a test tried to look up {args[0]!r}")


sys.addaudithook(_guard)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect without collecting garbage: what is made now (modules, tests, syntax trees) stays, and is never looked at
    again (https://docs.python.org/3/library/gc.html#gc.freeze). The tests themselves run with it switched on.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Tests that share a costly thing run in one process."""
    together(item)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes longest comes first, where several workers share the tests."""
    if config.getoption("loadgroup", default=False):
        items[:] = longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile | None:
    """`--dist loadgroup` deals out by file."""
    return ByFile(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An empty home, none of the user's settings, and the signal handlers as they were."""
    home = tmp_path_factory.mktemp("home")
    for name in os.environ:
        if name in _UNSET or (name.startswith(_CLEANED) and name not in _KEPT):
            monkeypatch.delenv(name)
    for name, value in {**_GIT, "HOME": str(home)}.items():
        monkeypatch.setenv(name, value)
    terminate = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, terminate)


@pytest.fixture(scope="session")
def tools_folder() -> Path:
    """Where the real scanners are installed, for tests marked `real`; such a test fails, and is not skipped, without.

    HARDGATE_HOME is the folder above it: `monkeypatch.setenv("HARDGATE_HOME", str(tools_folder.parent))`.
    """
    if not _TOOLS.is_dir():
        pytest.fail(f"the scanners are not installed in {_TOOLS}: run `make setup`, or set HARDGATE_TEST_HOME")
    return _TOOLS


@pytest.fixture(scope="session")
def python_folder(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of what the lab's snapshot has of PyPI. It is shared: nobody may write there."""
    return once.made(pytestconfig, tmp_path_factory, "python-advisories", advisory_db.fill)


@pytest.fixture(scope="session")
def trivy_folder(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory, python_folder: Path) -> Path:
    """A cache of hardgate's, for copying: Trivy's database is made already, out of the one in `python_folder`."""
    return once.made(pytestconfig, tmp_path_factory, "trivy-cache", lambda at: advisory_db.trivy(python_folder, at))
