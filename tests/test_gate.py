"""The hard gate: a table of what it answers, and what must hold for every run."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardgate import gate
from hardgate.model import (
    ActionState,
    ExitCode,
    Finding,
    Gap,
    GapReason,
    Kind,
    Location,
    Outcome,
    Package,
    Policy,
    Receipt,
    Requirement,
    Run,
    RunState,
    Selection,
    Severity,
    State,
    Verdict,
    Waiver,
    Witness,
)
from tests.builders import BLOCK_AT, NOW, policy, receipt, run, settled, waiver

GAP = Gap(reason=GapReason.TIMEOUT, message="it took too long", action="bandit")
TERRAFORM = Requirement(subject="terraform", scanners=("checkov",), reason="the tree has Terraform: main.tf")


def decide(one: Run, rules: Policy | None = None, *, now: str = NOW) -> Verdict:
    return gate.decide(one, rules or policy(), now=now)


def state_of(finding: Finding, rules: Policy | None = None, *receipts: Receipt) -> State:
    """What the gate makes of the only finding of a run."""
    (decision,) = decide(run(*(receipts or (receipt(),)), findings=(finding,)), rules).decisions
    assert decision.finding == finding.id
    assert decision.because
    return decision.state


def reasons(verdict: Verdict) -> list[tuple[GapReason, str]]:
    return [(gap.reason, gap.action) for gap in verdict.gaps]


# The three answers


def test_nothing_found_and_all_looked_at_is_a_pass() -> None:
    verdict = decide(run(receipt(), receipt("semgrep")))
    assert verdict == Verdict(outcome=Outcome.PASS, judged_at=NOW)
    assert verdict.exit_code is ExitCode.PASS
    assert int(verdict.exit_code) == 0


def test_a_blocking_finding_is_a_fail() -> None:
    verdict = decide(run(receipt(), findings=(settled(),)))
    assert (verdict.outcome, verdict.exit_code, verdict.blocks) == (Outcome.FAIL, ExitCode.FAIL, True)
    assert verdict.exit_code == 1


def test_a_gap_is_incomplete() -> None:
    verdict = decide(run(receipt(state=ActionState.GAP, gaps=(GAP,))))
    assert (verdict.outcome, verdict.exit_code, verdict.blocks) == (Outcome.INCOMPLETE, ExitCode.INCOMPLETE, False)
    assert (verdict.exit_code, verdict.gaps) == (3, (GAP,))


def test_incomplete_outranks_fail_and_both_are_shown() -> None:
    verdict = decide(run(receipt(state=ActionState.GAP, gaps=(GAP,)), findings=(settled(),)))
    assert (verdict.outcome, verdict.exit_code) == (Outcome.INCOMPLETE, ExitCode.INCOMPLETE)
    assert verdict.blocks
    assert verdict.count(State.BLOCKING) == 1
    assert verdict.gaps == (GAP,)


def test_a_finding_that_informs_is_kept_in_a_pass() -> None:
    verdict = decide(run(receipt(), findings=(settled(severity=Severity.LOW),)))
    assert (verdict.outcome, verdict.count(State.INFORMING)) == (Outcome.PASS, 1)


# Thresholds


@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_has_a_threshold_of_its_own(kind: Kind, severity: Severity) -> None:
    threshold = BLOCK_AT[kind]
    blocks = threshold is not None and severity.rank >= threshold.rank
    assert state_of(settled(kind=kind, severity=severity)) is (State.BLOCKING if blocks else State.INFORMING)


def test_the_number_that_is_shown_is_the_number_that_gates() -> None:
    """One tool called it low and another critical: the merged finding is critical, and so is the answer."""
    low = Witness(scanner="semgrep", action="semgrep", rule="x", severity=Severity.LOW, message="")
    merged = settled(severity=Severity.CRITICAL)
    merged = msgspec.structs.replace(merged, witnesses=(*merged.witnesses, low))
    assert state_of(merged) is State.BLOCKING


@pytest.mark.parametrize(
    ("kind", "severity"),
    [*((Kind.SECRET, severity) for severity in Severity), (Kind.DEPENDENCY, Severity.CRITICAL)],
)
@pytest.mark.parametrize("threshold", [None, Severity.CRITICAL])
@pytest.mark.parametrize("blocking", [True, False])
def test_secrets_and_critical_dependencies_always_block(
    kind: Kind, severity: Severity, threshold: Severity | None, blocking: bool
) -> None:
    """Whatever a policy made by hand says: the gate does not rely on config.py having refused it."""
    rules = policy(block_at=dict.fromkeys(Kind, threshold))
    assert state_of(settled(kind=kind, severity=severity), rules, receipt(blocking=blocking)) is State.BLOCKING


@pytest.mark.parametrize("wanted", ["low", "medium", "high"])
@pytest.mark.parametrize(("confidence", "rank"), [("low", 0), ("medium", 1), ("high", 2), ("", 2), ("unheard-of", 2)])
def test_a_finding_blocks_from_a_confidence_on(wanted: str, confidence: str, rank: int) -> None:
    """What states none, or says it in a word of its own, is taken at its word."""
    doubtful = msgspec.structs.replace(settled(), confidence=confidence)
    blocks = rank >= ["low", "medium", "high"].index(wanted)
    assert state_of(doubtful, policy(block_confidence=wanted)) is (State.BLOCKING if blocks else State.INFORMING)


def test_two_scanners_that_agree_are_sure() -> None:
    doubtful = msgspec.structs.replace(settled(), confidence="low")
    second = msgspec.structs.replace(doubtful.witnesses[0], scanner="semgrep")
    agreed = msgspec.structs.replace(doubtful, witnesses=(doubtful.witnesses[0], second))
    assert state_of(doubtful, policy(block_confidence="high")) is State.INFORMING
    assert state_of(agreed, policy(block_confidence="high")) is State.BLOCKING


def test_no_confidence_lets_a_secret_off() -> None:
    secret = msgspec.structs.replace(settled(kind=Kind.SECRET), confidence="low")
    assert state_of(secret, policy(block_confidence="high")) is State.BLOCKING


# Actions that only inform


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        (("bandit",), State.INFORMING),
        (("bandit", "ruff"), State.INFORMING),
        (("bandit", "semgrep"), State.BLOCKING),
        (("semgrep", "bandit"), State.BLOCKING),
        (("unheard-of",), State.BLOCKING),
    ],
)
def test_a_finding_informs_only_when_all_that_saw_it_inform(actions: tuple[str, ...], expected: State) -> None:
    receipts = (receipt(blocking=False), receipt("ruff", blocking=False), receipt("semgrep"))
    assert state_of(settled(actions=actions), None, *receipts) is expected


def test_a_finding_without_witnesses_belongs_to_its_action() -> None:
    bare = msgspec.structs.replace(settled(), witnesses=())
    assert state_of(bare, None, receipt(blocking=False)) is State.INFORMING
    assert state_of(msgspec.structs.replace(bare, action=""), None, receipt(blocking=False)) is State.BLOCKING


def test_an_action_that_only_informs_must_still_have_run() -> None:
    verdict = decide(run(receipt(state=ActionState.GAP, gaps=(GAP,), blocking=False)))
    assert verdict.outcome is Outcome.INCOMPLETE


# Waivers


@pytest.mark.parametrize(
    ("given", "waived"),
    [
        (waiver(id=f"{1:016x}"), True),
        (waiver(id=f"{1:016x}" * 4), True),
        (waiver(id=f"{1:016x}" * 2), False),
        (waiver(id=f"{1:016x}"[:8]), False),
        (waiver(id="0"), False),
        (waiver(id="a witness of its own"[:16]), True),
        (waiver(id=f"{1:016x}"[1:]), False),
        (waiver(id=f"{2:016x}"), False),
        (waiver(rule="B1", path="src/app.py"), True),
        (waiver(rule="B1", path="src/*"), True),
        (waiver(rule="B1", path="*"), True),
        (waiver(rule="B1", path="*.py"), True),
        (waiver(rule="B1", path="app.py"), False),
        (waiver(rule="B1", path="SRC/*"), False),
        (waiver(rule="b1", path="*"), False),
        (waiver(rule="B*", path="*"), False),
        (waiver(rule="B2", path="*"), False),
        (waiver(rule="CVE-2020-1", path="*"), True),
        (waiver(rule="python.sqli", path="*"), True),
        (waiver(id=f"{2:016x}", rule="B1", path="*"), False),
        (waiver(id=f"{1:016x}", until="2026-01-31"), True),
        (waiver(id=f"{1:016x}", until="2026-01-30"), False),
        (waiver(rule="B1", path="*", until="2025-12-31"), False),
        (waiver(), False),
    ],
)
def test_whom_a_waiver_covers(given: Waiver, waived: bool) -> None:
    other = Witness(scanner="semgrep", action="semgrep", rule="python.sqli", severity=Severity.LOW, message="")
    one = settled(ids=("CVE-2020-1",))
    seen = {**one.fingerprints, "semgrep/code/v1": "a witness of its own, by its whole fingerprint"}
    one = msgspec.structs.replace(one, witnesses=(*one.witnesses, other), fingerprints=seen)
    assert (state_of(one, policy(waivers=(given,))) is State.WAIVED) is waived


@pytest.mark.parametrize("kind", [Kind.SECRET, Kind.DEPENDENCY])
def test_a_waiver_covers_what_otherwise_always_blocks(kind: Kind) -> None:
    rules = policy(waivers=(waiver(id=f"{1:016x}"),))
    assert state_of(settled(kind=kind, severity=Severity.CRITICAL), rules) is State.WAIVED


def test_the_decision_says_who_waived_until_when_and_why() -> None:
    rules = policy(waivers=(waiver(rule="x", path="*"), waiver(id=f"{1:016x}")))
    (decision,) = decide(run(receipt(), findings=(settled(),)), rules).decisions
    assert decision.because == "waived by Ada until 2026-12-31: not reachable"


def test_the_day_of_a_waiver_ends_in_utc() -> None:
    one, rules = run(receipt(), findings=(settled(),)), policy(waivers=(waiver(id=f"{1:016x}", until="2026-01-31"),))
    assert decide(one, rules, now="2026-01-31T23:59:59Z").outcome is Outcome.PASS
    ended = decide(one, rules, now="2026-02-01T00:00:00Z")
    assert ended.outcome is Outcome.FAIL
    assert ended.warnings == (f"The waiver of {1:016x} by Ada ended on 2026-01-31: it waives nothing.",)


def test_a_waiver_that_matches_nothing_is_pointed_out() -> None:
    verdict = decide(run(receipt()), policy(waivers=(waiver(rule="B9", path="src/*"),)))
    assert verdict.warnings == ("The waiver of B9 in src/* by Ada matches no finding: remove it.",)


@pytest.mark.parametrize(
    "one",
    [
        run(receipt(state=ActionState.GAP, gaps=(GAP,))),
        run(receipt(), expected=("bandit", "semgrep"), selection=Selection(actions=("bandit",))),
        run(receipt(), selection=Selection(base="main")),
    ],
)
def test_nobody_is_told_to_remove_a_waiver_when_not_all_was_looked_at(one: Run) -> None:
    assert decide(one, policy(waivers=(waiver(rule="B9", path="*"),))).warnings == ()


def test_no_waiver_covers_a_gap() -> None:
    rules = policy(waivers=(waiver(rule="bandit", path="*"),))
    assert decide(run(receipt(state=ActionState.GAP, gaps=(GAP,))), rules).outcome is Outcome.INCOMPLETE


# What was not looked at


def test_gaps_of_the_run_and_of_receipts_are_all_there() -> None:
    whole = Gap(reason=GapReason.FILE_UNREAD, message="x could not be read", path="x")
    verdict = decide(run(receipt(gaps=(GAP,)), receipt("ruff", state=ActionState.GAP, gaps=(GAP, GAP)), gaps=(whole,)))
    assert verdict.gaps == (whole, GAP, GAP, GAP)


def test_a_receipt_that_did_not_do_its_work_and_does_not_say_why_is_a_gap() -> None:
    verdict = decide(run(receipt(state=ActionState.GAP)))
    assert (verdict.outcome, reasons(verdict)) == (Outcome.INCOMPLETE, [(GapReason.TOOL_FAILED, "bandit")])


@pytest.mark.parametrize(
    ("more", "remedy"),
    [
        ({}, "hand its receipt to the gate"),
        ({"state": RunState.INTERRUPTED}, "hardgate run --resume"),
        ({"state": RunState.RUNNING}, "hardgate run --resume"),
        ({"selection": Selection(actions=("bandit",))}, "Run the whole pipeline"),
        ({"selection": Selection(stages=("scan",)), "state": RunState.INTERRUPTED}, "Run the whole pipeline"),
    ],
)
def test_an_action_without_a_receipt_is_a_gap(more: dict[str, Any], remedy: str) -> None:
    verdict = decide(run(receipt(), expected=("bandit", "semgrep"), **more))
    assert (verdict.outcome, reasons(verdict)) == (Outcome.INCOMPLETE, [(GapReason.NOT_RUN, "semgrep")])
    assert remedy in verdict.gaps[0].remedy


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.INTERRUPTED])
def test_a_run_that_was_killed_before_its_end_is_no_pass(state: RunState) -> None:
    """All receipts are there, with what they found; the run's own findings are made last, and were not."""
    verdict = decide(run(receipt(findings=(settled(),)), state=state, finished=""))
    assert (verdict.outcome, reasons(verdict)) == (Outcome.INCOMPLETE, [(GapReason.NOT_RUN, "")])


