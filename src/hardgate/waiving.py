"""What a person writes down to waive a finding: its ids, and of a secret the value that each of them stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hardgate.algorithms import about, algorithm
from hardgate.model import Finding, Kind
from hardgate.wording import plain

_PLACED = "secret/v1"


def waiver_lines(finding: Finding) -> tuple[str, ...]:
    """The lines of hardgate.yaml that would waive this finding, with the three words that a person must fill in."""
    return (
        "policy:",
        "  waivers:",
        *(
            line
            for name in own_ids(finding)
            for line in (
                f"    - id: {_quoted(plain(name))}",
                *(f"      value: {plain(value)}" for value in own_values(finding).get(name, ())[:1]),
                "      reason: why this risk is acceptable",
                "      owner: who answers for it",
                "      until: YYYY-MM-DD",
            )
        ),
    )


def own_ids(finding: Finding) -> tuple[str, ...]:
    """What has to be waived: the id, that of what each other tool saw of a secret, and that of each confirmed part."""
    others = (value for name, value in finding.fingerprints.items() if name.endswith(f"/{_PLACED}"))
    more = [value[: len(finding.id)] for value in others] if finding.kind is Kind.SECRET else []
    return tuple(dict.fromkeys((finding.id, *more, *(part.id for part in finding.joined))))


def own_values(finding: Finding) -> Mapping[str, tuple[str, ...]]:
    """By each of `own_ids` of a secret what tells its value, as KEY/HASH; nothing where no key hashed it."""
    if finding.kind is not Kind.SECRET:
        return {}
    prints = finding.fingerprints
    owners = {
        value[: len(finding.id)]: name[: -len(_PLACED)] for name, value in prints.items() if name.endswith(_PLACED)
    }
    return {
        own: tuple(
            f"{about(name)}/{value}"
            for name, value in prints.items()
            if algorithm(name) == "secret/v2" and name == f"{owner}secret/{about(name)}/v2"
        )
        for own, owner in owners.items()
    }


def _quoted(name: str) -> str:
    """YAML would read a number."""
    return f'"{name}"' if re.fullmatch(r"[0-9]+(e[0-9]+)?", name) else name
