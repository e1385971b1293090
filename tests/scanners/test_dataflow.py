"""dataflow: its sample, its real process, and the ways in which it could look clean."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

import hardgate
from hardgate import tools
from hardgate.errors import ReportError, ToolError
from hardgate.model import GapReason
from hardgate.scanners.dataflow import DATAFLOW
from tests.lab.tools import toolbox
from tests.scanners import inputs, real

SAMPLE = Path(__file__).parent / "samples" / "dataflow" / "report-1.json"
EXPECTED = {
    ("python-sql-injection", "shop/storage.py", 9, "critical"),
    ("python-code-injection", "web/node_modules/odd.py", 3, "critical"),
    ("python-code-injection", "web/tests/test_views.py", 3, "critical"),
    ("python-code-injection", "web/views.py", 10, "critical"),
    ("python-command-injection", "web/views.py", 11, "critical"),
}


def changed(**changes: object) -> bytes:
    whole = msgspec.json.decode(SAMPLE.read_bytes())
    return msgspec.json.encode({key: value for key, value in (whole | changes).items() if value is not ...})


def test_sample() -> None:
    report = DATAFLOW.parse(SAMPLE.read_bytes())
    assert {(one.rule, one.location.path, one.location.line, one.severity.value) for one in report.findings} == EXPECTED
    assert [(gap.reason, gap.path) for gap in report.gaps] == [(GapReason.FILE_UNREAD, "web/broken.py")]
    assert report.seen is not None
    assert "web/broken.py" not in report.seen
    assert "shop/checked.py" in report.seen


def test_what_comes_with_a_finding() -> None:
    found = next(one for one in DATAFLOW.parse(SAMPLE.read_bytes()).findings if one.rule == "python-sql-injection")
    assert "shop/views.py:10" in found.message  # where the data came in, in another file
    assert found.cwe == ("CWE-89",)
    assert found.confidence == "high"
    assert found.fix
    assert found.url.startswith("https://")


@pytest.mark.parametrize("key", ["version", "read", "unread", "rules", "findings", "refuted"])
def test_a_report_without_a_part_is_refused(key: str) -> None:
    with pytest.raises(ReportError, match=key):
        DATAFLOW.parse(changed(**{key: ...}))


def test_a_report_of_another_shape_is_refused() -> None:
    with pytest.raises(ReportError):
        DATAFLOW.parse(changed(version=2))


def test_a_report_without_rules_is_refused() -> None:
    with pytest.raises(ReportError, match="names no rule"):
        DATAFLOW.parse(changed(rules={}, findings=[]))


def test_a_finding_of_an_unknown_rule_is_refused() -> None:
    found = {"rule": "no-such-rule", "path": "a.py", "line": 1, "end_line": 1, "column": 1, "message": "m"}
    with pytest.raises(ReportError, match="no-such-rule"):
        DATAFLOW.parse(changed(findings=[found]))


@pytest.mark.real
def test_the_process_gives_the_sample(tmp_path: Path) -> None:
    root = real.write(tmp_path / "tree", {**inputs.FLASK, **inputs.FLOW})
    done = real.start(DATAFLOW, real.job(DATAFLOW, root, tmp_path / "scratch"))
    assert done.exit_code == 0, done.stderr
    assert DATAFLOW.parse(done.stdout).findings == DATAFLOW.parse(SAMPLE.read_bytes()).findings


@pytest.mark.real
def test_the_tree_cannot_put_modules_in_the_way(tmp_path: Path) -> None:
    root = real.write(tmp_path / "tree", {**inputs.FLOW, "ast.py": "raise SystemExit(0)\n", "hardgate.py": "exit(0)\n"})
    done = real.start(DATAFLOW, real.job(DATAFLOW, root, tmp_path / "scratch"))
    assert "python-sql-injection" in {one.rule for one in DATAFLOW.parse(done.stdout).findings}


@pytest.mark.real
def test_rules_that_lack_one_that_was_found_are_an_error(tmp_path: Path) -> None:
    root = real.write(tmp_path / "tree", inputs.FLOW)
    (tmp_path / "semgrep.json").write_text('{"rules": []}')
    argv = (sys.executable, "-I", "-m", "hardgate.dataflow", "--rules", str(tmp_path / "semgrep.json"), ".")
    done = tools.run(argv, cwd=root, env=tools.environment(tmp_path), timeout=60)
    assert done.exit_code not in DATAFLOW.done_exits
    assert done.stdout == b""


def test_it_is_part_of_hardgate() -> None:
    tool = toolbox().locate("dataflow")
    assert (tool.version, tool.origin) == (hardgate.__version__, "hardgate")
    assert toolbox().verify("dataflow") == tool
    with pytest.raises(ToolError, match=r"9\.9"):
        toolbox().locate("dataflow", version="9.9")
