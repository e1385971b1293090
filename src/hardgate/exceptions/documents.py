"""The files of exceptions of a repository: which there are, how each is read, and what they add to a policy."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

import msgspec

from hardgate.allowances import Document, Exceptions, Request, Waiver
from hardgate.exceptions import baseline, vex, waivers
from hardgate.model import Policy

FOLDER = ".hardgate"
_Reader = Callable[[bytes, str, Policy], tuple[Waiver, ...]]


def _waivers(raw: bytes, name: str, _policy: Policy) -> tuple[Waiver, ...]:
    return waivers.read(raw, name)


# Each file, in the order in which records are looked up: the first that covers a finding counts. VEX documents are
# read together: what one says another may take back.
READERS: dict[str, _Reader] = {waivers.FILE: _waivers, vex.FOLDER: vex.read, baseline.FILE: baseline.records}


def reader(path: str) -> _Reader | None:
    """How a file of exceptions is read, None when it is none."""
    if path.startswith(vex.FOLDER):
        return READERS[vex.FOLDER] if path.endswith(".json") else None
    return READERS.get(path)


def document(path: str, raw: bytes) -> Document:
    """A file as it goes into the evidence; bytes that are no UTF-8 are carried as Python does (PEP 383)."""
    return Document(path=path, text=raw.decode("utf-8", "surrogateescape"), sha256=hashlib.sha256(raw).hexdigest())


def records(documents: Iterable[Document], policy: Policy) -> tuple[Waiver, ...]:
    """What the documents waive, in the order of READERS; raises ConfigError for what is not understood."""
    files = {one.path: one.text.encode("utf-8", "surrogateescape") for one in documents if reader(one.path)}
    said = [(files[path], path) for path in sorted(files) if path.startswith(vex.FOLDER)]
    found = {path: read(files[path], path, policy) for path, read in READERS.items() if path in files}
    return tuple(
        one for key in READERS for one in (vex.together(said, policy) if key == vex.FOLDER else found.get(key, ()))
    )


def in_force(policy: Policy, exceptions: Exceptions) -> Policy:
    """The policy with all that the evidence of a run waives beside its own waivers."""
    return msgspec.structs.replace(policy, waivers=(*policy.waivers, *records(exceptions.documents, policy)))


def without_its_own(policy: Policy, exceptions: Exceptions) -> Policy:
    """A policy that the change under review brings whole, since the base has none: its own waivers are requests."""
    return msgspec.structs.replace(policy, waivers=()) if exceptions.base else policy


def evidence(documents: Sequence[Document], definition: str = "", base: str = "", reference: str = "") -> Exceptions:
    """The exceptions of a run, with their digest: SHA-256 over the names and digests of all that is judged by."""
    parts = [base, hashlib.sha256(definition.encode("utf-8", "surrogateescape")).hexdigest()]
    parts += [part for one in documents for part in (one.path, one.sha256)]
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
    return Exceptions(base=base, reference=reference, definition=definition, documents=tuple(documents), digest=digest)


def asked_for(head: Iterable[Waiver], base: Iterable[Waiver]) -> tuple[Request, ...]:
    """The records that a change adds: those that the base does not have in the same words, wherever they stand."""
    known = {_words(one) for one in base}
    return tuple(
        Request(kind=one.kind, what=f"{one.kind} of {one.subject} until {one.until} by {one.owner}", source=one.source)
        for one in head
        if _words(one) not in known
    )


def _words(waiver: Waiver) -> Waiver:
    return msgspec.structs.replace(waiver, source="")
