"""Our own source under our own hardgate.yaml: nothing of it blocks. What would block is planted beside it, and does.

The scanners that are quick: gitleaks and ruff as a user starts them, and dataflow in this process.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hardgate.dataflow import calls
from hardgate.dataflow.analysis import analyse
from hardgate.dataflow.families import checks
from hardgate.dataflow.project import parse
from hardgate.scanners.gitleaks import GITLEAKS
from tests.cli.conftest import run

ROOT = Path(__file__).parents[2]
PLANTED = "src/hardgate/planted.py"
HOLES = (
    b"import subprocess\n"
    b"subprocess.run(input(), shell=True)\n"
    b"CANARY = '''" + GITLEAKS.canary.files["canary.env"].strip() + b"'''\n"
    b"PASSWORDS = frozenset({'password', 'passwd', 'hunter-22'})\n"
)


def _source() -> dict[str, bytes]:
    """Every file below src by its path in the repository, and the planted one."""
    found = (one for one in sorted((ROOT / "src").rglob("*")) if one.is_file() and "__pycache__" not in one.parts)
    return {one.relative_to(ROOT).as_posix(): one.read_bytes() for one in found} | {PLANTED: HOLES}


@pytest.mark.real
def test_gitleaks_and_ruff_block_nothing_of_our_own_source(home: Path, repository: Callable[..., Path]) -> None:
    root = repository(_source(), pipeline=(ROOT / "hardgate.yaml").read_text())
    report = run(root, "--action", "gitleaks", "--action", "ruff").json
    assert {one["action"]: one["state"] for one in report["receipts"]} == {"gitleaks": "done", "ruff": "done"}
    blocking = [one for one in report["findings"] if one["state"] == "blocking"]
    assert {one["location"]["path"] for one in blocking} == {PLANTED}
    assert {one["rule"] for one in blocking} == {"S602", "aws-access-token", "password-in-code"}
    # They looked at the rest too: something there informs.
    assert {one["location"]["path"] for one in report["findings"]} > {PLANTED}


def test_dataflow_finds_nothing_in_our_own_source(monkeypatch: pytest.MonkeyPatch) -> None:
    # Calls are not followed far, so that it is quick: every false alarm that ever blocked us shows at this depth.
    # `hardgate run`, which we deliver ourselves with, follows them whole.
    monkeypatch.setattr(calls, "STEPS", 10)
    modules = [parse(path, content) for path, content in _source().items() if path.endswith(".py")]
    analysis = analyse(modules, checks())
    found = {(one.path, one.line, one.rule) for one in analysis.found.values()}
    assert {one for one in found if one[0] != PLANTED} == set()
    assert {(3, "python-hardcoded-token"), (4, "python-hardcoded-password")} <= {one[1:] for one in found}
    assert analysis.failed == {}
