"""XPath expressions out of a request, and variables in their place."""

import xml.etree.ElementTree as ElementTree

from django.http import JsonResponse
from django.views import View
from flask import Flask, request
from lxml import etree

app = Flask(__name__)
tree = etree.parse("/srv/data/users.xml")
plain = ElementTree.parse("/srv/data/users.xml")


@app.route("/user")
def user():
    name = request.args["name"]
    # ruleid: python-xpath-injection
    tree.xpath(f"//user[name='{name}']")
    # ruleid: python-xpath-injection
    etree.XPath("//user[name='" + name + "']")(tree)
    # ruleid: python-xpath-injection
    plain.findall(".//user[@name='%s']" % name)
    # ruleid: python-xpath-injection
    plain.find(".//user[@name='{}']".format(name))
    # ok: python-xpath-injection
    tree.xpath("//user[name=$name]", name=name)
    # ok: python-xpath-injection
    plain.findall(".//user")
    # ok: python-xpath-injection
    "a sentence".find(name)
    # ok: python-xpath-injection
    tree.xpath(f"//user[{int(name)}]")
    return {}


class Members(View):
    def get(self, request):
        # ruleid: python-xpath-injection
        found = tree.xpath("//member[@role='" + self.kwargs["role"] + "']")
        # ok: python-xpath-injection
        return JsonResponse({"count": len(found), "id": tree.xpath("//member[@id=$id]", id=self.kwargs["pk"])})


class Profile:
    def __init__(self, login):
        self.login = login

    def node(self):
        return tree.xpath("//profile[@login='" + self.login + "']")


@app.route("/profile")
def profile():
    # todoruleid: python-xpath-injection
    kept = Profile(request.cookies["login"])
    # ok: python-xpath-injection
    own = Profile("guest")
    return {"nodes": len(kept.node()) + len(own.node())}
