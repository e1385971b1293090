"""Redirects in web applications: sign-in, sign-out, language switch, outgoing links, old addresses."""
import re
from dataclasses import dataclass
from enum import Enum
from functools import wraps
from typing import Optional
from urllib.parse import quote, urlencode, urljoin, urlparse, urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpResponseRedirect
from django.shortcuts import redirect as django_redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View
from django.views.generic import RedirectView
from fastapi import Cookie, Depends, FastAPI, Form, HTTPException, Query
from fastapi.responses import RedirectResponse
from flask import Flask, current_app, flash, make_response, redirect, request, session, url_for

app = Flask(__name__)
api = FastAPI()


@app.route("/home")
def home():
    return "home"


@app.route("/results")
def results():
    return "results"


# case: open_redirect-101 | bad | CWE-601 | next argument after the sign-in
@app.route("/login", methods=["POST"])
def login():
    session["user"] = request.form["user"]
    next_page = request.args.get("next")
    if next_page:
        return redirect(next_page)
    return redirect(url_for("home"))


# case: open_redirect-102 | good | CWE-601 | url_for with the argument as a query value
@app.route("/find")
def find():
    term = request.args.get("q", "")
    return redirect(url_for("results", q=term, page=1))


# case: open_redirect-103 | good | CWE-601 | target chosen by key from a dictionary
PARTNER_LINKS = {
    "docs": "https://docs.example.org/start",
    "forum": "https://forum.example.net/",
    "status": "https://status.example.com/",
}


@app.route("/go/<key>")
def go(key):
    return redirect(PARTNER_LINKS.get(key, "/home"))


# case: open_redirect-104 | good | CWE-601 | endpoint name must be in a tuple
@app.route("/switch")
def switch_view():
    endpoint = request.args.get("to", "home")
    if endpoint not in ("home", "results"):
        endpoint = "home"
    return redirect(url_for(endpoint))


# case: open_redirect-105 | bad | CWE-601 | Django HttpResponseRedirect on a GET parameter
def sign_out(request):
    logout(request)
    return HttpResponseRedirect(request.GET.get("next", "/"))


# case: open_redirect-106 | good | CWE-601 | url_has_allowed_host_and_scheme before the redirect
def set_language(request):
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        target = "/"
    response = HttpResponseRedirect(target)
    response.set_cookie("lang", "de" if request.POST.get("lang") == "de" else "en")
    return response


# case: open_redirect-107 | bad | CWE-601 | RedirectResponse on a query parameter
@api.get("/out")
async def outgoing(url: str):
    return RedirectResponse(url=url, status_code=302)


# case: open_redirect-108 | good | CWE-601 | enum parameter mapped to an address
class HelpTopic(str, Enum):
    billing = "billing"
    shipping = "shipping"


@api.get("/help")
async def help_topic(topic: HelpTopic = HelpTopic.billing):
    return RedirectResponse(f"https://help.example.com/topics/{topic.value}")


# case: open_redirect-109 | bad | CWE-601 | leading slash is the only test
@app.route("/consent")
def consent():
    back = request.args.get("back", "/home")
    if not back.startswith("/"):
        back = "/home"
    response = redirect(back)
    response.set_cookie("consent", "yes", httponly=True, secure=True, samesite="Lax")
    return response


# case: open_redirect-110 | bad | CWE-601 | own domain looked for anywhere in the address
@app.route("/exit")
def exit_page():
    target = request.args.get("target", "")
    if "example.com" in target:
        return redirect(target)
    flash("This link leads elsewhere")
    return redirect(url_for("home"))


# case: open_redirect-111 | good | CWE-601 | joined address must keep the own host
def local_address(reference):
    own = urlsplit(request.host_url)
    joined = urljoin(request.host_url, reference)
    parts = urlsplit(joined)
    if parts.scheme in ("http", "https") and parts.netloc == own.netloc:
        return joined
    return url_for("home")


@app.route("/resume")
def resume():
    return redirect(local_address(request.args.get("next", "")))


# case: open_redirect-112 | bad | CWE-601 | helper redirects to the address of the query
def done(request, text, fallback):
    messages.success(request, text)
    where = request.GET.get("return_to") or fallback
    return django_redirect(where)


def save_settings(request):
    request.user.profile.newsletter = "newsletter" in request.POST
    request.user.profile.save()
    return done(request, "Settings saved", "/settings/")


# case: open_redirect-113 | good | CWE-601 | named Django route with an integer argument
def jump_to_order(request):
    try:
        number = int(request.GET.get("number", ""))
    except ValueError:
        return django_redirect("order-list")
    return django_redirect("order-detail", pk=number)


# case: open_redirect-114 | bad | CWE-601 | query parameter begins the host part
@api.get("/workspace")
def open_workspace(name: str, tab: str = "inbox"):
    target = f"https://{name}.workspaces.example.com/{quote(tab)}"
    return RedirectResponse(target, status_code=303)


# case: open_redirect-115 | good | CWE-601 | integer path parameter in a local address
@api.get("/old/items/{item_id}")
def old_item(item_id: int, ref: Optional[str] = None):
    suffix = "?" + urlencode({"ref": ref}) if ref else ""
    return RedirectResponse(f"/items/{item_id}{suffix}", status_code=301)


# case: open_redirect-116 | bad | CWE-601 | Location header set by hand
@app.route("/track")
def track_click():
    current_app.logger.info("click on %s", request.args.get("campaign"))
    response = make_response("", 302)
    response.headers["Location"] = request.args.get("dest", "/home")
    return response


