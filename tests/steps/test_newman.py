"""The step `newman`: the real Newman, against a real application that hardgate starts behind a wall."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hardgate.model import ExitCode
from hardgate.store import Store
from tests.cli.conftest import home, repository, run
from tests.lab import loopback, npm_tools, planets
from tests.lab.command import hardgate
from tests.lab.postman import BASIC, NEGATIVE, SECURITY, ask, collection, folder

__all__ = ["home", "repository"]
Make = Callable[..., Path]
pytestmark = pytest.mark.real
API = {
    "command": [sys.executable, str(Path(planets.__file__)), "${PORT}"],
    "ready": "http://127.0.0.1:${PORT}/planets",
}
WRONG = folder(
    "Basic", ask("list planets", "GET", "/planets", 'pm.test("lists none", () => pm.expect(1).to.equal(2));')
)


@pytest.fixture(autouse=True)
def _newman(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Newman on PATH, as its user has it who installed it with npm."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "newman").symlink_to(npm_tools.newman()[-1])
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")


def pipeline(*actions: dict[str, Any], isolation: str = "network", **keys: Any) -> str:
    """A pipeline of these actions, or of one with these keys."""
    given = actions or (keys,)
    steps = [{"newman": {"collection": "planets.json", "environment": "local", **one}} for one in given]
    environment = {
        "local": {"services": {"api": API}, "isolation": isolation},
        "open": {"services": {"api": API}, "isolation": "none"},
    }
    return json.dumps({"pipeline": "p", "stages": [{"name": "test", "actions": steps}], "environment": environment})


def test_weaknesses_and_failed_tests_are_findings_and_the_evidence_has_no_secret(home: Path, repository: Make) -> None:
    log_in = folder("Log in", ask("log in", "GET", "/planets"))
    whole = collection(SECURITY, WRONG, NEGATIVE, log_in)
    whole["variable"] = [{"key": "hardgate_cwe", "value": '{"unsafe hello": "CWE-80"}'}]
    every = {"setup": ["Log in"]}
    some = {"name": "some", "setup": ["Log in"], "folders": ["Basic", "Negative"], "test_severity": "low"}
    result = run(repository({"planets.json": json.dumps(whole)}, pipeline=pipeline(every, some)))
    assert (result.code, result.json["gaps"]) == (ExitCode.FAIL, []), result.stdout + result.stderr
    found = {one["rule"]: one for one in result.json["findings"]}
    login = found["Security/SQL injection [CWE-89]/unsafe login/answers 401 [CWE-89]"]
    assert (login["kind"], login["severity"], login["cwe"]) == ("dynamic", "high", ["CWE-89"])
    assert login["location"]["path"] == "POST /unsafe/login"
    assert login["message"].startswith(
        "POST /unsafe/login answered 200: expected response to have status code 401 but got 200; "
        """sent: {"name": "ada", "word": "' OR '1'='1"}; got: {"message":"Login succeeded!","access_token":"""
    )
    hello = found["Security/unsafe hello/shows no markup [CWE-79]"]
    assert hello["cwe"] == ["CWE-79"]  # the nearest name: that of the test, and not the map's of the request
    assert "sent: name=%3Cscript%3E; got: <p>Hello <script></p>" in hello["message"]
    basic = [one for one in result.json["findings"] if one["rule"] == "failed-test/Basic/list planets/lists none"]
    assert sorted(one["severity"] for one in basic) == ["high", "low"]
    assert len(result.json["findings"]) == 4
    receipts = {one["action"]: one for one in result.json["receipts"]}
    assert receipts["newman"]["tool"]["version"] == "6.2.2"
    assert [words.count("--folder") for one in receipts.values() for words in one["argv"]] == [0, 3]
    assert all("no route out" in one["notes"][0] for one in receipts.values())
    with Store.open(home / "store.db") as store:
        kept = {one["name"]: store.blob(one["sha256"]) for one in receipts["newman"]["outputs"]}
    assert list(kept) == ["newman-junit.xml", "newman-report.html", "newman-api.log"]
    assert b'tests="6" failures="3"' in kept["newman-junit.xml"]
    assert kept["newman-report.html"].count(b'class="failed"') == 3
    # The collection carries the token in its requests, and the answers carry it; what is kept and shown does not.
    everything = b"".join([*kept.values(), *(path.read_bytes() for path in home.glob("store.db*"))])
    assert planets.TOKEN.encode() not in everything
    assert planets.TOKEN not in result.stdout + result.stderr


def test_a_payload_that_leaves_is_stopped_and_told(repository: Make) -> None:
    """The same attack on the same application, with and without the wall."""
    heard: dict[str, list[bytes]] = {}
    stays = 'pm.test("does not leave [CWE-918]", () => pm.response.to.have.status(502));'
    files, actions = {}, []
    with contextlib.ExitStack() as stack:
        for name in ("local", "open"):
            server, heard[name] = stack.enter_context(loopback.listening(socket.AF_INET, ("127.0.0.1", 0)))
            places = [f"127.0.0.1:{server.getsockname()[1]}", *(["192.0.2.1:80"] if name == "local" else [])]
            out = [ask(f"to {to}", "GET", f"/unsafe/fetch?to={to}", stays) for to in places]
            files[f"{name}.json"] = json.dumps(collection(folder("Security", *out)))
            actions.append({"name": name, "environment": name, "collection": f"{name}.json"})
        result = run(repository(files, pipeline=pipeline(*actions)))
    assert heard == {"local": [], "open": [planets.TOKEN.encode()]}
    assert [(one["action"], one["cwe"]) for one in result.json["findings"]] == [("open", ["CWE-918"])]
    assert (result.code, result.json["gaps"]) == (ExitCode.FAIL, [])
    notes = {one["action"]: one["notes"] for one in result.json["receipts"]}
    assert notes["local"][1] == "1 packet wanted to leave the environment and found no route"
    assert "isolation: none" in notes["open"][0]


LATE = ask("late", "GET", "/planets", 'pm.test("never", () => {});', before="while (true) {}")
GONE = ask("gone", "GET", "http://127.0.0.1:9/", 'pm.test("never", () => {});')
GONE["request"]["url"] = "http://127.0.0.1:9/"
PLAIN = collection(BASIC)
DIES = {"command": [sys.executable, "-c", "raise SystemExit('no database')"], "ready": "http://127.0.0.1:${PORT}/"}
GAPS: dict[str, tuple[Any, dict[str, Any], str, str]] = {
    # name: the collection, the keys, and the reason and words of its gap
    "no such collection": (PLAIN, {"collection": "other.json"}, "input-missing", "there is no file 0/other.json"),
    "a collection that leads out": (PLAIN, {"collection": "../planets.json"}, "input-missing", "there is no file"),
    "no collection": ("[]", {}, "input-missing", "is not what Postman exports"),
    "no such folder": (PLAIN, {"folders": ["Basic", "Securty"]}, "not-covered", "no folder 'Securty': nothing of it"),
    "none of the folders": (PLAIN, {"folders": ["X"]}, "not-covered", "has none of its folders"),
    "a folder without tests": (
        collection(BASIC, folder("Security", ask("planets", "GET", "/planets"))), {}, "not-covered",
        "no test was made in the folder 'Security'",
    ),
    "an empty folder": (collection(BASIC, folder("Security")), {}, "not-covered", "in the folder 'Security'"),
    "no answer": (collection(folder("Basic", GONE)), {}, "tool-failed", "got no answer"),
    "a map that is none": (
        {**PLAIN, "variable": [{"key": "hardgate_cwe", "value": '{"a": "89"}'}]}, {}, "not-covered", "does not map",
    ),
    "a service that dies": (PLAIN, {"services": {"api": DIES}}, "tool-failed", "ended with 1 before it was ready"),
    "no such place": (PLAIN, {"variables": {"base": "${HOST}"}}, "input-missing", "${HOST} in '${HOST}' is no place"),
    "too little time": (collection(folder("Basic", LATE)), {"timeout": 6}, "timeout", "was ended after 6 s"),
}  # fmt: skip


def test_what_was_not_tried_is_a_gap(repository: Make) -> None:
    """All at once, in one stage: each behind a wall of its own."""
    files, actions, environment = {}, [], {}
    for number, (name, (content, given, _, _)) in enumerate(GAPS.items()):
        keys = dict(given)
        word = f"case-{number}"
        files[f"{number}/planets.json"] = content if isinstance(content, str) else json.dumps(content)
        environment[f"e{number}"] = {"services": keys.pop("services", {"api": API})}
        keys["collection"] = f"{number}/{keys.get('collection', 'planets.json')}"
        if name == "a collection that leads out":
            keys["collection"] = "../planets.json"
        actions.append({"newman": {"name": word, "environment": f"e{number}", **keys}})
    text = {"pipeline": "p", "stages": [{"name": "test", "actions": actions}], "environment": environment}
    result = run(repository(files, pipeline=json.dumps(text)))
    assert (result.code, result.json["findings"]) == (ExitCode.INCOMPLETE, [])
    gaps: dict[str, list[tuple[str, str]]] = {}
    for gap in result.json["gaps"]:
        gaps.setdefault(gap["action"], []).append((gap["reason"], gap["message"]))
    for number, (name, (_, _, reason, words)) in enumerate(GAPS.items()):
        assert [one for one in gaps.get(f"case-{number}", []) if one[0] == reason and words in one[1]], (name, gaps)


def test_an_answer_of_another_server_is_a_gap(repository: Make) -> None:
    """Without a wall whatever listens on this machine can answer, such as what another run left behind."""
    with planets.serving() as other:
        stray = ask("list planets", "GET", "/planets", 'pm.test("answers", () => pm.response.to.have.status(200));')
        stray["request"]["url"] = f"{other}/planets"
        whole = collection(folder("Basic", stray), BASIC)
        setup = {"name": "setup", "setup": ["Basic"]}
        keys = [{"environment": "open", **one} for one in ({}, setup)]
        result = run(repository({"planets.json": json.dumps(whole)}, pipeline=pipeline(*keys)))
    told = f"the request 'list planets' was answered by {other.removeprefix('http://')}, which is not what is tested"
    assert [(gap["action"], gap["message"]) for gap in result.json["gaps"]] == [("newman", told)], result.stdout


def test_newman_that_breaks_after_its_report_is_a_gap(
    repository: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken").mkdir()
    program = tmp_path / "broken" / "newman"
    program.write_text(f'#!/bin/sh\n{tmp_path}/bin/newman "$@"\nexit 7\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    result = run(repository({"planets.json": json.dumps(PLAIN)}, pipeline=pipeline()))
    assert [gap["message"] for gap in result.json["gaps"]] == ["newman ended with exit code 7"]


def test_newman_that_is_not_there_is_a_gap(repository: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    path = os.environ["PATH"].partition(":")[2]
    monkeypatch.setenv("PATH", ":".join(one for one in path.split(":") if not (Path(one) / "newman").exists()))
    result = run(repository({"planets.json": json.dumps(PLAIN)}, pipeline=pipeline()))
    assert [gap["reason"] for gap in result.json["gaps"]] == ["tool-missing"]


BARE = '{"pipeline": "p", "stages": [{"name": "s", "actions": [{"newman": {"collection": "c"}}]}]}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (pipeline(environment="lokal"), "environment: unknown environment 'lokal'; known: local, open"),
        (pipeline(environment=""), "newman needs an `environment`, which one of: local, open"),
        (BARE, "newman needs an `environment`, and none is defined"),
        (pipeline(paths=["."]), "newman is a step, and `paths` means nothing to it"),
        (pipeline(command=["newman"]), "unknown key 'collection'; known"),
        (pipeline(test_severity="bad"), "invalid enum value 'bad'"),
    ],
)  # fmt: skip
def test_a_mistake_in_hardgate_yaml_is_refused(text: str, said: str, repository: Make) -> None:
    result = hardgate("run", str(repository({"planets.json": "{}"}, pipeline=text)))
    assert result.code is ExitCode.USAGE
    assert said in " ".join(result.stderr.split()), result.stderr
