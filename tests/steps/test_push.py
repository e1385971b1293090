"""The step `push` on a real registry, named as ECR names one: what it then has, and every way in which it says no."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from hardgate import config, containers
from hardgate.errors import ConfigError
from hardgate.model import ActionState, GapReason
from hardgate.steps import STEPS
from tests.cli.conftest import git
from tests.lab.containers.bases import TINY
from tests.lab.containers.lab import Lab
from tests.steps.containers import Runner, application, stand_in

SMALL = f"FROM {TINY}\nCOPY app.py /\n"
_HEADERS = "Accept: application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return application(tmp_path / "tree", SMALL)


def login(lab: Lab, repository: str, **keys: Any) -> dict[str, Any]:
    """The keys of a push with a login."""
    return {"to": f"{lab.trusted}/{repository}", "user": lab.user, "password": "ECR_PASSWORD", **keys}


def digest_of(lab: Lab, repository: str, tag: str) -> str:
    """What the registry itself says that it has under a tag."""
    url = f"https://{lab.trusted}/v2/{repository}/manifests/{tag}"
    who = ("--user", f"{lab.user}:{lab.password}", "--cacert", str(lab.folder / "trusted.crt"))
    said = lab.run("curl", "--silent", "--fail", "--head", *who, "--header", _HEADERS, url).stdout
    found = re.search(r"(?i)docker-content-digest: (\S+)", said)
    return found[1] if found else ""


def test_a_registry_has_what_was_built_under_its_digest(
    docker: Lab, steps: Runner, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pushed although the tag was moved in between; pulled by its digest where nobody has it."""
    monkeypatch.setenv("ECR_PASSWORD", docker.password)
    commit = git(tree, "rev-parse", "HEAD")
    meddle = {"command": ["docker", "tag", TINY, f"lab/pushed:{commit}"]}
    meddle["env"] = {"DOCKER_HOST": docker.address}  # type: ignore[assignment]  # a mapping among lists
    run = steps.run(
        tree, {"build": {"image": "lab/pushed"}}, {"run": meddle}, {"push": login(docker, "pushed", latest=True)},
        {"push": login(docker, "mirror", name="mirror")},
    )  # fmt: skip
    assert [receipt.gaps for receipt in run.receipts] == [()] * 4
    assert run.receipts[3].outputs[-1].sha256 == run.receipts[2].outputs[-1].sha256
    built, pushed = run.receipts[0].outputs[-1], run.receipts[2].outputs[-1]
    digest = digest_of(docker, "pushed", commit)
    assert pushed.sha256 == digest.removeprefix("sha256:")
    assert (pushed.name, pushed.reference) == ("pushed", f"{docker.trusted}/pushed@{digest}")
    assert pushed.media_type == "application/vnd.docker.distribution.manifest.v2+json"
    assert digest_of(docker, "pushed", "latest") == digest
    # Nowhere on the record, and no login is left behind.
    assert docker.password.encode() not in steps.kept(run.receipts[2])
    assert docker.password not in repr(run)
    assert not list(Path("/tmp").glob("hardgate-*/step-*/home/registry-*"))
    for name in (f"{docker.trusted}/pushed:{commit}", f"{docker.trusted}/pushed:latest"):
        docker.docker("rmi", name)
    docker.docker("rmi", "--force", built.reference)
    docker.docker("login", "--username", docker.user, "--password-stdin", docker.trusted, stdin=docker.password)
    docker.docker("pull", pushed.reference)
    docker.docker("logout", docker.trusted)
    assert docker.docker("image", "inspect", "--format", "{{.Id}}", pushed.reference) == built.reference


