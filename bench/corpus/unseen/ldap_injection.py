import enum
import os
import re
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Annotated, Literal
from urllib.parse import unquote_plus

import ldap
import ldap.dn
import ldap.filter
import ldap3
from django.conf import settings
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBadRequest, JsonResponse
from django.views import View
from django_auth_ldap.config import GroupOfNamesType, LDAPSearch
from fastapi import Depends, FastAPI, Form, Header, HTTPException, Path, Query
from flask import Flask, abort, current_app, g, jsonify, request, session
from ldap3.core.exceptions import LDAPBindError, LDAPException
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import escape_rdn
from pydantic import BaseModel

app = Flask(__name__)
api = FastAPI()

BASE_DN = "dc=example,dc=org"
PEOPLE_DN = "ou=people,dc=example,dc=org"
GROUPS_DN = "ou=groups,dc=example,dc=org"


def directory():
    conn = ldap.initialize(os.environ.get("LDAP_URI", "ldap://localhost"))
    conn.set_option(ldap.OPT_REFERRALS, 0)
    conn.simple_bind_s()
    return conn


def connection3():
    server = ldap3.Server(os.environ.get("LDAP_HOST", "localhost"), get_info=ldap3.NONE)
    return ldap3.Connection(server, auto_bind=True)


# case: ldap_injection-101 | bad | CWE-90 | filter by f-string
@app.route("/people/<uid>")
def person(uid):
    found = directory().search_s(PEOPLE_DN, ldap.SCOPE_ONELEVEL, f"(uid={uid})", ["cn", "mail"])
    if not found:
        abort(404)
    return jsonify(dn=found[0][0], cn=found[0][1]["cn"][0].decode())


# case: ldap_injection-102 | good | CWE-90 | filter with escaped value
@app.route("/staff/<uid>")
def staff_member(uid):
    query = f"(&(objectClass=inetOrgPerson)(uid={ldap.filter.escape_filter_chars(uid)}))"
    found = directory().search_s(PEOPLE_DN, ldap.SCOPE_ONELEVEL, query, ["cn", "mail"])
    if not found:
        abort(404)
    return jsonify(dn=found[0][0], cn=found[0][1]["cn"][0].decode())


# case: ldap_injection-103 | good | CWE-90 | filter_format with two values
@app.route("/people/search")
def people_search():
    given, family = request.args.get("given", ""), request.args.get("family", "")
    query = ldap.filter.filter_format("(&(givenName=%s)(sn=%s))", [given, family])
    found = directory().search_s(PEOPLE_DN, ldap.SCOPE_SUBTREE, query, ["cn"])
    return jsonify([dn for dn, _ in found])


# case: ldap_injection-104 | bad | CWE-90 | ldap3 search with percent formatting
@app.route("/phonebook")
def phonebook():
    name = request.args.get("name", "")
    conn = connection3()
    conn.search(PEOPLE_DN, "(&(objectClass=person)(cn=*%s*))" % name, attributes=["cn", "telephoneNumber"])
    return jsonify([e.entry_attributes_as_dict for e in conn.entries])


# case: ldap_injection-105 | bad | CWE-90 | login filter of name and password
@app.route("/login", methods=["POST"])
def login():
    username = request.form["username"]
    password = request.form["password"]
    query = "(&(uid=" + username + ")(userPassword=" + password + "))"
    found = directory().search_s(BASE_DN, ldap.SCOPE_SUBTREE, query)
    if not found:
        return jsonify(error="wrong name or password"), 401
    session["dn"] = found[0][0]
    return jsonify(ok=True)


# case: ldap_injection-106 | good | CWE-90 | bind with an escaped name part
@app.route("/session", methods=["POST"])
def create_session():
    uid = ldap.dn.escape_dn_chars(request.form["username"])
    password = request.form["password"]
    if not uid or not password:
        abort(400)
    conn = ldap.initialize(current_app.config["LDAP_URI"])
    try:
        conn.simple_bind_s(f"uid={uid},{PEOPLE_DN}", password)
    except ldap.INVALID_CREDENTIALS:
        abort(401)
    session["uid"] = request.form["username"]
    return "", 204


# case: ldap_injection-107 | bad | CWE-90 | Django view with str.format
def employee_lookup(request):
    number = request.GET.get("number", "")
    department = request.GET.get("department", "*")
    query = "(&(employeeNumber={})(departmentNumber={}))".format(number, department)
    rows = directory().search_s(settings.LDAP_BASE, ldap.SCOPE_SUBTREE, query, ["cn", "title"])
    return JsonResponse({"people": [dn for dn, _ in rows]})


