"""Severities: vectors of all versions, words, malware, and what nobody rated."""

from __future__ import annotations

from typing import Any

import pytest

from hardgate.advisories.severity import UNKNOWN, Rating, cvss, rate
from hardgate.model import Severity
from tests.advisories.conftest import record, typed

# The vectors and scores are those of the examples in FIRST's own documents and of well-known CVEs at NVD.
V4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"  # 9.3, cvss-v40-examples
V31 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"  # 10.0, CVE-2021-44228
V30 = "CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"  # 6.1, CVE-2013-1937 in cvss-v30-examples
V2 = "AV:N/AC:L/Au:N/C:P/I:P/A:P"  # 7.5


def rated(scores: list[tuple[str, str]], **more: Any) -> Rating:
    severity = [{"type": kind, "score": score} for kind, score in scores]
    return rate(typed(record("T-1", "PyPI", "p", [{"introduced": "0"}], severity=severity, **more)))


@pytest.mark.parametrize(
    ("vector", "score", "word", "source"),
    [
        (V4, 9.3, Severity.CRITICAL, "CVSS 4.0"), (V31, 10.0, Severity.CRITICAL, "CVSS 3.1"),
        (V30, 6.1, Severity.MEDIUM, "CVSS 3.0"), (V2, 7.5, Severity.HIGH, "CVSS 2.0"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0, Severity.INFO, "CVSS 3.1"),
        ("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", 1.6, Severity.LOW, "CVSS 3.1"),
    ],
)  # fmt: skip
def test_vectors(vector: str, score: float, word: Severity, source: str) -> None:
    assert cvss(vector) == Rating(severity=word, source=source, score=score, vector=vector)


@pytest.mark.parametrize("vector", ["", "7.5", "CVSS:3.1/AV:N", "CVSS:9.9/AV:N", "CVSS:3.1/" + "A" * 999, "AV:N"])
def test_what_is_no_vector_rates_nothing(vector: str) -> None:
    assert cvss(vector) is None
    assert rated([("CVSS_V3", vector)]) == UNKNOWN


def test_the_newest_version_counts() -> None:
    assert rated([("CVSS_V2", V2), ("CVSS_V3", V30), ("CVSS_V4", V4)]).source == "CVSS 4.0"
    assert rated([("CVSS_V2", V2), ("CVSS_V3", V30)]).source == "CVSS 3.0"
    assert rated([("CVSS_V3", V30), ("CVSS_V3", V31)]).score == 10.0


def test_the_rating_of_the_package_comes_before_that_of_the_record() -> None:
    raw = record("T-1", "PyPI", "p", [{"introduced": "0"}], severity=[{"type": "CVSS_V3", "score": V31}])
    raw["affected"][0]["severity"] = [{"type": "CVSS_V3", "score": V30}]
    assert rate(typed(raw)).score == 6.1


@pytest.mark.parametrize(
    ("word", "severity"), [("CRITICAL", "critical"), ("HIGH", "high"), ("Moderate", "medium"), ("low", "low")]
)
def test_words(word: str, severity: str) -> None:
    found = rated([], database_specific={"severity": word})
    assert (found.severity, found.source, found.known) == (severity, "database", True)


@pytest.mark.parametrize("word", ["", "terrible", 7, None, {"a": 1}, ["HIGH"]])
def test_what_nobody_rated_is_high_with_a_mark(word: Any) -> None:
    found = rated([], database_specific={"severity": word})
    assert (found.severity, found.known) == (Severity.HIGH, False)


def test_malware_is_critical() -> None:
    assert rate(typed(record("MAL-2026-1", "npm", "p", [{"introduced": "0"}]))).severity is Severity.CRITICAL
