"""What git knows of the past: the commit that a change starts from, files as they were there, who wrote a line.

Git is only asked through the private git folder that git.py makes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hardgate import git
from hardgate.errors import ConfigError, ToolError

_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_ANY = frozenset({0, 1, 128})
_FILE_MODES = ("100644", "100755")
# Where git looks for a name, the first first: https://git-scm.com/docs/gitrevisions#_specifying_revisions
_PLACES = ("refs/tags/", "refs/heads/", "refs/remotes/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The commit that a change is compared with, and `fork`, where the change left it ("" when nowhere).

    `git` is the private git folder, `prefix` the scanned folder's place in the work tree: "" or `services/api/`.
    """

    git: Path
    commit: str
    fork: str
    prefix: str
    name: str


def base(root: Path, scratch: Path, names: Sequence[str]) -> Base:
    """The first of `names` that is a commit of the repository that `root` is in; `scratch` need not exist.

    Raises ConfigError when there is no repository, or none of the names is a commit, or one is several: what is read
    from the base must never come from a misspelt name, nor from a tag that somebody called like the branch.
    """
    found = git.around(root)
    if found is None:
        hint = "Nothing was run. Leave --base out, or run in a clone."
        raise ConfigError("--base needs a git repository, and this folder is in none", hint=hint)
    work, theirs = found
    ours = git.borrow(theirs, scratch)
    for name in names:
        commit = resolve(ours, name)
        if commit:
            _only_one(ours, name)
            fork = git.ask(ours, "merge-base", commit, "HEAD", fine=_ANY).decode().strip()
            prefix = "" if work == root else root.relative_to(work).as_posix() + "/"
            return Base(git=ours, commit=commit, fork=fork, prefix=prefix, name=_short(name))
    hint = "Nothing was run. Fetch the base first (git fetch origin BRANCH), or name another."
    raise ConfigError(f"the base {_short(names[-1])!r} is no commit of this repository", hint=hint)


def _only_one(ours: Path, name: str) -> None:
    """Refuse a name that stands for several commits: git takes the tag, and whoever may push may make one."""
    found = {place: commit for place in _PLACES if (commit := resolve(ours, place + name))}
    if len(set(found.values())) > 1:
        told = ", ".join(place + name for place in found)
        hint = "Nothing was run. Name the base in full, such as refs/remotes/origin/main."
        raise ConfigError(f"the base {name!r} is several commits of this repository: {told}", hint=hint)


def _short(name: str) -> str:
    """The name of a branch as people write it."""
    return name.removeprefix("refs/remotes/").removeprefix("refs/heads/")


def resolve(ours: Path, name: str) -> str:
    """The commit that a name stands for, "" when for none."""
    if not name or name.startswith("-"):
        return ""
    said = git.ask(ours, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", fine=_ANY).decode().strip()
    return said if _COMMIT.fullmatch(said) else ""


def file(ours: Path, commit: str, path: str) -> bytes | None:
    """The content of a regular file in a commit (`path` from the root of the work tree), None when it has none."""
    row = git.ask(ours, "ls-tree", "-z", commit, "--", path)
    facts, _, _ = row.partition(b"\t")
    words = facts.decode().split(" ")
    if len(words) != 3 or words[0] not in _FILE_MODES:  # noqa: PLR2004 (mode, type and object id)
        return None
    return git.ask(ours, "cat-file", "blob", words[2])


def files(ours: Path, commit: str, folder: str) -> list[str]:
    """The names of the files right in a folder of a commit, with the folder; [] when there is no such folder."""
    return git.names(git.ask(ours, "ls-tree", "-z", "--name-only", commit, "--", f"{folder.rstrip('/')}/"))


def blame(ours: Path, work: Path, path: str) -> dict[int, tuple[str, str]]:
    """Who wrote each line of a file as it lies in the work tree, and when (ISO 8601, UTC): {line: (author, time)}.

    A line that is not committed has no entry. {} for a file that git does not know. The format is that of
    https://git-scm.com/docs/git-blame#_the_porcelain_format.
    """
    try:
        raw = git.ask(ours, "blame", "--line-porcelain", "--", path, work=work)
    except ToolError:  # git does not know the file: it is new
        if git.ask(ours, "ls-files", "--", path, work=work) and resolve(ours, "HEAD"):
            raise
        return {}
    return blamed(raw)


def blamed(raw: bytes) -> dict[int, tuple[str, str]]:
    """What `git blame --line-porcelain` says, as `blame` gives it."""
    lines: dict[int, tuple[str, str]] = {}
    number, author, when = 0, "", ""
    for row in raw.decode("utf-8", "replace").split("\n"):
        head = re.match(r"([0-9a-f]{40,64}) [0-9]{1,9} ([0-9]{1,9})", row)
        if head:
            number = 0 if set(head[1]) == {"0"} else int(head[2])
        elif row.startswith("author "):
            author = row.removeprefix("author ")
        elif row.startswith("author-time "):
            when = _time(row.removeprefix("author-time "))
        elif row.startswith("\t") and number:
            lines[number] = (author, when)
    return lines


def _time(seconds: str) -> str:
    """ISO 8601 in UTC of seconds since 1970; "" for a time that no calendar has: whoever commits may write any."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return ""
