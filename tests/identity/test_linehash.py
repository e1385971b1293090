"""GitHub's line hashes: the values that its own tests publish, and what those do not reach."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardgate.identity.linehash import LineHashes

GREETING = [
    "e9496ae3ebfced30:1", "fb7c023a8b9ccb3f:1", "ce8ba1a563dcdaca:1", "e20e36e16fcb0cc8:1", "b3edc88f2938467e:1",
    "c8e28b0b4002a3a0:1", "c129715d7a2bc9a3:1",
]  # fmt: skip
# github/codeql-action, src/fingerprints.test.ts, the test "hash"; the last two are of src/testdata/testFile1.js and
# testFile2.js, whose hashes stand in fingerprinting.expected.sarif.
PUBLISHED = {
    "": ["c129715d7a2bc9a3:1"],
    " a\nb\n  \t\tc\n d": ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"],
    " hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End": [
        "8b7cf3e952e7aeb2:1", "b1ae1287ec4718d9:1", "bff680108adb0fcc:1", "c6805c5e1288b612:1", "b86d3392aea1be30:1",
        "e6ceba753e1a442:1",
    ],
    " hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End\n": GREETING,
    " hello; \t\nworld!!!\r\r\r  \t\tGreetings\r End\r": GREETING,
    " hello; \t\r\nworld!!!\r\n\r\n\r\n  \t\tGreetings\r\n End\r\n": GREETING,
    " hello; \t\nworld!!!\r\n\n\r  \t\tGreetings\r End\r\n": GREETING,
    "Lorem ipsum dolor sit amet.\n" * 10: [
        *(f"a7f2ff13bc495cf2:{number}" for number in range(1, 7)), "a7f2ff1481e87703:1", "a9cf91f7bbf1862b:1",
        "55ec222b86bcae53:1", "cc97dc7b1d7d8f7b:1", "c129715d7a2bc9a3:1",
    ],
    "x = 2\nx = 1\nprint(x)\nx = 3\nprint(x)\nx = 4\nprint(x)\n": [
        "e54938cc54b302f1:1", "bb609acbe9138d60:1", "1131fd5871777f34:1", "5c482a0f8b35ea28:1", "54517377da7028d2:1",
        "2c644846cb18d53e:1", "f1b89f20de0d133:1", "c129715d7a2bc9a3:1",
    ],
}  # fmt: skip
FILES = {
    ("var a = 0;\nvar b = 0;\nvar c = 0;\nvar d = 0;\n", 1): "5e4d5a9cf1294ad9:1",
    ("var foo = 0;\nvar bar = 0;\nvar baz = 0;\nvar qux = 0;\n", 2): "f7592a95a9381ac0:1",
}


def hashes(text: str) -> list[str]:
    made = LineHashes(text.split("\n"))
    found: list[str] = []
    while value := made.of(len(found) + 1):
        found.append(value)
    return found


@pytest.mark.parametrize("text", PUBLISHED)
def test_the_values_that_github_publishes(text: str) -> None:
    assert hashes(text) == PUBLISHED[text]


@pytest.mark.parametrize("place", FILES)
def test_the_values_of_its_files(place: tuple[str, int]) -> None:
    assert LineHashes(place[0].split("\n")).of(place[1]) == FILES[place]


def test_a_line_that_is_not_there_has_no_hash() -> None:
    made = LineHashes(["a", "b"])
    assert [made.of(line) for line in (-1, 0, 3)] == ["", "", ""]


def as_github_does(text: str) -> list[str]:
    """The same by the letter of fingerprints.ts: one character after another goes through a window of 100 places."""
    mask, first = (1 << 64) - 1, pow(37, 100, 1 << 64)
    units = list(memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H"))
    window, numbers, value, index = [0] * 100, [-1] * 100, 0, 0
    line, fresh, returned = 0, True, False
    counts: dict[str, int] = {}
    found: list[str] = []

    def output() -> None:
        name = f"{value:x}"
        counts[name] = counts.get(name, 0) + 1
        found.append(f"{name}:{counts[name]}")
        numbers[index] = -1

    def update(unit: int) -> None:
        nonlocal value, index
        value = (37 * value + unit - first * window[index]) & mask
        window[index] = unit
        index = (index + 1) % 100

    for unit in [*units, 0xFFFF]:
        if unit in (0x20, 0x09) or (returned and unit == 0x0A):
            returned = False
            continue
        returned = unit == 0x0D
        char = 0x0A if returned else unit
        if numbers[index] != -1:
            output()
        if fresh:
            fresh, line = False, line + 1
            numbers[index] = line
        fresh = char == 0x0A
        update(char)
    for _ in range(100):
        if numbers[index] != -1:
            output()
        update(0)
    return found


TEXTS = st.text(st.sampled_from("ab \t\r\n\u00e9\ufeff\U0001f600\ud800\0"), max_size=400)


@given(TEXTS)
def test_any_text_has_the_hashes_that_github_computes(text: str) -> None:
    assert hashes(text) == as_github_does(text)


def test_the_second_way_is_githubs() -> None:
    assert {text: as_github_does(text) for text in PUBLISHED} == PUBLISHED
