"""What a repository asks to be let off, as values: waivers, inline suppressions, and the evidence of both in a run."""

from __future__ import annotations

import msgspec

WAIVER, VEX, BASELINE, INLINE, GRACE = "waiver", "vex", "baseline", "inline", "grace"
INTRODUCED, PREEXISTING, DISCLOSED = "introduced", "preexisting", "disclosed"


class Waiver(msgspec.Struct, frozen=True, kw_only=True):
    """A named person's written, dated acceptance: by `id`, or by `rule` and `path` (a glob), `purl`, or both.

    `until` is the last day in UTC. `kind` is one of the five words above: what sort of record it was read from, and
    `source` its file and line. `justification` is the label of a VEX statement, `severity` that of the finding when it
    went into a baseline: it does not cover a worse one. `value` is the keyed hash of a secret's value, as KEY/HASH: it
    covers no other value that comes into the same place.
    """

    reason: str
    owner: str
    until: str
    id: str = ""
    rule: str = ""
    path: str = ""
    ticket: str = ""
    purl: str = ""
    kind: str = WAIVER
    justification: str = ""
    source: str = ""
    severity: str = ""
    value: str = ""

    @property
    def subject(self) -> str:
        """What it is about, for people: `B101 in tests/*`."""
        places = (f"in {self.path}" if self.path else "", f"of {self.purl}" if self.purl else "")
        return self.id or " ".join(part for part in (self.rule, *places) if part)


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One file of exceptions as it was in force: waivers, a VEX document or a baseline. `sha256` is over its bytes."""

    path: str
    text: str
    sha256: str


class Suppression(msgspec.Struct, frozen=True, kw_only=True):
    """A comment that tells a tool to be silent: which tool and rules (none: all), where, since when and by whom.

    `author` and `since` (ISO 8601, UTC) are git blame's, "" where the line is not committed. `above`: it stands alone,
    and speaks of the line below it. `counts`: the policy lets it, and no change under review brought it in. The text of
    the line is not kept: it may be a secret.
    """

    tool: str
    path: str
    line: int
    rules: tuple[str, ...] = ()
    author: str = ""
    since: str = ""
    above: bool = False
    counts: bool = False


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """An exception that the change under review brings in: listed, and without effect until the base has it."""

    kind: str
    what: str
    source: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The findings of a run beside those of `run`, a run of the base started at `since`; all empty: none is known.

    `origins` has one of the three words above by id, `begun` the day from which a grace counts, `fixed` the ids that
    the base has and this run has not.
    """

    run: str = ""
    since: str = ""
    origins: dict[str, str] = {}
    begun: dict[str, str] = {}
    fixed: tuple[str, ...] = ()


class Exceptions(msgspec.Struct, frozen=True, kw_only=True):
    """The exceptions of one run, whole: enough to judge it again the same way.

    `base` is the commit that the policy was read from and `reference` its name, both "" where the tree's own counts;
    `definition` is hardgate.yaml there, "" when it has none. `digest` is over definition and documents.
    """

    base: str = ""
    reference: str = ""
    definition: str = ""
    documents: tuple[Document, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    requests: tuple[Request, ...] = ()
    comparison: Comparison = Comparison()
    digest: str = ""
