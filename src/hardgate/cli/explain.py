"""Show one finding whole: who saw it, the code, why it blocks or not, its id, how to fix it, how to waive it.

With two ids it says why these are one finding or two.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from hardgate import rated
from hardgate.algorithms import made_of
from hardgate.cli import common, compared
from hardgate.errors import ConfigError
from hardgate.model import Decision, ExitCode, Finding, Kind, Run
from hardgate.proven import sourced
from hardgate.reporters.json import finding_entry
from hardgate.waiving import waiver_lines
from hardgate.wording import place, plain

AROUND = 3  # lines of code shown above and below
LONGEST = 5_000_000  # bytes of a file that is read for an excerpt
_SOURCES = {
    "adapter": ", rated by hardgate: the tool states none",
    "advisories": ", rated by the local advisory database",
    "hardgate.yaml": ", rated by hardgate.yaml",
}


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `hardgate explain`."""
    parser.add_argument("id", metavar="ID", help="the finding's id, or the beginning of it")
    parser.add_argument("other", metavar="OTHER", nargs="?", help="a second id: why the two are one finding, or two")
    common.add_run(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")


def main(args: argparse.Namespace) -> int:
    """Print the finding."""
    if args.other is not None:
        return compared.main(args)
    with common.open_store() as store:
        run = common.stored_run(store, args.run, args.path)
        verdict = common.verdict_of(store, run)
    finding = _chosen(run, args.id)
    decision = next(one for one in verdict.decisions if one.finding == finding.id)
    if args.json:
        common.print_json(finding_entry(finding, decision))
    else:
        print("\n".join(_page(run, finding, decision)))
    return ExitCode.PASS


def _chosen(run: Run, wanted: str) -> Finding:
    found = compared.named(run, wanted)
    if not found:
        raise ConfigError(f"run {run.id} has no finding {plain(wanted)}", hint="List them: hardgate findings")
    if len(found) > 1:
        ids = ", ".join(one.id for one in found[:10])
        raise ConfigError(f"{len(found)} findings begin with {plain(wanted)}: {ids}", hint="Give more of the id.")
    return found[0]


def _page(run: Run, finding: Finding, decision: Decision) -> Iterator[str]:
    yield f"{finding.severity.upper()}  {place(finding.location)}"
    yield f"  {finding.message}"
    yield f"  {decision.state.value}: {decision.because}"
    yield from (f"  {said}" for said in sourced(finding))
    source = _SOURCES.get(rated.source(finding.severity_from), "")
    yield f"  kind {finding.kind}, severity {finding.severity}{source}"
    if known := rated.known(finding.severity_from):
        yield f"  known of the advisory: {plain(', '.join(known))}"
    if names := [*finding.cwe, *finding.ids]:
        yield f"  {', '.join(dict.fromkeys(names))}"
    yield ""
    yield "seen by"
    for witness in finding.witnesses:
        yield f"  {witness.scanner} {witness.rule} ({witness.severity}): {witness.message}"
    if finding.joined:
        yield ""
        yield "made of"
        yield from (f"  {part.id}  {plain(part.rule)}  {place(part.location)}" for part in finding.joined)
    yield from _code(run, finding)
    yield from _after(finding)


def _after(finding: Finding) -> Iterator[str]:
    yield ""
    yield "how to fix"
    yield f"  {finding.fix or 'The tool gives no fix; its page tells more.'}"
    if finding.url:
        yield f"  {plain(finding.url)}"
    yield ""
    yield "identity"
    yield f"  {finding.id}"
    for name, value in finding.fingerprints.items():
        yield f"  {plain(name)}: {made_of(name)}"
        yield f"    {value}"
    yield ""
    yield "how to waive (in hardgate.yaml; say honestly why, and until when)"
    yield from (f"  {line}" for line in waiver_lines(finding))


def _code(run: Run, finding: Finding) -> Iterator[str]:
    """The lines around the finding, from the tree as it is now."""
    line = finding.location.line
    if line is None or finding.location.commit:
        return
    yield ""
    yield "code"
    if finding.kind is Kind.SECRET:
        yield "  (not shown: it holds a secret)"
        return
    path = Path(run.root) / finding.location.path
    inside = path.resolve().is_relative_to(Path(run.root).resolve())
    if not inside or not path.is_file() or path.stat().st_size > LONGEST:
        yield "  (the file is not there any more, or too large to show)"
        return
    lines = path.read_text("utf-8", "replace").split("\n")
    first = max(1, line - AROUND)
    for number, text in enumerate(lines[first - 1 : (finding.location.end_line or line) + AROUND], first):
        mark = ">" if line <= number <= (finding.location.end_line or line) else " "
        yield f"  {mark} {number:>5}  {plain(text.rstrip())}"
