"""Mail of examples/planetary-api: over SMTP to a server on loopback, or into the outbox folder."""

import email
import email.policy
import socketserver
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient


def _read(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)


@pytest.mark.parametrize("prefix", ["", "/safe"])
def test_mail_lands_in_the_outbox(api: FlaskClient, prefix: str, tmp_path: Path) -> None:
    for _ in range(2):
        assert api.get(f"{prefix}/retrieve_password/test@test.com").status_code == 200
    files = list((tmp_path / "outbox").iterdir())
    assert [file.suffix for file in files] == [".eml", ".eml"]
    assert _read(files[0].read_bytes())["To"] == "test@test.com"


def test_an_unknown_address_gets_no_mail(api: FlaskClient, tmp_path: Path) -> None:
    answer = api.get("/retrieve_password/nobody@test.com")
    assert (answer.status_code, answer.get_json()) == (401, {"message": "That email doesn't exist"})
    api.get("/safe/retrieve_password/nobody@test.com")
    assert not (tmp_path / "outbox").exists()


class _Smtp(socketserver.StreamRequestHandler):
    """Takes one message, in the commands of RFC 5321 that smtplib uses."""

    def handle(self) -> None:
        self._say("220 loopback")
        for line in self.rfile:
            match line.split()[0].upper():
                case b"DATA":
                    self._say("354 go on")
                    self._take()
                case b"QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 fine")

    def _take(self) -> None:
        lines = iter(self.rfile.readline, b".\r\n")
        assert isinstance(self.server, _SmtpServer)
        self.server.messages.append(b"".join(lines))
        self._say("250 taken")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class _SmtpServer(socketserver.TCPServer):
    messages: list[bytes]


@pytest.fixture
def smtp() -> Iterator[_SmtpServer]:
    with _SmtpServer(("127.0.0.1", 0), _Smtp) as server:
        server.messages = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_mail_goes_over_smtp_when_a_server_is_named(start: Any, smtp: _SmtpServer, tmp_path: Path) -> None:
    client = start(MAIL_SERVER="127.0.0.1", MAIL_PORT=smtp.server_address[1]).test_client()
    assert client.get("/retrieve_password/test@test.com").status_code == 200
    assert _read(smtp.messages[0])["Subject"] == "Your planetary API password"
    assert not (tmp_path / "outbox").exists()


def test_a_mail_server_that_is_away_is_told(start: Any) -> None:
    app = start(MAIL_SERVER="127.0.0.1", MAIL_PORT=1)
    answer = app.test_client().get("/retrieve_password/test@test.com")
    assert (answer.status_code, answer.get_json()) == (503, {"message": "The mail could not be sent"})
