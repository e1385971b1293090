"""The routes of Flask and FastAPI: by decorators, `add_url_rule` and its kin, and classes of views."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hardgate.proofs import Place, Route, Unread
from hardgate.routes import templates
from hardgate.routes.containers import FLASK, Container, Containers
from hardgate.routes.modules import Defined, Function, Items, Scope, shown
from hardgate.routes.sources import Sources

VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")
_DECORATORS = frozenset({*VERBS, "route", "api_route", "websocket"})
_ADDERS = {"add_url_rule": "view_func", "add_api_route": "endpoint", "add_route": "route"}
_DEFAULT = ("GET",)
_VERB = re.compile("[A-Za-z]{1,20}")
_READS: dict[str, Callable[[str], tuple[str, ...]]] = {"flask": templates.flask, "fastapi": templates.starlette}


@dataclass(frozen=True, slots=True)
class Handler:
    """Code that answers, with its scope and its methods: None when the route says them."""

    place: Place
    node: ast.AST
    scope: Scope
    methods: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one declaration says: None for what could not be read of it."""

    call: ast.Call
    scope: Scope
    template: str | None
    methods: tuple[str, ...] | None


@dataclass(slots=True)
class Reader:
    """Reads the routes of one tree; `unread` is what could not be read."""

    sources: Sources
    containers: Containers
    unread: list[Unread]

    def read(self) -> Iterator[tuple[Route, Handler]]:
        """Every route with its handler; calls are not followed yet."""
        for source in self.sources.all:
            for scope in source.scopes.values():
                if isinstance(scope.node, Function) and scope.outer:
                    for decorator in scope.node.decorator_list:
                        if isinstance(decorator, ast.Call):
                            yield from self._decorated(decorator, scope.node, scope.outer)
        for call, scope in self.containers.calls:
            if isinstance(call.func, ast.Attribute) and call.func.attr in _ADDERS:
                yield from self._added(call, call.func, scope)
            elif isinstance(call.func, ast.Attribute) and call.func.attr == "add_resource":
                yield from self._resource(call, call.func, scope)

    def _tell(self, node: ast.AST, scope: Scope, what: str) -> None:
        told = f"`{shown(node)}`: {what}"
        self.unread.append(Unread(path=scope.source.path, line=getattr(node, "lineno", 1), message=told))

    def _decorated(self, call: ast.Call, node: Function, scope: Scope) -> Iterator[tuple[Route, Handler]]:
        called = call.func
        if not isinstance(called, ast.Attribute) or called.attr not in _DECORATORS:
            return
        owners = self.containers.of(called.value, scope)
        template = self._template(call, scope)
        if not owners:
            # `@cache.get("key")` is no route; what begins with a slash may be one of an object that is not known.
            if (template is not None and template.startswith("/")) or called.attr in {"route", "api_route"}:
                self._tell(call, scope, "which application or router it is of could not be read")
            return
        verb = called.attr if called.attr in VERBS else ""
        methods = (verb.upper(),) if verb else self._methods(call, scope)
        if called.attr == "websocket":
            return  # no request of HTTP that is answered
        handler = Handler(_place(node, scope), node, scope)
        yield from self._routes(owners, _Asked(call, scope, template, methods), [handler])

    def _template(self, call: ast.Call, scope: Scope) -> str | None:
        named = next((one.value for one in call.keywords if one.arg in {"rule", "path"}), None)
        node = call.args[0] if call.args else named
        return self.sources.text(node, scope)

    def _methods(self, call: ast.Call, scope: Scope) -> tuple[str, ...] | None:
        """What `methods=` says; GET without it, None where it cannot be read."""
        given = next((one.value for one in call.keywords if one.arg == "methods"), None)
        if given is None:
            return None if any(one.arg is None for one in call.keywords) else _DEFAULT
        found = self.sources.meaning(given, scope)
        if not isinstance(found, Items):
            return None
        return _verbs(self.sources, found)

    def _added(self, call: ast.Call, called: ast.Attribute, scope: Scope) -> Iterator[tuple[Route, Handler]]:
        owners = self.containers.of(called.value, scope)
        if not owners:
            if called.attr != "add_route":
                self._tell(call, scope, "which application or router it is of could not be read")
            return
        word = _ADDERS[called.attr]
        place = 2 if called.attr == "add_url_rule" else 1
        given = next((one.value for one in call.keywords if one.arg == word), None)
        view = given or (call.args[place] if len(call.args) > place else None)
        handlers = self._views(view, scope) if view is not None else []
        methods = self._methods(call, scope)
        plain = any(one.arg == "methods" for one in call.keywords)
        if handlers and not plain and any(one.methods is not None for one in handlers):
            methods = _DEFAULT  # a class says its own
        yield from self._routes(owners, _Asked(call, scope, self._template(call, scope), methods), handlers)

    def _resource(self, call: ast.Call, called: ast.Attribute, scope: Scope) -> Iterator[tuple[Route, Handler]]:
        """Flask-RESTful's `api.add_resource(Class, "/a", "/b")`."""
        owners = self.containers.of(called.value, scope)
        handlers = self._views(call.args[0], scope) if call.args else []
        if not owners:
            self._tell(call, scope, "which application it is of could not be read")
            return
        for node in call.args[1:]:
            asked = _Asked(call, scope, self.sources.text(node, scope), _DEFAULT)
            yield from self._routes(owners, asked, handlers)

    def _views(self, node: ast.expr, scope: Scope) -> list[Handler]:
        """The code behind a view: a function, `Class.as_view("name")`, or a class."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "as_view":
            node = node.func.value
        found = self.sources.meaning(node, scope)
        if not isinstance(found, Defined):
            return []
        if isinstance(found.node, ast.ClassDef):
            return class_handlers(self.sources, found.node, found.scope)
        return [Handler(_place(found.node, found.scope), found.node, found.scope)]

    def _routes(
        self, owners: list[Container], asked: _Asked, handlers: list[Handler]
    ) -> Iterator[tuple[Route, Handler]]:
        call, scope, template, methods = asked.call, asked.scope, asked.template, asked.methods
        missing = (
            "its path" if template is None else "its methods" if methods is None else "" if handlers else "its view"
        )
        if missing or template is None or methods is None:
            self._tell(call, scope, f"{missing} could not be read")
            return
        for owner in owners:
            prefixes = owner.prefixes()
            if not prefixes or any(prefix is None for prefix, _ in prefixes):
                why = (
                    "under which prefix it is mounted could not be read" if prefixes else "nothing was seen to mount it"
                )
                self._tell(call, scope, f"{why} ({owner.name})")
            for prefix, app in prefixes:
                if prefix is None:
                    continue
                whole = joined(prefix, template)
                try:
                    parts = _READS[owner.framework](whole)
                except templates.TemplateError as error:
                    self._tell(call, scope, f"{error} is not understood")
                    continue
                for one in handlers:
                    verbs = methods if one.methods is None else one.methods
                    route = Route(framework=owner.framework, methods=verbs, template=whole, parts=parts,
                                  handler=one.place, router=owner.name, app=app)  # fmt: skip
                    yield route, one


def joined(prefix: str, template: str) -> str:
    """A prefix and a template with one slash between them."""
    if not prefix.strip("/"):
        return "/" + template.lstrip("/")
    if not template:
        return "/" + prefix.strip("/")
    return f"/{prefix.strip('/')}/{template.lstrip('/')}"


def _place(node: Function | ast.ClassDef, scope: Scope) -> Place:
    """Where a function or class is, by its scope's name: `scope` is the one around it."""
    first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
    name = f"{scope.name}.{node.name}" if scope.name else node.name
    return Place(path=scope.source.path, name=name, line=first, end_line=node.end_lineno or node.lineno)


