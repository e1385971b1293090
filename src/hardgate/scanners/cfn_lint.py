"""cfn-lint: CloudFormation templates against the schemas of their resources, with rules for secrets and runtimes.

Report: https://github.com/aws-cloudformation/cfn-lint (`--format json`, a bare list), as 1.x and 0.87 write it.
Exit codes: https://github.com/aws-cloudformation/cfn-lint#exit-codes
"""

from __future__ import annotations

import glob
import re

import msgspec

from hardgate import templates
from hardgate.adapter import Canary, Job, Scanner, decode, refuse_empty
from hardgate.errors import ReportError
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Report, Severity

_TOOL = "cfn-lint"

# cfn-lint's levels say whether a template can be deployed, not what it risks: an unknown property is an error. So its
# words count one step lower here than they sound, and what a rule means for security is said below.
_LEVELS = {"Error": Severity.MEDIUM, "Warning": Severity.LOW, "Informational": Severity.INFO}

_RUNTIME = "Move to a runtime that AWS still mends: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"
_ENGINE = "Move to an engine version that AWS still mends."
# Rules that bear on security: severity, CWE, what to do. The judgement is ours; the comments say by what.
_RATED: dict[str, tuple[Severity, str, str]] = {
    # As gitleaks' and bandit's passwords here: whoever reads the template has it.
    "W2501": (Severity.HIGH, "CWE-798", "Revoke it, and use a dynamic reference: {{resolve:secretsmanager:...}}."),
    # The parameter is masked, and still passes through the hands of whoever deploys.
    "W1011": (Severity.LOW, "CWE-522", "Use a dynamic reference: {{resolve:secretsmanager:...}}."),
    # NoEcho hides a parameter; Metadata and Outputs show it again.
    "W2010": (Severity.MEDIUM, "CWE-200", "Take the parameter out of Metadata and Outputs."),
    # Any account may own a bucket of that name (the confused deputy of AWS' IAM guide).
    "W3663": (Severity.MEDIUM, "CWE-441", "Name the SourceAccount."),
    # No more security patches.
    "W2531": (Severity.MEDIUM, "CWE-1104", _RUNTIME),
    "E2531": (Severity.MEDIUM, "CWE-1104", _RUNTIME),
    "E2533": (Severity.MEDIUM, "CWE-1104", _RUNTIME),
    "W3690": (Severity.MEDIUM, "CWE-1104", _ENGINE),
    "W3691": (Severity.MEDIUM, "CWE-1104", _ENGINE),
}  # fmt: skip

