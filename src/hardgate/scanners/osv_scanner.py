"""osv-scanner: known vulnerabilities of what lock files and requirements pin, by OSV.

Report: `osv-scanner --format json` of 1.x and 2.x (pkg/models/results.go of https://github.com/google/osv-scanner).
hardgate starts 2.x, and has it list every package: only so its report says which files it read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from hardgate import pins, purls
from hardgate.adapter import OUTSIDE, Canary, Job, Scanner, brief, decode
from hardgate.errors import ReportError
from hardgate.model import DataUse, Finding, Gap, GapReason, Kind, Location, Package, Report, Severity

_TOOL = "osv-scanner"
# What 2.x reads in a folder (docs/supported_languages_and_lockfiles.md), beside requirements files.
_LISTS = frozenset(
    {
        "conan.lock", "pubspec.lock", "mix.lock", "go.mod", "cabal.project.freeze", "stack.yaml.lock",
        "buildscript-gradle.lockfile", "gradle.lockfile", "pom.xml", "package-lock.json", "pnpm-lock.yaml",
        "yarn.lock", "deps.json", "packages.config", "packages.lock.json", "composer.lock", "Pipfile.lock",
        "poetry.lock", "pdm.lock", "uv.lock", "renv.lock", "Gemfile.lock", "Cargo.lock",
    }
)  # fmt: skip
# The bands of CVSS 3.1, section 5, for the base score that osv-scanner works out of the advisory's vectors.
_BANDS = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
# The words of GitHub's database, where an advisory has no vector.
_WORDS = {
    "CRITICAL": Severity.CRITICAL, "HIGH": Severity.HIGH, "MODERATE": Severity.MEDIUM, "MEDIUM": Severity.MEDIUM,
    "LOW": Severity.LOW,
}  # fmt: skip


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`databases`: a folder with OSV's databases (OSV_SCANNER_LOCAL_DB_CACHE_DIRECTORY): osv.dev is then not asked."""

    databases: str = ""


class _Event(msgspec.Struct):
    fixed: str = ""


class _Range(msgspec.Struct):
    type: str = ""
    events: list[_Event] = []


class _Of(msgspec.Struct, frozen=True):
    name: str = ""


class _Affected(msgspec.Struct):
    package: _Of = _Of()
    ranges: list[_Range] = []


class _Advisory(msgspec.Struct):
    id: str
    aliases: list[str] = []
    summary: str = ""
    details: str = ""
    affected: list[_Affected] = []
    database_specific: dict[str, Any] = {}


class _Called(msgspec.Struct):
    called: bool = True


class _Group(msgspec.Struct):
    ids: list[str]
    aliases: list[str] = []
    max_severity: str = ""
    experimental: dict[str, _Called] = msgspec.field(default_factory=dict, name="experimentalAnalysis")


class _Thing(msgspec.Struct):
    name: str
    version: str = ""
    ecosystem: str = ""
    commit: str = ""


class _Listed(msgspec.Struct):
    package: _Thing
    vulnerabilities: list[_Advisory] = []
    groups: list[_Group] = []
    license_violations: list[str] = []


class _Place(msgspec.Struct):
    path: str
    type: str


class _Source(msgspec.Struct):
    # No defaults: a source without its packages was not looked at.
    source: _Place
    packages: list[_Listed]


class _Report(msgspec.Struct):
    results: list[_Source]


def _argv(job: Job) -> tuple[str, ...]:
    # An empty --config takes the place of every osv-scanner.toml. Call analysis would build the code that is scanned.
    own = () if job.honour_config else ("--config", "/dev/null")
    offline = ("--offline",) if job.options.databases or not job.online else ()
    whole = ("--recursive", "--no-ignore", "--all-packages", "--all-vulns", "--no-call-analysis", "all")
    return (*job.command, "scan", "source", "--format", "json", *whole, *own, *offline, *job.args, ".")


