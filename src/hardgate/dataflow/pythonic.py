"""Python's own functions."""

from __future__ import annotations

import re

from hardgate.dataflow.assigning import element
from hardgate.dataflow.charsets import SHAPED
from hardgate.dataflow.frame import Call
from hardgate.dataflow.given import Result, each, plain, same
from hardgate.dataflow.methods import fields_of, table
from hardgate.dataflow.origins import converted
from hardgate.dataflow.project import Bound
from hardgate.dataflow.values import (
    UNKNOWN,
    Value,
    clean,
    constant,
    container,
    join,
    made_safe,
    with_item,
)


def _number(call: Call) -> Value:
    if len(call.args) == 1 and call.args[0].known and call.last & {"int", "bool", "float", "str"}:
        value = call.args[0].const
        if "bool" in call.last:
            return constant(bool(value))
        if "int" in call.last and isinstance(value, str | int) and re.fullmatch(r"-?\d{1,9}", str(value)):
            return constant(int(value))
    origin = frozenset(name for one in call.args for name in one.names)
    claimed = join(call.args).deep() if call.last & {"int", "float", "round", "abs"} else frozenset()
    return made_safe(Value(kind="number", names=origin, some=converted(call), marks=claimed), SHAPED)


def _text(call: Call) -> Value:
    value = same(call)
    if value.known and isinstance(value.const, str | int | float):
        return constant(str(value.const))
    if value.things and (shown := _shown(call, value)) is not None:
        return shown
    if value.kind == "":
        return value.but(kind="text") if value.items is None and value.rest is None else value
    return (
        value
        if value.kind == "text" or "resolved" in value.kind
        else value.but(kind="text", items=None, rest=None, marks=value.deep())
    )


def _shown(call: Call, value: Value) -> Value | None:
    """What an object's own `__str__` gives; None when it has none."""
    from hardgate.dataflow.calls import attribute  # noqa: PLC0415 - calls needs this module first

    method = attribute(call.frame, call.node, Value(things=value.things), "__str__") if "str" in call.last else UNKNOWN
    return apply(call, method, []) if method.things else None


def _sequence(call: Call) -> Value:
    value = call.args[0] if call.args else Value(items=(), kind="list")
    if value.items is not None and value.kind != "dict" and not call.last & {"sorted", "reversed"}:
        return value.but(kind=min(call.last) if call.last & {"list", "tuple", "set"} else "list")
    return Value(rest=element(value), kind="list", marks=value.marks if not value.items else frozenset())


def _mapping(call: Call) -> Value:
    made = call.args[0] if call.args else container("dict", [])
    if made.kind == "list" or (made.items is None and made.rest is not None):
        pair = element(made)
        return Value(rest=pair.item(1) or element(pair), kind="dict", marks=made.marks)
    for key, value in call.kwargs.items():
        made = with_item(made, constant(key), value)
    if call.spread is not None:
        made = made.but(marks=made.marks | call.spread.deep())
    return made.but(kind="dict", about=frozenset())


def _one(call: Call) -> Value:
    values = [element(call.args[0])] if len(call.args) == 1 else list(call.args)
    if len(values) > 1 and call.last & {"max", "min"}:
        # Held against another, as in `min(int(quantity), 99)`.
        values = [clean(one) if one.kind == "number" else one for one in values]
    return join([*values, *([call.kwargs["default"]] if "default" in call.kwargs else [])] or [UNKNOWN])


def _zipped(call: Call) -> Value:
    numbered = "enumerate" in call.last
    parts = (
        [Value(kind="number"), element(call.args[0])] if numbered and call.args else [element(one) for one in call.args]
    )
    return Value(rest=container("tuple", list(enumerate(parts))), kind="list")


def _mapped(call: Call) -> Value:
    if len(call.args) < 2:  # noqa: PLR2004 (so many arguments)
        return plain(call)
    value = apply(call, call.args[0], [element(one) for one in call.args[1:]])
    return Value(rest=value, kind="list")


def _filtered(call: Call) -> Value:
    return Value(rest=element(call.args[1]), kind="list") if len(call.args) > 1 else UNKNOWN


def apply(call: Call, function: Value, args: list[Value]) -> Value:
    """What `function(*args)` gives, when another function calls it."""
    from hardgate.dataflow.calls import called  # noqa: PLC0415 - calls needs this module first

    last = frozenset(name.rpartition(".")[2] for name in function.names)
    return called(Call(call.frame, call.node, function.names, last, UNKNOWN, args, {}), function)


def _partial(call: Call) -> Value:
    if not call.args:
        return UNKNOWN
    function, leading, keywords = call.args[0], tuple(call.args[1:]), tuple(call.kwargs.items())
    return Value(things=frozenset([Bound(function, leading, keywords)]))


def _fields(call: Call) -> Value:
    return (fields_of(call.args[0]) if call.args else None) or plain(call)


def _attribute(call: Call) -> Value:
    from hardgate.dataflow.calls import attribute  # noqa: PLC0415 - calls needs this module first

    name = call.arg(1)
    if name is None or not name.texts or not name.closed:
        return Value(marks=call.args[0].marks if call.args else frozenset())
    found = [attribute(call.frame, call.node, call.args[0], one) for one in name.texts]
    return join(found + ([call.args[2]] if len(call.args) > 2 else []))  # noqa: PLR2004 (so many arguments)


BUILTINS: dict[str, Result] = {
    **each(("int", "float", "bool", "len", "ord", "round", "abs", "hash", "id", "range", "complex"), _number),
    **each(("isinstance", "issubclass", "callable", "hasattr", "print"), lambda _call: UNKNOWN),
    **each(("str", "repr", "ascii", "format"), _text),
    **each(("list", "tuple", "set", "frozenset", "sorted", "reversed", "iter"), _sequence),
    **each(("dict", "collections.OrderedDict", "types.MappingProxyType", "collections.ChainMap"), _mapping),
    **each(("max", "min", "next", "sum", "anext"), _one),
    **each(("zip", "enumerate"), _zipped),
    **each(("vars", "dataclasses.asdict", "attrs.asdict", "attr.asdict"), _fields),
    "str.maketrans": table, "map": _mapped, "filter": _filtered, "getattr": _attribute, "functools.partial": _partial,
    **each((
        "copy.copy", "copy.deepcopy", "typing.cast", "memoryview", "io.StringIO", "io.BytesIO"
    ), lambda call: call.args[-1] if call.args else UNKNOWN),
    **each(("pydantic.SecretStr", "pydantic.SecretBytes", "textwrap.dedent", "sys.intern"), same),
}  # fmt: skip
