"""What comes from outside where no framework is: WSGI and ASGI applications, handlers of `http.server` and Tornado."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Mapping

from hardgate.dataflow import web
from hardgate.dataflow.frame import Frame
from hardgate.dataflow.project import Class, Function
from hardgate.dataflow.values import Mark, Value, named, without

_ENVIRONMENT, _SCOPE = "wsgi.environ", "asgi.scope"
# Keys of a WSGI environment (PEP 3333), of Django's META and of an ASGI scope
# (https://asgi.readthedocs.io/en/latest/specs/www.html) that the server sets, and not the client.
_OWN = frozenset({
    "REMOTE_ADDR", "REMOTE_PORT", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "SERVER_SOFTWARE", "REQUEST_METHOD",
    "CONTENT_LENGTH", "SCRIPT_NAME", "DOCUMENT_ROOT", "wsgi.url_scheme", "wsgi.errors", "wsgi.version",
    "wsgi.multithread",
    "type", "method", "scheme", "http_version", "client", "server", "root_path", "app", "router", "state", "user",
    "auth",
    "endpoint", "extensions", "asgi", "session", "app_root_path", "route_root_path", "fastapi_inner_astack",
    "fastapi_middleware_astack",
})  # fmt: skip
_MAPPINGS = (".META", ".environ", ".scope")
_DECODED = frozenset({"PATH_INFO", "path", "wsgi.input"})
_HANDLERS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        ("BaseHTTPRequestHandler", "SimpleHTTPRequestHandler", "CGIHTTPRequestHandler"),
        frozenset({"path", "headers", "rfile", "requestline", "raw_requestline"}),
    ),
    "RequestHandler": frozenset({
        "get_argument", "get_arguments", "get_query_argument", "get_query_arguments", "get_body_argument",
        "get_body_arguments", "get_cookie", "path_args", "path_kwargs",
    }),
}  # fmt: skip
_ROUTE = re.compile(r"<(?:(\w+):)?(\w+)>")
_PLACED = re.compile(r"\{(\w+)(?::(\w+))?\}")


def given(frame: Frame, function: Function, one: ast.arg) -> Value | None:
    """A parameter of a WSGI or ASGI application; None for any other."""
    names = {each.arg for each in function.parameters}
    if one.arg == "start_response":
        return named("wsgi.start_response")
    if "start_response" in names and one.arg in {"environ", "env", "environment"}:
        found = Value(marks=web.marked(frame, one, "WSGI environment"), names=frozenset({_ENVIRONMENT}))
        return without(found, "\r\n")
    if {"scope", "receive", "send"} <= names:
        if one.arg == "scope":
            return without(Value(marks=web.marked(frame, one, "ASGI scope"), names=frozenset({_SCOPE})), "\r\n")
        return (
            Value(marks=web.marked(frame, one, "body"), names=named("asgi.receive").names)
            if one.arg == "receive"
            else named("asgi.send")
        )
    return None


def marks(owner: Value, key: Value | None) -> frozenset[Mark]:
    """The marks of the item under this key, in a mapping where some are the server's, and others the client's."""
    if key is None or not key.closed or not key.texts or not owner.marks:
        return owner.marks
    if not any(name in {_ENVIRONMENT, _SCOPE} or name.endswith(_MAPPINGS) for name in owner.names):
        return owner.marks
    if _OWN.issuperset(key.texts):
        return frozenset()
    # What is decoded already may hold line ends.
    return (
        frozenset(dataclasses.replace(one, gone=frozenset()) for one in owner.marks)
        if _DECODED & set(key.texts)
        else owner.marks
    )


def handler(owner: Class, name: str) -> Value | None:
    """What `self.path` and the like of a request handler is; None for what is not of the request."""
    for base in owner.outside():
        if name in _HANDLERS.get(base.rpartition(".")[2], ()):
            raw = frozenset("\r\n") if name in {"path", "headers", "requestline"} else frozenset()
            mark = Mark(name, owner.module.path, owner.node.lineno, gone=raw)
            return Value(marks=frozenset([mark]), names=frozenset({f"http.handler.{name}"}))
    if name == "kwargs" and web.is_view(owner) and web.framework(owner) == "django":
        return Value(
            marks=frozenset([Mark("path", owner.module.path, owner.node.lineno)]),
            names=named("django.view.kwargs").names,
        )
    return None


def slashless(function: Function, name: str) -> bool:
    """Whether a part of the path that this parameter holds ends at a slash, as the function's own route says.

    Flask's `<name>` and FastAPI's `{name}` match no `/`; `<path:name>` and `{name:path}` do.
    """
    for node in getattr(function.node, "decorator_list", []):
        for one in ast.walk(node):
            if isinstance(one, ast.Constant) and isinstance(one.value, str):
                flask = [kind for kind, word in _ROUTE.findall(one.value) if word == name]
                fastapi = [kind for word, kind in _PLACED.findall(one.value) if word == name]
                if flask or fastapi:
                    return not {*flask, *fastapi} - {"", "string", "str", "slug"}
    return False
