"""How a verdict reaches the user: reports into files, the terminal report or JSON onto standard output."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from hardgate.cli import common
from hardgate.errors import ConfigError
from hardgate.model import Pipeline, Run, Verdict
from hardgate.reporters import REPORTERS, text
from hardgate.wording import plain

# What a run leaves behind in the state folder when neither hardgate.yaml nor the command line names a report.
USUAL = {"html": "report.html", "sarif": "report.sarif", "json": "report.json"}
BY_FORMAT = {reporter.name: reporter for reporter in REPORTERS}


def add_reports(parser: argparse.ArgumentParser) -> None:
    """--report, --json and --quiet."""
    parser.add_argument(
        "--report", action="append", default=[], metavar="FORMAT=FILE", help=f"formats: {', '.join(common.FORMATS)}"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the JSON report, and nothing else, on standard output"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress; on standard output just the verdict line")


def reports_of(args: argparse.Namespace, pipeline: Pipeline, root: Path) -> dict[str, Path]:
    """Format and file of every report that was asked for; those of hardgate.yaml are relative to the folder."""
    reports = {name: root / file for name, file in pipeline.reports.items()}
    for item in args.report:
        name, equals, file = item.partition("=")
        if not equals or not file:
            raise ConfigError(f"--report {item!r} is not FORMAT=FILE", hint="For example: --report sarif=out.sarif")
        if name not in BY_FORMAT:
            raise ConfigError(f"there is no report format {name!r}", hint=f"Known: {', '.join(BY_FORMAT)}")
        reports[name] = Path(file).absolute()
    return reports


def files_below(folder: str | None) -> list[Path]:
    """Every file in a folder of receipts, [] when there is none."""
    return [path for path in Path(folder).rglob("*") if path.is_file()] if folder else []


def own_files(root: Path, paths: list[Path]) -> frozenset[str]:
    """Those of hardgate's own files that lie in the tree: they are no content of it unless git tracks them."""
    inside = (path.resolve() for path in paths)
    return frozenset(os.path.relpath(path, root) for path in inside if path.is_relative_to(root))


def deliver(args: argparse.Namespace, run: Run, verdict: Verdict, reports: Mapping[str, Path]) -> None:
    """Write the reports and print the answer; raises StoreError when a report could not be written."""
    wanted = dict(reports) or {name: common.state_folder() / "runs" / run.id / file for name, file in USUAL.items()}
    for name, path in wanted.items():
        reporter = BY_FORMAT[name]
        content = reporter.parts(run, verdict) if reporter.parts else (reporter.render(run, verdict),)
        common.write_file(path, content)
    _github(run, verdict)
    if args.json:
        common.print_bytes(BY_FORMAT["json"].render(run, verdict))
        return
    shown = {name: plain(str(path)) for name, path in wanted.items()}
    width = min(max(shutil.get_terminal_size((100, 24)).columns, 60), 120)
    draw = text.render_colour if common.colour(sys.stdout) else text.render
    page = draw(run, verdict, places=shown, width=width)
    common.print_bytes(page.split(b"\n", 1)[0] + b"\n" if args.quiet else page)


def _github(run: Run, verdict: Verdict) -> None:
    """In GitHub Actions: annotations on standard error, and the summary of the job where it is asked for.

    The runner reads workflow commands from both streams; standard output stays the report's alone.
    See https://docs.github.com/en/actions/reference/workflows-and-actions/variables (GITHUB_STEP_SUMMARY).
    """
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    sys.stderr.buffer.write(BY_FORMAT["github"].render(run, verdict))
    sys.stderr.buffer.flush()
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("ab") as file:
            file.write(BY_FORMAT["markdown"].render(run, verdict))
