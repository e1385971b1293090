"""A program of its own: it stays beside the services of one environment, and when it ends nothing of them is left.

`python -m hardgate.environments.keeper` reads one line of JSON (`Task`) from its standard input, writes `ready`, and
then reads addresses, one a line: `answers ADDRESS` is written when something answers there. At the end of its input,
which comes also when hardgate is killed, it ends. In a namespace of processes it is the first one: with it the system
ends all others. Elsewhere it ends every process that carries the environment's mark, and the groups it was told of.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hardgate import tools
from hardgate.environments.swept import sweep
from hardgate.environments.task import Task
from hardgate.errors import ToolError

# As Kubernetes judges a probe: https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
WELL = range(200, 400)
_PAUSE = 50  # milliseconds between two questions to an address that does not answer yet


def main() -> None:
    """Serve until the input ends."""
    task = msgspec.json.decode(_line(), type=Task)
    if task.walled:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        tools.raise_loopback()
        _hide(task.hidden)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # orphans come to the first process, and nobody waits for them
    _say("ready")
    groups: set[int] = set()
    for word in _told():
        if word.isdecimal():
            groups.add(int(word))
        else:
            _say(f"answers {word}")
    if not task.walled:
        sweep(f"{task.variable}={task.mark}", groups)
    if task.down:
        tools.run(task.down, cwd=Path("/"), env=dict(os.environ), timeout=120)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _line() -> bytes:
    """The next line of the standard input, b"" at its end; read by single bytes, so that `select` sees the rest."""
    line = b""
    while (byte := os.read(0, 1)) not in {b"", b"\n"}:
        line += byte
    return line + byte


def _told() -> Iterator[str]:
    """The numbers of groups as they come, and each address once it answers."""
    waiting: list[str] = []
    while True:
        if select.select([0], [], [], _PAUSE / 1000 if waiting else None)[0]:
            line = _line()
            if not line.endswith(b"\n"):
                return
            word = line.decode().strip()
            if word.isdecimal():
                yield word
            else:
                waiting.append(word)
        for address in [one for one in waiting if tools.answers(one, timeout=1.0, statuses=WELL)]:
            waiting.remove(address)
            yield address


def _hide(paths: tuple[str, ...]) -> None:
    """Put an empty folder over /run and nothing over each of `paths`: sockets that lead to servers outside.

    Raises ToolError when the system does not allow it.
    """
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for path in paths:
        with contextlib.suppress(PermissionError):  # who may not see it cannot open it either
            if Path(path).exists():
                _mount("--bind", "/dev/null", path)


def _mount(*words: str) -> None:
    done = tools.run(["mount", *words], cwd=Path("/"), env=dict(os.environ), timeout=30)
    if done.exit_code:
        raise ToolError(f"mount {words[-1]}: {done.stderr.decode('utf-8', 'replace').strip()}")


if __name__ == "__main__":
    try:
        main()
    except (ToolError, OSError, msgspec.DecodeError) as error:
        _say(f"refused: {error}")
        sys.exit(1)
