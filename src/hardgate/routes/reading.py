"""Files in, the route table out, with the functions that each handler certainly calls."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

import msgspec

from hardgate.proofs import Place, Route, Routes, Unread
from hardgate.routes import decorated, django
from hardgate.routes.containers import Containers
from hardgate.routes.sources import Defined, Scope, Sources, own, parse

_MARKS = (b"flask", b"quart", b"fastapi", b"starlette", b"urlpatterns", b"ROOT_URLCONF", b"restx")


def speaks(content: bytes) -> bool:
    """Whether a file may be one of an application whose routes can be read."""
    return any(mark in content for mark in _MARKS)


def read(files: Iterable[tuple[str, bytes]]) -> Routes:
    """The route table of Python files by path, all of the tree; a file that is no Python is told."""
    known = list(files)
    if not any(speaks(content) for _, content in known):
        return Routes()
    found, refused = parse(known)
    sources = Sources(found)
    unread = [Unread(path=path, line=1, message="it is no Python that could be read") for path in refused]
    containers = Containers(sources)
    pairs = [*decorated.Reader(sources, containers, unread).read(), *django.Reader(sources, unread).read()]
    calls: dict[int, tuple[Place, ...]] = {}
    routes = []
    for route, handler in pairs:
        if id(handler.node) not in calls:
            calls[id(handler.node)] = tuple(dict.fromkeys(_called(sources, handler)))
        routes.append(msgspec.structs.replace(route, calls=calls[id(handler.node)]))
    return Routes(routes=tuple(dict.fromkeys(routes)), unread=tuple(dict.fromkeys((*containers.unread, *unread))))


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
