"""What expressions give."""

from __future__ import annotations

import ast
import operator as operators
from collections.abc import Callable, Sequence
from typing import Any, cast

from hardgate.dataflow import guards, servers, texts, web
from hardgate.dataflow.assigning import assign, element
from hardgate.dataflow.calls import attribute, called, function_of
from hardgate.dataflow.frame import VIEW, Call, Frame, expression, merged
from hardgate.dataflow.markup import MARKUP, as_markup, escaped
from hardgate.dataflow.values import UNKNOWN, Const, Value, accounted, constant, container, join

_WHOLE = "whole"


@expression(ast.Constant)
def _constant(_frame: Frame, node: ast.expr) -> Value:
    value = cast("ast.Constant", node).value
    return constant(value) if isinstance(value, str | bytes | int | float | None) else UNKNOWN


@expression(ast.Name)
def _name(frame: Frame, node: ast.expr) -> Value:
    name = cast("ast.Name", node).id
    value = frame.look_up(name)
    if value.marks and name in frame.variables:
        return value.but(about=value.about | {(name, _WHOLE)})
    return value


@expression(ast.Attribute)
def _attribute(frame: Frame, node: ast.expr) -> Value:
    node = cast("ast.Attribute", node)
    seen = view(frame, node)
    if seen is not None:
        return seen
    owner = frame.evaluate(node.value)
    return attribute(frame, node, owner, node.attr)


def view(frame: Frame, node: ast.expr) -> Value | None:
    """What a check has told of this attribute or item."""
    if any(name[0] == VIEW for name in frame.variables):
        return frame.variables.get(VIEW + ast.unparse(node))
    return None


@expression(ast.Subscript)
def _subscript(frame: Frame, node: ast.expr) -> Value:
    node = cast("ast.Subscript", node)
    seen = view(frame, node)
    if seen is not None:
        return seen
    owner = frame.evaluate(node.value)
    if isinstance(node.slice, ast.Slice):
        # A part of a text has its marks and not its checks on characters undone; of a list, any of its items.
        about = frozenset((name, "part") for name, _ in owner.about)
        return owner.but(
            text=None,
            some=frozenset(),
            closed=False,
            items=None,
            rest=owner.every() if owner.items else owner.rest,
            about=about,
        )
    return item(frame, node, owner, frame.evaluate(node.slice))


def item(frame: Frame, node: ast.AST, owner: Value, key: Value) -> Value:
    """`owner[key]`; what a drawn number picks has been drawn: "random.randrange()[picked]"."""
    value = _item(frame, node, owner, key)
    picked = frozenset(f"{name}[picked]" for name in key.names if name.endswith(("()", "()[]")))
    return value.but(names=value.names | picked) if picked and not key.closed else value


def _item(frame: Frame, node: ast.AST, owner: Value, key: Value) -> Value:
    if key.closed and key.some and owner.items is not None:
        chosen = [owner.item(one) for one in key.some]
        found = [one for one in chosen if one is not None]
        if found and (len(found) == len(chosen)):
            return join(found)
        if owner.rest is not None:
            return owner.rest
        if found:
            return join(found)
    if owner.items is not None or owner.rest is not None:
        # Which item is not known; that the key is from outside does not make the item so.
        value = owner.every()
        return value if not owner.marks else value.but(marks=value.marks | owner.marks)
    names = frozenset(f"{name}[]" for name in owner.names)
    source = web.source(names)
    marks = servers.marks(owner, key)
    if source:
        marks |= web.marked(frame, node, source)
    about = frozenset((name, "part") for name, _ in owner.about)
    return Value(marks=marks, names=names | web.keyed(owner.names, key), about=about, sure=bool(source) or owner.sure)


@expression(ast.JoinedStr)
def _fstring(frame: Frame, node: ast.expr) -> Value:
    return frame.built(node, texts.joined([frame.evaluate(one) for one in cast("ast.JoinedStr", node).values]))


@expression(ast.FormattedValue)
def _field(frame: Frame, node: ast.expr) -> Value:
    node = cast("ast.FormattedValue", node)
    value = frame.evaluate(node.value)
    spec = frame.evaluate(node.format_spec) if node.format_spec is not None else None
    if spec is not None and spec.texts and spec.texts[0][-1:] in set("dxXobeEfFgGn%") and spec.texts[0][-1:]:
        return Value(kind="number", names=value.names)
    if value.things and (method := attribute(frame, node, Value(things=value.things), "__str__")).things:
        value = called(Call(frame, node, frozenset(), frozenset(), value, [], {}), method)
    return value.but(about=frozenset(), items=None, rest=None, marks=value.deep(), sure=accounted(value))


@expression(ast.BinOp)
def _binary(frame: Frame, node: ast.expr) -> Value:
    node = cast("ast.BinOp", node)
    left, right = frame.evaluate(node.left), frame.evaluate(node.right)
    if MARKUP in left.names or (MARKUP in right.names and isinstance(node.op, ast.Add)):
        return as_markup(_operated(node, escaped(left), escaped(right)))
    return frame.built(node, _operated(node, left, right))


