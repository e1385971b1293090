"""Which finding of a newer run is which one of an older run: compared by one algorithm at a time, from strong to weak.

A finding of the older run is looked for where git says that its file is now. Two findings are the same when they are
equal by one algorithm; each is paired once. What is about a package or a secret is compared by its own fields, so that
a run that an older release stored is understood whole; code by its fingerprints.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

import msgspec

from hardgate.algorithms import ALGORITHMS, about, algorithm
from hardgate.identity.naming import aliases, pypi_name, unversioned
from hardgate.model import Finding, Kind

_ORDER = tuple(one.name for one in ALGORITHMS)
# Whose digests hold the path of their own time: they do not follow a file to its new name.
_ROOTED = frozenset({"dependency/v1", "code/v1", "secret/v1"})
# The line was rewritten: only its function, class or block says that it is the same.
_REWRITTEN = frozenset({"scope/v1"})


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A finding of the older run and the same one of the newer run; `by` is the algorithm that says so."""

    older: Finding
    newer: Finding
    by: str

    @property
    def rewritten(self) -> bool:
        """Whether the finding's own line has changed, so that one may as well call it a new finding."""
        return self.by in _REWRITTEN


class Pairing(msgspec.Struct, frozen=True, kw_only=True):
    """Two runs compared: `same` in the order of the newer run, `gone` only in the older, `new` only in the newer."""

    same: tuple[Pair, ...] = ()
    gone: tuple[Finding, ...] = ()
    new: tuple[Finding, ...] = ()


def pair(older: Sequence[Finding], newer: Sequence[Finding], renames: Mapping[str, str]) -> Pairing:
    """Compare the merged findings of two runs. `renames` maps a path of the older tree to that in the newer one.

    Runs of an older release are compared by the algorithms that both have: that is how an algorithm is replaced by its
    next version. Time and memory grow with the number of fingerprints. An issue that a test confirmed is compared by
    the findings it was made of: being confirmed does not make it another, so that it may be paired with several.
    """
    if any(one.joined for run in (older, newer) for one in run):
        return _together(older, newer, renames)
    return _singly(older, newer, renames)


def _together(older: Sequence[Finding], newer: Sequence[Finding], renames: Mapping[str, str]) -> Pairing:
    """The pairs of what issues were made of, each end put back into its issue."""
    owners = [{id(part): one for one in run for part in one.joined or (one,)} for run in (older, newer)]
    parts = [[part for one in run for part in one.joined or (one,)] for run in (older, newer)]
    found = _singly(parts[0], parts[1], renames)
    pairs: dict[tuple[int, int], Pair] = {}
    for one in found.same:
        old, new = owners[0][id(one.older)], owners[1][id(one.newer)]
        pairs.setdefault((id(old), id(new)), Pair(older=old, newer=new, by=one.by))
    there = [{pair[end] for pair in pairs} for end in (0, 1)]
    return Pairing(
        same=tuple(pairs.values()),
        gone=tuple(one for one in older if id(one) not in there[0]),
        new=tuple(one for one in newer if id(one) not in there[1]),
    )


def _singly(older: Sequence[Finding], newer: Sequence[Finding], renames: Mapping[str, str]) -> Pairing:
    matched: dict[int, tuple[int, str]] = {}  # place in newer -> place in older, algorithm
    taken: set[int] = set()
    keys = {key for one in older for key in _value_keys(one)} | {""}
    for name in _order(older, newer):
        waiting: defaultdict[Hashable, deque[int]] = defaultdict(deque)
        for place, finding in enumerate(older):
            if place not in taken:
                for key in _older_keys(finding, name, renames):
                    waiting[key].append(place)
        for place, finding in enumerate(newer) if waiting else ():
            if place not in matched:
                found = _first((waiting.get(key) for key in _newer_keys(finding, name, keys)), taken)
                if found is not None:
                    matched[place] = (found, name)
                    taken.add(found)
    same = tuple(Pair(older=older[old], newer=newer[place], by=by) for place, (old, by) in sorted(matched.items()))
    gone = tuple(finding for place, finding in enumerate(older) if place not in taken)
    return Pairing(same=same, gone=gone, new=tuple(one for place, one in enumerate(newer) if place not in matched))


def _order(older: Iterable[Finding], newer: Iterable[Finding]) -> list[str]:
    """The algorithms that both runs have: those we know from strong to weak, then those of other releases."""
    both = [{algorithm(name) for one in run for name in one.fingerprints} for run in (older, newer)]
    shared = both[0] & both[1]
    return [name for name in _ORDER if name in shared] + sorted(shared - set(_ORDER))


