"""List the findings of a run, with filters."""

from __future__ import annotations

import argparse

from hardgate.cli import common
from hardgate.errors import ConfigError
from hardgate.model import ExitCode, Kind, Severity, State
from hardgate.reporters.json import finding_entry
from hardgate.wording import Judged, judge, place


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `hardgate findings`."""
    common.add_run(parser)
    parser.add_argument("--severity", metavar="WORDS", help="only these, such as critical,high")
    parser.add_argument("--kind", metavar="WORDS", help="only these, such as secret,dependency")
    parser.add_argument("--scanner", metavar="NAME", help="only what this scanner saw")
    parser.add_argument("--state", metavar="WORDS", help="only these: blocking, waived, informing")
    parser.add_argument("--json", action="store_true", help="as JSON: a list of findings")


def main(args: argparse.Namespace) -> int:
    """Print the findings; exit code 0 whatever they are, `hardgate gate` judges."""
    severities = _words(args.severity, "severity", [word.value for word in Severity])
    kinds = _words(args.kind, "kind", [word.value for word in Kind])
    states = _words(args.state, "state", [word.value for word in State])
    with common.open_store() as store:
        run = common.stored_run(store, args.run, args.path)
        verdict = common.verdict_of(store, run)
    ran = (receipt.scanner for receipt in run.receipts)
    named = {*common.OWN, *ran, *(witness.scanner for finding in run.findings for witness in finding.witnesses)}
    if args.scanner and args.scanner not in named:
        raise ConfigError(f"there is no scanner {args.scanner!r}", hint=f"Known: {', '.join(sorted(named))}")
    chosen = [
        judged
        for judged in judge(run, verdict)
        if (not severities or judged.finding.severity in severities)
        and (not kinds or kinds & {one.kind for one in (judged.finding, *judged.finding.joined)})
        and (not states or judged.decision.state in states)
        and (not args.scanner or args.scanner in {witness.scanner for witness in judged.finding.witnesses})
    ]
    if args.json:
        common.print_json([finding_entry(one.finding, one.decision) for one in chosen])
    else:
        print("\n".join(map(_line, chosen)) or "No finding passes these filters.")
    return ExitCode.PASS


def _words(given: str | None, what: str, known: list[str]) -> set[str]:
    words = {word.strip() for word in (given or "").split(",")} - {""}
    for word in words - set(known):
        raise ConfigError(f"there is no {what} {word!r}", hint=f"Known: {', '.join(known)}")
    return words


def _line(judged: Judged) -> str:
    finding = judged.finding
    where = f"{place(finding.location)}  {finding.scanner} {finding.rule}"
    said = "confirmed: " if finding.confirmed else ""
    return f"{finding.id}  {finding.severity:<8}  {judged.decision.state:<9}  {where}  {said}{finding.message}"
