"""What tools get wrong in SARIF: it is mended where it can be, named where it cannot, and the rest is kept."""

from __future__ import annotations

import codecs
from typing import Any

import msgspec
import pytest

from hardgate.errors import ReportError
from hardgate.model import Finding, GapReason
from hardgate.scanners import sarif

LOG: dict[str, Any] = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {"driver": {"name": "Tool"}},
            "results": [
                {
                    "ruleId": "R1",
                    "message": {"text": "Größe „zu“ klein"},
                    "locations": [{"physicalLocation": {"artifactLocation": {"uri": "src/Größe.py"}}}],
                }
            ],
        }
    ],
}
TEXT = msgspec.json.encode(LOG).decode()


def run(*results: Any, **more: Any) -> dict[str, Any]:
    return {"tool": {"driver": {"name": "Tool"}}, "results": list(results), **more}


def result(uri: str = "a.py", base: str = "", **more: Any) -> dict[str, Any]:
    artifact = {"uri": uri, **({"uriBaseId": base} if base else {})}
    place = {"physicalLocation": {"artifactLocation": artifact}}
    return {"ruleId": "R1", "message": {"text": "m"}, "locations": [place], **more}


def log(*runs: Any) -> bytes:
    return msgspec.json.encode({"version": "2.1.0", "runs": list(runs)})


def only(raw: bytes, **how: bool) -> Finding:
    report = sarif.parse(raw, "tool", **how)
    assert report.gaps == ()
    (finding,) = report.findings
    return finding


ENCODED = {
    "utf-8": TEXT.encode(),
    "utf-8 with a mark": codecs.BOM_UTF8 + TEXT.encode(),
    "utf-16 with a mark, little": codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
    "utf-16 with a mark, big": codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
    "utf-16, little": TEXT.encode("utf-16-le"),
    "utf-16, big": TEXT.encode("utf-16-be"),
    "utf-32 with a mark": TEXT.encode("utf-32"),
    "utf-32, big": TEXT.encode("utf-32-be"),
    "windows-1252": TEXT.encode("cp1252"),
    "utf-8 with one wrong byte": TEXT.encode().replace("„".encode(), "„".encode("cp1252")),
}


@pytest.mark.parametrize("name", ENCODED)
def test_every_encoding_is_read(name: str) -> None:
    found = only(ENCODED[name])
    assert (found.message, found.location.path) == ("Größe „zu“ klein", "src/Größe.py")


@pytest.mark.parametrize("name", ENCODED)
def test_every_truncation_of_every_encoding_is_refused(name: str) -> None:
    raw = ENCODED[name]
    for end in range(len(raw)):
        with pytest.raises(ReportError):
            sarif.parse(raw[:end], "tool")


@pytest.mark.parametrize("byte", [0x80, 0x81, 0x8D, 0xFC, 0xFF])
def test_a_byte_of_no_encoding_does_no_harm(byte: int) -> None:
    assert len(only(TEXT.encode().replace(b"klein", bytes([byte]))).message) == len("Größe „zu“ x")


# Parts that cannot be read


@pytest.mark.parametrize(
    "bad", [{"tool": {"driver": {"name": "Idle"}}}, {"tool": {}, "results": []}, 5, None, run() | {"results": None}]
)
def test_a_run_without_results_is_a_gap_beside_one_that_has_some(bad: Any) -> None:
    report = sarif.parse(log(bad, run(result())), "")
    assert len(report.findings) == 1
    [gap] = report.gaps
    assert gap.reason is GapReason.REPORT_UNREADABLE
    assert gap.message.startswith("Run 1 in the SARIF log could not be read: ")


def test_results_in_another_file_are_a_gap() -> None:
    outside = run() | {"externalPropertyFileReferences": {"results": [{"location": {"uri": "r.json"}}]}}
    report = sarif.parse(log(run(), outside), "tool")
    assert "stand in another file" in report.gaps[0].message
    with pytest.raises(ReportError, match="stand in another file"):
        sarif.parse(log(outside), "tool")


