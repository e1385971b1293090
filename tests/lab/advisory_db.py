"""The local advisory database as a user has it after an import of the lab's snapshot, with Python's packages only."""

from __future__ import annotations

from pathlib import Path

from hardgate.advisories.database import Database
from hardgate.advisories.snapshot import Snapshot
from hardgate.advisories.trivydb import folder_for
from hardgate.advisories.writing import write
from tests.lab.osv_server import data_folder


def fill(folder: Path) -> Path:
    """Make the database in `folder`, with CISA's list as the snapshot has it."""
    snapshot = Snapshot(data_folder(), ("PyPI",))
    write(folder, snapshot.origin, snapshot.records(), snapshot.kev())
    return folder


def trivy(database: Path, cache: Path) -> Path:
    """Make Trivy's database out of the one in `database` below `cache`, where a run looks for it."""
    with Database.open(database) as opened:
        return folder_for(opened, cache, ["PyPI"])
