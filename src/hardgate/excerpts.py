"""A piece of a request or an answer as a finding shows it: short, in one line, and without what may be a secret."""

from __future__ import annotations

import re

LONGEST = 240  # characters of an excerpt
_HIDDEN = "***"
_KEYS = "pass|pwd|token|secret|auth|cookie|session|credential|api_?key|private|signature|card|otp|pin"
# "access_token": "...", access_token=..., Authorization: ...
_NAMED = re.compile(
    rf"""(?ix) (["']?) ([\w.-]*(?:{_KEYS})[\w.-]*) \1 (\s*[:=]\s*) ("(?:[^"\\]|\\.)*"? | '[^']*'? | [^\s,;&}}\]]+)"""
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+")
# Long enough for a key, a hash or a signed token, and made of what such are made of; words of a text have spaces.
_LONG = re.compile(r"[A-Za-z0-9+_~-][A-Za-z0-9+/_~.=-]{18,}[A-Za-z0-9=]")


def masked(text: str) -> str:
    """`text` without values of telling names, without bearer tokens, and without any run that may be a key."""
    text = _BEARER.sub(_HIDDEN, text)
    text = _NAMED.sub(lambda found: f"{found[1]}{found[2]}{found[1]}{found[3]}{_HIDDEN}", text)
    return _LONG.sub(_HIDDEN, text)


def excerpt(text: str) -> str:
    """The beginning of a text: white space folded, masked, and at most LONGEST characters."""
    # Masked before it is cut, or half of a key would be left; a body may be larger than anybody wants to search.
    line = masked(" ".join(text[: 20 * LONGEST].split()))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
