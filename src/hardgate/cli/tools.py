"""List, install and lock the scanners.

hardgate tools list            what the lock file names, and how it stands here
hardgate tools sync            install what ./hardgate.yaml needs, or the named tools, or --all
hardgate tools lock            write a lock file: releases at least 7 days old, with a SHA-256 for every artefact
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hardgate.cli import common
from hardgate.cli.bars import Bars
from hardgate.errors import ConfigError
from hardgate.model import ExitCode
from hardgate.toolbox import NAMES, State, Status, Synced, Toolbox, lock_path, open_default, read_lock
from hardgate.wording import plain

_MIN_AGE = 7  # days
_OWN_LOCK = "hardgate-tools.lock"
_MEGABYTE = 1_000_000
_LOCK_HELP = "the lock file (default: HARDGATE_TOOLS_LOCK, else the one that came with hardgate)"


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `hardgate tools`."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|sync|lock")
    listing = verbs.add_parser("list", help="what the lock file names, and how it stands here", allow_abbrev=False)
    listing.add_argument("--json", action="store_true", help="as JSON")
    sync = verbs.add_parser("sync", help="install what is missing, repair what is damaged", allow_abbrev=False)
    sync.add_argument("names", metavar="NAME", nargs="*", help="a tool (default: those that ./hardgate.yaml needs)")
    sync.add_argument("--all", action="store_true", help="every tool of the lock file")
    sync.add_argument("--prune", action="store_true", help="remove installed tools that the lock file does not name")
    sync.add_argument("--json", action="store_true", help="as JSON, without progress")
    sync.add_argument("--quiet", action="store_true", help="no progress, only what failed")
    lock = verbs.add_parser("lock", help="write a lock file", allow_abbrev=False)
    lock.add_argument("names", metavar="NAME[==VERSION]", nargs="*", help="only these tools (default: all)")
    lock.add_argument("--upgrade", action="store_true", help="take the newest release of tools that are locked already")
    lock.add_argument(
        "--min-age", metavar="DAYS", type=float, default=_MIN_AGE, help="refuse younger releases (default: 7 days)"
    )
    for verb in (listing, sync):
        verb.add_argument("--lock", metavar="FILE", type=Path, help=_LOCK_HELP)
    lock.add_argument("--lock", metavar="FILE", type=Path, help=f"the file to write (default: {_OWN_LOCK})")


def main(args: argparse.Namespace) -> int:
    """List, install or lock."""
    match args.verb:
        case "list":
            return _list(args)
        case "sync":
            return _sync(args)
        case _:
            return _lock(args)


def _list(args: argparse.Namespace) -> int:
    box = open_default(os.environ, lock=args.lock)
    rows = box.status()
    if args.json:
        lock = str(args.lock or lock_path(os.environ))
        common.print_json({"folder": str(box.folder), "lock": lock, "tools": rows})
        return ExitCode.PASS
    for row in rows:
        print(_line(row))
    print(f"in {plain(str(box.folder))}, locked by {plain(str(args.lock or lock_path(os.environ)))}")
    missing = [row.name for row in rows if row.state in {State.MISSING, State.DAMAGED}]
    if missing:
        print(f"install: hardgate tools sync {' '.join(missing)}")
    return ExitCode.PASS


def _line(row: Status) -> str:
    size = f"{row.size / _MEGABYTE:8.1f} MB" if row.size else " " * 11
    digest = row.digest[:12] or "-"
    told = f"  {plain(row.message)}" if row.message else ""
    return f"{row.name:<10} {row.version:<9} {row.state:<12}{size}  {digest:<12}  {row.channel}{told}"


def _sync(args: argparse.Namespace) -> int:
    box = open_default(os.environ, lock=args.lock)
    names = _names(args, box)
    with Bars(sys.stderr, pretty=common.colour(sys.stderr), quiet=args.quiet or args.json) as bars:
        done = box.sync(names, bars)
    removed = box.prune() if args.prune else ()
    failed = [one for one in done if one.error]
    if args.json:
        common.print_json({"folder": str(box.folder), "tools": done, "removed": removed})
    else:
        for one in done if not args.quiet else failed:
            print(_told(one), file=sys.stderr if one.error else sys.stdout)
        for path in removed:
            print(f"removed {path}")
    return ExitCode.INCOMPLETE if failed else ExitCode.PASS


def _names(args: argparse.Namespace, box: Toolbox) -> tuple[str, ...]:
    if args.all:
        return tuple(sorted(box.lock.tools))
    if args.names:
        return tuple(dict.fromkeys(args.names))
    if not Path(common.CONFIG).is_file():
        hint = "Nothing was installed. Name the tools, or take them all: hardgate tools sync --all"
        raise ConfigError(f"there is no {common.CONFIG} here that says which tools are needed", hint=hint)
    pipeline = common.load_pipeline(Path())
    used = (name for action in pipeline.actions for name in common.tools_of(action))
    return tuple(sorted(name for name in set(used) if name in box.lock.tools))


def _told(one: Synced) -> str:
    if one.error:
        return f"{one.name} {one.version} was not installed: {plain(one.error)}\n  {plain(one.hint)}"
    if one.present:
        return f"{one.name} {one.version} is installed"
    detour = f"\n  passed over: {plain(one.passed_over)}" if one.passed_over else ""
    return f"{one.name} {one.version} installed in {one.seconds:.1f} s{detour}"


def _lock(args: argparse.Namespace) -> int:
    from hardgate.toolbox import locking  # noqa: PLC0415 (only this command resolves)
    from hardgate.toolbox.lock import encode_lock  # noqa: PLC0415 (loaded where it is needed)

    target = args.lock or Path(_OWN_LOCK)
    base = target if target.is_file() else lock_path(os.environ)
    now = datetime.now(UTC)
    cutoff = now - timedelta(days=args.min_age) if args.min_age > 0 else None
    words = [word.partition("==") for word in args.names or NAMES]
    wanted = [
        locking.Wanted(name=name, version=version, keep=not args.upgrade and not version) for name, _, version in words
    ]
    made, told = locking.write(read_lock(base), wanted, now=now, cutoff=cutoff, environ=os.environ)
    common.write_file(target, encode_lock(made))
    for one in told:
        change = f"{one.before or 'new'} -> {one.after}" if one.before != one.after else f"stays {one.after}"
        print(f"{one.name:<10} {change}")
        for note in one.notes:
            print(f"  {plain(note)}")
    print(
        f"{plain(str(target))} is written. Use it: HARDGATE_TOOLS_LOCK={plain(str(target))} hardgate tools sync --all"
    )
    return ExitCode.PASS
