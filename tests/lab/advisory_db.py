"""The local advisory database as a user has it after an import of the lab's snapshot, with Python's packages only."""

from __future__ import annotations

from pathlib import Path

from hardgate.advisories.snapshot import Snapshot
from hardgate.advisories.writing import write
from tests.lab.osv_server import data_folder


def fill(folder: Path) -> Path:
    """Make the database in `folder`, with CISA's list as the snapshot has it."""
    snapshot = Snapshot(data_folder(), ("PyPI",))
    write(folder, snapshot.origin, snapshot.records(), snapshot.kev())
    return folder
