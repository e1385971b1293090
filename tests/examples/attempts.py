"""The collection of examples/planetary-api against truth.yaml: what Newman must report, wherever the API runs."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from hardgate.model import Finding
from hardgate.scanners.newman import NEWMAN
from tests.lab import openapi, planetary

ENTRIES: list[dict[str, Any]] = yaml.safe_load((planetary.HOME / "truth.yaml").read_bytes())["entries"]
TRIED = {entry["dynamic"]: entry for entry in ENTRIES if entry["dynamic"]}
HOLES = {name: entry for name, entry in TRIED.items() if entry["kind"] == "vulnerable"}
COLLECTION: dict[str, Any] = json.loads(planetary.COLLECTION.read_bytes())
SET_UP = "Set up"
# How a hole answers an attempt that succeeds, where this is not 200, and where Newman's report does not tell.
ANSWERS = {"deserialisation-pickle": 201, "deserialisation-yaml": 201, "mailed-password": 401, "debug-mode": 500}
ANSWERS_UNKNOWN = {"plaintext-passwords"}


def requests(*folders: str) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Each request with the names of its folders, the outermost first."""

    def walk(items: list[dict[str, Any]], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
        for one in items:
            if "item" in one:
                yield from walk(one["item"], (*above, one["name"]))
            else:
                yield above, one

    return ((above, one) for above, one in walk(COLLECTION["item"], ()) if above[0] in folders)


def endpoint(one: Mapping[str, Any]) -> str:
    """Method and path as Flask writes them, but for the types of variables."""
    return _in_flask(f"{one['request']['method']} /{'/'.join(one['request']['url']['path'])}")


def _in_flask(endpoint: str) -> str:
    return re.sub(r"/:(\w+)", r"/<\1>", endpoint)


def untyped(rule: str) -> str:
    """A rule of Flask's without the types of its variables."""
    return re.sub(r"<\w+:", "<", rule)


def script(one: Mapping[str, Any]) -> str:
    """What judges the answer."""
    events = [event for event in one.get("event", []) if event["listen"] == "test"]
    return "\n".join(line for event in events for line in event["script"]["exec"])


ATTEMPTS = {one["name"]: one for above, one in requests("Security") if above[1] != SET_UP}


def check(raw: bytes) -> None:
    """Each hole was caught, each safe twin withstood, the rest passed, and every answer is a documented one."""
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
        assert _in_flask(finding.location.path) == untyped(entry["endpoint"])
    if entry["pair"] not in ANSWERS_UNKNOWN:
        assert f"answered {ANSWERS.get(entry['pair'], 200)}:" in finding.message


def _all_was_judged(whole: Mapping[str, Any]) -> None:
    """Every request of the collection was sent, and every one but those that set up was judged."""
    sent = {one["item"]["name"]: one for one in whole["run"]["executions"]}
    names = [one["name"] for _, one in requests("Basic", "Negative", "Security")]
    assert len(names) == len(set(names))
    assert sent.keys() == set(names)
    unjudged = {name for name, one in sent.items() if not one.get("assertions")}
    assert unjudged == {one["name"] for above, one in requests("Security") if above[-1] == SET_UP}


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
