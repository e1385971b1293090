"""Run the pipeline of a folder: start its scanners, keep the evidence, judge it, report it.

Without --stage, --action or --only-changed the whole pipeline runs over the whole tree, and the exit code is the
verdict: 0 PASS, 1 FAIL, 3 INCOMPLETE. A run that was limited to some actions is INCOMPLETE by nature, since the rest
was not looked at. With --receipts the run only records: its exit code is 0 when every receipt is whole, whatever was
found, and 3 otherwise; `hardgate gate --receipts` judges. Scanners of the lock file that are needed and not there are
installed first, unless --no-install is given; one that is damaged is left as it is, for somebody to look at.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
from contextlib import ExitStack
from pathlib import Path

from hardgate import gate
from hardgate.cli import common, judging
from hardgate.cli.judged import add_base, beside, policy_of, read
from hardgate.cli.live import Live
from hardgate.cli.output import add_reports, deliver, files_below, own_files, reports_of
from hardgate.errors import ConfigError
from hardgate.model import ActionState, ExitCode, Pipeline, Run, Selection


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `hardgate run`."""
    common.add_path(parser)
    parser.add_argument("--config", metavar="FILE", help="another file than PATH/hardgate.yaml")
    parser.add_argument("--stage", action="append", default=[], metavar="NAME", help="only this stage (repeatable)")
    parser.add_argument("--action", action="append", default=[], metavar="NAME", help="only this action (repeatable)")
    parser.add_argument("--only-changed", action="store_true", help="only files that changed since --base")
    add_base(parser)
    parser.add_argument("--receipts", metavar="DIR", help="write each receipt into this folder, and do not judge")
    parser.add_argument("--resume", action="store_true", help="go on with the run that was interrupted")
    parser.add_argument("--no-install", action="store_true", help="install no scanner: one that is missing is a gap")
    parser.add_argument("--no-cache", action="store_true", help="start every tool, also where nothing has changed")
    parser.add_argument(
        "--osv-url", metavar="URL", default="", help="ask this OSV service (instead of advisories.osv_url)"
    )
    parser.add_argument("--no-override", action="store_true", help="use no override, also where one is granted")
    add_reports(parser)


def main(args: argparse.Namespace) -> int:
    """Run, store, judge, report."""
    from hardgate import assembling, engine  # noqa: PLC0415 (slow to import: help does not wait for it)
    from hardgate.advisories.local import Local  # noqa: PLC0415 (loaded where it is needed)
    from hardgate.advisories.places import default_folder  # noqa: PLC0415 (loaded where it is needed)

    if args.receipts and (args.report or args.json):
        hint = "Nothing was run. Reports come from the gate: hardgate gate --receipts DIR --report FORMAT=FILE"
        raise ConfigError("--receipts records and does not judge: there is nothing to report yet", hint=hint)
    root = common.root_of(args.path)
    pipeline = common.load_pipeline(root, args.config)
    selection = _selection(args)
    reports = reports_of(args, pipeline, root)
    basis = read(args, root, pipeline, assembling.now())
    with ExitStack() as stack:
        store = stack.enter_context(common.open_store())
        toolbox = common.open_toolbox()
        fetch = functools.partial(common.install_missing, toolbox, pipeline, quiet=args.quiet)
        live = stack.enter_context(Live(sys.stderr, quiet=args.quiet, pretty=common.colour(sys.stderr)))
        local = stack.enter_context(Local(default_folder(os.environ)))
        settings = engine.Settings(
            scanners=common.BY_NAME,
            steps=common.STEP_BY_NAME,
            locate=toolbox.locate,
            fetch=None if args.no_install else fetch,
            selection=selection,
            cache=not args.no_cache,
            resume=args.resume,
            osv_url=args.osv_url,
            advisories=local,
            leave=own_files(root, [*reports.values(), *files_below(args.receipts)]),
            cache_folder=common.state_folder() / "cache",
            receipts=Path(args.receipts).absolute() if args.receipts else None,
            basis=beside(basis, store, pipeline.name, root),
        )
        run = engine.execute(pipeline, root, settings=settings, store=store, watcher=live)
        live.close()
        if args.receipts:
            return _recorded(run, args.receipts, pipeline)
        policy = policy_of(run)
        verdict = gate.decide(run, policy, now=run.finished)
        verdict, line = judging.settle(store, run, verdict, policy, use=not args.no_override)
    deliver(args, run, verdict, reports)
    judging.tell(line, quiet=args.quiet)
    return verdict.exit_code


def _selection(args: argparse.Namespace) -> Selection:
    if args.only_changed and not args.base:
        hint = "Nothing was run. Say since when: --only-changed --base origin/main"
        raise ConfigError("--only-changed needs --base", hint=hint)
    since = args.base if args.only_changed else ""
    return Selection(stages=tuple(args.stage), actions=tuple(args.action), base=since or "")


def _recorded(run: Run, folder: str, pipeline: Pipeline) -> int:
    bad = [receipt for receipt in run.receipts if receipt.state is ActionState.GAP]
    lines = [line for receipt in bad for line in common.gap_lines(receipt.gaps)]
    number = f"{len(run.receipts)} of {len(pipeline.actions)} receipts"
    print(f"{number} of {pipeline.name} lie in {folder}; nothing was judged. Next: hardgate gate --receipts {folder}")
    print("\n".join(lines), file=sys.stderr) if lines else None
    return ExitCode.INCOMPLETE if bad or not run.receipts else ExitCode.PASS
