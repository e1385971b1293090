"""The OSV API on loopback over the local database: https://google.github.io/osv.dev/api/.

Answered: `POST /v1/query`, `POST /v1/querybatch`, `GET /v1/vulns/ID`, and `GET|HEAD /`, which tells the data's date as
`Last-Modified`. A release that cannot be judged is refused with 400, damaged data answers 500: never `{}`, which means
"nothing known". An advisory of which it cannot be said whether it covers the release is handed out, and says so.
"""

from __future__ import annotations

import email.utils
import http.server
from datetime import UTC, datetime
from typing import Any

import msgspec

from hardgate.advisories import purl as purls
from hardgate.advisories.database import Database
from hardgate.advisories.lookup import not_judged
from hardgate.advisories.matching import Answer, judge
from hardgate.advisories.records import Package, Record
from hardgate.errors import StoreError

_BODY = 10_000_000  # bytes of a question
_BATCH = 1000  # questions at once, as osv.dev has it
_IDLE = 30.0  # seconds that a connection may say nothing


class _Asked(msgspec.Struct, frozen=True):
    name: str = ""
    ecosystem: str = ""
    purl: str = ""


class _Query(msgspec.Struct, frozen=True):
    package: _Asked | None = None
    version: str = ""
    commit: str = ""
    page_token: str = ""


class _Batch(msgspec.Struct, frozen=True):
    queries: tuple[_Query, ...]


class _RefusedError(Exception):
    """A question that has no answer here."""


class Service(http.server.ThreadingHTTPServer):
    """The API over one open database, on 127.0.0.1, below a path that nobody can guess when there is a `token`."""

    daemon_threads = True

    def __init__(self, database: Database, port: int = 0, token: str = "") -> None:
        self.database = database
        self.root = f"/{token}" if token else ""
        self.modified = http_date(database.meta.date)
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def address(self) -> str:
        """What a tool is given as the address of its OSV service."""
        return f"http://127.0.0.1:{self.server_address[1]}{self.root}"


def http_date(date: str) -> str:
    """An ISO 8601 time as HTTP writes it (RFC 9110, section 5.6.7)."""
    moment = datetime.fromisoformat(date)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return email.utils.format_datetime(moment.astimezone(UTC), usegmt=True)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE
    server: Service

    def do_GET(self) -> None:
        """Answer / and /v1/vulns/ID."""
        try:
            status, content = self._read(self._path())
        except StoreError as error:
            status, content = 500, {"code": 13, "message": str(error)}
        self._answer(status, content)

    do_HEAD = do_GET  # noqa: N815 (the name that http.server asks for)

    def do_POST(self) -> None:
        """Answer /v1/query and /v1/querybatch."""
        try:
            status, content = 200, self._asked(self._path(), self._body())
        except (_RefusedError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self.close_connection = True  # the rest of a body that was not read is no next question
            status, content = 400, {"code": 3, "message": str(error)}
        except StoreError as error:
            status, content = 500, {"code": 13, "message": str(error)}
        self._answer(status, content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name that http.server asks for)
        """Keep the terminal for the run."""

    def _path(self) -> str:
        """The path below our own; "" for one that is not ours."""
        root = self.server.root
        return self.path.removeprefix(root) or "/" if self.path.startswith(root) else ""

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _BODY:
            raise _RefusedError(f"a question needs a Content-Length of at most {_BODY}")
        return self.rfile.read(int(length))

    def _read(self, path: str) -> tuple[int, dict[str, Any]]:
        meta, prefix = self.server.database.meta, "/v1/vulns/"
        if path == "/":
            about = {"source": meta.source, "date": meta.date, "coverage": meta.coverage, "digest": meta.digest}
            return 200, about
        record = self.server.database.by_id(path.removeprefix(prefix)) if path.startswith(prefix) else None
        return (200, msgspec.to_builtins(record)) if record else (404, {"code": 5, "message": "Bug not found."})

    def _asked(self, path: str, body: bytes) -> dict[str, Any]:
        if path == "/v1/query":
            found = self._found(msgspec.json.decode(body, type=_Query))
            return {"vulns": found} if found else {}
        if path == "/v1/querybatch":
            queries = msgspec.json.decode(body, type=_Batch).queries
            if len(queries) > _BATCH:
                raise _RefusedError(f"at most {_BATCH} questions at once")
            each = [self._found(query) for query in queries]
            brief = [[{"id": one.id, "modified": one.modified} for one in found] for found in each]
            return {"results": [{"vulns": found} if found else {} for found in brief]}
        raise _RefusedError("there is no such method")

    def _found(self, query: _Query) -> list[Record]:
        package, version = _package(query)
        database = self.server.database
        if reason := not_judged(database, package.ecosystem, version):
            raise _RefusedError(f"{package.name} {version} cannot be judged: {reason}")
        found = []
        for record in database.of_package(package.ecosystem, package.name):
            said = judge(record, package.ecosystem, version)
            if said.answer is Answer.NOT_JUDGED:
                found.append(msgspec.structs.replace(record, summary=f"NOT JUDGED ({said.reason}): {record.title}"))
            elif said.answer is Answer.AFFECTED:
                found.append(record)
        return found

    def _answer(self, status: int, content: object) -> None:
        body = msgspec.json.encode(content)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", self.server.modified)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _package(query: _Query) -> tuple[Package, str]:
    if query.commit or query.page_token:
        raise _RefusedError("commits and pages are not answered here")
    if query.package is None:
        raise _RefusedError("the question names no package")
    if query.package.purl:
        written = query.package.purl + (f"@{query.version}" if query.version else "")
        try:
            release = purls.read(written)
        except purls.PurlError as error:
            raise _RefusedError(f"{written}: {error}") from error
        return release.package, release.version
    if not (query.package.name and query.package.ecosystem and query.version):
        raise _RefusedError("the question needs a package's name, its ecosystem and a version")
    return Package(query.package.ecosystem, query.package.name), query.version
