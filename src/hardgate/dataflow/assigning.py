"""Putting values into variables, attributes and items, and taking them out of what is looped over."""

from __future__ import annotations

import ast

from hardgate.dataflow.frame import VIEW, Call, Frame
from hardgate.dataflow.project import Class, Instance
from hardgate.dataflow.values import UNKNOWN, Value, constant, doubted, join, with_item, with_rest

_NOTHING: frozenset[tuple[str, str]] = frozenset()


def assign(frame: Frame, target: ast.expr, value: Value) -> None:
    """`target = value`, also for tuples, attributes and items."""
    if isinstance(target, ast.Name):
        _name(frame, target.id, value)
    elif isinstance(target, ast.Tuple | ast.List):
        _unpack(frame, target, value)
    elif isinstance(target, ast.Starred):
        assign(frame, target.value, value)
    elif isinstance(target, ast.Attribute):
        owner = frame.evaluate(target.value)
        last = frozenset([f"={target.attr}", "=."])
        Call(frame, target, _under(owner, target.attr), last, owner, [constant(target.attr), value], {}).check()
        _attribute(frame, target, owner, value)
    elif isinstance(target, ast.Subscript):
        owner, key = frame.evaluate(target.value), frame.evaluate(target.slice)
        Call(frame, target, _under(owner, "[]"), frozenset(["=[]"]), owner, [key, value], {}).check()
        changed(frame, target.value, with_item(owner, key, value))


def _under(owner: Value, name: str) -> frozenset[str]:
    return frozenset(f"{one}.{name}" for one in owner.names)


def _name(frame: Frame, name: str, value: Value) -> None:
    for other, held in list(frame.variables.items()):
        if held.about and any(one == name for one, _ in held.about):
            frame.variables[other] = held.but(about=frozenset(one for one in held.about if one[0] != name))
    for view in [one for one in frame.variables if one.startswith((f"{VIEW}{name}.", f"{VIEW}{name}["))]:
        del frame.variables[view]
    about = frozenset(one for one in value.about if one[0] != name) if value.about else _NOTHING
    value = value if about == value.about else value.but(about=about)
    frame.variables[name] = value
    frame.assigned.add(name)
    if frame.at is not None:
        Call(frame, frame.at, frozenset(), frozenset(["=name"]), UNKNOWN, [constant(name), value], {}).check()
    if name in frame.globals:
        frame.module.names[name] = join([frame.module.names.get(name, value), value])


def _attribute(frame: Frame, target: ast.Attribute, owner: Value, value: Value) -> None:
    frame.variables.pop(VIEW + ast.unparse(target), None)
    objects = [one for one in owner.things if isinstance(one, Instance | Class)]
    for one in objects:
        old = one.names.get(target.attr)
        sure = len(objects) == 1 and frame.branch == 0
        new = value if old is None or sure else join([old, value])
        if new != old:
            one.names[target.attr] = new.but(about=_NOTHING) if new.about else new
            if isinstance(one, Instance):
                one.changes += 1
    if not objects:
        changed(frame, target.value, with_item(owner, constant(f".{target.attr}"), value))


def changed(frame: Frame, target: ast.expr, value: Value) -> None:
    """Put a container that was changed in place back to where it was found."""
    if value.named("os.environ"):
        return  # what else is in it is not known for that
    if isinstance(target, ast.Name):
        if target.id in frame.variables:
            frame.variables[target.id] = value.but(about=_NOTHING) if value.about else value
        elif target.id in frame.module.names:
            frame.module.names[target.id] = join([frame.module.names[target.id], value])
    elif isinstance(target, ast.Attribute):
        _attribute(frame, target, frame.evaluate(target.value), value)
    elif isinstance(target, ast.Subscript):
        owner = frame.evaluate(target.value)
        changed(frame, target.value, with_item(owner, frame.evaluate(target.slice), value))


def _unpack(frame: Frame, target: ast.Tuple | ast.List, value: Value) -> None:
    starred = next((i for i, one in enumerate(target.elts) if isinstance(one, ast.Starred)), len(target.elts))
    for number, one in enumerate(target.elts):
        found = value.item(number) if number < starred else None
        assign(frame, one, found if found is not None else element(value))


def element(value: Value) -> Value:
    """What a loop over the value gives."""
    found = _element(value)
    return doubted(found) if value.doubtful else found


def _element(value: Value) -> Value:
    if value.kind == "dict" and value.items is not None:
        keys = [constant(key) for key, _ in value.items]
        return join([*keys, Value(marks=value.marks)] if value.rest is not None or not keys else keys)
    parts = [one for _, one in value.items or ()]
    if value.rest is not None:
        parts.append(value.rest)
    if parts:
        return join(parts)
    if value.texts:
        return Value(marks=value.marks, sure=value.sure)
    names = frozenset(f"{name}[]" for name in value.names)
    return Value(marks=value.marks, names=names, sure=value.sure)


def appended(whole: Value, value: Value) -> Value:
    """The container after something was put into it."""
    if whole.items is not None and whole.kind in {"list", ""} and whole.rest is None and len(whole.items) < 8:  # noqa: PLR2004 (a number of parts)
        return with_item(whole, constant(len(whole.items)), value)
    return with_rest(whole, value)
