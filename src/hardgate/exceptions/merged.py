"""A secret that several tools see in one line: a record has to speak of what each of them saw.

Nothing of a value is in an id, so that two tools may see two secrets in one line, and make one finding of them. A
waiver of the test password that one of them sees there must not cover the token that comes into the same line later.
With a key the value itself is told apart, and a waiver by id names it too: a value that replaced the waived one is
another secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from hardgate.allowances import WAIVER, Waiver
from hardgate.model import Finding, Kind
from hardgate.waiving import own_values

_OWN = "secret/v1"


class Part(NamedTuple):
    """What one tool saw: the rules that it goes by, and its value as KEY/HASH, once for each key; none without one."""

    rules: frozenset[str]
    values: tuple[str, ...]


def parts(finding: Finding) -> Mapping[str, Part]:
    """What each tool saw by the id of its own finding, the lead's first; none for no secret."""
    if finding.kind is not Kind.SECRET:
        return {}
    values = own_values(finding)
    found = {finding.id: Part(frozenset({finding.rule, *finding.ids}), values.get(finding.id, ()))}
    for name, value in finding.fingerprints.items():
        action, _, algorithm = name.partition(f"/{_OWN}")
        if name != _OWN and not algorithm and action != name:
            rules = frozenset(one.rule for one in finding.witnesses if one.action == action)
            own = value[: len(finding.id)]
            found[own] = Part(rules, values.get(own, ()))
    return found


def left(finding: Finding, records: Sequence[Waiver]) -> tuple[str, ...]:
    """What each tool saw of a secret that no record covers, as ID or `ID with value: KEY/HASH`; () for no secret."""
    own = parts(finding)
    if len(own) < 2 and not any(part.values for part in own.values()):  # noqa: PLR2004 (one tool alone saw it)
        return ()
    missing = (pair for pair in own.items() if not any(_speaks(one, *pair) for one in records))
    return tuple(f"{name} with `value: {part.values[0]}`" if part.values else name for name, part in missing)


def _speaks(record: Waiver, own: str, part: Part) -> bool:
    """By the id, whole or short, and the value where a key tells it; or by rule: its place was asked about before."""
    if not record.id:
        return record.rule in part.rules
    return record.id.startswith(own) and (not part.values or record.value in part.values or record.kind != WAIVER)


def told(finding: Finding, missing: Iterable[str]) -> Iterator[str]:
    """A sentence for the records that do not cover a finding."""
    where = f"{finding.location.path}:{finding.location.line}"
    yield (
        f"A record speaks of a secret in {where} and covers it not: it has to name what each tool saw there, with its "
        f"value where HARDGATE_IDENTITY_KEY tells it. Missing: {' and '.join(missing)}."
    )
