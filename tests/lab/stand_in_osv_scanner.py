"""A program that takes osv-scanner's words and writes its report, where the real one cannot be had.

    python -m tests.lab.stand_in_osv_scanner scan source --format json --recursive --all-packages .

It knows one vulnerability of one package, and reads requirements files and package-lock.json. Flags, variables, exit
codes (0, 1, 127, 128) and the shape of the report are those of https://github.com/google/osv-scanner (docs/output.md,
cmd/osv-scanner, pkg/models). With OSV_LAB in the environment it fails in a way that the real one has: `blind` knows no
vulnerability, `passes-by` does not read package-lock.json.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

VERSION = "2.3.8"
FLAGS = {"--format": 1, "--recursive": 0, "--no-ignore": 0, "--all-packages": 0, "--all-vulns": 0,
         "--no-call-analysis": 1, "--config": 1, "--offline": 0}  # fmt: skip


def listed(path: Path) -> list[dict[str, Any]]:
    if path.name == "package-lock.json":
        found = json.loads(path.read_text()).get("packages", {}).items()
        pairs = [(name.rpartition("node_modules/")[2], one["version"], "npm") for name, one in found if name]
    else:
        lines = (line.strip().partition("==") for line in path.read_text().splitlines() if "==" in line)
        pairs = [(name, version, "PyPI") for name, _, version in lines]
    return [package(*one) for one in pairs]


def package(name: str, version: str, ecosystem: str) -> dict[str, Any]:
    one: dict[str, Any] = {"package": {"name": name, "version": version, "ecosystem": ecosystem}}
    if (name, version) == ("jinja2", "2.4.1") and os.environ.get("OSV_LAB") != "blind":
        events = [{"introduced": "0"}, {"fixed": "2.10.1"}]
        affected = [{"package": {"name": "jinja2"}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}]
        shared = {"summary": "Jinja2 sandbox escape via string formatting", "affected": affected}
        one["vulnerabilities"] = [
            {"id": "GHSA-462w-v97r-4m45", "aliases": ["CVE-2019-10906", "PYSEC-2019-217"], **shared},
            {"id": "PYSEC-2019-217", "aliases": ["CVE-2019-10906", "GHSA-462w-v97r-4m45"], **shared},
        ]
        ids = ["GHSA-462w-v97r-4m45", "PYSEC-2019-217"]
        one["groups"] = [{"ids": ids, "aliases": ["CVE-2019-10906", *ids], "max_severity": "8.6"}]
    return one


def options(words: list[str]) -> dict[str, str]:
    """The flags with their values; SystemExit for one that is not known, as the real one has it."""
    found, rest = dict[str, str](), iter(words)
    for word in rest:
        if word.startswith("-") and word not in FLAGS:
            sys.stderr.write(f"Incorrect Usage: flag provided but not defined: {word}\n")
            raise SystemExit(127)
        found[word] = next(rest) if FLAGS.get(word) else ""
    return found


def main() -> int:
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"osv-scanner version: {VERSION}\n")
        return 0
    if sys.argv[1:3] != ["scan", "source"]:
        return 127
    given = options(sys.argv[3:])
    if "--offline" in given and not os.environ.get("OSV_SCANNER_LOCAL_DB_CACHE_DIRECTORY"):
        sys.stderr.write("could not load db for PyPI ecosystem: no offline version of the OSV database is available\n")
        return 127
    steered = [] if "--config" in given else list(Path().rglob("osv-scanner.toml"))
    names = ["requirements.txt"] + ["package-lock.json"] * (os.environ.get("OSV_LAB") != "passes-by")
    sources = [(path, listed(path)) for name in names for path in sorted(Path().rglob(name))]
    sources = [(path, packages) for path, packages in sources if packages]
    if not sources:
        sys.stderr.write("No package sources found, --help for usage information.\n")
        return 128
    results = [
        {"source": {"path": str(path.resolve()), "type": "lockfile"}, "packages": [] if steered else packages}
        for path, packages in sources
    ]
    config = {"licenses": {"summary": False, "allowlist": None}}
    sys.stdout.write(json.dumps({"results": results, "experimental_config": config}, indent=2))
    return int(any("vulnerabilities" in one for _, packages in sources for one in packages))


if __name__ == "__main__":
    sys.exit(main())
