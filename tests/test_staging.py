"""The private copy of the tree: whole, or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardgate import assembling, staging
from hardgate.errors import ToolError
from tests.builders import pipeline


def test_nobody_gets_a_copy_that_broke_off(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.py").write_text("x = 1\n")
    tree = assembling.read_tree(pipeline(), root, tmp_path / "git", frozenset())
    folder = tmp_path / "gone" / "copy"
    stager = staging.Stager(tree, folder)
    with pytest.raises((OSError, ToolError)):
        stager()  # the folder that it should be made in is not there yet
    folder.mkdir(parents=True)  # half of a copy: what an earlier try left
    with pytest.raises((OSError, ToolError)):
        stager()
    folder.rmdir()
    assert (stager() / "a.py").read_text() == "x = 1\n"
    assert stager() == folder
