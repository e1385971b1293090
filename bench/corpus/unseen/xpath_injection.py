import enum
import re
import uuid
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal

import elementpath
from defusedxml import ElementTree as SafeET
from django.conf import settings
from django.http import Http404, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.views import View
from fastapi import Depends, FastAPI, Form, Header, HTTPException, Query
from flask import Flask, abort, current_app, jsonify, request, session
from lxml import etree, html
from parsel import Selector
from pydantic import BaseModel

app = Flask(__name__)
api = FastAPI()

DATA = Path("/srv/data")


def load(name):
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    return etree.parse(str(DATA / name), parser)


# case: xpath_injection-101 | good | CWE-643 | variable in the expression
@app.route("/books")
def books_by_author():
    author = request.args.get("author", "")
    titles = load("books.xml").xpath("//book[author = $author]/title/text()", author=author)
    return jsonify(titles=[str(t) for t in titles])


# case: xpath_injection-102 | bad | CWE-643 | f-string in xpath
@app.route("/films")
def films_by_director():
    director = request.args.get("director", "")
    titles = load("films.xml").xpath(f"//film[director='{director}']/title/text()")
    return jsonify(titles=[str(t) for t in titles])


# case: xpath_injection-103 | bad | CWE-643 | login by concatenation
@app.route("/login", methods=["POST"])
def xml_login():
    name = request.form["name"]
    password = request.form["password"]
    query = "//user[name/text()='" + name + "' and password/text()='" + password + "']"
    found = load("users.xml").xpath(query)
    if not found:
        return jsonify(error="login failed"), 401
    session["user"] = found[0].findtext("name")
    return jsonify(ok=True)


# case: xpath_injection-104 | good | CWE-643 | value compared in Python
@app.route("/account")
def xml_account():
    wanted = request.args.get("name")
    for user in load("users.xml").getroot().iterfind("user"):
        if user.findtext("name") == wanted:
            return jsonify(name=wanted, mail=user.findtext("mail"))
    abort(404)


# case: xpath_injection-105 | bad | CWE-643 | Django view with percent formatting
def station_detail(request, code):
    nodes = load("stations.xml").xpath("/stations/station[@code='%s' and @public='1']" % code)
    if not nodes:
        raise Http404
    return HttpResponse(etree.tostring(nodes[0]), content_type="application/xml")


# case: xpath_injection-106 | good | CWE-643 | integer in the expression
@app.route("/chapters/<number>")
def chapter(number):
    try:
        position = int(number)
    except ValueError:
        abort(404)
    nodes = load("manual.xml").xpath(f"/manual/chapter[{position}]/title")
    return jsonify(title=nodes[0].text if nodes else None)


# case: xpath_injection-107 | bad | CWE-643 | compiled XPath from the query
@api.get("/catalog/search")
def catalog_search(term: str, field: Literal["title", "maker"] = "title"):
    find = etree.XPath("//item[contains(%s, '%s')]/@id" % (field, term))
    return {"ids": [str(i) for i in find(load("catalog.xml"))]}


# case: xpath_injection-108 | good | CWE-643 | compiled XPath with a variable
FIND_PART = etree.XPath("//part[contains(name, $term)]/@number")


@api.get("/parts/search")
def part_search(term: str = Query(min_length=2)):
    return {"numbers": [str(n) for n in FIND_PART(load("parts.xml"), term=term)]}


# case: xpath_injection-109 | bad | CWE-643 | whole expression from the request
@app.route("/suppliers/extract", methods=["POST"])
def supplier_extract():
    body = request.get_json()
    tree = load("suppliers.xml")
    result = tree.xpath(body.get("path", "//supplier[@public='1']/name"))
    if isinstance(result, list):
        result = [getattr(r, "text", None) or str(r) for r in result]
    return jsonify(result=result)


# case: xpath_injection-110 | good | CWE-643 | expression chosen from a dict
FEED_PATHS = {"titles": "//item/title/text()", "links": "//item/link/text()", "dates": "//item/pubDate/text()"}


@app.route("/feeds/<part>")
def feed_part(part):
    if part not in FEED_PATHS:
        abort(404)
    return jsonify([str(v) for v in load("feed.xml").xpath(FEED_PATHS[part])])


# case: xpath_injection-111 | bad | CWE-643 | ElementTree path leaves the scope of the tenant
@app.route("/invoices/<number>")
def tenant_invoice(number):
    root = SafeET.parse(DATA / "invoices.xml").getroot()
    node = root.find("./tenant[@id='%d']/invoice[@no='%s']" % (session["tenant_id"], request.args.get("no", number)))
    if node is None:
        abort(404)
    return jsonify(dict(node.attrib))


