"""The vulnerability data of the scanners: a local database of OSV's advisories, and who uses what.

hardgate advisories import     fill the local database: from OSV's exports, or from the snapshot in a PyPI package
hardgate advisories status     which data the scanners of a pipeline use, whether it answers, what lies here
hardgate advisories lookup     judge packages, or an SBOM, against the local database
hardgate advisories serve      answer as an OSV service on 127.0.0.1, until it is interrupted
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

import msgspec

from hardgate import tools
from hardgate.adapter import Job
from hardgate.advisories import importing, snapshot
from hardgate.advisories.database import Database, Meta, NoDatabaseError, read_meta
from hardgate.advisories.local import Local
from hardgate.advisories.places import default_folder
from hardgate.advisories.writing import Epss, Kev, write
from hardgate.cli import common
from hardgate.errors import ConfigError, StoreError, ToolError
from hardgate.model import Action, DataUse, ExitCode, Pipeline
from hardgate.wording import flow

if TYPE_CHECKING:
    from hardgate.advisories.lookup import LookUp

_T = TypeVar("_T")
_ONLINE, _PACKAGE = "osv.dev", snapshot.DISTRIBUTION


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
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="import|status|lookup|serve")
    importer = verbs.add_parser("import", help="fill the local database", allow_abbrev=False)
    importer.add_argument(
        "--from", metavar="SOURCE", dest="sources", action="append", default=[],
        help=f"{_ONLINE} (default), {_PACKAGE}, or a file or folder of OSV's exports (repeatable)",
    )  # fmt: skip
    importer.add_argument(
        "--ecosystem", metavar="NAME", action="append", default=[], help="only this ecosystem (repeatable)"
    )
    importer.add_argument("--kev", metavar="FILE", type=Path, help="CISA's known_exploited_vulnerabilities.json")
    importer.add_argument("--epss", metavar="FILE", type=Path, help="FIRST's epss_scores-YYYY-MM-DD.csv.gz")
    importer.add_argument("--json", action="store_true", help="print what the database is now as JSON")
    status = verbs.add_parser("status", help="which data is used, and whether it answers", allow_abbrev=False)
    status.add_argument("--path", metavar="PATH", default=".", help="the folder that has hardgate.yaml")
    status.add_argument("--osv-url", metavar="URL", default="", help="as if advisories.osv_url said this")
    status.add_argument("--json", action="store_true", help="as JSON")
    lookup = verbs.add_parser("lookup", help="judge packages or an SBOM", allow_abbrev=False)
    lookup.add_argument("purls", metavar="PURL", nargs="*", help="a package URL, such as pkg:pypi/jinja2@2.4.1")
    lookup.add_argument(
        "--sbom", metavar="FILE", type=Path, action="append", default=[], help="a CycloneDX SBOM (JSON)"
    )
    lookup.add_argument("--json", action="store_true", help="as JSON")
    serve = verbs.add_parser("serve", help="answer as an OSV service on 127.0.0.1", allow_abbrev=False)
    serve.add_argument("--port", metavar="N", type=int, default=0, help="the port (default: a free one)")


def main(args: argparse.Namespace) -> int:
    """Import, tell, look up or serve."""
    match args.verb:
        case "import":
            return _import(args)
        case "status":
            return _status(args)
        case "lookup":
            return _lookup(args)
        case _:
            return _serve(args)


# import


def _import(args: argparse.Namespace) -> int:
    """Fill the database; whatever goes wrong, what was there before is as it was."""
    sources, (before, _) = args.sources or [_ONLINE], _here()
    replaced = f", in place of the data of {before.date} ({', '.join(before.ecosystems)})" if before else ""
    kev = importing.kev(args.kev) if args.kev else None
    epss = importing.epss(args.epss) if args.epss else None
    if len(sources) > 1 and {_ONLINE, _PACKAGE} & set(sources):
        hint = "Nothing was imported. The database has one source: name one, or several files of OSV's exports."
        raise ConfigError(f"{' and '.join(sources)} cannot be one database", hint=hint)
    if sources == [_ONLINE]:
        meta = _online(args.ecosystem, kev, epss)
    elif sources == [_PACKAGE]:
        meta = _bundled(snapshot.find(), args.ecosystem, kev, epss)
    elif len(sources) == 1 and snapshot.is_one(Path(sources[0])):
        meta = _bundled(Path(sources[0]), args.ecosystem, kev, epss)
    else:
        found = importing.exports([Path(source) for source in sources], args.ecosystem)
        meta = write(default_folder(os.environ), importing.origin(found), importing.records(found), kev, epss)
    if args.json:
        common.print_json(_described(meta))
    else:
        print(f"Imported into {default_folder(os.environ)}{replaced}.")
        print("\n".join(_lines(meta)))
    return ExitCode.PASS


def _bundled(folder: Path, ecosystems: Sequence[str], kev: Kev | None, epss: Epss | None) -> Meta:
    found = snapshot.Snapshot(folder, ecosystems)
    return write(default_folder(os.environ), found.origin, found.records(), kev or found.kev(), epss)


def _online(ecosystems: Sequence[str], kev: Kev | None, epss: Epss | None) -> Meta:
    """OSV's exports as they are now. CISA's list and FIRST's scores come with them where they can be had."""
    from hardgate.toolbox import net  # noqa: PLC0415 (loaded where it is needed)

    names = [importing.known(name) for name in ecosystems] or list(snapshot.ECOSYSTEMS)
    with tempfile.TemporaryDirectory(prefix="hardgate-") as scratch:
        found, dates = [], []
        for name in names:
            address, target = importing.EXPORT.format(quote(name)), Path(scratch) / name / "all.zip"
            target.parent.mkdir()
            print(f"Fetching {address}", file=sys.stderr, flush=True)
            try:
                net.download(address, target, lambda _done, _all: None)
            except ToolError as error:
                hint = f"Nothing was imported. Without the internet: --from FILE, or --from {_PACKAGE}."
                raise ToolError(str(error), hint=hint) from error
            dates.append(_iso(tools.last_modified(address)))
            found.append(importing.Export(path=target, ecosystem=name))
        kev = kev or _more(
            importing.CISA, Path(scratch) / "kev.json", importing.kev, "CISA's list of what is exploited"
        )
        epss = epss or _more(importing.FIRST, Path(scratch) / "epss.csv.gz", importing.epss, "FIRST's EPSS scores")
        # The oldest date counts; where one file tells none, that of the newest change in it.
        origin = importing.origin(found, f"OSV export ({_ONLINE})", min(dates) if all(dates) else "")
        return write(default_folder(os.environ), origin, importing.records(found), kev, epss)


