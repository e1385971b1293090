"""How statements change what is known of the variables."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import cast

from hardgate.dataflow import calls, caught, guards
from hardgate.dataflow.assigning import assign, element
from hardgate.dataflow.frame import Call, Frame, Variables, merged, statement
from hardgate.dataflow.values import UNKNOWN, Value, constant, doubted, join

_LOOPS = 2  # rounds after which a loop's variables have met what they become
_UNROLLED = 4  # written items that a loop takes one by one


def truth(value: Value) -> bool | None:
    """Whether a condition is always true or always false; None when it may be either."""
    if value.closed and value.some and not value.doubtful:
        outcomes = {bool(one) for one in value.some}
        return outcomes.pop() if len(outcomes) == 1 else None
    return None


@statement(ast.Expr)
def _expression(frame: Frame, node: ast.stmt) -> bool:
    value = cast("ast.Expr", node).value
    frame.evaluate(value)
    guards.passed(frame, value)
    return True


@statement(ast.Assign)
def _assign(frame: Frame, node: ast.stmt) -> bool:
    node = cast("ast.Assign", node)
    value = frame.evaluate(node.value)
    guards.passed(frame, node.value)
    for target in node.targets:
        assign(frame, target, value)
    return True


@statement(ast.AnnAssign)
def _annotated(frame: Frame, node: ast.stmt) -> bool:
    node = cast("ast.AnnAssign", node)
    if node.value is not None:
        assign(frame, node.target, frame.evaluate(node.value))
    return True


@statement(ast.AugAssign)
def _augmented(frame: Frame, node: ast.stmt) -> bool:
    node = cast("ast.AugAssign", node)
    load = ast.copy_location(_loading(node.target), node)
    whole = ast.copy_location(ast.BinOp(left=load, op=node.op, right=node.value), node)
    assign(frame, node.target, frame.evaluate(whole))
    return True


def _loading(target: ast.expr) -> ast.expr:
    if isinstance(target, ast.Name):
        return ast.copy_location(ast.Name(id=target.id, ctx=ast.Load()), target)
    if isinstance(target, ast.Attribute):
        return ast.copy_location(ast.Attribute(value=target.value, attr=target.attr, ctx=ast.Load()), target)
    if isinstance(target, ast.Subscript):
        return ast.copy_location(ast.Subscript(value=target.value, slice=target.slice, ctx=ast.Load()), target)
    return target


@statement(ast.Return)
def _return(frame: Frame, node: ast.stmt) -> bool:
    node = cast("ast.Return", node)
    value = frame.evaluate(node.value) if node.value is not None else constant(None)
    if node.value is not None:
        guards.passed(frame, node.value)
    frame.returned.append((value, frame.copy(), node.value))
    if node.value is not None and frame.function is not None:
        frame.tell(node.value, "=return", constant(frame.function.name), value)
    if frame.entry and node.value is not None:
        Call(frame, node.value, frozenset(), frozenset(["return"]), UNKNOWN, [value], {}).check()
    return False


@statement(ast.Raise)
def _raise(frame: Frame, node: ast.stmt) -> bool:
    node = cast("ast.Raise", node)
    if node.exc is not None:
        value = frame.evaluate(node.exc)
        if isinstance(node.exc, ast.Call):
            # What a class of the project does with the text is its own affair: it has it.
            given = (*node.exc.args, *(one.value for one in node.exc.keywords)) if value.things else ()
            said = [frame.evaluate(one) for one in given]
            marks = join([value, *said]).deep()
            if marks:
                frame.analysis.raised.append((ast.unparse(node.exc.func).rpartition(".")[2], marks))
    return False


@statement(ast.Break, ast.Continue)
def _leave(frame: Frame, _node: ast.stmt) -> bool:
    frame.leaving.append(frame.copy())
    return False


@statement(ast.If)
def _if(frame: Frame, node: ast.stmt) -> bool:
    node = cast("ast.If", node)
    outcome = truth(frame.evaluate(node.test))
    paths = []
    before = frame.variables
    frame.branch += 1
    for wanted, body in ((True, node.body), (False, node.orelse)):
        if outcome is not None and outcome is not wanted:
            continue
        frame.variables = dict(before)
        if guards.refine(frame, node.test, wanted) and frame.execute(body):
            paths.append(frame.variables)
    frame.branch -= 1
    return _meet(frame, paths)


def _meet(frame: Frame, paths: Sequence[Variables]) -> bool:
    frame.variables = merged(paths)
    return bool(paths)


@statement(ast.For, ast.AsyncFor)
def _for(frame: Frame, node: ast.stmt) -> bool:
    node = cast("ast.For", node)
    over = frame.evaluate(node.iter)
    rounds = _rounds(over)
    outer, frame.leaving = frame.leaving, []
    paths = [frame.variables]
    frame.branch += 1
    entered: Variables = {}
    for number, items in enumerate([*rounds, rounds[-1]]):
        again, entered = entered, merged(paths)
        frame.variables = dict(entered)
        if number == len(rounds) and (len(rounds) > _LOOPS or not _unsettled(frame, node, again)):
            break
        assign(frame, node.target, items)
        if frame.execute(node.body):
            paths.append(frame.variables)
        paths += frame.leaving
        frame.leaving = []
    frame.branch -= 1
    frame.leaving = outer
    # A look-up of a host gives one address at least, or raises.
    _meet(frame, paths[1:] if over.named("socket.getaddrinfo()") and paths[1:] else paths)
    return frame.execute(node.orelse) or bool(paths[1:])


def _unsettled(frame: Frame, node: ast.stmt, before: Variables) -> bool:
    """Whether a loop's variables still become something else; if so, all that it sets may be anything by now."""
    if all(before.get(name) == value for name, value in frame.variables.items()):
        return False
    names = [one for one in ast.walk(node) if isinstance(one, ast.Name)]
    stored = {one.id for one in names if not isinstance(one.ctx, ast.Load)}
    for name, value in frame.variables.items():
        if name in stored or before.get(name) != value:
            frame.variables[name] = doubted(value)
    return True


