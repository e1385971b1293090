"""GitHub's `primaryLocationLineHash` of a line, exactly as its upload action computes it.

Source: github/codeql-action, src/fingerprints.ts. The hash of a line is a polynomial in 37 over the first 100 UTF-16
code units from its beginning on. Spaces and tabs are left out, every line end is one LF, the end of the file is 0xFFFF,
zeros follow, and arithmetic is modulo 2**64. It is written in hexadecimal without leading zeros; after a colon follows
how many lines of the file had the same hash so far.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

_BLOCK = 100
_MASK = (1 << 64) - 1
_MOST = 128  # units: the next power of two
_END = "\uffff" + "\0" * (_BLOCK - 1)


def _levels(width: int) -> list[tuple[int, int, int]]:
    """How _MOST numbers of `width` bits in one integer become their polynomial in 37, two neighbours at a time.

    In each step (how far to shift, which bits to keep, what to multiply by) there are half as many, of twice the width.
    """
    steps, power, bits = [], 37, _MOST * width
    while width < bits:
        lane = (1 << width) - 1
        steps.append((width, sum(lane << at for at in range(0, bits, 2 * width)), power))
        width, power = 2 * width, power * power
    return steps


class LineHashes:
    """The hashes of the lines of one file. `lines` are its lines without their ends, the last one after the last end.

    Lines count as equal when their 100 code units are: that their hashes are equal as well is certain, and the reverse
    as good as certain with 64 bits.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        text = "\n".join(lines).replace("\r\n", "\n").replace("\r", "\n").replace(" ", "").replace("\t", "")
        self._units = (text if text.isascii() or max(text) <= "\uffff" else _code_units(text)) + _END
        self._starts = [0]
        for line in self._units[: -len(_END)].split("\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._starts.pop()
        self._counts: list[int] = []
        self._made: dict[int, str] = {}

    def of(self, line: int) -> str:
        """The hash of a line (from 1), such as `e54938cc54b302f1:1`; "" when the file has no such line."""
        if not 1 <= line <= len(self._starts):
            return ""
        if line not in self._made:  # a line of a lock file has many findings
            start = self._starts[line - 1]
            value = _polynomial(self._units[start : start + _BLOCK]) & _MASK
            self._made[line] = f"{value:x}:{self._occurrence(line)}"
        return self._made[line]

    def _occurrence(self, line: int) -> int:
        if not self._counts:
            seen: dict[str, int] = {}
            for start in self._starts:
                window = self._units[start : start + _BLOCK]
                seen[window] = seen.get(window, 0) + 1
                self._counts.append(seen[window])
        return self._counts[line - 1]


_OF_ASCII, _OF_UNITS = _levels(8), _levels(16)


def _polynomial(window: str) -> int:
    """Over its code units, the last one counting once. Integers of Python make it 5 times faster than a loop does."""
    if window.isascii():
        value, steps = int.from_bytes(window.encode(), "big"), _OF_ASCII
    else:
        value, steps = int.from_bytes(window.encode("utf-16-be", "surrogatepass"), "big"), _OF_UNITS
    for shift, mask, power in steps:
        value = (value >> shift & mask) * power + (value & mask)
    return value


def _code_units(text: str) -> str:
    """One character for each UTF-16 code unit: what JavaScript's charCodeAt sees."""
    return "".join(map(chr, array("H", text.encode("utf-16", "surrogatepass")[2:])))