def test_a_bad_rule_is_a_gap_and_keeps_the_place_of_the_next() -> None:
    driver = {"name": "Tool", "rules": [{"id": 5, "properties": []}, {"id": "R2", "helpUri": "https://example.org/2"}]}
    found = run({"ruleIndex": 1, "message": {"text": "m"}}) | {"tool": {"driver": driver}}
    report = sarif.parse(log(found), "tool")
    assert [one.url for one in report.findings] == ["https://example.org/2"]
    assert report.gaps[0].message.startswith("Rule of Tool 0 of run 1 in the SARIF log of tool could not be read")


def test_bad_artifacts_and_invocations_are_gaps() -> None:
    bad = run(result(), artifacts=[7], invocations=["x", {"executionSuccessful": True}])
    assert [gap.message.split(" of ")[0] for gap in sarif.parse(log(bad), "tool").gaps] == [
        "Artifact 0",
        "Invocation 0",
    ]


@pytest.mark.parametrize("bad", [5, [], {"ruleId": "R"}, {"message": {"text": 5.5}}, {"message": None}])
def test_a_bad_result_is_a_gap_with_its_number_and_the_rest_is_kept(bad: Any) -> None:
    report = sarif.parse(log(run(result("a.py"), bad, result("b.py"))), "tool")
    assert [one.location.path for one in report.findings] == ["a.py", "b.py"]
    [gap] = report.gaps
    assert gap.message.startswith("Result 1 of run 1 in the SARIF log of tool could not be read: ")


@pytest.mark.parametrize(
    ("written", "read"), [(r"a\ud800b", "a\ufffdb"), (r"a\uDC00", "a\ufffd"), (r"\ud83d\ude00", "\U0001f600")]
)
def test_half_a_character_does_not_cost_the_log(written: str, read: str) -> None:
    found = only(log(run(result(message={"text": "HERE"}))).replace(b"HERE", written.encode()))
    assert found.message == read


def test_an_invocation_that_does_not_say_how_it_ended_says_nothing() -> None:
    assert only(log(run(result(), invocations=[{"startTimeUtc": "2026-01-01T00:00:00Z"}]))).rule == "R1"


# What is only odd


def test_nulls_count_as_left_out() -> None:
    nulls: dict[str, Any] = dict.fromkeys(
        ["level", "kind", "ruleIndex", "fixes", "taxa", "suppressions", "properties", "baselineState"]
    )
    assert only(log(run(result(**nulls), artifacts=None, invocations=None))).rule == "R1"


def test_numbers_in_quotes_are_numbers() -> None:
    region = {"startLine": "3", "endLine": "4"}
    place = {"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": region}}
    found = only(log(run(result(locations=[place]))))
    assert (found.location.line, found.location.end_line) == (3, 4)


@pytest.mark.parametrize(
    ("region", "lines"),
    [
        ({"startLine": 3, "startColumn": 0, "endColumn": 0}, (3, 3)),
        ({"startLine": 0, "endLine": 0}, (None, None)),
        ({"startLine": -1}, (None, None)),
        ({"startLine": 7, "endLine": 2}, (7, 7)),
        ({"endLine": 9}, (None, None)),
        ({"charOffset": 4}, (None, None)),
    ],
)
def test_lines_that_cannot_be(region: dict[str, int], lines: tuple[int | None, int | None]) -> None:
    place = {"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": region}}
    found = only(log(run(result(locations=[place]))))
    assert (found.location.line, found.location.end_line) == lines


def test_fixes_without_changes_and_text_in_markdown_alone() -> None:
    odd = result(fixes=[{"artifactChanges": []}, {}, {"description": {"text": "Do."}}], message={"markdown": "**m**"})
    found = only(log(run(odd)))
    assert (found.fix, found.message) == ("Do.", "**m**")


