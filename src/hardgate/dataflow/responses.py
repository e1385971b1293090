"""Responses and of which type they are; what escapes a text for a page, and what marks it as escaped.

A response is a Value with the items "body" and "type".
"""

from __future__ import annotations

import ast

from hardgate.dataflow import markup, texts
from hardgate.dataflow.assigning import changed, element
from hardgate.dataflow.frame import Call
from hardgate.dataflow.given import Result, each, plain
from hardgate.dataflow.markup import ANYWHERE, ESCAPED, MARKUP
from hardgate.dataflow.values import UNKNOWN, Value, constant, made_safe, with_item


def _names(call: Call) -> frozenset[str]:
    return frozenset(f"{name}()" for name in call.names)


# Responses: the default type, and where the body and the type stand among the arguments.
def response(default: str, body: tuple[str, ...], kind: int | None = None, words: tuple[str, ...] = ()) -> Result:
    """What makes a response: keywords of the body (also the first argument); position and keywords of the type."""

    def handler(call: Call) -> Value:
        content = call.arg(0, *body) or UNKNOWN
        if content.item("type") is not None:
            return content
        given = call.arg(kind, "content_type", *words) or _header(call.arg(None, "headers"))
        if given is None or (given.known and given.const is None):
            given = _header(call.arg(2)) or constant(default)
        return Value(names=_names(call), items=(("body", content), ("type", given)))

    return handler


def _header(headers: Value | None) -> Value | None:
    for key, value in (headers.items or ()) if headers is not None else ():
        if str(key).lower() == "content-type":
            return value
        first = value.item(0)
        if first is not None and first.known and str(first.const).lower() == "content-type":
            return value.item(1)
    return None


def type_of(value: Value) -> Value | None:
    """The type of a response as it is at the end; None for what is no response."""
    if value.item("type") is None:
        return None
    later = [value.item(f".{name}") for name in ("content_type", "mimetype", "media_type")]
    later += [_header(value), _header(value.item(".headers"))]
    return next((one for one in later if one is not None), value.item("type"))


def body_of(value: Value) -> Value:
    """What a response holds, also what was put or written into it later."""
    later = [value.item(f".{name}") for name in ("data", "content", "body", "text", "response")]
    held = next((one for one in later if one is not None), value.item("body") or UNKNOWN)
    return held.but(marks=held.marks | value.marks) if value.marks else held


def _wrapped(call: Call) -> Value:
    """`make_response(body, status, headers)`."""
    content = call.args[0] if call.args else UNKNOWN
    if content.kind == "tuple" and content.item(0) is not None:
        return _wrapped(
            Call(call.frame, call.node, call.names, call.last, UNKNOWN, [one for _, one in content.items or ()], {})
        )
    if content.item("type") is not None:
        return content
    if content.kind in {"dict", "list"}:
        return Value(names=_names(call))
    given = next((found for one in call.args[1:] if (found := _header(one)) is not None), constant("text/html"))
    return Value(names=_names(call), items=(("body", content), ("type", given)))


def _formatted_html(call: Call) -> Value:
    """`format_html(template, ...)`: the template itself is not escaped."""
    template = call.args[0] if call.args else UNKNOWN
    args, kwargs = (
        [markup.escaped(one) for one in call.args[1:]],
        {k: markup.escaped(v) for k, v in call.kwargs.items()},
    )
    made = texts.formatted(template, args, kwargs, markup.escaped(call.spread) if call.spread is not None else None)
    return made.but(names=frozenset({"django.utils.html.format_html()"}), kind="text")


def _formatted_list(call: Call) -> Value:
    template, rows = call.arg(1, "format_string") or UNKNOWN, element(call.arg(2, "args_generator") or UNKNOWN)
    cells = [markup.escaped(one) for _, one in rows.items or ()] or [markup.escaped(Value(marks=rows.deep()))] * 4
    return texts.formatted(template, cells, {}).but(names=frozenset({"django.utils.html.format_html()"}), kind="text")


def _undone(call: Call) -> Value:
    value = call.args[0] if call.args else call.receiver
    return markup.undone(
        Value(marks=value.deep(), kind="text"), (*ANYWHERE, "header", "redirect", "template", "sql", "command")
    )


def _markup(call: Call) -> Value:
    value = (call.args[0] if call.args else UNKNOWN).but(kind="text")
    if any("Markup" in name for name in call.names):
        return value.but(names=_names(call) | {MARKUP})
    return value.but(names=_names(call))


def _escape(*families: str, markupsafe: bool = False) -> Result:
    def handler(call: Call) -> Value:
        value = call.args[0] if call.args else call.receiver
        if markupsafe and MARKUP in value.names:
            return value
        quote = call.arg(1, "quote")
        chosen = families if quote is None or not (quote.known and not quote.const) else ("xss", "xml")
        return made_safe(
            Value(marks=value.deep(), kind="text", names=_names(call) | ({MARKUP} if markupsafe else set())), chosen
        )

    return handler


def _autoescaped(call: Call) -> Value:
    """`linebreaks(text, autoescape=True)`: by default they escape nothing."""
    wanted = call.arg(None, "autoescape")
    made = Value(marks=_first(call).deep(), kind="text", names=_names(call))
    return made_safe(made, ESCAPED) if wanted is not None and wanted.known and wanted.const else made


