"""List the exceptions of a run: the records that waive, what a change asks for, and the comments that silence tools."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from hardgate.cli import common
from hardgate.cli.judged import policy_of
from hardgate.model import ExitCode, Run, Suppression, Verdict, Waiver
from hardgate.reporters.json import waiver_entry
from hardgate.wording import count, flow, plain


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `hardgate exceptions`."""
    common.add_run(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")


def main(args: argparse.Namespace) -> int:
    """Print them; exit code 0 whatever they are."""
    with common.open_store() as store:
        run = common.stored_run(store, args.run, args.path)
        verdict = common.verdict_of(store, run)
    used = _used(verdict)
    waivers = policy_of(run).waivers
    if args.json:
        common.print_json(
            {
                "base": run.exceptions.base,
                "digest": run.exceptions.digest,
                "waivers": [{**waiver_entry(one), "findings": used[one]} for one in waivers],
                "requests": run.exceptions.requests,
                "suppressions": run.exceptions.suppressions,
            }
        )
    else:
        print("\n".join(_page(run, waivers, used)))
    return ExitCode.PASS


def _used(verdict: Verdict) -> Counter[Waiver]:
    """How many findings each record waives."""
    return Counter(one.waiver for one in verdict.decisions if one.waiver)


def _page(run: Run, waivers: Sequence[Waiver], used: Counter[Waiver]) -> Iterator[str]:
    yield f"Records that waive ({len(waivers):,})"
    for one in waivers:
        name = flow(f"{one.kind} of {one.subject} by {one.owner} until {one.until}: {one.reason}")
        yield f"  {name}"
        yield f"    {count(used[one], 'finding')} waived; written in {flow(one.source)}"
    yield f"Asked for by the change under review, without effect ({len(run.exceptions.requests):,})"
    yield from (f"  {flow(one.what)}; written in {flow(one.source)}" for one in run.exceptions.requests)
    found = run.exceptions.suppressions
    yield f"Comments that silence a tool ({len(found):,}, of which {sum(one.counts for one in found):,} count)"
    yield from (f"  {_comment(one, run.started)}" for one in found)


def _comment(one: Suppression, now: str) -> str:
    rules = ", ".join(one.rules) or "all rules"
    days = (datetime.fromisoformat(now) - datetime.fromisoformat(one.since)).days if one.since else 0
    who = f"{one.author}, {one.since[:10]}, {count(max(days, 0), 'day')} ago" if one.since else "not committed"
    state = "counts" if one.counts else "does not count"
    return plain(f"{one.path}:{one.line}  {one.tool} {rules}  {who}  {state}")
