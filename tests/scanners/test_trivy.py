"""trivy: each sort of finding, and the ways in which it looks clean without having looked."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import msgspec
import pytest

from hardgate import locks
from hardgate.errors import ReportError
from hardgate.model import Gap, GapReason, Kind, Report, Severity
from hardgate.scanners.trivy import TRIVY, Options, canary_for, prepare
from hardgate.trivy_said import complaints
from tests.lab import osv_server, trivy_db
from tests.scanners import real

SAMPLES = Path(__file__).parent / "samples" / "trivy"
# Schema 1 as in Trivy's documentation of 0.17.2 (https://trivy.dev/v0.17.2/examples/report), shortened.
OLD = b"""[{"Target": "php-app/composer.lock", "Vulnerabilities": null},
 {"Target": "node-app/package-lock.json", "Vulnerabilities": [{"VulnerabilityID": "CVE-2018-16487", "PkgName": "lodash",
  "InstalledVersion": "4.17.4", "FixedVersion": ">=4.17.11", "Title": "lodash: Prototype pollution in utilities",
  "Description": "A prototype pollution vulnerability was found in lodash", "Severity": "HIGH", "References": []}]}]"""


def sample(name: str) -> Report:
    return TRIVY.parse((SAMPLES / f"{name}-0.74.0.json").read_bytes())


def document(**result: object) -> bytes:
    whole = {
        "SchemaVersion": 2,
        "ArtifactName": ".",
        "ArtifactType": "filesystem",
        "Results": [{"Target": "t", **result}],
    }
    return msgspec.json.encode(whole)


def test_files_sample() -> None:
    report = sample("files")
    assert {one.kind for one in report.findings} == {Kind.MISCONFIGURATION, Kind.SECRET, Kind.LICENCE}
    got = {(one.rule, one.location.path, one.location.line, one.severity.value) for one in report.findings}
    assert len(report.findings) == 24
    assert got > {
        ("DS-0001", "Dockerfile", 1, "medium"),
        ("DS-0002", "Dockerfile", 6, "high"),
        ("DS-0026", "Dockerfile", None, "low"),
        ("AWS-0092", "infra/main.tf", 3, "high"),
        ("aws-access-key-id", "tests/settings.py", 1, "critical"),
        ("GPL-3.0", "LICENSE", None, "high"),
        ("Own", "package-lock.json", None, "medium"),
    }
    assert (report.gaps, report.version) == ((), "0.74.0")


def test_vulnerabilities_sample() -> None:
    report = sample("vulnerabilities")
    (one,) = (one for one in report.findings if one.rule == "CVE-2023-30861")
    assert (one.location.path, one.location.line) == ("requirements.txt", 1)
    assert (one.severity, one.severity_from) == (Severity.HIGH, "tool")
    assert one.fix == "Upgrade flask to 2.3.2 or 2.2.5"
    assert one.package is not None
    assert (one.package.ecosystem, one.package.purl) == ("PyPI", "pkg:pypi/flask@0.12")
    assert {one.location.path for one in report.findings} == {"requirements.txt", "requirements/dev.txt"}


def test_an_unknown_severity_is_high_and_a_gap() -> None:
    report = sample("vulnerabilities")
    unrated = {one.rule for one in report.findings if one.severity_from == "adapter"}
    assert unrated == {"CVE-2014-0012", "CVE-2020-28493", "CVE-2025-27516"}
    assert {gap.reason for gap in report.gaps} == {GapReason.SEVERITY_UNKNOWN}
    assert len(report.gaps) == 6


def test_a_licence_without_a_class_is_medium_and_no_gap() -> None:
    (one,) = (one for one in sample("files").findings if one.rule == "Own")
    assert (one.severity, one.severity_from) == (Severity.MEDIUM, "adapter")
    assert one.message == "lodash is under Own, in Trivy's class unknown"


def test_no_finding_holds_a_part_of_the_file() -> None:
    raw = msgspec.json.encode(sample("files"))
    assert b"AKIA" not in raw
    assert b"****" not in raw


def test_a_clean_report_is_clean() -> None:
    assert sample("clean") == Report(version="0.74.0")


def test_numbers_of_weaknesses_are_kept() -> None:
    row = {"VulnerabilityID": "CVE-1", "PkgName": "a", "InstalledVersion": "1", "Severity": "LOW", "CweIDs": ["CWE-79"]}
    (one,) = TRIVY.parse(document(Vulnerabilities=[row])).findings
    assert one.cwe == ("CWE-79",)


def test_only_failed_checks_are_findings() -> None:
    problem = {"ID": "DS-1", "Title": "t", "Message": "m", "Severity": "LOW"}
    rows = [{**problem, "Status": status} for status in ("PASS", "EXCEPTION", "FAIL")]
    assert len(TRIVY.parse(document(Misconfigurations=rows)).findings) == 1


def test_the_old_shape_is_read_and_its_empty_list_refused() -> None:
    (one,) = TRIVY.parse(OLD).findings
    assert (one.rule, one.severity, one.location.path) == (
        "CVE-2018-16487",
        Severity.HIGH,
        "node-app/package-lock.json",
    )
    with pytest.raises(ReportError, match="empty list"):
        TRIVY.parse(b"[]")


@pytest.mark.parametrize(
    "raw",
    [
        b'{"SchemaVersion": 2}',
        b'{"SchemaVersion": 2, "Results": []}',
        b'{"ArtifactName": ".", "ArtifactType": "filesystem"}',
        b'{"SchemaVersion": 3, "ArtifactName": ".", "ArtifactType": "filesystem"}',
    ],
)
def test_a_report_that_does_not_say_what_it_is_is_refused(raw: bytes) -> None:
    with pytest.raises(ReportError):
        TRIVY.parse(raw)


def test_the_canary_covers_what_is_looked_for() -> None:
    assert canary_for(Options(scanners=("secret",))).rules == ("aws-access-key-id",)
    assert len(canary_for(Options()).rules) == 4


HOSTILE = {
    "trivy.yaml": "severity: [LOW]\n",
    ".trivyignore": "DS-0002\naws-access-key-id\n",
    "trivy-secret.yaml": "disable-rules: [aws-access-key-id]\n",
    "Dockerfile": "FROM python:3.12\nUSER root\n",
    "docs/README.md": 'KEY = "AKIA' + 'QYLPMN5HFIQR7XYA"\n',
}


def start(root: Path, scratch: Path, **options: object) -> tuple[Report, tuple[Gap, ...]]:
    (part,) = TRIVY.split(real.job(TRIVY, root, scratch, options=options))
    done = real.start(TRIVY, part)
    assert done.exit_code == 0, done.stderr.decode()
    return TRIVY.parse(done.stdout), complaints(done.stderr)


@pytest.mark.real
def test_a_hostile_tree_does_not_steer_it(tmp_path: Path) -> None:
    """Even under their own names: the flags name files of ours."""
    root = real.write(tmp_path / "tree", HOSTILE)
    report, gaps = start(root, tmp_path / "scratch", scanners=["misconfig", "secret"])
    rules = {(one.rule, one.location.path) for one in report.findings}
    assert rules >= {("DS-0002", "Dockerfile"), ("aws-access-key-id", "docs/README.md")}
    assert gaps == ()
    assert all(TRIVY.configs(name) for name in ("trivy.yaml", "a/.trivyignore", "trivy-secret.yaml"))


@pytest.mark.real
def test_files_that_it_cannot_read_are_told_on_its_standard_error_only(tmp_path: Path) -> None:
    files = {"Dockerfile": "", "infra/main.tf": 'resource "a" "b" {\n  c =\n', "ok/Dockerfile": "FROM a:1\nUSER a\n"}
    report, gaps = start(real.write(tmp_path / "tree", files), tmp_path / "scratch", scanners=["misconfig"])
    assert {one.location.path for one in report.findings} <= {"ok/Dockerfile"}
    assert {(gap.reason, gap.path) for gap in gaps} == {
        (GapReason.FILE_UNREAD, "Dockerfile"),
        (GapReason.FILE_UNREAD, "infra/main.tf"),
    }


@pytest.mark.real
def test_vulnerabilities_offline_with_a_database(tmp_path: Path) -> None:
    trivy_db.write(osv_server.data_folder(), tmp_path / "cache")
    root = real.write(tmp_path / "tree", canary_for(Options(scanners=("vuln",))).files)
    report, gaps = start(root, tmp_path / "scratch", scanners=["vuln"], cache_dir=str(tmp_path / "cache"))
    assert "CVE-2019-10906" in {one.rule for one in report.findings}
    assert gaps == ()


@pytest.mark.real
def test_without_a_database_it_fails_and_says_what_to_do(tmp_path: Path) -> None:
    root = real.write(tmp_path / "tree", {"requirements.txt": "jinja2==2.4.1\n"})
    (part,) = TRIVY.split(real.job(TRIVY, root, tmp_path / "scratch", options={"scanners": ["vuln"]}))
    done = real.start(TRIVY, part)
    assert done.exit_code not in TRIVY.done_exits
    (gap,) = complaints(done.stderr)
    assert gap.reason is GapReason.DATA_UNAVAILABLE
    assert "scanners: [misconfig, secret, license]" in gap.remedy


def test_vulnerabilities_have_a_start_of_their_own(tmp_path: Path) -> None:
    job = real.job(TRIVY, tmp_path, tmp_path / "scratch")
    assert [part.mode for part in TRIVY.split(job)] == ["files", "vuln"]


@pytest.mark.real
def test_a_missing_folder_is_an_error_of_the_tool(tmp_path: Path) -> None:
    root = real.write(tmp_path / "tree", HOSTILE)
    (part,) = TRIVY.split(
        real.job(TRIVY, root, tmp_path / "scratch", options={"scanners": ["secret"]}, args=("absent",))
    )
    assert real.start(TRIVY, part).exit_code not in TRIVY.done_exits


_UV = """version = 1

