"""Labelled cases: XPath expressions built by web code (opened part)."""

import re
import xml.etree.ElementTree as ET
from functools import cached_property, wraps
from string import Template
from typing import Annotated, Literal
from uuid import UUID

import elementpath
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.http import JsonResponse
from django.views import View
from fastapi import APIRouter, Cookie, Depends, Request
from flask import Blueprint, current_app, jsonify, request
from flask.views import MethodView
from lxml import etree
from parsel import Selector
from pydantic import BaseModel

bp = Blueprint("archive", __name__)
router = APIRouter()
ARCHIVE = etree.parse("archive.xml")
PLAIN = ET.parse("archive.xml").getroot()


# case: xpath_injection-23 | bad | CWE-643 | Flask MethodView, elementpath.select over ElementTree
class LetterView(MethodView):
    def get(self, sender):
        letters = elementpath.select(PLAIN, "//letter[@from = '" + sender + "' and @public = 'yes']")
        return jsonify([letter.get("id") for letter in letters])


bp.add_url_rule("/letters/<path:sender>", view_func=LetterView.as_view("letters"))


# case: xpath_injection-24 | good | CWE-643 | Flask MethodView, elementpath.select with variables
class PostcardView(MethodView):
    def get(self, sender):
        cards = elementpath.select(PLAIN, "//postcard[@from = $who and @public = 'yes']", variables={"who": sender})
        return jsonify([card.get("id") for card in cards])


bp.add_url_rule("/postcards/<path:sender>", view_func=PostcardView.as_view("postcards"))


# case: xpath_injection-25 | bad | CWE-643 | Flask, parsel Selector and a form field by percent formatting
@bp.post("/scrape")
def scrape():
    label = request.form.get("label", "Price")
    page = Selector(text=current_app.config["PRICE_PAGE"])
    return jsonify(page.xpath("//td[text()='%s']/following-sibling::td/text()" % label).getall())


# case: xpath_injection-26 | good | CWE-643 | Flask, parsel Selector with a keyword variable
@bp.post("/scrape/row")
def scrape_row():
    label = request.form.get("label", "Price")
    page = Selector(text=current_app.config["PRICE_PAGE"])
    return jsonify(page.xpath("//tr[td[1]=$label]/td/text()", label=label).getall())


# case: xpath_injection-27 | bad | CWE-643 | Flask, XPathEvaluator called with a grown string
@bp.get("/photos")
def photos():
    evaluate = etree.XPathEvaluator(ARCHIVE)
    expression = "//photo[@public='yes'"
    for name in ("year", "place"):
        if value := request.args.get(name):
            expression += f" and @{name}='{value}'"
    return jsonify([node.get("id") for node in evaluate(expression + "]")])


# case: xpath_injection-28 | good | CWE-643 | Flask, XPathEvaluator called with variables
@bp.get("/films")
def films():
    evaluate = etree.XPathEvaluator(ARCHIVE)
    expression, values = "//film[@public='yes'", {}
    for name in ("year", "place"):
        if value := request.args.get(name):
            expression += f" and @{name}=${name}"
            values[name] = value
    return jsonify([node.get("id") for node in evaluate(expression + "]", **values)])


# case: xpath_injection-29 | bad | CWE-643 | Django class-based view, findtext of ElementTree
class SummaryView(View):
    def get(self, request, box):
        field = request.GET.get("field", "title")
        summary = PLAIN.findtext(f"./boxes/box[@nr='{box}']/public/{field}", default="")
        return JsonResponse({"summary": summary})


# case: xpath_injection-30 | good | CWE-643 | Django class-based view, isalnum() with early return
class BoxView(View):
    def get(self, request, box):
        if not (box.isascii() and box.isalnum()):
            return JsonResponse({"error": "box"}, status=404)
        title = PLAIN.findtext(f"./boxes/box[@nr='{box}']/public/title", default="")
        return JsonResponse({"title": title})


# case: xpath_injection-31 | bad | CWE-643 | Django, re.match looks only at the beginning
def diary(request):
    day = request.GET.get("day", "")
    if re.match(r"\d{4}-\d{2}-\d{2}", day) is None:
        return JsonResponse({"error": "day"}, status=400)
    entries = ARCHIVE.xpath("//diary[@public='yes']/entry[@day='" + day + "']/text()")
    return JsonResponse({"entries": entries})


# case: xpath_injection-32 | good | CWE-643 | Flask, value written as an XPath literal with concat()
def literal(value):
    if "'" not in value:
        return f"'{value}'"
    pieces = ', "\'", '.join(f"'{piece}'" for piece in value.split("'"))
    return f"concat({pieces})"


@bp.get("/people/<name>")
def person(name):
    return jsonify([node.get("born") for node in ARCHIVE.xpath(f"//person[@name={literal(name)}]")])


# case: xpath_injection-33 | bad | CWE-643 | Flask, quoting helper that fails when both quotes occur
def quoted(value):
    return '"%s"' % value if "'" in value else "'%s'" % value


