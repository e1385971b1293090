"""Labelled code: data of a request kept in the session (opened part)."""

import functools
import html
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from uuid import uuid4
from zoneinfo import available_timezones

import jwt
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseForbidden, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.views import View
from fastapi import APIRouter, Depends, File, HTTPException, Request, UploadFile
from flask import Blueprint, abort, current_app, request
from flask import session as flask_session
from flask.views import MethodView
from itsdangerous import BadSignature, URLSafeTimedSerializer

from shop.models import Project, User
from shop.security import current_user

area = Blueprint("area", __name__)
router = APIRouter()


# case: trust_boundary-23 | bad | CWE-501 | Flask, path parameter becomes the acting user
@area.get("/as/<username>")
def act_as(username):
    flask_session["acting_user"] = username
    return {"acting": True}


# case: trust_boundary-24 | good | CWE-501 | Flask, address read from a token that we signed
@area.get("/confirm/<token>")
def confirm(token):
    serializer = URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="confirm")
    try:
        content = serializer.loads(token, max_age=3600)
    except BadSignature:
        abort(403)
    flask_session["confirmed_address"] = content["address"]
    return {"confirmed": True}


# case: trust_boundary-25 | bad | CWE-501 | Flask, decorator copies a header into the session
def with_identity(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        if identity := request.headers.get("X-User-Name"):
            flask_session.update(identity=identity)
        return view(*args, **kwargs)

    return wrapper


@area.get("/inbox")
@with_identity
def inbox():
    return {"messages": []}


# case: trust_boundary-26 | good | CWE-501 | Flask, decorator writes the time and a number of our own
def with_heartbeat(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        if request.headers.get("X-Interactive"):
            flask_session.update(seen=datetime.now(timezone.utc).isoformat(), visit=uuid4().hex)
        return view(*args, **kwargs)

    return wrapper


@area.get("/outbox")
@with_heartbeat
def outbox():
    return {"messages": []}


# case: trust_boundary-27 | bad | CWE-501 | Django class-based view, parsed JSON body kept as permissions
class PermissionView(View):
    def put(self, request):
        content = json.loads(request.body)
        request.session["permissions"] = [entry["name"] for entry in content.get("permissions", [])]
        return HttpResponse(status=204)


# case: trust_boundary-28 | good | CWE-501 | Django class-based view, object of the signed-in user or nothing
class ProjectView(View):
    def put(self, request, slug):
        project = get_object_or_404(Project, slug=slug, owner=request.user)
        request.session["project"] = project.pk
        return HttpResponse(status=204)


# case: trust_boundary-29 | bad | CWE-501 | FastAPI, dependency hands over a cookie
def visitor(request: Request) -> str | None:
    return request.cookies.get("customer_no")


@router.get("/orders")
async def orders(request: Request, customer: str | None = Depends(visitor)):
    if customer:
        request.session["customer"] = customer
    return {"orders": []}


# case: trust_boundary-30 | good | CWE-501 | FastAPI, dependency hands over the authenticated user
@router.get("/bills")
async def bills(request: Request, user: User = Depends(current_user)):
    request.session["customer"] = user.customer_number
    request.session["groups"] = [group.name for group in user.groups]
    return {"bills": []}


# case: trust_boundary-31 | bad | CWE-501 | Flask method view, name of an upload kept as a path for later
class AvatarView(MethodView):
    def post(self):
        avatar = request.files["avatar"]
        flask_session["avatar_path"] = f"/srv/avatars/{avatar.filename}"
        return {"uploaded": True}


# case: trust_boundary-32 | good | CWE-501 | Flask method view, path of our own making kept for later
class PictureView(MethodView):
    def post(self):
        picture = request.files["picture"]
        path = f"/srv/pictures/{uuid4().hex}.png"
        picture.save(path)
        flask_session["picture_path"] = path
        return {"uploaded": True}


# case: trust_boundary-33 | bad | CWE-501 | Django, one role refused, every other spelling accepted
def register(request):
    role = request.POST.get("role", "customer")
    if role == "admin":
        return HttpResponseForbidden("not this one")
    request.session["role"] = role
    return redirect("home")


# case: trust_boundary-34 | good | CWE-501 | Django, match over the accepted words, a literal kept for each
def enrol(request):
    match request.POST.get("track"):
        case "morning":
            track = "morning"
        case "evening" | "night":
            track = "evening"
        case _:
            return HttpResponseForbidden("no such track")
    request.session["track"] = track
    return redirect("home")


# case: trust_boundary-35 | bad | CWE-501 | Flask, HTML escaping does not make the claim true
@area.post("/department")
def department():
    claims = {"department": html.escape(request.form["department"]), "level": html.escape(request.form["level"])}
    for claim, value in claims.items():
        flask_session[claim] = value
    return {"stored": sorted(claims)}


# case: trust_boundary-36 | good | CWE-501 | Flask, name of a time zone that exists
@area.post("/timezone")
def timezone_choice():
    zone = request.form.get("zone", "UTC")
    known = available_timezones()
    flask_session["zone"] = zone if zone in known else "UTC"
    return {"zone": flask_session["zone"]}


# case: trust_boundary-37 | bad | CWE-501 | Flask, letters and digits asked for, the name itself taken on trust
@area.post("/enter")
def enter_room():
    username = request.get_json()["username"]
    if not username.isalnum() or len(username) > 40:
        abort(400)
    flask_session["username"] = username
    flask_session["authenticated"] = True
    return {"entered": True}


# case: trust_boundary-38 | good | CWE-501 | Flask, claims of a token whose signature and audience were checked
@area.post("/exchange")
def exchange():
    try:
        claims = jwt.decode(
            request.get_json()["id_token"], current_app.config["IDP_KEY"], algorithms=["RS256"], audience="shop"
        )
    except jwt.InvalidTokenError:
        abort(401)
    flask_session["subject"] = claims["sub"]
    return {"entered": True}


# case: trust_boundary-39 | bad | CWE-501 | Django, dictionary of the query given to session.update
def restore(request):
    saved = {name: values[-1] for name, values in request.GET.lists() if not name.startswith("_")}
    request.session.update(saved)
    return redirect("home")


# case: trust_boundary-40 | good | CWE-501 | Django, switches of the form become plain truth values
@login_required
def notifications(request):
    switches = {name: name in request.POST for name in ("email", "sms", "push")}
    request.session["notifications"] = switches
    return JsonResponse(switches)


# case: trust_boundary-41 | bad | CWE-501 | FastAPI, uploaded state file read into the session
@router.post("/state")
async def load_state(request: Request, state: UploadFile = File()):
    content = json.loads(await state.read())
    for key in content:
        request.session[key] = content[key]
    return {"entries": len(content)}


# case: trust_boundary-42 | good | CWE-501 | FastAPI, position in a list of our own
LAYOUTS = ("list", "grid", "map")


@router.post("/layout/{position}")
async def layout(position: int, request: Request):
    if not 0 <= position < len(LAYOUTS):
        raise HTTPException(422)
    request.session["layout"] = LAYOUTS[position]
    return {"layout": LAYOUTS[position]}


# case: trust_boundary-43 | bad | CWE-501 | Flask, object built from the form written field by field
@dataclass
class Visitor:
    name: str
    group: str

    @classmethod
    def of(cls, form):
        return cls(name=form.get("name", ""), group=form.get("group", "guests"))


@area.post("/visit")
def visit():
    visitor_data = Visitor.of(request.form)
    flask_session["group"] = visitor_data.group
    return {"welcome": visitor_data.name}


# case: trust_boundary-44 | good | CWE-501 | Flask, value of the form replaced before it is kept
@area.post("/guest")
def guest():
    group = request.form.get("group")
    current_app.logger.info("asked for %r", group)
    group = "guests"
    flask_session["group"] = group
    flask_session.pop("staff", None)
    return {"welcome": "guest"}
