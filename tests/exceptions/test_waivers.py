"""Waivers as files and as rules: what is refused, with its line; whom they cover; and that none lasts for ever."""

from __future__ import annotations

import msgspec
import pytest

from hardgate import gate
from hardgate.errors import ConfigError
from hardgate.exceptions import documents, purls, waivers
from hardgate.model import GapReason, Outcome, Package, Policy, State, Waiver
from tests.builders import NOW, dependency, policy, receipt, run, settled, waiver

GOOD = """waivers:
  - id: 0123456789abcdef
    reason: revoked
    owner: Ada
    until: 2026-03-01
    ticket: SEC-1
  - {rule: CVE-2023-30861, purl: "pkg:pypi/flask@0.12", reason: no proxy, owner: Ada, until: 2026-04-01}
"""


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        waivers.read(text.encode())
    return str(caught.value)


def test_a_file_of_its_own_is_read_with_its_lines() -> None:
    first, second = waivers.read(GOOD.encode())
    assert (first.id, first.ticket, first.source) == ("0123456789abcdef", "SEC-1", ".hardgate/waivers.yaml line 2")
    assert (second.rule, second.purl, second.source[-7:]) == ("CVE-2023-30861", "pkg:pypi/flask@0.12", " line 7")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("until: 2026-03-01", "until: soon", "line 5: waivers[0].until: 'soon' is not a date"),
        ("until: 2026-03-01", "until: 2026-02-30", "line 5: waivers[0].until: '2026-02-30' is not a date"),
        ("    until: 2026-03-01\n", "", "line 2: waivers[0]: object missing required field `until`"),
        ("ticket:", "tiket:", "line 6: waivers[0].tiket: unknown key; known here: reason, owner"),
        ("pkg:pypi/flask", "flask", "line 7: waivers[1].purl: 'flask@0.12' is no package URL"),
        (', purl: "pkg:pypi/flask@0.12"', "", "line 7: waivers[1]: a waiver names an `id`, or a `rule`"),
        (
            "    reason: revoked",
            "    path: x\n    reason: revoked",
            "line 2: waivers[0]: a waiver with an `id` names one",
        ),
        ("waivers:", "waiver:", "line 1: waiver: unknown key; known here: waivers"),
        (GOOD, "", "the file is empty"),
        (GOOD, "- a\n", "must be a mapping that begins with `waivers:`"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_line(old: str, new: str, message: str) -> None:
    assert message in refused(GOOD.replace(old, new, 1))


def test_a_waiver_ends_within_the_days_of_the_policy() -> None:
    given = waivers.read(GOOD.encode())
    waivers.check(given, 90, NOW)
    with pytest.raises(ConfigError, match=r"^.hardgate/waivers.yaml line 7: until: 2026-04-01 is 60 days ahead; "):
        waivers.check(given, 59, NOW)


def test_the_gate_takes_no_waiver_that_lasts_too_long_whoever_made_it() -> None:
    one = run(receipt(), findings=(settled(),))
    long = waiver(id=f"{1:016x}", until="2026-05-02", source="hardgate.yaml line 9")
    verdict = gate.decide(one, policy(waivers=(long,), max_waiver_days=90), now=NOW)
    assert (verdict.outcome, verdict.count(State.BLOCKING)) == (Outcome.INCOMPLETE, 1)
    assert [gap.reason for gap in verdict.gaps] == [GapReason.EXCEPTION_REFUSED]
    assert "91 days ahead" in verdict.gaps[0].message
    assert verdict.gaps[0].remedy == "Mend or remove it in hardgate.yaml line 9."
    assert gate.decide(one, policy(waivers=(long,), max_waiver_days=91), now=NOW).outcome is Outcome.PASS


@pytest.mark.parametrize(("level", "outcome"), [("warning", Outcome.PASS), ("error", Outcome.INCOMPLETE)])
def test_a_waiver_that_matches_nothing_is_what_the_policy_says(level: str, outcome: Outcome) -> None:
    rules = policy(waivers=(waiver(rule="B9", path="src/*"),), unused_waivers=level)
    verdict = gate.decide(run(receipt()), rules, now=NOW)
    assert verdict.outcome is outcome
    assert "matches no finding" in " ".join((*verdict.warnings, *(gap.message for gap in verdict.gaps)))


@pytest.mark.parametrize(
    ("level", "outcome", "waived"), [("warning", Outcome.PASS, 3), ("error", Outcome.INCOMPLETE, 0)]
)
def test_a_waiver_that_matches_too_much_is_what_the_policy_says(level: str, outcome: Outcome, waived: int) -> None:
    many = tuple(settled(number, rule="B1") for number in range(1, 4))
    rules = policy(waivers=(waiver(rule="B1", path="*"),), broad_waivers=level, max_waiver_matches=2)
    verdict = gate.decide(run(receipt(), findings=many), rules, now=NOW)
    assert (verdict.outcome, verdict.count(State.WAIVED)) == (outcome, waived)
    assert "matches 3 findings" in " ".join((*verdict.warnings, *(gap.message for gap in verdict.gaps)))
    enough = msgspec.structs.replace(rules, max_waiver_matches=3)
    assert gate.decide(run(receipt(), findings=many), enough, now=NOW).outcome is Outcome.PASS


def test_an_expired_waiver_reopens_its_findings_by_itself() -> None:
    one, rules = run(receipt(), findings=(settled(),)), policy(waivers=(waiver(id=f"{1:016x}", until="2026-01-31"),))
    assert gate.decide(one, rules, now="2026-01-31T23:59:59Z").outcome is Outcome.PASS
    assert gate.decide(one, rules, now="2026-02-01T00:00:00Z").outcome is Outcome.FAIL


def test_the_decision_keeps_the_record() -> None:
    given = waiver(id=f"{1:016x}", ticket="SEC-1", source=".hardgate/waivers.yaml line 2")
    (decision,) = gate.decide(run(receipt(), findings=(settled(),)), policy(waivers=(given,)), now=NOW).decisions
    assert decision.waiver == given
    said = "waived by Ada until 2026-12-31: not reachable (SEC-1, .hardgate/waivers.yaml line 2)"
    assert decision.because == said


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        ("pkg:pypi/flask@1.0", True),
        ("pkg:pypi/flask", True),
        ("pkg:PyPI/Flask@1.0?extension=whl", True),
        ("pkg:pypi/flask@1.1", False),
        ("pkg:pypi/flask-login", False),
        ("pkg:npm/flask", False),
    ],
)
def test_a_package_url_covers_that_package_alone(text: str, covered: bool) -> None:
    found = settled(package=dependency("x").package, rule="CVE-1")
    one = waiver(rule="CVE-1", purl=text)
    verdict = gate.decide(run(receipt(), findings=(found,)), policy(waivers=(one,)), now=NOW)
    assert (verdict.count(State.WAIVED) == 1) is covered
    assert gate.decide(
        run(receipt(), findings=(settled(rule="CVE-1"),)), policy(waivers=(one,)), now=NOW
    ).count(State.WAIVED) == 0  # fmt: skip


