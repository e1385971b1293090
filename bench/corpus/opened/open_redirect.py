"""Corpus, opened part: open redirect."""

import base64
import json
import logging
import os
import re
from enum import Enum
from urllib.parse import urlencode, urlparse

from articles.models import Article
from django.http import HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.generic import RedirectView
from fastapi import FastAPI, Query
from fastapi.responses import RedirectResponse
from fastapi.responses import Response as ApiResponse
from flask import Blueprint, Response, abort, request, session, url_for
from flask import redirect as flask_redirect
from flask.views import MethodView
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.utils import redirect as werkzeug_redirect

site = Blueprint("site", __name__)
service = FastAPI()
log = logging.getLogger(__name__)

# case: open_redirect-25 | bad | CWE-601 | response built with a dict of headers
class Bounce(MethodView):
    def get(self):
        headers = {"Cache-Control": "no-store", "Location": request.args["to"]}
        return Response(status=302, headers=headers)


site.add_url_rule("/bounce", view_func=Bounce.as_view("bounce"))


# case: open_redirect-26 | good | CWE-601 | same response, fixed address and an encoded query
class Ask(MethodView):
    def get(self):
        query = urlencode({"subject": request.args.get("subject", "")})
        headers = {"Cache-Control": "no-store", "Location": "/contact?" + query}
        return Response(status=302, headers=headers)


site.add_url_rule("/ask", view_func=Ask.as_view("ask"))


# case: open_redirect-27 | bad | CWE-601 | only the netloc is looked at, http:///host has none
@site.get("/return")
def go_back():
    target = request.args.get("target", "/")
    if urlparse(target).netloc:
        abort(400)
    return flask_redirect(target)


# case: open_redirect-28 | good | CWE-601 | only the path of the given address is kept
@site.get("/return-path")
def go_back_path():
    parts = urlparse(request.args.get("target", "/"))
    path = "/" + parts.path.lstrip("/\\")
    return flask_redirect(path)


# case: open_redirect-29 | bad | CWE-601 | two slashes refused, a tab between them is not
@site.get("/welcome")
def welcome():
    target = request.args.get("next", "")
    if target.startswith("/") and not target.startswith("//"):
        return flask_redirect(target)
    return flask_redirect(url_for("site.home"))


# case: open_redirect-30 | good | CWE-601 | position in a tuple of endpoints
STEPS = ("site.address", "site.payment", "site.summary")


@site.get("/wizard")
def wizard():
    try:
        step = STEPS[int(request.args.get("step", "0"))]
    except (ValueError, IndexError):
        step = STEPS[0]
    return flask_redirect(url_for(step, hint=request.args.get("hint")))


# case: open_redirect-31 | bad | CWE-601 | RedirectView answers with a query value
class Leaving(RedirectView):
    permanent = False

    def get_redirect_url(self, *args, **kwargs):
        log.info("leaving to %r", self.request.GET.get("to"))
        return self.request.GET.get("to", "/")


# case: open_redirect-32 | good | CWE-601 | RedirectView answers with reverse
class Shelf(RedirectView):
    permanent = False

    def get_redirect_url(self, *args, **kwargs):
        return reverse("shelf", kwargs={"number": int(self.request.GET.get("number", "1"))})


# case: open_redirect-33 | bad | CWE-601 | Location item set on a bare Django response
def moved(request):
    params = dict(request.GET.items())
    response = HttpResponse(status=301)
    response["Location"] = "//" + params.get("host", "www.example.com") + request.path
    return response


# case: open_redirect-34 | good | CWE-601 | conditional expression around Django's check
def done(request):
    target = request.GET.get("next", "/")
    allowed = url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    return redirect(target if allowed else "/")


# case: open_redirect-35 | bad | CWE-601 | check is made and logged, and then ignored
def finish(request):
    target = request.GET.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        log.warning("odd redirect target %r", target)
    return redirect(target)


# case: open_redirect-36 | good | CWE-601 | address of a model instance
def read_article(request):
    article = get_object_or_404(Article, slug=request.GET.get("slug"), published=True)
    return redirect(article)


