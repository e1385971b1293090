"""An environment of containers: a compose file, all of its networks internal, and the tests in that of one service.

Containers are no children of ours: they are found again by their labels. A keeper takes them down when hardgate ends,
and the next run those of a run whose process is gone.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from hardgate import tools
from hardgate.adapter import decode
from hardgate.environments import walls
from hardgate.environments.composed import LABEL, OWNER, openings, walled
from hardgate.environments.running import KEEPER, PATIENCE, PAUSE, Running, StartError, alone, end_of, ready
from hardgate.environments.task import MARK, Task
from hardgate.errors import ToolError
from hardgate.services import ISOLATED, Environment, filled

_BUILD = 1800.0  # seconds for the images of a file that builds them
_ASK = 120.0  # seconds for everything that asks the engine something
_LINES = "5000"  # lines of each log that are kept
_PASSED = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "DOCKER_API_VERSION")
_DOWN = ("down", "--volumes", "--remove-orphans", "--timeout", "0")

_RESTARTS = '{{index .Config.Labels "com.docker.compose.service"}} {{.RestartCount}}'


# Containers first: what they use cannot be removed before them.
_KINDS = (
    (("ps", "--all"), ("rm", "--force", "--volumes"), "ID"),
    (("network", "ls"), ("network", "rm"), "ID"),
    (("volume", "ls"), ("volume", "rm"), "Name"),
)


class _State(msgspec.Struct):
    service: str = msgspec.field(name="Service")
    state: str = msgspec.field(name="State")
    code: int = msgspec.field(name="ExitCode", default=0)


class _Process(msgspec.Struct):
    pid: int = msgspec.field(name="Pid")


class _Address(msgspec.Struct):
    address: str = msgspec.field(name="IPAddress")


class _Settings(msgspec.Struct):
    networks: dict[str, _Address] = msgspec.field(name="Networks")


class _Container(msgspec.Struct):
    """What hardgate looks at of `docker inspect`."""

    state: _Process = msgspec.field(name="State")
    settings: _Settings = msgspec.field(name="NetworkSettings")


class _Network(msgspec.Struct):
    """What hardgate looks at of `docker network inspect`."""

    name: str = msgspec.field(name="Name")
    internal: bool = msgspec.field(name="Internal")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Project:
    """One started compose file. `command` are the words before each of compose's own."""

    definition: Environment
    command: tuple[str, ...]
    env: dict[str, str]
    folder: Path
    services: tuple[str, ...]

    def ask(self, *words: str, timeout: float = _ASK) -> tools.Completed:
        return tools.run((*self.command, *words), cwd=self.folder, env=self.env, timeout=timeout)

    def logs(self) -> dict[str, bytes]:
        """The last lines of what each service said."""
        words = ("logs", "--no-color", "--no-log-prefix", "--tail", _LINES)
        return {name: self.ask(*words, name).stdout[-tools.LOG_LIMIT :] for name in self.services}

    def gone(self) -> tuple[str, ...]:
        """The services that do not run, or were started again; one that is not asked may have come to a good end."""
        rows = self.ask("ps", "--all", "--format", "json").stdout.splitlines()
        found = [decode(row, _State, "docker compose") for row in rows if row.strip()]
        asked = self.definition.asked
        well = {one.service for one in found if one.state == "exited" and not one.code and one.service != asked}
        running = {one.service for one in found if one.state == "running"} | well
        again = self._again()
        return tuple(name for name in self.services if name not in running or name in again)

    def _again(self) -> set[str]:
        """The services that the engine has started again; all of them where it does not say."""
        names = self.ask("ps", "--all", "--quiet").stdout.decode().split()
        words = ("docker", "inspect", "--format", _RESTARTS, *names)
        done = tools.run(words, cwd=self.folder, env=self.env, timeout=_ASK)
        rows = [row.split() for row in done.stdout.decode().splitlines()]
        return set(self.services) if done.exit_code else {row[0] for row in rows if row[1] != "0"}


@contextlib.contextmanager
def started(environment: Environment, *, tree: Path, scratch: Path, image: str = "") -> Iterator[Running]:
    """Start the compose file of `environment`; see `environments.up`."""
    for name in ("state", "home"):
        (scratch / name).mkdir()
    mark = secrets.token_hex(8)
    project = _read(environment, mark, (tree, scratch), image)
    running: Running | None = None
    down = Task(mark=mark, down=(*project.command, *_DOWN))
    unmarked = {name: value for name, value in project.env.items() if name != MARK}
    watcher = ready(tools.Service(KEEPER, cwd=scratch, env=unmarked, told=True, spared=True), down)
    try:
        try:
            _up(project)
            running = _entered(project, mark, scratch, tree)
            yield running
        except StartError as error:
            error.logs = project.logs()
            raise
    finally:
        if running is not None:
            running.down()
        left = _away(project, watcher, mark)
        if running is not None:
            running.left = left
        shutil.rmtree(scratch / "state", ignore_errors=True)


