"""Headers of answers, mails and requests: line ends, names and directives from outside in them, and where they lead."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from hardgate.dataflow.families.addresses import led, refreshed
from hardgate.dataflow.families.common import Checks, refuse, table
from hardgate.dataflow.frame import Call
from hardgate.dataflow.values import HOLE, LINE, OURS, Value, constant

_RULE = "python-header-injection"
_LINES = "Data from outside becomes part of a header, and nothing refuses line ends in it."
_NAMES = "Data from outside decides which header is set."
_PARTS = "Data from outside becomes part of a header whose `;` or `,` begins another attribute or directive."
# Headers in which a separator in a value gives more rights; the servers of the frameworks refuse line ends only.
# RFC 6265 section 4.1, https://www.w3.org/TR/CSP3/#grammardef-serialized-policy,
# https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ignore_headers
_STRUCTURED = frozenset({
    "set-cookie", "content-security-policy", "content-security-policy-report-only", "x-accel-redirect", "x-sendfile",
    "x-lighttpd-send-file", "permissions-policy", "feature-policy", "clear-site-data", "strict-transport-security",
})  # fmt: skip
_ANSWER = re.compile(r"(\w*Response|make_response|redirect|render|send_file|response_class)(\(\))?")
_VARIABLE = re.compile(r"(?i)(\w*_)?(response|resp|res|rv|reply|answer|redirect)\d?")


def _pairs(value: Value | None) -> Iterator[tuple[Value, Value]]:
    """Names and values of the headers in a dict, a list of pairs, or what is made of one."""
    if value is None:
        return
    if value.kind in {"list", "tuple", "set"}:
        for one in [*(held for _, held in value.items or ()), *([value.rest] if value.rest else [])]:
            yield one.item(0) or Value(marks=one.marks), one.item(1) or Value(marks=one.marks)
        return
    for key, held in value.items or ():
        yield constant(key), held
    if value.rest is not None or value.items is None:
        yield Value(marks=value.marks), value.rest if value.rest is not None else Value(marks=value.marks)


def _set(call: Call, name: Value, value: Value | None) -> None:
    """A header of a framework's answer."""
    if not name.closed:
        refuse(call, name, "header", _RULE, _NAMES)
    if value is None:
        return
    for text in name.texts:
        word = text.lower()
        if word in {"location"}:
            led(call, value)
        elif word == "refresh":
            refreshed(call, value)
        elif word in _STRUCTURED and not word.startswith("x-"):
            refuse(call, value, "directive", _RULE, _PARTS)
        elif word in _STRUCTURED:
            refuse(call, value, "path", _RULE, _PARTS)


def _headers(call: Call, value: Value | None) -> None:
    for name, held in _pairs(value):
        _set(call, name, held)


def _of_answer(value: Value, node: ast.expr) -> bool:
    """Whether the object is an answer to the request."""
    if any(_ANSWER.fullmatch(name.rpartition(".")[2]) for name in value.names if name.endswith("()")):
        return True
    return isinstance(node, ast.Name) and bool(_VARIABLE.fullmatch(node.id)) and value.kind not in {"dict", "list"}


def _is_headers(value: Value, node: ast.expr) -> bool:
    """Whether the object holds the headers of an answer: `response.headers`, or a Django response itself."""
    if isinstance(node, ast.Attribute) and node.attr in {"headers", "raw_headers"}:
        owner = ast.unparse(node.value)
        return not owner.endswith(("request", "req", "session", "client", "http"))
    return _of_answer(value, node) or value.named(
        "werkzeug.datastructures.Headers()", "starlette.datastructures.MutableHeaders()"
    )


def _item(call: Call) -> None:
    """`response.headers["Name"] = value`, `response["Name"] = value`."""
    if isinstance(call.node, ast.Subscript) and _is_headers(call.receiver, call.node.value):
        _set(call, call.args[0], call.args[1])


def _location(call: Call) -> None:
    """`response.location = address`."""
    node = call.node
    if isinstance(node, ast.Attribute) and _of_answer(call.receiver, node.value):
        led(call, call.args[1])


def _method(call: Call) -> None:
    """`response.headers.set(name, value)`, `.update({...})`, `response.set_header(name, value)`."""
    if not isinstance(call.node, ast.Call) or not isinstance(call.node.func, ast.Attribute):
        return
    if not _is_headers(call.receiver, call.node.func.value):
        return
    if call.last & {"update", "extend"}:
        _headers(call, call.arg(0))
        for name, value in call.kwargs.items():
            _set(call, constant(name.replace("_", "-")), value)
    elif call.args:
        _set(call, call.args[0], call.arg(1, "value"))


