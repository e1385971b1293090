"""Labelled code: XML of a request through parsers with and without external entities (tuned half)."""

import io
import xml.etree.ElementTree as ET
import xml.sax
from pathlib import Path
from xml.dom import pulldom
from xml.etree import ElementInclude
from xml.sax.handler import ContentHandler, feature_external_ges

import defusedxml.ElementTree
import defusedxml.minidom
import defusedxml.sax
import lxml.html
from django.http import HttpResponse, HttpResponseBadRequest, JsonResponse
from fastapi import FastAPI, Request, UploadFile
from flask import Flask, abort, current_app, jsonify, request
from lxml import etree

app = Flask(__name__)
api = FastAPI()


class TextCollector(ContentHandler):
    def __init__(self):
        super().__init__()
        self.parts = []

    def characters(self, content):
        self.parts.append(content)


# case: xxe-01 | bad | CWE-611 | Flask, lxml with entities resolved over the request body
@app.post("/orders")
def create_order():
    parser = etree.XMLParser(resolve_entities=True)
    root = etree.fromstring(request.data, parser)
    return jsonify(customer=root.findtext("customer"))


# case: xxe-02 | good | CWE-611 | Flask, lxml with entities left alone
@app.post("/orders/v2")
def create_order_v2():
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    root = etree.fromstring(request.data, parser)
    return jsonify(customer=root.findtext("customer"))


# case: xxe-03 | bad | CWE-611 | Flask, uploaded file, external DTD loaded and entities resolved
DTD_PARSER = etree.XMLParser(load_dtd=True, resolve_entities=True, no_network=False)


@app.post("/catalogue")
def upload_catalogue():
    upload = request.files["catalogue"]
    tree = etree.parse(upload.stream, parser=DTD_PARSER)
    return jsonify(titles=[node.text for node in tree.iter("title")])


# case: xxe-04 | good | CWE-611 | Flask, uploaded file through defusedxml
@app.post("/products")
def upload_products():
    upload = request.files["products"]
    tree = defusedxml.ElementTree.parse(upload.stream)
    return jsonify(titles=[node.text for node in tree.iter("title")])


# case: xxe-05 | bad | CWE-611 | Django, iterparse with entities resolved
def import_contacts(request):
    names = []
    for _event, element in etree.iterparse(request.FILES["contacts"], tag="name", resolve_entities=True):
        names.append(element.text)
        element.clear()
    return JsonResponse({"names": names})


# case: xxe-06 | good | CWE-611 | Django, SAX through defusedxml
def import_notes(request):
    collector = TextCollector()
    defusedxml.sax.parseString(request.body, collector)
    return HttpResponse("".join(collector.parts), content_type="text/plain")


# case: xxe-07 | bad | CWE-611 | FastAPI, parser options in a dictionary
PARSER_OPTIONS = {"remove_blank_text": True, "resolve_entities": True, "huge_tree": True}


@api.post("/invoices")
async def receive_invoice(request: Request):
    body = await request.body()
    root = etree.fromstring(body, parser=etree.XMLParser(**PARSER_OPTIONS))
    return {"number": root.findtext("number"), "total": root.findtext("total")}


# case: xxe-08 | good | CWE-611 | FastAPI, helper builds a parser without entities, DTD and network
def strict_parser():
    return etree.XMLParser(remove_blank_text=True, resolve_entities=False, load_dtd=False, no_network=True)


@api.post("/receipts")
async def receive_receipt(request: Request):
    body = await request.body()
    root = etree.fromstring(body, parser=strict_parser())
    return {"number": root.findtext("number"), "total": root.findtext("total")}


# case: xxe-09 | bad | CWE-611 | Flask, SAX with external general entities switched on
@app.post("/articles")
def import_article():
    collector = TextCollector()
    reader = xml.sax.make_parser()
    reader.setFeature(feature_external_ges, True)
    reader.setContentHandler(collector)
    reader.parse(io.BytesIO(request.get_data()))
    return "".join(collector.parts)


# case: xxe-10 | good | CWE-611 | Flask, SAX with external general entities switched off
@app.post("/comments")
def import_comment():
    collector = TextCollector()
    reader = xml.sax.make_parser()
    reader.setFeature(feature_external_ges, False)
    reader.setContentHandler(collector)
    reader.parse(io.BytesIO(request.get_data()))
    return "".join(collector.parts)


