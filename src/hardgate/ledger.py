"""The ledger's records and their chain: made, written as canonical bytes, and followed from the first to the last.

A record's digest is the SHA-256 over its canonical bytes: JSON with sorted keys, no white space and no floating-point
numbers, which is what RFC 8785 makes of such values. `previous` is the digest of the record before: who alters,
inserts, removes or moves one must write all later ones anew, and their digests are then not those that somebody noted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from hardgate.errors import StoreError
from hardgate.permits import Person
from hardgate.wording import plain

START = "0" * 64
"""What stands as `previous` in the first record."""
GENESIS = "genesis"
VERDICT = "verdict"
WAIVER = "waiver"
REQUESTED, GRANTED, REVOKED, USED = "override-requested", "override-granted", "override-revoked", "override-used"
FORMAT = 1


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be recorded. `kind` is a word such as "verdict" or, later, "approval" and "deploy": none is refused.
    `subject` is the id of what it is about.

    `what` holds texts, whole numbers, truths, and lists and mappings of them; `evidence` is the SHA-256 of what the
    record stands for, "" where there is none.
    """

    kind: str
    subject: str
    at: str
    who: Person
    what: dict[str, Any] = {}
    why: str = ""
    evidence: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry with its place in the chain. `seq` counts from 1."""

    format: int
    seq: int
    previous: str
    kind: str
    subject: str
    at: str
    who: Person
    what: dict[str, Any]
    why: str
    evidence: str


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record with its digest, as a line of an export has it."""

    digest: str
    record: Record


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong with the ledger; `seq` is the record at which it was seen, 0 for the whole."""

    seq: int
    message: str


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """What was found when the records were followed; `head` is the digest of the last one, START of none."""

    records: int
    head: str
    problems: tuple[Problem, ...]
    digests: tuple[str, ...]


def next_line(entry: Entry, seq: int, previous: str) -> Line:
    """The entry as the record number `seq` behind the one with the digest `previous`.

    Hidden characters are written as in wording.plain. Raises TypeError for a number that is not whole.
    """
    record = Record(
        format=FORMAT,
        seq=seq,
        previous=previous,
        kind=entry.kind,
        subject=plain(entry.subject),
        at=entry.at,
        who=msgspec.convert(tidy(entry.who), Person),
        what=tidy(entry.what),
        why=plain(entry.why),
        evidence=entry.evidence,
    )
    return Line(digest=digest(canonical(record)), record=record)


def tidy(value: Any) -> Any:
    """A value as plain JSON values without hidden characters. Raises TypeError for a number that is not whole."""
    built = msgspec.to_builtins(value)
    if isinstance(built, str):
        return plain(built)
    if isinstance(built, dict):
        return {plain(key): tidy(one) for key, one in built.items()}
    if isinstance(built, list | tuple):
        return [tidy(one) for one in built]
    if isinstance(built, float):
        raise TypeError(f"{built} in a record is no whole number: its text would depend on the writer")
    return built


def canonical(value: object) -> bytes:
    """The one way to write a value that `tidy` returns, or a record."""
    return msgspec.json.encode(value, order="sorted")


def digest(raw: bytes) -> str:
    """SHA-256 in lower-case hexadecimal."""
    return hashlib.sha256(raw).hexdigest()


def export_line(line: Line) -> bytes:
    """A record as one line of JSON lines (https://jsonlines.org), with the digest that its content must have."""
    return canonical(line) + b"\n"


def read_export(raw: bytes, name: str) -> tuple[Line, ...]:
    """The lines of an export, as they stand there. Raises StoreError naming file and line for what is no record."""
    lines = []
    for number, text in enumerate(raw.split(b"\n"), 1):
        if not text and number == raw.count(b"\n") + 1:
            continue  # behind the last line break
        try:
            line = msgspec.json.decode(text, type=Line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            hint = "Nothing was verified. Give a file that `hardgate audit export` wrote, as it was written."
            raise StoreError(f"{plain(name)}: line {number} is no record of a ledger: {error}", hint=hint) from error
        if canonical(line) != text:
            hint = "The file was edited or written by another program. Compare with the store, or another copy."
            raise StoreError(f"{plain(name)}: line {number} is not written as an export is", hint=hint)
        lines.append(line)
    return tuple(lines)


def follow(lines: Iterable[Line]) -> Chain:
    """Follow the chain and note every place where it is broken; an edit shows at its record, or at the next one."""
    previous, seq, problems, digests = START, 0, list[Problem](), list[str]()
    for line in lines:
        record = line.record
        wrong = [*_place(record, seq + 1, previous), *_content(line)]
        problems += [Problem(seq=record.seq, message=f"record {record.seq} {one}") for one in wrong]
        previous, seq = line.digest, record.seq
        digests.append(line.digest)
    if not digests:
        problems.append(Problem(seq=0, message="there is no record, not even the first: all were removed"))
    return Chain(records=len(digests), head=previous, problems=tuple(problems), digests=tuple(digests))


def _place(record: Record, expected: int, previous: str) -> list[str]:
    if record.seq != expected:
        return [f"stands where record {expected} belongs: one was removed, inserted or moved"]
    if record.previous != previous:
        return ["does not follow the one before: one of the two was altered, inserted or moved"]
    if (record.kind == GENESIS) is not (expected == 1):
        return ["is not what a ledger begins with" if expected == 1 else "says that the ledger begins here"]
    return []


def _content(line: Line) -> list[str]:
    if digest(canonical(line.record)) != line.digest:
        return ["was altered: its content does not have the digest that is stored with it"]
    return []


def missing_head(chain: Chain, head: str) -> Problem | None:
    """A problem when the digest (or its beginning) that somebody noted is that of no record of this chain."""
    if any(one.startswith(head) for one in chain.digests):
        return None
    message = f"no record has the digest {head} that was noted: the ledger was cut off before it, or written anew"
    return Problem(seq=0, message=message)


def compare(lines: Iterable[Line], kept: Iterable[Line]) -> tuple[Problem, ...]:
    """What a ledger no longer has as an earlier export has it: records that are gone, and records that are others."""
    now = {line.record.seq: line.digest for line in lines}
    problems = []
    for line in kept:
        seq = line.record.seq
        if seq not in now:
            problems.append(Problem(seq=seq, message=f"record {seq} is in the export and no longer in the ledger"))
        elif now[seq] != line.digest:
            problems.append(Problem(seq=seq, message=f"record {seq} is another than in the export"))
    return tuple(problems)
