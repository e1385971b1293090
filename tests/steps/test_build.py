"""The step `build` on a real engine: what is in the image, what must not be, and what is a gap."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hardgate import config
from hardgate.errors import ConfigError
from hardgate.model import ActionState, GapReason, Severity
from hardgate.steps import STEPS
from tests.cli.conftest import git
from tests.lab.containers.bases import TINY
from tests.lab.containers.lab import Lab
from tests.lab.waiting import eventually
from tests.steps.containers import SECRET, Runner, application, everything, stand_in


def test_an_image_is_what_was_scanned_and_says_of_which_commit(
    docker: Lab, steps: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_TOKEN", SECRET)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "example/planets")
    tree = application(tmp_path / "tree")
    keys = {"image": "lab/planets", "build_args": {"VERSION": "7"}, "labels": {"team": "sky"}}
    receipt = steps.one(tree, "build", secrets={"pip": "PIP_TOKEN"}, **keys)
    assert (receipt.state, receipt.gaps, receipt.findings) == (ActionState.DONE, (), ())
    commit = git(tree, "rev-parse", "HEAD")
    log, image = receipt.outputs
    assert image.name == "lab/planets"
    tagged = docker.docker("image", "inspect", "--format", "{{.Id}}", f"lab/planets:{commit}")
    assert image.reference == f"sha256:{image.sha256}" == tagged
    assert image.media_type == "application/vnd.docker.container.image.v1+json"
    inspected = msgspec.json.decode(docker.docker("image", "inspect", image.reference))[0]
    assert inspected["Config"]["Labels"] == {
        "org.opencontainers.image.revision": commit, "org.opencontainers.image.created": "2026-01-31T12:00:00Z",
        "org.opencontainers.image.source": "https://github.com/example/planets", "team": "sky",
    }  # fmt: skip
    assert "VERSION=7" in inspected["Config"]["Env"]
    show = ("run", "--rm", image.reference, "sh", "-c", "cd /app && ls -A && cat /size && python app.py")
    assert docker.docker(*show).split("\n") == [".dockerignore", ".gitignore", "app.py", str(len(SECRET)), "planets"]
    assert receipt.tool is not None
    assert (receipt.tool.name, receipt.tool.origin) == ("docker", "path")
    assert b"exporting" in steps.store.blob(log.sha256)
    # The secret was used, and is nowhere: not in a layer, the configuration, the history, the log, the receipt.
    readable = everything(docker, image.reference, tmp_path)
    assert b"wc -c" in readable
    assert SECRET.encode() not in readable
    assert SECRET.encode() not in steps.kept(receipt)
    assert SECRET not in repr(receipt)


def test_a_secret_that_a_dockerfile_copies_is_found_in_its_layer(
    docker: Lab, steps: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one of several lines that a later layer deletes, and that the build prints: its log is masked."""
    monkeypatch.setenv("PIP_TOKEN", f"-----BEGIN KEY-----\n{SECRET}\n-----END KEY-----\n")
    run = "RUN --mount=type=secret,id=pip cat /run/secrets/pip && cp /run/secrets/pip /kept\nRUN rm /kept"
    tree = application(tmp_path / "tree", f"FROM {TINY}\n{run}\n")
    receipt = steps.one(tree, "build", image="lab/leaky", secrets={"pip": "PIP_TOKEN"}, cache=False)
    [finding] = receipt.findings
    assert (finding.rule, finding.severity, finding.location.path) == (
        "secret-in-image", Severity.CRITICAL, "Dockerfile",
    )  # fmt: skip
    assert re.search(r"`pip` is in the image: in [0-9a-f]{12}/layer\.tar\.$", finding.message)
    assert b"***" in steps.store.blob(receipt.outputs[0].sha256)
    assert SECRET.encode() not in steps.kept(receipt)


def test_two_builds_of_a_commit_have_the_same_layers(docker: Lab, steps: Runner, tmp_path: Path) -> None:
    """From two checkouts of other times, without a cache. This Docker dates the folders that it makes, and the id."""
    dockerfile = f"FROM {TINY}\nCOPY app.py /app.py\n"
    first = application(tmp_path / "first", dockerfile)
    git(tmp_path, "clone", "--quiet", str(first), "second")
    for path in (tmp_path / "second").rglob("*.py"):
        os.utime(path, (1, 1))
    layers = []
    for tree in (first, tmp_path / "second"):
        image = steps.one(tree, "build", image="lab/same", cache=False).outputs[1]
        layers.append(docker.docker("image", "inspect", "--format", "{{json .RootFS.Layers}}", image.reference))
    assert layers[0] == layers[1]