def _read(environment: Environment, mark: str, folders: tuple[Path, Path], image: str) -> _Project:
    """The compose file as it will be started, written down; what other runs left behind is gone then."""
    tree, scratch = folders
    env = tools.environment(scratch / "home", passed=_PASSED)
    env["DOCKER_CONFIG"] = os.environ.get("DOCKER_CONFIG") or str(Path("~/.docker").expanduser())
    env |= {"HARDGATE_IMAGE": image} if image else {}
    env[MARK] = mark  # a compose that still starts containers is ended before they are taken away
    command = _command(env, scratch)
    isolated, file = environment.isolation == ISOLATED, tree / environment.compose
    if not file.is_file():
        raise StartError(f"there is no compose file {environment.compose}", hint="Put it into the repository.")
    _swept(env, scratch)
    words = (*command, "--file", str(file), "config", "--format", "json")
    whole = decode(_demand(words, env, file.parent), dict[str, Any], "docker compose")
    services = tuple(sorted(whole.get("services", {})))
    if environment.asked not in services:
        message = f"{environment.compose} has no service {environment.asked}"
        raise StartError(message, hint=f"It has: {', '.join(services)}.")
    if isolated and (found := list(openings(whole))):
        message = f"{environment.compose} cannot be isolated: {'; '.join(found)}"
        raise StartError(message, hint="Take that out, or say isolation: none in the environment.", wall=True)
    known = walled(
        whole, mark=mark, owner=_owner(os.getpid()), asked=environment.asked, port=environment.port, isolated=isolated
    )
    made = scratch / "compose.json"
    made.write_bytes(msgspec.json.encode(known))
    base = (*command, "--project-name", f"hardgate-{mark}", "--file", str(made))
    return _Project(definition=environment, command=base, env=env, folder=scratch, services=services)


def _command(env: dict[str, str], folder: Path) -> tuple[str, ...]:
    """Docker's plugin where it is there, else the program of the same version."""
    if shutil.which("docker") is None:
        raise StartError("docker cannot be found: a compose file needs it", hint="Install Docker, or use `services`.")
    for words in (("docker", "compose"), ("docker-compose",)):
        found = shutil.which(words[0]) is not None
        if found and tools.run((*words, "version"), cwd=folder, env=env, timeout=_ASK).exit_code == 0:
            return words
    raise StartError("docker compose cannot be found", hint="Install Docker's compose plugin, version 2 or later.")


def _demand(words: tuple[str, ...], env: dict[str, str], folder: Path, timeout: float = _ASK) -> bytes:
    """What a command says; StartError with its last words when it fails."""
    done = tools.run(words, cwd=folder, env=env, timeout=timeout)
    if done.timed_out:
        raise StartError(f"{words[0]} did not come to its end in {timeout:g} s", hint="See whether the engine runs.")
    if done.exit_code:
        said = end_of(done.stderr or done.stdout)
        raise StartError(f"{words[0]} ended with {done.exit_code}: {said}", hint="See whether the engine runs.")
    return done.stdout


def _up(project: _Project) -> None:
    """Images, then containers, and their health checks: compose waits for them."""
    seconds = project.definition.timeout
    _demand((*project.command, "build"), project.env, project.folder, _BUILD)
    words = ("up", "--detach", "--no-build", "--wait", "--wait-timeout", f"{seconds:.0f}")
    done = project.ask(*words, timeout=seconds + _ASK)
    if done.exit_code:
        said = end_of(done.stderr)
        hint = "See the logs among the outputs of the action; give it longer with `timeout`."
        raise StartError(f"the environment {project.definition.name} did not come up: {said}", hint=hint)


def _entered(project: _Project, mark: str, scratch: Path, tree: Path) -> Running:
    """The way in for tests: the network of the service that they ask, or a port of loopback."""
    definition, isolated = project.definition, project.definition.isolation == ISOLATED
    name = project.ask("ps", "--quiet", definition.asked).stdout.decode().strip()
    if isolated:
        port = str(definition.port)
        keeper = _within(project, name, mark, scratch)
    else:
        port = project.ask("port", definition.asked, str(definition.port)).stdout.decode().strip().rpartition(":")[2]
        if not port.isdecimal() or port == "0":  # else tests would ask port 80 of this machine, whoever is there
            message = f"the port {definition.port} of {definition.asked} is not published on this machine"
            raise StartError(message, hint="Take `network_mode` out of the compose file, and see the `port`.")
        keeper = ready(tools.Service(KEEPER, cwd=scratch, env=alone(scratch), told=True), Task(mark=mark))
    places = {"PORT": port, "STATE": str(scratch / "state"), "TREE": str(tree)}
    address = filled(definition.address, places)
    variables = {MARK: mark, "HARDGATE_STATE": places["STATE"], "HARDGATE_URL": address, "HARDGATE_PORT": port}

    def inside(folder: Path, command: tuple[str, ...]) -> tuple[str, ...]:
        if not isolated:
            return ("env", f"--chdir={folder}", "--", *command)
        return walls.inside(keeper.pid, folder, command, user=False)

    how = f"in internal networks, tests in that of {definition.asked}: no route out"
    told = how if isolated else "isolation: none: what is tested can reach the network"
    running = Running(
        definition, address, places, variables, told, keeper, inside, read=project.logs, missing=project.gone
    )
    if definition.ready:
        _answering(running, filled(definition.ready, places))
    return running


