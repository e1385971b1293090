"""trivy: each sort of finding, and the ways in which it looks clean without having looked."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hardgate.errors import ReportError
from hardgate.model import Gap, GapReason, Kind, Report, Severity
from hardgate.scanners.trivy import TRIVY, Options, canary_for, complaints
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
