"""Environments for tests as values, and the places in their texts.

A text may have places: `${PORT}` is the port of the service it belongs to, `${NAME.PORT}` that of another one,
`${STATE}` a folder that is thrown away afterwards, `${TREE}` the private copy of the repository. `$$` is a dollar.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

# Group 1 is the name of a place, group 2 the second of two dollars; without either it is a dollar alone.
PLACE = re.compile(r"\$(?:\{([^{}]*)\}|(\$)|)")
ISOLATED, OPEN = "network", "none"
DEFAULT_ADDRESS = "http://127.0.0.1:${PORT}"


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One process of an environment. `ready`: the URL that answers, or the command that ends with 0, once it is up.

    `timeout` (seconds) is how long that may take; `folder` is where it runs, relative to the tree.
    """

    name: str
    command: tuple[str, ...]
    ready: str | tuple[str, ...]
    variables: dict[str, str] = {}
    folder: str = "."
    timeout: float = 60.0


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """Something to test: plain services that start in their order, or a compose file.

    `asked` is the service that tests ask, at `address`. `isolation`: "network" for no route to the outside, or "none".
    Of a compose file `port` is the one inside the container, `ready` a URL there or "", `timeout` that of its start.
    """

    name: str
    asked: str
    address: str = DEFAULT_ADDRESS
    isolation: str = ISOLATED
    services: tuple[Service, ...] = ()
    compose: str = ""
    port: int = 0
    ready: str = ""
    timeout: float = 120.0


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text with its places filled; raises KeyError for a place without a value."""
    return PLACE.sub(lambda found: "$" if found[2] else values[found[1]], text)
