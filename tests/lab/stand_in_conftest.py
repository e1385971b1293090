"""Stands in for conftest where it cannot be had: its flags, exit codes and JSON as its documentation has them.

What it says of the inputs is real: the policies are judged by OPA's engine, through hardgate.rego. It is no conftest:
of its parsers it has JSON and YAML, and it knows no syntax of OPA before 1.0.

    python stand_in_conftest.py LIBRARY test --output json --policy P --namespace N -- FILE ...
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hardgate.rego import report


def main(words: Sequence[str]) -> int:
    """As `conftest test`; anything else that the real one knows is refused."""
    library, *rest = words
    if rest in (["--version"], ["-V"]):
        sys.stdout.write("Conftest: stand-in\n")
        return 0
    parser = argparse.ArgumentParser(prog="conftest", allow_abbrev=False)
    parser.add_argument("command", choices=["test"])
    parser.add_argument("--output", required=True, choices=["json"])
    parser.add_argument("--no-color", action="store_true")
    parser.add_argument("--policy", action="append", required=True)
    parser.add_argument("--data", action="append", default=[])
    parser.add_argument("--namespace", action="append", default=[])
    parser.add_argument("--all-namespaces", action="store_true")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args([word for word in rest if word != "--"])
    try:
        checks = _checks(library, options)
    except _FailedError as error:
        sys.stderr.write(f"Error: running test: {error}\n")
        return 1
    sys.stdout.write(json.dumps(checks, indent="\t") + "\n")
    return 1 if any("failures" in one for one in checks) else 0


class _FailedError(Exception):
    """What the real one ends with, before it writes a report."""


def _checks(library: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    if not any(list(Path(one).rglob("*.rego")) or Path(one).is_file() for one in options.policy):
        raise _FailedError(f"load: no policies found in {options.policy}")
    return [check for name in options.files for check in _file(library, options, name)]


def _file(library: str, options: argparse.Namespace, name: str) -> list[dict[str, Any]]:
    out = io.BytesIO()
    spaces = ["--all-namespaces"] if options.all_namespaces else [f"--namespace={one}" for one in options.namespace]
    words = [*(f"--policy={one}" for one in options.policy), *(f"--data={one}" for one in options.data)]
    if report.main([library, *words, *spaces, f"--input={name}"], out):
        raise _FailedError("the engine did not start")
    said = json.loads(out.getvalue())
    broken = [one["message"] for one in said["gaps"] if one["reason"] in {"file-unread", "tool-failed"}]
    if broken:
        raise _FailedError(broken[0])
    asked = said["namespaces"] if options.all_namespaces else dict.fromkeys(options.namespace)
    return [_check(name, space, said) for space in asked]


def _check(name: str, space: str, said: dict[str, Any]) -> dict[str, Any]:
    found = [one for one in said["findings"] if one["namespace"] == space]
    check: dict[str, Any] = {"filename": name, "namespace": space}
    check["successes"] = len(set(said["namespaces"].get(space, [])) - {one["rule"] for one in found})
    for key, wanted in (("warnings", True), ("failures", False)):
        rows = [one for one in found if one["rule"].startswith("warn") is wanted and not one["excepted"]]
        if rows:
            check[key] = [{"msg": one["message"], "metadata": _metadata(one)} for one in rows]
    names = sorted({one["rule"] for one in found if one["excepted"]})
    if names:
        check["exceptions"] = [{"msg": f'data.{space}.exception[_][_] == "{rule.partition("_")[2]}"'} for rule in names]
    return check


def _metadata(one: dict[str, Any]) -> dict[str, Any]:
    stated = {"severity": one["severity"]} if one["severity"] else {}
    return {"query": f"data.{one['namespace']}.{one['rule']}", **stated}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
