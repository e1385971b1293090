"""A loopback package index for the tests of the toolbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.toolbox.workshop import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """A package index and vendor with empty shelves."""
    serving = Server()
    yield serving
    serving.close()
