"""examples/planetary-api as its compose file runs it, with MariaDB, and its collection sent to the containers."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.examples.attempts import check
from tests.lab import planetary
from tests.lab.containers.lab import Lab

FILE = planetary.HOME / "compose.yaml"
COMPOSE = (str(Path(sys.executable).with_name("docker-compose")), "--file", str(FILE), "--project-name", "planetary")
_REACH = """
import socket, sys, time
until = time.monotonic() + 5
while True:
    try:
        socket.create_connection((sys.argv[1], 5000), timeout=1).close()
        break
    except OSError:
        if time.monotonic() > until:
            raise
        time.sleep(0.1)
"""


@pytest.fixture(scope="module")
def up(lab: Lab) -> Iterator[dict[str, Any]]:
    """The containers of the compose file by service, as `docker inspect` shows them; all of them healthy."""
    _built(lab, "Dockerfile", "planetary-api:test")
    own = {"DB_PASSWORD": secrets.token_hex(16), "TAG": "test"}
    try:
        _composed(lab, own, "up", "--detach", "--no-build", "--wait", "--wait-timeout", "120")
        names = _composed(lab, own, "ps", "--quiet").split()
        shown = json.loads(lab.docker("inspect", *names))
        yield {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in shown}
    finally:
        _composed(lab, own, "down", "--volumes", "--timeout", "1")


def _built(lab: Lab, file: str, image: str) -> None:
    lab.docker("build", "--tag", image, "--file", str(planetary.HOME / file), str(planetary.HOME))


def _composed(lab: Lab, own: dict[str, str], *words: str) -> str:
    """What compose says, out here: all that it needs of the lab is the engine's socket."""
    environment = {**lab.environment, "HOME": str(lab.folder), **own}
    done = subprocess.run((*COMPOSE, *words), capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        logs = subprocess.run((*COMPOSE, "logs"), capture_output=True, text=True, check=False, env=environment).stdout
        raise RuntimeError(f"compose {words[0]}: {done.stderr}\n{logs}")
    return done.stdout


def _variables(api: dict[str, Any]) -> dict[str, str]:
    """The collection's environment for containers, with the address of `api` for its name: the lab does not know that."""
    values = json.loads((planetary.HOME / "postman" / "container.postman_environment.json").read_bytes())["values"]
    (network,) = api["NetworkSettings"]["Networks"].values()
    return {one["key"]: one["value"].replace("//api:", f"//{network['IPAddress']}:") for one in values}


def test_each_hole_is_caught_each_twin_withstands_and_the_rest_passes(
    up: dict[str, Any], lab: Lab, tmp_path: Path
) -> None:
    # Node wants a working folder that it can name, and that of the tests cannot be named in the lab.
    newman = planetary.command(_variables(up["api"]), tmp_path / "report.json")
    done = lab.run("sh", "-c", 'cd / && exec "$@"', "sh", *newman)
    assert done.returncode == 0, done.stderr
    check((tmp_path / "report.json").read_bytes())


def test_the_network_leads_nowhere_and_nothing_is_published(up: dict[str, Any], lab: Lab) -> None:
    assert up.keys() == {"db", "api"}
    for service, one in up.items():
        assert one["State"]["Health"]["Status"] == "healthy", service
        assert not any(one["NetworkSettings"]["Ports"].values()), service
        assert not one["HostConfig"]["PortBindings"], service
    (network,) = up["api"]["NetworkSettings"]["Networks"]
    assert lab.docker("network", "inspect", "--format", "{{.Internal}}", network) == "true"
    # A server in another network: a container there reaches it, the API does not.
    server = lab.docker("run", "--detach", "planetary-api:test", "python", "-m", "http.server", "5000")
    try:
        (shown,) = json.loads(lab.docker("inspect", server))
        program = ("python", "-c", _REACH, shown["NetworkSettings"]["IPAddress"])
        lab.docker("run", "--rm", "planetary-api:test", *program)
        stopped = lab.run("docker", "exec", up["api"]["Id"], *program)
        assert stopped.returncode == 1
        assert "TimeoutError" in stopped.stderr
    finally:
        lab.docker("rm", "--force", server)


def test_the_database_is_the_one_that_the_api_uses(up: dict[str, Any], lab: Lab) -> None:
    """Not SQLite, which it would fall back on: the seed is in MariaDB, under the user of the API."""
    ask = 'exec mariadb --host=127.0.0.1 --user="$MYSQL_USER" --password="$MYSQL_PASSWORD" --skip-column-names planetary'
    said = lab.docker("exec", up["db"]["Id"], "sh", "-c", f"{ask} --execute 'SELECT planet_name FROM planets WHERE planet_id = 1'")
    assert said == "Mercury"


def test_the_safe_image_serves_without_root(lab: Lab) -> None:
    _built(lab, "Dockerfile.safe", "planetary-api-safe:test")
    name = lab.docker("run", "--detach", "--network", "none", "--health-interval", "1s", "planetary-api-safe:test")
    try:
        health = ("inspect", "--format", "{{.State.Status}} {{.State.Health.Status}}", name)
        while (now := lab.docker(*health)) == "running starting":
            time.sleep(0.2)
        assert now == "running healthy", lab.docker("logs", name)
        assert lab.docker("exec", name, "id", "-u") == "10001"
    finally:
        lab.docker("rm", "--force", name)