def _more(address: str, target: Path, read: Callable[[Path, str], _T], what: str) -> _T | None:
    """A list that is not OSV's; None where its address cannot be reached."""
    from hardgate.toolbox import net  # noqa: PLC0415 (loaded where it is needed)

    try:
        net.download(address, target, lambda _done, _all: None)
    except net.UnreachableError as error:
        print(f"{error}: of {what} the one here, if any, stays", file=sys.stderr)
        return None
    return read(target, address)


def _iso(date: str) -> str:
    try:
        return parsedate_to_datetime(date).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return ""


# status


def _status(args: argparse.Namespace) -> int:
    """Ask every source that the pipeline names, and say what lies here."""
    meta, problem = _here()
    pipeline = common.load_pipeline(common.root_of(args.path))
    osv_url = args.osv_url or pipeline.osv_url
    with Local(default_folder(os.environ)) as local:
        sources = [_asked(action, used, osv_url, local) for action, used in _users(pipeline, osv_url)]
    if args.json:
        common.print_json({"sources": sources, "database": _described(meta) if meta else None, "problem": problem})
    else:
        _print(sources)
        print("\n".join(_lines(meta)) if meta else problem)
    damaged = meta is None and (default_folder(os.environ) / "meta.json").exists()
    well = all(source.answers for source in sources) and not damaged
    return ExitCode.PASS if well else ExitCode.INCOMPLETE


def _here() -> tuple[Meta | None, str]:
    """The local database, or why there is none."""
    try:
        return read_meta(default_folder(os.environ)), ""
    except NoDatabaseError as error:
        return None, f"There is no local database. {error.hint}"
    except StoreError as error:
        return None, f"{error}. {error.hint}"


def _users(pipeline: Pipeline, osv_url: str) -> list[tuple[Action, DataUse]]:
    users = []
    for action in pipeline.actions:
        if action.scanner in common.STEP_BY_NAME:
            continue
        job = Job(
            command=(), root="", files=(), report="", scratch="", rules="", options=action.options, osv_url=osv_url
        )
        if used := common.BY_NAME[action.scanner].data(job):
            users.append((action, used))
    return users


