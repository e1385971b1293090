"""Which of the documented holes of examples/planetary-api each scanner finds, and which safe twins it reports.

    hardgate run examples/planetary-api --json > report.json
    python -m bench.holes report.json

A side of examples/planetary-api/truth.yaml counts as reported when a finding lies in its function (or, outside Python,
in its file) and names its weakness or one related to it; a dependency, when a finding names one of its advisories.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import yaml

ROOT = Path(__file__).resolve().parent.parent / "examples" / "planetary-api"
Finding = dict[str, Any]
Side = dict[str, Any]


def main() -> int:
    """Print the tables; 0 whatever they show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path)
    report = msgspec.json.decode(parser.parse_args().report.read_bytes())
    truth = sides()
    seen = {side["id"]: scanners(reporting(side, report["findings"])) for side in truth}
    names = sorted({name for found in seen.values() for name in found})
    print("scanner      findings  holes found  safe twins reported")
    for name in names:
        number = sum(name in scanners([one]) for one in report["findings"])
        hit = sum(name in seen[side["id"]] for side in truth if side["kind"] == "vulnerable")
        safe = [side["id"] for side in truth if side["kind"] == "safe" and name in seen[side["id"]]]
        print(f"{name:<12} {number:>8}  {hit:>11}  {len(safe)} {' '.join(safe)}")
    holes = [side["id"] for side in truth if side["kind"] == "vulnerable"]
    print(f"\nfound by at least one: {sum(bool(seen[hole]) for hole in holes)} of {len(holes)}")
    for hole in holes:
        print(f"  {hole:<40} {', '.join(sorted(seen[hole])) or 'NONE'}")
    return 0


def sides() -> list[Side]:
    """Every side of truth.yaml, in its order."""
    entries: list[Side] = yaml.safe_load((ROOT / "truth.yaml").read_bytes())["entries"]
    return entries


def reporting(side: Side, findings: Iterable[Finding]) -> list[Finding]:
    """The findings of a JSON report that report this side."""
    first, last = _lines(side)
    weaknesses = {side["cwe"], *(side.get("related") or [])}
    ids = set(side.get("ids") or [])
    found = []
    for one in findings:
        where = one["location"]
        if where["path"] != side["file"]:
            continue
        line = where["line"]
        inside = line is None or first <= line <= last
        same = bool(weaknesses & set(one["cwe"])) or not one["cwe"]
        if (ids & set(one["ids"])) if ids else (inside and same):
            found.append(one)
    return found


def scanners(findings: Iterable[Finding]) -> set[str]:
    """The names of all scanners that stand behind these findings."""
    return {witness["scanner"] for one in findings for witness in one["witnesses"]}


def _lines(side: Side) -> tuple[int, int]:
    """The lines of the side's function; those of its locator where it has no function of its own."""
    text = (ROOT / side["file"]).read_text()
    if side["function"]:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == side["function"]:
                return node.lineno, node.end_lineno or node.lineno
    before = text[: text.index(side["locator"])].count("\n") + 1
    return before, before + side["locator"].count("\n")


if __name__ == "__main__":
    sys.exit(main())