def _environment(job: Job) -> dict[str, str]:
    return {"OSV_SCANNER_LOCAL_DB_CACHE_DIRECTORY": job.options.databases} if job.options.databases else {}


def prepare(job: Job, content: bytes) -> pins.Prepared:
    """A requirements file reduced to its exact pins, with a gap for each other line: osv-scanner guesses at those."""
    return pins.prepare(job.subject, content, frozenset(job.files))


def _rewrites(job: Job) -> tuple[str, ...]:
    return tuple(path for path in job.files if pins.is_requirements(path))


def _parse(raw: bytes) -> Report:
    results = decode(raw, _Report, _TOOL).results
    if not results:
        raise ReportError(
            "osv-scanner's report has no results: that is what a clean scan writes, and one that read nothing",
            hint="Run it through hardgate, or with --all-packages, so that it says what it read.",
        )
    findings, gaps = list[Finding](), list[Gap]()
    for one in results:
        if not one.packages:
            gaps.append(_empty(one.source.path))
        for listed in one.packages:
            gaps += _read(one.source.path, listed, findings)
    return Report(
        findings=tuple(findings), gaps=tuple(gaps), seen=frozenset(one.source.path for one in results if one.packages)
    )


def _empty(path: str) -> Gap:
    return Gap(
        reason=GapReason.FILE_UNREAD,
        path=path,
        message=f"osv-scanner found no package in {path}.",
        remedy="See whether it has any; if not, leave it out with osv-scanner: {exclude: [...]}.",
    )


def _read(path: str, listed: _Listed, findings: list[Finding]) -> Iterator[Gap]:
    """Add what was found of one package; a gap for each severity that is none."""
    by_id = {one.id: one for one in listed.vulnerabilities}
    for group in (*listed.groups, *_alone(listed)):
        members = [by_id[name] for name in group.ids if name in by_id]
        if not members:
            raise ReportError(f"osv-scanner's report has a group of {', '.join(group.ids)} and no such vulnerability")
        finding, clear = _finding(path, listed.package, group, members)
        findings.append(finding)
        if not clear:
            yield _unrated(finding, group.max_severity)
    findings += [_licensed(path, listed.package, name) for name in listed.license_violations]


def _alone(listed: _Listed) -> Iterator[_Group]:
    """Vulnerabilities that are in no group: in the first releases of 1.x there was none."""
    grouped = {name for group in listed.groups for name in group.ids}
    return (_Group(ids=[one.id]) for one in listed.vulnerabilities if one.id not in grouped)


def _finding(path: str, package: _Thing, group: _Group, members: list[_Advisory]) -> tuple[Finding, bool]:
    """The finding, and whether its severity is known or is said to be unknown."""
    ids = tuple(dict.fromkeys((*group.ids, *group.aliases, *(name for one in members for name in one.aliases))))
    rule = next((name for name in ids if name.startswith("CVE-")), ids[0])
    severity, source, clear = _severity(ids, group, members)
    fixed = _fixed(package, members)
    text = next((brief(word) for one in members for word in (one.summary, one.details) if word), rule)
    uncalled = bool(group.experimental) and not any(one.called for one in group.experimental.values())
    what = " ".join(filter(None, (package.name, package.version or package.commit)))
    finding = Finding(
        scanner=_TOOL,
        rule=rule,
        kind=Kind.DEPENDENCY,
        severity=severity,
        severity_from=source,
        message=f"{what}: {text}{_UNCALLED if uncalled else ''}",
        location=Location(path=path),
        cwe=_cwes(members),
        ids=(rule, *(name for name in ids if name != rule)),
        fix=_fix(package.name, fixed, malicious=_malicious(ids)),
        url=f"https://osv.dev/vulnerability/{group.ids[0]}",
        package=_package(package, fixed),
    )
    return finding, clear


_UNCALLED = " (osv-scanner's call analysis says that the code is not called)"


def _package(package: _Thing, fixed: tuple[str, ...]) -> Package:
    return Package(
        ecosystem=package.ecosystem,
        name=package.name,
        version=package.version or package.commit,
        purl=purls.of(package.ecosystem, package.name, package.version),
        fixed=fixed,
    )


