"""pip-audit: known vulnerabilities of the releases that requirements files pin.

Report: https://github.com/pypa/pip-audit (`--format json`), read in the shapes of 2.x (an object) and 1.x (a list).
"""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import quote

import msgspec

from hardgate import pins
from hardgate.adapter import Canary, Job, Scanner, decode, refuse_empty
from hardgate.errors import ReportError
from hardgate.model import DataUse, Finding, Gap, GapReason, Kind, Location, Package, Report, Severity

_TOOL = "pip-audit"
# What pip-audit itself asks; the release is that of the canary. https://docs.pypi.org/api/json/
_PYPI = "https://pypi.org/pypi/jinja2/2.4.1/json"
_QUERY = "/v1/query"
_DESCRIPTION = 300  # characters of an advisory's text that a message quotes


class _Vulnerability(msgspec.Struct):
    id: str
    fix_versions: list[str]
    aliases: list[str] = []
    description: str = ""


class _Dependency(msgspec.Struct):
    # Either a version and its vulnerabilities, or the reason why pip-audit left the package out.
    name: str
    version: str = ""
    vulns: list[_Vulnerability] | None = None
    skip_reason: str = ""


class _Report(msgspec.Struct):
    dependencies: list[_Dependency]
    fixes: list[Any]


def _split(job: Job) -> tuple[Job, ...]:
    return tuple(dataclasses.replace(job, subject=path) for path in job.files)


def prepare(job: Job, content: bytes) -> pins.Prepared:
    """The requirements file `job.subject` reduced to its exact pins, with a gap for each line that is none.

    pip-audit 2.10 refuses a file for one line that is not pinned, and silently leaves out included files and lines
    whose environment marker does not hold where it runs itself.
    """
    return pins.prepare(job.subject, content, frozenset(job.files))


def _argv(job: Job) -> tuple[str, ...]:
    # --no-deps with --disable-pip: the file is read and nothing of it is resolved, downloaded or built.
    reading = ("--requirement", f"./{job.subject}", "--no-deps", "--disable-pip")
    writing = ("--format", "json", "--desc", "on", "--aliases", "on", "--progress-spinner", "off")
    return (*job.command, *reading, *writing, "--cache-dir", f"{job.scratch}/cache", *_service(job), *job.args)


def _service(job: Job) -> tuple[str, ...]:
    if not job.osv_url:
        return ("--vulnerability-service", "pypi")
    return ("--vulnerability-service", "osv", "--osv-url", _base(job.osv_url) + _QUERY)


def _base(osv_url: str) -> str:
    return osv_url.rstrip("/").removesuffix(_QUERY)


def _data(job: Job) -> DataUse:
    return DataUse(source=_base(job.osv_url) if job.osv_url else "PyPI JSON API")


def complaints(stderr: bytes) -> tuple[Gap, ...]:
    """Advisories that pip-audit left out: it says so on its standard error only, and exits as if it had judged them."""
    lines = stderr.decode("utf-8", "replace").splitlines()
    said = (line.partition("pip_audit._service.osv:")[2].strip() for line in lines if line.startswith("WARNING:"))
    return tuple(
        Gap(
            reason=GapReason.DATA_UNAVAILABLE,
            message=f"pip-audit left an advisory out: {text}.",
            remedy="Tell the operator of the OSV service; its record is not one that pip-audit can read.",
        )
        for text in said
        if text
    )


def _parse(raw: bytes) -> Report:
    if raw.lstrip().startswith(b"["):
        dependencies = refuse_empty(decode(raw, list[_Dependency], _TOOL), _TOOL)
    else:
        dependencies = decode(raw, _Report, _TOOL).dependencies
    if not dependencies:
        return Report(gaps=(_NOTHING_READ,))
    findings = tuple(_finding(package, vuln) for package in dependencies for vuln in _vulnerabilities(package))
    return Report(findings=findings, gaps=tuple(_skipped(package) for package in dependencies if package.skip_reason))


def _vulnerabilities(package: _Dependency) -> list[_Vulnerability]:
    if package.skip_reason:
        return []
    if package.vulns is None or not package.version:
        raise ReportError(f"pip-audit's report says neither what was found in {package.name} nor why it was left out")
    return package.vulns


_NOTHING_READ = Gap(
    reason=GapReason.FILE_UNREAD,
    message="pip-audit read no requirement out of the file: it judged nothing.",
    remedy="Pin the requirements to exact releases with ==, or take the file out of the scope.",
)


def _skipped(package: _Dependency) -> Gap:
    return Gap(
        reason=GapReason.DATA_UNAVAILABLE,
        message=f"pip-audit did not judge {package.name}: {package.skip_reason}.",
        remedy="Ask a service that knows the package (osv_url in hardgate.yaml), or exempt it in writing.",
    )


def _finding(package: _Dependency, vuln: _Vulnerability) -> Finding:
    malicious = vuln.id.startswith("MAL-")
    return Finding(
        scanner=_TOOL,
        rule=vuln.id,
        kind=Kind.DEPENDENCY,
        # pip-audit states no severity. Malware runs as soon as it is installed; the rest is high until it is rated.
        severity=Severity.CRITICAL if malicious else Severity.HIGH,
        severity_from="adapter",
        message=_message(package, vuln),
        location=Location(path=""),
        ids=(vuln.id, *sorted(set(vuln.aliases) - {vuln.id})),
        fix=_fix(package.name, vuln.fix_versions, malicious=malicious),
        url=f"https://osv.dev/vulnerability/{vuln.id}",
        package=Package(
            ecosystem="PyPI",
            name=package.name,
            version=package.version,
            purl=f"pkg:pypi/{package.name}@{quote(package.version)}",
            fixed=tuple(vuln.fix_versions),
        ),
    )


def _message(package: _Dependency, vuln: _Vulnerability) -> str:
    text = " ".join(vuln.description.split())
    text = text if len(text) <= _DESCRIPTION else text[: _DESCRIPTION - 1].rstrip() + "…"
    return f"{package.name} {package.version}: {text or vuln.id}"


def _fix(name: str, versions: list[str], *, malicious: bool) -> str:
    if malicious:
        return f"Remove {name}, and treat every machine that installed it as compromised."
    if not versions:
        return f"No release of {name} mends this: replace it, or accept the risk in writing."
    return f"Upgrade {name} to {' or '.join(versions)}"


PIP_AUDIT = Scanner(
    name=_TOOL,
    kinds=frozenset({Kind.DEPENDENCY}),
    argv=_argv,
    parse=_parse,
    done_exits=frozenset({0, 1}),
    # Jinja 2.4.1 of 2010: its sandbox escape CVE-2019-10906 is in every advisory database.
    canary=Canary(files={"requirements.txt": b"jinja2==2.4.1\n"}, rules=("PYSEC-2019-217",)),
    selects=pins.is_requirements,
    split=_split,
    prepare=prepare,
    complaints=complaints,
    address=lambda _options: _PYPI,
    data=_data,
    asks_osv=True,
    seconds=4.0,
    memory=120_000_000,
)
