"""Reads what a request sent, as JSON or as a form."""

import math
import re
from collections.abc import Mapping
from typing import Any

from flask import request

NAME_LENGTH = 60
# Control characters, the two of Unicode that end a line (as str.splitlines has it), and halves of characters.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Refused(ValueError):
    """The request lacks something, or has it in a form that cannot be stored. Answered with 400."""


def sent() -> Mapping[str, Any]:
    """Return the fields of the request's body; a body that is no JSON object has none."""
    if not request.is_json:
        return request.form
    document = request.get_json(silent=True)
    return document if isinstance(document, dict) else {}


def text(fields: Mapping[str, Any], key: str, longest: int) -> str:
    """Return one line of text of at most `longest` characters, which may be empty.

    Raises:
        Refused: the field is missing, is no text, is too long or cannot be printed.
    """
    value = fields.get(key)
    if not isinstance(value, str):
        raise Refused(f"{key} is missing")
    if len(value) > longest:
        raise Refused(f"{key} has more than {longest} characters")
    if _UNPRINTABLE.search(value):
        raise Refused(f"{key} has characters that cannot be printed")
    return value


def number(fields: Mapping[str, Any], key: str) -> float:
    """Return a finite number, sent as a number or as text.

    Raises:
        Refused: the field is missing or is no finite number.
    """
    given = fields.get(key, "")
    if isinstance(given, bool):  # float() takes true for 1.0
        raise Refused(f"{key} is no number")
    try:
        value = float(given)
    except (TypeError, ValueError, OverflowError):
        raise Refused(f"{key} is missing or is no number") from None
    if not math.isfinite(value):
        raise Refused(f"{key} is not finite")
    return value


def planet(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a planet, all but its id.

    Raises:
        Refused: a field is missing or cannot be stored.
    """
    words = {key: text(fields, key, NAME_LENGTH) for key in ("planet_name", "planet_type", "home_star")}
    return words | {key: number(fields, key) for key in ("mass", "radius", "distance")}
