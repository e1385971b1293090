import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from http.cookies import SimpleCookie

from configurations import Configuration
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseForbidden, JsonResponse
from django.shortcuts import redirect as django_redirect
from django.views import View
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST
from fastapi import Depends, FastAPI, Form
from fastapi import Response as ApiResponse
from fastapi.responses import JSONResponse, RedirectResponse
from flask import Flask, jsonify, make_response, redirect, request
from flask_wtf import CSRFProtect
from portal.accounts import create_session, issue_token, transfer_funds, verify_login
from starlette.middleware.sessions import SessionMiddleware

app = Flask(__name__)
api = FastAPI()

ONE_DAY = 24 * 60 * 60


# case: insecure_cookie-101 | good | CWE-614 | session token with all attributes
@app.post("/signin")
def signin():
    user = verify_login(request.form["email"], request.form["password"])
    resp = make_response(redirect("/home"))
    resp.set_cookie("session_token", create_session(user), secure=True, httponly=True, samesite="Lax")
    return resp


# case: insecure_cookie-102 | good | CWE-614 | shared options with the attributes, one value replaced
BASE_OPTIONS = {"path": "/", "secure": True, "httponly": True, "samesite": "Lax"}


@app.post("/vendor/login")
def vendor_login():
    user = verify_login(request.form["vendor"], request.form["password"])
    options = dict(BASE_OPTIONS, max_age=ONE_DAY, samesite="Strict")
    resp = make_response(redirect("/vendor"))
    resp.set_cookie("vendor_session", create_session(user), **options)
    return resp


# case: insecure_cookie-103 | bad | CWE-614 | token cookies of the sign-in callback (FastAPI)
@api.get("/auth/callback")
def oauth_callback(code: str):
    response = RedirectResponse("/", status_code=303)
    tokens = {"id_token": issue_token(code), "refresh_token": secrets.token_urlsafe(48)}
    for name, value in tokens.items():
        response.set_cookie(name, value, httponly=True, samesite="lax")
    return response


# case: insecure_cookie-104 | good | CWE-1004 | cookies are removed at logout
@app.post("/logout")
def logout():
    resp = make_response(redirect("/"))
    for name in ("session_token", "remember_token", "access_token"):
        resp.delete_cookie(name)
    return resp


# case: insecure_cookie-105 | bad | CWE-614 | signed cookie of a mixin lacks the attributes (Django)
class StickyLoginMixin:
    cookie_name = "sticky_user"

    def stick(self, response, user):
        response.set_signed_cookie(self.cookie_name, str(user.pk), salt="sticky", max_age=30 * ONE_DAY)
        return response


class StickyLoginView(StickyLoginMixin, View):
    def post(self, request):
        user = verify_login(request.POST["email"], request.POST["password"])
        return self.stick(django_redirect("/"), user)


# case: insecure_cookie-106 | good | CWE-352 | exempt webhook that checks an HMAC (Django)
@csrf_exempt
@require_POST
def payment_webhook(request):
    key = os.environ["WEBHOOK_KEY"].encode()
    expected = hmac.new(key, request.body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, request.headers.get("X-Signature", "")):
        return HttpResponseForbidden()
    return HttpResponse(status=204)


