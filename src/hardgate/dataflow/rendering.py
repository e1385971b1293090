"""Templates, and what they make of the values that they are given.

A template is a Value with the items "source" and "escape", an environment one with "escape" and "mapping".
"""

from __future__ import annotations

import dataclasses
import re

from hardgate.dataflow import texts
from hardgate.dataflow.assigning import element
from hardgate.dataflow.frame import Call
from hardgate.dataflow.given import Result, each, plain
from hardgate.dataflow.markup import ANYWHERE, ESCAPED
from hardgate.dataflow.project import Instance
from hardgate.dataflow.values import UNKNOWN, Const, Value, constant, container, join, made_safe, with_item

_TOKEN = re.compile(r"(\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\})", re.DOTALL)
_MAKO = re.compile(r"(\$\{.*?\})", re.DOTALL)
_DOLLAR = re.compile(r"(\$\{\w+\}|\$\w+)")
_HARMLESS_FILTERS = frozenset({
    "escape", "e", "forceescape", "force_escape", "striptags", "h", "x", "length", "int", "float", "round", "count",
    "wordcount", "filesizeformat", "date", "slugify", "floatformat", "intcomma",
})  # fmt: skip
_ENCODING_FILTERS = frozenset(
    {"tojson", "escapejs", "urlencode", "u", "json_script", "int", "float", "slugify", "length"}
)
_RAW_FILTERS = frozenset({"safe", "n", "raw", "safeseq"})


def _names(call: Call) -> frozenset[str]:
    return frozenset(f"{name}()" for name in call.names)


def _on(value: Value | None, default: bool) -> Value:
    if value is None:
        return constant(default)
    if value.closed and value.some:
        return constant(any(value.some))
    if value.item("default") is not None:
        return value.item("default") or UNKNOWN
    return constant(True)


def _environment(call: Call) -> Value:
    loader = call.arg(None, "loader")
    return Value(names=_names(call), items=(
        ("escape", _on(call.arg(None, "autoescape"), default="jinja2" not in " ".join(call.names))),
        ("mapping", (loader.item("mapping") if loader is not None else None) or UNKNOWN),
    ))  # fmt: skip


def _select(call: Call) -> Value:
    return Value(names=_names(call), items=(("default", _on(call.arg(None, "default_for_string"), default=True)),))


def _made(source: Value, escape: Value, names: frozenset[str]) -> Value:
    return Value(names=names, items=(("source", source), ("escape", escape)))


def _template(call: Call) -> Value:
    source = call.arg(0, "source", "text", "template_string", "template", "body") or UNKNOWN
    plain_text = any(name.startswith(("jinja2.", "string.", "mako.")) for name in call.names)
    escape = _on(call.arg(None, "autoescape"), default=not plain_text)
    filters = call.arg(None, "default_filters")
    if filters is not None and "h" in {text for _, one in filters.items or () for text in one.texts}:
        escape = constant(True)
    return _made(source, escape, _names(call))


def _from_string(call: Call) -> Value:
    source = call.arg(0, "source", "template_code") or UNKNOWN
    escape = call.receiver.item(".autoescape") or call.receiver.item("escape") or constant(True)
    return _made(source, escape, _names(call))


def _get_template(call: Call) -> Value:
    name = call.arg(0, "name", "template_name")
    mapping = call.receiver.item("mapping") or UNKNOWN
    known = [mapping.item(text) for text in name.texts] if name is not None else []
    source = join([one for one in known if one is not None] or [mapping.every()])
    escape = call.receiver.item(".autoescape") or call.receiver.item("escape") or constant(True)
    return _made(source, escape, _names(call))


def _render(call: Call) -> Value:
    template = call.receiver
    source = template.item("source") if template.items is not None else None
    if source is None:
        # A template of which nothing is known: files, and what they escape.
        return made_safe(plain(call), ANYWHERE) if call.last & {"render_async", "generate"} else _rendered_file(call)
    escape = template.item("escape") or constant(True)
    given = [one for one in call.args[:1] if one.items is not None or one.rest is not None or one.marks]
    if any("Context(off)" in one.names for one in given):
        escape = constant(False)
    return rendered(source, escape, _context(given, call), _syntax(template.names))


def _rendered_file(call: Call) -> Value:
    return made_safe(plain(call), ESCAPED)


def _context(given: list[Value], call: Call) -> Value:
    made = given[0] if given else container("dict", [])
    for key, value in call.kwargs.items():
        made = with_item(made, constant(key), value)
    if call.spread is not None:
        made = made.but(marks=made.marks | call.spread.deep())
    return made


def _syntax(names: frozenset[str]) -> re.Pattern[str]:
    if any(name.startswith("mako") for name in names):
        return _MAKO
    return _DOLLAR if any(name.startswith("string.") for name in names) else _TOKEN


def _from_text(call: Call) -> Value:
    """`render_template_string(source, **context)`."""
    given = call.args[1:2]
    return rendered(call.arg(0, "source") or UNKNOWN, constant(True), _context(given, call), _TOKEN)


def _substitute(call: Call) -> Value:
    source = call.receiver.item("source") if call.receiver.items is not None else None
    if source is None or not any(name.startswith("string.") for name in call.receiver.names):
        return plain(call)
    if source.closed and source.texts:
        return rendered(source, constant(False), _context(call.args[:1], call), _DOLLAR)
    return Value(marks=source.deep() | _context(call.args[:1], call).deep(), kind="text", text="\0")


def rendered(source: Value, escape: Value, context: Value, syntax: re.Pattern[str]) -> Value:
    """The text that a template makes of a context."""
    on = not (escape.closed and not any(escape.some))
    if source.deep():
        return Value(kind="text", names=frozenset({"rendered()"}))  # told of as template injection
    if not source.closed or not source.texts:
        marks = Value(marks=context.deep(), kind="text", text="\0")
        return made_safe(marks, ESCAPED) if on else marks
    return join([_filled(text, on, context, syntax) for text in source.texts])