@pytest.mark.parametrize(
    ("ecosystem", "name", "text"),
    [
        ("PyPI", "Flask_Login", "pkg:pypi/flask-login@1"),
        ("npm", "@scope/name", "pkg:npm/%40scope/name@1"),
        ("npm", "@scope/name", "pkg:npm/@scope/name@1"),
        ("Maven", "org.x:y", "pkg:maven/org.x/y@1"),
        ("Go", "github.com/x/y", "pkg:golang/github.com/x/y@1"),
    ],
)
def test_a_package_without_a_url_is_known_by_its_ecosystem(ecosystem: str, name: str, text: str) -> None:
    assert purls.covers(text, Package(ecosystem=ecosystem, name=name, version="1"))


def test_what_waives_is_part_of_the_evidence_and_of_its_digest() -> None:
    one = documents.document(waivers.FILE, GOOD.encode())
    given = documents.evidence([one])
    other = documents.evidence([documents.document(waivers.FILE, GOOD.encode() + b"\n")])
    assert given.digest != other.digest
    stored = msgspec.json.decode(msgspec.json.encode(run(receipt(), exceptions=given)), type=type(run()))
    rules: Policy = documents.in_force(policy(), stored.exceptions)
    assert [entry.owner for entry in rules.waivers] == ["Ada", "Ada"]
    assert all(isinstance(entry, Waiver) for entry in rules.waivers)


def test_ten_thousand_records_do_not_ask_every_finding() -> None:
    """Linear: each finding asks the records that name it, so that a baseline of an old repository costs nothing."""
    many = tuple(waiver(id=f"{number:016x}") for number in range(10_000))
    found = tuple(settled(number) for number in range(10_000))
    verdict = gate.decide(run(receipt(), findings=found), policy(waivers=many), now=NOW)
    assert verdict.count(State.WAIVED) == 10_000
