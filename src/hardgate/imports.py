"""Whether the application imports a distribution.

"Not imported" is said only where all is known: the names of the distribution's modules, every file of the tree, who
else asks for it (asked.py) or takes it where it is there (import_peers.py) and is not imported either, and that nothing
may load or start it by a name. Everything else is unknown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache

from hardgate import import_reading
from hardgate.asked import Graph, plain
from hardgate.import_names import NAMES
from hardgate.import_peers import PEERS, STARTED
from hardgate.import_reading import Place, Tree
from hardgate.proofs import Imported, Use

Graphs = Mapping[str, Graph | None]


def names(distribution: str) -> tuple[tuple[str, ...], bool]:
    """The modules of a distribution, and whether these are known, or only what it usually would be."""
    known = NAMES.get(distribution)
    return known or (distribution.replace("-", "_"),), known is not None


def above(distribution: str, graph: Graph | None) -> tuple[str, ...]:
    """The distributions that ask for this one, and those that ask for them, nearest first."""
    return tuple(_reached([distribution], graph or {}))


def _reached(starts: Iterable[str], edges: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """All that edges lead to from some starts, nearest first, each with what led there; not the starts."""
    waiting = list(starts)
    known, found = set(waiting), dict[str, str]()
    for one in waiting:  # it grows while it is read
        for other in sorted(edges.get(one, ())):
            if other not in known:
                known.add(other)
                found[other] = one
                waiting.append(other)
    return found


def _takers(distribution: str, graphs: Graphs) -> tuple[str, ...]:
    """What is listed beside a distribution and may import it, or what does: by asking for it, or where it is there."""
    back: defaultdict[str, set[str]] = defaultdict(set)
    for one, others in _edges(graphs, ()).items():
        for other in others:
            back[other].add(one)
    return tuple(_reached([distribution], back))


def _edges(graphs: Graphs, more: Iterable[str]) -> dict[str, set[str]]:
    """From each distribution that is listed, or one of `more`, to those listed that it asks for, or may import."""
    listed = _listed(graphs)
    edges = {one: set(PEERS.get(one, ())) & listed for one in (*listed, *more)}
    for graph in graphs.values():
        for child, parents in (graph or {}).items():
            for parent in parents:
                edges.setdefault(parent, set()).add(child)
    return edges


def _listed(graphs: Graphs) -> set[str]:
    return {one for graph in graphs.values() for one in graph or ()}


def read(
    python: Iterable[tuple[str, bytes]], others: Iterable[tuple[str, bytes]], wanted: Mapping[str, Graphs]
) -> Tree:
    """What Python files and other texts say of the distributions `wanted`, each with the graphs of its lists."""
    asked = {one for name, graphs in wanted.items() for one in (name, *_takers(name, graphs))}
    asked |= {one for graphs in wanted.values() for one in _listed(graphs) if one not in PEERS}
    words = {word for one in asked for word in (one, one.replace("-", "_"), *names(one)[0])}
    return import_reading.read(python, others, words, _owners().keys() - _shared())


@cache
def _owners() -> dict[str, tuple[str, ...]]:
    """From the first name of a module to the distributions that bring modules below it."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, modules in NAMES.items():
        for module in modules:
            found[module.partition(".")[0]].append(name)
    return {top: tuple(dict.fromkeys(owners)) for top, owners in found.items()}


@cache
def _shared() -> frozenset[str]:
    """First names below which many distributions have modules: `google`."""
    return frozenset(name.partition(".")[0] for modules in NAMES.values() for name in modules if "." in name)


def use(distribution: str, tree: Tree, graphs: Graphs) -> Use:
    """Whether the tree imports a distribution; `graphs` are those of the files that list it, by path."""
    if found := tree.finds(names(distribution)[0]):
        return _yes(found, "")
    for graph in graphs.values():
        for parent in above(distribution, graph):
            if found := tree.finds(names(parent)[0]):
                return _yes(found, parent)
    if doubt := next(_doubts(distribution, tree, graphs), ""):
        return Use(imported=Imported.UNKNOWN, because=doubt)
    modules = " or ".join(names(distribution)[0])
    return Use(imported=Imported.NO, because=f"no file imports {modules}, nor what asks for it")


def _yes(found: tuple[str, Place], through: str) -> Use:
    dotted, (path, line) = found
    asks = f", and {through} asks for it" if through else ""
    because = f"{path} line {line} imports {dotted}{asks}"
    return Use(imported=Imported.YES, because=because, path=path, line=line, through=through)


