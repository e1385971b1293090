"""pip-audit: its samples, and the ways in which it looks clean without having looked."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hardgate.adapter import Job
from hardgate.errors import ReportError
from hardgate.model import GapReason, Report, Severity
from hardgate.scanners.pip_audit import PIP_AUDIT, complaints, prepare
from tests.lab import osv_server
from tests.scanners import real

SAMPLES = Path(__file__).parent / "samples" / "pip-audit"
# The shape of pip-audit 1.x, from its README of 1.1.2 (https://pypi.org/project/pip-audit/1.1.2/), shortened.
OLD = b"""[{"name": "flask", "version": "0.5", "vulns": [{"id": "PYSEC-2019-179", "fix_versions": ["1.0"],
  "description": "unexpected memory usage"}]}, {"name": "jinja2", "version": "3.0.2", "vulns": []}]"""


def sample(name: str) -> Report:
    return PIP_AUDIT.parse((SAMPLES / f"{name}-2.10.1.json").read_bytes())


def test_sample() -> None:
    report = sample("vulnerable")
    got = {(one.package.name, one.rule, one.package.fixed) for one in report.findings if one.package}
    assert got == {
        ("flask", "PYSEC-2018-66", ("0.12.3",)),
        ("flask", "PYSEC-2019-179", ("1.0",)),
        ("flask", "PYSEC-2023-62", ("2.2.5", "2.3.2")),
        ("jinja2", "PYSEC-2014-8", ("2.7.2",)),
        ("jinja2", "PYSEC-2014-82", ("2.7.3",)),
        ("jinja2", "PYSEC-2019-217", ("2.10.1",)),
        ("jinja2", "PYSEC-2019-220", ("2.8.1",)),
        ("jinja2", "PYSEC-2021-66", ("2.11.3",)),
        ("jinja2", "PYSEC-2026-1471", ("3.1.6",)),
        ("jinja2", "PYSEC-2026-1475", ("3.1.5",)),
    }
    assert len(report.findings) == len(got)
    assert report.gaps == ()


def test_one_finding_whole() -> None:
    (one,) = (one for one in sample("vulnerable").findings if one.rule == "PYSEC-2023-62")
    assert one.ids == ("PYSEC-2023-62", "CVE-2023-30861", "GHSA-m2qf-hxjv-5gpq")
    assert one.fix == "Upgrade flask to 2.2.5 or 2.3.2"
    assert one.url == "https://osv.dev/vulnerability/PYSEC-2023-62"
    assert (one.severity, one.severity_from) == (Severity.HIGH, "adapter")
    assert one.package is not None
    assert one.package.purl == "pkg:pypi/flask@0.12"
    assert one.message.startswith("flask 0.12: Flask is a lightweight WSGI web application framework.")
    assert len(one.message) < 320


def test_malware_is_critical_and_to_be_removed() -> None:
    (one,) = sample("malicious").findings
    assert (one.rule, one.severity) == ("MAL-2022-7421", Severity.CRITICAL)
    assert one.fix.startswith("Remove ascii2text")


def test_a_clean_report_is_clean() -> None:
    assert sample("clean") == Report()


def test_a_package_that_was_skipped_is_a_gap() -> None:
    report = sample("skipped")
    assert report.findings == ()
    (gap,) = report.gaps
    assert gap.reason is GapReason.DATA_UNAVAILABLE
    assert "cannot be pinned" in gap.message


def test_a_report_of_no_package_is_a_gap() -> None:
    (gap,) = sample("nothing").gaps
    assert gap.reason is GapReason.FILE_UNREAD


def test_the_old_shape_is_read_and_its_empty_list_refused() -> None:
    (one,) = PIP_AUDIT.parse(OLD).findings
    assert (one.rule, one.fix) == ("PYSEC-2019-179", "Upgrade flask to 1.0")
    with pytest.raises(ReportError, match="empty list"):
        PIP_AUDIT.parse(b"[]")


@pytest.mark.parametrize("package", [{"name": "a"}, {"name": "a", "version": "1"}, {"name": "a", "vulns": []}])
def test_a_package_about_which_nothing_is_said_is_refused(package: dict[str, object]) -> None:
    with pytest.raises(ReportError, match="neither"):
        PIP_AUDIT.parse(msgspec.json.encode({"dependencies": [package], "fixes": []}))


def test_a_local_version_is_quoted_in_the_purl() -> None:
    vuln = {"id": "X-1", "fix_versions": [], "aliases": [], "description": ""}
    package = {"name": "a", "version": "1.0+cu118", "vulns": [vuln]}
    (one,) = PIP_AUDIT.parse(msgspec.json.encode({"dependencies": [package], "fixes": []})).findings
    assert one.package is not None
    assert one.package.purl == "pkg:pypi/a@1.0%2Bcu118"
    assert one.fix.startswith("No release of a mends this")


def test_advisories_that_it_leaves_out_are_gaps() -> None:
    line = b"WARNING:pip_audit._service.osv:OSV vuln entry 'X-1' is missing 'affected' list\n"
    (gap,) = complaints(b"WARNING:pip_audit._cli:--no-deps is supported\n" + line)
    assert gap.reason is GapReason.DATA_UNAVAILABLE
    assert "X-1" in gap.message


def _argv(**more: object) -> tuple[str, ...]:
    fields: dict[str, object] = {"command": ("pip-audit",), "root": "/r", "files": (), "report": "", "scratch": "/s"}
    return PIP_AUDIT.argv(Job(**{"rules": "", "options": None, "subject": "a.txt", **fields, **more}))  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["http://osv", "http://osv/", "http://osv/v1/query"])
def test_any_spelling_of_the_osv_address_is_asked_at_its_query(url: str) -> None:
    argv = _argv(osv_url=url)
    assert argv[argv.index("--osv-url") + 1] == "http://osv/v1/query"
    assert "--osv-url" not in _argv()
    assert {"--no-deps", "--disable-pip"} <= set(_argv())


REQUIREMENTS = """\
# the application
Jinja2==2.4.1 ; python_version < "3"
jinja2==3.1.6 ; python_version >= "3"
-r base.txt
requests
git+https://git.example/x.git
"""


@pytest.mark.real
def test_what_it_would_drop_silently_is_judged_or_a_gap(tmp_path: Path) -> None:
    """Markers, includes, two versions and an unpinned line in one file, as the engine prepares it."""
    root = real.write(tmp_path / "tree", {"requirements.txt": REQUIREMENTS, "base.txt": "django==1.8\n"})
    with osv_server.serving(osv_server.data_folder()) as address:
        whole = real.job(PIP_AUDIT, root, tmp_path / "scratch", osv_url=address)
        (part,) = PIP_AUDIT.split(whole)
        plain = PIP_AUDIT.parse(real.start(PIP_AUDIT, _without(part, root, ("requests", "git+"))).stdout)
        prepared = prepare(part, REQUIREMENTS.encode())
        (root / "requirements.txt").write_bytes(prepared.content)
        done = real.start(PIP_AUDIT, part)
    # By itself: not a word of the old Jinja nor of Django.
    assert plain.findings == ()
    assert plain.gaps == ()
    report = PIP_AUDIT.parse(done.stdout)
    assert {one.package.version for one in report.findings if one.package} == {"2.4.1"}
    assert "PYSEC-2019-217" in {one.rule for one in report.findings}
    messages = [gap.message for gap in prepared.gaps]
    assert [any(word in message for message in messages) for word in ("base.txt", "requests", "git+")] == [True] * 3


def _without(part: Job, root: Path, words: tuple[str, ...]) -> Job:
    kept = [line for line in REQUIREMENTS.splitlines() if not line.startswith(words)]
    (root / "requirements.txt").write_text("\n".join(kept) + "\n")
    return part


@pytest.mark.real
def test_a_service_that_does_not_answer_never_reads_as_clean(tmp_path: Path) -> None:
    root = real.write(tmp_path / "tree", {"requirements.txt": "colorama==0.4.6\n"})
    (part,) = PIP_AUDIT.split(real.job(PIP_AUDIT, root, tmp_path / "scratch", osv_url="http://127.0.0.1:1"))
    done = real.start(PIP_AUDIT, part)
    # Exit 1 is also that of findings: what tells is that there is no report.
    with pytest.raises(ReportError):
        PIP_AUDIT.parse(done.stdout)
    assert b"Connection refused" in done.stderr


@pytest.mark.real
def test_one_line_that_is_not_pinned_stops_the_tool(tmp_path: Path) -> None:
    """Why requirements files are prepared: without that the tool judges nothing of this file."""
    root = real.write(tmp_path / "tree", {"requirements.txt": "flask>=1\njinja2==2.4.1\n"})
    (part,) = PIP_AUDIT.split(real.job(PIP_AUDIT, root, tmp_path / "scratch", osv_url="http://127.0.0.1:1"))
    done = real.start(PIP_AUDIT, part)
    assert b"flask is not pinned" in done.stderr
    with pytest.raises(ReportError):
        PIP_AUDIT.parse(done.stdout)
