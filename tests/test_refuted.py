"""A finding that another scanner refutes: which one that is, and what the gate makes of it."""

from __future__ import annotations

import msgspec
import pytest

from hardgate import identity
from hardgate.model import Finding, Kind, Receipt, Refutation, Severity, State, Witness
from tests.builders import finding, policy, receipt, settled
from tests.test_gate import state_of


def told(scanner: str, rule: str, line: int) -> Finding:
    """A finding as its receipt keeps it."""
    one = finding(rule, line=line, scanner=scanner)
    witness = Witness(scanner=scanner, action=scanner, rule=rule, severity=Severity.HIGH, message="bad")
    return msgspec.structs.replace(one, action=scanner, id=f"{scanner}{line:04}", witnesses=(witness,))


def refuting(rule: str, line: int, end: int) -> Receipt:
    return receipt("dataflow", refuted=(Refutation(rule=rule, path="app.py", line=line, end_line=end),))


@pytest.mark.parametrize(
    ("scanner", "rule", "ours", "line", "refuted"),
    [
        ("bandit", "B608", "python-sql-injection", 3, True),
        ("ruff", "S602", "python-command-injection", 5, True),
        ("semgrep", "python-path-traversal", "python-path-traversal", 4, True),
        ("bandit", "B608", "python-command-injection", 4, False),  # another weakness
        ("bandit", "B608", "python-sql-injection", 6, False),  # another place
        ("bandit", "B324", "python-weak-hash", 4, False),  # not a matter of what arrives
        ("dataflow", "python-sql-injection", "python-sql-injection", 4, False),  # nobody refutes himself
    ],
)
def test_what_is_refuted(scanner: str, rule: str, ours: str, line: int, *, refuted: bool) -> None:
    receipts = [receipt(scanner, findings=(told(scanner, rule, line),)), refuting(ours, 3, 5)]
    assert [one.refuted for one in identity.conclude(receipts)] == ["dataflow" if refuted else ""]


def test_a_witness_of_another_weakness_keeps_the_finding() -> None:
    one, other = told("bandit", "B608", 4), told("bandit", "B307", 4)
    both = msgspec.structs.replace(one, witnesses=(*one.witnesses, *other.witnesses))
    concluded = identity.conclude([receipt(findings=(both,)), refuting("python-sql-injection", 4, 4)])
    assert [one.refuted for one in concluded] == [""]


def test_bandit_and_ruff_are_refuted_together() -> None:
    receipts = [receipt(name, findings=(told(name, rule, 4),)) for name, rule in (("bandit", "B608"), ("ruff", "S608"))]
    concluded = identity.conclude([*receipts, refuting("python-sql-injection", 4, 4)])
    assert [(len(one.witnesses), one.refuted) for one in concluded] == [(2, "dataflow")]


def test_a_refuted_finding_informs_unless_the_policy_says_otherwise() -> None:
    refuted = msgspec.structs.replace(settled(), refuted="dataflow")
    assert state_of(refuted, policy()) is State.INFORMING
    assert state_of(refuted, policy(block_refuted=True)) is State.BLOCKING


def test_no_refutation_lets_a_secret_off() -> None:
    secret = msgspec.structs.replace(settled(kind=Kind.SECRET), refuted="dataflow")
    assert state_of(secret, policy()) is State.BLOCKING
