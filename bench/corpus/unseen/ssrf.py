"""Outgoing requests in web applications: previews, webhooks, proxies, feeds, health checks."""
import http.client
import json
import os
import re
import urllib.request
from dataclasses import dataclass
from enum import Enum
from functools import wraps
from typing import Literal
from urllib.parse import quote, urljoin, urlparse, urlsplit, urlunsplit
from uuid import UUID

import aiohttp
import httpx
import requests
from django.conf import settings
from django.http import HttpResponse, HttpResponseBadRequest, JsonResponse
from django.urls import path
from django.views import View
from fastapi import Depends, FastAPI, Header, HTTPException
from fastapi.responses import Response, StreamingResponse
from flask import Flask, abort, current_app, jsonify, request
from pydantic import BaseModel, HttpUrl

app = Flask(__name__)
api = FastAPI()
urlpatterns = []

TIMEOUT = 5


# case: ssrf-101 | bad | CWE-918 | requests.get on a query argument
@app.route("/preview")
def link_preview():
    url = request.args.get("url")
    page = requests.get(url, timeout=TIMEOUT)
    title = re.search(r"<title>(.*?)</title>", page.text, re.S)
    return jsonify(url=url, title=title.group(1) if title else None)


# case: ssrf-102 | good | CWE-918 | feed chosen by key from a dictionary
NEWS_FEEDS = {
    "python": "https://feeds.example.org/python.xml",
    "security": "https://feeds.example.org/security.xml",
}


@app.route("/news/<topic>")
def news(topic):
    if topic not in NEWS_FEEDS:
        abort(404)
    feed = requests.get(NEWS_FEEDS[topic], timeout=TIMEOUT)
    return feed.text, 200, {"Content-Type": "application/xml"}


# case: ssrf-103 | bad | CWE-918 | host name from the form in an f-string URL
@app.route("/nodes/check", methods=["POST"])
def check_node():
    host = request.form["host"].strip()
    port = int(request.form.get("port", 8080))
    try:
        reply = requests.get(f"http://{host}:{port}/health", timeout=TIMEOUT)
    except requests.RequestException as exc:
        return jsonify(host=host, up=False, reason=str(exc))
    return jsonify(host=host, up=reply.ok, body=reply.text)


# case: ssrf-104 | good | CWE-918 | request data only in the query parameters
@app.route("/geocode")
def geocode():
    query = request.args.get("q", "")
    reply = requests.get(
        "https://geocoder.example.org/v1/search",
        params={"q": query, "format": "json", "limit": 5},
        timeout=TIMEOUT,
    )
    reply.raise_for_status()
    return jsonify(reply.json())


# case: ssrf-105 | bad | CWE-918 | Django view hands a posted address to urlopen
def subscribe_feed(request):
    feed_url = request.POST.get("feed_url", "")
    if not feed_url:
        return HttpResponseBadRequest("feed_url missing")
    with urllib.request.urlopen(feed_url, timeout=TIMEOUT) as feed:
        body = feed.read(200_000)
    return HttpResponse(body, content_type="application/xml")


# case: ssrf-106 | good | CWE-918 | address from the settings with an integer id
def customer_balance(request, customer_id):
    url = f"{settings.BILLING_URL}/customers/{int(customer_id)}/balance"
    reply = requests.get(url, headers={"Accept": "application/json"}, timeout=TIMEOUT)
    return JsonResponse(reply.json())


urlpatterns.append(path("customers/<int:customer_id>/balance", customer_balance))


# case: ssrf-107 | bad | CWE-918 | pydantic HttpUrl field called back
class JobRequest(BaseModel):
    name: str
    callback: HttpUrl


@api.post("/jobs")
async def start_job(job: JobRequest):
    async with httpx.AsyncClient(timeout=TIMEOUT) as client:
        ack = await client.get(str(job.callback))
    return {"job": job.name, "callback_status": ack.status_code, "body": ack.text}


# case: ssrf-108 | good | CWE-918 | scheme and host name from a set
IMAGE_HOSTS = {"images.example.com", "cdn.example.com"}


