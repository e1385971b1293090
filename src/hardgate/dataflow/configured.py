"""Objects of libraries whose settings decide later what they do: parsers and readers; and data written to a file.

A parser that puts external entities in carries the name OPEN beside its own, an unsafe reader of YAML the name
UNSAFE_YAML.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from hardgate.dataflow import charsets
from hardgate.dataflow.assigning import changed
from hardgate.dataflow.frame import Call
from hardgate.dataflow.given import Result, each, plain
from hardgate.dataflow.library import LIBRARY
from hardgate.dataflow.project import Class, Function, Instance
from hardgate.dataflow.values import UNKNOWN, Value, join, made_safe

OPEN = "parser-with-external-entities"
UNSAFE_YAML = "reader-of-any-object"
# docs.python.org/3/library/xml.sax.handler.html
_FEATURES = re.compile(r"feature_external_[gp]es$|external-(general|parameter)-entities$")
# What the content of a file can do harm to; its name, which was not from outside, does none.
_CONTENT = frozenset({"xml", "unpickle"})


def _true(value: Value | None) -> bool:
    return value is not None and any(one is True or (isinstance(one, int) and one == 1) for one in value.some)


def _false(value: Value | None) -> bool:
    return value is not None and any(one is False or (isinstance(one, int) and one == 0) for one in value.some)


def opens(call: Call) -> bool:
    """Whether the arguments of an lxml parser open it to external entities (lxml.de/parsing.html#parser-options)."""
    entities = call.arg(None, "resolve_entities")
    if entities is not None and (_true(entities) or "all" in entities.texts):
        return True
    loads = (
        _true(call.arg(None, "load_dtd"))
        or _true(call.arg(None, "dtd_validation"))
        or _true(call.arg(None, "attribute_defaults"))
    )
    return loads and _false(call.arg(None, "no_network"))


def _xml_parser(call: Call) -> Value:
    names = frozenset(f"{name}()" for name in call.names)
    return Value(names=names | {OPEN} if opens(call) else names)


def _feature(call: Call) -> Value:
    """`reader.setFeature(feature_external_ges, True)` changes the reader."""
    feature, value = call.arg(0, "name"), call.arg(1, "state", "value")
    if feature is None or value is None or not any(_FEATURES.search(one) for one in (*feature.names, *feature.texts)):
        return UNKNOWN
    closed = value.closed and not any(value.some)
    names = call.receiver.names - {OPEN} if closed else call.receiver.names | {OPEN}
    _change(call, names)
    return UNKNOWN


def _change(call: Call, names: frozenset[str], up: int = 0) -> None:
    node = call.node.func if isinstance(call.node, ast.Call) else None
    target: ast.expr | None = node.value if isinstance(node, ast.Attribute) else None
    if up and isinstance(target, ast.Attribute):
        target = target.value
    if target is not None:
        changed(call.frame, target, call.frame.evaluate(target).but(names=names))


def _resolver(call: Call) -> Value:
    """`reader.setEntityResolver(x)`, `parser.resolvers.add(x)`: one that refuses closes the parser."""
    added = "add" in call.last
    if added and not any(".resolvers" in name for name in call.names):
        return _base("add", call)
    if call.args and any(_refuses(one) for one in _methods(call.args[0])):
        target = call.receiver
        names = target.names
        if (
            added
            and isinstance(call.node, ast.Call)
            and isinstance(call.node.func, ast.Attribute)
            and isinstance(call.node.func.value, ast.Attribute)
        ):
            names = call.frame.evaluate(call.node.func.value.value).names
        _change(call, names - {OPEN}, 1 if added else 0)
    return UNKNOWN


def _methods(value: Value) -> Iterator[Function]:
    for one in value.things:
        owner = one.owner if isinstance(one, Instance) else one if isinstance(one, Class) else None
        for name in ("resolveEntity", "resolve"):
            found = owner.find(name) if owner is not None else None
            yield from (inner for inner in found.things if isinstance(inner, Function)) if found is not None else ()


def _refuses(function: Function) -> bool:
    text = ast.unparse(function.node)
    if re.search(r"resolve_filename|resolve_file|urlopen|open\(|requests\.|httpx\.", text):
        return False
    return bool(
        re.search(
            r"\braise\b|resolve_empty|resolve_string\(['\"]{2}|BytesIO\(b?['\"]{2}\)|StringIO\(['\"]{2}\)|BytesIO\(\)|StringIO\(\)",
            text,
        )
    )


def _yaml(call: Call) -> Value:
    """`ruamel.yaml.YAML(typ="unsafe")`."""
    kind = call.arg(0, "typ")
    unsafe = kind is not None and any(text == "unsafe" for one in (kind, kind.every()) for text in one.texts)
    return Value(names=frozenset({"ruamel.yaml.YAML()", *([UNSAFE_YAML] if unsafe else [])}))


def _json(call: Call) -> Value:
    """`json.loads(text, object_hook=revive)`: each object in the text goes through the hook."""
    from hardgate.dataflow.pythonic import apply  # noqa: PLC0415 - kept beside its one use

    value = LIBRARY["json.loads"](call)
    hook = call.arg(None, "object_hook", "object_pairs_hook")
    if hook is None or not hook.things or not value.deep():
        return value
    return join([value, apply(call, hook, [Value(marks=value.deep(), kind="dict")])])


def _written(call: Call) -> Value:
    """`path.write_bytes(data)`, `upload.save(path)`: whoever reads the file gets the data."""
    node = call.node
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not call.args:
        return plain(call)
    saved = "save" in call.last
    marks = call.receiver.deep() if saved else call.args[0].deep()
    target = node.args[0] if saved and node.args else node.func.value
    holder = call.args[0] if saved else call.receiver
    while isinstance(target, ast.Call) and len(target.args) == 1:
        target = target.args[0]  # `upload.save(str(path))`
    if marks and isinstance(target, ast.Name | ast.Attribute):
        content = made_safe(Value(marks=marks), charsets.FAMILIES - _CONTENT)
        changed(call.frame, target, holder.but(marks=holder.marks | content.marks))
    return UNKNOWN if not saved else plain(call)


def _base(name: str, call: Call) -> Value:
    from hardgate.dataflow.methods import METHODS  # noqa: PLC0415 - kept beside its one use

    handler = METHODS.get(name)
    return handler(call) if handler is not None else plain(call)


_LXML = ("lxml.etree.", "lxml.objectify.")
CONFIGURED: dict[str, Result] = {
    **each(
        (
            f"{one}{name}"
            for one in _LXML
            for name in ("XMLParser", "XMLPullParser", "ETCompatXMLParser", "makeparser", "XMLTreeBuilder")
        ),
        _xml_parser,
    ),
    **each(("ruamel.yaml.YAML", "ruamel.yaml.main.YAML", "ruyaml.YAML"), _yaml),
    "json.loads": _json,
}
CONFIGURED_METHODS: dict[str, Result] = {
    "setFeature": _feature,
    **each(("setEntityResolver", "add"), _resolver),
    **each(("write_bytes", "write_text", "save"), _written),
}
