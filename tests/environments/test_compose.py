"""Environments of containers: what is made of a compose file, and how it goes with a real engine in the lab."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hardgate.environments.composed import LABEL, OWNER, openings, walled
from tests.environments.contained import COMPOSE
from tests.lab.containers.lab import Lab

HERE = Path(__file__).parents[2]
PATH = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}  # docker-compose lies there


def given(**more: Any) -> dict[str, Any]:
    """A project as `docker compose config` prints one."""
    service = {"image": "x", "ports": [{"target": 80, "published": "80"}], "container_name": "fixed", **more}
    networks = {"default": {"name": "p_default"}}
    return {"name": "p", "services": {"api": service}, "networks": networks, "volumes": {"data": {"name": "p_data"}}}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"network_mode": "host"}, "the service api has `network_mode: host`"),
        ({"pid": "host"}, "the service api has `pid: host`"),
        ({"privileged": True}, "the service api has `privileged`"),
        ({"cap_add": ["NET_ADMIN"]}, "the service api has `cap_add`"),
        (
            {"volumes": [{"type": "bind", "source": "/var/run/docker.sock", "target": "/s"}]},
            "the service api mounts /var/run/docker.sock",
        ),
        ({"volumes": [{"type": "bind", "source": "/", "target": "/host"}]}, "the service api mounts /"),
        ({"volumes_from": ["container:other"]}, "the service api has the volumes of a container of somebody else"),
    ],
)
def test_what_leads_around_an_internal_network_is_refused(more: dict[str, Any], said: str) -> None:
    assert list(openings(given(**more))) == [said]


def test_a_network_of_somebody_else_is_refused() -> None:
    project = given() | {"networks": {"shared": {"external": True}, "flat": {"driver": "macvlan"}}}
    assert list(openings(project)) == ["the network flat has the driver macvlan", "the network shared is external"]
    assert list(openings(given())) == []


def test_a_volume_that_mounts_what_it_likes_is_refused() -> None:
    """A bind mount in disguise: the options of the driver `local` name any folder of the machine."""
    bind = {"driver": "local", "driver_opts": {"type": "none", "o": "bind", "device": "/run"}}
    project = given() | {"volumes": {"run": bind, "share": {"driver": "nfs"}, "data": {"driver": "local"}, "x": None}}
    said = "has a driver of its own or `driver_opts`"
    assert list(openings(project)) == [f"the volume run {said}", f"the volume share {said}"]


def test_a_project_gets_labels_and_a_wall_and_loses_fixed_names_and_ports() -> None:
    known = walled(given(extra_hosts={"a": "host-gateway"}), mark="m", owner="o", asked="api", port=80, isolated=True)
    labels = {LABEL: "m", OWNER: "o"}
    assert known["services"]["api"] == {
        "image": "x", "labels": labels, "dns": ["192.0.2.1"], "dns_opt": ["timeout:1", "attempts:1"],
    }  # fmt: skip
    assert known["networks"]["default"]["internal"] is True
    assert known["volumes"] == {"data": {"labels": labels}}
    assert "name" not in known
    loose = walled(given(), mark="m", owner="o", asked="api", port=80, isolated=False)
    assert loose["services"]["api"]["ports"] == [
        {"target": 80, "host_ip": "127.0.0.1", "protocol": "tcp", "mode": "host"}
    ]
    assert loose["networks"] == {"default": {"labels": labels}}


def prepared(folder: Path, project: dict[str, Any]) -> list[str]:
    """The words that bring a project up inside of the lab."""
    (folder / "tree").mkdir(parents=True)
    (folder / "tree" / "compose.json").write_text(json.dumps(project))
    return [sys.executable, "-m", "tests.environments.contained", str(folder)]


def tried(lab: Lab, folder: Path, project: dict[str, Any], isolation: str) -> dict[str, Any]:
    environment = {**lab.environment, "PATH": f"{PATH['PATH']}:{lab.environment['PATH']}"}
    done = lab.run(*prepared(folder, project), isolation, env=environment)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def labelled(lab: Lab, kind: str = "ps") -> list[str]:
    words = ("ps", "--all", "--quiet") if kind == "ps" else (kind, "ls", "--quiet")
    return lab.docker(*words, "--filter", f"label={LABEL}").split()


def test_containers_are_behind_a_wall_and_gone_afterwards(lab: Lab, tmp_path: Path) -> None:
    """With a database that has a health check; and what an earlier run left behind is taken away before."""
    left = [f"--label={LABEL}=old", f"--label={OWNER}=another-boot/pid:[1]/1/1"]
    lab.docker("run", "--detach", *left, "--network=none", "python:3.12-slim", "sleep", "600")
    lab.docker("network", "create", *left, "left-behind")
    lab.docker("volume", "create", *left)
    told = tried(lab, tmp_path / "in", COMPOSE, "network")
    assert all("got out" not in said for said in told["said"]), told
    assert len(told["said"]) == 3
    assert told["names"] == ["gaierror: Temporary failure in name resolution"]
    assert (told["heard"], told["gone"], told["left"], told["attempts"]) == (0, [], "", None)
    assert told["logs"]["database"] > 100
    assert "no route out" in told["isolation"]
    assert labelled(lab) == labelled(lab, "network") == labelled(lab, "volume") == []


def test_without_the_wall_the_same_payload_gets_out(lab: Lab, tmp_path: Path) -> None:
    project = {"services": {"api": {k: v for k, v in COMPOSE["services"]["api"].items() if k != "depends_on"}}}
    told = tried(lab, tmp_path / "out", project, "none")
    assert told["said"][2] == "got out"
    assert told["heard"] >= 1  # an answer that is lost is asked for again
    assert told["left"] == ""
    assert "isolation: none" in told["isolation"]


def test_what_does_not_come_up_is_told_with_its_logs_and_gone(lab: Lab, tmp_path: Path) -> None:
    dies = {"image": "python:3.12-slim", "command": ["python3", "-c", "raise SystemExit('there is no table')"]}
    told = tried(lab, tmp_path / "dies", {"services": {"api": dies}}, "network")
    assert "did not come up" in told["error"]
    assert "there is no table" in told["logs"]["api"]
    refused = tried(lab, tmp_path / "host", {"services": {"api": {**dies, "network_mode": "host"}}}, "network")
    assert (refused["wall"], "has `network_mode: host`" in refused["error"]) == (True, True)
    assert labelled(lab) == []


ENDING = """\
import http.server, os
class Ending(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")
        self.wfile.flush()
        if "kind" in self.path:
            os._exit(0)
http.server.HTTPServer(("0.0.0.0", 8080), Ending).serve_forever()
"""


@pytest.mark.parametrize("restart", ["no", "always"])
def test_a_container_that_ends_in_the_middle_is_told(lab: Lab, tmp_path: Path, restart: str) -> None:
    """Also where it says that all is well, and where the engine starts it again at once."""
    api = {"image": "python:3.12-slim", "command": ["python3", "-c", ENDING], "restart": restart}
    told = tried(lab, tmp_path / "ends", {"services": {"api": api}}, "network")
    assert (told["said"], told["gone"]) == ([], ["api"])


def test_containers_are_gone_when_hardgate_is_killed(lab: Lab, tmp_path: Path) -> None:
    project = {"services": {"api": {k: v for k, v in COMPOSE["services"]["api"].items() if k != "depends_on"}}}
    words = lab.inside(*prepared(tmp_path / "held", project), "network", "hold")
    environment = {**os.environ, **lab.environment, "PATH": f"{PATH['PATH']}:{lab.environment['PATH']}"}
    with subprocess.Popen(words, cwd=HERE, env=environment, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        line, there = program.stdout.readline(), labelled(lab)
        for pid in [*_children(program.pid), program.pid]:
            os.kill(pid, signal.SIGKILL)
    assert (line, len(there)) == ("up\n", 1)
    end = time.monotonic() + 60
    while labelled(lab) and time.monotonic() < end:
        time.sleep(0.1)
    assert labelled(lab) == labelled(lab, "network") == []


def _children(pid: int) -> list[int]:
    """The program itself: nsenter, which entered a namespace of processes, has it for a child."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
