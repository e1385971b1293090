"""SARIF 2.1.0 of any tool: for `hardgate ingest`, and as the scanner that hardgate.yaml describes.

Sections are those of the OASIS standard (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html).
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable, Iterator
from typing import Annotated, NamedTuple

import msgspec

from hardgate import described, sarif_log
from hardgate.adapter import Canary, Scanner
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Report, Severity
from hardgate.sarif_log import Region, Result, Rule, Run, Text, Unread

_Word = Annotated[str, msgspec.Meta(min_length=1)]
_LEVELS = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "note": Severity.LOW, "none": Severity.INFO}
# The qualitative bands of CVSS 3.1, section 5, for the property `security-severity` that GitHub defined
# (https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning).
_BANDS = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
_WORST = 10.0
_PLACES = 5  # that a message names beside the first
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


def parse(raw: bytes, tool: str, *, joined: bool = False) -> Report:
    """Read a SARIF log as a report of `tool` ("": of the tool that each run names).

    `joined`: see sarif_log.read. One finding for each result, whatever its suppressions; results that say "no problem"
    (kinds pass, open and notApplicable, baseline state absent) are none. What tools get wrong is repaired (see
    sarif_log). A run, a rule or a result that cannot be read is a gap with its number, and so are a failed invocation
    and every notification of level warning or error. Raises ReportError for anything that is not a whole log with at
    least one run that has results.
    """
    runs, unread = sarif_log.read(raw, joined=joined)
    return _report(runs, unread, tool)


def _report(runs: list[Run], unread: list[Unread], tool: str) -> Report:
    findings: list[Finding] = []
    gaps = [_broken(one, tool) for one in (*unread, *(one for run in runs for one in run.unread))]
    for run in runs:
        gaps += _invoked(run)
        _results(run, tool or run.name.lower(), findings, gaps)
    return Report(findings=tuple(findings), gaps=tuple(gaps), version=runs[0].version)


def _broken(one: Unread, tool: str) -> Gap:
    part = "" if one.part == "it" else f"{one.part} of "
    message = f"{part}run {one.number} in the SARIF log{f' of {tool}' if tool else ''} could not be read: {one.why}."
    return Gap(
        reason=GapReason.REPORT_UNREADABLE,
        message=message[0].upper() + message[1:],
        remedy="Read it in the log itself.",
    )


def _results(run: Run, tool: str, findings: list[Finding], gaps: list[Gap]) -> None:
    known: dict[tuple[int, str], _Said] = {}
    for position, raw in enumerate(run.results):
        try:
            result = sarif_log.value(raw, Result)
        except msgspec.DecodeError as error:
            gaps.append(_broken(Unread(run.number, f"result {position}", str(error)), tool))
            continue
        if result.kind in _NOT_A_PROBLEM or result.baseline_state == "absent":
            continue
        finding, unknown = _finding(run, result, tool, known)
        gaps += unknown
        if (run.name.lower(), finding.rule) in _UNREAD:
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


def _invoked(run: Run) -> Iterator[Gap]:
    name = run.name
    for invocation in run.invocations:
        if invocation.execution_successful is False:
            message = f"{name} says in its SARIF log that it did not come to a good end."
            yield Gap(reason=GapReason.TOOL_FAILED, message=message, remedy="Run the tool again.")
        notes = (*invocation.tool_execution_notifications, *invocation.tool_configuration_notifications)
        for note in notes:
            if note.level in {"note", "none"}:
                continue
            path = next((path for path, _ in sarif_log.paths_of(run, note.locations)), "")
            about = f" about {path}" if path else ""
            message = f"{name} reports{about}: {' '.join(note.message.text.split())[:_SAID] or 'no reason'}"
            reason = GapReason.FILE_UNREAD if path else GapReason.TOOL_FAILED
            yield Gap(reason=reason, path=path, message=message, remedy="Mend what it names, and run the tool again.")


class _Said(NamedTuple):
    """What a rule's name and labels say: nearly always the same for all of its results."""

    name: str
    cwe: tuple[str, ...]
    ids: tuple[str, ...]
    kind: Kind


def _said(run: Run, result: Result, rule: Rule, tool: str) -> _Said:
    name = result.rule_id or result.rule.id or rule.id or "no-rule"
    labels = list(_labels(result, rule))
    cwe = tuple(dict.fromkeys(f"CWE-{number}" for text in labels for number in _CWE.findall(text)))
    ids = tuple(dict.fromkeys(found for text in (name, *labels) for found in _ID.findall(text)))
    return _Said(name, cwe, ids, _kind({tool, run.name.lower()}, rule, ids))


