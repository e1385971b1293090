"""The tables of docs/explanation/scale.md out of bench/results/scale.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PAGE = Path("docs/explanation/scale.md")
MARKERS = ("<!-- bench:scale -->", "<!-- /bench:scale -->")
_FIGURES = Path("bench/results/scale.json")


def table(root: Path) -> str:
    """A row for each process, the ratio being that to sarif-tools over the same report; then the gates."""
    measured = json.loads((root / _FIGURES).read_bytes())
    peers = {one["findings"]: one for one in measured["cases"] if one["who"].startswith("sarif-tools")}
    rows = [
        "| report | findings | who | wall | CPU | peak memory | CPU, times sarif-tools |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in measured["cases"]:
        peer = peers.get(one["findings"]) if one["kind"] == "sarif" else None
        ratio = f"{one['cpu'] / peer['cpu']:.2f}" if peer else ""
        cells = (one["kind"], f"{one['findings']:,}", one["who"], *_cost(one), f"{one['peak']:,} MB", ratio)
        rows.append(f"| {' | '.join(cells)} |")
    rows += ["", "| stored runs | stored findings | a gate: wall | CPU |", "|---|---|---|---|"]
    for one in measured["gates"]:
        rows.append(f"| {one['runs']:,} | {one['findings']:,} | {' | '.join(_cost(one))} |")
    return "\n".join(
        [*rows, "", f"Measured on {measured['measured']}, on {measured['machine']}, with {measured['peer']}."]
    )


def _cost(one: dict[str, Any]) -> tuple[str, str]:
    return f"{one['wall']:.2f} s", f"{one['cpu']:.2f} s"
