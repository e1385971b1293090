"""How many committed secrets the scanners find, and how often they cry wolf.

    python -m bench.secrets [--no-packages]

Three questions:

1. Risk lines: how many of the labelled lines of bench/secrets-corpus are found, by each scanner and by all together?
   The corpus has two halves: rules were tuned on one and saw the other for the first time. Goal: 90 % of each.
2. Look-alikes: how many lines of the same files that are no secret are reported?
3. Clean code: how many findings do released packages have, in 10,000 lines of their code? Goal: at most one. Rules were
   tuned on some packages and saw the others for the first time. They are fetched from PyPI as sdists, with the pinned
   versions below; without PyPI that part is a gap.

Each tree is scanned by the real `hardgate run`; beside it, Gitleaks with its stock rules. A finding counts from medium
on: what is rated low (a made-up secret in a test, a word that only sounds like one) never blocks by default, and counts
neither as found nor as a false alarm. Both are told beside.

Exit code 1 when a goal is missed, 3 when something was not looked at.
"""

from __future__ import annotations

import argparse
import collections
import datetime
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from hardgate import toolbox

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "bench" / "secrets-corpus"
TARGET = ROOT / "bench" / "results" / "secrets.json"
PYTHON = ROOT / ".uv" / "bin" / "python"  # that of uv, which make sets up: it has pip
HARDGATE = Path(sys.executable).with_name("hardgate")
SCANNERS: tuple[Any, ...] = ({"gitleaks": {"history": False}}, "detect-secrets", {"trivy": {"scanners": ["secret"]}})
STOCK = "gitleaks, stock rules"
NAMES = ("gitleaks", "detect-secrets", "trivy")
COUNTS_FROM = ("critical", "high", "medium")
FOUND_GOAL, ALARM_GOAL = 0.90, 1.0
PACKAGES = {
    "tuned": ("requests==2.32.5", "click==8.3.1", "werkzeug==3.1.4", "flask==3.1.2", "jinja2==3.1.6", "redis==7.1.0"),
    "unseen": ("tornado==6.5.2", "marshmallow==4.1.0", "falcon==4.2.0", "pymysql==1.1.2"),
}
INCOMPLETE, MISSED = 3, 1

Place = tuple[str, int]


class GapError(Exception):
    """Something was not looked at: no figure can be told."""


@dataclass(frozen=True)
class Line:
    """One line of the corpus: its text, whether it is a risk or a look-alike, and the risk it goes on with."""

    text: str
    risk: bool
    alike: bool
    owner: int | None


def joined(text: str) -> str:
    """The text with what stands between « and » put together."""
    return re.sub("«([^»]*)»", lambda found: found[1].replace("|", ""), text)


def corpus(half: str) -> dict[str, list[Line]]:
    """The files of one half: path and labelled lines. See bench/secrets-corpus/README.md."""
    files: dict[str, list[Line]] = {}
    for source in sorted((CORPUS / half).glob("*.txt")):
        path, owner = "", None
        for line in source.read_text("utf-8").splitlines():
            if line.startswith("==> "):
                path, owner = line[4:], None
                files[path] = []
                continue
            label = line[:1] or " "
            if label not in "!:= " or (line and line[1:2] not in {" ", ""}):
                raise SystemExit(f"{source}: no label: {line!r}")
            number = len(files[path]) + 1
            owner = number if label == "!" else owner if label == ":" else None
            files[path].append(Line(text=joined(line[2:]), risk=label == "!", alike=label == "=", owner=owner))
    return files


def lay_out(files: Mapping[str, list[Line]], root: Path) -> Path:
    for path, lines in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("\n".join(line.text for line in lines) + "\n", "utf-8")
    return root


