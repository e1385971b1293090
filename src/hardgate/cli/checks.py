"""Whether a scanner works here and now: its tool is whole, and finds a known-bad input."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

import hardgate
from hardgate import action as actions
from hardgate import assembling, canary, engine
from hardgate.adapter import OUTSIDE, Scanner
from hardgate.advisories.local import Local
from hardgate.cli import common
from hardgate.errors import Error
from hardgate.model import Action, DataUse, Kind, Policy, Severity
from hardgate.repository import Tree
from hardgate.roles import Tool
from hardgate.store import Store
from hardgate.toolbox import Toolbox


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was checked; `remedy` is the command or the sentence that mends it."""

    name: str
    well: bool
    message: str
    remedy: str = ""


def works(scanner: Scanner, toolbox: Toolbox, asked: StandIn, options: Any = None) -> Check:
    """Whether the tool is there, whole, and finds its canary."""
    absent = [name for name in scanner.needs if not os.environ.get(name)]
    if absent:
        return Check(
            name=scanner.name, well=False, message=f"{' and '.join(absent)} is not set", remedy=scanner.needs_hint
        )
    options = scanner.options() if options is None else options
    name = scanner.tool_name(options)
    bare = name.removeprefix(OUTSIDE)
    if scanner.judges and not (asked.local and asked.local.use()):
        message = "there is no local advisory database to judge by"
        return Check(name=scanner.name, well=False, message=message, remedy=actions.IMPORT)
    try:
        toolbox.verify(name)
        tool = toolbox.locate(name)
        with tempfile.TemporaryDirectory(prefix="hardgate-") as folder:
            _prove(scanner, Action(name=scanner.name, scanner=scanner.name, options=options), tool, Path(folder), asked)
    except Error as error:
        return Check(name=scanner.name, well=False, message=str(error), remedy=error.hint)
    except actions.MissingError as error:
        circle = "hardgate doctor" in error.gap.remedy
        anew = f": hardgate tools sync {name}; then see docs/scanners" if bare == name else f", or {scanner.origin}"
        remedy = f"Install it anew{anew}." if circle else error.gap.remedy
        return Check(name=scanner.name, well=False, message=error.gap.message, remedy=remedy)
    return Check(name=scanner.name, well=True, message=_told(scanner, bare, tool.version))


def _told(scanner: Scanner, name: str, version: str) -> str:
    if scanner.origin:
        return f"{name} finds its canary; its adapter is {scanner.origin}"
    return f"{name} {version} is whole and finds its canary"


class StandIn(NamedTuple):
    """What a scanner would ask: an OSV service, Trivy's cache folder, or the local database itself; and its data."""

    osv_url: str
    data: DataUse
    trivy: Path | None = None
    local: Local | None = None


def stand_in(scanner: Scanner, options: Any, osv_url: str, local: Local, used: DataUse) -> StandIn:
    """The vulnerability data that a run would ask: as action.prepare chooses."""
    options = scanner.options() if options is None else options
    address, asked = scanner.address(options), StandIn(osv_url, used)
    if scanner.judges:
        return StandIn(osv_url, local.use() or used, local=local)
    named = osv_url if scanner.asks_osv else getattr(options, "cache_dir", "")
    able = address and (scanner.asks_osv or scanner.ecosystem)
    if named or not able or actions.reached(scanner, address, osv_url):
        return asked
    use = local.use()
    if use is None:
        return asked
    if scanner.ecosystem is None:
        return StandIn(local.address(), use)
    kinds = {scanner.ecosystem(name) for name in scanner.bait(options).files} & local.ecosystems()
    return StandIn(osv_url, use, local.trivy(common.state_folder() / "cache", kinds))


def _prove(scanner: Scanner, action: Action, tool: Tool, folder: Path, asked: StandIn) -> None:
    osv_url = asked.osv_url
    with Store.open(folder / "store.db") as memory:
        scene = actions.Scene(
            tree=Tree(root=folder, entries=(), digest=""),
            staged=lambda: folder,
            scratch=folder,
            rules=engine.RULES,
            policy=Policy(block_at=dict.fromkeys(Kind, Severity.HIGH)),
            exclude=(),
            pipeline_digest="",
            osv_url=osv_url,
            cache=folder / "cache",
            changed=None,
            locate=lambda *_words, **_more: tool,
            memory=memory,
            clock=assembling.now,
            version=hardgate.__version__,
            served=osv_url if osv_url.startswith("http://127.0.0.1:") else "",
            trivy=asked.trivy,
            advisories=asked.local,
        )
        address = scanner.address(action.options)
        online = actions.reached(scanner, address, osv_url)
        canary.prove(scene, scanner, action, tool, folder / "canary", online=online)
