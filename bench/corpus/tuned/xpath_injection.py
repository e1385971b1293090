"""Labelled cases: XPath expressions built by web code (tuned half)."""

import re
import xml.etree.ElementTree as ElementTree
from enum import Enum
from xml.sax.saxutils import escape

from django.http import HttpResponseBadRequest, JsonResponse
from fastapi import FastAPI, Header
from flask import Flask, abort, jsonify, request
from lxml import etree
from pydantic import BaseModel

app = Flask(__name__)
api = FastAPI()


def load(name):
    return etree.parse(f"/srv/data/{name}.xml")


# case: xpath_injection-01 | bad | CWE-643 | Flask query argument in an f-string expression
@app.route("/books")
def books():
    author = request.args.get("author", "")
    found = load("books").xpath(f"//book[author='{author}']/title/text()")
    return jsonify(found)


# case: xpath_injection-02 | good | CWE-643 | Flask query argument as an XPath variable
@app.route("/books/by-title")
def books_by_title():
    title = request.args.get("title", "")
    found = load("books").xpath("//book[title=$title]/isbn/text()", title=title)
    return jsonify(found)


# case: xpath_injection-03 | bad | CWE-643 | Flask login, percent formatting of two form fields
@app.route("/members/login", methods=["POST"])
def member_login():
    name = request.form["name"]
    digest = request.form["digest"]
    query = "/members/member[name/text()='%s' and digest/text()='%s']" % (name, digest)
    found = load("members").xpath(query)
    if not found:
        abort(401)
    return jsonify(role=found[0].get("role"))


# case: xpath_injection-04 | good | CWE-643 | Flask login, compiled expression with variables
FIND_MEMBER = etree.XPath("/members/member[name/text()=$name and card/text()=$card]")


@app.route("/members/card", methods=["POST"])
def member_card():
    found = FIND_MEMBER(load("members"), name=request.form["name"], card=request.form["card"])
    if not found:
        abort(404)
    return jsonify(level=found[0].get("level"))


# case: xpath_injection-05 | bad | CWE-643 | Flask JSON field concatenated by a helper
def node_query(tag, attribute, value):
    return "//" + tag + "[@" + attribute + '="' + value + '"]'


@app.route("/parts", methods=["POST"])
def parts():
    body = request.get_json()
    found = load("parts").xpath(node_query("part", "supplier", body["supplier"]))
    return jsonify([node.get("number") for node in found])


# case: xpath_injection-06 | good | CWE-643 | Flask number converted by int()
@app.route("/parts/position")
def part_position():
    try:
        position = int(request.args.get("position", "1"))
    except ValueError:
        abort(400)
    found = load("parts").xpath(f"/parts/part[{position}]/@number")
    return jsonify([str(number) for number in found])


# case: xpath_injection-07 | bad | CWE-643 | Flask query argument in ElementTree's findall
@app.route("/rooms")
def rooms():
    floor = request.args["floor"]
    tree = ElementTree.parse("/srv/data/rooms.xml")
    found = tree.findall(f".//room[@floor='{floor}']")
    return jsonify([room.get("name") for room in found])


# case: xpath_injection-08 | good | CWE-643 | Flask, fixed expression and a comparison in Python
@app.route("/rooms/by-wing")
def rooms_by_wing():
    wing = request.args.get("wing", "")
    tree = ElementTree.parse("/srv/data/rooms.xml")
    return jsonify([room.get("name") for room in tree.findall(".//room") if room.get("wing") == wing])


# case: xpath_injection-09 | bad | CWE-643 | Django GET value by str.format
def tariff(request):
    country = request.GET.get("country", "GB")
    found = load("tariffs").xpath("//tariff[@country='{}']/rate/text()".format(country))
    return JsonResponse({"rates": found})


# case: xpath_injection-10 | good | CWE-643 | Django membership test with early return
COUNTRIES = frozenset({"GB", "IE", "FR", "DE"})


def duty(request):
    country = request.GET.get("country", "GB")
    if country not in COUNTRIES:
        return HttpResponseBadRequest("country")
    found = load("duties").xpath(f"//duty[@country='{country}']/rate/text()")
    return JsonResponse({"rates": found})