def scan(root: Path, home: Path) -> list[dict[str, Any]]:
    """The findings of `hardgate run` over a folder; raises GapError when something was not looked at."""
    pipeline = {
        "pipeline": "secrets",
        "stages": [{"name": "secrets", "actions": SCANNERS}],
        "policy": {
            "block_at": "never",
            "exempt": dict.fromkeys(("dockerfile", "terraform", "requirements", "lockfile", "manifest"), "not asked"),
        },
        "exclude": ["hardgate.yaml"],
    }
    (root / "hardgate.yaml").write_bytes(msgspec.json.encode(pipeline))
    environment = {**os.environ, "HARDGATE_STORE": str(home / "store.db")}
    command = [str(HARDGATE), "run", str(root), "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    (root / "hardgate.yaml").unlink()
    if not done.stdout:
        raise GapError(done.stderr.decode())
    report = msgspec.json.decode(done.stdout)
    if report["gaps"]:
        raise GapError("\n".join(f"{gap['action']}: {gap['message']} {gap['remedy']}" for gap in report["gaps"]))
    return [one for one in report["findings"] if one["kind"] == "secret"]


def seen_by(finding: Mapping[str, Any], name: str, *, low: bool) -> bool:
    """Whether one scanner ("union": any) reported a finding at a severity that counts, or with `low` at any."""
    witnesses = [one for one in finding["witnesses"] if name in {"union", one["scanner"]}]
    return any(low or one["severity"] in COUNTS_FROM for one in witnesses)


def lines_of(finding: Mapping[str, Any]) -> range:
    first = finding["location"]["line"] or 1
    return range(first, (finding["location"].get("end_line") or first) + 1)


def score(files: Mapping[str, list[Line]], findings: list[dict[str, Any]], name: str, *, low: bool) -> dict[str, Any]:
    """Risk lines found, look-alikes and other lines reported."""
    risks = {(path, number) for path, lines in files.items() for number, line in enumerate(lines, 1) if line.risk}
    alike = {(path, number) for path, lines in files.items() for number, line in enumerate(lines, 1) if line.alike}
    hit: set[Place] = set()
    wrong: set[Place] = set()
    for finding in findings:
        if seen_by(finding, name, low=low):
            path = finding["location"]["path"]
            owners = {files[path][number - 1].owner for number in lines_of(finding)} - {None}
            hit |= {(path, owner) for owner in owners if owner}
            wrong |= set() if owners else {(path, lines_of(finding)[0])}
    share = len(hit) / len(risks)
    false = {"look_alikes": len(alike), "reported": len(wrong & alike), "other_lines_reported": len(wrong - alike)}
    return {"risk_lines": len(risks), "found": len(hit), "share": round(share, 3), **false,
            "missed": sorted(f"{path}:{number}" for path, number in risks - hit),
            "false": sorted(f"{path}:{number}" for path, number in wrong)}  # fmt: skip


def fetched(packages: tuple[str, ...], folder: Path) -> Path:
    """The unpacked sdists; raises GapError when one cannot be had."""
    for package in packages:
        name = package.partition("==")[0]
        words = ["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", name]
        command = [str(PYTHON), "-m", "pip", *words, "--dest", str(folder / "sdists"), package]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise GapError(f"{package} could not be fetched from the package index: {done.stderr.strip()[-300:]}")
    for archive in sorted((folder / "sdists").iterdir()):
        with tarfile.open(archive) as file:
            file.extractall(folder / "tree", filter="data")
    return folder / "tree"


def stock(root: Path) -> list[dict[str, Any]]:
    """What Gitleaks finds with nothing but its own rules, in the shape of hardgate's findings."""
    command = toolbox.open_default(os.environ).locate("gitleaks").command
    words = (
        "dir",
        ".",
        "--redact",
        "--no-banner",
        "--report-format",
        "json",
        "--report-path",
        "-",
        "--exit-code",
        "42",
    )
    done = subprocess.run([*command, *words], cwd=root, capture_output=True, check=False)
    if done.returncode not in {0, 42}:
        raise GapError(done.stderr.decode())
    return [
        {
            "location": {"path": leak["File"], "line": leak["StartLine"], "end_line": leak["EndLine"]},
            "witnesses": [{"scanner": STOCK, "severity": "high"}],
        }
        for leak in msgspec.json.decode(done.stdout)
    ]


def code_lines(root: Path) -> int:
    """Lines of Python code: the denominator. Manuals and data count for nothing here, though they are scanned."""
    return sum(len(path.read_bytes().splitlines()) for path in root.rglob("*.py") if path.is_file())


def clean(packages: tuple[str, ...], home: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        tree = fetched(packages, Path(folder))
        lines, findings = code_lines(tree), scan(tree, home)
    rates = {}
    for name in (*NAMES, "union"):
        counted = [one for one in findings if seen_by(one, name, low=False)]
        low = sum(seen_by(one, name, low=True) for one in findings) - len(counted)
        rates[name] = {
            "findings": len(counted),
            "per_10000_lines": round(len(counted) * 10_000 / lines, 2),
            "rated_low": low,
            "rules": dict(collections.Counter(one["rule"] for one in counted)),
            "places": sorted(f"{one['location']['path']}:{one['location']['line']}" for one in counted),
        }
    return {"packages": list(packages), "lines_of_code": lines, "scanners": rates}


def measure(home: Path, *, packages: bool) -> dict[str, Any]:
    result: dict[str, Any] = {
        "measured": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "corpus": {},
        "clean": {},
    }
    for half in ("tuned", "unseen"):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            files = corpus(half)
            findings = scan(lay_out(files, Path(folder)), home)
            bare = stock(Path(folder))
        rows = {name: score(files, findings, name, low=False) for name in (*NAMES, "union")}
        result["corpus"][half] = rows | {
            STOCK: score(files, bare, STOCK, low=False),
            "union with low": score(files, findings, "union", low=True),
        }
    for half, names in PACKAGES.items() if packages else ():
        result["clean"][half] = clean(names, home)
    return result


def missed(result: Mapping[str, Any]) -> Iterator[str]:
    """The goals that were missed, as sentences."""
    for half, rows in result["corpus"].items():
        if rows["union"]["share"] < FOUND_GOAL:
            yield f"{half}: {rows['union']['share']:.1%} of the risk lines found, the goal is {FOUND_GOAL:.0%}"
    for half, part in result["clean"].items():
        rate = part["scanners"]["union"]["per_10000_lines"]
        if rate > ALARM_GOAL:
            yield f"clean code, {half}: {rate} false alarms in 10,000 lines, the goal is at most {ALARM_GOAL:g}"


def show(result: Mapping[str, Any]) -> None:
    for half, rows in result["corpus"].items():
        for name, row in rows.items():
            wrong = f"{row['reported']} of {row['look_alikes']} look-alikes, {row['other_lines_reported']} other lines"
            print(
                f"{half:7} {name:21} {row['found']:4} of {row['risk_lines']} risk lines ({row['share']:.1%}); {wrong}"
            )
    for half, part in result["clean"].items():
        for name, row in part["scanners"].items():
            rate = f"{row['findings']} in {part['lines_of_code']:,} lines, {row['per_10000_lines']} in 10,000"
            print(f"{half:7} {name:21} clean code: {rate}; rated low: {row['rated_low']}")


def main() -> int:
    """Measure, print, and write bench/results/secrets.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-packages", action="store_true", help="leave the clean code out: only the corpus")
    packages = not parser.parse_args().no_packages
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as home:
            result = measure(Path(home), packages=packages)
    except GapError as error:
        print(f"Not measured: {error}", file=sys.stderr)
        return INCOMPLETE
    show(result)
    goals = list(missed(result))
    print("\n".join(goals) or "every goal is met")
    if packages:
        TARGET.parent.mkdir(exist_ok=True)
        TARGET.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    return MISSED if goals else 0


if __name__ == "__main__":
    sys.exit(main())
