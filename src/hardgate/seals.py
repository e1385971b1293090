"""Seals: a digest over the bytes of a record, made with a key where there is one.

Without a key it is a SHA-256, which shows damage and careless editing. With one it is an HMAC-SHA-256 (RFC 2104), which
nobody without the key can make.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

KEYED = "hmac-sha256:"
_PLAIN = "sha256:"


def make(raw: bytes | Iterable[bytes], key: str) -> str:
    """The seal over `raw`, whole or in parts: `sha256:…`, or `hmac-sha256:…` when there is a key."""
    digest = hmac.new(key.encode(), digestmod=hashlib.sha256) if key else hashlib.sha256()
    for part in (raw,) if isinstance(raw, bytes) else raw:
        digest.update(part)
    return (KEYED if key else _PLAIN) + digest.hexdigest()


def problem(
    raw: bytes | Iterable[bytes], seal: str, key: str, *, variable: str, maker: str, asker: str = "the gate"
) -> str:
    """What is wrong with a seal, "" when it fits; `variable` holds the key, `maker` is who has to have it too."""
    if hmac.compare_digest(seal.encode(), make(raw, key).encode()):
        return ""
    keyed = seal.startswith(KEYED)
    if keyed and not key:
        return f"is sealed with a key, and {asker} has none: set {variable}"
    if key and not keyed:
        return f"is sealed without a key, and {asker} has one: set {variable} {maker}"
    return "was altered after it was sealed" + (", or sealed with another key" if key else "")
