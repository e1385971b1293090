"""The shape of an adapter: a tool as a value, and the one door through which its report comes in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import msgspec

from hardgate import strict
from hardgate.errors import ReportError
from hardgate.model import DataUse, Gap, Kind, Report
from hardgate.pins import Prepared

T = TypeVar("T")
_LONGEST = 300  # characters of a tool's own text that a message quotes
# Before the name of a tool that is no tool of the toolbox: the command that hardgate.yaml names.
OUTSIDE = "path:"


class NoOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of a scanner that has none of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One start of a tool. All paths are absolute unless said otherwise.

    `command` is the executable with its fixed leading words; `root` the private copy of the tree, which is also the
    working directory; `files` the paths in scope, relative to it; `report` where a tool that cannot write to its
    standard output shall write; `scratch` an empty private folder (also HOME); `rules` the bundled rules; `history` a
    bare repository with the history of the scanned tree ("" outside git) and `prefix` the tree's folder in it.
    `cache` is a folder that outlives the run, for data that a tool downloads. `mode` and `subject` are set by a
    scanner's `split`.
    """

    command: tuple[str, ...]
    root: str
    files: tuple[str, ...]
    report: str
    scratch: str
    rules: str
    options: Any
    args: tuple[str, ...] = ()
    history: str = ""
    prefix: str = ""
    osv_url: str = ""
    cache: str = ""
    online: bool = False
    honour_inline: bool = False
    honour_config: bool = False
    mode: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A tiny known-bad input. `files` maps relative paths to contents; each of `rules` must be found in it.

    `outputs` are words that must stand in the raw report instead, for tools that make a document and no findings.
    """

    files: Mapping[str, bytes]
    rules: tuple[str, ...] = ()
    outputs: tuple[bytes, ...] = ()


def _whole(job: Job) -> tuple[Job, ...]:
    return (job,)


def _subject(job: Job) -> tuple[str, ...]:
    return (job.subject,) if job.subject else ()


def _nothing(_job: Job) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanner:
    """An adapter: a tool as a value. What is told here of a field is all that the engine knows of the tool.

    `argv(job)` is the command line; `parse(raw)` reads its report and raises ReportError for anything that is not a
    whole one. Of a secret it may give a `mark` (a digest of its value) and a `date` (of its commit) as `fingerprints`:
    identity.py compares and drops them. `done_exits` are the exit codes after which the report counts. `reads_file`:
    the report is at `job.report`, a file called `report_name`, not on standard output. `complaints(stderr)` are gaps
    that a tool tells on its standard error only.

    `selects(path)` says whether a path is the tool's business, and `recognises(path, content)` of those which, where
    the name does not tell; `configs(path)` whether it is a file by which a repository would steer the tool; `obeys`:
    those are the repository's own rules, without which the tool has nothing to judge by, so that they always count,
    as the base has them where there is one; `hidden(path)` whether the tool would pass it by because of its name, so
    that it is shown to it under another. `silencers` are the marks by which a line silences the tool where no flag
    prevents it: they are broken in the private copy. `utf8_only`: it does not look into files that are not UTF-8, and
    does not say so; it is shown `?` for each byte that is none. `split(job)` makes several starts of one action, each
    with a `subject` (the path that its findings without a location are about) or a `mode`; `prepare(job, content)`
    makes the file `job.subject` ready for a tool that would misread it; `rewrites(job)` are those files: without
    more, its subject.

    `planted`: the canary is put among the files of every scan, because the tool's report for a clean tree does not
    even name the tool (`[]`); other canaries are run once a day.

    `environment(job)` is added to the tool's environment; `secrets` are names of variables handed through and masked;
    `needs` those without which it cannot work, with the way out in `needs_hint`. `address(options)` is what must be
    reachable for `job.online`, "" when nothing is asked. `data(job)` tells the vulnerability data that the tool will
    use; `asks_osv`: it asks the service at `job.osv_url` where there is one; `makes` the media type of a document that
    is kept; `judges`: what the tool writes is an SBOM, and its report is what the local advisory database says of its
    packages, without which it cannot work; `uses_rules`: it reads hardgate's own rules. `ecosystem(path)` is the one of
    the packages that a file lists, "" for none: such a scanner looks them up in Trivy's database, which it has in
    `job.cache`.

    `fit(options)` is the scanner of one action, for a scanner that hardgate.yaml describes; `reusable`: the digest of
    the tool tells its version, so that a result of the same tool and files may be used again.

    `origin` is set by hardgate itself: the installed package that an adapter of somebody else came from, with its
    version and digest, "" for those of hardgate's own list.

    `seconds` and `memory` (bytes) are first guesses for the scheduler until receipts know better. `tool(options)` is
    the name of its tool in the toolbox, where that is not the scanner's own.
    """

    name: str
    kinds: frozenset[Kind]
    argv: Callable[[Job], tuple[str, ...]]
    parse: Callable[[bytes], Report]
    done_exits: frozenset[int]
    canary: Canary
    selects: Callable[[str], bool]
    recognises: Callable[[str, bytes], bool] | None = None
    configs: Callable[[str], bool] = field(default=lambda _path: False)
    obeys: bool = False
    options: type[msgspec.Struct] = NoOptions
    split: Callable[[Job], tuple[Job, ...]] = _whole
    reads_file: bool = False
    report_name: str = "report"
    planted: bool = False
    hidden: Callable[[str], bool] = field(default=lambda _path: False)
    complaints: Callable[[bytes], tuple[Gap, ...]] = field(default=lambda _stderr: ())
    prepare: Callable[[Job, bytes], Prepared] | None = None
    rewrites: Callable[[Job], tuple[str, ...]] = _subject
    address: Callable[[Any], str] = field(default=lambda _options: "")
    environment: Callable[[Job], Mapping[str, str]] = _nothing
    silencers: tuple[bytes, ...] = ()
    utf8_only: bool = False
    secrets: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    needs_hint: str = ""
    data: Callable[[Job], DataUse | None] = field(default=lambda _job: None)
    asks_osv: bool = False
    ecosystem: Callable[[str], str] | None = None
    makes: str = ""
    judges: bool = False
    uses_rules: bool = False
    tool: Callable[[Any], str] | None = None
    canary_for: Callable[[Any], Canary] | None = None
    fit: Callable[[Any], Scanner] | None = None
    reusable: bool = True
    seconds: float = 5.0
    memory: int = 300_000_000
    origin: str = ""

    def bait(self, options: Any) -> Canary:
        """The canary of an action with these options."""
        return self.canary_for(options) if self.canary_for else self.canary

    def fitted(self, options: Any) -> Scanner:
        """The scanner of an action with these options."""
        scanner = self.fit(options) if self.fit else self
        if not self.origin:
            return scanner
        # Of a command that nobody pinned the digest may be that of a start script: it does not tell the version.
        pinned = not self.tool_name(options).startswith(OUTSIDE)
        return replace(scanner, origin=self.origin, reusable=scanner.reusable and pinned)

    @property
    def told(self) -> tuple[str, ...]:
        """What stands on every receipt of this scanner, whatever its tool did."""
        return (f"{self.name} is no scanner of hardgate's own: its adapter is {self.origin}",) if self.origin else ()

    def tool_name(self, options: Any) -> str:
        """The name of the tool in the toolbox that an action with these options starts."""
        return self.tool(options) if self.tool else self.name


def decode(raw: bytes, kind: type[T], tool: str) -> T:
    """Read JSON into `kind`; raises ReportError, which says where the report stops making sense."""
    try:
        return strict.decode(raw, kind)
    except ValueError as error:
        size = f"{len(raw)} bytes"
        raise ReportError(f"{tool}'s report ({size}) is not whole: {error}") from error


def refuse_empty(items: list[T], tool: str) -> list[T]:
    """Refuse a bare empty list: it names no tool and no file, so a tool that died writes the same as a clean scan.

    Scans of hardgate itself carry a planted canary (`Scanner.planted`), so their reports are never empty.
    """
    if not items:
        raise ReportError(
            f"{tool}'s report is an empty list: that is what a clean scan writes, and a scan that looked at nothing",
            hint=f"Run {tool} through hardgate, which plants a known finding, or hand in its SARIF report.",
        )
    return items


def brief(text: str) -> str:
    """A tool's own text as a message quotes it: white space folded, and at most 300 characters."""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"
