"""Each test that takes `target` runs twice: on an SQLite file and on a real PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hardgate.store import Store
from tests.lab.postgresql import Server, server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A server for all tests of this process."""
    with server() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The path or address of a store that does not exist yet."""
    if request.param == "sqlite":
        return str(tmp_path / "store.db")
    running: Server = request.getfixturevalue("postgresql")
    return running.schema()


@pytest.fixture
def store(target: str) -> Iterator[Store]:
    """An open, empty store."""
    with Store.open(target) as opened:
        yield opened
