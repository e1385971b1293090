"""sbom-audit: what the local database says of an SBOM, read as findings and gaps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from hardgate import rated
from hardgate.errors import ReportError
from hardgate.model import Finding, GapReason, Severity
from hardgate.scanners.sbom_audit import SBOM_AUDIT

SAMPLES = Path(__file__).parent / "samples" / "sbom-audit"
VECTOR = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"


def sample(name: str) -> dict[str, Any]:
    content: dict[str, Any] = msgspec.json.decode((SAMPLES / f"{name}-7.5.0.json").read_bytes())
    return content


def read(name: str) -> tuple[Finding, ...]:
    return SBOM_AUDIT.parse(msgspec.json.encode(sample(name))).findings


def test_a_vulnerable_release() -> None:
    report = SBOM_AUDIT.parse((SAMPLES / "vulnerable-7.5.0.json").read_bytes())
    assert report.gaps == ()
    by_rule = {one.rule: one for one in report.findings}
    escape = by_rule["CVE-2019-10906"]
    assert (escape.severity, escape.severity_from) == (Severity.HIGH, "tool")
    assert escape.ids == ("CVE-2019-10906", "GHSA-462w-v97r-4m45", "PYSEC-2019-217")
    assert escape.package is not None
    assert (escape.package.purl, escape.package.fixed) == ("pkg:pypi/jinja2@2.4.1", ("2.10.1",))
    assert escape.fix == "Upgrade jinja2 to 2.10.1"
    assert by_rule["CVE-2020-28493"].severity_from == "adapter", "nobody rated it"


def test_clean_malicious_exploited() -> None:
    assert read("clean") == ()
    (malware,) = read("malicious")
    assert (malware.severity, malware.rule[:4]) == (Severity.CRITICAL, "MAL-")
    assert malware.fix.startswith("Remove ascii2text")
    exploited = {one.rule for one in read("exploited") if rated.exploited(one.severity_from)}
    assert "CVE-2025-3248" in exploited
    assert exploited < {one.rule for one in read("exploited")}


def test_a_score_and_its_vector_stay() -> None:
    content = sample("clean")
    hit = sample("vulnerable")["hits"][0]
    hit["rating"] = {"severity": "critical", "source": "CVSS 4.0", "score": 9.3, "vector": VECTOR}
    (one,) = SBOM_AUDIT.parse(msgspec.json.encode({**content, "hits": [{**hit, "fixed": [], "kev": True}]})).findings
    assert one.severity_from == f"tool; CVSS 4.0 9.3 {VECTOR}; exploited (CISA)"
    assert one.fix.startswith("No release of flask mends this")


def test_what_was_not_judged_is_a_gap() -> None:
    (gap,) = SBOM_AUDIT.parse((SAMPLES / "unpinned-7.5.0.json").read_bytes()).gaps
    assert gap.reason is GapReason.NOT_COVERED
    assert gap.message == "pkg:pypi/flask was not judged: it names no version."
    absent = {"purl": "pkg:npm/x@1", "reason": "the database has no advisories of npm: import them", "advisory": ""}
    (gap,) = SBOM_AUDIT.parse(msgspec.json.encode({**sample("clean"), "unjudged": [absent]})).gaps
    assert (gap.reason, "hardgate advisories import" in gap.remedy) == (GapReason.DATA_UNAVAILABLE, True)


def test_an_sbom_without_packages_is_a_gap() -> None:
    (gap,) = SBOM_AUDIT.parse(msgspec.json.encode({**sample("clean"), "judged": 0})).gaps
    assert gap.reason is GapReason.FILE_UNREAD


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {"source": ""}}, {"data": None}, {"hits": None}, {"hits": [{}]}, {"judged": "1"},
        {"hits": [{"purl": "pkg:pypi/x@1"}]}, {"unjudged": [{"purl": "x"}]},
    ],
)  # fmt: skip
def test_another_answer_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ReportError):
        SBOM_AUDIT.parse(msgspec.json.encode({**sample("clean"), **changes}))


def test_an_sbom_that_nobody_judged_is_refused() -> None:
    with pytest.raises(ReportError):
        SBOM_AUDIT.parse((SAMPLES.parent / "cyclonedx" / "pinned-7.5.0.json").read_bytes())