def test_a_selection_of_everything_is_whole() -> None:
    assert decide(run(receipt(), selection=Selection(actions=("bandit",)))).outcome is Outcome.PASS


@pytest.mark.parametrize("base", ["", "main"])
@pytest.mark.parametrize("receipts", [(), (receipt(state=ActionState.NOTHING_TO_DO),)])
def test_when_nothing_was_in_scope_nothing_was_looked_at(receipts: tuple[Receipt, ...], base: str) -> None:
    verdict = decide(run(*receipts, selection=Selection(base=base)))
    assert (verdict.outcome, reasons(verdict)) == (Outcome.INCOMPLETE, [(GapReason.NOTHING_IN_SCOPE, "")])
    assert ("no file changed" in verdict.gaps[0].message) is bool(base)


def test_one_action_with_something_to_do_is_enough() -> None:
    one = run(receipt(), receipt("checkov", state=ActionState.NOTHING_TO_DO))
    assert decide(one).outcome is Outcome.PASS


def test_what_a_step_did_is_no_look_at_the_tree_but_may_be_all_there_is() -> None:
    step = receipt("build", scope=None)
    idle = decide(run(step, receipt("checkov", state=ActionState.NOTHING_TO_DO)))
    assert (idle.outcome, reasons(idle)) == (Outcome.INCOMPLETE, [(GapReason.NOTHING_IN_SCOPE, "")])
    assert decide(run(step, receipt("run", scope=None))).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("need", "receipts", "expected"),
    [
        ({}, ("bandit",), [GapReason.NOT_COVERED]),
        ({"exempt": "generated"}, ("bandit",), []),
        ({"actions": ("checkov",)}, ("bandit", "checkov"), []),
        ({"actions": ("checkov", "trivy")}, ("bandit", "checkov idle", "trivy"), []),
        ({"actions": ("checkov",)}, ("bandit", "checkov idle"), [GapReason.NOT_COVERED]),
        ({"actions": ("checkov",), "exempt": "generated"}, ("bandit", "checkov idle"), []),
    ],
)
def test_what_must_be_covered(need: dict[str, object], receipts: tuple[str, ...], expected: list[GapReason]) -> None:
    made = [
        receipt(name.split()[0], ActionState.NOTHING_TO_DO if "idle" in name else ActionState.DONE) for name in receipts
    ]
    verdict = decide(run(*made, requirements=(msgspec.structs.replace(TERRAFORM, **need),)))
    assert [gap.reason for gap in verdict.gaps] == expected
    for gap in verdict.gaps:
        assert "main.tf" in gap.message
        assert "policy.exempt.terraform" in gap.remedy


