"""The local advisory database: filled from OSV's exports or a snapshot, matched as OSV says, looked up and served.

Records are those of the OSV schema 1.7 (https://ossf.github.io/osv-schema/). `open_database(folder)` is the way in:
`.of_package(ecosystem, name)`, `.by_id(id)`, `.records()`, `.meta`. `lookup.look_up` judges packages, `local.Local`
answers tools that ask an OSV service, `importing` fills the folder.
"""

from __future__ import annotations

from hardgate.advisories.database import Database, NoDatabaseError
from hardgate.advisories.places import default_folder

__all__ = ["Database", "NoDatabaseError", "default_folder", "open_database"]


open_database = Database.open
