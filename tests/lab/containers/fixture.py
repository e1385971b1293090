"""The fixture `lab`: one engine for all tests of a session that ask for it.

Those tests are put into one group of xdist, so that one worker has them all and starts one engine.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from _pytest.nodeid import coerce_node_id

from tests.lab.containers.lab import Lab, obstacle, start


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A running engine with registries; the test is skipped where none can run, and the message says why."""
    if reason := obstacle():
        pytest.skip(f"no container engine can run here: {reason}")
    with start() as running:
        yield running


def together(item: pytest.Item) -> None:
    """Put what asks for the engine into one group of `--dist loadgroup`.

    The name of the group after the node id is what xdist goes by. Its own mark does not get there: xdist 3.8 writes to
    an attribute that pytest no longer reads in 9.2.
    """
    if "lab" in getattr(item, "fixturenames", ()) and item.config.getoption("loadgroup", default=False):
        item._id = coerce_node_id(f"{item.nodeid}@containers")
