"""Trivy's report as values: `trivy fs --format json`, schemas 1 and 2 (pkg/types/report.go).

Keys without a default must be there: a report without them is refused, never read as "nothing found".
"""

from __future__ import annotations

import msgspec


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
