"""Corpus, opened part: server-side request forgery."""

import hashlib
import hmac
import http.client
import ipaddress
import os
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from functools import partial
from typing import Annotated, Literal
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlretrieve

import feedparser
import httpx
import requests
import urllib3
from django.conf import settings
from django.http import Http404, HttpResponse, JsonResponse
from django.views.generic import View
from fastapi import Depends, FastAPI, Query
from flask import Blueprint, Response, abort, current_app, jsonify, request
from flask.views import MethodView
from pydantic import BaseModel, HttpUrl

fetching = Blueprint("fetching", __name__)
service = FastAPI()
pool = urllib3.PoolManager()

# case: ssrf-25 | bad | CWE-918 | urllib3 pool and a method view
class Mirror(MethodView):
    def post(self):
        origin = request.values["origin"]
        reply = pool.request("GET", origin, timeout=4.0, retries=False)
        return Response(reply.data, status=reply.status, mimetype="application/octet-stream")


fetching.add_url_rule("/mirror", view_func=Mirror.as_view("mirror"))


# case: ssrf-26 | good | CWE-918 | only the query string is carried over to our own host
class Passthrough(MethodView):
    def get(self):
        query = urlsplit(request.url).query
        address = urlunsplit(("https", "search.internal.example.com", "/v2/search", query, ""))
        reply = pool.request("GET", address, timeout=4.0, retries=False)
        return Response(reply.data, status=reply.status, mimetype="application/json")


fetching.add_url_rule("/search", view_func=Passthrough.as_view("search"))


# case: ssrf-27 | bad | CWE-918 | host of an http.client connection
@fetching.get("/banner")
def server_banner():
    connection = http.client.HTTPSConnection(request.args["host"], timeout=3)
    connection.request("GET", request.args.get("path", "/"))
    return jsonify(server=connection.getresponse().getheader("Server"))


# case: ssrf-28 | good | CWE-918 | host from the configuration, number in the path
@fetching.get("/stock/<int:item>")
def stock(item):
    connection = http.client.HTTPSConnection(current_app.config["STOCK_HOST"], timeout=3)
    connection.request("GET", f"/items/{item}?verbose={int(request.args.get('verbose', 0))}")
    return Response(connection.getresponse().read(), mimetype="application/json")


# case: ssrf-29 | bad | CWE-918 | keyword arguments collected in a dict
@fetching.post("/api-console")
def api_console():
    wish = request.get_json()
    call = {"method": "GET", "timeout": 6}
    call["url"] = wish["endpoint"]
    return jsonify(text=requests.request(**call).text)


# case: ssrf-30 | good | CWE-918 | index into a tuple of addresses
SOURCES = ("https://one.example.com/data", "https://two.example.com/data")


@fetching.post("/data-console")
def data_console():
    try:
        address = SOURCES[int(request.get_json()["source"])]
    except (IndexError, KeyError, ValueError):
        abort(422)
    call = {"method": "GET", "url": address, "timeout": 6}
    return jsonify(text=requests.request(**call).text)


# case: ssrf-31 | bad | CWE-918 | suffix test without the dot
@fetching.get("/icon")
def icon():
    site = request.args.get("site", "")
    host = urlsplit(site).hostname or ""
    if not host.endswith("example.com"):
        return "not one of our sites", 403
    return Response(httpx.get(site).content, mimetype="image/x-icon")


# case: ssrf-32 | good | CWE-918 | host name matched in full against an expression
OUR_HOST = re.compile(r"[a-z0-9-]{1,63}\.example\.com")


@fetching.get("/favicon")
def favicon():
    host = request.args.get("host", "")
    if OUR_HOST.fullmatch(host) is None:
        return "not one of our sites", 403
    return Response(httpx.get(f"https://{host}/favicon.ico").content, mimetype="image/x-icon")


# case: ssrf-33 | bad | CWE-918 | thread pool maps the getter over posted addresses
class LinkReport(View):
    def post(self, request):
        addresses = request.POST.get("addresses", "").splitlines()
        with ThreadPoolExecutor(max_workers=4) as workers:
            replies = list(workers.map(requests.get, addresses))
        return JsonResponse({reply.url: len(reply.content) for reply in replies})


# case: ssrf-34 | good | CWE-918 | name of a feed looked up in the settings
class FeedReport(View):
    def get(self, request, feed_name):
        try:
            address = settings.FEEDS[feed_name]["url"]
        except KeyError as error:
            raise Http404(feed_name) from error
        feed = feedparser.parse(address)
        return JsonResponse({"titles": [entry.title for entry in feed.entries]})


# case: ssrf-35 | bad | CWE-918 | client dependency takes its base from the query
def upstream(base: Annotated[str, Query()]):
    with httpx.Client(base_url=base, timeout=5) as client:
        yield client


@service.get("/upstream/version")
def upstream_version(client: Annotated[httpx.Client, Depends(upstream)]):
    return client.get("/version").json()


# case: ssrf-36 | good | CWE-918 | enum of the services we run
class Service(str, Enum):
    billing = "http://billing.internal:8080"
    search = "http://search.internal:8080"


