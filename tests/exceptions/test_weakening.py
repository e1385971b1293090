"""Whatever makes a hardgate.yaml weaker is seen, whatever makes it stricter is not, and no field is forgotten."""

from __future__ import annotations

import inspect

import pytest

from hardgate import gate
from hardgate.cli import common
from hardgate.exceptions import weakening
from hardgate.model import Action, Finding, Outcome, Pipeline, Policy, State
from tests.builders import NOW, policy, receipt, run, waiver

BASE = """pipeline: small
stages:
  - name: secrets
    actions: [gitleaks]
  - name: scan
    actions:
      - bandit: {paths: [src, lib], severity: {B101: medium, B102: info}}
      - trivy: {scanners: [misconfig, secret]}
      - ruff: {exclude: [docs], args: [--quiet]}
      - hadolint: {trusted_registries: [docker.io]}
policy:
  block_at: {default: high, code: medium, licence: never}
  required: [bandit]
  exempt: {terraform: elsewhere}
  block_refuted: true
  block_confirmed: low
  max_advisory_age: 7
  unused_waivers: error
  urgent_epss: 0.5
exclude: [vendor]
environment:
  local: {services: {api: {command: [serve], ready: [check]}}}
  composed: {compose: compose.yaml, service: api, port: 80, isolation: none}
"""


def compare(old: str, new: str, text: str = BASE) -> tuple[Finding, ...]:
    assert old in text
    base = common.parse_pipeline(text.encode(), "base")
    head = common.parse_pipeline(text.replace(old, new, 1).encode(), "head")
    return weakening.compare(base, head, lambda _key: 1)


