"""What a run is judged by: the exceptions in force, which a change under review cannot bring with it.

With a base, the policy, the waivers, the tools' own configuration and the inline suppressions are those of the base
commit; what the change adds to them is listed and takes no effect.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from hardgate import git, identity, past, repository
from hardgate.allowances import DISCLOSED, INLINE, INTRODUCED, PREEXISTING
from hardgate.exceptions import inline, origins
from hardgate.model import Exceptions, Finding, Policy, Request, Run, Suppression
from hardgate.wording import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What was read before the run. `policy` is that in force, None for the pipeline's own.

    `findings` say in what the change weakens hardgate.yaml. `before` is the run of the base, None when none is known;
    `first_seen` tells for ids when the store first had them.
    """

    exceptions: Exceptions = field(default_factory=Exceptions)
    policy: Policy | None = None
    findings: tuple[Finding, ...] = ()
    before: Run | None = None
    first_seen: Callable[[Sequence[str]], Mapping[str, str]] = field(default=lambda _ids: {})

    def for_tools(self, own: Policy) -> Policy:
        """The policy for starting tools: with a base no tool obeys a comment, since it cannot tell who wrote it."""
        policy = self.policy or own
        silent = policy.honour_inline_suppressions and not self.exceptions.base
        return msgspec.structs.replace(policy, honour_inline_suppressions=silent)


def bound(exceptions: Exceptions, digest: str) -> str:
    """The digest of a pipeline as receipts have it: with a base it is another, since tools then obey other files.

    A receipt that was made without the base may leave out what a comment or a file of the change told a tool to.
    """
    return hashlib.sha256(f"{digest} with a base".encode()).hexdigest() if exceptions.base else digest


def complete(basis: Basis, tree: repository.Tree, own: Policy) -> Exceptions:
    """The exceptions of a run with the inline suppressions of its tree: who wrote each, since when, whether it counts.

    A file that changed since the tree was read is left out: `repository.stage` tells that it could not be scanned.
    """
    honoured = (basis.policy or own).honour_inline_suppressions
    base = basis.exceptions.base
    found, requests = list[Suppression](), list[Request]()
    for entry in tree.entries:
        raw = repository.content(tree.root, entry.path, entry.size)
        if raw is None or not inline.suspected(raw):
            continue
        text = raw.decode("utf-8", "replace")
        comments = list(inline.find(plain(entry.path), text))
        if not comments:
            continue
        old = _there(tree, base, entry.path, comments, text) if base else [True] * len(comments)
        wrote = past.blame(tree.git, _work(tree), tree.prefix + entry.path) if tree.git else {}
        for one, known in zip(comments, old, strict=True):
            author, since = wrote.get(one.line, ("", ""))
            counts = honoured and known
            found.append(msgspec.structs.replace(one, author=plain(author), since=since, counts=counts))
            if not known:
                rules = f" for {', '.join(one.rules)}" if one.rules else ""
                source = f"{one.path} line {one.line}"
                requests.append(Request(kind=INLINE, what=f"{one.tool} is told to be silent{rules}", source=source))
    given = basis.exceptions
    return msgspec.structs.replace(given, suppressions=tuple(found), requests=(*given.requests, *requests))


def compared(basis: Basis, tree: repository.Tree, exceptions: Exceptions, findings: Sequence[Finding]) -> Exceptions:
    """The exceptions with what the change did to the findings, where a run of the base is known."""
    if basis.before is None or not exceptions.base:
        return exceptions
    before, digests = basis.before, {plain(entry.path): entry for entry in tree.entries}

    def unchanged(path: str) -> bool:
        entry = digests.get(path)
        raw = past.file(tree.git, exceptions.base, tree.prefix + entry.path) if tree.git and entry else None
        return entry is not None and raw is not None and hashlib.sha256(raw).hexdigest() == entry.digest

    found = origins.compare(
        before.findings,
        findings,
        run=before.id,
        since=before.started,
        unchanged=functools.cache(unchanged),
        moved=_moved(before, tree, exceptions.base, findings),
    )
    first = basis.first_seen([name for name, origin in found.origins.items() if origin != INTRODUCED])
    return msgspec.structs.replace(exceptions, comparison=origins.started(found, first))


