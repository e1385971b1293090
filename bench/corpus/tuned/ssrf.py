"""Corpus, tuned half: server-side request forgery."""

import json
import urllib.request
from urllib.parse import quote, urlparse

import aiohttp
import httpx
import requests
from django.conf import settings
from django.http import HttpResponse, HttpResponseBadRequest, JsonResponse
from django.views.decorators.http import require_POST
from fastapi import FastAPI, Header, HTTPException
from flask import Flask, Response, abort, current_app, jsonify, request
from pydantic import BaseModel

app = Flask(__name__)
api = FastAPI()

# case: ssrf-01 | bad | CWE-918 | query value fetched as it is
@app.get("/preview")
def preview():
    url = request.args.get("url")
    page = requests.get(url, timeout=5)
    return Response(page.content, mimetype="application/octet-stream")


# case: ssrf-02 | good | CWE-918 | scheme and netloc must be on a list
IMAGE_HOSTS = {"images.example.com", "cdn.example.com"}


@app.get("/thumbnail")
def thumbnail():
    url = request.args.get("url", "")
    parts = urlparse(url)
    if parts.scheme != "https" or parts.netloc not in IMAGE_HOSTS:
        abort(400)
    image = requests.get(url, timeout=5, allow_redirects=False)
    return Response(image.content, mimetype="image/png")


# case: ssrf-03 | bad | CWE-918 | webhook address from a JSON body, posted to
@app.post("/webhooks/test")
def test_webhook():
    body = request.get_json()
    answer = requests.post(body["callback"], json={"event": "ping"}, timeout=3)
    return jsonify(status=answer.status_code)


# case: ssrf-04 | good | CWE-918 | callback address from the configuration
@app.post("/webhooks/notify")
def notify_webhook():
    body = request.get_json()
    target = current_app.config["NOTIFY_URL"]
    answer = requests.post(target, json={"event": body["event"]}, timeout=3)
    return jsonify(status=answer.status_code)


# case: ssrf-05 | bad | CWE-918 | host part built from a request value
@app.get("/tenant/status")
def tenant_status():
    region = request.args["region"]
    reply = requests.get(f"https://{region}.svc.example.com/status", timeout=2)
    return jsonify(reply.json())


# case: ssrf-06 | good | CWE-918 | region looked up in a dict of endpoints
REGIONS = {
    "eu": "https://eu.svc.example.com/status",
    "us": "https://us.svc.example.com/status",
}


@app.get("/region/status")
def region_status():
    endpoint = REGIONS.get(request.args["region"])
    if endpoint is None:
        return jsonify(error="unknown region"), 404
    return jsonify(requests.get(endpoint, timeout=2).json())


# case: ssrf-07 | bad | CWE-918 | Django view, urlopen on a form field
@require_POST
def import_feed(request):
    feed_url = request.POST["feed"]
    with urllib.request.urlopen(feed_url, timeout=10) as feed:
        return HttpResponse(feed.read(), content_type="application/xml")


# case: ssrf-08 | good | CWE-918 | Django view, fixed address with an integer at its end
def article_json(request):
    try:
        article = int(request.GET.get("id", ""))
    except ValueError:
        return HttpResponseBadRequest("id must be a number")
    with urllib.request.urlopen(f"https://cms.example.com/articles/{article}.json", timeout=10) as reply:
        return JsonResponse(json.load(reply))


# case: ssrf-09 | bad | CWE-918 | async client in a FastAPI view, pydantic field
class Fetch(BaseModel):
    source: str
    label: str = ""


@api.post("/imports")
async def import_source(order: Fetch):
    async with httpx.AsyncClient() as client:
        reply = await client.get(order.source)
    return {"label": order.label, "size": len(reply.content)}


# case: ssrf-10 | good | CWE-918 | request value only in the query parameters of a fixed address
@api.get("/geocode")
async def geocode(place: str):
    async with httpx.AsyncClient(timeout=4) as client:
        reply = await client.get("https://geo.example.com/search", params={"q": place, "limit": "1"})
    return reply.json()


# case: ssrf-11 | bad | CWE-918 | prefix check without the slash after the host
@app.get("/proxy")
def proxy():
    url = request.args["url"]
    if not url.startswith("https://api.example.com"):
        abort(403)
    upstream = requests.get(url, timeout=5)
    return Response(upstream.content, mimetype="application/octet-stream")


# case: ssrf-12 | good | CWE-918 | address rebuilt from a fixed host and a quoted segment
@app.get("/packages")
def package_info():
    name = quote(request.args["name"], safe="")
    upstream = requests.get("https://registry.example.com/packages/" + name + "/json", timeout=5)
    return jsonify(upstream.json())


