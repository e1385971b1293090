"""grype: known vulnerabilities of what lock files and requirements pin, by Anchore's database.

Report: `grype -o json` of 0.60 and later (grype/presenter/models of https://github.com/anchore/grype). What it says of
its database is an object of its own up to 0.87 (schema 5), and `status` in one since (schema 6).
"""

from __future__ import annotations

from typing import Any

import msgspec

from hardgate import locks, pins, rated
from hardgate.adapter import OUTSIDE, Canary, Job, Scanner, brief, decode
from hardgate.errors import ReportError
from hardgate.model import DataUse, Finding, Gap, GapReason, Kind, Location, Package, Report, Severity

_TOOL = "grype"
_DATABASE = "https://grype.anchore.io"
_WORDS = {
    "CRITICAL": Severity.CRITICAL, "HIGH": Severity.HIGH, "MEDIUM": Severity.MEDIUM, "LOW": Severity.LOW,
    "NEGLIGIBLE": Severity.INFO,
}  # fmt: skip
# Syft's names for sorts of packages (syft/pkg/type.go) and the ecosystem's name in OSV.
_ECOSYSTEMS = {
    "python": "PyPI", "npm": "npm", "go-module": "Go", "java-archive": "Maven", "gem": "RubyGems",
    "php-composer": "Packagist", "rust-crate": "crates.io", "dotnet": "NuGet", "dart-pub": "Pub", "hex": "Hex",
}  # fmt: skip


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`cache_dir`: a folder that has grype's database (GRYPE_DB_CACHE_DIR); without it one of hardgate's own."""

    cache_dir: str = ""


class _Fix(msgspec.Struct):
    versions: list[str] | None = None
    state: str = ""


class _Named(msgspec.Struct):
    id: str


class _Weakness(msgspec.Struct):
    cwe: str = ""


class _Vulnerability(msgspec.Struct, rename="camel"):
    id: str
    severity: str
    fix: _Fix
    description: str = ""
    data_source: str = ""
    known_exploited: list[Any] = []
    cwes: list[_Weakness] = []


class _Place(msgspec.Struct):
    path: str


class _Artifact(msgspec.Struct):
    name: str
    version: str
    type: str
    locations: list[_Place]
    purl: str = ""


class _IgnoreRule(msgspec.Struct):
    reason: str = ""


class _Match(msgspec.Struct, rename="camel"):
    vulnerability: _Vulnerability
    artifact: _Artifact
    related_vulnerabilities: list[_Named]
    # Only of a match that is in `ignoredMatches`.
    applied_ignore_rules: list[_IgnoreRule] | None = None


class _Status(msgspec.Struct, rename="camel"):
    # In itself up to schema 5, in `status` since: then it says whether it is valid.
    built: str | None = None
    schema_version: int | str = ""
    error: Any = None
    valid: bool = True
    status: Any = None


class _Descriptor(msgspec.Struct):
    name: str
    version: str
    db: _Status | None = None


class _Source(msgspec.Struct):
    type: str
    target: Any


class _Report(msgspec.Struct, rename="camel"):
    # No defaults for what says that it is one, of grype.
    matches: list[_Match]
    descriptor: _Descriptor
    source: _Source | None
    ignored_matches: list[_Match] = []


def _argv(job: Job) -> tuple[str, ...]:
    # Its configuration files are renamed in the private copy (see `configs`), and the home is an empty folder.
    return (*job.command, "dir:.", "--output", "json", *job.args)


def _environment(job: Job) -> dict[str, str]:
    # The age of its database is for the policy to judge (max_advisory_age), by the date in the report.
    return {
        "GRYPE_CHECK_FOR_APP_UPDATE": "false",
        "GRYPE_DB_AUTO_UPDATE": "true" if job.online else "false",
        "GRYPE_DB_VALIDATE_AGE": "false",
        "GRYPE_DB_CACHE_DIR": job.options.cache_dir or f"{job.cache or job.scratch}/grype",
    }


def prepare(job: Job, content: bytes) -> pins.Prepared:
    """A requirements file reduced to its exact pins, with a gap for each other line: grype passes those by."""
    return pins.prepare(job.subject, content, frozenset(job.files))


def _rewrites(job: Job) -> tuple[str, ...]:
    return tuple(path for path in job.files if pins.is_requirements(path))


def _parse(raw: bytes) -> Report:
    report = decode(raw, _Report, _TOOL)
    if report.descriptor.name != _TOOL:
        raise ReportError(f"this is a report of {report.descriptor.name!r}, and not of grype")
    rooted = report.source is not None and report.source.type == "directory"
    matches = [*report.matches, *report.ignored_matches]
    findings = tuple(_finding(one, rooted=rooted) for one in matches)
    data, gaps = _data(report.descriptor.db)
    gaps += [_unrated(one) for one in findings if rated.source(one.severity_from) == "adapter"]
    if not matches:
        gaps.append(_NOTHING)
    return Report(findings=findings, gaps=tuple(gaps), version=report.descriptor.version, data=data)


def _data(told: _Status | None) -> tuple[DataUse | None, list[Gap]]:
    """The data that was used, and a gap where the report does not tell it or says that it is not good."""
    if told is not None and told.status is not None:
        try:
            told = msgspec.convert(told.status, _Status)
        except msgspec.ValidationError as error:
            raise ReportError(f"grype's report says of its database what hardgate cannot read: {error}") from error
    if told is None or not told.built:
        return None, [_no_data("grype's report does not say by which database, of which day, it judged")]
    if told.error or not told.valid:
        return None, [_no_data(f"grype says that its database is not valid: {told.error or 'without a reason'}")]
    return DataUse(source=f"grype's database, schema {told.schema_version}", date=told.built), []


def _no_data(what: str) -> Gap:
    remedy = "Get the database anew (grype db update), and run grype again."
    return Gap(reason=GapReason.DATA_UNAVAILABLE, message=f"{what}.", remedy=remedy)


_NOTHING = Gap(
    reason=GapReason.FILE_UNREAD,
    message="grype matched nothing, and its report does not say whether it read any package.",
    remedy="Run it through hardgate, which plants a known-bad requirement beside the files.",
)


def _finding(one: _Match, *, rooted: bool) -> Finding:
    flaw, package = one.vulnerability, one.artifact
    severity = _WORDS.get(flaw.severity.upper())
    text = brief(flaw.description) or flaw.id
    fixed = tuple(flaw.fix.versions or ())
    return Finding(
        scanner=_TOOL,
        rule=flaw.id,
        kind=Kind.DEPENDENCY,
        severity=severity or Severity.HIGH,
        severity_from=rated.told("tool" if severity else "adapter", [rated.EXPLOITED] if flaw.known_exploited else []),
        message=f"{package.name} {package.version}: {text}{_ignored(one)}",
        location=Location(path=_path(package.locations, rooted=rooted)),
        cwe=tuple(dict.fromkeys(weakness.cwe for weakness in flaw.cwes if weakness.cwe)),
        ids=tuple(dict.fromkeys((flaw.id, *(other.id for other in one.related_vulnerabilities)))),
        fix=f"Upgrade {package.name} to {' or '.join(fixed)}" if fixed else _NO_FIX,
        url=flaw.data_source,
        package=Package(
            ecosystem=_ECOSYSTEMS.get(package.type, package.type),
            name=package.name,
            version=package.version,
            purl=package.purl,
            fixed=fixed,
        ),
    )


_NO_FIX = "No release is known to mend this: replace the package, or accept the risk in writing."


def _ignored(one: _Match) -> str:
    if one.applied_ignore_rules is None:
        return ""
    reasons = ", ".join(dict.fromkeys(rule.reason for rule in one.applied_ignore_rules if rule.reason))
    return f" (grype was asked to ignore this: {reasons or 'no reason given'})"


def _path(places: list[_Place], *, rooted: bool) -> str:
    """The first place of a package. In a scan of a folder, grype writes paths as if that were the root."""
    path = places[0].path if places else ""
    return path.lstrip("/") if rooted else path


def _unrated(finding: Finding) -> Gap:
    return Gap(
        reason=GapReason.SEVERITY_UNKNOWN,
        path=finding.location.path,
        message=f"grype gives {finding.rule} no severity that hardgate knows: it counts as high.",
        remedy=f"Rate it in hardgate.yaml: grype: {{severity: {{{finding.rule}: medium}}}}.",
    )


def _configures(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name in {".grype.yaml", ".grype.yml", ".syft.yaml"} or path.endswith((".grype/config.yaml", "grype.yaml"))


GRYPE = Scanner(
    name=_TOOL,
    kinds=frozenset({Kind.DEPENDENCY}),
    options=Options,
    argv=_argv,
    parse=_parse,
    done_exits=frozenset({0}),
    # CVE-2019-10906, which grype reports by the GitHub advisory.
    canary=Canary(files={"requirements.txt": b"jinja2==2.4.1\n"}, rules=("GHSA-462w-v97r-4m45",)),
    selects=lambda path: pins.is_requirements(path) or bool(locks.ecosystem(path)),
    configs=_configures,
    planted=True,
    prepare=prepare,
    rewrites=_rewrites,
    environment=_environment,
    address=lambda _options: _DATABASE,
    data=lambda _job: DataUse(source="grype's database"),
    tool=lambda _options: f"{OUTSIDE}{_TOOL}",
    seconds=6.0,
    memory=500_000_000,
)
