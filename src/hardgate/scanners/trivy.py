"""trivy: misconfiguration, secrets and licences in files, and known vulnerabilities of what lock files pin.

Report: `trivy fs --format json`, schema 2 (https://trivy.dev/docs/latest/configuration/reporting/#json), and the bare
list of schema 1 that Trivy wrote before 0.20.
"""

from __future__ import annotations

import dataclasses
import functools
import posixpath
from collections.abc import Iterator
from typing import Literal

import msgspec

from hardgate import locks, pins, purls, trivy_report
from hardgate.adapter import Canary, Job, Scanner, brief, decode, refuse_empty
from hardgate.errors import ReportError
from hardgate.model import DataUse, Finding, Gap, GapReason, Kind, Location, Package, Report, Severity
from hardgate.trivy_said import complaints

_TOOL = "trivy"
# The first of the places from which Trivy downloads its database (pkg/db/db.go).
_DATABASE = "https://mirror.gcr.io"
_EMPTY_FILE = "trivy.conf"
_SECRETS_FILE = "trivy-secret.conf"

Part = Literal["misconfig", "secret", "license", "vuln"]


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of trivy.

    `scanners` are Trivy's own words for what to look for. "vuln" needs its vulnerability database: it is downloaded
    where the internet is there, and kept in `cache_dir`; a folder that has it already is enough without the internet.
    """

    scanners: tuple[Part, ...] = ("misconfig", "secret", "license", "vuln")
    cache_dir: str = ""


_WORDS = {
    "CRITICAL": Severity.CRITICAL,
    "HIGH": Severity.HIGH,
    "MEDIUM": Severity.MEDIUM,
    "LOW": Severity.LOW,
}
# Trivy's names for package files (pkg/fanal/types/const.go) and the ecosystem's name in OSV.
_ECOSYSTEMS = {
    "pip": "PyPI", "pipenv": "PyPI", "poetry": "PyPI", "uv": "PyPI", "pylock": "PyPI", "python-pkg": "PyPI",
    "npm": "npm", "yarn": "npm", "pnpm": "npm", "bun": "npm", "node-pkg": "npm",
    "gomod": "Go", "gobinary": "Go", "jar": "Maven", "pom": "Maven", "gradle": "Maven", "sbt": "Maven",
    "bundler": "RubyGems", "gemspec": "RubyGems", "composer": "Packagist", "composer-vendor": "Packagist",
    "cargo": "crates.io", "rustbinary": "crates.io", "nuget": "NuGet", "dotnet-core": "NuGet",
}  # fmt: skip


def _split(job: Job) -> tuple[Job, ...]:
    """Vulnerabilities in a start of their own: without its database Trivy ends at once, and looks for nothing else."""
    files = [part for part in job.options.scanners if part != "vuln"]
    modes = (*(("files",) if files else ()), *(("vuln",) if "vuln" in job.options.scanners else ()))
    return tuple(dataclasses.replace(job, mode=mode) for mode in modes)


def _argv(job: Job) -> tuple[str, ...]:
    quiet = ("--no-progress", "--skip-version-check", "--disable-telemetry", "--timeout", "24h")
    # Without these Trivy looks for its configuration in the tree.
    empty = f"{job.rules}/{_EMPTY_FILE}"
    own = () if job.honour_config else ("--config", empty, "--ignorefile", empty)
    what = _vulnerabilities(job) if job.mode == "vuln" else _files(job)
    cache = job.options.cache_dir or job.cache or f"{job.scratch}/trivy"
    return (*job.command, "fs", "--format", "json", *quiet, *own, *what, "--cache-dir", cache, *job.args, ".")


def _files(job: Job) -> tuple[str, ...]:
    parts = [part for part in job.options.scanners if part != "vuln"]
    secret = ("--secret-config", f"{job.rules}/{_SECRETS_FILE}") if "secret" in parts else ()
    licence = ("--license-full",) if "license" in parts else ()
    offline = ("--offline-scan", "--skip-db-update", "--skip-java-db-update", "--skip-check-update")
    return ("--scanners", ",".join(parts), *secret, *licence, *offline)


def _vulnerabilities(job: Job) -> tuple[str, ...]:
    names = (word for pattern in _PATTERNS for word in ("--file-patterns", pattern))
    offline = () if job.online else ("--offline-scan", "--skip-db-update", "--skip-java-db-update")
    # By itself Trivy leaves out what is needed to build and test: it runs there, with the keys of the pipeline.
    return ("--scanners", "vuln", "--include-dev-deps", *names, *offline, "--skip-vex-repo-update")


# Lock files that Trivy can read and by itself reads under other names only.
_PATTERNS = (
    r"pip:requirements[^/]*\.txt$",
    r"pip:requirements\.txt$",
    r"pip:(^|/)requirements/[^/]*\.txt$",
    r"npm:(^|/)npm-shrinkwrap\.json$",
    r"pylock:(^|/)pylock\.[^/.]+\.toml$",
)


def _rewrites(job: Job) -> tuple[str, ...]:
    if job.mode != "vuln":
        return ()
    return tuple(path for path in job.files if pins.is_requirements(path) or locks.is_pipenv(path))


def prepare(job: Job, content: bytes) -> pins.Prepared:
    """A requirements file reduced to its exact pins, with a gap for each other line: Trivy 0.74 passes those by in
    silence, and looks a name with a dot up in another spelling than it is stored under. A Pipfile.lock with its
    development packages among the others: Trivy reads only those.
    """
    if pins.is_requirements(job.subject):
        return pins.prepare(job.subject, content, frozenset(job.files))
    return pins.Prepared(content=locks.pipenv_joined(content))


def _data(job: Job) -> DataUse | None:
    return DataUse(source="trivy-db") if "vuln" in job.options.scanners else None


def _parse(raw: bytes) -> Report:
    if raw.lstrip().startswith(b"["):
        results, version = refuse_empty(decode(raw, list[trivy_report.Result], _TOOL), _TOOL), ""
    else:
        report = decode(raw, trivy_report.Document, _TOOL)
        if report.schema_version not in (1, 2):
            raise ReportError(f"trivy's report has schema {report.schema_version}; hardgate reads 1 and 2")
        results, version = report.results or [], report.trivy.version
    findings = tuple(finding for result in results for finding in _findings(result))
    ours = {one.id for result in results for one in result.vulnerabilities or () if one.data_source.id == _OURS}
    # In our own database UNKNOWN says that nobody rated it: high, as wherever hardgate uses it.
    gaps = [_unrated(one) for one in findings if _is_unrated(one) and one.rule not in ours]
    gaps += [gap for result in results for gap in _unjudged(result)]
    gaps += trivy_report.unheard(raw)
    lists = frozenset(result.target for result in results if result.kind == "lang-pkgs")
    return Report(findings=findings, gaps=tuple(gaps), seen=lists or None, version=version)


def _unjudged(result: trivy_report.Result) -> Iterator[Gap]:
    """What was read and cannot be judged: packages without a release, ecosystems without data, unclear advisories."""
    path = result.target
    if result.misconf_summary.exceptions:
        count = f"{result.misconf_summary.exceptions} checks, which Trivy counts as exceptions and does not name"
        yield _not_judged(path, count, "Take the exceptions out of the policy that Trivy was given, and run it again.")
    for package in result.packages or ():
        if not package.version and package.name and package.relationship not in _OWN:
            yield _not_judged(path, f"the release of {package.name} cannot be told from the file", _RESOLVE)
    if result.kind == "lang-pkgs" and result.type.startswith("conda"):
        yield _not_judged(path, "trivy has no vulnerability data for conda's packages", _LEAVE)
    sure = {(one.pkg_name, one.installed_version, one.id) for one in _sure(result)}
    for one in result.vulnerabilities or ():
        if one.custom and one.custom.not_judged and not sure & _named(one):
            name = next(iter(one.vendor_ids), one.id)
            what = f"{one.pkg_name} {one.installed_version}: {name} ({one.custom.not_judged})"
            yield _not_judged(path, what, "Read the advisory; if it does not concern you, use another release.")


_OURS = "hardgate"
_NO_FAULT = frozenset({"PASS", "EXCEPTION"})  # pkg/types/misconfiguration.go; the third is FAIL
_OWN = frozenset({"root", "workspace"})  # the project itself
_RESOLVE = "Write the release out, or lock it (gradle dependencies --write-locks; mvn help:effective-pom shows it)."
_LEAVE = "Leave the file out with trivy: {exclude: [...]}, and say there who looks at its packages."


def _sure(result: trivy_report.Result) -> list[trivy_report.Vulnerability]:
    return [one for one in result.vulnerabilities or () if not (one.custom and one.custom.not_judged)]


def _named(one: trivy_report.Vulnerability) -> set[tuple[str, str, str]]:
    return {(one.pkg_name, one.installed_version, name) for name in one.vendor_ids}


def _not_judged(path: str, what: str, remedy: str) -> Gap:
    return Gap(reason=GapReason.NOT_COVERED, path=path, message=f"{path}: not judged: {what}.", remedy=remedy)


def _findings(result: trivy_report.Result) -> Iterator[Finding]:
    spans = {listed.identifier.uid: listed.locations[0] for listed in result.packages or () if listed.locations}
    for vulnerability in _sure(result):
        yield _vulnerable(result, vulnerability, spans.get(vulnerability.pkg_identifier.uid, trivy_report.Span()))
    for problem in result.misconfigurations or ():
        if problem.status not in _NO_FAULT:
            yield _misconfigured(result, problem)
    for secret in result.secrets or ():
        yield _leaked(result, secret)
    for licence in result.licenses or ():
        yield _licensed(result, licence)


def _vulnerable(result: trivy_report.Result, one: trivy_report.Vulnerability, span: trivy_report.Span) -> Finding:
    where = _at(one.pkg_path or result.target, span.start_line, span.end_line)
    text = one.title or one.description
    names = (one.id, *one.vendor_ids)
    package = _package(result.type, one.pkg_name, one.installed_version, one.pkg_identifier.purl, one.fixed_version)
    told = _told(names, text, tuple(one.cwes), package, severity=one.severity, url=one.url)
    return msgspec.structs.replace(told, location=where)


# A vulnerability that stands in many lock files is made once, and shares its texts.
@functools.lru_cache(maxsize=4096)
def _package(kind: str, name: str, version: str, purl: str, fixed: str) -> Package:
    ecosystem = _ECOSYSTEMS.get(kind, kind)
    # Trivy writes the package URL since 0.50; "" for what the system of an image installed.
    purl = purl or purls.of(_ECOSYSTEMS.get(kind, ""), name, version)
    return Package(ecosystem=ecosystem, name=name, version=version, purl=purl, fixed=_versions(fixed))


@functools.lru_cache(maxsize=4096)
def _told(
    names: tuple[str, ...], text: str, cwes: tuple[str, ...], package: Package, *, severity: str, url: str
) -> Finding:
    """A finding without its place."""
    return Finding(
        scanner=_TOOL,
        rule=names[0],
        kind=Kind.DEPENDENCY,
        severity=_WORDS.get(severity, Severity.HIGH),
        severity_from=_source(severity),
        message=f"{package.name} {package.version}: {brief(text) or names[0]}",
        location=Location(path=""),
        cwe=cwes,
        ids=names,
        fix=f"Upgrade {package.name} to {' or '.join(package.fixed)}" if package.fixed else _NO_FIX,
        url=url,
        package=package,
    )


_NO_FIX = "No release mends this: replace the package, or accept the risk in writing."


def _versions(fixed: str) -> tuple[str, ...]:
    return tuple(version.strip() for version in fixed.split(",") if version.strip())


def _misconfigured(result: trivy_report.Result, one: trivy_report.Misconfiguration) -> Finding:
    resource = one.cause_metadata.resource
    return Finding(
        scanner=_TOOL,
        rule=one.id,
        kind=Kind.MISCONFIGURATION,
        severity=_WORDS.get(one.severity, Severity.HIGH),
        severity_from=_source(one.severity),
        message=brief(f"{one.title}: {one.message}" if one.message else one.title)
        + (f" ({resource})" if resource and not resource.startswith(result.target) else ""),
        location=_at(result.target, one.cause_metadata.start_line, one.cause_metadata.end_line),
        fix=" ".join(one.resolution.split()),
        url=one.url,
    )


def _leaked(result: trivy_report.Result, one: trivy_report.Secret) -> Finding:
    return Finding(
        scanner=_TOOL,
        rule=one.rule,
        kind=Kind.SECRET,
        severity=_WORDS.get(one.severity, Severity.HIGH),
        severity_from=_source(one.severity),
        message=f"{one.title} in the file",
        location=_at(result.target, one.start_line, one.end_line),
        cwe=("CWE-798",),
        fix="Revoke it where it was issued, then take it out of the file and read it from a secret store.",
        url="https://trivy.dev/docs/latest/guide/scanner/secret/",
    )


def _licensed(result: trivy_report.Result, one: trivy_report.Licence) -> Finding:
    whose = f"{one.pkg_name} is" if one.pkg_name else f"{posixpath.basename(one.file_path) or result.target} says"
    unclassed = one.severity == "UNKNOWN"
    return Finding(
        scanner=_TOOL,
        rule=one.name,
        kind=Kind.LICENCE,
        # The licence itself is known; Trivy just has no class for it. Somebody should read it once: between
        # "notice" (low) and "restricted" (high).
        severity=Severity.MEDIUM if unclassed else _WORDS.get(one.severity, Severity.HIGH),
        severity_from="adapter" if unclassed else _source(one.severity),
        message=f"{whose} under {one.name}, in Trivy's class {one.category}",
        location=_at(one.file_path or result.target, 0, 0),
        fix="Check that the licence allows what you do with it; if it does, waive this finding with the reason.",
        url=one.link,
    )


def _at(path: str, first: int, last: int) -> Location:
    return Location(path=path, line=first or None, end_line=last or None)


def _source(word: str) -> str:
    return "tool" if word in _WORDS else "adapter"


def _is_unrated(finding: Finding) -> bool:
    return finding.severity_from == "adapter" and finding.kind is not Kind.LICENCE


def _unrated(finding: Finding) -> Gap:
    return Gap(
        reason=GapReason.SEVERITY_UNKNOWN,
        path=finding.location.path,
        message=f"trivy gives {finding.rule} no severity that hardgate knows: it counts as high.",
        remedy=f"Rate it in hardgate.yaml: trivy: {{severity: {{{finding.rule}: medium}}}}.",
    )


def _configs(path: str) -> bool:
    return posixpath.basename(path) in {".trivyignore", ".trivyignore.yaml", "trivy.yaml", "trivy-secret.yaml"}


# The text of 0BSD.
_LICENCE = b"""\
Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby
granted. THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE
INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY
SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR
PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH
THE USE OR PERFORMANCE OF THIS SOFTWARE.
"""
# For each part: a file and the rule that must be found in it. The key is no one's; it is in two halves so that no
# scanner takes this file for a leak.
_CANARIES: dict[str, tuple[str, bytes, str]] = {
    "misconfig": ("Dockerfile", b"FROM python:3.12\nUSER root\n", "DS-0002"),
    # Made up, and written backwards so that no scanner takes hardgate's source for a leak.
    "secret": ("settings.py", b'KEY = "' + b"AYX7RQIFH5NMPLYQAIKA"[::-1] + b'"\n', "aws-access-key-id"),
    "license": ("LICENSE", _LICENCE, "BSD-0-Clause"),
    "vuln": ("requirements.txt", b"jinja2==2.4.1\n", "CVE-2019-10906"),
}


def canary_for(options: Options) -> Canary:
    """The known-bad input for the parts that are looked for."""
    chosen = [_CANARIES[part] for part in options.scanners]
    return Canary(files={name: content for name, content, _ in chosen}, rules=tuple(rule for _, _, rule in chosen))


def _environment(job: Job) -> dict[str, str]:
    # Trivy reads licences out of any Python environment on the machine: here it finds one without packages.
    return {"VIRTUAL_ENV": job.scratch}


TRIVY = Scanner(
    name=_TOOL,
    kinds=frozenset({Kind.MISCONFIGURATION, Kind.SECRET, Kind.LICENCE, Kind.DEPENDENCY}),
    argv=_argv,
    parse=_parse,
    done_exits=frozenset({0}),
    canary=canary_for(Options()),
    canary_for=canary_for,
    selects=lambda _path: True,
    configs=_configs,
    options=Options,
    split=_split,
    complaints=complaints,
    # https://trivy.dev/docs/latest/scanner/misconfiguration/config/config/ (inline ignores; tfsec's are read too)
    environment=_environment,
    silencers=(b"trivy:ignore", b"tfsec:ignore", b"aquasec:ignore"),
    address=lambda options: _DATABASE if "vuln" in options.scanners else "",
    data=_data,
    ecosystem=locks.ecosystem,
    prepare=prepare,
    rewrites=_rewrites,
    uses_rules=True,
    seconds=5.0,
    memory=400_000_000,
)
