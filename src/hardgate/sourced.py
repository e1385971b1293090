"""What a run reads of the source once its tools are done: routes for dynamic findings, imports for vulnerable packages.

Nothing is read that no finding asks for. What was read is kept with the run, so that it can be judged again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from hardgate import identity, repository, routes
from hardgate.model import Code, Finding, Kind, Receipt
from hardgate.proofs import Routes, Unread

_PYTHON = (".py", ".pyw")


def read(tree: repository.Tree, receipts: Iterable[Receipt]) -> Code:
    """What the findings of these receipts ask of the source."""
    findings = [one for receipt in receipts for one in receipt.findings]
    return Code(routes=_routes(tree) if any(one.kind is Kind.DYNAMIC for one in findings) else None)


def _routes(tree: repository.Tree) -> Routes:
    lost: list[Unread] = []
    table = routes.read(list(_files(tree, lost)))
    return Routes(routes=table.routes, unread=(*table.unread, *lost)) if lost else table


def _files(tree: repository.Tree, lost: list[Unread]) -> Iterator[tuple[str, bytes]]:
    """The Python files of a tree as they were when it was read; into `lost` those that changed since."""
    for entry in tree.entries:
        if entry.path.endswith(_PYTHON):
            raw = repository.content(tree.root, entry.path, entry.size + 1)
            if raw is None or hashlib.sha256(raw).hexdigest() != entry.digest:
                lost.append(Unread(path=entry.path, line=1, message="it changed while the run went on"))
            else:
                yield entry.path, raw


def told(code: Code) -> tuple[str, ...]:
    """What could not be read, as sentences for every report."""
    return tuple(f"route not read: {one.path} line {one.line}: {one.message}" for one in _unread(code))


def _unread(code: Code) -> tuple[Unread, ...]:
    return code.routes.unread if code.routes else ()


__all__ = ["Finding", "identity", "read", "told"]
