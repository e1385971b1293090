"""What a run reads of the source once its tools are done: routes for dynamic findings, imports for vulnerable packages.

Nothing is read that no finding asks for. What was read is kept with the run, so that it can be judged again.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from hardgate import asked, identity, imports, locks, pins, repository, routes
from hardgate.model import Code, Finding, Kind, Receipt, Use
from hardgate.proofs import Imported, Routes, Unread

_PYTHON = (".py", ".pyw")
_PYPI = "pypi/"
_TOLD = 20
# Words about the application, and not of it.
_PROSE = (".md", ".rst", ".adoc", ".svg", ".css", ".lock")


def read(tree: repository.Tree, receipts: Iterable[Receipt]) -> Code:
    """What the findings of these receipts ask of the source."""
    findings = [one for receipt in receipts for one in receipt.findings]
    shown = dict.fromkeys(one.location.path for one in findings if one.kind is Kind.DYNAMIC)
    packages = [one for one in findings if one.kind is Kind.DEPENDENCY and one.package]
    return Code(routes=_routes(tree, shown) if shown else None, uses=_uses(tree, packages) if packages else None)


def _routes(tree: repository.Tree, endpoints: Iterable[str]) -> Routes:
    """What the source says of these endpoints; an application may have thousands of others."""
    lost: list[Unread] = []
    table = routes.about(routes.read(_files(tree, _is_python, lost)), endpoints)
    return Routes(routes=table.routes, unread=(*table.unread, *lost)) if lost else table


def _uses(tree: repository.Tree, findings: Iterable[Finding]) -> dict[str, Use]:
    """The use of each package that a finding is about, by its key."""
    places: defaultdict[str, set[str]] = defaultdict(set)
    for one in findings:
        places[identity.package_key(one)].add(one.location.path)
    found = {
        key: Use(
            imported=Imported.UNKNOWN, because=f"imports of {key.partition('/')[0] or 'such'} packages are not read"
        )
        for key in places
        if not key.startswith(_PYPI)
    }
    wanted = {key: key.removeprefix(_PYPI) for key in places if key not in found}
    if not wanted:
        return found
    lost: list[Unread] = []
    listed = {path for key in wanted for path in places[key]}
    graphs = {path: asked.read(path, raw) for path, raw in _files(tree, listed.__contains__, lost)}
    around = [
        one for name in wanted.values() for graph in graphs.values() for one in (name, *imports.above(name, graph))
    ]
    said = imports.read(_files(tree, _is_python, lost), _files(tree, _is_text, lost), [*wanted.values(), *around])
    said.unread = said.unread or next((one.path for one in lost), "")
    for key, name in wanted.items():
        mine = {path: graphs.get(path) for path in places[key]}
        found[key] = imports.use(name, said, mine)
    return dict(sorted(found.items()))


def _is_python(path: str) -> bool:
    return path.endswith(_PYTHON)


def _is_text(path: str) -> bool:
    """Whether a file may start or load a package by its name: no list of packages, and no prose."""
    name = path.rpartition("/")[2].lower()
    lists = pins.is_requirements(path) or locks.is_manifest(path) or name.endswith((".in", "requirements.txt"))
    ours = path == "hardgate.yaml" or path.startswith(".hardgate/")
    return not (_is_python(path) or lists or ours or name.endswith(_PROSE) or name.startswith(("license", "changelog")))


def _files(tree: repository.Tree, wanted: Callable[[str], bool], lost: list[Unread]) -> Iterator[tuple[str, bytes]]:
    """The files of a tree as they were when it was read; into `lost` those that changed since."""
    for entry in tree.entries:
        if wanted(entry.path):
            raw = repository.content(tree.root, entry.path, entry.size + 1)
            if raw is None or hashlib.sha256(raw).hexdigest() != entry.digest:
                lost.append(Unread(path=entry.path, line=1, message="it changed while the run went on"))
            else:
                yield entry.path, raw


def told(code: Code) -> tuple[str, ...]:
    """What of the routes could not be read, as sentences for every report."""
    unread = code.routes.unread if code.routes else ()
    said = [f"route not read: {one.path} line {one.line}: {one.message}" for one in unread[:_TOLD]]
    return (*said, *([f"routes not read: {len(unread) - _TOLD:,} more places"] if len(unread) > _TOLD else []))