# case: insecure_cookie-107 | bad | CWE-1004 | session cookie readable by scripts in the application config
def create_shop_app():
    shop = Flask("shop")
    shop.config.from_prefixed_env()
    shop.config.update(
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=False,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    return shop


# case: insecure_cookie-108 | bad | CWE-1004 | login token open to scripts
@app.post("/api/token")
def api_token():
    body = request.get_json()
    user = verify_login(body["email"], body["password"])
    token = issue_token(user)
    resp = jsonify(user=user.id)
    resp.set_cookie("access_token", token, secure=True, httponly=False, samesite="Lax")
    return resp


# case: insecure_cookie-109 | bad | CWE-614 | API key cookie without attributes (Django)
def connect_device(request):
    key = secrets.token_hex(20)
    request.user.devices.create(key=key)
    response = django_redirect("/devices/")
    response.set_cookie("api_key", key, max_age=ONE_DAY)
    return response


# case: insecure_cookie-110 | bad | CWE-614 | session token set with name and value only
@app.post("/login")
def login():
    user = verify_login(request.form["email"], request.form["password"])
    resp = make_response(redirect("/home"))
    resp.set_cookie("session_token", create_session(user))
    return resp


# case: insecure_cookie-111 | bad | CWE-614 | shared options that leave out the protection
COOKIE_OPTIONS = {"path": "/", "max_age": ONE_DAY, "samesite": "Lax"}


@app.post("/partner/login")
def partner_login():
    user = verify_login(request.form["partner"], request.form["password"])
    resp = make_response(redirect("/partner"))
    resp.set_cookie("partner_session", create_session(user), **COOKIE_OPTIONS)
    return resp


# case: insecure_cookie-112 | bad | CWE-352 | exemption from the token check on a cookie-authenticated transfer (Django)
@csrf_exempt
@login_required
@require_POST
def transfer(request):
    transfer_funds(request.user, request.POST["to"], request.POST["amount"])
    return JsonResponse({"status": "done"})


# case: insecure_cookie-113 | good | CWE-614 | API key cookie with attributes (Django)
def connect_tablet(request):
    key = secrets.token_hex(20)
    request.user.tablets.create(key=key)
    response = django_redirect("/tablets/")
    response.set_cookie("tablet_key", key, max_age=ONE_DAY, secure=True, httponly=True, samesite="Strict")
    return response


# case: insecure_cookie-114 | good | CWE-1004 | cookie settings of an application factory
def create_blog_app():
    blog = Flask("blog")
    blog.config.from_prefixed_env()
    blog.config.update(
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=ONE_DAY,
    )
    return blog


# case: insecure_cookie-115 | good | CWE-614 | policy object whose defaults are strict (FastAPI)
@dataclass(frozen=True)
class SessionPolicy:
    secure: bool = True
    httponly: bool = True
    samesite: str = "strict"

    def attach(self, response, name, value):
        response.set_cookie(name, value, secure=self.secure, httponly=self.httponly, samesite=self.samesite)
        return response


@api.post("/auth/rotate")
def rotate():
    return SessionPolicy().attach(JSONResponse({"ok": True}), "rotating_token", secrets.token_urlsafe(48))


# case: insecure_cookie-116 | good | CWE-614 | signed cookie of a view with attributes (Django)
@csrf_protect
def trust_browser(request):
    response = JsonResponse({"trusted": True})
    flags = {"secure": True, "httponly": True, "samesite": "Strict"}
    response.set_signed_cookie("browser", str(request.user.pk), salt="browser", max_age=ONE_DAY, **flags)
    return response


# case: insecure_cookie-117 | bad | CWE-614 | settings of the live site (Django)
class Live(Configuration):
    DEBUG = False
    ALLOWED_HOSTS = ["www.example.org"]
    SESSION_COOKIE_AGE = 14 * ONE_DAY
    SESSION_COOKIE_SECURE = False
    SESSION_COOKIE_HTTPONLY = False
    CSRF_COOKIE_SECURE = False


# case: insecure_cookie-118 | bad | CWE-614 | session middleware that also serves plain HTTP (FastAPI)
def build_partner_api():
    partner_api = FastAPI(title="Partner API")
    partner_api.add_middleware(
        SessionMiddleware,
        secret_key=os.environ["PARTNER_SESSION_KEY"],
        same_site="lax",
        https_only=False,
    )
    return partner_api


# case: insecure_cookie-119 | bad | CWE-614 | token cookie of the login endpoint (FastAPI)
@api.post("/auth/login")
def auth_login(response: ApiResponse, username: str = Form(...), password: str = Form(...)):
    user = verify_login(username, password)
    response.set_cookie(key="access_token", value=issue_token(user))
    return {"user": user.id}


# case: insecure_cookie-120 | good | CWE-614 | Set-Cookie header built with SimpleCookie
def terminal_cookie(session_id):
    jar = SimpleCookie()
    jar["tid"] = session_id
    jar["tid"].update({"path": "/", "secure": True, "httponly": True, "samesite": "Strict"})
    return jar["tid"].OutputString()


@app.post("/terminal/login")
def terminal_login():
    user = verify_login(request.form["badge"], request.form["pin"])
    return "", 204, {"Set-Cookie": terminal_cookie(create_session(user))}


# case: insecure_cookie-121 | good | CWE-614 | token cookie with attributes (FastAPI)
@api.post("/auth/session")
def auth_session(response: ApiResponse, username: str = Form(...), password: str = Form(...)):
    user = verify_login(username, password)
    response.set_cookie(
        key="session", value=issue_token(user), max_age=ONE_DAY, secure=True, httponly=True, samesite="lax"
    )
    return {"user": user.id}


# case: insecure_cookie-122 | bad | CWE-614 | Set-Cookie header written by hand
def session_header(session_id):
    parts = [f"sid={session_id}", "Path=/", "Max-Age=%d" % ONE_DAY]
    return "; ".join(parts)


@app.post("/kiosk/login")
def kiosk_login():
    user = verify_login(request.form["badge"], request.form["pin"])
    resp = make_response("", 204)
    resp.headers["Set-Cookie"] = session_header(create_session(user))
    return resp


# case: insecure_cookie-123 | good | CWE-614 | identity cookies of the sign-in callback (FastAPI)
@api.get("/oidc/callback")
def oidc_callback(code: str):
    response = RedirectResponse("/", status_code=303)
    tokens = {"oidc_id": issue_token(code), "oidc_refresh": secrets.token_urlsafe(48)}
    for name, value in tokens.items():
        response.set_cookie(name, value, httponly=True, secure=True, samesite="lax")
    return response


# case: insecure_cookie-124 | bad | CWE-614 | policy object whose defaults are open (FastAPI)
@dataclass
class CookiePolicy:
    secure: bool = False
    httponly: bool = False
    samesite: str = "lax"

    def attach(self, response, name, value):
        response.set_cookie(name, value, secure=self.secure, httponly=self.httponly, samesite=self.samesite)
        return response


@api.post("/auth/refresh")
def refresh(policy: CookiePolicy = Depends(lambda: CookiePolicy())):
    return policy.attach(JSONResponse({"ok": True}), "refresh_token", secrets.token_urlsafe(48))


# case: insecure_cookie-125 | bad | CWE-614 | configuration class of the production deployment
class ProductionConfig:
    PREFERRED_URL_SCHEME = "https"
    SESSION_COOKIE_NAME = "portal"
    SESSION_COOKIE_SECURE = False
    SESSION_COOKIE_SAMESITE = "Lax"


def create_portal():
    portal = Flask("portal")
    portal.config.from_object(ProductionConfig)
    return portal


# case: insecure_cookie-126 | good | CWE-614 | configuration class inherits and switches the flag on
class BaseConfig:
    SESSION_COOKIE_NAME = "backoffice"
    SESSION_COOKIE_HTTPONLY = True
    SESSION_COOKIE_SAMESITE = "Strict"
    SESSION_COOKIE_SECURE = True


class BackofficeConfig(BaseConfig):
    PERMANENT_SESSION_LIFETIME = ONE_DAY


def create_backoffice():
    backoffice = Flask("backoffice")
    backoffice.config.from_object(BackofficeConfig)
    return backoffice


# case: insecure_cookie-127 | good | CWE-614 | settings of the staging site (Django)
class Staging(Configuration):
    DEBUG = False
    ALLOWED_HOSTS = ["staging.example.org"]
    SESSION_COOKIE_AGE = 14 * ONE_DAY
    SESSION_COOKIE_SECURE = True
    SESSION_COOKIE_HTTPONLY = True
    SESSION_COOKIE_SAMESITE = "Lax"
    CSRF_COOKIE_SECURE = True


# case: insecure_cookie-128 | good | CWE-352 | form protection for the whole application
def create_intranet_app():
    intranet = Flask("intranet")
    intranet.secret_key = os.environ["INTRANET_SECRET"]
    intranet.config["SESSION_COOKIE_SECURE"] = True
    intranet.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    intranet.config["WTF_CSRF_ENABLED"] = True
    CSRFProtect(intranet)
    return intranet


# case: insecure_cookie-129 | good | CWE-614 | session middleware restricted to HTTPS (FastAPI)
def build_member_api():
    member_api = FastAPI(title="Member API")
    member_api.add_middleware(
        SessionMiddleware,
        secret_key=os.environ["MEMBER_SESSION_KEY"],
        same_site="lax",
        https_only=True,
        max_age=ONE_DAY,
    )
    return member_api


# case: insecure_cookie-130 | bad | CWE-614 | secure switched off for the remember-me token
@app.post("/remember")
def remember_me():
    token = secrets.token_urlsafe(32)
    resp = jsonify(ok=True)
    resp.set_cookie(
        "remember_token",
        token,
        max_age=30 * ONE_DAY,
        secure=False,
        httponly=True,
        samesite="Lax",
    )
    return resp


# case: insecure_cookie-131 | good | CWE-614 | secure unless the deployment turns it off
@app.post("/remember/device")
def remember_device():
    https = os.environ.get("COOKIE_SECURE", "1") != "0"
    resp = jsonify(ok=True)
    resp.set_cookie(
        "device_token",
        secrets.token_urlsafe(32),
        max_age=30 * ONE_DAY,
        secure=https,
        httponly=True,
        samesite="Strict",
    )
    return resp


# case: insecure_cookie-132 | bad | CWE-352 | form protection disabled for the whole application
def create_admin_app():
    admin = Flask("admin")
    admin.secret_key = os.environ["ADMIN_SECRET"]
    admin.config["SESSION_COOKIE_SECURE"] = True
    admin.config["SESSION_COOKIE_SAMESITE"] = "None"
    admin.config["WTF_CSRF_ENABLED"] = False
    return admin
