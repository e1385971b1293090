"""opa: its sample, the real engine over policies with faults, and the ways in which it could look clean."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hardgate.errors import ReportError
from hardgate.model import GapReason, Report, Severity
from hardgate.rego import report as rego
from hardgate.scanners.opa import OPA
from tests.lab.tools import command
from tests.scanners import real

SAMPLE = Path(__file__).parent / "samples" / "opa" / "report-1.20.2.json"
DENY = 'package main\n\ndeny contains "it is wrong" if input.wrong\n'
PLAN = {"terraform_version": "1.11.4", "resource_changes": [], "wrong": True}

pytestmark = pytest.mark.real


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def judge(tree: Path, files: Mapping[str, str | bytes | object], *words: str) -> Report:
    """The adapter's report of the real engine over these files; policies lie in `policy`, the rest are inputs."""
    for name, content in files.items():
        text = content if isinstance(content, str | bytes) else msgspec.json.encode(content)
        real.write(tree, {name: text})
    inputs = [f"--input={name}" for name in files if not name.startswith(("policy/", "data/"))]
    out = io.BytesIO()
    spaces = () if "--all-namespaces" in words else ("--namespace=main",)
    library = command("opa")[-1]
    assert rego.main([library, "--policy=policy", "--data=data", *spaces, *inputs, *words], out) == 0
    return OPA.parse(out.getvalue())


def told(report: Report) -> list[tuple[str, str, str]]:
    return [(one.rule, one.location.path, one.message) for one in report.findings]


def gaps(report: Report) -> list[tuple[GapReason, str]]:
    return [(one.reason, one.path) for one in report.gaps]


def test_sample() -> None:
    report = OPA.parse(SAMPLE.read_bytes())
    found = {(one.rule, one.severity) for one in report.findings if one.location.path == "tfplan.json"}
    assert found == {
        ("main.deny_public_bucket:S3-1", Severity.CRITICAL),
        ("main.deny_public_bucket:S3-1", Severity.HIGH),
        ("main.deny_unencrypted:ENC-1", Severity.HIGH),
        ("main.deny_wildcard:IAM-1", Severity.HIGH),
        ("main.deny_world_ingress:NET-1", Severity.HIGH),
        ("main.warn_tags:TAG-1", Severity.LOW),
    }
    assert report.gaps == ()
    assert report.version == "1.20.2"
    assert "tfplan.json" in (report.seen or ())


@pytest.mark.parametrize(
    "key", ["version", "opa", "policies", "data", "read", "namespaces", "tests", "findings", "gaps"]
)
def test_a_report_without_a_part_is_refused(key: str) -> None:
    whole = msgspec.json.decode(SAMPLE.read_bytes())
    del whole[key]
    with pytest.raises(ReportError, match=key):
        OPA.parse(msgspec.json.encode(whole))


@pytest.mark.parametrize("change", [{"policies": []}, {"read": []}, {"namespaces": {"main": []}}, {"version": 2}])
def test_a_report_of_nothing_is_refused(change: dict[str, Any]) -> None:
    whole = msgspec.json.decode(SAMPLE.read_bytes()) | change
    with pytest.raises(ReportError):
        OPA.parse(msgspec.json.encode(whole))


def test_messages_objects_and_exceptions(tree: Path) -> None:
    policy = """package main

deny contains "as text" if input.wrong
violation contains {"msg": "as an object", "severity": "medium", "resource": "a.b", "metadata": {"id": "K-7"}} if {
	input.wrong
}
deny_late contains {"msg": "excepted"} if input.wrong
warn_odd contains {"severity": "dire", "text": 1} if input.wrong
warn contains 7 if input.wrong
exception contains ["late"] if input.wrong
"""
    report = judge(tree, {"policy/a.rego": policy, "plan.json": {"wrong": True}})
    assert sorted(told(report)) == [
        ("main.deny", "plan.json", "as text"),
        ("main.deny_late", "plan.json", "excepted (an `exception` rule of the policy names it)"),
        ("main.violation:K-7", "plan.json", "as an object (a.b)"),
        ("main.warn", "plan.json", "The rule gives no message."),
        ("main.warn_odd", "plan.json", "The rule gives no message."),
    ]
    rated = {one.rule: (one.severity, one.severity_from) for one in report.findings}
    assert rated["main.deny"] == (Severity.HIGH, "adapter")
    assert rated["main.warn"] == (Severity.LOW, "adapter")
    assert rated["main.violation:K-7"] == (Severity.MEDIUM, "tool")
    assert rated["main.warn_odd"] == (Severity.HIGH, "tool")
    assert gaps(report) == [(GapReason.SEVERITY_UNKNOWN, "plan.json")]