def chosen(name: str):
    return Service[name] if name in Service.__members__ else Service.search


@service.get("/services/version")
def service_version(target: Annotated[Service, Depends(chosen)]):
    return httpx.get(f"{target.value}/version").json()


# case: ssrf-37 | bad | CWE-918 | HttpUrl looks at the syntax only
class Subscription(BaseModel):
    topic: str
    endpoint: HttpUrl


@service.post("/subscriptions")
async def subscribe(wish: Subscription):
    async with httpx.AsyncClient(follow_redirects=True) as client:
        challenge = await client.post(str(wish.endpoint), json={"topic": wish.topic})
    return {"confirmed": challenge.is_success, "answer": challenge.text}


# case: ssrf-38 | good | CWE-918 | literal type for the host
class Probe(BaseModel):
    host: Literal["db-1.internal", "db-2.internal"]
    verbose: bool = False


@service.post("/probes")
async def probe(wish: Probe):
    async with httpx.AsyncClient() as client:
        answer = await client.get("http://" + wish.host + ":9100/metrics")
    return {"up": answer.is_success, "body": answer.text if wish.verbose else None}


# case: ssrf-39 | bad | CWE-918 | no slash between the host and the request's part
@fetching.get("/forward")
def forward():
    rest = request.args.get("rest", "/")
    return requests.get("https://api.example.com%s" % rest, timeout=5).text, 200, {"Content-Type": "text/plain"}


# case: ssrf-40 | good | CWE-918 | uuid converter in the route
@fetching.get("/orders/<uuid:order_id>/track")
def track(order_id):
    reply = requests.get("https://parcel.example.com/track/%s" % order_id, timeout=5)
    return jsonify(reply.json())


# case: ssrf-41 | bad | CWE-918 | connection to any host and port
@fetching.get("/reachable")
def reachable():
    target = (request.args["host"], int(request.args.get("port", "443")))
    try:
        with socket.create_connection(target, timeout=2) as link:
            return jsonify(open=True, greeting=link.recv(80).decode("latin-1"))
    except OSError:
        return jsonify(open=False)


# case: ssrf-42 | good | CWE-918 | condition of constants always takes the fixed address
@fetching.get("/weather")
def weather():
    city = request.args.get("city", "")
    retries = 3
    address = "https://weather.example.com/now" if retries - 1 > 0 else request.args["address"]
    return jsonify(requests.get(address, params={"city": city}, timeout=retries).json())


# case: ssrf-43 | bad | CWE-918 | private addresses refused as numbers, names let through
def import_calendar(request):
    address = request.POST["calendar"]
    host = urlsplit(address).hostname
    try:
        if ipaddress.ip_address(host).is_private:
            return HttpResponse("private address", status=400)
    except ValueError:
        pass
    location, _ = urlretrieve(address)
    return JsonResponse({"events": open(location).read().count("BEGIN:VEVENT")})


# case: ssrf-44 | good | CWE-918 | every address is checked before any is fetched
CALENDAR_HOSTS = {"calendar.example.com", "ical.example.org"}


def import_calendars(request):
    addresses = request.POST.getlist("calendar")
    if not all(urlsplit(a).scheme == "https" and urlsplit(a).netloc in CALENDAR_HOSTS for a in addresses):
        return HttpResponse("unknown calendar host", status=400)
    bodies = [requests.get(address, timeout=5, allow_redirects=False).text for address in addresses]
    return JsonResponse({"events": sum(body.count("BEGIN:VEVENT") for body in bodies)})


# case: ssrf-45 | bad | CWE-918 | partial of the getter, address from a nested body
quick_get = partial(requests.get, timeout=2, headers={"Accept": "application/json"})


@fetching.post("/oidc/discover")
def discover():
    settings_part = request.json.get("provider", {})
    issuer = settings_part.get("issuer", "").rstrip("/")
    document = quick_get(issuer + "/.well-known/openid-configuration")
    return jsonify(document.json())


# case: ssrf-46 | good | CWE-918 | request value in the posted data, address in an attribute
class Translator:
    endpoint = "https://translate.example.com/v1"

    def run(self, text, language):
        return quick_post(self.endpoint, json={"text": text, "to": language})


quick_post = partial(requests.post, timeout=2)


@fetching.post("/translate")
def translate():
    body = request.json
    return jsonify(Translator().run(body["text"], body.get("language", "en")).json())


# case: ssrf-47 | bad | CWE-918 | feed parser that fetches what it is given
def read_feed(request, **options):
    source = options.get("source") or request.GET.get("source")
    feed = feedparser.parse(source)
    return JsonResponse({"title": feed.feed.get("title"), "entries": [e.get("link") for e in feed.entries]})


# case: ssrf-48 | good | CWE-918 | address carries our own signature
@fetching.get("/camo")
def camo():
    address = request.args.get("url", "")
    key = os.environ["CAMO_KEY"].encode()
    expected = hmac.new(key, address.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, request.args.get("sig", "")):
        abort(403)
    picture = requests.get(address, timeout=5, allow_redirects=False)
    return Response(picture.content, mimetype="image/png")
