"""The same run with an OSV service at hand and without: one answer, and each says where it came from.

The service on loopback is tests/lab/osv_server, which reads the same snapshot and compares versions by code of its own.
It stands for the published services, which are not reached here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from hardgate.model import ExitCode
from tests.advisories.test_three_ways import joined, named, requirements
from tests.lab import osv_server
from tests.lab.command import hardgate
from tests.scanners import real

pytestmark = pytest.mark.real
PIPELINE = {
    "pipeline": "both",
    "stages": [{"name": "scan", "actions": ["pip-audit"]}],
    "policy": {"max_advisory_age": "9999d"},
}


def scan(root: Path, folder: Path, *words: str) -> dict[str, Any]:
    result = hardgate("run", str(root), "--json", "--no-cache", *words, env={"HARDGATE_ADVISORIES": str(folder)})
    assert result.code in {ExitCode.FAIL, ExitCode.INCOMPLETE}, result.stderr
    report: dict[str, Any] = result.json
    return report


def facts(report: dict[str, Any]) -> dict[str, set[frozenset[str]]]:
    names: dict[str, list[list[str]]] = {}
    for one in report["findings"]:
        package = one["package"]
        names.setdefault(named(f"{package['name']}=={package['version']}"), []).append(one["ids"])
    return {release: joined(ids) for release, ids in names.items()}


def test_online_and_offline_say_the_same(tmp_path: Path, python_folder: Path) -> None:
    root = real.write(tmp_path / "tree", {**requirements(), "hardgate.yaml": msgspec.json.encode(PIPELINE)})
    with osv_server.serving(osv_server.data_folder()) as address:
        online = scan(root, tmp_path / "none", "--osv-url", address)
    offline = scan(root, python_folder)
    (asked,), (local,) = online["receipts"], offline["receipts"]
    assert asked["data"]["source"] == address
    assert "local advisory database" in local["data"]["source"]
    assert local["data"]["date"].startswith("2026-")
    one, other = facts(online), facts(offline)
    assert len(one) > 25
    assert one.keys() == other.keys()
    # One may know more names of a fact than the other: what counts is that both name it.
    for release, told in one.items():
        assert all(any(fact & known for known in other[release]) for fact in told), release
        # The lab's server takes an advisory's list of versions as it stands, where 1.13.0+cu117 is none of them. Ours
        # knows that it is a build of 1.13.0, and tells more.
        more = [fact for fact in other[release] if not any(fact & known for known in told)]
        assert bool(more) == ("+" in release), release
