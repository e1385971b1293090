"""`hardgate policy test`: cases of a policy, judged by the real gate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hardgate.cli.main import main

PIPELINE = """\
pipeline: small
stages:
  - name: scan
    actions:
      - bandit
      - semgrep: {blocking: false}
policy:
  block_at: {default: high, licence: never}
  required: [bandit]
  block_confirmed: medium
  block_not_imported: critical
  waivers:
    - {rule: B101, path: "tests/*", reason: Tests assert., owner: Ada, until: 2026-06-30}
"""
CASES = """\
cases:
  - name: what is high blocks, what is medium informs
    expect: FAIL
    findings:
      - {severity: high, expect: blocking}
      - {severity: medium, expect: informing}
  - name: licences inform
    expect: PASS
    findings: [{severity: critical, kind: licence, expect: informing}]
  - name: a secret blocks at any severity, also where its action informs
    expect: FAIL
    findings: [{severity: info, kind: secret, actions: [semgrep], expect: blocking}]
  - name: the waiver holds until its day
    on: 2026-06-30
    expect: PASS
    findings: [{severity: high, rule: B101, path: tests/test_a.py, expect: waived}]
  - name: and no longer
    on: 2026-07-01
    expect: FAIL
    findings: [{severity: high, rule: B101, path: tests/test_a.py, expect: blocking}]
  - name: a timeout is no pass
    expect: INCOMPLETE
    gaps: [{reason: timeout, action: semgrep}, file-unread]
  - name: bandit must report
    expect: INCOMPLETE
    missing: [bandit]
  - name: so must somebody who reads Terraform
    expect: INCOMPLETE
    files: [main.tf]
  - name: what a test confirmed blocks earlier, what nobody imports later
    expect: FAIL
    findings:
      - {severity: medium, confirmed: true, expect: blocking}
      - {severity: high, kind: dependency, imported: not-imported, expect: informing}
      - {severity: high, kind: dependency, imported: unknown, expect: blocking}
  - name: what only informs informs
    expect: PASS
    findings: [{severity: high, actions: [semgrep], expect: informing}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a pipeline and a file of cases that all hold."""
    (tmp_path / "hardgate.yaml").write_text(PIPELINE)
    (tmp_path / "cases.yaml").write_text(CASES)
    return tmp_path


def asked(folder: Path, *words: str) -> int:
    return main(["policy", "test", str(folder / "cases.yaml"), *words])


def test_a_policy_that_does_what_its_cases_say(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = asked(folder)
    out = capsys.readouterr().out
    assert out == "10 cases: 10 as expected, 0 not.\n"
    assert code == 0


def test_a_miss_names_case_and_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "hardgate.yaml").write_text(PIPELINE.replace("default: high", "default: critical"))
    assert asked(folder) == 1
    *misses, last = capsys.readouterr().out.splitlines()
    name = folder / "cases.yaml"
    assert misses[0].startswith(f"{name}: line 3: what is high blocks, what is medium informs: expected FAIL, and it")
    assert misses[1] == (
        f"{name}: line 5: what is high blocks, what is medium informs: finding 1 (a-rule): expected blocking, and it "
        "is informing: high is below critical, where code findings begin to block"
    )
    assert last == "10 cases: 7 as expected, 3 not."


def test_a_gap_that_was_not_expected_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "cases.yaml").write_text("cases: [{name: one, expect: PASS, missing: [semgrep]}]\n")
    assert asked(folder, "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["cases"], len(found["misses"]), found["misses"][0]["line"]) == (1, 1, 1)
    assert "not looked at: semgrep did not run" in found["misses"][0]["message"]


def test_another_policy_can_be_put_to_the_same_cases(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(PIPELINE.replace("default: high", "default: low"))
    assert asked(folder, "--config", str(other)) == 1
    named = "config: other.yaml\n" + CASES
    (folder / "cases.yaml").write_text(named)
    assert asked(folder) == 1
    assert asked(folder, "--config", str(folder / "hardgate.yaml")) == 0


BAD = {
    "": "the file is empty",
    "cases: []\n": "cases",
    "cases: [{name: one}]\n": "expect",
    "cases:\n  - {name: one, expect: MAYBE}\n": "line 2: cases[0].expect",
    "cases:\n  - name: one\n    expect: PASS\n    findngs: []\n": "line 4: cases[0].findngs: unknown key",
    "cases:\n  - name: one\n    expect: PASS\n    missing: [bandt]\n": "unknown action 'bandt'; known: bandit, semgrep",
    "cases:\n  - name: one\n    expect: PASS\n    gaps: [tired]\n": "line 4: cases[0].gaps",
    "cases:\n  - name: one\n    expect: PASS\n    on: 2026-02-30\n": "line 4: cases[0].on: '2026-02-30' is not a date",
    "cases:\n  - {name: one, expect: PASS}\n  - {name: one, expect: PASS}\n": "there is a case 'one' already",
    "config: none.yaml\ncases: [{name: one, expect: PASS}]\n": "none.yaml",
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_not_understood_is_refused(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "cases.yaml").write_text(text)
    assert asked(folder) == 2
    out = capsys.readouterr()
    assert BAD[text] in out.err
    assert out.out == ""


def test_a_file_that_is_not_there_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "test", str(folder / "cases.yaml"), str(folder / "none.yaml")]) == 2
    assert "none.yaml could not be read" in capsys.readouterr().err
