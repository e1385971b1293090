"""Whether a scanner works here and now: its tool is whole, and finds a known-bad input."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import msgspec

import hardgate
from hardgate import action as actions
from hardgate import canary, engine, tools
from hardgate.adapter import Scanner
from hardgate.errors import Error
from hardgate.model import Action, Kind, Policy, Severity
from hardgate.repository import Tree
from hardgate.store import Store
from hardgate.toolbox import Toolbox


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was checked; `remedy` is the command or the sentence that mends it."""

    name: str
    well: bool
    message: str
    remedy: str = ""


def works(scanner: Scanner, toolbox: Toolbox, osv_url: str, options: Any = None) -> Check:
    """Whether the tool is there, whole, and finds its canary."""
    absent = [name for name in scanner.needs if not os.environ.get(name)]
    if absent:
        return Check(
            name=scanner.name, well=False, message=f"{' and '.join(absent)} is not set", remedy=scanner.needs_hint
        )
    options = scanner.options() if options is None else options
    name = scanner.tool_name(options)
    try:
        toolbox.verify(name)
        tool = toolbox.locate(name)
        with tempfile.TemporaryDirectory(prefix="hardgate-") as folder:
            _prove(
                scanner, Action(name=scanner.name, scanner=scanner.name, options=options), tool, Path(folder), osv_url
            )
    except Error as error:
        return Check(name=scanner.name, well=False, message=str(error), remedy=error.hint)
    except actions.MissingError as error:
        circle = "hardgate doctor" in error.gap.remedy
        remedy = f"Install it anew: hardgate tools sync {name}; then see docs/scanners." if circle else error.gap.remedy
        return Check(name=scanner.name, well=False, message=error.gap.message, remedy=remedy)
    return Check(name=scanner.name, well=True, message=f"{name} {tool.version} is whole and finds its canary")


def _prove(scanner: Scanner, action: Action, tool: actions.Tool, folder: Path, osv_url: str) -> None:
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
            clock=engine.now,
            version=hardgate.__version__,
        )
        address = scanner.address(action.options)
        online = bool(address) and tools.reachable(address)
        canary.prove(scene, scanner, action, tool, folder / "canary", online=online)
