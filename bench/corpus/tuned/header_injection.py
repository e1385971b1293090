"""Labelled code: text of a request in the headers of a response or a mail (tuned half)."""

import html
import os
import re
import smtplib
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, quote, urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage as DjangoMail
from django.http import HttpResponse
from fastapi import FastAPI, Request, Response
from flask import Flask, abort, jsonify, make_response, render_template, request
from pydantic import BaseModel

app = Flask(__name__)
api = FastAPI()
SMTP_HOST = os.environ.get("SMTP_HOST", "localhost")
POSTMASTER = "postmaster@shop.example"


# case: header_injection-01 | bad | CWE-113 | WSGI application, decoded query value in a response header
def catalogue_application(environ, start_response):
    query = parse_qs(environ.get("QUERY_STRING", ""))
    campaign = query.get("campaign", ["none"])[0]
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("X-Campaign", campaign)]
    start_response("200 OK", headers)
    return [b"catalogue"]


# case: header_injection-02 | good | CWE-113 | WSGI application, value percent-encoded before the header
def catalogue_feed(environ, start_response):
    query = parse_qs(environ.get("QUERY_STRING", ""))
    campaign = quote(query.get("campaign", ["none"])[0], safe="")
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("X-Campaign", campaign)]
    start_response("200 OK", headers)
    return [b"feed"]


# case: header_injection-03 | bad | CWE-93 | mail text by f-string, form fields in its headers
@app.post("/contact")
def contact():
    sender = request.form["email"]
    subject = request.form["subject"]
    text = f"From: {sender}\r\nTo: {POSTMASTER}\r\nSubject: {subject}\r\n\r\n{request.form['message']}"
    with smtplib.SMTP(SMTP_HOST) as server:
        server.sendmail(POSTMASTER, [POSTMASTER], text)
    return render_template("thanks.html")


# case: header_injection-04 | good | CWE-93 | EmailMessage refuses line ends in headers
@app.post("/feedback")
def feedback():
    message = EmailMessage()
    message["From"] = POSTMASTER
    message["To"] = POSTMASTER
    message["Reply-To"] = request.form["email"]
    message["Subject"] = request.form["subject"]
    message.set_content(request.form["message"])
    with smtplib.SMTP(SMTP_HOST) as server:
        server.send_message(message)
    return render_template("thanks.html")


# case: header_injection-05 | bad | CWE-113 | Flask, name and value of a header from the query
@app.get("/export")
def export():
    response = make_response(render_template("export.csv"))
    extra = request.args.get("header")
    if extra:
        name, _, value = extra.partition(":")
        response.headers[name] = value
    return response


# case: header_injection-06 | good | CWE-113 | Flask, name and value of a header by dictionary
@app.get("/export/v2")
def export_v2():
    caching = {
        "none": ("Cache-Control", "no-store"),
        "short": ("Cache-Control", "max-age=60"),
    }
    chosen = caching.get(request.args.get("cache", "none"))
    if chosen is None:
        abort(400)
    response = make_response(render_template("export.csv"))
    response.headers[chosen[0]] = chosen[1]
    return response


# case: header_injection-07 | bad | CWE-113 | Flask, Set-Cookie line by hand: cookie attributes can be added
@app.get("/language")
def language():
    response = make_response("", 204)
    lang = request.args.get("lang", "en")
    response.headers["Set-Cookie"] = "lang=%s; Path=/; Secure; HttpOnly; SameSite=Lax" % lang
    return response


# case: header_injection-08 | good | CWE-113 | Flask, Set-Cookie line by hand with a value of an allow-list
@app.get("/locale")
def locale():
    lang = request.args.get("lang", "en")
    if lang not in {"en", "de", "fr", "es"}:
        abort(400)
    response = make_response("", 204)
    response.headers["Set-Cookie"] = "lang=%s; Path=/; Secure; HttpOnly; SameSite=Lax" % lang
    return response


# case: header_injection-09 | bad | CWE-113 | http.server handler, query value through a helper method
class ThumbnailHandler(BaseHTTPRequestHandler):
    def _parameter(self, name):
        return parse_qs(urlsplit(self.path).query).get(name, [""])[0]

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.send_header("Content-Disposition", "inline; filename=" + self._parameter("name"))
        self.end_headers()
        self.wfile.write(b"")


# case: header_injection-10 | good | CWE-113 | http.server handler, query value made a number
class PreviewHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        query = parse_qs(urlsplit(self.path).query)
        try:
            width = int(query.get("width", ["320"])[0])
        except ValueError:
            self.send_error(400)
            return
        self.send_response(200)
        self.send_header("X-Image-Width", str(width))
        self.end_headers()


# case: header_injection-11 | bad | CWE-113 | Django, query value ends a directive of the content security policy
def dashboard(request):
    response = HttpResponse("<h1>Dashboard</h1>")
    report = request.GET.get("report", "/csp")
    response["Content-Security-Policy"] = "default-src 'self'; report-uri " + report
    return response


