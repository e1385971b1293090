"""Manifests in the tree under scan: which of them name packages that no lock file pins."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from hardgate import locks, repository
from hardgate.repository import Tree

_LIMIT = 50_000_000  # bytes of a lock file that is read for its members


def settled(tree: Tree) -> frozenset[str]:
    """The manifests that name no package, or that have a lock file beside them or in a workspace's folder above."""
    names = {entry.path for entry in tree.entries}
    return frozenset(path for path in names if locks.is_manifest(path) and _is_settled(tree.root, path, names))


def _is_settled(root: Path, path: str, names: Collection[str]) -> bool:
    if not locks.unlocked(path, names):
        return True
    content = repository.content(root, path, _LIMIT)
    if content is None:
        return False  # it is a gap already that the file could not be read
    if not locks.declares(path, content):
        return True
    above = ((repository.content(root, lock, _LIMIT), member) for lock, member in locks.above(path, names))
    return any(locks.names_member(lock or b"", member) for lock, member in above)
