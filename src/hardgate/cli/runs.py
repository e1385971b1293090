"""List the stored runs, the newest first."""

from __future__ import annotations

import argparse

import msgspec

from hardgate.cli import common
from hardgate.model import ExitCode, RunState


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `hardgate runs`."""
    parser.add_argument("--path", metavar="PATH", help="only runs of this folder")
    parser.add_argument("--state", choices=[state.value for state in RunState], help="only runs that ended so")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="at most so many (default: 20)")
    parser.add_argument("--json", action="store_true", help="as JSON")


def main(args: argparse.Namespace) -> int:
    """Print the runs."""
    root = str(common.root_of(args.path)) if args.path else None
    with common.open_store() as store:
        rows = store.runs(root=root, state=RunState(args.state) if args.state else None, limit=args.limit)
    if args.json:
        common.print_json([msgspec.structs.asdict(row) for row in rows])
        return ExitCode.PASS
    if not rows:
        print("No run is stored yet. Make one: hardgate run")
    for row in rows:
        verdict = row.outcome.value if row.outcome else row.state.value
        commit = row.commit[:12] or "no commit"
        number = "?" if row.counts is None else str(sum(row.counts.values()))
        print(f"{row.id}  {verdict:<11}  {row.pipeline:<20}  {commit:<12}  {number:>5} findings  {row.started}")
    return ExitCode.PASS
