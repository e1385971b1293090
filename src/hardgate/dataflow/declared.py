"""What parameters and fields may be, as their annotations, defaults and routes say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from hardgate.dataflow import charsets, servers, web
from hardgate.dataflow.frame import Analysis, Frame
from hardgate.dataflow.project import Class, Function, Instance, attributes_of
from hardgate.dataflow.values import UNKNOWN, Const, Value, constant, container, join, made_safe, named, thing, without

# Types of which a value that was converted to them does no harm.
_HARMLESS = frozenset({
    "int", "float", "bool", "complex", "uuid.UUID", "datetime.date", "datetime.datetime", "datetime.time",
    "datetime.timedelta", "decimal.Decimal", "pydantic.PositiveInt", "pydantic.NonNegativeInt", "pydantic.conint",
    "pydantic.UUID4", "pydantic.conint()", "pydantic.IPvAnyAddress", "ipaddress.IPv4Address", "pydantic.StrictInt",
    "pydantic.StrictBool", "pydantic.NegativeInt", "pydantic.UUID1", "pydantic.UUID3", "pydantic.UUID5",
    "date", "datetime",
})  # fmt: skip
_NESTED = 4
_NUMBERS = re.compile(r"(.*_)?(id|pk|page|year|month|day|number|count|num|limit|offset)")


def parameters(analysis: Analysis, function: Function, kind: str) -> dict[str, Value]:
    """What the parameters of a function may be when a request comes in, or when nobody is known to call it."""
    frame = Frame(analysis, function.module, {}, function.closure, None, 1)
    known: dict[str, Value] = {}
    converters = dict(_converters(function))
    every = [*function.parameters, *function.node.args.kwonlyargs]
    for number, one in enumerate(every):
        if number == 0 and function.owner is not None and not function.decorated("staticmethod"):
            known[one.arg] = (
                analysis.shared(function.owner) if not function.decorated("classmethod") else thing(function.owner)
            )
        elif kind == "fastapi":
            known[one.arg] = _asked(frame, function, one)
        else:
            known[one.arg] = _given(frame, function, one, kind, converters)
    if function.node.args.kwarg is not None and function.wrapped is not None:
        inner = parameters(analysis, function.wrapped, kind)
        rest = [pair for pair in inner.items() if pair[0] not in known]
        known[function.node.args.kwarg.arg] = container("dict", rest)
    elif function.node.args.kwarg is not None and kind in {"flask", "django"}:
        marks = web.marked(frame, function.node, "path")
        known[function.node.args.kwarg.arg] = Value(marks=marks, kind="dict", sure=True)
    return known


def _given(frame: Frame, function: Function, one: ast.arg, kind: str, converters: dict[str, str]) -> Value:
    """A parameter in Flask and Django, and of functions that answer no request."""
    declared = annotated(frame, one.annotation) if one.annotation is not None else UNKNOWN
    if one.arg in {"request", "req", "request_", "http_request"} and not (declared.names or declared.things):
        return named(web.DJANGO if kind == "django" else web.ANY)
    sent = servers.given(frame, function, one)
    if sent is not None:
        return sent
    default = function.defaults.get(one.arg)
    if kind in {"flask", "django"} and not declared.things:
        if one.arg in converters:
            harmless = converters[one.arg] in {"int", "float", "uuid"} or converters[one.arg].startswith("any(")
        else:
            asked = function.owner is None and kind == "flask"  # routes of class-based views stand elsewhere
            harmless = asked or bool(_NUMBERS.fullmatch(one.arg)) or default is not None
        if _is_harmless(declared) or harmless or _is_object(function, one.arg):
            return Value(kind="number") if _is_harmless(declared) or one.arg in converters else declared
        found = Value(marks=web.marked(frame, one, "path"), kind="text", sure=True)
        return without(found, "/") if servers.slashless(function, one.arg) else found
    if default is not None:
        return join([declared if declared.names or declared.things else UNKNOWN, default])
    return declared


def _is_object(function: Function, name: str) -> bool:
    """Whether a parameter is used as no text can be: then no path of a URL is handed over in it."""
    used = attributes_of(function.node).get(name, frozenset())
    return any(not hasattr(str, attribute) for attribute in used)


def _converters(function: Function) -> Iterator[tuple[str, str]]:
    """The variable parts of the routes of a function: name and converter, as Flask and FastAPI write them."""
    for node in getattr(function.node, "decorator_list", []):
        for text in [
            one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)
        ]:
            for match in re.finditer(r"<(?:([^<>:]+):)?(\w+)>", text):
                yield match[2], match[1] or "string"


def _ended(pattern: str) -> str:
    # Pydantic's expressions are those of Rust, in which `$` is the very end (docs.rs/regex), as `\Z` is here.
    return pattern[:-1] + r"\Z" if pattern.endswith("$") and not pattern.endswith(r"\$") else pattern


def _asked(frame: Frame, function: Function, one: ast.arg) -> Value:
    """A parameter of a FastAPI function: what its annotation and default say that it is."""
    default = function.defaults.get(one.arg)
    declared = annotated(frame, one.annotation) if one.annotation is not None else UNKNOWN
    for value in (default, declared.item("extra")):
        if value is not None and value.item("depends") is not None:
            wanted = value.item("depends") or UNKNOWN
            if not wanted.things and not wanted.names and one.annotation is not None:
                wanted = frame.evaluate(one.annotation)  # `order: Order = Depends()`
            return _depends(frame, wanted)
    found = from_request(frame, one, declared, f"parameter {one.arg}", default)
    return without(found, "/") if servers.slashless(function, one.arg) else found


def _depends(frame: Frame, wanted: Value) -> Value:
    from hardgate.dataflow.calls import invoke  # noqa: PLC0415 - calls needs this module first

    found: list[Value] = []
    for one in wanted.things:
        function = one if isinstance(one, Function) else None
        if isinstance(one, Class):
            start = one.find("__init__")
            made = Instance(one)
            found.append(thing(made))
            for inner in start.things if start is not None else ():
                if isinstance(inner, Function):
                    known = parameters(frame.analysis, inner, "fastapi")
                    invoke(frame, inner, [thing(made)], dict(list(known.items())[1:]))
            if start is None:
                made.names |= {
                    name: from_request(frame, one.node, annotated(frame, value), f"parameter {name}")
                    for name, value in one.annotations.items()
                }
        if function is not None:
            value = invoke(frame, function, [], parameters(frame.analysis, function, "fastapi"))
            found.append(
                value.rest
                if value.rest is not None and value.items is None and value.kind == "list" and _yields(function)
                else value
            )
    return join(found)


def _yields(function: Function) -> bool:
    return any(isinstance(one, ast.Yield) for one in ast.walk(function.node))


def from_request(frame: Frame, node: ast.AST, declared: Value, words: str, default: Value | None = None) -> Value:
    """Data of a request that was converted to a declared type."""
    marks = web.marked(frame, node, words)
    for name in declared.names:
        if name in web.REQUESTS or name.removesuffix("()") in web.REQUESTS:
            return named(web.REQUESTS[name.removesuffix("()")])
    for one in declared.things:
        if isinstance(one, Instance):
            return _model(frame, node, one.owner)
    if _is_harmless(declared) or declared.closed:
        return declared if declared.closed else Value(kind="number")
    pattern = declared.item("pattern") or (default.item("pattern") if default is not None else None)
    value = Value(marks=marks, kind=declared.kind or "text", sure=True)
    if pattern is not None and pattern.texts:
        value = made_safe(value, charsets.safe_after(_ended(pattern.texts[0]), whole=False))
    if declared.item("element") is not None:
        inner = from_request(frame, node, declared.item("element") or UNKNOWN, words)
        return Value(rest=inner, kind="list")
    return value if _is_data(declared) else declared  # a session, a service: not of the request


_DATA = frozenset(
    {"str()", "bytes()", "fastapi.UploadFile()", "starlette.datastructures.UploadFile()", "dict()", "list()"}
)


def _is_data(declared: Value) -> bool:
    typed = any(name.startswith(("pydantic.", "typing.")) for name in declared.names)
    return not declared.names or typed or bool(declared.names & _DATA)


def _model(frame: Frame, node: ast.AST, owner: Class, depth: int = 0) -> Value:
    """An object of a model whose fields were filled from a request; models within models down to `_NESTED`."""
    if web.is_enum(owner) or depth > _NESTED:
        return UNKNOWN
    made = Instance(owner)
    for base in reversed(list(owner.family())):
        for name, annotation in base.annotations.items():
            kind = annotated(frame, annotation)
            inner = next((one.owner for one in kind.things if isinstance(one, Instance)), None)
            made.names[name] = (
                _model(frame, node, inner, depth + 1)
                if inner is not None
                else from_request(frame, node, kind, f"field {name}", base.names.get(name))
            )
            made.names[name] = _validated(frame, owner, name, made.names[name])
    return thing(made)


def _validated(frame: Frame, owner: Class, name: str, value: Value) -> Value:
    """A field after the model's own `@field_validator("name")` or `@validator("name")`."""
    from hardgate.dataflow.calls import invoke  # noqa: PLC0415 - calls needs this module first

    for base in owner.family():
        for held in base.names.values():
            for one in held.things:
                if isinstance(one, Function) and one.decorated("field_validator", "validator") and _is_about(one, name):
                    value = invoke(frame, one, [thing(owner), value], {})
    return value


