"""safety: known vulnerabilities of pinned releases, by the database of Safety Cybersecurity.

Reports: `safety check --output json` (report version 1 of Safety 2 and 1.1 of Safety 3), `safety scan --output json`
(schema 3.0), and the bare list of lists that `safety check --json` of Safety 1 wrote. hardgate runs `check`: it judges
one file, sends no results to its vendor, and states severities and fixes, while `scan` asks for a project on the
vendor's platform and states neither.
"""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import quote

import msgspec

from hardgate import pins
from hardgate.adapter import Canary, Job, Scanner, brief, decode, refuse_empty
from hardgate.errors import ReportError
from hardgate.model import DataUse, Finding, Gap, GapReason, Kind, Location, Package, Report, Severity

_TOOL = "safety"
_WORDS = {
    "CRITICAL": Severity.CRITICAL,
    "HIGH": Severity.HIGH,
    "MEDIUM": Severity.MEDIUM,
    "LOW": Severity.LOW,
    "NONE": Severity.INFO,
}


class _Score(msgspec.Struct):
    base_severity: str | None = None


class _Severity(msgspec.Struct):
    cvssv3: _Score | None = None


class _Vulnerability(msgspec.Struct):
    vulnerability_id: str
    package_name: str
    analyzed_version: str | None
    advisory: str
    fixed_versions: list[str]
    cve: str | None = msgspec.field(name="CVE")
    severity: _Severity | None
    more_info_url: str
    ignored_reason: str | None = None


class _Meta(msgspec.Struct):
    packages_found: int
    vulnerabilities_found: int
    safety_version: str


class _Check(msgspec.Struct):
    report_meta: _Meta
    scanned_packages: dict[str, Any]
    vulnerabilities: list[_Vulnerability]
    ignored_vulnerabilities: list[_Vulnerability]


class _Known(msgspec.Struct):
    id: str
    ignored: Any
    vulnerable_spec: Any = None


class _Vulnerabilities(msgspec.Struct):
    known_vulnerabilities: list[_Known]


class _Specification(msgspec.Struct):
    raw: str
    vulnerabilities: _Vulnerabilities


class _Dependency(msgspec.Struct):
    name: str
    specifications: list[_Specification]


class _Dependencies(msgspec.Struct):
    dependencies: list[_Dependency]


class _File(msgspec.Struct):
    location: str
    type: str
    results: _Dependencies


class _Project(msgspec.Struct):
    files: list[_File]


class _Projects(msgspec.Struct):
    projects: list[_Project]


class _Telemetry(msgspec.Struct):
    safety_version: str = ""


class _ScanMeta(msgspec.Struct):
    schema_version: str
    telemetry: _Telemetry | None = None


class _Scan(msgspec.Struct):
    meta: _ScanMeta
    scan_results: _Projects


class _Advised(msgspec.Struct, array_like=True):
    """A vulnerability as Safety 1 wrote it. The last two came with 1.10; that of CVSS 3 is an object."""

    package_name: str
    affected: str
    installed: str
    advisory: str
    number: str
    cvssv2: Any = None
    cvssv3: _Score | None = None


class _Shape(msgspec.Struct):
    # Which of the two reports it is.
    scan_results: Any = None


def _split(job: Job) -> tuple[Job, ...]:
    return tuple(dataclasses.replace(job, subject=path) for path in job.files)


def prepare(job: Job, content: bytes) -> pins.Prepared:
    """The requirements file `job.subject` reduced to its exact pins, with a gap for each line that is none.

    Safety 3.8 ignores what it finds for requirements that are not pinned.
    """
    return pins.prepare(job.subject, content, frozenset(job.files))


def _argv(job: Job) -> tuple[str, ...]:
    # The report goes to a file: on its standard output Safety puts announcements around the JSON.
    private = ("--disable-audit-and-monitor", "--no-prompt")
    report = ("--output", "json", "--save-json", job.report)
    reading = ("check", "--file", f"./{job.subject}")
    return (*job.command, "--disable-optional-telemetry", *reading, *report, *private, *job.args)


def _parse(raw: bytes) -> Report:
    if raw.lstrip().startswith(b"["):
        advised = refuse_empty(decode(raw, list[_Advised], _TOOL), _TOOL)
        return _found([_vulnerability(one) for one in advised])
    if decode(raw, _Shape, _TOOL).scan_results is not None:
        return _scan(decode(raw, _Scan, _TOOL))
    return _check(decode(raw, _Check, _TOOL))


def _check(report: _Check) -> Report:
    meta = report.report_meta
    if len(report.vulnerabilities) < meta.vulnerabilities_found:
        held = len(report.vulnerabilities)
        raise ReportError(f"safety's report counts {meta.vulnerabilities_found} vulnerabilities and holds {held}")
    read = _found([*report.vulnerabilities, *report.ignored_vulnerabilities])
    gaps = read.gaps if report.scanned_packages else (*read.gaps, _NOTHING)
    return msgspec.structs.replace(read, gaps=gaps, version=meta.safety_version)


