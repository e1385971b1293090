"""bulk.to_json writes what wording.to_json writes, byte by byte."""

from __future__ import annotations

import pytest

from hardgate import bulk
from hardgate.wording import to_json

HOSTILE = [
    "plain",
    "caf\u00e9",
    "##[error]",
    "\x7f\u202e",
    "half \ud800 and \udcff",
    f'"a": {bulk.HERE},\n',
    "line\nline",
]


@pytest.mark.parametrize("number", [0, 1, 2, 249, 250, 251, 501])
def test_long_lists_are_written_as_short_ones(number: int) -> None:
    entries = [{"text": HOSTILE[at % len(HOSTILE)], "list": [at, []], "none": None} for at in range(number)]
    few = [[1, 2], {}, "x"]

    def tree(first: object, second: object) -> object:
        return {"head": HOSTILE, "runs": [{"results": first, "deep": {"more": second}}], "last": [1]}

    whole = to_json(tree(entries, few))
    assert bulk.to_json(tree(bulk.HERE, bulk.HERE), [iter(entries), iter(few)]) == whole


def test_a_list_may_stand_in_a_list_and_alone() -> None:
    assert bulk.to_json([1, bulk.HERE, 2], [[3, 4]]) == to_json([1, [3, 4], 2])
    assert bulk.to_json(bulk.HERE, [[{"a": 1}]]) == to_json([{"a": 1}])


@pytest.mark.parametrize("lists", [[], [[1], [2]]])
def test_every_place_has_its_list(lists: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="argument"):
        bulk.to_json({"here": bulk.HERE}, lists)