# case: open_redirect-37 | bad | CWE-601 | host of the target out of the query
@service.get("/switch")
async def switch(tenant: str, page: int = 1):
    return RedirectResponse("https://{}/start?page={}".format(tenant, page))


# case: open_redirect-38 | good | CWE-601 | enum value
class Country(str, Enum):
    DE = "https://de.example.com/"
    FR = "https://fr.example.com/"


@service.get("/country")
async def country(code: str = Query("DE")):
    target = Country.__members__.get(code.upper(), Country.DE)
    return RedirectResponse(target.value)


# case: open_redirect-39 | bad | CWE-601 | state of an OAuth callback decoded without any signature
@service.get("/oauth/callback")
async def oauth_callback(code: str, state: str):
    payload = json.loads(base64.urlsafe_b64decode(state))
    log.info("code of length %d received", len(code))
    return ApiResponse(status_code=303, headers={"location": payload["next"]})


# case: open_redirect-40 | good | CWE-601 | state is signed by ourselves
@service.get("/saml/callback")
async def saml_callback(state: str):
    signer = URLSafeTimedSerializer(os.environ["STATE_KEY"], salt="login-state")
    try:
        payload = signer.loads(state, max_age=600)
    except BadSignature:
        return ApiResponse(status_code=400)
    return RedirectResponse(payload["next"], status_code=303)


# case: open_redirect-41 | bad | CWE-601 | kept in the session between two views
@site.get("/auth/begin")
def auth_begin():
    session["after_auth"] = request.args.get("continue", "/")
    return flask_redirect(url_for("site.auth_end"))


@site.get("/auth/end")
def auth_end():
    return werkzeug_redirect(session.pop("after_auth", "/"), code=303)


# case: open_redirect-42 | good | CWE-601 | session keeps only the name of a known page
PAGES = {"orders": "/orders", "profile": "/profile"}


@site.get("/auth/open")
def auth_open():
    session["page"] = request.args.get("continue", "orders")
    return flask_redirect(url_for("site.auth_close"))


@site.get("/auth/close")
def auth_close():
    return werkzeug_redirect(PAGES.get(session.pop("page", "orders"), "/"), code=303)


# case: open_redirect-43 | bad | CWE-601 | expression without an end
OWN_SITE = re.compile(r"https://(www\.)?example\.com")


def outlet(request):
    url = request.GET.get("url", "")
    if OWN_SITE.match(url) is None:
        return HttpResponse(status=404)
    return HttpResponsePermanentRedirect(url)


# case: open_redirect-44 | good | CWE-601 | expression for the whole of a local path
LOCAL_PATH = re.compile(r"(/[a-z0-9-]+)+/?")


def inlet(request):
    url = request.GET.get("url", "")
    if LOCAL_PATH.fullmatch(url) is None:
        return HttpResponse(status=404)
    return HttpResponsePermanentRedirect(url)


# case: open_redirect-45 | bad | CWE-601 | Refresh header instead of Location
@site.get("/thanks")
def thanks():
    response = Response("<p>Thank you, one moment please.</p>")
    response.headers["Refresh"] = "3; url=" + request.args.get("back", "/")
    return response


# case: open_redirect-46 | good | CWE-601 | Refresh header with a chosen delay only
@site.get("/please-wait")
def please_wait():
    delay = min(int(request.args.get("delay", 3)), 30)
    response = Response("<p>One moment please.</p>")
    response.headers["Refresh"] = f"{delay}; url=/queue"
    return response


# case: open_redirect-47 | bad | CWE-601 | redirect raised by abort in a hook
@site.before_request
def require_terms():
    if "terms" not in session and (detour := request.args.get("detour")):
        abort(flask_redirect(detour))


# case: open_redirect-48 | good | CWE-601 | match statement with literal targets
@site.get("/help")
def help_page():
    match request.args.get("topic"):
        case "money":
            target = "https://billing.example.com/"
        case "parcel":
            target = "https://parcel.example.com/"
        case _:
            target = "/help/all"
    return flask_redirect(target)
