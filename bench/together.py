"""What static scanners and dynamic tests catch of examples/planetary-api: each alone, both together, and what joins.

    python -m bench.together            # prints the table; writes bench/results/together.json
    python -m bench.together --json

The example is copied into a git repository of its own and served on SQLite; `hardgate run` has the static scanners of
its pipeline read it, and the real Newman send its collection (the folder *Security*). For each pair of truth.yaml it is
counted whether the vulnerable side was caught and the safe side left alone, by whom.

A static finding counts for a side as in bench/holes.py; a dynamic one when it is a failed test of the side's request.
What cannot be shown over HTTP (truth.yaml: `static_only`) has no dynamic column.

The exit code is 0; 1 when a hole was missed or a safe twin blocked; 3 when something was not looked at.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench import designs, holes
from bench.detection import HARDGATE, JUDGED, ROOT, IncompleteError
from tests.lab import npm_tools, planetary

TARGET = ROOT / "bench" / "results" / "together.json"
LAB = ROOT / ".lab"
ADVISORIES = LAB / "advisories"  # as `make demo` fills it
STATIC = ("gitleaks", "detect-secrets", "bandit", "semgrep", "dataflow", "ruff", "pip-audit", "checkov", "hadolint",
          "trivy")  # fmt: skip
DYNAMIC = "newman"
COLLECTION = "postman/planetary-api.postman_collection.json"

Report = dict[str, Any]
Row = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, write; the exit code as the module says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    wish = parser.parse_args(argv)
    try:
        result = measured(scan(STATIC))
    except IncompleteError as error:
        print(f"together: nothing is counted, because something was not looked at:\n{error}", file=sys.stderr)
        return 3
    whole = msgspec.json.format(msgspec.json.encode(result), indent=2)
    print(whole.decode() if wish.json else text(result))
    TARGET.write_bytes(whole + b"\n")
    return 1 if result["missed"] or result["blocked"] else 0


def scan(scanners: Sequence[str], exclude: Sequence[str] = ()) -> Report:
    """The JSON report of one run with these scanners and Newman, while the application is served.

    `exclude` are globs of what is not scanned, where these scanners are not all.

    Raises IncompleteError with the gaps when the run did not look at everything.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with planetary.serving(_made(folder / "served"), {}) as addresses:
            tree = _made(folder / "tree")
            designs.copy(holes.ROOT, tree, pipeline(scanners, addresses, exclude))
            environment = {**os.environ, **advisories(), "HARDGATE_STORE": str(folder / "store.db")}
            command = [str(HARDGATE), "run", str(tree), "--json", "--no-cache"]
            done = subprocess.run(command, env=environment, capture_output=True, check=False)
    return judged(done.returncode, done.stdout, done.stderr, (*scanners, DYNAMIC))


def advisories() -> dict[str, str]:
    """The variable that leads to the demo's advisory database, filled if it is not; none where it has no source.

    Raises IncompleteError when it cannot be filled.
    """
    data = next(LAB.glob("lib/python3*/site-packages/cordon_scanner/intel/data"), None)
    if not ADVISORIES.is_dir() and data is None:
        return {}
    variable = {"HARDGATE_ADVISORIES": str(ADVISORIES)}
    if not ADVISORIES.is_dir():
        filling = [str(HARDGATE), "advisories", "import", "--from", str(data), "--ecosystem", "PyPI"]
        done = subprocess.run(filling, env={**os.environ, **variable}, capture_output=True, check=False)
        if done.returncode:
            raise IncompleteError(f"the advisory database was not filled:\n{done.stderr.decode()}")
    return variable


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def pipeline(scanners: Sequence[str], addresses: Mapping[str, str], exclude: Sequence[str]) -> str:
    """hardgate.yaml: the scanners, and Newman over the collection at these addresses."""
    variables = [word for key, value in addresses.items() for word in ("--env-var", f"{key}={value}")]
    node, script = npm_tools.newman()
    words = [node, script, "run", COLLECTION, "--folder", "Security", *variables]
    words += ["--reporters", "json", "--reporter-json-export", "{report}", "--suppress-exit-code"]
    given: dict[str, Any] = {"hadolint": {"trusted_registries": ["docker.io"]}}
    actions = [{name: given[name]} if name in given else name for name in scanners]
    stages = [
        {"name": "scan", "actions": actions},
        {"name": "test", "actions": [{DYNAMIC: {"command": words, "files": [COLLECTION]}}]},
    ]
    policy = {"block_at": "high", "max_advisory_age": "3650d"}
    return json.dumps({"pipeline": "together", "stages": stages, "policy": policy, "exclude": exclude})


def judged(code: int, output: bytes, errors: bytes, ran: Sequence[str]) -> Report:
    """The report, when the run was whole. Raises IncompleteError with what was not looked at."""
    try:
        report: Report = msgspec.json.decode(output)
    except msgspec.DecodeError as error:
        raise IncompleteError(f"hardgate run ended with {code} and no report:\n{errors.decode()}") from error
    left = {one["scanner"] for one in report["receipts"]}
    gaps = [f"{gap['reason']} {gap['action']} {gap['path']}: {gap['message']}" for gap in report["gaps"]]
    gaps += [f"{name} left no receipt" for name in ran if name not in left]
    if code not in JUDGED or gaps:
        raise IncompleteError("\n".join([f"hardgate run ended with {code}", *gaps]))
    return report


