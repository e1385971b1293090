"""A baseline covers what was there, for the days of its severity, and never a secret or what is exploited."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hardgate import gate, rated
from hardgate.errors import ConfigError
from hardgate.exceptions import baseline, documents
from hardgate.model import Finding, Kind, Outcome, Policy, Severity, State, Verdict
from tests.builders import NOW, dependency, policy, receipt, run, settled

FOUND = tuple(settled(number, severity=severity) for number, severity in enumerate(Severity))
RULES = policy(block_at=dict.fromkeys(Kind, Severity.INFO), baseline_days=baseline.DAYS)


def made(*findings: Finding) -> baseline.Baseline:
    one = run(receipt(), findings=findings)
    verdict = gate.decide(one, RULES, now=NOW)
    return baseline.create(findings, verdict.decisions, RULES, owner="Ada", today=NOW)[0]


def judged(found: tuple[Finding, ...], base: baseline.Baseline, now: str, rules: Policy = RULES) -> Verdict:
    document = documents.document(baseline.FILE, baseline.write(base))
    given = documents.evidence([document])
    return gate.decide(run(receipt(), findings=found, exceptions=given), documents.in_force(rules, given), now=now)


def test_adopted_today_it_passes_and_only_what_is_new_blocks() -> None:
    base = made(*FOUND)
    today = judged(FOUND, base, NOW)
    assert (today.outcome, today.count(State.WAIVED)) == (Outcome.PASS, 5)
    assert today.decisions[0].because == (
        "in the baseline of Ada until 2026-02-15: there since 2026-01-31, as critical (.hardgate/baseline.json)"
    )
    new = settled(9)
    assert judged((*FOUND, new), base, NOW).count(State.BLOCKING) == 1


@pytest.mark.parametrize(
    ("now", "blocking"),
    [
        ("2026-02-15T23:59:59Z", 0),
        ("2026-02-16T00:00:00Z", 1),
        ("2026-03-03T00:00:00Z", 2),
        ("2026-05-02T00:00:00Z", 3),
        ("2026-07-31T00:00:00Z", 5),
    ],
)
def test_each_severity_has_its_day(now: str, blocking: int) -> None:
    verdict = judged(FOUND, made(*FOUND), now)
    assert verdict.count(State.BLOCKING) == blocking
    assert bool(verdict.warnings) is bool(blocking)


def test_the_days_are_those_of_the_policy() -> None:
    rules = policy(block_at=dict.fromkeys(Kind, Severity.INFO), baseline_days={Severity.HIGH: 5})
    base = made(*FOUND)
    assert judged(FOUND, base, "2026-02-05T00:00:00Z", rules).count(State.WAIVED) == 1  # the others have no time


@pytest.mark.parametrize(
    "more",
    [
        {"kind": Kind.SECRET},
        {"severity_from": rated.told("tool", [rated.EXPLOITED])},
        {"severity": Severity.CRITICAL},
    ],
)
def test_what_became_worse_and_what_cannot_wait_is_not_covered(more: dict[str, Any]) -> None:
    """Also when somebody wrote it into the file by hand."""
    base = made(settled(1))
    assert judged((settled(1),), base, NOW).outcome is Outcome.PASS
    worse = settled(1, **more)
    assert judged((worse,), base, NOW).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("told", "threshold", "covered"),
    [
        ("tool; EPSS 0.90000", None, True),
        ("tool; EPSS 0.89999", 0.9, True),
        ("tool; EPSS 0.90000", 0.9, False),
        ("tool", None, True),
        ("tool", 0.9, False),  # no scores were imported, or it has no CVE: not known is not low
        ("tool", 1.0, False),
    ],
)
def test_what_epss_says_is_likely_to_be_exploited_is_not_covered(
    told: str, threshold: float | None, covered: bool
) -> None:
    found = msgspec.structs.replace(dependency("CVE-2026-1"), id="f" * 16, severity_from=told)
    rules = msgspec.structs.replace(RULES, urgent_epss=threshold)
    assert judged((found,), made(found), NOW, rules).outcome is (Outcome.PASS if covered else Outcome.FAIL)
    decisions = gate.decide(run(receipt(), findings=(found,)), RULES, now=NOW).decisions
    base, left = baseline.create((found,), decisions, rules, owner="Ada", today=NOW)
    assert (len(base.findings), len(left)) == ((1, 0) if covered else (0, 1))
    # Of code there is no such score.
    assert judged((settled(1),), made(settled(1)), NOW, rules).outcome is Outcome.PASS


def test_create_says_what_it_leaves_out() -> None:
    secret, known = settled(1, kind=Kind.SECRET), settled(2, severity_from=rated.told("tool", [rated.EXPLOITED]))
    low = settled(3, severity=Severity.LOW)
    found = (secret, known, low, settled(4))
    verdict = gate.decide(run(receipt(), findings=found), policy(), now=NOW)
    base, left = baseline.create(found, verdict.decisions, policy(), owner="Ada", today=NOW)
    assert [entry.id for entry in base.findings] == [f"{4:016x}"]
    assert [one.id for one, _ in left] == [secret.id, known.id]
    assert all(why for _, why in left)


def test_the_burn_down() -> None:
    base = made(*FOUND)
    table = baseline.standing(base, frozenset(one.id for one in FOUND[:3]), RULES, "2026-02-20T00:00:00Z")
    numbers = [tuple(map(len, row[:3])) for row in table.values()]
    assert numbers == [(0, 1, 0), (1, 0, 0), (1, 0, 0), (0, 0, 1), (0, 0, 1)]
    assert table[Severity.HIGH].next_day == "2026-03-02"
    left = baseline.pruned(base, frozenset(one.id for one in FOUND[:3]))
    assert {entry.id for entry in left.findings} == {one.id for one in FOUND[:3]}


def test_the_file_is_read_as_it_is_written() -> None:
    base = made(*FOUND)
    assert set(baseline.read(baseline.write(base)).findings) == set(base.findings)
    empty = baseline.Baseline(schema=1, owner='Ada "L"', findings=())
    assert baseline.read(baseline.write(empty)) == empty


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"since":"2026-01-31"', '"since":"2026-02-31"', "at `$.findings[0].since`"),
        ('"since":"2026-01-31"', '"since":"soon"', "at `$.findings[0].since`"),
        ('"severity":"high"', '"severity":"grave"', "Invalid enum value 'grave'"),
        ('"rule"', '"rul"', "unknown field `rul`"),
        ('"owner": "Ada"', '"owner": ""', "at `$.owner`"),
        ('"schema": 1', '"schema": 2', "$.schema is 2; this hardgate reads 1"),
        ("}\n", "", "JSON is malformed"),
    ],
)
def test_what_is_not_understood_is_refused(old: str, new: str, words: str) -> None:
    raw = baseline.write(made(settled(1))).decode()
    assert old in raw
    with pytest.raises(ConfigError) as caught:
        baseline.read(raw.replace(old, new).encode())
    assert str(caught.value).startswith(".hardgate/baseline.json: ")
    assert words in str(caught.value)
