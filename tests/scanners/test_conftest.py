"""conftest: its published reports, and the whole way with a stand-in that judges by OPA's real engine.

The real conftest is in no package that the machines of these tests can get: see docs/scanners/conftest.md.
"""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hardgate.errors import ReportError
from hardgate.model import ExitCode, GapReason, Severity
from hardgate.scanners.conftest import CONFTEST
from tests.lab.command import Result, hardgate
from tests.lab.tools import command
from tests.scanners import real

SAMPLES = Path(__file__).parent / "samples" / "conftest"
STAND_IN = real.ROOT / "tests" / "lab" / "stand_in_conftest.py"
EXAMPLE = real.ROOT / "examples" / "terraform-plan"
Start = Callable[..., Result]


def sample(name: str) -> bytes:
    return (SAMPLES / f"published-{name}.json").read_bytes()


def report(**keys: Any) -> bytes:
    return json.dumps([{"filename": "a.yaml", "namespace": "main", "successes": 0, **keys}]).encode()


def test_published_without_a_namespace() -> None:
    read = CONFTEST.parse(sample("without-namespace"))
    assert {(one.rule, one.severity, one.location.path) for one in read.findings} == {
        ("deny", Severity.HIGH, "examples/kubernetes/deployment.yaml")
    }
    assert len(read.findings) == 4
    assert read.gaps == ()


def test_published_with_a_query() -> None:
    read = CONFTEST.parse(sample("query"))
    assert [(one.rule, one.severity, one.severity_from) for one in read.findings] == [
        ("main.warn", Severity.LOW, "adapter")
    ]
    assert read.seen == frozenset({"examples/kubernetes/service.yaml"})


def test_published_with_what_was_skipped() -> None:
    read = CONFTEST.parse(sample("skipped"))
    assert [one.rule for one in read.findings] == ["namespace.deny", "namespace.warn"]
    assert [one.reason for one in read.gaps] == [GapReason.NOT_COVERED]


def test_what_was_asked_nothing_is_no_success() -> None:
    """Its own test of "no warnings or errors" is a report of no rule at all."""
    read = CONFTEST.parse(sample("nothing"))
    assert [(one.reason, one.path) for one in read.gaps] == [
        (GapReason.RULES_EMPTY, "examples/kubernetes/service.yaml"),
        (GapReason.RULES_EMPTY, "examples/kubernetes/deployment.yaml"),
    ]


def test_a_library_beside_a_namespace_with_rules_is_no_gap() -> None:
    rows = [json.loads(report(namespace=name, successes=number))[0] for name, number in (("lib", 0), ("main", 2))]
    assert CONFTEST.parse(json.dumps(rows).encode()).gaps == ()


def test_the_canary_s_rule_does_not_count_for_other_files() -> None:
    rows = json.loads(report()) + json.loads(report(namespace="hardgate_canary", successes=1))
    assert [one.reason for one in CONFTEST.parse(json.dumps(rows).encode()).gaps] == [GapReason.RULES_EMPTY]


def test_the_keys_of_the_first_versions() -> None:
    raw = b'[{"filename": "a.yaml", "Successes": [], "Warnings": ["soft"], "Failures": ["hard"]}]'
    assert [(one.rule, one.message) for one in CONFTEST.parse(raw).findings] == [("deny", "hard"), ("warn", "soft")]


def test_exceptions_places_and_severities() -> None:
    told = {"msg": "m", "loc": {"file": "b.yaml", "line": 7}, "metadata": {"severity": "Critical"}}
    raw = report(failures=[told, {"msg": "n", "metadata": {"severity": "dire"}}], exceptions=[{"msg": "data.main…"}])
    first, second, third = CONFTEST.parse(raw).findings
    assert (first.location.path, first.location.line, first.severity) == ("b.yaml", 7, Severity.CRITICAL)
    assert second.severity is Severity.HIGH
    assert third.rule == "main.exception"
    assert [one.reason for one in CONFTEST.parse(raw).gaps] == [GapReason.SEVERITY_UNKNOWN]


@pytest.mark.parametrize(
    "keys", [{"successes": "none"}, {"failures": {}}, {"failures": [{"message": "m"}]}, {"filename": 1}]
)
def test_another_shape_is_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ReportError):
        CONFTEST.parse(report(**keys))


@pytest.mark.parametrize("key", ["filename", "successes"])
def test_a_part_that_is_missing_is_refused(key: str) -> None:
    rows = json.loads(report())
    del rows[0][key]
    with pytest.raises(ReportError, match=key):
        CONFTEST.parse(json.dumps(rows).encode())


# The whole way


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Runs examples/terraform-plan by conftest, with a stand-in behind `fault` on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    whole = shlex.join([sys.executable, str(STAND_IN), command("opa")[-1]]) + ' "$@"'

    def run(fault: str = "exec REAL", **keys: Any) -> Result:
        (folder / "conftest").write_text(f"#!/bin/sh\nexport PYTHONPATH={real.ROOT}\n{fault.replace('REAL', whole)}\n")
        (folder / "conftest").chmod(0o755)
        root = tmp_path / "tree"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(EXAMPLE, root)
        (root / "conftest.toml").write_text('namespace = "none"\n')
        action = {"conftest": {"inputs": ["tfplan.json"], "data": ["data"], **keys}}
        policy = {"exempt": {"terraform": "a test"}}
        pipeline = {"pipeline": "p", "stages": [{"name": "s", "actions": [action]}], "policy": policy}
        (root / "hardgate.yaml").write_text(json.dumps(pipeline))
        environment = {"PATH": f"{folder}:/usr/bin:/bin", "HARDGATE_HOME": str(tmp_path / "home")}
        return hardgate("run", str(root), "--json", "--no-cache", env=environment)

    return run


@pytest.mark.real
def test_the_whole_way(start: Start) -> None:
    result = start()
    assert result.code is ExitCode.FAIL, result.stdout
    assert result.json["gaps"] == []
    found = {(one["rule"], one["severity"]) for one in result.json["findings"]}
    assert ("main.deny_public_bucket", "critical") in found
    assert ("main.warn_tags", "low") in found
    assert len(result.json["findings"]) == 12
    (receipt,) = result.json["receipts"]
    assert receipt["exit_codes"] == [1]


@pytest.mark.real
@pytest.mark.parametrize(
    ("fault", "keys", "reason"),
    [
        # The canary's policy is there, so conftest itself sees no fault.
        ("exec REAL", {"policy": ["policies"]}, GapReason.RULES_EMPTY),
        ("exec REAL", {"namespaces": ["other"]}, GapReason.RULES_EMPTY),
        ("REAL | head -c 300", {}, GapReason.REPORT_UNREADABLE),
        ("echo '[]'", {}, GapReason.REPORT_UNREADABLE),
        (
            """echo '[{"filename": "tfplan.json", "namespace": "main", "successes": 5}]'""",
            {},
            GapReason.CANARY_MISSED,
        ),
    ],
)
def test_what_looks_clean_is_incomplete(start: Start, fault: str, keys: dict[str, Any], reason: GapReason) -> None:
    result = start(fault, **keys)
    assert result.code is ExitCode.INCOMPLETE, result.stdout
    assert reason in {one["reason"] for one in result.json["gaps"]}
