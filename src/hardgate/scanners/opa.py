"""opa: the repository's own Rego policies over its Terraform plans, Kubernetes manifests and other JSON and YAML.

The engine is that of Open Policy Agent, as a library; what asks it is hardgate.rego, a process of its own like every
other tool. Names and rules are those of conftest (https://www.conftest.dev/): namespaces, deny, violation, warn,
exception. The report is hardgate.rego's.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Literal

import msgspec

from hardgate import policies
from hardgate.adapter import Job, Scanner, decode
from hardgate.errors import ReportError
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Report, Severity
from hardgate.policies import CANARY, SEVERITIES, Options

_TOOL = "opa"


class _Found(msgspec.Struct):
    namespace: str
    rule: str
    id: str
    message: str
    severity: str | None  # None: the policy states none
    address: str
    url: str
    excepted: bool
    path: str


class _Missed(msgspec.Struct):
    reason: GapReason
    message: str
    remedy: str
    path: str


class _Report(msgspec.Struct):
    # Without defaults: a report that does not say by what it judged what is none.
    version: Literal[1]
    opa: str
    policies: list[str]
    data: list[str]
    read: list[str]
    namespaces: dict[str, list[str]]
    tests: int
    findings: list[_Found]
    gaps: list[_Missed]


def _argv(job: Job) -> tuple[str, ...]:
    options = job.options
    planted, prove = policies.planted(job.files)
    inputs = [path for path in job.files if path != prove and not path.endswith(".rego")]
    spaces = tuple(f"--namespace={one}" for one in options.namespaces) or (f"--namespace={policies.MAIN}", "--whole")
    if options.all_namespaces:
        spaces = ("--all-namespaces",)
    return (
        *job.command,
        *(f"--policy={one}" for one in (*options.policy, planted) if one),
        *(f"--data={one}" for one in options.data),
        *spaces, f"--proof={policies.PROOF}", f"--prove={prove}", *(f"--input={one}" for one in inputs), *job.args,
    )  # fmt: skip


def _parse(raw: bytes) -> Report:
    report = decode(raw, _Report, _TOOL)
    if not report.gaps and not (report.policies and report.read and any(report.namespaces.values())):
        raise ReportError("opa's report names no policy, no rule or no input: nothing was judged")
    return Report(
        findings=tuple(_finding(one, report) for one in report.findings),
        gaps=(*map(_gap, report.gaps), *(gap for one in report.findings for gap in _unrated(one))),
        seen=frozenset(report.read),
        version=report.opa,
    )


def _gap(one: _Missed) -> Gap:
    return Gap(reason=one.reason, message=one.message, remedy=one.remedy, path=one.path)


def _name(one: _Found) -> str:
    return f"{one.namespace}.{one.rule}" + (f":{one.id}" if one.id else "")


def _finding(one: _Found, report: _Report) -> Finding:
    if one.rule not in report.namespaces.get(one.namespace, ()):
        raise ReportError(f"opa's report has a finding of {one.namespace}.{one.rule}, which it does not name as a rule")
    default = Severity.LOW if one.rule.startswith("warn") else Severity.HIGH
    place = f" ({one.address})" if one.address and one.address not in one.message else ""
    excepted = " (an `exception` rule of the policy names it)" if one.excepted else ""
    return Finding(
        scanner=_TOOL,
        rule=_name(one),
        kind=Kind.MISCONFIGURATION,
        severity=default if one.severity is None else SEVERITIES.get(one.severity.lower(), Severity.HIGH),
        severity_from="adapter" if one.severity is None else "tool",
        message=f"{one.message}{place}{excepted}",
        location=Location(path=one.path),
        url=one.url,
    )


def _unrated(one: _Found) -> tuple[Gap, ...]:
    if one.severity is None or one.severity.lower() in SEVERITIES:
        return ()
    message = f"{_name(one)} has the severity {one.severity!r}, which hardgate does not know; it counts as high."
    remedy = f"Write critical, high, medium, low or info in the policy, or rate it: severity: {{{_name(one)}: low}}"
    return (Gap(reason=GapReason.SEVERITY_UNKNOWN, path=one.path, message=message, remedy=remedy),)


def _fit(options: Options) -> Scanner:
    return dataclasses.replace(
        OPA,
        selects=functools.partial(policies.selects, options),
        configs=functools.partial(policies.configs, options),
    )


OPA = Scanner(
    name=_TOOL,
    kinds=frozenset({Kind.MISCONFIGURATION}),
    options=Options,
    argv=_argv,
    parse=_parse,
    done_exits=frozenset({0}),
    canary=CANARY,
    selects=functools.partial(policies.selects, Options()),
    configs=functools.partial(policies.configs, Options()),
    obeys=True,
    planted=True,
    # A policy may read the clock.
    reusable=False,
    fit=_fit,
    seconds=1.0,
    memory=200_000_000,
)
