"""Pages made of data from outside: script for the reader's browser, programs for the template engine."""

from __future__ import annotations

import ast
import re

from hardgate.dataflow import web
from hardgate.dataflow.families.common import Checks, refuse, table
from hardgate.dataflow.frame import Call
from hardgate.dataflow.project import Function
from hardgate.dataflow.responses import RESPONSES, body_of, type_of
from hardgate.dataflow.values import HOLE, UNKNOWN, Value

XSS, TEMPLATE = "python-cross-site-scripting", "python-template-injection"
_PAGE = "Data from outside is sent back as HTML without escaping."
_TRUSTED = "Data from outside is marked as HTML that needs no escaping."
# Types that a browser shows as a page, with the script in it.
_HTML = re.compile(r"\s*(text/html|application/xhtml\+xml|image/svg\+xml)", re.IGNORECASE)


def _returned(call: Call) -> None:
    """What a function that answers requests gives back."""
    entry, function = call.frame.entry, call.frame.function
    if function is not None and function.covered:
        return  # a decorator makes the page of it
    value, declared = _split(call.args[0])
    if type_of(value) is not None:
        if _is_html(declared or type_of(value)):
            refuse(call, body_of(value), "xss", XSS, _PAGE)
    elif declared is not None and not _is_html(declared):
        return
    elif (entry in {"flask", "hook"} or (entry == "fastapi" and _html_route(call))) and _textual(value):
        refuse(call, value, "xss", XSS, _PAGE)


def _split(value: Value) -> tuple[Value, Value | None]:
    """The body of `return body, status, headers`, and the type that the headers tell."""
    if value.kind != "tuple" or value.item(0) is None:
        return value, None
    for one in (value.item(1), value.item(2)):
        for key, held in (one.items or ()) if one is not None else ():
            if str(key).lower() == "content-type":
                return value.item(0) or UNKNOWN, held
    return value.item(0) or UNKNOWN, None


def _is_html(kind: Value | None) -> bool:
    if kind is None:
        return False
    known = [str(one) for one in kind.some if isinstance(one, str)] or ([kind.text] if kind.text else [])
    return any(_HTML.match(one.replace(HOLE, " ")) for one in known)


_WHOLE = (
    ".get_json()",
    ".json",
    ".args",
    ".form",
    ".values",
    ".to_dict()",
    ".json()",
    ".files",
    ".cookies",
    ".get_data()",
)
_MAKING_TEXT = (
    "markdown.", "markdown2.", "mistune.", "commonmark.", "docutils.", "json.dumps()", "simplejson.dumps()",
    "textwrap.", "str.", "base64.", "zlib.", "repr()", "urllib.parse.", "markupsafe.", "html.", "re.",
    "django.utils.", "bleach.", "pprint.", "string.", "rendered()", "jinja2.", "mako.", "tornado.",
    "<markup>", "io.StringIO()", "traceback.", "flask.escape",
)  # fmt: skip
_REQUESTS = ("flask.request", "quart.request", "web.request", "starlette.request", "django.request")


def _textual(value: Value) -> bool:
    """Whether it is a text, which is shown as a page, and no table, which is sent as JSON, or something unknown."""
    if value.kind in {"dict", "list", "tuple", "number", "set"} or value.things:
        return False
    if value.kind in {"text", "bytes"} or value.text is not None or not value.names:
        return value.items is None
    return any(
        name.startswith(_MAKING_TEXT) or (name.startswith(_REQUESTS) and not name.endswith(_WHOLE))
        for name in value.names
    )


def _html_route(call: Call) -> bool:
    """Whether FastAPI sends what the function gives back as HTML."""
    function = call.frame.function
    decorators = getattr(function.node, "decorator_list", []) if function is not None else []
    for one in decorators:
        for keyword in one.keywords if isinstance(one, ast.Call) else []:
            if keyword.arg == "response_class":
                return "HTML" in ast.unparse(keyword.value)
    return any(
        isinstance(node, ast.Call)
        and any(one.arg == "default_response_class" and "HTML" in ast.unparse(one.value) for one in node.keywords)
        for part in call.frame.module.tree.body
        if isinstance(part, ast.Assign)
        for node in ast.walk(part)
    )


def _response(call: Call) -> None:
    """A response that is made where nobody is seen to return it: in middleware, in helpers of other frameworks."""
    name = next((one for one in call.names if one in RESPONSES), None)
    if name is None or not any(one.deep() for one in call.all()):
        return
    roots = call.frame.analysis.active
    root = roots[0] if roots else None
    if isinstance(root, Function) and web.entry_of(root):
        return
    made = RESPONSES[name](call)
    if _is_html(type_of(made)):
        refuse(call, body_of(made), "xss", XSS, _PAGE)


# https://markupsafe.palletsprojects.com/, https://docs.djangoproject.com/en/stable/ref/utils/#module-django.utils.safestring
_SAFE_TEXTS = re.compile(r"(.*\.)?(Markup|mark_safe|SafeString|SafeText|SafeData|literal)")


