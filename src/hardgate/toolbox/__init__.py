"""Finds and installs the pinned scanners, each in a folder of its own under the user's cache.

What may be installed stands in a lock file (see lock.py): a version and a SHA-256 for every artefact. An installed tool
is sealed by a manifest (see manifest.py) that is compared with the disk before every use.
"""

from hardgate.toolbox.box import State, Status, Synced, Tool, Toolbox, lock_path, open_default
from hardgate.toolbox.folder import default_folder
from hardgate.toolbox.lock import Lock, read_lock
from hardgate.toolbox.recipes import NAMES
from hardgate.toolbox.steps import Progress, Step

__all__ = [
    "NAMES",
    "Lock",
    "Progress",
    "State",
    "Status",
    "Step",
    "Synced",
    "Tool",
    "Toolbox",
    "default_folder",
    "lock_path",
    "open_default",
    "read_lock",
]