# Paths


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("a%20b/%C3%A9.py", "a b/é.py"),
        ("caf%E9.py", "caf\udce9.py"),
        ("100%.py", "100%.py"),
        ("c#/a?b.py", "c#/a?b.py"),
        ("src\\app\\a.py", "src/app/a.py"),
        ("C:\\checkout\\a.py", "C:/checkout/a.py"),
        ("c:/checkout/a%20b.py", "c:/checkout/a%20b.py"),
        ("file:///C:/checkout/a%20b.py", "C:/checkout/a b.py"),
        ("file:///checkout/a.py", "/checkout/a.py"),
        ("file:/checkout/a.py", "/checkout/a.py"),
        ("file://localhost/checkout/a.py", "/checkout/a.py"),
        ("file://server/share/a.py", "//server/share/a.py"),
        ("FILE:///checkout/a.py", "/checkout/a.py"),
        ("src/../lib/a.py", "lib/a.py"),
        ("https://example.org/a.py", "https://example.org/a.py"),
        ("http://[", "http://["),
    ],
)
def test_uris_become_paths(uri: str, path: str) -> None:
    assert only(log(run(result(uri)))).location.path == path


BASES = {
    "SRCROOT": {"uri": "file:///checkout/repo/"},
    "LIB": {"uri": "lib/", "uriBaseId": "SRCROOT"},
    "SYSTEM": {"uri": "file:///usr/include"},
    "ROUND": {"uri": "x", "uriBaseId": "TRIP"},
    "TRIP": {"uri": "y", "uriBaseId": "ROUND"},
    "EMPTY": {"description": {"text": "somewhere"}},
}


@pytest.mark.parametrize(
    ("base", "path", "joined"),
    [
        ("SRCROOT", "a.py", "/checkout/repo/a.py"),
        ("LIB", "lib/a.py", "/checkout/repo/lib/a.py"),
        ("SYSTEM", "/usr/include/a.py", "/usr/include/a.py"),
        ("ROUND", "y/x/a.py", "y/x/a.py"),
        ("EMPTY", "a.py", "a.py"),
        ("UNKNOWN", "a.py", "a.py"),
        ("%SRCROOT%", "a.py", "a.py"),
    ],
)
def test_bases_are_followed(base: str, path: str, joined: str) -> None:
    raw = log(run(result("a.py", base), originalUriBaseIds=BASES))
    assert only(raw).location.path == path
    assert only(raw, joined=True).location.path == joined


def test_an_absolute_uri_has_no_base() -> None:
    raw = log(run(result("file:///etc/a.py", "LIB"), originalUriBaseIds=BASES))
    assert only(raw).location.path == "/etc/a.py"


def test_artifacts_by_index_bring_their_base() -> None:
    place = {"physicalLocation": {"artifactLocation": {"index": 0}}}
    artifacts = [{"location": {"uri": "a.py", "uriBaseId": "LIB"}}]
    raw = log(run(result(locations=[place]), artifacts=artifacts, originalUriBaseIds=BASES))
    assert only(raw).location.path == "lib/a.py"


def test_several_places_are_one_finding_that_names_them() -> None:
    places = [{"logicalLocations": [{"name": "f"}]}, *(_place(f"f{number}.py", number) for number in range(1, 9))]
    found = only(log(run(result(locations=places))))
    assert (found.location.path, found.location.line) == ("f1.py", 1)
    assert found.message == "m (also in f2.py:2, f3.py:3, f4.py:4, f5.py:5, f6.py:6 and 2 more)"


def _place(path: str, line: int) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": path}, "region": {"startLine": line}}}


def test_a_rule_of_an_extension_by_its_id_alone() -> None:
    tool = {
        "driver": {"name": "Tool", "rules": [{"id": "R0"}]},
        "extensions": [{"name": "pack", "rules": [{"id": "R1", "helpUri": "https://example.org/1"}]}],
    }
    assert only(log(run(result(), tool=tool))).url == "https://example.org/1"


def test_a_later_revision_of_the_version_is_read_and_another_version_is_not() -> None:
    assert sarif.parse(log(run(result())).replace(b"2.1.0", b"2.1.0-rtm.6"), "tool").findings
    with pytest.raises(ReportError, match=r"version '2\.0\.0'"):
        sarif.parse(log(run(result())).replace(b"2.1.0", b"2.0.0"), "tool")
