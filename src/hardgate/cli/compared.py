"""Why two ids are one finding or two: of one run, or of two runs that git knows the files between."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hardgate import git, identity
from hardgate.algorithms import made_of, names_one
from hardgate.cli import common
from hardgate.errors import ConfigError
from hardgate.model import ExitCode, Finding, Run
from hardgate.store import Store
from hardgate.wording import place, plain


class _Named(NamedTuple):
    """What an id names: a finding of a run."""

    run: Run
    finding: Finding


class _Answer(NamedTuple):
    """Whether two ids name one finding, and why, a sentence each."""

    one: bool
    reasons: list[str]


def main(args: argparse.Namespace) -> int:
    """Print whether the two ids name one finding, and why."""
    with common.open_store() as store:
        run = common.stored_run(store, args.run, args.path)
        first, second = (_find(store, run, word) for word in (args.id, args.other))
    if first.run.id != second.run.id and first.run.started > second.run.started:
        first, second = second, first
    answer = _within(first, second) if first.run.id == second.run.id else _between(first, second)
    if args.json:
        shown = [{"run": one.run.id, "id": one.finding.id} for one in (first, second)]
        common.print_json({"one": answer.one, "reasons": answer.reasons, "findings": shown})
    else:
        print("\n".join(_page(first, second, answer)))
    return ExitCode.PASS


def named(run: Run, wanted: str) -> list[Finding]:
    """The findings of a run that an id, or its beginning, names: their own ids first, then those of their witnesses."""
    if not wanted:
        return []
    if found := [one for one in run.findings if one.id.startswith(wanted)]:
        return found
    return [
        one
        for one in run.findings
        if any(names_one(name) and value.startswith(wanted) for name, value in one.fingerprints.items())
    ]


def _find(store: Store, run: Run, wanted: str) -> _Named:
    """What an id names in this run, or else in the newest run of the folder that has it."""
    found = [_Named(run, one) for one in named(run, wanted)]
    if not found:
        earlier = store.find_finding(run.root, wanted)
        newest = earlier[0][0] if earlier else ""
        found = [_Named(common.stored_run(store, name, ""), one) for name, one in earlier if name == newest]
    if not found:
        raise ConfigError(f"no run of {plain(run.root)} has a finding {plain(wanted)}", hint="List: hardgate findings")
    if len({one.finding.id for one in found}) > 1:
        ids = ", ".join(sorted({one.finding.id for one in found})[:10])
        raise ConfigError(f"{len(found)} findings begin with {plain(wanted)}: {ids}", hint="Give more of the id.")
    return found[0]


def _within(first: _Named, second: _Named) -> _Answer:
    """Two ids of one run: they are one when one finding has both, that is when its witnesses say the same."""
    one, other = first.finding, second.finding
    if one.id != other.id:
        return _Answer(one=False, reasons=identity.difference(one, other) or ["nothing says that they are one"])
    seen = [f"{witness.scanner} {plain(witness.rule)}" for witness in one.witnesses]
    if len(seen) == 1:
        return _Answer(one=True, reasons=[f"both are ids of what {seen[0]} reports"])
    return _Answer(one=True, reasons=[f"{', '.join(seen)} say the same of the same place, and are its witnesses"])


def _between(first: _Named, second: _Named) -> _Answer:
    """Findings of two runs: they are one when comparing the runs makes them a pair."""
    renames, unknown = _renames(first.run, second.run)
    pairing = identity.pair(first.run.findings, second.run.findings, renames)
    pairs = {(pair.older.id, pair.newer.id): pair.by for pair in pairing.same}
    by = pairs.get((first.finding.id, second.finding.id), "")
    reasons = [f"their {by} is the same: {made_of(by)}"] if by else []
    for name, same in identity.why(first.finding, second.finding, renames):
        if name != by:
            reasons.append(f"{name} {_SAID[same]}: {made_of(name)}")
    partners = [new for old, new in pairs if old == first.finding.id] + [
        old for old, new in pairs if new == second.finding.id
    ]
    if not by:
        reasons += [f"its like in the other run is {partner}" for partner in partners]
    moved = renames.get(first.finding.location.path, "")
    if moved:
        reasons.append(f"git says that {plain(first.finding.location.path)} is {plain(moved)} now")
    return _Answer(one=bool(by), reasons=[*reasons, *unknown])


_SAID = {True: "is the same too", False: "differs", None: "is not known of both"}


def _renames(older: Run, newer: Run) -> tuple[dict[str, str], list[str]]:
    """What git says was renamed between the commits of two runs; else a sentence that says why nobody knows."""
    if older.commit == newer.commit:
        return {}, []
    place = git.around(Path(newer.root)) if Path(newer.root).is_dir() else None
    if place is None or not (older.commit and newer.commit):
        return {}, ["renamed files are not known: a run is outside git, or its folder is not there any more"]
    work, dot = place
    prefix = Path(newer.root).resolve().relative_to(work.resolve()).as_posix()
    with tempfile.TemporaryDirectory(prefix="hardgate-") as folder:
        private = git.borrow(dot, Path(folder) / "git")
        return git.renames(private, older.commit, newer.commit, "" if prefix == "." else f"{prefix}/"), []


def _page(first: _Named, second: _Named, answer: _Answer) -> Iterator[str]:
    yield "one finding" if answer.one else "two findings"
    shown = [first] if first == second else [first, second]
    for run, finding in shown:
        yield f"  {finding.id}  {plain(finding.rule)}  {place(finding.location)}  (run {run.id})"
    yield "because"
    yield from (f"  {reason}" for reason in answer.reasons)
    yield "their ids"
    for one in shown:
        yield f"  {one.finding.id}"
        yield from (f"    {plain(name)}: {value}" for name, value in one.finding.fingerprints.items())