@api.get("/thumbnail")
async def thumbnail(src: str):
    parts = urlparse(src)
    if parts.scheme != "https" or parts.hostname not in IMAGE_HOSTS:
        raise HTTPException(status_code=400, detail="host is not allowed")
    async with httpx.AsyncClient(follow_redirects=False) as client:
        picture = await client.get(src)
    return Response(picture.content, media_type="image/jpeg")


# case: ssrf-109 | bad | CWE-918 | prefix test without the closing slash
@app.route("/partner/fetch")
def partner_fetch():
    target = request.args.get("target", "")
    if not target.startswith("https://api.partner.example"):
        return jsonify(error="only partner addresses"), 400
    return requests.get(target, timeout=TIMEOUT).text


# case: ssrf-110 | bad | CWE-918 | list of forbidden host names
BLOCKED_NAMES = ("localhost", "127.0.0.1", "0.0.0.0")


@app.route("/unfurl", methods=["POST"])
def unfurl():
    link = request.get_json()["link"]
    hostname = urlparse(link).hostname or ""
    if hostname in BLOCKED_NAMES:
        abort(403)
    reply = requests.get(link, timeout=TIMEOUT, allow_redirects=True)
    return jsonify(status=reply.status_code, snippet=reply.text[:500])


# case: ssrf-111 | good | CWE-918 | enum member gives the host name
class WeatherRegion(Enum):
    EU = "eu-west"
    US = "us-east"
    APAC = "ap-south"


@app.route("/weather")
def weather():
    try:
        region = WeatherRegion[request.args.get("region", "EU").upper()]
    except KeyError:
        return jsonify(error="unknown region"), 400
    reply = requests.get(f"https://{region.value}.weather.example.net/now", timeout=TIMEOUT)
    return jsonify(reply.json())


# case: ssrf-112 | bad | CWE-918 | avatar importer with a session in a class
class AvatarImporter:
    def __init__(self, folder):
        self.folder = folder
        self.session = requests.Session()

    def pull(self, user_id, source):
        image = self.session.get(source, timeout=TIMEOUT)
        with open(os.path.join(self.folder, f"{user_id}.img"), "wb") as out:
            out.write(image.content)
        return len(image.content)


@app.route("/users/<int:user_id>/avatar", methods=["PUT"])
def import_avatar(user_id):
    importer = AvatarImporter(current_app.config["AVATAR_FOLDER"])
    size = importer.pull(user_id, request.json.get("avatar_url"))
    return jsonify(user=user_id, bytes=size)


# case: ssrf-113 | good | CWE-918 | netloc compared with a frozenset in a helper
DOC_NETLOCS = frozenset({"docs.example.com", "wiki.example.com"})


def fetch_document(address):
    parts = urlsplit(address)
    if parts.scheme != "https" or parts.netloc not in DOC_NETLOCS:
        raise PermissionError(parts.netloc)
    return requests.get(address, timeout=TIMEOUT, allow_redirects=False)


@app.route("/documents/import", methods=["POST"])
def import_document():
    try:
        document = fetch_document(request.form["address"])
    except PermissionError:
        abort(403)
    return jsonify(length=len(document.content))


# case: ssrf-114 | bad | CWE-918 | aiohttp session on a FastAPI query parameter
@api.get("/mirror")
async def mirror(resource: str, encoding: str = "utf-8"):
    async with aiohttp.ClientSession() as session:
        async with session.get(resource) as reply:
            text = await reply.text(encoding=encoding)
    return {"resource": resource, "text": text}


# case: ssrf-115 | good | CWE-918 | UUID path parameter after a constant host
ORDER_SERVICE = "http://orders.internal.example:9000"


@api.get("/orders/{order_id}")
async def order_detail(order_id: UUID):
    async with httpx.AsyncClient(base_url=ORDER_SERVICE) as client:
        reply = await client.get(f"/v2/orders/{order_id}")
    if reply.status_code == 404:
        raise HTTPException(status_code=404)
    return reply.json()


