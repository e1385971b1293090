"""A loopback stand-in for the parts of npm's registry that `npm audit` asks.

Answered are `POST /-/npm/v1/security/advisories/bulk` (npm 7 and later), `POST /-/npm/v1/security/audits` (npm 6) and
`GET /NAME`, the releases of a package: https://docs.npmjs.com/cli/v11/commands/npm-audit. Advisories are the OSV
records of npm in cordon-scanner 0.6.0; the weakness is taken from their summary. What this server matches is not npm's
data and is never to be shown as such.
"""

from __future__ import annotations

import contextlib
import gzip
import http.server
import threading
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec

from tests.lab.osv_server import Row, data_folder

RECORDS = "advisories-npm.json.gz"
# The packages that are served, with the releases that there are beside those that mend something.
RELEASES = {"lodash": ("4.17.4",), "minimist": ("1.2.0",), "mkdirp": ("0.5.1",)}
_WEAKNESSES = {"Prototype Pollution": "CWE-1321", "Command Injection": "CWE-94", "Code Injection": "CWE-94"}


@cache
def rows() -> tuple[Row, ...]:
    """The records of the packages that are served."""
    whole = msgspec.json.decode(gzip.decompress((data_folder() / RECORDS).read_bytes()), type=list[Row])
    return tuple(row for row in whole if row.name in RELEASES)


def _advisory(number: int, row: Row) -> dict[str, Any]:
    since = f">={row.introduced} " if row.introduced not in {None, "0"} else ""
    return {
        "id": number,
        "url": f"https://github.com/advisories/{row.id}",
        "title": row.summary,
        "severity": row.severity,
        "vulnerable_versions": f"{since}<{row.fixed}",
        "cwe": [cwe for words, cwe in _WEAKNESSES.items() if words in row.summary],
        "cvss": {"score": 0, "vectorString": None},
    }


def bulk(asked: dict[str, list[str]]) -> dict[str, list[dict[str, Any]]]:
    """The advisories of each package that there are any of; npm sees to the versions itself."""
    numbered = list(enumerate(rows(), 1_000_000))
    found = {name: [_advisory(number, row) for number, row in numbered if row.name == name] for name in asked}
    return {name: advisories for name, advisories in found.items() if advisories}


def before(tree: dict[str, Any]) -> dict[str, Any]:
    """The answer to npm 6, for the packages of its tree: every record is taken to fit."""
    numbered = [(number, row) for number, row in enumerate(rows(), 1_000_000) if row.name in tree["dependencies"]]
    advisories = {
        str(number): {
            "findings": [{"version": tree["dependencies"][row.name]["version"], "paths": [row.name]}],
            "id": number,
            "title": row.summary,
            "module_name": row.name,
            "cves": [alias for alias in row.aliases if alias.startswith("CVE-")],
            "vulnerable_versions": f"<{row.fixed}",
            "patched_versions": f">={row.fixed}",
            "recommendation": f"Upgrade to version {row.fixed} or later",
            "severity": row.severity,
            "cwe": next((cwe for words, cwe in _WEAKNESSES.items() if words in row.summary), ""),
            "url": f"https://npmjs.com/advisories/{number}",
            "github_advisory_id": row.id,
        }
        for number, row in numbered
    }
    counts = {
        word: sum(row.severity == word for _, row in numbered) for word in ("low", "moderate", "high", "critical")
    }
    number = len(tree["dependencies"])
    metadata = {"vulnerabilities": {"info": 0, **counts}, "dependencies": number, "devDependencies": 0}
    metadata |= {"optionalDependencies": 0, "totalDependencies": number}
    return {"actions": [], "advisories": advisories, "muted": [], "metadata": metadata}


def packument(name: str) -> dict[str, Any]:
    """The releases of a package."""
    versions = sorted({*RELEASES[name], *(row.fixed for row in rows() if row.name == name and row.fixed)})
    entries = {version: {"name": name, "version": version, "dist": {"tarball": ""}} for version in versions}
    return {"name": name, "dist-tags": {"latest": versions[-1]}, "versions": entries}


class _Registry(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.strip("/")
        self._answer(*((200, packument(name)) if name in RELEASES else (404, {"error": "Not found"})))

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        asked = msgspec.json.decode(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
        if self.path == "/-/npm/v1/security/advisories/bulk":
            self._answer(200, bulk(asked))
        elif self.path == "/-/npm/v1/security/audits":
            self._answer(200, before(asked))
        else:
            self._answer(404, {"error": "Not found"})

    def _answer(self, status: int, body: object) -> None:
        raw = msgspec.json.encode(body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name that http.server gave it)
        """Nothing: what is asked here is no news."""


class _Empty(_Registry):
    def do_POST(self) -> None:
        self._answer(200, {})


@contextlib.contextmanager
def serving(*, empty: bool = False) -> Iterator[str]:
    """The address of the registry, `http://127.0.0.1:PORT`, while it is served; an `empty` one knows no advisories."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Empty if empty else _Registry) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
