"""The steps `build` and `push` with podman: as a user has them, with the command line, inside the lab."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from hardgate.model import ExitCode
from tests.cli.conftest import commit
from tests.lab.command import EXECUTABLE
from tests.lab.containers.bases import TINY
from tests.lab.containers.lab import Lab
from tests.steps.containers import SECRET, application

DOCKERFILE = f"FROM {TINY}\nRUN --mount=type=secret,id=pip wc -c </run/secrets/pip >/size\nCOPY . /app\n"
# Podman keeps its images where only the lab sees them; crun refuses the control groups of some machines.
_STORAGE = '[storage]\ndriver = "overlay"\ngraphroot = "/run/lab/podman"\nrunroot = "/run/lab/podman-run"\n'
_CONF = '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'


@pytest.fixture
def podman(lab: Lab, tmp_path: Path) -> dict[str, str]:
    """The environment in which podman has the base image and trusts the registry."""
    if shutil.which("podman") is None:
        pytest.fail("podman is not installed: run `make system`")
    (tmp_path / "storage.conf").write_text(_STORAGE)
    (tmp_path / "containers.conf").write_text(_CONF)
    variables = {
        "CONTAINERS_STORAGE_CONF": str(tmp_path / "storage.conf"),
        "CONTAINERS_CONF": str(tmp_path / "containers.conf"),
        "SSL_CERT_FILE": str(lab.folder / "trusted.pem"),
        "HARDGATE_HOME": str(tmp_path / "home"),
        "PIP_TOKEN": SECRET,
        "ECR_PASSWORD": lab.password,
    }
    archive = f"{tmp_path}/base.tar"
    lab.docker("save", f"--output={archive}", TINY)
    loaded = lab.run("podman", "load", "--quiet", f"--input={archive}", env=variables)
    assert loaded.returncode == 0, loaded.stderr
    return variables


def test_podman_makes_the_same_image_twice_and_pushes_it(lab: Lab, podman: dict[str, str], tmp_path: Path) -> None:
    """Without a cache, from the same commit: one digest. Pushed, and handed out by the registry by its digest.

    A build that takes too long is ended, with the container in which it runs a command.
    """
    tree = application(tmp_path / "tree", DOCKERFILE)
    (tree / "Slow").write_text(f"FROM {TINY}\nRUN sleep 613\n")
    commit(tree)
    keys = {"image": "lab/podman", "engine": "podman", "secrets": {"pip": "PIP_TOKEN"}, "cache": False}
    push: dict[str, Any] = {"to": f"{lab.trusted}/podman", "engine": "podman", "of": "build", "latest": True}
    stages = [
        [{"build": keys}], [{"build": {"name": "again", **keys}}],
        [{"push": {**push, "user": lab.user, "password": "ECR_PASSWORD"}}],
        [{"push": {"name": "nobody", **push}}],
        [{"build": {"name": "slow", "image": "lab/slow", "engine": "podman", "dockerfile": "Slow", "timeout": 4}}],
    ]  # fmt: skip
    text = json.dumps({"pipeline": "p", "stages": [{"name": f"s{n}", "actions": one} for n, one in enumerate(stages)]})
    (tmp_path / "pipeline.yaml").write_text(text)
    words = ("run", str(tree), "--config", str(tmp_path / "pipeline.yaml"), "--json")
    done = lab.run(str(EXECUTABLE), *words, env=podman)
    assert done.returncode == ExitCode.INCOMPLETE, done.stderr
    report = json.loads(done.stdout)
    build, again, pushed, _nobody, _slow = report["receipts"]
    gaps = [(gap["action"], gap["reason"], gap["message"]) for gap in report["gaps"] if gap["action"]]
    assert [one[:2] for one in gaps] == [("nobody", "tool-failed"), ("slow", "timeout")], gaps
    assert "unauthorized" in gaps[0][2]
    slept = lab.run("pgrep", "--full", "^sleep 613")
    assert (slept.returncode, slept.stdout) == (1, "")
    first, second, there = (one["outputs"][-1] for one in (build, again, pushed))
    assert first["sha256"] == second["sha256"]
    assert first["name"] == "lab/podman"
    assert first["media_type"] == "application/vnd.oci.image.config.v1+json"
    assert there["media_type"] == "application/vnd.oci.image.manifest.v1+json"
    assert re.fullmatch(rf"{re.escape(lab.trusted)}/podman@sha256:{there['sha256']}", there["reference"])
    # The registry, asked by another engine that has nothing of it.
    lab.docker("login", "--username", lab.user, "--password-stdin", lab.trusted, stdin=lab.password)
    try:
        lab.docker("pull", there["reference"])
        lab.docker("pull", f"{lab.trusted}/podman:latest")
    finally:
        lab.docker("logout", lab.trusted)
    for secret in (SECRET, lab.password):
        assert secret not in done.stdout + done.stderr
