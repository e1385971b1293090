"""Labelled code: data of a request kept in the session (tuned half)."""

import logging
import secrets
from enum import Enum
from typing import Literal

from django import forms
from django.contrib.auth import authenticate, login
from django.http import HttpResponseBadRequest, HttpResponseRedirect, JsonResponse
from fastapi import FastAPI, Header, HTTPException, Request
from flask import Flask, abort, jsonify, redirect, render_template, request, session, url_for
from pydantic import BaseModel
from starlette.middleware.sessions import SessionMiddleware
from werkzeug.security import check_password_hash

from shop.catalogue import PRODUCTS
from shop.models import Account

app = Flask(__name__)
app.config.from_prefixed_env()
api = FastAPI()
api.add_middleware(SessionMiddleware, secret_key=app.config["SECRET_KEY"], https_only=True)
log = logging.getLogger(__name__)


# case: trust_boundary-01 | bad | CWE-501 | Flask, role from the form
@app.post("/profile/role")
def choose_role():
    session["role"] = request.form["role"]
    return redirect(url_for("profile"))


# case: trust_boundary-02 | good | CWE-501 | Flask, role from the stored account after the password was checked
@app.post("/login")
def sign_in():
    account = Account.query.filter_by(name=request.form["name"]).first()
    if account is None or not check_password_hash(account.password_hash, request.form["password"]):
        abort(401)
    session.clear()
    session["account"] = account.id
    session["role"] = account.role
    return redirect(url_for("profile"))


# case: trust_boundary-03 | bad | CWE-501 | Django, staff flag from the POST data through a local variable
def preferences(request):
    staff = request.POST.get("is_staff", "")
    if staff:
        request.session["is_staff"] = staff
    return HttpResponseRedirect("/preferences/")


# case: trust_boundary-04 | good | CWE-501 | Flask, language checked against a set before it is kept
@app.post("/language")
def choose_language():
    language = request.form.get("language", "en")
    if language not in {"en", "de", "fr"}:
        abort(400, "unknown language")
    session["language"] = language
    return redirect(url_for("profile"))


# case: trust_boundary-05 | bad | CWE-501 | FastAPI, tenant from a header parameter
@api.post("/tenant")
async def enter_tenant(request: Request, x_tenant: str = Header()):
    request.session["tenant"] = x_tenant
    return {"entered": True}


# case: trust_boundary-06 | good | CWE-501 | Django, value of a choice field after validation
class CurrencyForm(forms.Form):
    currency = forms.ChoiceField(choices=[("eur", "Euro"), ("gbp", "Pound")])


def choose_currency(request):
    form = CurrencyForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest("unknown currency")
    request.session["currency"] = form.cleaned_data["currency"]
    return HttpResponseRedirect("/basket/")


# case: trust_boundary-07 | bad | CWE-501 | Flask, the whole JSON body merged into the session
@app.put("/state")
def store_state():
    body = request.get_json(force=True)
    session.update(body)
    return jsonify(stored=len(body))


# case: trust_boundary-08 | good | CWE-501 | FastAPI, model field limited by Literal
class Display(BaseModel):
    density: Literal["compact", "normal", "wide"]


@api.put("/display")
def store_display(display: Display, request: Request):
    request.session["density"] = display.density
    return {"stored": True}


# case: trust_boundary-09 | bad | CWE-501 | Flask, form fields copied in a loop, the price among them
@app.post("/basket")
def add_to_basket():
    for field in ("sku", "quantity", "unit_price"):
        value = request.form.get(field)
        if value is not None:
            session[f"basket_{field}"] = value
    return redirect(url_for("basket"))


# case: trust_boundary-10 | good | CWE-501 | Flask, price looked up in the catalogue, quantity converted and bounded
@app.post("/cart")
def add_to_cart():
    product = PRODUCTS.get(request.form["sku"])
    if product is None:
        abort(404)
    quantity = max(1, min(int(request.form["quantity"]), 99))
    session["line"] = {"sku": product.sku, "quantity": quantity, "unit_price": product.price}
    return redirect(url_for("basket"))


