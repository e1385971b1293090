"""From a Dockerfile to what is in its image, with the installed command and a real engine: design C, inside out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hardgate.model import ExitCode
from hardgate.store import Store
from tests.advisories.conftest import fill
from tests.cli.conftest import commit, git, run
from tests.lab.command import EXECUTABLE
from tests.lab.containers.bases import TINY
from tests.lab.containers.lab import Lab
from tests.steps.test_podman import podman
from tests.steps.test_scan_image import JINJA, KEY, KNOWN, SITE, validator

__all__ = ["podman"]  # a fixture
pytestmark = pytest.mark.real
DOCKERFILE = f"""\
FROM {TINY}
COPY site /{SITE}
COPY settings.py /app/settings.py
RUN rm /app/settings.py
ENV AWS_KEY={KEY}
USER root
CMD ["sh"]
"""
NAME = "lab/inside-out"
EXEMPT = "the base image is watched elsewhere"


@pytest.fixture
def home(tmp_path: Path, tools_folder: Path, docker: Lab, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "tools").symlink_to(tools_folder)
    fill(folder / "advisories", KNOWN, ecosystems=["PyPI"], date="2999-01-01T00:00:00Z")
    monkeypatch.setenv("HARDGATE_HOME", str(folder))
    return folder


def repository(folder: Path, *stages: list[Any]) -> Path:
    """A repository with the Dockerfile, and these stages after hadolint and build."""
    first = [["hadolint"], [{"build": {"image": NAME}}]]
    named = [{"name": f"s{number}", "actions": actions} for number, actions in enumerate([*first, *stages])]
    files = {
        "hardgate.yaml": json.dumps({"pipeline": "inside-out", "stages": named}).encode(),
        "Dockerfile": DOCKERFILE.encode(),
        "settings.py": f'KEY = "{KEY}"\n'.encode(),
        **{name.replace(SITE, "site"): content for name, content in JINJA.items()},
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder)
    return folder


def test_what_was_built_is_what_is_looked_at_also_when_its_tag_moves(home: Path, docker: Lab, tmp_path: Path) -> None:
    moved = {"run": {"command": ["./move"], "env": {"DOCKER_HOST": docker.address}}}
    root = tmp_path / "tree"
    root.mkdir()
    # What somebody else pushes under the name in the meantime.
    (root / "move").write_text(f'#!/bin/sh\nexec docker tag python:3.12-slim "{NAME}:$HARDGATE_COMMIT"\n')
    (root / "move").chmod(0o755)
    push = {"to": f"{docker.trusted}/{NAME}", "user": docker.user, "password": "ECR_PASSWORD"}
    repository(root, [moved], [{"push": push}], ["sbom", {"scan-image": {"system_exempt": EXEMPT}}])
    result = run(root, ECR_PASSWORD=docker.password)
    assert result.code is ExitCode.FAIL, result.stdout + result.stderr
    assert [gap["message"] for gap in result.json["gaps"]] == []
    receipts = {receipt["action"]: receipt for receipt in result.json["receipts"]}
    built = next(output for output in receipts["build"]["outputs"] if "reference" in output)
    pushed = next(output for output in receipts["push"]["outputs"] if "reference" in output)
    tagged = f"{NAME}:{git(root, 'rev-parse', 'HEAD')}"
    assert docker.docker("image", "inspect", "-f", "{{.Id}}", tagged) != built["reference"]
    assert pushed["sha256"] in receipts["scan-image"]["notes"][0]
    # The newest image of the run is the pushed one: by the digest of its manifest, which is that of what was built.
    assert pushed["reference"] == f"{docker.trusted}/{NAME}@sha256:{pushed['sha256']}"
    there = docker.docker("image", "inspect", "-f", "{{.Id}}", pushed["reference"])
    assert there == built["reference"]
    found = {
        (one["kind"], one["rule"], one["location"]["path"]) for one in result.json["findings"]
        if one["scanner"] == "scan-image"
    }  # fmt: skip
    assert found >= {
        ("secret", "aws-access-key-id", NAME),
        ("secret", "aws-access-key-id", f"{NAME}:/app/settings.py"),
        ("misconfiguration", "DS-0002", NAME),
        ("dependency", "CVE-2019-10906", f"{NAME}:/{SITE}/Jinja2-2.4.1.dist-info/METADATA"),
    }
    assert KEY not in result.stdout
    assert any("--output=$SCRATCH/$IMAGE" in words for words in receipts["scan-image"]["argv"])
    [bom] = receipts["sbom"]["outputs"]
    with Store.open(home / "store.db") as store:
        document = json.loads(store.blob(bom["sha256"]))
    assert list(validator().iter_errors(document)) == []
    kinds = {part["purl"].partition("/")[0] for part in document["components"] if "purl" in part}
    assert kinds == {"pkg:pypi"}  # the tiny base has no list of what its system installed


def test_podman_hands_out_what_it_built(lab: Lab, podman: dict[str, str], tools_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "tools").symlink_to(tools_folder)
    fill(tmp_path / "home" / "advisories", KNOWN, ecosystems=["PyPI"], date="2999-01-01T00:00:00Z")
    root = tmp_path / "tree"
    repository(root, ["sbom", {"scan-image": {"system_exempt": EXEMPT}}])
    text = (root / "hardgate.yaml").read_text()
    for step in ('"build": {', '"scan-image": {'):
        text = text.replace(step, f'{step}"engine": "podman", ')
    (root / "hardgate.yaml").write_text(text.replace('"sbom"', '{"sbom": {"engine": "podman"}}'))
    commit(root)
    done = lab.run(str(EXECUTABLE), "run", str(root), "--json", env=podman)
    assert done.returncode == ExitCode.FAIL, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["gaps"] == []
    found = {(one["rule"], one["location"]["path"]) for one in report["findings"] if one["scanner"] == "scan-image"}
    assert found >= {
        ("aws-access-key-id", f"{NAME}:/app/settings.py"),
        ("CVE-2019-10906", f"{NAME}:/{SITE}/Jinja2-2.4.1.dist-info/METADATA"),
    }


def test_an_image_that_is_gone_is_a_gap_and_so_is_all_that_needs_it(home: Path, docker: Lab, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    text = f'#!/bin/sh\nexec docker image rm --force "{NAME}:$HARDGATE_COMMIT"\n'
    (root / "remove").write_text(text)
    (root / "remove").chmod(0o755)
    removed = {"run": {"command": ["./remove"], "env": {"DOCKER_HOST": docker.address}}}
    repository(root, [removed], [{"scan-image": {"name": "late"}}, {"sbom": {"of": "build"}}])
    result = run(root, "--action", "build", "--action", "run", "--action", "late", "--action", "sbom")
    assert result.code is ExitCode.INCOMPLETE
    gaps = {gap["action"]: gap for gap in result.json["gaps"] if gap["reason"] != "not-run"}
    assert {action: gap["reason"] for action, gap in gaps.items()} == {"late": "input-missing", "sbom": "input-missing"}
    assert "does not have the image sha256:" in gaps["late"]["message"]