# case: open_redirect-117 | good | CWE-601 | local path matched in full
@app.route("/dismiss")
def dismiss():
    back = request.args.get("back", "/home")
    if not re.fullmatch(r"/[A-Za-z0-9_-][A-Za-z0-9_/-]*", back):
        back = "/home"
    session["dismissed"] = True
    return redirect(back)


# case: open_redirect-118 | bad | CWE-601 | path added to a host without a slash
SHOP = "https://shop.example.com"


@app.route("/shop")
def to_shop():
    path = request.args.get("path", "/")
    return redirect(SHOP + path, code=307)


# case: open_redirect-119 | good | CWE-601 | authorisation address with an encoded query
@app.route("/oauth/start")
def oauth_start():
    query = urlencode({
        "client_id": current_app.config["OAUTH_CLIENT_ID"],
        "redirect_uri": url_for("home", _external=True),
        "login_hint": request.args.get("hint", ""),
    })
    return redirect("https://id.example.org/authorize?" + query)


# case: open_redirect-120 | bad | CWE-601 | RedirectView takes the address from the query
class CampaignRedirect(RedirectView):
    permanent = False

    def get_redirect_url(self, *args, **kwargs):
        destination = self.request.GET.get("u")
        if destination is None:
            return reverse("landing")
        return destination


# case: open_redirect-121 | good | CWE-601 | RedirectView with a class level mapping
class DocsRedirect(RedirectView):
    pages = {"install": "/docs/setup/", "api": "/docs/reference/"}

    def get_redirect_url(self, *args, **kwargs):
        return self.pages.get(self.request.GET.get("page"), "/docs/")


# case: open_redirect-122 | bad | CWE-601 | addresses with a netloc refused, all others taken
def relative_target(next: str = Query("/")) -> str:
    if urlparse(next).netloc:
        raise HTTPException(status_code=400, detail="local addresses only")
    return next


@api.get("/session/renew")
def renew_session(target: str = Depends(relative_target)):
    return RedirectResponse(target)


# case: open_redirect-123 | good | CWE-601 | scheme and netloc compared with a set
RETURN_HOSTS = {"portal.example.com", "admin.example.com"}


def listed_target(return_url: str = Query("https://portal.example.com/")) -> str:
    parts = urlsplit(return_url)
    if parts.scheme != "https" or parts.netloc not in RETURN_HOSTS:
        raise HTTPException(status_code=400, detail="return address is not listed")
    return return_url


@api.get("/session/close")
def close_session(target: str = Depends(listed_target)):
    return RedirectResponse(target, status_code=303)


# case: open_redirect-124 | bad | CWE-601 | query parameter of a form post, with a cookie
@api.post("/token")
async def issue_token(username: str = Form(...), return_url: str = Query("/")):
    if not username.isalnum():
        raise HTTPException(status_code=422)
    response = RedirectResponse(return_url, status_code=303)
    response.set_cookie("seen", "1", httponly=True, secure=True, samesite="strict")
    return response


# case: open_redirect-125 | good | CWE-601 | endpoint kept in the session by the server
def needs_user(view):
    @wraps(view)
    def wrapper():
        if "user" not in session:
            session["after_login"] = request.endpoint
            return redirect(url_for("home"))
        return view()
    return wrapper


@app.route("/after-login")
def after_login():
    return redirect(url_for(session.pop("after_login", "home")))


# case: open_redirect-126 | bad | CWE-601 | dataclass carries the address to the redirect
@dataclass
class Navigation:
    target: str
    code: int = 302

    @classmethod
    def from_values(cls, values):
        return cls(target=values.get("continue", "/home"), code=303 if "post" in values else 302)

    def respond(self):
        return redirect(self.target, code=self.code)


@app.route("/continue", methods=["GET", "POST"])
def continue_flow():
    return Navigation.from_values(request.values).respond()


# case: open_redirect-127 | good | CWE-601 | requested address replaced by the configured one
@app.route("/leave")
def leave():
    target = request.args.get("to", "/")
    current_app.logger.debug("asked to leave to %r", target)
    target = current_app.config.get("LEAVE_URL", "https://www.example.com/bye")
    session.clear()
    return redirect(target)


# case: open_redirect-128 | bad | CWE-601 | host suffix tested without the dot
@app.route("/sso/return")
def sso_return():
    relay = request.args.get("RelayState", "")
    host = urlparse(relay).netloc
    if not host.endswith("example.com"):
        return redirect(url_for("home"))
    return redirect(relay)


# case: open_redirect-129 | good | CWE-601 | return path must be one of the configured ones
class PasswordChanged(View):
    def post(self, request):
        path = request.POST.get("next", "")
        if path in settings.RETURN_PATHS:
            return HttpResponseRedirect(path)
        return HttpResponseRedirect(reverse("account"))


# case: open_redirect-130 | bad | CWE-601 | address kept in the session between two requests
@app.route("/checkout/start")
def checkout_start():
    session["return_to"] = request.args.get("return_to", "/home")
    return redirect(url_for("checkout_finish"))


@app.route("/checkout/finish")
def checkout_finish():
    target = session.pop("return_to", None)
    return redirect(target or url_for("home"))


# case: open_redirect-131 | good | CWE-601 | route name selected by a cookie's value
@api.get("/orders-v2", name="orders_new")
def orders_new():
    return {"orders": []}


@api.get("/orders")
def orders(layout: str = Cookie("new")):
    name = "orders_new" if layout == "new" else "help_topic"
    return RedirectResponse(api.url_path_for(name))


# case: open_redirect-132 | bad | CWE-601 | slash put before a GET parameter
def legacy_page(request):
    page = request.GET.get("page", "")
    if page.startswith("http"):
        page = ""
    return django_redirect("/" + page)
