"""The ways by which a finding is recognised: their names, what each is made of, and how much each is worth.

A fingerprint is called ALGORITHM/VERSION, such as `code/v1`; between the two may stand what it is about (the alias of
an advisory, the short name of a key), and before them the action of the witness it belongs to:
`trivy/dependency/GHSA-m2qf-hxjv-5gpq/v1`.
"""

from __future__ import annotations

import functools

import msgspec


class Algorithm(msgspec.Struct, frozen=True, kw_only=True):
    """One way. `names_one`: within a run its value stands for one finding, so that a waiver may name it."""

    name: str
    made_of: str
    names_one: bool = False


# From strong to weak: in this order two runs are compared (identity/pairing.py).
ALGORITHMS = (
    Algorithm(
        name="dependency/v1",
        made_of="the package without its version, the advisory, the path of the file that asks for it, and its count",
        names_one=True,
    ),
    Algorithm(
        name="image/v1",
        made_of="the package without its version, the advisory, and where it lies, without image, layer and version",
    ),
    Algorithm(name="secret/v2", made_of="the value and the path, hashed with a key of yours, and its count"),
    Algorithm(
        name="place/v1",
        made_of="the rule, the function, class or block around it, the code of the line, and its count in there",
    ),
    Algorithm(
        name="code/v1",
        made_of="the rule, the path, the code of the line with its white space folded, and its count in the file",
        names_one=True,
    ),
    Algorithm(
        name="secret/v1",
        made_of="the rule, the path, the commit and its count in the file; never anything of the secret",
        names_one=True,
    ),
    Algorithm(name="line/v1", made_of="the 100 characters from the beginning of the line on, as GitHub hashes them"),
    Algorithm(
        name="scope/v1",
        made_of="the rule, the function, class or block around it, and which one of the rule it is in there",
    ),
)
_BY_NAME = {one.name: one for one in ALGORITHMS}
_WORDS = frozenset(one.name.split("/")[0] for one in ALGORITHMS)


@functools.lru_cache(maxsize=8192)
def algorithm(name: str) -> str:
    """The algorithm of a fingerprint: `code/v1` for `ruff/code/v1`; the name itself for one of a later release."""
    parts = name.split("/")
    word = next((part for part in reversed(parts[:-1]) if part in _WORDS), "")
    return f"{word}/{parts[-1]}" if word else name


def about(name: str) -> str:
    """What stands between an algorithm and its version, such as the alias of an advisory; "" for nothing."""
    parts = name.split("/")
    places = [place for place, part in enumerate(parts[:-1]) if part in _WORDS]
    return "/".join(parts[places[-1] + 1 : -1]) if places else ""


def made_of(name: str) -> str:
    """What a fingerprint of that name is made of, in words."""
    known = _BY_NAME.get(algorithm(name))
    return known.made_of if known else "its parts"


def names_one(name: str) -> bool:
    """Whether a waiver may name a finding by the fingerprint of that name."""
    known = _BY_NAME.get(algorithm(name))
    return known is None or known.names_one
