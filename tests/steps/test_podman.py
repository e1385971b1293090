"""The steps `build` and `push` with podman and buildah: as a user has them, by the command line, inside the lab."""

from __future__ import annotations

import json
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
ENGINES = ("podman", "buildah")
# They keep their images where only the lab sees them; crun refuses the control groups of some machines.
_STORAGE = '[storage]\ndriver = "overlay"\ngraphroot = "/run/lab/podman"\nrunroot = "/run/lab/podman-run"\n'
_CONF = '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'


@pytest.fixture
def podman(lab: Lab, tmp_path: Path) -> dict[str, str]:
    """The environment in which podman has the base images and trusts the registry."""
    for name in ("podman", "buildah"):
        assert shutil.which(name), f"{name} is not installed: run `make system`"
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
    lab.docker("save", f"--output={archive}", TINY, "python:3.12-slim")
    loaded = lab.run("podman", "load", "--quiet", f"--input={archive}", env=variables)
    assert loaded.returncode == 0, loaded.stderr
    return variables


def test_podman_and_buildah_make_an_image_twice_and_push_it(lab: Lab, podman: dict[str, str], tmp_path: Path) -> None:
    """Without a cache, from the same commit: one digest. Pushed, and handed out by the registry by its digest.

    A build that takes too long is ended, with the container in which it runs a command.
    """
    tree = application(tmp_path / "tree", DOCKERFILE)
    (tree / "Slow").write_text(f"FROM {TINY}\nRUN sleep 613\n")
    commit(tree)
    keys = {"image": "lab/podman", "secrets": {"pip": "PIP_TOKEN"}, "cache": False}
    login = {"user": lab.user, "password": "ECR_PASSWORD"}
    slow = {"image": "lab/slow", "dockerfile": "Slow", "timeout": 4}
    builds, pushes, refused = (
        [step("build", engine, **keys) for engine in ENGINES],
        [step("push", engine, of=f"build-{engine}", to=f"{lab.trusted}/{engine}", **login) for engine in ENGINES],
        [{"push": {"name": "nobody", "of": "build-podman", "engine": "podman", "to": f"{lab.trusted}/podman"}}],
    )
    late = [{"build": {"name": f"slow-{engine}", "engine": engine, **slow}} for engine in ENGINES]
    again = [{"build": {"name": f"again-{engine}", "engine": engine, **keys}} for engine in ENGINES]
    stages = [*([one] for one in (*builds, *again)), pushes, refused, late]
    text = json.dumps({"pipeline": "p", "stages": [{"name": f"s{n}", "actions": one} for n, one in enumerate(stages)]})
    (tmp_path / "pipeline.yaml").write_text(text)
    words = ("run", str(tree), "--config", str(tmp_path / "pipeline.yaml"), "--json")
    done = lab.run(str(EXECUTABLE), *words, env=podman)
    assert done.returncode == ExitCode.INCOMPLETE, done.stderr
    report = json.loads(done.stdout)
    gaps = {gap["action"]: (gap["reason"], gap["message"]) for gap in report["gaps"] if gap["action"]}
    assert {name: gap[0] for name, gap in gaps.items()} == {
        "nobody": "tool-failed", "slow-podman": "timeout", "slow-buildah": "timeout",
    }, gaps  # fmt: skip
    assert "unauthorized" in gaps["nobody"][1]
    slept = lab.run("pgrep", "--full", "^sleep 613")
    assert (slept.returncode, slept.stdout) == (1, "")
    outputs = {one["action"]: one["outputs"][-1] for one in report["receipts"] if one["outputs"]}
    for engine in ENGINES:
        assert outputs[f"build-{engine}"] == outputs[f"again-{engine}"]
        assert outputs[f"build-{engine}"]["media_type"] == "application/vnd.oci.image.config.v1+json"
    lab.docker("login", "--username", lab.user, "--password-stdin", lab.trusted, stdin=lab.password)
    try:
        for engine in ENGINES:
            pushed = outputs[f"push-{engine}"]
            assert pushed["media_type"] == "application/vnd.oci.image.manifest.v1+json"
            assert pushed["reference"] == f"{lab.trusted}/{engine}@sha256:{pushed['sha256']}"
            lab.docker("pull", pushed["reference"])  # another engine, which has nothing of it
    finally:
        lab.docker("logout", lab.trusted)
    for secret in (SECRET, lab.password):
        assert secret not in done.stdout + done.stderr


def step(name: str, engine: str, **keys: Any) -> dict[str, Any]:
    """A step of an engine, with a name of its own."""
    return {name: {"name": f"{name}-{engine}", "engine": engine, **keys}}
