"""A program for inside of the lab: it brings a compose file up, tries what a payload tries, and says how that went.

`python -m tests.environments.contained FOLDER ISOLATION [hold]` writes JSON; with `hold` it writes `up` and waits.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from hardgate import environments, tools
from hardgate.environments import Running, StartError
from hardgate.services import Environment
from tests.environments.made import Folders
from tests.environments.test_wall import APPLICATION
from tests.lab.loopback import listening

ASK = "import os, sys, urllib.request as u; print(u.urlopen(os.environ['HARDGATE_URL'] + sys.argv[1]).read().decode())"
COMPOSE: dict[str, Any] = {
    "services": {
        "database": {"image": "mariadb:10.11", "environment": {"MARIADB_ROOT_PASSWORD": "planets"}},
        "api": {
            "image": "${HARDGATE_IMAGE}",
            "container_name": "fixed",
            "command": ["python3", "-c", APPLICATION.replace("127.0.0.1", "0.0.0.0"), "8080"],
            "depends_on": {"database": {"condition": "service_healthy"}},
            "ports": ["8080:8080"],
        },
    }
}


def ask(running: Running, path: str, folder: Path) -> Any:
    """What the application answers, asked from where tests are."""
    words = running.words((sys.executable, "-c", ASK, path), folder)
    done = tools.run(words, cwd=folder, env=running.environment(folder), timeout=60)
    return json.loads(done.stdout) if done.exit_code == 0 else done.stderr.decode()


def gateway(running: Running) -> str:
    """The first address of the container's network, where a bridge of this machine would be."""
    rows = Path(f"/proc/{running.keeper.pid}/net/fib_trie").read_text().split()
    own = next(row for row in rows if row.startswith(("172.", "192.168.", "10.")) and row.count(".") == 3)
    return f"{own.rpartition('.')[0]}.1"


def main(folder: Path, isolation: str, *, hold: bool) -> None:
    definition = Environment(
        name="contained", asked="api", compose="compose.json", port=8080, isolation=isolation, timeout=60.0,
        ready="http://127.0.0.1:${PORT}/",
    )  # fmt: skip
    places = Folders(tree=folder / "tree", scratch=folder / "scratch")
    places["scratch"].mkdir()
    try:
        with (
            environments.up(definition, **places, image="python:3.12-slim") as running,
            listening(socket.AF_INET, ("0.0.0.0", 0)) as (server, heard),
        ):
            if hold:
                sys.stdout.write("up\n")
                sys.stdout.flush()
                threading.Event().wait(600)
            port = server.getsockname()[1]
            targets = ["192.0.2.1:80", f"{gateway(running)}:{port}", f"192.0.2.10:{port}"]
            said = ask(running, "/?" + "&".join(f"kind=4&place={place}" for place in targets), folder)
            names = ask(running, "/?kind=name&place=example.com", folder) if isolation == "network" else None
            told = {"said": said, "names": names, "attempts": running.attempts(), "gone": running.gone()}
            told |= {"isolation": running.isolation, "logs": {k: len(v) for k, v in running.logs().items()}}
        told |= {"heard": len(heard), "left": running.left}
    except StartError as error:
        told = {"error": str(error), "wall": error.wall, "logs": {k: v.decode() for k, v in error.logs.items()}}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], hold=sys.argv[3:] == ["hold"])
