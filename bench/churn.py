"""Replays a history and counts findings that read as new although their own code did not change.

    python -m bench.churn                       # the histories of the documentation, written to bench/results
    python -m bench.churn PATH [--commits N] [--scanner bandit|ruff]
    python -m bench.churn --releases PACKAGE    # the releases of a package as a history

Every commit of the first parent's line is scanned by a real scanner, file by file as git has them; two commits that
follow each other are compared. Git's own diff decides what is the same: a finding is an older one when `git diff -M
-U0` says that all of its lines are those of the older one, unchanged, and the older one has the same rule. No
fingerprint has a part in that. Then each way to recognise a finding is asked:

- `line`: file, line and rule;
- `github`: file, rule and GitHub's primaryLocationLineHash;
- `code`: rule, file, code of the line, and its count in the file (hardgate's `code/v1`);
- `ours`: hardgate's comparison of two runs (identity/pairing.py), with git's renames.

Per way: how many same findings it reads as new, how many it takes for another older one, and how many whose lines did
change it still reads as old. Exit code 3 when a file could not be scanned.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench import rules
from hardgate import git, identity
from hardgate.adapter import Job, Scanner
from hardgate.model import Finding
from hardgate.scanners import SCANNERS
from tests.lab.tools import command

TARGET = rules.ROOT / "bench" / "results" / "churn.json"
COMMITS = 60
BY_NAME = {scanner.name: scanner for scanner in SCANNERS}
WAYS = ("line", "github", "code", "ours")
RELEASES = {
    "werkzeug": (
        "0.14.1", "0.15.0", "0.15.6", "0.16.0", "0.16.1", "1.0.0", "1.0.1", "2.0.0", "2.0.1", "2.0.3", "2.1.0", "2.1.2",
        "2.2.0", "2.2.3", "2.3.0", "2.3.4", "2.3.8", "3.0.0", "3.0.3", "3.1.0", "3.1.3",
    ),
    "requests": (
        "2.0.0", "2.1.0", "2.3.0", "2.5.0", "2.7.0", "2.9.0", "2.10.0", "2.12.0", "2.14.0", "2.16.0", "2.18.0",
        "2.19.0", "2.20.0", "2.22.0", "2.24.0", "2.25.0", "2.26.0", "2.27.0", "2.28.0", "2.31.0", "2.32.3",
    ),
}  # fmt: skip
_AUTHOR = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
_MARK = "hardgate-canary"
_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


class Way(msgspec.Struct, kw_only=True):
    """What one way to recognise findings made of the pairs of commits: counts of findings."""

    way: str
    new: int = 0
    another: int = 0
    old: int = 0


class History(msgspec.Struct, kw_only=True):
    """One replayed history: `same` findings are those that git's diff says did not change, `changed` all others."""

    name: str
    scanner: str
    commits: int
    same: int = 0
    changed: int = 0
    unread: int = 0
    ways: tuple[Way, ...] = ()