def _doubts(distribution: str, tree: Tree, graphs: Graphs) -> Iterator[str]:
    """Why it cannot be said that nothing imports a distribution that no import names."""
    if tree.unread:
        yield tree.unread
    if tree.hidden:
        path, line = tree.hidden
        yield f"{path} line {line} may import what only the running program knows"
    silent = [path for path, graph in graphs.items() if graph is None or distribution not in graph]
    if silent or not graphs:
        yield f"{silent[0] if silent else 'no file'} does not say which packages ask for it"
    takers = _takers(distribution, graphs)
    for one in (distribution, *takers):
        yield from _loaded(one, tree)
    listed = _listed(graphs)
    yield from _strange(tree, listed)
    yield from _alive(distribution, tree, graphs, listed)
    for one in (distribution, *takers):
        if one in STARTED:
            brings = f"{one} brings commands or plug-ins, and may be started, or loaded, by a name that no file has"
            yield brings if one == distribution else f"{brings}; it may import {distribution}"


def _loaded(one: str, tree: Tree) -> Iterator[str]:
    """Why a distribution may be loaded under a name, or without one, that is not known."""
    modules, known = names(one)
    if not known:
        yield f"under which names {one} is imported is not known"
    if tree.modules & {name.partition(".")[0] for name in modules}:
        yield f"the tree has a module called like one of {one}"
    if place := tree.names({one, one.replace("-", "_"), *modules}):
        yield f"{place[0]} line {place[1]} names {one}: it may be loaded, or started, by its name"
    if one not in PEERS:
        yield f"whether {one} brings commands or plug-ins that load it is not known"


def _strange(tree: Tree, listed: Collection[str]) -> Iterator[str]:
    """What is imported or installed of which nobody knows what it imports."""
    own = {name.partition(".")[0] for one in listed for name in names(one)[0]}
    for top, (path, line) in tree.tops.items():
        if not (top in own or top in _owners() or top in tree.modules) or (top in _shared() and not _whole(top, tree)):
            yield f"{path} line {line} imports {top}, and nobody says what that is"
    for name, (path, line) in tree.installed.items():
        if plain(name) not in listed:
            yield f"{path} line {line} installs {name} beside what is listed"


def _whole(top: str, tree: Tree) -> bool:
    """Whether all that is imported below a shared first name is of known distributions."""
    modules = [name for known in NAMES.values() for name in known if name.startswith(f"{top}.")]
    found = [dotted for dotted in tree.imports if dotted.partition(".")[0] == top]
    return bool(found) and all(
        any(f"{dotted}.".startswith(f"{name}.") or name.startswith(f"{dotted}.") for name in modules)
        for dotted in found
    )


def _alive(distribution: str, tree: Tree, graphs: Graphs, listed: Collection[str]) -> Iterator[str]:
    """What of all that is imported may import a distribution, or imports what is not known."""
    starts = _starts(tree, listed)
    led = _reached(starts, _edges(graphs, starts))
    if distribution in led or distribution in starts:
        yield _way(distribution, led, starts)
    for one in (*starts, *led):
        if one not in PEERS:
            yield f"{_way(one, led, starts)}, and what else that imports is not known"


def _starts(tree: Tree, listed: Collection[str]) -> dict[str, Place]:
    """The distributions that files import, and those named of which little is known, each with a place."""
    owners = {top: set(known) for top, known in _owners().items()}
    for one in listed:
        for name in names(one)[0]:
            owners.setdefault(name.partition(".")[0], set()).add(one)
    starts: dict[str, Place] = {}
    for top, place in tree.tops.items():
        several = owners.get(top, set())
        for one in sorted(several.intersection(listed) or several):
            starts.setdefault(one, place)
    for one in sorted(listed):
        if one not in PEERS and (found := tree.names({one, *names(one)[0]})):
            starts.setdefault(one, found)
    return starts


def _way(one: str, led: Mapping[str, str], starts: Mapping[str, Place]) -> str:
    """How an import leads to a distribution, as a sentence."""
    start, through = one, list[str]()
    while start in led:
        start = led[start]
        through.insert(0, start)
    path, line = starts[start]
    if not through:
        return f"{path} line {line} may import {one}"
    return f"{path} line {line} may import {through[0]}, and {through[-1]} takes {one} where it is there"
