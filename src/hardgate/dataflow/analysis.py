"""Runs the whole project: every module, every function that answers requests, every other function."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence

from hardgate.dataflow import declared, definitions, expressions, statements, web
from hardgate.dataflow.calls import invoke
from hardgate.dataflow.frame import Analysis, Check, Frame, Stopped
from hardgate.dataflow.project import Function, Module, Project
from hardgate.dataflow.values import doubted

__all__ = ["analyse", "definitions", "expressions", "statements"]  # the last three register what they know
_NESTING = 6000  # Python frames: expressions nest, and calls within calls nest expressions


def analyse(modules: Iterable[Module], checks: Mapping[str, Sequence[Check]]) -> Analysis:
    """Run everything; the findings are in `found` of what is given back."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _NESTING))
    project = Project(modules)
    analysis = Analysis(project, {name: tuple(some) for name, some in checks.items()})
    for module in project.modules:
        try:
            analysis.load(module)
        except RecursionError:
            analysis.failed[module.path] = "its statements are nested too deeply"
    done: set[int] = set()
    while waiting := [pair for pair in analysis.functions.items() if pair[0] not in done]:
        for key, function in waiting:
            done.add(key)
            _root(analysis, function)
    return analysis


def _root(analysis: Analysis, function: Function) -> None:
    """Run a function as somebody from outside would: a request, or a caller of whom nothing is known."""
    kind = web.entry_of(function)
    analysis.steps = 0
    known = declared.parameters(analysis, function, kind)
    if not kind:
        # Annotations hold nobody to anything. What a method is called on is of its class, or of one derived from it.
        own = function.owner is not None and not function.decorated("staticmethod")
        known = {name: one if own and not number else doubted(one) for number, (name, one) in enumerate(known.items())}
    frame = Frame(analysis, function.module, {}, function.closure, None)
    extra = function.node.args.kwarg
    spread = known.pop(extra.arg, None) if extra is not None else None
    if spread is not None and spread.items is not None:
        known, spread = {**{str(key): one for key, one in spread.items}, **known}, None
    try:
        invoke(frame, function, [], known, spread=spread, entry=kind)
    except Stopped:
        return
    except RecursionError:
        analysis.active.clear()
        line = function.node.lineno
        analysis.failed[function.module.path] = f"what {function.name} does (line {line}) is nested too deeply"
