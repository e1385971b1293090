"""The routes of Django: `urlpatterns` of the module that ROOT_URLCONF names, with what it includes, and DRF's routers.

https://docs.djangoproject.com/en/stable/topics/http/urls/ and
https://www.django-rest-framework.org/api-guide/routers/#api-guide.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from hardgate.proofs import Place, Route, Unread
from hardgate.routes import templates
from hardgate.routes.decorated import Handler, class_handlers, place_of, verbs_of
from hardgate.routes.modules import Defined, Function, Items, Made, Outside, Scope, Source, own, shown
from hardgate.routes.sources import Sources

_PATHS = {"django.urls.path": False, "django.urls.re_path": True, "django.conf.urls.url": True,
          "django.urls.conf.path": False, "django.urls.conf.re_path": True}  # fmt: skip
_INCLUDES = frozenset({"django.urls.include", "django.conf.urls.include", "django.urls.conf.include"})
_ROUTERS = frozenset({"rest_framework.routers.DefaultRouter", "rest_framework.routers.SimpleRouter"})
_LIST = {"list": "GET", "create": "POST"}
_DETAIL = {"retrieve": "GET", "update": "PUT", "partial_update": "PATCH", "destroy": "DELETE"}
# The methods that classes of the framework bring.
_GIVEN = {
    "ModelViewSet": (*_LIST, *_DETAIL), "ReadOnlyModelViewSet": ("list", "retrieve"), "ListModelMixin": ("list",),
    "CreateModelMixin": ("create",), "RetrieveModelMixin": ("retrieve",), "DestroyModelMixin": ("destroy",),
    "UpdateModelMixin": ("update", "partial_update"),
}  # fmt: skip
_DEEP = 10
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class _Prefix:
    parts: tuple[str, ...] = ("=/",)
    template: str = "/"
    order: str = ""


@dataclass(slots=True)
class Reader:
    """Reads the routes of one tree; `unread` is what could not be read."""

    sources: Sources
    unread: list[Unread]
    entries: int = 0

    def read(self) -> Iterator[tuple[Route, Handler]]:
        """Every route with its handler, in the order in which Django tries them."""
        roots: dict[str, tuple[str, int]] = {}
        for source in self.sources.all:
            for node in own(source.tree):
                if isinstance(node, ast.Assign) and _names(node) == ["ROOT_URLCONF"]:
                    roots[self.sources.text(node.value, source.top) or ""] = (source.path, node.lineno)
        for root, place in roots.items():
            module = self.sources.module(root)
            if module is None:
                self._say(*place, f"ROOT_URLCONF is {root or 'no text'!r}, and no module of that name is here")
            else:
                yield from self._module(module, _Prefix(), 0)
        if not roots:
            for source in self.sources.all:
                if "urlpatterns" in source.top.names:
                    self._say(
                        source.path, 1, "`urlpatterns` that no ROOT_URLCONF leads to: where they begin is not known"
                    )

    def _say(self, path: str, line: int, message: str) -> None:
        self.unread.append(Unread(path=path, line=line, message=message))

    def _tell(self, node: ast.AST, scope: Scope, what: str) -> None:
        self._say(scope.source.path, getattr(node, "lineno", 1), f"`{shown(node)}`: {what}")

    def _module(self, source: Source, prefix: _Prefix, deep: int) -> Iterator[tuple[Route, Handler]]:
        for node in own(source.tree):
            value = None
            if (isinstance(node, ast.Assign | ast.AugAssign) and "urlpatterns" in _names(node)) or (
                isinstance(node, ast.AnnAssign) and "urlpatterns" in _names(node)
            ):
                value = node.value
            if value is not None:
                yield from self._list(value, source.top, prefix, deep)

    def _list(self, node: ast.expr, scope: Scope, prefix: _Prefix, deep: int) -> Iterator[tuple[Route, Handler]]:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            if deep > _DEEP:
                self._tell(node, scope, "so many sums are not read")
                return
            yield from self._list(node.left, scope, prefix, deep + 1)
            yield from self._list(node.right, scope, prefix, deep + 1)
            return
        if isinstance(node, ast.Attribute) and node.attr == "urls":
            yield from self._router(node.value, scope, prefix)
            return
        found = self.sources.meaning(node, scope)
        if not isinstance(found, Items):
            self._tell(node, scope, "which routes it adds could not be read")
            return
        for element in found.elements:
            self.entries += 1
            if self.entries < _MOST:
                yield from self._entry(element, found.scope, prefix, deep)
            elif self.entries == _MOST:
                self._tell(element, found.scope, f"more than {_MOST:,} routes, with all that is included, are not read")

    def _entry(self, node: ast.expr, scope: Scope, prefix: _Prefix, deep: int) -> Iterator[tuple[Route, Handler]]:
        called = self.sources.meaning(node.func, scope) if isinstance(node, ast.Call) else None
        known = isinstance(called, Outside) and called.name in _PATHS
        if not isinstance(node, ast.Call) or not isinstance(called, Outside) or not known:
            self._tell(node, scope, "which route it is could not be read")
            return
        given = {one.arg: one.value for one in node.keywords}
        pattern = node.args[0] if node.args else given.get("route", given.get("regex"))
        view = node.args[1] if len(node.args) > 1 else given.get("view")
        text = self.sources.text(pattern, scope)
        if text is None or view is None:
            self._tell(node, scope, "its path or its view could not be read")
            return
        try:
            below = self._below(prefix, text, scope, expression=_PATHS[called.name])
        except templates.TemplateError as error:
            self._tell(node, scope, f"{error} is not understood")
            return
        if isinstance(view, ast.Call) and self._is(view.func, scope, _INCLUDES):
            yield from self._included(view, scope, below, deep)
            return
        open_end = _PATHS[called.name] and not templates.ends(text)
        if open_end:
            self._tell(node, scope, "its regular expression has no end: what it fits is not known")
            return
        yield from self._view(view, scope, below)

    def _below(self, prefix: _Prefix, text: str, scope: Scope, *, expression: bool) -> _Prefix:
        parts = templates.expression(text) if expression else templates.django(text)
        order = prefix.order or f"{scope.source.path}:urlpatterns"
        return _Prefix((*prefix.parts, *parts), prefix.template + text.removeprefix("^"), order)

    def _is(self, node: ast.expr, scope: Scope, names: frozenset[str]) -> bool:
        found = self.sources.meaning(node, scope)
        return isinstance(found, Outside) and found.name in names

    def _included(self, call: ast.Call, scope: Scope, prefix: _Prefix, deep: int) -> Iterator[tuple[Route, Handler]]:
        node = call.args[0] if call.args else None
        if isinstance(node, ast.Tuple) and node.elts:
            node = node.elts[0]  # (patterns, name of the application)
        text = self.sources.text(node, scope)
        module = self.sources.module(text) if text else self.sources.meaning(node, scope) if node else None
        if deep > _DEEP or node is None:
            self._tell(call, scope, "what it includes could not be read")
        elif isinstance(module, Source):
            yield from self._module(module, prefix, deep + 1)
        elif text:
            self._tell(call, scope, f"there is no module {text!r} here")
        else:
            yield from self._list(node, scope, prefix, deep + 1)

    def _view(self, node: ast.expr, scope: Scope, prefix: _Prefix) -> Iterator[tuple[Route, Handler]]:
        """A view: a function, `Class.as_view()`, or either within decorators such as `csrf_exempt(view)`."""
        as_view = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "as_view"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and as_view:
            found = self.sources.meaning(node.func.value, scope)
        elif isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
            yield from self._view(node.args[0], scope, prefix)
            return
        else:
            found = self.sources.meaning(node, scope)
        if not isinstance(found, Defined):
            self._tell(node, scope, "the code of this view is not in the tree, or could not be read")
        elif isinstance(found.node, ast.ClassDef):
            handlers = class_handlers(self.sources, found.node, found.scope)
            whole = Handler(place_of(found.node, found.scope), found.node, found.scope)
            for one in handlers or [whole]:
                yield self._route(prefix, one.methods or (), one)
        else:
            yield self._route(prefix, (), Handler(place_of(found.node, found.scope), found.node, found.scope))

    def _route(self, prefix: _Prefix, methods: tuple[str, ...], one: Handler) -> tuple[Route, Handler]:
        template = prefix.template.rstrip("$")
        route = Route(framework="django", methods=methods, template=template, parts=prefix.parts, handler=one.place,
                      router=prefix.order)  # fmt: skip
        return route, one

    def _router(self, node: ast.expr, scope: Scope, prefix: _Prefix) -> Iterator[tuple[Route, Handler]]:
        """What was registered with a router of the REST framework."""
        router = self.sources.meaning(node, scope)
        if not isinstance(router, Made) or not self._is(router.call.func, router.scope, _ROUTERS):
            self._tell(node, scope, "what kind of router it is could not be read")
            return
        for source in self.sources.all:
            for call in own(source.tree):
                if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or not call.args:
                    continue
                if call.func.attr == "register" and self.sources.meaning(call.func.value, source.top) == router:
                    yield from self._registered(call, source.top, prefix)

    def _registered(self, call: ast.Call, scope: Scope, prefix: _Prefix) -> Iterator[tuple[Route, Handler]]:
        text = self.sources.text(call.args[0], scope)
        found = self.sources.meaning(call.args[1], scope) if len(call.args) > 1 else None
        if text is None or not isinstance(found, Defined) or not isinstance(found.node, ast.ClassDef):
            self._tell(call, scope, "its path or its view set could not be read")
            return
        try:
            start = (*prefix.parts, *templates.expression(text))
        except templates.TemplateError as error:
            self._tell(call, scope, f"{error} is not understood")
            return
        whole_text = f"{prefix.template}{text}/"
        listed = _Prefix((*start, "=/"), whole_text, prefix.order)
        single = _Prefix((*start, "=/", templates.SEGMENT, "=/"), f"{whole_text}<pk>/", prefix.order)
        own_methods = self._methods(found.node, found.scope)
        whole = Handler(_inherited(found, own_methods), found.node, found.scope)
        given = {name for base in self.sources.outside(found.node, found.scope) for name in _GIVEN.get(_last(base), ())}
        for where, actions in ((listed, _LIST), (single, _DETAIL)):
            for name, verb in actions.items():
                if name in own_methods or name in given:
                    yield self._route(where, (verb,), own_methods.get(name, whole))
        for name, one in own_methods.items():
            yield from self._action(name, one, listed, single)

    def _methods(self, node: ast.ClassDef, scope: Scope) -> dict[str, Handler]:
        found: dict[str, Handler] = {}
        for one, around in self.sources.bases(node, scope):
            inner = around.source.scopes[one]
            for child in one.body:
                if isinstance(child, Function):
                    found.setdefault(child.name, Handler(place_of(child, inner), child, inner))
        return found

    def _action(self, name: str, one: Handler, listed: _Prefix, single: _Prefix) -> Iterator[tuple[Route, Handler]]:
        """A method with `@action(detail=..., methods=[...], url_path=...)`."""
        for call in getattr(one.node, "decorator_list", ()):
            named = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "action"
            if not isinstance(call, ast.Call) or not named:
                continue
            given = {word.arg: word.value for word in call.keywords}
            detail = given.get("detail", ast.Constant(value=None))
            words = given.get("methods", ast.List(elts=[ast.Constant(value="get")]))
            listed_words = self.sources.meaning(words, one.scope)
            path = self.sources.text(given["url_path"], one.scope) if "url_path" in given else name
            plain = isinstance(detail, ast.Constant) and isinstance(detail.value, bool)
            if not plain or path is None or not isinstance(listed_words, Items) or "(" in path:
                self._tell(call, one.scope, "where this action answers could not be read")
                continue
            base = single if isinstance(detail, ast.Constant) and detail.value else listed
            verbs = verbs_of(self.sources, listed_words)
            if verbs is None or not path.isprintable():
                self._tell(call, one.scope, "its path or its methods could not be read")
                continue
            where = _Prefix((*base.parts, f"={path}/"), f"{base.template}{path}/", base.order)
            yield self._route(where, verbs, one)


def _inherited(found: Defined, own_methods: dict[str, Handler]) -> Place:
    """The code of a view set that answers for actions which it inherits: not that of methods that answer others."""
    place = place_of(found.node, found.scope)
    answering = [
        one.place.line
        for name, one in own_methods.items()
        if one.place.path == place.path
        and (name in {**_LIST, **_DETAIL} or (isinstance(one.node, Function) and one.node.decorator_list))
    ]
    inside = [line for line in answering if place.line < line <= place.end_line]
    return msgspec.structs.replace(place, end_line=min(inside) - 1) if inside else place


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _names(node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [one.id for one in targets if isinstance(one, ast.Name)]
