"""docs/reference/adapters.md: what each adapter reads, and where the reports come from that it is held to.

Out of the SOURCES.toml in each folder of tests/scanners/samples/:

    # What the adapter reads, in words for a table
    reads = ["8.x JSON"]

    [[sample]]
    file = "report-8.30.1.json"
    tool = "gitleaks 8.30.1"
    captured = "python -m tests.scanners.capture_code"   # the command that wrote it here, or instead:
    published = "https://github.com/OWNER/REPO/blob/TAG/path"
    changed = "cut to two dependencies"                  # how a published one was cut; without it, not at all
    command = "gitleaks dir ."                           # the tool's command line, where it is not the adapter's
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from hardgate.scanners import DESCRIBED, SCANNERS

PAGE = Path("docs/reference/adapters.md")
SAMPLES = Path("tests/scanners/samples")
NAME = "SOURCES.toml"
_HEAD = """\
# What each adapter reads

Every adapter is held to whole reports of the real tool: each of them is read, and every truncation of each is refused.
This page lists the versions and formats that an adapter reads, and where each of its samples comes from. *Captured*
means that the tool was run by the command that is named, which anybody can repeat. *Published* means that the makers of
the tool published the report, and that it was taken from there: that is done where the tool cannot be run on the
machines of our tests, or no longer.

A report in another version or format is refused by name, or what is not understood in it is a gap. It is never read as
"nothing found".

| adapter | reads | samples | captured here | published by its makers |
|---|---|---|---|---|
"""


class Sample(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of the folder; exactly one of `captured` and `published` is set (see the module)."""

    file: str
    tool: str
    captured: str = ""
    published: str = ""
    changed: str = ""
    command: str = ""

    def __post_init__(self) -> None:
        """Refuse an entry that does not say where its file comes from, or says it twice."""
        if not (self.file and self.tool):
            raise ValueError("a sample needs `file` and `tool`")
        if bool(self.captured) == bool(self.published):
            raise ValueError(f"{self.file} needs either `captured` or `published`")
        if self.published and not self.published.startswith("https://"):
            raise ValueError(f"{self.file}: `published` must be an https address")
        if self.changed and not self.published:
            raise ValueError(f"{self.file} was captured: `changed` is for published ones, change the capture instead")


class Sources(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One SOURCES.toml: what the adapter reads, and its samples."""

    reads: tuple[str, ...]
    sample: tuple[Sample, ...] = ()


def read(path: Path) -> Sources:
    """The SOURCES.toml at `path`. Raises ValueError, which names the file and what is wrong in it."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Sources)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path}: {error}") from error


def every(root: Path) -> dict[str, Sources]:
    """The sources of every scanner's samples, by its name, in the order of SCANNERS."""
    return {one.name: read(root / SAMPLES / one.name / NAME) for one in (*SCANNERS, *DESCRIBED)}


def page(root: Path) -> bytes:
    """The whole page."""
    rows = [_row(name, sources) for name, sources in every(root).items()]
    total = sum(len(sources.sample) for sources in every(root).values())
    return f"{_HEAD}{''.join(rows)}\n{total} samples of {len(rows)} adapters.\n".encode()


def _row(name: str, sources: Sources) -> str:
    captured: dict[str, dict[str, None]] = {}
    for one in sources.sample:
        if one.captured:
            captured.setdefault(one.captured, {})[one.tool] = None
    here = "; ".join(f"{', '.join(tools)} by `{command}`" for command, tools in captured.items())
    elsewhere = "; ".join(_published(one) for one in sources.sample if one.published)
    reads = "; ".join(sources.reads)
    link = f"[{name}](../scanners/{name}.md)"
    return f"| {link} | {reads} | {len(sources.sample)} | {here or 'none'} | {elsewhere or 'none'} |\n"


def _published(one: Sample) -> str:
    host = urlsplit(one.published).path.rpartition("/")[2] or urlsplit(one.published).netloc
    changed = f" ({one.changed})" if one.changed else ""
    return f"{one.tool}: [{host}]({one.published}){changed}"


def unlisted(root: Path, sources: Mapping[str, Sources]) -> list[str]:
    """Files without an entry, entries without a file, and files with two, as `folder/file`."""
    wrong = []
    for name, one in sources.items():
        listed = sorted(sample.file for sample in one.sample)
        there = sorted(path.name for path in (root / SAMPLES / name).iterdir() if path.name != NAME)
        if listed != there:
            odd = set(listed) ^ set(there) | {file for file in listed if listed.count(file) > 1}
            wrong += [f"{name}/{file}" for file in sorted(odd)]
    return wrong
