"""The designs run whole: the delivery.yaml of each example, on a real engine, registry and database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import designs
from tests.lab.containers.lab import Lab


@pytest.fixture(scope="module")
def advisories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return designs.filled(tmp_path_factory.mktemp("advisories") / "database")


@pytest.fixture(autouse=True)
def _installed(tools_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARDGATE_HOME", str(tools_folder.parent))


def test_the_to_do_list_passes_and_its_image_is_in_the_registry(lab: Lab, tmp_path: Path, advisories: Path) -> None:
    report = designs.delivered(lab, "todo", tmp_path, advisories)
    assert (report["verdict"]["outcome"], report["gaps"], report["verdict"]["exit_code"]) == ("PASS", [], 0)
    row = designs.row("todo", report)
    assert [one["stage"] for one in row["stages"]] == ["application", "dockerfile", "image", "look", "registry"]
    [pushed, *more] = dict.fromkeys(row["pushed"])
    assert more == []
    # What stands under that digest in the registry is what was built, and scanned.
    [built] = [
        one["sha256"] for receipt in report["receipts"] if receipt["action"] == "build" for one in receipt["outputs"]
        if one.get("reference")
    ]  # fmt: skip
    assert lab.docker("image", "inspect", "--format", "{{.Id}}", pushed) == f"sha256:{built}"


def test_planetary_api_is_attacked_in_the_image_that_was_built_and_fails(
    lab: Lab, tmp_path: Path, advisories: Path
) -> None:
    report = designs.delivered(lab, "planetary-api", tmp_path, advisories)
    assert (report["verdict"]["outcome"], report["gaps"], report["verdict"]["exit_code"]) == ("FAIL", [], 1)
    row = designs.row("planetary-api", report)
    assert [one["stage"] for one in row["stages"]] == ["image", "registry", "scans", "functional"]
    assert row["pushed"]
    receipts = {one["action"]: one for one in report["receipts"]}
    # The functional tests found nothing to say, and the attacks were real: what they showed is in the code, too.
    assert receipts["functional"]["counts"] == {"findings": 0, "gaps": 0}
    assert receipts["attacks"]["counts"] == {"findings": 17, "gaps": 0}
    assert row["confirmed"] >= 10
    [image] = [one["reference"] for one in receipts["build"]["outputs"] if one.get("reference")]
    notes = json.dumps(receipts["attacks"]["notes"])
    assert any(one in notes for one in (image, *row["pushed"])), notes
