"""The dealing out of the tests, looked at from within: every group whole, in one worker, the longest first."""

from __future__ import annotations

from itertools import groupby

import pytest

from tests.lab.scheduling import ENGINE, SECONDS, group, longest_first
from tests.pages import ROOT

SEEN: list[int] = []


@pytest.mark.parametrize("number", range(5))
def test_one_worker_has_a_file_whole(number: int) -> None:
    SEEN.append(number)
    assert list(range(number + 1)) == SEEN


def test_every_group_is_whole_and_the_longest_come_first(request: pytest.FixtureRequest) -> None:
    items = longest_first(reversed(request.session.items))
    assert sorted(item.nodeid for item in items) == sorted(item.nodeid for item in request.session.items)
    groups = [name for name, _ in groupby(items, key=lambda item: group(item.nodeid))]
    assert len(groups) == len(set(groups))
    named = [SECONDS[name] for name in groups if name in SECONDS]
    assert named == sorted(named, reverse=True)


def test_a_test_that_needs_the_engine_is_of_its_group_in_any_file() -> None:
    assert group("tests/a.py::test[b::c]@containers") == ENGINE
    assert group("tests/a.py::test[b::c]") == "tests/a.py"
    assert group("tests/a.py::Test::test") == "tests/a.py"


def test_files_that_are_named_are_there() -> None:
    assert [name for name in SECONDS if name != ENGINE and not (ROOT / name).is_file()] == []
