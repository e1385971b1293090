"""Findings made comparable: relative paths, harmless text, versioned ids, one fact from two tools made one, two runs.

What each fingerprint is made of stands in algorithms.py. The id of a finding is the first 16 hexadecimal digits of its
first fingerprint.
"""

from hardgate.identity.merging import conclude, difference, merge, package_key
from hardgate.identity.naming import ID_LENGTH, KEY_VARIABLE, advisory, key_name, key_of
from hardgate.identity.pairing import Pair, Pairing, inherit, pair, translate, why
from hardgate.identity.settling import drained, relative, settle

__all__ = [
    "ID_LENGTH",
    "KEY_VARIABLE",
    "Pair",
    "Pairing",
    "advisory",
    "conclude",
    "difference",
    "drained",
    "inherit",
    "key_name",
    "key_of",
    "merge",
    "package_key",
    "pair",
    "relative",
    "settle",
    "translate",
    "why",
]
