"""A secret that several tools see in one line: a record has to speak of what each of them saw.

Nothing of a value is in an id, so that two tools may see two secrets in one line, and make one finding of them. A
waiver of the test password that one of them sees there must not cover the token that comes into the same line later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from hardgate.allowances import Waiver
from hardgate.model import Finding, Kind

_OWN = "secret/v1"


def parts(finding: Finding) -> Mapping[str, frozenset[str]]:
    """The id of each tool's own finding, the lead's first, with the rules that it goes by; none for no secret."""
    if finding.kind is not Kind.SECRET:
        return {}
    found = {finding.id: frozenset({finding.rule, *finding.ids})}
    for name, value in finding.fingerprints.items():
        action, _, algorithm = name.partition(f"/{_OWN}")
        if name != _OWN and not algorithm and action != name:
            rules = frozenset(one.rule for one in finding.witnesses if one.action == action)
            found[value[: len(finding.id)]] = rules
    return found


def left(finding: Finding, records: Sequence[Waiver]) -> tuple[str, ...]:
    """The ids of a secret's parts that no record speaks of; () for all that is no secret of several tools."""
    own = parts(finding)
    if len(own) < 2:  # noqa: PLR2004 (one tool alone saw it)
        return ()
    return tuple(name for name, rules in own.items() if not any(_speaks(one, name, rules) for one in records))


def _speaks(record: Waiver, own: str, rules: Collection[str]) -> bool:
    """By the id, whole or short, or by rule: that its place is right has been asked before."""
    return record.id.startswith(own) if record.id else record.rule in rules


def told(finding: Finding, missing: Iterable[str]) -> Iterator[str]:
    """A sentence for the records that do not cover a finding."""
    where = f"{finding.location.path}:{finding.location.line}"
    ids = " and ".join(missing)
    yield (
        f"A record speaks of a secret in {where} and covers it not: several tools see one there, and what each saw has "
        f"to be waived: {ids} too."
    )
