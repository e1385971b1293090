"""A loopback stand-in for the service that Safety 3 asks, so that the real `safety` can be run in tests.

`serving(folder)` serves the bundle of tests/lab/osv_server.py in the shape of Safety's database (schema 2.0.0, as
safety/safety.py of 3.8.1 reads it). What it matches is not Safety's data and is never to be shown as such: it proves
that our adapter drives the tool and reads its report. A request without the key in `KEY` is refused with 401, as by the
real service.
"""

from __future__ import annotations

import contextlib
import gzip
import http.server
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from packaging.utils import canonicalize_name

from tests.lab.osv_server import RECORDS, Row

KEY = "00000000-loopback-only-no-key"


def environment(address: str, key: str = KEY) -> Mapping[str, str]:
    """The variables by which Safety asks this service in place of its vendor's."""
    return {
        "SAFETY_API_KEY": key,
        "SAFETY_PLATFORM_API_BASE_URL": f"{address}/cli/api/v1",
        "SAFETY_PLATFORM_URL": address,
        "SAFETY_PLATFORM_V2_URL": address,
        "SAFETY_DATA_API_BASE_URL": f"{address}/api/v1/safety/",
        "SAFETY_AUTH_SERVER_URL": address,
        "SAFETY_FIREWALL_API_BASE_URL": address,
    }


def database(rows: list[Row]) -> dict[str, dict[str, Any]]:
    """The two documents, by their file names."""
    ranges = [row for row in rows if not row.versions and not row.id.startswith("MAL-")]
    full: dict[str, list[dict[str, Any]]] = {}
    for row in ranges:
        full.setdefault(canonicalize_name(row.name), []).append(_entry(row))
    insecure = {name: sorted({entry["specs"][0] for entry in entries}) for name, entries in full.items()}
    meta = {
        "schema_version": "2.0.0",
        "base_domain": "https://loopback.invalid",
        "advisory": "a stand-in for tests",
        "timestamp": 1791331200,
        "packages": {name: _package() for name in full},
        "severities": {alias: _severity(row) for row in ranges if row.severity for alias in _cves(row)},
    }
    return {
        "insecure.json": {"meta": meta, "vulnerable_packages": insecure},
        "insecure_full.json": {"meta": meta, "vulnerable_packages": full},
    }


def _entry(row: Row) -> dict[str, Any]:
    ids = [{"type": "pyup", "id": row.id}, *({"type": "cve", "id": alias} for alias in _cves(row))]
    return {
        "specs": [_specifier(row)],
        "id": row.id,
        "advisory": row.summary,
        "ids": ids,
        "more_info_path": f"/{row.id}",
        "published_date": None,
        "fixed_versions": [row.fixed] if row.fixed else [],
    }


def _specifier(row: Row) -> str:
    lower = f">={row.introduced}" if row.introduced not in (None, "0") else ""
    upper = f"<{row.fixed}" if row.fixed else f"<={row.last_affected}" if row.last_affected else ""
    return ",".join(part for part in (lower, upper) if part) or ">=0"


def _cves(row: Row) -> list[str]:
    return [alias for alias in row.aliases if alias.startswith("CVE-")]


def _severity(row: Row) -> dict[str, Any]:
    # The bundle has bands and no scores, so no score is made up.
    word = {"critical": "CRITICAL", "high": "HIGH", "moderate": "MEDIUM"}[row.severity or ""]
    return {"cvssv2": None, "cvssv3": {"base_severity": word}}


def _package() -> dict[str, Any]:
    return {
        "insecure_versions": [],
        "secure_versions": [],
        "latest_version": None,
        "latest_version_without_known_vulnerabilities": None,
        "more_info_path": "/",
    }


class Server(http.server.ThreadingHTTPServer):
    """The service over one bundle; `asked` are the paths of the requests, in order."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        rows = msgspec.json.decode(gzip.decompress((folder / RECORDS).read_bytes()), type=list[Row])
        self.documents = {name: msgspec.json.encode(content) for name, content in database(rows).items()}
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        self.asked: list[str] = []


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection of safety."""

    server: Server

    def do_GET(self) -> None:
        """Answer what Safety 3.8 asks before and while it checks."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append(self.path)
        name = self.path.partition("?")[0].rsplit("/", 1)[-1]
        if "openid-configuration" in self.path:
            at = self.server.address
            names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")
            self._answer(200, msgspec.json.encode({"issuer": at, "jwks_uri": f"{at}/jwks", **dict.fromkeys(names, at)}))
        elif name == "jwks":
            self._answer(200, b'{"keys": []}')
        elif self.headers.get("X-Api-Key") != KEY:
            self._answer(401, b'{"detail": "the key is not known"}')
        else:
            self._answer(200, self.server.documents.get(name, b"{}"))

    do_POST = do_HEAD = do_GET  # noqa: N815 (names that http.server asks for)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name that http.server asks for)
        """Keep the test's output quiet."""

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Serve the bundle in `folder` on 127.0.0.1 while the block runs."""
    server = Server(folder)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
