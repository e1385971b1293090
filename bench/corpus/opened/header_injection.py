"""Labelled code: text of a request in the headers of a response or a mail (opened part)."""

import hashlib
import json
import re
import socket
import subprocess
from dataclasses import dataclass
from datetime import date
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from http.server import BaseHTTPRequestHandler
from smtplib import SMTP
from urllib.parse import unquote

from django.conf import settings
from django.http import FileResponse, HttpResponse, HttpResponseBadRequest
from django.views import View
from fastapi import APIRouter, HTTPException, Query, Response
from fastapi.responses import HTMLResponse, JSONResponse
from flask import Blueprint, abort, current_app, request, send_file
from flask.views import MethodView
from pydantic import BaseModel, Field

pages = Blueprint("pages", __name__)
router = APIRouter(prefix="/api")


# case: header_injection-23 | bad | CWE-113 | WSGI, decoded path in the Location of a redirect
def add_slash(environ, start_response):
    path = environ.get("PATH_INFO", "/")
    if not path.endswith("/"):
        start_response("301 Moved Permanently", [("Location", environ["SCRIPT_NAME"] + path + "/")])
        return []
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"index"]


# case: header_injection-24 | good | CWE-113 | WSGI, entity tag from a digest of the path
def tagged(environ, start_response):
    path = environ.get("PATH_INFO", "/")
    tag = hashlib.sha256(path.encode("latin-1")).hexdigest()
    if environ.get("HTTP_IF_NONE_MATCH") == f'"{tag}"':
        start_response("304 Not Modified", [("ETag", f'"{tag}"')])
        return []
    start_response("200 OK", [("ETag", f'"{tag}"'), ("Content-Type", "text/plain")])
    return [b"index"]


# case: header_injection-25 | bad | CWE-93 | mail through the sendmail program, recipients read from its headers
class ShareView(MethodView):
    def post(self):
        headers = {"To": current_app.config["EDITOR"], "Subject": "Shared: " + request.form["headline"]}
        letter = "\n".join(f"{name}: {value}" for name, value in headers.items()) + "\n\nSee attachment.\n"
        subprocess.run(["/usr/sbin/sendmail", "-t", "-i"], input=letter.encode(), check=True)
        return {"shared": True}


# case: header_injection-26 | good | CWE-93 | mail through the sendmail program, written by EmailMessage
class ForwardView(MethodView):
    def post(self):
        letter = EmailMessage(policy=SMTP_POLICY)
        letter["To"] = current_app.config["EDITOR"]
        try:
            letter["Subject"] = "Forwarded: " + request.form["headline"]
        except ValueError:
            abort(400)
        letter.set_content("See attachment.")
        subprocess.run(["/usr/sbin/sendmail", "-t", "-i"], input=letter.as_bytes(), check=True)
        return {"forwarded": True}


# case: header_injection-27 | bad | CWE-113 | request to an inner service over a bare socket
def ask_backend(lines):
    with socket.create_connection(("billing.internal", 8080), timeout=5) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return connection.recv(65536)


@pages.post("/balance")
def balance():
    customer = request.form["customer"]
    return ask_backend(["GET /balance HTTP/1.1", "Host: billing.internal", f"X-Customer: {customer}"])


# case: header_injection-28 | good | CWE-113 | request to an inner service, number checked and formatted
def ask_ledger(lines):
    with socket.create_connection(("ledger.internal", 8080), timeout=5) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return connection.recv(65536)


@pages.post("/ledger")
def ledger():
    account = request.form.get("account", type=int)
    if account is None:
        abort(400)
    return ask_ledger(["GET /ledger HTTP/1.1", "Host: ledger.internal", f"X-Account: {account:08d}"])


# case: header_injection-29 | bad | CWE-113 | Django class-based view, headers named in the JSON body
class EchoView(View):
    def post(self, request):
        wanted = json.loads(request.body).get("headers", {})
        response = HttpResponse(b"ok")
        for name in wanted:
            response.headers[name] = str(wanted[name])
        return response


# case: header_injection-30 | good | CWE-113 | Django class-based view, names of the JSON body only select our own headers
class HintView(View):
    hints = {"preload": "</app.css>; rel=preload; as=style", "connect": "<https://cdn.shop.example>; rel=preconnect"}

    def post(self, request):
        wanted = json.loads(request.body).get("hints", [])
        response = HttpResponse(b"ok")
        response["Link"] = ", ".join(value for name, value in self.hints.items() if name in wanted)
        return response


# case: header_injection-31 | bad | CWE-113 | FastAPI, query value opens the frame policy to anybody
@router.get("/widget", response_class=HTMLResponse)
async def widget(partner: str = Query(default="'self'")):
    policy = {"default-src": "'self'", "frame-ancestors": partner}
    text = "; ".join(f"{directive} {sources}" for directive, sources in policy.items())
    return HTMLResponse("<div id=widget></div>", headers={"Content-Security-Policy": text})


# case: header_injection-32 | good | CWE-113 | FastAPI, partner's host found in our table
PARTNERS = {"acme": "https://acme.example", "globex": "https://globex.example"}


@router.get("/gadget", response_class=HTMLResponse)
async def gadget(partner: str):
    if (host := PARTNERS.get(partner)) is None:
        raise HTTPException(404)
    return HTMLResponse("<div id=gadget></div>", headers={"Content-Security-Policy": f"frame-ancestors {host}"})


