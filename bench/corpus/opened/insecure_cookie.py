"""Labelled code: cookies with and without Secure, HttpOnly and SameSite (opened part)."""

import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from http import cookies
from http.server import BaseHTTPRequestHandler
from uuid import uuid4

from django.conf import settings as django_settings
from django.http import HttpResponse, JsonResponse
from django.utils.deprecation import MiddlewareMixin
from django.views import View
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import PlainTextResponse, RedirectResponse
from flask import Blueprint, Flask, Response, after_this_request, current_app, request
from flask.views import MethodView
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware

from shop.accounts import issue_jwt, refresh_pair, sign_in

account = Blueprint("account", __name__)
router = APIRouter(prefix="/auth")


# case: insecure_cookie-23 | bad | CWE-614 | Flask method view, cookie set by a callback after the request
class LoginView(MethodView):
    def post(self):
        ticket = sign_in(request.json["name"], request.json["password"])

        @after_this_request
        def put(response):
            response.set_cookie("ticket", ticket, httponly=True, samesite="Lax")
            return response

        return {"signed_in": True}


# case: insecure_cookie-24 | good | CWE-614 | Flask method view, callback with all attributes
class EntryView(MethodView):
    def post(self):
        ticket = sign_in(request.json["name"], request.json["password"])

        @after_this_request
        def put(response):
            response.set_cookie("__Host-ticket", ticket, None, None, "/", None, True, True, samesite="Lax")
            return response

        return {"signed_in": True}


# case: insecure_cookie-25 | bad | CWE-614 | Django, signed cookie without Secure and HttpOnly
class DeviceView(View):
    def post(self, request):
        response = JsonResponse({"known": True})
        response.set_signed_cookie("device", str(request.user.pk), salt="device", max_age=90 * 24 * 3600)
        return response


# case: insecure_cookie-26 | good | CWE-614 | Django, signed cookie with all attributes
class BrowserView(View):
    def post(self, request):
        response = JsonResponse({"known": True})
        flags = dict(secure=True, httponly=True, samesite="Strict")
        response.set_signed_cookie("browser", str(request.user.pk), salt="browser", max_age=3600, **flags)
        return response


# case: insecure_cookie-27 | bad | CWE-614 | Starlette, middleware in a list, HTTPS only left at its default
site = Starlette(
    middleware=[
        Middleware(SessionMiddleware, secret_key=os.environ["SITE_KEY"], max_age=None, same_site="lax"),
    ]
)


# case: insecure_cookie-28 | good | CWE-614 | FastAPI, middleware in a list with HTTPS only
store = FastAPI(
    middleware=[
        Middleware(SessionMiddleware, secret_key=os.environ["STORE_KEY"], max_age=3600, https_only=True),
    ]
)


# case: insecure_cookie-29 | bad | CWE-614 | FastAPI, two tokens set in a loop without Secure
@router.post("/tokens")
async def tokens(request: Request):
    response = PlainTextResponse("ok")
    for name, value in refresh_pair(await request.json()).items():
        response.set_cookie(f"{name}_token", value, httponly=True, max_age=900)
    return response


# case: insecure_cookie-30 | good | CWE-614 | FastAPI, two tokens set in a loop, attributes of a dataclass
@dataclass(frozen=True)
class Attributes:
    secure: bool = True
    httponly: bool = True
    samesite: str = "strict"


@router.post("/pair")
async def pair(request: Request):
    response = PlainTextResponse("ok")
    for name, value in refresh_pair(await request.json()).items():
        response.set_cookie(f"{name}_token", value, max_age=900, **asdict(Attributes()))
    return response


# case: insecure_cookie-31 | bad | CWE-1004 | Flask factory, session cookie handed to scripts
def create_shop():
    application = Flask("shop")
    application.secret_key = os.environ["SHOP_KEY"]
    application.config["SESSION_COOKIE_SECURE"] = True
    application.config["SESSION_COOKIE_HTTPONLY"] = False
    application.register_blueprint(account)
    return application


# case: insecure_cookie-32 | good | CWE-1004 | Flask factory, settings from a dictionary
def create_office():
    application = Flask("office")
    application.secret_key = os.environ["OFFICE_KEY"]
    application.config.from_mapping(
        {f"SESSION_COOKIE_{name}": True for name in ("SECURE", "HTTPONLY")} | {"SESSION_COOKIE_SAMESITE": "Strict"}
    )
    application.register_blueprint(account)
    return application


# case: insecure_cookie-33 | bad | CWE-1275 | Django middleware, session identifier for every site
class AccountMiddleware(MiddlewareMixin):
    def process_response(self, request, response):
        if request.user.is_authenticated and "account_session" not in request.COOKIES:
            value = request.user.open_session()
            response.set_cookie("account_session", value, secure=True, httponly=True, samesite="None")
        return response


