"""SARIF 2.1.0 of any tool, for `hardgate ingest`.

Sections are those of the OASIS standard (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html). Not a
scanner: it has no tool to start.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from hardgate.adapter import decode
from hardgate.errors import ReportError
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Report, Severity

_LEVELS = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "note": Severity.LOW, "none": Severity.INFO}
# The qualitative bands of CVSS 3.1, section 5, for the property `security-severity` that GitHub defined
# (https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning).
_BANDS = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
_WORST = 10.0
_SAID = 300  # characters of a tool's own words that a gap quotes
_CWE = re.compile(r"(?:CWE[-_ ]|cwe/cwe-|cwe-)0*(\d+)", re.IGNORECASE)
_ID = re.compile(r"CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3}|PYSEC-\d{4}-\d+|MAL-\d{4}-\d+")
# Credentials in code: what such a rule matched, and may quote in its message, is the secret.
_SECRET_CWES = frozenset({"CWE-259", "CWE-321", "CWE-522", "CWE-798"})
_SECRET_TOOLS = frozenset({"gitleaks", "trufflehog", "detect-secrets", "talisman", "ggshield"})
_CONFIGURATION_TOOLS = frozenset({"hadolint", "checkov", "zizmor", "tfsec", "kics", "actionlint", "terrascan"})
# Words that Trivy and others put among a rule's tags.
_TAGGED = {"secret": Kind.SECRET, "misconfiguration": Kind.MISCONFIGURATION, "license": Kind.LICENCE}
# Rules by which a tool says that it could not read a file.
_UNREAD = frozenset({("ruff", "invalid-syntax"), ("ruff", "E902"), ("hadolint", "DL1000")})
_NOT_A_PROBLEM = frozenset({"pass", "open", "notApplicable"})


class _Text(msgspec.Struct, frozen=True):
    text: str = ""
    id: str = ""
    arguments: list[str] = []


class _Artifact(msgspec.Struct, frozen=True):
    uri: str = ""
    index: int = -1


class _Region(msgspec.Struct, frozen=True, rename="camel"):
    start_line: int | None = None
    end_line: int | None = None


class _Physical(msgspec.Struct, frozen=True, rename="camel"):
    artifact_location: _Artifact = _Artifact()
    region: _Region = _Region()


class _Place(msgspec.Struct, frozen=True, rename="camel"):
    physical_location: _Physical = _Physical()


class _Component(msgspec.Struct, frozen=True):
    name: str = ""
    index: int = -1


class _Reference(msgspec.Struct, frozen=True, rename="camel"):
    id: str = ""
    index: int = -1
    tool_component: _Component = _Component()


class _Relationship(msgspec.Struct, frozen=True):
    target: _Reference


class _Configuration(msgspec.Struct, frozen=True):
    level: str = ""


class _Rule(msgspec.Struct, frozen=True, rename="camel"):
    id: str = ""
    short_description: _Text = _Text()
    message_strings: dict[str, _Text] = {}
    help_uri: str = ""
    default_configuration: _Configuration = _Configuration()
    relationships: list[_Relationship] = []
    properties: dict[str, Any] = {}


class _Fix(msgspec.Struct, frozen=True):
    description: _Text = _Text()


class _Result(msgspec.Struct, frozen=True, rename="camel"):
    message: _Text
    rule_id: str = ""
    rule_index: int = -1
    rule: _Reference = _Reference()
    level: str = ""
    kind: str = "fail"
    baseline_state: str = ""
    locations: list[_Place] = []
    taxa: list[_Reference] = []
    fixes: list[_Fix] = []
    suppressions: list[Any] = []
    properties: dict[str, Any] = {}


class _Driver(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    version: str = ""
    semantic_version: str = ""
    rules: list[_Rule] = []


class _Tool(msgspec.Struct, frozen=True):
    driver: _Driver
    extensions: list[_Driver] = []


class _Notification(msgspec.Struct, frozen=True):
    message: _Text = _Text()
    level: str = "warning"
    locations: list[_Place] = []


class _Invocation(msgspec.Struct, frozen=True, rename="camel"):
    execution_successful: bool
    tool_execution_notifications: list[_Notification] = []
    tool_configuration_notifications: list[_Notification] = []


class _File(msgspec.Struct, frozen=True):
    location: _Artifact = _Artifact()


class _Run(msgspec.Struct, frozen=True):
    # `results` is absent when the tool did not come to look (section 3.14.23): it has no default here.
    tool: _Tool
    results: list[msgspec.Raw]
    invocations: list[_Invocation] = []
    artifacts: list[_File] = []


class _Log(msgspec.Struct, frozen=True):
    version: str
    runs: list[_Run]


def parse(raw: bytes, tool: str) -> Report:
    """Read a SARIF log as a report of `tool` ("": of the tool that each run names).

    One finding for each result, whatever its suppressions; results that say "no problem" (kinds pass, open and
    notApplicable, baseline state absent) are none. A result that cannot be read is a gap with its number, and so are a
    failed invocation and every notification of level warning or error. Raises ReportError for anything that is not a
    whole log with at least one run.
    """
    log = decode(raw, _Log, f"{tool or 'the'} SARIF")
    if log.version != "2.1.0":
        raise ReportError(f"the SARIF log is of version {log.version!r}", hint="hardgate reads SARIF 2.1.0.")
    if not log.runs:
        raise ReportError("the SARIF log has no run in it: no tool looked at anything", hint="Run the tool again.")
    findings: list[Finding] = []
    gaps: list[Gap] = []
    for number, run in enumerate(log.runs, 1):
        gaps += _invoked(run)
        _results(run, number, tool or run.tool.driver.name.lower(), findings, gaps)
    driver = log.runs[0].tool.driver
    return Report(findings=tuple(findings), gaps=tuple(gaps), version=driver.semantic_version or driver.version)


def _results(run: _Run, number: int, tool: str, findings: list[Finding], gaps: list[Gap]) -> None:
    for position, raw in enumerate(run.results):
        try:
            result = msgspec.json.decode(raw, type=_Result)
        except msgspec.ValidationError as error:
            message = f"Result {position} of run {number} in the SARIF log of {tool} could not be read: {error}."
            gaps.append(Gap(reason=GapReason.REPORT_UNREADABLE, message=message, remedy="Read it in the log itself."))
            continue
        if result.kind in _NOT_A_PROBLEM or result.baseline_state == "absent":
            continue
        finding, unknown = _finding(run, result, _rule(run, result), tool)
        gaps += unknown
        if (run.tool.driver.name.lower(), finding.rule) in _UNREAD:
            gaps.append(_unread(finding, tool))
        else:
            findings.append(finding)


def _unread(finding: Finding, tool: str) -> Gap:
    where = f"{finding.location.path}, line {finding.location.line}"
    message = f"{tool} could not read {where}: {finding.message}"
    return Gap(
        reason=GapReason.FILE_UNREAD,
        path=finding.location.path,
        message=message,
        remedy="Mend the file, or exclude it.",
    )


def _invoked(run: _Run) -> Iterator[Gap]:
    name = run.tool.driver.name
    for invocation in run.invocations:
        if not invocation.execution_successful:
            message = f"{name} says in its SARIF log that it did not come to a good end."
            yield Gap(reason=GapReason.TOOL_FAILED, message=message, remedy="Run the tool again.")
        notes = (*invocation.tool_execution_notifications, *invocation.tool_configuration_notifications)
        for note in notes:
            if note.level in {"note", "none"}:
                continue
            path = _path(run, note.locations)
            about = f" about {path}" if path else ""
            message = f"{name} reports{about}: {' '.join(note.message.text.split())[:_SAID] or 'no reason'}"
            reason = GapReason.FILE_UNREAD if path else GapReason.TOOL_FAILED
            yield Gap(reason=reason, path=path, message=message, remedy="Mend what it names, and run the tool again.")


def _rule(run: _Run, result: _Result) -> _Rule:
    """The rule that a result refers to (section 3.52.4): by component and index, else by id, else an empty one."""
    wanted = result.rule_id or result.rule.id
    component = result.rule.tool_component.index
    owner = run.tool.extensions[component] if 0 <= component < len(run.tool.extensions) else run.tool.driver
    index = result.rule_index if result.rule_index >= 0 else result.rule.index
    if 0 <= index < len(owner.rules) and wanted in {"", owner.rules[index].id}:
        return owner.rules[index]
    every = (rule for part in (owner, run.tool.driver, *run.tool.extensions) for rule in part.rules)
    # A hierarchical id such as CA1000/1 belongs to the rule CA1000 (section 3.52.4).
    names = {wanted, wanted.rpartition("/")[0]} - {""}
    return next((rule for rule in every if rule.id in names), _Rule(id=wanted))


def _finding(run: _Run, result: _Result, rule: _Rule, tool: str) -> tuple[Finding, list[Gap]]:
    name = result.rule_id or result.rule.id or rule.id or "no-rule"
    cwe = tuple(dict.fromkeys(f"CWE-{number}" for text in _labels(result, rule) for number in _CWE.findall(text)))
    ids = tuple(dict.fromkeys(found for text in (name, *_labels(result, rule)) for found in _ID.findall(text)))
    kind = _kind({tool, run.tool.driver.name.lower()}, rule, ids)
    severity, stated, gaps = _severity(result, rule, kind, f"{tool}'s {name}")
    region = result.locations[0].physical_location.region if result.locations else _Region()
    finding = Finding(
        scanner=tool,
        rule=name,
        kind=kind,
        severity=severity,
        severity_from="tool" if stated else "adapter",
        message=_message(result, rule, cwe),
        location=Location(
            path=_path(run, result.locations),
            line=region.start_line,
            end_line=region.end_line or region.start_line,
        ),
        cwe=cwe,
        ids=ids,
        fix=next((fix.description.text for fix in result.fixes if fix.description.text), ""),
        url=rule.help_uri,
    )
    return finding, gaps


def _severity(result: _Result, rule: _Rule, kind: Kind, what: str) -> tuple[Severity, bool, list[Gap]]:
    """The severity, whether the log states one, and the gap of a word that is not known.

    The CVSS band of `security-severity` counts where there is one, else the level of the result, else that of the rule.
    Where none is stated, SARIF's default is "warning" (section 3.27.10); a secret is high all the same.
    """
    score = result.properties.get("security-severity", rule.properties.get("security-severity"))
    level = result.level or ("none" if result.kind == "informational" else rule.default_configuration.level)
    if score is not None:
        number = float(score) if re.fullmatch(r"\d+(?:\.\d+)?", str(score)) else -1.0
        if 0.0 <= number <= _WORST:
            return next((band for least, band in _BANDS if number >= least), Severity.INFO), True, []
    elif not level:
        return Severity.HIGH if kind is Kind.SECRET else Severity.MEDIUM, False, []
    elif level in _LEVELS:
        return _LEVELS[level], True, []
    word = f"level {level!r}" if score is None else f"security-severity {score!r}"
    message = f"{what} has the {word}, which hardgate does not know; it counts as high."
    remedy = "Rate the rule in hardgate.yaml under severity:."
    return Severity.HIGH, True, [Gap(reason=GapReason.SEVERITY_UNKNOWN, message=message, remedy=remedy)]


def _labels(result: _Result, rule: _Rule) -> Iterator[str]:
    """Every text in which tools name weaknesses: tags, taxa (3.27.8), relationships (3.49.15), a `cwe` property."""
    for properties in (rule.properties, result.properties):
        for key in ("tags", "cwe"):
            yield from _texts(properties.get(key))
    for reference in (*result.taxa, *(one.target for one in rule.relationships)):
        taxonomy = reference.tool_component.name.upper()
        yield f"CWE-{reference.id}" if taxonomy == "CWE" and reference.id.isdigit() else reference.id


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        return (value,)
    return (one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _kind(names: set[str], rule: _Rule, ids: tuple[str, ...]) -> Kind:
    """What the tags say, else what the tool looks for, else code: SARIF itself has no word for it."""
    tagged = next((_TAGGED[tag] for tag in _texts(rule.properties.get("tags")) if tag in _TAGGED), None)
    if tagged or ids:
        return tagged or Kind.DEPENDENCY
    if names & _SECRET_TOOLS:
        return Kind.SECRET
    return Kind.MISCONFIGURATION if names & _CONFIGURATION_TOOLS else Kind.CODE


def _message(result: _Result, rule: _Rule, cwe: tuple[str, ...]) -> str:
    text = result.message.text or _filled(rule.message_strings.get(result.message.id, _Text()).text, result.message)
    text = " ".join((text or rule.short_description.text or "The tool gives no message.").split())
    if _SECRET_CWES & set(cwe):
        text = re.sub(r"""(["'`]).*?\1""", "(left out)", text)
    return f"{text} (suppressed in the report)" if result.suppressions else text


def _filled(template: str, message: _Text) -> str:
    """Placeholders {0}, {1} filled in (section 3.11.5)."""
    values = dict(enumerate(message.arguments))
    return re.sub(r"\{(\d+)\}", lambda found: values.get(int(found[1]), found[0]), template)


def _path(run: _Run, places: list[_Place]) -> str:
    """The first location's path, percent-decoded; a place in `artifacts` is followed (section 3.4.5)."""
    if not places:
        return ""
    artifact = places[0].physical_location.artifact_location
    uri = artifact.uri
    if not uri and 0 <= artifact.index < len(run.artifacts):
        uri = run.artifacts[artifact.index].location.uri
    parts = urlsplit(uri)
    return unquote(parts.path) if parts.scheme in {"", "file"} else uri
