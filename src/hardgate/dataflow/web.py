"""Who answers requests in Flask, Django (REST framework) and FastAPI (Starlette), and what comes from outside."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from hardgate.dataflow.frame import Frame
from hardgate.dataflow.project import Class, Function
from hardgate.dataflow.values import Mark, Value, named

FLASK, DJANGO, FASTAPI, ANY = "flask.request", "django.request", "starlette.request", "web.request"
_FLASK = {
    "args": "query string", "form": "form", "values": "form or query string", "json": "JSON body", "data": "body",
    "headers": "header", "cookies": "cookie", "files": "uploaded file", "view_args": "path",
    "get_json": "JSON body", "get_data": "body", "stream": "body", "url": "address", "full_path": "address",
    "path": "address path", "referrer": "header", "query_string": "query string", "user_agent": "header",
    "base_url": "address", "environ": "header", "host": "host header", "authorization": "header",
    "remote_user": "header", "host_url": "address", "url_root": "address",
}  # fmt: skip
_DJANGO = {
    "GET": "query string", "POST": "form", "FILES": "uploaded file", "COOKIES": "cookie", "META": "header",
    "headers": "header", "body": "body", "path": "address path", "path_info": "address path",
    "get_full_path": "address",
    "build_absolute_uri": "address", "data": "body", "query_params": "query string", "read": "body",
    "get_host": "host header", "get_raw_uri": "address", "kwargs": "path", "get_signed_cookie": "",
}  # fmt: skip
_STARLETTE = {
    "query_params": "query string", "path_params": "path", "headers": "header", "cookies": "cookie",
    "json": "JSON body", "form": "form", "body": "body", "url": "address", "stream": "body",
    **dict.fromkeys(
        ("receive_bytes", "receive_text", "receive_json", "iter_bytes", "iter_text", "iter_json", "receive"), "message"
    ),
}  # fmt: skip
_SOURCES: dict[str, str] = {
    **{f"flask.request.{key}": words for key, words in _FLASK.items()},
    **{f"quart.request.{key}": words for key, words in _FLASK.items()},
    **{f"{DJANGO}.{key}": words for key, words in _DJANGO.items()},
    **{f"{FASTAPI}.{key}": words for key, words in _STARLETTE.items()},
    **{f"{ANY}.{key}": words for key, words in (_FLASK | _DJANGO | _STARLETTE).items()},
}
# How a request object is called where it is made or passed on.
REQUESTS = {
    "fastapi.Request": FASTAPI, "starlette.requests.Request": FASTAPI, "fastapi.requests.Request": FASTAPI,
    "fastapi.WebSocket": FASTAPI, "django.http.HttpRequest": DJANGO, "django.http.request.HttpRequest": DJANGO,
    "rest_framework.request.Request": DJANGO, "flask.Request": FLASK, "werkzeug.wrappers.Request": FLASK,
    "starlette.requests.HTTPConnection": FASTAPI,
}  # fmt: skip
_VIEW = re.compile(r"(.*[a-z])?(View|ViewSet|ViewSetMixin|MethodView|APIView|Resource|HTTPEndpoint|ViewMixin)")
_VERBS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "dispatch", "dispatch_request"})
_ROUTES = frozenset(
    {
        "route",
        "get",
        "post",
        "put",
        "patch",
        "delete",
        "api_route",
        "websocket",
        "options",
        "head",
        "api_view",
        "action",
    }
)
_HOOKS = frozenset(
    {
        "before_request",
        "after_request",
        "errorhandler",
        "app_errorhandler",
        "context_processor",
        "middleware",
        "exception_handler",
    }
)
_ASKED = frozenset({"address", "address path", "host header", "WSGI environment", "ASGI scope"})


def source(names: Iterable[str]) -> str:
    """In words, what part of a request it is that has one of these names; "" for none."""
    return next((_SOURCES[name] for name in names if _SOURCES.get(name)), "")


def marked(frame: Frame, node: ast.AST, words: str) -> frozenset[Mark]:
    """The mark of data from outside that comes in here."""
    # A redirect to the address that was asked for leads to this host.
    safe = frozenset({"redirect"}) if words in _ASKED else frozenset()
    # A header is one line of the request.
    gone = frozenset("\r\n") if words in {"header", "host header"} else frozenset()
    return frozenset([Mark(words, frame.module.path, getattr(node, "lineno", 1), safe, gone)])


def keyed(names: Iterable[str], key: Value) -> frozenset[str]:
    """Names of an item under a constant key, where the key matters: `os.environ["X"]`, `request.META["X"]`."""
    return frozenset(f"{name}[{text}]" for name in names if name.endswith(("environ", "META")) for text in key.texts)


def is_enum(owner: Class) -> bool:
    """Whether the class is an enumeration."""
    return owner.derived("Enum", "StrEnum", "IntEnum", "TextChoices", "IntegerChoices", "Choices", "Flag", "IntFlag")


def is_view(owner: Class) -> bool:
    """Whether its objects answer requests."""
    return any(_VIEW.fullmatch(name.rpartition(".")[2]) for name in owner.outside())


def framework(owner: Class) -> str:
    """Whose view the class is."""
    outside = " ".join(owner.outside())
    if "flask" in outside or "MethodView" in outside or "Resource" in outside:
        return "flask"
    return "fastapi" if "starlette" in outside or "fastapi" in outside else "django"


def request_of(owner: Class) -> Value:
    """`self.request` of a view."""
    return named(FASTAPI if framework(owner) == "fastapi" else DJANGO)


def entry_of(function: Function) -> str:
    """How a function answers requests: "flask", "django", "fastapi"; "" when it does not."""
    if isinstance(function.node, ast.Lambda):
        return ""
    if function.owner is not None and is_view(function.owner):
        kind = framework(function.owner)
        return (
            kind if function.name in _VERBS or _first(function, 1) == "request" or function.decorated(*_ROUTES) else ""
        )
    for one in function.decorators:
        for name in one.names:
            last = name.removesuffix("()").rpartition(".")[2]
            if last in _ROUTES and (name.endswith("()") or last == "route"):
                return _of_name(name, function)
            if last in _HOOKS:
                return "fastapi" if last in {"middleware", "exception_handler"} else "hook"
    if _first(function, 0) == "request" and function.owner is None and not _imports(function, "fastapi", "starlette"):
        return "django" if not _imports(function, "flask") or _imports(function, "django") else ""
    return ""


def _of_name(name: str, function: Function) -> str:
    if "fastapi" in name or "starlette" in name:
        return "fastapi"
    if "rest_framework" in name or name.endswith(("api_view()", "action()")):
        return "django"
    if "flask" in name or name.startswith("quart") or _imports(function, "flask"):
        return "flask"
    return "fastapi" if _imports(function, "fastapi", "starlette") else "flask"


def _first(function: Function, number: int) -> str:
    names = [one.arg for one in function.parameters]
    return (
        {"req": "request", "request_": "request", "http_request": "request"}.get(names[number], names[number])
        if len(names) > number
        else ""
    )


def _imports(function: Function, *packages: str) -> bool:
    return any(
        (node.module or "").partition(".")[0] in packages
        if isinstance(node, ast.ImportFrom)
        else any(one.name.partition(".")[0] in packages for one in node.names)
        for node in function.module.tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
    )
