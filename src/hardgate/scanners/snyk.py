"""snyk: known vulnerabilities and licences of what lock files pin, by the database of Snyk.

Report: `snyk test --json`, an object for one project and a list for several, and `snyk container test --json`, an
object with the image's own packages and `applications` (https://docs.snyk.io/developer-tools/snyk-cli/commands/test).
The shapes were read in the CLI's own source (src/lib/snyk-test/legacy.ts and src/lib/formatters/test of 1.1307).
"""

from __future__ import annotations

import dataclasses
import posixpath
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import quote

import msgspec

from hardgate.adapter import OUTSIDE, Canary, Job, Scanner, brief, decode, refuse_empty
from hardgate.errors import ReportError
from hardgate.model import DataUse, Finding, Gap, GapReason, Kind, Location, Package, Report, Severity

_TOOL = "snyk"
_WORDS = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
}
_ORDER = (Severity.INFO, Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)
# Lock files that the CLI reads by itself, and the manifest that it wants beside each ("" for none): src/lib/detect.ts.
# What it judges by starting the project's own build (Maven, Gradle, sbt, Go, pip, Pipenv, .NET) is not here: hardgate
# runs no code of what it scans.
_LOCKS = {
    "package-lock.json": "package.json",
    "yarn.lock": "package.json",
    "pnpm-lock.yaml": "package.json",
    "Gemfile.lock": "Gemfile",
    "composer.lock": "composer.json",
    "poetry.lock": "pyproject.toml",
    "Podfile.lock": "Podfile",
    "packages.config": "",
    "project.assets.json": "",
}
# Manifests that are the CLI's business also without a lock file: it then says that it cannot judge them.
_MANIFESTS = frozenset({"package.json", "Gemfile", "composer.json", "Podfile"})
# The CLI names the manifest where it read the lock file.
_TARGETS = {"pyproject.toml": "poetry.lock", "Gemfile": "Gemfile.lock", "Podfile": "Podfile.lock"}
# Its names of package managers (src/lib/package-managers.ts): the ecosystem in OSV, and the type of a package URL.
_MANAGERS = {
    "npm": ("npm", "npm"), "yarn": ("npm", "npm"), "pnpm": ("npm", "npm"),
    "pip": ("PyPI", "pypi"), "poetry": ("PyPI", "pypi"), "uv": ("PyPI", "pypi"),
    "rubygems": ("RubyGems", "gem"), "composer": ("Packagist", "composer"), "hex": ("Hex", "hex"),
    "maven": ("Maven", "maven"), "gradle": ("Maven", "maven"), "sbt": ("Maven", "maven"),
    "nuget": ("NuGet", "nuget"), "paket": ("NuGet", "nuget"),
    "gomodules": ("Go", "golang"), "golangdep": ("Go", "golang"), "golang": ("Go", "golang"),
    "cocoapods": ("CocoaPods", "cocoapods"), "cargo": ("crates.io", "cargo"),
}  # fmt: skip


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of snyk.

    `org`: the organisation of the account, by its id or short name, where it is not the account's default.
    """

    org: str = ""


_Name = Annotated[str, msgspec.Meta(min_length=1)]


class _Ignored(msgspec.Struct):
    reason: str = ""


class _Filtered(msgspec.Struct):
    ignored: list[_Ignored] = []


class _Issue(msgspec.Struct, rename="camel"):
    id: str
    title: str
    severity: str
    # A list, one for each path of dependencies, with --group-issues.
    name: _Name | Annotated[list[_Name], msgspec.Meta(min_length=1)]
    version: str | None = None
    package_manager: str = ""
    original_severity: str | None = None
    type: str | None = None
    license: str | None = None
    identifiers: dict[str, list[Any]] | None = None
    fixed_in: list[str] | None = None
    nearest_fixed_in_version: str | None = None
    filtered: _Filtered | None = None


class _Aside(msgspec.Struct):
    ignore: list[_Issue]
    patch: list[_Issue]


class _Project(msgspec.Struct, rename="camel"):
    # No defaults: without these nobody knows what was looked at.
    ok: bool
    vulnerabilities: list[_Issue]
    dependency_count: int
    path: str
    package_manager: str | None = None
    display_target_file: str | None = None
    unique_count: int | None = None
    severity_threshold: str | None = None
    has_unknown_versions: bool | None = None
    filtered: _Aside | None = None
    applications: list[msgspec.Raw] = []


class _Failure(msgspec.Struct):
    ok: bool
    error: str
    path: str


class _Shape(msgspec.Struct):
    # Which of the three it is.
    error: Any = None
    runs: Any = None


def _parse(raw: bytes) -> Report:
    if raw.lstrip().startswith(b"["):
        parts = refuse_empty(decode(raw, list[msgspec.Raw], _TOOL), _TOOL)
        reports = [_read(bytes(part)) for part in parts]
    else:
        reports = [_read(raw)]
    findings = tuple(finding for one in reports for finding in one.findings)
    return Report(findings=findings, gaps=tuple(gap for one in reports for gap in one.gaps))


def _read(raw: bytes) -> Report:
    shape = decode(raw, _Shape, _TOOL)
    if shape.runs is not None:
        hint = "Hand it in as SARIF: hardgate ingest sarif FILE (snyk code test --json writes SARIF too)."
        raise ReportError("this is a SARIF report, and not one of snyk test --json", hint=hint)
    if shape.error is not None:
        return Report(gaps=(_failed(decode(raw, _Failure, _TOOL)),))
    project = decode(raw, _Project, _TOOL)
    within = [_read(bytes(part)) for part in project.applications]
    findings = (*_findings(project), *(finding for one in within for finding in one.findings))
    gaps = (*_gaps(project), *(gap for one in within for gap in one.gaps))
    return Report(findings=findings, gaps=gaps)


def _findings(project: _Project) -> Iterator[Finding]:
    """One finding for each issue of a package, however many paths of dependencies lead to it."""
    unique = len({one.id for one in project.vulnerabilities})
    if project.unique_count is not None and unique < project.unique_count:
        raise ReportError(f"snyk's report counts {project.unique_count} issues and holds {unique}")
    issues = list(_issues(project))
    if not project.ok and not issues:
        raise ReportError("snyk's report says that the project is not in order, and not why")
    known = set[tuple[str, str, str]]()
    for one, note in issues:
        for name in one.name if isinstance(one.name, list) else [one.name]:
            if (one.id, name, one.version or "") not in known:
                known.add((one.id, name, one.version or ""))
                yield _finding(project, one, name, note)


def _issues(project: _Project) -> Iterator[tuple[_Issue, str]]:
    """All issues, also those that a policy sets aside: with a note that says so."""
    aside = project.filtered or _Aside([], [])
    yield from ((one, "") for one in project.vulnerabilities)
    yield from ((one, _note(one)) for one in aside.ignore)
    yield from ((one, " (a policy says that snyk patched this)") for one in aside.patch)


def _note(one: _Issue) -> str:
    reasons = ", ".join(part.reason for part in one.filtered.ignored if part.reason) if one.filtered else ""
    return f" (a policy asks snyk to ignore this{f': {reasons}' if reasons else ''})"


def _finding(project: _Project, one: _Issue, name: str, note: str) -> Finding:
    severity = _severity(one)
    version = one.version or ""
    cwe = tuple(word for word in _identifiers(one, "CWE") if word.startswith("CWE-"))
    licence = one.type == "license"
    lowered = _WORDS.get(one.original_severity or "")
    if lowered is not None and one.original_severity != one.severity:
        note = f" (a policy of snyk's platform made it {one.severity}; it was {one.original_severity}){note}"
    return Finding(
        scanner=_TOOL,
        rule=one.id,
        kind=Kind.LICENCE if licence else Kind.DEPENDENCY,
        severity=severity or Severity.HIGH,
        severity_from="tool" if severity else "adapter",
        message=f"{name} {version}: {brief(one.title)}{note}",
        location=Location(path=_target(project)),
        cwe=() if licence else cwe,
        ids=() if licence else _ids(one),
        fix=_LICENCE if licence else _fix(one, name),
        url=f"https://security.snyk.io/vuln/{quote(one.id)}" if not licence else "",
        package=None if licence else _package(project, one, name, version),
    )


_LICENCE = "Check that the licence allows what you do with it; if it does, waive this finding with the reason."


def _severity(one: _Issue) -> Severity | None:
    """The higher of the two where a policy of the vendor's platform changed it: what lowers it belongs in a waiver."""
    stated = [_WORDS[word] for word in (one.severity, one.original_severity or "") if word in _WORDS]
    return max(stated, key=_ORDER.index) if stated and one.severity in _WORDS else None


