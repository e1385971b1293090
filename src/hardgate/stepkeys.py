"""The keys of a step in hardgate.yaml: what config.py reads, and by what it tells a step from a scanner."""

from __future__ import annotations

from typing import ClassVar

import msgspec

# The keys of every action that mean something for every step.
COMMON = frozenset({"name", "timeout", "blocking", "severity"})


class StepKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The own keys of a step. `takes` are further keys of every action that it obeys; the rest is refused.

    A key that is accepted and does nothing would read as if it did.
    """

    takes: ClassVar[frozenset[str]] = frozenset()


def taken(options: type[msgspec.Struct]) -> frozenset[str] | None:
    """Which keys of every action a step with these options takes; None for a scanner, which takes them all."""
    return COMMON | options.takes if issubclass(options, StepKeys) else None
