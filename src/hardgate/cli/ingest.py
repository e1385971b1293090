"""Read reports that a tool wrote elsewhere, through the same adapters as a run.

Prints one entry for every problem that a report names, before anything is merged. Exit code 0: every report was read
whole, whatever it holds; 3: something in it could not be read (see `gaps`); 2: hardgate does not know the tool.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import msgspec

from hardgate import identity
from hardgate.adapter import Scanner
from hardgate.cli import common
from hardgate.errors import ConfigError, ReportError
from hardgate.model import ExitCode, Finding, Gap, GapReason, Report
from hardgate.reporters.json import render_ingest
from hardgate.scanners import sarif
from hardgate.wording import flow, place, plain

LIMIT = 1024 * 1024 * 1024  # bytes of one report
_SARIF = re.compile(rb'"version"\s*:\s*"2\.1\.0"|sarif-(schema-)?2\.1\.0')
_HEAD = 65_536


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `hardgate ingest`."""
    parser.add_argument(
        "tool", metavar="TOOL", help="the scanner that wrote the reports, or sarif for any tool's SARIF"
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="its reports")
    parser.add_argument("--json", action="store_true", help='print {"findings": [...], "gaps": [...]}')


def main(args: argparse.Namespace) -> int:
    """Read the reports and print what they hold."""
    if args.tool not in common.BY_NAME:
        known = ", ".join(sorted(common.BY_NAME))
        raise ConfigError(f"there is no adapter for {plain(args.tool)!r}", hint=f"Nothing was read. Known: {known}")
    scanner = None if args.tool == "sarif" else common.BY_NAME[args.tool]
    findings: list[Finding] = []
    gaps: list[Gap] = []
    for name in args.files:
        found, missed = _read(scanner, Path(name))
        findings += found
        gaps += missed
    if args.json:
        common.print_bytes(render_ingest(findings, gaps))
    else:
        _print(findings, gaps)
    return ExitCode.INCOMPLETE if gaps else ExitCode.PASS


def _read(scanner: Scanner | None, path: Path) -> tuple[tuple[Finding, ...], tuple[Gap, ...]]:
    try:
        if path.stat().st_size > LIMIT:
            return (), (_gap(path, f"the report is larger than {LIMIT:,} bytes", "Split it."),)
        report = _parse(scanner, path.read_bytes())
    except OSError as error:
        return (), (_gap(path, f"the report could not be read: {error.strerror}", "Check the path."),)
    except ReportError as error:
        return (), (_gap(path, str(error), error.hint or "Have the tool write it again."),)
    action = scanner.name if scanner else "sarif"
    findings = identity.settle(report.findings, action=action, severities={}, place=_place, lines=lambda _path: ())
    gaps = (msgspec.structs.replace(gap, message=flow(gap.message), path=plain(gap.path)) for gap in report.gaps)
    return findings, tuple(gaps)


def _parse(scanner: Scanner | None, raw: bytes) -> Report:
    if scanner is None:
        return sarif.parse(raw, "")
    try:
        return scanner.parse(raw)
    except ReportError:
        if not _SARIF.search(raw[:_HEAD]):
            raise
    return sarif.parse(raw, scanner.name)  # what the adapter does not know, or not in this state, as any tool's


def _place(path: str) -> str:
    return identity.relative(path, (), {})


def _gap(path: Path, message: str, remedy: str) -> Gap:
    name = plain(str(path))
    return Gap(reason=GapReason.REPORT_UNREADABLE, message=f"{name}: {flow(message)}", path=name, remedy=remedy)


def _print(findings: list[Finding], gaps: list[Gap]) -> None:
    for one in findings:
        print(f"{one.severity:<8}  {place(one.location)}  {one.scanner} {one.rule}  {one.message}")
    print(f"{len(findings)} findings, {len(gaps)} gaps")
    print("\n".join(common.gap_lines(gaps)))