def _identifiers(one: _Issue, kind: str) -> list[str]:
    return [word for word in (one.identifiers or {}).get(kind, []) if isinstance(word, str)]


def _ids(one: _Issue) -> tuple[str, ...]:
    others = (*_identifiers(one, "CVE"), *_identifiers(one, "GHSA"))
    return tuple(dict.fromkeys((one.id, *others)))


def _fix(one: _Issue, name: str) -> str:
    fixed = _fixed(one)
    if not fixed:
        return f"No release of {name} mends this: replace it, or accept the risk in writing."
    return f"Upgrade {name} to {' or '.join(fixed)}"


def _fixed(one: _Issue) -> tuple[str, ...]:
    near = (one.nearest_fixed_in_version,) if one.nearest_fixed_in_version else ()
    return tuple(dict.fromkeys((*near, *(one.fixed_in or ()))))


def _package(project: _Project, one: _Issue, name: str, version: str) -> Package:
    manager = project.package_manager or one.package_manager
    ecosystem, kind = _MANAGERS.get(manager, (manager, ""))
    # Of the packages of an image the URL would need the distribution's release, which the report does not tell.
    place = name.replace(":", "/") if kind == "maven" else name
    release = f"@{quote(version)}" if version else ""
    purl = f"pkg:{kind}/{quote(place, safe='/')}{release}" if kind else ""
    return Package(ecosystem=ecosystem, name=name, version=version, purl=purl, fixed=_fixed(one))


