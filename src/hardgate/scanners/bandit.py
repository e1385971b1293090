"""Bandit: insecure calls and settings in Python code.

Report: https://bandit.readthedocs.io/en/latest/formatters/json.html, read in the shape of 1.7 to 1.9, and the SARIF of
the same releases (https://bandit.readthedocs.io/en/latest/formatters/sarif.html), with the same rules and severities.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from hardgate import sarif_log
from hardgate.adapter import Canary, Job, Scanner, decode
from hardgate.errors import ReportError
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Report, Severity

_TOOL = "bandit"
_SEVERITIES = {"LOW": Severity.LOW, "MEDIUM": Severity.MEDIUM, "HIGH": Severity.HIGH}
# These three end their message with the password itself.
_QUOTES_A_PASSWORD = frozenset({"B105", "B106", "B107"})
_TOTALS = "_totals"

# What to do instead, in our words, after the "More info" page of each rule.
_FIXES = {
    "B102": "Replace exec by ordinary code; never run text that came from outside.",
    "B103": "Give the file the least permissions that work, such as 0o600.",
    "B104": "Bind to the one address that has to be reached.",
    "B105": "Revoke the password; read it from the environment or a secret store.",
    "B106": "Revoke the password; read it from the environment or a secret store.",
    "B107": "Revoke the password; leave the default empty and demand a value.",
    "B108": "Use the tempfile module: it makes names that nobody can guess.",
    "B110": "Catch the exceptions that you expect, and log the others.",
    "B112": "Catch the exceptions that you expect, and log the others.",
    "B113": "Give the request a timeout.",
    "B201": "Start the application without debug=True: its debugger runs code for anyone.",
    "B202": 'Extract with filter="data" (Python 3.12, back-ported to 3.8), or check each member.',
    "B301": "Use json, or sign the data and check the signature before it is unpickled.",
    "B302": "Use json instead of marshal.",
    "B303": "Use hashlib.sha256, or usedforsecurity=False where nothing depends on it.",
    "B304": "Use AES-GCM or ChaCha20-Poly1305.",
    "B305": "Use an authenticated mode such as GCM.",
    "B306": "Use tempfile.mkstemp or NamedTemporaryFile.",
    "B307": "Use ast.literal_eval for values, ordinary code for everything else.",
    "B308": "Use format_html, which escapes its arguments.",
    "B310": "Check that the scheme is https before the address is opened.",
    "B311": "Use the secrets module where the number protects something.",
    "B323": "Use ssl.create_default_context().",
    "B324": "Use hashlib.sha256, or usedforsecurity=False where nothing depends on it.",
    "B501": "Leave verify on, or give it the bundle of your own authority.",
    "B502": "Use ssl.PROTOCOL_TLS_CLIENT or PROTOCOL_TLS_SERVER.",
    "B505": "Use RSA keys of 2048 bits or more, or a 256-bit elliptic curve.",
    "B506": "Use yaml.safe_load.",
    "B507": "Load the known host keys and reject the others.",
    "B602": "Give the command as a list and leave shell=True out.",
    "B604": "Give the command as a list and leave shell=True out.",
    "B605": "Use subprocess.run with a list.",
    "B608": "Keep the statement constant and hand the values over as parameters.",
    "B609": "Name the files instead of using a wildcard, or put -- before it.",
    "B610": "Use the query methods of the ORM, or hand the values over in params.",
    "B611": "Use the query methods of the ORM, or hand the values over in params.",
    "B614": "Load with weights_only=True.",
    "B615": "Pin the download to a revision.",
    "B701": "Create the environment with autoescape=True or select_autoescape().",
    "B702": "Turn on the h filter by default.",
    "B703": "Use format_html, which escapes its arguments.",
    "B704": "Let the template escape the value.",
}


class _Issue(msgspec.Struct):
    filename: str
    test_id: str
    issue_severity: str
    issue_confidence: str
    issue_text: str
    line_number: int
    line_range: list[int] = []
    issue_cwe: dict[str, Any] = {}
    more_info: str = ""


class _Unread(msgspec.Struct):
    filename: str
    reason: str


class _Report(msgspec.Struct):
    # No defaults: `metrics` is what says that a scan took place, `errors` what it could not read.
    results: list[_Issue]
    errors: list[_Unread]
    metrics: dict[str, Any]


def _argv(job: Job) -> tuple[str, ...]:
    # Without -x Bandit leaves .tox, .eggs and others out. --ini, here an empty file, keeps it from looking for .bandit
    # in every folder of the tree; without -c it reads neither pyproject.toml nor setup.cfg.
    inline = () if job.honour_inline else ("--ignore-nosec",)
    ini = () if job.honour_config else ("--ini", "/dev/null")
    return (*job.command, "-r", "-q", "-f", "json", "-x", "", *ini, *inline, *job.args, ".")


class _Outside(msgspec.Struct):
    # What bandit-sarif-formatter puts into the `properties` of a run: the metrics of its JSON.
    metrics: dict[str, Any]


class _Part(msgspec.Struct):
    properties: _Outside


class _Log(msgspec.Struct):
    runs: list[_Part]


def _parse(raw: bytes) -> Report:
    if b'"runs"' not in raw:
        return _report(decode(raw, _Report, _TOOL))
    return _report(_of_sarif(raw))


def _of_sarif(raw: bytes) -> _Report:
    """Bandit's SARIF as what its JSON would have said. Raises ReportError for another tool's, and for one in parts."""
    log = decode(raw, _Log, _TOOL)
    runs, unread = sarif_log.read(raw)
    if len(runs) != 1 or unread or runs[0].unread or runs[0].name.lower() != _TOOL:
        names = ", ".join(one.name for one in runs)
        raise ReportError(f"this SARIF log is not one whole run of Bandit's; its runs: {names}", hint=_AS_SARIF)
    run = runs[0]
    notes = [note for one in run.invocations for note in one.tool_configuration_notifications]
    errors = [_Unread(path, note.message.text) for note in notes for path, _ in sarif_log.paths_of(run, note.locations)]
    if len(errors) < len(notes) or any(one.execution_successful is False for one in run.invocations):
        raise ReportError("Bandit says in its SARIF log that it failed", hint="Run it again.")
    metrics = {name.removeprefix("./"): value for name, value in log.runs[0].properties.metrics.items()}
    return _Report([_issue(run, part) for part in run.results], errors, metrics)


def _issue(run: sarif_log.Run, part: msgspec.Raw) -> _Issue:
    try:
        result = sarif_log.value(part, sarif_log.Result)
        severity, confidence = result.properties["issue_severity"], result.properties["issue_confidence"]
        ((path, region),) = sarif_log.paths_of(run, result.locations)
    except (msgspec.DecodeError, KeyError, ValueError) as error:
        raise ReportError(f"a result in Bandit's SARIF log is not as Bandit writes it: {error}") from error
    rule, first = sarif_log.rule_of(run, result), region.start_line or 0
    tags = (re.fullmatch(r"external/cwe/cwe-(\d+)", str(tag)) for tag in rule.properties.get("tags", ()))
    return _Issue(
        filename=path,
        test_id=result.rule_id,
        issue_severity=str(severity),
        issue_confidence=str(confidence),
        issue_text=result.message.text,
        line_number=first,
        line_range=[first, region.end_line or first],
        issue_cwe=next(({"id": int(found[1])} for found in tags if found), {}),
        more_info=rule.help_uri,
    )


_AS_SARIF = "Hand in another tool's log under that tool's name, or as sarif."


def _report(report: _Report) -> Report:
    unread = {one.filename for one in report.errors}
    return Report(
        findings=tuple(map(_finding, report.results)),
        gaps=(*map(_unread, report.errors), *(gap for issue in report.results for gap in _unrated(issue))),
        seen=frozenset(set(report.metrics) - {_TOTALS} - unread),
    )


def _unread(one: _Unread) -> Gap:
    return Gap(
        reason=GapReason.FILE_UNREAD,
        path=one.filename,
        message=f"Bandit did not read {one.filename}: {one.reason}.",
        remedy="Mend the file (Bandit reads UTF-8 and the syntax of the Python that it runs on), or exclude it.",
    )


def _unrated(issue: _Issue) -> tuple[Gap, ...]:
    if issue.issue_severity in _SEVERITIES:
        return ()
    message = f"Bandit rates {issue.test_id} {issue.issue_severity!r}, which hardgate does not know; it counts as high."
    remedy = f"Rate it in hardgate.yaml: severity: {{{issue.test_id}: medium}}"
    return (Gap(reason=GapReason.SEVERITY_UNKNOWN, path=issue.filename, message=message, remedy=remedy),)


def _finding(issue: _Issue) -> Finding:
    cwe = issue.issue_cwe.get("id")
    return Finding(
        scanner=_TOOL,
        rule=issue.test_id,
        kind=Kind.CODE,
        severity=_SEVERITIES.get(issue.issue_severity, Severity.HIGH),
        message=_message(issue),
        location=Location(
            path=issue.filename,
            line=issue.line_number,
            end_line=max((issue.line_number, *issue.line_range)),
        ),
        confidence=issue.issue_confidence.lower(),
        cwe=(f"CWE-{cwe}",) if cwe else (),
        fix=_FIXES.get(issue.test_id, ""),
        url=issue.more_info,
    )


def _message(issue: _Issue) -> str:
    if issue.test_id in _QUOTES_A_PASSWORD:
        return re.sub(r"(?s)[:'\"].*", " (hardgate leaves the value out)", issue.issue_text)
    return issue.issue_text


def _is_python(path: str) -> bool:
    return path.endswith((".py", ".pyw"))


BANDIT = Scanner(
    name=_TOOL,
    kinds=frozenset({Kind.CODE}),
    argv=_argv,
    parse=_parse,
    done_exits=frozenset({0, 1}),
    canary=Canary(files={"canary.py": b"eval(input())\n"}, rules=("B307",)),
    selects=_is_python,
    configs=lambda path: path.rpartition("/")[2] == ".bandit",
    planted=True,
    seconds=1.5,
    memory=100_000_000,
)
