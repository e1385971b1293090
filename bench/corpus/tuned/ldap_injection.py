"""Labelled cases: LDAP filters and names built by web code (tuned half)."""

import html
import os
import re
from enum import Enum
from uuid import UUID

import ldap
import ldap3
from django.http import HttpResponseBadRequest, JsonResponse
from fastapi import FastAPI, Header
from flask import Flask, abort, jsonify, request
from ldap.dn import escape_dn_chars
from ldap.filter import escape_filter_chars, filter_format
from ldap3 import SUBTREE, Connection, Server
from ldap3.utils.conv import escape_filter_chars as escape_value
from pydantic import BaseModel

app = Flask(__name__)
api = FastAPI()
BASE = "ou=people,dc=example,dc=org"


def directory():
    connection = ldap.initialize("ldaps://ldap.example.org")
    connection.simple_bind_s(os.environ["LDAP_BIND_DN"], os.environ["LDAP_BIND_SECRET"])
    return connection


def directory3():
    server = Server("ldap.example.org", use_ssl=True)
    return Connection(server, os.environ["LDAP_BIND_DN"], os.environ["LDAP_BIND_SECRET"], auto_bind=True)


# case: ldap_injection-01 | bad | CWE-90 | Flask query argument in an f-string filter, python-ldap
@app.route("/people")
def find_person():
    uid = request.args.get("uid", "")
    found = directory().search_s(BASE, ldap.SCOPE_SUBTREE, f"(uid={uid})", ["cn", "mail"])
    return jsonify([dn for dn, _ in found])


# case: ldap_injection-02 | good | CWE-90 | Flask query argument through escape_filter_chars
@app.route("/people/by-mail")
def find_by_mail():
    mail = escape_filter_chars(request.args.get("mail", ""))
    found = directory().search_s(BASE, ldap.SCOPE_SUBTREE, f"(mail={mail})", ["cn"])
    return jsonify([dn for dn, _ in found])


# case: ldap_injection-03 | bad | CWE-90 | Flask form fields by percent formatting, ldap3
@app.route("/staff/login", methods=["POST"])
def staff_login():
    user = request.form["user"]
    pin = request.form["pin"]
    query = "(&(objectClass=person)(uid=%s)(employeePin=%s))" % (user, pin)
    connection = directory3()
    connection.search(BASE, query, search_scope=SUBTREE, attributes=["cn"])
    if not connection.entries:
        abort(401)
    return jsonify(name=str(connection.entries[0].cn))


# case: ldap_injection-04 | good | CWE-90 | Flask form fields through filter_format
@app.route("/staff/card", methods=["POST"])
def staff_card():
    query = filter_format("(&(objectClass=person)(uid=%s)(o=%s))", [request.form["user"], request.form["company"]])
    found = directory().search_s(BASE, ldap.SCOPE_SUBTREE, query, ["cn", "telephoneNumber"])
    return jsonify(found=len(found))


# case: ldap_injection-05 | bad | CWE-90 | Flask JSON field concatenated by a helper
def person_filter(attribute, value):
    return "(&(objectClass=inetOrgPerson)(" + attribute + "=" + value + "))"


@app.route("/people/search", methods=["POST"])
def search_people():
    body = request.get_json()
    found = directory().search_ext_s(BASE, ldap.SCOPE_ONELEVEL, person_filter("sn", body["surname"]))
    return jsonify([dn for dn, _ in found])


# case: ldap_injection-06 | good | CWE-90 | Flask, the helper escapes what it concatenates
def equals(attribute, value):
    return "(" + attribute + "=" + escape_filter_chars(value) + ")"


@app.route("/rooms/search", methods=["POST"])
def search_rooms():
    body = request.get_json()
    found = directory().search_ext_s("ou=rooms,dc=example,dc=org", ldap.SCOPE_ONELEVEL, equals("cn", body["room"]))
    return jsonify([dn for dn, _ in found])


# case: ldap_injection-07 | bad | CWE-90 | Flask, DN escaping used inside a filter
@app.route("/people/exists")
def person_exists():
    uid = escape_dn_chars(request.args.get("uid", ""))
    found = directory().search_s(BASE, ldap.SCOPE_SUBTREE, "(&(uid={})(active=TRUE))".format(uid))
    return jsonify(exists=bool(found))


# case: ldap_injection-08 | good | CWE-90 | Flask, DN escaping used inside a DN
@app.route("/people/<uid>/entry")
def person_entry(uid):
    dn = f"uid={escape_dn_chars(uid)},{BASE}"
    found = directory().search_s(dn, ldap.SCOPE_BASE, "(objectClass=person)", ["cn"])
    return jsonify(found=len(found))


# case: ldap_injection-09 | bad | CWE-90 | Django GET value in an ldap3 filter by keyword
def group_members(request):
    group = request.GET.get("group", "staff")
    connection = directory3()
    connection.search(search_base=BASE, search_filter=f"(memberOf=cn={group},ou=groups,dc=example,dc=org)")
    return JsonResponse({"members": [entry.entry_dn for entry in connection.entries]})


# case: ldap_injection-10 | good | CWE-90 | Django GET value through ldap3's escape_filter_chars
def group_owner(request):
    group = request.GET.get("group", "staff")
    connection = directory3()
    connection.search(search_base="ou=groups,dc=example,dc=org", search_filter=f"(cn={escape_value(group)})")
    return JsonResponse({"owners": [entry.entry_dn for entry in connection.entries]})


