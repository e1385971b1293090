"""A program that takes grype's words and writes grype's report, where the real one cannot be had.

    python -m tests.lab.stand_in_grype dir:. --output json

It knows one vulnerability of one package, and reads requirements files of that name only. Flags, variables, exit codes
and the shape of the report are those of https://github.com/anchore/grype (README.md, grype/presenter/models). With
GRYPE_LAB in the environment it fails in a way that the real one has: `no-database`, `schema-5`, `stale`, `blind`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VERSION = "0.100.0"
BUILT = {"stale": "2020-01-01T00:00:00Z"}
NOW = "2026-11-22T00:00:00Z"


def matches(root: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(root.rglob("requirements.txt")):
        for line in path.read_text().splitlines():
            name, _, version = line.strip().partition("==")
            if name == "jinja2" and version == "2.4.1":
                yield match(name, version, f"/{path.relative_to(root).as_posix()}")


def match(name: str, version: str, path: str) -> dict[str, Any]:
    flaw = {
        "id": "GHSA-462w-v97r-4m45",
        "dataSource": "https://github.com/advisories/GHSA-462w-v97r-4m45",
        "severity": "High",
        "description": "Jinja2 sandbox escape via string formatting",
        "fix": {"versions": ["2.10.1"], "state": "fixed"},
        "cvss": [],
    }
    return {
        "vulnerability": flaw,
        "relatedVulnerabilities": [{"id": "CVE-2019-10906"}],
        "matchDetails": [],
        "artifact": {
            "name": name, "version": version, "type": "python", "locations": [{"path": path}],
            "purl": f"pkg:pypi/{name}@{version}",
        },
    }  # fmt: skip


def database(fault: str) -> dict[str, Any]:
    built = BUILT.get(fault, NOW)
    if fault == "schema-5":
        return {"built": built, "schemaVersion": 5, "location": "/db/5", "error": None}
    return {"status": {"schemaVersion": "v6.1.9", "built": built, "path": "/db/6", "valid": True}, "providers": {}}


def main() -> int:
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"grype {VERSION}\n")
        return 0
    if sys.argv[1:4] != ["dir:.", "--output", "json"] or os.environ.get("GRYPE_CHECK_FOR_APP_UPDATE") != "false":
        sys.stderr.write("error: unknown words\n")
        return 1
    fault = os.environ.get("GRYPE_LAB", "")
    if fault == "no-database":
        sys.stderr.write("[0000] ERROR failed to load vulnerability db: database does not exist\n")
        return 1
    steered = [path for path in Path().rglob(".grype.yaml") if "ignore" in path.read_text()]
    found = [] if steered or fault == "blind" else list(matches(Path()))
    report = {
        "matches": found,
        "source": {"type": "directory", "target": "."},
        "distro": {"name": "", "version": "", "idLike": None},
        "descriptor": {"name": "grype", "version": VERSION, "db": database(fault), "timestamp": NOW},
    }
    sys.stdout.write(json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
