"""Labelled code: XML of a request through parsers with and without external entities (opened part)."""

import base64
import io
import zipfile
from functools import partial, wraps
from xml.dom import minidom
from xml.etree.ElementTree import XMLPullParser as PlainPullParser
from xml.parsers import expat
from xml.sax import expatreader, handler, make_parser, parseString

import xmltodict
from bs4 import BeautifulSoup
from defusedxml.ElementTree import fromstring as parse_defused
from defusedxml.expatbuilder import parseString as parse_defused_dom
from django.http import HttpResponse, JsonResponse
from django.views import View
from fastapi import APIRouter, Body, File, HTTPException, Request
from flask import Blueprint, abort, g, request
from flask.views import MethodView
from lxml import ElementInclude as LxmlInclude
from lxml import etree as ElementTree
from lxml import objectify
from lxml.etree import XMLParser, XMLPullParser, XMLSyntaxError, fromstring

documents = Blueprint("documents", __name__)
router = APIRouter(prefix="/xml")


# case: xxe-23 | bad | CWE-611 | expat, handler of our own opens what the document names
class EntityExpander:
    def __init__(self):
        self.text = []
        self.parser = expat.ParserCreate()
        self.parser.CharacterDataHandler = self.text.append
        self.parser.ExternalEntityRefHandler = self.external

    def external(self, context, base, system_id, public_id):
        with open(system_id, "rb") as stream:
            self.parser.ExternalEntityParserCreate(context).ParseFile(stream)
        return 1


@documents.post("/expand")
def expand():
    expander = EntityExpander()
    expander.parser.Parse(request.get_data(), True)
    return "".join(expander.text)


# case: xxe-24 | good | CWE-611 | expat, text and nothing else collected
class TextExtractor:
    def __init__(self):
        self.text = []
        self.parser = expat.ParserCreate()
        self.parser.CharacterDataHandler = self.text.append


@documents.post("/extract")
def extract():
    extractor = TextExtractor()
    try:
        extractor.parser.Parse(request.get_data(), True)
    except expat.ExpatError:
        abort(400)
    return "".join(extractor.text)


# case: xxe-25 | bad | CWE-611 | Flask method view, parser kept with partial
open_parser = partial(XMLParser, resolve_entities=True, strip_cdata=False)


class FeedView(MethodView):
    def put(self, name):
        feed = fromstring(request.stream.read(), parser=open_parser(ns_clean=True))
        return {"name": name, "title": feed.findtext("channel/title")}


# case: xxe-26 | good | CWE-611 | Flask method view, parser kept with partial, entities left alone
closed_parser = partial(XMLParser, resolve_entities=False, dtd_validation=False)


class ChannelView(MethodView):
    def put(self, name):
        feed = fromstring(request.stream.read(), parser=closed_parser(ns_clean=True))
        return {"name": name, "title": feed.findtext("channel/title")}


# case: xxe-27 | bad | CWE-611 | Django, SAML answer of the form, entities resolved
class AssertionView(View):
    def post(self, request):
        answer = base64.b64decode(request.POST["SAMLResponse"])
        tree = ElementTree.XML(answer, parser=ElementTree.XMLParser(remove_comments=True, resolve_entities=True))
        subject = tree.find(".//{urn:oasis:names:tc:SAML:2.0:assertion}NameID")
        return JsonResponse({"subject": subject.text})


# case: xxe-28 | good | CWE-611 | Django, SAML answer of the form through defusedxml
class AnswerView(View):
    def post(self, request):
        answer = base64.b64decode(request.POST["SAMLResponse"])
        tree = parse_defused(answer, forbid_dtd=True)
        subject = tree.find(".//{urn:oasis:names:tc:SAML:2.0:assertion}NameID")
        return JsonResponse({"subject": subject.text})


# case: xxe-29 | bad | CWE-611 | FastAPI, pull parser over the streamed body
@router.post("/stream")
async def stream(request: Request):
    parser = XMLPullParser(events=("end",), resolve_entities=True)
    found = []
    async for chunk in request.stream():
        parser.feed(chunk)
        found += [element.text for _, element in parser.read_events() if element.tag == "sku"]
    return {"found": found}


# case: xxe-30 | good | CWE-611 | FastAPI, the standard library's pull parser over the streamed body
@router.post("/flow")
async def flow(request: Request):
    parser = PlainPullParser(events=("end",))
    found = []
    async for chunk in request.stream():
        parser.feed(chunk)
        found += [element.text for _, element in parser.read_events() if element.tag == "sku"]
    return {"found": found}


# case: xxe-31 | bad | CWE-611 | Flask, part of an uploaded office document, entities resolved
@documents.post("/office")
def office():
    with zipfile.ZipFile(request.files["document"]) as archive, archive.open("word/document.xml") as part:
        content = ElementTree.parse(part, ElementTree.XMLParser(huge_tree=True, resolve_entities=True))
    return {"text": " ".join(content.getroot().itertext())}


# case: xxe-32 | good | CWE-611 | Flask, part of an uploaded office document, only inner entities resolved
@documents.post("/spreadsheet")
def spreadsheet():
    with zipfile.ZipFile(request.files["document"]) as archive, archive.open("xl/workbook.xml") as part:
        content = ElementTree.parse(part, ElementTree.XMLParser(resolve_entities="internal", no_network=True))
    return {"text": " ".join(content.getroot().itertext())}