def _filled(text: str, on: bool, context: Value, syntax: re.Pattern[str]) -> Value:
    place = _Place(context, [on])
    for part in syntax.split(text):
        if not part.startswith(("{{", "{%", "{#", "$")):
            place.pieces.append(constant(part))
        elif part.startswith("{%"):
            _tag(place, part.strip("{}%-+ \n"))
        elif not part.startswith("{#"):
            place.pieces.append(_expression(place, part.strip("${}-+ \n"), on=place.escape[-1]))
    return texts.joined(place.pieces)


@dataclasses.dataclass(slots=True)
class _Place:
    """How far a template has been filled: whether it escapes, by the blocks around; what its own names stand for."""

    context: Value
    escape: list[bool]
    bound: dict[str, Value] = dataclasses.field(default_factory=dict)
    pieces: list[Value] = dataclasses.field(default_factory=list)


def _tag(place: _Place, tag: str) -> None:
    words = tag.split()
    if words[:1] == ["autoescape"]:
        place.escape.append(words[-1] not in {"off", "false", "False", "None"})
    elif words[:1] == ["endautoescape"] and len(place.escape) > 1:
        place.escape.pop()
    elif words[:1] == ["raw"] and len(words) > 1:  # Tornado: not escaped
        place.pieces.append(_expression(place, " ".join(words[1:]), on=False))
    elif found := re.match(r"for\s+([\w, ]+?)\s+in\s+(.+)", tag):
        inside = element(_value(found[2], place.context, place.bound))
        place.bound |= {name.strip(): inside for name in found[1].split(",")}
    elif found := re.match(r"(?:set|with)\s+(\w+)\s*=\s*(.+)", tag):
        place.bound[found[1]] = _expression(place, found[2], on=False)


def _expression(place: _Place, expression: str, *, on: bool) -> Value:
    inner, *filters = re.split(r"\|", expression)
    value = _value(inner, place.context, place.bound)
    value = value.but(marks=value.deep(), items=None, rest=None)
    words = {found[0] for one in filters for word in one.split(",") if (found := re.match(r"\w+", word.strip()))}
    if words & _ENCODING_FILTERS:
        return made_safe(value, ANYWHERE)
    if words & _HARMLESS_FILTERS or (on and not words & _RAW_FILTERS):
        return made_safe(value, ESCAPED)
    return value


def _value(expression: str, context: Value, bound: dict[str, Value]) -> Value:
    found: list[Value] = []
    for name in re.findall(r"(?<![\w.'\"])[A-Za-z_]\w*", re.sub(r"'[^']*'|\"[^\"]*\"", "''", expression)):
        held = bound.get(name) or context.item(name)
        if held is None and (context.rest is not None or context.marks):
            held = Value(marks=context.marks | (context.rest.deep() if context.rest is not None else frozenset()))
        if held is not None:
            found.append(held)
    return found[0] if len(found) == 1 else Value(marks=join(found).deep() if found else frozenset())


def _django_context(call: Call) -> Value:
    # RequestContext(request, values), Context(values)
    place = 1 if any("RequestContext" in name for name in call.names) else 0
    given = call.arg(place, "dict_") or container("dict", [])
    off = call.arg(None, "autoescape")
    return given.but(names=frozenset({"Context(off)"})) if off is not None and off.known and not off.const else given


def _as_dict(call: Call) -> Value:
    """`dataclasses.asdict(object)`."""
    found: list[tuple[Const, Value]] = []
    for one in call.args[0].things if call.args else ():
        if isinstance(one, Instance):
            fields = [name for owner in one.owner.family() for name in owner.annotations]
            found += [(name, one.names.get(name) or one.owner.find(name) or UNKNOWN) for name in fields]
    return container("dict", found) if found else plain(call)


def _loader(call: Call) -> Value:
    return Value(names=_names(call), items=(("mapping", call.arg(0, "mapping") or UNKNOWN),))


RENDERING: dict[str, Result] = {
    # https://jinja.palletsprojects.com/en/stable/api/#jinja2.Environment: autoescape is off unless asked for
    **each((
        "jinja2.Environment", "jinja2.environment.Environment", "jinja2.sandbox.SandboxedEnvironment",
        "jinja2.sandbox.ImmutableSandboxedEnvironment", "jinja2.nativetypes.NativeEnvironment",
        # https://docs.djangoproject.com/en/stable/ref/templates/api/#django.template.Engine
        "django.template.Engine", "django.template.engine.Engine",
    ), _environment),
    "jinja2.select_autoescape": _select,
    **each(("jinja2.DictLoader", "jinja2.loaders.DictLoader"), _loader),
    # https://docs.makotemplates.org/en/latest/filtering.html, https://www.tornadoweb.org/en/stable/template.html
    **each((
        "jinja2.Template", "jinja2.environment.Template", "django.template.Template", "django.template.base.Template",
        "mako.template.Template", "tornado.template.Template", "string.Template",
    ), _template),
    **each((
        "django.template.Context", "django.template.RequestContext", "django.template.context.Context",
    ), _django_context),
    **each((
        "flask.render_template_string", "flask.stream_template_string", "quart.render_template_string",
        "flask.templating.render_template_string", "quart.stream_template_string",
    ), _from_text),
    "dataclasses.asdict": _as_dict,
}  # fmt: skip
RENDERING_METHODS: dict[str, Result] = {
    "from_string": _from_string,
    "get_template": _get_template,
    **each(("render", "render_async", "generate", "render_unicode"), _render),
    **each(("substitute", "safe_substitute"), _substitute),
}
