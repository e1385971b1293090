"""The baseline: adopt the gate on an old repository today, block what is new, and burn the rest down by dates.

hardgate baseline create     write .hardgate/baseline.json with all that blocks in a run
hardgate baseline show       how many are left, overdue and gone, by severity
hardgate baseline prune      take out what a complete run did not find any more
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from hardgate.cli import common
from hardgate.cli.judged import policy_of
from hardgate.errors import ConfigError
from hardgate.exceptions import applying, baseline
from hardgate.model import ExitCode, Run, RunState, Verdict
from hardgate.wording import count, place, plain


def add(parser: argparse.ArgumentParser) -> None:
    """The subcommands of `hardgate baseline`."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="create | show | prune")
    create = verbs.add_parser("create", help="write it, with all that blocks in a run", allow_abbrev=False)
    create.add_argument("--owner", metavar="NAME", required=True, help="who answers for the burn-down")
    show = verbs.add_parser("show", help="how far the burn-down is", allow_abbrev=False)
    show.add_argument("--json", action="store_true", help="as JSON")
    prune = verbs.add_parser("prune", help="take out what is gone", allow_abbrev=False)
    for verb in (create, show, prune):
        common.add_run(verb)


def main(args: argparse.Namespace) -> int:
    """Do what the subcommand says; exit code 0 when it was done."""
    verbs: dict[str, Callable[[argparse.Namespace, Run, Verdict], int]] = {
        "create": _create,
        "show": _show,
        "prune": _prune,
    }
    with common.open_store() as store:
        run = common.stored_run(store, args.run, args.path)
        verdict = common.verdict_of(store, run)
    return verbs[args.verb](args, run, verdict)


def _create(args: argparse.Namespace, run: Run, verdict: Verdict) -> int:
    target = Path(run.root) / baseline.FILE
    if target.exists():
        hint = (
            "Nothing was written. Take out what is gone: hardgate baseline prune. A new one would start all days anew."
        )
        raise ConfigError(f"{plain(str(target))} is there already", hint=hint)
    _whole(run)
    policy = policy_of(run)
    made, left = baseline.create(run.findings, verdict.decisions, policy, owner=args.owner, today=run.finished)
    common.write_file(target, baseline.write(made))
    print(f"{plain(str(target))} was written: {count(len(made.findings), 'finding')} that blocked.")
    for severity, rows in baseline.standing(made, _names(run), policy, run.finished).items():
        if rows.covered:
            print(f"  {severity}: {len(rows.covered):,}, to be gone by {rows.next_day}")
        if rows.overdue:
            print(f"  {severity}: {len(rows.overdue):,}, which have no time: policy.baseline_days")
    for finding, why in left:
        print(f"  not taken in: {finding.id} {plain(finding.rule)} {place(finding.location)}: {why}")
    print("Next: look at it, commit it to the branch that changes are for, and: hardgate run")
    return ExitCode.PASS


def _show(args: argparse.Namespace, run: Run, _verdict: Verdict) -> int:
    found = _read(run)
    table = baseline.standing(found, _names(run), policy_of(run), run.finished or run.started)
    if args.json:
        common.print_json(
            {
                severity.value: {
                    "covered": len(rows.covered), "overdue": len(rows.overdue), "gone": len(rows.gone),
                    "next_day": rows.next_day,
                }
                for severity, rows in table.items()
            }
        )  # fmt: skip
        return ExitCode.PASS
    print(f"{'severity':<10}{'covered':>9}{'overdue':>9}{'gone':>9}  next day")
    for severity, rows in table.items():
        numbers = (len(rows.covered), len(rows.overdue), len(rows.gone))
        print(f"{severity:<10}" + "".join(f"{number:>9,}" for number in numbers) + f"  {rows.next_day}".rstrip())
    if any(rows.gone for rows in table.values()):
        print("Take out what is gone: hardgate baseline prune")
    return ExitCode.PASS


def _prune(_args: argparse.Namespace, run: Run, verdict: Verdict) -> int:
    found = _read(run)
    _whole(run)
    if verdict.gaps:
        hint = "Nothing was written. Mend the gaps first: what was not looked at may still be there."
        raise ConfigError(f"run {run.id} is not complete: {count(len(verdict.gaps), 'gap')}", hint=hint)
    left = baseline.pruned(found, _names(run))
    number = len(found.findings) - len(left.findings)
    if number:
        common.write_file(Path(run.root) / baseline.FILE, baseline.write(left))
    print(f"{count(number, 'finding')} taken out, {len(left.findings):,} left.")
    return ExitCode.PASS


def _names(run: Run) -> frozenset[str]:
    return frozenset(name for finding in run.findings for name in applying.names(finding))


def _read(run: Run) -> baseline.Baseline:
    path = Path(run.root) / baseline.FILE
    try:
        return baseline.read(path.read_bytes())
    except OSError as error:
        hint = "Make one: hardgate baseline create --owner NAME"
        raise ConfigError(f"{plain(str(path))} could not be read: {error.strerror}", hint=hint) from error


def _whole(run: Run) -> None:
    """Refuse a run that was limited to a part, or did not come to its end: it does not know what is there."""
    if run.state is not RunState.FINISHED or run.selection.partial or run.selection.base:
        hint = "Nothing was written. Make a whole one: hardgate run"
        raise ConfigError(f"run {run.id} did not look at everything", hint=hint)
