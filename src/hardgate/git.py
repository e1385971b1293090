"""Git, asked about a hostile repository: through a private git folder that has none of the repository's own settings.

The settings of a repository (its `fsmonitor`, hooks, filters, drivers and includes) are commands. A private git folder
with our configuration therefore borrows its objects, index and references, and git is only ever pointed at that one.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from pathlib import Path

from hardgate import tools
from hardgate.errors import ToolError
from hardgate.wording import cut, flow, plain

TIMEOUT = 120.0  # seconds
# Submodules have settings of their own, which git would obey to see whether they are dirty.
DIFF_QUIET = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=all")
DIFF = ("diff", "--name-only", "-z", "--no-renames", *DIFF_QUIET)
# Of the repository's own configuration only what says how its objects and references are written.
_EXTENSIONS = (("objectFormat", "sha256"), ("refStorage", "reftable"))
_NAMES_A_PATH = 65_536  # bytes
_ANSWER = 300  # characters of git's own words that an error quotes


def around(root: Path) -> tuple[Path, Path] | None:
    """The work tree that `root` is in and its git folder, found by looking, without asking git.

    Raises ToolError when a git folder is there and cannot be looked into.
    """
    try:
        for folder in (root, *root.parents):
            dot = folder / ".git"
            if dot.is_dir() and (dot / "HEAD").is_file():
                return folder, dot
            if dot.is_file():
                words = os.fsdecode(_short(dot)).strip().removeprefix("gitdir:").strip()
                return folder, (folder / words).resolve()
    except (OSError, ValueError) as error:
        raise _unreadable(root, error) from error
    return None


def _short(file: Path) -> bytes:
    """The content of a file that names one path. Raises ValueError when it is longer than any path can be."""
    with file.open("rb") as source:
        raw = source.read(_NAMES_A_PATH + 1)
    if len(raw) > _NAMES_A_PATH:
        raise ValueError(f"{file.name} has more than {_NAMES_A_PATH} bytes")
    return raw


def borrow(git: Path, into: Path) -> Path:
    """A private git folder with the objects (by reference), index and references of `git`, and none of its settings.

    Raises ToolError when these cannot be copied.
    """
    try:
        common = _common(git)
        (into / "objects" / "info").mkdir(parents=True)
        (into / "objects" / "info" / "alternates").write_bytes(_quoted(common / "objects"))
        (into / "config").write_text(_settings(common))
        files = (git / "HEAD", git / "index", *git.glob("sharedindex.*"), common / "packed-refs", common / "shallow")
        for source in filter(Path.is_file, files):
            # With its time: by that of the index git knows which files were changed just then, and reads them again.
            shutil.copy2(source, into / source.name)
        (into / "refs").mkdir()
        for folder in ("refs", "reftable"):
            if (common / folder).is_dir():
                shutil.copytree(common / folder, into / folder, dirs_exist_ok=True, ignore=_neither_file_nor_folder)
        for copy in (into, *into.rglob("*")):  # copies have the modes of a checkout that may only be readable
            copy.chmod(0o700 if copy.is_dir() else 0o600)
    except (OSError, ValueError) as error:
        raise _unreadable(git, error) from error
    return into


def whole(git: Path) -> bool:
    """Whether the history is all there: the clone is neither shallow nor partial (without some of its objects)."""
    common = _common(git)
    return not (common / "shallow").is_file() and not any((common / "objects" / "pack").glob("*.promisor"))


def _unreadable(place: Path, error: Exception) -> ToolError:
    hint = "Make it readable for the user that runs hardgate. Is it whole? Try: git fsck"
    if os.strerror(errno.ENOSPC) in str(error):
        hint = "Nothing was scanned. Free some space, or set TMPDIR to a folder that has it."
    return ToolError(f"the git folder of {plain(str(place))} could not be read: {flow(str(error))}", hint=hint)


def _common(git: Path) -> Path:
    """The git folder that a worktree's git folder shares, or `git` itself."""
    file = git / "commondir"
    return (git / os.fsdecode(file.read_bytes()).strip()).resolve() if file.is_file() else git.resolve()