@dataclass(slots=True)
class _Replay:
    """A repository, its scanner, and what was read and scanned of it so far."""

    repository: Path
    scanner: Scanner
    texts: dict[str, list[str]] = field(default_factory=dict)  # by blob
    found: dict[tuple[str, str], list[Finding]] = field(default_factory=dict)  # by path and blob
    unread: int = 0

    def git(self, *words: str, given: bytes = b"") -> bytes:
        return subprocess.run(
            ["git", "-c", "core.quotePath=false", "--no-pager", *words],
            cwd=self.repository, input=given, check=True, capture_output=True,
        ).stdout  # fmt: skip

    def findings(self, commit: str) -> tuple[Finding, ...]:
        """The findings of a commit with their fingerprints; only files that are new to us are scanned."""
        blobs = {}
        for row in self.git("ls-tree", "-r", "-z", commit).decode("utf-8", "surrogateescape").split("\0"):
            facts, _, path = row.partition("\t")
            if path.endswith(".py") and facts.startswith("100"):
                blobs[path] = facts.split()[2]
        fresh = {path: blob for path, blob in blobs.items() if (path, blob) not in self.found}
        if fresh:
            self._scan(fresh)
        return identity.settle(
            (one for path, blob in blobs.items() for one in self.found[path, blob]),
            action=self.scanner.name, severities={}, place=lambda path: path,
            lines=lambda path: self.texts[blobs[path]],
        )  # fmt: skip

    def _scan(self, fresh: Mapping[str, str]) -> None:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            root, scratch = Path(folder, "tree"), Path(folder, "scratch")
            scratch.mkdir()
            for path, blob in fresh.items():
                raw = self.git("cat-file", "blob", blob)
                text = raw.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
                self.texts[blob] = text.split("\n")
                self.found[path, blob] = []
                place = root / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(raw)
            bait = {f"{_MARK}-{name}": content for name, content in self.scanner.canary.files.items()}
            for name, content in bait.items():
                (root / name).write_bytes(content)
            job = Job(
                command=command(self.scanner.name), root=str(root), files=(*fresh, *bait),
                report=str(scratch / "report"), scratch=str(scratch), rules=str(rules.PACK),
                options=self.scanner.options(),
            )  # fmt: skip
            done = subprocess.run(self.scanner.argv(job), cwd=root, check=False, capture_output=True)
            if done.returncode not in self.scanner.done_exits:
                raise SystemExit(f"{self.scanner.name} ended with {done.returncode}:\n{done.stderr.decode()}")
            report = self.scanner.parse(done.stdout)
            self.unread += len(report.gaps)
            seen = False
            for one in report.findings:
                path = identity.relative(one.location.path, (str(root), str(root.resolve())), {})
                if path in bait:
                    seen = True
                    continue
                placed = msgspec.structs.replace(one.location, path=path)
                self.found[path, fresh[path]].append(msgspec.structs.replace(one, location=placed))
            if not seen:
                raise SystemExit(f"{self.scanner.name} did not find the known-bad input that was planted for it")

    def unchanged(self, older: str, newer: str, renames: Mapping[str, str]) -> Unchanged:
        """What git's diff says of the lines of two commits."""
        raw = self.git("diff", "-M", "-U0", "--no-ext-diff", "--no-textconv", "--no-color", older, newer, "--", "*.py")
        hunks: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)
        path, head = "", True
        for line in raw.decode("utf-8", "replace").split("\n"):
            if line.startswith("diff --git "):
                head = True
            elif head and line.startswith("+++ "):
                path = line[6:].rstrip("\t")
            elif match := _HUNK.match(line):
                head = False
                hunks[path].append((int(match[2]), int(match[3] or 1), int(match[1] or 1)))
        told = self.git("diff", "-z", "--name-only", "--no-renames", "--diff-filter=A", older, newer)
        added = set(told.decode("utf-8", "surrogateescape").split("\0"))
        return Unchanged(hunks=hunks, former={new: old for old, new in renames.items()}, added=added)


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Which lines of a commit are those of an older one: `hunks` hold the first line, lines added, lines removed."""

    hunks: Mapping[str, Sequence[tuple[int, int, int]]]
    former: Mapping[str, str]
    added: set[str]

    def place(self, finding: Finding) -> tuple[str, int] | None:
        """Where a finding's lines were in the older commit, None when one of them was not there, or not so."""
        path, first = finding.location.path, finding.location.line
        if first is None or (path in self.added and path not in self.former):
            return None
        shift, last = 0, max(first, finding.location.end_line or 0)
        for start, added, removed in self.hunks.get(path, ()):
            if not added:  # lines were removed after `start`: between the finding's own, or above them
                if first <= start < last:
                    return None
                shift += removed if start < first else 0
            elif start <= last and first < start + added:
                return None
            elif start + added <= first:
                shift += removed - added
        return self.former.get(path, path), first + shift


