"""The step `schemathesis`: the real one, against a real API that hardgate starts behind a wall; and its reports."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hardgate.errors import ReportError
from hardgate.model import ExitCode, Report
from hardgate.scanners.schemathesis import SCHEMATHESIS
from hardgate.store import Store
from tests.cli.conftest import home, repository, run
from tests.lab import described_api
from tests.lab.command import hardgate

__all__ = ["home", "repository"]
Make = Callable[..., Path]
SAMPLES = Path(__file__).parents[1] / "scanners" / "samples" / "schemathesis"
API = {
    "command": [sys.executable, str(Path(described_api.__file__)), "${PORT}"],
    "ready": "http://127.0.0.1:${PORT}/planets",
}
HOLES = {
    ("ST101", "POST /unsafe/length", "critical", "CWE-755"),
    ("ST103", "POST /unsafe/length", "medium", ""),
    ("ST201", "GET /unsafe/card", "medium", "CWE-20"),
    ("ST203", "GET /unsafe/card", "medium", "CWE-20"),
    ("ST401", "GET /unsafe/card", "critical", "CWE-306"),
}


def read(case: str, change: Callable[[dict[str, Any]], object] = lambda _whole: None) -> Report:
    whole = json.loads((SAMPLES / f"{case}-4.32.5.json").read_bytes())
    change(whole)
    return SCHEMATHESIS.parse(json.dumps(whole).encode())


def told(findings: Any) -> set[tuple[str, str, str, str]]:
    return {(one.rule, one.location.path, one.severity, "".join(one.cwe)) for one in findings}


def test_each_failed_check_is_a_finding_at_its_operation_and_the_mended_twins_have_none() -> None:
    report = read("found")
    assert told(report.findings) == HOLES
    assert (report.gaps, report.version) == ((), "4.32.5")
    assert read("good") == Report(version="4.32.5")


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("empty", ["schemathesis tested no operation"]),
        (
            "absent",
            ["did not come to its end: error", "tested no operation", "could not test all: Schema Loading Error"],
        ),
        ("chosen", ["3 of 4 operations were left out"]),
        ("limited", ["did not come to its end: failure_limit", "the phase fuzzing was left out", "were not tested: "]),
        ("phases", ["the phase fuzzing was left out: disabled", "the phase stateful was left out: disabled"]),
        ("unchecked", ["answers were judged by no check"]),
        ("locked", ["schemathesis warns of missing_auth: GET /safe/card"]),
        ("strange", ["could not test all: Serialization not possible"]),
    ],
)
def test_what_was_not_tested_is_a_gap(case: str, words: list[str]) -> None:
    messages = [gap.message for gap in read(case).gaps]
    assert all(any(word in message for message in messages) for word in words), messages


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda whole: whole["failures"].pop(), "it was cut or edited"),
        (lambda whole: whole["failures"][0].update(operations=[]), "it was cut or edited"),
        (lambda whole: whole.update(exit_code=0), "it was edited"),
        (lambda whole: whole.pop("warnings"), "is not whole"),
    ],
)
def test_a_report_that_was_cut_or_edited_is_refused(change: Callable[[dict[str, Any]], object], words: str) -> None:
    with pytest.raises(ReportError, match=words):
        read("found", change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda whole: whole["phases"]["fuzzing"].update(status="interrupted"), "ended as interrupted"),
        (lambda whole: whole["warnings"].update(something_new=["GET /planets"]), "warns of something_new"),
        (lambda whole: whole["test_cases"].update(errored=2), "2 requests got no answer"),
        (lambda whole: whole.update(filtered=3), "3 failures were left out"),
        (lambda whole: whole.update(complete=False), "did not come to its end"),
        (lambda whole: whole["phases"].pop("stateful"), "does not tell of the phase stateful"),
        (lambda whole: whole["valid_rates"].pop("GET /planets"), "1 of 2 operations took no valid request"),
        (lambda whole: whole.update(command="st run x --exclude-checks=ignored_auth"), "was told --exclude-checks"),
        (lambda whole: whole.update(command="st run x -mpositive"), "was told -m"),
    ],
)
def test_a_new_word_or_a_broken_run_is_a_gap(change: Callable[[dict[str, Any]], object], words: str) -> None:
    assert [gap for gap in read("good", change).gaps if words in gap.message]


def test_a_severity_that_nobody_knows_counts_as_high() -> None:
    report = read("found", lambda whole: whole["failures"][0].update(severity="awful"))
    assert [str(one.severity) for one in report.findings].count("high") == 1
    assert [gap.reason for gap in report.gaps] == ["severity-unknown"]


def pipeline(*actions: dict[str, Any]) -> str:
    steps = [{"schemathesis": {"environment": "local", **one}} for one in actions]
    stages = [{"name": "test", "actions": steps}]
    environment = {"local": {"services": {"api": API}}}
    return json.dumps({"pipeline": "p", "stages": stages, "environment": environment})


@pytest.mark.real
def test_an_api_is_held_to_its_document(
    home: Path, repository: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has holes by the document in the repository, and what could not be tested, in one run."""
    whole = {
        "name": "whole",
        "document": "openapi.json",
        "max_examples": 5,
        "seed": 7,
        "headers": {"X-Test": "of-mine"},
    }
    # Of no effect, in the repository and above the folder where it runs: it would leave all operations out.
    nothing = '[[operations]]\ninclude-path-regex = ".*"\nenabled = false\n'
    files = {"openapi.json": json.dumps(described_api.document("whole")), "schemathesis.toml": nothing}
    (tmp_path / "above").mkdir()
    (tmp_path / "above" / "schemathesis.toml").write_text(nothing)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "above"))
    others: dict[str, dict[str, Any]] = {
        "absent": {"document": "other.yaml"},
        "nowhere": {"document": "${URL}/absent.json"},
        "placeless": {"document": "${HOST}/openapi.json"},
        "elsewhere": {"args": ["--url", "http://127.0.0.1:9"]},
    }
    text = pipeline(whole, *({"name": name, **keys} for name, keys in others.items()))
    result = run(repository(files, pipeline=text))
    assert result.code is ExitCode.INCOMPLETE, result.stdout + result.stderr
    found = result.json["findings"]
    seen = {(one["rule"], one["location"]["path"], one["severity"], "".join(one["cwe"])) for one in found}
    # Another seed may find more of the same holes, and nothing where there are none.
    assert seen >= HOLES
    assert all("/unsafe/" in path for _, path, _, _ in seen)
    gaps = {(gap["action"], gap["reason"]) for gap in result.json["gaps"]}
    assert gaps == {
        ("absent", "input-missing"),
        ("nowhere", "not-covered"),
        ("nowhere", "tool-failed"),
        ("placeless", "input-missing"),
        ("elsewhere", "input-missing"),
    }
    receipt = next(one for one in result.json["receipts"] if one["action"] == "whole")
    assert (receipt["tool"]["version"], receipt["tool"]["origin"]) == ("4.32.5", "toolbox")
    assert receipt["notes"][1] == "seed 7, at most 5 examples"
    with Store.open(home / "store.db") as store:
        kept = {one["name"]: store.blob(one["sha256"]) for one in receipt["outputs"]}
    assert list(kept) == ["whole-report.json", "whole-api.log"]
    assert not [raw for raw in kept.values() if b"of-mine" in raw or described_api.TOKEN.encode() in raw]
    assert "of-mine" not in str(receipt["argv"])


def test_a_report_from_elsewhere_is_read() -> None:
    result = hardgate("ingest", "schemathesis", str(SAMPLES / "found-4.32.5.json"), "--json")
    assert {one["rule"] for one in result.json["findings"]} == {rule for rule, *_ in HOLES}
