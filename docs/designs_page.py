"""The table of docs/how-to/designs.md out of bench/results/designs.json."""

from __future__ import annotations

import json
from pathlib import Path

PAGE = Path("docs/how-to/designs.md")
MARKERS = ("<!-- bench:designs -->", "<!-- /bench:designs -->")
_FIGURES = Path("bench/results/designs.json")


def table(root: Path) -> str:
    """A row for each stage of each example, with the seconds of its actions."""
    measured = json.loads((root / _FIGURES).read_bytes())
    rows = ["| example | stage | seconds | of these, commands of its actions |", "|---|---|---|---|"]
    for one in measured["designs"]:
        for stage in one["stages"]:
            actions = ", ".join(f"{name} {seconds:.1f}" for name, seconds in stage["actions"].items())
            rows.append(f"| {one['example']} | {stage['stage']} | {stage['seconds']:.0f} | {actions} |")
        told = f"{one['outcome']}: {one['blocking']} block, {one['confirmed']} are confirmed"
        rows.append(f"| {one['example']} | the whole run | {one['seconds']:.0f} | {told} |")
    return "\n".join([*rows, "", f"Measured on {measured['measured']}, on {measured['machine']}."])
