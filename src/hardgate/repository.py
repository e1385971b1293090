"""The repository under scan: what is in scope, and private copies of it for the tools.

A repository under scan is hostile. Git is asked through git.py alone, links are not followed, odd file names get plain
ones in the copies, and every copy is checked against the digest that was taken when the scope was read.

In scope are the files that git tracks and those it does not know yet; files that `.gitignore` names are not. Outside
git every file below the folder is in scope.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hardgate import git
from hardgate.errors import ConfigError, ToolError
from hardgate.model import Gap, GapReason

CHUNK = 1024 * 1024
INERT = "hardgate-inert--"
ODD = "hardgate-name-"
_SUBMODULE = "160000"
_OUT = "Leave it out under `exclude` in hardgate.yaml if it does not matter."
_READABLE = "Make it readable for the user that runs hardgate."


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in scope: `path` as it is named, `private` as it is named in copies, and its content's digest."""

    path: str
    private: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """What is in scope below `root`. `git` is the private git folder, None outside git; `prefix` is root's place in it.

    `digest` is over the names and contents of all entries; `links` stay within the tree. `shallow`: the history is not
    whole, because the clone is shallow or partial.
    """

    root: Path
    entries: tuple[Entry, ...]
    digest: str
    gaps: tuple[Gap, ...] = ()
    excluded: int = 0
    git: Path | None = None
    prefix: str = ""
    commit: str = ""
    dirty: bool = False
    shallow: bool = False
    notes: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def read(root: Path, scratch: Path, *, exclude: Callable[[str], bool], limit: int, leave: frozenset[str]) -> Tree:
    """What is in scope below `root`, every file read once for its digest.

    `scratch` is an empty private folder; `leave` are files of hardgate's own (report files that git does not track);
    `exclude` says which paths hardgate.yaml leaves out, `limit` is in bytes. Raises ToolError when git cannot list the
    files.
    """
    found = git.around(root)
    if found is None:
        names, gaps = _walk(root)
        tree = _collect(root, names, gaps=gaps, exclude=exclude, limit=limit, leave=leave)
        return dataclasses.replace(tree, notes=("in scope: every file, since there is no git here",))
    work, theirs = found
    ours = git.borrow(theirs, scratch / "git")
    prefix = "" if work == root else root.relative_to(work).as_posix() + "/"
    tracked, gaps = _tracked(ours, work, prefix)
    unknown, others = _unknown(ours, work, prefix)
    fresh = unknown - leave
    head = git.ask(ours, "rev-parse", "--verify", "--quiet", "HEAD", fine=frozenset({0, 1})).decode().strip()
    names = sorted(tracked | fresh)
    tree = _collect(root, names, gaps=gaps + others, exclude=exclude, limit=limit, leave=leave - tracked)
    changed = bool(head) and bool(git.ask(ours, *git.DIFF, "HEAD", "--", prefix or ".", work=work))
    return dataclasses.replace(
        tree, git=ours, prefix=prefix, commit=head, dirty=changed or bool(fresh), shallow=not git.whole(theirs),
        notes=("in scope: files that git tracks or does not know yet; files that .gitignore names are not",),
    )  # fmt: skip


def _tracked(ours: Path, work: Path, prefix: str) -> tuple[set[str], tuple[Gap, ...]]:
    """The paths in the index below `prefix`; what git has and the work tree cannot show is a gap."""
    names, gaps = set(), []
    for row in git.names(git.ask(ours, "ls-files", "-z", "-s", "-t", "--", prefix or ".", work=work)):
        facts, _, path = row.partition("\t")
        tag, mode = facts.split(" ")[:2]
        inside = path.removeprefix(prefix)
        if mode == _SUBMODULE:
            remedy = "Scan the submodule's own repository, or leave it out under `exclude`."
            gaps.append(_unread(f"{inside}/", "is a submodule and was not looked at", remedy))
        elif tag == "S" and not os.path.lexists(work / path):
            gaps.append(_unread(inside, "is not checked out (sparse checkout)", "Check out the whole tree."))
        else:
            names.add(inside)
    return names, tuple(gaps)