def _finding(run: Run, result: Result, tool: str, known: dict[tuple[int, str], _Said]) -> tuple[Finding, list[Gap]]:
    """A result as a finding, and the gaps of what in it is not known. `known` has what rules of the run say."""
    rule = sarif_log.rule_of(run, result)
    key = (id(rule), result.rule_id or result.rule.id)  # the run keeps all of its rules
    said = None if result.properties or result.taxa else known.get(key)
    if said is None:
        said = _said(run, result, rule, tool)
        if not (result.properties or result.taxa):
            known[key] = said
    name, cwe, ids, kind = said
    severity, stated, gaps = _severity(result, rule, kind, f"{tool}'s {name}")
    places = sarif_log.paths_of(run, result.locations)
    path, region = places[0] if places else ("", Region())
    finding = Finding(
        scanner=tool,
        rule=name,
        kind=kind,
        severity=severity,
        severity_from="tool" if stated else "adapter",
        message=_message(result, rule, cwe) + _also(places[1:]),
        location=Location(path=path, line=region.start_line, end_line=region.end_line),
        cwe=cwe,
        ids=ids,
        fix=next((fix.description.text for fix in result.fixes if fix.description.text), ""),
        url=rule.help_uri,
    )
    return finding, gaps


def _also(places: list[tuple[str, Region]]) -> str:
    """The other places of a problem that has several (section 3.27.12): a finding has one."""
    told = [path if region.start_line is None else f"{path}:{region.start_line}" for path, region in places]
    more = f" and {len(told) - _PLACES:,} more" if len(told) > _PLACES else ""
    return f" (also in {', '.join(told[:_PLACES])}{more})" if told else ""


def _severity(result: Result, rule: Rule, kind: Kind, what: str) -> tuple[Severity, bool, list[Gap]]:
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


def _labels(result: Result, rule: Rule) -> Iterator[str]:
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


def _kind(names: set[str], rule: Rule, ids: tuple[str, ...]) -> Kind:
    """What the tags say, else what the tool looks for, else code: SARIF itself has no word for it."""
    tagged = next((_TAGGED[tag] for tag in _texts(rule.properties.get("tags")) if tag in _TAGGED), None)
    if tagged or ids:
        return tagged or Kind.DEPENDENCY
    if names & _SECRET_TOOLS:
        return Kind.SECRET
    return Kind.MISCONFIGURATION if names & _CONFIGURATION_TOOLS else Kind.CODE


def _message(result: Result, rule: Rule, cwe: tuple[str, ...]) -> str:
    said = result.message.text or result.message.markdown
    text = said or _filled(rule.message_strings.get(result.message.id, Text()).text, result.message)
    text = " ".join((text or rule.short_description.text or "The tool gives no message.").split())
    if _SECRET_CWES & set(cwe):
        text = re.sub(r"""(["'`]).*?\1""", "(left out)", text)
    return f"{text} (suppressed in the report)" if result.suppressions else text


def _filled(template: str, message: Text) -> str:
    """Placeholders {0}, {1} filled in (section 3.11.5)."""
    values = dict(enumerate(message.arguments))
    return re.sub(r"\{(\d{1,9})\}", lambda found: values.get(int(found[1]), found[0]), template)


class _Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    files: Annotated[dict[str, str], msgspec.Meta(min_length=1)]
    rules: Annotated[tuple[_Word, ...], msgspec.Meta(min_length=1)]


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tool by its command. `{report}` in it is where it shall write, else its standard output is read; `{root}` is
    the private copy of the tree, which is also the working folder. `files` are globs of what it looks at; `canary` is
    a known-bad input with rules that it must name.
    """

    command: Annotated[tuple[_Word, ...], msgspec.Meta(min_length=1)]
    exits: Annotated[tuple[int, ...], msgspec.Meta(min_length=1)] = (0,)
    files: tuple[_Word, ...] = ()
    canary: _Proof | None = None


def _read(raw: bytes) -> Report:
    return parse(raw, "", joined=True)


def _read_unproven(raw: bytes) -> Report:
    """A report of a tool without a canary: it must at least tell its version and what it looked for."""
    runs, unread = sarif_log.read(raw, joined=True)
    report = _report(runs, unread, "")
    remedy = "Give it a `canary` in hardgate.yaml: a known-bad input, and the rules that it must find in it."
    gaps = []
    for run in runs:
        if not any(run.components):
            message = f"{run.name} names no rule in its SARIF: a tool that looks for nothing writes the same"
            gaps.append(Gap(reason=GapReason.RULES_EMPTY, message=message, remedy=remedy))
        if not run.version:
            message = f"{run.name} tells no version in its SARIF: it is not known what looked"
            gaps.append(Gap(reason=GapReason.REPORT_UNREADABLE, message=message, remedy=remedy))
    return msgspec.structs.replace(report, gaps=(*report.gaps, *gaps))


def _fit(options: Options) -> Scanner:
    proof = options.canary
    bait = {name: text.encode() for name, text in proof.files.items()} if proof else {}
    return dataclasses.replace(
        SARIF,
        name=options.command[0].rpartition("/")[2],
        parse=_read if proof else _read_unproven,
        done_exits=frozenset(options.exits),
        canary=Canary(files=bait, rules=proof.rules if proof else ()),
        reads_file=described.reads_file(options.command),
        selects=functools.partial(described.selects, options.files),
    )


SARIF = Scanner(
    name="sarif",
    kinds=frozenset(Kind),
    options=Options,
    argv=described.argv,
    parse=_read_unproven,
    done_exits=frozenset({0}),
    canary=Canary(files={}),
    selects=functools.partial(described.selects, ()),
    tool=described.tool,
    fit=_fit,
    reusable=False,
)
