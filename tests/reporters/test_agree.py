"""One exception, every output: who accepts which finding, until when and why, is the same words everywhere.

A new reporter must say in SHOWN how its readers see what is waived; until it does, this test fails.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest

from hardgate import gate
from hardgate.allowances import PREEXISTING, Comparison
from hardgate.exceptions import applying, baseline, documents, vex, vexing
from hardgate.model import Exceptions, Finding, Kind, Run, State, Suppression, Verdict, Waiver
from hardgate.reporters import BY_NAME, REPORTERS, Reporter
from tests.builders import NOW, dependency, policy, receipt, run, settled, waiver

# The id of each waived finding -> the sentence that says why.
Shown = dict[str, str]


def _made() -> tuple[Run, Verdict, tuple[Waiver, ...]]:
    """A run in which each sort of record waives one finding, and one blocks; judged by the real gate."""
    flask = dependency("x").package
    found: tuple[Finding, ...] = (
        settled(1, rule="CVE-2026-1", package=dependency("x", name="jinja2").package, kind=Kind.DEPENDENCY),
        settled(2, rule="CVE-2023-30861", package=flask, kind=Kind.DEPENDENCY),
        settled(3, rule="CVE-2026-3", package=dependency("x", name="urllib3").package, kind=Kind.DEPENDENCY),
        settled(4, scanner="ruff", actions=("ruff",)),
        settled(5, kind=Kind.SECRET),
        settled(6),
        settled(7),
    )
    written = waiver(id=found[0].id, ticket="SEC-12", source=".hardgate/waivers.yaml line 2", reason="no <b> | `x`")
    stated = {
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.org/1", "author": "Grace Hopper",
        "timestamp": NOW, "version": 1,
        "statements": [{"vulnerability": {"name": "CVE-2023-30861"}, "products": [{"@id": "pkg:pypi/flask@1.0"}],
                        "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path"}],
    }  # fmt: skip
    old = baseline.Baseline(
        schema=1, owner="Ada", findings=(baseline.Entry(id=found[2].id, severity=found[2].severity, since=NOW[:10]),)
    )
    kept = (
        documents.document(f"{vex.FOLDER}a.json", json.dumps(stated).encode()),
        documents.document(baseline.FILE, baseline.write(old)),
    )
    comment = Suppression(tool="ruff", path="src/app.py", line=4, author="Eve", since=NOW, counts=True)
    last = found[6].id
    beside = Comparison(run="r", since=NOW, origins={last: PREEXISTING}, begun={last: NOW[:10]})
    given = Exceptions(base="b" * 40, documents=kept, suppressions=(comment,), comparison=beside)
    key = waiver(id=found[4].id, reason="revoked", owner="Ada")
    rules = documents.in_force(
        policy(waivers=(written, key), baseline_days=baseline.DAYS, grace={PREEXISTING: 30}), given
    )
    one = run(receipt(), receipt("ruff"), findings=found, exceptions=given, hardgate_version="0.1.0")
    return one, gate.decide(one, rules, now=NOW), rules.waivers


RUN, VERDICT, RECORDS = _made()
EXPECTED: Shown = {one.finding: one.because for one in VERDICT.decisions if one.state is State.WAIVED}


def _json(raw: bytes) -> Shown:
    found = json.loads(raw)["findings"]
    assert all((one["waiver"] is not None) == (one["state"] == "waived") for one in found)
    return {one["id"]: applying.sentence(Waiver(**one["waiver"])) for one in found if one["state"] == "waived"}


def _sarif(raw: bytes) -> Shown:
    shown = {}
    for result in (result for part in json.loads(raw)["runs"] for result in part["results"]):
        for one in result["suppressions"]:
            record = Waiver(**one["properties"]["hardgate"])
            assert one["kind"] == ("inSource" if record.kind == "inline" else "external")
            assert one["justification"] == applying.sentence(record)
            shown[result["properties"]["hardgate"]["id"]] = one["justification"]
    return shown


def _junit(raw: bytes) -> Shown:
    texts = [one.text or "" for one in ET.fromstring(raw).iter("skipped")]
    rows = [dict(line.split(": ", 1) for line in text.split("\n")[1:]) for text in texts]
    return {row["Id"]: row["Because"] for row in rows}


def _html(raw: bytes) -> Shown:
    items = re.findall(r'<li class="panel finding".*?</li>', raw.decode(), re.DOTALL)
    waived = [item for item in items if 'data-state="waived"' in item]
    return {
        re.findall(r'id="f-([^"]+)"', item)[0]: html.unescape(re.findall(r"<dt>Because</dt><dd>(.*?)</dd>", item)[0])
        for item in waived
    }


def _markdown(raw: bytes) -> Shown:
    section = raw.decode().partition("### Waived")[2].partition("\n### ")[0]
    rows = [line.split(" | ") for line in section.split("\n") if line.startswith("| ")][2:]
    plain = [[re.sub(r"\\(.)", r"\1", cell).replace("<!-- -->", "") for cell in row] for row in rows]
    return {row[-1].removesuffix(" |"): row[-2] for row in plain}


def _text(raw: bytes) -> Shown:
    section = " ".join(raw.decode().partition("Waived (")[2].partition("\nAll findings")[0].split())
    parts = re.split(r" id ([0-9a-f]{16})", section)
    shown = {}
    for before, name in zip(parts[::2], parts[1::2], strict=False):
        start = min(
            at
            for word in ("waived by", "not affected,", "in the baseline", "suppressed in", "given time")
            if (at := before.find(word)) >= 0
        )
        shown[name] = before[start:]
    return shown


def _github(raw: bytes) -> Shown:
    (notice,) = [line for line in raw.decode().splitlines() if line.startswith("::notice")]
    lines = notice.split("::", 2)[2].replace("%25", "%").split("%0A")
    rows = [line.split(" ", 1) for line in lines if re.match(r"[0-9a-f]{16} ", line)]
    return {row[0]: row[1] for row in rows}


def _asff(raw: bytes) -> Shown:
    found = [one for one in json.loads(raw)["Findings"] if one["Workflow"]["Status"] == "SUPPRESSED"]
    for one in found:
        assert one["RecordState"] == "ARCHIVED"
        assert one["Note"]["Text"] == one["ProductFields"]["hardgate/Because"]
    return {one["ProductFields"]["hardgate/Id"]: one["ProductFields"]["hardgate/Because"] for one in found}


def _ocsf(raw: bytes) -> Shown:
    found = [one for one in json.loads(raw) if one["status"] == "Suppressed"]
    return {one["finding_info"]["uid"]: one["status_detail"] for one in found}


def _gitlab(raw: bytes) -> Shown:
    details = [one["details"] for one in json.loads(raw)["vulnerabilities"]]
    states = {one["id"]["value"]: one["state"]["value"] for one in details}
    return {name: text.removeprefix("waived: ") for name, text in states.items() if text.startswith("waived: ")}


def _cyclonedx(raw: bytes) -> Shown:
    found = {one["bom-ref"]: one["analysis"]["detail"] for one in json.loads(raw)["vulnerabilities"]}
    return {name: text.removeprefix("waived: ") for name, text in found.items() if text.startswith("waived: ")}


def _csv(raw: bytes) -> Shown:
    rows = csv.DictReader(io.StringIO(raw.decode()))
    return {row["id"]: row["because"] for row in rows if row["state"] == "waived"}


def _codeclimate(raw: bytes) -> Shown:
    shown: Shown = {}
    for one in json.loads(raw):
        parts = [part for part in one["content"]["body"].split("\n\n") if part.startswith("waived: ")]
        assert bool(parts) == one["description"].startswith("Waived (")
        angles = str.maketrans("‹›", "<>")  # noqa: RUF001 (so the format has what would begin a tag)
        for part in parts:
            shown[one["fingerprint"]] = part.removeprefix("waived: ").translate(angles)
    return shown


# Formats that have a place for some kinds of findings only.
KINDS: dict[str, set[Kind]] = {
    "gitlab-sast": {Kind.CODE, Kind.MISCONFIGURATION},
    "gitlab-dependency": {Kind.DEPENDENCY},
    "gitlab-secret": {Kind.SECRET},
    "cyclonedx": {Kind.DEPENDENCY},
}


def of(name: str, expected: Shown) -> Shown:
    """What of it a format has a place for."""
    kinds = KINDS.get(name, set(Kind))
    return {one.id: expected[one.id] for one in RUN.findings if one.id in expected and one.kind in kinds}


SHOWN: dict[str, Callable[[bytes], Shown]] = {
    "text": _text, "json": _json, "sarif": _sarif, "markdown": _markdown, "junit": _junit, "html": _html,
    "github": _github, "sarif-github": _sarif, "asff": _asff, "ocsf": _ocsf, "gitlab-sast": _gitlab,
    "gitlab-dependency": _gitlab, "gitlab-secret": _gitlab, "cyclonedx": _cyclonedx, "csv": _csv,
    "codeclimate": _codeclimate,
}  # fmt: skip


def test_the_gate_took_each_sort_of_record_once() -> None:
    kinds = [one.waiver.kind if one.waiver else "" for one in VERDICT.decisions]
    assert kinds == ["waiver", "vex", "baseline", "inline", "waiver", "", "grace"]
    assert VERDICT.count(State.WAIVED) == 6


@pytest.mark.parametrize("reporter", REPORTERS, ids=lambda one: str(one.name))
def test_every_output_shows_the_same_exceptions(reporter: Reporter) -> None:
    assert reporter.name in SHOWN, f"say in SHOWN how {reporter.name} shows what is waived, and let it say so"
    assert SHOWN[reporter.name](reporter.render(RUN, VERDICT)) == of(reporter.name, EXPECTED)


@pytest.mark.parametrize("reporter", REPORTERS, ids=lambda one: str(one.name))
def test_when_they_have_ended_no_output_shows_them(reporter: Reporter) -> None:
    """All but the comment, which has no end, and the secret and the package that now block are in their old places."""
    later = gate.decide(RUN, policy(waivers=RECORDS), now="2027-12-31T00:00:00Z")
    left = {one.finding: one.because for one in later.decisions if one.state is State.WAIVED}
    assert list(left) == [RUN.findings[3].id]
    assert SHOWN[reporter.name](reporter.render(RUN, later)) == of(reporter.name, left)


def test_the_counts_agree() -> None:
    found: dict[str, Any] = json.loads(BY_NAME["json"].render(RUN, VERDICT))
    assert found["verdict"]["counts"]["waived"] == len(EXPECTED)
    suites = ET.fromstring(BY_NAME["junit"].render(RUN, VERDICT))
    assert sum(int(suite.get("skipped", 0)) for suite in suites) == len(EXPECTED)


@pytest.mark.parametrize("form", vexing.FORMATS)
def test_vex_says_it_of_the_packages(form: str) -> None:
    document = json.loads(vexing.render(RUN, VERDICT, form, "Ada"))
    if form == "openvex":
        rows = {one["vulnerability"]["name"]: one for one in document["statements"]}
        said = {name: one.get("action_statement") or one["status_notes"] for name, one in rows.items()}
    else:
        said = {one["id"]: one["analysis"]["detail"] for one in document["vulnerabilities"]}
    assert said == {one.rule: EXPECTED[one.id] for one in RUN.findings[:3]}
