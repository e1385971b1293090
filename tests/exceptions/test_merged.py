"""A secret that several tools see in one line is waived for what each of them saw, or not at all."""

from __future__ import annotations

import pytest

from hardgate import gate, identity
from hardgate.model import Finding, Kind, State, Verdict, Waiver
from hardgate.wording import own_ids, waiver_lines
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


def test_whoever_asks_how_to_waive_it_gets_both_ids() -> None:
    assert set(own_ids(BOTH)) == {FAKE.id, TOKEN.id}
    assert "".join(waiver_lines(BOTH)).count("- id:") == 2
    assert own_ids(FAKE) == (FAKE.id,)
