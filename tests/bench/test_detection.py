"""bench/detection.py: what counts as reported, what the rates are, and that a run with gaps is never scored."""

from __future__ import annotations

import collections
import json
from pathlib import Path
from typing import Any

import pytest

from bench import detection, holes, scoring
from bench.scoring import ALL, BLOCKING, STANDING, UNION, Case, Score

FAIR = {"sql_injection": frozenset({"CWE-89", "CWE-943"})}
PATH = Path("corpus/tuned/sql_injection.py")
SOURCE = """\
import db


# case: sql_injection-01 | bad | CWE-89 | f-string
def first(name):
    return db.run(f"{name}")


# case: sql_injection-02 | good | CWE-89 | bound parameter
def second(name):
    return db.run("?", name)


# case: sql_injection-03 | bad | CWE-943 | joined
def third(name):
    return db.run("".join(name))
"""
FAMILIES = scoring.read_families(detection.CORPUS / "families.yaml")
WHOLE = [case for part in detection.PARTS for case in scoring.read_part(detection.CORPUS / part)]


def cases() -> list[Case]:
    return scoring.cases_of(SOURCE, PATH)


def finding(line: int | None, **more: Any) -> dict[str, Any]:
    """A finding of the JSON report, with the keys that are read."""
    scanners = more.pop("scanners", ("bandit",))
    return {
        "location": {"path": more.pop("path", PATH.name), "line": line},
        "cwe": more.pop("cwe", ["CWE-89"]),
        "state": more.pop("state", "informing"),
        "refuted": more.pop("refuted", ""),
        "witnesses": [{"scanner": name, "rule": "R1"} for name in scanners],
    }


# Cases


def test_a_case_runs_to_the_next_one_or_to_the_end() -> None:
    assert [(case.id, case.bad, case.first, case.last) for case in cases()] == [
        ("sql_injection-01", True, 4, 8),
        ("sql_injection-02", False, 9, 13),
        ("sql_injection-03", True, 14, 16),
    ]
    assert (cases()[2].cwe, cases()[2].note, cases()[2].part) == ("CWE-943", "joined", "tuned")


@pytest.mark.parametrize(
    "line",
    [
        "# case: sql_injection-01 | maybe | CWE-89 | x",
        "# case: sql_injection-01 | bad | 89 | x",
        "# case: sql_injection-01 | bad | CWE-89",
        "# case: sql_injection-1 | bad | CWE-89 | x",
        "# case: ssrf-01 | bad | CWE-918 | in another family's file",
        "# case:sql_injection-01 | bad | CWE-89 | x",
    ],
)
def test_a_case_line_that_cannot_be_read_is_refused_and_never_left_out(line: str) -> None:
    with pytest.raises(ValueError, match=r"sql_injection\.py:2"):
        scoring.cases_of(f"import db\n{line}\n", PATH)


def test_a_file_without_cases_is_refused() -> None:
    with pytest.raises(ValueError, match="holds no case"):
        scoring.cases_of("import db\n", PATH)


def test_faults_of_a_corpus_are_named() -> None:
    wrong = scoring.faults([*cases(), cases()[0]], {**FAIR, "ssrf": frozenset({"CWE-918"})})
    assert wrong == ["tuned/ssrf.py is missing", "sql_injection-01 is the id of more than one case"]
    narrow = {"sql_injection": frozenset({"CWE-89"})}
    assert scoring.faults(cases(), narrow) == [
        "tuned/sql_injection.py:14: families.yaml does not allow CWE-943",
    ]
    assert scoring.faults(cases(), {}) == ["tuned/sql_injection.py: families.yaml does not know sql_injection"] * 3


# What counts as reported


@pytest.mark.parametrize(
    ("one", "reported"),
    [
        (finding(4), ["sql_injection-01"]),
        (finding(8), ["sql_injection-01"]),
        (finding(9), ["sql_injection-02"]),
        (finding(16, cwe=["CWE-1", "CWE-943"]), ["sql_injection-03"]),
        (finding(6, path="tree/sql_injection.py"), ["sql_injection-01"]),
        (finding(1), []),
        (finding(17), []),
        (finding(None), []),
        (finding(6, cwe=["CWE-79"]), []),
        (finding(6, cwe=[]), []),
        (finding(6, path="ssrf.py"), []),
    ],
)
def test_a_case_is_reported_by_a_fair_finding_within_its_lines(one: dict[str, Any], reported: list[str]) -> None:
    seen = scoring.witnesses(cases(), [one], FAIR)
    assert [name for name, found in seen.items() if found] == reported


