"""An environment that is up, the keeper beside it, and the error with which one does not come up."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from hardgate import tools
from hardgate.environments import walls
from hardgate.environments.task import Task
from hardgate.errors import ToolError
from hardgate.services import ISOLATED, Environment

PATIENCE = 30.0  # seconds for the keeper, which has to start Python and little else
PAUSE = 0.05  # seconds between two looks; a service that ends is noticed at once
_ANSWER = 600  # characters of a log's end that an error quotes
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

    `variables` are handed to services and tests; `isolation` is the sentence for the receipt. `read` and `missing`
    stand for the logs and the services that are gone, where those are no processes of ours. `left` is set when it is
    down: what could not be taken away.
    """

    definition: Environment
    address: str
    places: dict[str, str]
    variables: dict[str, str]
    isolation: str
    keeper: tools.Service
    inside: Callable[[Path, tuple[str, ...]], tuple[str, ...]]
    started: dict[str, tools.Service] = field(default_factory=dict)
    read: Callable[[], dict[str, bytes]] | None = None
    missing: Callable[[], tuple[str, ...]] | None = None
    left: str = ""

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
        return self.read() if self.read else {name: one.log() for name, one in self.started.items()}

    def gone(self) -> tuple[str, ...]:
        """The services that have ended although nobody ended them."""
        return self.missing() if self.missing else tuple(k for k, one in self.started.items() if one.ended())

    def attempts(self) -> int | None:
        """How many packets wanted to leave and found no route; None where no wall counts them. Only while it is up."""
        return walls.attempts(self.keeper.pid) if self.definition.isolation == ISOLATED else None

    def down(self) -> None:
        """End the keeper, which ends all else, and then what it may have missed."""
        self.keeper.hang_up()
        end = time.monotonic() + PATIENCE
        while not self.keeper.ended(PAUSE) and time.monotonic() < end:
            pass
        for one in self.started.values():
            one.stop()
        self.keeper.stop()


KEEPER = (sys.executable, "-P", "-m", "hardgate.environments.keeper")


def alone(scratch: Path) -> dict[str, str]:
    """The variables of a keeper: those of a tool, without proxies."""
    return {k: v for k, v in tools.environment(scratch / "home").items() if k not in tools.PASSED}


def kept(mark: str, scratch: Path, *, isolated: bool) -> tuple[tools.Service, bool]:
    """A keeper that is ready, and whether it has a user namespace. Raises StartError."""
    if not isolated:
        return ready(tools.Service(KEEPER, cwd=scratch, env=alone(scratch), told=True), Task(mark=mark)), False
    said = [walls.lacking()]
    for user in () if said[0] else walls.ways():
        words = walls.around(KEEPER, user=user)
        task = Task(mark=mark, walled=True, hidden=walls.sockets())
        try:
            return ready(tools.Service(words, cwd=scratch, env=alone(scratch), told=True), task), user
        except ToolError as error:
            said.append(str(error))
    message = f"no wall could be put around the environment: {'; '.join(filter(None, said))}"
    raise StartError(message, hint=walls.REMEDY, wall=True)


def ready(keeper: tools.Service, task: Task) -> tools.Service:
    """The keeper, once it says that it is ready; raises ToolError when it does not, with what it says."""
    ready, end = False, time.monotonic() + PATIENCE
    try:
        with contextlib.suppress(ToolError):  # what it says of its end tells more
            keeper.tell(msgspec.json.encode(task).decode())
        while not (ready := b"ready\n" in keeper.log()) and time.monotonic() < end:
            if keeper.ended(PAUSE):
                break
    finally:
        if not ready:
            keeper.stop()
    if not ready:
        raise ToolError(end_of(keeper.log()) or f"its keeper said nothing in {PATIENCE:g} s")
    return keeper


def end_of(log: bytes) -> str:
    """The end of a log, white space folded."""
    return " ".join(log.decode("utf-8", "replace").split())[-_ANSWER:]