# case: ldap_injection-108 | good | CWE-90 | integer employee number
def employee_card(request):
    try:
        number = int(request.GET["number"])
    except (KeyError, ValueError):
        return HttpResponseBadRequest("number expected")
    query = "(employeeNumber=%d)" % number
    rows = directory().search_s(settings.LDAP_BASE, ldap.SCOPE_SUBTREE, query, ["cn", "title"])
    return JsonResponse({"people": [dn for dn, _ in rows]})


# case: ldap_injection-109 | bad | CWE-90 | search base taken from the query
@api.get("/tree")
def tree_children(base: str = PEOPLE_DN, depth: Literal["level", "subtree"] = "level"):
    conn = connection3()
    scope = ldap3.LEVEL if depth == "level" else ldap3.SUBTREE
    conn.search(base, "(objectClass=*)", search_scope=scope, attributes=ldap3.ALL_ATTRIBUTES)
    if not conn.entries:
        raise HTTPException(404)
    return [e.entry_attributes_as_dict for e in conn.entries]


# case: ldap_injection-110 | good | CWE-90 | name part through escape_rdn
@api.get("/units/{unit}/manager")
def unit_manager(unit: str):
    conn = connection3()
    dn = f"ou={escape_rdn(unit)},{BASE_DN}"
    conn.search(dn, "(objectClass=organizationalUnit)", search_scope=ldap3.BASE, attributes=["manager"])
    if not conn.entries:
        raise HTTPException(404)
    return {"manager": conn.entries[0].manager.value}


# case: ldap_injection-111 | bad | CWE-90 | DN escaping applied to a filter value
@app.route("/contacts")
def contacts():
    company = ldap.dn.escape_dn_chars(request.args.get("company", ""))
    query = f"(&(objectClass=contact)(o={company})(visibility=public))"
    found = directory().search_s(BASE_DN, ldap.SCOPE_SUBTREE, query, ["cn", "mail"])
    return jsonify([dn for dn, _ in found])


# case: ldap_injection-112 | bad | CWE-90 | value is decoded once more after the escaping
@app.route("/partners/<name>")
def partner(name):
    value = unquote_plus(escape_filter_chars(name))
    conn = connection3()
    query = f"(&(objectClass=organization)(o={value})(published=TRUE))"
    conn.search(f"ou=partners,{BASE_DN}", query, attributes=["o", "description"])
    if not conn.entries:
        abort(404)
    return jsonify(conn.entries[0].entry_attributes_as_dict)


# case: ldap_injection-113 | good | CWE-90 | group DN from a dict
TEAM_DNS = {
    "ops": "cn=ops,ou=groups,dc=example,dc=org",
    "dev": "cn=dev,ou=groups,dc=example,dc=org",
    "sales": "cn=sales,ou=groups,dc=example,dc=org",
}


@app.route("/teams/<team>")
def team_members(team):
    dn = TEAM_DNS.get(team)
    if dn is None:
        abort(404)
    found = directory().search_s(PEOPLE_DN, ldap.SCOPE_SUBTREE, f"(memberOf={dn})", ["uid"])
    return jsonify([attrs["uid"][0].decode() for _, attrs in found])


# case: ldap_injection-114 | bad | CWE-90 | repository class joins conditions
class PersonRepository:
    def __init__(self, conn):
        self.conn = conn

    @staticmethod
    def build(criteria):
        return "(&" + "".join(f"({k}={v})" for k, v in criteria.items()) + ")"

    def find(self, **criteria):
        self.conn.search(PEOPLE_DN, self.build(criteria), attributes=["cn", "mail"])
        return [e.entry_attributes_as_dict for e in self.conn.entries]


@app.route("/people/by")
def people_by():
    return jsonify(PersonRepository(connection3()).find(l=request.args["town"], title=request.args["title"]))


# case: ldap_injection-115 | good | CWE-90 | repository class escapes each condition
class DeviceRepository:
    allowed = {"serialNumber", "owner", "l"}

    def __init__(self, conn):
        self.conn = conn

    def find(self, criteria):
        parts = [f"({k}={escape_filter_chars(v)})" for k, v in criteria.items() if k in self.allowed]
        self.conn.search(f"ou=devices,{BASE_DN}", f"(&(objectClass=device){''.join(parts)})", attributes=["cn"])
        return [e.entry_dn for e in self.conn.entries]


@app.route("/devices")
def list_devices():
    return jsonify(DeviceRepository(connection3()).find(request.args.to_dict()))


