"""npm audit: known vulnerabilities of what npm's lock files pin, as the registry knows them.

Reports: https://docs.npmjs.com/cli/v11/commands/npm-audit; of npm 7 and later (`auditReportVersion` 2), and of npm 6
(`advisories`).
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import msgspec

from hardgate.adapter import OUTSIDE, Canary, Job, Scanner, decode
from hardgate.errors import ReportError
from hardgate.model import DataUse, Finding, Gap, GapReason, Kind, Location, Package, Report, Severity

_TOOL = "npm-audit"
_LOCK, _SHRINKWRAP = "package-lock.json", "npm-shrinkwrap.json"
_REGISTRY = "https://registry.npmjs.org/"
# https://docs.npmjs.com/about-audit-reports#severity
_SEVERITIES = {
    "critical": Severity.CRITICAL, "high": Severity.HIGH, "moderate": Severity.MEDIUM, "low": Severity.LOW,
    "info": Severity.INFO,
}  # fmt: skip
_GHSA = re.compile(r"GHSA(?:-[0-9a-z]{4}){3}")
_CWE = re.compile(r"CWE-\d+")


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`registry`: the npm registry that is asked what is vulnerable."""

    registry: Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s@]+$(?!\n)")] = _REGISTRY


class _Advisory(msgspec.Struct):
    source: int | str
    name: str
    title: str
    url: str
    severity: str
    range: str
    cwe: list[str] = []


class _Better(msgspec.Struct):
    name: str
    version: str


class _Vulnerable(msgspec.Struct, rename="camel"):
    name: str
    via: list[_Advisory | str]
    nodes: list[str]
    fix_available: bool | _Better


class _Total(msgspec.Struct):
    total: int


class _Counts(msgspec.Struct):
    vulnerabilities: _Total
    dependencies: _Total


class _Now(msgspec.Struct):
    vulnerabilities: dict[str, _Vulnerable]
    metadata: _Counts


class _Installed(msgspec.Struct):
    version: str
    paths: list[str]


class _Older(msgspec.Struct):
    id: int
    title: str
    module_name: str
    severity: str
    url: str
    findings: list[_Installed]
    cves: list[str]
    patched_versions: str
    recommendation: str = ""
    cwe: str | list[str] = ""
    github_advisory_id: str = ""


class _OlderCounts(msgspec.Struct, rename="camel"):
    total_dependencies: int


class _Before(msgspec.Struct):
    advisories: dict[str, _Older]
    metadata: _OlderCounts


class _Head(msgspec.Struct, rename="camel"):
    """What tells one sort of document from another; `error` and `message` are of one that judged nothing."""

    audit_report_version: int | None = None
    advisories: Any = None
    error: Any = None
    message: str = ""


def _split(job: Job) -> tuple[Job, ...]:
    """One start for each lock file; npm does not look at one that has a shrinkwrap beside it."""
    files = frozenset(job.files)
    return tuple(
        dataclasses.replace(job, subject=path)
        for path in job.files
        if path.endswith(_SHRINKWRAP) or posixpath.join(posixpath.dirname(path), _SHRINKWRAP) not in files
    )


def _argv(job: Job) -> tuple[str, ...]:
    folder = posixpath.dirname(job.subject)
    # Of the lock file alone: nothing is installed, and no script of a package started.
    reading = ("--package-lock-only", "--ignore-scripts", "--prefix", f"./{folder}")
    whole = tuple(f"--include={group}" for group in ("prod", "dev", "optional", "peer"))
    return (*job.command, "audit", "--json", *reading, *whole, *job.args)


def _environment(job: Job) -> Mapping[str, str]:
    """npm's settings that go before those of any .npmrc: https://docs.npmjs.com/cli/v11/using-npm/config."""
    quiet = {"npm_config_update_notifier": "false", "npm_config_fund": "false", "npm_config_fetch_retries": "1"}
    if job.honour_config and job.options.registry == _REGISTRY:
        return quiet
    return quiet | {"npm_config_registry": job.options.registry}


def _parse(raw: bytes) -> Report:
    head = decode(raw, _Head, _TOOL)
    if head.error is not None or head.message:
        raise ReportError(f"npm audit judged nothing: {_reason(head)}", hint=_HINT)
    if head.audit_report_version is None and head.advisories is not None:
        return _before(decode(raw, _Before, _TOOL))
    if head.audit_report_version != 2:  # noqa: PLR2004 (the version of npm 7 to 11)
        raise ReportError(
            f"npm audit's report is of version {head.audit_report_version}", hint="hardgate reads 2, and npm 6."
        )
    return _now(decode(raw, _Now, _TOOL))


_HINT = "See whether the registry answers, whether it has an audit service, and whether the lock file is whole."


def _reason(head: _Head) -> str:
    error = head.error if isinstance(head.error, dict) else {}
    words = (str(error.get(key) or "") for key in ("code", "summary"))
    told = ": ".join(filter(None, words)) or head.message or "it gives no reason"
    return re.sub(r"//[^/@\s]*@", "//", told)


def _now(report: _Now) -> Report:
    found, counts = report.vulnerabilities, report.metadata
    if counts.vulnerabilities.total != len(found):
        raise ReportError(f"npm audit counts {counts.vulnerabilities.total} packages and lists {len(found)}")
    if not counts.dependencies.total:
        return Report(gaps=(_NOTHING,))
    strange = [via for one in found.values() for via in one.via if isinstance(via, str) and via not in found]
    if strange:
        raise ReportError(f"npm audit names {strange[0]} as vulnerable and does not say by what")
    pairs = [(one, via) for one in found.values() for via in one.via if isinstance(via, _Advisory)]
    gaps = (gap for _, via in pairs for gap in _unrated(_name(via.url, via.source), via.severity))
    return Report(findings=tuple(_finding(one, via) for one, via in pairs), gaps=tuple(dict.fromkeys(gaps)))


