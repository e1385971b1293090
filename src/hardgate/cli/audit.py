"""Verify the ledger of all verdicts, waiver changes and overrides, or write it out as JSON lines.

verify: follow the chain, and compare it with the verdicts and overrides in the store. The chain cannot miss its own
end: give --head with a digest that was noted elsewhere, or --against with an earlier export. Exit code 0: nothing is
wrong; 1: something was altered, removed, inserted or moved; 3: it could not be read.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hardgate import ledger
from hardgate.cli import common
from hardgate.errors import ConfigError, StoreError
from hardgate.ledger import Chain, Line, Problem
from hardgate.model import ExitCode
from hardgate.wording import count, plain

_HEAD = re.compile("[0-9a-f]{12,64}")


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `hardgate audit`."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="verify | export")
    verify = commands.add_parser("verify", help="say whether the ledger is whole", allow_abbrev=False)
    verify.add_argument("--head", metavar="DIGEST", help="a digest that was noted: it must be one of the records'")
    verify.add_argument("--against", metavar="FILE", help="an earlier export: each of its records must still be there")
    verify.add_argument("--file", metavar="FILE", help="verify this export, without the store")
    verify.add_argument("--evidence", action="store_true", help="read every run too, and compare it with its record")
    verify.add_argument("--json", action="store_true", help="as JSON")
    export = commands.add_parser("export", help="write the ledger as JSON lines", allow_abbrev=False)
    export.add_argument("--output", metavar="FILE", help="where to (default: standard output)")


def main(args: argparse.Namespace) -> int:
    """Verify or export."""
    return _verify(args) if args.command == "verify" else _export(args)


def _verify(args: argparse.Namespace) -> int:
    if args.head is not None and not _HEAD.fullmatch(args.head):
        hint = "Give the digest that `hardgate run` or `gate` printed: 64 digits 0-9a-f, or at least the first 12."
        raise ConfigError(f"--head {plain(args.head)!r} is no digest", hint=hint)
    if args.file and args.evidence:
        raise ConfigError("--evidence reads the store, and --file does without it", hint="Give one of them.")
    where, chain, problems, lines = _looked(args)
    if args.head and (missing := ledger.missing_head(chain, args.head)):
        problems += (missing,)
    if args.against:
        problems += _against(lines, args.against)
    if args.json:
        whole = {"whole": not problems, "records": chain.records, "head": chain.head, "problems": problems}
        common.print_json(msgspec.to_builtins(whole))
    else:
        _print(where, chain, problems)
    return ExitCode.FAIL if problems else ExitCode.PASS


def _looked(args: argparse.Namespace) -> tuple[str, Chain, tuple[Problem, ...], Sequence[Line]]:
    if args.file:
        lines = ledger.read_export(_read(args.file), args.file)
        chain = ledger.follow(lines)
        return args.file, chain, chain.problems, lines
    with common.open_store() as store:
        found = store.audit(evidence=args.evidence)
        return store.where, found.chain, found.problems, found.lines


def _against(lines: Sequence[Line], file: str) -> tuple[Problem, ...]:
    kept = ledger.read_export(_read(file), file)
    if broken := ledger.follow(kept).problems:
        hint = f"See what is wrong with it: hardgate audit verify --file {plain(file)}"
        raise StoreError(f"{plain(file)} is no whole ledger itself: {broken[0].message}", hint=hint)
    return ledger.compare(lines, kept)


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        hint = "Nothing was verified. Write one: hardgate audit export --output FILE"
        raise StoreError(f"{plain(file)} could not be read: {error.strerror}", hint=hint) from error


def _print(where: str, chain: Chain, problems: Sequence[Problem]) -> None:
    if not problems:
        print(f"The ledger in {plain(where)} is whole: {count(chain.records, 'record')}, the newest {chain.head}")
        return
    print(f"The ledger in {plain(where)} is NOT whole: {count(len(problems), 'problem')} in what it has of its records")
    for problem in problems:
        print(f"  {plain(problem.message)}")


def _export(args: argparse.Namespace) -> int:
    with common.open_store() as store:
        found = store.audit()
    content = b"".join(map(ledger.export_line, found.lines))
    if args.output:
        common.write_file(Path(args.output).absolute(), content)
        print(f"{count(len(found.lines), 'record')} written to {plain(args.output)}, the newest {found.chain.head}")
    else:
        common.print_bytes(content)
    for problem in found.problems:
        print(f"hardgate: the ledger is not whole: {plain(problem.message)}", file=sys.stderr)
    return ExitCode.FAIL if found.problems else ExitCode.PASS