def test_a_tag_that_is_moved_during_the_push_is_a_gap(
    docker: Lab, steps: Runner, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody moves the tag between `docker tag` and `docker push`, and another image goes up."""
    monkeypatch.setenv("ECR_PASSWORD", docker.password)
    stand_in(tmp_path / "bin", f'if [ "$1" = push ]; then $REAL tag {TINY} "$2"; fi', monkeypatch)
    gap = steps.gap(tree, {"build": {"image": "lab/raced"}}, {"push": login(docker, "raced")})
    assert (gap.reason, "is not the image that was built" in gap.message) == (GapReason.REPORT_UNREADABLE, True)


def test_a_tag_that_another_pushes_to_is_a_gap(
    docker: Lab, steps: Runner, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else's push comes between ours and the question what the registry has."""
    monkeypatch.setenv("ECR_PASSWORD", docker.password)
    theirs = f'if [ "$1" = pull ]; then $REAL tag {TINY} "$2"; $REAL push "$2" >/dev/null; fi'
    stand_in(tmp_path / "bin", theirs, monkeypatch)
    gap = steps.gap(tree, {"build": {"image": "lab/theirs"}}, {"push": login(docker, "theirs")})
    assert (gap.reason, "and" in gap.message, "was pushed" in gap.message) == (
        GapReason.REPORT_UNREADABLE, True, True,
    )  # fmt: skip


def _refusals(lab: Lab) -> dict[str, tuple[dict[str, Any], GapReason, str, str]]:
    """By a name: the keys of the push, the gap's reason, words of its message and of its remedy."""
    said = {"user": lab.user, "password": "ECR_PASSWORD"}
    failed, missing = GapReason.TOOL_FAILED, GapReason.INPUT_MISSING
    printing = {"user": lab.user, "password_command": ["sh", "-c", "exit 4"]}
    return {
        "nobody": ({"to": f"{lab.trusted}/no"}, failed, "no basic auth credentials", "Log in"),
        "wrong": ({"to": f"{lab.trusted}/no", "user": "AWS", "password": "WRONG"}, failed, "401", "Log in"),
        "unset": ({"to": f"{lab.trusted}/no", "user": "AWS", "password": "NOT_SET"}, missing, "NOT_SET", "Set it"),
        "untrusted": ({"to": f"{lab.untrusted}/no", **said}, failed, "x509", "signed the registry's certificate"),
        "down": ({"to": f"{lab.closed}/no", **said}, failed, "connection refused", "whether the registry is up"),
        "readonly": ({"to": f"{lab.readonly}/no", **said}, failed, "the push of", ""),
        "printing": ({"to": f"{lab.trusted}/no", **printing}, failed, "sh ended with exit code 4", "by hand"),
        "silent": (
            {"to": f"{lab.trusted}/no", "user": "AWS", "password_command": ["true"]}, missing, "no password", "by hand",
        ),
        "of": ({"to": f"{lab.trusted}/no", "of": "other"}, missing, "other made none", "Run the whole"),
    }  # fmt: skip


def test_every_refusal_is_a_gap_that_says_what_to_do(
    docker: Lab, steps: Runner, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECR_PASSWORD", docker.password)
    monkeypatch.setenv("WRONG", "not-the-password")
    refusals = _refusals(docker)
    pushes = [{"push": {"name": name, **keys}} for name, (keys, _, _, _) in refusals.items()]
    built, *receipts = steps.run(tree, {"build": {"image": "lab/refused"}}, *pushes).receipts
    assert built.gaps == ()
    for receipt, (_, reason, words, remedy) in zip(receipts, refusals.values(), strict=True):
        assert receipt.state is ActionState.GAP
        [gap] = receipt.gaps
        assert (gap.reason, words in gap.message, remedy in gap.remedy) == (reason, True, True), gap
        assert not [output for output in receipt.outputs if output.reference]
        assert docker.password.encode() not in steps.kept(receipt)
    assert digest_of(docker, "no", git(tree, "rev-parse", "HEAD")) == ""


def test_a_password_that_a_command_prints_and_only_from_a_clean_tree(
    docker: Lab, steps: Runner, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `aws ecr get-login-password` does; a dirty tree is pushed when that is asked for."""
    monkeypatch.setenv("TOKEN", docker.password)
    command = ["sh", "-c", 'test "$REGION" = eu-west-1 && echo "$TOKEN"']
    keys = {
        "to": f"{docker.trusted}/printed", "user": docker.user, "password_command": command, "secrets": ["TOKEN"],
        "env": {"REGION": "eu-west-1"},
    }  # fmt: skip
    (tree / "app.py").write_text("print('changed')\n")
    build = {"build": {"image": "lab/printed"}}
    gap = steps.gap(tree, build, {"push": keys})
    assert (gap.reason, "differs from its commit" in gap.message) == (GapReason.INPUT_MISSING, True)
    _, receipt = steps.run(tree, build, {"push": {**keys, "dirty": True}}).receipts
    assert receipt.gaps == ()
    assert "-dirty of " in receipt.notes[0]
    assert docker.password.encode() not in steps.kept(receipt)


def test_an_image_that_is_gone_is_not_pushed(docker: Lab, steps: Runner, tree: Path) -> None:
    commit = git(tree, "rev-parse", "HEAD")
    gone = {"command": ["docker", "rmi", f"lab/gone:{commit}"], "env": {"DOCKER_HOST": docker.address}}
    build = {"image": "lab/gone", "labels": {"only": "here"}}
    gap = steps.gap(tree, {"build": build}, {"run": gone}, {"push": {"to": f"{docker.trusted}/gone"}})
    assert (gap.reason, "no longer has the image" in gap.message) == (GapReason.INPUT_MISSING, True)
    gap = steps.gap(tree, {"push": {"to": f"{docker.trusted}/gone"}})
    assert (gap.reason, "needs an image" in gap.message) == (GapReason.INPUT_MISSING, True)


@pytest.mark.parametrize(
    ("repository", "name"),
    [
        ("planets", "planets"), ("team/planets", "team/planets"), ("localhost/planets", "planets"),
        ("example.com/team/planets", "team/planets"), ("registry:5000/planets", "planets"),
    ],
)  # fmt: skip
def test_an_image_is_called_the_same_wherever_it_is(repository: str, name: str) -> None:
    assert containers.bare(repository) == name


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"to": "planets"}, "to"),
        ({"to": "example.com/planets:1"}, "to"),
        ({"to": "example.com/p", "user": "AWS"}, "belong together"),
        ({"to": "example.com/p", "password": "P"}, "belong together"),
        ({"to": "example.com/p", "user": "u", "password": "P", "password_command": ["x"]}, "leave one out"),
        ({"to": "example.com/p", "user": "u", "password": "not a variable"}, "password"),
    ],
)
def test_keys_that_cannot_be_are_refused(keys: dict[str, Any], words: str) -> None:
    text = json.dumps({"pipeline": "x", "stages": [{"name": "s", "actions": [{"push": keys}]}]})
    with pytest.raises(ConfigError, match=words):
        config.load(text.encode(), options={step.name: step.options for step in STEPS})