# case: xxe-33 | bad | CWE-611 | FastAPI, declaration cut out once: a nested one comes back together
@router.post("/clean")
def clean(document: bytes = Body(media_type="application/xml")):
    for word in (b"<!ENTITY", b"SYSTEM"):
        document = document.replace(word, b"")
    root = fromstring(document, XMLParser(resolve_entities=True))
    return {"text": "".join(root.itertext())}


# case: xxe-34 | good | CWE-611 | FastAPI, entities left alone and any entity in the tree refused
@router.post("/plain")
def plain(document: bytes = Body(media_type="application/xml")):
    try:
        root = fromstring(document, XMLParser(resolve_entities=False))
    except XMLSyntaxError as error:
        raise HTTPException(400) from error
    if any(True for _ in root.iter(ElementTree.Entity)):
        raise HTTPException(400)
    return {"text": "".join(root.itertext())}


# case: xxe-35 | bad | CWE-611 | decorator parses the body of each view with entities resolved
def xml_body(view):
    @wraps(view)
    def wrapper(**kwargs):
        g.body = objectify.fromstring(request.data, objectify.makeparser(resolve_entities=True))
        return view(**kwargs)

    return wrapper


@documents.post("/people")
@xml_body
def people():
    return {"names": [str(person.name) for person in g.body.person]}


# case: xxe-36 | good | CWE-611 | decorator parses the body of each view with entities left alone
def objectified_body(view):
    @wraps(view)
    def wrapper(**kwargs):
        g.body = objectify.fromstring(request.data, objectify.makeparser(resolve_entities=False))
        return view(**kwargs)

    return wrapper


@documents.post("/places")
@objectified_body
def places():
    return {"names": [str(place.name) for place in g.body.place]}


# case: xxe-37 | bad | CWE-611 | Django, minidom over a SAX parser whose features are set in a loop
def outline(request):
    reader = make_parser()
    for feature, wanted in ((handler.feature_namespaces, False), (handler.feature_external_ges, True)):
        reader.setFeature(feature, wanted)
    document = minidom.parse(request.FILES["outline"], parser=reader)
    return HttpResponse(document.documentElement.toxml(), content_type="application/xml")


# case: xxe-38 | good | CWE-611 | Django, DOM through defusedxml
def sketch(request):
    document = parse_defused_dom(request.FILES["sketch"].read())
    headings = [node.firstChild.data for node in document.getElementsByTagName("heading")]
    return JsonResponse({"headings": headings})


# case: xxe-39 | bad | CWE-611 | Flask, includes of an uploaded document carried out by lxml
@documents.post("/book")
def book():
    root = fromstring(request.files["book"].read(), XMLParser(resolve_entities=False))
    LxmlInclude.include(root)
    return {"chapters": [chapter.text for chapter in root.iter("chapter")]}


# case: xxe-40 | good | CWE-611 | Flask, markup read by an HTML parser
@documents.post("/pamphlet")
def pamphlet():
    soup = BeautifulSoup(request.files["pamphlet"].read(), "html.parser")
    return {"chapters": [chapter.get_text() for chapter in soup.find_all("chapter")]}


# case: xxe-41 | bad | CWE-611 | Flask, cookie parsed by a feed-style parser with entities allowed
class Names(handler.ContentHandler):
    def __init__(self):
        super().__init__()
        self.found = []

    def characters(self, content):
        self.found.append(content)


@documents.get("/recent")
def recent():
    names, reader = Names(), expatreader.create_parser()
    reader.setContentHandler(names)
    reader.setFeature(handler.feature_external_ges, not request.args.get("strict"))
    reader.parse(io.BytesIO(base64.b64decode(request.cookies.get("recent", ""))))
    return {"names": names.found}


# case: xxe-42 | good | CWE-611 | Flask, SAX as it comes: external entities are off
class Titles(handler.ContentHandler):
    def __init__(self):
        super().__init__()
        self.found = []

    def characters(self, content):
        self.found.append(content)


@documents.get("/titles")
def titles():
    collected = Titles()
    parseString(base64.b64decode(request.cookies.get("titles", "")), collected)
    return {"titles": collected.found}


# case: xxe-43 | bad | CWE-611 | FastAPI, document type loaded and validated, entities resolved
@router.post("/validated")
async def validated(document: bytes = File()):
    settings = dict(dtd_validation=True, load_dtd=True)
    settings["resolve_entities"] = True
    try:
        root = fromstring(document, XMLParser(**settings))
    except XMLSyntaxError as error:
        raise HTTPException(400, detail=str(error)) from error
    return {"text": ElementTree.tostring(root, method="text", encoding="unicode")}


# case: xxe-44 | good | CWE-611 | FastAPI, xmltodict with entities disabled
@router.post("/mapping")
async def mapping(document: bytes = File()):
    try:
        content = xmltodict.parse(document, disable_entities=True)
    except (expat.ExpatError, ValueError) as error:
        raise HTTPException(400) from error
    return {"keys": list(content)}