def _target(project: _Project) -> str:
    """The file that was judged, relative; the name of an image; "" where only a folder is named."""
    if project.display_target_file:
        folder, name = posixpath.split(project.display_target_file)
        return posixpath.join(folder, _TARGETS.get(name, name))
    return "" if project.path.startswith(("/", ".")) else project.path


def _gaps(project: _Project) -> Iterator[Gap]:
    path, what = _target(project), _target(project) or project.path
    if project.dependency_count == 0:
        remedy = "Lock its dependencies, or leave the file out with snyk: {exclude: [...]}."
        yield Gap(
            reason=GapReason.FILE_UNREAD,
            path=path,
            message=f"snyk found no dependency in {what}: it judged nothing.",
            remedy=remedy,
        )
    if project.has_unknown_versions:
        remedy = "Lock every dependency to a release."
        message = f"snyk could not tell every release in {what}: those were not judged."
        yield Gap(reason=GapReason.NOT_COVERED, path=path, message=message, remedy=remedy)
    if project.severity_threshold:
        message = f"snyk was told to leave out what is below {project.severity_threshold}."
        remedy = "Take --severity-threshold away; the policy of hardgate.yaml says what blocks (policy.block_at)."
        yield Gap(reason=GapReason.NOT_COVERED, path=path, message=message, remedy=remedy)
    yield from (_unrated(one, path) for one, _ in _issues(project) if one.severity not in _WORDS)


