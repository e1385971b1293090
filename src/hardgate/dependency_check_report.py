"""The report of OWASP Dependency-Check as values, read from JSON and from XML.

Both are made of templates that hold the same: core/src/main/resources/templates/jsonReport.vsl and xmlReport.vsl of
https://github.com/dependency-check/DependencyCheck. JSON says `reportSchema` 1.1 since version 5; the XML's namespace
names its schema, 2.0 to 2.5 in versions 5 to 8, 3.x in 9 and 4.x since 10.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from hardgate import xmlfile
from hardgate.adapter import decode
from hardgate.errors import ReportError
from hardgate.xmlfile import Element

TOOL = "dependency-check"
_SCHEMA = "1.1"
_NAMESPACE = re.compile(r"https?://\S+/dependency-check\.([234])\.\d+\.xsd")


class Source(msgspec.Struct):
    """Where vulnerability data came from; `timestamp` as the tool wrote it."""

    name: str
    timestamp: str


class Cause(msgspec.Struct):
    """What an analyser threw."""

    message: str


class Failure(msgspec.Struct):
    """One of `analysisExceptions`."""

    exception: Cause


class Scan(msgspec.Struct, rename="camel"):
    """What ran, with which data."""

    engine_version: str
    data_source: list[Source]
    analysis_exceptions: list[Failure] = []


class Identifier(msgspec.Struct):
    """A package URL or a CPE name; `confidence` is HIGHEST, HIGH, MEDIUM or LOW."""

    id: str
    confidence: str = ""


class Cvss(msgspec.Struct, rename="camel"):
    """A CVSS rating of any version. Version 5.0 wrote one key of the JSON with a stray character."""

    base_severity: str = ""
    severity: str = ""
    stray: str = msgspec.field(name="baseSeverity>", default="")

    @property
    def word(self) -> str:
        """The word of the rating, "" when it has none."""
        return self.base_severity or self.stray or self.severity


class Software(msgspec.Struct, rename="camel"):
    """Releases that have the vulnerability."""

    vulnerability_id_matched: str = ""
    version_end_excluding: str = ""


class Affected(msgspec.Struct):
    """One of `vulnerableSoftware`."""

    software: Software


class Reference(msgspec.Struct):
    """A page about the vulnerability."""

    url: str = ""


class Vulnerability(msgspec.Struct, rename="camel"):
    """A vulnerability; `name` is its number, or a sentence where its source has none."""

    source: str
    name: str
    severity: str = ""
    cvssv2: Cvss | None = None
    cvssv3: Cvss | None = None
    cvssv4: Cvss | None = None
    cwes: list[str] = []
    description: str = ""
    notes: str = ""
    references: list[Reference] = []
    vulnerable_software: list[Affected] = []
    known_exploited_vulnerability: Any = None


class Dependency(msgspec.Struct, rename="camel"):
    """A file, or an entry of a file (`is_virtual`), with what it was taken for and what is known of that."""

    is_virtual: bool
    file_name: str
    file_path: str
    packages: list[Identifier] = []
    vulnerability_ids: list[Identifier] = []
    suppressed_vulnerability_ids: list[Identifier] = []
    vulnerabilities: list[Vulnerability] = []
    suppressed_vulnerabilities: list[Vulnerability] = []


class Document(msgspec.Struct, rename="camel"):
    """A whole report."""

    # No defaults: a report without these is refused, never read as "nothing found".
    report_schema: str
    scan_info: Scan
    dependencies: list[Dependency]


def read(raw: bytes) -> Document:
    """A report of either sort; raises ReportError for what is not a whole one, or of a schema that is not known."""
    if _is_xml(raw):
        return _from_xml(xmlfile.parse(raw, TOOL))
    document = decode(raw, Document, TOOL)
    if document.report_schema != _SCHEMA:
        raise ReportError(f"dependency-check's report has schema {document.report_schema}; hardgate reads {_SCHEMA}")
    return document


def _is_xml(raw: bytes) -> bool:
    """Whether the first character is `<`: of XML also in UTF-16, or behind a byte order mark."""
    return raw.lstrip(b"\xef\xbb\xbf\xfe\xff\0 \t\r\n").startswith(b"<")


def _from_xml(root: Element) -> Document:
    schema = _NAMESPACE.fullmatch(root.namespace)
    if root.name != "analysis" or schema is None:
        found = root.namespace or "no namespace"
        hint = "Have Dependency-Check 6 or a later version write it, or write JSON."
        raise ReportError(f"dependency-check's report is <{root.name}> of {found}; hardgate reads 2 to 4", hint=hint)
    scan, dependencies = root.first("scanInfo"), root.first("dependencies")
    if scan is None or dependencies is None:
        raise ReportError("dependency-check's report has no <scanInfo> or no <dependencies>")
    content = {
        "reportSchema": _SCHEMA,
        "scanInfo": _scan(scan),
        "dependencies": [_dependency(one) for one in dependencies.all("dependency")],
    }
    try:
        return msgspec.convert(content, Document)
    except msgspec.ValidationError as error:
        raise ReportError(f"dependency-check's report is not whole: {error}") from error


def _scan(scan: Element) -> dict[str, Any]:
    failures = scan.first("analysisExceptions")
    exceptions = list(failures.all("exception")) if failures else []
    sources = [_said(one, "name", "timestamp") for one in scan.all("dataSource")]
    thrown = [{"exception": _said(one, "message")} for one in exceptions]
    return {**_said(scan, "engineVersion"), "dataSource": sources, "analysisExceptions": thrown}


def _dependency(one: Element) -> dict[str, Any]:
    names = one.first("identifiers") or Element("identifiers")
    known = one.first("vulnerabilities") or Element("vulnerabilities")
    if others := {child.name for child in known.children} - {"vulnerability", "suppressedVulnerability"}:
        raise ReportError(
            f"dependency-check's report has <{min(others)}> among its vulnerabilities; hardgate reads none"
        )
    return {
        **_said(one, "fileName", "filePath"),
        "isVirtual": one.attributes.get("isVirtual") == "true",
        "packages": _identifiers(names, "package"),
        "vulnerabilityIds": _identifiers(names, "vulnerabilityIds"),
        "suppressedVulnerabilityIds": _identifiers(names, "suppressedIdentifier"),
        "vulnerabilities": [_vulnerability(child) for child in known.all("vulnerability")],
        "suppressedVulnerabilities": [_vulnerability(child) for child in known.all("suppressedVulnerability")],
    }


def _identifiers(names: Element, kind: str) -> list[dict[str, str]]:
    return [{**_said(one, "id"), "confidence": one.attributes.get("confidence", "")} for one in names.all(kind)]


def _vulnerability(one: Element) -> dict[str, Any]:
    ratings = {f"cvssv{number}": one.first(f"cvssV{number}") for number in (2, 3, 4)}
    software = (one.first("vulnerableSoftware") or Element("")).all("software")
    references = (one.first("references") or Element("")).all("reference")
    return {
        **_said(one, "name", "severity", "description", "notes"),
        **{key: _said(rating, "baseSeverity", "severity") for key, rating in ratings.items() if rating is not None},
        **({"source": one.attributes["source"]} if "source" in one.attributes else {}),
        "cwes": [cwe.text.strip() for cwe in (one.first("cwes") or Element("")).all("cwe")],
        "references": [_said(reference, "url") for reference in references],
        "vulnerableSoftware": [{"software": each.attributes} for each in software],
        "knownExploitedVulnerability": True if one.first("knownExploitedVulnerability") else None,
    }


def _said(one: Element, *names: str) -> dict[str, str]:
    """The texts of the children that are there, by their names."""
    texts = ((name, one.said(name)) for name in names)
    return {name: text for name, text in texts if text is not None}
