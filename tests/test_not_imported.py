"""What the policy makes of a vulnerable package that the application does not import."""

from __future__ import annotations

import pytest

from hardgate import gate
from hardgate.model import Finding, Kind, Severity, State, Use
from hardgate.proofs import Imported
from tests.builders import NOW, dependency, policy, receipt, run, settled

SAID = {one: Use(imported=one, because="so it is") for one in Imported}


def package(severity: Severity, use: Use | None, rated: str = "tool") -> Finding:
    return settled(
        1, kind=Kind.DEPENDENCY, severity=severity, package=dependency("x").package, use=use, severity_from=rated
    )


def state(finding: Finding, limit: Severity | None) -> State:
    rules = policy(block_not_imported=limit)
    return gate.decide(run(receipt(), findings=(finding,)), rules, now=NOW).decisions[0].state


@pytest.mark.parametrize("imported", Imported)
def test_without_the_word_nobody_is_let_off(imported: Imported) -> None:
    assert state(package(Severity.HIGH, SAID[imported]), None) is State.BLOCKING


@pytest.mark.parametrize(
    ("use", "let_off"),
    [(SAID[Imported.NO], True), (SAID[Imported.UNKNOWN], False), (SAID[Imported.YES], False), (None, False)],
)
def test_only_what_is_certainly_not_imported_is_let_off(use: Use | None, *, let_off: bool) -> None:
    assert state(package(Severity.HIGH, use), Severity.CRITICAL) is (State.INFORMING if let_off else State.BLOCKING)


def test_critical_ones_and_exploited_ones_always_block() -> None:
    no = SAID[Imported.NO]
    assert state(package(Severity.CRITICAL, no), Severity.CRITICAL) is State.BLOCKING
    exploited = package(
        Severity.HIGH, no, "tool; CVSS 3.1 7.5 CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N; exploited (CISA)"
    )
    assert state(exploited, Severity.CRITICAL) is State.BLOCKING


def test_a_lower_word_than_block_at_changes_nothing() -> None:
    for severity, wanted in ((Severity.HIGH, State.BLOCKING), (Severity.MEDIUM, State.INFORMING)):
        assert state(package(severity, SAID[Imported.NO]), Severity.LOW) is wanted


def test_the_gate_says_why() -> None:
    rules = policy(block_not_imported=Severity.CRITICAL)
    verdict = gate.decide(run(receipt(), findings=(package(Severity.HIGH, SAID[Imported.NO]),)), rules, now=NOW)
    said = "high is below critical, where packages that the application does not import begin to block"
    assert verdict.decisions[0].because == said
