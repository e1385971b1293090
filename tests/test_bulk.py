"""bulk.to_json writes what wording.to_json writes, byte by byte, until a list is long."""

from __future__ import annotations

import json

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


def entries(number: int) -> list[object]:
    return [{"text": HOSTILE[at % len(HOSTILE)], "list": [at, []], "none": None} for at in range(number)]


def tree(first: object, second: object) -> object:
    return {"head": HOSTILE, "runs": [{"results": first, "deep": {"more": second}}], "last": [1]}


@pytest.mark.parametrize("number", [0, 1, 2, 249, 250, 251, 501, bulk.LONG])
def test_lists_are_laid_out(number: int) -> None:
    few = [[1, 2], {}, "x"]
    whole = to_json(tree(entries(number), few))
    assert bulk.to_json(tree(bulk.HERE, bulk.HERE), [iter(entries(number)), iter(few)]) == whole


@pytest.mark.parametrize("number", [bulk.LONG + 1, bulk.LONG + 250, bulk.LONG + 501])
def test_an_entry_of_a_long_list_stands_on_one_line(number: int) -> None:
    written = bulk.to_json(tree(bulk.HERE, bulk.HERE), [iter(entries(number)), iter([1, 2])])
    assert json.loads(written) == json.loads(to_json(tree(entries(number), [1, 2])))
    lines = written.splitlines()
    own = [line for line in lines if line.startswith(b'        {"text":')]
    assert [json.loads(line.rstrip(b","))["list"] for line in own] == [[at, []] for at in range(number)]
    # No terminal and no log of a pipeline gets anything raw, as in a short list.
    assert b"##[" not in written
    assert not any(raw in written for raw in (b"\x7f", "\u202e".encode()))
    head, tail = to_json(tree(7, [1, 2])).split(b'": 7', maxsplit=1)
    assert written.startswith(head + b'": [\n        {')
    assert written.endswith(b"}\n      ]" + tail)


def test_a_list_may_stand_in_a_list_and_alone() -> None:
    assert bulk.to_json([1, bulk.HERE, 2], [[3, 4]]) == to_json([1, [3, 4], 2])
    assert bulk.to_json(bulk.HERE, [[{"a": 1}]]) == to_json([{"a": 1}])


@pytest.mark.parametrize("lists", [[], [[1], [2]]])
def test_every_place_has_its_list(lists: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="argument"):
        bulk.to_json({"here": bulk.HERE}, lists)
