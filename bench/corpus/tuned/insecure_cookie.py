"""Labelled code: cookies with and without Secure, HttpOnly and SameSite (tuned half)."""

import os
import secrets
from functools import partial
from http.cookies import SimpleCookie

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from fastapi import Depends, FastAPI, Response
from fastapi.responses import JSONResponse, RedirectResponse
from flask import Flask, jsonify, make_response, redirect, render_template, request, url_for
from starlette.middleware.sessions import SessionMiddleware

from shop.accounts import check_password, new_session, token_for

app = Flask(__name__)
api = FastAPI()
DAY = 86_400


# case: insecure_cookie-01 | bad | CWE-614 | Flask, session token without any attribute
@app.post("/login")
def sign_in():
    user = check_password(request.form["name"], request.form["password"])
    response = make_response(redirect(url_for("home")))
    response.set_cookie("session_token", new_session(user))
    return response


# case: insecure_cookie-02 | good | CWE-614 | Flask, session token with all three attributes
@app.post("/login/v2")
def sign_in_v2():
    user = check_password(request.form["name"], request.form["password"])
    response = make_response(redirect(url_for("home")))
    response.set_cookie("session_token", new_session(user), secure=True, httponly=True, samesite="Lax")
    return response


# case: insecure_cookie-03 | bad | CWE-1004 | Flask, token readable by scripts
@app.post("/token")
def issue_token():
    response = jsonify(issued=True)
    token = secrets.token_urlsafe(32)
    response.set_cookie("auth", token, max_age=DAY, secure=True, httponly=False, samesite="Strict")
    return response


# case: insecure_cookie-04 | good | CWE-1004 | Flask, attributes in a dictionary spread into the call
COOKIE_OPTIONS = {"secure": True, "httponly": True, "samesite": "Strict", "max_age": DAY}


@app.post("/token/v2")
def issue_token_v2():
    response = jsonify(issued=True)
    response.set_cookie("auth", secrets.token_urlsafe(32), **COOKIE_OPTIONS)
    return response


# case: insecure_cookie-05 | bad | CWE-614 | Django, remember-me cookie with Secure switched off
def remember_me(request):
    response = HttpResponseRedirect("/")
    token = token_for(request.user)
    response.set_cookie("remember", token, max_age=30 * DAY, secure=False, httponly=True, samesite="Lax")
    return response


# case: insecure_cookie-06 | good | CWE-614 | Django, Secure everywhere but on the developer's machine
def keep_me(request):
    response = HttpResponseRedirect("/")
    token = token_for(request.user)
    response.set_cookie(
        "remember", token, max_age=30 * DAY, secure=not settings.DEBUG, httponly=True, samesite="Lax"
    )
    return response


# case: insecure_cookie-07 | bad | CWE-1275 | FastAPI, access token sent along with every foreign request
@api.post("/session")
async def open_session(response: Response, token: str = Depends(token_for)):
    response.set_cookie(key="access_token", value=token, secure=True, httponly=True, samesite="none")
    return {"opened": True}


# case: insecure_cookie-08 | good | CWE-1275 | FastAPI, access token for requests of our own site
@api.post("/session/v2")
async def open_session_v2(response: Response, token: str = Depends(token_for)):
    response.set_cookie(key="access_token", value=token, secure=True, httponly=True, samesite="strict")
    return {"opened": True}


# case: insecure_cookie-09 | bad | CWE-614 | Flask, session cookie settings switched off in a class
class ProductionConfig:
    SECRET_KEY = os.environ["SECRET_KEY"]
    SESSION_COOKIE_NAME = "shop"
    SESSION_COOKIE_SECURE = False
    SESSION_COOKIE_HTTPONLY = True


shop = Flask("shop")
shop.config.from_object(ProductionConfig)


# case: insecure_cookie-10 | good | CWE-614 | Flask, session cookie settings switched on by update
admin = Flask("admin")
admin.config.update(
    SECRET_KEY=os.environ["SECRET_KEY"],
    SESSION_COOKIE_SECURE=True,
    SESSION_COOKIE_HTTPONLY=True,
    SESSION_COOKIE_SAMESITE="Lax",
)


# case: insecure_cookie-11 | bad | CWE-614 | Starlette session middleware without HTTPS only
portal = FastAPI()
portal.add_middleware(
    SessionMiddleware,
    secret_key=os.environ["SECRET_KEY"],
    session_cookie="portal",
    https_only=False,
)