def _moved(before: Run, tree: repository.Tree, base: str, findings: Sequence[Finding]) -> dict[str, str]:
    """Findings in renamed files, as git sees them: the id now to the id then. A rewritten line is not the same."""
    renames = git.renames(tree.git, base, tree.commit, tree.prefix) if tree.git and tree.commit else {}
    if not renames:
        return {}
    pairs = identity.pair(before.findings, findings, renames).same
    return {one.newer.id: one.older.id for one in pairs if not one.rewritten}


def told(exceptions: Exceptions) -> tuple[str, ...]:
    """What the change did to the findings, as a sentence for every report."""
    found = exceptions.comparison
    if not exceptions.base:
        return ()
    if not found.run:
        missing = "no whole run of the base is stored: nobody can say which findings the change introduced"
        return (f"{missing} (make one: hardgate run on {exceptions.base[:12]})",)
    numbers = [f"{list(found.origins.values()).count(word)} {word}" for word in (INTRODUCED, PREEXISTING, DISCLOSED)]
    return (f"beside run {found.run} of the base: {', '.join(numbers)}, {len(found.fixed)} fixed",)


def _there(tree: repository.Tree, base: str, path: str, comments: list[Suppression], text: str) -> list[bool]:
    """Whether each comment stands in the base's version of the file too, on the same code."""
    raw = past.file(tree.git, base, tree.prefix + path) if tree.git else None
    if raw is None:
        return [False] * len(comments)
    before = raw.decode("utf-8", "replace")
    known = set(inline.keys(list(inline.find(plain(path), before)), before))
    return [key in known for key in inline.keys(comments, text)]


def _work(tree: repository.Tree) -> Path:
    """The root of the work tree that the scanned folder lies in."""
    work = tree.root
    for _ in [part for part in tree.prefix.split("/") if part]:
        work = work.parent
    return work


def notes(exceptions: Exceptions) -> tuple[str, ...]:
    """What the readers of any report must know of the exceptions, as sentences."""
    said = []
    if exceptions.base:
        what = "policy, waivers and tool configuration" if exceptions.definition else "waivers and tool configuration"
        said.append(f"{what} are those of the base, {plain(exceptions.reference)} ({exceptions.base[:12]})")
    said += [f"asked for by this change, without effect: {one.what} ({one.source})" for one in exceptions.requests]
    if number := len(exceptions.suppressions):
        counting = sum(one.counts for one in exceptions.suppressions)
        word = "all count" if counting == number else f"{counting} count" if counting else "none counts"
        said.append(f"comments that silence a tool: {number}, of which {word}; list them: hardgate exceptions")
    return tuple(said)


def configs(basis: Basis, tree: repository.Tree, wanted: Iterable[Callable[[str], bool]]) -> Mapping[str, bytes] | None:
    """The tools' configuration files as the base has them, by path; None without a base.

    `wanted` are the tests by which the scanners that obey such files know theirs.
    """
    tests, base = list(wanted), basis.exceptions.base
    if not base or tree.git is None:
        return None
    rows = (
        git.names(git.ask(tree.git, "ls-tree", "-r", "-z", "--name-only", base, "--", tree.prefix or "."))
        if tests
        else []
    )
    kept = {}
    for row in rows:
        path = row.removeprefix(tree.prefix)
        if any(test(path) for test in tests) and (raw := past.file(tree.git, base, row)) is not None:
            kept[path] = raw
    return kept


def overlay(view: Path, kept: Mapping[str, bytes], is_config: Callable[[str], bool]) -> None:
    """Put the base's configuration files of one scanner in place of those in its view of the tree."""
    for file in [path for path in view.rglob("*") if path.is_file()]:
        if is_config(file.relative_to(view).as_posix()):
            file.unlink()  # a link to the staged copy, which others read
    for path, raw in kept.items():
        if is_config(path):
            (view / path).parent.mkdir(parents=True, exist_ok=True)
            (view / path).write_bytes(raw)


def digest_parts(kept: Mapping[str, bytes] | None, is_config: Callable[[str], bool]) -> list[str]:
    """The configuration of one scanner as a part of its cache key.

    A base that has none is not the same as no base, where the tree's own counts.
    """
    if kept is None:
        return []
    rows = (f"{os.fsencode(path).hex()}={raw.hex()}" for path, raw in sorted(kept.items()) if is_config(path))
    return ["of the base", *rows]
