import io
import os
import xml.etree.ElementTree as ET
import xml.sax
import zipfile
from functools import lru_cache
from pathlib import Path
from xml.dom import minidom, pulldom
from xml.etree import ElementInclude
from xml.parsers import expat
from xml.sax.handler import ContentHandler, feature_external_ges

import defusedxml.minidom
import defusedxml.sax
import lxml.html
import xmltodict
from defusedxml import DefusedXmlException
from defusedxml import ElementTree as DET
from django.http import HttpResponse, HttpResponseBadRequest, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.http import require_POST
from fastapi import Depends, FastAPI, File, HTTPException, UploadFile
from fastapi import Request as ApiRequest
from flask import Flask, Response, abort, jsonify, request
from lxml import etree, objectify

app = Flask(__name__)
api = FastAPI()

PACKAGE_DIR = Path(__file__).parent


class TextCollector(ContentHandler):
    def __init__(self):
        super().__init__()
        self.parts = []

    def characters(self, content):
        self.parts.append(content)


# case: xxe-101 | bad | CWE-611 | parser factory with DTD loading and network
def build_parser(strip=True):
    return etree.XMLParser(
        remove_blank_text=strip,
        load_dtd=True,
        resolve_entities=True,
        no_network=False,
    )


@app.route("/feeds/preview", methods=["POST"])
def preview_feed():
    tree = etree.parse(io.BytesIO(request.get_data()), build_parser())
    titles = tree.xpath("//item/title/text()")
    return jsonify(titles=titles)


# case: xxe-102 | good | CWE-611 | HTML parser for a posted page
@app.post("/pages/links")
def page_links():
    document = lxml.html.document_fromstring(request.form["html"])
    links = [a.get("href") for a in document.iter("a") if a.get("href")]
    return jsonify(links=links[:200])


# case: xxe-103 | good | CWE-611 | feed parser with entities off (FastAPI)
@api.post("/telemetry/count")
async def telemetry_count(request: ApiRequest):
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    async for chunk in request.stream():
        parser.feed(chunk)
    root = parser.close()
    return {"readings": len(root.findall("reading"))}


# case: xxe-104 | bad | CWE-611 | lxml parser that resolves entities on the request body
@app.post("/orders/import")
def import_orders():
    parser = etree.XMLParser(resolve_entities=True)
    root = etree.fromstring(request.data, parser)
    return jsonify(ids=[node.text for node in root.iter("id")])


# case: xxe-105 | bad | CWE-611 | generator over iterparse that resolves entities
def iter_products(stream):
    for _, node in etree.iterparse(stream, tag="product", resolve_entities=True, load_dtd=True):
        yield {child.tag: child.text for child in node}
        node.clear()


@app.post("/catalog/bulk")
def bulk_catalog():
    products = list(iter_products(request.files["catalog"].stream))
    return jsonify(products=products)


# case: xxe-106 | good | CWE-611 | lxml parser without entities and network
@app.post("/orders/check")
def check_orders():
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    root = etree.fromstring(request.data, parser)
    return jsonify(ids=[node.text for node in root.iter("id")])


# case: xxe-107 | bad | CWE-611 | options dictionary spread into the parser (Django)
XML_OPTIONS = {"recover": False, "resolve_entities": True, "no_network": False}


@method_decorator(require_POST, name="dispatch")
class SamlAcs(View):
    def read(self, raw):
        return etree.fromstring(raw, etree.XMLParser(**XML_OPTIONS))

    def post(self, request):
        assertion = self.read(request.body)
        return JsonResponse({"issuer": assertion.findtext("{*}Issuer")})


# case: xxe-108 | bad | CWE-611 | objectify parser with entities
@app.route("/shipments", methods=["PUT"])
def put_shipment():
    parser = objectify.makeparser(resolve_entities=True, remove_comments=True)
    shipment = objectify.fromstring(request.get_data(), parser)
    label = f"{shipment.receiver.name} / {shipment.receiver.city}"
    return jsonify(label=label)


# case: xxe-109 | bad | CWE-611 | ElementInclude expands the posted layout (Django)
@require_POST
def expand_layout(request):
    layout = ET.fromstring(request.body.decode("utf-8"))
    ElementInclude.include(layout)
    return HttpResponse(ET.tostring(layout), content_type="application/xml")


# case: xxe-110 | good | CWE-611 | options dictionary with entities off (Django)
STRICT_OPTIONS = dict(resolve_entities=False, no_network=True, huge_tree=False)


class SamlLogout(View):
    def read(self, raw):
        parser = etree.XMLParser(**STRICT_OPTIONS)
        root = etree.fromstring(raw, parser)
        if root.getroottree().docinfo.doctype:
            raise ValueError("document type not allowed")
        return root

    def post(self, request):
        return JsonResponse({"name_id": self.read(request.body).findtext("{*}NameID")})


