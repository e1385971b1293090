"""Files in, the route table out, with the functions that each handler certainly calls."""

from __future__ import annotations

import ast
import gc
from collections.abc import Iterable, Iterator

import msgspec

from hardgate.proofs import Place, Route, Routes, Unread
from hardgate.routes import decorated, django
from hardgate.routes.containers import Containers
from hardgate.routes.modules import Defined, Scope, own
from hardgate.routes.sources import Sources

_MARKS = (
    b"flask", b"quart", b"fastapi", b"starlette", b"urlpatterns", b"ROOT_URLCONF", b"restx", b"rest_framework",
    b"register_blueprint", b"include_router", b"add_url_rule", b"add_api_route", b".route(",
)  # fmt: skip


def speaks(content: bytes) -> bool:
    """Whether a file may be one of an application whose routes can be read."""
    return any(mark in content for mark in _MARKS)


def read(files: Iterable[tuple[str, bytes]]) -> Routes:
    """The route table of Python files by path, all of the tree; a file that is no Python is told.

    Syntax trees have no circles: to look for some among them, again and again while they grow, takes longer than to
    parse them.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        return _read(files)
    finally:
        if collects:
            gc.enable()


def _read(files: Iterable[tuple[str, bytes]]) -> Routes:
    sources = Sources(dict(files), speaks)
    if not sources.all and not sources.refused:
        return Routes()
    containers = Containers(sources)
    unread: list[Unread] = []
    pairs = [*decorated.Reader(sources, containers, unread).read(), *django.Reader(sources, unread).read()]
    calls: dict[int, tuple[Place, ...]] = {}
    routes = []
    for route, handler in pairs:
        if id(handler.node) not in calls:
            calls[id(handler.node)] = tuple(dict.fromkeys(_called(sources, handler)))
        routes.append(msgspec.structs.replace(route, calls=calls[id(handler.node)]))
    lost = [Unread(path=path, line=1, message="it is no Python that could be read") for path in sources.refused]
    told = dict.fromkeys((*lost, *containers.unread, *unread))
    return Routes(routes=tuple(dict.fromkeys(routes)), unread=tuple(told))


def _called(sources: Sources, handler: decorated.Handler) -> Iterator[Place]:
    """The functions of the tree that a handler calls by a name that means just one thing."""
    scope: Scope = handler.scope.source.scopes[handler.node]
    for node in own(handler.node):
        if isinstance(node, ast.Call):
            found = sources.look_up(node.func.id, scope) if isinstance(node.func, ast.Name) else sources.meaning(
                node.func, scope
            )  # fmt: skip
            if isinstance(found, Defined) and not isinstance(found.node, ast.ClassDef):
                place = decorated.place_of(found.node, found.scope)
                if place != handler.place:
                    yield place


__all__ = ["Route", "read", "speaks"]
