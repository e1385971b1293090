"""How well the scanners that read Python tell holes from safe code, alone and together.

    python -m bench.detection                          # everything; writes bench/results/detection.json
    python -m bench.detection --part tuned --misses    # one part, with each hole missed and each false alarm

Each part of bench/corpus, and the Python files of examples/planetary-api, are copied into a git repository of their own
and scanned by `hardgate run` with four actions: bandit, semgrep with the bundled rules, dataflow, ruff. Under which
weaknesses a case may be reported is in bench/corpus/families.yaml; the holes of the example are in its truth.yaml.

The exit code is 0; 1 when the union misses its goal over the unseen part; 3 when something was not looked at.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench import holes, scoring
from bench.scoring import BLOCKING, STANDING, UNION, Case, Fair, Score, Seen

ROOT = Path(__file__).resolve().parent.parent
HARDGATE = Path(sys.executable).with_name("hardgate")
CORPUS = ROOT / "bench" / "corpus"
TARGET = ROOT / "bench" / "results" / "detection.json"
TUNED, OPENED, UNSEEN, ALL_PARTS = "tuned", "opened", "unseen", "all"
PARTS = (TUNED, OPENED, UNSEEN)
SCANNERS = ("bandit", "semgrep", "dataflow", "ruff")
NAMES = (*SCANNERS, UNION, STANDING, BLOCKING)
GOAL = 0.6  # Youden's J of the union over the unseen part
JUDGED = {0, 1}  # PASS and FAIL; anything else is a run that did not look at everything
PIPELINE = b"""\
pipeline: detection
stages:
  - name: scan
    actions: [bandit, semgrep, dataflow, ruff]
policy:
  block_at: high
"""

Report = dict[str, Any]
Row = dict[str, Any]


class IncompleteError(Exception):
    """Something was not looked at: figures over the rest would be wrong."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, write; the exit code as the module says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=PARTS, help="just this part; no planetary-api, nothing written")
    parser.add_argument("--misses", action="store_true", help="list each hole missed and each false alarm")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    wish = parser.parse_args(argv)
    try:
        cases, seen, result = measure((wish.part,) if wish.part else PARTS, planetary=not wish.part)
    except IncompleteError as error:
        print(f"detection: nothing is scored, because something was not looked at:\n{error}", file=sys.stderr)
        return 3
    print(msgspec.json.format(msgspec.json.encode(result), indent=2).decode() if wish.json else text(result))
    if wish.misses:
        print("\n".join(misses(cases, seen)), file=sys.stderr if wish.json else sys.stdout)
    if not wish.part:
        TARGET.parent.mkdir(exist_ok=True)
        TARGET.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    return 0 if result["goal"]["met"] in {True, None} else 1


def measure(parts: Sequence[str], *, planetary: bool) -> tuple[list[Case], Seen, dict[str, Any]]:
    """Scan and score; returns the cases, who reported each, and the figures of bench/results/detection.json.

    Raises IncompleteError when the corpus is not whole or a run has gaps.
    """
    fair = scoring.read_families(CORPUS / "families.yaml")
    cases = _corpus(parts, fair)
    seen: Seen = {}
    report: Report = {}
    for part in parts:
        report = scan({path.name: path.read_bytes() for path in sorted((CORPUS / part).glob("*.py"))})
        seen |= scoring.witnesses([case for case in cases if case.part == part], report["findings"], fair)
    result = {
        "measured": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "tools": {one["scanner"]: one["tool"]["version"] for one in report["receipts"]},
        "rules": next(one["rules_digest"] for one in report["receipts"] if one["scanner"] == "semgrep"),
        "corpus": _digest(parts),
        "goal": _goal(cases, seen),
        "families": rows(cases, seen, "family"),
        "weaknesses": rows(cases, seen, "cwe"),
        "planetary": _planetary() if planetary else None,
    }
    return cases, seen, result


def _corpus(parts: Iterable[str], fair: Fair) -> list[Case]:
    try:
        cases = [case for part in parts for case in scoring.read_part(CORPUS / part)]
    except ValueError as error:
        raise IncompleteError(str(error)) from error
    if wrong := scoring.faults(cases, fair):
        raise IncompleteError("\n".join(wrong))
    return cases


def _digest(parts: Iterable[str]) -> str:
    """SHA-256 over names and contents of the cases, so that figures name the corpus that they are from."""
    running = hashlib.sha256()
    for path in (path for part in parts for path in sorted((CORPUS / part).glob("*.py"))):
        running.update(f"{path.parent.name}/{path.name}\0".encode() + path.read_bytes() + b"\0")
    return running.hexdigest()