def test_each_witness_counts_and_what_blocks_is_told_apart() -> None:
    findings = [finding(6, scanners=("bandit", "ruff")), finding(15, scanners=("semgrep",), state="blocking")]
    seen = scoring.witnesses(cases(), findings, FAIR)
    assert set(seen["sql_injection-01"]) == {"bandit", "ruff", UNION, STANDING}
    assert set(seen["sql_injection-03"]) == {"semgrep", UNION, STANDING, BLOCKING}
    assert seen["sql_injection-01"][UNION] == {"bandit R1", "ruff R1"}


def test_what_another_scanner_refutes_is_reported_and_does_not_stand() -> None:
    seen = scoring.witnesses(cases(), [finding(6, refuted="dataflow")], FAIR)
    assert set(seen["sql_injection-01"]) == {"bandit", UNION}


# Rates


def test_rates_and_youdens_j() -> None:
    one = Score(bad=10, good=8, found=9, alarms=2)
    assert (one.tpr, one.fpr) == (0.9, 0.25)
    assert one.j == pytest.approx(0.65)


@pytest.mark.parametrize(("one", "tpr", "fpr"), [(Score(0, 3, 0, 1), None, 1 / 3), (Score(2, 0, 1, 0), 0.5, None)])
def test_a_rate_over_nothing_is_unknown_and_not_zero(one: Score, tpr: float | None, fpr: float | None) -> None:
    assert (one.tpr, one.fpr, one.j) == (tpr, fpr, None)


def test_scores_count_holes_and_alarms() -> None:
    seen = scoring.witnesses(cases(), [finding(6), finding(10, scanners=("ruff",)), finding(12)], FAIR)
    assert scoring.score(cases(), seen, "bandit") == Score(bad=2, good=1, found=1, alarms=1)
    assert scoring.score(cases(), seen, "ruff") == Score(bad=2, good=1, found=0, alarms=1)
    assert scoring.score(cases(), seen, "semgrep") == Score(bad=2, good=1, found=0, alarms=0)
    assert scoring.score(cases(), seen, UNION) == Score(bad=2, good=1, found=1, alarms=1)


def test_rows_hold_each_part_and_all_together() -> None:
    second = [
        Case(**{**{f: getattr(one, f) for f in one.__dataclass_fields__}, "part": "unseen", "id": f"{one.id}9"})
        for one in cases()
    ]
    both = [*cases(), *second]
    seen = {case.id: ({UNION: {"r"}} if case.bad and case.part == "tuned" else {}) for case in both}
    union = {(r["part"], r["group"]): r for r in detection.rows(both, seen, "family") if r["scanner"] == UNION}
    assert {part for part, _ in union} == {"tuned", "unseen", "all"}
    assert [union[part, ALL]["tpr"] for part in ("tuned", "unseen", "all")] == [1, 0, 0.5]
    assert union["all", "sql_injection"]["bad"] == 4


@pytest.mark.parametrize(("found", "met"), [(6, True), (5, False)])
def test_the_goal_is_j_of_the_union_over_the_unseen_part(found: int, met: bool) -> None:
    many = [
        Case(f"x-{number:02}", "x", number, "unseen", number < 10, "CWE-1", "n", "x.py", 1, 2) for number in range(20)
    ]
    seen = {case.id: ({UNION: {"r"}} if case.number < found else {}) for case in many}
    assert detection._goal(many, seen)["met"] is met
    assert detection._goal(cases(), scoring.witnesses(cases(), [], FAIR))["met"] is None


def test_misses_name_file_line_and_rule() -> None:
    seen = scoring.witnesses(cases(), [finding(6), finding(10)], FAIR)
    assert detection.misses(cases(), seen) == [
        "missed bench/corpus/tuned/sql_injection.py:14  sql_injection-03  CWE-943  joined",
        "alarm  bench/corpus/tuned/sql_injection.py:9  sql_injection-02  CWE-89  bound parameter  [bandit R1]",
    ]


# What was not looked at


RECEIPTS = [{"scanner": name} for name in detection.SCANNERS]
GAP = {"reason": "timeout", "path": "a.py", "message": "Semgrep gave up."}


