"""Request data in the session, and values that the application chose."""

from django import forms
from django.http import HttpResponse
from fastapi import FastAPI, Header, Request
from flask import Flask, abort, request, session

from shop.models import Account

app = Flask(__name__)
api = FastAPI()
LANGUAGES = {"en", "de"}
THEMES = {"dark": "theme-dark"}


@app.post("/profile")
def profile():
    # ruleid: python-trust-boundary
    session["role"] = request.form["role"]
    # ruleid: python-trust-boundary
    session[request.form["flag"]] = True
    # ruleid: python-trust-boundary
    session.update(request.get_json())
    # ruleid: python-trust-boundary
    session["line"] = {"price": request.form["price"]}
    account = Account.query.filter_by(name=request.form["name"]).first()
    # ok: python-trust-boundary
    session["account"] = account.id
    # ok: python-trust-boundary
    session["theme"] = THEMES[request.form["theme"]]
    language = request.form["language"]
    if language not in LANGUAGES:
        abort(400)
    # ok: python-trust-boundary
    session["language"] = language
    return ""


def remember(name, value):
    session[name] = value


@app.get("/resume")
def resume():
    # todoruleid: python-trust-boundary
    remember("user", request.cookies["last_user"])
    # ok: python-trust-boundary
    remember("visited", True)
    return ""


class Currency(forms.Form):
    currency = forms.ChoiceField(choices=[("eur", "Euro")])


def django_view(request):
    # ruleid: python-trust-boundary
    request.session.setdefault("account", request.GET["account"])
    form = Currency(request.POST)
    if form.is_valid():
        # ok: python-trust-boundary
        request.session["currency"] = form.cleaned_data["currency"]
    return HttpResponse("")


@api.post("/tenant")
async def tenant(request: Request, x_tenant: str = Header(), page: int = 1):
    # ruleid: python-trust-boundary
    request.session["tenant"] = x_tenant
    # ok: python-trust-boundary
    request.session["page"] = page
