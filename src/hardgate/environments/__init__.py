"""Starts what is to be tested, waits until it is ready, and takes it down again, whatever happens.

`up` is a `with`: at its end, after an exception, after ^C and when hardgate itself is killed, nothing of the
environment is left. A keeper (see keeper.py) hears the end of hardgate by a pipe that closes.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from hardgate import tools
from hardgate.environments import walls
from hardgate.environments.task import MARK, Task
from hardgate.errors import ToolError
from hardgate.services import ISOLATED, Environment, Service, filled

PATIENCE = 30.0  # seconds for the keeper, which has to start Python and little else
_PAUSE = 0.05  # seconds between two looks; a service that ends is noticed at once
_ANSWER = 600  # characters of a log's end that an error quotes
_FIRST_PORT = 20_001  # behind a wall all ports are free, and the same ones make runs alike
_SAME = ("PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "LANG", "LC_ALL", "PYTHONUTF8")


class StartError(ToolError):
    """An environment did not come up. `logs` is what its services wrote until then; `wall`: it may not be isolated."""

    def __init__(self, message: str, *, hint: str = "", wall: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.logs: dict[str, bytes] = {}
        self.wall = wall


@dataclass(slots=True)
class Running:
    """An environment that is up. `address` is what tests ask; `places` fill the texts of hardgate.yaml.

    `variables` are handed to services and tests; `isolation` is the sentence for the receipt.
    """

    definition: Environment
    address: str
    places: dict[str, str]
    variables: dict[str, str]
    isolation: str
    keeper: tools.Service
    inside: Callable[[Path, tuple[str, ...]], tuple[str, ...]]
    started: dict[str, tools.Service] = field(default_factory=dict)

    def words(self, command: tuple[str, ...], folder: Path) -> tuple[str, ...]:
        """The words that start a test's command in `folder`, where the services are and behind the same wall."""
        return self.inside(folder, command)

    def environment(self, home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment variables of whatever runs in here: no proxy, nothing of the user's but PATH."""
        own = tools.environment(home)
        return {
            **{name: own[name] for name in _SAME},
            "PYTHONUNBUFFERED": "1",  # or a service that is ended keeps the end of its log to itself
            **self.variables,
            **(extra or {}),
        }

    def logs(self) -> dict[str, bytes]:
        """What each service wrote until now, at most its last MiB."""
        return {name: one.log() for name, one in self.started.items()}

    def gone(self) -> tuple[str, ...]:
        """The services that have ended although nobody ended them."""
        return tuple(name for name, one in self.started.items() if one.ended())

    def attempts(self) -> int | None:
        """How many packets wanted to leave and found no route; None where no wall counts them. Only while it is up."""
        return walls.attempts(self.keeper.pid) if self.definition.isolation == ISOLATED else None


@contextlib.contextmanager
def up(environment: Environment, *, tree: Path, scratch: Path) -> Iterator[Running]:
    """Start the services of `environment` over `tree`, a private copy that they may write to; `scratch` is empty.

    Raises StartError, a ToolError, when it does not come up or cannot be isolated as hardgate.yaml asks.
    """
    running = _surrounded(environment, tree, scratch)
    try:
        for service in environment.services:
            _start(running, service, tree, scratch)
        yield running
    except StartError as error:
        error.logs = running.logs()
        raise
    finally:
        _down(running)
        shutil.rmtree(scratch / "state", ignore_errors=True)


def _surrounded(environment: Environment, tree: Path, scratch: Path) -> Running:
    """The keeper, behind a wall where one is asked for, and nothing else yet."""
    mark = secrets.token_hex(8)
    for name in ("state", "home"):
        (scratch / name).mkdir()
    isolated = environment.isolation == ISOLATED
    ports = {one.name: _FIRST_PORT + i if isolated else tools.free_port() for i, one in enumerate(environment.services)}
    places = {"STATE": str(scratch / "state"), "TREE": str(tree)} | {f"{k}.PORT": str(v) for k, v in ports.items()}
    places["PORT"] = str(ports[environment.asked])
    address = filled(environment.address, places)
    variables = {MARK: mark, "HARDGATE_STATE": places["STATE"], "HARDGATE_URL": address}
    variables |= {"HARDGATE_PORT": places["PORT"], **{_port_name(k): str(v) for k, v in ports.items()}}
    keeper, user = _kept(mark, scratch, isolated=isolated)

    def inside(folder: Path, command: tuple[str, ...]) -> tuple[str, ...]:
        if not isolated:
            return ("env", f"--chdir={folder}", "--", *command)
        return walls.inside(keeper.pid, folder, command, user=user)

    how = f"in namespaces of its own{' as no user of the outside' if user else ''}: loopback only, no route out"
    told = how if isolated else "isolation: none: what is tested can reach the network"
    return Running(environment, address, places, variables, told, keeper, inside)


def _port_name(service: str) -> str:
    return f"HARDGATE_PORT_{service.upper().replace('-', '_')}"


def _kept(mark: str, scratch: Path, *, isolated: bool) -> tuple[tools.Service, bool]:
    """A keeper that is ready, and whether it has a user namespace. Raises StartError."""
    command = (sys.executable, "-P", "-m", "hardgate.environments.keeper")
    env = {k: v for k, v in tools.environment(scratch / "home").items() if k not in tools.PASSED}
    if not isolated:
        return _ready(tools.Service(command, cwd=scratch, env=env, told=True), Task(mark=mark)), False
    said = [walls.lacking()]
    for user in () if said[0] else walls.ways():
        words = walls.around(command, user=user)
        task = Task(mark=mark, walled=True, hidden=walls.sockets())
        try:
            return _ready(tools.Service(words, cwd=scratch, env=env, told=True), task), user
        except ToolError as error:
            said.append(str(error))
    message = f"no wall could be put around the environment: {'; '.join(filter(None, said))}"
    raise StartError(message, hint=walls.REMEDY, wall=True)


def _ready(keeper: tools.Service, task: Task) -> tools.Service:
    """The keeper, once it says that it is ready; raises ToolError when it does not, with what it says."""
    ready, end = False, time.monotonic() + PATIENCE
    try:
        with contextlib.suppress(ToolError):  # what it says of its end tells more
            keeper.tell(msgspec.json.encode(task).decode())
        while not (ready := b"ready\n" in keeper.log()) and time.monotonic() < end:
            if keeper.ended(_PAUSE):
                break
    finally:
        if not ready:
            keeper.stop()
    if not ready:
        raise ToolError(_end(keeper.log()) or f"its keeper said nothing in {PATIENCE:g} s")
    return keeper


def _start(running: Running, service: Service, tree: Path, scratch: Path) -> None:
    """Start one service and wait until it is ready."""
    name, places = service.name, running.places | {"PORT": running.places[f"{service.name}.PORT"]}
    command = tuple(filled(word, places) for word in service.command)
    own = {key: filled(value, places) for key, value in service.variables.items()}
    env = running.environment(scratch / "home", {"HARDGATE_PORT": places["PORT"], **own})
    folder = tree / service.folder
    if not folder.is_dir():
        raise StartError(f"the folder {service.folder} of service {name} is not in the tree", hint="See its `folder`.")
    one = running.started[name] = tools.Service(running.words(command, folder), cwd=tree, env=env)
    if running.definition.isolation != ISOLATED:
        running.keeper.tell(str(one.pid))
    end = time.monotonic() + service.timeout
    if isinstance(service.ready, str):
        _answering(running, service, one, filled(service.ready, places), end)
    else:
        asked = tuple(filled(word, places) for word in service.ready)
        _agreeing(running, service, one, (running.words(asked, folder), env), end)


def _answering(running: Running, service: Service, one: tools.Service, address: str, end: float) -> None:
    """Wait until something answers at an address, asked from where the service is."""
    word = f"answers {address}".encode()
    running.keeper.tell(address)
    while word not in running.keeper.log().splitlines():
        _patient(running, service, one, end, f"{address} did not answer")


def _agreeing(
    running: Running, service: Service, one: tools.Service, asked: tuple[tuple[str, ...], dict[str, str]], end: float
) -> None:
    """Wait until a command ends with 0: it is started again each time that it says no."""
    words, env = asked
    while True:
        probe = tools.Service(words, cwd=Path("/"), env=env)
        try:
            while not probe.ended(_PAUSE):
                _patient(running, service, one, end, "its `ready` command did not end")
        finally:
            code = probe.stop()
        if code == 0:
            return
        said = _end(probe.log())
        _patient(running, service, one, end, f"its `ready` command ended with {code}{f': {said}' if said else ''}")


def _patient(running: Running, service: Service, one: tools.Service, end: float, why: str) -> None:
    """A short wait; raises StartError when the service has ended, or its time is up."""
    name = f"the service {service.name} of environment {running.definition.name}"
    if one.ended(_PAUSE):
        code = one.stop()
        said = _end(one.log()) or "it wrote nothing"
        raise StartError(
            f"{name} ended with {code} before it was ready: {said}",
            hint="See its command, and the log among the outputs of the action.",
        )
    if running.keeper.ended():
        raise StartError(f"the keeper of {name} ended: {_end(running.keeper.log())}", hint="Run it again.")
    if time.monotonic() > end:
        said = _end(one.log()) or "it wrote nothing"
        raise StartError(
            f"{name} was not ready after {service.timeout:g} s: {why}; the end of its log: {said}",
            hint="Mend it or its `ready`, or give it longer: `timeout`.",
        )


def _end(log: bytes) -> str:
    """The end of a log, white space folded."""
    return " ".join(log.decode("utf-8", "replace").split())[-_ANSWER:]


def _down(running: Running) -> None:
    """End the keeper, which ends all else, and then what it may have missed."""
    running.keeper.hang_up()
    end = time.monotonic() + PATIENCE
    while not running.keeper.ended(_PAUSE) and time.monotonic() < end:
        pass
    for one in running.started.values():
        one.stop()
    running.keeper.stop()
