"""Applications, blueprints and routers of Flask and FastAPI, and under which prefixes each is mounted.

Flask: https://flask.palletsprojects.com/en/stable/blueprints/#nesting-blueprints; FastAPI:
https://fastapi.tiangolo.com/tutorial/bigger-applications/#include-an-apirouter-with-a-custom-prefix.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from hardgate.proofs import Unread
from hardgate.routes.modules import Defined, Function, Given, Made, Outside, Scope, Thing, own, shown
from hardgate.routes.sources import Sources

FLASK, FASTAPI = "flask", "fastapi"
_APPS = {
    "flask.Flask": FLASK, "flask.app.Flask": FLASK, "quart.Quart": FLASK, "fastapi.FastAPI": FASTAPI,
    "fastapi.applications.FastAPI": FASTAPI, "starlette.applications.Starlette": FASTAPI,
}  # fmt: skip
_PARTS = {
    "flask.Blueprint": FLASK, "flask.blueprints.Blueprint": FLASK, "quart.Blueprint": FLASK,
    "fastapi.APIRouter": FASTAPI, "fastapi.routing.APIRouter": FASTAPI,
}  # fmt: skip
_APIS = frozenset({"flask_restful.Api", "flask_restx.Api"})
_MOUNTS = {"register_blueprint": "url_prefix", "include_router": "prefix", "mount": "path"}
_MOST_MOUNTS = 64
_DEEP = 50  # routers within routers


@dataclass(eq=False, slots=True)
class Container:
    """An application, blueprint or router. `prefix` is its own, None when it is not known; `name` for people."""

    framework: str
    name: str
    prefix: str | None = ""
    root: bool = False
    mounts: list[tuple[Container, str | None]] = field(default_factory=list)
    instead: bool = False  # Flask: the prefix of a registration replaces the blueprint's own

    known: list[tuple[str | None, str]] | None = None

    def prefixes(self, deep: int = 0) -> list[tuple[str | None, str]]:
        """All that may stand before its routes, "" for nothing, None for what is not known; each with its application.

        For after all mounts.
        """
        if deep > _DEEP:
            return [(None, "")]
        if self.known is None:
            self.known = []  # who leads back to itself leads nowhere
            self.known = self._prefixes(deep)
        return self.known

    def _prefixes(self, deep: int) -> list[tuple[str | None, str]]:
        found = dict.fromkeys([(self.prefix, self.name)] if self.root else [])
        for parent, given in self.mounts:
            for above, app in parent.prefixes(deep + 1):
                own_prefix = self.prefix if given is None or not self.instead else ""
                more = "" if given is None else given
                plain = above is not None and own_prefix is not None and more != _UNKNOWN
                found[f"{above}{more}{own_prefix}" if plain else None, app] = None
        return [*found] if len(found) <= _MOST_MOUNTS else [(None, "")]


_UNKNOWN = "\0"


class Containers:
    """All of a tree, by the calls that make them."""

    def __init__(self, sources: Sources) -> None:
        """Reads what mounts what; `unread` is what could not be read."""
        self._sources = sources
        self._known: dict[Thing, Container | None] = {}
        self.unread: list[Unread] = []
        self.calls = [(node, scope) for scope, node in calls(sources)]
        self._give()
        for call, scope in self.calls:
            if isinstance(call.func, ast.Attribute) and call.func.attr in _MOUNTS:
                self._mount(call, call.func, scope)

    def of(self, node: ast.AST, scope: Scope) -> list[Container]:
        """The containers that an expression means, mostly one."""
        found = (self._container(one) for one in self._sources.several(node, scope))
        return [one for one in found if one is not None]

    def _container(self, thing: Thing) -> Container | None:
        if thing not in self._known:
            self._known[thing] = self._new(thing)
        return self._known[thing]

    def _new(self, thing: Thing) -> Container | None:
        if isinstance(thing, Given):
            return Container(_APPS[thing.name], f"{thing.path}:{thing.parameter.lineno}", root=True)
        if not isinstance(thing, Made):
            return None
        names = self._made_of(thing)
        place = f"{thing.scope.source.path}:{thing.call.lineno}"
        if framework := next((_APPS[name] for name in names if name in _APPS), ""):
            return Container(framework, place, root=True)
        if framework := next((_PARTS[name] for name in names if name in _PARTS), ""):
            word = "url_prefix" if framework == FLASK else "prefix"
            prefix = self._text(thing.call, word, thing.scope)
            own_prefix = None if prefix == _UNKNOWN else prefix or ""
            return Container(framework, place, own_prefix, instead=framework == FLASK)
        if names & _APIS and thing.call.args:
            above = self.of(thing.call.args[0], thing.scope)
            prefix = self._text(thing.call, "prefix", thing.scope)
            api = Container(FLASK, place, None if prefix == _UNKNOWN else prefix or "")
            api.mounts = [(one, None) for one in above]
            return api
        return None

    def _made_of(self, thing: Made) -> set[str]:
        """The dotted names of the class that was called, and of those from outside that it is made from."""
        called = self._sources.meaning(thing.call.func, thing.scope)
        if isinstance(called, Outside):
            return {called.name}
        if isinstance(called, Defined) and isinstance(called.node, ast.ClassDef):
            return self._sources.outside(called.node, called.scope)
        return set()

    def _text(self, call: ast.Call, word: str, scope: Scope) -> str | None:
        """The text of a keyword, None when it is not there, _UNKNOWN when it cannot be read."""
        given = next((one.value for one in call.keywords if one.arg == word), None)
        if any(one.arg is None for one in call.keywords):
            return _UNKNOWN
        if given is None or (isinstance(given, ast.Constant) and given.value is None):
            return None
        text = self._sources.text(given, scope)
        return _UNKNOWN if text is None else text

    def _mount(self, call: ast.Call, called: ast.Attribute, scope: Scope) -> None:
        word = _MOUNTS[called.attr]
        parents = self.of(called.value, scope)
        child = call.args[1 if word == "path" else 0] if len(call.args) > (word == "path") else None
        named = next((one.value for one in call.keywords if one.arg in {"blueprint", "router", "app"}), child)
        children = self.of(named, scope) if named is not None else []
        if word == "path" and not (parents and children):
            return  # static files, or an application of another make
        if not parents or not children:
            message = f"`{shown(call)}`: what it joins to what could not be read"
            self.unread.append(Unread(path=scope.source.path, line=call.lineno, message=message))
            return
        positional = call.args[0] if word == "path" and call.args else None
        prefix = self._sources.text(positional, scope) if positional else self._text(call, word, scope)
        for parent in parents:
            for one in children:
                if one is not parent and (parent, prefix) not in one.mounts:
                    one.mounts.append((parent, prefix))
                    one.root = one.root and word != "path"

    def _give(self) -> None:
        """Note what calls hand to the parameters of functions: `init_app(app)`, twice, for what is handed on."""
        given: dict[ast.AST, list[Thing]] = {}
        self._sources.given = given  # type: ignore[assignment]  # the same, filled here and read there
        for _ in range(2):
            for call, scope in self.calls:
                called = self._sources.meaning(call.func, scope)
                if isinstance(called, Defined) and not isinstance(called.node, ast.ClassDef):
                    for parameter, handed in _handed(call, called.node):
                        new = self._sources.several(handed, scope)
                        given.setdefault(parameter, []).extend(one for one in new if self._container(one))
        for scope in (scope for source in self._sources.all for scope in source.scopes.values()):
            if isinstance(scope.node, Function):
                for parameter in (*scope.node.args.posonlyargs, *scope.node.args.args):
                    self._annotated(parameter, scope, given)
        for known, things in given.items():
            given[known] = list(dict.fromkeys(things))
        # What could not be told before the parameters were known is asked again.
        self._known = {thing: one for thing, one in self._known.items() if one}

    def _annotated(self, parameter: ast.arg, scope: Scope, given: dict[ast.AST, list[Thing]]) -> None:
        """A parameter that says it is an application, and that nobody was seen to call."""
        meant = self._sources.meaning(parameter.annotation, scope) if parameter.annotation else None
        if isinstance(meant, Outside) and meant.name in _APPS and not given.get(parameter):
            given[parameter] = [Given(meant.name, parameter, scope.source.path)]


def _handed(call: ast.Call, node: Function) -> Iterator[tuple[ast.arg, ast.expr]]:
    places = [*node.args.posonlyargs, *node.args.args]
    yield from zip(places, call.args, strict=False)
    named = {one.arg: one for one in (*node.args.args, *node.args.kwonlyargs)}
    yield from ((named[one.arg], one.value) for one in call.keywords if one.arg in named)


def calls(sources: Sources) -> Iterator[tuple[Scope, ast.Call]]:
    """Every call of the tree with the scope that it stands in, in the order of the files and lines."""
    for source in sources.all:
        found = [
            (scope, node) for scope in source.scopes.values() for node in own(scope.node) if isinstance(node, ast.Call)
        ]
        yield from sorted(found, key=lambda pair: (pair[1].lineno, pair[1].col_offset))