def test_an_image_of_a_dirty_tree_says_so(docker: Lab, steps: Runner, tmp_path: Path) -> None:
    tree = application(tmp_path / "tree", f"FROM {TINY}\nCOPY app.py /\n")
    (tree / "app.py").write_text("print('changed')\n")
    receipt = steps.one(tree, "build", image="lab/dirty")
    assert receipt.state is ActionState.DONE
    assert f"lab/dirty:{git(tree, 'rev-parse', 'HEAD')}-dirty is {receipt.outputs[1].reference}" in receipt.notes[0]
    assert "the tree differs from its commit" in receipt.notes[1]


BROKEN: dict[str, tuple[dict[str, Any], GapReason, str]] = {
    "missing": ({"dockerfile": "docker/Dockerfile"}, GapReason.INPUT_MISSING, "needs docker/Dockerfile"),
    "folder": ({"context": "api"}, GapReason.INPUT_MISSING, "needs api"),
    "unset": ({"secrets": {"pip": "NOT_SET_HERE"}}, GapReason.INPUT_MISSING, "needs NOT_SET_HERE"),
    "target": ({"target": "nowhere"}, GapReason.TOOL_FAILED, "docker build ended with exit code 1"),
    "short": ({"secrets": {"pip": "SHORT"}, "dockerfile": "Mounting"}, GapReason.NOT_COVERED, "too short"),
    "fails": ({"dockerfile": "Failing"}, GapReason.TOOL_FAILED, "exit code 1"),
    "slow": ({"dockerfile": "Slow", "timeout": 3}, GapReason.TIMEOUT, "ended after 3 s"),
}