# case: ldap_injection-116 | bad | CWE-90 | authentication backend
class DirectoryBackend(BaseBackend):
    def authenticate(self, request, username=None, password=None):
        conn = directory()
        query = settings.LDAP_USER_FILTER % {"user": username}
        found = conn.search_s(settings.LDAP_BASE, ldap.SCOPE_SUBTREE, "(|(mail=%s)%s)" % (username, query))
        for dn, attrs in found:
            try:
                conn.simple_bind_s(dn, password)
            except ldap.INVALID_CREDENTIALS:
                continue
            return self.get_user(attrs["uid"][0].decode())
        return None


# case: ldap_injection-117 | good | CWE-90 | search objects of django-auth-ldap in configuration
AUTH_LDAP_SERVER_URI = os.environ.get("AUTH_LDAP_URI", "ldaps://ldap.example.org")
AUTH_LDAP_USER_SEARCH = LDAPSearch(
    "ou=people,dc=example,dc=org",
    ldap.SCOPE_SUBTREE,
    "(&(uid=%(user)s)(accountStatus=active))",
)
AUTH_LDAP_GROUP_SEARCH = LDAPSearch(GROUPS_DN, ldap.SCOPE_SUBTREE, "(objectClass=groupOfNames)")
AUTH_LDAP_GROUP_TYPE = GroupOfNamesType(name_attr="cn")


# case: ldap_injection-118 | bad | CWE-90 | only the asterisk is removed
@app.route("/rooms")
def rooms():
    building = request.args.get("building", "").replace("*", "")
    conn = connection3()
    query = "(&(objectClass=room)(buildingName=" + building + ")(bookable=TRUE))"
    conn.search(f"ou=rooms,{BASE_DN}", query, attributes=["cn", "seats"])
    return jsonify([e.entry_attributes_as_dict for e in conn.entries])


# case: ldap_injection-119 | good | CWE-90 | pattern for the whole value
UID_RE = re.compile(r"[a-z][a-z0-9._-]{1,31}")


@app.route("/keys/<uid>")
def ssh_keys(uid):
    if not UID_RE.fullmatch(uid):
        abort(404)
    conn = connection3()
    conn.search(PEOPLE_DN, f"(uid={uid})", attributes=["sshPublicKey"])
    if not conn.entries:
        abort(404)
    return "\n".join(conn.entries[0].sshPublicKey.values), 200, {"Content-Type": "text/plain"}


# case: ldap_injection-120 | bad | CWE-90 | pydantic model gives the filter as a property
class AccountFilter(BaseModel):
    mail: str
    status: Literal["active", "locked"] = "active"

    @property
    def ldap(self):
        return f"(&(mail={self.mail})(accountStatus={self.status}))"


@api.post("/accounts/find")
def find_accounts(criteria: AccountFilter):
    conn = connection3()
    conn.search(search_base=PEOPLE_DN, search_filter=criteria.ldap, attributes=["uid", "cn"])
    return [e.entry_attributes_as_dict for e in conn.entries]


# case: ldap_injection-121 | good | CWE-90 | literal and UUID in the filter
@api.get("/accounts/{entry}")
def account_by_uuid(entry: uuid.UUID, status: Literal["active", "locked"] = "active"):
    conn = connection3()
    conn.search(PEOPLE_DN, f"(&(entryUUID={entry})(accountStatus={status}))", attributes=["uid", "cn"])
    if not conn.entries:
        raise HTTPException(404)
    return conn.entries[0].entry_attributes_as_dict


# case: ldap_injection-122 | good | CWE-90 | request value compared after a constant search
@app.route("/locations/<code>")
def location(code):
    found = directory().search_s(f"ou=sites,{BASE_DN}", ldap.SCOPE_ONELEVEL, "(objectClass=locality)", ["l", "street"])
    for dn, attrs in found:
        if attrs["l"][0].decode() == code:
            return jsonify(dn=dn, street=attrs["street"][0].decode())
    abort(404)


# case: ldap_injection-123 | bad | CWE-90 | recovery lookup by mail and code
@app.route("/recover", methods=["POST"])
def recover_account():
    form = {name: request.form.get(name, "").strip() for name in ("mail", "code")}
    if not all(form.values()):
        abort(400)
    conn = connection3()
    conn.search(PEOPLE_DN, "(&(mail={mail})(recoveryCode={code}))".format(**form), attributes=["uid"])
    if len(conn.entries) != 1:
        abort(403)
    session["reset_uid"] = conn.entries[0].uid.value
    return "", 204


# case: ldap_injection-124 | good | CWE-90 | enum picks the object class
class Kind(enum.Enum):
    people = "inetOrgPerson"
    groups = "groupOfNames"
    hosts = "ipHost"


