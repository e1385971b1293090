"""The route table, on small applications of each framework, and on the example beside what Flask itself says of it.

What FastAPI 0.165 and Django 5.2 (REST framework 3.18) answer for the applications in `apps` was asked of the real
frameworks once; Flask is asked here.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardgate import routes
from hardgate.proofs import Routes
from hardgate.routes import templates

APPS = Path(__file__).parent / "apps"
EXAMPLE = Path(__file__).parents[2] / "examples" / "planetary-api"


def table(root: Path, folder: str = "") -> Routes:
    files = sorted((root / folder).rglob("*.py"))
    return routes.read((path.relative_to(root).as_posix(), path.read_bytes()) for path in files)


def of(**files: str) -> Routes:
    return routes.read((f"{name}.py", text.encode()) for name, text in files.items())


def answers(known: Routes, endpoint: str) -> str:
    """The handler's name, or why there is none."""
    found, why = routes.match(known, endpoint)
    return found.handler.name if found else why


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The applications can be imported; a folder for their data."""
    monkeypatch.syspath_prepend(str(APPS))
    monkeypatch.syspath_prepend(str(EXAMPLE))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize(("module", "root"), [("shop", APPS), ("planetary", EXAMPLE)])
def test_it_says_what_flask_says(importable: Path, monkeypatch: pytest.MonkeyPatch, module: str, root: Path) -> None:
    monkeypatch.setenv("PLANETARY_DATA", str(importable))
    app = importlib.import_module(module).create_app()
    said = set()
    for rule in app.url_map.iter_rules():
        view = inspect.unwrap(app.view_functions[rule.endpoint])
        for verb in (rule.methods or set()) - {"HEAD", "OPTIONS"} if rule.endpoint != "static" else ():
            code = view
            if cls := getattr(view, "view_class", None):
                code = getattr(cls, verb.lower(), None) or cls.dispatch_request
            path, line = inspect.getsourcefile(code), inspect.getsourcelines(code)[1]
            said.add((verb, rule.rule, Path(str(path)).relative_to(root).as_posix(), line))
    known = table(root, module)
    assert known.unread == ()
    assert {(verb, one.template, one.handler.path, one.handler.line)
            for one in known.routes for verb in one.methods} == said  # fmt: skip


SHOP, NOTES, LIBRARY = table(APPS, "shop"), table(APPS, "notes"), table(APPS / "library")


@pytest.mark.parametrize(
    ("known", "endpoint", "handler"),
    [
        (SHOP, "GET /api/v1/items/3", "item"),
        (SHOP, "GET /api/v1/items/new", "new_item"),
        (SHOP, "HEAD /api/v1/items/new", "new_item"),
        (SHOP, "GET /api/v1/items/3/reviews", "Reviews.get"),
        (SHOP, "GET /api/v1/items/{{id}}/reviews", "Reviews.get"),
        (SHOP, "GET /api/v1/items/:id/reviews", "Reviews.get"),
        (SHOP, "GET /api/v1/items/{{id}}", "the value of its variable decides which route answers it"),
        (SHOP, "GET /api/v1/files/a/b%20c", "file"),
        (SHOP, "POST /api/v1/cart", "add"),
        (SHOP, "PUT /api/v1/items/3", "no route of the source answers it"),
        (SHOP, "GET /api/v1/items/three", "no route of the source answers it"),
        (SHOP, "https://x/", "it is no method with a path"),
        (NOTES, "POST /inner/deep/x", "deep"),
        (NOTES, "GET /api/notes/7", "one"),
        (NOTES, "GET /api/notes/latest", "one"),
        (NOTES, "PUT /api/notes/search", "search"),
        (NOTES, "GET /api/notes/files/a/b", "file"),
        (NOTES, "PUT /api/notes/1/tags/2", "tag"),
        (NOTES, "GET /users/me", "me"),
        (NOTES, "GET /users/ada", "user"),
        (NOTES, "HEAD /ready", "ready"),
        (NOTES, "GET /users/", "no route of the source answers it"),
        (LIBRARY, "GET /", "home"),
        (LIBRARY, "GET /books/3/", "Readable.get"),
        (LIBRARY, "DELETE /books/3/", "Book.delete"),
        (LIBRARY, "GET /books/new/", "new"),
        (LIBRARY, "GET /books/dune/", "by_title"),
        (LIBRARY, "GET /archive/2020/", "archive"),
        (LIBRARY, "POST /hook/", "hook"),
        (LIBRARY, "GET /about/us/", "About"),
        (LIBRARY, "GET /api/authors/", "AuthorViewSet.list"),
        (LIBRARY, "GET /api/authors/7/", "AuthorViewSet.retrieve"),
        (LIBRARY, "POST /api/authors/7/rename/", "AuthorViewSet.new_name"),
        (LIBRARY, "DELETE /api/authors/7/", "no route of the source answers it"),
        (LIBRARY, "GET /books/", "no route of the source answers it"),
    ],
)
def test_an_endpoint_has_the_handler_that_the_framework_gives_it(known: Routes, endpoint: str, handler: str) -> None:
    assert known.unread == ()
    assert answers(known, endpoint) == handler


def test_a_part_of_the_table_answers_what_it_was_made_for_as_the_whole() -> None:
    endpoints = ["GET /api/v1/items/3", "GET /api/v1/items/{{id}}", "GET /nowhere", "no endpoint"]
    part = routes.about(SHOP, endpoints)
    assert {one.handler.name for one in part.routes} == {"item", "new_item"}
    for endpoint in endpoints:
        assert routes.match(part, endpoint) == routes.match(SHOP, endpoint)


def test_a_handler_tells_what_it_calls() -> None:
    (route, _) = routes.match(SHOP, "GET /api/v1/things")
    assert route is not None
    assert [(one.path, one.name) for one in route.calls] == [("shop/helpers.py", "find")]


_FLASK = "from flask import Flask, Blueprint\napp = Flask(__name__)\nbp = Blueprint('b', __name__)\n"
_DJANGO = "from django.urls import re_path\nROOT_URLCONF = 'a'\ndef f(r): pass\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (_FLASK + "@bp.get('/x')\ndef f(): pass", "nothing was seen to mount it"),
        (_FLASK + "app.register_blueprint(bp, url_prefix=P())\n@bp.get('/x')\ndef f(): pass", "under which prefix"),
        (_FLASK + "app.register_blueprint(bp, **more)\n@bp.get('/x')\ndef f(): pass", "under which prefix"),
        (_FLASK + "app.register_blueprint(load())\n", "what it joins to what"),
        (_FLASK + "@app.get(PATH)\ndef f(): pass", "its path could not be read"),
        (_FLASK + "@app.route('/x', methods=verbs())\ndef f(): pass", "its methods could not be read"),
        (_FLASK + "@app.get('/<own:x>')\ndef f(): pass", "converter of <own:x>"),
        (_FLASK + "@other.get('/x')\ndef f(): pass", "which application or router"),
        (_FLASK + "app.add_url_rule('/x', view_func=wrap(f))\ndef f(): pass", "its view could not be read"),
        (_FLASK + "app = None\n@app.get('/x')\ndef f(): pass", "which application or router"),
        ("from flask import Flask\ndef (", "no Python that could be read"),
        ("import django\nurlpatterns = []", "no ROOT_URLCONF leads to"),
        ("ROOT_URLCONF = 'gone.urls'", "no module of that name"),
        ("import django\nROOT_URLCONF = 'a'\nurlpatterns = make()", "which routes it adds"),
        (_DJANGO + "urlpatterns = [re_path(r'^(a+)+$', f)]", "the group (a+) of its regular"),
        (_DJANGO + "urlpatterns = [re_path(r'^x/', f)]", "has no end"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_and_not_guessed(text: str, said: str) -> None:
    known = of(a=text)
    assert known.routes == ()
    (told,) = known.unread
    assert said in told.message
    assert told.path == "a.py"
    assert answers(known, "GET /x").endswith("1 place that could not be read may hide it")


def test_what_is_no_route_says_nothing() -> None:
    assert of(a=_FLASK + "@cache.get('key')\ndef f(): pass\nx = {}.get('/x')\n") == Routes()
    assert of(a="import os\n@app.get('/x')\ndef f(): pass\n") == Routes()


@pytest.mark.parametrize(
    ("parts", "path", "fit"),
    [
        (templates.flask("/a/<int:x>"), "/a/12", True),
        (templates.flask("/a/<int:x>"), "/a/", False),
        (templates.flask("/a/<x>.<ext>"), "/a/b.c.txt", True),
        (templates.flask("/a/<x>"), "/a/b/c", False),
        (templates.starlette("/{rest:path}/end"), "/a/end/end", True),
        (templates.django("<slug:x>/"), "a-b/", True),
        (templates.expression(r"^(?P<id>\d+)/x\.json$"), "17/x.json", True),
    ],
)
def test_a_path_fits_its_template(parts: tuple[str, ...], path: str, fit: bool) -> None:
    assert templates.fits(parts, path) is fit


def test_a_hostile_template_costs_no_more_than_its_length() -> None:
    parts = templates.flask("/" + "<a><path:b>" * 90)
    assert not templates.fits((*parts, "=!"), "/" + "a" * 1900)
    with pytest.raises(templates.TemplateError):
        templates.flask("/" + "a" * 3000)
