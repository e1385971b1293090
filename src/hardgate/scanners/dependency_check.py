"""dependency-check: known vulnerabilities of archives and of what manifests name, by the NVD, from OWASP.

Report: `--format JSON` and `--format XML` of versions 6 to 12, see hardgate.dependency_check_report. Command line:
https://dependency-check.github.io/DependencyCheck/dependency-check-cli/arguments.html
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from urllib.parse import quote, unquote

import msgspec

from hardgate.adapter import OUTSIDE, Canary, Job, Scanner, brief
from hardgate.dependency_check_report import TOOL, Dependency, Document, Identifier, Source, Vulnerability, read
from hardgate.model import DataUse, Finding, Gap, GapReason, Kind, Location, Package, Report, Severity

_NAME = 80  # characters of a sentence that stands for a number
_WORDS = {
    "CRITICAL": Severity.CRITICAL,
    "HIGH": Severity.HIGH,
    "MEDIUM": Severity.MEDIUM,
    "MODERATE": Severity.MEDIUM,
    "LOW": Severity.LOW,
    "NONE": Severity.INFO,
    "INFO": Severity.INFO,
}
_CONFIDENCE = {"HIGHEST": "high", "HIGH": "high", "MEDIUM": "medium", "LOW": "low"}
_SURE = ("high", "medium", "low")
# Types of package URLs (https://github.com/package-url/purl-spec) and the ecosystem's name in OSV.
_ECOSYSTEMS = {
    "maven": "Maven", "npm": "npm", "pypi": "PyPI", "nuget": "NuGet", "gem": "RubyGems", "composer": "Packagist",
    "golang": "Go", "cargo": "crates.io", "cocoapods": "CocoaPods", "swift": "SwiftURL", "hex": "Hex", "pub": "Pub",
}  # fmt: skip
_PURL = re.compile(r"pkg:(?P<type>[^/]+)/(?P<name>[^@?#]+|%40[^@?#]+)(?:@(?P<version>[^?#]+))?")
# What the tool's analysers read (https://dependency-check.github.io/DependencyCheck/analyzers/index.html).
_ARCHIVES = (
    ".jar", ".war", ".ear", ".aar", ".sar", ".zip", ".apk", ".nupkg", ".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".rpm",
    ".whl", ".egg",
)  # fmt: skip
_CODE = (".js", ".dll", ".exe", ".nuspec", ".csproj", ".vbproj", ".gemspec", ".podspec")
# Not here: package-lock.json (without node_modules the tool logs a warning and passes it by), pom.xml (only what was
# built of it is read), and what only the analysers read that are switched off below (yarn.lock, pnpm-lock.yaml,
# Gemfile.lock, go.mod, mix.lock).
_MANIFESTS = frozenset({
    "Pipfile", "Pipfile.lock", "poetry.lock", "PKG-INFO", "METADATA", "composer.lock", "Gopkg.lock", "Podfile.lock",
    "Package.swift", "Package.resolved", "packages.config", "libman.json", "pubspec.yaml", "pubspec.lock",
    "CMakeLists.txt", "cpanfile",
})  # fmt: skip
# Analysers that start tools of the project's language, or tell a service of the project what it depends on.
_LOCAL = (
    "--disableBundleAudit", "--disableYarnAudit", "--disablePnpmAudit", "--disableMixAudit", "--disableGolangMod",
    "--disableNodeAudit", "--disableOssIndex", "--disableCentral", "--disableAssembly",
)  # fmt: skip


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of dependency-check.

    `data` is the folder of its database, which `dependency-check --updateonly --data DIR` fills; its own without it.
    """

    data: str = ""


def _argv(job: Job) -> tuple[str, ...]:
    scan = ("--scan", ".", "--project", "hardgate", "--format", "JSON", "--out", job.report)
    # The database is the operator's to keep: an update can take half an hour, and its age is the policy's business.
    data = ("--noupdate", *(("--data", job.options.data) if job.options.data else ()))
    # Python, Ruby, Swift and others are looked at by what the tool calls experimental.
    what = ("--enableExperimental", "--disableVersionCheck", *_LOCAL)
    return (*job.command, *scan, *data, *what, *job.args)


def _environment(_job: Job) -> dict[str, str]:
    # Present versions tell a telemetry service of each start. https://consoledonottrack.com
    return {"DO_NOT_TRACK": "1", "SCARF_NO_ANALYTICS": "true"}


def _selects(path: str) -> bool:
    name = posixpath.basename(path)
    requirements = name.endswith(".txt") and "requirements" in path
    return name in _MANIFESTS or requirements or name.lower().endswith((*_ARCHIVES, *_CODE))


def _parse(raw: bytes) -> Report:
    document = read(raw)
    findings = tuple(finding for one in document.dependencies for finding in _findings(one))
    version = document.scan_info.engine_version
    return Report(findings=findings, gaps=tuple(_gaps(document)), version=version, data=_used(document))


