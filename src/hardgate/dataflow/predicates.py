"""Functions of the project that tell whether their arguments are harmless: their own code says what they show."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from hardgate.dataflow import charsets, guards
from hardgate.dataflow.frame import Frame, Variables, merged
from hardgate.dataflow.project import Bound, Function
from hardgate.dataflow.values import Value, clean, made_safe, without


def predicate(frame: Frame, test: ast.Call, callee: Value, truth: bool) -> bool:
    """A function of the project that tells whether its arguments are harmless."""
    for one in callee.things:
        function, leading = _function(one)
        if function is None or isinstance(function.node, ast.Lambda):
            continue
        values = [*leading, *[frame.evaluate(arg) for arg in test.args if not isinstance(arg, ast.Starred)]]
        if not any(value.deep() for value in values) or frame.analysis.active.count(function) > 0:
            continue
        outcome = _outcome(frame, function, values, truth)
        if outcome is None:
            continue
        for parameter, node, value in zip(
            function.parameters[len(leading) :], test.args, values[len(leading) :], strict=False
        ):
            after = outcome.get(parameter.arg)
            if after is not None and value.deep() and after.marks != value.marks:
                guards.told(frame, node, value, lambda held, after=after: _as(held, after), _gained(after))  # type: ignore[misc]  # mypy does not infer a default of a lambda
    return True


def _gained(after: Value) -> frozenset[str]:
    if not after.marks:
        return charsets.FAMILIES
    return frozenset.intersection(*(one.safe for one in after.marks))


def _as(held: Value, after: Value) -> Value:
    if not after.marks:
        return clean(held)
    families = frozenset.intersection(*(one.safe for one in after.marks))
    gone = frozenset.intersection(*(one.gone for one in after.marks))
    return without(made_safe(held, families), gone)


def _function(one: object) -> tuple[Function | None, Sequence[Value]]:
    if isinstance(one, Function):
        return one, ()
    if isinstance(one, Bound):
        return next((inner for inner in one.function.things if isinstance(inner, Function)), None), one.leading
    return None, ()


def _outcome(frame: Frame, function: Function, values: Sequence[Value], truth: bool) -> Variables | None:
    """The parameters of a function where what it gives back is true, or false; None when it never is."""
    bound = {one.arg: value.but(about=frozenset()) for one, value in zip(function.parameters, values, strict=False)}
    bound |= {name: value for name, value in function.defaults.items() if name not in bound}
    inner = Frame(
        frame.analysis, function.module, bound, function.closure, function, frame.depth + 1, inside=function.owner
    )
    frame.analysis.active.append(function)
    paths: list[Variables] = []
    try:
        through = inner.execute(getattr(function.node, "body", []))
        for value, variables, node in inner.returned:
            if value.closed and value.some and not value.doubtful and not any(bool(one) is truth for one in value.some):
                continue
            inner.variables = dict(variables)
            if node is None or guards.refine(inner, node, truth, 1):
                paths.append({name: held for name, held in inner.variables.items() if name not in inner.assigned})
    finally:
        frame.analysis.active.pop()
    if through and not truth:
        paths.append(inner.variables)
    return merged(paths) if paths else None
