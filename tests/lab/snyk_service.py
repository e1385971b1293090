"""A loopback stand-in for the service that Snyk's command line asks, so that the real `snyk` can be run in tests.

`serving(folder)` answers the questions of `snyk test` 1.1307 from the bundle of tests/lab/osv_server.py. What it
matches is not Snyk's data and is never to be shown as such: it proves that our adapter drives the tool and reads its
report. A request without the token is refused with 401, an unknown path with 404, and a body that is no gzipped
dependency graph with 400, as by the real service (the CLI's src/lib/snyk-test/run-test.ts says what it makes of each).
"""

from __future__ import annotations

import contextlib
import gzip
import http.server
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from tests.lab.osv_server import Row, affects

TOKEN = "00000000-0000-0000-0000-00000000c0de"
_FILES = {"PyPI": "advisories-pypi.json.gz", "npm": "advisories-npm.json.gz"}
_ECOSYSTEMS = {"pip": "PyPI", "poetry": "PyPI", "npm": "npm", "yarn": "npm", "pnpm": "npm"}
# Packages whose licence an organisation might ask about: those that the tests need.
_LICENCES = {("npm", "mariadb"): "LGPL-2.1"}
_SEVERITIES = ("low", "medium", "high", "critical")
_WORDS = {"critical": "critical", "high": "high", "moderate": "medium", None: "medium"}


class Info(msgspec.Struct):
    """A package of a graph: https://github.com/snyk/dep-graph."""

    name: str
    version: str | None = None


class Node(msgspec.Struct):
    """One package, as the graph lists it."""

    info: Info


class Manager(msgspec.Struct):
    """The package manager of a graph."""

    name: str


class Graph(msgspec.Struct, rename="camel"):
    """A dependency graph; the first package is the project itself."""

    pkg_manager: Manager
    pkgs: list[Node]


class Question(msgspec.Struct, rename="camel"):
    """The body of POST /v1/test-dep-graph."""

    dep_graph: Graph


def environment(address: str, token: str = TOKEN) -> Mapping[str, str]:
    """The variables by which the CLI asks this service in place of its vendor's."""
    return {"SNYK_API": f"{address}/v1", "SNYK_TOKEN": token}


