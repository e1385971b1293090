"""What is refuted is compared with what really happens: drawn programs are analysed, and run by anybody in any order.

`python -m tests.dataflow.test_refuted_by_running 0 500` looks at more of them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

from hardgate.dataflow import report
from tests.dataflow import programs

_RUNS = 4  # with other luck each


def wrongly_refuted(folder: Path, seed: int) -> tuple[list[str], int]:
    """The refuted lines of a program that have seen harmful text, and how many were refuted."""
    text = programs.Writer(seed).program()
    (folder / "app.py").write_text(programs.HEAD + text)
    told = report.scan(folder, ["app.py"])
    assert not told["unread"]
    refuted = {one["line"] for one in told["refuted"] if one["rule"] == "python-sql-injection"}
    seen: dict[int, set[str]] = {}
    for number in range(_RUNS):
        for line, texts in programs.run(text, seed * _RUNS + number).items():
            seen.setdefault(line, set()).update(texts)
    lines = (programs.HEAD + text).splitlines()
    harmed = [line for line in sorted(refuted) if any(programs.EVIL in one.upper() for one in seen.get(line, ()))]
    return [f"{line}: {lines[line - 1]}" for line in harmed], len(refuted)


@pytest.mark.parametrize("seeds", [range(start, start + 6) for start in range(0, 24, 6)], ids=str)
def test_what_is_refuted_never_sees_harmful_text(tmp_path: Path, seeds: range) -> None:
    outcomes = [wrongly_refuted(tmp_path, seed) for seed in seeds]
    assert [wrong for wrong, _ in outcomes if wrong] == []
    assert sum(number for _, number in outcomes) > 0, "nothing was refuted: this shows nothing"


def main(first: int, last: int) -> int:
    """Look at the programs of these seeds; how many were judged wrongly."""
    bad = total = 0
    for seed in range(first, last):
        with tempfile.TemporaryDirectory() as folder:
            wrong, number = wrongly_refuted(Path(folder), seed)
        total += number
        bad += bool(wrong)
        for line in wrong:
            sys.stdout.write(f"seed {seed}, line {line}\n")
    sys.stdout.write(f"{last - first} programs, {total} places refuted, {bad} with one that is harmed\n")
    return bad


if __name__ == "__main__":
    sys.exit(1 if main(int(sys.argv[1]), int(sys.argv[2])) else 0)