@pytest.mark.parametrize(
    ("old", "new", "rule", "words"),
    [
        ("exclude: [vendor]", "exclude: [vendor, src]", "exclude", "`src`"),
        ("exclude: [vendor]", "exclude: [vendor]\nadvisories: {osv_url: http://x}", "advisories", "http://x"),
        ("[check]}}}", "[check]}}, isolation: none}", "environment", "`local` may now reach the network"),
        ("[check]", "[check, nothing]", "environment", "The environment `local` is now another"),
        ("  local: {services: {api: {command: [serve], ready: [check]}}}\n", "", "environment", "`local` is gone"),
        ("compose.yaml", "compose.other.yaml", "environment", "`composed` is now another"),
        ("      - ruff: {exclude: [docs], args: [--quiet]}\n", "", "action-removed", "`ruff` of stage `scan`"),
        ("  - name: secrets\n    actions: [gitleaks]\n", "", "action-removed", "`gitleaks` of stage `secrets`"),
        ("[gitleaks]", "[{gitleaks: {blocking: false}}]", "action-informs", "inform only"),
        ("[gitleaks]", "[{gitleaks: {name: other, blocking: false}}]", "action-informs", "inform only"),
        ("[gitleaks]", "[{gitleaks: {honour_config: true}}]", "action-config", "honour_config"),
        ("[gitleaks]", "[{gitleaks: {history: false}}]", "action-option", "`history` is off"),
        ("[gitleaks]", "[{gitleaks: {paths: [src]}}]", "action-paths", "the whole tree"),
        ("paths: [src, lib]", "paths: [src/app]", "action-paths", "`src`, `lib`"),
        ("exclude: [docs]", "exclude: [docs, src]", "action-exclude", "`src`"),
        ("args: [--quiet]", "args: [--quiet, --select=X]", "action-arguments", "--select=X"),
        ("args: [--quiet]", "args: []", "action-arguments", "none"),
        ("B101: medium", "B101: low", "action-severity", "`B101` is now low"),
        ("B101: medium, ", "", "action-severity", "as its tool rates it"),
        ("B102: info", "B102: info, B608: high", "action-severity", "`B608`"),
        ("scanners: [misconfig, secret]", "scanners: [secret]", "action-option", "`misconfig`"),
        ("[docker.io]", "[docker.io, evil.example]", "action-option", "evil.example"),
        ("[docker.io]", "[]", "action-option", "all registries"),
        ("code: medium", "code: high", "policy-threshold", "code now block from `high`"),
        ("default: high", "default: critical", "policy-threshold", "`critical`"),
        ("code: medium", "code: never", "policy-threshold", "`never`"),
        ("  required: [bandit]\n", "", "policy-required", "`bandit`"),
        ("terraform: elsewhere", "terraform: elsewhere, dockerfile: no", "policy-exempt", "`dockerfile`"),
        ("block_refuted: true", "block_refuted: false", "policy-switch", "block_refuted"),
        ("block_confirmed: low", "block_confirmed: high", "policy-threshold", "`policy.block_confirmed` is now `high`"),
        ("  block_confirmed: low\n", "", "policy-threshold", "`policy.block_confirmed` is gone"),
        (
            "block_confirmed: low",
            "block_not_imported: critical\n  block_confirmed: low",
            "policy-threshold",
            "critical",
        ),
        ("block_refuted: true", "block_refuted: true\n  tools_from_path: true", "policy-switch", "tools_from_path"),
        ("block_refuted: true", "block_refuted: true\n  honour_inline_suppressions: true", "policy-switch", "inline"),
        ("block_refuted: true", "block_refuted: true\n  overrides: {two_person: false}", "policy-switch", "two_person"),
        ("block_refuted: true", "block_refuted: true\n  overrides: {incomplete: true}", "policy-switch", "incomplete"),
        ("block_refuted: true", "block_refuted: true\n  overrides: {max_hours: 48}", "policy-limit", "max_hours"),
        ("block_refuted: true", "block_refuted: true\n  block_confidence: high", "policy-confidence", "`high`"),
        ("max_advisory_age: 7", "max_advisory_age: 30d", "policy-limit", "30"),
        ("max_advisory_age: 7", "max_advisory_age: 7\n  max_waiver_days: 91", "policy-limit", "91"),
        ("max_advisory_age: 7", "max_advisory_age: 7\n  max_waiver_matches: 51", "policy-limit", "51"),
        ("max_advisory_age: 7", "max_advisory_age: 7\n  baseline_days: {high: 31}", "policy-limit", "high findings 31"),
        ("  urgent_epss: 0.5\n", "", "policy-limit", "urgent_epss` is now gone"),
        ("urgent_epss: 0.5", "urgent_epss: 0.6", "policy-limit", "urgent_epss` is now 0.6"),
        ("max_advisory_age: 7", "max_advisory_age: 7\n  grace: {disclosed: 9}", "policy-limit", "is disclosed 9 days"),
        ("unused_waivers: error", "unused_waivers: warning", "policy-limit", "unused_waivers"),
        ("unused_waivers: error", "unused_waivers: error\n  broad_waivers: warning", "policy-limit", "broad_waivers"),
    ],
)
def test_each_weakening_is_a_finding(old: str, new: str, rule: str, words: str) -> None:
    found = compare(old, new)
    assert {one.rule for one in found} == {f"weakened-{rule}"}
    assert words in found[0].message
    assert len({one.id for one in found}) == len(found)
    assert found[0].location.path == "hardgate.yaml"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pipeline: small", "pipeline: other"),
        ("exclude: [vendor]", ""),
        ("port: 80, isolation: none", "port: 80"),
        ("environment:", "environment:\n  more: {compose: more.yaml, service: api, port: 80, isolation: none}"),
        ("name: scan", "name: all"),
        ("[gitleaks]", "[gitleaks, {gitleaks: {name: more, paths: [src]}}]"),
        ("[gitleaks]", "[{gitleaks: {name: renamed}}]"),
        ("[gitleaks]", "[{gitleaks: {timeout: 5}}]"),
        ("paths: [src, lib]", "paths: [lib/, src, more]"),
        ("paths: [src, lib], ", ""),
        ("B101: medium", "B101: critical"),
        ("B102: info", "B102: low"),
        (", B102: info", ""),
        ("scanners: [misconfig, secret]", "scanners: [secret, misconfig, license]"),
        ("code: medium", "code: low"),
        ("licence: never", "licence: high"),
        ("required: [bandit]", "required: [ruff, bandit]"),
        ("{terraform: elsewhere}", "{}"),
        ("max_advisory_age: 7", "max_advisory_age: 1d"),
        ("max_advisory_age: 7", "max_waiver_days: 1"),
    ],
)
def test_what_is_as_strict_or_stricter_is_none(old: str, new: str) -> None:
    assert compare(old, new) == ()


DESCRIBED = """pipeline: small
stages:
  - name: scan
    actions:
      - sarif: {command: [scan, --all], exits: [0, 1], files: ["*.py", "*.js"]}
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("--all]", "--all, --exclude=src]", "`command` is now `scan`, `--all`, `--exclude=src`"),
        ("[scan, --all]", "[--all, scan]", "`command` is now"),
        ("[0, 1]", "[0, 1, 2]", "`exits` takes `2` for success too"),
        ('["*.py", "*.js"]', '["*.py"]', "`files` has lost `*.js`"),
        (', files: ["*.py", "*.js"]', "", ""),
        ("[0, 1]", "[0]", ""),
        ('["*.py", "*.js"]', '["*.py", "*.js", "*.c"]', ""),
    ],
)
def test_a_described_tool_that_is_told_less(old: str, new: str, words: str) -> None:
    found = [one.message for one in compare(old, new, DESCRIBED)]
    assert len(found) == bool(words)
    assert all(words in one for one in found)


TESTED = """pipeline: small
stages:
  - name: test
    actions:
      - newman: {collection: c.json, folders: [Security, Basic], setup: [Log in]}
      - newman: {name: whole, collection: d.json}
      - schemathesis: {headers: {X: s3cr3t}}