def _unknown(ours: Path, work: Path, prefix: str) -> tuple[set[str], tuple[Gap, ...]]:
    """The paths that git does not know and .gitignore does not name; folders that git does not look into are gaps."""
    words = ("ls-files", "-z", "-o", "--exclude-standard", "--", prefix or ".")
    done = git.call(ours, *words, work=work)
    names = {name.removeprefix(prefix) for name in git.names(done.stdout)}
    nested = sorted(name for name in names if name.endswith("/"))
    remedy = "Scan that repository by itself, or leave it out under `exclude`."
    gaps = [_unread(name, "is a git repository of its own and was not looked at", remedy) for name in nested]
    for match in re.finditer(rb"^warning: could not open directory '(.+)': (.+)$", done.stderr, re.MULTILINE):
        folder, why = os.fsdecode(match[1]).removeprefix(prefix), os.fsdecode(match[2])
        gaps.append(_unread(folder, f"could not be listed: {why}", _READABLE))
    return names - set(nested), tuple(gaps)


def _walk(root: Path) -> tuple[list[str], tuple[Gap, ...]]:
    names: list[str] = []
    gaps: list[Gap] = []

    def unlisted(error: OSError) -> None:
        folder = os.path.relpath(error.filename, root) + "/"
        gaps.append(_unread(folder, f"could not be listed: {error.strerror}", _READABLE))

    for folder, folders, files in os.walk(root, onerror=unlisted):
        folders[:] = sorted(name for name in folders if name != ".git")
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        names += [os.path.relpath(Path(folder) / name, root) for name in (*files, *links)]
    return sorted(names), tuple(gaps)


def _unread(path: str, what: str, remedy: str) -> Gap:
    return Gap(reason=GapReason.FILE_UNREAD, path=path, message=f"{path} {what}", remedy=remedy)


def _collect(
    root: Path,
    names: Iterable[str],
    *,
    gaps: tuple[Gap, ...],
    exclude: Callable[[str], bool],
    limit: int,
    leave: frozenset[str],
) -> Tree:
    entries: list[Entry] = []
    links: list[str] = []
    problems = [gap for gap in gaps if not exclude(gap.path)]
    left, whole = list[str](), hashlib.sha256()
    for name in names:
        if name in leave:
            continue
        if exclude(name):
            left.append(name)
            continue
        found = _entry(root, name, len(entries), limit)
        if isinstance(found, Entry):
            entries.append(found)
            whole.update(os.fsencode(name) + b"\0" + found.digest.encode() + b"\n")
        elif found is not None:
            problems.append(found)
        elif (root / name).is_symlink():
            links.append(name)
    return Tree(
        root=root, entries=tuple(entries), digest=whole.hexdigest(), gaps=tuple(problems), excluded=len(left),
        links=tuple(links), left_out=tuple(left),
    )  # fmt: skip


