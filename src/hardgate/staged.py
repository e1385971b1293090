"""What a commit or a push is about to bring, out of git's objects and never out of the work tree.

A file may be staged with a secret that the work tree has no more: what is looked at is what git will keep. Git is only
asked through the private git folder that git.py makes.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from hardgate import git, repository
from hardgate.errors import ConfigError, ToolError
from hardgate.model import Gap, GapReason

_LINK, _SUBMODULE = "120000", "160000"
_FILES = frozenset({"100644", "100755", "100664"})
_ZEROS = re.compile(r"0{40,64}")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_POINTER = b"version https://git-lfs.github.com/spec/"  # https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
_POINTER_UP_TO = 1024  # bytes: a pointer is shorter
_AT_ONCE = 64_000_000  # bytes of blobs that one start of git hands out
_REMOTE = re.compile(r"[\w.+-]+(?:/[\w.+-]+)*", re.ASCII)
_OUT = "Leave it out under `exclude` in hardgate.yaml if it does not matter."


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """Files as git has them: `tree` with its copies below `base`; of `links` the copy is the text of the link."""

    tree: repository.Tree
    base: Path
    links: frozenset[str]


class Push(NamedTuple):
    """One line of what git hands to pre-push: the commit that goes, and what the remote has there, "" for nothing."""

    name: str
    new: str
    old: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What is pushed: its commits, of which none is on the remote as far as this clone knows.

    `words` name them for `git log`; `shallow`: the clone ends within them.
    """

    words: tuple[str, ...]
    commits: int
    shallow: bool


class Row(NamedTuple):
    """A path of a tree or of the index: what it is and the id of its content."""

    mode: str
    blob: str
    path: str


def borrow(root: Path, into: Path, environ: Mapping[str, str]) -> Path:
    """The private git folder of the work tree at `root`, with the index that the commit in progress is made of.

    Git hands another index to its hooks for `commit -a` and `commit PATH`: see GIT_INDEX_FILE in
    https://git-scm.com/docs/githooks. Raises ConfigError outside git, ToolError when it cannot be read.
    """
    found = git.around(root)
    theirs = root / environ["GIT_DIR"] if environ.get("GIT_DIR") else found[1] if found else None
    if theirs is None:
        raise ConfigError(f"{root} is in no git repository", hint="Nothing was looked at. Go to the work tree.")
    ours = git.borrow(theirs, into)
    if index := environ.get("GIT_INDEX_FILE"):
        try:
            shutil.copyfile(root / index, ours / "index")
        except OSError as error:
            hint = "Nothing was looked at. Unset GIT_INDEX_FILE, unless git itself has set it."
            raise ToolError(f"the index {index} could not be read: {error.strerror}", hint=hint) from error
    return ours


def top(root: Path) -> Path:
    """The top of the work tree that `root` is in; raises ConfigError outside git."""
    found = git.around(root.resolve())
    if found is None:
        raise ConfigError(f"{root} is in no git repository", hint="Nothing was done. Go to the work tree.")
    return found[0]


@functools.cache
def head(ours: Path) -> str:
    """The commit of HEAD, "" before the first one. That of a private git folder does not move."""
    fine = frozenset({0, 1})
    return git.ask(ours, "rev-parse", "--verify", "--quiet", "HEAD", fine=fine).decode().strip()


def _empty(ours: Path) -> str:
    """The id of the empty tree, which git knows without having it; it depends on how objects are named."""
    return git.ask(ours, "hash-object", "-t", "tree", "--stdin").decode().strip()


def index_changes(ours: Path) -> list[Row]:
    """What the index has that HEAD has not. What is deleted brings nothing; a new name brings a whole file."""
    words = ("diff-index", "--cached", "--raw", "-z", "--no-renames", "--ignore-submodules=dirty")
    return list(_raw(git.ask(ours, *words, head(ours) or _empty(ours), "--")))


def commit_changes(ours: Path, old: str, new: str) -> list[Row]:
    """What the commit `new` has that `old` ("" for nothing) has not."""
    words = ("diff-tree", "-r", "--raw", "-z", "--no-renames")
    return list(_raw(git.ask(ours, *words, old or _empty(ours), new, "--")))


def _raw(answer: bytes) -> Iterator[Row]:
    """Rows of https://git-scm.com/docs/diff-format#_raw_output_format, without those of deleted paths."""
    parts = git.names(answer)
    for facts, path in zip(parts[::2], parts[1::2], strict=True):
        _, mode, _, blob, status = facts.removeprefix(":").split(" ")
        if status[0] == "U":
            message = f"{path} is not merged yet: nothing was looked at"
            raise ToolError(message, hint="Settle the conflict, and stage the file: git add")
        if status[0] != "D":
            yield Row(mode, blob, path)