def _set_data(call: Call) -> Value:
    if isinstance(call.node, ast.Call) and isinstance(call.node.func, ast.Attribute) and call.args:
        changed(call.frame, call.node.func.value, with_item(call.receiver, constant(".data"), call.args[0]))
    return UNKNOWN


def _first(call: Call) -> Value:
    return call.args[0] if call.args else UNKNOWN


_HTML = "text/html"
_DJANGO = (
    "HttpResponse", "HttpResponseNotFound", "HttpResponseBadRequest", "HttpResponseForbidden",
    "HttpResponseServerError", "HttpResponseGone", "HttpResponseNotAllowed", "StreamingHttpResponse",
)  # fmt: skip
_STARLETTE = ("fastapi.responses", "starlette.responses", "fastapi")
_FLASK = response(_HTML, ("response",), 3, ("mimetype",))
_ASGI = response("", ("content",), 3, ("media_type",))
_ASGI_PAGE = response(_HTML, ("content",), 3, ("media_type",))
_ASGI_TEXT = response("text/plain", ("content",), 3, ("media_type",))
_WEBOB = response(_HTML, ("body", "text"))
RESPONSES: dict[str, Result] = {
    # https://flask.palletsprojects.com/en/stable/api/#flask.Response
    **each((
        "flask.Response", "werkzeug.wrappers.Response", "werkzeug.Response", "quart.Response",
        "flask.wrappers.Response", "flask.current_app.response_class", "werkzeug.wrappers.response.Response",
    ), _FLASK),
    **each(("flask.make_response", "quart.make_response", "flask.current_app.make_response"), _wrapped),
    "flask.stream_with_context": _first,
    "flask.helpers.stream_with_context": _first,
    # https://docs.djangoproject.com/en/stable/ref/request-response/#httpresponse-objects
    **each((f"{one}.{name}" for name in _DJANGO for one in ("django.http", "django.http.response")),
           response(_HTML, ("content", "streaming_content"), 1)),
    # https://www.starlette.io/responses/
    **each((f"{one}.HTMLResponse" for one in _STARLETTE), _ASGI_PAGE),
    **each((f"{one}.{name}" for one in _STARLETTE for name in ("Response", "StreamingResponse")), _ASGI),
    **each((f"{one}.PlainTextResponse" for one in _STARLETTE), _ASGI_TEXT),
    # https://docs.aiohttp.org/en/stable/web_reference.html#response, https://sanic.dev/en/guide/basics/response.html
    "aiohttp.web.Response": response("text/plain", ("text", "body")),
    **each(("sanic.response.html", "sanic.html"), response(_HTML, ("body",))),
    # https://docs.pylonsproject.org/projects/webob/en/stable/, https://bottlepy.org/docs/stable/api.html#the-response-object
    **each(("pyramid.response.Response", "webob.Response", "bottle.HTTPResponse", "bottle.Response"), _WEBOB),
    # https://docs.python.org/3/library/html.html, https://docs.djangoproject.com/en/stable/ref/utils/#module-django.utils.html
    **each((
        "html.escape", "cgi.escape", "django.utils.html.escape", "django.utils.html.conditional_escape",
        "werkzeug.utils.escape", "tornado.escape.xhtml_escape", "bleach.clean", "nh3.clean", "bottle.html_escape",
        "bleach.Cleaner().clean", "bleach.sanitizer.Cleaner().clean", "nh3.Cleaner().clean",
        "lxml.html.clean.clean_html", "lxml.html.clean.Cleaner().clean_html", "lxml_html_clean.clean_html",
        "lxml_html_clean.Cleaner().clean_html", "html_sanitizer.Sanitizer().sanitize",
        "webob.html_escape",
    ), _escape(*ESCAPED)),
    # https://markupsafe.palletsprojects.com/en/stable/escaping/
    **each((
        "markupsafe.escape", "flask.escape", "jinja2.escape", "markupsafe.escape_silent", "jinja2.utils.escape",
        "flask.Markup.escape", "markupsafe.Markup.escape",
    ), _escape(*ESCAPED, markupsafe=True)),
    **each((
        "django.utils.html.escapejs", "xml.sax.saxutils.quoteattr", "flask.json.htmlsafe_dumps",
        "jinja2.utils.htmlsafe_json_dumps", "django.utils.html.json_script",
    ), _escape(*ANYWHERE)),
    **each((
        "xml.sax.saxutils.escape", "django.utils.html.strip_tags", "bleach.linkify", "jinja2.filters.do_striptags",
        "nh3.clean_text",
    ), _escape("xss", "xml")),
    **each(("xml.sax.saxutils.unescape", "tornado.escape.xhtml_unescape"), _undone),
    **each(("django.utils.html.linebreaks", "django.utils.html.urlize", "django.utils.text.linebreaks"), _autoescaped),
    "django.utils.html.format_html": _formatted_html,
    "django.utils.html.format_html_join": _formatted_list,
    **each((
        "markupsafe.Markup", "flask.Markup", "jinja2.Markup", "django.utils.safestring.mark_safe",
        "django.utils.safestring.SafeString", "django.utils.safestring.SafeText", "django.utils.html.mark_safe",
    ), _markup),
}  # fmt: skip
RESPONSES_METHODS: dict[str, Result] = {
    "set_data": _set_data,
    "unescape": lambda call: _undone(call) if MARKUP in call.receiver.names else plain(call),
}
