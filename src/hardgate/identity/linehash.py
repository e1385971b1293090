"""GitHub's `primaryLocationLineHash` of a line, exactly as its upload action computes it.

Source: github/codeql-action, src/fingerprints.ts. The hash of a line is a polynomial in 37 over the first 100 UTF-16
code units from its beginning on. Spaces and tabs are left out, every line end is one LF, the end of the file is 0xFFFF,
zeros follow, and arithmetic is modulo 2**64. It is written in hexadecimal without leading zeros; after a colon follows
how many lines of the file had the same hash so far.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from operator import mul

_BLOCK = 100
_MASK = (1 << 64) - 1
_POWERS = [pow(37, _BLOCK - 1 - place, 1 << 64) for place in range(_BLOCK)]
_END = "\uffff" + "\0" * (_BLOCK - 1)


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

    def of(self, line: int) -> str:
        """The hash of a line (from 1), such as `e54938cc54b302f1:1`; "" when the file has no such line."""
        if not 1 <= line <= len(self._starts):
            return ""
        start = self._starts[line - 1]
        window = self._units[start : start + _BLOCK]
        units = window.encode() if window.isascii() else map(ord, window)
        value = sum(map(mul, units, _POWERS)) & _MASK
        return f"{value:x}:{self._occurrence(line)}"

    def _occurrence(self, line: int) -> int:
        if not self._counts:
            seen: dict[str, int] = {}
            for start in self._starts:
                window = self._units[start : start + _BLOCK]
                seen[window] = seen.get(window, 0) + 1
                self._counts.append(seen[window])
        return self._counts[line - 1]


def _code_units(text: str) -> str:
    """One character for each UTF-16 code unit: what JavaScript's charCodeAt sees."""
    return "".join(map(chr, array("H", text.encode("utf-16", "surrogatepass")[2:])))
