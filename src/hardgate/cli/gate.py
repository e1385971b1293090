"""Judge evidence again, offline: a stored run, or a folder of receipts that other machines wrote.

A stored run is judged by the hardgate.yaml and at the time that it was made with: the answer is the same, byte for
byte. --today judges it as of now, so that waivers which have ended since waive nothing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hardgate import gate
from hardgate.cli import common, judging
from hardgate.cli.judged import add_base, beside, policy_of, read
from hardgate.cli.output import add_reports, deliver, files_below, own_files, reports_of
from hardgate.errors import ConfigError
from hardgate.model import Pipeline, Run

if TYPE_CHECKING:
    from hardgate.store import Store


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `hardgate gate`."""
    common.add_path(parser)
    parser.add_argument("--run", metavar="ID", help="the run, or the beginning of its id (default: the newest here)")
    parser.add_argument("--receipts", metavar="DIR", help="judge the receipts in this folder")
    parser.add_argument("--config", metavar="FILE", help="with --receipts: another file than PATH/hardgate.yaml")
    parser.add_argument("--today", action="store_true", help="judge a stored run as of now, not as of its end")
    parser.add_argument("--no-override", action="store_true", help="use no override, also where one is granted")
    add_base(parser)
    add_reports(parser)


def main(args: argparse.Namespace) -> int:
    """Judge and report."""
    if args.receipts and args.run:
        raise ConfigError("--run and --receipts name two different kinds of evidence", hint="Give one of them.")
    if args.config and not args.receipts:
        hint = "A stored run is judged by the hardgate.yaml that it was made with: leave --config out."
        raise ConfigError("--config goes with --receipts", hint=hint)
    if args.base is not None and not args.receipts:
        hint = "A stored run is judged by the base that it was made with: leave --base out."
        raise ConfigError("--base goes with --receipts", hint=hint)
    from hardgate import assembling  # noqa: PLC0415 (slow to import: help does not wait for it)

    with common.open_store() as store:
        if args.receipts:
            run, pipeline = _handed_in(args, store)
            store.save(run)
        else:
            run = common.stored_run(store, args.run, args.path)
            pipeline = common.pipeline_of(run)
        now = assembling.now() if args.today or not run.finished else run.finished
        policy = policy_of(run)
        verdict = gate.decide(run, policy, now=now)
        verdict, line = judging.settle(store, run, verdict, policy, use=not args.no_override)
    deliver(args, run, verdict, reports_of(args, pipeline, Path(run.root)) if args.report else {})
    sys.stdout.flush()
    judging.tell(line, quiet=args.quiet)
    return verdict.exit_code


def _handed_in(args: argparse.Namespace, store: Store) -> tuple[Run, Pipeline]:
    from hardgate import assembling  # noqa: PLC0415 (loaded where it is needed)

    root = common.root_of(args.path)
    pipeline = common.load_pipeline(root, args.config)
    leave = own_files(root, files_below(args.receipts))
    basis = beside(read(args, root, pipeline, assembling.now()), store, pipeline.name, root)
    return assembling.assemble(pipeline, root, Path(args.receipts), leave, basis), pipeline
