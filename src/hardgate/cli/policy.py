"""Test a policy: judge the cases of a file by it, and compare with what they expect.

Exit code 0: every case got the answer that it expects; 1: at least one did not; 2: a file was not understood, and
nothing was judged.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path

import msgspec

from hardgate.cli import cases, common
from hardgate.cli.cases import Miss
from hardgate.errors import ConfigError
from hardgate.model import ExitCode
from hardgate.wording import count, flow, plain


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `hardgate policy`."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="test")
    test = commands.add_parser("test", help="judge the cases of a file", allow_abbrev=False)
    test.add_argument("file", metavar="FILE", nargs="+", help="a YAML file of cases")
    test.add_argument("--config", metavar="FILE", help="the hardgate.yaml to test, instead of the one a file names")
    test.add_argument("--json", action="store_true", help="as JSON")


def main(args: argparse.Namespace) -> int:
    """Read every file before the first case is judged, and tell of every miss."""
    read = [(name, *cases.read(_bytes(name), plain(name))) for name in args.file]
    today = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    found: list[tuple[str, Miss]] = []
    for name, source, file in read:
        config = args.config or str(Path(name).parent / file.config)
        pipeline = common.load_pipeline(Path(config).parent, config)
        found += [(name, miss) for miss in cases.check(source, file, pipeline, today=today)]
    number = sum(len(file.cases) for _, _, file in read)
    if args.json:
        misses = [{"file": name, **msgspec.structs.asdict(miss)} for name, miss in found]
        common.print_json({"cases": number, "misses": misses})
    else:
        _print(number, found)
    return ExitCode.FAIL if found else ExitCode.PASS


def _bytes(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        hint = "Nothing was judged. Name a file of cases: see docs/reference/policy-tests.md."
        raise ConfigError(f"{plain(name)} could not be read: {error.strerror}", hint=hint) from error


def _print(number: int, found: list[tuple[str, Miss]]) -> None:
    for name, miss in found:
        print(f"{plain(name)}: line {miss.line}: {plain(miss.case)}: {flow(miss.message)}")
    failed = len({(name, miss.case) for name, miss in found})
    print(f"{count(number, 'case')}: {number - failed} as expected, {failed} not.")
    sys.stdout.flush()