def _entry(root: Path, name: str, number: int, limit: int) -> Entry | Gap | None:
    """One file as an entry, the gap that it is, or None when there is nothing to read (deleted, or a link inside)."""
    try:
        with _parent(root, name) as (folder, last):
            facts = os.stat(last, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISLNK(facts.st_mode):
                inside = (root / name).resolve().is_relative_to(root.resolve())
                return None if inside else _unread(name, "is a link that leads out of the tree; not followed", _OUT)
            problem = _unfit(name, facts, limit)
            if problem:
                return problem
            with os.fdopen(_open(folder, last), "rb", buffering=0) as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Entry(name, plain_name(name, number), facts.st_size, digest)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else "its links go in a circle"
        return _unread(name, f"could not be read: {why}", _READABLE)


def _unfit(name: str, facts: os.stat_result, limit: int) -> Gap | None:
    if not stat.S_ISREG(facts.st_mode):
        return _unread(name, "is no regular file and was not looked at", _OUT)
    if facts.st_size > limit:
        size = f"has {facts.st_size:,} bytes, more than limits.file_size ({limit:,}), and was not looked at"
        return _unread(name, size, f"Raise limits.file_size in hardgate.yaml. {_OUT}")
    return None


@contextmanager
def _parent(root: Path, name: str) -> Iterator[tuple[int, str]]:
    """The open folder of a file and the file's name in it. Each folder is opened in the one above: none is a link."""
    *folders, last = name.split("/")
    flags = os.O_DIRECTORY | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
    place = os.open(root, flags)
    try:
        for folder in folders:
            above, place = place, os.open(folder, flags | os.O_NOFOLLOW, dir_fd=place)
            os.close(above)
        yield place, last
    finally:
        os.close(place)


def _open(folder: int, last: str) -> int:
    # Never waits, should the file have become a pipe in the meantime.
    return os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)


def content(root: Path, name: str, limit: int) -> bytes | None:
    """The first `limit` bytes of a file of a tree, None when it cannot be read; links are not followed."""
    try:
        with _parent(root, name) as (folder, last), os.fdopen(_open(folder, last), "rb") as file:
            return file.read(limit)
    except OSError:
        return None


def plain_name(name: str, number: int) -> str:
    """A name that no tool can stumble over: odd parts (control characters, no UTF-8, a leading dash) are replaced.

    Parts that look like our own replacements are replaced too, so that no two files get the same name.
    """
    parts = []
    for part in name.split("/"):
        odd = part.startswith(("-", ODD, INERT)) or not part.isprintable()
        ending = re.search(r"\.[A-Za-z0-9]{1,12}$", part)
        parts.append(f"{ODD}{number}{ending[0] if ending else ''}" if odd else part)
    return "/".join(parts)


def stage(tree: Tree, into: Path) -> tuple[Gap, ...]:
    """Copy every entry below `into` under its private name. A file that changed since it was read is a gap.

    Raises ToolError when the copies cannot be written (a full disk).
    """
    gaps = []
    for entry in tree.entries:
        try:
            with _parent(tree.root, entry.path) as (folder, last):
                source = _open(folder, last)
        except OSError:
            same = False
        else:
            same = _copied(source, into / entry.private, entry)
        if not same:
            gaps.append(_unread(entry.path, "changed while it was read", "Run again when nothing writes to the tree."))
    return tuple(gaps)


def checkout(tree: Tree, into: Path) -> tuple[Gap, ...]:
    """A working copy below `into`, for what builds and runs: names, links and executable bits as they are.

    A file that changed since it was read is a gap. Raises ToolError when the copy cannot be written.
    """
    gaps = []
    for entry in tree.entries:
        target = into / entry.path
        try:
            with _parent(tree.root, entry.path) as (folder, last):
                source = _open(folder, last)
                runs = os.fstat(source).st_mode & stat.S_IXUSR
        except OSError:
            same = False
        else:
            same = _copied(source, target, entry)
            target.chmod(0o755 if runs else 0o644)
        if not same:
            gaps.append(_unread(entry.path, "changed while it was read", "Run again when nothing writes to the tree."))
    for name in tree.links:
        end, link = (tree.root / name).resolve(), into / name
        link.parent.mkdir(parents=True, exist_ok=True)
        if end.is_relative_to(tree.root.resolve()):
            link.symlink_to(os.path.relpath(into / end.relative_to(tree.root.resolve()), link.parent))
        else:
            gaps.append(_unread(name, "is a link that leads out of the tree since it was read", _OUT))
    return tuple(gaps)


