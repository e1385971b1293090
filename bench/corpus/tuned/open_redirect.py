"""Corpus, tuned half: open redirect."""

from urllib.parse import quote, urlencode, urljoin, urlparse

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect as django_redirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View
from fastapi import Depends, FastAPI, Form, Request, Response
from fastapi.responses import RedirectResponse
from flask import Flask, abort, current_app, make_response, redirect, request, session, url_for
from pydantic import BaseModel

app = Flask(__name__)
api = FastAPI()

# case: open_redirect-01 | bad | CWE-601 | query value redirected to directly
@app.get("/go")
def go():
    return redirect(request.args.get("url", "/"))


# case: open_redirect-02 | good | CWE-601 | fixed endpoint, query value only looked at
@app.get("/start")
def start():
    if request.args.get("tour"):
        return redirect(url_for("tour"))
    return redirect(url_for("home"))


# case: open_redirect-03 | bad | CWE-601 | next after login with a default
@app.post("/login")
def login():
    session["user"] = request.form["user"]
    next_url = request.args.get("next") or url_for("home")
    return redirect(next_url, code=303)


# case: open_redirect-04 | good | CWE-601 | joined with our host, compared, and the joined address used
@app.post("/signin")
def signin():
    joined = urljoin(request.host_url, request.form.get("next", "/"))
    parts = urlparse(joined)
    if parts.scheme not in ("http", "https") or parts.netloc != request.host:
        abort(400)
    return redirect(joined)


# case: open_redirect-05 | bad | CWE-601 | one leading slash is enough for this check
@app.get("/logout")
def logout():
    target = request.args.get("next", "/")
    session.clear()
    if target.startswith("/"):
        return redirect(target)
    return redirect("/")


# case: open_redirect-06 | good | CWE-601 | names of targets in a dict
AFTER_LOGOUT = {"shop": "/shop", "blog": "/blog"}


@app.get("/signout")
def signout():
    session.clear()
    return redirect(AFTER_LOGOUT.get(request.args.get("next", ""), "/"))


# case: open_redirect-07 | bad | CWE-601 | Django HttpResponseRedirect of a GET value
def leave_site(request):
    return HttpResponseRedirect(request.GET["to"])


# case: open_redirect-08 | good | CWE-601 | Django's own check of host and scheme
def after_login(request):
    target = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=True):
        target = resolve_url(settings.LOGIN_REDIRECT_URL)
    return HttpResponseRedirect(target)


# case: open_redirect-09 | bad | CWE-601 | Django shortcut, query value with a default, cookie set on the way
def switch_language(request):
    response = django_redirect(request.GET.get("return_to", "/"))
    response.set_cookie("lang", "en" if request.GET.get("lang") == "en" else "de", secure=True, httponly=True)
    return response


# case: open_redirect-10 | good | CWE-601 | reverse with a number from the form
def go_to_order(request):
    try:
        number = int(request.POST["order"])
    except (KeyError, ValueError):
        return django_redirect("orders")
    return django_redirect(reverse("order-detail", args=[number]))


# case: open_redirect-11 | bad | CWE-601 | FastAPI query parameter
@api.get("/out")
async def out(url: str):
    return RedirectResponse(url, status_code=307)


# case: open_redirect-12 | good | CWE-601 | FastAPI, whole value must be in a set
LANDINGS = {"/welcome", "/plans", "/contact"}


@api.get("/landing")
async def landing(path: str = "/welcome"):
    if path not in LANDINGS:
        path = "/welcome"
    return RedirectResponse(path, status_code=307)


# case: open_redirect-13 | bad | CWE-601 | Location header written by hand
@app.get("/short/<code>")
def short(code):
    response = make_response("", 302)
    response.headers["Location"] = request.args.get("fallback", "/")
    return response


# case: open_redirect-14 | good | CWE-601 | fixed host and a quoted query
@app.get("/search")
def search():
    query = urlencode({"q": request.args.get("q", "")})
    response = make_response("", 302)
    response.headers["Location"] = "https://search.example.com/?" + query
    return response


# case: open_redirect-15 | bad | CWE-601 | host suffix appended to, no separator
@app.get("/site")
def site():
    path = request.args.get("path", "")
    return redirect(f"https://www.example.com{path}")


# case: open_redirect-16 | good | CWE-601 | quoted segment after our own first segment
@app.get("/users/find")
def find_user():
    name = quote(request.args["name"], safe="")
    return redirect(f"/users/{name}/profile")


# case: open_redirect-17 | bad | CWE-601 | helper picks the target from a mapping of the request
def pick_target(values):
    for key in ("next", "return_to", "continue"):
        if values.get(key):
            return values[key]
    return "/"


@app.route("/resume", methods=["GET", "POST"])
def resume():
    return redirect(pick_target(request.values))


# case: open_redirect-18 | good | CWE-601 | helper only accepts listed netlocs
SITES = frozenset({"www.example.com", "account.example.com"})


def exit_address(value):
    parts = urlparse(value)
    if parts.scheme == "https" and parts.netloc in SITES:
        return value
    return "/"


@app.get("/continue")
def carry_on():
    return redirect(exit_address(request.args.get("url", "")))


# case: open_redirect-19 | bad | CWE-601 | substring of the own domain anywhere in the address
class PartnerExit(View):
    def get(self, request):
        url = request.GET.get("url", "")
        if "example.com" in url:
            return HttpResponseRedirect(url)
        return HttpResponse("unknown partner", status=400)


# case: open_redirect-20 | good | CWE-601 | address out of the settings
class SupportExit(View):
    def get(self, request):
        request.session["topic"] = "billing" if request.GET.get("topic") == "billing" else "other"
        return HttpResponseRedirect(settings.SUPPORT_URL)


# case: open_redirect-21 | bad | CWE-601 | pydantic model of query values and a 303
class Checkout(BaseModel):
    basket: int
    success_url: str


@api.get("/checkout/done")
def checkout(order: Checkout = Depends()):
    target = order.success_url + "?basket=" + str(order.basket)
    return RedirectResponse(url=target, status_code=303)


# case: open_redirect-22 | good | CWE-601 | url_for of the request object
@api.post("/basket")
def basket(request: Request, number: int = Form()):
    return RedirectResponse(url=request.url_for("show_basket", number=number), status_code=303)


# case: open_redirect-23 | bad | CWE-601 | query value set as a header on the injected response
@api.get("/back")
async def back(response: Response, last_page: str = "/"):
    response.status_code = 302
    response.headers["location"] = last_page
    return None


# case: open_redirect-24 | good | CWE-601 | variable overwritten from the configuration
@app.get("/docs")
def docs():
    target = request.args.get("url", "")
    current_app.logger.info("docs asked for with %r", target)
    target = current_app.config["DOCS_URL"]
    return redirect(target)
