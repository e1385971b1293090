"""OMITS: keys that a tool leaves out where there is nothing under them, each for a reason: see contract.broken."""

from __future__ import annotations

from collections.abc import Mapping

OMITS: Mapping[str, frozenset[str]] = {
    # Only hardgate's own rules have it. The others have a level, which may be a lower one.
    "semgrep": frozenset({"hardgate_severity"}),
}