place_of = _place


def class_handlers(sources: Sources, node: ast.ClassDef, scope: Scope) -> list[Handler]:
    """The methods of a class of views that answer; the whole class for those that it does not have itself."""
    found: dict[str, Handler] = {}
    for one, around in sources.bases(node, scope):
        inner = around.source.scopes[one]
        for child in one.body:
            if isinstance(child, Function) and child.name in VERBS:
                place = _place(child, inner)
                found.setdefault(child.name, Handler(place, child, inner, (child.name.upper(),)))
            elif isinstance(child, Function) and child.name == "dispatch_request":
                found.setdefault("", Handler(_place(child, inner), child, inner, _class_methods(sources, node, scope)))
    return list(found.values())


def _class_methods(sources: Sources, node: ast.ClassDef, scope: Scope) -> tuple[str, ...] | None:
    """What `methods = [...]` of a Flask View says; None leaves it to the route."""
    found = sources.look_up("methods", scope.source.scopes[node])
    if not isinstance(found, Items):
        return None
    return _verbs(sources, found)


def _verbs(sources: Sources, found: Items) -> tuple[str, ...] | None:
    """The methods of a list, in capitals; None where one is none."""
    words = [sources.text(one, found.scope) or "" for one in found.elements]
    return tuple(word.upper() for word in words) if all(_VERB.fullmatch(word) for word in words) else None


verbs_of = _verbs

__all__ = ["FLASK", "Handler", "Reader", "class_handlers", "joined", "place_of", "verbs_of"]
