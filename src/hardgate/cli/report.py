"""Write a report of a stored run in any format."""

from __future__ import annotations

import argparse
from pathlib import Path

from hardgate.cli import common
from hardgate.cli.output import BY_FORMAT
from hardgate.model import ExitCode


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `hardgate report`."""
    parser.add_argument("format", choices=sorted(BY_FORMAT), help="the format")
    parser.add_argument("--output", metavar="FILE", help="where to (default: standard output)")
    common.add_run(parser)


def main(args: argparse.Namespace) -> int:
    """Write it; exit code 0 when it was written, whatever the verdict."""
    with common.open_store() as store:
        run = common.stored_run(store, args.run, args.path)
        verdict = common.verdict_of(store, run)
    content = BY_FORMAT[args.format].render(run, verdict)
    if args.output:
        common.write_file(Path(args.output).absolute(), content)
        print(f"{args.output} was written.")
    else:
        common.print_bytes(content)
    return ExitCode.PASS
