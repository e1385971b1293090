"""Waivers as they are written: in hardgate.yaml under `policy.waivers`, and in `.hardgate/waivers.yaml`.

Both take the same keys. What is not understood is refused with file, line and key.
"""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Any

import msgspec

from hardgate.allowances import BASELINE, VEX, Waiver
from hardgate.errors import ConfigError
from hardgate.exceptions import purls
from hardgate.yamlfile import Path, Source, convert

FILE = ".hardgate/waivers.yaml"
_Text = Annotated[str, msgspec.Meta(min_length=1)]
_FAR = "policy.max_waiver_days"


_VALUE = re.compile(r"[0-9A-Za-z_.-]+/[0-9a-f]{16,64}", re.ASCII)


class WaiverKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of one waiver."""

    reason: _Text
    owner: _Text
    until: _Text
    id: str = ""
    rule: str = ""
    path: str = ""
    ticket: str = ""
    purl: str = ""
    value: str = ""


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    waivers: tuple[WaiverKeys, ...]


def read(raw: bytes, name: str = FILE) -> tuple[Waiver, ...]:
    """The waivers of a file of their own; raises ConfigError for anything that is not understood."""
    source = Source(raw, name)
    data = source.data()
    if not isinstance(data, dict):
        source.refuse((), "the file must be a mapping that begins with `waivers:`")
    file: _File = convert(source, data, _File, ())
    return tuple(waiver(source, ("waivers", i), keys, name) for i, keys in enumerate(file.waivers))


def waiver(source: Source, at: Path, keys: WaiverKeys, name: str) -> Waiver:
    """One waiver that was read at `at` of the file that reports call `name`.

    Raises ConfigError when its date is none, or it does not say what it is for.
    """
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", keys.until, re.ASCII):
        source.refuse((*at, "until"), f"{keys.until!r} is not a date; write it as 2026-12-31")
    try:
        datetime.date.fromisoformat(keys.until)
    except ValueError as error:
        source.refuse((*at, "until"), f"{keys.until!r} is not a date: {error}")
    if keys.id and (keys.rule or keys.path or keys.purl):
        source.refuse(at, "a waiver with an `id` names one finding: leave `rule`, `path` and `purl` out")
    if not keys.id and not (keys.rule and (keys.path or keys.purl)):
        source.refuse(at, "a waiver names an `id`, or a `rule` and a `path`, a `purl`, or both")
    if keys.value and not (keys.id and _VALUE.fullmatch(keys.value)):
        source.refuse((*at, "value"), "a `value` stands beside the `id` of a secret; `hardgate explain ID` tells both")
    if keys.purl and purls.parse(keys.purl) is None:
        source.refuse((*at, "purl"), f"{keys.purl!r} is no package URL; write it as pkg:pypi/flask@0.12")
    given: dict[str, Any] = msgspec.structs.asdict(keys)
    return Waiver(**given, source=f"{name} line {source.line(at)}")


def days_ahead(until: str, now: str) -> int:
    """How many days `until` is after the day of `now`; negative when it is over."""
    return (datetime.date.fromisoformat(until) - datetime.date.fromisoformat(now[:10])).days


def day_after(day: str, days: int) -> str:
    """The day so many days after `day`, at most the last that the calendar has."""
    first = datetime.date.fromisoformat(day)
    return str(first + datetime.timedelta(days=min(days, (datetime.date.max - first).days)))


def too_far(waiver: Waiver, longest: int, now: str) -> str:
    """What is wrong with a waiver that ends more than `longest` days after `now`, "" when it does not."""
    days = days_ahead(waiver.until, now)
    if days <= longest:
        return ""
    last = datetime.date.fromisoformat(now[:10]) + datetime.timedelta(days=longest)
    if waiver.kind == VEX:
        return f"its time is still to come: it would count until {waiver.until}; write when it was stated"
    return f"until: {waiver.until} is {days} days ahead; {_FAR} allows {longest}: write {last} or earlier"


def check(given: tuple[Waiver, ...], longest: int, now: str) -> None:
    """Raise ConfigError, with file and line, for the first waiver that ends later than the policy allows.

    A baseline has days of its own; the gate looks at them.
    """
    for one in (waiver for waiver in given if waiver.kind != BASELINE):
        if problem := too_far(one, longest, now):
            hint = "Nothing was run. A waiver is looked at again when it ends; extend it then, with a reason."
            raise ConfigError(f"{one.source or one.subject}: {problem}", hint=hint)
