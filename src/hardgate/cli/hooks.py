"""Look at what is committed and pushed, before it is: git's own hooks.

hardgate hooks install      have git call hardgate before each commit and each push of this repository
hardgate hooks uninstall    take that back, and put the hooks of before in their place
hardgate hooks status       say how they stand, and what they look with
hardgate hooks run          what git calls: exit code 0 lets it go on

The pre-commit hook looks at the staged contents, never at the work tree. What it cannot look at refuses the commit.
"""

from __future__ import annotations

import argparse
import atexit
import gc
import os
import sys
from pathlib import Path

from hardgate import githooks
from hardgate.errors import ConfigError
from hardgate.model import ExitCode


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `hardgate hooks`."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="install|uninstall|status|run")
    install = verbs.add_parser("install", help="write the hooks, and install what they start", allow_abbrev=False)
    install.add_argument("--chain", action="store_true", help="keep a hook that is there, and run it first")
    install.add_argument("--no-install", action="store_true", help="install no scanner now")
    uninstall = verbs.add_parser("uninstall", help="remove the hooks", allow_abbrev=False)
    status = verbs.add_parser("status", help="how the hooks stand", allow_abbrev=False)
    for verb in (install, uninstall, status):
        verb.add_argument("--path", metavar="PATH", default=".", help="the repository (default: that of this folder)")
    run = verbs.add_parser("run", help="what git calls", allow_abbrev=False)
    run.add_argument("hook", choices=githooks.HOOKS)
    run.add_argument("remote", nargs="?", default="", help="the remote's name, as git gives it to pre-push")
    run.add_argument("url", nargs="?", default="", help="the remote's address")
    run.add_argument("--no-cache", action="store_true", help="start every tool, also for files that are known")


def main(args: argparse.Namespace) -> int:
    """Install, uninstall, tell, or look."""
    match args.verb:
        case "run":
            from hardgate.cli import hooked  # noqa: PLC0415 (the others do not need the engine)

            atexit.register(gc.freeze)  # a commit waits: at its end nothing is searched for garbage
            return hooked.look(args)
        case "install":
            return _install(args)
        case "uninstall":
            return _uninstall(args)
        case _:
            return _status(args)


def _root(args: argparse.Namespace) -> Path:
    root = Path(args.path)
    if not root.is_dir():
        raise ConfigError(f"{args.path} is no folder", hint="Nothing was done. Name the repository.")
    return root.resolve()


def _install(args: argparse.Namespace) -> int:
    from hardgate.cli import common, hooked  # noqa: PLC0415 (loaded where it is needed)

    root = _root(args)
    names = hooked.tools_of(root)  # first of all: what is wrong with hardgate.yaml is said before a hook is written
    for hook in githooks.install(root, os.environ, chain=args.chain):
        first = f"; runs {hook.before} first" if hook.before else ""
        print(f"{hook.name} is {hook.state}: {hook.file}{first}")
    box = common.open_toolbox()
    missing = box.absent(names)
    if not missing or args.no_install:
        if missing:
            print(f"Not installed yet: {', '.join(missing)}. Until then every commit is refused: {_sync(missing)}")
        return ExitCode.PASS
    failed = [one for one in box.sync(missing) if one.error]
    for one in failed:
        print(f"{one.name} {one.version} was not installed: {one.error}", file=sys.stderr)
    if failed:
        print(f"Until then every commit is refused. Try again: {_sync([one.name for one in failed])}", file=sys.stderr)
    return ExitCode.INCOMPLETE if failed else ExitCode.PASS


def _sync(names: list[str] | tuple[str, ...]) -> str:
    return f"hardgate tools sync {' '.join(names)}"


def _uninstall(args: argparse.Namespace) -> int:
    removed = githooks.uninstall(_root(args), os.environ)
    for hook in removed:
        print(f"{hook.name} is removed" + (f", and {hook.file} is what it was before" if hook.before else ""))
    if not removed:
        print("There is no hook of hardgate's here.")
    return ExitCode.PASS


def _status(args: argparse.Namespace) -> int:
    from hardgate.cli import hooked  # noqa: PLC0415 (loaded where it is needed)

    root = _root(args)
    hooks = githooks.look(root, os.environ)
    for hook in hooks:
        first = f"; runs {hook.before} first" if hook.before and hook.state != "another's" else ""
        print(f"{hook.name:<11} {hook.state}: {hook.file}{first}")
    print("\n".join(hooked.page(root)))
    return ExitCode.PASS if all(hook.state == "installed" for hook in hooks) else ExitCode.INCOMPLETE
