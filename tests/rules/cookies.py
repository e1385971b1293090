"""Cookies that identify a user, with and without their attributes."""

import os
import secrets
from http.cookies import SimpleCookie

from fastapi import FastAPI
from flask import Flask, make_response
from starlette.middleware.sessions import SessionMiddleware

app = Flask(__name__)
api = FastAPI()
# ruleid: python-insecure-cookie
COOKIE = {"secure": False, "httponly": True, "samesite": "Lax"}
# ok: python-insecure-cookie
STRICT = {"secure": True, "httponly": True, "samesite": "Lax"}


def sign_in(user, client, settings):
    response = make_response("welcome")
    # ruleid: python-insecure-cookie
    response.set_cookie("session", user.key)
    # ruleid: python-insecure-cookie
    response.set_cookie("session", user.key, httponly=True, samesite="Lax")
    # ruleid: python-insecure-cookie
    response.set_cookie(key="auth_token", value=user.key, secure=True, samesite="Lax")
    # ruleid: python-insecure-cookie
    response.set_cookie("auth_token", user.key, secure=True, httponly=False)
    # ruleid: python-insecure-cookie
    response.set_cookie("remember", user.key, secure=True, httponly=True, samesite="None")
    # ruleid: python-insecure-cookie
    response.set_cookie("visitor", secrets.token_hex(16), httponly=True)
    # ruleid: python-insecure-cookie
    response.headers["Set-Cookie"] = f"session={user.key}; Path=/; HttpOnly"
    # ok: python-insecure-cookie
    response.headers["Set-Cookie"] = f"session={user.key}; Path=/; HttpOnly; Secure"
    # ok: python-insecure-cookie
    response.set_cookie("session", user.key, secure=True, httponly=True, samesite="Lax")
    # ok: python-insecure-cookie
    response.set_cookie("session", user.key, secure=not settings.DEBUG, httponly=True, samesite="Lax")
    # ok: python-insecure-cookie
    response.set_cookie("session", user.key, **STRICT)
    # ok: python-insecure-cookie
    response.set_cookie("theme", "dark")
    # ok: python-insecure-cookie
    response.set_cookie("csrf_token", user.form_key, secure=True, samesite="Strict")
    # ok: python-insecure-cookie
    response.set_cookie("session", "", max_age=0)
    # ok: python-insecure-cookie
    client.set_cookie("session", user.key)
    return response


def by_hand(user):
    cookies = SimpleCookie()
    # ruleid: python-insecure-cookie
    cookies["session"] = user.key
    cookies["session"]["path"] = "/"
    # ok: python-insecure-cookie
    cookies["auth"] = user.key
    cookies["auth"]["secure"] = True
    return cookies.output()


# ruleid: python-insecure-cookie-setting
app.config["SESSION_COOKIE_SECURE"] = False
# ruleid: python-insecure-cookie-setting
app.config.update(SESSION_COOKIE_HTTPONLY=False)
# ok: python-insecure-cookie-setting
app.config.update(SESSION_COOKIE_SECURE=True, SESSION_COOKIE_HTTPONLY=True)
# ruleid: python-insecure-cookie-setting
api.add_middleware(SessionMiddleware, secret_key=os.environ["KEY"])
# ok: python-insecure-cookie-setting
api.add_middleware(SessionMiddleware, secret_key=os.environ["KEY"], https_only=True)


class Config:
    # ruleid: python-insecure-cookie-setting
    REMEMBER_COOKIE_SECURE = False


class DevelopmentConfig(Config):
    # ok: python-insecure-cookie-setting
    SESSION_COOKIE_SECURE = False