@pytest.mark.parametrize(
    ("code", "output", "says"),
    [
        (3, {"gaps": [GAP], "receipts": RECEIPTS}, "timeout a.py: Semgrep gave up"),
        (0, {"gaps": [GAP], "receipts": RECEIPTS}, "timeout a.py: Semgrep gave up"),
        (3, {"gaps": [], "receipts": RECEIPTS}, "ended with 3"),
        (0, {"gaps": [], "receipts": RECEIPTS[1:]}, "bandit left no receipt"),
    ],
)
def test_a_run_with_gaps_is_refused(code: int, output: dict[str, Any], says: str) -> None:
    with pytest.raises(detection.IncompleteError, match=says):
        detection.judged(code, json.dumps(output).encode(), b"")


def test_a_run_without_a_report_is_refused_in_the_tools_own_words() -> None:
    with pytest.raises(detection.IncompleteError, match=r"ended with 2 and no report:\nno such action"):
        detection.judged(2, b"", b"no such action")


@pytest.mark.parametrize("code", [0, 1])
def test_a_whole_run_is_scored_whatever_its_verdict(code: int) -> None:
    report = {"gaps": [], "receipts": RECEIPTS, "findings": []}
    assert detection.judged(code, json.dumps(report).encode(), b"") == report


def test_a_corpus_that_is_not_whole_ends_with_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tuned").mkdir()
    (tmp_path / "tuned" / PATH.name).write_text(SOURCE)
    (tmp_path / "families.yaml").write_text("sql_injection: [89, 943]\nssrf: [918]\n")
    monkeypatch.setattr(detection, "CORPUS", tmp_path)
    assert detection.main(["--part", "tuned"]) == 3
    assert "tuned/ssrf.py is missing" in capsys.readouterr().err


@pytest.mark.real
def test_the_real_scanners_are_scored(
    tmp_path: Path, tools_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HARDGATE_HOME", str(tools_folder.parent))
    (tmp_path / "tuned").mkdir()
    source = (
        "import hashlib\n"
        "# case: weak_hash-01 | bad | CWE-328 | direct\nA = hashlib.md5(b'x').hexdigest()\n"
        "# case: weak_hash-02 | good | CWE-328 | strong\nB = hashlib.sha256(b'x').hexdigest()\n"
        "# case: weak_hash-03 | bad | CWE-328 | nobody looks\nC = 'md5'\n"
    )
    (tmp_path / "tuned" / "weak_hash.py").write_text(source)
    (tmp_path / "families.yaml").write_text("weak_hash: [327, 328]\n")
    monkeypatch.setattr(detection, "CORPUS", tmp_path)
    assert detection.main(["--part", "tuned", "--json", "--misses"]) == 0
    told = capsys.readouterr()
    found = {row["scanner"]: row for row in json.loads(told.out)["families"] if row["group"] == ALL}
    assert [found[name]["found"] for name in ("bandit", "ruff", UNION)] == [1, 1, 1]
    assert found[UNION]["j"] == 0.5
    assert told.err.startswith("missed ")
    assert "weak_hash.py:6  weak_hash-03" in told.err


# The corpus itself


def test_the_corpus_is_whole_and_each_label_is_one_that_a_tool_may_name() -> None:
    assert scoring.faults(WHOLE, FAMILIES) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_has_enough_cases_of_each_kind_numbered_upwards(family: str) -> None:
    mine = [case for case in WHOLE if case.family == family]
    counts = collections.Counter((case.part, case.bad) for case in mine)
    assert all(counts[part, bad] >= 11 for part in detection.PARTS for bad in (True, False)), counts
    assert [case.number for case in mine] == sorted({case.number for case in mine})


@pytest.mark.parametrize(
    "path", sorted(detection.CORPUS.glob("*/*.py")), ids=lambda one: f"{one.parent.name}-{one.stem}"
)
def test_each_file_of_the_corpus_is_python(path: Path) -> None:
    compile(path.read_bytes(), str(path), "exec", dont_inherit=True)


def test_a_hole_of_the_example_is_reported_by_a_finding_in_its_function() -> None:
    side = next(one for one in holes.sides() if one["id"] == "sqli-login-vulnerable")
    first, last = holes._lines(side)
    inside = {**finding(first, path=side["file"]), "ids": []}
    beyond = {**finding(last + 1, path=side["file"]), "ids": []}
    other = {**finding(first, path=side["file"], cwe=["CWE-79"]), "ids": []}
    assert holes.reporting(side, [inside, beyond, other]) == [inside]
    assert holes.scanners([inside]) == {"bandit"}