def _markup(call: Call) -> None:
    if any(_SAFE_TEXTS.fullmatch(name) for name in call.names):
        refuse(call, call.arg(0, "base", "s", "object"), "xss", XSS, _TRUSTED)


def _format_html(call: Call) -> None:
    """`format_html(template, ...)`: the arguments are escaped, and that is not enough everywhere."""
    name = next((one for one in call.names if one in RESPONSES), None)
    if name is not None:
        refuse(call, RESPONSES[name](call), "xss", XSS, _TRUSTED)


def _written(call: Call) -> None:
    """`self.write(...)` of Tornado, `self.wfile.write(...)` of http.server."""
    handler = any("tornado.web.RequestHandler()" in name for name in call.names)
    if handler and call.args and call.args[0].kind not in {"dict", "list"}:
        refuse(call, call.args[0], "xss", XSS, _PAGE)


_SOURCE = "Data from outside becomes the text of a template, which is a program."
# What takes the text of a template: names, and the keyword of the text. Sandboxes are made for templates of others.
# https://jinja.palletsprojects.com/en/stable/api/, https://docs.makotemplates.org/en/latest/usage.html,
# https://docs.djangoproject.com/en/stable/ref/templates/api/, https://www.tornadoweb.org/en/stable/template.html,
# https://chameleon.readthedocs.io/en/latest/reference.html, https://genshi.edgewall.org/wiki/Documentation
_TEMPLATES = re.compile(
    r"(jinja2(\.environment|\.nativetypes)?\.(Native)?Template|django\.template(\.base)?\.Template|mako\.template\.Template"
    r"|tornado\.template\.Template|Cheetah\.Template\.Template|chameleon(\.\w+)*\.Page(Text)?Template|airspeed\.Template"
    r"|genshi\.template(\.\w+)?\.\w*Template|bottle\.(template|\w*_template|\w*Template)|web\.template\.Template|kajiki\.\w+Template"
    r"|kajiki\.Template|flask\.(render|stream)_template_string|quart\.(render|stream)_template_string|wheezy\.\w+\.Template"
    r"|flask\.templating\.(render|stream)_template_string|starlette\.templating\._TemplateResponse|pyratemp\.Template|liquid\.Template)"
)
_TEXT = ("source", "text", "template_string", "template", "template_code", "body", "template_str")
_ENVIRONMENT = re.compile(r"env|engine|jinja|template|tmpl", re.IGNORECASE)


def _template(call: Call) -> None:
    if any(_TEMPLATES.fullmatch(name) for name in call.names):
        refuse(call, call.arg(0, *_TEXT), "template", TEMPLATE, _SOURCE)


def _environment(call: Call) -> None:
    """`environment.from_string(text)` and its kin, of Jinja2 and of Django's engines."""
    names = " ".join(call.names)
    if "andbox" in names or not isinstance(call.node, ast.Call) or not isinstance(call.node.func, ast.Attribute):
        return
    if _ENVIRONMENT.search(names) or _ENVIRONMENT.search(ast.unparse(call.node.func.value)):
        position = 1 if call.last & {"put_string"} else 0
        refuse(call, call.arg(position, *_TEXT), "template", TEMPLATE, _SOURCE)


def _loader(call: Call) -> None:
    """`DictLoader({"page": text})`: any of the texts may be rendered."""
    if any("Loader" in name for name in call.names):
        for _, one in call.args[0].items or () if call.args else ():
            if refuse(call, one, "template", TEMPLATE, _SOURCE):
                return
        refuse(call, call.args[0].rest if call.args else None, "template", TEMPLATE, _SOURCE)


_FILES = re.compile(r"(^|[/\\])(templates?|jinja2?|mako)([/\\]|$)", re.IGNORECASE)


def _file(call: Call) -> None:
    """Data written into a file below `templates`, which is rendered later."""
    place = call.receiver.text or ""
    if _FILES.search(place.replace(HOLE, "")) and not place.endswith((".json", ".txt.log")):
        refuse(call, call.arg(0, "data"), "template", TEMPLATE, "Data from outside is stored as a template file.")


RULES = (XSS, TEMPLATE)
CHECKS: Checks = table(
    (_returned, ("return",)),
    (_response, sorted({name.rpartition(".")[2] for name in RESPONSES if "Response" in name or name.endswith("html")})),
    (_markup, ("Markup", "mark_safe", "SafeString", "SafeText", "literal")),
    (_format_html, ("format_html", "format_html_join")),
    (_written, ("write", "finish")),
    (_template, (
        "Template", "NativeTemplate", "render_template_string", "stream_template_string", "PageTemplate",
        "PageTextTemplate", "MarkupTemplate", "TextTemplate", "NewTextTemplate", "OldTextTemplate", "template",
        "jinja2_template", "mako_template", "SimpleTemplate", "XMLTemplate", "Jinja2Template", "MakoTemplate",
    )),
    (_environment, ("from_string", "compile_expression", "put_string")),
    (_loader, ("DictLoader", "FunctionLoader")),
    (_file, ("write_text", "write_bytes")),
)  # fmt: skip