@bp.get("/places")
def places():
    wanted = quoted(request.args.get("name", ""))
    return jsonify([node.get("map") for node in ARCHIVE.xpath("//place[@public='yes'][@name=" + wanted + "]")])


# case: xpath_injection-34 | good | CWE-643 | FastAPI UUID cookie
@router.get("/bookmarks")
def bookmarks(reader: Annotated[UUID, Cookie()]):
    nodes = ARCHIVE.xpath(f"/archive/readers/reader[@id='{reader}']/bookmark")
    return {"bookmarks": [node.get("target") for node in nodes]}


# case: xpath_injection-35 | bad | CWE-643 | FastAPI dependency's value in a string.Template
BY_AUTHOR = Template("//article[author='$author' and @public='yes']/title/text()")


def author_of(req: Request) -> str:
    return req.query_params.get("author") or req.headers.get("x-author", "")


@router.get("/articles")
async def articles(author: Annotated[str, Depends(author_of)]):
    return {"titles": ARCHIVE.xpath(BY_AUTHOR.substitute(author=author))}


# case: xpath_injection-36 | good | CWE-643 | FastAPI pydantic body with Literal and int fields
class IssueQuery(BaseModel):
    journal: Literal["nature", "science"]
    year: int


@router.post("/issues")
async def issues(query: IssueQuery):
    expression = "//issue[@journal='{journal}' and @year={year}]".format(**query.model_dump())
    return {"issues": [node.get("nr") for node in ARCHIVE.xpath(expression)]}


# case: xpath_injection-37 | bad | CWE-643 | FastAPI pydantic body, ETXPath kept by a cached property
class RecordQuery(BaseModel):
    tag: str
    value: str

    @cached_property
    def compiled(self):
        return etree.ETXPath("//{urn:archive}%s[. = '%s']" % (self.tag, self.value))


@router.post("/records")
def records(query: RecordQuery):
    return {"count": len(query.compiled(ARCHIVE))}


# case: xpath_injection-38 | good | CWE-643 | Django, validate_slug raises before the value is used
def collection(request):
    name = request.GET.get("name", "")
    try:
        validate_slug(name)
    except ValidationError:
        return JsonResponse({"error": "name"}, status=400)
    nodes = ARCHIVE.xpath("//collection[@name='" + name + "']/item")
    return JsonResponse({"items": [node.get("id") for node in nodes]})


# case: xpath_injection-39 | bad | CWE-643 | FastAPI, rest of the path appended to an expression
@router.get("/browse/{path:path}")
def browse(path: str):
    steps = ["", "archive", "public", *path.strip("/").split("/")]
    nodes = ARCHIVE.xpath("/".join(steps))
    return {"children": [node.tag for node in nodes]}


# case: xpath_injection-40 | good | CWE-643 | FastAPI, path walked step by step by comparing tags
@router.get("/walk/{path:path}")
def walk(path: str):
    node = ARCHIVE.getroot().find("public")
    for step in path.strip("/").split("/"):
        node = next((child for child in node if child.tag == step), None)
        if node is None:
            return {"children": []}
    return {"children": [child.tag for child in node]}


# case: xpath_injection-41 | bad | CWE-643 | Flask decorator reads JSON, iterfind in a comprehension
def json_field(name):
    def decorate(view):
        @wraps(view)
        def wrapper():
            return view((request.get_json(silent=True) or {}).get(name, ""))

        return wrapper

    return decorate


@bp.post("/maps")
@json_field("scale")
def maps(scale):
    return jsonify([sheet.get("nr") for sheet in PLAIN.iterfind(f"public/map[@scale='{scale}']/sheet")])


# case: xpath_injection-42 | good | CWE-643 | Flask, value outside the known list is replaced by a constant
@bp.get("/plans")
def plans():
    kind = request.args.get("kind", "site")
    if kind not in ["site", "floor", "garden"]:
        kind = "site"
    return jsonify([plan.get("nr") for plan in PLAIN.iterfind(f"public/plan[@kind='{kind}']")])


# case: xpath_injection-43 | bad | CWE-643 | Flask, failed check is logged but the value is used all the same
@bp.get("/volumes")
def volumes():
    number = request.args.get("number", "1")
    if not number.isdigit():
        current_app.logger.warning("volume number is not a number")
    nodes = ARCHIVE.xpath(f"//volume[@public='yes'][number(@nr)={number}]")
    return jsonify([node.get("title") for node in nodes])


# case: xpath_injection-44 | good | CWE-643 | Flask, variable overwritten before the expression is built
@bp.get("/featured")
def featured():
    topic = request.headers.get("X-Topic", "")
    known = topic in current_app.config["TOPICS"]
    topic = "front-page"
    nodes = ARCHIVE.xpath(f"//feature[@topic='{topic}']/@id")
    return jsonify(personal=known, ids=[str(node) for node in nodes])