# case: xxe-111 | bad | CWE-611 | parser as class attribute of a view (Django)
class InvoiceUpload(View):
    parser = etree.XMLParser(resolve_entities=True, encoding="utf-8")

    def post(self, request):
        document = etree.parse(request.FILES["invoice"], parser=self.parser)
        number = document.findtext("number")
        return JsonResponse({"number": number})


# case: xxe-112 | good | CWE-611 | parser factory with entity handling off
def feed_parser(strip=True):
    return etree.XMLParser(remove_blank_text=strip, resolve_entities=False, no_network=True, dtd_validation=False)


@app.route("/feeds/validate", methods=["POST"])
def validate_feed():
    tree = etree.parse(io.BytesIO(request.get_data()), feed_parser())
    return jsonify(items=len(tree.findall(".//item")))


# case: xxe-113 | good | CWE-611 | schema of the package validates a body without entities (Django)
def validate_manifest(request):
    schema = etree.XMLSchema(etree.parse(str(PACKAGE_DIR / "schemas" / "manifest.xsd")))
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    document = etree.fromstring(request.body, parser)
    return JsonResponse({"valid": schema.validate(document)})


# case: xxe-114 | good | CWE-611 | generator over iterparse without entities
def iter_customers(stream):
    events = etree.iterparse(stream, tag="customer", resolve_entities=False, no_network=True, load_dtd=False)
    for _, node in events:
        yield node.get("id"), node.findtext("name")
        node.clear()


@app.post("/customers/bulk")
def bulk_customers():
    return jsonify(customers=dict(iter_customers(request.files["customers"].stream)))


# case: xxe-115 | good | CWE-611 | expat handler refuses declarations (FastAPI)
def refuse_declaration(*args):
    raise ValueError("declarations are not accepted")


@api.post("/letters/check")
async def check_letter(request: ApiRequest):
    parts = []
    parser = expat.ParserCreate()
    parser.CharacterDataHandler = parts.append
    parser.StartDoctypeDeclHandler = refuse_declaration
    parser.EntityDeclHandler = refuse_declaration
    parser.Parse(await request.body(), True)
    return {"length": sum(map(len, parts))}


# case: xxe-116 | good | CWE-611 | defusedxml minidom for the posted text (Django)
@require_POST
def import_groups(request):
    try:
        document = defusedxml.minidom.parseString(request.body)
    except DefusedXmlException:
        return HttpResponse(status=400)
    groups = [node.getAttribute("name") for node in document.getElementsByTagName("group")]
    return JsonResponse({"groups": groups})


# case: xxe-117 | bad | CWE-611 | part of an uploaded office archive (FastAPI)
class OfficeDocument:
    def __init__(self, data):
        self.archive = zipfile.ZipFile(io.BytesIO(data))

    def part(self, name):
        parser = etree.XMLParser(load_dtd=True, resolve_entities=True)
        return etree.fromstring(self.archive.read(name), parser)


@api.post("/documents/properties")
async def document_properties(file: UploadFile):
    core = OfficeDocument(await file.read()).part("docProps/core.xml")
    return {child.tag.rpartition("}")[2]: child.text for child in core}


# case: xxe-118 | bad | CWE-611 | pull parser fed from the request stream (FastAPI)
@api.post("/telemetry")
async def telemetry(request: ApiRequest):
    parser = etree.XMLPullParser(events=("end",), tag="reading", resolve_entities=True)
    values = []
    async for chunk in request.stream():
        parser.feed(chunk)
        values.extend(node.text for _, node in parser.read_events())
    return {"values": values}


# case: xxe-119 | good | CWE-611 | inclusion on a document of the package
@lru_cache(maxsize=1)
def handbook():
    tree = etree.parse(str(PACKAGE_DIR / "data" / "handbook.xml"))
    tree.xinclude()
    return tree


@app.get("/handbook/<int:chapter>")
def handbook_chapter(chapter):
    nodes = handbook().findall("chapter")
    if not 1 <= chapter <= len(nodes):
        abort(404)
    return Response(etree.tostring(nodes[chapter - 1]), mimetype="application/xml")


# case: xxe-120 | good | CWE-611 | settings file named by the deployment
def read_site_settings():
    path = os.environ.get("SITE_SETTINGS", "/etc/portal/site.xml")
    root = ET.parse(path).getroot()
    return {node.get("name"): node.text for node in root.findall("setting")}


@api.get("/settings/{name}")
def site_setting(name: str):
    return {"value": read_site_settings().get(name)}


# case: xxe-121 | good | CWE-611 | defusedxml sax parser with the same handler
@app.post("/articles/words")
def article_words():
    collector = TextCollector()
    try:
        defusedxml.sax.parse(request.files["article"].stream, collector)
    except DefusedXmlException:
        abort(400)
    return jsonify(words=len("".join(collector.parts).split()))