def measured(report: Report) -> dict[str, Any]:
    """The figures of bench/results/together.json."""
    rows = [row(side, report["findings"]) for side in holes.sides()]
    bad = [one for one in rows if one["kind"] == "vulnerable"]
    good = [one for one in rows if one["kind"] == "safe"]
    return {
        "measured": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "tools": {one["scanner"]: one["tool"]["version"] for one in report["receipts"] if one["tool"]},
        "holes": len(bad),
        "shown_over_http": sum(one["request"] is not None for one in bad),
        "caught": {key: sum(one[key] for one in bad) for key in ("static", "dynamic", "together")},
        "twins": len(good),
        "reported": {key: sum(one[key] for one in good) for key in ("static", "dynamic", "together")},
        "confirmed": sum(one["confirmed"] for one in bad),
        "missed": [one["id"] for one in bad if not one["together"]],
        "blocked": [one["id"] for one in good if one["blocked"]],
        "rows": rows,
        "issues": [_issue(one) for one in report["findings"] if one["confirmed"]],
        "alone": [_alone(one) for one in report["findings"] if one["proof"] and not one["confirmed"]],
    }


def row(side: holes.Side, findings: Sequence[holes.Finding]) -> Row:
    """Who reports one side, and whether what reports it blocks or is confirmed."""
    static = [one for one in findings if holes.reporting(side, list(_static(one)))]
    dynamic = [one for one in findings if any(_shows(side, part) for part in _parts(one))]
    both = [*static, *(one for one in dynamic if one not in static)]
    return {
        "id": side["id"],
        "pair": side["pair"],
        "kind": side["kind"],
        "request": side["dynamic"],
        "static": bool(static),
        "dynamic": bool(dynamic),
        "together": bool(both),
        "confirmed": any(one["confirmed"] for one in both),
        "blocked": any(one["state"] == "blocking" for one in both),
        "scanners": sorted({name for one in both for name in holes.scanners([one])}),
    }


def _parts(finding: holes.Finding) -> Iterator[dict[str, Any]]:
    """What a finding was made of, each with the weaknesses and names of the whole."""
    shared = {key: finding[key] for key in ("cwe", "ids")}
    yield from ({**shared, **one} for one in finding["parts"] or [finding])


def _static(finding: holes.Finding) -> Iterator[dict[str, Any]]:
    return (part for part in _parts(finding) if part["kind"] != "dynamic")


def _shows(side: holes.Side, part: Mapping[str, Any]) -> bool:
    """Whether it is a failed test of the side's request: the rule is folders, request and test."""
    words = part["rule"].split("/")
    return part["scanner"] == DYNAMIC and side["dynamic"] is not None and side["dynamic"] in words[1:-1]


def _issue(finding: holes.Finding) -> Row:
    place = finding["location"]
    return {
        "place": f"{place['path']}:{place['line']}",
        "cwe": finding["cwe"],
        "endpoints": finding["proof"]["endpoints"],
        "witnesses": sorted(holes.scanners([finding])),
        "state": finding["state"],
    }


def _alone(finding: holes.Finding) -> Row:
    return {"endpoint": finding["location"]["path"], "cwe": finding["cwe"], "because": finding["proof"]["because"]}


def text(result: Mapping[str, Any]) -> str:
    """The table for a terminal: one line for each pair."""
    lines = [f"{'pair':<28}{'static':>8}{'dynamic':>9}{'together':>10}{'confirmed':>11}   safe twin"]
    twins = {one["pair"]: one for one in result["rows"] if one["kind"] == "safe"}
    for one in (one for one in result["rows"] if one["kind"] == "vulnerable"):
        twin = twins[one["pair"]]
        safe = "BLOCKED" if twin["blocked"] else "reported" if twin["together"] else "left alone"
        dynamic = _word(one["dynamic"]) if one["request"] else "-"
        cells = f"{_word(one['static']):>8}{dynamic:>9}{_word(one['together']):>10}{_word(one['confirmed']):>11}"
        lines.append(f"{one['pair']:<28}{cells}   {safe}")
    caught, most = result["caught"], f"caught of {result['holes']}"
    cells = f"{caught['static']:>8}{caught['dynamic']:>9}{caught['together']:>10}{result['confirmed']:>11}"
    lines += [f"{most:<28}{cells}   {len(result['blocked'])} of {result['twins']} blocked", ""]
    for one in result["issues"]:
        lines.append(f"confirmed  {one['place']}  {' '.join(one['endpoints'])}  {', '.join(one['witnesses'])}")
    lines += [f"alone      {one['endpoint']}  {one['because']}" for one in result["alone"]]
    return "\n".join(lines)


def _word(found: object) -> str:
    return "yes" if found else "no"


if __name__ == "__main__":
    sys.exit(main())
