"""Bytes that readers stumble over, and ways to put them into a good file."""

from __future__ import annotations

import random
from collections.abc import Sequence

DEEP = 20_000  # levels
DIGITS = 100_000


def _laughs(levels: int = 12, each: int = 9) -> bytes:
    """YAML in which every list has the one before it nine times: https://en.wikipedia.org/wiki/Billion_laughs_attack."""
    rows = [b"a0: &a0 [x]"]
    rows += [b"a%d: &a%d [%s]" % (one, one, b",".join([b"*a%d" % (one - 1)] * each)) for one in range(1, levels)]
    return b"\n".join(rows) + b"\n"


_ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "xxxxxxxxxx">'
    + b"".join(b'<!ENTITY x%d "%s">' % (one, b"&x%d;" % (one - 1) * 9 if one else b"&x;" * 9) for one in range(10))
    + b"]><a>&x9;</a>"
)
_OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'

# Small ones, to be put anywhere.
PIECES: tuple[bytes, ...] = (
    b"",
    b"\0",
    b"\xff",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b'"\\ud800"',
    b"\\ud83d",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"1e999",
    b"-1",
    b"0",
    b"18446744073709551616",
    b"0.0000001",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b'""',
    b'"x"',
    b"[[]]",
    b'{"a": 1, "a": 2}',
    b"\n",
    b"\r",
    b"\t",
    b" ",
    b"\\",
    b'"',
    b"'",
    b"}",
    b"]",
    b",",
    b":",
    b"<!--",
    b"]]>",
    b"&x;",
    b"%",
    b"%00",
    b"${",
    b"{{",
    b"&a *a",
    b"*a",
    b"!!python/object:os.system",
    b"? ",
    b"- ",
    b"|",
    b">",
    b"<<: *a",
    b'"9999-12-31T23:59:59+00:00"',
    b'"0001-01-01T00:00:00+23:59"',
    b'"2026-02-30"',
    b"9999-12-31",
    b"00000-00-00",
    "\u2028".encode(),
    "\u202e".encode(),
    "\u0660".encode(),
    "\u00b2".encode(),
    "\ufdfa".encode(),
    b"../../../etc/passwd",
    b"file:///C:/x",
    b"//host/x",
    b"C:\\x",
    b"A" * 300,
)
# Large ones, whole files or the value of a key.
LOADS: tuple[bytes, ...] = (
    b"[" * DEEP,
    b"[" * DEEP + b"]" * DEEP,
    b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    b"9" * DIGITS,
    b"-" * DIGITS,
    b"1." + b"9" * DIGITS,
    b"1e" + b"9" * DIGITS,
    b'"' + b"x" * 1_000_000 + b'"',
    b"x" * 1_000_000,
    b"\n" * 200_000,
    b" " * 200_000,
    b"\0" * 100_000,
    b"- " * DEEP,
    b"? " * DEEP,
    b"{" * DEEP,
    b"(" * DEEP,
    b"a = " + b"-" * DEEP + b"1",
    b"a" + b".a" * DEEP,
    b"x=" * DEEP,
    b"a" + b"[0]" * DEEP,
    b"<a>" * DEEP,
    _ENTITIES,
    _OUTSIDE,
    _laughs(),
    b"%" * DEEP,
    b"a@" * DEEP,
    b"/" * DEEP,
    b"../" * DEEP,
    b"if 1:\n" + b"".join(b" " * one + b"if 1:\n" for one in range(1, 120)),
    b"a b{" * DEEP,
    b"<<E\n" * DEEP,
    b"\\\n" * DEEP,
    b'"a": ' * DEEP,
    b"a: " * DEEP,
    b"&a " * DEEP,
    b"pkg:" * DEEP,
    b"1.0." * DEEP,
    b"CVSS:3.1/" * DEEP,
    b"#" * DEEP,
    b"[a]\n" * DEEP,
)
_LONG = 2_000_000


def spoilt(raw: bytes, other: bytes, rng: random.Random) -> bytes:
    """A good file with up to four things wrong in it: cut, doubled, swapped, or with a piece put in."""
    for _ in range(rng.randint(1, 4)):
        first, last = sorted((_place(raw, rng), _place(raw, rng)))
        piece = rng.choice(PIECES)
        raw = rng.choice(
            (
                raw[:first] + piece + raw[first:],
                raw[:first] + piece + raw[last:],
                raw[:first] + raw[last:],
                raw[:last],
                raw[:last] + raw[first:],
                raw[:first] + other[first:last] + raw[last:],
                _once(raw, piece, rng),
            )
        )[:_LONG]
    return raw


def loaded(raw: bytes, rng: random.Random) -> bytes:
    """A good file with a very large piece in place of one of its values, or at the end of one of its lines."""
    return _once(raw, rng.choice(LOADS), rng)


def _once(raw: bytes, piece: bytes, rng: random.Random) -> bytes:
    """`piece` in place of what stands between one colon, comma, equals sign or line break and the next."""
    places = [index for index, byte in enumerate(raw) if byte in b":,=\n"]
    if not places:
        return piece
    chosen = rng.randrange(len(places))
    end = places[chosen + 1] if chosen + 1 < len(places) else len(raw)
    return raw[: places[chosen] + 1] + piece + raw[end:]


def _place(raw: bytes, rng: random.Random) -> int:
    return rng.randint(0, len(raw))


def words(seeds: Sequence[bytes]) -> list[bytes]:
    """A dictionary for a fuzzer: the pieces, and the words in quotes of all seeds."""
    found = {word for seed in seeds for word in seed.split(b'"')[1::2] if 0 < len(word) <= 40}
    return [piece for piece in PIECES if piece] + sorted(found)[:400]
