"""What a run reads of the source once its tools are done: routes for dynamic findings, imports for vulnerable packages.

Nothing is read that no finding asks for. What was read is kept with the run, so that it can be judged again.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

import msgspec

from hardgate import asked, identity, import_texts, imports, repository, routes
from hardgate.model import Code, Finding, Kind, Receipt, Use
from hardgate.proofs import Imported, Routes, Unread
from hardgate.wording import flow, plain

_PYPI = "pypi/"
_TOLD = 20
_LARGE = 20_000_000  # bytes of a file that is left out of the scans


def read(tree: repository.Tree, receipts: Iterable[Receipt]) -> Code:
    """What the findings of these receipts ask of the source."""
    findings = [one for receipt in receipts for one in receipt.findings]
    shown = dict.fromkeys(one.location.path for one in findings if one.kind is Kind.DYNAMIC)
    packages = [one for one in findings if one.kind is Kind.DEPENDENCY and one.package]
    return Code(routes=_routes(tree, shown) if shown else None, uses=_uses(tree, packages) if packages else None)


def _routes(tree: repository.Tree, endpoints: Iterable[str]) -> Routes:
    """What the source says of these endpoints; an application may have thousands of others."""
    lost: list[Unread] = []
    # Findings have their paths in plain text as well.
    files = ((plain(path), raw) for path, raw in _files(tree, _is_python, lost))
    table = routes.about(routes.read(files), endpoints)
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
    mine = {name: {path: graphs.get(path) for path in places[key]} for key, name in wanted.items()}
    python = (*_files(tree, _is_python, lost), *_left(tree, _is_python, lost))
    others = itertools.chain(_files(tree, import_texts.counts, lost), _left(tree, import_texts.counts, lost))
    said = imports.read(python, others, mine)
    said.unread = said.unread or next((f"{one.path}: {one.message}" for one in lost), "")
    said.unread = said.unread or next((one.message for one in tree.gaps), "")
    for key, name in wanted.items():
        found[key] = imports.use(name, said, mine[name])
    return {key: _printable(one) for key, one in sorted(found.items())}


def _printable(use: Use) -> Use:
    """A use that every report can hold: names of files and modules may be anything."""
    return msgspec.structs.replace(use, because=flow(use.because), path=plain(use.path), through=plain(use.through))


def _is_python(path: str) -> bool:
    return path.endswith(import_texts.PYTHON)


def _left(tree: repository.Tree, wanted: Callable[[str], bool], lost: list[Unread]) -> Iterator[tuple[str, bytes]]:
    """Files that hardgate.yaml leaves out of every scan: they may be a part of the application."""
    for path in tree.left_out:
        if wanted(path):
            raw = repository.content(tree.root, path, _LARGE + 1)
            if raw is None or len(raw) > _LARGE:
                lost.append(
                    Unread(path=plain(path), line=1, message="it is left out of the scans, and could not be read")
                )
            else:
                yield path, raw


def _files(tree: repository.Tree, wanted: Callable[[str], bool], lost: list[Unread]) -> Iterator[tuple[str, bytes]]:
    """The files of a tree as they were when it was read; into `lost` those that changed since."""
    for entry in tree.entries:
        if wanted(entry.path):
            raw = repository.content(tree.root, entry.path, entry.size + 1)
            if raw is None or hashlib.sha256(raw).hexdigest() != entry.digest:
                lost.append(Unread(path=plain(entry.path), line=1, message="it changed while the run went on"))
            else:
                yield entry.path, raw


def told(code: Code) -> tuple[str, ...]:
    """What of the routes could not be read, as sentences for every report."""
    unread = code.routes.unread if code.routes else ()
    said = [f"route not read: {one.path} line {one.line}: {one.message}" for one in unread[:_TOLD]]
    return (*said, *([f"routes not read: {len(unread) - _TOLD:,} more places"] if len(unread) > _TOLD else []))
