"""An endpoint of a dynamic test, such as `GET /planets/3`, to the route that answers it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote

from hardgate.proofs import Route, Routes
from hardgate.routes import precedence, templates
from hardgate.routes.templates import HOLE, fits

_VARIABLE = re.compile(r"\{\{[^{}]*\}\}")
_NAMED = re.compile(r"(?<=/):[^/]+")
_ENDPOINT = re.compile(r"([A-Z]+) (/\S*)")


def match(table: Routes, endpoint: str) -> tuple[Route | None, str]:
    """The one route that answers an endpoint, else None and why not, as a part of a sentence.

    A variable of the test in the path (`{{id}}`, `:id`) may stand for any value of a parameter.
    """
    asked = _ENDPOINT.fullmatch(endpoint)
    if asked is None:
        return None, "it is no method with a path"
    method, path = asked[1], _path(asked[2])
    if len(path) > templates.MOST:
        return None, "its path is too long"
    fitting = [one for one in table.routes if _answers(one, method) and _fits(one, path)]
    if not fitting:
        hidden = f", and {_places(len(table.unread))} may hide it" if table.unread else ""
        return None, f"no route of the source answers it{hidden}"
    if HOLE in path:
        others = [one for one in table.routes if _answers(one, method) and _fits(one, path, loose=True)]
        if {one.handler for one in others} != {one.handler for one in fitting}:
            return None, "the value of its variable decides which route answers it"
    return _first(fitting, path)


def about(table: Routes, endpoints: Iterable[str]) -> Routes:
    """The part of a table that `match` looks at for these endpoints, so that nothing else need be kept."""
    asked = [found for one in endpoints if (found := _ENDPOINT.fullmatch(one)) and len(one) <= templates.MOST]
    wanted = [(found[1], _path(found[2])) for found in asked]
    kept = (
        one
        for one in table.routes
        if any(_answers(one, verb) and _fits(one, path, loose=True) for verb, path in wanted)
    )
    return Routes(routes=tuple(kept), unread=table.unread)


def _path(text: str) -> str:
    path = unquote(_VARIABLE.sub(HOLE, text.partition("?")[0]))
    return _NAMED.sub(HOLE, path)


def _answers(route: Route, method: str) -> bool:
    return not route.methods or method in route.methods or (method == "HEAD" and "GET" in route.methods)


def _fits(route: Route, path: str, *, loose: bool = False) -> bool:
    """Frameworks lead a path to its like with a slash behind it; FastAPI also to the one without."""
    ways = [path] if path.endswith("/") else [path, f"{path}/"]
    if route.framework == "fastapi" and path != "/":
        ways.append(path.rstrip("/"))
    return any(fits(route.parts, way, loose=loose) for way in ways)


def _first(fitting: Sequence[Route], path: str) -> tuple[Route | None, str]:
    """Of several routes that fit: the one that its framework takes, where that can be said."""
    if len({(one.framework, one.app) for one in fitting}) > 1:
        return None, f"several routes answer it, of several applications: {_listed(fitting)}"
    if fitting[0].framework == "flask":
        best = _flask(fitting, path)
    else:
        exact = [one for one in fitting if fits(one.parts, path)] or list(fitting)
        best = exact[:1] if len({one.router for one in exact}) == 1 else exact  # as they were declared
    if len({one.handler for one in best}) == 1:
        return best[0], ""
    return None, f"several routes answer it: {_listed(best)}"


def _flask(fitting: Sequence[Route], path: str) -> list[Route]:
    """Those that Werkzeug tries first; a path without the slash of such a rule is led to the one with it."""
    best = _lowest(fitting)
    if any(fits(one.parts, path) for one in best):
        return best
    return _lowest([one for one in fitting if fits(one.parts, f"{path}/")])


def _lowest(found: Sequence[Route]) -> list[Route]:
    keys = [precedence.order(one.parts) for one in found]
    first = min(keys)
    return [one for one, key in zip(found, keys, strict=True) if key == first]


def _listed(found: Sequence[Route]) -> str:
    return " and ".join(sorted({f"{one.handler.name} ({one.handler.path})" for one in found})[:3])


def _places(number: int) -> str:
    return "1 place that could not be read" if number == 1 else f"{number:,} places that could not be read"
