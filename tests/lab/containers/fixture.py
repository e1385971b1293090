"""The fixture `lab`: one engine for all tests of a session that ask for it.

Those tests are put into one group of xdist, so that one worker has them all and starts one engine.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.containers.lab import Lab, obstacle, start


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A running engine with registries; the test is skipped where none can run, and the message says why."""
    if reason := obstacle():
        pytest.skip(f"no container engine can run here: {reason}")
    with start() as running:
        yield running


def together(item: pytest.Item) -> None:
    """Mark what asks for the engine as one group for `--dist loadgroup`."""
    if "lab" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.xdist_group("containers"))
