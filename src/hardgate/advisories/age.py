"""The date of vulnerability data: of what a service says, and of a database that Trivy has downloaded."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import msgspec


class _Metadata(msgspec.Struct, rename="pascal"):
    updated_at: str


def moment(date: str) -> datetime | None:
    """The time that data is of: ISO 8601 or as HTTP writes it (RFC 9110, section 5.6.7); None when it tells none."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = read(date)
        except (ValueError, OverflowError):
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def newer(one: str, other: str) -> bool:
    """Whether the first date is known to be later than the second."""
    mine, others = moment(one), moment(other)
    return mine is not None and (others is None or mine > others)


def kept(cache: Path) -> str:
    """The date of the database in a cache folder of Trivy (`db/metadata.json`), "" when there is none to be read.

    https://github.com/aquasecurity/trivy-db (pkg/metadata): `UpdatedAt` is when the data was put together.
    """
    try:
        return msgspec.json.decode((cache / "db" / "metadata.json").read_bytes(), type=_Metadata).updated_at
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