def test_what_was_not_built_or_not_searched_is_a_gap(
    docker: Lab, steps: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORT", "1234567")
    tree = application(tmp_path / "tree")
    (tree / "Mounting").write_text(f"FROM {TINY}\nRUN --mount=type=secret,id=pip true\n")
    (tree / "Failing").write_text(f"FROM {TINY}\nRUN echo the wheel is broken && exit 3\n")
    (tree / "Slow").write_text(f"FROM {TINY}\nRUN sleep 611\n")
    actions = {name: {"image": f"lab/{name}", **keys} for name, (keys, _, _) in BROKEN.items()}
    stages = [{"build": {"name": name, **keys}} for name, keys in actions.items()]
    receipts = steps.run(tree, *stages).receipts
    for receipt, (_, reason, words) in zip(receipts, BROKEN.values(), strict=True):
        assert [(gap.reason, words in gap.message) for gap in receipt.gaps] == [(reason, True)], receipt.gaps
        assert receipt.state is ActionState.GAP
        assert bool([output for output in receipt.outputs if output.reference]) == (receipt.action == "short")
    assert b"the wheel is broken" in steps.kept(receipts[list(BROKEN).index("fails")])
    assert docker.docker("images", "--quiet", "lab/slow") == ""
    assert eventually(lambda: docker.run("pgrep", "--full", "^sleep 611").stdout == "")


def test_without_an_engine_nothing_is_built(steps: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine on PATH; one that does not answer; no commit to name the image after."""
    tree = application(tmp_path / "tree")
    monkeypatch.setattr("hardgate.containers.ENGINES", ("no-such-docker", "no-such-podman"))
    gap = steps.gap(tree, {"build": {"image": "lab/a"}})
    assert (gap.reason, "no-such-docker or no-such-podman is not on PATH" in gap.message) == (
        GapReason.TOOL_MISSING, True,
    )  # fmt: skip
    monkeypatch.undo()
    silent = "echo 'Cannot connect to the Docker daemon' >&2; exit 1"
    stand_in(tmp_path / "bin", silent, monkeypatch)
    gap = steps.gap(tree, {"build": {"image": "lab/a"}})
    assert (gap.reason, "Cannot connect" in gap.message, "DOCKER_HOST" in gap.remedy) == (
        GapReason.TOOL_FAILED, True, True,
    )  # fmt: skip
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "Dockerfile").write_text("FROM scratch\n")
    gap = steps.gap(tmp_path / "bare", {"build": {"image": "lab/a"}})
    assert (gap.reason, "after the commit" in gap.message) == (GapReason.INPUT_MISSING, True)


# A client that has no BuildKit in itself, as Docker's are since 23, and no plugin.
_NEW = 'case "$1" in version) echo "Client:"; echo " Version:    28.0.1"; exit 0 ;; esac'
# A build that ends well, and made nothing that the engine has.
_IDLE = 'case "$1" in build) exit 0 ;; esac'


def test_without_buildkit_a_secret_is_never_handed_over(
    docker: Lab, steps: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_TOKEN", SECRET)
    stand_in(tmp_path / "bin", _NEW, monkeypatch)
    tree = application(tmp_path / "tree", f"FROM {TINY}\nCOPY app.py /\n")
    gap = steps.gap(tree, {"build": {"image": "lab/old", "secrets": {"pip": "PIP_TOKEN"}}})
    assert (gap.reason, "BuildKit" in gap.message) == (GapReason.TOOL_MISSING, True)
    receipt = steps.one(tree, "build", image="lab/old")
    assert (receipt.state, "older builder" in receipt.notes[0]) == (ActionState.DONE, True)


# As the package podman-docker has it: a command of the one name, and the other engine.
_SHIM = (
    'case "$1" in version) echo Client: Podman Engine; echo Version: 4.3.1;; *) echo "$*" >&2; exit 9;; esac; exit 0'
)


def test_podman_is_known_under_the_name_of_docker(
    steps: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path / "bin", _SHIM, monkeypatch)
    gap = steps.gap(application(tmp_path / "tree"), {"build": {"image": "lab/shim"}})
    assert "podman build ended with exit code 9" in gap.message
    assert "--timestamp=" in gap.message


def test_an_engine_that_did_nothing_is_a_gap(
    docker: Lab, steps: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path / "bin", _IDLE, monkeypatch)
    gap = steps.gap(application(tmp_path / "tree"), {"build": {"image": "lab/idle"}})
    assert (gap.reason, "does not have the image" in gap.message) == (GapReason.REPORT_UNREADABLE, True)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("build_args: {DB_PASSWORD: x}", "DB_PASSWORD, which looks like a secret"),
        ("build_args: {NPM_TOKEN: x}", "secrets: {npm_token: NPM_TOKEN}"),
        ("build_args: {INDEX: 'https://me:hunter2@pypi.example.com/simple'}", "INDEX, which looks like a secret"),
        ("build_args: {KEY: AKIAIOSFODNN7EXAMPLE}", "KEY, which looks like a secret"),
        ("labels: {org.opencontainers.image.revision: '1'}", "which hardgate sets"),
        ("context: ../other", "context"),
        ("dockerfile: /etc/passwd", "dockerfile"),
        ("engine: lxc", "engine"),
    ],
)
def test_keys_that_cannot_be_are_refused_with_their_line(keys: str, words: str) -> None:
    text = f"pipeline: x\nstages:\n  - name: s\n    actions:\n      - build:\n          image: app\n          {keys}\n"
    with pytest.raises(ConfigError) as caught:
        config.load(text.encode(), options={step.name: step.options for step in STEPS})
    assert words in str(caught.value)
    assert "line" in str(caught.value)


@pytest.mark.parametrize("image", ["app:1", "app@sha256:00", "Has Space", "-app", ""])
def test_an_image_is_named_without_a_tag(image: str) -> None:
    text = f"pipeline: x\nstages: [{{name: s, actions: [{{build: {{image: '{image}'}}}}]}}]"
    with pytest.raises(ConfigError, match="image"):
        config.load(text.encode(), options={step.name: step.options for step in STEPS})


def test_words_that_only_sound_like_secrets_are_build_arguments() -> None:
    keys = "build_args: {TOKENIZERS_PARALLELISM: 'true', KEYBOARD: us, VERSION: '1.0', PASSENGERS: '3'}"
    text = f"pipeline: x\nstages: [{{name: s, actions: [{{build: {{image: app, {keys}}}}}]}}]"
    [action] = config.load(text.encode(), options={step.name: step.options for step in STEPS}).actions
    assert sorted(action.options.build_args) == ["KEYBOARD", "PASSENGERS", "TOKENIZERS_PARALLELISM", "VERSION"]
