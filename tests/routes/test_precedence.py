"""Which handler answers, beside what the real Werkzeug says of the same rules; and source that is odd on purpose."""

from __future__ import annotations

import random

import pytest
from werkzeug.exceptions import NotFound
from werkzeug.routing import Map, RequestRedirect, Rule

from hardgate import routes
from hardgate.proofs import Routes

PIECES = [
    "a",
    "b",
    "files",
    "<{}>",
    "<int:{}>",
    "<path:{}>",
    "<{}>.txt",
    "a<{}>",
    "<float:{}>",
    "<uuid:{}>",
    "<{}>-<{}z>",
]
VALUES = ["a", "b", "files", "3", "c.txt", "ab", "1.5", "x-y", "12345678-1234-5678-1234-567812345678"]


def table(**files: str) -> Routes:
    return routes.read([(f"{name}.py", text.encode()) for name, text in files.items()])


def flask(rules: list[str], name: str = "app") -> str:
    views = "".join(f"@{name}.get({rule!r})\ndef f{at}(): pass\n" for at, rule in enumerate(rules))
    return f"from flask import Flask\n{name} = Flask(__name__)\n{views}"


def answered(rules: list[str], path: str) -> str:
    """The view that Werkzeug takes, after its redirects; "" for none."""
    bound = Map([Rule(rule, endpoint=f"f{at}", methods=["GET"]) for at, rule in enumerate(rules)]).bind("h")
    try:
        return str(bound.match(path)[0])
    except RequestRedirect as error:
        return str(bound.match(error.new_url.removeprefix("http://h"))[0])
    except NotFound:
        return ""


def some_rules(dice: random.Random) -> list[str]:
    found = []
    for _ in range(dice.randint(1, 5)):
        pieces = [dice.choice(PIECES).format(f"x{at}", f"y{at}") for at in range(dice.randint(1, 3))]
        if sum("path:" in one for one in pieces) < 2:
            found.append("/" + "/".join(pieces) + dice.choice(["", "/"]))
    return list(dict.fromkeys(found))


def test_it_says_what_werkzeug_says_or_that_it_cannot_tell() -> None:
    dice, told, unsure = random.Random(7), 0, 0
    for _ in range(60):
        rules = some_rules(dice)
        known = table(app=flask(rules))
        for _ in range(4):
            path = "/" + "/".join(dice.choice(VALUES) for _ in range(dice.randint(1, 4))) + dice.choice(["", "/"])
            found, why = routes.match(known, f"GET {path}")
            if found is None and "several routes" in why:
                unsure += 1
            else:
                told += 1
                assert (found.handler.name if found else "") == answered(rules, path), (rules, path)
    assert told > 20 * unsure


@pytest.mark.parametrize(
    ("rules", "path", "view"),
    [
        (["/files/<path:p>", "/files/x/<name>"], "/files/x/a", "f1"),  # the longer text once lost
        (["/<uuid:u>", "/b<x>"], "/bad", "f1"),
        (["/<float:f>", "/<x>"], "/3", "f1"),
        (["/<path:p>", "/<int:n>/"], "/3", "f1"),  # by way of a redirect
    ],
)
def test_narrow_rules_come_first(rules: list[str], path: str, view: str) -> None:
    found, _ = routes.match(table(app=flask(rules)), f"GET {path}")
    assert found is not None
    assert (found.handler.name, answered(rules, path)) == (view, view)


def test_of_two_applications_nobody_says_which_was_tested() -> None:
    known = table(shop=flask(["/items/<name>"], "shop"), admin=flask(["/items/new", "/only"], "admin"))
    assert routes.match(known, "GET /items/new")[1] == (
        "several routes answer it, of several applications: f0 (admin.py) and f0 (shop.py)"
    )
    assert routes.match(known, "GET /only")[0] is not None


HEAD = "from flask import Flask, Blueprint\napp = Flask(__name__)\n"
CHAIN = "".join(f"b{at} = Blueprint('b', __name__)\n" for at in range(2_000)) + "".join(
    f"b{at}.register_blueprint(b{at + 1})\n" for at in range(1_999)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("".join(f"a{at} = f'{f'{{a{at + 1}}}' * 90}'\n" for at in range(9)) + "a9 = 'x'\n@app.get(a0)\ndef f(): pass",
         "its path could not be read"),
        (CHAIN + "app.register_blueprint(b0)\n@b1999.get('/x')\ndef f(): pass", "under which prefix"),
        ('@app.get("/\\udc80")\ndef f(): pass', "is not understood"),
        ('@app.route("/x", methods=["\\udc80"])\ndef f(): pass', "its methods could not be read"),
        ("@app.get('/<string(length=2):x>')\ndef f(): pass", "converter of <string(length=2):x>"),
    ],
    ids=["texts of texts", "a chain of blueprints", "half a character", "half a method", "arguments"],
)  # fmt: skip
def test_odd_source_is_told_at_once(text: str, said: str) -> None:
    known = table(app=HEAD + text)
    assert known.routes == ()
    assert said in known.unread[0].message


def test_what_includes_without_end_is_told() -> None:
    modules = {f"u{at}": "from django.urls import include, path\nurlpatterns = ["
               + f"path('a/', include('u{at + 1}')), " * 12 + "]\n" for at in range(8)}  # fmt: skip
    known = table(settings="ROOT_URLCONF = 'u0'\n", u8="from django.urls import path\nurlpatterns = []\n", **modules)
    assert any("more than 10,000 routes" in one.message for one in known.unread)


def test_an_inherited_action_is_not_the_code_of_another() -> None:
    known = table(
        settings="ROOT_URLCONF = 'u'\n",
        u="""from django.urls import include, path
from rest_framework import routers, viewsets
from rest_framework.decorators import action
class Planets(viewsets.ModelViewSet):
    queryset = raw("x")

    @action(detail=True, methods=["post"])
    def rename(self, request, pk): pass
router = routers.SimpleRouter()
router.register("planets", Planets)
urlpatterns = [path("", include(router.urls))]
""",
    )
    found, _ = routes.match(known, "GET /planets/")
    assert found is not None
    assert (found.handler.line, found.handler.end_line) == (4, 6)