def _made(call: Call) -> None:
    """`Response(..., headers={...})`, `HTTPException(..., headers={...})`."""
    for one in (call.arg(None, "headers"), *call.args[1:3]):
        if one is not None and (one.kind in {"dict", "list"} or "headers" in call.kwargs):
            _headers(call, one)
    for word in ("location", "Location"):
        if call.last & {"Response", "HttpResponse"}:
            led(call, call.arg(None, word))


def _returned(call: Call) -> None:
    """`return body, 302, {"Location": address}` of Flask."""
    value = call.args[0]
    if value.kind == "tuple" and call.frame.entry == "flask":
        for _, one in (value.items or ())[1:]:
            if one.kind in {"dict", "list"} or (one.items is None and one.marks and one.kind != "number"):
                _headers(call, one)


# Servers below the frameworks write what they get.


def _started(call: Call) -> None:
    """`start_response(status, headers)` of WSGI (PEP 3333)."""
    refuse(call, call.arg(0, "status"), "header", _RULE, _LINES)
    refuse(call, call.arg(1, "headers", "response_headers"), "header", _RULE, _LINES)


def _handler(call: Call) -> None:
    """`send_header`, `send_response` of `http.server`: they write what they get."""
    for value in call.args if "send_header" in call.last else call.args[1:]:
        refuse(call, value, "header", _RULE, _LINES)
    for value in call.kwargs.values():
        refuse(call, value, "header", _RULE, _LINES)


_HEADED = re.compile(r"HTTP/[0-9.]+\s|\r\n[\w-]+: |^(Subject|From|To|Reply-To|Cc|Bcc): ")


def _sent(call: Call) -> None:
    """An ASGI application's `http.response.start` message, or the text of a request on a bare socket."""
    message = call.arg(0, "message", "data", "input")
    if message is None:
        return
    kind = message.item("type")
    if kind is not None and any(text.startswith(("http.response", "websocket.accept")) for text in kind.texts):
        refuse(call, message.item("headers"), "header", _RULE, _LINES)
    elif message.text is not None and _HEADED.search(message.text):
        _text(call, message)


def _text(call: Call, value: Value) -> None:
    """Headers and body in one text: what stands behind the first empty line is no header."""
    shape = value.text
    known = shape.replace(OURS, "").replace(LINE, "") if shape is not None else HOLE
    if HOLE not in re.split(r"\r?\n\r?\n", known)[0]:
        return
    refuse(call, value, "header", _RULE, _LINES)


_MAILERS = ("sendmail", "msmtp", "exim", "ssmtp", "postfix")


def _mailed(call: Call) -> None:
    """`smtplib.SMTP.sendmail(from, to, text)`: the headers are part of the text."""
    message = call.arg(2, "msg", "message")
    if message is not None and not any(name.startswith("email.") for name in message.names):
        _text(call, message)


def _piped(call: Call) -> None:
    """The text of a mail for the sendmail program."""
    command = call.arg(0, "args")
    words = command.item(0) if command is not None and command.items is not None else command
    text = call.arg(None, "input")
    if words is None or text is None or any(name.startswith("email.") for name in text.names):
        return
    if any(one.partition(" ")[0].endswith(_MAILERS) for one in words.texts):
        _text(call, text)


_FIELD = re.compile(r"(Set-Cookie|Location|Status|Refresh|Content-[\w-]+|X-[\w-]+): ")


def _printed(call: Call) -> None:
    """The headers of a CGI program (RFC 3875 section 6)."""
    value = call.arg(0)
    if value is not None and value.text is not None and _FIELD.match(value.text):
        refuse(call, value, "header", _RULE, _LINES)


CHECKS: Checks = table(
    (_item, ("=[]",)),
    (_location, ("=location",)),
    (_method, ("set", "add", "append", "add_header", "set_header", "setdefault", "update", "extend", "__setitem__",
    "setlist")),
    (_made, (
        "Response", "HttpResponse", "JSONResponse", "HTMLResponse", "PlainTextResponse", "StreamingResponse",
        "FileResponse", "JsonResponse",
        "StreamingHttpResponse", "ORJSONResponse", "UJSONResponse", "HTTPException", "make_response",
        "RedirectResponse", "HttpResponseRedirect",
        "HttpResponseNotAllowed", "HttpResponseBadRequest", "HttpResponseForbidden", "HttpResponseNotFound",
        "json_response", "TemplateResponse",
        "HTTPFound", "HTTPSeeOther", "EventSourceResponse", "response_class",
    )),
    (_returned, ("return",)),
    (_started, ("start_response",)),
    (_handler, ("send_header", "send_response", "send_response_only")),
    (_sent, ("send", "sendall", "write", "communicate")),
    (_mailed, ("sendmail",)),
    (_piped, ("run", "check_call", "check_output", "call")),
    (_printed, ("print",)),
)  # fmt: skip
