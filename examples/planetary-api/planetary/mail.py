"""Sends mail: by SMTP when MAIL_SERVER is set, else into a folder, one .eml file for each message."""

import smtplib
import ssl
import uuid
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path

from flask import current_app


class NotSent(RuntimeError):
    """The mail server did not take the message. Answered with 503."""


def send(recipient: str, subject: str, text: str) -> None:
    """Send one message.

    Raises:
        NotSent: the mail server cannot be reached or refuses the message.
    """
    message = EmailMessage()
    message["From"] = current_app.config["MAIL_SENDER"]
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = formatdate()
    message.set_content(text)
    if current_app.config["MAIL_SERVER"]:
        _by_smtp(message)
    else:
        _into_outbox(message, Path(current_app.config["OUTBOX_DIR"]))


def _by_smtp(message: EmailMessage) -> None:
    config = current_app.config
    try:
        with smtplib.SMTP(config["MAIL_SERVER"], config["MAIL_PORT"], timeout=10) as server:
            if config["MAIL_USE_TLS"]:
                server.starttls(context=ssl.create_default_context())
            if config["MAIL_USERNAME"]:
                server.login(config["MAIL_USERNAME"], config["MAIL_PASSWORD"])
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(f"{config['MAIL_SERVER']}: {error}") from error


def _into_outbox(message: EmailMessage, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex}.eml"
    (folder / name).write_bytes(message.as_bytes())
