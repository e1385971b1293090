"""The date of vulnerability data: of what a service says, and of a database that Trivy has downloaded."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import msgspec

from hardgate.model import DataUse, Gap, GapReason
from hardgate.wording import flow


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


def stale(action: str, data: DataUse, now: str, allowed: float, *, ours: bool) -> tuple[Gap, ...]:
    """A gap when the data tells a date that is more than `allowed` days before `now`, or that cannot be read.

    `ours`: it was imported.
    """
    if not data.date:
        return ()
    date = moment(data.date)
    if date is None:
        message = f"{action} used vulnerability data whose date cannot be read: {data.date!r} ({data.source})"
        return (_stale(action, message, "Get the data anew, or ask who keeps it."),)
    days = (datetime.fromisoformat(now) - date).total_seconds() / 86_400
    if days <= allowed:
        return ()
    message = (
        f"{action} used vulnerability data of {date:%Y-%m-%d}, which is {days:.0f} days old; "
        f"policy.max_advisory_age allows {allowed:g} ({data.source})"
    )
    mend = "hardgate advisories import" if ours else "ask the operator of the service"
    remedy = f"Get newer data: {mend}. Or say in policy.max_advisory_age that older data will do."
    return (_stale(action, message, remedy),)


def _stale(action: str, message: str, remedy: str) -> Gap:
    return Gap(reason=GapReason.DATA_STALE, action=action, message=flow(message), remedy=remedy)


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