# case: header_injection-12 | good | CWE-113 | Django, content security policy from the settings
def overview(request):
    response = HttpResponse("<h1>Overview</h1>")
    sources = " ".join(settings.CSP_IMAGE_SOURCES)
    response["Content-Security-Policy"] = f"default-src 'self'; img-src {sources}; report-uri {settings.CSP_REPORT}"
    response["X-Page"] = "overview" if request.GET.get("page") else "index"
    return response


# case: header_injection-13 | bad | CWE-113 | FastAPI, every query parameter becomes a header
@api.get("/files/{file_id}")
async def read_file(file_id: int, request: Request):
    response = Response(content=b"", media_type="application/octet-stream")
    for name, value in request.query_params.items():
        if name.startswith("response-"):
            response.headers[name.removeprefix("response-")] = value
    return response


# case: header_injection-14 | good | CWE-113 | FastAPI, header from a parameter of type UUID
@api.get("/jobs")
async def jobs(trace: UUID, response: Response):
    response.headers["X-Trace"] = str(trace)
    response.headers["X-Trace-Short"] = trace.hex[:8]
    return {"jobs": []}


# case: header_injection-15 | bad | CWE-113 | ASGI application, decoded query value in the start message
async def tile_application(scope, receive, send):
    query = parse_qs(scope["query_string"].decode("latin-1"))
    layer = query.get("layer", ["base"])[0]
    headers = [(b"content-type", b"text/plain"), (b"x-layer", layer.encode("latin-1", "replace"))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"tile"})


# case: header_injection-16 | good | CWE-113 | ASGI application, value held against a full pattern first
async def layer_application(scope, receive, send):
    query = parse_qs(scope["query_string"].decode("latin-1"))
    layer = query.get("layer", ["base"])[0]
    if not re.fullmatch(r"[a-z0-9-]{1,32}", layer):
        layer = "base"
    headers = [(b"content-type", b"text/plain"), (b"x-layer", layer.encode("ascii"))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"tile"})


# case: header_injection-17 | bad | CWE-93 | only line feeds removed: smtplib turns a lone carriage return into a line end
@app.post("/invite")
def invite():
    subject = request.get_json()["subject"].replace("\n", "")
    lines = [f"From: {POSTMASTER}", f"To: {POSTMASTER}", "Subject: " + subject, "", "You are invited."]
    with smtplib.SMTP(SMTP_HOST) as server:
        server.sendmail(POSTMASTER, [POSTMASTER], "\r\n".join(lines))
    return jsonify(sent=True)


# case: header_injection-18 | good | CWE-93 | both line-end characters replaced before the mail header
@app.post("/reminder")
def reminder():
    subject = re.sub(r"[\r\n]+", " ", request.get_json()["subject"])
    lines = [f"From: {POSTMASTER}", f"To: {POSTMASTER}", "Subject: " + subject, "", "Your bill is due."]
    with smtplib.SMTP(SMTP_HOST) as server:
        server.sendmail(POSTMASTER, [POSTMASTER], "\r\n".join(lines))
    return jsonify(sent=True)


# case: header_injection-19 | bad | CWE-93 | FastAPI, field of a model formatted into a mail header by a helper
class Ticket(BaseModel):
    reporter: str
    title: str


def ticket_mail(reporter, title):
    return "Reply-To: {}\r\nSubject: [ticket] {}\r\n\r\nA ticket was opened.".format(reporter, title)


@api.post("/tickets")
def open_ticket(ticket: Ticket):
    with smtplib.SMTP(SMTP_HOST) as server:
        server.sendmail(POSTMASTER, POSTMASTER, ticket_mail(ticket.reporter, ticket.title))
    return {"opened": True}


# case: header_injection-20 | good | CWE-93 | Django mail refuses line ends in headers
def support(request):
    mail = DjangoMail(
        subject=request.POST["subject"],
        body=request.POST["body"],
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[settings.SUPPORT_ADDRESS],
        headers={"Reply-To": request.POST["email"]},
    )
    mail.send()
    return HttpResponse(status=204)


# case: header_injection-21 | bad | CWE-113 | WSGI, HTML escaping leaves line ends alone
def banner_application(environ, start_response):
    title = html.escape(parse_qs(environ["QUERY_STRING"]).get("title", [""])[0])
    headers = [("Content-Type", "text/html")]
    if title:
        headers.append(("X-Banner-Title", title))
    start_response("200 OK", headers)
    return [b"<p>banner</p>"]


# case: header_injection-22 | good | CWE-113 | Flask refuses line ends in values; a fixed name, nothing to end but the value
@app.after_request
def add_request_id(response):
    response.headers["X-Request-Id"] = request.headers.get("X-Request-Id", "-")
    return response
