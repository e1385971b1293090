"""Say what is missing or does not work, and the command that mends it.

Every installed tool is verified file by file and must find its canary, a tiny known-bad input. Exit code 0 when all is
well, 3 when something is not.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Iterator

from hardgate.adapter import Scanner
from hardgate.advisories.local import Local
from hardgate.advisories.places import default_folder
from hardgate.cli import common
from hardgate.cli.checks import Check, stand_in, works
from hardgate.errors import ConfigError, Error
from hardgate.model import DataUse, ExitCode
from hardgate.toolbox import Toolbox


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `hardgate doctor`."""
    parser.add_argument("names", metavar="NAME", nargs="*", help="only these scanners (default: all, and the rest)")
    parser.add_argument("--osv-url", metavar="URL", default="", help="the OSV service that pip-audit shall ask")
    parser.add_argument("--json", action="store_true", help="as JSON")


def main(args: argparse.Namespace) -> int:
    """Check and tell, line by line as it goes."""
    for name in args.names:
        if name not in common.OWN and name not in common.BY_NAME.others:
            known = ", ".join((*common.OWN, *common.BY_NAME.others))
            raise ConfigError(f"there is no scanner {name!r}", hint=f"Known: {known}")
    checks = []
    for check in _all(args):
        checks.append(check)
        if not args.json:
            print(f"{'ok ' if check.well else 'BAD'}  {check.name:<12} {check.message}", flush=True)
            if check.remedy:
                print(f"     {'':<12} {check.remedy}", flush=True)
    if args.json:
        common.print_json(checks)
    return ExitCode.PASS if all(check.well for check in checks) else ExitCode.INCOMPLETE


def _all(args: argparse.Namespace) -> Iterator[Check]:
    if not args.names:
        yield _git()
        yield _store()
    toolbox = common.open_toolbox()
    for scanner in common.OWN.values():
        if not args.names or scanner.name in args.names:
            yield _scanner(scanner, toolbox, args.osv_url)
    for claim in common.BY_NAME.claims if not args.names else ():
        yield Check(name="plug-in", well=False, message=claim, remedy="Uninstall that package, or ask who makes it.")
    for name in common.BY_NAME.others:
        if not args.names or name in args.names:
            yield _other(name, toolbox, args.osv_url)


def _other(name: str, toolbox: Toolbox, osv_url: str) -> Check:
    """A check of a scanner that another package brings."""
    try:
        scanner = common.BY_NAME[name]
    except ConfigError as error:
        return Check(name=name, well=False, message=str(error), remedy=error.hint)
    return _scanner(scanner.fitted(scanner.options()), toolbox, osv_url)


def _scanner(scanner: Scanner, toolbox: Toolbox, osv_url: str) -> Check:
    """A check of one scanner, with the data that a run would have."""
    with Local(default_folder(os.environ)) as local:
        try:
            asked = stand_in(scanner, None, osv_url, local, DataUse(source=""))
        except Error as error:
            return Check(name=scanner.name, well=False, message=str(error), remedy=error.hint)
        return works(scanner, toolbox, asked)


def _git() -> Check:
    found = shutil.which("git")
    remedy = "" if found else "Install git: it tells what is in scope and holds the history."
    return Check(name="git", well=bool(found), message=found or "not found", remedy=remedy)


def _store() -> Check:
    try:
        with common.open_store() as store:
            return Check(name="store", well=True, message=f"{store.where} opens")
    except Error as error:
        return Check(name="store", well=False, message=str(error), remedy=error.hint)
