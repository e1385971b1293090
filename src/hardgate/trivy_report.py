"""Trivy's report as values: `trivy fs --format json`, schemas 1 and 2 (pkg/types/report.go).

Keys without a default must be there: a report without them is refused, never read as "nothing found".
"""

from __future__ import annotations

import msgspec

from hardgate.model import Gap, GapReason


class Span(msgspec.Struct, frozen=True, rename="pascal"):
    start_line: int = 0
    end_line: int = 0


class Identifier(msgspec.Struct, frozen=True):
    purl: str = msgspec.field(default="", name="PURL")
    uid: str = msgspec.field(default="", name="UID")


class Listed(msgspec.Struct, rename="pascal"):
    identifier: Identifier = Identifier()
    locations: list[Span] = []
    name: str = ""
    version: str = ""
    relationship: str = ""


class Custom(msgspec.Struct, frozen=True):
    # Only in a database that hardgate made: why it cannot be said whether this release is covered.
    not_judged: str = ""


class DataSource(msgspec.Struct, frozen=True):
    """Where an advisory is from."""

    id: str = msgspec.field(default="", name="ID")


class Vulnerability(msgspec.Struct, rename="pascal"):
    pkg_name: str
    installed_version: str
    severity: str
    id: str = msgspec.field(name="VulnerabilityID")
    fixed_version: str = ""
    pkg_path: str = ""
    pkg_identifier: Identifier = Identifier()
    title: str = ""
    description: str = ""
    url: str = msgspec.field(default="", name="PrimaryURL")
    cwes: list[str] = msgspec.field(default_factory=list, name="CweIDs")
    vendor_ids: list[str] = msgspec.field(default_factory=list, name="VendorIDs")
    custom: Custom | None = None
    data_source: DataSource = DataSource()


class Cause(msgspec.Struct, frozen=True, rename="pascal"):
    resource: str = ""
    start_line: int = 0
    end_line: int = 0


class Misconfiguration(msgspec.Struct, rename="pascal"):
    title: str
    message: str
    severity: str
    status: str
    id: str = msgspec.field(name="ID")
    resolution: str = ""
    url: str = msgspec.field(default="", name="PrimaryURL")
    cause_metadata: Cause = Cause()


class Secret(msgspec.Struct, rename="pascal"):
    # Match and Code hold parts of the file; they are not read.
    category: str
    severity: str
    title: str
    start_line: int
    end_line: int
    rule: str = msgspec.field(name="RuleID")


class Licence(msgspec.Struct, rename="pascal"):
    severity: str
    category: str
    name: str
    pkg_name: str = ""
    file_path: str = ""
    link: str = ""


class Summary(msgspec.Struct, frozen=True, rename="pascal"):
    # Checks that a policy of the repository or a comment exempted: they are counted, and listed nowhere.
    exceptions: int = 0


class Result(msgspec.Struct, rename="pascal"):
    target: str
    misconf_summary: Summary = Summary()
    type: str = ""
    kind: str = msgspec.field(default="", name="Class")
    packages: list[Listed] | None = None
    vulnerabilities: list[Vulnerability] | None = None
    misconfigurations: list[Misconfiguration] | None = None
    secrets: list[Secret] | None = None
    licenses: list[Licence] | None = None


class Itself(msgspec.Struct, frozen=True, rename="pascal"):
    version: str = ""


class Document(msgspec.Struct, rename="pascal"):
    # A tree without anything to report has no Results at all, or null.
    schema_version: int
    artifact_name: str
    artifact_type: str
    results: list[Result] | None = None
    trivy: Itself = Itself()


# What a result may have beside (pkg/types/report.go), and what of it is no finding.
_QUIET = frozenset({"MisconfSummary", "CustomResources", "ExperimentalModifiedFindings"})


def unheard(raw: bytes) -> list[Gap]:
    """A gap for each list that nothing here reads and that is not empty: a newer Trivy may have its findings there.

    `raw` was read before, as a Document or a list of Results.
    """
    results = {"Results": msgspec.Raw(raw)} if raw.lstrip().startswith(b"[") else _keys(raw)
    found = [_gap("", key) for key in _lists(results, Document)]
    for one in msgspec.json.decode(results.get("Results", b"null"), type=list[dict[str, msgspec.Raw]] | None) or ():
        found += [_gap(msgspec.json.decode(one["Target"], type=str), key) for key in _lists(one, Result)]
    return found


def _gap(path: str, key: str) -> Gap:
    message = f"trivy's report{f' on {path}' if path else ''} has {key}, which hardgate does not read."
    return Gap(reason=GapReason.REPORT_UNREADABLE, path=path, message=message, remedy="Read it in the report itself.")


def _keys(raw: bytes) -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(raw, type=dict[str, msgspec.Raw])


def _lists(pairs: dict[str, msgspec.Raw], kind: type[msgspec.Struct]) -> list[str]:
    """The keys that `kind` does not have and whose value is a list that is not empty."""
    unknown = pairs.keys() - {field.encode_name for field in msgspec.structs.fields(kind)} - _QUIET
    values = {key: msgspec.json.decode(pairs[key]) for key in unknown}
    return sorted(key for key, value in values.items() if isinstance(value, list) and value)