def _older_keys(finding: Finding, name: str, renames: Mapping[str, str]) -> Iterator[Hashable]:
    """What a finding of the older run is called by one algorithm, its witnesses included, where its file is now."""
    path = renames.get(finding.location.path, finding.location.path)
    if name != "secret/v1" or finding.kind is not Kind.SECRET:
        yield from _keys(finding, name, path)
        return
    for rule in _rules(finding):
        for key in _value_keys(finding) or [""]:
            yield (path, finding.location.commit, rule, key)


def _newer_keys(finding: Finding, name: str, keys: Iterable[str]) -> Iterator[Hashable]:
    """The same of a finding of the newer run.

    A secret is compared by rule and path only with one that has no hash by a key that it has one by: `secret/v2` came
    first, so those two have other values. A value that replaced another is a new secret.
    """
    if name != "secret/v1" or finding.kind is not Kind.SECRET:
        yield from _keys(finding, name, finding.location.path)
        return
    mine = _value_keys(finding)
    for rule in _rules(finding):
        for key in sorted(set(keys) - set(mine)):
            yield (finding.location.path, finding.location.commit, rule, key)


def _keys(finding: Finding, name: str, path: str) -> Iterator[Hashable]:
    if name == "dependency/v1" and finding.package:
        purl = unversioned(finding.package.purl) or f"{finding.package.ecosystem}/{pypi_name(finding.package.name)}"
        yield from ((path, purl, alias) for alias in aliases(finding) or [finding.rule])
        return
    rules = _rules(finding) if name == "line/v1" else [""]  # it says nothing of the rule
    for full, value in finding.fingerprints.items():
        if algorithm(full) == name:
            if name in _ROOTED or name == "image/v1":
                yield value
            else:
                yield from ((path, rule, value) for rule in rules)


def _rules(finding: Finding) -> list[str]:
    return sorted({finding.rule, *(one.rule for one in finding.witnesses)})


def _value_keys(finding: Finding) -> list[str]:
    """The names of the keys that the value of a secret was hashed with."""
    return sorted({about(name) for name in finding.fingerprints if algorithm(name) == "secret/v2"})


def _first(queues: Iterable[deque[int] | None], taken: set[int]) -> int | None:
    """The first place of the queues that is free."""
    for places in queues:
        while places:
            if places[0] not in taken:
                return places[0]
            places.popleft()
    return None


def why(older: Finding, newer: Finding, renames: Mapping[str, str]) -> list[tuple[str, bool | None]]:
    """For each algorithm whether it takes two findings for the same; None where one of them has no such fingerprint."""
    answers: list[tuple[str, bool | None]] = []
    known = [*_value_keys(older), ""]
    for name in _ORDER:
        left, right = set(_older_keys(older, name, renames)), set(_newer_keys(newer, name, known))
        if left or right:
            answers.append((name, bool(left & right) if left and right else None))
    return answers


def inherit(pairing: Pairing) -> tuple[Finding, ...]:
    """The newer findings, the paired ones first, each of these with the ids that its partner had, as `was/ALGORITHM`.

    So what was written down by an older id (a waiver, a baseline) finds it, also when the file has another name since.
    """
    known: dict[int, Finding] = {}
    for one in pairing.same:
        mine = known.get(id(one.newer), one.newer)  # an issue may have several partners
        known[id(one.newer)] = msgspec.structs.replace(mine, fingerprints=mine.fingerprints | _former(one.older, mine))
    return (*known.values(), *pairing.new)


def _former(older: Finding, newer: Finding) -> dict[str, str]:
    known = set(newer.fingerprints.values())
    names = ((name, value) for name, value in older.fingerprints.items() if algorithm(name) in _ROOTED)
    return {f"was/{name.removeprefix('was/')}": value for name, value in names if value not in known}


def translate(ids: Iterable[str], pairing: Pairing) -> dict[str, str]:
    """For each id of the older run that of the newer; one that names nothing there, or several things, is left out.

    This is how stored ids go over to a new algorithm: the id may be any fingerprint, whole or its first 16 digits.
    """
    known: defaultdict[str, set[str]] = defaultdict(set)
    for one in pairing.same:
        for value in (one.older.id, *one.older.fingerprints.values()):
            for word in (value, value[:16]):
                known[word].add(one.newer.id)
    return {one: next(iter(known[one])) for one in ids if len(known.get(one, ())) == 1}
