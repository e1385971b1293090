"""opa: the repository's own Rego policies over its Terraform plans, Kubernetes manifests and other JSON and YAML.

The engine is that of Open Policy Agent, as a library; what asks it is hardgate.rego, a process of its own like every
other tool. Names and rules are those of conftest (https://www.conftest.dev/): namespaces, deny, violation, warn,
exception. The report is hardgate.rego's.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
from typing import Annotated, Literal

import msgspec

from hardgate.adapter import Canary, Job, Scanner, decode
from hardgate.errors import ReportError
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Report, Severity

_TOOL = "opa"
_PROOF = "hardgate_canary"
_PLANTED = "hardgate-canary-"
_DATA = (".json", ".yaml", ".yml")

# What a policy may write under `severity`: the words of Security Hub, Trivy and Regal, and SARIF's levels.
_SEVERITIES = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "error": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "moderate": Severity.MEDIUM,
    "warning": Severity.MEDIUM,
    "low": Severity.LOW,
    "note": Severity.LOW,
    "info": Severity.INFO,
    "informational": Severity.INFO,
}

_Inside = Annotated[str, msgspec.Meta(pattern=r"^(?!/)(?!(.*/)?\.\.(/|$)).+$(?!\n)")]
_Word = Annotated[str, msgspec.Meta(min_length=1)]


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`policy`: folders with .rego files, or single ones; `inputs`: globs of the files to judge.

    `namespaces`: the packages whose rules count; `all_namespaces`: every package that has such rules instead; `data`:
    folders or files of JSON and YAML that the policies see as `data`.
    """

    policy: Annotated[tuple[_Inside, ...], msgspec.Meta(min_length=1)] = ("policy",)
    inputs: Annotated[tuple[_Word, ...], msgspec.Meta(min_length=1)] = ("tfplan.json", "*.tfplan.json")
    namespaces: Annotated[tuple[_Word, ...], msgspec.Meta(min_length=1)] = ("main",)
    all_namespaces: bool = False
    data: tuple[_Inside, ...] = ()


class _Found(msgspec.Struct):
    namespace: str
    rule: str
    id: str
    message: str
    severity: str
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
    # The engine plants the canary last; a folder of the repository's own with such a name stays a folder.
    planted = next((path for path in reversed(job.files) if path.endswith(".rego")), "")
    prove = planted.removesuffix(".rego") + ".json" if planted else ""
    inputs = [path for path in job.files if path != prove and not path.endswith(".rego")]
    spaces = (
        ("--all-namespaces",) if options.all_namespaces else tuple(f"--namespace={one}" for one in options.namespaces)
    )
    return (
        *job.command,
        *(f"--policy={one}" for one in (*options.policy, planted) if one),
        *(f"--data={one}" for one in options.data),
        *spaces, f"--proof={_PROOF}", f"--prove={prove}", *(f"--input={one}" for one in inputs), *job.args,
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
        severity=_SEVERITIES.get(one.severity.lower(), Severity.HIGH) if one.severity else default,
        severity_from="tool" if one.severity else "adapter",
        message=f"{one.message}{place}{excepted}",
        location=Location(path=one.path),
        url=one.url,
    )


def _unrated(one: _Found) -> tuple[Gap, ...]:
    if not one.severity or one.severity.lower() in _SEVERITIES:
        return ()
    message = f"{_name(one)} has the severity {one.severity!r}, which hardgate does not know; it counts as high."
    remedy = f"Write critical, high, medium, low or info in the policy, or rate it: severity: {{{_name(one)}: low}}"
    return (Gap(reason=GapReason.SEVERITY_UNKNOWN, path=one.path, message=message, remedy=remedy),)


def _within(path: str, places: tuple[str, ...]) -> bool:
    clean = [place.removeprefix("./").rstrip("/") for place in places]
    return any(place in {".", ""} or path == place or path.startswith(f"{place}/") for place in clean)


def _configs(options: Options, path: str) -> bool:
    """The policies and their data: as the base has them, so that a change does not judge itself by its own."""
    policy = path.endswith(".rego") and _within(path, options.policy)
    return policy or (path.endswith(_DATA) and _within(path, options.data))


def _selects(options: Options, path: str) -> bool:
    name = path.rpartition("/")[2]
    if path.startswith(_PLANTED) and name in _CANARY.files:
        return True
    wanted = any(fnmatch.fnmatchcase(path, glob) or fnmatch.fnmatchcase(name, glob) for glob in options.inputs)
    return wanted and not path.endswith(".rego") and not _configs(options, path)


def _fit(options: Options) -> Scanner:
    return dataclasses.replace(
        OPA, selects=functools.partial(_selects, options), configs=functools.partial(_configs, options)
    )


_CANARY = Canary(
    files={
        "canary.rego": b"package hardgate_canary\n\ndeny contains message if {\n"
        b'\tinput.hardgate_canary == "planted"\n\tmessage := "the canary was found"\n}\n',
        "canary.json": b'{"hardgate_canary": "planted"}\n',
    },
    rules=(f"{_PROOF}.deny",),
)

OPA = Scanner(
    name=_TOOL,
    kinds=frozenset({Kind.MISCONFIGURATION}),
    options=Options,
    argv=_argv,
    parse=_parse,
    done_exits=frozenset({0}),
    canary=_CANARY,
    selects=functools.partial(_selects, Options()),
    configs=functools.partial(_configs, Options()),
    obeys=True,
    planted=True,
    # A policy may read the clock.
    reusable=False,
    fit=_fit,
    seconds=1.0,
    memory=200_000_000,
)
