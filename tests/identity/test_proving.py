"""What a dynamic test shows, joined with the static findings behind its endpoint: when, and when not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from hardgate import gate, identity, routes
from hardgate.allowances import PREEXISTING
from hardgate.exceptions import applying, baseline, origins
from hardgate.model import Code, Finding, Kind, Location, Outcome, Receipt, Run, Severity, State, Verdict
from hardgate.proofs import Routes
from tests.builders import BLOCK_AT, NOW, policy, receipt, run, settled, waiver

APP = b"""from flask import Flask
from helpers import both, one
app = Flask(__name__)


@app.get("/planets/<int:number>")
@app.get("/worlds/<int:number>")
def planet(number):
    query = f"{number}"
    return run(query)


@app.post("/login")
def login():
    return one(shared())


@app.get("/moons")
def moons():
    return shared()


@app.get("/two")
def two():
    return one(both())


def shared():
    return "sql"


@app.get(PATH)
def unread():
    return ""
"""
HELPERS = b"def one(x):\n    return x\n\n\ndef both():\n    return 1\n"
TABLE = routes.read([("app.py", APP), ("helpers.py", HELPERS)])
PLANET, SHARED, ONE, BOTH = 9, 29, 2, 6  # lines within these functions


def static(number: int, line: int, cwe: str = "CWE-89", path: str = "app.py", **more: Any) -> Finding:
    return settled(number, location=Location(path=path, line=line), cwe=(cwe,), **more)


def shown(number: int, endpoint: str, cwe: str = "CWE-89", **more: Any) -> Finding:
    return settled(
        number, scanner="newman", actions=("newman",), kind=Kind.DYNAMIC, location=Location(path=endpoint),
        cwe=(cwe,) if cwe else (), **more,
    )  # fmt: skip


def concluded(*findings: Finding, table: Routes = TABLE) -> tuple[Finding, ...]:
    actions = sorted({one.action for one in findings})
    receipts = [receipt(name, findings=tuple(one for one in findings if one.action == name)) for name in actions]
    return identity.conclude(receipts, Code(routes=table))


def ids(found: Sequence[Finding]) -> list[list[int]]:
    """Of each finding the numbers of what it was made of."""
    return [[int(part.id, 16) for part in one.joined or (one,)] for one in found]


def test_one_issue_with_witnesses_of_both_kinds() -> None:
    weaker = static(1, PLANET - 1, severity=Severity.MEDIUM)
    strong = static(2, PLANET, severity=Severity.CRITICAL, scanner="semgrep", actions=("semgrep",))
    (other, issue) = reversed(concluded(weaker, strong, static(3, 60), shown(4, "GET /planets/3")))
    assert ids([issue, other]) == [[2, 1, 4], [3]]
    assert (issue.id, issue.kind, issue.location.line) == (strong.id, Kind.CODE, PLANET)
    assert [one.scanner for one in issue.witnesses] == ["semgrep", "bandit", "newman"]
    assert issue.proof is not None
    assert issue.proof.because == (
        "GET /planets/3 showed it while the application ran, and bandit and semgrep report it in the code that "
        "answers: planet in app.py, lines 6 to 10"
    )
    assert (issue.proof.handler, issue.proof.endpoints) == ("app.py:planet", ("GET /planets/3",))
    # Whatever named a part names the issue.
    assert {one.id for one in issue.joined} <= set(applying.names(issue))


def test_two_endpoints_of_one_function_are_one_issue() -> None:
    found = concluded(static(1, PLANET), shown(2, "GET /planets/{{id}}"), shown(3, "GET /worlds/1"))
    assert ids(found) == [[1, 2, 3]]
    assert found[0].proof is not None
    assert found[0].proof.endpoints == ("GET /planets/{{id}}", "GET /worlds/1")


def test_a_function_that_the_handler_calls_counts_where_it_alone_has_such_a_finding() -> None:
    assert ids(concluded(static(1, SHARED), shown(2, "POST /login"), shown(3, "GET /moons"))) == [[1, 3, 2]]
    assert ids(concluded(static(1, ONE, path="helpers.py"), shown(2, "POST /login"))) == [[1, 2]]
    several = concluded(static(1, ONE, path="helpers.py"), static(2, BOTH, path="helpers.py"), shown(3, "GET /two"))
    assert sorted(ids(several)) == [[1], [2], [3]]


@pytest.mark.parametrize(
    ("findings", "because"),
    [
        ((static(1, PLANET, "CWE-79"), shown(2, "GET /planets/3")), "no static tool reports that weakness"),
        ((static(1, SHARED), shown(2, "GET /planets/3")), "no static tool reports that weakness"),
        ((static(1, PLANET), shown(2, "GET /planets/3", "")), "the test names no weakness"),
        ((static(1, PLANET, "CWE-20"), shown(2, "GET /planets/3", "CWE-20")), "the test names no weakness"),
        ((static(1, PLANET), shown(2, "GET /nowhere")), "no route of the source answers it, and 1 place"),
        ((static(1, PLANET), shown(2, "Basic/list planets")), "it is no method with a path"),
        ((static(1, PLANET, refuted="dataflow"), shown(2, "GET /planets/3")), "no static tool reports that"),
        ((static(1, PLANET, kind=Kind.SECRET), shown(2, "GET /planets/3")), "no static tool reports that"),
    ],
)
def test_what_does_not_fit_stays_two_and_says_why(findings: tuple[Finding, ...], because: str) -> None:
    found = concluded(*findings)
    assert sorted(ids(found)) == [[1], [2]]
    (alone,) = [one.proof for one in found if one.proof]
    assert not alone.confirmed
    assert alone.because.startswith(f"a test alone shows it: {because}")


def test_close_kin_are_one_weakness() -> None:
    assert ids(concluded(static(1, PLANET, "CWE-77"), shown(2, "GET /planets/3", "CWE-78"))) == [[1, 2]]


def test_two_weaknesses_of_one_handler_are_two_issues() -> None:
    found = concluded(
        static(1, PLANET), static(2, PLANET, "CWE-79"), shown(3, "GET /planets/3"), shown(4, "GET /planets/3", "CWE-79")
    )
    assert sorted(ids(found)) == [[1, 3], [2, 4]]


def test_without_a_route_table_nothing_is_said() -> None:
    found = identity.conclude([receipt(findings=(static(1, PLANET), shown(2, "GET /planets/3")))])
    assert [one.proof for one in found] == [None, None]


# The gate


def judged(*findings: Finding, informing: tuple[str, ...] = (), **words: Any) -> Verdict:
    receipts: list[Receipt] = [receipt(name, blocking=name not in informing) for name in ("bandit", "newman")]
    return gate.decide(run(*receipts, findings=concluded(*findings)), policy(**words), now=NOW)


LOW = static(1, PLANET, severity=Severity.LOW)
MILD = shown(2, "GET /planets/3", severity=Severity.MEDIUM)
NEVER_CODE = {**BLOCK_AT, Kind.CODE: None}


def test_joined_blocks_where_either_would_alone() -> None:
    for kinds in (BLOCK_AT, NEVER_CODE, {**BLOCK_AT, Kind.DYNAMIC: None}):
        for part, other in ((static(1, PLANET), MILD), (LOW, shown(2, "GET /planets/3"))):
            alone = gate.decide(run(receipt(), findings=(part, other)), policy(block_at=kinds), now=NOW)
            together = judged(part, other, block_at=kinds)
            assert len(together.decisions) == 1
            assert together.blocks is alone.blocks


def test_a_policy_may_block_on_what_is_confirmed() -> None:
    assert judged(LOW, MILD).outcome is Outcome.PASS
    verdict = judged(LOW, MILD, block_confirmed=Severity.LOW)
    assert verdict.decisions[0].because == "medium reaches low, where confirmed issues begin to block"
    assert judged(LOW, MILD, block_confirmed=Severity.HIGH).outcome is Outcome.PASS
    assert judged(LOW, MILD, block_confirmed=Severity.LOW, informing=("bandit", "newman")).outcome is Outcome.PASS


def test_what_a_test_showed_and_nothing_confirmed_is_no_matter_of_that_word_and_is_told() -> None:
    never = dict.fromkeys(BLOCK_AT)
    apart = (static(1, PLANET), shown(2, "GET /nowhere"))
    verdict = judged(*apart, block_at=never, block_confirmed=Severity.LOW)
    assert verdict.outcome is Outcome.PASS
    (said,) = verdict.warnings
    assert said.startswith("A test showed something at GET /nowhere that could not be joined")
    joined = (static(1, PLANET), shown(2, "GET /planets/3"))
    assert judged(*joined, block_at=never, block_confirmed=Severity.LOW).outcome is Outcome.FAIL
    for quiet in (Severity.CRITICAL, None):
        assert judged(*apart, block_at=never, block_confirmed=quiet).warnings == ()
    assert judged(*apart, block_confirmed=Severity.LOW).warnings == ()  # it blocks


@pytest.mark.parametrize(
    ("named", "waived"),
    [((1,), False), ((2,), False), ((1, 2), True)],
    ids=["what a tool reports", "what a test showed", "both"],
)
def test_a_waiver_of_a_part_does_not_cover_the_issue(named: tuple[int, ...], *, waived: bool) -> None:
    verdict = judged(
        static(1, PLANET), shown(2, "GET /planets/3"), waivers=tuple(waiver(id=f"{one:016x}") for one in named)
    )
    assert verdict.decisions[0].state is (State.WAIVED if waived else State.BLOCKING)
    assert bool(verdict.warnings) is not waived


def test_waivers_by_rule_speak_of_the_part_in_their_path() -> None:
    mine, theirs = waiver(rule="B1", path="app.py"), waiver(rule="B2", path="GET /planets/*")
    findings = (static(1, PLANET), shown(2, "GET /planets/3"))
    assert judged(*findings, waivers=(mine,)).decisions[0].state is State.BLOCKING
    assert judged(*findings, waivers=(mine, theirs)).decisions[0].state is State.WAIVED


def test_no_baseline_covers_what_is_confirmed() -> None:
    (issue,) = concluded(static(1, PLANET), shown(2, "GET /planets/3"))
    assert baseline.never(issue, policy()) == "a test showed that it can be exploited: mend it now"


# Runs compared


def of(*findings: Finding) -> tuple[Finding, ...]:
    return identity.merge(findings)


APART = of(static(1, PLANET), static(3, PLANET - 1), shown(2, "GET /planets/3"))
JOINED = concluded(static(1, PLANET), static(3, PLANET - 1), shown(2, "GET /planets/3"))


@pytest.mark.parametrize(("older", "newer"), [(APART, JOINED), (JOINED, APART), (JOINED, JOINED)])
def test_an_issue_is_neither_new_nor_gone_when_it_is_confirmed(
    older: tuple[Finding, ...], newer: tuple[Finding, ...]
) -> None:
    pairing = identity.pair(older, newer, {})
    assert (pairing.gone, pairing.new) == ((), ())
    assert {one.newer.id for one in pairing.same} == {one.id for one in newer}
    assert len(identity.inherit(pairing)) == len(newer)


@pytest.mark.parametrize(("older", "newer"), [(APART, JOINED), (JOINED, APART)])
def test_beside_its_base_a_change_neither_introduces_nor_mends_it(
    older: tuple[Finding, ...], newer: tuple[Finding, ...]
) -> None:
    found = origins.compare(older, newer, run="r", since=NOW, unchanged=lambda _path: True)
    assert set(found.origins.values()) == {PREEXISTING}
    assert found.fixed == ()


def test_once_the_test_passes_again_the_rest_is_the_same() -> None:
    pairing = identity.pair(JOINED, of(static(3, PLANET - 1)), {})
    assert (pairing.gone, pairing.new, len(pairing.same)) == ((), (), 1)


def test_a_stored_run_keeps_what_it_was_made_of() -> None:
    kept = run(receipt(), findings=JOINED, code=Code(routes=TABLE))
    again = msgspec.json.decode(msgspec.json.encode(kept), type=Run)
    assert again == kept
    assert identity.conclude([receipt(findings=APART)], again.code) == JOINED
