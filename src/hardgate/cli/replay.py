"""Judge stored runs by another policy: what would have been blocked, and what let through. No scanner is started.

Exit code 0: every run was judged again, with the same answer; 1: at least one would have got another answer; 3: at
least one could not be judged again, or there was none. Nothing is stored.
"""

from __future__ import annotations

import argparse
import datetime
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from hardgate.cli import common
from hardgate.cli.judged import policy_of
from hardgate.cli.replaying import Change, Replayed, replay
from hardgate.errors import ConfigError, Error
from hardgate.exceptions import documents
from hardgate.model import ExitCode, Policy
from hardgate.wording import count, flow, plain

if TYPE_CHECKING:
    from hardgate.store import RunRow, Store

_ALL = 1_000_000  # runs: the period limits them
_LAST = re.compile(r"([0-9]{1,5})([dh])")
_WORDS = {
    Change.SAME: "",
    Change.BLOCKED: "would have been blocked",
    Change.LET_THROUGH: "would have been let through",
    Change.OTHER: "blocked either way",
    Change.NOT_JUDGED: "not judged again",
}


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `hardgate replay`."""
    parser.add_argument("--policy", metavar="FILE", required=True, help="a hardgate.yaml with the other policy")
    parser.add_argument("--last", metavar="PERIOD", default="90d", help="runs of so long: 90d, 12h (default: 90d)")
    parser.add_argument("--path", metavar="PATH", help="only runs of this folder")
    parser.add_argument("--json", action="store_true", help="as JSON")


def main(args: argparse.Namespace) -> int:
    """Judge again and compare."""
    since = _since(args.last)
    policy = common.load_pipeline(Path(args.policy).parent, args.policy).policy
    root = str(common.root_of(args.path)) if args.path else None
    with common.open_store() as store:
        rows = [row for row in store.runs(root=root, limit=_ALL) if row.started >= since]
        found = [_one(store, row, policy) for row in rows]
    totals = {change: sum(one.change is change for one in found) for change in Change}
    if args.json:
        common.print_json(msgspec.to_builtins({"since": since, "runs": found, "totals": totals}))
    else:
        _print(found, totals, since)
    if not found or totals[Change.NOT_JUDGED]:
        return ExitCode.INCOMPLETE
    return ExitCode.PASS if totals[Change.SAME] == len(found) else ExitCode.FAIL


def _since(last: str) -> str:
    match = _LAST.fullmatch(last)
    if match is None:
        raise ConfigError(f"--last {plain(last)!r} is no period", hint="Nothing was judged. Write it as 90d or 12h.")
    unit = {"d": "days", "h": "hours"}[match[2]]
    moment = datetime.datetime.now(datetime.UTC) - datetime.timedelta(**{unit: int(match[1])})
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _one(store: Store, row: RunRow, policy: Policy) -> Replayed:
    """A run by both policies; one that cannot be read is told of, and does not end the others."""
    try:
        run = store.run(row.id)
        # The files of exceptions are the run's, whatever the policy: they are what the repository had.
        other = documents.in_force(policy, run.exceptions)
        return replay(run, policy_of(run), store.verdict(row.id), other)
    except Error as error:
        return Replayed(
            run=row.id,
            started=row.started,
            commit=row.commit,
            change=Change.NOT_JUDGED,
            then=row.outcome,
            why=flow(str(error)),
        )


def _print(found: Sequence[Replayed], totals: dict[Change, int], since: str) -> None:
    if not found:
        print(f"No run was begun since {since}: nothing was judged.")
        return
    print(f"{'run':<24} {'commit':<12} {'then':<17} {'by the other policy':<20}")
    for one in found:
        then, now = _cell(one.then, one.then_blocking), _cell(one.now, one.now_blocking)
        print(f"{plain(one.run):<24} {plain(one.commit[:12]):<12} {then:<17} {now:<20} {_WORDS[one.change]}".rstrip())
        if one.why:
            print(f"{'':<24} {plain(one.why)}")
    print(f"\n{count(len(found), 'run')} since {since}: {totals[Change.SAME]} with the same answer,")
    parts = [f"{totals[change]} {_WORDS[change]}" for change in Change if change is not Change.SAME]
    print(f"{', '.join(parts)}.")


def _cell(outcome: object, blocking: int) -> str:
    if outcome is None:
        return "-"
    return f"{outcome} ({blocking} block)" if blocking else f"{outcome}"