def main(argv: Sequence[str] | None = None) -> int:
    """Replay, print, and write when no history was named; the exit code as the module says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", nargs="?", type=Path, help="a git repository")
    parser.add_argument("--commits", type=int, default=COMMITS, help=f"the last so many (default: {COMMITS})")
    parser.add_argument("--scanner", choices=("bandit", "ruff"), default="bandit")
    parser.add_argument("--releases", choices=sorted(RELEASES), help="the releases of a package, one after another")
    wish = parser.parse_args(argv)
    named = [("PATH", wish.path.resolve())] if wish.path else []
    results = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        packages = [wish.releases] if wish.releases else [] if wish.path else list(RELEASES)
        own = [] if wish.path or wish.releases else [("this repository", rules.ROOT)]
        for name, repository in [*named, *own, *_released(packages, Path(folder))]:
            results.append(replay(name, repository, BY_NAME[wish.scanner], wish.commits))
            print("\n".join(text(results[-1])), flush=True)
    if not (wish.path or wish.releases):
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        document = {"measured": today, "histories": results}
        TARGET.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    return 3 if any(one.unread for one in results) else 0


def _released(packages: Sequence[str], folder: Path) -> Iterator[tuple[str, Path]]:
    """A repository for each package, with a commit for each release: the Python files that it installs."""
    for package in packages:
        tree = folder / package
        tree.mkdir()
        subprocess.run(["git", "init", "--quiet"], cwd=tree, check=True)
        for version in RELEASES[package]:
            wheel = folder / f"{package}-{version}"
            install = [str(rules.UV), "pip", "install", "--quiet", "--no-deps", "--python", sys.executable, "--target"]
            subprocess.run([*install, str(wheel), f"{package}=={version}"], check=True)
            for old in tree.rglob("*.py"):
                old.unlink()
            for source in sorted(wheel.rglob("*.py")):
                place = tree / source.relative_to(wheel)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(source.read_bytes())
            for words in (("add", "--all"), (*_AUTHOR, "commit", "--quiet", "--allow-empty", f"--message={version}")):
                subprocess.run(["git", *words], cwd=tree, check=True, capture_output=True)
        yield f"{package} {RELEASES[package][0]} to {RELEASES[package][-1]}", tree


def replay(name: str, repository: Path, scanner: Scanner, commits: int) -> History:
    """Compare each commit with the one before it."""
    run = _Replay(repository, scanner)
    listed = run.git("rev-list", "--first-parent", f"--max-count={commits}", "HEAD").decode().split()[::-1]
    result = History(name=name, scanner=scanner.name, commits=len(listed), ways=tuple(Way(way=way) for way in WAYS))
    private = repository / run.git("rev-parse", "--git-dir").decode().strip()
    before = run.findings(listed[0])
    for older, newer in itertools.pairwise(listed):
        after = run.findings(newer)
        renames = git.renames(private, older, newer)
        truth = _truth(before, after, run.unchanged(older, newer, renames))
        result.same += sum(one is not None for one in truth)
        result.changed += sum(one is None for one in truth)
        for way in result.ways:
            _count(way, truth, _recognised(way.way, before, after, renames))
        before = after
    result.unread = run.unread
    return result


def _truth(before: Sequence[Finding], after: Sequence[Finding], lines: Unchanged) -> list[int | None]:
    """For each newer finding the place of the older one that it is by git's diff; None when its lines changed."""
    known: defaultdict[Hashable, deque[int]] = defaultdict(deque)
    for place, one in enumerate(before):
        known[one.location.path, one.location.line, one.rule].append(place)
    found = []
    for one in after:
        was = lines.place(one)
        places = known.get((*was, one.rule)) if was else None
        found.append(places.popleft() if places else None)
    return found


def _recognised(
    way: str, before: Sequence[Finding], after: Sequence[Finding], renames: Mapping[str, str]
) -> list[int | None]:
    """For each newer finding the place of the older one that a way takes it for; None when it reads as new."""
    if way == "ours":
        places = {one.id: place for place, one in enumerate(before)}
        same = {one.newer.id: places[one.older.id] for one in identity.pair(before, after, renames).same}
        return [same.get(one.id) for one in after]
    waiting: defaultdict[Hashable, deque[int]] = defaultdict(deque)
    for place, one in enumerate(before):
        waiting[_name(way, one)].append(place)
    queues = (waiting.get(_name(way, one)) for one in after)
    return [queue.popleft() if queue else None for queue in queues]


def _name(way: str, finding: Finding) -> Hashable:
    if way == "line":
        return (finding.location.path, finding.location.line, finding.rule)
    if way == "github":
        return (finding.location.path, finding.rule, finding.fingerprints["line/v1"])
    return finding.fingerprints["code/v1"]


def _count(way: Way, truth: Sequence[int | None], read: Sequence[int | None]) -> None:
    told: Counter[str] = Counter()
    for right, seen in zip(truth, read, strict=True):
        if right is None:
            told["old"] += seen is not None
        else:
            told["new"] += seen is None
            told["another"] += seen is not None and seen != right
    way.new, way.another, way.old = way.new + told["new"], way.another + told["another"], way.old + told["old"]


def text(one: History) -> Iterator[str]:
    """The figures of a history for a terminal."""
    yield f"{one.name}: {one.commits} commits, {one.scanner}, {one.same} findings the same, {one.changed} changed"
    if one.unread:
        yield f"  {one.unread} files were not read"
    for way in one.ways:
        counts = f"{way.new:5} the same read as new, {way.another:5} taken for another, {way.old:5} changed read as old"
        yield f"  {way.way:<7} {counts}"


if __name__ == "__main__":
    sys.exit(main())