# case: xxe-11 | bad | CWE-611 | Flask, parser as a class attribute
class FeedReader:
    parser = etree.XMLParser(resolve_entities=True, recover=True)

    def titles(self, document):
        return etree.fromstring(document, self.parser).xpath("//item/title/text()")


@app.post("/feeds/preview")
def preview_feed():
    return jsonify(FeedReader().titles(request.form["feed"].encode()))


# case: xxe-12 | good | CWE-611 | entities resolved, but in a file of the application itself
@app.get("/manual")
def manual():
    source = Path(current_app.root_path) / "docs" / "manual.xml"
    tree = etree.parse(str(source), etree.XMLParser(load_dtd=True, resolve_entities=True))
    return jsonify(chapters=[node.text for node in tree.iter("chapter")])


# case: xxe-13 | bad | CWE-611 | search for the declaration in the bytes misses other encodings
@app.post("/settings/import")
def import_settings():
    document = request.get_data()
    if b"<!ENTITY" in document or b"<!DOCTYPE" in document:
        abort(400, "no document type allowed")
    root = etree.fromstring(document, etree.XMLParser(resolve_entities=True))
    return jsonify({node.get("key"): node.text for node in root})


# case: xxe-14 | good | CWE-611 | the standard library's ElementTree fetches no external entities
@app.post("/settings/export")
def read_settings():
    try:
        root = ET.fromstring(request.get_data())
    except ET.ParseError:
        abort(400)
    return jsonify({node.get("key"): node.text for node in root})


# case: xxe-15 | bad | CWE-611 | Django, XInclude carried out on a document of the request
def render_document(request):
    root = etree.fromstring(request.body, etree.XMLParser(resolve_entities=False))
    tree = root.getroottree()
    tree.xinclude()
    return HttpResponse(etree.tostring(tree), content_type="application/xml")


# case: xxe-16 | good | CWE-611 | Django, HTML parser: no document type definitions
def strip_markup(request):
    fragment = lxml.html.fromstring(request.POST["text"])
    return HttpResponse(fragment.text_content(), content_type="text/plain")


# case: xxe-17 | bad | CWE-611 | FastAPI, pulldom over a SAX reader with external entities
@api.post("/reports")
def read_report(report: UploadFile):
    reader = xml.sax.make_parser()
    reader.setFeature("http://xml.org/sax/features/external-general-entities", 1)
    events = pulldom.parse(report.file, parser=reader)
    return {"text": "".join(node.data for event, node in events if event == pulldom.CHARACTERS)}


# case: xxe-18 | good | CWE-611 | FastAPI, request data written as XML, nothing parsed
@api.get("/badge")
def badge(name: str, colour: str = "green"):
    root = etree.Element("badge", colour=colour)
    etree.SubElement(root, "name").text = name
    return {"xml": etree.tostring(root, encoding="unicode")}


# case: xxe-19 | bad | CWE-611 | Flask, JSON field fed to a parser in pieces
@app.post("/messages")
def parse_message():
    text = request.get_json()["message"]
    parser = etree.XMLParser(resolve_entities=True, encoding="utf-8")
    for line in text.splitlines(keepends=True):
        parser.feed(line.encode())
    return jsonify(subject=parser.close().findtext("subject"))


# case: xxe-20 | good | CWE-611 | Flask, minidom through defusedxml
@app.post("/letters")
def parse_letter():
    document = defusedxml.minidom.parseString(request.get_json()["letter"].encode())
    subjects = document.getElementsByTagName("subject")
    return jsonify(subject=subjects[0].firstChild.data if subjects else None)


# case: xxe-21 | bad | CWE-611 | Flask, ElementInclude reads any file the document names
@app.post("/templates")
def expand_template():
    root = ET.fromstring(request.data)
    ElementInclude.include(root)
    return ET.tostring(root)


# case: xxe-22 | good | CWE-611 | Django, entities left alone and a document type refused
def import_calendar(request):
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False)
    tree = etree.parse(request.FILES["calendar"], parser)
    if tree.docinfo.doctype:
        return HttpResponseBadRequest("no document type allowed")
    return JsonResponse({"events": [node.text for node in tree.iter("event")]})
