"""The table of docs/how-to/hooks.md out of bench/results/hooks.json."""

from __future__ import annotations

import json
from pathlib import Path

PAGE = Path("docs/how-to/hooks.md")
MARKERS = ("<!-- bench:hooks -->", "<!-- /bench:hooks -->")
_FIGURES = Path("bench/results/hooks.json")


def table(root: Path) -> str:
    """A row for each way to look at five files, the ratio being that to the bare tools of the same measurement."""
    measured = json.loads((root / _FIGURES).read_bytes())
    rows = ["| what | wall time | bound | ratio to the bare tools | CPU time |", "|---|---|---|---|---|"]
    for one in measured["rows"]:
        cells = (
            one["what"],
            f"{one['seconds']:.2f} s",
            one["bound"] or "none",
            f"{one['ratio']:.2f}",
            f"{one['cpu']:.2f} s",
        )
        rows.append(f"| {' | '.join(cells)} |")
    origin = f"Measured on {measured['measured']} over {measured['tree']}, on {measured['machine']}, by `make bench`."
    return "\n".join([*rows, "", f"{origin} The quickest of {measured['rounds']} rounds. {measured['load']}"])
