"""No record lasts for ever by a date of its own that is still to come."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hardgate import gate
from hardgate.errors import ConfigError
from hardgate.exceptions import baseline, documents, vex, waivers
from hardgate.model import Document, Kind, Outcome, Severity, State, Verdict
from tests.builders import NOW, dependency, policy, receipt, run, settled

RULES = policy(block_at=dict.fromkeys(Kind, Severity.INFO), baseline_days=baseline.DAYS)


def statement(when: str, **more: Any) -> dict[str, Any]:
    return {
        "vulnerability": {"name": "CVE-2023-30861"},
        "products": [{"@id": "pkg:pypi/flask"}],
        "status": "not_affected",
        "justification": "component_not_present",
        "timestamp": when,
    } | more


def openvex(*statements: dict[str, Any]) -> bytes:
    head = {"@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "author": "Ada", "timestamp": NOW, "version": 1}
    return json.dumps({**head, "statements": statements}).encode()


def judged(document: Document, *found: Any) -> Verdict:
    given = documents.evidence([document])
    return gate.decide(run(receipt(), findings=found, exceptions=given), documents.in_force(RULES, given), now=NOW)


@pytest.mark.parametrize("since", ["2026-02-01", "2999-01-01", "9999-12-31"])
def test_a_baseline_of_the_future_covers_nothing_and_says_so(since: str) -> None:
    one = settled(1)
    entry = baseline.Entry(id=one.id, severity=one.severity, since=since)
    raw = baseline.write(baseline.Baseline(schema=1, owner="Ada", findings=(entry,)))
    verdict = judged(documents.document(baseline.FILE, raw), one)
    assert (verdict.outcome, verdict.count(State.WAIVED)) == (Outcome.INCOMPLETE, 0)
    assert "1 of the baseline's entries have a `since` that is still to come" in verdict.gaps[0].message


@pytest.mark.parametrize("when", ["2026-02-01T00:00:00Z", "2999-01-01T00:00:00Z", "9999-12-31T00:00:00Z"])
def test_a_statement_of_the_future_covers_nothing_and_says_so(when: str) -> None:
    one = dependency("CVE-2023-30861", name="flask")
    verdict = judged(documents.document(".hardgate/vex/a.json", openvex(statement(when))), one)
    assert (verdict.outcome, verdict.count(State.WAIVED)) == (Outcome.INCOMPLETE, 0)
    assert "its time is still to come" in verdict.gaps[0].message
    assert judged(documents.document(".hardgate/vex/a.json", openvex(statement(NOW))), one).outcome is Outcome.PASS


def test_a_time_that_no_calendar_has_is_refused() -> None:
    with pytest.raises(ConfigError, match="is no time"):
        vex.read(openvex(statement("9999-12-31T23:59:59-10:00")), "a.json", RULES)


def test_the_days_of_a_baseline_are_not_those_of_a_waiver() -> None:
    one = settled(1, severity=Severity.LOW)
    entry = baseline.Entry(id=one.id, severity=one.severity, since=NOW[:10])
    raw = baseline.write(baseline.Baseline(schema=1, owner="Ada", findings=(entry,)))
    waivers.check(baseline.records(raw, baseline.FILE, RULES), RULES.max_waiver_days, NOW)


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("pkg:pypi/flask@1.0", "pkg:pypi/Flask@1.0"),
        ("pkg:pypi/flask@1.0", "pkg:pypi/flask@1.0?vcs_url=x"),
        ("pkg:pypi/flask", "pkg:pypi/flask@1.0"),
        ("pkg:pypi/flask@1.0", "pkg:pypi/flask"),
    ],
)
def test_the_later_statement_counts_however_it_names_the_package(first: str, later: str) -> None:
    old = statement("2026-01-01T00:00:00Z", products=[{"@id": first}])
    new = statement("2026-01-02T00:00:00Z", products=[{"@id": later}], status="affected")
    assert vex.read(openvex(old, new), "a.json", RULES) == ()
    other = {**new, "products": [{"@id": "pkg:pypi/flask@2.0"}]}
    assert vex.read(openvex(old, other), "a.json", RULES) == () or "@" in first
    assert vex.read(openvex({**new, "timestamp": "2025-12-31T00:00:00Z"}, old), "a.json", RULES) != ()
