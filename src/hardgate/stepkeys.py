"""The keys of a step in hardgate.yaml: what config.py reads, and by what it tells a step from a scanner."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

import msgspec

# The keys of every action that mean something for every step.
COMMON = frozenset({"name", "timeout", "blocking", "severity"})


class StepKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The own keys of a step. `takes` are further keys of every action that it obeys; the rest is refused.

    A key that is accepted and does nothing would read as if it did.
    """

    takes: ClassVar[frozenset[str]] = frozenset()
    # The keys of a scanner of the same name, which is meant where the first of its keys is given.
    described: ClassVar[tuple[str, type[msgspec.Struct]] | None] = None


def described(options: type[msgspec.Struct]) -> tuple[str, type[msgspec.Struct]] | None:
    """The key by which a scanner is meant that has the name of this step, and the struct of its keys."""
    return options.described if issubclass(options, StepKeys) else None


def meant(options: type[msgspec.Struct], given: Collection[str]) -> type[msgspec.Struct]:
    """The struct of the keys that are given, for a name that is both a step's and a scanner's."""
    other = described(options)
    return other[1] if other and other[0] in given else options


def taken(options: type[msgspec.Struct]) -> frozenset[str] | None:
    """Which keys of every action a step with these options takes; None for a scanner, which takes them all."""
    return COMMON | options.takes if issubclass(options, StepKeys) else None