def _is_about(function: Function, name: str) -> bool:
    decorators = [one for one in getattr(function.node, "decorator_list", []) if isinstance(one, ast.Call)]
    return any(isinstance(arg, ast.Constant) and arg.value in {name, "*"} for one in decorators for arg in one.args)


def annotated(frame: Frame, node: ast.expr | None) -> Value:
    """What an annotation says of a value: names end in `()` for an object of that class."""
    node = _quoted(node)
    if node is None:
        return UNKNOWN
    if isinstance(node, ast.BinOp):  # X | None
        return _any_of(frame, (node.left, node.right))
    if isinstance(node, ast.Subscript):
        return _generic(frame, node)
    value = frame.evaluate(node)
    if value.item("annotation") is not None:
        return value.item("annotation") or UNKNOWN
    objects = [frame.analysis.shared(one) for one in value.things if isinstance(one, Class)]
    return join([*objects, *([named(*(f"{name}()" for name in value.names))] if value.names else [])])


def _quoted(node: ast.expr | None) -> ast.expr | None:
    """The annotation that a text holds; None for a text that is none."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return _quoted(ast.parse(node.value, mode="eval").body)
        except SyntaxError:
            return None
    return node


def _any_of(frame: Frame, nodes: Sequence[ast.expr]) -> Value:
    return join([annotated(frame, one) for one in nodes if not (isinstance(one, ast.Constant) and one.value is None)])


def _annotated(frame: Frame, nodes: Sequence[ast.expr]) -> Value:
    """`Annotated[X, ...]`: the items "extra" (a dependency) and "pattern" hold what stands after the type."""
    kind = annotated(frame, nodes[0])
    extra = [frame.evaluate(one) for one in nodes[1:]]
    items: list[tuple[Const, Value]] = [("extra", one) for one in extra if one.item("depends") is not None]
    items += [("pattern", one.item("pattern") or UNKNOWN) for one in extra if one.item("pattern") is not None]
    return kind.but(items=(*(kind.items or ()), *items)) if items else kind


def _generic(frame: Frame, node: ast.Subscript) -> Value:
    last = ast.unparse(node.value).rpartition(".")[2]
    inner = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    if last == "Literal":
        written = [one.value for one in inner if isinstance(one, ast.Constant)]
        return join([constant(one) for one in written if not isinstance(one, complex | type(...))])
    if last in {"Optional", "Union"}:
        return _any_of(frame, inner)
    if last == "Annotated":
        return _annotated(frame, inner)
    if last.lower() in {"list", "set", "tuple", "sequence", "iterable", "frozenset"} and inner:  # not tuple[()]
        return Value(items=(("element", annotated(frame, inner[0])),), kind="list")
    return Value(kind="dict") if last.lower() in {"dict", "mapping"} else annotated(frame, node.value)


def _is_harmless(declared: Value) -> bool:
    return (
        bool(declared.names)
        and all(name.removesuffix("()") in _HARMLESS for name in declared.names)
        and not declared.things
    )


def converted(owner: Class, name: str, value: Value) -> Value:
    """A field of a model after the value was converted to the field's type; dataclasses convert nothing."""
    annotation = next((one.annotations[name] for one in owner.family() if name in one.annotations), None)
    if annotation is None or not owner.derived("BaseModel", "BaseSettings", "Schema", "Struct", "SQLModel"):
        return value
    words = set(re.findall(r"[\w.]+", ast.unparse(annotation))) - {"None", "Optional", "Annotated", "Field"}
    return Value(kind="number") if words and words <= _HARMLESS | {"UUID", "Decimal", "Literal"} else value