# case: trust_boundary-11 | bad | CWE-501 | Flask, cookie value through a helper that writes the session
def remember(name, value):
    session[name] = value
    session.permanent = True


@app.get("/resume")
def resume():
    user = request.cookies.get("last_user")
    if user:
        remember("user", user)
    return render_template("home.html")


# case: trust_boundary-12 | good | CWE-501 | Flask, dictionary turns the form value into one of our own
@app.post("/theme")
def choose_theme():
    themes = {"light": "theme-light", "dark": "theme-dark"}
    try:
        session["theme"] = themes[request.form["theme"]]
    except KeyError:
        abort(400)
    return redirect(url_for("profile"))


# case: trust_boundary-13 | bad | CWE-501 | Django, setdefault with a query value
def open_account(request):
    request.session.setdefault("account_number", request.GET["account"])
    return JsonResponse({"opened": True})


# case: trust_boundary-14 | good | CWE-501 | FastAPI, query parameter of an enum type
class Order(str, Enum):
    NEWEST = "newest"
    CHEAPEST = "cheapest"


@api.get("/products")
def products(request: Request, order: Order = Order.NEWEST):
    request.session["order"] = order.value
    return {"products": sorted(PRODUCTS)}


# case: trust_boundary-15 | bad | CWE-501 | Flask, conversion to a number does not make the account the caller's
@app.post("/switch")
def switch_account():
    try:
        account_id = int(request.form["account_id"])
    except ValueError:
        abort(400)
    session["account_id"] = account_id
    return redirect(url_for("profile"))


# case: trust_boundary-16 | good | CWE-501 | Flask, request value only logged, the session gets a random value
@app.get("/start")
def start():
    log.info("started from %r", request.args.get("source"))
    session["csrf"] = secrets.token_urlsafe(32)
    session["visits"] = session.get("visits", 0) + 1
    return render_template("home.html")


# case: trust_boundary-17 | bad | CWE-501 | Flask, name of the session entry from the query
@app.post("/flags")
def set_flag():
    flag = request.args["flag"]
    session[flag] = True
    return "", 204


# case: trust_boundary-18 | good | CWE-501 | Flask, flag name held against a frozen set
FLAGS = frozenset({"tour_seen", "banner_closed"})


@app.post("/notices")
def set_notice():
    notice = request.args["notice"]
    if notice in FLAGS:
        session[notice] = True
    return "", 204


# case: trust_boundary-19 | bad | CWE-501 | FastAPI, free text field of a model decides the plan
class Subscription(BaseModel):
    plan: str
    newsletter: bool = False


@api.post("/subscription")
async def subscribe(subscription: Subscription, request: Request):
    request.session["subscription"] = {"plan": subscription.plan, "newsletter": subscription.newsletter}
    return {"plan": subscription.plan}


# case: trust_boundary-20 | good | CWE-501 | FastAPI, plan found in our list or refused
class Booking(BaseModel):
    plan: str


@api.post("/bookings")
async def book(booking: Booking, request: Request):
    plan = next((name for name in ("basic", "trial") if name == booking.plan), None)
    if plan is None:
        raise HTTPException(status_code=422, detail="unknown plan")
    request.session["plan"] = plan
    return {"plan": plan}


# case: trust_boundary-21 | bad | CWE-501 | Flask, discount in a nested dictionary through a class
class Basket:
    def __init__(self, store):
        self.store = store

    def apply(self, coupon, discount):
        self.store["coupon"] = {"code": coupon, "discount": float(discount)}


@app.post("/coupon")
def apply_coupon():
    body = request.get_json()
    Basket(session).apply(body["code"], body["discount"])
    return jsonify(applied=True)


# case: trust_boundary-22 | good | CWE-501 | Django, session filled from the authenticated user
def enter(request):
    user = authenticate(request, username=request.POST["username"], password=request.POST["password"])
    if user is None:
        return HttpResponseBadRequest("wrong name or password")
    login(request, user)
    request.session["display_name"] = user.get_full_name()
    return HttpResponseRedirect("/")