# case: ldap_injection-11 | bad | CWE-90 | Django POST value, only the asterisk is removed
def phone_book(request):
    name = request.POST.get("name", "").replace("*", "")
    found = directory().search_s(BASE, ldap.SCOPE_SUBTREE, "(&(cn=" + name + "*)(visible=TRUE))", ["telephoneNumber"])
    return JsonResponse({"entries": [dn for dn, _ in found]})


# case: ldap_injection-12 | good | CWE-90 | Django value from a dict of fixed filters
FILTERS = {"staff": "(employeeType=staff)", "guests": "(employeeType=guest)"}


def people_of_kind(request):
    query = FILTERS.get(request.GET.get("kind"))
    if query is None:
        return HttpResponseBadRequest("kind")
    found = directory().search_s(BASE, ldap.SCOPE_SUBTREE, query)
    return JsonResponse({"entries": [dn for dn, _ in found]})


# case: ldap_injection-13 | bad | CWE-90 | FastAPI path parameter in a filter
@api.get("/users/{uid}/groups")
async def user_groups(uid: str):
    connection = directory3()
    connection.search("ou=groups,dc=example,dc=org", "(memberUid=" + uid + ")", attributes=["cn"])
    return {"groups": [str(entry.cn) for entry in connection.entries]}


# case: ldap_injection-14 | good | CWE-90 | FastAPI UUID path parameter in a filter
@api.get("/entries/{entry_id}")
async def entry_by_id(entry_id: UUID):
    connection = directory3()
    connection.search(BASE, f"(entryUUID={entry_id})", attributes=["cn"])
    return {"names": [str(entry.cn) for entry in connection.entries]}


# case: ldap_injection-15 | bad | CWE-90 | FastAPI pydantic body, parts collected in a list and joined
class PersonQuery(BaseModel):
    surname: str | None = None
    city: str | None = None


@api.post("/directory/search")
def directory_search(body: PersonQuery):
    parts = ["(objectClass=person)"]
    if body.surname:
        parts.append(f"(sn={body.surname})")
    if body.city:
        parts.append(f"(l={body.city})")
    found = directory().search_s(BASE, ldap.SCOPE_SUBTREE, "(&" + "".join(parts) + ")")
    return {"count": len(found)}


# case: ldap_injection-16 | good | CWE-90 | FastAPI pydantic body, each part escaped before it is joined
class RoomQuery(BaseModel):
    building: str
    equipment: list[str] = []


@api.post("/rooms/match")
def room_match(body: RoomQuery):
    parts = [f"(buildingName={escape_filter_chars(body.building)})"]
    parts += [f"(equipment={escape_filter_chars(item)})" for item in body.equipment]
    found = directory().search_s("ou=rooms,dc=example,dc=org", ldap.SCOPE_SUBTREE, "(&" + "".join(parts) + ")")
    return {"count": len(found)}


# case: ldap_injection-17 | bad | CWE-90 | Flask, html.escape in place of filter escaping
@app.route("/people/title")
def person_title():
    name = html.escape(request.args.get("name", ""))
    connection = directory3()
    connection.search(BASE, f"(&(cn={name})(objectClass=person))", attributes=["title"])
    return jsonify([str(entry.title) for entry in connection.entries])


# case: ldap_injection-18 | good | CWE-90 | Flask, regular expression over the whole value
@app.route("/people/badge/<badge>")
def person_badge(badge):
    if not re.fullmatch(r"[A-Z]{2}[0-9]{6}", badge):
        abort(404)
    found = directory().search_s(BASE, ldap.SCOPE_SUBTREE, "(badgeNumber=%s)" % badge, ["cn"])
    return jsonify(found=len(found))


# case: ldap_injection-19 | bad | CWE-90 | Flask header kept in an attribute and used by a method
class Lookup:
    def __init__(self, login):
        self.login = login

    def attributes(self):
        return directory().search_s(BASE, ldap.SCOPE_SUBTREE, "(sAMAccountName=" + self.login + ")", ["department"])


@app.route("/whoami")
def whoami():
    lookup = Lookup(request.headers.get("X-Remote-User", ""))
    return jsonify(entries=len(lookup.attributes()))


# case: ldap_injection-20 | good | CWE-90 | Flask, base and filter from configuration, value only compared afterwards
@app.route("/on-call")
def on_call():
    team = request.args.get("team", "")
    found = directory().search_s(app.config["ONCALL_BASE"], ldap.SCOPE_SUBTREE, app.config["ONCALL_FILTER"], ["ou"])
    return jsonify([dn for dn, entry in found if team.encode() in entry.get("ou", [])])


# case: ldap_injection-21 | bad | CWE-90 | FastAPI header, result of the check is thrown away
@api.get("/mailboxes")
def mailboxes(x_mail_alias: str = Header()):
    cleaned = escape_value(x_mail_alias)
    if not cleaned:
        return {"mailboxes": []}
    connection = ldap3.Connection("ldap.example.org", auto_bind=True)
    connection.search("ou=mail,dc=example,dc=org", f"(mailAlias={x_mail_alias})")
    return {"mailboxes": [entry.entry_dn for entry in connection.entries]}


# case: ldap_injection-22 | good | CWE-90 | FastAPI Enum value and an int in a filter
class Site(str, Enum):
    london = "london"
    leeds = "leeds"


@api.get("/sites/{site}/floors/{floor}")
def floor_people(site: Site, floor: int):
    connection = directory3()
    connection.search(BASE, f"(&(l={site.value})(floor={floor}))", attributes=["cn"])
    return {"people": [str(entry.cn) for entry in connection.entries]}