def _operated(node: ast.BinOp, left: Value, right: Value) -> Value:
    if isinstance(node.op, ast.Mod) and left.kind in {"text", "bytes"}:
        return texts.percent(left, right)
    if left.known and right.known:
        try:
            return constant(texts.folded(left.const, right.const, type(node.op)))
        except (TypeError, ValueError, ArithmeticError):
            pass  # texts, or an error when the code runs
    return _added(left, right) if isinstance(node.op, ast.Add) else _combined(node, left, right)


def _added(left: Value, right: Value) -> Value:
    kinds = {left.kind, right.kind}
    if not kinds.isdisjoint({"list", "tuple"}):
        return _concatenated(left, right)
    known = left.text is not None or right.text is not None or left.marks or right.marks
    if known and "number" not in kinds:
        return texts.joined([left, right], kind="bytes" if "bytes" in kinds else "text")
    kind = "number" if kinds == {"number"} else ""
    return Value(kind=kind, marks=left.deep() | right.deep(), names=left.names | right.names)


def _combined(node: ast.BinOp, left: Value, right: Value) -> Value:
    if isinstance(node.op, ast.Div):
        path = texts.joined([left, constant("/"), right], paths=True)
        return path.but(names=left.names, kind="")
    if left.kind == right.kind == "number":
        return Value(kind="number", names=left.names | right.names)
    if isinstance(node.op, ast.BitOr) and (left.items is not None or right.items is not None):
        return container(
            "dict",
            [*(left.items or ()), *(right.items or ())],
            join([one for one in (left.rest, right.rest) if one] or [UNKNOWN]),
        ).but(doubtful=not (left.held and right.held))
    sure = accounted(left) and accounted(right)
    return Value(marks=left.deep() | right.deep(), names=left.names | right.names, sure=sure)


def _concatenated(left: Value, right: Value) -> Value:
    if left.items is None or left.rest is not None:
        return Value(rest=join([left.every(), right.every()]), kind=left.kind, marks=left.marks | right.marks)
    start = len(left.items)
    if right.items is None or right.rest is not None:
        return Value(
            items=left.items,
            rest=join([right.every(), *([left.rest] if left.rest else [])]),
            kind=left.kind,
            marks=right.marks,
        )
    moved: list[tuple[Const, Value]] = [(start + number, one) for number, (_, one) in enumerate(right.items)]
    return container(left.kind, [*left.items, *moved])


@expression(ast.BoolOp)
def _boolean(frame: Frame, node: ast.expr) -> Value:
    node = cast("ast.BoolOp", node)
    before, found = frame.variables, []
    is_and = isinstance(node.op, ast.And)
    for number, one in enumerate(node.values):
        value = frame.evaluate(one)
        last = number == len(node.values) - 1
        outcome = bool(value.const) if value.known and not value.doubtful else None
        if outcome is None or last or outcome is not is_and:
            # `a or b` gives a only where it is true, `a and b` only where it is not.
            kept = value if last else _kept(value, truth=not is_and)
            found.append(kept)
        if outcome is not None and outcome is not is_and:
            break
        frame.variables = dict(frame.variables)
        if not last and not guards.refine(frame, one, truth=is_and):
            break
    after = frame.variables
    frame.variables = merged([before, after]) if after is not before else before
    empty = [one for one in found if one.closed and not any(one.some)]
    about = [one.about for one in found if one not in empty]
    whole = join(found or [UNKNOWN]).but(test=node)
    # `host or ""`: a check on it that an empty text does not pass is one on the host.
    return whole.but(about=about[0]) if not is_and and len(about) == 1 and empty else whole


def _kept(value: Value, *, truth: bool) -> Value:
    if not truth:
        return value if value.closed else Value(some=frozenset(one for one in value.some if not one))
    return value.but(some=frozenset(one for one in value.some if one)) if value.closed else value


@expression(ast.UnaryOp)
def _unary(frame: Frame, node: ast.expr) -> Value:
    node = cast("ast.UnaryOp", node)
    value = frame.evaluate(node.operand)
    if isinstance(node.op, ast.Not):
        some = frozenset(not one for one in value.some) if not value.closed else frozenset()
        return constant(not value.const) if value.known else Value(test=node, some=some)
    if isinstance(node.op, ast.USub) and value.known and isinstance(value.const, int | float):
        return constant(-value.const)
    return Value(kind="number", marks=value.marks)


@expression(ast.Compare)
def _compare(frame: Frame, node: ast.expr) -> Value:
    node = cast("ast.Compare", node)
    values = [frame.evaluate(one) for one in (node.left, *node.comparators)]
    if len(values) == 2 and all(one.known for one in values):  # noqa: PLR2004 (a number of parts)
        outcome = _compared(values[0].const, values[1].const, type(node.ops[0]).__name__)
        if outcome is not None:
            return constant(outcome)
    if len(values) == 2:  # noqa: PLR2004 (a number of parts)
        frame.tell(node, "==", *values)
        return Value(test=node, some=_likely(values[0], values[1], type(node.ops[0]).__name__))
    return Value(test=node)