_NOTHING = Gap(
    reason=GapReason.FILE_UNREAD,
    message="npm audit found no package in the lock file: it judged nothing.",
    remedy="Make the lock file anew (npm install --package-lock-only), or exclude it when it is none.",
)


def _name(url: str, number: int | str) -> str:
    """The advisory by the name that other databases know too, else by npm's number."""
    known = _GHSA.search(url)
    return known[0] if known else f"npm:{number}"


def _unrated(rule: str, word: str) -> tuple[Gap, ...]:
    if word in _SEVERITIES:
        return ()
    message = f"npm audit rates {rule} {word!r}, which hardgate does not know; it counts as high."
    remedy = f"Rate it in hardgate.yaml: severity: {{{rule}: low}}"
    return (Gap(reason=GapReason.SEVERITY_UNKNOWN, message=message, remedy=remedy),)


def _finding(one: _Vulnerable, via: _Advisory) -> Finding:
    rule = _name(via.url, via.source)
    places = f", at {', '.join(one.nodes[:3])}" if one.nodes else ""
    return Finding(
        scanner=_TOOL,
        rule=rule,
        kind=Kind.DEPENDENCY,
        severity=_SEVERITIES.get(via.severity, Severity.HIGH),
        message=f"{via.name} {via.range}: {via.title}{places}",
        location=Location(path=""),
        cwe=tuple(dict.fromkeys(word for word in via.cwe if _CWE.fullmatch(word))),
        ids=(rule,),
        fix=_fix(one),
        url=via.url,
        package=_package(via.name, ""),
    )


def _fix(one: _Vulnerable) -> str:
    if isinstance(one.fix_available, _Better):
        better = one.fix_available
        brings = "" if better.name == one.name else f", which brings {one.name} without it"
        return f"Upgrade {better.name} to {better.version}{brings}"
    if one.fix_available:
        return f"Run npm audit fix: a release of {one.name} without it fits what package.json asks for."
    return f"No release of {one.name} mends this: replace it, or accept the risk in writing."


def _package(name: str, version: str) -> Package:
    """https://github.com/package-url/purl-spec/blob/main/types-doc/npm-definition.md: the @ of a scope is encoded."""
    at = f"@{quote(version)}" if version else ""
    return Package(ecosystem="npm", name=name, version=version, purl=f"pkg:npm/{quote(name, safe='/')}{at}")


def _before(report: _Before) -> Report:
    if not report.metadata.total_dependencies:
        return Report(gaps=(_NOTHING,))
    pairs = [(one, version) for one in report.advisories.values() for version in sorted(_versions(one))]
    gaps = (gap for one, _ in pairs for gap in _unrated(_older_name(one), one.severity))
    return Report(findings=tuple(_older(one, version) for one, version in pairs), gaps=tuple(dict.fromkeys(gaps)))


def _versions(one: _Older) -> set[str]:
    versions = {found.version for found in one.findings}
    if not versions:
        raise ReportError(f"npm audit has the advisory {one.id} and does not say for which release")
    return versions


def _older_name(one: _Older) -> str:
    return one.github_advisory_id or _name(one.url, one.id)


def _older(one: _Older, version: str) -> Finding:
    rule = _older_name(one)
    cwe = [one.cwe] if isinstance(one.cwe, str) else one.cwe
    none = f"No release of {one.module_name} mends this: replace it, or accept the risk in writing."
    return Finding(
        scanner=_TOOL,
        rule=rule,
        kind=Kind.DEPENDENCY,
        severity=_SEVERITIES.get(one.severity, Severity.HIGH),
        message=f"{one.module_name} {version}: {one.title}",
        location=Location(path=""),
        cwe=tuple(dict.fromkeys(found for word in cwe for found in _CWE.findall(word))),
        ids=(rule, *sorted(set(one.cves) - {rule})),
        # `<0.0.0` is npm's way of saying that nothing is mended.
        fix=none if one.patched_versions in {"", "<0.0.0"} else f"Upgrade {one.module_name} to {one.patched_versions}",
        url=one.url,
        package=_package(one.module_name, version),
    )


_BAIT = b"""\
{"name": "canary", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": {
 "": {"name": "canary", "version": "1.0.0", "dependencies": {"lodash": "4.17.4"}},
 "node_modules/lodash": {"version": "4.17.4"}}}
"""

NPM_AUDIT = Scanner(
    name=_TOOL,
    kinds=frozenset({Kind.DEPENDENCY}),
    options=Options,
    argv=_argv,
    parse=_parse,
    done_exits=frozenset({0, 1}),
    # lodash 4.17.4 of 2016: its prototype pollution CVE-2019-10744 is critical in every database.
    canary=Canary(files={_LOCK: _BAIT}, rules=("GHSA-jf85-cpcp-j695",)),
    selects=lambda path: posixpath.basename(path) in {_LOCK, _SHRINKWRAP},
    configs=lambda path: posixpath.basename(path) == ".npmrc",
    split=_split,
    environment=_environment,
    address=lambda options: str(options.registry),
    data=lambda job: DataUse(source=job.options.registry),
    tool=lambda _options: f"{OUTSIDE}npm",
    # The digest of npm's start script says nothing of npm.
    reusable=False,
    seconds=4.0,
    memory=150_000_000,
)
