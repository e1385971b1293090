"""Whether a scanner finds a known-bad input: asked once a day for each tool, rule set and options."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec

from hardgate.action import MissingError, Prepared, Scene, job_of
from hardgate.adapter import Scanner
from hardgate.errors import ReportError
from hardgate.model import Action, CanaryCheck, GapReason
from hardgate.roles import Tool
from hardgate.start import Sum, judged, missing, plant, start


def daily(scene: Scene, ready: Prepared, work: Path, total: Sum) -> CanaryCheck | None:
    """The canary's check of today for this tool, rules and options; the tool is started when there is none."""
    scanner, action = ready.scanner, ready.action
    parts = [scanner.name, ready.tool.digest, ready.rules_digest, action.options, action.args, ready.data]
    key = msgspec.json.encode([*parts, scene.version, scanner.origin], order="deterministic").decode()
    known = scene.memory.canary(key)
    if known and scanner.reusable and known.checked_at[:10] == scene.clock()[:10]:
        return msgspec.structs.replace(known, how="earlier today")
    try:
        check = prove(scene, scanner, action, ready.tool, work, online=ready.online)
    except MissingError as error:
        total.gaps.append(msgspec.structs.replace(error.gap, action=action.name))
        return None
    scene.memory.remember_canary(key, check)
    return check


def prove(scene: Scene, scanner: Scanner, action: Action, tool: Tool, work: Path, *, online: bool) -> CanaryCheck:
    """Run the tool over its known-bad input alone; raises MissingError when it does not find it."""
    root, bait = work / "tree", scanner.bait(action.options)
    files = plant(root, "", bait)
    job = job_of(
        scene, scanner, action, tool.command, root, files=tuple(name.lstrip("/") for name in files), online=online
    )
    rules, raw = set[str](), b""
    for number, part in enumerate(scanner.split(job)):
        home = work / f"home-{number}"
        home.mkdir(parents=True)
        place = dataclasses.replace(part, scratch=str(home), report=str(home / scanner.report_name))
        one = start(scene, scanner, action, place, None)
        raw += one
        try:
            report = scanner.parse(judged(scene, scanner, one))
        except ReportError as error:
            raise missing(GapReason.CANARY_MISSED, f"its canary's report: {error}", error.hint) from error
        rules |= {word for finding in report.findings for word in (finding.rule, *finding.ids)}
        if unavailable := [gap for gap in report.gaps if gap.reason is GapReason.DATA_UNAVAILABLE]:
            raise MissingError(unavailable[0])
    absent = sorted(set(bait.rules) - rules) or [word.decode() for word in bait.outputs if word not in raw]
    if not absent:
        return CanaryCheck(checked_at=scene.clock(), how="this run", rules=bait.rules)
    message = f"{scanner.name} did not find its canary, a known-bad input ({', '.join(absent)})"
    see = "Try its command on the canary by hand." if scanner.fit else f"See: hardgate doctor {scanner.name}"
    raise missing(GapReason.CANARY_MISSED, message, f"Its reports cannot be trusted. {see}")
