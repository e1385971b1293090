"""That hardgate.contract sees what it looks for: an adapter with one fault each, and the words that tell it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hardgate import contract, mutated
from hardgate.adapter import Canary, Scanner
from hardgate.errors import ReportError
from hardgate.model import Finding, Gap, GapReason, Kind, Report
from hardgate.scanners.hadolint import HADOLINT

SAMPLES = Path(__file__).parent / "samples" / "hadolint"
REPORT = {path.name: path.read_bytes() for path in sorted(SAMPLES.glob("*.json"))}


class Loose(msgspec.Struct):
    """Options that take any key."""


class Needy(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Options that cannot be left out."""

    first: int = 1
    second: int


def parsing(change: Callable[[Finding], Finding]) -> dict[str, Any]:
    """An adapter whose findings are changed."""

    def parse(raw: bytes) -> Report:
        report = HADOLINT.parse(raw)
        return msgspec.structs.replace(report, findings=tuple(map(change, report.findings)))

    return {"parse": parse}


def field(**more: Any) -> dict[str, Any]:
    return parsing(lambda one: msgspec.structs.replace(one, **more))


def _forgiving(raw: bytes) -> Report:
    """The worst there is: what is not understood is an empty report."""
    try:
        return HADOLINT.parse(raw)
    except ReportError:
        return Report()


def _mute(raw: bytes) -> Report:
    gap = Gap(reason=GapReason.FILE_UNREAD, message="a file was not read")
    return msgspec.structs.replace(HADOLINT.parse(raw), gaps=(gap,))


def test_an_adapter_that_keeps_it_has_no_fault() -> None:
    assert REPORT
    assert contract.broken(HADOLINT, REPORT) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"parse": _forgiving}, "reads b'{}' as a whole report"),
        ({"parse": _forgiving}, "bytes it is still read as a whole report"),
        ({"parse": _forgiving}, "behind it, it is still read as a whole report"),
        ({"parse": _mute}, "gap 0 has no message or no remedy"),
        (field(scanner="bandit"), "its scanner is 'bandit', and not 'hadolint'"),
        (field(kind=Kind.SECRET), "its kind is secret, which `kinds` does not have"),
        (field(rule=""), "it has no rule or no message"),
        (field(severity_from="hardgate.yaml"), "an adapter says `tool` or `adapter`"),
        (field(id="x"), "are hardgate's own business"),
        (field(fingerprints={"code/v1": "x"}), "are hardgate's own business"),
        (field(cwe=("79",)), "write CWE-79"),
        ({"kinds": frozenset({Kind.DEPENDENCY}), **field(kind=Kind.DEPENDENCY)}, "has a package"),
        ({"name": "two words"}, "name is wrong"),
        ({"kinds": frozenset()}, "kinds is wrong"),
        ({"argv": ("hadolint",)}, "argv is wrong: it must be a function"),
        ({"fit": True}, "fit is wrong: it must be a function, or None"),
        ({"done_exits": frozenset()}, "done_exits is wrong"),
        ({"done_exits": frozenset({False})}, "done_exits is wrong"),
        ({"canary": Canary(files={"a": b""})}, "canary is wrong"),
        ({"options": dict}, "options is wrong"),
        ({"options": Loose}, "options is wrong"),
        ({"options": Needy}, "options is wrong"),
        ({"origin": "hardgate"}, "origin is wrong"),
    ],
)
def test_a_fault_is_told(change: dict[str, Any], words: str) -> None:
    told = contract.broken(dataclasses.replace(HADOLINT, **change), REPORT)
    assert any(words in one for one in told), told


def test_what_is_no_adapter_and_one_without_samples_is_told() -> None:
    assert contract.shape(Scanner) == ["it is type, and not a hardgate.adapter.Scanner"]
    assert contract.broken(HADOLINT, {}) == [
        "hadolint has no sample: give it at least one report that the real tool wrote"
    ]
    assert contract.broken(HADOLINT, {"other.json": b"{}"}) == [
        "other.json: it is refused: " + _refusal(HADOLINT, b"{}")
    ]


def _refusal(scanner: Scanner, raw: bytes) -> str:
    with pytest.raises(ReportError) as caught:
        scanner.parse(raw)
    return str(caught.value)


def _lenient(raw: bytes) -> Report:
    """Reads what hadolint writes, and takes whatever it does not understand for nothing."""
    try:
        entries = json.loads(raw)
        rules = [one["code"] for one in entries if one.get("level") in {"error", "warning", "info", "style"}]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ReportError("it is no report") from None
    whole = HADOLINT.parse(REPORT_RAW)
    return msgspec.structs.replace(whole, findings=tuple(one for one in whole.findings if one.rule in rules))


REPORT_RAW = next(iter(REPORT.values()))


def test_a_finding_that_a_changed_report_loses_in_silence_is_told() -> None:
    lenient = dataclasses.replace(HADOLINT, parse=_lenient)
    told = contract.broken(lenient, REPORT)
    assert any("findings are left and no gap tells" in one for one in told), told
    assert any("more such changes are passed over in silence" in one for one in told), told
    whole = HADOLINT.parse(REPORT_RAW)
    lost = {way.what for way in mutated.ways(REPORT_RAW) if contract.hides(lenient, whole, way.what, way.make())}
    assert {
        "[0].level is called levelX",
        "[0].level is the word Unheard",
        '[0].level stands twice, at last as ""',
    } <= lost


def test_what_a_tool_leaves_out_may_be_missing() -> None:
    lenient = dataclasses.replace(HADOLINT, parse=_lenient)
    assert not any("is called levelX" in one for one in contract.broken(lenient, REPORT, omits={"level"}))


def test_elements_and_attributes_of_xml_get_other_names() -> None:
    raw = b'<suite n="1"><case time="1"><failure type="x">no</failure></case></suite>'
    changed = {way.lost: way.make() for way in mutated.ways(raw)}
    assert sorted(changed) == ["case", "failure", "n", "suite", "time", "type"]
    assert changed["failure"] == raw.replace(b"failure", b"failureX")
    assert changed["type"] == raw.replace(b"type=", b"typeX=")
