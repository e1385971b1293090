"""Say which vulnerability data the scanners of a pipeline use, and whether it answers now.

Each scanner is asked for a vulnerability that every database knows; what does not find it has no data to be trusted.
Exit code 0 when all find it, 3 when one does not. For machines without the internet any OSV service will do:
`advisories: {osv_url: ...}` in hardgate.yaml, or --osv-url.
"""

from __future__ import annotations

import argparse

import msgspec

from hardgate import tools
from hardgate.adapter import Job
from hardgate.cli import common
from hardgate.cli.checks import works
from hardgate.model import Action, DataUse, ExitCode, Pipeline


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One source of vulnerability data: which action uses it, whether it answers, and its date if it tells one."""

    action: str
    source: str
    answers: bool
    date: str
    message: str
    remedy: str


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `hardgate advisories`."""
    parser.add_argument("what", choices=["status"], help="status: which data is used, and whether it answers")
    parser.add_argument("--path", metavar="PATH", default=".", help="the folder that has hardgate.yaml")
    parser.add_argument("--osv-url", metavar="URL", default="", help="as if advisories.osv_url said this")
    parser.add_argument("--json", action="store_true", help="as JSON")


def main(args: argparse.Namespace) -> int:
    """Ask every source that the pipeline names."""
    pipeline = common.load_pipeline(common.root_of(args.path))
    osv_url = args.osv_url or pipeline.osv_url
    sources = [_asked(action, used, osv_url) for action, used in _users(pipeline, osv_url)]
    if args.json:
        common.print_json(sources)
    else:
        _print(sources)
    return ExitCode.PASS if all(source.answers for source in sources) else ExitCode.INCOMPLETE


def _users(pipeline: Pipeline, osv_url: str) -> list[tuple[Action, DataUse]]:
    users = []
    for action in pipeline.actions:
        job = Job(
            command=(), root="", files=(), report="", scratch="", rules="", options=action.options, osv_url=osv_url
        )
        if used := common.BY_NAME[action.scanner].data(job):
            users.append((action, used))
    return users


def _asked(action: Action, used: DataUse, osv_url: str) -> Source:
    check = works(common.BY_NAME[action.scanner], common.open_toolbox(), osv_url, action.options)
    date = used.date or tools.last_modified(used.source)
    return Source(
        action=action.name,
        source=used.source,
        answers=check.well,
        date=date,
        message=check.message,
        remedy=check.remedy,
    )


def _print(sources: list[Source]) -> None:
    if not sources:
        print("No action of this pipeline uses vulnerability data.")
    for source in sources:
        print(f"{source.action}: {source.source}, data of {source.date or 'a date that it does not tell'}")
        print(f"  {'answers' if source.answers else 'DOES NOT ANSWER'}: {source.message}")
        if not source.answers:
            print(f"  {source.remedy}")
            print("  Without the internet, name an OSV service: advisories: {osv_url: ...}, or --osv-url.")
