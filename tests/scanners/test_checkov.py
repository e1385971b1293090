"""checkov: its three shapes, its ratings, and the ways in which it looks clean without having looked."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hardgate import tools
from hardgate.errors import ReportError
from hardgate.model import GapReason, Kind, Report, Severity
from hardgate.scanners.checkov import CHECKOV, RATINGS
from tests.scanners import real

SAMPLES = Path(__file__).parent / "samples" / "checkov"
DOCKERFILE = {
    ("CKV_DOCKER_1", "Dockerfile", 5, "medium"),
    ("CKV_DOCKER_2", "Dockerfile", 1, "low"),
    ("CKV_DOCKER_4", "Dockerfile", 3, "low"),
    ("CKV_DOCKER_7", "Dockerfile", 1, "medium"),
    ("CKV_DOCKER_8", "Dockerfile", 6, "high"),
}


def sample(name: str) -> Report:
    return CHECKOV.parse((SAMPLES / f"{name}-3.3.30.json").read_bytes())


def found(report: Report) -> set[tuple[str, str, int | None, str]]:
    return {(one.rule, one.location.path, one.location.line, one.severity.value) for one in report.findings}


def changed(**changes: object) -> bytes:
    """The report of one framework with its first failed check changed and the others left out."""
    report = msgspec.json.decode((SAMPLES / "object-3.3.30.json").read_bytes())
    report["results"] |= {"failed_checks": [report["results"]["failed_checks"][0] | changes], "skipped_checks": []}
    report["summary"] |= {"failed": 1, "skipped": 0}
    return msgspec.json.encode(report)


def test_the_object_of_one_framework() -> None:
    report = sample("object")
    assert found(report) == DOCKERFILE
    assert (report.gaps, report.version) == ((), "3.3.30")
    assert {one.severity_from for one in report.findings} == {"adapter"}


def test_the_list_of_several_frameworks() -> None:
    report = sample("list")
    rules = {(one.rule, one.location.path) for one in report.findings}
    assert len(report.findings) == 30
    assert found(report) > DOCKERFILE
    assert rules > {
        ("CKV_AWS_20", "infra/main.tf"),
        ("CKV_AWS_17", "infra/main.tf"),
        ("CKV_GHA_2", ".github/workflows/build.yml"),
        ("CKV2_GHA_1", ".github/workflows/build.yml"),
        ("CKV_AWS_53", "template.yaml"),
    }
    (gap,) = report.gaps
    assert (gap.reason, gap.path) == (GapReason.FILE_UNREAD, "/srv/tree/infra/broken.tf")


def test_an_inline_skip_is_a_finding_that_says_so() -> None:
    skipped = {one.rule: one.message for one in sample("list").findings if "skip" in one.message}
    assert set(skipped) == {"CKV_DOCKER_2", "CKV_AWS_16"}
    assert skipped["CKV_AWS_16"].endswith("The file asks checkov to skip this check: test data only")


def test_nothing_scanned_is_a_gap() -> None:
    report = sample("nothing")
    assert report.findings == ()
    (gap,) = report.gaps
    assert gap.message == "checkov says that it scanned nothing."


def test_a_quiet_report_is_a_gap_for_what_it_leaves_out() -> None:
    report = sample("quiet")
    assert found(report) == DOCKERFILE - {("CKV_DOCKER_2", "Dockerfile", 1, "low")}
    (gap,) = report.gaps
    assert "counts 1 skipped checks" in gap.message


def test_a_report_that_counts_more_than_it_holds_is_refused() -> None:
    report = msgspec.json.decode((SAMPLES / "object-3.3.30.json").read_bytes())
    report["results"]["failed_checks"].pop()
    with pytest.raises(ReportError, match="counts 4 failed checks and holds 3"):
        CHECKOV.parse(msgspec.json.encode(report))


def test_a_check_without_a_rating_is_high_and_a_gap() -> None:
    report = CHECKOV.parse(changed(check_id="CKV_AWS_99999"))
    (one,) = report.findings
    assert (one.severity, one.severity_from) == (Severity.HIGH, "adapter")
    (gap,) = report.gaps
    assert gap.reason is GapReason.SEVERITY_UNKNOWN
    assert "CKV_AWS_99999" in gap.remedy


def test_a_severity_of_the_tool_comes_first() -> None:
    (one,) = CHECKOV.parse(changed(severity="LOW")).findings
    assert (one.severity, one.severity_from) == (Severity.LOW, "tool")


def test_a_key_in_the_code_is_a_secret() -> None:
    (one,) = CHECKOV.parse(changed(check_id="CKV_AWS_41")).findings
    assert (one.kind, one.severity) == (Kind.SECRET, Severity.CRITICAL)


def test_ratings_cover_each_severity_and_each_family() -> None:
    assert set(RATINGS.values()) == set(Severity)
    assert len(RATINGS) > 500
    assert {name.rpartition("_")[0] for name in RATINGS} == {
        "CKV_AWS",
        "CKV2_AWS",
        "CKV_DOCKER",
        "CKV2_DOCKER",
        "CKV_GHA",
        "CKV2_GHA",
        "CKV_K8S",
        "CKV2_K8S",
    }


HOSTILE = {
    ".checkov.yaml": "skip-check: [CKV_DOCKER_7, CKV_AWS_20]\nexternal-checks-dir: [checks]\n",
    "checks/__init__.py": "import pathlib\npathlib.Path('ran').touch()\n",
    ".hidden/Dockerfile": "FROM python:latest\n",
    "node_modules/x/Dockerfile": "FROM python:latest\n",
    "infra/main.tf": 'resource "aws_s3_bucket" "b" {\n  #checkov:skip=CKV_AWS_20\n  acl = "public-read"\n}\n',
}


@pytest.mark.real
def test_a_hostile_tree_does_not_steer_it(tmp_path: Path) -> None:
    """As the engine stages it: the configuration under a name that means nothing."""
    root = real.write(tmp_path / "tree", {name: text for name, text in HOSTILE.items() if not CHECKOV.configs(name)})
    assert CHECKOV.configs(".checkov.yaml")
    report = real.scan(CHECKOV, root, tmp_path / "scratch")
    places = {(one.rule, one.location.path) for one in report.findings}
    assert places >= {
        ("CKV_DOCKER_7", ".hidden/Dockerfile"),
        ("CKV_DOCKER_7", "node_modules/x/Dockerfile"),
        ("CKV_AWS_20", "infra/main.tf"),
    }
    assert not (root / "ran").exists()


@pytest.mark.real
def test_a_missing_folder_ends_without_a_report(tmp_path: Path) -> None:
    root = real.write(tmp_path / "tree", {"Dockerfile": "FROM python:latest\n"})
    job = real.job(CHECKOV, root, tmp_path / "scratch")
    argv = tuple("absent" if word == "." else word for word in CHECKOV.argv(job))
    done = tools.run(argv, cwd=root, env=tools.environment(tmp_path / "scratch"), timeout=180)
    assert done.stdout.strip() == b""
    with pytest.raises(ReportError):
        CHECKOV.parse(done.stdout)
