"""LDAP filters and names out of a request, and the two kinds of escaping."""

import ldap
import ldap3
from flask import Flask, request
from ldap.dn import escape_dn_chars
from ldap.filter import escape_filter_chars, filter_format
from ldap3.utils.conv import escape_filter_chars as escape3
from pydantic import BaseModel

app = Flask(__name__)
BASE = "ou=people,dc=example,dc=org"
GROUPS = {"staff": "(ou=staff)", "guests": "(ou=guests)"}
directory = ldap.initialize("ldaps://ldap.example.org")
modern = ldap3.Connection("ldap.example.org", auto_bind=True)


@app.route("/filter")
def filters():
    name = request.args["name"]
    # ruleid: python-ldap-injection
    directory.search_s(BASE, ldap.SCOPE_SUBTREE, f"(uid={name})")
    # ruleid: python-ldap-injection
    directory.search_ext_s(BASE, ldap.SCOPE_SUBTREE, filterstr="(uid=%s)" % name)
    # ruleid: python-ldap-injection
    directory.search_s(BASE, ldap.SCOPE_SUBTREE, f"(uid={escape_dn_chars(name)})")
    # ruleid: python-ldap-injection
    modern.search(BASE, "(uid=" + name + ")")
    # ruleid: python-ldap-injection
    modern.search(search_base=BASE, search_filter="(uid={})".format(name))
    # ok: python-ldap-injection
    directory.search_s(BASE, ldap.SCOPE_SUBTREE, f"(uid={escape_filter_chars(name)})")
    # ok: python-ldap-injection
    directory.search_s(BASE, ldap.SCOPE_SUBTREE, filter_format("(uid=%s)", [name]))
    # ok: python-ldap-injection
    modern.search(BASE, f"(uid={escape3(name)})")
    # ok: python-ldap-injection
    modern.search(BASE, GROUPS[name])
    return {}


@app.route("/name")
def names():
    name = request.args["name"]
    # ruleid: python-ldap-injection
    directory.simple_bind_s(f"uid={name},{BASE}", "")
    # ok: python-ldap-injection
    directory.delete_s(f"uid={escape_dn_chars(name)},{BASE}")
    return {}


def find(value):
    return directory.search_s(BASE, ldap.SCOPE_SUBTREE, "(cn=" + value + ")")


def equal(value):
    return "(cn=" + escape_filter_chars(value) + ")"


@app.route("/helper")
def helpers():
    # todoruleid: python-ldap-injection
    find(request.args["cn"])
    # ok: python-ldap-injection
    directory.search_s(BASE, ldap.SCOPE_SUBTREE, equal(request.args["cn"]))
    # ok: python-ldap-injection
    find("nobody")
    return {}


class Person(BaseModel):
    name: str
    floor: int


@app.post("/model")
def model(body: Person):
    # ruleid: python-ldap-injection
    directory.search_s(BASE, ldap.SCOPE_SUBTREE, f"(cn={body.name})")
    # ok: python-ldap-injection
    directory.search_s(BASE, ldap.SCOPE_SUBTREE, f"(floor={body.floor})")
    return {}