def test_what_failed_to_cover_is_told_once() -> None:
    need = msgspec.structs.replace(TERRAFORM, actions=("checkov",))
    failed = receipt("checkov", ActionState.GAP, gaps=(GAP,))
    assert decide(run(receipt(), failed, requirements=(need,))).gaps == (GAP,)
    absent = run(receipt(), expected=("bandit", "checkov"), requirements=(need,))
    assert reasons(decide(absent)) == [(GapReason.NOT_RUN, "checkov")]


@pytest.mark.parametrize(
    ("required", "expected"),
    [
        (("bandit",), []),
        (("images",), []),
        (("trivy",), []),
        (("semgrep",), [GapReason.NOT_RUN]),
        (("bandit", "semgrep", "checkov"), [GapReason.NOT_RUN] * 2),
    ],
)
def test_what_the_policy_requires_must_have_reported(required: tuple[str, ...], expected: list[GapReason]) -> None:
    """By the name of an action, or of a scanner that any action runs."""
    verdict = decide(run(receipt(), receipt("images", scanner="trivy")), policy(required=required))
    assert [gap.reason for gap in verdict.gaps] == expected


# For every run


SEVERITIES, KINDS = st.sampled_from(Severity), st.sampled_from(Kind)
NAMES = st.sampled_from(["bandit", "semgrep", "trivy"])