# case: insecure_cookie-12 | good | CWE-614 | Starlette session middleware with HTTPS only
intranet = FastAPI()
intranet.add_middleware(
    SessionMiddleware,
    secret_key=os.environ["SECRET_KEY"],
    session_cookie="intranet",
    https_only=True,
    same_site="strict",
)


# case: insecure_cookie-13 | bad | CWE-614 | cookie line by hand without Secure
@app.post("/pin")
def confirm_pin():
    response = make_response(render_template("pin.html"))
    session_id = secrets.token_hex(16)
    response.headers.add("Set-Cookie", f"sid={session_id}; Path=/; HttpOnly; SameSite=Lax")
    return response


# case: insecure_cookie-14 | good | CWE-614 | cookie line by hand with all attributes
@app.post("/tan")
def confirm_tan():
    response = make_response(render_template("pin.html"))
    session_id = secrets.token_hex(16)
    response.headers.add("Set-Cookie", f"sid={session_id}; Path=/; Secure; HttpOnly; SameSite=Lax")
    return response


# case: insecure_cookie-15 | bad | CWE-1004 | Django, helper sets the cookie and leaves HttpOnly out
def attach_session(response, value):
    response.set_cookie("sessionid", value, path="/", secure=True, samesite="Lax")
    return response


def begin(request):
    return attach_session(JsonResponse({"begun": True}), secrets.token_hex(32))


# case: insecure_cookie-16 | good | CWE-1004 | Django, helper sets the cookie with all attributes
def attach_login(response, value):
    response.set_cookie("login", value, path="/", secure=True, httponly=True, samesite="Lax")
    return response


def resume(request):
    return attach_login(JsonResponse({"resumed": True}), secrets.token_hex(32))


# case: insecure_cookie-17 | bad | CWE-614 | http.cookies, WSGI, no attribute but the path
def login_application(environ, start_response):
    cookie = SimpleCookie()
    cookie["session"] = secrets.token_hex(32)
    cookie["session"]["path"] = "/"
    start_response("200 OK", [("Set-Cookie", cookie["session"].OutputString())])
    return [b"welcome"]


# case: insecure_cookie-18 | good | CWE-614 | http.cookies, WSGI, attributes set one by one
def account_application(environ, start_response):
    cookie = SimpleCookie()
    cookie["session"] = secrets.token_hex(32)
    cookie["session"]["path"] = "/"
    cookie["session"]["secure"] = True
    cookie["session"]["httponly"] = True
    cookie["session"]["samesite"] = "Strict"
    start_response("200 OK", [("Set-Cookie", cookie["session"].OutputString())])
    return [b"welcome"]


# case: insecure_cookie-19 | bad | CWE-614 | FastAPI, options in a dictionary with Secure off
def options():
    return {"httponly": True, "secure": False, "samesite": "lax"}


@api.post("/refresh")
def refresh():
    response = JSONResponse({"refreshed": True})
    response.set_cookie("refresh_token", secrets.token_urlsafe(48), **options())
    return response


# case: insecure_cookie-20 | good | CWE-614 | FastAPI, attributes bound once with partial
@api.get("/callback")
def callback():
    response = RedirectResponse("/")
    put = partial(response.set_cookie, secure=True, httponly=True, samesite="lax")
    put("access", secrets.token_urlsafe(48))
    put("refresh", secrets.token_urlsafe(48), path="/refresh")
    return response


# case: insecure_cookie-21 | bad | CWE-614 | Flask, attributes only in one of two branches
@app.post("/basket/token")
def basket_token():
    response = make_response("", 204)
    token = secrets.token_urlsafe(16)
    if request.form.get("remember"):
        response.set_cookie("basket_auth", token, max_age=DAY)
    else:
        response.set_cookie("basket_auth", token, secure=True, httponly=True, samesite="Lax")
    return response


# case: insecure_cookie-22 | good | CWE-1004 | Django, cookie thrown away and a token for scripts to send back
def log_out(request):
    response = HttpResponse(status=204)
    response.delete_cookie("sessionid", path="/")
    response.set_cookie("csrf_echo", secrets.token_hex(16), secure=True, httponly=False, samesite="Strict")
    return response