# case: xpath_injection-11 | bad | CWE-643 | Django POST value, single quotes removed but double quotes used
def glossary(request):
    term = request.POST["term"].replace("'", "")
    found = load("glossary").xpath('//entry[term="' + term + '"]/meaning/text()')
    return JsonResponse({"meanings": found})


# case: xpath_injection-12 | good | CWE-643 | Django, expression taken from a dict of fixed expressions
REPORTS = {"open": "//case[@state='open']", "closed": "//case[@state='closed']"}


def case_report(request):
    expression = REPORTS.get(request.GET.get("state"), REPORTS["open"])
    return JsonResponse({"cases": [node.get("id") for node in load("cases").xpath(expression)]})


# case: xpath_injection-13 | bad | CWE-643 | FastAPI path parameter in a compiled expression
@api.get("/flights/{number}")
async def flight(number: str):
    finder = etree.XPath(f"//flight[@number='{number}']")
    return {"gates": [node.get("gate") for node in finder(load("flights"))]}


# case: xpath_injection-14 | good | CWE-643 | FastAPI path parameter as a variable
@api.get("/trains/{number}")
async def train(number: str):
    tree = load("trains")
    return {"platforms": [node.get("platform") for node in tree.xpath("//train[@number=$n]", n=number)]}


# case: xpath_injection-15 | bad | CWE-643 | FastAPI pydantic body, predicates joined in a loop
class DeviceQuery(BaseModel):
    vendor: str | None = None
    model: str | None = None


@api.post("/devices/search")
def devices(body: DeviceQuery):
    predicates = []
    for attribute, value in body.model_dump(exclude_none=True).items():
        predicates.append(f"@{attribute}='{value}'")
    expression = "//device[" + " and ".join(predicates or ["true()"]) + "]"
    return {"count": len(load("devices").xpath(expression))}


# case: xpath_injection-16 | good | CWE-643 | FastAPI pydantic body, values passed as a dict of variables
class SensorQuery(BaseModel):
    site: str
    kind: str


@api.post("/sensors/search")
def sensors(body: SensorQuery):
    values = body.model_dump()
    predicates = " and ".join(f"@{name}=${name}" for name in ("site", "kind"))
    return {"count": len(load("sensors").xpath(f"//sensor[{predicates}]", **values))}


# case: xpath_injection-17 | bad | CWE-643 | Flask, XML text escaping that leaves quotes alone
@app.route("/recipes")
def recipes():
    dish = escape(request.args.get("dish", ""))
    found = load("recipes").xpath(f"//recipe[@dish='{dish}']/step/text()")
    return jsonify(found)


# case: xpath_injection-18 | good | CWE-643 | Flask, regular expression over the whole value
@app.route("/recipes/<code>")
def recipe(code):
    if re.fullmatch(r"[a-z]{3}-[0-9]{4}", code) is None:
        abort(404)
    found = load("recipes").xpath("//recipe[@code='%s']/step/text()" % code)
    return jsonify(found)


# case: xpath_injection-19 | bad | CWE-643 | Flask cookie kept in an attribute and used by a method
class Profile:
    def __init__(self, login):
        self.login = login

    def theme(self):
        return load("profiles").find(".//profile[@login='" + self.login + "']/theme")


@app.route("/theme")
def theme():
    node = Profile(request.cookies.get("login", "guest")).theme()
    return jsonify(theme=node.text if node is not None else "plain")


# case: xpath_injection-20 | good | CWE-643 | Flask, expression from configuration, request value as a variable
@app.route("/permissions")
def permissions():
    expression = app.config["PERMISSION_XPATH"]
    found = load("permissions").xpath(expression, login=request.headers.get("X-Login", ""))
    return jsonify([node.get("name") for node in found])


# case: xpath_injection-21 | bad | CWE-643 | FastAPI header as the name of the element
@api.get("/inventory")
def inventory(x_section: str = Header(default="tools")):
    tree = load("inventory")
    return {"items": [node.get("name") for node in tree.xpath(f"/inventory/public/{x_section}/item")]}


# case: xpath_injection-22 | good | CWE-643 | FastAPI Enum as the name of the element
class Section(str, Enum):
    tools = "tools"
    toys = "toys"


@api.get("/inventory/{section}")
def inventory_section(section: Section):
    tree = load("inventory")
    return {"items": [node.get("name") for node in tree.xpath(f"/inventory/public/{section.value}/item")]}
