"""Fixtures of the steps with containers: the lab's engine in the environment, as a user has one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.containers.lab import Lab
from tests.steps.containers import Runner, runner


@pytest.fixture
def docker(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """The lab, with its engine as the one of the environment; logins are nobody's."""
    monkeypatch.setenv("DOCKER_HOST", lab.address)
    monkeypatch.setenv("PATH", lab.environment["PATH"])
    return lab


@pytest.fixture
def steps(tmp_path: Path) -> Iterator[Runner]:
    """Runs the real steps."""
    with runner(tmp_path) as made:
        yield made