def test_several_documents_namespaces_and_data(tree: Path) -> None:
    files = {
        "policy/a.rego": "package k8s.pods\n\nimport data.allowed\n\n"
        'deny contains input.metadata.name if { not object.get(input.metadata, "owner", "") in allowed }\n',
        "policy/b.rego": 'package odd["name-x"]\n\nwarn contains "seen" if input.kind\n',
        "data/allowed.yaml": "allowed: [us]\n",
    }
    pods = "kind: Pod\nmetadata: {name: one, owner: us}\n---\nkind: Pod\nmetadata: {name: two}\n"
    report = judge(tree, {**files, "pods.yaml": pods}, "--all-namespaces")
    assert sorted(told(report)) == [
        ("k8s.pods.deny", "pods.yaml", "two"),
        ("odd.name-x.warn", "pods.yaml", "seen"),
        ("odd.name-x.warn", "pods.yaml", "seen"),
    ]
    assert report.gaps == ()


# What would be a silent pass: each must be a gap, with the file that it is about.
SILENT: dict[str, tuple[dict[str, Any], list[tuple[GapReason, str]]]] = {
    "no policy": (
        {"plan.json": PLAN},
        [(GapReason.RULES_EMPTY, ""), (GapReason.RULES_EMPTY, "")],
    ),
    "no input": ({"policy/a.rego": DENY}, [(GapReason.NOTHING_IN_SCOPE, "")]),
    "another namespace": (
        {"policy/a.rego": DENY.replace("main", "other"), "plan.json": PLAN},
        [(GapReason.RULES_EMPTY, "")],
    ),
    "no judging rule": (
        {"policy/a.rego": "package main\n\nallow if input.wrong\n", "plan.json": PLAN},
        [(GapReason.RULES_EMPTY, "")],
    ),
    "a default alone": (
        {"policy/a.rego": "package main\n\ndefault deny := false\n", "plan.json": PLAN},
        [(GapReason.RULES_EMPTY, "")],
    ),
    "an undefined rule": (
        {"policy/a.rego": 'package main\n\ndeny := ["x"] if input.nothing.here\n\nwarn contains "x" if input.wrong\n',
         "plan.json": PLAN},
        [(GapReason.TOOL_FAILED, "plan.json")],
    ),
    "a truth value": (
        {"policy/a.rego": "package main\n\ndeny if input.wrong\n", "plan.json": PLAN},
        [(GapReason.TOOL_FAILED, "plan.json")],
    ),
    "a rule with parts": (
        {"policy/a.rego": 'package main\n\ndeny.s3 contains "x" if input.wrong\n', "plan.json": PLAN},
        [(GapReason.TOOL_FAILED, "plan.json")],
    ),
    "an input that no policy reads": (
        {"policy/a.rego": DENY, "state.json": {"values": {"root_module": {}}}},
        [(GapReason.NOT_COVERED, "state.json")],
    ),
    "the syntax of OPA before 1.0": (
        {"policy/a.rego": DENY, "policy/old.rego": 'package main\n\ndeny[msg] { msg := "old" }\n', "plan.json": PLAN},
        [(GapReason.FILE_UNREAD, "policy/old.rego")],
    ),
    "a policy that does not compile": (
        {"policy/a.rego": DENY + "\nwarn contains nothing(input.x)\n", "plan.json": PLAN},
        [(GapReason.TOOL_FAILED, "")],
    ),
    "a built-in that fails": (
        {"policy/a.rego": DENY + '\ndeny_x contains "x" if to_number(input.word) > 1\n',
         "plan.json": {"wrong": True, "word": "many"}},
        [(GapReason.TOOL_FAILED, "plan.json")],
    ),
    "two values for one rule": (
        {"policy/a.rego": DENY + "\nsize := 1 if input.wrong\nsize := 2 if input.wrong\n\nwarn contains size\n",
         "plan.json": PLAN},
        [(GapReason.TOOL_FAILED, "plan.json")],
    ),
    "a test that fails": (
        {"policy/a.rego": DENY, "policy/a_test.rego": "package main\n\ntest_it if count(deny) == 2 with input as {}\n",
         "plan.json": PLAN},
        [(GapReason.TOOL_FAILED, "policy/a_test.rego")],
    ),
    "a plan of a failed run": (
        {"policy/a.rego": DENY, "plan.json": PLAN | {"errored": True}},
        [(GapReason.FILE_UNREAD, "plan.json")],
    ),
    "a plan of some resources": (
        {"policy/a.rego": DENY, "plan.json": PLAN | {"complete": False}},
        [(GapReason.FILE_UNREAD, "plan.json")],
    ),
    "data that clashes": (
        {"policy/a.rego": DENY, "data/a.json": '{"x": 1}', "data/b.json": '{"x": 2}', "plan.json": PLAN},
        [(GapReason.FILE_UNREAD, "data/b.json")],
    ),
    "data that is a list": (
        {"policy/a.rego": DENY, "data/a.json": '[{"x": 1}]', "plan.json": PLAN},
        [(GapReason.FILE_UNREAD, "data/a.json")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SILENT)
def test_what_would_pass_in_silence_is_a_gap(name: str, tree: Path) -> None:
    files, expected = SILENT[name]
    report = judge(tree, files)
    assert gaps(report) == expected
    assert all(one.message and one.remedy for one in report.gaps)


def test_rules_of_a_namespace_that_nobody_named_are_a_gap(tree: Path) -> None:
    files = {"policy/a.rego": DENY, "policy/b.rego": DENY.replace("main", "other"), "plan.json": PLAN}
    report = judge(tree, files, "--whole")
    assert gaps(report) == [(GapReason.NOT_COVERED, "")]
    assert "namespace other" in report.gaps[0].message
    assert gaps(judge(tree, files, "--whole", "--namespace=other")) == []


def test_what_is_broken_hides_nothing_else(tree: Path) -> None:
    files, _ = SILENT["a built-in that fails"]
    report = judge(tree, files)
    assert told(report) == [("main.deny", "plan.json", "it is wrong")]
    assert "deny_x" in report.gaps[0].message
    assert "to_number" in report.gaps[0].message


def test_old_syntax_is_told_with_the_way_out(tree: Path) -> None:
    report = judge(tree, SILENT["the syntax of OPA before 1.0"][0])
    assert "opa fmt" in report.gaps[0].message


@pytest.mark.parametrize(
    "call",
    [
        'http.send({"method": "get", "url": "http://127.0.0.1:9/"})',
        'net.lookup_ip_addr("example.org")',
        "opa.runtime()",
        'json.match_schema(input, {"$ref": "http://127.0.0.1:9/"})',
        'json.verify_schema({"properties": {"a": {"$ref": "file:///etc/hostname"}}})',
    ],
)
def test_a_policy_cannot_reach_out(call: str, tree: Path) -> None:
    policy = f"package lib\n\nasked(x) := {call} if x\n"
    report = judge(tree, {"policy/a.rego": DENY, "policy/lib.rego": policy, "plan.json": PLAN})
    assert gaps(report) == [(GapReason.FILE_UNREAD, "policy/lib.rego")]
    assert call.partition("(")[0] in report.gaps[0].message


BAD_INPUTS = {
    "cut": b'{"wrong": ',
    "empty": b"",
    "no document": b"[]",
    "twice": b'{"wrong": false, "wrong": true}',
    "no number": b'{"wrong": NaN}',
    "too large": b'{"wrong": 1e999}',
    "half a pair": b'{"wrong": "\\ud800"}',
    "not text": b'{"wrong": "\xff"}',
    "nested": b"[" * 100_000,
}
BAD_YAML = {
    "twice": "wrong: false\nwrong: true\n",
    "itself": "&a\nwrong: *a\n",
    "bomb": "a: &a [1,1,1,1,1,1,1,1,1]\n"
    + "".join(
        f"{two}: &{two} [{','.join([f'*{one}'] * 9)}]\n" for one, two in zip("abcdefgh", "bcdefghi", strict=True)
    ),
    "a map as a key": "? {a: 1}\n: 1\n",
    "tabs": "a:\n\t- b\n",
    "only a mark": "---\n",
}


@pytest.mark.parametrize("raw", [*BAD_INPUTS.values()], ids=BAD_INPUTS.keys())
def test_bad_json_is_a_gap(raw: bytes, tree: Path) -> None:
    assert gaps(judge(tree, {"policy/a.rego": DENY, "plan.json": raw})) == [(_reason(raw), "plan.json")]


def _reason(raw: bytes) -> GapReason:
    # Half of a surrogate pair is read, and the engine's door refuses it.
    return GapReason.TOOL_FAILED if b"ud800" in raw else GapReason.FILE_UNREAD


@pytest.mark.parametrize("text", [*BAD_YAML.values()], ids=BAD_YAML.keys())
def test_bad_yaml_is_a_gap(text: str, tree: Path) -> None:
    assert gaps(judge(tree, {"policy/a.rego": DENY, "plan.yaml": text})) == [(GapReason.FILE_UNREAD, "plan.yaml")]


def test_a_library_that_is_none(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "opa").write_bytes(b"no library")
    assert rego.main([str(tmp_path / "opa"), "--policy=policy"], io.BytesIO()) == 2
    assert rego.main([str(tmp_path / "none"), "--version"], io.BytesIO()) == 2
    assert "cannot be loaded" in capfd.readouterr().err


def test_what_a_policy_says_of_yaml_is_what_kubernetes_reads(tree: Path) -> None:
    policy = "package main\n\ndeny contains json.marshal(input)\n"
    text = "a: yes\nb: '1'\nc: 0x1F\nd: 2026-01-01\ne: null\nf: 1.5\nbase: &b {g: 1}\nh: {<<: *b, i: ~}\n"
    (found,) = judge(tree, {"policy/a.rego": policy, "x.yaml": text}).findings
    assert msgspec.json.decode(found.message) == {
        "a": True, "b": "1", "c": 31, "d": "2026-01-01", "e": None, "f": 1.5, "base": {"g": 1}, "h": {"g": 1, "i": None}
    }  # fmt: skip
