"""Attributes and calls: into functions of the project, or out of it."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import cast

from hardgate.dataflow import declared, externals, servers, web
from hardgate.dataflow.assigning import element
from hardgate.dataflow.frame import CONTEXTS, DEEPEST, STEPS, Call, Frame, Stopped, Variables, expression
from hardgate.dataflow.project import Bound, Class, Function, Instance, ModuleThing
from hardgate.dataflow.values import UNKNOWN, Value, constant, container, doubted, join, tainted, thing
from hardgate.dataflow.verified import LOOKED_UP


def attribute(frame: Frame, node: ast.AST, owner: Value, name: str) -> Value:
    """`owner.name`."""
    found: list[Value] = []
    for one in owner.things:
        inside = _inside(frame, one, name)
        if inside is not None:
            found.append(inside if frame.analysis.settled(one, name, inside) else doubted(inside))
    held = owner.item(f".{name}") if owner.items is not None else None
    if held is not None:
        # What is not of the project may change its own attributes; the value of an enumeration's member stays.
        found.append(held if name == "value" else doubted(held))
    if not found or owner.names or owner.marks:
        found.append(_outside(frame, node, owner, name))
    return join(found)


def _outside(frame: Frame, node: ast.AST, owner: Value, name: str) -> Value:
    names = frozenset(f"{one}.{name}" for one in owner.names)
    marks = externals.attribute_marks(owner, name)
    source = web.source(names)
    if source:
        marks |= web.marked(frame, node, source)
    about = frozenset((one, externals.aspect(aspect, name)) for one, aspect in owner.about)
    return Value(marks=marks, names=names, about=about, sure=bool(source) or owner.sure)


def _inside(frame: Frame, one: object, name: str) -> Value | None:
    if isinstance(one, ModuleThing):
        frame.analysis.load(one.module)
        found = one.module.names.get(name)
        return found if found is not None else frame.analysis.submodule(one.module, name)
    if isinstance(one, Instance):
        if name in one.names:
            return one.names[name]
        found = one.owner.find(name)
        return _bound(frame, found, thing(one)) if found is not None else _framework(one, name)
    if isinstance(one, Class):
        found = one.find(name)
        if found is not None and name == "objects":
            return None
        return _bound(frame, found, thing(one), static=True) if found is not None else _framework(one, name)
    return None


def _framework(one: Instance | Class, name: str) -> Value | None:
    owner = one.owner if isinstance(one, Instance) else one
    if name == "request" and isinstance(one, Instance) and web.is_view(owner):
        return web.request_of(owner)
    sent = servers.handler(owner, name) if isinstance(one, Instance) else None
    if sent is not None:
        return sent
    outside = owner.outside()
    end = "()" if isinstance(one, Instance) else ""
    return Value(names=frozenset(f"{base}{end}.{name}" for base in outside)) if outside else None


def _bound(frame: Frame, found: Value, owner: Value, *, static: bool = False) -> Value:
    functions = [one for one in found.things if isinstance(one, Function)]
    if not functions:
        if (
            static
            and found.things == frozenset()
            and any(isinstance(one, Class) and web.is_enum(one) for one in owner.things)
        ):
            return found.but(items=((".value", found.but(items=None)),))
        return found
    if any(one.decorated("property", "cached_property") for one in functions):
        return join([invoke(frame, one, [owner], {}) for one in functions]) if not static else UNKNOWN
    if any(one.decorated("staticmethod") for one in functions):
        return found
    if static and not any(one.decorated("classmethod") for one in functions):
        return found
    return Value(things=frozenset(Bound(thing(one), (owner,)) for one in functions))


def function_of(frame: Frame, node: ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef) -> Value:
    """The function that a lambda or a definition makes here."""
    closure = {**frame.closure, **frame.variables} if frame.function is not None else dict(frame.closure)
    args = node.args
    positional = [*args.posonlyargs, *args.args]
    defaults = {
        one.arg: frame.evaluate(value)
        for one, value in zip(positional[len(positional) - len(args.defaults) :], args.defaults, strict=True)
    }
    defaults |= {
        one.arg: frame.evaluate(value)
        for one, value in zip(args.kwonlyargs, args.kw_defaults, strict=True)
        if value is not None
    }
    for parameter, value in defaults.items():
        frame.tell(node, "=default", constant(parameter), value)
    made = Function(node, frame.module, frame.inside, closure, (), defaults)
    frame.analysis.functions.setdefault(id(node), made)
    return thing(made)


@expression(ast.Call)
def _call(frame: Frame, node: ast.expr) -> Value:
    node = cast("ast.Call", node)
    receiver = UNKNOWN
    last: frozenset[str] = frozenset()
    if isinstance(node.func, ast.Attribute):
        receiver = frame.evaluate(node.func.value)
        callee = attribute(frame, node.func, receiver, node.func.attr)
        last = frozenset([node.func.attr])
    else:
        callee = frame.evaluate(node.func)
    args: list[Value] = []
    star: Value | None = None
    for one in node.args:
        value = frame.evaluate(one)
        if not isinstance(one, ast.Starred):
            (args.append(value) if star is None else None)
            star = star if star is None else join([star, Value(rest=value)])
        elif value.items is not None and value.rest is None and star is None:
            args += [held for _, held in value.items]
        else:
            more = value if value.rest is not None else Value(rest=element(value), marks=value.marks)
            star = more if star is None else join([star, more])
    kwargs, spread = _keywords(frame, node.keywords)
    last |= frozenset(name.rpartition(".")[2] for name in callee.names)
    call = Call(frame, node, callee.names, last, receiver, args, kwargs, star, spread, callee.marks)
    return called(call, callee)


def _keywords(frame: Frame, keywords: Sequence[ast.keyword]) -> tuple[dict[str, Value], Value | None]:
    found: dict[str, Value] = {}
    spread: Value | None = None
    for one in keywords:
        value = frame.evaluate(one.value)
        if one.arg is not None:
            found[one.arg] = value
            continue
        found |= {key: held for key, held in value.items or () if isinstance(key, str)}
        if value.rest is not None or value.items is None:
            spread = value if spread is None else join([spread, value])
    return found, spread


def called(call: Call, callee: Value) -> Value:
    """What a call gives, after every check has looked at it."""
    call.check()
    results = [result for one in callee.things if (result := _project(call, one)) is not None]
    if not results or callee.names:
        results.append(externals.result(call))
    value = join(results)
    if (
        value.test is None
        and not value.things
        and (
            any(one.about or one.marks for one in [call.receiver, *call.args, *call.kwargs.values()])
            or not call.last.isdisjoint(LOOKED_UP)
        )
    ):
        return value.but(test=call.node) if isinstance(call.node, ast.expr) else value
    return value


def _project(call: Call, one: object) -> Value | None:
    frame = call.frame
    if isinstance(one, Function):
        nodes = call.node.args if isinstance(call.node, ast.Call) else []
        names = [arg.id if isinstance(arg, ast.Name) else "" for arg in nodes]
        return invoke(frame, one, call.args, call.kwargs, star=call.star, spread=call.spread, names=names)
    if isinstance(one, Bound):
        return _leading(call, one)
    if isinstance(one, Class):
        return instantiate(call, one)
    if isinstance(one, Instance):
        found = one.owner.find("__call__")
        bound = _bound(frame, found, thing(one)) if found is not None else UNKNOWN
        return join([_project(call, inner) or UNKNOWN for inner in bound.things]) if bound.things else None
    return None


def _leading(call: Call, one: Bound) -> Value:
    """The call of a method, or of a partial: more arguments go before those of the call."""
    args, kwargs = [*one.leading, *call.args], {**dict(one.keywords), **call.kwargs}
    last = frozenset(name.rpartition(".")[2] for name in one.function.names)
    inner = Call(call.frame, call.node, one.function.names, last, UNKNOWN, args, kwargs, call.star, call.spread)
    if one.function.names:
        inner.check()
    found = [externals.result(inner)] if one.function.names else []
    nodes = call.node.args if isinstance(call.node, ast.Call) else []
    names = [*[""] * len(one.leading), *[arg.id if isinstance(arg, ast.Name) else "" for arg in nodes]]
    for function in one.function.things:
        if isinstance(function, Function):
            found.append(invoke(call.frame, function, args, kwargs, star=call.star, spread=call.spread, names=names))
        elif isinstance(function, Bound):
            found.append(_leading(inner, function))
    return join(found)


_HOLDERS = (
    "dict", "list", "tuple", "set", "frozenset", "str", "bytes", "UserDict", "UserList", "UserString", "OrderedDict",
    "defaultdict", "MultiDict", "ImmutableMultiDict", "CombinedMultiDict", "QueryDict", "NamedTuple", "deque",
)  # fmt: skip


def instantiate(call: Call, owner: Class) -> Value:
    """An object of a class of the project, made with these arguments."""
    if web.is_enum(owner):
        # Enum("x") is one of its members, or an error.
        members = [value for name, value in owner.names.items() if not name.startswith("_") and not value.things]
        return join(members).but(items=((".value", join(members)),), about=frozenset()) if members else UNKNOWN
    key = (owner, id(call.node), tuple(call.args), tuple(call.kwargs.items()), _versions(call.args))
    known = call.frame.analysis.memory.get(key)
    if isinstance(known, Instance):
        return thing(known)
    made = Instance(owner)
    call.frame.analysis.memory[key] = made
    start = owner.find("__init__")
    if start is not None:
        for function in start.things:
            if isinstance(function, Function):
                invoke(call.frame, function, [thing(made), *call.args], call.kwargs, star=call.star, spread=call.spread)
    else:
        _fill(call, made)
    # A dictionary or text of a class of one's own holds what it was made of.
    held = join([*call.args, *call.kwargs.values()]).deep() if owner.derived(*_HOLDERS) else frozenset()
    return thing(made).but(names=frozenset(f"{base}()" for base in owner.outside()), marks=held)


def _fill(call: Call, made: Instance) -> None:
    """The fields of a dataclass, named tuple or model by position and name, converted as annotations say."""
    fields = [name for one in reversed(list(made.owner.family())) for name in one.annotations]
    given: dict[str, Value] = dict(zip(fields, call.args, strict=False)) | call.kwargs
    for name, value in given.items():
        made.names[name] = declared.converted(made.owner, name, value) if name in fields else value
    if call.spread is not None or call.star is not None:
        marks = join([one for one in (call.spread, call.star) if one is not None]).deep()
        for name in fields:
            if name not in given:
                made.names[name] = declared.converted(made.owner, name, tainted(marks))
    start = made.owner.find("__post_init__")
    for function in start.things if start is not None else ():
        if isinstance(function, Function):
            invoke(call.frame, function, [thing(made)], {})


def _versions(values: Sequence[Value]) -> tuple[int, ...]:
    return tuple(one.changes for value in values for one in value.things if isinstance(one, Instance))


def invoke(
    frame: Frame, function: Function, args: Sequence[Value], kwargs: Mapping[str, Value], *,
    star: Value | None = None, spread: Value | None = None, names: Sequence[str] = (), entry: str = "",
) -> Value:  # fmt: skip
    """Run a function of the project with these arguments; what it gives back.

    `names` are the caller's variables that the arguments are, "" for those that are none: what the function does to a
    container, or checks before it returns, holds for them afterwards.
    """
    bound = bind(function, args, kwargs, star, spread)
    analysis = frame.analysis
    key = (function, entry, tuple(bound.items()), _versions(list(bound.values())))
    known = analysis.memory.get(key)
    if known is None:
        everything = [*args, *kwargs.values(), *([star] if star else []), *([spread] if spread else [])]
        marks = frozenset().union(*(one.deep() for one in everything))
        if analysis.active.count(function) > 1:
            return tainted(marks)
        analysis.contexts[function] += 1
        common = not marks and not entry and analysis.contexts[function] > CONTEXTS
        if frame.depth >= DEEPEST or analysis.steps > STEPS or common:
            analysis.cut[(frame.module.path, getattr(frame.at, "lineno", 1))] = function.name
            return tainted(marks)
        known = analysis.memory[key] = _run(frame, function, bound, entry)
    value, after, reached = cast("tuple[Value, Variables, bool]", known)
    for parameter, name in zip(function.parameters, names, strict=False):
        changed = after.get(parameter.arg)
        if name and changed is not None and name in frame.variables:
            frame.variables[name] = changed.but(about=frozenset(), test=None)
    if not reached:
        raise Stopped
    return value


def bind(
    function: Function, args: Sequence[Value], kwargs: Mapping[str, Value], star: Value | None, spread: Value | None
) -> Variables:
    """The parameters as the function finds them."""
    node = function.node.args
    positional = function.parameters
    bound = {one.arg: _fresh(value) for one, value in zip(positional, args, strict=False)}
    if node.vararg is not None:
        left = list(enumerate(map(_fresh, args[len(positional) :])))
        bound[node.vararg.arg] = container("tuple", left, element(star) if star is not None else None)
    more = element(star) if star is not None else None
    for one in positional:
        if one.arg in kwargs:
            bound[one.arg] = _fresh(kwargs[one.arg])
        elif one.arg not in bound:
            bound[one.arg] = _missing(function, one.arg, more, spread)
    for one in node.kwonlyargs:
        bound[one.arg] = _fresh(kwargs[one.arg]) if one.arg in kwargs else _missing(function, one.arg, None, spread)
    if node.kwarg is not None:
        names = {one.arg for one in (*positional, *node.kwonlyargs)}
        extra = [(key, _fresh(value)) for key, value in kwargs.items() if key not in names]
        rest = (spread.rest or Value(marks=spread.marks, sure=spread.sure)) if spread is not None else None
        bound[node.kwarg.arg] = container("dict", extra, rest)
    return bound


def _missing(function: Function, name: str, more: Value | None, spread: Value | None) -> Value:
    if spread is not None:
        found = spread.item(name) or spread.rest or Value(marks=spread.marks, sure=spread.sure)
        return found if name not in function.defaults else join([found, function.defaults[name]])
    if more is not None:
        return more
    return function.defaults.get(name, UNKNOWN)


def _fresh(value: Value) -> Value:
    return value.but(about=frozenset(), test=None) if value.about or value.test is not None else value


def _run(frame: Frame, function: Function, bound: Variables, entry: str) -> tuple[Value, Variables, bool]:
    analysis, node = frame.analysis, function.node
    inner = Frame(analysis, function.module, dict(bound), function.closure, function, frame.depth + 1,
                  inside=function.owner, entry=entry)  # fmt: skip
    analysis.active.append(function)
    doubt = analysis.doubt
    try:
        if isinstance(node, ast.Lambda):
            value = inner.evaluate(node.body)
            return value.but(about=frozenset(), test=None), {}, True
        through = inner.execute(node.body)
    except Stopped:
        return UNKNOWN, {}, False
    finally:
        analysis.active.pop()
        analysis.doubt = doubt
    exits = [variables for _, variables, _ in inner.returned] + ([inner.variables] if through else [])
    generator = bool(inner.yielded)
    values = [value for value, _, _ in inner.returned] + ([constant(None)] if through and not generator else [])
    after = {
        one.arg: join([variables[one.arg] for variables in exits if one.arg in variables] or [UNKNOWN])
        for one in function.parameters
        if exits and one.arg not in inner.assigned
    }
    after = {name: _fresh(value) for name, value in after.items()}
    after = {name: value for name, value in after.items() if value != bound.get(name)}
    value = Value(rest=join(inner.yielded), kind="list") if generator else join(values)
    return _fresh(value), after, bool(exits) or generator


def entered(frame: Frame, node: ast.expr, value: Value) -> Value:
    """What `with value as x` puts into x."""
    for one in value.things:
        if isinstance(one, Instance) and (found := one.owner.find("__enter__")) is not None:
            return join(
                [
                    invoke(frame, function, [thing(one)], {})
                    for function in found.things
                    if isinstance(function, Function)
                ]
            )
    if isinstance(node, ast.Call) and value.rest is not None and value.items is None and not value.names:
        return value.rest  # a function with @contextmanager: what it yields
    return value
