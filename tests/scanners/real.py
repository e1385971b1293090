"""Starts a real scanner the way the engine does: same command line, same environment, canary planted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from hardgate import tools
from hardgate.adapter import Job, Scanner
from hardgate.model import Report
from hardgate.scanners import SCANNERS
from tests.lab.tools import command

ROOT = Path(__file__).parents[2]
RULES = ROOT / "src" / "hardgate" / "rules"
MARK = "hardgate-canary-0000"
# Their makers publish no package that a machine without the vendor's own channel can get. Their adapters are held to
# reports that the makers published, and their pages say so; where the tool is on PATH it is run like all others.
ELSEWHERE = frozenset({"conftest", "dependency-check", "grype", "osv-scanner", "zap"})
HERE = tuple(
    one for one in SCANNERS if one.name not in ELSEWHERE or shutil.which(one.name, path=os.environ.get("PATH", ""))
)


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Lay out `files` below `root`, which is made."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def plant(scanner: Scanner, root: Path) -> Path:
    """Put the canary where the engine puts it."""
    write(root / MARK, scanner.canary.files)
    return root


def job(scanner: Scanner, root: Path, scratch: Path, **more: Any) -> Job:
    """The job of a scan of all files below `root` that the scanner selects. `options` may be a mapping."""
    scratch.mkdir(parents=True, exist_ok=True)
    paths = (path.relative_to(root).as_posix() for path in sorted(root.rglob("*")) if path.is_file())
    fields: dict[str, Any] = {
        "command": command(scanner.tool_name(_options(scanner, more))),
        "root": str(root),
        "files": tuple(path for path in paths if scanner.selects(path)),
        "report": str(scratch / scanner.report_name),
        "scratch": str(scratch),
        "rules": str(RULES) if scanner.uses_rules else "",
    }
    return Job(**(fields | more | {"options": _options(scanner, more)}))


def _options(scanner: Scanner, more: Mapping[str, Any]) -> Any:
    return msgspec.convert(more.get("options", {}), scanner.options)


def start(scanner: Scanner, part: Job) -> tools.Completed:
    """Run the tool once over one job."""
    home = Path(part.scratch)
    env = tools.environment(home, extra=scanner.environment(part))
    return tools.run(scanner.argv(part), cwd=Path(part.root), env=env, timeout=180)


def scan(scanner: Scanner, root: Path, scratch: Path, **more: Any) -> Report:
    """Plant the canary, run the tool, demand an exit code of whole work and the canary, and leave the canary out."""
    plant(scanner, root)
    return judged(scanner, start(scanner, job(scanner, root, scratch, **more)))


def judged(scanner: Scanner, done: tools.Completed) -> Report:
    """The report of a finished start, without the canary; fails when the canary was not found."""
    assert done.exit_code in scanner.done_exits, done.stderr.decode()
    report = scanner.parse(done.stdout)
    caught = {one.rule for one in report.findings if MARK in one.location.path}
    assert set(scanner.canary.rules) <= caught, f"the canary was not found: {done.stdout[:2000]!r} {done.stderr!r}"
    return msgspec.structs.replace(
        report,
        findings=tuple(one for one in report.findings if MARK not in one.location.path),
        gaps=tuple(one for one in report.gaps if MARK not in one.path),
        seen=None if report.seen is None else frozenset(path for path in report.seen if MARK not in path),
    )


def found(report: Report) -> set[tuple[str, str, int | None]]:
    """Rule, path (as in the tree) and line of each finding."""
    return {(one.rule, one.location.path.removeprefix("./"), one.location.line) for one in report.findings}
