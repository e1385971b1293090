"""What may not be done with data from outside, and what is weak by itself: CHECKS, by the name of what is called.

A check gets every call whose last name it asked for, before the call happens; "=name" is the assignment to a variable,
"=attribute" to an attribute ("=." to any), "=[]" to an item, "={}" an entry of a written dict, "=default" the default
of a parameter, "=return" what any function gives back, "return" what one that answers requests does, "==" a comparison,
"" every call. Of all these but the last, the arguments are a constant with the name or key, and the value.
Each family's module has CHECKS of its own. They report under the ids of the bundled Semgrep rules.
"""

from __future__ import annotations

from collections import defaultdict

from hardgate.dataflow.families import (
    addresses,
    chance,
    ciphers,
    cookies,
    credentials,
    debugging,
    directories,
    files,
    hashing,
    headers,
    injection,
    leftovers,
    pages,
    parsers,
    peers,
    serialised,
    stretching,
    transport,
    trust,
    vectors,
)
from hardgate.dataflow.frame import Check

_MEMBERS = (
    addresses,
    chance,
    ciphers,
    cookies,
    credentials,
    debugging,
    directories,
    files,
    hashing,
    headers,
    injection,
    leftovers,
    pages,
    parsers,
    peers,
    serialised,
    stretching,
    transport,
    trust,
    vectors,
)


def checks() -> dict[str, tuple[Check, ...]]:
    """Every family's checks, by the last part of the name of what is called."""
    found: defaultdict[str, list[Check]] = defaultdict(list)
    for member in _MEMBERS:
        for name, some in member.CHECKS.items():
            found[name] += some
    return {name: tuple(some) for name, some in found.items()}