def _gaps(document: Document) -> Iterator[Gap]:
    if not document.dependencies:
        yield _NOTHING
    if _used(document) is None:
        yield _NO_DATA
    for failure in document.scan_info.analysis_exceptions:
        yield Gap(
            reason=GapReason.NOT_COVERED,
            message=f"dependency-check could not finish an analysis: {brief(failure.exception.message)}",
            remedy="Mend what it says, or switch that analyser off in writing with args.",
        )
    for one in document.dependencies:
        for name in one.suppressed_vulnerability_ids:
            yield _unmatched(one, name)
        for vulnerability in (*one.vulnerabilities, *one.suppressed_vulnerabilities):
            if _severity(vulnerability) is None:
                yield _unrated(one, vulnerability)


_NOTHING = Gap(
    reason=GapReason.FILE_UNREAD,
    message="dependency-check found no dependency in the files: it judged nothing.",
    remedy="See what it reads on its page; leave the files out, or use another scanner for them.",
)
_NO_DATA = Gap(
    reason=GapReason.DATA_UNAVAILABLE,
    message="dependency-check names no data of the NVD: nobody knows what it judged by.",
    remedy="Fill its database: dependency-check --updateonly (with --data DIR: dependency-check: {data: DIR}).",
)


def _unmatched(one: Dependency, name: Identifier) -> Gap:
    # Its own list of false positives does not come here: only what a suppression file of the user's takes away.
    return Gap(
        reason=GapReason.NOT_COVERED,
        path=_path(one),
        message=f"a suppression file says that {one.file_name} is not {name.id}: what is known of that was left out.",
        remedy="Take the rule out of the suppression file, and waive in hardgate.yaml what is then found wrongly.",
    )


def _unrated(one: Dependency, vulnerability: Vulnerability) -> Gap:
    rule, word = _rule(vulnerability), _word(vulnerability)
    said = f"calls {rule} {word!r}, a severity that hardgate does not know" if word else f"gives {rule} no severity"
    return Gap(
        reason=GapReason.SEVERITY_UNKNOWN,
        path=_path(one),
        message=f"dependency-check {said}: it counts as high.",
        remedy=f"Rate it in hardgate.yaml: dependency-check: {{severity: {{{rule!r}: medium}}}}.",
    )


def _used(document: Document) -> DataUse | None:
    """The data of the NVD with the time when it was last compared with the NVD, None when the report names none."""
    told = [one for one in document.scan_info.data_source if one.name.startswith("NVD") and one.timestamp]
    if not told:
        return None
    # Version 9 and later keep two: what came from the API, and from a copy. The older one is what counts.
    found = [one for one in told if one.name.endswith("Checked")] or told
    return DataUse(source=f"NVD, as dependency-check keeps it ({_names(found)})", date=min(_times(found)))


def _names(found: list[Source]) -> str:
    return ", ".join(one.name for one in found)


def _times(found: list[Source]) -> list[str]:
    return [one.timestamp for one in found]


def _findings(one: Dependency) -> Iterator[Finding]:
    for vulnerability in one.vulnerabilities:
        yield _finding(one, vulnerability, "")
    for vulnerability in one.suppressed_vulnerabilities:
        why = f": {brief(vulnerability.notes)}" if vulnerability.notes else ""
        yield _finding(one, vulnerability, f" (a suppression file asks dependency-check to leave this out{why})")


def _finding(one: Dependency, vulnerability: Vulnerability, note: str) -> Finding:
    severity, package = _severity(vulnerability), _package(one, vulnerability)
    exploited = " (known to be exploited, says CISA)" if vulnerability.known_exploited_vulnerability else ""
    text = brief(vulnerability.description or vulnerability.name)
    return Finding(
        scanner=TOOL,
        rule=_rule(vulnerability),
        kind=Kind.DEPENDENCY,
        severity=severity or Severity.HIGH,
        severity_from="tool" if severity else "adapter",
        message=f"{package.name} {package.version}: {text}{exploited}{note}",
        location=Location(path=_path(one)),
        confidence=_confidence(one, vulnerability),
        cwe=tuple(word for word in vulnerability.cwes if re.fullmatch(r"CWE-\d+", word)),
        ids=() if " " in vulnerability.name else (vulnerability.name,),
        fix=_fix(package),
        url=_url(vulnerability),
        package=package,
    )


def _rule(one: Vulnerability) -> str:
    """Its number; RetireJS and others have sentences for some, which are cut."""
    name = " ".join(one.name.split())
    return name if " " not in name else f"{one.source}: {name[:_NAME].rstrip()}"


def _word(one: Vulnerability) -> str:
    ratings = (one.cvssv4, one.cvssv3, one.cvssv2)
    return one.severity or next((rating.word for rating in ratings if rating and rating.word), "")


