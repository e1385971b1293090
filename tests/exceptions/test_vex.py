"""VEX read as exceptions and written from a run: both formats, valid by their schemas, and read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import referencing

from hardgate import gate
from hardgate.errors import ConfigError
from hardgate.exceptions import documents, vex, vexing
from hardgate.model import Outcome, Run, State, Verdict, Waiver
from tests.builders import NOW, dependency, policy, receipt, run, settled, waiver

SCHEMAS = Path(__file__).parents[1] / "schemas"
# The first example of the specification's section "Use of Components and Subcomponents", with a package of ours in it.
OPENVEX: dict[str, Any] = {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "@id": "https://openvex.dev/docs/example/vex-9fb3463de1b57",
    "author": "Wolfi J Inkinson",
    "role": "Document Creator",
    "timestamp": "2026-01-08T18:02:03.647787998-06:00",
    "version": 1,
    "statements": [
        {
            "vulnerability": {"name": "CVE-2023-30861", "aliases": ["GHSA-m2qf-hxjv-5gpq"]},
            "products": [
                {"@id": "pkg:generic/planetary-api", "subcomponents": [{"@id": "pkg:pypi/flask@1.0"}]},
                {"identifiers": {"purl": "pkg:pypi/flask@1.1"}},
                {"@id": "https://example.org/no-package"},
            ],
            "status": "not_affected",
            "justification": "vulnerable_code_not_in_execute_path",
        }
    ],
}
CYCLONEDX: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "version": 1,
    "metadata": {"timestamp": "2026-01-08T12:00:00Z", "authors": [{"name": "Ada"}]},
    "components": [{"type": "library", "name": "flask", "bom-ref": "f", "purl": "pkg:pypi/flask@1.0"}],
    "vulnerabilities": [
        {
            "id": "CVE-2023-30861",
            "references": [{"id": "GHSA-m2qf-hxjv-5gpq", "source": {"name": "GHSA"}}],
            "analysis": {"state": "not_affected", "justification": "protected_at_perimeter", "detail": "No proxy."},
            "affects": [{"ref": "f"}],
        }
    ],
}  # fmt: skip


def read(document: dict[str, Any], **more: Any) -> list[tuple[str, str, str, str]]:
    found = vex.read(json.dumps(document).encode(), ".hardgate/vex/a.json", policy(**{"max_waiver_days": 30, **more}))
    assert {(one.kind, one.source) for one in found} <= {("vex", ".hardgate/vex/a.json")}
    return [(one.rule, one.purl, one.until, one.justification) for one in found]


def changed(document: dict[str, Any], *path: Any, **keys: Any) -> dict[str, Any]:
    copy = json.loads(json.dumps(document))
    inner = copy
    for part in path:
        inner = inner[part]
    for key, value in keys.items():
        inner.pop(key, None)
        if value is not None:
            inner[key] = value
    return dict(copy)


def test_a_later_statement_in_another_file_counts() -> None:
    """In whatever order the files are named: what is known of the flaw in March is not what was known in January."""
    where = OPENVEX["statements"][0]
    early = {**OPENVEX, "statements": [{**where, "timestamp": "2026-01-01T00:00:00Z"}]}
    late = {**OPENVEX, "statements": [{**where, "status": "affected", "timestamp": "2026-03-01T00:00:00Z"}]}
    same = {**OPENVEX, "statements": [{**where, "status": "affected", "timestamp": "2026-01-01T00:00:00Z"}]}
    brief = {**late, "statements": [{**late["statements"][0], "vulnerability": {"name": "GHSA-m2qf-hxjv-5gpq"}}]}

    def given(*said: dict[str, Any]) -> tuple[Waiver, ...]:
        raw = [json.dumps(one).encode() for one in said]
        files = [documents.document(f"{vex.FOLDER}{place}.json", one) for place, one in enumerate(raw)]
        return documents.records(files, policy())

    assert given(early) != ()
    assert given(early, late) == given(late, early) == ()
    assert given(early, same) == given(same, early) == ()
    # The other knows the flaw by one of its names only.
    assert given(early, brief) == given(brief, early) == ()


def test_a_statement_waives_its_vulnerability_in_each_package_for_the_days_of_the_policy() -> None:
    label = "vulnerable_code_not_in_execute_path"
    assert read(OPENVEX) == [
        ("CVE-2023-30861", "pkg:pypi/flask@1.0", "2026-02-08", label),
        ("GHSA-m2qf-hxjv-5gpq", "pkg:pypi/flask@1.0", "2026-02-08", label),
        ("CVE-2023-30861", "pkg:pypi/flask@1.1", "2026-02-08", label),
        ("GHSA-m2qf-hxjv-5gpq", "pkg:pypi/flask@1.1", "2026-02-08", label),
    ]


def test_an_analysis_of_cyclonedx_waives_too() -> None:
    assert read(CYCLONEDX) == [
        ("CVE-2023-30861", "pkg:pypi/flask@1.0", "2026-02-07", "protected_at_perimeter"),
        ("GHSA-m2qf-hxjv-5gpq", "pkg:pypi/flask@1.0", "2026-02-07", "protected_at_perimeter"),
    ]
    linked = "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg%3Apypi%2Fflask%402.0"
    assert read(changed(CYCLONEDX, "vulnerabilities", 0, "affects", 0, ref=linked))[0][1] == "pkg:pypi/flask@2.0"


@pytest.mark.parametrize(
    "document",
    [
        changed(OPENVEX, "statements", 0, status="under_investigation"),
        changed(OPENVEX, "statements", 0, status="affected", action_statement="upgrade"),
        changed(OPENVEX, "statements", 0, status="fixed"),
        changed(OPENVEX, "statements", 0, justification=None, impact_statement="We do not use it."),
        changed(OPENVEX, "statements", 0, products=[{"@id": "https://example.org/no-package"}]),
        changed(OPENVEX, "statements", 0, products=[]),
        changed(CYCLONEDX, "vulnerabilities", 0, "analysis", justification=None),
        changed(CYCLONEDX, "vulnerabilities", 0, "analysis", state="false_positive"),
        changed(CYCLONEDX, "vulnerabilities", 0, "analysis", state="resolved"),
        changed(CYCLONEDX, "vulnerabilities", 0, analysis=None),
        changed(CYCLONEDX, "vulnerabilities", 0, affects=[{"ref": "unknown"}]),
    ],
)
def test_whatever_else_is_said_does_not_waive(document: dict[str, Any]) -> None:
    assert read(document) == []


def test_the_latest_statement_counts() -> None:
    later = {
        **OPENVEX["statements"][0],
        "status": "affected",
        "action_statement": "x",
        "timestamp": "2026-01-20T00:00:00Z",
    }
    later.pop("justification")
    both = [OPENVEX["statements"][0], later]
    assert read({**OPENVEX, "statements": both}) == read({**OPENVEX, "statements": both[::-1]}) == []
    assert read({**OPENVEX, "statements": [{**later, "timestamp": "2026-01-01T00:00:00Z"}, both[0]]}) != []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (changed(OPENVEX, author=None), "missing required field `author`"),
        (changed(OPENVEX, author=" "), "does not say who its author is"),
        (changed(OPENVEX, timestamp="soon"), "'soon' is no time, such as 2026-01-31T12:00:00Z - at `$.statements[0]"),
        (changed(OPENVEX, **{"@context": "https://example.org"}), "`@context` is"),
        (changed(OPENVEX, "statements", 0, status="fine"), "Invalid enum value 'fine' - at `$.statements[0].status`"),
        (changed(OPENVEX, "statements", 0, justification="because"), "'because' is no justification of OpenVEX"),
        (changed(CYCLONEDX, "metadata", authors=[]), "does not say who its author is"),
        (changed(CYCLONEDX, "metadata", timestamp=None), "is no time"),
        (changed(CYCLONEDX, vulnerabilities=None), "missing required field `vulnerabilities`"),
        (changed(CYCLONEDX, "vulnerabilities", 0, "analysis", justification="x"), "'x' is no justification of Cyc"),
        ({}, "missing required field"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused(document: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(document)
    assert str(caught.value).startswith(".hardgate/vex/a.json: ")
    assert words in str(caught.value)


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"{", b"\xff", json.dumps(OPENVEX).encode()[:-9]])
def test_junk_is_refused(raw: bytes) -> None:
    with pytest.raises(ConfigError):
        vex.read(raw, "a.json", policy())


def _run() -> Run:
    """Three vulnerabilities: one not affected, one accepted, one that nobody has judged; and two without a package."""
    packages = [dependency("x", name=name).package for name in ("flask", "jinja2", "urllib3")]
    found = (
        settled(1, rule="CVE-2023-30861", ids=("CVE-2023-30861", "GHSA-m2qf-hxjv-5gpq"), package=packages[0]),
        settled(2, rule="CVE-2024-1", package=packages[1]),
        settled(3, rule="PYSEC-2024-2", package=msgspec.structs.replace(packages[2], purl="")),  # type: ignore[type-var]
        settled(4),
    )
    return run(receipt(), findings=found, hardgate_version="0.1.0")


def _verdict(one: Run) -> Verdict:
    given = vex.read(json.dumps(OPENVEX).encode(), ".hardgate/vex/a.json", policy())
    accepted = waiver(rule="CVE-2024-1", purl="pkg:pypi/jinja2", reason="no templates of strangers")
    return gate.decide(one, policy(waivers=(*given, accepted)), now=NOW)


def validator(name: str) -> Any:
    schema = json.loads((SCHEMAS / name).read_text())
    others = {
        "spdx.schema.json": json.loads((SCHEMAS / "cyclonedx-spdx.json").read_text()),
        "jsf-0.82.schema.json": json.loads((SCHEMAS / "cyclonedx-jsf-0.82.json").read_text()),
    }
    base = "http://cyclonedx.org/schema/"
    pairs = [(f"{base}{key}", referencing.Resource.from_contents(value)) for key, value in others.items()]
    registry: Any = referencing.Registry().with_resources(pairs)
    kind = jsonschema.validators.validator_for(schema)
    return kind(schema, registry=registry, format_checker=kind.FORMAT_CHECKER)


def test_what_is_written_is_valid_and_says_what_the_gate_made_of_it() -> None:
    one = _run()
    verdict = _verdict(one)
    assert [decision.state for decision in verdict.decisions[:2]] == [State.WAIVED, State.WAIVED]
    document = json.loads(vexing.render(one, verdict, "openvex", "Ada"))
    validator("openvex-0.2.0.json").validate(document)
    said = {row["vulnerability"]["name"]: row for row in document["statements"]}
    assert {name: row["status"] for name, row in said.items()} == {
        "CVE-2023-30861": "not_affected", "CVE-2024-1": "affected", "PYSEC-2024-2": "under_investigation",
    }  # fmt: skip
    assert said["CVE-2023-30861"]["justification"] == "vulnerable_code_not_in_execute_path"
    assert "no templates of strangers" in said["CVE-2024-1"]["action_statement"]
    assert said["PYSEC-2024-2"]["products"][0]["subcomponents"] == [{"@id": "pkg:pypi/urllib3@1.0"}]
    bom = json.loads(vexing.render(one, verdict, "cyclonedx", "Ada"))
    validator("cyclonedx-1.6.json").validate(bom)
    states = {row["id"]: row["analysis"]["state"] for row in bom["vulnerabilities"]}
    assert states == {"CVE-2023-30861": "not_affected", "CVE-2024-1": "exploitable", "PYSEC-2024-2": "in_triage"}


@pytest.mark.parametrize("form", vexing.FORMATS)
def test_what_is_written_is_read_again(form: str) -> None:
    one = _run()
    raw = vexing.render(one, _verdict(one), form, "Ada")
    again = vex.read(raw, ".hardgate/vex/own.json", policy())
    assert {(entry.rule, entry.purl) for entry in again} == {
        ("CVE-2023-30861", "pkg:pypi/flask@1.0"), ("GHSA-m2qf-hxjv-5gpq", "pkg:pypi/flask@1.0"),
    }  # fmt: skip
    only = msgspec.structs.replace(one, findings=one.findings[:1])
    assert gate.decide(only, policy(waivers=again), now=NOW).outcome is Outcome.PASS


def test_every_label_has_its_like() -> None:
    assert set(vex.TO_CYCLONEDX.values()) <= set(vex.TO_OPENVEX)
    assert set(vex.TO_OPENVEX.values()) <= set(vex.TO_CYCLONEDX)
    schema = json.loads((SCHEMAS / "cyclonedx-1.6.json").read_text())
    assert set(schema["definitions"]["impactAnalysisJustification"]["enum"]) == set(vex.TO_OPENVEX)
    statement = json.loads((SCHEMAS / "openvex-0.2.0.json").read_text())["properties"]["statements"]["items"]
    assert set(statement["properties"]["justification"]["enum"]) == set(vex.TO_CYCLONEDX)


def test_a_run_without_packages_has_nothing_to_state() -> None:
    one = run(receipt(), findings=(settled(),))
    with pytest.raises(ConfigError, match="found no vulnerable package"):
        vexing.render(one, gate.decide(one, policy(), now=NOW), "openvex", "Ada")