def _copied(source: int, target: Path, entry: Entry) -> bool:
    """Whether the copy has the content that the entry was read with."""
    digest = hashlib.sha256()
    with os.fdopen(source, "rb", buffering=0) as file:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as copy:
                while chunk := file.read(CHUNK):
                    digest.update(chunk)
                    copy.write(chunk)
        except OSError as error:
            hint = "Free some space, or set TMPDIR to a folder that has it."
            message = f"{entry.path} could not be copied: {error.strerror}"
            raise ToolError(message, hint=hint) from error
    return digest.hexdigest() == entry.digest


def view(base: Path, entries: Iterable[Entry], into: Path, *, rename: Callable[[str], str]) -> dict[str, str]:
    """A folder with just these entries, linked from the staged copies; says which names in it stand for which paths.

    `rename` gives the name under which a file is shown, "" for its own. A file that was gone when it should be copied
    is left out: `stage` told.
    """
    names = {}
    for entry in entries:
        private = rename(entry.path) or entry.private
        target = into / private
        if not (base / entry.private).exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(base / entry.private, target)
        if private != entry.path:
            names[private] = entry.path
    return names


def inert(path: str) -> str:
    """A name beside `path` that no tool takes for its configuration."""
    number = int.from_bytes(hashlib.sha256(os.fsencode(path)).digest()[:6])
    folder, _, last = plain_name(path, number).rpartition("/")
    return f"{folder}/{INERT}{last}" if folder else INERT + last


def history(tree: Tree, into: Path, planted: dict[str, bytes]) -> Path | None:
    """A bare repository with the whole history of the tree and one more commit, of no branch, that adds `planted`.

    None outside git and before the first commit. `planted` maps paths without folders to contents.
    """
    if tree.git is None or not tree.commit:
        return None
    bare = git.borrow(tree.git, into)
    (bare / "index").unlink(missing_ok=True)
    rows = b""
    for name, content in planted.items():
        blob = git.write(bare, "hash-object", "-w", "--stdin", content=content)
        rows += b"100644 blob " + blob + b"\t" + os.fsencode(name) + b"\0"
    top = git.write(bare, "mktree", "-z", content=rows)
    for part in reversed([part for part in tree.prefix.split("/") if part]):
        top = git.write(bare, "mktree", "-z", content=b"040000 tree " + top + b"\t" + os.fsencode(part) + b"\0")
    who = ("-c", "user.name=hardgate", "-c", "user.email=hardgate@localhost")
    commit = git.ask(bare, *who, "commit-tree", top.decode(), "-m", "planted by hardgate").decode().strip()
    # No name that the repository could have taken, so that no history of its own is lost.
    git.ask(bare, "update-ref", f"refs/hardgate/{commit}", commit)
    return bare


def changed(tree: Tree, base: str) -> frozenset[str]:
    """The paths that differ between where HEAD left `base` and the tree as it lies there.

    Raises ConfigError when there is no such base: an empty change must never come from a misspelt name.
    """
    hint = "Nothing was run. Fetch the base first (git fetch origin BRANCH), or name another."
    if tree.git is None:
        raise ConfigError("--only-changed needs a git repository, and this folder is in none", hint=hint)
    work = tree.root
    for _ in [part for part in tree.prefix.split("/") if part]:
        work = work.parent
    quiet = frozenset({0, 1, 128})
    name = "" if base.startswith("-") else f"{base}^{{commit}}"
    start = name and git.ask(tree.git, "rev-parse", "--verify", "--quiet", name, fine=quiet).decode().strip()
    if not re.fullmatch(r"[0-9a-f]{40,64}", start):
        raise ConfigError(f"the base {base!r} is no commit of this repository", hint=hint)
    fork = git.ask(tree.git, "merge-base", start, "HEAD", fine=quiet).decode().strip()
    if not fork:
        raise ConfigError(f"the base {base!r} and HEAD have no commit in common", hint=hint)
    named = git.names(git.ask(tree.git, *git.DIFF, fork, "--", tree.prefix or ".", work=work))
    fresh, _ = _unknown(tree.git, work, tree.prefix)
    return frozenset(fresh | {name.removeprefix(tree.prefix) for name in named})