[[package]]
name = "jinja2"
version = "2.4.1"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "x"
version = "1"
source = { virtual = "." }

[package.dev-dependencies]
dev = [{ name = "jinja2" }]
"""
_POETRY = """[[package]]
name = "jinja2"
version = "2.4.1"
groups = ["dev"]

[metadata]
lock-version = "2.0"
python-versions = "*"
"""
_POETRY_WANTS = "[tool.poetry]\nname = 'x'\n[tool.poetry.group.dev.dependencies]\njinja2 = '2.4.1'\n"
_NODE = {
    "name": "x",
    "lockfileVersion": 3,
    "packages": {"": {"devDependencies": {"a": "1"}}, "node_modules/a": {"version": "1.0.0", "dev": True}},
}
_POM = (
    "<project><modelVersion>4.0.0</modelVersion><groupId>g</groupId><artifactId>b</artifactId><version>1</version>"
    "<dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId><version>1.0</version></dependency>"
    "</dependencies></project>"
)
_PNPM = """lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      a: {specifier: 1.0.0, version: 1.0.0}
packages:
  a@1.0.0: {resolution: {integrity: sha512-x}}
snapshots:
  a@1.0.0: {}
"""
_BUN = {
    "lockfileVersion": 1,
    "workspaces": {"": {"name": "x", "dependencies": {"a": "1.0.0"}}},
    "packages": {"a": ["a@1.0.0", "", {}, "sha512-x"]},
}
# One small file of each name that locks.py says Trivy reads.
READ = {
    "requirements.txt": "jinja2==2.4.1\n",
    "requirements-dev.txt": "jinja2==2.4.1\n",
    "requirements/prod.txt": "jinja2==2.4.1\n",
    "uv.lock": _UV,
    "poetry.lock": _POETRY,
    "pylock.toml": "lock-version = '1.0'\n[[packages]]\nname = 'jinja2'\nversion = '2.4.1'\n",
    "pylock.dev.toml": "lock-version = '1.0'\n[[packages]]\nname = 'jinja2'\nversion = '2.4.1'\n",
    "Pipfile.lock": json.dumps({"_meta": {}, "default": {}, "develop": {"jinja2": {"version": "==2.4.1"}}}),
    "package-lock.json": json.dumps(_NODE),
    "npm-shrinkwrap.json": json.dumps(_NODE),
    "yarn.lock": '# yarn lockfile v1\n\n\na@^1.0.0:\n  version "1.0.0"\n',
    "pnpm-lock.yaml": _PNPM,
    "bun.lock": json.dumps(_BUN),
    "pom.xml": _POM,
    "gradle.lockfile": "g:a:1.0=compileClasspath\nempty=\n",
    "build.sbt.lock": json.dumps(
        {"lockVersion": 1, "dependencies": [{"org": "g", "name": "a", "version": "1.0", "configurations": ["compile"]}]}
    ),
    "go.mod": "module x\n\ngo 1.22\n\nrequire example.com/a v1.0.0\n",
    "Gemfile.lock": "GEM\n  remote: https://rubygems.org/\n  specs:\n    a (1.0.0)\n\nDEPENDENCIES\n  a\n",
    "Cargo.lock": 'version = 3\n\n[[package]]\nname = "a"\nversion = "1.0.0"\nsource = "registry+x"\n',
    "composer.lock": json.dumps({"packages": [{"name": "a/b", "version": "1.0.0"}], "packages-dev": []}),
    "packages.lock.json": json.dumps(
        {"version": 1, "dependencies": {"net6.0": {"A": {"type": "Direct", "resolved": "1"}}}}
    ),
    "packages.config": '<packages><package id="A" version="1.0.0"/></packages>',
    "mix.lock": '%{\n  "a": {:hex, :a, "1.0.0", "x", [:mix], [], "hexpm", "x"},\n}\n',
    "pubspec.lock": 'packages:\n  a:\n    dependency: "direct main"\n    source: hosted\n    version: "1.0.0"\n',
    "Package.resolved": json.dumps(
        {
            "pins": [{"identity": "a", "location": "https://github.com/a/a.git", "state": {"version": "1.0.0"}}],
            "version": 2,
        }
    ),
    "Podfile.lock": "PODS:\n  - A (1.0.0)\n\nDEPENDENCIES:\n  - A\n",
    "conan.lock": json.dumps({"version": "0.5", "requires": ["zlib/1.2.0#x"], "build_requires": []}),
}


def judged(tmp_path: Path, files: dict[str, str]) -> tuple[Report, list[Gap], tuple[str, ...]]:
    """The vulnerability scan with the database of the tests: its report, all gaps, and the lock files in scope."""
    trivy_db.write(osv_server.data_folder(), tmp_path / "cache")
    root = real.write(tmp_path / "tree", files)
    options = {"scanners": ["vuln"], "cache_dir": str(tmp_path / "cache")}
    (part,) = TRIVY.split(real.job(TRIVY, root, tmp_path / "scratch", options=options))
    gaps: list[Gap] = []
    for path in TRIVY.rewrites(part):
        ready = prepare(dataclasses.replace(part, subject=path), (root / path).read_bytes())
        (root / path).write_bytes(ready.content)
        gaps += ready.gaps
    done = real.start(TRIVY, part)
    assert done.exit_code == 0, done.stderr.decode()
    report = TRIVY.parse(done.stdout)
    return report, [*gaps, *report.gaps, *complaints(done.stderr)], tuple(filter(locks.ecosystem, part.files))


@pytest.mark.real
def test_every_lock_file_that_we_say_it_reads_it_reads(tmp_path: Path) -> None:
    """Each in a folder of its own, with packages for development too."""
    names = {name.rpartition("/")[2] for name in READ}
    assert set(locks.READ) <= names
    files = {f"{number}/{name}": content for number, (name, content) in enumerate(READ.items())}
    files[next(name for name in files if name.endswith("poetry.lock")).replace("poetry.lock", "pyproject.toml")] = (
        _POETRY_WANTS
    )
    report, gaps, listed = judged(tmp_path, files)
    assert {gap for gap in gaps if gap.reason is not GapReason.SEVERITY_UNKNOWN} == set()
    assert report.seen == frozenset(listed)
    python = {path for path in listed if locks.ecosystem(path) == "PyPI"}
    assert {one.location.path for one in report.findings if one.rule == "CVE-2019-10906"} == python
    assert len(python) == 8


@pytest.mark.real
@pytest.mark.parametrize("name", sorted({*READ} - {"requirements/prod.txt"}))
def test_a_broken_lock_file_is_not_seen_or_a_gap(tmp_path: Path, name: str) -> None:
    report, gaps, _ = judged(tmp_path, {name: '{"[garbage\n<', "other/requirements.txt": "jinja2==2.4.1\n"})
    assert name not in (report.seen or ()) or any(gap.path == name for gap in gaps)


@pytest.mark.real
def test_what_trivy_passes_by_in_silence_is_a_gap(tmp_path: Path) -> None:
    files = {
        "requirements.txt": "jinja2==2.4.1\nflask>=1\n",
        "pom.xml": _POM.replace("<version>1.0</version>", ""),
        "environment.yml": "dependencies:\n  - flask=0.12\n",
    }
    _, gaps, _ = judged(tmp_path, files)
    said = {gap.path: gap.message for gap in gaps if gap.reason is GapReason.NOT_COVERED}
    assert said.keys() == {"requirements.txt", "pom.xml", "environment.yml"}
    assert "flask>=1 is not pinned" in said["requirements.txt"]
    assert "the release of g:a cannot be told" in said["pom.xml"]


def test_a_version_that_it_could_not_compare_is_a_gap() -> None:
    line = (
        b'2026-11-22T07:18:49Z\tWARN\tVersion matching error\terr="npm version error (1.2): invalid semantic version"\n'
    )
    (gap,) = complaints(line * 3)
    assert gap.reason is GapReason.NOT_COVERED
    assert "npm version error (1.2)" in gap.message