def kept(ours: Path, commit: str, names: Sequence[str]) -> dict[str, bytes]:
    """The regular files of these names, or below them, in the index, or in `commit` where one is given.

    Raises ConfigError for a link or a submodule of that name: it would be read as if it were not there.
    """
    if commit:
        answer = git.ask(ours, "ls-tree", "-r", "-z", "--full-tree", commit, "--", *names)
        rows = [Row(*_three(facts, drop=1), path) for facts, path in _tabbed(answer)]
    else:
        answer = git.ask(ours, "ls-files", "-z", "-s", "--", *names)
        rows = [Row(*_three(facts, drop=2), path) for facts, path in _tabbed(answer)]
    for row in rows:
        if row.mode not in _FILES:
            raise ConfigError(f"{row.path} is no regular file", hint="Nothing was looked at. Make it a file.")
    found = dict(git.blobs(ours, list(dict.fromkeys(row.blob for row in rows))))
    return {row.path: found[row.blob] for row in rows}


def _tabbed(answer: bytes) -> Iterator[tuple[list[str], str]]:
    for row in git.names(answer):
        facts, _, path = row.partition("\t")
        yield facts.split(" "), path


def _three(facts: list[str], *, drop: int) -> tuple[str, str]:
    """Mode and id out of `mode type id` (ls-tree, drop 1) or `mode id stage` (ls-files, drop 2)."""
    mode, blob = (fact for place, fact in enumerate(facts) if place != drop)
    return mode, blob


def lay_out(
    ours: Path, rows: Sequence[Row], into: Path, *, root: Path, exclude: Callable[[str], bool], limit: int
) -> Staged:
    """Write the contents of `rows` below `into`. What cannot be looked at is a gap of the tree.

    `exclude` says which paths hardgate.yaml leaves out, `limit` is in bytes.
    """
    into.mkdir(parents=True, exist_ok=True)
    wanted = [row for row in rows if not exclude(row.path)]
    gaps = [_gap(row.path, "is a submodule, of which git keeps a number only", _SCAN) for row in wanted if _sub(row)]
    sizes = _sizes(ours, [row for row in wanted if not _sub(row)])
    fit = []
    for row in wanted:
        if row.blob not in sizes:
            continue
        size = sizes[row.blob]
        if size is None:
            gaps.append(_gap(row.path, "is not in this clone, which is a partial one", "Fetch it: git fetch --refetch"))
        elif size > limit:
            what = f"has {size:,} bytes, more than limits.file_size ({limit:,}), and was not looked at"
            gaps.append(_gap(row.path, what, f"Raise limits.file_size in hardgate.yaml. {_OUT}"))
        else:
            fit.append(row)
    entries, more = _written(ours, fit, sizes, into)
    tree = repository.Tree(
        root=root, entries=tuple(entries), digest=_digest(entries), gaps=(*gaps, *more),
        excluded=len(rows) - len(wanted), git=ours, commit=head(ours),
    )  # fmt: skip
    return Staged(tree=tree, base=into, links=frozenset(row.path for row in fit if row.mode == _LINK))


_SCAN = f"Look at it in its own repository. {_OUT}"


def _sub(row: Row) -> bool:
    return row.mode == _SUBMODULE


def _gap(path: str, what: str, remedy: str) -> Gap:
    return Gap(reason=GapReason.FILE_UNREAD, path=path, message=f"{path} {what}", remedy=remedy)


def _digest(entries: Sequence[repository.Entry]) -> str:
    whole = hashlib.sha256()
    for entry in entries:
        whole.update(os.fsencode(entry.path) + b"\0" + entry.digest.encode() + b"\n")
    return whole.hexdigest()


def _written(
    ours: Path, rows: Sequence[Row], sizes: Mapping[str, int | None], into: Path
) -> tuple[list[repository.Entry], list[Gap]]:
    entries: list[repository.Entry] = []
    gaps: list[Gap] = []
    places: dict[str, list[Row]] = {}
    for row in rows:
        places.setdefault(row.blob, []).append(row)
    for blob, content in _contents(ours, {row.blob: sizes[row.blob] or 0 for row in rows}):
        for row in places.pop(blob, ()):
            if len(content) < _POINTER_UP_TO and content.startswith(_POINTER):
                gaps.append(_gap(row.path, "is a pointer of Git LFS: what it stands for was not looked at", _OUT))
                continue
            entries.append(_entry(row.path, content, len(entries), into))
    return sorted(entries, key=lambda one: one.path), gaps