def _asked(action: Action, used: DataUse, osv_url: str, local: Local) -> Source:
    from hardgate.cli.checks import stand_in, works  # noqa: PLC0415 (the store is slow to import)

    scanner = common.BY_NAME[action.scanner]
    asked = stand_in(scanner, action.options, osv_url, local, used)
    used = asked.data
    check = works(scanner, common.open_toolbox(), asked, action.options)
    return Source(
        action=action.name,
        source=used.source,
        answers=check.well,
        date=used.date or tools.last_modified(used.source),
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
            print("  Without the internet: hardgate advisories import, or name an OSV service (advisories.osv_url).")


def _described(meta: Meta) -> dict[str, object]:
    """A database as JSON shows it: without its hundreds of shards."""
    whole = msgspec.structs.asdict(meta)
    del whole["shards"], whole["data"], whole["format"]
    return {"folder": str(default_folder(os.environ)), **whole, "age_days": _age(meta)}


def _age(meta: Meta) -> int | None:
    try:
        date = datetime.fromisoformat(meta.date)
    except ValueError:
        return None
    return (datetime.now(UTC) - (date if date.tzinfo else date.replace(tzinfo=UTC))).days


def _lines(meta: Meta) -> list[str]:
    counts = ", ".join(f"{name} {one.records:,}" for name, one in meta.ecosystems.items())
    kev = f"{meta.kev.count:,} ids of {meta.kev.date}" if meta.kev else "not imported: --kev FILE"
    epss = (
        f"{meta.epss.count:,} CVEs of {meta.epss.date}, {meta.epss.model}" if meta.epss else "not imported: --epss FILE"
    )
    return [
        f"Local database: {meta.source}",
        f"  data of {meta.date or 'a date that it does not tell'}, {_age(meta)} days old; imported {meta.imported_at}",
        f"  advisories: {counts}; {meta.withdrawn:,} withdrawn and {meta.left_out:,} of other ecosystems left out",
        f"  covers {meta.coverage}",
        f"  known to be exploited (CISA): {kev}",
        f"  likely to be exploited (EPSS): {epss}",
        f"  sha256:{meta.digest}",
    ]


# lookup and serve


def _lookup(args: argparse.Namespace) -> int:
    """Judge; 0 when nothing was found, 1 when something was, 3 when something could not be judged."""
    from hardgate.advisories import lookup, sbom  # noqa: PLC0415 (loaded where it is needed)

    if not args.purls and not args.sbom:
        hint = "Nothing was looked up. hardgate advisories lookup pkg:pypi/jinja2@2.4.1, or --sbom FILE."
        raise ConfigError("there is nothing to look up", hint=hint)
    read = [sbom.purls(path) for path in args.sbom]
    names = [*args.purls, *(name for found, _ in read for name in found)]
    with Database.open(default_folder(os.environ)) as database:
        answer = lookup.look_up(database, names, [name for _, found in read for name in found])
        used = database.use
    if args.json:
        common.print_json(lookup.document(answer, used))
    else:
        _tell(answer, used)
    if answer.unjudged or not names:
        return ExitCode.INCOMPLETE
    return ExitCode.FAIL if answer.hits else ExitCode.PASS


def _tell(answer: LookUp, used: DataUse) -> None:
    for hit in answer.hits:
        score = f" {hit.rating.score:g}" if hit.rating.score is not None else ""
        marks = [
            hit.rating.source + score,
            *(["exploited"] if hit.kev else []),
            *(["malware"] if hit.malicious else []),
        ]
        print(f"{hit.rating.severity:<9}{hit.name} {hit.version}: {hit.id} ({', '.join(marks)})")
        print(f"         {flow(hit.summary)}")
        print(f"         {'fixed in ' + ', '.join(hit.fixed) if hit.fixed else 'no fixed release is known'}")
    for one in answer.unjudged:
        print(f"NOT JUDGED {flow(one.purl)}: {flow(one.reason)}")
    print(f"{answer.judged} packages judged, {len(answer.hits)} vulnerabilities, {len(answer.unjudged)} not judged.")
    print(f"By the {used.source}, of {used.date}")


def _serve(args: argparse.Namespace) -> int:
    """Answer until ^C or SIGTERM."""
    with Local(default_folder(os.environ)) as local:
        address = local.address(args.port, secret=False)
        used = local.use()
        print(address, flush=True)
        print(f"Serving the {used.source if used else ''}, of {used.date if used else ''}. End it with ^C.", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            while not threading.Event().wait(tools.HEED):  # a wait without an end can miss ^C: see tools.HEED
                pass
    return ExitCode.PASS
