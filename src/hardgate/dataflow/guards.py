"""What a condition tells of the variables in it, where it is true and where it is false."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterable

from hardgate.dataflow import charsets, located, predicates, shown, verified
from hardgate.dataflow.frame import VIEW, Frame, Variables, merged
from hardgate.dataflow.project import Class
from hardgate.dataflow.values import UNKNOWN, Value, clean, doubted, join, made_safe, one_of, without

_HOST = frozenset({"ssrf", "redirect"})
_DEPTH = 6


def refine(frame: Frame, test: ast.expr, truth: bool, depth: int = 0) -> bool:
    """Change the variables to what is known where `test` has this outcome; False when it never has."""
    before, analysis = dict(frame.variables), frame.analysis
    outer, analysis.doubt = analysis.doubt, False
    possible = _refine(frame, test, truth, depth)
    if analysis.doubt:
        # A list of what is allowed that somebody else may fill allows anything.
        for name, value in frame.variables.items():
            if before.get(name) is not value:
                frame.variables[name] = doubted(value)
        possible = True
    analysis.doubt = outer or analysis.doubt
    return possible


def _refine(frame: Frame, test: ast.expr, truth: bool, depth: int) -> bool:
    if depth > _DEPTH:
        return True
    possible = True
    match test:
        case ast.UnaryOp(op=ast.Not()):
            possible = _refine(frame, test.operand, not truth, depth)
        case ast.BoolOp():
            possible = _boolean(frame, test, truth, depth)
        case ast.Compare(ops=[operator], left=left, comparators=[right]):
            possible = _compare(frame, operator, (left, right), truth, depth)
        case ast.Compare():
            _bounded(frame, test)
        case ast.NamedExpr():
            possible = _refine(frame, test.value, truth, depth + 1)
        case ast.Call():
            possible = _call(frame, test, truth, depth)
        case ast.Name():
            possible = _name(frame, test, truth, depth)
        case ast.Attribute():
            located.attribute(frame, test, truth)
    return possible


def _bounded(frame: Frame, test: ast.Compare) -> None:
    """A number that was held against others, `0 <= position < 10`, is no longer any that somebody sends."""
    if not any(isinstance(one, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for one in test.ops):
        return
    for side in (test.left, *test.comparators):
        value = frame.evaluate(side)
        if value.kind == "number" and value.marks:
            told(frame, side, value, clean, ())


def _boolean(frame: Frame, test: ast.BoolOp, truth: bool, depth: int) -> bool:
    together = isinstance(test.op, ast.And) is truth
    if together:
        outcomes = [_refine(frame, one, truth, depth) for one in test.values]  # each of them changes the variables
        return all(outcomes)
    before = frame.variables
    paths: list[Variables] = []
    for number, one in enumerate(test.values):
        frame.variables = dict(before)
        earlier = [_refine(frame, other, not truth, depth) for other in test.values[:number]]
        if all(earlier) and _refine(frame, one, truth, depth):
            paths.append(frame.variables)
    frame.variables = merged(paths) if paths else before
    return bool(paths)


def _name(frame: Frame, test: ast.Name, truth: bool, depth: int) -> bool:
    value = frame.look_up(test.id)
    if value.known and bool(value.const) is not truth:
        return False
    if value.test is not None and value.test is not test and not _refine(frame, value.test, truth, depth + 1):
        return False
    if test.id in frame.variables and not truth:
        # What is empty or None does no harm.
        frame.variables[test.id] = clean(frame.variables[test.id])
    elif test.id in frame.variables and value.closed and any(not one for one in value.some):
        kept = frozenset(one for one in value.some if one)
        frame.variables[test.id] = value.but(some=kept, closed=bool(kept))
    return True


def _compare(frame: Frame, operator: ast.cmpop, sides: tuple[ast.expr, ast.expr], truth: bool, depth: int) -> bool:
    left, right = sides
    if isinstance(operator, ast.NotIn | ast.NotEq | ast.IsNot):
        truth = not truth
    if isinstance(operator, ast.In | ast.NotIn):
        _membership(frame, left, right, truth)
        return True
    if not isinstance(operator, ast.Eq | ast.NotEq | ast.Is | ast.IsNot):
        located.more(frame, operator, left, right, truth)
        return True
    one, two = frame.evaluate(left), frame.evaluate(right)
    if one.closed and two.closed and not (one.some & two.some) and truth:
        return False
    if one.known and two.known and (one.const == two.const) is not truth:
        return False
    for side, value, other in ((left, one, two), (right, two, one)):
        if truth:
            _equalled(frame, side, value, other)
        if other.known and other.const is None and not _with_none(frame, side, value, truth, depth):
            return False
    return True


def _equalled(frame: Frame, side: ast.expr, value: Value, other: Value) -> None:
    """`side`, whose value is `value`, was found to be equal to the other."""
    located.equal(frame, side, value, other)
    if not value.marks or other.marks or (other.known and other.const is None):
        return
    if not _empty(other):
        told(frame, side, value, functools.partial(_equal, other=other), charsets.FAMILIES)
    elif isinstance(side, ast.Name) and side.id in frame.variables:
        # That a part is empty does not make the whole harmless.
        frame.variables[side.id] = _equal(value, other)


def _with_none(frame: Frame, side: ast.expr, value: Value, truth: bool, depth: int) -> bool:
    """`side is None`, where that is `truth`: what a search gives is None when it found nothing."""
    if not truth and isinstance(side, ast.Name):
        _without_none(frame, side.id)
    if value.test is not None and isinstance(side, ast.Name | ast.NamedExpr):
        return _refine(frame, value.test, not truth, depth + 1)
    return _refine(frame, side, not truth, depth + 1) if isinstance(side, ast.Call) else True


def _without_none(frame: Frame, name: str) -> None:
    value = frame.variables.get(name)
    if value is not None and value.closed and None in value.some:
        kept = value.some - {None}
        frame.variables[name] = value.but(some=kept, closed=bool(kept))


def _empty(value: Value) -> bool:
    return value.known and value.const == ""


def _equal(value: Value, other: Value) -> Value:
    # Equal to something that is not from outside: as harmless as that.
    return clean(value).but(some=other.some, closed=other.closed) if other.closed else clean(value)


def _membership(frame: Frame, left: ast.expr, right: ast.expr, truth: bool) -> None:
    needle, stack = frame.evaluate(left), frame.evaluate(right)
    located.member(frame, left, right, truth)
    if truth and needle.marks and not stack.deep() and stack.kind not in {"text", "number"}:
        told(frame, left, needle, clean, charsets.FAMILIES)
        if isinstance(left, ast.Name) and stack.items and stack.rest is None and left.id in frame.variables:
            keys = [key for key, _ in stack.items] if stack.kind == "dict" else []
            held = [one for _, one in stack.items] if stack.kind != "dict" else []
            chosen = one_of(keys) if keys else join(held)
            if chosen.closed:
                frame.variables[left.id] = chosen
    elif not truth and needle.texts and stack.marks:
        told(frame, right, stack, lambda held: without(held, needle.texts), frozenset())


def told(frame: Frame, node: ast.expr, value: Value, change: Callable[[Value], Value], families: Iterable[str]) -> None:
    """A check on `node`, whose value is `value`, has shown something: `change` what it is, and what it is made of.

    Of a value that is a host name of a variable, the variable is harmless for what follows the host only.
    """
    node = node.target if isinstance(node, ast.NamedExpr) else node
    if isinstance(node, ast.Name) and node.id in frame.variables:
        frame.variables[node.id] = change(frame.variables[node.id])
    elif isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        frame.variables[VIEW + ast.unparse(node)] = change(value)
    for name, aspect in value.about:
        held = frame.variables.get(name)
        if held is None or (isinstance(node, ast.Name) and node.id == name):
            continue
        if aspect == "whole":
            frame.variables[name] = change(held)
        elif aspect == "scheme":
            frame.variables[name] = made_safe(held, ("xss-url",))
        elif aspect == "host":
            frame.variables[name] = made_safe(held, frozenset(families) & _HOST)
        elif aspect == "path" and "path" in families:
            frame.variables[name] = made_safe(held, ("path",))


def _call(frame: Frame, test: ast.Call, truth: bool, depth: int) -> bool:
    if isinstance(test.func, ast.Name) and test.args and test.func.id in {"bool", "any", "all", "isinstance"}:
        return _builtin(frame, test, test.func.id, truth, depth)
    if truth:
        verified.succeeded(frame, test)
    callee = frame.evaluate(test.func)
    for name in callee.names:
        if families := _CHECKS.get(name.rpartition(".")[2]):
            if truth and test.args:
                safe(frame, test.args[0], families)
            return True
    if located.function(frame, test, callee.names, truth):
        return True
    if isinstance(test.func, ast.Attribute) and _method(frame, test, test.func, truth):
        return True
    if any(name.rpartition(".")[2] in shown.MATCHERS for name in callee.names):
        shown.matched(frame, test, callee, truth)
        return True
    return predicates.predicate(frame, test, callee, truth)


def _builtin(frame: Frame, test: ast.Call, name: str, truth: bool, depth: int) -> bool:
    if name == "bool":
        return _refine(frame, test.args[0], truth, depth + 1)
    if name == "isinstance":
        if truth:
            _instance(frame, test)
        return True
    return shown.quantified(frame, test, truth)


def _method(frame: Frame, test: ast.Call, function: ast.Attribute, truth: bool) -> bool:
    """What methods of texts and paths tell of their object; False when it is none of them."""
    if located.method(frame, test, function, truth):
        return True
    if function.attr in shown.PLAIN:
        if truth:
            safe(frame, function.value, charsets.SHAPED)
        return True
    if function.attr in {"startswith", "endswith"}:
        shown.starts(frame, test, function.value, function.attr, truth)
        return True
    if function.attr in shown.MATCHERS:
        shown.matched(frame, test, frame.evaluate(function), truth)
        return True
    return False


# Functions of libraries that tell whether a value is harmless, by the last part of the name.
_CHECKS: dict[str, tuple[str, ...]] = {
    "url_has_allowed_host_and_scheme": ("redirect",),
    "is_safe_url": ("redirect",),
}


def safe(frame: Frame, node: ast.expr, families: Iterable[str]) -> None:
    """A check has shown that `node` is harmless for these families."""
    value = frame.evaluate(node)
    if value.deep():
        told(frame, node, value, lambda held: made_safe(held, families), families)


def _instance(frame: Frame, test: ast.Call) -> None:
    wanted = frame.evaluate(test.args[1]) if len(test.args) > 1 else UNKNOWN
    names = wanted.names or (join([one for _, one in wanted.items or ()]).names if wanted.items else frozenset())
    if names and names <= {"int", "float", "bool", "decimal.Decimal", "uuid.UUID"}:
        safe(frame, test.args[0], charsets.SHAPED)


def passed(frame: Frame, node: ast.expr) -> None:
    """A statement was left behind: what conversions in it, which raise for other texts, have shown of the variables."""
    memory = frame.analysis.calls
    if node not in memory:
        memory[node] = [one for one in ast.walk(node) if isinstance(one, ast.Call)]
    for one in memory[node]:
        verified.returned(frame, one)
        if len(one.args) == 1:
            _converted(frame, one)


# Conversions that raise ValueError for anything but a number, an identifier or an address of fixed form.
_CONVERSIONS = frozenset({"int", "float", "uuid.UUID", "decimal.Decimal", "datetime.date.fromisoformat"})


# They raise ValidationError: https://docs.djangoproject.com/en/5.2/ref/validators/
_VALIDATORS = frozenset({
    "validate_slug", "validate_unicode_slug", "validate_integer", "validate_comma_separated_integer_list",
    "validate_ipv4_address", "validate_ipv6_address", "validate_ipv46_address",
})  # fmt: skip


def _converted(frame: Frame, node: ast.Call) -> None:
    last = (
        node.func.attr
        if isinstance(node.func, ast.Attribute)
        else node.func.id
        if isinstance(node.func, ast.Name)
        else ""
    )
    if last == "relative_to" and isinstance(node.func, ast.Attribute):
        located.inside(frame, node.func.value)
    elif last in {"int", "float", "UUID", "Decimal", "fromisoformat"} and isinstance(node.args[0], ast.Name):
        callee = frame.evaluate(node.func)
        if callee.names & _CONVERSIONS:
            safe(frame, node.args[0], charsets.SHAPED)
    elif last in _VALIDATORS:
        safe(frame, node.args[0], charsets.FAMILIES)
    elif isinstance(node.args[0], ast.Name) and isinstance(node.func, ast.Name):
        for thing in frame.look_up(node.func.id).things:
            if isinstance(thing, Class) and thing.derived("Enum", "StrEnum", "IntEnum"):
                safe(frame, node.args[0], charsets.FAMILIES)