# case: header_injection-33 | bad | CWE-113 | FastAPI, cookie line appended with a model's free text
class Region(BaseModel):
    name: str = Field(max_length=200)


@router.put("/region")
async def set_region(region: Region, response: Response):
    crumbs = ["region=" + region.name, "Path=/", "Secure", "HttpOnly", "SameSite=Strict"]
    response.headers.append("Set-Cookie", "; ".join(crumbs))
    return {"stored": True}


# case: header_injection-34 | good | CWE-113 | FastAPI, cookie line appended with a field of two capital letters
class Country(BaseModel):
    code: str = Field(pattern=r"^[A-Z]{2}$", max_length=2)


@router.put("/country")
async def set_country(country: Country):
    crumbs = [f"country={country.code}", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"]
    return JSONResponse({"stored": True}, headers={"Set-Cookie": "; ".join(crumbs)})


# case: header_injection-35 | bad | CWE-113 | encoded line ends looked for in the text that is already decoded
class DownloadHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = unquote(self.path.rpartition("/")[2])
        if "%0d" in name.lower() or "%0a" in name.lower():
            self.send_error(400)
            return
        self.send_response(200)
        self.send_header("X-File", name)
        self.end_headers()


# case: header_injection-36 | good | CWE-113 | control characters looked for in the decoded text
class UploadHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = unquote(self.path.rpartition("/")[2])
        if not name.isascii() or any(ord(character) < 32 for character in name):
            self.send_error(400)
            return
        self.send_response(200)
        self.send_header("X-File", name)
        self.end_headers()


# case: header_injection-37 | bad | CWE-93 | Django, dataclass that formats the whole mail
@dataclass
class Letter:
    sender: str
    topic: str
    body: str

    def __str__(self):
        return "From: %(sender)s\r\nSubject: %(topic)s\r\n\r\n%(body)s" % vars(self)


def complain(request):
    letter = Letter(settings.DEFAULT_FROM_EMAIL, request.POST.get("topic", ""), request.POST.get("body", ""))
    with SMTP(settings.EMAIL_HOST) as server:
        server.sendmail(letter.sender, [settings.COMPLAINTS], str(letter))
    return HttpResponse(status=202)


# case: header_injection-38 | good | CWE-93 | Django, several lines refused before the mail is formatted
def praise(request):
    topic = request.POST.get("topic", "").strip()
    if len(topic.splitlines()) != 1:
        return HttpResponseBadRequest("one line, please")
    text = "From: %s\r\nSubject: %s\r\n\r\nPraise!" % (settings.DEFAULT_FROM_EMAIL, topic)
    with SMTP(settings.EMAIL_HOST) as server:
        server.sendmail(settings.DEFAULT_FROM_EMAIL, [settings.PRAISE], text.encode())
    return HttpResponse(status=202)


# case: header_injection-39 | bad | CWE-113 | WSGI middleware, pattern without an end lets the rest through
class VariantMiddleware:
    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        variant = unquote(environ.get("QUERY_STRING", "").partition("variant=")[2])

        def start(status, headers, exc_info=None):
            if re.match(r"[a-z]+", variant):
                headers = [*headers, ("X-Variant", variant)]
            return start_response(status, headers, exc_info)

        return self.application(environ, start)


# case: header_injection-40 | good | CWE-113 | WSGI middleware, only the part that matched is used
class BranchMiddleware:
    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        found = re.search(r"branch=([a-z0-9]+)", environ.get("QUERY_STRING", ""))

        def start(status, headers, exc_info=None):
            if found:
                headers = [*headers, ("X-Branch", found.group(1))]
            return start_response(status, headers, exc_info)

        return self.application(environ, start)


# case: header_injection-41 | bad | CWE-113 | Flask, dictionary of headers from the query returned with the body
@pages.get("/objects/<int:number>")
def get_object(number):
    overrides = {key[4:]: value for key, value in request.args.items() if key.startswith("hdr-")}
    return f"object {number}", 200, overrides


# case: header_injection-42 | good | CWE-113 | Flask writes the file name of a download into the header itself
@pages.get("/report")
def report():
    title = request.args.get("title", "report")
    return send_file("/srv/reports/current.pdf", as_attachment=True, download_name=f"{title}.pdf")


# case: header_injection-43 | bad | CWE-93 | Flask, mail text built in a list, the address of the form among the headers
@pages.post("/newsletter")
def newsletter():
    address = request.json.get("address", "")
    parts = []
    parts.append("From: news@shop.example")
    if "@" in address:
        parts.append("To: " + address)
    parts += ["Subject: Please confirm", "", "Follow the link in this mail."]
    with SMTP("localhost") as server:
        server.sendmail("news@shop.example", "queue@shop.example", "\r\n".join(parts))
    return "", 202


# case: header_injection-44 | good | CWE-113 | Django writes the file name itself, the date is parsed before it is a header
def statement(request):
    try:
        day = date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return HttpResponseBadRequest("a date, please")
    response = FileResponse(open("/srv/statements/current.pdf", "rb"), filename=request.GET.get("name", "a.pdf"))
    response["X-Statement-Day"] = day.isoformat()
    return response