def _severity(one: Vulnerability) -> Severity | None:
    return _WORDS.get(_word(one).upper())


def _confidence(one: Dependency, vulnerability: Vulnerability) -> str:
    """How sure the tool is that the file is the product that the NVD means; "" where the package itself was asked for.

    With several candidates the surest: the report does not say which of them a vulnerability came by.
    """
    if vulnerability.source != "NVD":
        return ""
    found = {_CONFIDENCE.get(name.confidence.upper(), "") for name in one.vulnerability_ids}
    return next((word for word in _SURE if word in found), "")


def _path(one: Dependency) -> str:
    """The file: an entry of a lock file stands behind a `?`."""
    return one.file_path.partition("?")[0] if one.is_virtual else one.file_path


def _package(one: Dependency, vulnerability: Vulnerability) -> Package:
    matched = [each.software for each in vulnerability.vulnerable_software if each.software.vulnerability_id_matched]
    fixed = tuple(dict.fromkeys(each.version_end_excluding for each in matched if each.version_end_excluding))
    for identifier in one.packages:
        found = _PURL.match(identifier.id)
        if found:
            kind, version = found["type"], unquote(found["version"] or "")
            name = unquote(found["name"])
            if kind == "pypi":  # https://packaging.python.org/en/latest/specifications/name-normalization/
                name = re.sub("[-_.]+", "-", name).lower()
            purl = f"pkg:{kind}/{quote(name, safe='/')}" + (f"@{quote(version)}" if version else "")
            shown = name.replace("/", ":") if kind == "maven" else name
            ecosystem = _ECOSYSTEMS.get(kind, kind)
            return Package(ecosystem=ecosystem, name=shown, version=version, purl=purl, fixed=fixed)
    return Package(ecosystem="", name=one.file_name, version=_of_cpe(one), fixed=fixed)


def _of_cpe(one: Dependency) -> str:
    """The version in the first CPE name that has one: the sixth part of https://nvlpubs.nist.gov/nistpubs/Legacy/IR/."""
    parts = (re.split(r"(?<!\\):", name.id) for name in one.vulnerability_ids)
    return next((each[5] for each in parts if len(each) > 5 and each[5] not in {"*", "-"}), "")  # noqa: PLR2004 (see above)


def _fix(package: Package) -> str:
    if not package.fixed:
        return f"The report names no release of {package.name} that mends this: see the advisory, or replace it."
    return f"Upgrade {package.name} to {' or '.join(package.fixed)}"


def _url(one: Vulnerability) -> str:
    if re.fullmatch(r"CVE-\d{4}-\d{4,}", one.name):
        return f"https://nvd.nist.gov/vuln/detail/{one.name}"
    if one.name.startswith("GHSA-") and " " not in one.name:
        return f"https://github.com/advisories/{one.name}"
    return next((each.url for each in one.references if each.url.startswith(("https://", "http://"))), "")


def _archive() -> bytes:
    """A Java archive without code that says of itself what log4j-core 2.14.1 does. The same bytes every time."""
    group, artifact, version = "org.apache.logging.log4j", "log4j-core", "2.14.1"
    folder = f"META-INF/maven/{group}/{artifact}"
    manifest = (
        f"Manifest-Version: 1.0\r\nImplementation-Title: Apache Log4j Core\r\nImplementation-Version: {version}\r\n"
        f"Implementation-Vendor: The Apache Software Foundation\r\nImplementation-Vendor-Id: {group}\r\n\r\n"
    )
    pom = (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        f"<groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>"
        "<name>Apache Log4j Core</name></project>\n"
    )
    files = {
        "META-INF/MANIFEST.MF": manifest,
        f"{folder}/pom.xml": pom,
        f"{folder}/pom.properties": f"groupId={group}\nartifactId={artifact}\nversion={version}\n",
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2021, 12, 9, 0, 0, 0)), text)
    return content.getvalue()


DEPENDENCY_CHECK = Scanner(
    name=TOOL,
    kinds=frozenset({Kind.DEPENDENCY}),
    argv=_argv,
    parse=_parse,
    # Others are failures; 14 is said after an analysis that was not finished, and 1 or 15 with --failOnCVSS only.
    done_exits=frozenset({0}),
    # Log4Shell.
    canary=Canary(files={"log4j-core-2.14.1.jar": _archive()}, rules=("CVE-2021-44228",)),
    selects=_selects,
    options=Options,
    environment=_environment,
    reads_file=True,
    # It writes into a folder of that name, unless the name ends with that of the format.
    report_name="report.json",
    data=lambda _job: DataUse(source="NVD, as dependency-check keeps it"),
    tool=lambda _options: f"{OUTSIDE}dependency-check",
    # A start script: its digest tells the version of nothing.
    reusable=False,
    seconds=30.0,
    memory=1_500_000_000,
)