def _unrated(one: _Issue, path: str) -> Gap:
    return Gap(
        reason=GapReason.SEVERITY_UNKNOWN,
        path=path,
        message=f"snyk calls {one.id} {one.severity!r}, a severity that hardgate does not know: it counts as high.",
        remedy=f"Rate it in hardgate.yaml: snyk: {{severity: {{{one.id!r}: medium}}}}.",
    )


def _failed(one: _Failure) -> Gap:
    return Gap(
        reason=GapReason.FILE_UNREAD,
        message=f"snyk did not judge a project: {brief(one.error)}",
        remedy="Mend what it says, or leave the file out with snyk: {exclude: [...]}.",
    )


def _split(job: Job) -> tuple[Job, ...]:
    """A start for each lock file, and for each manifest without one.

    In one start for all (--all-projects) the CLI leaves out what it could not read, and its report does not say so.
    """
    here = frozenset(job.files)
    subjects = [path for path in job.files if _is_lock(path) or _is_unlocked(path, here)]
    return tuple(dataclasses.replace(job, subject=path) for path in subjects) or (job,)


def _is_lock(path: str) -> bool:
    return posixpath.basename(path) in _LOCKS


def _is_unlocked(path: str, here: frozenset[str]) -> bool:
    folder, name = posixpath.split(path)
    locks = (lock for lock, manifest in _LOCKS.items() if manifest == name)
    return name in _MANIFESTS and not any(posixpath.join(folder, lock) in here for lock in locks)


def _argv(job: Job) -> tuple[str, ...]:
    file = (f"--file={job.subject}",) if job.subject else ()
    org = (f"--org={job.options.org}",) if job.options.org else ()
    # What is needed to build and test runs too, with the keys of the pipeline.
    whole = ("--dev", "--strict-out-of-sync=true")
    own = () if job.honour_config else ("--ignore-policy",)
    return (*job.command, "test", "--json", *whole, *own, *file, *org, *job.args)


def _selects(path: str) -> bool:
    name = posixpath.basename(path)
    return name in _LOCKS or name in _LOCKS.values()


def _environment(_job: Job) -> dict[str, str]:
    return {"SNYK_DISABLE_ANALYTICS": "1", "SNYK_CFG_DISABLESUGGESTIONS": "true"}


_CANARY = {
    "package.json": b'{"name": "canary", "version": "1.0.0", "dependencies": {"lodash": "4.17.4"}}\n',
    "package-lock.json": b"""{
  "name": "canary", "version": "1.0.0", "lockfileVersion": 3, "requires": true,
  "packages": {
    "": {"name": "canary", "version": "1.0.0", "dependencies": {"lodash": "4.17.4"}},
    "node_modules/lodash": {"version": "4.17.4"}
  }
}
""",
}

SNYK = Scanner(
    name=_TOOL,
    kinds=frozenset({Kind.DEPENDENCY, Kind.LICENCE}),
    argv=_argv,
    parse=_parse,
    done_exits=frozenset({0, 1}),
    # Prototype pollution in lodash, rated critical: Snyk's own number for it is SNYK-JS-LODASH-450202.
    canary=Canary(files=_CANARY, rules=("CVE-2019-10744",)),
    selects=_selects,
    configs=lambda path: posixpath.basename(path) == ".snyk",
    options=Options,
    split=_split,
    environment=_environment,
    # The address comes from whoever runs the gate: named in the repository it could be given the token.
    secrets=("SNYK_TOKEN", "SNYK_API"),
    needs=("SNYK_TOKEN",),
    needs_hint="Give it the token of an account with Snyk in SNYK_TOKEN, or take snyk out of hardgate.yaml.",
    address=lambda _options: "https://api.snyk.io",
    data=lambda _job: DataUse(source="Snyk's database (api.snyk.io)"),
    tool=lambda _options: f"{OUTSIDE}snyk",
    # npm's `snyk` is a launcher: its digest does not tell the version of what it starts.
    reusable=False,
    seconds=5.0,
    memory=250_000_000,
)
