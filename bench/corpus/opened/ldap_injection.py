"""Labelled cases: LDAP filters and names built by web code (opened part)."""

import re
from functools import lru_cache, wraps
from string import Template
from typing import Annotated

import bonsai
import ldap
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import JsonResponse
from django.urls import path
from django.views import View
from fastapi import APIRouter, Depends, Path, Request
from flask import Blueprint, current_app, jsonify, request
from flask.views import MethodView
from ldap.filter import escape_filter_chars, filter_format
from ldap3 import LEVEL, MODIFY_REPLACE, SUBTREE, Connection
from ldap3.utils.conv import escape_filter_chars as esc
from ldap3.utils.dn import escape_rdn
from pydantic import BaseModel

bp = Blueprint("directory", __name__)
router = APIRouter()
ROOT = "dc=example,dc=org"
urlpatterns = []


@lru_cache(maxsize=1)
def service() -> Connection:
    return Connection("ldaps://ldap.example.org", auto_bind=True)


@lru_cache(maxsize=1)
def classic():
    return ldap.initialize("ldaps://ldap.example.org")


# case: ldap_injection-23 | bad | CWE-90 | Flask MethodView, paged search of ldap3's extended operations
class DepartmentView(MethodView):
    def get(self, department):
        pages = service().extend.standard.paged_search(
            search_base=ROOT,
            search_filter="(&(objectClass=person)(departmentNumber=" + department + "))",
            search_scope=SUBTREE,
            attributes=["cn"],
            paged_size=100,
        )
        return jsonify([entry["dn"] for entry in pages])


bp.add_url_rule("/departments/<department>", view_func=DepartmentView.as_view("department"))


# case: ldap_injection-24 | good | CWE-90 | Flask MethodView, paged search with the value escaped in place
class OfficeView(MethodView):
    def get(self, office):
        pages = service().extend.standard.paged_search(
            search_base=ROOT,
            search_filter=f"(&(objectClass=person)(physicalDeliveryOfficeName={esc(office)}))",
            search_scope=SUBTREE,
            attributes=["cn"],
            paged_size=100,
        )
        return jsonify([entry["dn"] for entry in pages])


bp.add_url_rule("/offices/<office>", view_func=OfficeView.as_view("office"))


# case: ldap_injection-25 | bad | CWE-90 | Flask, python-ldap's asynchronous search and result
@bp.get("/licences")
def licences():
    number = request.args.get("number", default="", type=str)
    message = classic().search_ext(ROOT, ldap.SCOPE_SUBTREE, "(carLicense=%s)" % (number,), ["cn"], sizelimit=20)
    _, data = classic().result(message)
    return jsonify(count=len(data))


# case: ldap_injection-26 | good | CWE-90 | Flask, own translation table that covers the special characters
SPECIAL = str.maketrans({"\\": r"\5c", "*": r"\2a", "(": r"\28", ")": r"\29", "\0": r"\00"})


@bp.get("/pagers")
def pagers():
    number = request.args.get("number", default="").translate(SPECIAL)
    message = classic().search_ext(ROOT, ldap.SCOPE_SUBTREE, "(pager=%s)" % number, ["cn"], sizelimit=20)
    _, data = classic().result(message)
    return jsonify(count=len(data))


# case: ldap_injection-27 | bad | CWE-90 | Flask, own clean-up forgets the asterisk
def clean(value):
    return value.replace("(", r"\28").replace(")", r"\29")


@bp.post("/tokens/verify")
def verify_token():
    fields = request.get_json()
    who, token = clean(fields["who"]), clean(fields["token"])
    service().search(ROOT, f"(&(uid={who})(apiToken={token}))", search_scope=LEVEL)
    return jsonify(valid=len(service().entries) == 1)


# case: ldap_injection-28 | good | CWE-90 | Django class-based view, SlugField of a form
class LoginNameForm(forms.Form):
    login = forms.SlugField(max_length=32)


