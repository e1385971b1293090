"""GitHub's `primaryLocationLineHash` of a line, exactly as its upload action computes it.

Source: github/codeql-action, src/fingerprints.ts. The hash of a line is a polynomial in 37 over the first 100 UTF-16
code units from its beginning on. Spaces and tabs are left out, every line end is one LF, the end of the file is 0xFFFF,
zeros follow, and arithmetic is modulo 2**64. It is written in hexadecimal without leading zeros; after a colon follows
how many lines of the file had the same hash so far.
"""

from __future__ import annotations

import functools
import struct
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate

_BLOCK = 100
_MOST = 128  # units: the next power of two
_FILL = "\0" * (_MOST - _BLOCK)  # zeros in front add nothing to a polynomial
_END = "\uffff" + "\0" * (_BLOCK - 1)
_TOGETHER = 32  # windows: more make numbers that do not stay in the fastest cache


class LineHashes:
    """The hashes of the lines of one file. `lines` are its lines without their ends, the last one after the last end.

    Lines count as equal when their 100 code units are: that their hashes are equal as well is certain, and the reverse
    as good as certain with 64 bits.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        text = "\n".join(lines).replace("\r\n", "\n").replace("\r", "\n").replace(" ", "").replace("\t", "")
        if not text.isascii() and max(text) > "\uffff":
            text = _code_units(text)
        starts = accumulate([len(line) + 1 for line in text.split("\n")[:-1]], initial=0)
        self._windows = [text[start : start + _BLOCK] for start in starts]
        for place in range(len(self._windows) - 1, -1, -1):
            if len(self._windows[place]) == _BLOCK:
                break
            self._windows[place] = (self._windows[place] + _END)[:_BLOCK]
        self._counts: Sequence[int] = ()
        self._made: dict[int, str] = {}

    def of(self, line: int) -> str:
        """The hash of a line (from 1), such as `e54938cc54b302f1:1`; "" when the file has no such line."""
        if line not in self._made:  # a line of a lock file has many findings
            self.make((line,))
        return self._made.get(line, "")

    def make(self, lines: Iterable[int]) -> None:
        """Make the hashes of these lines, which `of` then has: many at once take a tenth of the time."""
        self._counts = self._counts or _occurrences(self._windows)
        wanted = [line for line in lines if 1 <= line <= len(self._windows)]
        values = _polynomials([self._windows[line - 1] for line in wanted])
        for line, value in zip(wanted, values, strict=True):
            self._made[line] = f"{value:x}:{self._counts[line - 1]}"


def _occurrences(windows: Sequence[str]) -> Sequence[int]:
    """Of each, how often it came up to there."""
    if len(set(windows)) == len(windows):
        return [1] * len(windows)
    seen: dict[str, int] = {}
    counts = []
    for window in windows:
        count = seen[window] = seen.get(window, 0) + 1
        counts.append(count)
    return counts


def _polynomials(windows: Sequence[str]) -> list[int]:
    """Of each window its polynomial in 37 modulo 2**64, the last code unit counting once.

    The units stand side by side in one integer of Python, whose arithmetic does the same to all of them at once.
    """
    whole: list[int] = []
    for begin in range(0, len(windows), _TOGETHER):
        some = windows[begin : begin + _TOGETHER]
        text = "".join([_FILL + window for window in some])
        if text.isascii():
            width, raw = 8, text.encode()
        else:
            width, raw = 16, text.encode("utf-16-be", "surrogatepass")
        value = int.from_bytes(raw, "big")
        for shift, mask, power in _levels(width, len(some)):
            value = (value >> shift & mask) * power + (value & mask)
        # The last window is the lowest part of the number, and the lowest 8 bytes of a part are what counts.
        whole += reversed(_lowest(width, len(some)).unpack(value.to_bytes(len(raw), "little")))
    return whole


@functools.lru_cache(maxsize=2 * _TOGETHER)
def _levels(width: int, windows: int) -> Sequence[tuple[int, int, int]]:
    """How units of `width` bits become the polynomials of their windows, two neighbours at a time.

    In each step (how far to shift, which bits to keep, what to multiply by) there are half as many, of twice the width.
    Of what is wider than 64 bits only these are kept.
    """
    steps, power, part = [], 37, _MOST * width
    while width < part:
        pair = ((1 << min(width, 64)) - 1).to_bytes(width // 4, "big")
        steps.append((width, int.from_bytes(pair * (windows * part // (2 * width)), "big"), power))
        width, power = 2 * width, power * power % (1 << 64)
    return steps


@functools.lru_cache(maxsize=2 * _TOGETHER)
def _lowest(width: int, windows: int) -> struct.Struct:
    return struct.Struct("<" + f"Q{_MOST * width // 8 - 8}x" * windows)


def _code_units(text: str) -> str:
    """One character for each UTF-16 code unit: what JavaScript's charCodeAt sees."""
    return "".join(map(chr, array("H", text.encode("utf-16", "surrogatepass")[2:])))