@st.composite
def findings(draw: st.DrawFn, number: int) -> Finding:
    actions = tuple(draw(st.lists(NAMES, min_size=1, max_size=3, unique=True)))
    kind = draw(KINDS)
    package = Package(ecosystem="PyPI", name="flask", version="1") if kind is Kind.DEPENDENCY else None
    where = Location(path=draw(st.sampled_from(["a.py", "src/b.py", "requirements.txt"])), line=draw(st.integers(1, 9)))
    rule = draw(st.sampled_from(["B1", "B2"]))
    return settled(
        number, actions=actions, severity=draw(SEVERITIES), kind=kind, package=package, location=where, rule=rule
    )


@st.composite
def runs(draw: st.DrawFn) -> Run:
    receipts = [
        receipt(name, draw(st.sampled_from(ActionState)), blocking=draw(st.booleans()), gaps=draw(GAPS))
        for name in draw(st.lists(NAMES, unique=True))
    ]
    numbers = range(draw(st.integers(0, 6)))
    return run(
        *receipts,
        findings=tuple(draw(findings(number)) for number in numbers),
        expected=tuple(draw(st.lists(NAMES, unique=True))),
        state=draw(st.sampled_from(RunState)),
        selection=draw(st.sampled_from([Selection(), Selection(base="main"), Selection(actions=("bandit",))])),
        requirements=tuple(draw(st.lists(NEEDS, max_size=1))),
        gaps=draw(GAPS),
    )