# Not parsed (E0000), not transformed (E0001), a rule that crashed on it (E0002): what they hide is not known.
_UNREAD = {
    "E0000": "could not parse",
    "E0001": "could not apply the transforms of",
    "E0002": "could not apply all of its rules to",
}
# Each bit is a level that was found: 2 errors, 4 warnings, 8 informational. 1 and 32 are failures.
_DONE = frozenset(range(0, 16, 2))
_REGION = "us-east-1"  # which has every type of resource, and is cfn-lint's own default
_SECRET = re.compile(r"passw|secret|token|credential|(?:api|access|private|signing)[_-]?key|auth", re.IGNORECASE)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"", re.DOTALL)
_CONFIGS = frozenset({".cfnlintrc", ".cfnlintrc.yaml", ".cfnlintrc.yml"})


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`regions`: where the templates are deployed: what one of them does not offer is an error; empty: us-east-1.

    `informational`: also the rules of level I, which cfn-lint leaves out by itself.
    """

    regions: tuple[str, ...] = ()
    informational: bool = False


class _Point(msgspec.Struct):
    LineNumber: int


class _Span(msgspec.Struct):
    Start: _Point
    End: _Point
    Path: list[str | int] | None


class _Rule(msgspec.Struct):
    Id: str
    ShortDescription: str
    Source: str


class _Match(msgspec.Struct):
    Filename: str | None
    Level: str
    Location: _Span
    Message: str
    Rule: _Rule


def _argv(job: Job) -> tuple[str, ...]:
    regions = job.options.regions or (() if job.honour_config else (_REGION,))
    # Words of the command line go before those of a template, so each key by which a template could turn a rule off
    # is named here. Mandatory rules are not to be ignored, by whom ever.
    inline = (
        () if job.honour_inline else ("--mandatory-checks", "E", "W", "I", "--configure-rule", "E3012:strict=false")
    )
    return (
        *job.command, "--format", "json", "--non-zero-exit-code", "informational",
        *(() if job.honour_config else ("--config-file", "/dev/null")),
        *inline,
        *(("--include-checks", "I") if job.options.informational else ()),
        *(("--regions", *regions) if regions else ()),
        *job.args, "--", *(f"./{glob.escape(path)}" for path in job.files),
    )  # fmt: skip


def _parse(raw: bytes) -> Report:
    matches = refuse_empty(decode(raw, list[_Match], _TOOL), _TOOL)
    found = [one for one in matches if one.Rule.Id not in _UNREAD]
    unread = dict.fromkeys(_unread(one) for one in matches if one.Rule.Id in _UNREAD)
    return Report(
        findings=tuple(map(_finding, found)),
        gaps=(*unread, *(gap for one in found for gap in _unrated(one))),
    )


def _path(one: _Match) -> str:
    if not one.Filename:
        raise ReportError(
            f"cfn-lint looked at nothing: {one.Rule.Id}: {one.Message}",
            hint="Mend what it says of its settings: options, args, or the .cfnlintrc that hardgate.yaml honours.",
        )
    return one.Filename


def _unread(one: _Match) -> Gap:
    path = _path(one)
    # Of a crashed rule only the name: the text of its exception may quote the template.
    crashed = re.search(r"rule ([EWI]\d{4})", one.Message)
    why = crashed[1] if crashed else one.Message.splitlines()[0].replace("{filename}", path) if one.Message else ""
    return Gap(
        reason=GapReason.FILE_UNREAD,
        path=path,
        message=f"cfn-lint {_UNREAD[one.Rule.Id]} {path}, line {one.Location.Start.LineNumber} ({one.Rule.Id}: {why}).",
        remedy="Mend the template, or exclude the file when it is none.",
    )


def _unrated(one: _Match) -> tuple[Gap, ...]:
    if one.Rule.Id in _RATED or one.Level in _LEVELS:
        return ()
    message = f"cfn-lint rates {one.Rule.Id} {one.Level!r}, which hardgate does not know; it counts as high."
    remedy = f"Rate it in hardgate.yaml: severity: {{{one.Rule.Id}: low}}"
    return (Gap(reason=GapReason.SEVERITY_UNKNOWN, path=_path(one), message=message, remedy=remedy),)


def _finding(one: _Match) -> Finding:
    rated = _RATED.get(one.Rule.Id)
    return Finding(
        scanner=_TOOL,
        rule=one.Rule.Id,
        kind=Kind.MISCONFIGURATION,
        severity=rated[0] if rated else _LEVELS.get(one.Level, Severity.HIGH),
        severity_from="adapter" if rated else "tool",
        message=_message(one),
        location=Location(
            path=_path(one), line=one.Location.Start.LineNumber or None, end_line=one.Location.End.LineNumber or None
        ),
        cwe=(rated[1],) if rated else (),
        fix=rated[2] if rated else "",
        url=one.Rule.Source,
    )


def _message(one: _Match) -> str:
    """What cfn-lint says; where that may quote a secret, what the rule is about and the place in the template."""
    place = "/".join(map(str, one.Location.Path or ()))
    if _SECRET.search(f"{place} {one.Message}") and _QUOTED.search(one.Message):
        return f"{one.Rule.ShortDescription}: {place}" if place else one.Rule.ShortDescription
    return one.Message or one.Rule.ShortDescription


_CANARY = b"""\
Resources:
  Canary:
    Type: AWS::RDS::DBInstance
    Properties:
      DBInstanceClass: db.t3.micro
      Engine: mysql
      AllocatedStorage: "20"
      MasterUsername: canary
      MasterUserPassword: not-a-password
"""

CFN_LINT = Scanner(
    name=_TOOL,
    kinds=frozenset({Kind.MISCONFIGURATION}),
    options=Options,
    argv=_argv,
    parse=_parse,
    done_exits=_DONE,
    canary=Canary(files={"canary.template": _CANARY}, rules=("W2501",)),
    selects=lambda path: templates.may_be(path) and path not in _CONFIGS,
    recognises=templates.is_template,
    configs=lambda path: path in _CONFIGS,
    planted=True,
    seconds=4.0,
    memory=250_000_000,
)
