"""safety: both of its reports, and the real tool against a loopback stand-in for its vendor's service."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hardgate import tools
from hardgate.adapter import Job
from hardgate.errors import ReportError
from hardgate.model import GapReason, Report, Severity
from hardgate.scanners.safety import SAFETY, prepare
from tests.lab import osv_server, safety_service
from tests.scanners import real

SAMPLES = Path(__file__).parent / "samples" / "safety"


def sample(name: str) -> Report:
    return SAFETY.parse((SAMPLES / f"{name}-3.8.1.json").read_bytes())


def changed(**changes: object) -> bytes:
    """The report of a check with the first of its vulnerabilities changed and the others left out."""
    report = msgspec.json.decode((SAMPLES / "check-3.8.1.json").read_bytes())
    report["report_meta"]["vulnerabilities_found"] = 1
    report["vulnerabilities"] = [report["vulnerabilities"][0] | changes]
    return msgspec.json.encode(report)


def test_check_sample() -> None:
    report = sample("check")
    assert len(report.findings) == 16
    assert (report.gaps, report.version) == ((), "3.8.1")
    (one,) = (one for one in report.findings if one.rule == "GHSA-462w-v97r-4m45")
    assert one.ids == ("GHSA-462w-v97r-4m45", "CVE-2019-10906")
    assert (one.severity, one.severity_from) == (Severity.HIGH, "tool")
    assert one.fix == "Upgrade jinja2 to 2.10.1"
    assert one.package is not None
    assert (one.package.purl, one.package.fixed) == ("pkg:pypi/jinja2@2.4.1", ("2.10.1",))
    assert {one.severity_from for one in report.findings} == {"tool", "adapter"}


def test_clean_and_empty_checks_differ() -> None:
    assert sample("check-clean") == Report(version="3.8.1")
    (gap,) = sample("check-nothing").gaps
    assert gap.reason is GapReason.FILE_UNREAD


def test_scan_sample() -> None:
    report = sample("scan")
    places = {(one.location.path, one.package.name) for one in report.findings if one.package}
    assert places == {
        ("/srv/tree/requirements.txt", "flask"),
        ("/srv/tree/requirements.txt", "jinja2"),
        ("/srv/tree/api/dev-requirements.txt", "flask"),
    }
    assert {(one.severity, one.severity_from) for one in report.findings} == {(Severity.HIGH, "adapter")}
    assert {one.package.version for one in report.findings if one.package} == {"0.12", "2.4.1"}


@pytest.mark.parametrize(
    ("severity", "expected", "gaps"),
    [
        ({"cvssv3": {"base_severity": "critical"}}, (Severity.CRITICAL, "tool"), 0),
        ({"cvssv3": {"base_severity": None}}, (Severity.HIGH, "adapter"), 0),
        (None, (Severity.HIGH, "adapter"), 0),
        ({"cvssv3": {"base_severity": "AWFUL"}}, (Severity.HIGH, "adapter"), 1),
    ],
)
def test_severities(severity: object, expected: tuple[Severity, str], gaps: int) -> None:
    report = SAFETY.parse(changed(severity=severity))
    (one,) = report.findings
    assert (one.severity, one.severity_from) == expected
    assert [gap.reason for gap in report.gaps] == [GapReason.SEVERITY_UNKNOWN] * gaps


def test_what_a_policy_ignores_is_still_a_finding() -> None:
    report = msgspec.json.decode(changed(ignored_reason="we like it"))
    report["ignored_vulnerabilities"] = report["vulnerabilities"]
    report["vulnerabilities"], report["report_meta"]["vulnerabilities_found"] = [], 0
    (one,) = SAFETY.parse(msgspec.json.encode(report)).findings
    assert "asks safety to ignore this: we like it" in one.message


def test_a_report_that_counts_more_than_it_holds_is_refused() -> None:
    report = msgspec.json.decode((SAMPLES / "check-3.8.1.json").read_bytes())
    report["vulnerabilities"] = []
    with pytest.raises(ReportError, match="counts 16 vulnerabilities and holds 0"):
        SAFETY.parse(msgspec.json.encode(report))


def test_the_key_is_handed_over_by_name_only() -> None:
    assert SAFETY.secrets == SAFETY.needs == ("SAFETY_API_KEY",)
    job = Job(
        command=("safety",), root="/r", files=(), report="/s/r", scratch="/s", rules="", options=None, subject="a.txt"
    )
    argv = SAFETY.argv(job)
    assert "--key" not in argv
    assert {"--disable-audit-and-monitor", "--disable-optional-telemetry"} <= set(argv)


def _check(root: Path, scratch: Path, variables: dict[str, str]) -> tuple[tools.Completed, Job]:
    (part,) = SAFETY.split(real.job(SAFETY, root, scratch))
    (root / part.subject).write_bytes(prepare(part, (root / part.subject).read_bytes()).content)
    env = {**tools.environment(scratch), **variables}
    return tools.run(SAFETY.argv(part), cwd=root, env=env, timeout=180), part


@pytest.mark.real
def test_end_to_end(tmp_path: Path) -> None:
    root = real.write(tmp_path / "tree", {"requirements.txt": "# ours\njinja2==2.4.1\nflask>=1\n"})
    with safety_service.serving(osv_server.data_folder()) as server:
        done, part = _check(root, tmp_path / "scratch", dict(safety_service.environment(server.address)))
        asked = [path for path in server.asked if "insecure_full.json" in path]
    assert done.exit_code in SAFETY.done_exits
    report = SAFETY.parse(Path(part.report).read_bytes())
    assert ("CVE-2019-10906", "jinja2") in {
        (name, one.package.name) for one in report.findings if one.package for name in one.ids
    }
    assert asked


@pytest.mark.real
def test_a_key_that_is_refused_never_reads_as_clean(tmp_path: Path) -> None:
    root = real.write(tmp_path / "tree", {"requirements.txt": "colorama==0.4.6\n"})
    with safety_service.serving(osv_server.data_folder()) as server:
        done, part = _check(root, tmp_path / "scratch", dict(safety_service.environment(server.address, key="wrong")))
    assert done.exit_code not in SAFETY.done_exits
    assert not Path(part.report).exists()


@pytest.mark.real
def test_a_service_that_does_not_answer_never_reads_as_clean(tmp_path: Path) -> None:
    root = real.write(tmp_path / "tree", {"requirements.txt": "colorama==0.4.6\n"})
    done, part = _check(root, tmp_path / "scratch", dict(safety_service.environment("http://127.0.0.1:1")))
    assert done.exit_code not in SAFETY.done_exits
    assert not Path(part.report).exists()