GAPS = st.sampled_from([(), (), (GAP,)])
NEEDS = st.builds(
    Requirement,
    subject=st.just("terraform"),
    scanners=st.just(("checkov",)),
    reason=st.just("there is Terraform"),
    actions=st.lists(NAMES, max_size=2, unique=True).map(tuple),
    exempt=st.sampled_from(["", "generated"]),
)
WAIVERS = st.builds(
    Waiver,
    reason=st.just("r"),
    owner=st.just("o"),
    until=st.sampled_from(["2026-01-30", "2026-01-31", "2027-01-01"]),
    id=st.sampled_from(["", f"{0:016x}", f"{1:016x}"]),
    rule=st.sampled_from(["B1", "B2"]),
    path=st.sampled_from(["*", "src/*"]),
)
POLICIES = st.builds(
    Policy,
    block_at=st.fixed_dictionaries({kind: st.none() | SEVERITIES for kind in Kind}),
    required=st.lists(NAMES, max_size=1).map(tuple),
    waivers=st.lists(WAIVERS, max_size=2).map(tuple),
)


@given(runs(), POLICIES)
def test_every_finding_has_exactly_one_decision(one: Run, rules: Policy) -> None:
    verdict = decide(one, rules)
    assert [decision.finding for decision in verdict.decisions] == [finding.id for finding in one.findings]
    assert sum(verdict.count(state) for state in State) == len(one.findings)
    assert verdict.blocks is bool(verdict.count(State.BLOCKING))


@given(runs(), POLICIES)
def test_the_outcome_follows_from_gaps_and_blocks_alone(one: Run, rules: Policy) -> None:
    verdict = decide(one, rules)
    outcome = Outcome.INCOMPLETE if verdict.gaps else Outcome.FAIL if verdict.blocks else Outcome.PASS
    assert verdict.outcome is outcome
    assert {*one.gaps, *(gap for each in one.receipts for gap in each.gaps)} <= set(verdict.gaps)


@given(runs(), POLICIES)
def test_a_pass_means_that_all_was_looked_at(one: Run, rules: Policy) -> None:
    if decide(one, rules).outcome is not Outcome.PASS:
        return
    states = {each.action: each.state for each in one.receipts}
    assert one.state is RunState.FINISHED
    assert set(one.expected) <= set(states)
    assert set(rules.required) <= set(states)
    assert ActionState.GAP not in states.values()
    assert ActionState.DONE in states.values()
    for need in one.requirements:
        assert need.exempt or any(states.get(name) is ActionState.DONE for name in need.actions)


@given(runs(), POLICIES)
def test_the_same_evidence_gives_the_same_answer(one: Run, rules: Policy) -> None:
    again = msgspec.json.decode(msgspec.json.encode(one), type=Run)
    first, second = decide(one, rules), decide(again, msgspec.json.decode(msgspec.json.encode(rules), type=Policy))
    assert msgspec.json.encode(first) == msgspec.json.encode(second)


@given(runs(), POLICIES, st.data())
def test_more_evidence_against_never_opens_the_gate(one: Run, rules: Policy, data: st.DataObject) -> None:
    """Another gap or another finding leaves no outcome better than it was."""
    order = [Outcome.PASS, Outcome.FAIL, Outcome.INCOMPLETE]
    before = order.index(decide(one, rules).outcome)
    worse = msgspec.structs.replace(one, findings=(*one.findings, data.draw(findings(99))), gaps=(*one.gaps, GAP))
    assert order.index(decide(worse, rules).outcome) >= before
    more = msgspec.structs.replace(one, findings=(*one.findings, data.draw(findings(98))))
    assert order.index(decide(more, rules).outcome) >= before
