"""The Postman collection of examples/planetary-api, sent by the real Newman to the application on two databases.

What it must find comes from truth.yaml: a hole without a request, or a request without a hole, fails here.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient

from hardgate.model import Finding, GapReason, Report
from hardgate.scanners.newman import NEWMAN
from tests.lab import mariadb, openapi, planetary

ENTRIES: list[dict[str, Any]] = yaml.safe_load((planetary.HOME / "truth.yaml").read_bytes())["entries"]
TRIED = {entry["dynamic"]: entry for entry in ENTRIES if entry["dynamic"]}
HOLES = {name: entry for name, entry in TRIED.items() if entry["kind"] == "vulnerable"}
COLLECTION: dict[str, Any] = json.loads(planetary.COLLECTION.read_bytes())
SET_UP = "Set up"
# How a hole answers an attempt that succeeds, where this is not 200. None: what was asked last is not in the report.
ANSWERS = {"deserialisation-pickle": 201, "deserialisation-yaml": 201, "mailed-password": 401, "debug-mode": 500}
ANSWERS_UNKNOWN = {"plaintext-passwords"}


def _requests(*folders: str) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Each request with the names of its folders, the outermost first."""

    def walk(items: list[dict[str, Any]], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
        for one in items:
            if "item" in one:
                yield from walk(one["item"], (*above, one["name"]))
            else:
                yield above, one

    return ((above, one) for above, one in walk(COLLECTION["item"], ()) if above[0] in folders)


def _endpoint(one: Mapping[str, Any]) -> str:
    """Method and path as Flask writes them, but for the types of variables."""
    return _in_flask(f"{one['request']['method']} /{'/'.join(one['request']['url']['path'])}")


def _in_flask(endpoint: str) -> str:
    return re.sub(r"/:(\w+)", r"/<\1>", endpoint)


def _untyped(rule: str) -> str:
    return re.sub(r"<\w+:", "<", rule)


def _script(one: Mapping[str, Any], listen: str = "test") -> str:
    events = [event for event in one.get("event", []) if event["listen"] == listen]
    return "\n".join(line for event in events for line in event["script"]["exec"])


ATTEMPTS = {one["name"]: one for above, one in _requests("Security") if above[1] != SET_UP}


# --- the collection against truth.yaml and the routes ----------------------------------------------------------------


def test_each_side_has_one_request_and_each_request_one_side() -> None:
    names = [one["name"] for above, one in _requests("Security") if above[1] != SET_UP]
    assert len(names) == len(set(names)) == len(TRIED)
    assert set(names) == set(TRIED)
    assert sum(entry["dynamic"] is not None for entry in ENTRIES) == len(TRIED), "a request is named twice"


@pytest.mark.parametrize("name", ATTEMPTS)
def test_an_attempt_is_made_at_its_endpoint_and_its_test_names_the_weakness(name: str) -> None:
    one, entry = ATTEMPTS[name], TRIED[name]
    (test,) = re.findall(r'pm\.test\("([^"]+)"', _script(one))
    weakness = re.match(r"(CWE-[1-9]\d*): \S", test)
    assert weakness is not None, test
    assert weakness[1] in {entry["cwe"], *entry.get("related", [])}
    assert entry["endpoint"] is None or _endpoint(one) == _untyped(entry["endpoint"])
    assert "/" not in name


def test_what_sets_the_attempts_up_throws_and_tests_nothing() -> None:
    for above, one in _requests("Security"):
        if above[1] == SET_UP:
            assert "throw new Error(" in _script(one), one["name"]
            assert "pm.test(" not in _script(one), one["name"]


def test_basic_and_negative_come_to_every_route_and_judge_every_answer(api: FlaskClient) -> None:
    routes = {
        f"{method} {_untyped(rule.rule)}"
        for rule in api.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint != "static"
    }
    sent = {_endpoint(one) for _, one in _requests("Basic", "Negative")}
    assert sent - routes == {"GET /no/such/address"}
    assert routes - sent == set()
    assert all("pm.test(" in _script(one) for _, one in _requests("Basic", "Negative"))


def test_no_secret_of_the_application_stands_in_the_collection() -> None:
    written = "".join(path.read_text() for path in sorted((planetary.HOME / "postman").iterdir()))
    source = "".join((planetary.HOME / name).read_text() for name in ("planetary/settings.py", "tools/monitor.py"))
    secrets = re.findall(r'^[A-Z_]+ = "([^"]+)"', source, re.MULTILINE)
    assert len(secrets) == 3
    assert not [word for word in (*secrets, "P@ssw0rd", "Comet1786") if word in written]


def test_payloads_aim_at_the_machine_itself() -> None:
    text = planetary.COLLECTION.read_text().replace(COLLECTION["info"]["schema"], "")
    assert set(re.findall(r"https?://[^\s\"']+", text)) == set()
    for path in (planetary.HOME / "postman").glob("*.postman_environment.json"):
        values = {one["key"]: one["value"] for one in json.loads(path.read_bytes())["values"]}
        assert values.keys() == {"base", "twin", "inside"}
        assert values["inside"] == "http://127.0.0.1:5000"


# --- the real Newman -------------------------------------------------------------------------------------------------


@pytest.fixture(params=["SQLite", "MariaDB"])
def database(request: pytest.FixtureRequest) -> Iterator[Mapping[str, str]]:
    if request.param == "SQLite":
        yield {}
        return
    with mariadb.server() as server:
        yield server.database()


def test_each_hole_is_caught_each_twin_withstands_and_the_rest_passes(
    database: Mapping[str, str], tmp_path: Path
) -> None:
    with planetary.serving(tmp_path, database) as addresses:
        planetary.asked(addresses, tmp_path / "report.json")
    raw = (tmp_path / "report.json").read_bytes()
    report = NEWMAN.parse(raw)
    assert report.gaps == ()
    assert {one.rule.split("/")[0] for one in report.findings} == {"Security"}
    caught = {one.rule.split("/")[-2]: one for one in report.findings}
    assert len(caught) == len(report.findings)
    assert sorted(caught) == sorted(HOLES), "a safe twin among these fell, a hole that is not was not caught"
    for name, finding in caught.items():
        _is_for_the_right_reason(finding, HOLES[name])
    _all_was_judged(json.loads(raw))
    assert _undocumented(json.loads(raw)) == ["GET /no/such/address 404: no such answer is documented"]


def _is_for_the_right_reason(finding: Finding, entry: Mapping[str, Any]) -> None:
    assert set(finding.cwe) <= {entry["cwe"], *entry.get("related", [])}
    assert finding.cwe
    if entry["endpoint"]:
        assert _in_flask(finding.location.path) == _untyped(entry["endpoint"])
    if entry["pair"] not in ANSWERS_UNKNOWN:
        assert f"answered {ANSWERS.get(entry['pair'], 200)}:" in finding.message


def _all_was_judged(whole: Mapping[str, Any]) -> None:
    """Every request of the collection was sent, and every one but those that set up was judged."""
    sent = {one["item"]["name"]: one for one in whole["run"]["executions"]}
    names = [one["name"] for _, one in _requests("Basic", "Negative", "Security")]
    assert len(names) == len(set(names))
    assert sent.keys() == set(names)
    unjudged = {name for name, one in sent.items() if not one.get("assertions")}
    assert unjudged == {one["name"] for above, one in _requests("Security") if above[-1] == SET_UP}


def _undocumented(whole: Mapping[str, Any]) -> list[str]:
    """What openapi.yaml does not say of the answers, but for errors that an attempt provoked.

    Left out is what Newman's report mixes up: a request whose script sent another one.
    """
    document = yaml.safe_load((planetary.HOME / "openapi.yaml").read_bytes())
    executions = whole["run"]["executions"]
    times = Counter(one["cursor"]["ref"] for one in executions)
    told = []
    for one in executions:
        request, answer = one["item"]["request"], one["response"]
        if answer["code"] == 500 or times[one["cursor"]["ref"]] > 1:
            continue
        path = re.sub(r"/:(\w+)", r"/{\1}", "/" + "/".join(request["url"]["path"]))
        media = next(head["value"] for head in answer["header"] if head["key"].lower() == "content-type")
        got = openapi.Answer(answer["code"], media.split(";")[0], bytes(answer["stream"]["data"]))
        told.append(openapi.undocumented(document, request["method"], path, got))
    return [one for one in told if one]


def test_an_attempt_that_could_not_be_set_up_is_no_pass(tmp_path: Path) -> None:
    """Without tables nobody can be registered: what was not shown is told as not shown."""
    with planetary.serving(tmp_path, {}, seeded=False) as addresses:
        quick = {**addresses, "base": addresses["twin"]}  # the debugger's pages take their time
        planetary.asked(quick, tmp_path / "report.json", "--folder", "Security")
    report: Report = NEWMAN.parse((tmp_path / "report.json").read_bytes())
    broken = {gap.message.split("'")[1] for gap in report.gaps if gap.reason is GapReason.TOOL_FAILED}
    assert {"register a victim", "log the victim in", "find a password in the table"} <= broken
    assert not [one for one in report.findings if "find a password in the table" in one.rule]