def _severity(ids: tuple[str, ...], group: _Group, members: list[_Advisory]) -> tuple[Severity, str, bool]:
    """The severity, who it is from, and whether that is clear: a score that is no number is not."""
    if _malicious(ids):
        return Severity.CRITICAL, "adapter", True
    if re.fullmatch(r"(?:10|\d)(?:\.\d+)?", group.max_severity):
        score = float(group.max_severity)
        return next((band for least, band in _BANDS if score >= least), Severity.INFO), "tool", True
    words = [_WORDS[word] for one in members if (word := str(one.database_specific.get("severity")).upper()) in _WORDS]
    if words:
        return max(words, key=lambda one: one.rank), "tool", not group.max_severity
    return Severity.HIGH, "adapter", not group.max_severity


def _malicious(ids: tuple[str, ...]) -> bool:
    return any(name.startswith("MAL-") for name in ids)


def _cwes(members: list[_Advisory]) -> tuple[str, ...]:
    lists = [one.database_specific.get("cwe_ids") for one in members]
    return tuple(dict.fromkeys(str(name) for found in lists if isinstance(found, list) for name in found))


def _fixed(package: _Thing, members: list[_Advisory]) -> tuple[str, ...]:
    """The releases in which the advisories say that it is mended; not the commits."""
    affected = (part for one in members for part in one.affected if part.package.name.lower() == package.name.lower())
    ranges = (found for part in affected for found in part.ranges if found.type != "GIT")
    return tuple(dict.fromkeys(event.fixed for found in ranges for event in found.events if event.fixed))


def _fix(name: str, versions: tuple[str, ...], *, malicious: bool) -> str:
    if malicious:
        return f"Remove {name}, and treat every machine that installed it as compromised."
    if not versions:
        return f"No release of {name} is known to mend this: replace it, or accept the risk in writing."
    return f"Upgrade {name} to {' or '.join(versions)}"


def _licensed(path: str, package: _Thing, name: str) -> Finding:
    return Finding(
        scanner=_TOOL,
        rule=name,
        kind=Kind.LICENCE,
        severity=Severity.MEDIUM,
        severity_from="adapter",
        message=f"{package.name} {package.version} is under {name}, which the list of allowed licences does not have",
        location=Location(path=path),
        fix="Check that the licence allows what you do with it; if it does, waive this finding with the reason.",
    )


def _unrated(finding: Finding, word: str) -> Gap:
    return Gap(
        reason=GapReason.SEVERITY_UNKNOWN,
        path=finding.location.path,
        message=f"osv-scanner gives {finding.rule} the score {word!r}, which is none: it counts as {finding.severity}.",
        remedy=f"Rate it in hardgate.yaml: osv-scanner: {{severity: {{{finding.rule}: medium}}}}.",
    )


OSV_SCANNER = Scanner(
    name=_TOOL,
    kinds=frozenset({Kind.DEPENDENCY, Kind.LICENCE}),
    options=Options,
    argv=_argv,
    parse=_parse,
    # 127 is any error, 128 says that no package was found: both are a gap.
    done_exits=frozenset({0, 1}),
    canary=Canary(files={"requirements.txt": b"jinja2==2.4.1\n"}, rules=("CVE-2019-10906",)),
    selects=lambda path: pins.is_requirements(path) or path.rpartition("/")[2] in _LISTS,
    configs=lambda path: path.rpartition("/")[2] == "osv-scanner.toml",
    planted=True,
    prepare=prepare,
    rewrites=_rewrites,
    environment=_environment,
    address=lambda options: "" if options.databases else "https://api.osv.dev",
    data=lambda job: DataUse(source=job.options.databases or "OSV (api.osv.dev)"),
    tool=lambda _options: f"{OUTSIDE}{_TOOL}",
    seconds=4.0,
    memory=300_000_000,
)
