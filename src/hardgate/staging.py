"""The private copy of the tree that the scanners of one run look at, made when the first of them needs it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from hardgate import repository
from hardgate.adapter import Scanner
from hardgate.model import Gap


class Stager:
    """Makes the copy once; `gaps` are the files that changed meanwhile."""

    def __init__(self, tree: repository.Tree, folder: Path) -> None:
        self.tree, self.folder = tree, folder
        self.lock = threading.Lock()
        self.gaps: tuple[Gap, ...] = ()
        self.made = False

    def __call__(self) -> Path:
        with self.lock:
            if not self.made:
                # FileExistsError where an earlier try broke off: nobody looks at half of a tree.
                self.folder.mkdir()
                self.gaps = repository.stage(self.tree, self.folder)
                self.made = True
        return self.folder


def recognised(scanner: Scanner, staged: Callable[[], Path], entry: repository.Entry) -> bool:
    """Whether a file that a scanner selects by its name is its business by its content too; a configuration always is.

    A file that could not be copied is: the gap that says so shall belong to somebody.
    """
    if scanner.recognises is None or not scanner.selects(entry.path):
        return True
    copy = staged() / entry.private
    return not copy.exists() or scanner.recognises(entry.path, copy.read_bytes())
