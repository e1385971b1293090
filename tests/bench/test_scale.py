"""bench/scale.py over small reports: what is generated is read whole, and every step is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import large, scale
from hardgate.scanners import sarif, trivy


@pytest.mark.parametrize("kind", ["sarif", "trivy"])
def test_a_report_goes_the_whole_way(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "120"
    large.generate(kind, folder, 120)
    steps = scale.whole_way(kind, folder)
    assert [one.step for one in steps] == ["parse", "identity", "seal", "merge", "store", "gate", "report"]
    assert sum(scale.read_only(kind, folder).values()) == 120
    for name in ("out.json", "out.sarif"):
        assert (folder / name).stat().st_size > 120 * 100


def test_a_report_has_the_number_that_was_asked_for_without_gaps(tmp_path: Path) -> None:
    code = sarif.parse(large.generate("sarif", tmp_path / "code", 1_101).read_bytes(), "")
    packages = trivy.TRIVY.parse(large.generate("trivy", tmp_path / "packages", 1_101).read_bytes())
    assert (len(code.findings), len(packages.findings)) == (1_101, 1_101)
    assert (code.gaps, packages.gaps) == ((), ())
    tree = tmp_path / "code" / "tree"
    for one in code.findings:
        assert "db.execute" in (tree / one.location.path).read_text().split("\n")[(one.location.line or 0) - 1]


def test_a_gate_judges_the_newest_run(tmp_path: Path) -> None:
    (gate,) = scale._gates(tmp_path, (2,))
    assert (gate.runs, gate.findings) == (2, 2 * scale.OF_A_RUN)
    assert gate.wall > 0


def test_goals_that_are_missed_are_told() -> None:
    def case(who: str, wall: float) -> scale.Case:
        return scale.Case(who=who, kind="sarif", findings=100_000, size=1, wall=wall, cpu=wall, peak=300)

    slow = scale.Gate(runs=100, findings=100_000, wall=0.2, cpu=0.1)
    assert len(scale._missed([case("hardgate", 9.0), case("sarif-tools, summary", 3.0)], [slow])) == 2
    assert scale._missed([case("hardgate", 4.0), case("sarif-tools, summary", 3.0)], []) == []
