"""A stand-in for the command line of OWASP Dependency-Check, which no package that the tests can get has.

It takes the options that our adapter gives (as documented on
https://dependency-check.github.io/DependencyCheck/dependency-check-cli/arguments.html), reads Java archives below the
scanned folder, and writes a report in the shape of core/src/main/resources/templates/jsonReport.vsl. Its data is a
file of the tests, `known.json` in the folder of --data: {"checked": TIME, "known": {"GROUP:ARTIFACT:VERSION":
[NAME...]}}. It proves that the engine drives such a tool, and nothing about Dependency-Check.

`install(folder, data)` puts a command `dependency-check` into a folder.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shlex
import sys
import zipfile
from pathlib import Path
from typing import Any

# As App.java of the tool ends, for those that can happen here.
_WRONG_OPTION, _NO_FILE, _NO_DATABASE, _SOME_FAILED = 2, 1, 11, 14
LOG4J = "org.apache.logging.log4j:log4j-core:2.14.1"


def install(folder: Path, data: Path) -> Path:
    """A folder for PATH with the command, which has its database in `data`."""
    folder.mkdir(parents=True, exist_ok=True)
    command = folder / "dependency-check"
    words = (sys.executable, "-I", str(Path(__file__).resolve()))
    default = f'case "$*" in *--data*) ;; *) set -- "$@" --data {shlex.quote(str(data))};; esac'
    command.write_text(f'#!/bin/sh\n{default}\nexec {" ".join(map(shlex.quote, words))} "$@"\n')
    command.chmod(0o755)
    return folder


def fill(data: Path, checked: str, known: dict[str, list[str]]) -> Path:
    """Make the database in the folder `data`."""
    data.mkdir(parents=True, exist_ok=True)
    (data / "known.json").write_text(json.dumps({"checked": checked, "known": known}))
    return data


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dependency-check", allow_abbrev=False)
    for name in ("--scan", "--project", "--format", "--out", "--data"):
        parser.add_argument(name, required=True)
    flags = ("noupdate", "enableExperimental", "disableVersionCheck")
    off = ("BundleAudit", "YarnAudit", "PnpmAudit", "MixAudit", "GolangMod", "NodeAudit", "OssIndex", "Central")
    for flag in (*flags, *(f"disable{name}" for name in (*off, "Assembly"))):
        parser.add_argument(f"--{flag}", action="store_true")
    return parser


def _dependency(file: Path, known: dict[str, list[str]]) -> dict[str, Any]:
    with zipfile.ZipFile(file) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("pom.properties"))
        lines = archive.read(name).decode().split()
    told = dict(line.split("=", 1) for line in lines)
    group, artifact, version = told["groupId"], told["artifactId"], told["version"]
    content = file.read_bytes()
    found = [_vulnerability(number) for number in known.get(f"{group}:{artifact}:{version}", [])]
    return {
        "isVirtual": False,
        "fileName": file.name,
        "filePath": str(file),
        **{kind: hashlib.new(kind, content).hexdigest() for kind in ("md5", "sha1", "sha256")},
        "evidenceCollected": {"vendorEvidence": [], "productEvidence": [], "versionEvidence": []},
        "packages": [{"id": f"pkg:maven/{group}/{artifact}@{version}", "confidence": "HIGH"}],
        "vulnerabilityIds": [{"id": f"cpe:2.3:a:apache:log4j:{version}:*:*:*:*:*:*:*", "confidence": "HIGHEST"}],
        **({"vulnerabilities": found} if found else {}),
    }


def _vulnerability(number: str) -> dict[str, Any]:
    rating = {"baseScore": 10.0, "baseSeverity": "CRITICAL", "version": "3.1"}
    software = {"id": "cpe:2.3:a:apache:log4j:*", "vulnerabilityIdMatched": "true", "versionEndExcluding": "2.15.0"}
    text = {"description": "A stand-in's words.", "notes": "", "cwes": ["CWE-502"], "references": []}
    told = {"source": "NVD", "name": number, "severity": "CRITICAL", "cvssv3": rating, **text}
    return {**told, "vulnerableSoftware": [{"software": software}]}


def main() -> int:
    """Scan, write the report, and end as the tool does."""
    try:
        chosen = _options().parse_args()
    except SystemExit:
        return _WRONG_OPTION
    database, root = Path(chosen.data) / "known.json", Path(chosen.scan)
    if not root.exists():
        return _NO_FILE
    if not database.is_file():
        sys.stderr.write("[ERROR] Autoupdate is disabled and the database does not exist\n")
        return _NO_DATABASE
    data = json.loads(database.read_text())
    dependencies, failures = [], []
    for file in sorted(root.resolve().rglob("*.jar")):
        try:
            dependencies.append(_dependency(file, data["known"]))
        except (zipfile.BadZipFile, ValueError) as error:
            failures.append({"exception": {"message": f"AnalysisException: {file.name}: {error}", "stackTrace": []}})
    sources = [{"name": f"NVD API Last {what}", "timestamp": data["checked"]} for what in ("Checked", "Modified")]
    scan = {"engineVersion": "12.1.1", "dataSource": sources, **({"analysisExceptions": failures} if failures else {})}
    project = {"name": chosen.project, "reportDate": "2026-11-22T00:00:00Z", "credits": {}}
    report = {"reportSchema": "1.1", "scanInfo": scan, "projectInfo": project, "dependencies": dependencies}
    out = Path(chosen.out)
    # As ReportGenerator does: a name that does not end as the format does is that of a folder.
    if not out.name.lower().endswith(".json"):
        out.mkdir(parents=True, exist_ok=True)
        out /= "dependency-check-report.json"
    out.write_text(json.dumps(report))
    return _SOME_FAILED if failures else 0


if __name__ == "__main__":
    sys.exit(main())
