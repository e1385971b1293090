"""Reads files, has them analysed, and writes what was found as JSON."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from hardgate.dataflow.analysis import analyse
from hardgate.dataflow.families import checks
from hardgate.dataflow.frame import Analysis
from hardgate.dataflow.project import Module, parse

VERSION = 1  # of the report's shape
_ENDINGS = (".py", ".pyw")


class RulesError(ValueError):
    """A rule that findings name is not described in the file of rules."""


def main(args: Sequence[str], out: BinaryIO) -> int:
    """Scan every Python file below a folder; the report goes to `out`, and the exit code is 0.

    Raises OSError for a folder or a file of rules that cannot be read, and RulesError.
    """
    parser = argparse.ArgumentParser(prog="python -m hardgate.dataflow", description=main.__doc__)
    parser.add_argument(
        "--rules", type=Path, required=True, help="the bundled rules (semgrep.json), which say what each is worth"
    )
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args(args)
    described = _described(chosen.rules)
    report = scan(chosen.folder, sorted(_files(chosen.folder)))
    if unknown := {one["rule"] for one in report["findings"]} - set(described):
        raise RulesError(f"{chosen.rules} does not describe {', '.join(sorted(unknown))}")
    out.write(json.dumps({**report, "rules": described}, ensure_ascii=True).encode() + b"\n")
    return 0


def _files(folder: Path) -> Iterable[str]:
    for place, _, names in os.walk(folder):
        inside = Path(place).relative_to(folder)
        yield from (str(inside / name) for name in names if name.endswith(_ENDINGS))


def scan(folder: Path, names: Iterable[str]) -> dict[str, Any]:
    """The report of these files, given relative to the folder: what was read, what was not, and the findings."""
    modules: list[Module] = []
    unread: dict[str, str] = {}
    for name in names:
        try:
            modules.append(parse(name, (folder / name).read_bytes()))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            unread[name] = " ".join(str(error).split())
    analysis = analyse(modules, checks())
    unread |= analysis.failed
    return {
        "version": VERSION,
        "read": [module.path for module in modules if module.path not in unread],
        "unread": [{"path": path, "message": message} for path, message in sorted(unread.items())],
        "cut": [{"path": path, "line": line, "function": name} for (path, line), name in sorted(analysis.cut.items())],
        "findings": _findings(analysis),
        "refuted": _refuted(analysis),
    }


def _findings(analysis: Analysis) -> list[dict[str, Any]]:
    return [
        {
            "rule": one.rule,
            "path": one.path,
            "line": one.line,
            "end_line": one.end_line,
            "column": one.column,
            "message": one.message,
        }
        for one in sorted(analysis.found.values(), key=lambda one: (one.path, one.line, one.column, one.rule))
    ]


def _refuted(analysis: Analysis) -> list[dict[str, Any]]:
    """Places where nothing harmful arrives: every part of what arrives is known, in every call that is to be seen.

    Other tools tell a line only. Where that line is also part of a place that is not so clear, it is not told.
    """
    doubtful: defaultdict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for (rule, path, line, end), outcomes in analysis.judged.items():
        if outcomes != {"harmless"}:
            doubtful[rule, path].append((line, end))
    return [
        {"rule": rule, "path": path, "line": line, "end_line": end}
        for (rule, path, line, end), outcomes in sorted(analysis.judged.items())
        if outcomes == {"harmless"} and not any(line <= last and first <= end for first, last in doubtful[rule, path])
    ]


def _described(path: Path) -> dict[str, Any]:
    """What the bundled rules for Python say of themselves: severity, kind, confidence, CWE, fix, address."""
    rules = json.loads(path.read_bytes())["rules"]
    return {rule["id"]: _description(rule["metadata"]) for rule in rules if "python" in rule["languages"]}


def _description(metadata: dict[str, Any]) -> dict[str, Any]:
    return {
        "severity": metadata["hardgate_severity"],
        "kind": metadata["kind"],
        "confidence": str(metadata["confidence"]).lower(),
        "cwe": re.findall(r"CWE-\d+", " ".join(metadata["cwe"])),
        "fix": metadata["fix"],
        "url": metadata["references"][0],
    }
