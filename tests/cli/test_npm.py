"""npm audit in a run: the registry that is asked is the one of hardgate.yaml, and it must know what it must know."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hardgate.model import ExitCode, GapReason
from tests.cli.conftest import run
from tests.lab import npm_registry
from tests.scanners import capture_npm

Make = Callable[..., Path]


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    with npm_registry.serving() as address:
        yield address


def pipeline(address: str) -> str:
    stages = [{"name": "scan", "actions": [{"npm-audit": {"registry": address}}]}]
    return json.dumps({"pipeline": "shop", "stages": stages, "policy": {"exempt": {"lockfile": "a test"}}})


@pytest.mark.real
def test_the_repository_does_not_choose_the_registry(home: Path, repository: Make, registry: str) -> None:
    with npm_registry.serving(empty=True) as empty:
        steered = {"shop/package-lock.json": json.dumps(capture_npm.V3)}
        steered |= dict.fromkeys((".npmrc", "shop/.npmrc"), f"registry={empty}\nomit=dev\naudit=false\n")
        result = run(repository(steered, pipeline=pipeline(registry)))
        assert (result.code, result.json["gaps"]) == (ExitCode.FAIL, []), result.stdout
        assert len(result.json["findings"]) == 6
        assert {one["location"]["path"] for one in result.json["findings"]} == {"shop/package-lock.json"}


@pytest.mark.real
def test_a_registry_that_knows_nothing_misses_the_canary(home: Path, repository: Make) -> None:
    with npm_registry.serving(empty=True) as empty:
        files = {"package-lock.json": json.dumps(capture_npm.CLEAN)}
        result = run(repository(files, pipeline=pipeline(empty)))
    assert result.code is ExitCode.INCOMPLETE
    assert [gap["reason"] for gap in result.json["gaps"]] == [GapReason.CANARY_MISSED]
