"""Calls to servers that a request names, and calls to known servers."""

import urllib.request
from urllib.parse import urlparse

import httpx
import requests
from flask import Flask, abort, request

from shop.addresses import is_allowed_url, validate_url

app = Flask(__name__)
API = "https://api.example.com"
HOSTS = {"api.example.com", "cdn.example.com"}
MIRRORS = {"de": "https://de.example.com/list"}


@app.route("/fetch")
def fetch():
    url = request.args.get("url")
    # ruleid: python-ssrf
    requests.get(url, timeout=10)
    # ruleid: python-ssrf
    requests.post(url="https://" + url, timeout=10)
    # ruleid: python-ssrf
    requests.request("GET", url, timeout=10)
    # ruleid: python-ssrf
    urllib.request.urlopen(url)
    # ruleid: python-ssrf
    httpx.get(f"http://{url}/status")
    with requests.Session() as session:
        # ruleid: python-ssrf
        session.get(url)
    # ok: python-ssrf
    requests.get(f"https://api.example.com/items/{url}", timeout=10)
    # ok: python-ssrf
    requests.get("https://api.example.com/items?name=" + url, timeout=10)
    # ok: python-ssrf
    requests.get(f"{API}/items/{url}", timeout=10)
    # ok: python-ssrf
    requests.get("https://api.example.com/items", params={"name": url}, timeout=10)
    # ok: python-ssrf
    requests.get(MIRRORS[url], timeout=10)
    # ok: python-ssrf
    request.headers.get(url)


@app.route("/scheme")
def the_scheme_alone():
    url = request.args.get("url")
    if not url.startswith(("http://", "https://")):
        abort(400)
    # ruleid: python-ssrf
    return {"text": requests.get(url, timeout=10).text}


@app.route("/begins")
def begins():
    url = request.args.get("url")
    if not url.startswith("https://api.example.com/"):
        abort(400)
    # ok: python-ssrf
    return requests.get(url, timeout=10).text


@app.route("/begins-badly")
def begins_without_a_slash():
    url = request.args.get("url")
    if not url.startswith("https://api.example.com"):
        abort(400)
    # ruleid: python-ssrf
    return {"text": requests.get(url, timeout=10).text}


@app.route("/host")
def host():
    url = request.args.get("url")
    parsed = urlparse(url)
    if parsed.scheme != "https" or parsed.hostname not in HOSTS:
        abort(403)
    # ok: python-ssrf
    return requests.get(url, timeout=10, allow_redirects=False).text


@app.route("/host-at-once")
def host_at_once():
    url = request.args.get("url")
    if urlparse(url).hostname not in HOSTS:
        abort(403)
    # ok: python-ssrf
    return requests.get(url, timeout=10).text


@app.route("/host-denied")
def some_hosts_denied():
    url = request.args.get("url")
    parsed = urlparse(url)
    if parsed.hostname in ("localhost", "127.0.0.1"):
        abort(403)
    # ruleid: python-ssrf
    return {"text": requests.get(url, timeout=10).text}


@app.route("/only-scheme")
def parsed_but_not_compared():
    url = request.args.get("url")
    parsed = urlparse(url)
    if parsed.scheme not in ("http", "https"):
        abort(403)
    # ruleid: python-ssrf
    return {"text": requests.get(url, timeout=10).text}


@app.route("/named")
def named():
    url = request.args.get("url")
    if not is_allowed_url(url):
        abort(403)
    # ok: python-ssrf
    return requests.get(url, timeout=10).text


@app.route("/raises")
def raises():
    url = request.args.get("url")
    validate_url(url)
    # ok: python-ssrf
    return requests.get(url, timeout=10).text


@app.route("/chosen")
def chosen():
    url = request.args.get("url")
    allowed = [address for address in app.config["ADDRESSES"] if address == url]
    # ok: python-ssrf
    return requests.get(allowed[0], timeout=10).text