class LoginNameView(View):
    def get(self, request):
        form = LoginNameForm(request.GET)
        if not form.is_valid():
            return JsonResponse(form.errors, status=400)
        found = classic().search_s(ROOT, ldap.SCOPE_SUBTREE, "(uid={login})".format(**form.cleaned_data))
        return JsonResponse({"taken": bool(found)})


# case: ldap_injection-29 | bad | CWE-90 | Django, valid e-mail addresses may hold an asterisk
def reset_request(request):
    address = request.POST.get("email", "")
    try:
        validate_email(address)
    except ValidationError:
        return JsonResponse({"error": "email"}, status=400)
    found = classic().search_s(ROOT, ldap.SCOPE_SUBTREE, f"(&(objectClass=person)(mail={address}))", ["uid"])
    return JsonResponse({"accounts": [entry["uid"][0].decode() for _, entry in found]})


# case: ldap_injection-30 | good | CWE-90 | FastAPI path parameter held to a pattern
@router.get("/hosts/{name}")
def host(name: Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")]):
    service().search(ROOT, f"(&(objectClass=ipHost)(cn={name}))", attributes=["ipHostNumber"])
    return {"addresses": [str(entry.ipHostNumber) for entry in service().entries]}


# case: ldap_injection-31 | bad | CWE-90 | Flask decorator checks with re.match, the view uses the whole value
def needs_login(view):
    @wraps(view)
    def wrapper():
        login = request.cookies.get("login", "")
        if not re.match("[a-z]{2,8}", login):
            return jsonify(error="login"), 403
        return view(login)

    return wrapper


@bp.get("/me/phone")
@needs_login
def my_phone(login):
    found = classic().search_st(ROOT, ldap.SCOPE_SUBTREE, "(uid=" + login + ")", ["telephoneNumber"], timeout=3)
    return jsonify(phones=len(found))


# case: ldap_injection-32 | good | CWE-90 | Flask, isalnum() over the whole value with early return
@bp.get("/keys/<serial>")
def key_holder(serial):
    if not serial.isalnum():
        return jsonify(error="serial"), 400
    found = classic().search_st(ROOT, ldap.SCOPE_SUBTREE, "(keySerial=" + serial + ")", ["cn"], timeout=3)
    return jsonify(holders=[dn for dn, _ in found])


# case: ldap_injection-33 | bad | CWE-90 | Django, name put in front of the root as a DN and deleted
class ContactView(View):
    def delete(self, request, name):
        target = ",".join(["cn=" + name, ROOT])
        classic().delete_s(target)
        return JsonResponse({"deleted": name})


urlpatterns.append(path("contacts/<str:name>", ContactView.as_view()))


# case: ldap_injection-34 | good | CWE-90 | Django, name escaped as part of a DN
class ContactPhoneView(View):
    def put(self, request, name):
        target = ",".join(["cn=" + escape_rdn(name), "ou=contacts", ROOT])
        changed = service().modify(target, {"description": [(MODIFY_REPLACE, ["reviewed"])]})
        return JsonResponse({"changed": changed})


urlpatterns.append(path("contacts/<str:name>/phone", ContactPhoneView.as_view()))


# case: ldap_injection-35 | bad | CWE-90 | Flask, filter_format over a pattern that already holds request text
@bp.get("/crew")
def crew():
    ship, rank = request.args["ship"], request.args.get("rank", "mate")
    query = filter_format(f"(&(title={rank})(shipName=%s))", [ship])
    return jsonify(count=len(classic().search_s(ROOT, ldap.SCOPE_SUBTREE, query)))


# case: ldap_injection-36 | good | CWE-90 | Flask, variadic helper over filter_format
def all_of(**terms):
    pattern = "".join(f"({name}=%s)" for name in terms)
    return filter_format(f"(&{pattern})", list(terms.values()))


@bp.get("/passengers")
def passengers():
    query = all_of(shipName=request.args["ship"], cabin=request.args.get("cabin", "1"))
    return jsonify(count=len(classic().search_s(ROOT, ldap.SCOPE_SUBTREE, query)))


# case: ldap_injection-37 | bad | CWE-90 | FastAPI pydantic body, search options in a dict
class Search(BaseModel):
    initials: str
    limit: int = 10


@router.post("/initials")
async def by_initials(search: Search):
    options = {"search_base": ROOT, "search_scope": SUBTREE, "size_limit": search.limit}
    options["search_filter"] = Template("(initials=$value)").substitute(value=search.initials)
    service().search(**options)
    return {"found": [entry.entry_dn for entry in service().entries]}


# case: ldap_injection-38 | good | CWE-90 | FastAPI pydantic body, escaped value in a dict of options
class NickSearch(BaseModel):
    nickname: str
    limit: int = 10


@router.post("/nicknames")
async def by_nickname(search: NickSearch):
    options = {"search_base": ROOT, "search_scope": SUBTREE, "size_limit": search.limit}
    options["search_filter"] = Template("(displayName=$value)").substitute(value=esc(search.nickname))
    service().search(**options)
    return {"found": [entry.entry_dn for entry in service().entries]}


# case: ldap_injection-39 | bad | CWE-90 | FastAPI, bonsai async client with a dependency's value
def wanted_group(req: Request) -> str:
    return req.query_params.get("group", "staff").strip().lower()


@router.get("/groups/size")
async def group_size(group: Annotated[str, Depends(wanted_group)]):
    async with bonsai.LDAPClient("ldaps://ldap.example.org").connect(is_async=True) as conn:
        members = await conn.search(ROOT, bonsai.LDAPSearchScope.SUBTREE, f"(&(objectClass=group)(cn={group}))")
    return {"size": len(members)}


# case: ldap_injection-40 | good | CWE-90 | FastAPI, bonsai async client with escape_filter_exp
@router.get("/groups/manager")
async def group_manager(group: str = "staff"):
    wanted = bonsai.escape_filter_exp(group.strip().lower())
    async with bonsai.LDAPClient("ldaps://ldap.example.org").connect(is_async=True) as conn:
        found = await conn.search(ROOT, bonsai.LDAPSearchScope.SUBTREE, f"(&(objectClass=group)(cn={wanted}))")
    return {"managers": [str(entry.dn) for entry in found]}


# case: ldap_injection-41 | bad | CWE-90 | Flask, value escaped but the attribute name is free
@bp.get("/find")
def find():
    field, value = request.args.get("field", "cn"), esc(request.args.get("value", ""))
    service().search(ROOT, f"(&(objectClass=person)({field}={value}))")
    return jsonify([entry.entry_dn for entry in service().entries])


# case: ldap_injection-42 | good | CWE-90 | Flask, attribute name from a tuple of known names and value escaped
@bp.get("/find/known")
def find_known():
    wanted = request.args.get("field", "cn")
    field = next((name for name in ("cn", "sn", "givenName") if name == wanted), "cn")
    service().search(ROOT, f"(&(objectClass=person)({field}={esc(request.args.get('value', ''))}))")
    return jsonify([entry.entry_dn for entry in service().entries])


# case: ldap_injection-43 | bad | CWE-90 | Flask, value escaped in one branch only
@bp.post("/staff/find")
def find_staff():
    name = request.form.get("name", "")
    if request.form.get("mode") == "exact":
        query = f"(cn={escape_filter_chars(name)})"
    else:
        query = f"(cn=*{name}*)"
    found = classic().search_s(current_app.config["STAFF_BASE"], ldap.SCOPE_ONELEVEL, query)
    return jsonify(count=len(found))


# case: ldap_injection-44 | good | CWE-90 | Flask, every byte written in hexadecimal
@bp.post("/staff/photo-of")
def photo_of():
    raw = request.form.get("name", "").encode()
    encoded = "".join(f"\\{byte:02x}" for byte in raw)
    found = classic().search_s(current_app.config["STAFF_BASE"], ldap.SCOPE_ONELEVEL, f"(cn={encoded})", ["jpegPhoto"])
    return jsonify(count=len(found))
