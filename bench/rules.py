"""What the bundled Semgrep rules cost: the whole pack over a project of 50,000 lines, and each rule alone.

    python -m bench.rules [--rounds N] [--engine opengrep]

The project is made of well-known packages from PyPI: their wheels are downloaded, and their Python files taken in the
order of the list until there are 50,000 lines. The same command line scans it with the pack and with one trivial rule
for which the engine has to parse every file; the rounds alternate, so that a busy machine slows both, and the medians
are compared. The goal: the pack adds at most 3 s. A last scan with `--time` tells what each rule took.

Writes bench/results/rules.json; the exit code is 1 when the goal is missed.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from hardgate import toolbox, tools
from hardgate.adapter import Job
from hardgate.scanners.semgrep import SEMGREP

ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / ".uv" / "bin" / "uv"
PACK = ROOT / "src" / "hardgate" / "rules"
TARGET = ROOT / "bench" / "results" / "rules.json"
# Web frameworks first, since that is what the rules are about; then what most services stand on.
PACKAGES = (
    "flask==3.1.0", "werkzeug==3.1.3", "starlette==0.41.3", "fastapi==0.115.6", "requests==2.32.3",
    "djangorestframework==3.15.2", "django==5.2",
)  # fmt: skip
LINES = 50_000
GOAL = 3.0  # seconds that the pack may add
SLOW = 0.5  # seconds over the project that make a rule worth another look
TRIVIAL = {"id": "trivial", "languages": ["python"], "severity": "INFO", "message": "x", "pattern": "$ONE is $ONE"}


@dataclasses.dataclass(frozen=True)
class Took:
    """One scan: seconds by the clock, seconds of all cores together, and the engine's report."""

    wall: float
    cpu: float
    report: dict[str, Any]


def main() -> int:
    """Measure, print, and write bench/results/rules.json; 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engine", choices=("semgrep", "opengrep"), default="semgrep")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        tree, trivial = Path(folder) / "tree", Path(folder) / "trivial"
        files, lines = project(Path(folder) / "packages", tree)
        trivial.mkdir()
        (trivial / "semgrep.json").write_text(json.dumps({"rules": [TRIVIAL]}))
        print(f"{lines} lines in {files} files of {', '.join(PACKAGES)}")
        bare, ours = alternate(tree, trivial, chosen.engine, chosen.rounds)
        rules = per_rule(scan(tree, PACK, chosen.engine, "--time").report) if chosen.engine == "semgrep" else {}
    result = summary(bare, ours, rules, engine=chosen.engine, files=files, lines=lines)
    show(result)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    return 0 if result["added"] <= GOAL else 1


def project(packages: Path, tree: Path) -> tuple[int, int]:
    """Put the project together below `tree`; how many files and lines it has."""
    command = [str(UV), "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--python", sys.executable]
    files = lines = 0
    for package in PACKAGES:
        target = packages / package.partition("==")[0]
        subprocess.run([*command, "--target", str(target), package], check=True)
        for source in sorted(target.rglob("*.py")):
            if lines >= LINES:
                return files, lines
            place = tree / source.relative_to(packages)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, place)
            files, lines = files + 1, lines + source.read_bytes().count(b"\n")
    raise SystemExit(f"the packages have {lines} lines together, and {LINES} are needed: name more of them")


def alternate(tree: Path, trivial: Path, engine: str, rounds: int) -> tuple[list[Took], list[Took]]:
    """Scans with the trivial rule and with the pack, in turns, after one of each that warms the caches."""
    bare, ours = [], []
    for number in range(rounds + 1):
        one, other = scan(tree, trivial, engine), scan(tree, PACK, engine)
        if number:
            bare.append(one)
            ours.append(other)
    return bare, ours


def scan(tree: Path, rules: Path, engine: str, *words: str) -> Took:
    """One scan with the command line of the adapter; ends the bench when the engine did not scan every file."""
    with tempfile.TemporaryDirectory(prefix="home-") as home:
        names = tuple(path.relative_to(tree).as_posix() for path in tree.rglob("*.py"))
        job = Job(
            command=toolbox.open_default(os.environ).locate(engine).command, root=str(tree), files=names,
            report="", scratch=home, rules=str(rules), args=words, options=SEMGREP.options(engine=engine),
        )  # fmt: skip
        began, used = time.monotonic(), spent()
        done = tools.run(
            SEMGREP.argv(job),
            cwd=tree,
            env=tools.environment(Path(home), extra=SEMGREP.environment(job)),
            timeout=1800,
        )
        took = time.monotonic() - began, spent() - used
    if done.exit_code != 0:
        raise SystemExit(f"{engine} ended with {done.exit_code}:\n{done.stderr.decode()[-2000:]}")
    report = json.loads(done.stdout)
    if set(report["paths"]["scanned"]) != set(names) or any("Timeout" in str(one["type"]) for one in report["errors"]):
        raise SystemExit(f"{engine} did not scan every file: {report['errors'][:5]}")
    return Took(*took, report)


def spent() -> float:
    """Seconds of processor time that children have used so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def per_rule(report: Mapping[str, Any]) -> dict[str, float]:
    """Seconds that each rule took over all files, the slowest first."""
    timing = report["time"]
    seconds: dict[str, float] = defaultdict(float)
    for target in timing["targets"]:
        for rule, took in zip(timing["rules"], target["match_times"], strict=True):
            seconds[rule] += took
    return dict(sorted(seconds.items(), key=lambda one: -one[1]))


def summary(
    bare: Iterable[Took], ours: Iterable[Took], rules: Mapping[str, float], *, engine: str, files: int, lines: int
) -> dict[str, Any]:
    """What is written: seconds by the clock (medians), what the pack adds, and each rule."""
    walls = [statistics.median(one.wall for one in side) for side in (bare, ours)]
    cpus = [statistics.median(one.cpu for one in side) for side in (bare, ours)]
    return {
        "measured": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
        "engine": engine,
        "project": {"packages": PACKAGES, "files": files, "lines": lines},
        "trivial": round(walls[0], 2),
        "pack": round(walls[1], 2),
        "added": round(walls[1] - walls[0], 2),
        "added_processor_time": round(cpus[1] - cpus[0], 2),
        "goal": GOAL,
        "slow": [rule for rule, seconds in rules.items() if seconds > SLOW],
        "rules": {rule: round(seconds, 3) for rule, seconds in rules.items()},
    }


def show(result: Mapping[str, Any]) -> None:
    """The figures for whoever started it."""
    print(f"one trivial rule  {result['trivial']:7.2f} s")
    print(f"the pack          {result['pack']:7.2f} s   {len(result['rules'])} rules timed")
    print(f"added             {result['added']:7.2f} s   goal {GOAL:.2f} s")
    print(f"in processor time {result['added_processor_time']:7.2f} s")
    for rule, seconds in list(result["rules"].items())[:12]:
        print(f"  {seconds:7.2f} s  {rule}{'   slow' if rule in result['slow'] else ''}")


if __name__ == "__main__":
    sys.exit(main())
