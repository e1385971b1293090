"""A small API with an OpenAPI document, and holes beside their mended twins, for what tests APIs by their documents.

`/unsafe/length` breaks off on bad input, `/safe/length` refuses it; `/unsafe/card` forgets to ask who wants it,
`/safe/card` asks. `/whole.json` describes all of it, the other documents each a part: see DOCUMENTS. Started as a
program it serves on the port that is given.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import sys
import threading
from collections.abc import Iterator
from typing import Any

TOKEN = "not-a-token-but-looks-like-one"
_PLANETS = ["Mercury", "Venus", "Earth"]
_TEXTS = {"type": "array", "items": {"type": "string"}}


def _answers(*codes: int, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    content = {"content": {"application/json": {"schema": schema}}} if schema else {}
    return {str(code): {"description": "answer", **(content if code == 200 else {})} for code in codes}


def _asks(kind: str = "application/json") -> dict[str, Any]:
    name = {"name": {"type": "string"}}
    schema = {"type": "object", "properties": name, "required": ["name"], "additionalProperties": False}
    return {"required": True, "content": {kind: {"schema": schema}}}


_LENGTH = {"requestBody": _asks(), "responses": _answers(200, 400, schema={"type": "integer"})}
_CARD = {"security": [{"bearer": []}], "responses": _answers(200, 401)}
_GOOD: dict[str, Any] = {
    "/planets": {"get": {"responses": _answers(200, schema=_TEXTS)}},
    "/safe/length": {"post": _LENGTH},
}
_HOLES: dict[str, Any] = {"/unsafe/length": {"post": _LENGTH}, "/unsafe/card": {"get": _CARD}}
_STRANGE: dict[str, Any] = {
    "/strange": {"post": {"requestBody": _asks("application/x-strange"), "responses": _answers(200)}}
}
_ALL = _GOOD | _HOLES | _STRANGE | {"/safe/card": {"get": _CARD}}
PATHS: dict[str, dict[str, Any]] = {
    "whole": _GOOD | _HOLES,
    "good": _GOOD,
    "locked": {"/planets": _GOOD["/planets"], "/safe/card": {"get": _CARD}},
    "strange": _GOOD | _STRANGE,
    "empty": {},
}


def document(name: str) -> dict[str, Any]:
    """One of the OpenAPI documents (https://spec.openapis.org/oas/v3.0.3)."""
    bearer = {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}}
    info = {"title": "planets", "version": "1"}
    return {"openapi": "3.0.3", "info": info, "paths": PATHS[name], "components": bearer}


class _Application(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __getattr__(self, name: str) -> Any:
        """Every method, also one that nobody knows, comes here."""
        if not name.startswith("do_"):
            raise AttributeError(name)
        return self._serve

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"] or 0))
        path = self.path.partition("?")[0]
        if path.removeprefix("/").removesuffix(".json") in PATHS and path.endswith(".json"):
            self._answer(200, document(path[1:-5]))
        elif path not in _ALL:
            self._answer(404, {})
        elif self.command.lower() not in _ALL[path]:
            self._answer(405, {}, Allow=", ".join(_ALL[path]).upper())
        elif path.endswith("/card"):
            known = path.startswith("/unsafe") or self.headers["Authorization"] == f"Bearer {TOKEN}"
            self._answer(200 if known else 401, {"card": TOKEN} if known else {})
        elif path.endswith("/length"):
            self._answer(*_length(raw, str(self.headers["Content-Type"]), safe=path.startswith("/safe")))
        else:
            self._answer(200, _PLANETS if path == "/planets" else {})

    def _answer(self, status: int, body: object, **headers: str) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name that http.server gave it)
        """Nothing: what is asked here is no news."""


def _length(raw: bytes, kind: str, *, safe: bool) -> tuple[int, object]:
    try:
        given = json.loads(raw)
        named = isinstance(given, dict) and set(given) == {"name"} and isinstance(given["name"], str)
        if safe and not (named and kind == "application/json"):
            return 400, {}
        return 200, len(given["name"])
    except (ValueError, TypeError, KeyError) as error:
        return (400, {}) if safe else (500, {"error": str(error), "token": TOKEN})


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """The address of the application, while it is served."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Application) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), _Application).serve_forever()