# case: xpath_injection-112 | good | CWE-643 | ElementTree with constant paths
@app.route("/orders/import", methods=["POST"])
def import_orders():
    root = SafeET.fromstring(request.get_data())
    orders = [
        {"ref": o.get("ref"), "sku": o.findtext("./line/sku"), "count": len(o.findall("./line"))}
        for o in root.findall(".//order")
    ]
    return jsonify(orders=orders), 201


# case: xpath_injection-113 | bad | CWE-643 | class stores the query and runs it in a method
class XmlTable:
    def __init__(self, name):
        self.tree = load(name)
        self.conditions = []

    def where(self, column, value):
        self.conditions.append(f'{column}="{value}"')
        return self

    def rows(self):
        query = "//row[" + " and ".join(self.conditions or ["true()"]) + "]"
        return [dict(r.attrib) for r in self.tree.xpath(query)]


@app.route("/cities")
def cities():
    return jsonify(XmlTable("cities.xml").where("@country", request.args["country"]).rows())


# case: xpath_injection-114 | good | CWE-643 | class with numbered variables
class XmlQuery:
    columns = {"country", "zone", "name"}

    def __init__(self, tree):
        self.tree = tree

    def rows(self, **wanted):
        names = [c for c in wanted if c in self.columns]
        tests = " and ".join(f"@{c}=$v{i}" for i, c in enumerate(names)) or "true()"
        return self.tree.xpath(f"//row[{tests}]", **{f"v{i}": wanted[c] for i, c in enumerate(names)})


@app.route("/ports")
def ports():
    rows = XmlQuery(load("ports.xml")).rows(**request.args.to_dict())
    return jsonify([dict(r.attrib) for r in rows])


# case: xpath_injection-115 | bad | CWE-643 | XML escaping does not reach the quotes
@app.route("/glossary")
def glossary():
    term = request.args.get("term", "").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    nodes = load("glossary.xml").xpath(f"//entry[@term='{term}' and @draft='0']/definition")
    return jsonify([n.text for n in nodes])


# case: xpath_injection-116 | good | CWE-643 | values with the delimiter are refused
@app.route("/dictionary")
def dictionary():
    term = request.args.get("term", "")
    if "'" in term:
        abort(400, "no apostrophes")
    nodes = load("dictionary.xml").xpath(f"//entry[@term='{term}' and @draft='0']/definition")
    return jsonify([n.text for n in nodes])


# case: xpath_injection-117 | bad | CWE-643 | Django form value in an HTML scrape
class PriceView(View):
    expression = "//div[@data-sku='{sku}']//span[@class='price']/text()"

    def select(self, sku):
        document = html.parse(str(Path(settings.SNAPSHOT_DIR) / "supplier.html"))
        return document.xpath(self.expression.format(sku=sku))

    def get(self, request):
        return JsonResponse({"prices": [str(p) for p in self.select(request.GET.get("sku", ""))]})


# case: xpath_injection-118 | good | CWE-643 | constant expression over posted HTML
class LinkView(View):
    def post(self, request):
        document = html.fromstring(request.POST.get("markup", "<p/>"))
        links = document.xpath("//a[starts-with(@href, 'https://')]/@href")
        return JsonResponse({"links": [str(a) for a in links], "title": document.xpath("string(//title)")})


# case: xpath_injection-119 | bad | CWE-643 | pydantic fields joined in a helper
class PatientQuery(BaseModel):
    ward: str
    surname: str


def patient_path(query):
    parts = [f"[ward='{query.ward}']", f"[starts-with(surname, '{query.surname}')]"]
    return "/hospital/patient" + "".join(parts)


@api.post("/patients/find")
def find_patients(query: PatientQuery):
    nodes = load("patients.xml").xpath(patient_path(query))
    return [{"id": n.get("id"), "surname": n.findtext("surname")} for n in nodes]


# case: xpath_injection-120 | good | CWE-643 | pydantic fields as variables
class SampleQuery(BaseModel):
    lab: str
    prefix: str = ""


@api.post("/samples/find")
def find_samples(query: SampleQuery):
    nodes = load("samples.xml").xpath(
        "/lab/sample[@lab=$lab][starts-with(@code, $prefix)]", **query.model_dump()
    )
    return [dict(n.attrib) for n in nodes]


# case: xpath_injection-121 | bad | CWE-643 | evaluator with a dependency value
def tenant_name(x_tenant: str = Header(...)):
    return x_tenant.strip()


@api.get("/limits")
def limits(tenant: str = Depends(tenant_name)):
    evaluate = etree.XPathEvaluator(load("limits.xml"))
    value = evaluate(f"number(//tenant[@name='{tenant}']/limit)")
    return {"limit": value}