def _likely(one: Value, two: Value, operator: str) -> frozenset[Const]:
    """What the comparison gives for the constants among what the values may be: defaults of the environment."""
    if operator in {"In", "NotIn"}:
        if two.named("os.environ") and one.known:
            return frozenset([operator == "NotIn"])
        members = [held.const for _, held in two.items or () if held.known]
        if one.closed or not members or two.rest is not None:
            return frozenset()
        return frozenset((text in members) is (operator == "In") for text in one.some)
    if one.closed is two.closed:
        return frozenset()
    outcomes = [_compared(first, second, operator) for first in one.some for second in two.some]
    return frozenset(outcome for outcome in outcomes if outcome is not None)


_ORDERS: dict[str, Callable[[Any, Any], object]] = {
    "Lt": operators.lt,
    "Gt": operators.gt,
    "LtE": operators.le,
    "GtE": operators.ge,
}


def _compared(one: Const, two: Const, operator: str) -> bool | None:
    same = one == two
    if operator in {"Eq", "NotEq"}:
        return same is (operator == "Eq")
    if operator in {"Is", "IsNot"}:
        return same is (operator == "Is") if None in {one, two} else None
    try:
        compare = _ORDERS.get(operator)
        return bool(compare(one, two)) if compare is not None else None
    except TypeError:
        return None


@expression(ast.IfExp)
def _choice(frame: Frame, node: ast.expr) -> Value:
    node = cast("ast.IfExp", node)
    test = frame.evaluate(node.test)
    before, found = frame.variables, []
    for wanted, chosen in ((True, node.body), (False, node.orelse)):
        if test.known and not test.doubtful and bool(test.const) is not wanted:
            continue
        frame.variables = dict(before)
        if guards.refine(frame, node.test, wanted):
            found.append(frame.evaluate(chosen))
    frame.variables = before
    return join(found)


@expression(ast.NamedExpr)
def _walrus(frame: Frame, node: ast.expr) -> Value:
    node = cast("ast.NamedExpr", node)
    value = frame.evaluate(node.value)
    assign(frame, node.target, value)
    return value


@expression(ast.Await, ast.Starred)
def _inner(frame: Frame, node: ast.expr) -> Value:
    return frame.evaluate(cast("ast.Await", node).value)


@expression(ast.Yield, ast.YieldFrom)
def _yield(frame: Frame, node: ast.expr) -> Value:
    node = cast("ast.Yield", node)
    if node.value is not None:
        value = frame.evaluate(node.value)
        frame.yielded.append(element(value) if isinstance(node, ast.YieldFrom) else value)
    return UNKNOWN


@expression(ast.List, ast.Tuple, ast.Set)
def _sequence(frame: Frame, node: ast.expr) -> Value:
    node = cast("ast.List", node)
    kind = type(node).__name__.lower()
    items: list[Value] = []
    rest: list[Value] = []
    for one in node.elts:
        value = frame.evaluate(one)
        if isinstance(one, ast.Starred):
            known = value.items is not None and value.rest is None and not rest
            (items if known else rest).extend([held for _, held in value.items or ()] if known else [element(value)])
        else:
            (rest if rest else items).append(value)
    return container(kind, list(enumerate(items)), join(rest) if rest else None)


@expression(ast.Dict)
def _dict(frame: Frame, node: ast.expr) -> Value:
    node = cast("ast.Dict", node)
    items: list[tuple[Const, Value]] = []
    rest: list[Value] = []
    marks, open_ = UNKNOWN, False
    for key, one in zip(node.keys, node.values, strict=True):
        value = frame.evaluate(one)
        if key is None:
            items += list(value.items or ())
            rest += [value.rest] if value.rest is not None else []
            open_ = open_ or value.doubtful or not value.held
            marks = join([marks, Value(marks=value.marks)])
            continue
        name = frame.evaluate(key)
        if name.known:
            frame.tell(one, "={}", name, value)
            items.append((name.const, value))
        else:
            rest.append(value)
    return container("dict", items, join(rest) if rest else None).but(marks=marks.marks, doubtful=open_)


@expression(ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
def _comprehension(frame: Frame, node: ast.expr) -> Value:
    node = cast("ast.ListComp", node)
    before = frame.variables
    frame.variables = dict(before)
    reached = _generators(frame, node.generators)
    if isinstance(node, ast.DictComp):
        key, value = frame.evaluate(node.key), frame.evaluate(node.value)
        result = Value(rest=value, kind="dict", marks=key.marks)
    else:
        result = Value(rest=frame.evaluate(node.elt), kind="list")
    frame.variables = before
    return result if reached else Value(kind=result.kind)


def _generators(frame: Frame, generators: Sequence[ast.comprehension]) -> bool:
    reached = True
    for one in generators:
        assign(frame, one.target, element(frame.evaluate(one.iter)))
        for test in one.ifs:
            frame.evaluate(test)
            reached = guards.refine(frame, test, truth=True) and reached
    return reached


@expression(ast.Lambda)
def _lambda(frame: Frame, node: ast.expr) -> Value:
    return function_of(frame, cast("ast.Lambda", node))
