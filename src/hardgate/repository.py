"""The repository under scan: what is in scope, and private copies of it for the tools.

A repository under scan is hostile. Git is therefore never run with the repository's own configuration (its `fsmonitor`,
hooks, filters and includes are commands): a private git folder with our configuration borrows its objects, index and
references. Links are not followed, odd file names get plain ones in the copies, and every copy is checked against the
digest that was taken when the scope was read.

In scope are the files that git tracks and those it does not know yet; files that `.gitignore` names are not. Outside
git every file below the folder is in scope.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from hardgate import tools
from hardgate.errors import ConfigError, ToolError
from hardgate.model import Gap, GapReason

CHUNK = 1024 * 1024
GIT_TIMEOUT = 120.0
INERT = "hardgate-inert--"
_SUBMODULE = "160000"


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

    `digest` is over the names and contents of all entries. `shallow`: the history is not whole.
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


def git_folder(root: Path) -> tuple[Path, Path] | None:
    """The work tree that `root` is in and its git folder, found by looking, without asking git."""
    for folder in (root, *root.parents):
        dot = folder / ".git"
        if dot.is_dir() and (dot / "HEAD").is_file():
            return folder, dot
        if dot.is_file():
            words = dot.read_text("utf-8", "surrogateescape").strip().removeprefix("gitdir:").strip()
            return folder, (folder / words).resolve()
    return None


def borrow(git: Path, into: Path) -> Path:
    """A private git folder with the objects (by reference), index and references of `git`, and none of its settings."""
    common_file = git / "commondir"
    common = (git / common_file.read_text().strip()).resolve() if common_file.is_file() else git
    (into / "objects" / "info").mkdir(parents=True)
    objects = os.fspath(common / "objects")
    (into / "objects" / "info" / "alternates").write_bytes(os.fsencode(objects) + b"\n")
    (into / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
    for source in (git / "HEAD", git / "index", common / "packed-refs", common / "shallow"):
        if source.is_file():
            shutil.copyfile(source, into / source.name)
    (into / "refs").mkdir()
    if (common / "refs").is_dir():
        shutil.copytree(common / "refs", into / "refs", dirs_exist_ok=True)
    return into


def _git(git: Path, *words: str, work: Path | None = None, fine: frozenset[int] = frozenset({0})) -> bytes:
    where = (f"--work-tree={work}",) if work else ()
    done = tools.run(
        ("git", "-c", "core.quotePath=false", f"--git-dir={git}", *where, *words),
        cwd=work or git,
        env=tools.environment(git, extra={"GIT_OPTIONAL_LOCKS": "0"}),
        timeout=GIT_TIMEOUT,
    )
    if done.exit_code not in fine or done.timed_out:
        said = done.stderr.decode("utf-8", "replace").strip()[:300] or f"exit code {done.exit_code}"
        raise ToolError(f"git {words[0]} failed: {said}", hint="Is the repository whole? Try: git fsck")
    return done.stdout


def _names(raw: bytes) -> list[str]:
    return [os.fsdecode(name) for name in raw.split(b"\0") if name]


def read(root: Path, scratch: Path, *, exclude: Callable[[str], bool], limit: int, leave: frozenset[str]) -> Tree:
    """What is in scope below `root`, every file read once for its digest.

    `scratch` is an empty private folder; `leave` are files of hardgate's own (report files that git does not track);
    `exclude` says which paths hardgate.yaml leaves out, `limit` is in bytes. Raises ToolError when git cannot list the
    files.
    """
    found = git_folder(root)
    if found is None:
        return _collect(root, _walk(root), gaps=(), exclude=exclude, limit=limit, leave=leave)
    work, dot = found
    git = borrow(dot, scratch / "git")
    prefix = "" if work == root else root.relative_to(work).as_posix() + "/"
    tracked, gaps = _tracked(git, work, prefix)
    others = _names(_git(git, "ls-files", "-z", "-o", "--exclude-standard", "--", prefix or ".", work=work))
    fresh = {name.removeprefix(prefix) for name in others if not name.endswith("/")} - leave
    head = _git(git, "rev-parse", "--verify", "--quiet", "HEAD", fine=frozenset({0, 1})).decode().strip()
    names = sorted(tracked | fresh)
    tree = _collect(root, names, gaps=gaps, exclude=exclude, limit=limit, leave=leave - tracked)
    changed = bool(head) and bool(_git(git, "diff-index", "--name-only", "-z", "HEAD", "--", prefix or ".", work=work))
    return Tree(
        root=root, entries=tree.entries, digest=tree.digest, gaps=tree.gaps, excluded=tree.excluded, git=git,
        prefix=prefix, commit=head, dirty=changed or bool(fresh), shallow=(git / "shallow").is_file(),
        notes=("in scope: files that git tracks or does not know yet; files that .gitignore names are not",),
    )  # fmt: skip


def _tracked(git: Path, work: Path, prefix: str) -> tuple[set[str], tuple[Gap, ...]]:
    """The paths in the index below `prefix`; what git has and the work tree cannot show is a gap."""
    names, gaps = set(), []
    for row in _names(_git(git, "ls-files", "-z", "-s", "-t", "--", prefix or ".", work=work)):
        facts, _, path = row.partition("\t")
        path = path.removeprefix(prefix)
        tag, mode = facts.split(" ")[:2]
        if mode == _SUBMODULE:
            remedy = "Scan the submodule's own repository, or leave it out under `exclude`."
            gaps.append(_unread(path, "is a submodule and was not looked at", remedy))
        elif tag == "S":
            gaps.append(_unread(path, "is not checked out (sparse checkout)", "Check out the whole tree."))
        else:
            names.add(path)
    return names, tuple(gaps)


def _walk(root: Path) -> list[str]:
    names = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name != ".git")
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        names += [os.path.relpath(Path(folder) / name, root) for name in (*files, *links)]
    return sorted(names)


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
    problems = [gap for gap in gaps if not exclude(gap.path)]
    left, whole = 0, hashlib.sha256()
    for name in names:
        if name in leave:
            continue
        if exclude(name):
            left += 1
            continue
        found = _entry(root, name, len(entries), limit)
        if isinstance(found, Entry):
            entries.append(found)
            whole.update(os.fsencode(name) + b"\0" + found.digest.encode() + b"\n")
        elif found is not None:
            problems.append(found)
    return Tree(root=root, entries=tuple(entries), digest=whole.hexdigest(), gaps=tuple(problems), excluded=left)


def _entry(root: Path, name: str, number: int, limit: int) -> Entry | Gap | None:
    """One file as an entry, the gap that it is, or None when there is nothing to read (deleted, or a link inside)."""
    path = root / name
    out = "Leave it out under `exclude` in hardgate.yaml if it does not matter."
    try:
        facts = path.lstat()
        if stat.S_ISLNK(facts.st_mode):
            inside = path.resolve().is_relative_to(root.resolve())
            return None if inside else _unread(name, "is a link that leads out of the tree; it was not followed", out)
        if not stat.S_ISREG(facts.st_mode):
            return _unread(name, "is no regular file and was not looked at", out)
        if facts.st_size > limit:
            size = f"has {facts.st_size:,} bytes, more than limits.file_size ({limit:,}), and was not looked at"
            return _unread(
                name, size, "Raise limits.file_size in hardgate.yaml, or leave the file out under `exclude`."
            )
        return Entry(name, _private(name, number), facts.st_size, _hash(path))
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else "its links go in a circle"
        return _unread(name, f"could not be read: {why}", "Make it readable for the user that runs hardgate.")


def _open(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with os.fdopen(_open(path), "rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _private(name: str, number: int) -> str:
    """A name that no tool can stumble over: odd parts (control characters, no UTF-8, a leading dash) are replaced."""
    parts = []
    for part in name.split("/"):
        odd = part.startswith("-") or not part.isprintable() or any("\ud800" <= char <= "\udfff" for char in part)
        ending = re.search(r"\.[A-Za-z0-9]{1,12}$", part)
        parts.append(f"hardgate-name-{number}{ending[0] if ending else ''}" if odd else part)
    return "/".join(parts)


def stage(tree: Tree, into: Path) -> tuple[Gap, ...]:
    """Copy every entry below `into` under its private name. A file that changed since it was read is a gap.

    Raises ToolError when the copies cannot be written (a full disk).
    """
    gaps = []
    for entry in tree.entries:
        target = into / entry.private
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            same = _copy(tree.root / entry.path, target) == entry.digest
        except OSError as error:
            hint = "Nothing was scanned. Free some space, or set TMPDIR to a folder that has it."
            raise ToolError(
                f"{entry.path} could not be copied for the scanners: {error.strerror}", hint=hint
            ) from error
        if not same:
            gaps.append(_unread(entry.path, "changed while it was read", "Run again when nothing writes to the tree."))
    return tuple(gaps)


def _copy(source: Path, target: Path) -> str:
    digest = hashlib.sha256()
    with os.fdopen(_open(source), "rb", buffering=0) as file, target.open("wb") as copy:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            copy.write(chunk)
    return digest.hexdigest()


def view(base: Path, entries: Iterable[Entry], into: Path, *, rename: Callable[[str], str]) -> dict[str, str]:
    """A folder with just these entries, linked from the staged copies; says which names in it stand for which paths.

    `rename` gives the name under which a file is shown, "" for its own.
    """
    names = {}
    for entry in entries:
        private = rename(entry.path) or entry.private
        target = into / private
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(base / entry.private, target)
        if private != entry.path:
            names[private] = entry.path
    return names


def inert(path: str) -> str:
    """A name beside `path` that no tool takes for its configuration."""
    folder, _, last = _private(path, 0).rpartition("/")
    return f"{folder}/{INERT}{last}" if folder else INERT + last


def history(tree: Tree, into: Path, planted: dict[str, bytes]) -> Path | None:
    """A bare repository with the whole history of the tree and one more commit, of no branch, that adds `planted`.

    None outside git and before the first commit. `planted` maps paths without folders to contents.
    """
    if tree.git is None or not tree.commit:
        return None
    bare = borrow(tree.git, into)
    (bare / "objects" / "info" / "alternates").write_bytes((tree.git / "objects/info/alternates").read_bytes())
    (bare / "index").unlink(missing_ok=True)
    rows = b""
    for name, content in planted.items():
        blob = _write(bare, "hash-object", "-w", "--stdin", content=content)
        rows += f"100644 blob {blob}\t{name}\n".encode()
    top = _write(bare, "mktree", content=rows)
    for part in reversed([part for part in tree.prefix.split("/") if part]):
        top = _write(bare, "mktree", content=f"040000 tree {top}\t{part}\n".encode())
    who = ("-c", "user.name=hardgate", "-c", "user.email=hardgate@localhost")
    commit = _git(bare, *who, "commit-tree", top, "-m", "planted by hardgate").decode().strip()
    _git(bare, "update-ref", "refs/heads/hardgate-canary", commit)
    return bare


def _write(git: Path, *words: str, content: bytes) -> str:
    """A git command that reads a content: handed over in a file, since a started tool has no standard input."""
    source = git / "hardgate-input"
    source.write_bytes(content)
    with source.open("rb") as stdin:
        done = tools.run(
            ("git", f"--git-dir={git}", *words), cwd=git, env=tools.environment(git), timeout=GIT_TIMEOUT, stdin=stdin
        )
    if done.exit_code != 0:
        raise ToolError(f"git {words[0]} failed: {done.stderr.decode('utf-8', 'replace').strip()[:300]}")
    return done.stdout.decode().strip()


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
    start = _git(tree.git, "rev-parse", "--verify", "--quiet", f"{base}^{{commit}}", fine=quiet).decode().strip()
    if not start or base.startswith("-"):
        raise ConfigError(f"the base {base!r} is no commit of this repository", hint=hint)
    fork = _git(tree.git, "merge-base", start, "HEAD", fine=quiet).decode().strip()
    if not fork:
        raise ConfigError(f"the base {base!r} and HEAD have no commit in common", hint=hint)
    words = (
        "diff",
        "--name-only",
        "-z",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
        fork,
        "--",
        tree.prefix or ".",
    )
    named = _names(_git(tree.git, *words, work=work))
    fresh = _names(_git(tree.git, "ls-files", "-z", "-o", "--exclude-standard", "--", tree.prefix or ".", work=work))
    return frozenset(name.removeprefix(tree.prefix) for name in (*named, *fresh))
