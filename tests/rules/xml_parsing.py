"""XML parsers with and without external entities."""

import xml.etree.ElementTree as ElementTree
import xml.sax
from xml.etree import ElementInclude
from xml.sax.handler import feature_external_ges

import defusedxml.ElementTree
from flask import Flask, request
from lxml import etree

app = Flask(__name__)
# ruleid: python-xml-external-entities
OPTIONS = {"resolve_entities": True, "huge_tree": False}


class Reader:
    # ruleid: python-xml-external-entities
    parser = etree.XMLParser(resolve_entities=True)
    # ok: python-xml-external-entities
    strict = etree.XMLParser(resolve_entities=False, no_network=True)


@app.post("/orders")
def orders():
    # ruleid: python-xml-external-entities
    one = etree.fromstring(request.data, etree.XMLParser(load_dtd=True, no_network=False))
    # ruleid: python-xml-external-entities
    two = [node.text for _, node in etree.iterparse(request.files["orders"], resolve_entities=True)]
    # ok: python-xml-external-entities
    three = etree.fromstring(request.data, etree.XMLParser(resolve_entities=False))
    # ok: python-xml-external-entities
    four = etree.parse("schema/orders.xml", etree.XMLParser(resolve_entities=True))
    # ok: python-xml-external-entities
    five = ElementTree.fromstring(request.data)
    # ok: python-xml-external-entities
    six = defusedxml.ElementTree.fromstring(request.data)
    return {"all": [one, two, three, four, five, six]}


def reader():
    parser = xml.sax.make_parser()
    # ruleid: python-xml-external-entities
    parser.setFeature(feature_external_ges, True)
    # ruleid: python-xml-external-entities
    parser.setFeature("http://xml.org/sax/features/external-parameter-entities", 1)
    # ok: python-xml-external-entities
    parser.setFeature(feature_external_ges, False)
    return parser


@app.post("/pages")
def pages():
    root = ElementTree.fromstring(request.data)
    # ruleid: python-xml-inclusion
    ElementInclude.include(root)
    tree = etree.fromstring(request.data).getroottree()
    # ruleid: python-xml-inclusion
    tree.xinclude()
    manual = etree.parse("manual.xml")
    # ok: python-xml-inclusion
    manual.xinclude()
    return ElementTree.tostring(root)
