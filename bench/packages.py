"""What hardgate's own rules report in well-known packages: each finding, to be read by a person.

    python -m bench.packages [PACKAGE==VERSION ...]

Downloads the wheels from PyPI, puts each package's Python files into a git repository and runs `hardgate run` over it
with two actions: semgrep with the bundled rules, and dataflow. What was judged of the findings stands in
docs/explanation/detection.md.

Writes bench/results/packages.json; the exit code is 3 when something was not looked at.
"""

from __future__ import annotations

import argparse
import datetime
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench import rules
from bench.detection import HARDGATE, JUDGED

TARGET = rules.ROOT / "bench" / "results" / "packages.json"
PACKAGES = ("flask==3.1.0", "httpbin==0.10.2", "django==5.2")
PIPELINE = b"""\
pipeline: packages
stages:
  - name: scan
    actions: [semgrep, dataflow]
policy:
  block_at: high
"""
_AUTHOR = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")


def main(argv: Sequence[str] | None = None) -> int:
    """Scan, print, write; the exit code as the module says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE==VERSION", help=f"default: {' '.join(PACKAGES)}")
    wish = parser.parse_args(argv)
    results = [measure(package) for package in wish.packages or PACKAGES]
    for one in results:
        print("\n".join(text(one)))
    if not wish.packages:
        TARGET.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    return 3 if any(one["gaps"] for one in results) else 0


def measure(package: str) -> dict[str, Any]:
    """Scan one package; what was found, what was not looked at, and the seconds of each scanner."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        tree = Path(folder, "tree")
        lines = _fetch(package, Path(folder, "wheel"), tree)
        (tree / "hardgate.yaml").write_bytes(PIPELINE)
        for words in (("init", "--quiet"), ("add", "--all"), (*_AUTHOR, "commit", "--quiet", "--message=bench")):
            subprocess.run(["git", *words], cwd=tree, check=True, capture_output=True)
        environment = {**os.environ, "HARDGATE_STORE": str(Path(folder, "store.db"))}
        command = [str(HARDGATE), "run", str(tree), "--json", "--no-cache"]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
    try:
        report = msgspec.json.decode(done.stdout)
    except msgspec.DecodeError as error:
        raise SystemExit(f"hardgate run ended with {done.returncode}:\n{done.stderr.decode()}") from error
    gaps = [f"{gap['reason']} {gap['path']}: {gap['message']}" for gap in report["gaps"]]
    if done.returncode not in JUDGED and not gaps:
        gaps = [f"hardgate run ended with {done.returncode}"]
    return {
        "measured": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "package": package,
        "lines": lines,
        "seconds": {one["scanner"]: one["seconds"] for one in report["receipts"]},
        "gaps": gaps,
        "findings": [_told(one) for one in report["findings"]],
    }


def _fetch(package: str, wheel: Path, tree: Path) -> int:
    """Put the Python files of a package below `tree`; how many lines they have."""
    command = [str(rules.UV), "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]
    subprocess.run([*command, "--python", sys.executable, "--target", str(wheel), package], check=True)
    lines = 0
    for source in sorted(wheel.rglob("*.py")):
        place = tree / source.relative_to(wheel)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(source.read_bytes())
        lines += source.read_bytes().count(b"\n")
    return lines


def _told(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "rule": one["rule"],
        "severity": one["severity"],
        "path": one["location"]["path"],
        "line": one["location"]["line"],
        "scanners": sorted({witness["scanner"] for witness in one["witnesses"]}),
        "refuted": one["refuted"],
    }


def text(one: dict[str, Any]) -> list[str]:
    """The result of one package for a terminal."""
    took = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in one["seconds"].items())
    head = f"{one['package']}: {one['lines']} lines, {len(one['findings'])} findings ({took})"
    counts = Counter(found["rule"] for found in one["findings"])
    places = [
        f"    {found['path']}:{found['line']}  {found['rule']}  {', '.join(found['scanners'])}"
        for found in one["findings"]
    ]
    return [
        head,
        *(f"  {gap}" for gap in one["gaps"]),
        *(f"  {n:3} {rule}" for rule, n in counts.most_common()),
        *places,
    ]


if __name__ == "__main__":
    sys.exit(main())