# case: ssrf-116 | bad | CWE-918 | webhook test posts to an address in the JSON body
def webhook_ping(request):
    payload = json.loads(request.body)
    endpoint = payload["endpoint"]
    event = {"type": "ping", "team": payload.get("team")}
    reply = requests.post(endpoint, json=event, timeout=TIMEOUT)
    return JsonResponse({"status": reply.status_code, "answer": reply.text[:1000]})


# case: ssrf-117 | good | CWE-918 | URL rebuilt from a listed host name
CALENDAR_HOSTS = ["calendar.example.com", "ical.example.net"]


def import_calendar(request):
    parts = urlsplit(request.POST.get("ics", ""))
    if parts.hostname not in CALENDAR_HOSTS:
        return HttpResponseBadRequest("calendar host is not supported")
    address = urlunsplit(("https", parts.hostname, parts.path, parts.query, ""))
    reply = requests.get(address, timeout=TIMEOUT, allow_redirects=False)
    return JsonResponse({"events": reply.text.count("BEGIN:VEVENT")})


# case: ssrf-118 | bad | CWE-918 | host name suffix without the dot
def belongs_to_us(address):
    host = urlparse(address).hostname
    return host is not None and host.endswith("example.com")


@app.route("/assets/proxy")
def asset_proxy():
    asset = request.args["asset"]
    if not belongs_to_us(asset):
        abort(400)
    upstream = requests.get(asset, timeout=TIMEOUT)
    return upstream.content, upstream.status_code


# case: ssrf-119 | good | CWE-918 | address of the request replaced by the configured one
@app.route("/sync", methods=["POST"])
def sync_catalogue():
    source = request.form.get("source", "")
    current_app.logger.info("sync asked for %r", source)
    source = current_app.config["CATALOGUE_URL"]
    reply = requests.get(source, timeout=TIMEOUT)
    return jsonify(items=len(reply.json()))


# case: ssrf-120 | bad | CWE-918 | http.client connection to a requested host
@app.route("/tools/headers")
def inspect_headers():
    server = request.args.get("server", "www.example.com")
    conn = http.client.HTTPConnection(server, timeout=TIMEOUT)
    try:
        conn.request("GET", request.args.get("path", "/"))
        answer = conn.getresponse()
        return jsonify(status=answer.status, headers=dict(answer.getheaders()))
    finally:
        conn.close()


# case: ssrf-121 | good | CWE-918 | monitors listed in the settings
def monitor_overview(request):
    states = {}
    for name, address in settings.MONITORED_SERVICES.items():
        try:
            states[name] = requests.head(address, timeout=TIMEOUT).status_code
        except requests.RequestException:
            states[name] = None
    only = request.GET.get("only")
    if only:
        states = {k: v for k, v in states.items() if k == only}
    return JsonResponse(states)


# case: ssrf-122 | bad | CWE-918 | upstream address from a header through a dependency
class Upstream:
    def __init__(self, x_upstream: str = Header("https://core.example.net")):
        self.base = x_upstream.rstrip("/")

    def call(self, resource):
        return httpx.get(f"{self.base}/{resource}", timeout=TIMEOUT)


@api.get("/tenants")
def list_tenants(upstream: Upstream = Depends()):
    return upstream.call("tenants").json()


# case: ssrf-123 | good | CWE-918 | Literal stage selects the base address
STAGE_URLS = {
    "live": "https://pay.example.com",
    "sandbox": "https://pay.sandbox.example.com",
}


def payment_client(stage: Literal["live", "sandbox"] = "sandbox"):
    with httpx.Client(base_url=STAGE_URLS[stage], timeout=TIMEOUT) as client:
        yield client


@api.get("/payments/methods")
def payment_methods(client: httpx.Client = Depends(payment_client)):
    return client.get("/v1/methods").json()


# case: ssrf-124 | bad | CWE-918 | urljoin with a requested reference
class LegacyProxyView(View):
    upstream = "https://legacy.example.com/app/"

    def get(self, request):
        address = urljoin(self.upstream, request.GET.get("ref", "index.html"))
        reply = requests.get(address, timeout=TIMEOUT)
        return HttpResponse(reply.content, content_type=reply.headers.get("Content-Type"))


