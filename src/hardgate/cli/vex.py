"""Write a VEX document out of a run: which vulnerabilities of its packages matter, which do not, and why."""

from __future__ import annotations

import argparse
from pathlib import Path

from hardgate.cli import common
from hardgate.errors import ConfigError
from hardgate.exceptions import vexing
from hardgate.model import ExitCode


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `hardgate vex`."""
    parser.add_argument("format", choices=vexing.FORMATS, help="the format")
    parser.add_argument("--author", metavar="NAME", required=True, help="who states it, such as a name and an address")
    parser.add_argument("--output", metavar="FILE", help="where to (default: standard output)")
    common.add_run(parser)


def main(args: argparse.Namespace) -> int:
    """Write it; exit code 0 when it was written, whatever the verdict."""
    if not args.author.strip():
        raise ConfigError("--author is empty", hint="Nothing was written. Say who answers for the document.")
    with common.open_store() as store:
        run = common.stored_run(store, args.run, args.path)
        verdict = common.verdict_of(store, run)
    content = vexing.render(run, verdict, args.format, args.author.strip())
    if args.output:
        common.write_file(Path(args.output).absolute(), content)
        print(f"{args.output} was written.")
    else:
        common.print_bytes(content)
    return ExitCode.PASS