def _quoted(path: Path) -> bytes:
    """A path for objects/info/alternates: https://git-scm.com/docs/gitrepository-layout and git's alternates.c."""
    raw = os.fsencode(path).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + raw + b'"\n'


def _settings(common: Path) -> str:
    """Our own configuration. The commit graph is a cache that can be forged to hide commits."""
    theirs = (common / "config").read_text("utf-8", "replace") if (common / "config").is_file() else ""
    kept = [(name, word) for name, word in _EXTENSIONS if re.search(rf'(?im)^[^\S\n]*{name}\s*=\s*"?{word}\b', theirs)]
    lines = "".join(f"\t{name} = {word}\n" for name, word in kept)
    version = f"\trepositoryformatversion = {1 if kept else 0}\n"
    return f"[core]\n{version}\tbare = true\n\tcommitGraph = false\n" + (f"[extensions]\n{lines}" if kept else "")


def _neither_file_nor_folder(folder: str, names: list[str]) -> list[str]:
    """Of the names in a folder those not to copy: a link would be followed, a pipe waited for."""
    modes = {name: (Path(folder) / name).lstat().st_mode for name in names}
    return [name for name, mode in modes.items() if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))]


def call(git: Path, *words: str, work: Path | None = None, fine: frozenset[int] = frozenset({0})) -> tools.Completed:
    """Run git on a private git folder, over the work tree `work`; raises ToolError for an exit code that is not `fine`.

    Paths among the `words` are taken literally: a folder may be named like a pattern.
    """
    where = (f"--work-tree={work}",) if work else ()
    done = tools.run(
        ("git", "--literal-pathspecs", f"--git-dir={git}", *where, *words),
        cwd=work or git,
        env=tools.environment(git, extra={"GIT_OPTIONAL_LOCKS": "0"}),
        timeout=TIMEOUT,
    )
    if done.exit_code not in fine or done.timed_out or done.overflowed:
        said = cut(flow(done.stderr.decode("utf-8", "replace")), _ANSWER) or f"exit code {done.exit_code}"
        raise ToolError(f"git {words[0]} failed: {said}", hint="Is the repository whole? Try: git fsck")
    return done


def ask(git: Path, *words: str, work: Path | None = None, fine: frozenset[int] = frozenset({0})) -> bytes:
    """What git answers to a `call`."""
    return call(git, *words, work=work, fine=fine).stdout


def names(raw: bytes) -> list[str]:
    """The file names in an answer to `-z`; bytes that are no UTF-8 are carried as Python does (PEP 383)."""
    return [os.fsdecode(name) for name in raw.split(b"\0") if name]


def renames(git: Path, older: str, newer: str, prefix: str = "") -> dict[str, str]:
    """What was renamed or moved between two commits: paths then to paths now, below `prefix` and without it.

    As `git diff -M` finds it: at least half of the content is the same. Raises ToolError when a commit is not there.
    """
    words = ("--name-status", "-z", "-M", "-l2000", "--diff-filter=R", *DIFF_QUIET)
    told = names(ask(git, "diff", *words, "--end-of-options", older, newer, "--"))
    moved = zip(told[1::3], told[2::3], strict=True)  # R097, the old path, the new path
    return {
        old.removeprefix(prefix): new.removeprefix(prefix)
        for old, new in moved
        if old.startswith(prefix) and new.startswith(prefix)
    }


def write(git: Path, *words: str, content: bytes) -> bytes:
    """What git answers to a command that reads `content`: from a file, since a started tool has no standard input."""
    source = git / "hardgate-input"
    source.write_bytes(content)
    argv = ("git", f"--git-dir={git}", *words)
    with source.open("rb") as stdin:
        done = tools.run(argv, cwd=git, env=tools.environment(git), timeout=TIMEOUT, stdin=stdin)
    if done.exit_code != 0:
        said = cut(flow(done.stderr.decode("utf-8", "replace")), _ANSWER)
        raise ToolError(f"git {words[0]} failed: {said}")
    return done.stdout.strip()