# case: xxe-122 | bad | CWE-611 | uploaded file parsed with entity resolution (FastAPI)
@api.post("/playlists")
async def create_playlist(file: UploadFile = File(...)):
    raw = await file.read()
    root = etree.XML(raw, parser=etree.XMLParser(resolve_entities=True, recover=True))
    tracks = [{"title": t.findtext("title"), "path": t.findtext("location")} for t in root.iter("track")]
    return {"count": len(tracks), "tracks": tracks}


# case: xxe-123 | good | CWE-611 | document is only built and serialised
@app.route("/shipments/<int:shipment_id>/label.xml")
def shipment_label(shipment_id):
    root = ET.Element("label", id=str(shipment_id))
    receiver = ET.SubElement(root, "receiver")
    receiver.text = request.args.get("receiver", "")
    return Response(ET.tostring(root, encoding="utf-8"), mimetype="application/xml")


# case: xxe-124 | good | CWE-611 | body parsed by defusedxml in a dependency (FastAPI)
async def xml_body(request: ApiRequest):
    body = await request.body()
    try:
        return DET.fromstring(body, forbid_dtd=True)
    except (DET.ParseError, DefusedXmlException):
        raise HTTPException(status_code=422)


@api.post("/playlists/check")
async def check_playlist(root=Depends(xml_body)):
    return {"tracks": len(root.findall("track"))}


# case: xxe-125 | bad | CWE-611 | expat handler opens the system identifier (FastAPI)
class EntityReader:
    def __init__(self):
        self.parts = []
        self.parser = expat.ParserCreate()
        self.parser.CharacterDataHandler = self.parts.append
        self.parser.ExternalEntityRefHandler = self.resolve

    def resolve(self, context, base, system_id, public_id):
        child = self.parser.ExternalEntityParserCreate(context)
        child.ParseFile(open(system_id.removeprefix("file://"), "rb"))
        return 1


@api.post("/letters")
async def post_letter(request: ApiRequest):
    reader = EntityReader()
    reader.parser.Parse(await request.body(), True)
    return {"text": "".join(reader.parts)}


# case: xxe-126 | bad | CWE-611 | pulldom with a configured reader (Django)
@require_POST
def import_contacts(request):
    reader = xml.sax.make_parser()
    reader.setFeature(xml.sax.handler.feature_external_ges, 1)
    names = []
    events = pulldom.parse(request, reader)
    for event, node in events:
        if event == pulldom.START_ELEMENT and node.tagName == "name":
            events.expandNode(node)
            names.append("".join(child.data for child in node.childNodes))
    return JsonResponse({"names": names})


# case: xxe-127 | bad | CWE-611 | inclusion runs on an uploaded document
@app.post("/manuals/render")
def render_manual():
    upload = request.files["manual"]
    tree = etree.parse(upload.stream, etree.XMLParser(resolve_entities=False))
    tree.xinclude()
    return Response(etree.tostring(tree), mimetype="application/xml")


# case: xxe-128 | good | CWE-611 | xmltodict with its default settings
@app.post("/soap/status")
def soap_status():
    try:
        envelope = xmltodict.parse(request.get_data(), disable_entities=True)
    except (expat.ExpatError, ValueError):
        abort(400)
    return jsonify(keys=list(envelope))


# case: xxe-129 | good | CWE-611 | defused tree in a view (Django)
class ReceiptUpload(View):
    http_method_names = ["post"]

    def post(self, request):
        try:
            document = DET.parse(request.FILES["receipt"])
        except (DET.ParseError, DefusedXmlException):
            return HttpResponseBadRequest("not a valid receipt")
        return JsonResponse({"number": document.findtext("number")})


# case: xxe-130 | bad | CWE-611 | minidom gets a reader with entities on
def load_document(stream):
    reader = xml.sax.make_parser()
    reader.setFeature(feature_external_ges, True)
    return minidom.parse(stream, parser=reader)


@app.post("/svg/inspect")
def inspect_svg():
    document = load_document(io.BytesIO(request.get_data()))
    texts = [node.toxml() for node in document.getElementsByTagName("text")]
    return jsonify(texts=texts)


# case: xxe-131 | bad | CWE-611 | sax reader with external general entities switched on
@app.post("/articles/text")
def article_text():
    collector = TextCollector()
    reader = xml.sax.make_parser()
    reader.setFeature(feature_external_ges, True)
    reader.setContentHandler(collector)
    reader.parse(request.files["article"].stream)
    return jsonify(text="".join(collector.parts))


# case: xxe-132 | bad | CWE-611 | byte search for entity declarations before parsing
@app.post("/soap/quote")
def soap_quote():
    body = request.get_data()
    if b"<!ENTITY" in body or b"SYSTEM" in body:
        abort(400)
    envelope = etree.fromstring(body, parser=etree.XMLParser(resolve_entities=True))
    symbol = envelope.findtext(".//{*}symbol")
    return jsonify(symbol=symbol)
