"""The real Newman against a real application, started by a command in hardgate.yaml, and its reports read elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hardgate.model import ExitCode, GapReason
from tests.cli.conftest import run
from tests.lab import npm_tools, planets, postman
from tests.lab.command import hardgate

Make = Callable[..., Path]
SAMPLES = Path(__file__).parents[1] / "scanners" / "samples"


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with planets.serving() as address:
        yield address


def pipeline(address: str, *more: str) -> str:
    words = [*npm_tools.newman(), "run", "planets.json", "--env-var", f"base={address}", *more]
    words += ["--reporters", "json", "--reporter-json-export", "{report}"]
    actions = [{"newman": {"command": ["node", *words[1:]], "files": ["planets.json"]}}]
    stages = [{"name": "test", "actions": actions}]
    return json.dumps({"pipeline": "planets", "stages": stages, "policy": {"required": ["newman"]}})


@pytest.mark.real
def test_an_exploit_that_works_shuts_the_gate(home: Path, repository: Make, base: str) -> None:
    collection, _ = postman.CASES["found"]
    root = repository({"planets.json": json.dumps(collection)}, pipeline=pipeline(base))
    sarif, asff = root.parent / "out.sarif", root.parent / "out.asff.json"
    result = run(root, "--report", f"sarif={sarif}", "--report", f"asff={asff}")
    assert result.code is ExitCode.FAIL, result.stdout + result.stderr
    assert result.json["gaps"] == []
    assert [(one["kind"], one["location"]["path"], one["cwe"]) for one in result.json["findings"]] == [
        ("dynamic", "GET /unsafe/hello", ["CWE-79"]),
        ("dynamic", "POST /unsafe/login", ["CWE-89"]),
    ]
    # Newman's own file, with all answers in it, is no evidence: what is kept and shown has no token.
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file() and "tools" not in path.parts)
    shown = result.stdout + result.stderr + sarif.read_text() + asff.read_text()
    assert "POST /unsafe/login" in asff.read_text()
    assert planets.TOKEN not in shown
    assert planets.TOKEN.encode() not in kept.replace(json.dumps(collection).encode(), b"")


@pytest.mark.real
def test_an_application_that_does_not_answer_is_incomplete(home: Path, repository: Make) -> None:
    collection, _ = postman.CASES["found"]
    root = repository({"planets.json": json.dumps(collection)}, pipeline=pipeline("http://127.0.0.1:9"))
    result = run(root)
    assert (result.code, result.json["findings"]) == (ExitCode.INCOMPLETE, [])
    assert {gap["reason"] for gap in result.json["gaps"]} == {GapReason.TOOL_FAILED}


@pytest.mark.real
def test_a_collection_that_is_not_there_is_incomplete(home: Path, repository: Make, base: str) -> None:
    text = pipeline(base).replace('"run", "planets.json"', '"run", "other.json"')
    result = run(repository({"planets.json": "{}"}, pipeline=text))
    assert result.code is ExitCode.INCOMPLETE
    assert [gap["reason"] for gap in result.json["gaps"]] == [GapReason.REPORT_UNREADABLE]


def test_a_report_from_elsewhere_is_read() -> None:
    result = hardgate("ingest", "newman", str(SAMPLES / "newman" / "found-6.2.2.json"), "--json")
    assert result.code is ExitCode.PASS
    assert [one["location"]["path"] for one in result.json["findings"]] == ["GET /unsafe/hello", "POST /unsafe/login"]
    gap = hardgate("ingest", "newman", str(SAMPLES / "newman" / "empty-6.2.2.json"), "--json")
    assert (gap.code, gap.json["findings"]) == (ExitCode.INCOMPLETE, [])
