"""Confirmed issues and the use of packages: the same words in every output, what is confirmed first.

A new reporter must say in SHOWN how its readers see them; until it does, these tests fail.
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

import msgspec
import pytest

from hardgate import gate
from hardgate.model import Kind, Severity, State
from hardgate.proven import sourced
from hardgate.reporters import REPORTERS, Reporter
from hardgate.wording import judge
from tests.builders import NOW, policy, receipt, run
from tests.reporters.sample_proved import proved
from tests.reporters.test_agree import KINDS

# The id of each finding -> what the source says of it.
Shown = dict[str, set[str]]
_WORDS = r"(?:confirmed|not confirmed|imported|not imported|import unknown): "


RUN, VERDICT = proved()
EXPECTED: Shown = {one.id: set(sourced(one)) for one in RUN.findings if sourced(one)}


def _sentences(text: str) -> set[str]:
    """The sentences of a text that folds its lines, each up to the end that this run gives it."""
    ends = r"(?:lines 5 to 7|imports jinja2|imports flask|running code knows|GET /a/b|source answers it)"
    return set(re.findall(rf"(?<!not ){_WORDS}.*?{ends}", " ".join(text.split())))


def _json(raw: bytes) -> Shown:
    shown: Shown = {}
    for one in json.loads(raw)["findings"]:
        proof, use = one["proof"], one["use"]
        said = {f"{'confirmed' if proof['confirmed'] else 'not confirmed'}: {proof['because']}"} if proof else set()
        words = {"imported": "imported", "not-imported": "not imported", "unknown": "import unknown"}
        said |= {f"{words[use['imported']]}: {use['because']}"} if use else set()
        assert one["confirmed"] is bool(one["parts"])
        shown |= {one["id"]: said} if said else {}
    return shown


def _sarif(raw: bytes) -> Shown:
    shown: Shown = {}
    for result in (result for part in json.loads(raw)["runs"] for result in part["results"]):
        own: dict[str, Any] = result["properties"]["hardgate"]
        assert (result.get("rank") == 100.0) is own.get("confirmed", False) is ("relatedLocations" in result)
        if said := {own[key] for key in ("proof", "imported") if key in own}:
            shown[own["id"]] = said
    return shown


def _keyed(name: str, found: dict[str, str]) -> Shown:
    said = {value for value in found.values() if re.match(_WORDS, value)}
    return {name: said} if said else {}


def _asff(raw: bytes) -> Shown:
    shown: Shown = {}
    for one in json.loads(raw)["Findings"]:
        own = _keyed(one["ProductFields"].get("hardgate/Id", ""), one["ProductFields"])
        assert all(f"[{said}]" in one["Description"] for each in own.values() for said in each)
        shown |= own
    return shown


def _ocsf(raw: bytes) -> Shown:
    events = [(one["finding_info"]["uid"], one["unmapped"]["hardgate"]) for one in json.loads(raw)]
    return {
        key: said
        for name, own in events
        for key, said in _keyed(name, {word: str(value) for word, value in own.items()}).items()
    }


def _junit(raw: bytes) -> Shown:
    shown: Shown = {}
    for case in ET.fromstring(raw).iter("testcase"):
        text = next((one.text or "" for one in case), "")
        rows = dict(line.split(": ", 1) for line in text.split("\n")[1:])
        shown |= _keyed(rows.get("Id", ""), rows)
    return shown


def _html(raw: bytes) -> Shown:
    shown: Shown = {}
    for item in re.findall(r'<li class="panel finding".*?</li>(?=\n)', raw.decode(), re.DOTALL):
        name = re.findall(r'id="f-([^"]+)"', item)[0]
        rows = {number: html.unescape(text) for number, text in enumerate(re.findall(r"<dd>(.*?)</dd>", item))}
        own = _keyed(name, {str(number): text for number, text in rows.items()})
        assert ('<strong class="confirmed">' in item) is any(one.startswith("confirmed") for one in own.get(name, ()))
        shown |= own
    return shown


def _markdown(raw: bytes) -> Shown:
    shown: Shown = {}
    for line in raw.decode().split("\n"):
        plain = re.sub(r"\\(.)", r"\1", line).replace("<!-- -->", "")
        if line.startswith("| ") and (said := _sentences(plain)):
            shown[plain.split(" | ")[-1].removesuffix(" |")] = said
    return shown


def _text(raw: bytes) -> Shown:
    text = raw.decode().partition("All findings")[0]
    parts = re.split(r"\bid +([0-9a-f]{16})", text)
    return {name: said for before, name in zip(parts[::2], parts[1::2], strict=False) if (said := _sentences(before))}


def _github(raw: bytes) -> Shown:
    shown: Shown = {}
    for line in raw.decode().split("\n"):
        text = line.replace("%25", "%").replace("%0A", "\n")
        for name, said in re.findall(r"\n([0-9a-f]{16}) is (.*)", text):
            shown.setdefault(name, set()).update(_sentences(said))
        if (name := re.findall("hardgate explain ([0-9a-f]{16})", text)) and _sentences(text):
            shown[name[0]] = _sentences(text)
    return shown


def _gitlab(raw: bytes) -> Shown:
    found = [one["details"] for one in json.loads(raw)["vulnerabilities"]]
    rows = [(one["id"]["value"], {key: part["value"] for key, part in one.items()}) for one in found]
    return {key: said for name, own in rows for key, said in _keyed(name, own).items()}


def _cyclonedx(raw: bytes) -> Shown:
    found = json.loads(raw)["vulnerabilities"]
    rows = [(one["bom-ref"], {row["name"]: row["value"] for row in one["properties"]}) for one in found]
    return {key: said for name, own in rows for key, said in _keyed(name, own).items()}


def _csv(raw: bytes) -> Shown:
    rows = csv.DictReader(io.StringIO(raw.decode()))
    return {key: said for row in rows for key, said in _keyed(row["id"], row).items()}


def _codeclimate(raw: bytes) -> Shown:
    rows = {one["fingerprint"]: dict(enumerate(one["content"]["body"].split("\n\n"))) for one in json.loads(raw)}
    return {
        key: said
        for name, own in rows.items()
        for key, said in _keyed(name, {str(word): text for word, text in own.items()}).items()
    }


SHOWN: dict[str, Callable[[bytes], Shown]] = {
    "text": _text, "json": _json, "sarif": _sarif, "markdown": _markdown, "junit": _junit, "html": _html,
    "github": _github, "sarif-github": _sarif, "asff": _asff, "ocsf": _ocsf, "gitlab-sast": _gitlab,
    "gitlab-dependency": _gitlab, "gitlab-secret": _gitlab, "cyclonedx": _cyclonedx, "csv": _csv,
    "codeclimate": _codeclimate,
}  # fmt: skip


def _seen(name: str) -> Shown:
    """What of it a format has a place for: those for people list only what blocks and what is waived."""
    kinds = KINDS.get(name, set(Kind))
    states = {one.finding: one.state for one in VERDICT.decisions}
    hidden = {State.INFORMING} if name in {"text", "markdown"} else set()
    return {
        one.id: EXPECTED[one.id]
        for one in RUN.findings
        if one.id in EXPECTED and one.kind in kinds and states[one.id] not in hidden
    }


def test_the_run_has_each_word_once_and_what_is_confirmed_twice() -> None:
    words = sorted(said.partition(":")[0] for each in EXPECTED.values() for said in each)
    assert words == ["confirmed", "confirmed", "import unknown", "imported", "not confirmed", "not imported"]
    states = {one.finding: one.state for one in VERDICT.decisions}
    assert [states[one.id] for one in RUN.findings if one.confirmed] == [State.WAIVED, State.BLOCKING]
    assert [states[one.id] for one in RUN.findings if one.use] == [State.BLOCKING, State.WAIVED, State.BLOCKING]


@pytest.mark.parametrize("reporter", REPORTERS, ids=lambda one: str(one.name))
def test_every_output_says_what_is_confirmed_and_what_is_imported(reporter: Reporter) -> None:
    assert reporter.name in SHOWN, f"say in SHOWN how {reporter.name} shows what is confirmed, and let it say so"
    assert SHOWN[reporter.name](reporter.render(RUN, VERDICT)) == _seen(reporter.name)


def test_what_is_confirmed_comes_first_although_another_is_worse() -> None:
    order = [one.finding for one in judge(RUN, VERDICT)]
    assert [one.confirmed for one in order[:3]] == [True, True, False]
    assert order[2].severity is Severity.CRITICAL
    text = next(one for one in REPORTERS if one.name == "text").render(RUN, VERDICT).decode()
    assert text.index("CONFIRMED HIGH") < text.index("CRITICAL 1")


def test_nothing_is_said_where_nothing_was_asked() -> None:
    plain = [msgspec.structs.replace(one, proof=None, use=None) for one in RUN.findings if not one.confirmed]
    quiet = run(receipt(), findings=tuple(plain))
    verdict = gate.decide(quiet, policy(), now=NOW)
    for reporter in REPORTERS:
        assert SHOWN[reporter.name](reporter.render(quiet, verdict)) == {}