def _entry(path: str, content: bytes, number: int, into: Path) -> repository.Entry:
    private = repository.plain_name(path, number)
    target = into / private
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    except OSError as error:
        hint = "Nothing was looked at. Free some space, or set TMPDIR to a folder that has it."
        raise ToolError(f"{path} could not be copied for the scanners: {error.strerror}", hint=hint) from error
    return repository.Entry(path, private, len(content), hashlib.sha256(content).hexdigest())


def _sizes(ours: Path, rows: Sequence[Row]) -> dict[str, int | None]:
    """The sizes of blobs in bytes, None for those that are not there."""
    if not rows:
        return {}
    asked = "".join(f"{row.blob}\n" for row in rows).encode()
    answer = git.write(ours, "cat-file", "--batch-check=%(objectname) %(objectsize)", content=asked).decode()
    lines = (line.split(" ") for line in answer.splitlines())
    return {words[0]: None if words[1] == "missing" else int(words[1]) for words in lines}


def _contents(ours: Path, sizes: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
    """The ids and contents of blobs, of so many at once as fit into memory."""
    waiting, size = list[str](), 0
    for blob, length in sizes.items():
        if waiting and size + length > _AT_ONCE:
            yield from git.blobs(ours, waiting)
            waiting, size = [], 0
        waiting.append(blob)
        size += length
    yield from git.blobs(ours, waiting)


def pushes(lines: str) -> list[Push]:
    """The refs that are pushed, without those that are deleted: `LOCAL_REF LOCAL_ID REMOTE_REF REMOTE_ID` a line.

    See https://git-scm.com/docs/githooks#_pre_push. Raises ConfigError for lines of another form.
    """
    found = []
    for line in filter(None, lines.split("\n")):
        words = line.rsplit(" ", 3)
        if len(words) != 4 or not (_COMMIT.fullmatch(words[1]) and _COMMIT.fullmatch(words[3])):  # noqa: PLR2004 (as in githooks(5))
            raise ConfigError(f"this is no line of git's pre-push: {line!r}", hint="Nothing was looked at.")
        if not _ZEROS.fullmatch(words[1]):
            found.append(Push(words[0], words[1], "" if _ZEROS.fullmatch(words[3]) else words[3]))
    return found


def pushed(ours: Path, given: Sequence[Push], remote: str) -> tuple[list[Push], Range]:
    """The pushes with commits for ids, and their commits that the remote `remote` has not.

    Of what the remote has, that counts which this clone has too. Raises ToolError for a ref that names no commit.
    """
    there = []
    for push in given:
        new = _peeled(ours, push.new)
        if not new:
            message = f"{push.name} names no commit: what is pushed with it was not looked at"
            raise ToolError(message, hint="Push it by itself with --no-verify, if you know what it is.")
        there.append(Push(push.name, new, _peeled(ours, push.old)))
    known = f"refs/remotes/{remote}" if _REMOTE.fullmatch(remote) and ".." not in remote else ""
    old = [f"^{one}" for one in dict.fromkeys(push.old for push in there if push.old)]
    words = [*dict.fromkeys(push.new for push in there), *old, *(("--not", f"--remotes={remote}") if known else ())]
    commits = git.ask(ours, "rev-list", *words, "--").decode().split()
    ends = (ours / "shallow").read_text().split() if (ours / "shallow").is_file() else []
    based = [push if push.old else push._replace(old=_fork(ours, push.new, known)) for push in there]
    return based, Range(words=tuple(words), commits=len(commits), shallow=bool({*ends} & {*commits}))


def _peeled(ours: Path, name: str) -> str:
    """The commit that an id is or leads to, "" when this clone has none."""
    if not name:
        return ""
    fine = frozenset({0, 1, 128})
    return git.ask(ours, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", fine=fine).decode().strip()


def _fork(ours: Path, new: str, known: str) -> str:
    """Where a new branch left what the remote has, "" when they have nothing in common."""
    refs = git.ask(ours, "for-each-ref", "--format=%(objectname)", f"{known}/").decode().split() if known else []
    if not refs:
        return ""
    return git.ask(ours, "merge-base", new, *dict.fromkeys(refs), fine=frozenset({0, 1})).decode().strip()