environment:
  local: {services: {api: {command: [serve], ready: [check]}}}
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("c.json", "other.json", "`collection` is now `other.json`"),
        ("[Security, Basic]", "[Basic]", "`folders` has lost `Security`"),
        ("d.json", "d.json, folders: [Basic]", "`folders` has lost"),
        ("[Log in]", "[Log in, Security]", "`setup` now has `Security`, where no test need be made"),
        ("setup: [Log in]", "setup: [Log in], test_severity: low", "`test_severity` is now `low`"),
        ("collection: d.json", "command: [newman]", "`command` is now"),
        ("X: s3cr3t", "X: other-s3cr3t", "`headers` is now another: `X`"),
        ("headers", "max_examples: 1, headers", "`max_examples` is now `1`"),
        ("[Security, Basic]", "[Security, Basic, Negative]", ""),
        (", setup: [Log in]", "", ""),
    ],
)
def test_a_dynamic_test_that_tries_less(old: str, new: str, words: str) -> None:
    found = [one.message for one in compare(old, new, TESTED)]
    assert bool(found) == bool(words)
    assert not words or any(words in one for one in found), found
    assert "s3cr3t" not in str(found)


def test_a_described_tool_that_looked_at_all() -> None:
    text = DESCRIBED.replace(', files: ["*.py", "*.js"]', "")
    (found,) = compare("[0, 1]", '[0, 1], files: ["*.md"]', text)
    assert "`files` has lost `all files`" in found.message


@pytest.mark.parametrize(
    ("old", "one", "other"),
    [
        ("code: medium", "code: high", "code: never"),
        ("max_advisory_age: 7", "max_advisory_age: 8", "max_advisory_age: 999"),
        ("block_refuted: true", "block_confidence: medium", "block_confidence: high"),
        ("block_refuted: true", "overrides: {max_hours: 25}", "overrides: {max_hours: 720}"),
        ("max_advisory_age: 7", "baseline_days: {high: 31}", "baseline_days: {high: 366}"),
        ("max_advisory_age: 7", "grace: {disclosed: 1}", "grace: {disclosed: 366}"),
        ("exclude: [vendor]", "advisories: {osv_url: http://x}", "advisories: {osv_url: http://y}"),
    ],
)
def test_a_waiver_for_one_step_does_not_let_a_longer_one_pass(old: str, one: str, other: str) -> None:
    ids = [{found.id for found in compare(old, new) if "refuted" not in found.message} for new in (one, other)]
    assert all(ids)
    assert ids[0].isdisjoint(ids[1])


def test_the_registries_of_hadolint_may_be_fewer() -> None:
    two = BASE.replace("[docker.io]", "[docker.io, quay.io]")
    assert compare("[docker.io, quay.io]", "[docker.io]", two) == ()


def test_every_field_is_compared_or_named_as_one_that_cannot_weaken() -> None:
    """A new key is either weighed, so that its name stands in the module, or excused in NO_WEAKER."""
    code = inspect.getsource(weakening).partition("\n}\n")[2]
    for kind in (Pipeline, Action, Policy):
        for name in kind.__struct_fields__:
            excused = f"{kind.__name__}.{name}" in weakening.NO_WEAKER
            read = f".{name}" in code or f'"{name}"' in code
            assert excused or read, f"{kind.__name__}.{name} is neither weighed nor excused"
    fields = {f"{kind.__name__}.{name}" for kind in (Pipeline, Action, Policy) for name in kind.__struct_fields__}
    assert set(weakening.NO_WEAKER) <= fields


def test_a_weakening_blocks_whatever_the_policy_says_and_can_be_waived_by_its_id() -> None:
    (found,) = compare("code: medium", "code: high")
    soft = policy(block_at=dict.fromkeys(policy().block_at, None))
    verdict = gate.decide(run(receipt(), findings=(found,)), soft, now=NOW)
    assert verdict.outcome is Outcome.FAIL
    rules = policy(waivers=(waiver(id=found.id),))
    assert gate.decide(run(receipt(), findings=(found,)), rules, now=NOW).count(State.WAIVED) == 1


def test_a_key_beside_it_does_not_move_its_id() -> None:
    (one,) = compare("code: medium", "code: high")
    other = {found.id for found in compare("code: medium", "code: high, secret: info, misconfiguration: never")}
    assert one.id in other
