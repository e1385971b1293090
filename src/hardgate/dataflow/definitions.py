"""Functions, classes and imports: statements that give names to things."""

from __future__ import annotations

import ast
from typing import cast

from hardgate.dataflow import calls
from hardgate.dataflow.assigning import assign
from hardgate.dataflow.frame import Call, Frame, Stopped, statement
from hardgate.dataflow.project import Class, Function, ModuleThing
from hardgate.dataflow.values import UNKNOWN, Value, named, thing

# What library.py says of them holds also where the library itself is looked at, whose code does not show it.
_KNOWN = frozenset({"django.utils._os.safe_join", "werkzeug.security.safe_join", "werkzeug.utils.safe_join"})


@statement(ast.FunctionDef, ast.AsyncFunctionDef)
def _function(frame: Frame, node: ast.stmt) -> bool:
    node = cast("ast.FunctionDef", node)
    value = calls.function_of(frame, node)
    function = next(one for one in value.things if isinstance(one, Function))
    function.decorators = tuple(frame.evaluate(one) for one in node.decorator_list)
    function.closure[node.name] = value
    pairs = list(zip(function.decorators, node.decorator_list, strict=True))
    for left, (decorator, expression) in reversed(list(enumerate(pairs))):
        value = _decorated(frame, expression, decorator, value)
        _stand_in(frame, function, value, function.decorators[:left])
    frame.variables[node.name] = value
    frame.assigned.add(node.name)
    return True


def _stand_in(frame: Frame, function: Function, value: Value, outer: tuple[Value, ...]) -> None:
    """A wrapper that changes what the function gives back answers in its place: `return layout(view(*args))`."""
    for one in value.things:
        if not isinstance(one, Function) or one is function or one.wrapped is not None or function.owner is not None:
            continue
        if isinstance(one.node, ast.Lambda) or _passes_on(one.node):
            continue
        one.wrapped, one.decorators = function, outer
        function.covered = True
        frame.analysis.functions[id(one)] = one


def _passes_on(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a wrapper gives back, at least at one place, just what the function gives that it calls."""
    inner = [one for part in node.body for one in ast.walk(part)]
    calls_on = {
        id(one) for one in inner if isinstance(one, ast.Call) and any(isinstance(arg, ast.Starred) for arg in one.args)
    }
    held = {
        target.id
        for one in inner
        if isinstance(one, ast.Assign) and id(_awaited(one.value)) in calls_on
        for target in one.targets
        if isinstance(target, ast.Name)
    }
    given = [_awaited(one.value) for one in inner if isinstance(one, ast.Return) and one.value is not None]
    return any(id(one) in calls_on or (isinstance(one, ast.Name) and one.id in held) for one in given)


def _awaited(node: ast.expr) -> ast.expr:
    return node.value if isinstance(node, ast.Await) else node


def _decorated(frame: Frame, node: ast.expr, decorator: Value, value: Value) -> Value:
    """What a decorator of the project makes of a function; one from outside is taken to leave it what it is."""
    if not decorator.things:
        return value
    try:
        made = calls.called(Call(frame, node, frozenset(), frozenset(), UNKNOWN, [value], {}), decorator)
    except Stopped:
        return value
    return made if any(isinstance(one, Function) for one in made.things) else value


@statement(ast.ClassDef)
def _class(frame: Frame, node: ast.stmt) -> bool:
    node = cast("ast.ClassDef", node)
    bases = tuple(frame.evaluate(one) for one in node.bases)
    made = Class(node.name, node, frame.module, bases)
    made.decorators = tuple(frame.evaluate(one) for one in node.decorator_list)
    for keyword in node.keywords:
        frame.evaluate(keyword.value)
    closure = {**frame.closure, **frame.variables} if frame.function is not None else dict(frame.closure)
    body = Frame(frame.analysis, frame.module, {}, closure, frame.function, frame.depth, inside=made)
    made.names = body.variables
    for one in node.body:
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            made.annotations[one.target.id] = one.annotation
        body.execute([one])
        made.names = body.variables
    frame.analysis.classes.append(made)
    frame.variables[node.name] = thing(made)
    return True


@statement(ast.Import)
def _import(frame: Frame, node: ast.stmt) -> bool:
    for one in cast("ast.Import", node).names:
        top = one.name.partition(".")[0]
        wanted = one.name if one.asname else top
        module = frame.analysis.project.find(wanted, frame.module)
        value = thing(ModuleThing(module)) if module is not None and module is not frame.module else named(wanted)
        assign(frame, ast.Name(id=one.asname or top, ctx=ast.Store()), value)
    return True


@statement(ast.ImportFrom)
def _import_from(frame: Frame, node: ast.stmt) -> bool:
    node = cast("ast.ImportFrom", node)
    project = frame.analysis.project
    dotted = node.module or ""
    if node.level:
        dotted = project.relative(frame.module, node.level, dotted)
    module = project.find(dotted, None if node.level else frame.module) if dotted else None
    if module is frame.module:
        module = None
    for one in node.names:
        if one.name == "*":
            if module is not None:
                frame.analysis.load(module)
                frame.variables |= {key: value for key, value in module.names.items() if not key.startswith("_")}
            continue
        value = None
        if module is not None:
            frame.analysis.load(module)
            value = module.names.get(one.name) or frame.analysis.submodule(module, one.name)
        if f"{dotted}.{one.name}" in _KNOWN:
            value = None
        assign(frame, ast.Name(id=one.asname or one.name, ctx=ast.Store()), value or named(f"{dotted}.{one.name}"))
    return True
