"""The entry point: finds the command's module, and turns every error into its exit code and its sentence.

Nothing heavy is imported here: `hardgate --version` and every `--help` must answer at once.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from hardgate import __version__

# In the order in which a new user meets them.
COMMANDS = {
    "init": "look at a repository and write a hardgate.yaml that fits it",
    "run": "run the pipeline: scan, store, judge, report",
    "gate": "judge a stored run, or a folder of receipts, again",
    "findings": "list the findings of a run",
    "explain": "show one finding whole, and why it blocks or not",
    "report": "write a report of a stored run",
    "exceptions": "list what is waived, and every comment that silences a tool",
    "baseline": "block only what is new, and burn down what was there by dates",
    "vex": "write a VEX document of a run",
    "runs": "list the stored runs",
    "override": "ship a risk once, by name: request, grant, revoke, list",
    "replay": "judge stored runs by another policy",
    "policy": "test a policy with cases of its own",
    "audit": "verify or export the ledger of verdicts, waivers and overrides",
    "tools": "list, install and lock the scanners",
    "doctor": "say what is missing or does not work, and what mends it",
    "ingest": "read reports that a tool wrote elsewhere",
    "advisories": "say which vulnerability data the scanners use",
}
_STDOUT, _STDERR = 1, 2
_USAGE, _INCOMPLETE, _INTERRUPTED = 2, 3, 130  # model.ExitCode, not imported here: it costs 30 ms
GARBAGE = 50_000  # objects between two looks for garbage: loading modules makes many that stay, and 700 cost 60 ms


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (see docs/reference/exit-codes.md)."""
    words = list(sys.argv[1:] if argv is None else argv)
    gc.set_threshold(GARBAGE)
    _stand_in()
    signal.signal(signal.SIGTERM, _terminated)
    try:
        return _dispatch(words)
    except KeyboardInterrupt:
        print("hardgate: interrupted; what was done is stored. Continue with: hardgate run --resume", file=sys.stderr)
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001 (the one handler: whatever happens, exit code 1 must mean FAIL)
        _drop_unwritten()
        return _INCOMPLETE if isinstance(error, BrokenPipeError) else _failed(error)


def _stand_in() -> None:
    """Open the standard streams that the caller closed (`>&-`).

    Else the next file to be opened, such as the store, takes the number and gets what is printed. What goes to a
    closed standard output fails, since nobody gets it; what goes to a closed standard error is lost as was asked.
    """
    for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr)):
        if stream is None:
            os.open(os.devnull, os.O_WRONLY if number == _STDERR else os.O_RDONLY)  # the lowest free number
    if sys.stdout is None:
        sys.stdout = os.fdopen(_STDOUT, "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(_STDERR, "w")


def _drop_unwritten() -> None:
    """Give up what standard output did not take (`| head`, a full disk): Python would try again, and exit with 120."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _dispatch(words: list[str]) -> int:
    top = _top()
    if not words or words[0] not in COMMANDS:
        known = top.parse_args(words)  # answers --help and --version, refuses the rest
        top.print_help()
        return _USAGE if known else 0
    module = importlib.import_module(f"hardgate.cli.{words[0]}")
    parser = argparse.ArgumentParser(
        prog=f"hardgate {words[0]}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add(parser)
    args = parser.parse_args(words[1:])
    try:
        code = module.main(args)
    except SystemExit as error:  # an adapter from elsewhere, or what it calls: exit code 0 must mean PASS
        raise RuntimeError(f"something ended the program with {error.code!r}") from error
    sys.stdout.flush()
    return int(code)


def _top() -> argparse.ArgumentParser:
    commands = "\n".join(f"  {name:<12}{summary}" for name, summary in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="hardgate",
        usage="hardgate [--version] [--help] COMMAND ...",
        description=f"A secure delivery pipeline with a hard gate.\n\ncommands:\n{commands}",
        epilog="hardgate COMMAND --help tells more. Start with: hardgate init && hardgate run",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"hardgate {__version__}")
    return parser


def _failed(error: Exception) -> int:
    from hardgate.errors import ConfigError, Error  # noqa: PLC0415 (only when something failed)
    from hardgate.wording import plain  # noqa: PLC0415 (loaded where it is needed)

    if isinstance(error, Error):
        print(f"hardgate: {plain(str(error))}", file=sys.stderr)
        if error.hint:
            print(f"  {plain(error.hint)}", file=sys.stderr)
        return _USAGE if isinstance(error, ConfigError) else _INCOMPLETE
    if os.environ.get("HARDGATE_DEBUG"):
        raise error
    what = plain(f"{type(error).__name__}: {error}")
    print(f"hardgate: this should not have happened, and no verdict was reached: {what}", file=sys.stderr)
    print("  Run it again with HARDGATE_DEBUG=1 for the traceback, and report it.", file=sys.stderr)
    return _INCOMPLETE