def _answering(running: Running, address: str) -> None:
    end = time.monotonic() + running.definition.timeout
    running.keeper.tell(address)
    while f"answers {address}".encode() not in running.keeper.log().splitlines():
        if running.keeper.ended(PAUSE) or time.monotonic() > end:
            running.down()
            message = f"{address} did not answer in {running.definition.timeout:g} s, asked from where the tests are"
            raise StartError(message, hint="See the logs among the outputs of the action.")


def _within(project: _Project, name: str, mark: str, scratch: Path) -> tools.Service:
    """A keeper in the network of a container, which is proved to be that and to have no way out."""
    env, folder = project.env, project.folder
    facts = decode(_demand(("docker", "inspect", name), env, folder), list[_Container], "docker")[0]
    networks = facts.settings.networks
    found = decode(_demand(("docker", "network", "inspect", *networks), env, folder), list[_Network], "docker")
    if loose := [one.name for one in found if not one.internal]:
        raise StartError(f"the networks {', '.join(loose)} are not internal", hint=walls.REMEDY, wall=True)
    words = (
        "nsenter",
        f"--target={facts.state.pid}",
        "--net",
        "--",
        *walls.around(KEEPER, user=False, net=False),
    )
    try:
        keeper = ready(
            tools.Service(words, cwd=scratch, env=alone(scratch), told=True),
            Task(mark=mark, walled=True, hidden=walls.sockets()),
        )
    except ToolError as error:
        message = f"the tests could not be put into the network of {project.definition.asked}: {error}"
        raise StartError(message, hint=_ROOT, wall=True) from error
    addresses = [one.address for one in networks.values()]
    routes = Path(f"/proc/{keeper.pid}/net/fib_trie").read_text().split()
    if not addresses or not set(addresses) <= set(routes):
        keeper.stop()
        message = f"the network of {project.definition.asked} is not the one that was entered"
        raise StartError(message, hint=_ROOT, wall=True)
    return keeper


_ROOT = (
    "Tests enter the network of a container as root, on the machine where the engine is. Run hardgate there as root, "
    "use `services`, or say isolation: none in the environment."
)


def _away(project: _Project, watcher: tools.Service, mark: str) -> str:
    """Have everything taken down; what could not be, "" when nothing is left."""
    watcher.hang_up()
    end = time.monotonic() + PATIENCE + _ASK
    while not watcher.ended(PAUSE) and time.monotonic() < end:
        pass
    watcher.stop()
    words = ("docker", "ps", "--all", "--quiet", "--filter", f"label={LABEL}={mark}")
    done = tools.run(words, cwd=project.folder, env=project.env, timeout=_ASK, spared=True)
    count = len(done.stdout.split())
    if done.exit_code or count:
        return f"{count or 'perhaps some'} containers with the label {LABEL}={mark} are left: {end_of(watcher.log())}"
    return ""


def _swept(env: dict[str, str], folder: Path) -> None:
    """Take away what runs left behind whose process is gone, such as after a loss of power."""
    for listing, removing, name in _KINDS:
        shown = f'{{{{.{name}}}}} {{{{.Label "{OWNER}"}}}}'
        words = ("docker", *listing, "--filter", f"label={OWNER}", "--format", shown)
        rows = [row.split() for row in _demand(words, env, folder).decode().splitlines()]
        dead = [row[0] for row in rows if not _alive(row[-1])]
        if dead:
            tools.run(("docker", *removing, *dead), cwd=folder, env=env, timeout=_ASK)


def _owner(pid: int) -> str:
    """A process among all that ever were: the machine's start, the namespace of processes, number and start time."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    began = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    return f"{boot}/{Path('/proc/self/ns/pid').readlink()}/{pid}/{began}"


def _alive(owner: str) -> bool:
    """Whether the process of a label is there; one of another namespace may be."""
    boot, _, rest = owner.partition("/")
    here, there = _owner(os.getpid()).split("/"), rest.split("/")
    if boot != here[0] or len(there) != 3:  # noqa: PLR2004 (namespace, number, start)
        return boot == here[0]
    if there[0] != here[1]:
        return True
    try:
        return _owner(int(there[1])) == owner
    except (OSError, ValueError):
        return False