# case: xpath_injection-122 | good | CWE-643 | UUID parameter
@api.get("/documents/{doc_id}")
def xml_document(doc_id: uuid.UUID):
    nodes = load("documents.xml").xpath(f"//document[@id='{doc_id}']")
    if not nodes:
        raise HTTPException(404)
    return {"title": nodes[0].get("title"), "pages": int(nodes[0].get("pages", 0))}


# case: xpath_injection-123 | bad | CWE-643 | parsel selector
@app.route("/scrape/cell")
def scrape_cell():
    page = Selector(text=(DATA / "table.html").read_text())
    label = request.args.get("label", "Total")
    value = page.xpath('//tr[td[1]="' + label + '"]/td[2]/text()').get()
    return jsonify(label=label, value=value)


# case: xpath_injection-124 | good | CWE-643 | parsel selector with a variable
@app.route("/scrape/row")
def scrape_row():
    page = Selector(text=(DATA / "table.html").read_text())
    label = request.args.get("label", "Total")
    cells = page.xpath("//tr[td[1]=$label]/td/text()", label=label).getall()
    return jsonify(label=label, cells=cells)


# case: xpath_injection-125 | bad | CWE-643 | elementpath select in Django
def rule_lookup(request):
    kind = request.GET.get("kind", "")
    severity = request.GET.get("severity", "1")
    root = ET.parse(DATA / "rules.xml").getroot()
    path = f"rule[@kind = '{kind}' and @severity >= {severity}]/@name"
    return JsonResponse({"names": list(elementpath.select(root, path))})


# case: xpath_injection-126 | good | CWE-643 | elementpath with variables
def policy_lookup(request):
    kind = request.GET.get("kind", "")
    root = ET.parse(DATA / "policies.xml").getroot()
    names = elementpath.select(root, "policy[@kind = $kind]/@name", variables={"kind": kind})
    return JsonResponse({"names": list(names)})


# case: xpath_injection-127 | bad | CWE-643 | pattern check only at the beginning
@app.route("/flights/<code>")
def flight(code):
    if re.match(r"[A-Z]{2}\d+", code) is None:
        abort(404)
    nodes = load("flights.xml").xpath("//flight[@code='{0}']/gate/text()".format(code))
    return jsonify(gate=str(nodes[0]) if nodes else None)


# case: xpath_injection-128 | good | CWE-643 | pattern over the whole value
def train(request, code):
    if re.fullmatch(r"[A-Z]{2,3}\d{1,5}", code) is None:
        raise Http404
    nodes = load("trains.xml").xpath("//train[@code='{0}']/track/text()".format(code))
    return JsonResponse({"track": str(nodes[0]) if nodes else None})


# case: xpath_injection-129 | good | CWE-643 | literal helper that splits at both quotes
def xpath_literal(value):
    if "'" not in value:
        return f"'{value}'"
    if '"' not in value:
        return f'"{value}"'
    pieces = value.split("'")
    return "concat(" + ", \"'\", ".join(f"'{p}'" for p in pieces) + ")"


@app.route("/albums")
def albums_of_artist():
    artist = xpath_literal(request.args.get("artist", ""))
    titles = load("albums.xml").xpath(f"//album[artist={artist}]/title/text()")
    return jsonify([str(t) for t in titles])


# case: xpath_injection-130 | bad | CWE-643 | element name from the posted fields
@app.route("/profile/<int:user_id>/fields", methods=["POST"])
def profile_fields(user_id):
    tree = load("profiles.xml")
    values = {}
    for name in request.form.getlist("field"):
        found = tree.xpath(f"/profiles/profile[@id='{user_id}']/{name}")
        values[name] = [n.text for n in found]
    return jsonify(values)


# case: xpath_injection-131 | bad | CWE-643 | find through a namespace helper in Django
class SoapStatus(View):
    ns = {"s": "urn:example:status"}

    def node(self, tree, service):
        finder = partial(tree.xpath, namespaces=self.ns)
        return finder("//s:service[s:name = \"" + service + "\"]/s:state")

    def get(self, request, service=None):
        service = service or request.GET.get("service", "core")
        found = self.node(load("status.xml"), service)
        return JsonResponse({"state": found[0].text if found else "unknown"})


# case: xpath_injection-132 | good | CWE-643 | enum member gives the element name
class Section(str, enum.Enum):
    summary = "summary"
    details = "details"
    history = "history"


@api.get("/reports/{report_id}/{section}")
def report_section(report_id: int, section: Section):
    nodes = load("reports.xml").xpath(f"/reports/report[@id='{report_id}']/{section.value}")
    if not nodes:
        raise HTTPException(404)
    return {"text": nodes[0].text}
