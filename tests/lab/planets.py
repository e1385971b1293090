"""A small application with a hole beside its mended twin, served on loopback for dynamic tests.

`/unsafe/login` joins its SQL out of what it is sent, `/safe/login` binds it; `/unsafe/hello` shows what it is given
as it is, `/safe/hello` escapes it; `/unsafe/fetch` connects to wherever it is sent. Each answer carries a token in
its body and in a header, so that a test can see whether a report lets it out.
"""

from __future__ import annotations

import contextlib
import html
import http.server
import socket
import sqlite3
import sys
import threading
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import msgspec

TOKEN = "not-a-token-but-looks-like-one"
PLANETS = ("Mercury", "Venus", "Earth")


def _accounts() -> sqlite3.Connection:
    store = sqlite3.connect(":memory:", check_same_thread=False)
    store.execute("CREATE TABLE account (name TEXT, word TEXT)")
    store.execute("INSERT INTO account VALUES ('ada', 'lovelace')")
    return store


class _Application(http.server.BaseHTTPRequestHandler):
    accounts: sqlite3.Connection

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        name = parse_qs(parts.query).get("name", [""])[0]
        match parts.path:
            case "/planets":
                self._answer(200, msgspec.json.encode(PLANETS))
            case "/unsafe/hello":
                self._answer(200, f"<p>Hello {name}</p>".encode(), "text/html")
            case "/unsafe/fetch":
                self._answer(*_fetched(parse_qs(parts.query).get("to", [""])[0]))
            case "/safe/hello":
                self._answer(200, f"<p>Hello {html.escape(name)}</p>".encode(), "text/html")
            case _:
                self._answer(404, b'{"message": "there is no such planet"}')

    def do_POST(self) -> None:
        given = msgspec.json.decode(self.rfile.read(int(self.headers["Content-Length"])), type=dict[str, str])
        name, word = given["name"], given["word"]
        if self.path == "/unsafe/login":
            question = f"SELECT name FROM account WHERE name = '{name}' AND word = '{word}'"  # the hole
            row = self.accounts.execute(question).fetchone()
        else:
            question = "SELECT name FROM account WHERE name = ? AND word = ?"
            row = self.accounts.execute(question, (name, word)).fetchone()
        body = {"message": "Login succeeded!", "access_token": TOKEN} if row else {"message": "no"}
        self._answer(200 if row else 401, msgspec.json.encode(body))

    def _answer(self, status: int, body: bytes, media: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", f"session={TOKEN}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name that http.server gave it)
        """Nothing: what is asked here is no news."""


def _fetched(to: str) -> tuple[int, bytes]:
    host, _, port = to.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=5) as end:
            end.sendall(TOKEN.encode())
    except (OSError, ValueError) as error:
        return 502, str(error).encode()
    return 200, b"sent"


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """The address of the application, `http://127.0.0.1:PORT`, while it is served."""
    with contextlib.closing(_accounts()) as accounts:
        handler = type("Application", (_Application,), {"accounts": accounts})
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}"
            finally:
                server.shutdown()
                thread.join()


def main() -> None:
    """Serve on the port that is given, until it is ended."""
    with contextlib.closing(_accounts()) as accounts:
        handler = type("Application", (_Application,), {"accounts": accounts})
        http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), handler).serve_forever()


if __name__ == "__main__":
    main()
