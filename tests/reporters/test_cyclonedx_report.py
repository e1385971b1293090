"""CycloneDX with vulnerabilities, against the schema of version 1.6."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import referencing

from hardgate.reporters.cyclonedx import render
from tests.reporters import sample_run, snapshots
from tests.reporters.huge import huge

SCHEMAS = Path(__file__).parents[1] / "schemas"
CASES = {**snapshots.CASES, "huge": huge}
# The names by which the schema refers to its two parts.
PARTS = {"spdx.SNAPSHOT.schema.json": "cyclonedx-spdx.json", "jsf-0.82.SNAPSHOT.schema.json": "cyclonedx-jsf-0.82.json"}


@functools.cache
def _validator() -> jsonschema.Draft7Validator:
    whole = json.loads((SCHEMAS / "cyclonedx-1.6.json").read_bytes())
    base = whole["$id"].rpartition("/")[0]
    parts = {
        f"{base}/{name}": referencing.Resource.from_contents(json.loads((SCHEMAS / file).read_bytes()))
        for name, file in PARTS.items()
    }
    formats = jsonschema.Draft7Validator.FORMAT_CHECKER
    registry = referencing.Registry().with_resources(parts.items())
    return jsonschema.Draft7Validator(whole, registry=registry, format_checker=formats)


def _errors(document: object) -> list[str]:
    return [error.message[:300] for error in _validator().iter_errors(document)]


def _read(case: str = "incomplete") -> Any:
    return json.loads(render(*CASES[case]()))


@pytest.mark.parametrize("case", CASES)
def test_every_report_fits_the_schema(case: str) -> None:
    assert _errors(_read(case)) == []


def test_the_schema_is_not_asleep() -> None:
    document = _read()
    document["vulnerabilities"][0]["analysis"]["state"] = "accepted"
    document["components"][0]["licenses"] = [{"license": {"id": "No-Such-Licence"}}]
    document["serialNumber"] = "1"
    assert len(_errors(document)) == 3


@pytest.mark.parametrize("case", CASES)
def test_every_reference_leads_somewhere_and_none_is_given_twice(case: str) -> None:
    document = _read(case)
    parts = ("components", "vulnerabilities", "compositions", "annotations")
    refs = ["root", *(one["bom-ref"] for part in parts for one in document[part])]
    assert len(set(refs)) == len(refs)
    used = [one["ref"] for vulnerability in document["vulnerabilities"] for one in vulnerability["affects"]]
    used += [ref for one in document["compositions"] for ref in one.get("vulnerabilities", [])]
    assert set(used) <= set(refs)


def test_one_package_with_two_advisories_is_one_component_if_it_is_named_alike() -> None:
    run, verdict = sample_run.incomplete()
    same = msgspec.structs.replace(run.findings[4], package=run.findings[3].package)
    document = json.loads(render(msgspec.structs.replace(run, findings=(*run.findings[:4], same)), verdict))
    assert [one["purl"] for one in document["components"]] == ["pkg:pypi/flask@0.12"]
    assert len(document["vulnerabilities"]) == 2


def test_what_is_waived_may_be_exploitable_and_stays() -> None:
    blocking, waived = _read()["vulnerabilities"]
    assert blocking["analysis"]["state"] == "in_triage"
    assert (waived["analysis"]["state"], waived["analysis"]["response"]) == ("exploitable", ["will_not_fix"])
    assert waived["analysis"]["detail"].startswith("waived: Waived by Ada Lovelace until 2026-03-01")


@pytest.mark.parametrize(("case", "aggregate"), [("incomplete", "incomplete"), ("nothing_ran", "incomplete"),
                                                 ("failing", "unknown"), ("clean", "unknown")])  # fmt: skip
def test_a_list_that_may_lack_something_says_so(case: str, aggregate: str) -> None:
    document = _read(case)
    known = {one["bom-ref"]: one["aggregate"] for one in document["compositions"]}
    assert known == {"packages": "incomplete", "vulnerabilities": aggregate}
    told = {one["bom-ref"]: one["text"] for one in document["annotations"]}
    assert sum(name.startswith("gap-") for name in told) == len(CASES[case]()[1].gaps)
    assert told["verdict"].startswith(CASES[case]()[1].outcome)


def test_what_is_no_package_is_counted() -> None:
    told = {one["bom-ref"]: one["text"] for one in _read()["annotations"]}
    assert "secret, 2 findings: 2 blocking, 0 waived, 0 informing" in told["left-out"]
    assert "code, 4 findings" in told["left-out"]
