"""JUnit XML, against the Jenkins schema (by xmllint) and against its own counts."""

from __future__ import annotations

import subprocess
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from hardgate.model import ActionState, Location
from hardgate.reporters.junit import render
from tests.reporters import sample_run, snapshots

SCHEMA = Path(__file__).parents[1] / "schemas" / "jenkins-junit.xsd"


def _lint(document: bytes) -> subprocess.CompletedProcess[bytes]:
    command = ["xmllint", "--nonet", "--noout", "--schema", str(SCHEMA), "-"]
    return subprocess.run(command, input=document, capture_output=True, check=False, timeout=60)


@pytest.mark.parametrize("case", snapshots.CASES)
def test_every_report_fits_the_schema(case: str) -> None:
    done = _lint(render(*snapshots.CASES[case]()))
    assert done.returncode == 0, done.stderr.decode()


def test_the_schema_is_not_asleep() -> None:
    spoilt = render(*sample_run.failing()).replace(b'<testcase classname="gitleaks" name=', b"<testcase id=")
    assert _lint(spoilt).returncode == 3


def _numbers(element: ElementTree.Element, names: list[str]) -> list[int]:
    return [int(element.get(name, "")) for name in names]


@pytest.mark.parametrize("case", snapshots.CASES)
def test_counts_are_those_of_the_elements(case: str) -> None:
    root = ElementTree.fromstring(render(*snapshots.CASES[case]()))
    for suite in root.findall("testsuite"):
        found = [len(suite.findall(path)) for path in ("testcase", ".//failure", ".//error", ".//skipped")]
        assert _numbers(suite, ["tests", "failures", "errors", "skipped"]) == found
        assert found[0] >= 1
    found = [len(root.findall(f".//{tag}")) for tag in ("testcase", "failure", "error")]
    assert _numbers(root, ["tests", "failures", "errors"]) == found


def test_every_state_has_its_element() -> None:
    run, verdict = sample_run.incomplete()
    root = ElementTree.fromstring(render(run, verdict))
    assert len(root.findall(".//failure")) == 5
    assert len(root.findall(".//error")) == 3
    skipped = [one.text or "" for one in root.findall(".//skipped")]
    assert skipped[0] == "No file of its kind."
    assert skipped[1].endswith("Id: hg1-0000000000000005")
    assert len(root.findall(".//system-out")) == 4


def test_hostile_text_arrives_as_text() -> None:
    root = ElementTree.fromstring(render(*sample_run.incomplete()))
    [failure] = root.findall(".//testsuite[@name='semgrep']//failure")
    assert "</script><script>document.title='owned'</script> ]]> <!-- |" in failure.get("message", "")
    assert "\\x9b31m \\u200b \\x00 &lt;" in (failure.text or "")


def test_characters_that_xml_cannot_hold_are_shown() -> None:
    run, verdict = sample_run.failing()
    odd = "".join(map(chr, [*range(0x20), 0xFFFE, 0xFFFF, 0xD800, 0xDFFF, 0x7F]))
    finding = msgspec.structs.replace(run.findings[0], rule=odd, message=odd, fix=odd, location=Location(path=odd))
    out = render(msgspec.structs.replace(run, findings=(finding, *run.findings[1:])), verdict)
    assert _lint(out).returncode == 0
    assert b"\\x00\\x01\\x02" in out
    assert b"\\ufffe\\uffff\\ud800\\udfff" in out


def test_an_action_that_did_not_complete_never_passes() -> None:
    run, verdict = sample_run.clean()
    broken = msgspec.structs.replace(run.receipts[0], state=ActionState.GAP)
    root = ElementTree.fromstring(render(msgspec.structs.replace(run, receipts=(broken, run.receipts[1])), verdict))
    [error] = root.findall(".//error")
    assert error.get("message") == "bandit did not complete, and its receipt does not say why."