def _found(found: list[_Vulnerability]) -> Report:
    gaps = tuple(_unrated(one) for one in found if _word(one) and _word(one) not in _WORDS)
    return Report(findings=tuple(map(_finding, found)), gaps=gaps)


def _vulnerability(one: _Advised) -> _Vulnerability:
    """As Safety 2 would have said it, but for the CVE, the fix and the page, which Safety 1 does not tell."""
    return _Vulnerability(
        vulnerability_id=one.number,
        package_name=one.package_name,
        analyzed_version=one.installed,
        advisory=f"{one.advisory} (affected: {one.affected})",
        fixed_versions=[],
        cve=None,
        severity=_Severity(one.cvssv3),
        more_info_url="",
    )


def _word(one: _Vulnerability) -> str:
    """The severity as Safety words it, "" when it states none."""
    return (one.severity.cvssv3.base_severity or "").upper() if one.severity and one.severity.cvssv3 else ""


def _finding(one: _Vulnerability) -> Finding:
    own = _WORDS.get(_word(one))
    text = brief(one.advisory)
    ignored = f" (a policy asks safety to ignore this: {one.ignored_reason})" if one.ignored_reason else ""
    name, version = one.package_name, one.analyzed_version or ""
    return Finding(
        scanner=_TOOL,
        rule=one.vulnerability_id,
        kind=Kind.DEPENDENCY,
        severity=own or Severity.HIGH,
        severity_from="tool" if own else "adapter",
        message=f"{name} {version}: {text}{ignored}",
        location=Location(path=""),
        ids=(one.vulnerability_id, *((one.cve,) if one.cve else ())),
        fix=_fix(name, one.fixed_versions),
        url=one.more_info_url,
        package=_package(name, version, one.fixed_versions),
    )


def _fix(name: str, versions: list[str]) -> str:
    if not versions:
        return f"No release of {name} mends this: replace it, or accept the risk in writing."
    return f"Upgrade {name} to {' or '.join(versions)}"


def _package(name: str, version: str, fixed: list[str]) -> Package:
    purl = f"pkg:pypi/{name}@{quote(version)}" if version else f"pkg:pypi/{name}"
    return Package(ecosystem="PyPI", name=name, version=version, purl=purl, fixed=tuple(fixed))


def _scan(report: _Scan) -> Report:
    files = [file for project in report.scan_results.projects for file in project.files]
    findings = tuple(
        _known(file, dependency.name, specification.raw, known)
        for file in files
        for dependency in file.results.dependencies
        for specification in dependency.specifications
        for known in specification.vulnerabilities.known_vulnerabilities
    )
    version = report.meta.telemetry.safety_version if report.meta.telemetry else ""
    return Report(findings=findings, gaps=() if files else (_NOTHING,), version=version)


def _known(file: _File, name: str, raw: str, known: _Known) -> Finding:
    version = raw.partition("==")[2].strip("= ")
    ignored = " (a policy asks safety to ignore this)" if known.ignored else ""
    return Finding(
        scanner=_TOOL,
        rule=known.id,
        kind=Kind.DEPENDENCY,
        severity=Severity.HIGH,
        severity_from="adapter",
        message=f"{raw} has the known vulnerability {known.id}{ignored}",
        location=Location(path=file.location),
        ids=(known.id,),
        fix=f"Upgrade {name} to a release that {known.id} does not name.",
        package=_package(name, version, []),
    )


def _unrated(one: _Vulnerability) -> Gap:
    return Gap(
        reason=GapReason.SEVERITY_UNKNOWN,
        message=f"safety calls {one.vulnerability_id} {_word(one)!r}, a severity that hardgate does not know: it "
        "counts as high.",
        remedy=f"Rate it in hardgate.yaml: safety: {{severity: {{{one.vulnerability_id}: medium}}}}.",
    )


_NOTHING = Gap(
    reason=GapReason.FILE_UNREAD,
    message="safety read no requirement: it judged nothing.",
    remedy="Pin the requirements to exact releases with ==, or take the file out of the scope.",
)


SAFETY = Scanner(
    name=_TOOL,
    kinds=frozenset({Kind.DEPENDENCY}),
    argv=_argv,
    parse=_parse,
    done_exits=frozenset({0, 64}),
    # Safety's own number for CVE-2019-10906 is not public, so the CVE is what must be found.
    canary=Canary(files={"requirements.txt": b"jinja2==2.4.1\n"}, rules=("CVE-2019-10906",)),
    selects=pins.is_requirements,
    configs=lambda path: path.rpartition("/")[2] in {".safety-policy.yml", ".safety-project.ini"},
    split=_split,
    prepare=prepare,
    reads_file=True,
    secrets=("SAFETY_API_KEY",),
    needs=("SAFETY_API_KEY",),
    needs_hint="Give it the key of an account with Safety in SAFETY_API_KEY, or take safety out of hardgate.yaml.",
    address=lambda _options: "https://data.safetycli.com",
    data=lambda _job: DataUse(source="Safety's database (data.safetycli.com)"),
    seconds=4.0,
    memory=150_000_000,
)