# case: ssrf-125 | good | CWE-918 | path segment quoted in full
def package_info(request):
    name = quote(request.GET.get("name", ""), safe="")
    reply = requests.get("https://packages.example.org/api/" + name + "/json", timeout=TIMEOUT)
    if reply.status_code != 200:
        return JsonResponse({"error": "not found"}, status=404)
    return JsonResponse(reply.json())


# case: ssrf-126 | bad | CWE-918 | decorator takes the target from the request
def with_target(view):
    @wraps(view)
    def wrapper(*args, **kwargs):
        target = request.values.get("target")
        if not target:
            return jsonify(error="target required"), 400
        return view(target, *args, **kwargs)
    return wrapper


@app.route("/audit/robots")
@with_target
def audit_robots(target):
    reply = requests.get("http://" + target + "/robots.txt", timeout=TIMEOUT)
    return reply.text, 200, {"Content-Type": "text/plain"}


# case: ssrf-127 | good | CWE-918 | posted data in the body and headers only
@app.route("/feedback", methods=["POST"])
def forward_feedback():
    ticket = {"subject": request.form["subject"], "text": request.form["text"]}
    reply = requests.post(
        os.environ.get("HELPDESK_URL", "https://helpdesk.example.com/api/tickets"),
        json=ticket,
        headers={"X-Request-Id": request.headers.get("X-Request-Id", "-")},
        timeout=TIMEOUT,
    )
    return jsonify(accepted=reply.ok), 202


# case: ssrf-128 | bad | CWE-918 | streaming download through a generator
def remote_chunks(location):
    with httpx.stream("GET", location, follow_redirects=True) as upstream:
        for chunk in upstream.iter_bytes():
            yield chunk


@api.get("/stream")
def stream_media(location: str):
    return StreamingResponse(remote_chunks(location), media_type="video/mp4")


# case: ssrf-129 | good | CWE-918 | connector registered in the code, chosen by a number
@dataclass(frozen=True)
class Connector:
    label: str
    endpoint: str


CONNECTORS = [
    Connector("crm", "https://crm.example.com/export"),
    Connector("erp", "https://erp.example.com/export"),
]


@app.route("/connectors/<int:index>/pull", methods=["POST"])
def pull_connector(index):
    if index >= len(CONNECTORS):
        abort(404)
    connector = CONNECTORS[index]
    reply = requests.get(connector.endpoint, timeout=TIMEOUT)
    return jsonify(connector=connector.label, size=len(reply.content))


# case: ssrf-130 | bad | CWE-918 | only the scheme is tested
@api.post("/import/csv")
def import_csv(source: str):
    if urlparse(source).scheme not in ("http", "https"):
        raise HTTPException(status_code=422, detail="http(s) addresses only")
    reply = requests.get(source, timeout=TIMEOUT)
    rows = [line.split(",") for line in reply.text.splitlines()]
    return {"rows": len(rows), "header": rows[0] if rows else []}


# case: ssrf-131 | good | CWE-918 | subdomain must be one of the configured shops
def shop_status(request):
    shop = request.GET.get("shop", "demo")
    if shop not in settings.SHOP_NAMES:
        return HttpResponseBadRequest("unknown shop")
    address = "https://{}.shops.example.com/status.json".format(shop)
    reply = urllib.request.urlopen(urllib.request.Request(address), timeout=TIMEOUT)
    return JsonResponse(json.load(reply))


# case: ssrf-132 | good | CWE-918 | tenant name matched in full before it enters the host
@app.route("/tenants/<tenant>/status")
def tenant_status(tenant):
    if not re.fullmatch(r"[a-z0-9]{3,20}", tenant):
        return jsonify(error="malformed tenant"), 400
    reply = requests.get(f"https://{tenant}.tenants.example.com/status", timeout=TIMEOUT)
    return jsonify(tenant=tenant, up=reply.status_code == 200)
