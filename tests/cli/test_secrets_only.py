"""trivy asked for secrets alone, in a tree with requirements: it lists their file, which tells nothing of others."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hardgate.model import ExitCode
from tests.lab.command import hardgate

pytestmark = pytest.mark.real


def test_a_list_of_packages_beside_other_files_is_no_gap(tmp_path: Path, tools_folder: Path) -> None:
    (tmp_path / "requirements.txt").write_text("six==1.16.0\n")
    (tmp_path / "README.md").write_text("A service.\n")
    pipeline = {
        "pipeline": "secrets",
        "stages": [{"name": "secrets", "actions": [{"trivy": {"scanners": ["secret"]}}]}],
        "policy": {"exempt": {"requirements": "not asked", "lockfile": "not asked"}},
    }
    (tmp_path / "hardgate.yaml").write_bytes(msgspec.json.encode(pipeline))
    result = hardgate("run", str(tmp_path), "--json", env={"HARDGATE_HOME": str(tools_folder.parent)})
    assert [gap["message"] for gap in result.json["gaps"]] == []
    assert result.code is ExitCode.PASS