def scan(files: Mapping[str, bytes]) -> Report:
    """The JSON report of `hardgate run` over these files, as they would lie in a repository.

    Raises IncompleteError with the gaps when the run did not look at everything.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        tree = Path(folder, "tree")
        for name, content in {**files, "hardgate.yaml": PIPELINE}.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_bytes(content)
        for words in (("init", "--quiet"), ("add", "--all"), (*_AUTHOR, "commit", "--quiet", "--message=bench")):
            subprocess.run(["git", *words], cwd=tree, check=True, capture_output=True)
        environment = {**os.environ, "HARDGATE_STORE": str(Path(folder, "store.db"))}
        command = [str(HARDGATE), "run", str(tree), "--json", "--no-cache"]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
    return judged(done.returncode, done.stdout, done.stderr)


_AUTHOR = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")


def judged(code: int, output: bytes, errors: bytes) -> Report:
    """The report on standard output, when the run was whole. Raises IncompleteError with what was not looked at."""
    try:
        report: Report = msgspec.json.decode(output)
    except msgspec.DecodeError as error:
        raise IncompleteError(f"hardgate run ended with {code} and no report:\n{errors.decode()}") from error
    gaps = [f"{gap['reason']} {gap['path']}: {gap['message']}" for gap in report["gaps"]]
    ran = {one["scanner"] for one in report["receipts"]}
    gaps += [f"{name} left no receipt" for name in SCANNERS if name not in ran]
    if code not in JUDGED or gaps:
        raise IncompleteError("\n".join([f"hardgate run ended with {code}", *gaps]))
    return report


def _goal(cases: Sequence[Case], seen: Seen) -> dict[str, Any]:
    """What the union must reach over the unseen part, and whether it did; None where that part was not scanned."""
    unseen = [case for case in cases if case.part == UNSEEN]
    reached = scoring.score(unseen, seen, UNION).j
    return {"part": UNSEEN, "bound": GOAL, "j": _round(reached), "met": None if reached is None else reached >= GOAL}


def rows(cases: Sequence[Case], seen: Seen, key: str) -> list[Row]:
    """A row for each part, and for all when there are several; each group and all; each scanner and the union."""
    found = []
    parts = list(dict.fromkeys(case.part for case in cases))
    for part in [*parts, ALL_PARTS] if len(parts) > 1 else parts:
        mine = [case for case in cases if part in {case.part, ALL_PARTS}]
        for group, members in scoring.grouped(mine, key).items():
            found += [_row(part, group, name, scoring.score(members, seen, name)) for name in NAMES]
    return found


def _row(part: str, group: str, name: str, one: Score) -> Row:
    counts = {"bad": one.bad, "found": one.found, "good": one.good, "alarms": one.alarms}
    rates = {"tpr": _round(one.tpr), "fpr": _round(one.fpr), "j": _round(one.j)}
    return {"part": part, "group": group, "scanner": name, **counts, **rates}


def _round(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 3)


def _planetary() -> dict[str, Any]:
    """The pairs of examples/planetary-api that are Python: holes found, safe twins reported and blocked."""
    report = scan({str(path.relative_to(holes.ROOT)): path.read_bytes() for path in sorted(holes.ROOT.rglob("*.py"))})
    sides = [side for side in holes.sides() if side["file"].endswith(".py")]
    told = {side["id"]: _told(side, report["findings"]) for side in sides}
    bad = [side["id"] for side in sides if side["kind"] == "vulnerable"]
    good = [side["id"] for side in sides if side["kind"] == "safe"]
    return {
        "holes": len(bad),
        "twins": len(good),
        "rows": [
            {"scanner": name, "found": sum(name in told[i] for i in bad), "alarms": sum(name in told[i] for i in good)}
            for name in NAMES
        ],
        "missed": [one for one in bad if UNION not in told[one]],
        "reported": [one for one in good if UNION in told[one]],
        "blocked": [one for one in good if BLOCKING in told[one]],
    }


def _told(side: holes.Side, findings: Sequence[holes.Finding]) -> set[str]:
    found = holes.reporting(side, findings)
    union = ({UNION} if found else set()) | ({STANDING} if any(not one["refuted"] for one in found) else set())
    blocking = {BLOCKING} if any(one["state"] == BLOCKING for one in found) else set()
    return {*holes.scanners(found), *union, *blocking}


def text(result: Mapping[str, Any]) -> str:
    """The figures for a terminal: for each part a table of families, one column of rates for each scanner."""
    lines = []
    for part in dict.fromkeys(row["part"] for row in result["families"]):
        mine = [row for row in result["families"] if row["part"] == part]
        title = f"{part}: TPR FPR J"
        lines.append(f"{title:<24}{'bad':>4}{'good':>5}  " + "".join(f"{name:<19}" for name in NAMES))
        for group in dict.fromkeys(row["group"] for row in mine):
            cells = {row["scanner"]: row for row in mine if row["group"] == group}
            one = cells[UNION]
            rates = "".join(f"{_cell(cells[name]):<19}" for name in NAMES)
            lines.append(f"{group:<24}{one['bad']:>4}{one['good']:>5}  {rates}".rstrip())
        lines.append("")
    if planetary := result["planetary"]:
        lines += [*_planetary_lines(planetary), ""]
    goal = result["goal"]
    if goal["met"] is not None:
        lines.append(f"J of the union over the unseen part: {goal['j']:.3f}, goal {goal['bound']}: {_verdict(goal)}")
    return "\n".join(lines)


def _verdict(goal: Mapping[str, Any]) -> str:
    return "met" if goal["met"] else "MISSED"


def _cell(row: Row) -> str:
    return " ".join("   -" if row[key] is None else f"{row[key]:z.2f}" for key in ("tpr", "fpr", "j"))


def _planetary_lines(found: Mapping[str, Any]) -> Iterable[str]:
    yield f"planetary-api: {found['holes']} holes and {found['twins']} safe twins in Python"
    for row in found["rows"]:
        yield f"  {row['scanner']:<10}{row['found']:>4} found{row['alarms']:>4} twins reported"
    for word in ("missed", "reported", "blocked"):
        yield f"  {word}: {', '.join(found[word]) or 'none'}"


def misses(cases: Sequence[Case], seen: Seen) -> list[str]:
    """A line for each hole that nobody reported, and for each safe case that somebody did, with the rules."""
    missed = [f"missed {_place(case)}" for case in cases if case.bad and not seen[case.id]]
    alarms = [
        f"alarm  {_place(case)}  [{', '.join(sorted(seen[case.id][UNION]))}]"
        for case in cases
        if not case.bad and seen[case.id]
    ]
    return [*missed, *alarms]


def _place(case: Case) -> str:
    return f"bench/corpus/{case.part}/{case.path}:{case.first}  {case.id}  {case.cwe}  {case.note}"


if __name__ == "__main__":
    sys.exit(main())
