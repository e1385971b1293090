"""OSV records as typed values: schema 1.7 (https://ossf.github.io/osv-schema/).

Keys that nobody here needs are passed by; what matching needs must be there and be of its type. In the database a
record stands once for each package that it affects, with that package's `affected` entries only.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from hardgate.errors import StoreError

MALICIOUS = "MAL-"  # the prefix of https://github.com/ossf/malicious-packages


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One end of an interval of versions; exactly one of the four is set."""

    introduced: str | None = None
    fixed: str | None = None
    last_affected: str | None = None
    limit: str | None = None


class Range(msgspec.Struct, frozen=True):
    """Intervals of versions. `type` GIT has commits, which nothing here can compare."""

    type: Literal["ECOSYSTEM", "SEMVER", "GIT"]
    events: tuple[Event, ...]


class Score(msgspec.Struct, frozen=True):
    """A severity in the words of a system: `type` is CVSS_V2, CVSS_V3, CVSS_V4 or another, `score` its vector."""

    type: str
    score: str


class Package(msgspec.Struct, frozen=True):
    """A package by the names of its ecosystem, such as PyPI, npm, Maven, Go or Debian:12."""

    ecosystem: str
    name: str


class Specific(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a database adds of its own. Nothing here is specified, so nothing is believed before its type is checked."""

    severity: Any = None
    cwe_ids: Any = None


class Affected(msgspec.Struct, frozen=True, omit_defaults=True):
    """The affected versions of one package: those listed, and those in one of the ranges."""

    package: Package | None = None
    ranges: tuple[Range, ...] | None = None
    versions: tuple[str, ...] | None = None
    severity: tuple[Score, ...] | None = None
    database_specific: Specific | None = None


class Reference(msgspec.Struct, frozen=True):
    """Where more can be read."""

    type: str
    url: str


class Record(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One advisory. `modified` and `withdrawn` are RFC 3339 times."""

    id: str
    modified: str
    schema_version: str = "1.0.0"
    published: str | None = None
    withdrawn: str | None = None
    aliases: tuple[str, ...] | None = None
    upstream: tuple[str, ...] | None = None
    summary: str | None = None
    details: str | None = None
    severity: tuple[Score, ...] | None = None
    affected: tuple[Affected, ...] | None = None
    references: tuple[Reference, ...] | None = None
    database_specific: Specific | None = None

    @property
    def malicious(self) -> bool:
        """Whether it names a package that is malware by itself."""
        return self.id.startswith(MALICIOUS)

    @property
    def ids(self) -> tuple[str, ...]:
        """Its id, then all names of the same fact. A sole CVE upstream is one: Debian's records name theirs so."""
        upstream = self.upstream or ()
        same = upstream if len(upstream) == 1 and upstream[0].startswith("CVE-") else ()
        return tuple(dict.fromkeys((self.id, *(self.aliases or ()), *same)))

    @property
    def title(self) -> str:
        """What it is about in one line."""
        return " ".join((self.summary or self.details or self.id).split())


_DECODER = msgspec.json.Decoder(Record)


def read(raw: bytes, where: str) -> Record:
    """One record out of its JSON; raises StoreError that names `where` it stands for anything else."""
    try:
        record = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        hint = "Nothing was imported; what was stored before is as it was. Fetch the export again."
        raise StoreError(f"{where} is no OSV record: {error}", hint=hint) from error
    if not record.id or not record.schema_version.startswith("1."):
        hint = "Nothing was imported; what was stored before is as it was."
        raise StoreError(f"{where} is no OSV record of schema 1: {record.schema_version}", hint=hint)
    return record


def base(ecosystem: str) -> str:
    """An ecosystem without its release: `Debian` of `Debian:12`."""
    return ecosystem.partition(":")[0]


def packages(record: Record) -> tuple[Package, ...]:
    """The packages that a record affects, each once; none for one that knows repositories only."""
    return tuple(dict.fromkeys(one.package for one in record.affected or () if one.package is not None))
