"""Environments for the tests: small servers by this Python, and a program that holds one up until it is killed.

`python -m tests.environments.made FOLDER` brings the environment of FOLDER/environment.json up, writes `up`, and waits.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any, TypedDict

import msgspec
import pytest

from hardgate import environments
from hardgate.services import Environment, Service

SERVER = (sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "${PORT}")
URL = "http://127.0.0.1:${PORT}/"
# A process that leaves its group, its session and its parent, as a daemon does.
RUNAWAY = (
    "import os, sys, time\n"
    "if os.fork() == 0:\n"
    "    os.setsid()\n"
    "    if os.fork() == 0: time.sleep(float(sys.argv[1]))\n"
    "    os._exit(0)\n"
    "time.sleep(float(sys.argv[1]))\n"
)


def service(name: str = "api", **more: Any) -> Service:
    """A server of the files in its folder."""
    return Service(**{"name": name, "command": SERVER, "ready": URL, **more})


def environment(*services: Service, **more: Any) -> Environment:
    """An environment of these services, the last of which is asked."""
    services = services or (service(),)
    return Environment(**{"name": "local", "asked": services[-1].name, "services": services, **more})


class Folders(TypedDict):
    """What `up` works in."""

    tree: Path
    scratch: Path


def folders(base: Path) -> Folders:
    """An empty tree and an empty scratch folder."""
    made = Folders(tree=base / "tree", scratch=base / "scratch")
    made["tree"].mkdir(parents=True)
    made["scratch"].mkdir(parents=True)
    return made


def refused(definition: Environment, base: Path) -> environments.StartError:
    """The error with which an environment does not come up."""
    with pytest.raises(environments.StartError) as caught, environments.up(definition, **folders(base)):
        pytest.fail("it came up")
    return caught.value


def main() -> None:
    folder = Path(sys.argv[1])
    definition = msgspec.json.decode((folder / "environment.json").read_bytes(), type=Environment)
    with environments.up(definition, **folders(folder)):
        sys.stdout.write("up\n")
        sys.stdout.flush()
        threading.Event().wait(600)


if __name__ == "__main__":
    main()
