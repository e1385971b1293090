"""A secret that several tools see in one line is waived for what each of them saw, or not at all."""

from __future__ import annotations

import msgspec
import pytest

from hardgate import gate, identity
from hardgate.model import Finding, Kind, Outcome, State, Verdict, Waiver
from hardgate.waiving import own_ids, waiver_lines
from tests.builders import NOW, policy, receipt, run, settled, waiver


def secret(number: int, scanner: str, rule: str) -> Finding:
    name = f"{number:016x}" * 4
    return settled(
        number, scanner=scanner, actions=(scanner,), rule=rule, kind=Kind.SECRET, fingerprints={"secret/v1": name},
        location=settled(7).location,
    )  # fmt: skip


FAKE, TOKEN = secret(1, "detect-secrets", "Secret Keyword"), secret(2, "gitleaks", "aws-access-token")
(BOTH,) = identity.merge((FAKE, TOKEN))


def judged(*waivers: Waiver) -> Verdict:
    one = run(receipt("detect-secrets"), receipt("gitleaks"), findings=(BOTH,))
    return gate.decide(one, policy(waivers=waivers), now=NOW)


def by_rule(rule: str) -> Waiver:
    return waiver(rule=rule, path="src/*")


@pytest.mark.parametrize(
    "waivers",
    [(waiver(id=FAKE.id),), (waiver(id=TOKEN.id),), (by_rule("Secret Keyword"),), (by_rule("aws-access-token"),)],
    ids=["the one", "the other", "the rule of the one", "the rule of the other"],
)
def test_what_one_tool_saw_does_not_cover_what_the_other_saw(waivers: tuple[Waiver, ...]) -> None:
    verdict = judged(*waivers)
    assert [one.state for one in verdict.decisions] == [State.BLOCKING]
    (warning,) = verdict.warnings
    assert "src/app.py:7" in warning
    assert (TOKEN.id in warning) != (FAKE.id in warning)


@pytest.mark.parametrize(
    "waivers",
    [
        (waiver(id=FAKE.id), waiver(id=TOKEN.id)),
        (waiver(id=FAKE.fingerprints["secret/v1"]), by_rule("aws-access-token")),
    ],
    ids=["by ids", "by id and by rule"],
)
def test_what_each_saw_is_waived(waivers: tuple[Waiver, ...]) -> None:
    verdict = judged(*waivers)
    assert ([one.state for one in verdict.decisions], verdict.warnings) == ([State.WAIVED], ())


KEYED = msgspec.structs.replace(FAKE, fingerprints={**FAKE.fingerprints, "secret/k3y/v2": "ab" * 16})
OTHER = msgspec.structs.replace(TOKEN, fingerprints={**TOKEN.fingerprints, "secret/k3y/v2": "cd" * 16})
(PAIR,) = identity.merge((KEYED, OTHER))
VALUE, VALUE2 = f"k3y/{'ab' * 16}", f"k3y/{'cd' * 16}"


@pytest.mark.parametrize(
    ("waivers", "covered"),
    [
        ((waiver(id=FAKE.id, value=VALUE),), True),
        ((waiver(id=FAKE.id),), False),  # the place alone: any value could have come there
        ((waiver(id=FAKE.id, value=VALUE2),), False),
        ((waiver(id=FAKE.id, value=VALUE.replace("k3y", "old")),), False),
        ((waiver(id=FAKE.id), waiver(id=FAKE.id, value=VALUE)), True),
        ((by_rule("Secret Keyword"),), True),  # says itself that it means whatever lies there
    ],
)
def test_with_a_key_a_waiver_names_the_value(waivers: tuple[Waiver, ...], covered: bool) -> None:
    one = run(receipt("detect-secrets"), findings=(KEYED,))
    verdict = gate.decide(one, policy(waivers=waivers), now=NOW)
    assert verdict.decisions[0].state is (State.WAIVED if covered else State.BLOCKING)
    assert bool(verdict.warnings) is not covered
    assert all(f"value: {VALUE}" in told for told in verdict.warnings)


def test_without_a_key_the_value_is_not_asked_for() -> None:
    """On a laptop without the key the same waiver covers by its place."""
    one = run(receipt("detect-secrets"), findings=(FAKE,))
    assert gate.decide(one, policy(waivers=(waiver(id=FAKE.id, value=VALUE),)), now=NOW).outcome is Outcome.PASS


def test_each_value_that_several_tools_saw_is_named() -> None:
    pair = (waiver(id=FAKE.id, value=VALUE), waiver(id=TOKEN.id, value=VALUE2))
    for waivers, state in ((pair, State.WAIVED), (pair[:1], State.BLOCKING), (pair[1:], State.BLOCKING)):
        one = run(receipt("detect-secrets"), receipt("gitleaks"), findings=(PAIR,))
        assert gate.decide(one, policy(waivers=waivers), now=NOW).decisions[0].state is state
    lines = waiver_lines(PAIR)
    assert [line.split()[-1] for line in lines if "value:" in line] == [VALUE, VALUE2]


def test_whoever_asks_how_to_waive_it_gets_both_ids() -> None:
    assert set(own_ids(BOTH)) == {FAKE.id, TOKEN.id}
    assert "".join(waiver_lines(BOTH)).count("- id:") == 2
    assert own_ids(FAKE) == (FAKE.id,)
