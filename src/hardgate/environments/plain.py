"""An environment of plain services: processes that start in their order, each when the one before is ready."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from hardgate import tools
from hardgate.environments import walls
from hardgate.environments.running import PAUSE, Running, StartError, end_of, kept
from hardgate.environments.task import MARK
from hardgate.services import ISOLATED, Environment, Service, filled

_FIRST_PORT = 20_001  # behind a wall all ports are free, and the same ones make runs alike


@contextlib.contextmanager
def started(environment: Environment, *, tree: Path, scratch: Path) -> Iterator[Running]:
    """Start the services of `environment`; see `environments.up`."""
    running = _surrounded(environment, tree, scratch)
    try:
        for service in environment.services:
            _start(running, service, tree, scratch)
        yield running
    except StartError as error:
        error.logs = running.logs()
        raise
    finally:
        running.down()
        shutil.rmtree(scratch / "state", ignore_errors=True)


def _surrounded(environment: Environment, tree: Path, scratch: Path) -> Running:
    """The keeper, behind a wall where one is asked for, and nothing else yet."""
    mark = secrets.token_hex(8)
    for name in ("state", "home"):
        (scratch / name).mkdir()
    isolated = environment.isolation == ISOLATED
    ports = {one.name: _FIRST_PORT + i if isolated else tools.free_port() for i, one in enumerate(environment.services)}
    places = {"STATE": str(scratch / "state"), "TREE": str(tree)} | {f"{k}.PORT": str(v) for k, v in ports.items()}
    places["PORT"] = str(ports[environment.asked]) if environment.asked else ""
    address = filled(environment.address, places)
    variables = {MARK: mark, "HARDGATE_STATE": places["STATE"], "HARDGATE_URL": address}
    variables |= {"HARDGATE_PORT": places["PORT"], **{_port_name(k): str(v) for k, v in ports.items()}}
    keeper, user = kept(mark, scratch, isolated=isolated)

    def inside(folder: Path, command: tuple[str, ...]) -> tuple[str, ...]:
        if not isolated:
            return ("env", f"--chdir={folder}", "--", *command)
        return walls.inside(keeper.pid, folder, command, user=user)

    how = f"in namespaces of its own{' as no user of the outside' if user else ''}: loopback only, no route out"
    told = how if isolated else "isolation: none: what is tested can reach the network"
    return Running(environment, address, places, variables, told, keeper, inside)


def _port_name(service: str) -> str:
    return f"HARDGATE_PORT_{service.upper().replace('-', '_')}"


def _start(running: Running, service: Service, tree: Path, scratch: Path) -> None:
    """Start one service and wait until it is ready."""
    name, places = service.name, running.places | {"PORT": running.places[f"{service.name}.PORT"]}
    command = tuple(filled(word, places) for word in service.command)
    own = {key: filled(value, places) for key, value in service.variables.items()}
    env = running.environment(scratch / "home", {"HARDGATE_PORT": places["PORT"], **own})
    folder = tree / service.folder
    if not folder.is_dir():
        raise StartError(f"the folder {service.folder} of service {name} is not in the tree", hint="See its `folder`.")
    _alone(running, service, places)
    one = running.started[name] = tools.Service(running.words(command, folder), cwd=tree, env=env)
    if running.definition.isolation != ISOLATED:
        running.keeper.tell(str(one.pid))
    end = time.monotonic() + service.timeout
    if isinstance(service.ready, str):
        _answering(running, service, one, filled(service.ready, places), end)
    else:
        asked = tuple(filled(word, places) for word in service.ready)
        _agreeing(running, service, one, (running.words(asked, folder), env), end)


def _alone(running: Running, service: Service, places: Mapping[str, str]) -> None:
    """Raise StartError where somebody else listens already at the address by which the service shall be known.

    Behind a wall there is nobody else. Without one it may be what another run left behind, and tests would ask that.
    """
    if running.definition.isolation == ISOLATED or not isinstance(service.ready, str):
        return
    address = filled(service.ready, places)
    mine = {running.places[f"{name}.PORT"] for name in running.started}
    if str(urlsplit(address).port) not in mine and tools.reachable(address, timeout=1.0):
        message = f"something else listens at {address} before the service {service.name} is started"
        raise StartError(message, hint="End it, or use ${PORT}: hardgate fills in a port that is free.")


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
    why = "its `ready` command did not end"
    while True:
        probe = tools.Service(words, cwd=Path("/"), env=env)
        try:
            while not probe.ended(PAUSE):
                _patient(running, service, one, end, why)
        finally:
            code = probe.stop()
        if code == 0:
            return
        said = end_of(probe.log())
        why = f"its `ready` command ended with {code}{f': {said}' if said else ''}"
        _patient(running, service, one, end, why)


def _patient(running: Running, service: Service, one: tools.Service, end: float, why: str) -> None:
    """A short wait; raises StartError when the service has ended, or its time is up."""
    name = f"the service {service.name} of environment {running.definition.name}"
    if one.ended(PAUSE):
        code = one.stop()
        said = end_of(one.log()) or "it wrote nothing"
        raise StartError(
            f"{name} ended with {code} before it was ready: {said}",
            hint="See its command, and the log among the outputs of the action.",
        )
    if running.keeper.ended():
        raise StartError(f"the keeper of {name} ended: {end_of(running.keeper.log())}", hint="Run it again.")
    if time.monotonic() > end:
        said = end_of(one.log()) or "it wrote nothing"
        raise StartError(
            f"{name} was not ready after {service.timeout:g} s: {why}; the end of its log: {said}",
            hint="Mend it or its `ready`, or give it longer: `timeout`.",
        )