# case: ssrf-13 | bad | CWE-918 | block list of two names for the local machine
@app.post("/screenshots")
def screenshot():
    link = request.form["link"]
    host = urlparse(link).hostname
    if host in ("localhost", "127.0.0.1"):
        abort(400)
    html = requests.get(link, timeout=10).text
    return jsonify(length=len(html))


# case: ssrf-14 | good | CWE-918 | variable replaced by a constant before the call
@app.post("/healthcheck")
def healthcheck():
    link = request.form["link"]
    current_app.logger.info("health check asked for %r", link)
    link = "https://status.example.com/health"
    return jsonify(ok=requests.get(link, timeout=3).ok)


# case: ssrf-15 | bad | CWE-918 | through a method and a client attribute
class RemoteCatalog:
    def __init__(self, base):
        self.base = base
        self.http = requests.Session()

    def items(self):
        return self.http.get(self.base + "/items", timeout=5).json()


def catalog(request):
    remote = RemoteCatalog(request.GET.get("base"))
    return JsonResponse({"items": remote.items()})


# case: ssrf-16 | good | CWE-918 | same shape, base from the Django settings
class LocalCatalog:
    def __init__(self, base):
        self.base = base
        self.http = requests.Session()

    def items(self, page):
        return self.http.get(self.base + "/items", params={"page": page}, timeout=5).json()


def local_catalog(request):
    remote = LocalCatalog(settings.CATALOG_BASE)
    return JsonResponse({"items": remote.items(request.GET.get("page", "1"))})


# case: ssrf-17 | bad | CWE-918 | loop over a list of addresses from the body
@app.post("/links/check")
def check_links():
    results = {}
    for link in request.json["links"]:
        try:
            results[link] = requests.head(link, timeout=2).status_code
        except requests.RequestException:
            results[link] = None
    return jsonify(results)


# case: ssrf-18 | good | CWE-918 | list filtered by membership before the loop
MIRRORS = ("https://mirror-a.example.com/", "https://mirror-b.example.com/")


@app.post("/mirrors/check")
def check_mirrors():
    chosen = [mirror for mirror in MIRRORS if mirror in request.json["mirrors"]]
    return jsonify({mirror: requests.head(mirror, timeout=2).status_code for mirror in chosen})


# case: ssrf-19 | bad | CWE-918 | header decides the upstream, aiohttp session
@api.get("/relay")
async def relay(x_upstream: str = Header()):
    async with aiohttp.ClientSession() as http:
        async with http.get("http://" + x_upstream + "/metrics") as reply:
            return {"body": await reply.text()}


# case: ssrf-20 | good | CWE-918 | host checked by an exact set, then a fresh address is built
PARTNERS = frozenset({"shop.example.com", "stock.example.com"})


@api.get("/partner")
async def partner(host: str, item: int):
    if host not in PARTNERS:
        raise HTTPException(status_code=400, detail="unknown partner")
    async with httpx.AsyncClient() as client:
        reply = await client.get(f"https://{host}/api/items/{item}")
    return reply.json()


# case: ssrf-21 | bad | CWE-918 | substring test on the whole address
def avatar_from_url(request):
    source = request.POST.get("avatar_url", "")
    if "gravatar.com" not in source:
        return HttpResponseBadRequest("only gravatar is supported")
    picture = requests.get(source, timeout=5)
    return HttpResponse(picture.content, content_type="image/png")


# case: ssrf-22 | good | CWE-918 | choice limited to two literals by a conditional
def exchange_rates(request):
    if request.GET.get("bank") == "ecb":
        source = "https://rates.example.com/ecb.json"
    else:
        source = "https://rates.example.com/boe.json"
    return JsonResponse(requests.get(source, timeout=5).json())


# case: ssrf-23 | bad | CWE-918 | helper builds a Request from a cookie value
def download(address):
    req = urllib.request.Request(address, headers={"User-Agent": "portal/1.0"})
    with urllib.request.urlopen(req, timeout=5) as reply:
        return reply.read()


@app.get("/profile/picture")
def profile_picture():
    return Response(download(request.cookies["picture"]), mimetype="image/jpeg")


# case: ssrf-24 | good | CWE-918 | dict of headers holds the request value, not the address
@app.get("/profile/orders")
def profile_orders():
    headers = {"Accept-Language": request.headers.get("Accept-Language", "en").split(",")[0]}
    reply = requests.get("https://orders.example.com/mine", headers=headers, timeout=5)
    return jsonify(reply.json())
