"""bench/secrets.py: the corpus is what its page says, and the score counts as it says."""

from __future__ import annotations

from typing import Any

import pytest

from bench import secrets as bench
from bench.secrets import Line


@pytest.mark.parametrize("half", ["tuned", "unseen"])
def test_each_half_has_enough_of_both(half: str) -> None:
    lines = [line for lines in bench.corpus(half).values() for line in lines]
    assert sum(line.risk for line in lines) >= 60
    assert sum(line.alike for line in lines) >= sum(line.risk for line in lines)
    assert not any("\u00ab" in line.text or "\u00bb" in line.text for line in lines)


def test_the_halves_share_no_risk_line() -> None:
    tuned, unseen = (
        {line.text.strip() for lines in bench.corpus(half).values() for line in lines if line.risk}
        for half in ("tuned", "unseen")
    )
    assert not {text for text in tuned & unseen if "BEGIN" not in text}  # the first line of a key is what it is


def line(text: str, label: str, owner: int | None = None) -> Line:
    return Line(text=text, risk=label == "!", alike=label == "=", owner=owner)


FILES = {
    "a": [line("key", "!", 1), line("more", ":", 1), line("alike", "="), line("other", " "), line("missed", "!", 5)]
}


def found(first: int, severity: str = "high", end: int | None = None) -> dict[str, Any]:
    place = {"path": "a", "line": first, "end_line": end}
    return {"location": place, "witnesses": [{"scanner": "gitleaks", "severity": severity}]}


def test_what_counts() -> None:
    findings = [found(2), found(3), found(4), found(5, "low")]
    row = bench.score(FILES, findings, "union", low=False)
    assert (row["risk_lines"], row["found"], row["missed"]) == (2, 1, ["a:5"])
    assert (row["look_alikes"], row["reported"], row["other_lines_reported"]) == (1, 1, 1)
    assert bench.score(FILES, findings, "union", low=True)["found"] == 2
    assert bench.score(FILES, findings, "trivy", low=True)["found"] == 0


def test_a_finding_over_several_lines_counts_for_the_secret_in_it() -> None:
    row = bench.score(FILES, [found(3, end=5)], "gitleaks", low=False)
    assert (row["found"], row["reported"]) == (1, 0)


def test_goals() -> None:
    rows = {"union": {"share": 0.89}}
    part = {"scanners": {"union": {"per_10000_lines": 1.2}}}
    assert len(list(bench.missed({"corpus": {"unseen": rows}, "clean": {"unseen": part}}))) == 2
    assert list(bench.missed({"corpus": {"unseen": {"union": {"share": 0.9}}}, "clean": {}})) == []
