"""How the tests are dealt out to the workers of pytest-xdist: file by file, and what takes longest first.

A file is dealt out whole, so that what its tests share (a browser, a service, a run that several look at) is made once
and not once in every worker. What needs the engine is one group over all files. The files that take longest come first:
whatever is left at the end is small, and no worker waits long for another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling  # type: ignore[import-untyped] # it brings no types

ENGINE = "@containers"
# Seconds of what takes longest, as measured on two cores: a file that is not named counts by its tests. Where these are
# no longer right, the tests take longer and nothing else happens.
SECONDS = {
    ENGINE: 300,
}
_QUICK = 0.05  # seconds of a test in a file that is not named


class ByFile(LoadScopeScheduling):  # type: ignore[misc] # see above
    """`--dist loadgroup`, with a file as a group where a test names none."""

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        config.option.loadscopereorder = False  # by the number of tests: ours are in order, see `longest_first`
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def group(nodeid: str) -> str:
    """The group of a test: its file, or the engine's."""
    return ENGINE if nodeid.endswith(ENGINE) else nodeid.partition("::")[0]


def longest_first(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The tests in the order in which their groups are to be dealt out; within a group nothing moves."""
    found = list(items)
    number = Counter(group(item.nodeid) for item in found)
    seconds = {name: SECONDS.get(name, _QUICK * tests) for name, tests in number.items()}
    return sorted(found, key=lambda item: -seconds[group(item.nodeid)])