def _rounds(value: Value) -> list[Value]:
    """What each round of a loop gets: the items one by one where they are few and known, else any of them."""
    items = [one for _, one in value.items or ()]
    if value.kind in {"list", "tuple"} and value.rest is None and not value.marks and _LOOPS <= len(items) <= _UNROLLED:
        return items
    return [element(value)] * _LOOPS


@statement(ast.While)
def _while(frame: Frame, node: ast.stmt) -> bool:
    node = cast("ast.While", node)
    outer, frame.leaving = frame.leaving, []
    forever = truth(frame.evaluate(node.test)) is True
    paths = [frame.variables]
    left: list[Variables] = []
    frame.branch += 1
    entered: Variables = {}
    for number in range(_LOOPS + 1):
        again, entered = entered, merged(paths)
        frame.variables = dict(entered)
        if number == _LOOPS and not _unsettled(frame, node, again):
            break
        frame.evaluate(node.test)
        if guards.refine(frame, node.test, truth=True) and frame.execute(node.body):
            paths.append(frame.variables)
        left += frame.leaving
        frame.leaving = []
    frame.branch -= 1
    frame.leaving = outer
    if not forever:
        frame.variables = merged(paths)
        if guards.refine(frame, node.test, truth=False):
            left.append(frame.variables)
    return _meet(frame, left)


@statement(ast.Try, *([ast.TryStar] if hasattr(ast, "TryStar") else []))
def _try(frame: Frame, node: ast.stmt) -> bool:
    node = cast("ast.Try", node)
    before, told = frame.copy(), len(frame.analysis.raised)
    frame.branch += 1
    paths: list[Variables] = []
    alive = frame.execute(node.body)
    after = frame.variables
    if alive and frame.execute(node.orelse):
        paths.append(frame.variables)
    # An exception can come before or after any statement of the body; what a check told is not sure to hold then.
    for handler in node.handlers:
        frame.variables = merged([before, after])
        if handler.name:
            frame.variables[handler.name] = caught.exception(frame, node.body, handler, told)
        if frame.execute(handler.body):
            paths.append(frame.variables)
    frame.branch -= 1
    frame.variables = merged(paths) if paths else merged([before, after])
    return frame.execute(node.finalbody) and bool(paths)


@statement(ast.With, ast.AsyncWith)
def _with(frame: Frame, node: ast.stmt) -> bool:
    node = cast("ast.With", node)
    for item in node.items:
        value = calls.entered(frame, item.context_expr, frame.evaluate(item.context_expr))
        if item.optional_vars is not None:
            assign(frame, item.optional_vars, value)
    return frame.execute(node.body)


@statement(ast.Match)
def _match(frame: Frame, node: ast.stmt) -> bool:
    node = cast("ast.Match", node)
    subject = frame.evaluate(node.subject)
    before, paths, exhausted = frame.variables, [], False
    frame.branch += 1
    for case in node.cases:
        frame.variables = dict(before)
        narrowed = _pattern(frame, case.pattern, subject)
        if isinstance(node.subject, ast.Name) and narrowed is not subject:
            frame.variables[node.subject.id] = narrowed
        reached = guards.refine(frame, case.guard, truth=True) if case.guard is not None else True
        if reached and frame.execute(case.body):
            paths.append(frame.variables)
        exhausted = exhausted or (
            isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and case.guard is None
        )
    frame.branch -= 1
    return _meet(frame, paths if exhausted else [*paths, before])


def _pattern(frame: Frame, pattern: ast.pattern, subject: Value) -> Value:
    """What the subject is where this pattern fits; binds the names in it."""
    if isinstance(pattern, ast.MatchValue):
        return frame.evaluate(pattern.value)
    if isinstance(pattern, ast.MatchSingleton):
        return constant(pattern.value)
    if isinstance(pattern, ast.MatchOr):
        return join([_pattern(frame, one, subject) for one in pattern.patterns])
    if isinstance(pattern, ast.MatchAs):
        narrowed = _pattern(frame, pattern.pattern, subject) if pattern.pattern is not None else subject
        if pattern.name:
            frame.variables[pattern.name] = narrowed
        return narrowed
    inside = element(subject)
    for name in [one.name for one in ast.walk(pattern) if isinstance(one, ast.MatchAs | ast.MatchStar)]:
        if name:
            frame.variables[name] = inside
    return subject


@statement(ast.Assert)
def _assert(frame: Frame, node: ast.stmt) -> bool:
    # `python -O` removes it: it checks nothing.
    frame.evaluate(cast("ast.Assert", node).test)
    return True


@statement(ast.Global, ast.Nonlocal)
def _global(frame: Frame, node: ast.stmt) -> bool:
    frame.globals.update(cast("ast.Global", node).names)
    return True


@statement(ast.Delete)
def _delete(frame: Frame, node: ast.stmt) -> bool:
    for target in cast("ast.Delete", node).targets:
        if isinstance(target, ast.Name):
            frame.variables.pop(target.id, None)
    return True
