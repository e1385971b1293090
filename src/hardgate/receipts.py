"""Receipts that travel: sealed, written one to a file, and read back with distrust.

The seal is a SHA-256 over the receipt's own bytes: it shows damage and careless editing. Where the environment has a
HARDGATE_RECEIPT_KEY, it is an HMAC-SHA-256 (RFC 2104) with that key, which nobody without the key can make; a gate that
has the key refuses any other seal.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from hardgate import seals
from hardgate.errors import StoreError
from hardgate.model import Gap, GapReason, Receipt
from hardgate.wording import flow, plain

SUFFIX = ".receipt.json"
KEY_VARIABLE = "HARDGATE_RECEIPT_KEY"
_TOGETHER = 1000  # findings: the text of all takes as much memory as they do
_LIMIT = 1024 * 1024 * 1024


def seal(receipt: Receipt, key: str = "") -> Receipt:
    """The receipt with `digest` set: `sha256:…`, or `hmac-sha256:…` when there is a key."""
    return msgspec.structs.replace(receipt, digest=_seal(receipt, key))


def _seal(receipt: Receipt, key: str) -> str:
    return seals.make(_sealed(receipt), key)


def _sealed(receipt: Receipt) -> Iterator[bytes]:
    """The bytes that a seal is over, in parts: all of the receipt but the seal.

    Quotes within a text are written with a backslash, so the empty list is found in one place only.
    """
    rest = msgspec.structs.replace(receipt, digest="", findings=())
    head, empty, tail = msgspec.json.encode(rest, order="deterministic").partition(b'"findings":[]')
    yield head + empty[:-1]
    for place in range(0, len(receipt.findings), _TOGETHER):
        some = receipt.findings[place : place + _TOGETHER]
        yield (b"," if place else b"") + msgspec.json.encode(some, order="deterministic")[1:-1]
    yield empty[-1:] + tail


def write(folder: Path, receipt: Receipt, documents: Mapping[str, bytes]) -> Path:
    """Write a sealed receipt, and the documents it lists by name, into `folder`; raises StoreError."""
    target = folder / f"{receipt.action}{SUFFIX}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in documents.items():
            (folder / name).write_bytes(content)
        half = target.with_suffix(".part")
        half.write_bytes(msgspec.json.format(msgspec.json.encode(receipt, order="deterministic"), indent=1) + b"\n")
        half.replace(target)
    except OSError as error:
        hint = "The action ran; its receipt is in the store. Choose another folder with --receipts."
        raise StoreError(f"the receipt {target} was not written: {error.strerror}", hint=hint) from error
    return target


def read(
    folder: Path, *, commit: str, pipeline_digest: str, expected: Iterable[str], also: str = ""
) -> tuple[tuple[Receipt, ...], tuple[Gap, ...]]:
    """The receipts in `folder` that can be believed, and a gap for each that cannot.

    Refused are: no whole receipt, a seal that does not fit, another commit, another pipeline definition, an action that
    the pipeline does not have, a second one of the same action (then neither counts), another tree than the others'.
    `also` is another digest of the same definition (see basis.bound).
    Raises StoreError when the folder cannot be read.
    """
    if not folder.is_dir():
        raise StoreError(f"there is no folder {folder}", hint="Name the folder that the jobs wrote with --receipts.")
    names, good, gaps = frozenset(expected), dict[str, Receipt](), list[Gap]()
    seen: dict[str, str] = {}
    for path in sorted(folder.rglob(f"*{SUFFIX}")):
        receipt, problem = _read(path, commit, {pipeline_digest, also} - {""}, names)
        if receipt is not None and receipt.action in seen:
            problem = f"is a second receipt of {receipt.action} beside {seen[receipt.action]}; neither counts"
            good.pop(receipt.action, None)
        elif receipt is not None:
            seen[receipt.action] = path.name
            good[receipt.action] = receipt
        if problem:
            gaps.append(_refused(path.name, problem))
    trees = {receipt.tree for receipt in good.values()}
    if len(trees) > 1:
        gaps.append(_refused(str(len(good)) + " receipts", "are of different trees of the same commit"))
        good = {}
    return tuple(good.values()), tuple(gaps)


def _refused(name: str, problem: str) -> Gap:
    remedy = "Run its action again for this commit and this hardgate.yaml, and hand in that receipt."
    return Gap(reason=GapReason.RECEIPT_REFUSED, message=f"{plain(name)} {flow(problem)}", remedy=remedy)


def _read(path: Path, commit: str, digests: Collection[str], names: frozenset[str]) -> tuple[Receipt | None, str]:
    """A receipt and "", or None and what is wrong with it."""
    try:
        receipt = msgspec.json.decode(_bytes(path), type=Receipt)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return None, f"is no whole receipt: {error}"
    key = os.environ.get(KEY_VARIABLE, "")
    maker = "where the action runs"
    problem = seals.problem(_sealed(receipt), receipt.digest, key, variable=KEY_VARIABLE, maker=maker)
    if problem:
        return None, problem
    if receipt.commit != commit:
        return None, f"is of commit {receipt.commit[:12] or 'none'}, and the gate judges {commit[:12] or 'none'}"
    if receipt.pipeline_digest not in digests:
        return None, "was made under another hardgate.yaml than the one that the gate judges by, or without its base"
    if receipt.action not in names:
        return None, f"is of an action, {receipt.action}, that the pipeline does not have"
    return receipt, ""


def _bytes(path: Path) -> bytes:
    """The content of a receipt's file; b"" for what is none, such as a pipe, or too large: no receipt either way."""
    return path.read_bytes() if path.is_file() and path.stat().st_size <= _LIMIT else b""
