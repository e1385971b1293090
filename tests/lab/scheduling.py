"""How the tests are dealt out to the workers of pytest-xdist: file by file, and what takes longest first.

A file is dealt out whole, so that what its tests share (a browser, a service, a run that several look at) is made once
and not once in every worker. What needs the engine is one group over all files. The files that take longest come first:
whatever is left at the end is small, and no worker waits long for another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

ENGINE = "@containers"
# What a test costs beside one that calls a function, as measured: it starts a tool, or an engine's containers.
_REAL, _ENGINE = 40, 400


class ByFile(LoadScopeScheduling):
    """`--dist loadgroup`, with a file as a group where a test names none."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def group(nodeid: str) -> str:
    """The group of a test: its file, or the engine's."""
    return ENGINE if nodeid.endswith(ENGINE) else nodeid.partition("::")[0]


def longest_first(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The tests in the order in which their groups are to be dealt out; within a group nothing moves."""
    found = list(items)
    cost: Counter[str] = Counter()
    for item in found:
        cost[group(item.nodeid)] += _cost(item)
    return sorted(found, key=lambda item: -cost[group(item.nodeid)])


def _cost(item: pytest.Item) -> int:
    if item.nodeid.endswith(ENGINE):
        return _ENGINE
    return _REAL if item.get_closest_marker("real") else 1