class Server(http.server.ThreadingHTTPServer):
    """The service over one bundle; `policy` is the ignore file of its platform, `asked` the paths of the requests."""

    def __init__(self, folder: Path | None, policy: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.rows = {
            name: _read(folder / file) if folder and (folder / file).exists() else {} for name, file in _FILES.items()
        }
        self.policy = policy
        # The CLI asks any other host by https only.
        self.address = f"http://localhost:{self.server_address[1]}"
        self.asked: list[str] = []

    def judge(self, graph: Graph, asked: Mapping[str, list[str]]) -> dict[str, Any]:
        """The answer to one graph; `asked` is the query: `severityThreshold` and `ignorePolicy` count."""
        least = _SEVERITIES.index(asked.get("severityThreshold", ["low"])[0])
        ecosystem = _ECOSYSTEMS.get(graph.pkg_manager.name, "")
        affected: dict[str, Any] = {}
        issues: dict[str, Any] = {}
        fix: dict[str, Any]
        for info in (node.info for node in graph.pkgs[1:]):
            found = [_issue(row, graph) for row in self._hits(ecosystem, info)] + _licence(ecosystem, info, graph)
            for issue in (one for one in found if _SEVERITIES.index(one["severity"]) >= least):
                issues[issue["id"]] = issue
                near = issue["fixedIn"][0] if issue["fixedIn"] else ""
                fix = {"isPatchable": False, "upgradePaths": [], "nearestFixedInVersion": near}
                known = affected.setdefault(f"{info.name}@{info.version}", {"pkg": _named(info), "issues": {}})
                known["issues"][issue["id"]] = {"issueId": issue["id"], "fixInfo": fix}
        policy = "" if "ignorePolicy" in asked else self.policy
        meta = {"isPublic": False, "isLicensesEnabled": True, "org": "loopback", "policy": policy}
        return {"result": {"affectedPkgs": affected, "issuesData": issues}, "meta": meta}

    def _hits(self, ecosystem: str, info: Info) -> list[Row]:
        try:
            version = Version(info.version or "")
        except InvalidVersion:
            return []
        rows = self.rows.get(ecosystem, {}).get(_key(ecosystem, info.name), [])
        return list({row.id: row for row in rows if affects(row, version)}.values())


def _read(file: Path) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {}
    if not file.exists():  # a bundle of one ecosystem
        return rows
    for row in msgspec.json.decode(gzip.decompress(file.read_bytes()), type=list[Row]):
        if not row.id.startswith("MAL-"):
            rows.setdefault(_key("PyPI" if "pypi" in file.name else "npm", row.name), []).append(row)
    return rows


def _key(ecosystem: str, name: str) -> str:
    return canonicalize_name(name) if ecosystem == "PyPI" else name


def _named(info: Info) -> dict[str, str]:
    return {"name": info.name, "version": info.version or ""}


def _issue(row: Row, graph: Graph) -> dict[str, Any]:
    """An advisory in the shape of `issuesData`; what the bundle does not have is left empty, and nothing made up."""
    return {
        "id": row.id,
        "title": row.summary,
        "severity": _WORDS[row.severity],
        "packageName": row.name,
        "packageManager": graph.pkg_manager.name,
        "identifiers": {"CVE": [name for name in row.aliases if name.startswith("CVE-")], "CWE": []},
        "semver": {"vulnerable": [f"<{row.fixed}"] if row.fixed else ["*"]},
        "fixedIn": [row.fixed] if row.fixed else [],
        "description": row.summary,
        "patches": [],
        "references": [{"title": "advisory", "url": row.reference}],
    }


def _licence(ecosystem: str, info: Info, graph: Graph) -> list[dict[str, Any]]:
    licence = _LICENCES.get((ecosystem, info.name))
    if not licence:
        return []
    name = f"snyk:lic:{graph.pkg_manager.name}:{info.name}:{licence}"
    issue = {"id": name, "type": "license", "title": f"{licence} license", "license": licence, "severity": "medium"}
    return [{**issue, "packageName": info.name, "semver": {"vulnerable": [">=0"]}, "fixedIn": [], "patches": []}]


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection of snyk."""

    server: Server

    def do_GET(self) -> None:
        """Answer a question for a feature of the account: it has none."""
        self._asked()
        path = self.path.partition("?")[0]
        if self._refused():
            return
        if path.startswith("/v1/cli-config/feature-flags/"):
            flag = path.rsplit("/", 1)[-1]
            self._answer(200, {"ok": False, "userMessage": f"Org loopback doesn't have '{flag}' feature enabled"})
        else:
            self._answer(404, {"code": 404, "error": "not found", "message": f"no {path}"})

    def do_POST(self) -> None:
        """Judge a dependency graph."""
        body = self._asked()
        if self._refused():
            return
        if self.path.partition("?")[0] != "/v1/test-dep-graph":
            self._answer(404, {"code": 404, "error": "not found", "message": f"no {self.path}"})
            return
        try:
            question = msgspec.json.decode(gzip.decompress(body), type=Question)
        except (OSError, EOFError, msgspec.DecodeError) as error:
            self._answer(400, {"code": 400, "error": "bad request", "message": str(error)})
            return
        self._answer(200, self.server.judge(question.dep_graph, parse_qs(urlsplit(self.path).query)))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name that http.server asks for)
        """Keep the test's output quiet."""

    def _asked(self) -> bytes:
        self.server.asked.append(self.path)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _refused(self) -> bool:
        known = self.headers.get("Authorization") == f"token {TOKEN}"
        if not known:
            self._answer(401, {"code": 401, "error": "Not authorised", "message": "Not authorised"})
        return not known

    def _answer(self, status: int, content: object) -> None:
        body = msgspec.json.encode(content)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def serving(folder: Path | None, policy: str = "") -> Iterator[Server]:
    """Serve the bundle in `folder` on the loopback while the block runs; without one nothing is known to it."""
    server = Server(folder, policy)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
