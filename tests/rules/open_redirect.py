"""Redirects to where a request says, and redirects within the site."""

from urllib.parse import urlparse

from django.http import HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from flask import Flask, abort, redirect, request, url_for

app = Flask(__name__)
PAGES = {"cart": "/cart", "home": "/"}


@app.route("/go")
def go():
    target = request.args.get("next")
    if request.args.get("how") == "plain":
        # ruleid: python-open-redirect
        return redirect(target)
    if request.args.get("how") == "joined":
        # ruleid: python-open-redirect
        return redirect("https://" + target)
    if request.args.get("how") == "slash":
        # ruleid: python-open-redirect
        return redirect("/" + target)
    if request.args.get("how") == "path":
        # ok: python-open-redirect
        return redirect("/users/" + target)
    if request.args.get("how") == "host":
        # ok: python-open-redirect
        return redirect(f"https://shop.example.com/{target}")
    if request.args.get("how") == "named":
        # ok: python-open-redirect
        return redirect(url_for("user", name=target))
    if request.args.get("how") == "table":
        # ok: python-open-redirect
        return redirect(PAGES.get(target, "/"))
    # ok: python-open-redirect
    return redirect(request.url)


@app.route("/checked")
def checked():
    target = request.args.get("next")
    if not target or urlparse(target).netloc != "":
        abort(400)
    # ok: python-open-redirect
    return redirect(target)


@app.route("/listed")
def listed():
    target = request.args.get("next")
    if target not in PAGES.values():
        target = "/"
    # ok: python-open-redirect
    return redirect(target)


@app.route("/back")
def back():
    # ok: python-open-redirect
    return redirect(request.headers.get("Referer") or url_for("home"))


def django_view(request):
    target = request.GET.get("next", "/")
    # ruleid: python-open-redirect
    return HttpResponseRedirect(target)


def django_checked(request):
    target = request.GET.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        target = "/"
    # ok: python-open-redirect
    return HttpResponseRedirect(target)
