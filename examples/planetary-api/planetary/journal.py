"""The application's own log, which /read_log shows."""

from datetime import UTC, datetime
from pathlib import Path

from flask import current_app

LOG_NAME = "planetary.log"


def note(event: str) -> None:
    """Append one line to the log; characters that could start a second line are escaped."""
    folder = Path(current_app.config["DATA_DIR"]) / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    line = event.encode("unicode_escape").decode("ascii")
    with (folder / LOG_NAME).open("a", encoding="utf-8") as log:
        log.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}\n")
