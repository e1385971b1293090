"""ASFF, against the model of Security Hub that every AWS SDK is made of: names, types, enums, patterns, and limits.

botocore carries the model. Its ParamValidator looks at names and types; the rest stands in the model too, the lengths
as sentences of its documentation, and is checked by a walk here.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

from hardgate.model import Outcome
from hardgate.reporters.asff import findings, render
from tests.reporters import sample_run, snapshots
from tests.reporters.huge import huge

CASES = {**snapshots.CASES, "huge": huge}
EACH = pytest.mark.parametrize("case", CASES)
_LIMIT = re.compile(r"Length Constraints:(?:.*?Maximum (?:length )?of (\d+)| (\d+)\.)", re.S)
_ITEMS = re.compile(r"Array Members:.*Maximum number of (\d+) item", re.S)


@functools.cache
def _request() -> Shape:
    service = ServiceModel(Loader(include_default_search_paths=True).load_service_model("securityhub", "service-2"))
    shape = service.operation_model("BatchImportFindings").input_shape
    assert shape is not None
    return shape


def _batches(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """As the sender cuts it: a request takes 100 findings."""
    for start in range(0, len(document["Findings"]), 100):
        yield {"Findings": document["Findings"][start : start + 100]}


def _wrong(shape: Shape, value: Any, at: str) -> Iterator[str]:
    words = re.sub(r"<[^>]+>", "", shape.documentation)
    if isinstance(shape, StructureShape):
        for name, inner in value.items():
            yield from _wrong(shape.members[name], inner, f"{at}.{name}")
    elif isinstance(shape, MapShape):
        for name, inner in value.items():
            yield from _wrong(shape.value, inner, f"{at}.{name}")
    elif isinstance(shape, ListShape):
        most = _ITEMS.search(words)
        if most and len(value) > int(most[1]):
            yield f"{at}: {len(value)} items, {most[1]} are the most"
        for number, inner in enumerate(value):
            yield from _wrong(shape.member, inner, f"{at}[{number}]")
    elif isinstance(shape, StringShape):
        yield from _wrong_text(shape, words, value, at)


def _wrong_text(shape: StringShape, words: str, value: str, at: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield f"{at}: {value!r} is none of {shape.enum}"
    if (pattern := shape.metadata.get("pattern")) and not re.search(pattern, value):
        yield f"{at}: {value!r} does not fit {pattern}"
    limit = _LIMIT.search(words)
    units = len(value.encode("utf-16-le")) // 2
    if limit and units > int(next(filter(None, limit.groups()))):
        yield f"{at}: {units} characters, and {limit[1] or limit[2]} are the most"


def _errors(document: dict[str, Any]) -> list[str]:
    shape = _request()
    found = []
    for batch in _batches(document):
        report = ParamValidator().validate(batch, shape)
        found += [report.generate_report()] if report.has_errors() else list(_wrong(shape, batch, ""))
    return found


@EACH
def test_every_report_fits_the_model(case: str) -> None:
    assert _errors(json.loads(render(*CASES[case]()))) == []


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("Title", "x" * 257, "257 characters"),
        ("Description", "x" * 1025, "1025 characters"),
        ("Title", " ", "does not fit"),
        ("RecordState", "GONE", "none of"),
        ("Resources", [{"Type": "Other", "Id": "x"}] * 33, "33 items"),
        ("Types", ["TTPs"] * 51, "51 items"),
        ("Id", None, "Invalid type"),
        ("Titel", "x", "Unknown parameter"),
    ],
)
def test_the_model_is_not_asleep(field: str, value: object, words: str) -> None:
    document = json.loads(render(*sample_run.clean()))
    document["Findings"][0][field] = value
    assert words in " ".join(_errors(document))


def test_a_missing_field_is_found() -> None:
    document = json.loads(render(*sample_run.clean()))
    del document["Findings"][0]["Title"]
    assert "Title" in " ".join(_errors(document))


@EACH
def test_a_finding_stays_below_240_kilobytes_and_names_few_resources(case: str) -> None:
    for finding in findings(*CASES[case]()):
        # As the SDK sends it, and as JSON at its longest: every character beyond ASCII as an escape.
        assert len(json.dumps(finding)) < 240_000
        assert len(finding["Resources"]) <= 10  # type: ignore[arg-type]


@EACH
def test_no_id_is_that_of_another_finding(case: str) -> None:
    run, verdict = CASES[case]()
    ids = [finding["Id"] for finding in findings(run, verdict)]
    assert len(set(ids)) == len(ids) == 1 + len(verdict.gaps) + len(run.findings)


def test_two_equal_gaps_stay_two() -> None:
    run, verdict = sample_run.nothing_ran()
    twice = msgspec.structs.replace(verdict, gaps=verdict.gaps * 2)
    assert len({finding["Id"] for finding in findings(run, twice)}) == 3


def test_the_same_finding_has_the_same_id_in_the_next_run() -> None:
    run, verdict = sample_run.failing()
    later = msgspec.structs.replace(run, id="run-9", commit="f" * 40)
    assert [one["Id"] for one in findings(later, verdict)] == [one["Id"] for one in findings(run, verdict)]


def test_what_is_waived_is_archived_and_says_why() -> None:
    document = json.loads(render(*sample_run.incomplete()))
    states = {one["ProductFields"]["hardgate/State"]: one for one in document["Findings"]}
    assert (states["waived"]["RecordState"], states["waived"]["Workflow"]) == ("ARCHIVED", {"Status": "SUPPRESSED"})
    assert "Waived by Ada Lovelace" in states["waived"]["Note"]["Text"]
    assert "Waived by Ada Lovelace" in states["waived"]["Description"]
    assert (states["blocking"]["RecordState"], states["blocking"]["Workflow"]) == ("ACTIVE", {"Status": "NEW"})
    assert [one["RecordState"] for one in document["Findings"]].count("ARCHIVED") == 1


@pytest.mark.parametrize(
    ("case", "status"), [("clean", "PASSED"), ("failing", "FAILED"), ("incomplete", "NOT_AVAILABLE")]
)
def test_the_verdict_is_a_finding_that_no_gap_lets_pass(case: str, status: str) -> None:
    run, verdict = CASES[case]()
    first, *rest = findings(run, verdict)
    assert first["Id"] == "hardgate/planetary-api/verdict"
    assert first["Compliance"] == {"Status": status}
    unseen = [one for one in rest if one.get("Compliance", {}).get("Status") == "NOT_AVAILABLE"]  # type: ignore[attr-defined]
    assert len(unseen) == len(verdict.gaps)
    assert (verdict.outcome is Outcome.PASS) == (first["Severity"]["Label"] == "INFORMATIONAL")  # type: ignore[index]


def test_a_package_is_a_vulnerability_with_its_score() -> None:
    document = json.loads(render(*sample_run.incomplete()))
    [vulnerable] = [one for one in document["Findings"] if "CVE-2023-30861" in one["Title"]]
    [told] = vulnerable["Vulnerabilities"]
    assert told["Id"] == "CVE-2023-30861"
    assert told["RelatedVulnerabilities"] == ["GHSA-m2qf-hxjv-5gpq", "PYSEC-2023-62"]
    assert told["Cvss"][0]["BaseScore"] == 7.5
    assert (told["FixAvailable"], told["ExploitAvailable"]) == ("YES", "YES")
    assert told["VulnerablePackages"][0]["FixedInVersion"] == "2.2.5, 2.3.2"
    assert vulnerable["Types"] == ["Software and Configuration Checks/Vulnerabilities/CVE"]
    assert vulnerable["Severity"] == {"Label": "CRITICAL", "Normalized": 90, "Original": "critical"}


def test_the_sender_sets_account_and_region() -> None:
    [verdict] = findings(*sample_run.clean(), account="123456789012", region="eu-central-1")
    assert verdict["AwsAccountId"] == "123456789012"
    assert verdict["ProductArn"] == "arn:aws:securityhub:eu-central-1:123456789012:product/123456789012/default"
