"""The private copy of the tree that the scanners of one run look at, made when the first of them needs it."""

from __future__ import annotations

import threading
from pathlib import Path

from hardgate import repository
from hardgate.model import Gap


class Stager:
    """Makes the copy once; `gaps` are the files that changed meanwhile."""

    def __init__(self, tree: repository.Tree, folder: Path) -> None:
        self.tree, self.folder = tree, folder
        self.lock = threading.Lock()
        self.gaps: tuple[Gap, ...] = ()

    def __call__(self) -> Path:
        with self.lock:
            if not self.folder.is_dir():
                self.folder.mkdir()
                self.gaps = repository.stage(self.tree, self.folder)
        return self.folder