# case: insecure_cookie-34 | good | CWE-1275 | Django middleware, session identifier for our own site
class MemberMiddleware(MiddlewareMixin):
    def process_response(self, request, response):
        if request.user.is_authenticated and "member_session" not in request.COOKIES:
            value = request.user.open_session()
            response.set_cookie("member_session", value, secure=True, httponly=True, samesite="Strict")
        return response


# case: insecure_cookie-35 | bad | CWE-614 | http.server, morsel with HttpOnly and no Secure
class PanelHandler(BaseHTTPRequestHandler):
    def do_POST(self):
        jar = cookies.SimpleCookie({"panel_session": uuid4().hex})
        jar["panel_session"].update({"httponly": True, "path": "/", "samesite": "Lax"})
        self.send_response(204)
        self.send_header("Set-Cookie", jar.output(header="", sep="").strip())
        self.end_headers()


# case: insecure_cookie-36 | good | CWE-614 | http.server, morsel with all attributes
class ConsoleHandler(BaseHTTPRequestHandler):
    def do_POST(self):
        jar = cookies.SimpleCookie({"console_session": uuid4().hex})
        jar["console_session"].update({"secure": True, "httponly": True, "path": "/", "samesite": "Lax"})
        self.send_response(204)
        self.send_header("Set-Cookie", jar.output(header="", sep="").strip())
        self.end_headers()


# case: insecure_cookie-37 | bad | CWE-614 | Flask, attributes through variables that are off
@account.post("/jwt")
def hand_out_jwt():
    over_tls, hidden = False, True
    response = Response(status=204)
    response.set_cookie("jwt", issue_jwt(request.form), secure=over_tls, httponly=hidden, samesite="Lax")
    return response


# case: insecure_cookie-38 | good | CWE-614 | Flask, variable switched on before it is used
@account.post("/bearer")
def hand_out_bearer():
    over_tls = False
    if current_app:
        current_app.logger.debug("bearer for %s", request.remote_addr)
    over_tls = True
    response = Response(status=204)
    response.set_cookie("bearer", issue_jwt(request.form), secure=over_tls, httponly=True, samesite="Lax")
    return response


# case: insecure_cookie-39 | bad | CWE-614 | Django settings made in code, session and CSRF cookies over plain HTTP
def configure_site():
    options = {
        "SESSION_COOKIE_SECURE": False,
        "CSRF_COOKIE_SECURE": False,
        "SESSION_COOKIE_HTTPONLY": True,
    }
    django_settings.configure(SECRET_KEY=os.environ["DJANGO_KEY"], DEBUG=False, **options)


# case: insecure_cookie-40 | good | CWE-614 | Django settings as a class
class Production:
    DEBUG = False
    SECRET_KEY = os.environ["DJANGO_KEY"]
    SESSION_COOKIE_SECURE = True
    SESSION_COOKIE_HTTPONLY = True
    SESSION_COOKIE_SAMESITE = "Lax"
    CSRF_COOKIE_SECURE = True


# case: insecure_cookie-41 | bad | CWE-1004 | FastAPI, response class of our own keeps the cookie open to scripts
class SignedInRedirect(RedirectResponse):
    def __init__(self, url, token):
        super().__init__(url, status_code=303)
        self.set_cookie("id_token", token, secure=True, samesite="lax")


@router.post("/callback")
async def callback(request: Request):
    form = await request.form()
    return SignedInRedirect("/", issue_jwt(form))


# case: insecure_cookie-42 | good | CWE-1004 | Flask, response class that turns the attributes on itself
class StrictResponse(Response):
    def set_cookie(self, key, value="", **options):
        options |= {"secure": True, "httponly": True, "samesite": "Strict"}
        return super().set_cookie(key, value, **options)


@account.post("/strict")
def strict():
    response = StrictResponse(status=204)
    response.set_cookie("token", issue_jwt(request.form))
    return response


# case: insecure_cookie-43 | bad | CWE-614 | Django, cookie copied with its value and none of its attributes
def renew(request):
    response = HttpResponse(status=204)
    with suppress(KeyError):
        value = request.COOKIES["sessionid"]
        response.cookies["sessionid"] = value
        response.cookies["sessionid"]["max-age"] = 3600
    return response


# case: insecure_cookie-44 | good | CWE-614 | Django, cookie written through the jar with its attributes
def prolong(request):
    response = HttpResponse(status=204)
    with suppress(KeyError):
        value = request.COOKIES["sessionid"]
        response.cookies["sessionid"] = value
        for attribute in ("secure", "httponly"):
            response.cookies["sessionid"][attribute] = True
        response.cookies["sessionid"]["samesite"] = "Lax"
    return response
