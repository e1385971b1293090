"""What a change introduced and what it did not: told apart, given time by the policy, and never for ever."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hardgate import gate, rated
from hardgate.exceptions import documents, origins
from hardgate.model import Finding, Kind, Outcome, State, Verdict
from tests.builders import NOW, dependency, policy, receipt, run, settled

SINCE = "2026-01-20T08:00:00Z"


def vulnerable(number: int, version: str = "1.0", **more: Any) -> Finding:
    package = dependency("x", version=version).package
    place = dependency("x").location
    return settled(number, kind=Kind.DEPENDENCY, package=package, location=place, **more)


def split(before: tuple[Finding, ...], after: tuple[Finding, ...], *, unchanged: bool = False) -> dict[str, str]:
    found = origins.compare(before, after, run="r", since=SINCE, unchanged=lambda _path: unchanged)
    return found.origins


def test_what_the_base_has_is_preexisting_what_it_has_not_is_introduced_and_the_rest_is_fixed() -> None:
    before, after = (settled(1), settled(2)), (settled(2), settled(3))
    found = origins.compare(before, after, run="r", since=SINCE, unchanged=lambda _path: True)
    assert found.origins == {after[0].id: "preexisting", after[1].id: "introduced"}
    assert found.fixed == (before[0].id,)


def test_a_finding_whose_leading_tool_changed_is_the_same() -> None:
    one = settled(1)
    prints = {**settled(2).fingerprints, "bandit/code/v1": f"{1:016x}" * 4}
    other = msgspec.structs.replace(settled(2), fingerprints=prints)
    assert split((one,), (other,)) == {other.id: "preexisting"}


@pytest.mark.parametrize(
    ("before", "after", "unchanged", "origin"),
    [
        ((), vulnerable(1), True, "disclosed"),
        ((), vulnerable(1), False, "introduced"),
        ((vulnerable(2),), vulnerable(1), False, "disclosed"),
        ((vulnerable(2, "0.9"),), vulnerable(1), False, "introduced"),
        ((vulnerable(1, "0.9"),), vulnerable(1), False, "preexisting"),
        ((), settled(1), True, "introduced"),
    ],
)
def test_an_advisory_that_is_new_is_no_deed_of_the_change(
    before: tuple[Finding, ...], after: Finding, unchanged: bool, origin: str
) -> None:
    assert split(before, (after,), unchanged=unchanged) == {after.id: origin}


def judged(after: Finding, grace: dict[str, int], now: str = NOW, first: str = SINCE) -> Verdict:
    found = origins.compare((settled(1),), (after,), run="r", since=SINCE, unchanged=lambda _path: True)
    found = origins.started(found, {after.id: first})
    given = msgspec.structs.replace(documents.evidence(()), base="b" * 40, comparison=found)
    one = run(receipt(), findings=(after,), exceptions=given)
    return gate.decide(one, policy(grace=grace), now=now)


def test_without_a_grace_everything_blocks_as_before() -> None:
    assert judged(settled(1), {}).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("first", "now", "state"),
    [
        (SINCE, "2026-01-30T23:59:59Z", State.WAIVED),
        (SINCE, "2026-01-31T00:00:00Z", State.BLOCKING),
        ("2026-01-15T00:00:00Z", "2026-01-25T00:00:00Z", State.WAIVED),
        ("2026-01-15T00:00:00Z", "2026-01-26T00:00:00Z", State.BLOCKING),
        ("2026-01-29T00:00:00Z", "2026-01-31T00:00:00Z", State.BLOCKING),  # a newer run does not give more time
    ],
)
def test_the_time_counts_from_the_first_run_that_has_it(first: str, now: str, state: State) -> None:
    (decision,) = judged(settled(1), {"preexisting": 10}, now, first).decisions
    assert decision.state is state
    if decision.waiver:
        assert (decision.waiver.kind, decision.waiver.owner) == ("grace", "policy.grace")
        assert decision.because.startswith("given time by policy.grace until 2026-01-")


@pytest.mark.parametrize(
    "after",
    [
        settled(2),
        settled(1, kind=Kind.SECRET),
        settled(1, severity_from=rated.told("tool", [rated.EXPLOITED])),
    ],
)
def test_what_is_introduced_and_what_cannot_wait_has_no_time(after: Finding) -> None:
    assert judged(after, {"preexisting": 300, "disclosed": 300}).outcome is Outcome.FAIL


def test_each_origin_has_its_own_days() -> None:
    assert judged(vulnerable(5), {"preexisting": 300}).outcome is Outcome.FAIL
    assert judged(vulnerable(5), {"disclosed": 300}).outcome is Outcome.PASS


def test_a_package_without_a_version_may_be_another_release_by_now() -> None:
    bare = dependency("x", version="", purl="pkg:pypi/flask").package
    before, after = (msgspec.structs.replace(vulnerable(number), package=bare) for number in (1, 2))
    assert split((before,), (after,)) == {after.id: "introduced"}