class KindCount(View):
    def get(self, request, kind):
        try:
            object_class = Kind[kind].value
        except KeyError:
            return HttpResponseBadRequest("unknown kind")
        rows = directory().search_s(settings.LDAP_BASE, ldap.SCOPE_SUBTREE, f"(objectClass={object_class})", ["1.1"])
        return JsonResponse({"kind": kind, "count": len(rows)})


# case: ldap_injection-125 | bad | CWE-90 | class-based view with a helper method
class GroupCheck(View):
    template = "(&(objectClass=groupOfNames)(cn={group})(member=uid={user},ou=people,dc=example,dc=org))"

    def member(self, group, user):
        query = self.template.format(group=group, user=user)
        return bool(directory().search_s(GROUPS_DN, ldap.SCOPE_SUBTREE, query, ["cn"]))

    def get(self, request, group):
        return JsonResponse({"member": self.member(group, request.GET.get("user", ""))})


# case: ldap_injection-126 | good | CWE-90 | compare operation with values
class MembershipCheck(View):
    def get(self, request, user):
        member = f"uid={ldap.dn.escape_dn_chars(user)},{PEOPLE_DN}"
        dn = f"cn={settings.LDAP_ADMIN_GROUP},{GROUPS_DN}"
        try:
            allowed = directory().compare_s(dn, "member", member.encode())
        except ldap.NO_SUCH_OBJECT:
            allowed = False
        return JsonResponse({"admin": bool(allowed)})


# case: ldap_injection-127 | bad | CWE-90 | dependency returns the filter
def person_filter(q: str = "", field: str = "cn"):
    if not q:
        return "(objectClass=person)"
    return f"(&(objectClass=person)({field}={q}*))"


@api.get("/autocomplete")
def autocomplete(search_filter: str = Depends(person_filter)):
    conn = connection3()
    conn.search(PEOPLE_DN, search_filter, attributes=["cn"], size_limit=10)
    return [e.cn.value for e in conn.entries]


# case: ldap_injection-128 | good | CWE-90 | dependency escapes and restricts the field
def colleague_filter(q: str = "", field: Literal["cn", "sn", "mail"] = "cn"):
    if not q:
        return "(objectClass=person)"
    return f"(&(objectClass=person)({field}={escape_filter_chars(q)}*))"


@api.get("/colleagues")
def colleagues(search_filter: str = Depends(colleague_filter)):
    conn = connection3()
    conn.search(PEOPLE_DN, search_filter, attributes=["cn"], size_limit=10)
    return [e.cn.value for e in conn.entries]


# case: ldap_injection-129 | bad | CWE-90 | or-list of mail addresses from the body
@app.route("/people/resolve", methods=["POST"])
def resolve_people():
    addresses = request.get_json().get("mail", [])
    query = "(|"
    for address in addresses[:50]:
        query += "(mail=" + address.strip().lower() + ")"
    query += ")"
    found = directory().search_ext_s(PEOPLE_DN, ldap.SCOPE_SUBTREE, query, ["uid", "mail"], sizelimit=100)
    return jsonify({attrs["mail"][0].decode(): attrs["uid"][0].decode() for _, attrs in found})


# case: ldap_injection-130 | good | CWE-90 | or-list with escaped addresses
@app.route("/people/notify", methods=["POST"])
def notify_people():
    addresses = request.get_json().get("mail", [])[:50]
    parts = [ldap.filter.filter_format("(mail=%s)", [a.strip()]) for a in addresses]
    if not parts:
        abort(400)
    found = directory().search_s(PEOPLE_DN, ldap.SCOPE_SUBTREE, "(|%s)" % "".join(parts), ["uid"])
    return jsonify(uids=[attrs["uid"][0].decode() for _, attrs in found])


# case: ldap_injection-131 | bad | CWE-90 | header value through a module helper
def lookup_entry(attribute, value, base=BASE_DN):
    conn = connection3()
    conn.search(base, f"({attribute}={value})", attributes=ldap3.ALL_ATTRIBUTES, size_limit=1)
    return conn.entries[0] if conn.entries else None


@api.get("/whoami")
def whoami(x_remote_mail: Annotated[str, Header()]):
    entry = lookup_entry("mail", x_remote_mail)
    if entry is None:
        raise HTTPException(403)
    return {"dn": entry.entry_dn, "role": entry.employeeType.value}


# case: ldap_injection-132 | good | CWE-90 | filter from the settings
@login_required
def directory_status(request):
    query = getattr(settings, "LDAP_MONITOR_FILTER", "(objectClass=monitorServer)")
    rows = directory().search_s("cn=monitor", ldap.SCOPE_SUBTREE, query, ["monitorInfo"])
    label = request.GET.get("label", "status")
    return JsonResponse({"label": label, "servers": len(rows)})
