import csv
import enum
import io
import os
import re
import smtplib
import socket
import uuid
from dataclasses import dataclass
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler
from typing import Literal
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from django.core.mail import send_mail
from django.http import FileResponse as DjangoFileResponse
from django.http import HttpResponse, JsonResponse
from django.utils.http import content_disposition_header
from django.views import View
from fastapi import Depends, FastAPI, Query
from fastapi import Request as ApiRequest
from fastapi import Response as ApiResponse
from fastapi.responses import FileResponse, HTMLResponse, StreamingResponse
from flask import Flask, Response, current_app, jsonify, make_response, request, send_file
from pydantic import BaseModel
from werkzeug.utils import secure_filename

app = Flask(__name__)
api = FastAPI()

SMTP_HOST = os.environ.get("SMTP_HOST", "localhost")
EXPORT_ROOT = "/srv/exports"


def load_rows():
    return [("id", "total"), (1, 20), (2, 35)]


# case: header_injection-101 | good | CWE-113 | body field limited by Literal (FastAPI)
class UnitPrefs(BaseModel):
    units: Literal["metric", "imperial"]


@api.post("/prefs/units")
def save_units(prefs: UnitPrefs):
    response = ApiResponse(status_code=204)
    cookie = "units={}; Path=/; Secure; HttpOnly; SameSite=Lax".format(prefs.units)
    response.raw_headers.append((b"set-cookie", cookie.encode("latin-1")))
    return response


# case: header_injection-102 | bad | CWE-93 | subject formatted into a raw SMTP message
def deliver_raw(sender, subject, text):
    payload = "From: %s\r\nTo: support@example.org\r\nSubject: %s\r\n\r\n%s" % (sender, subject, text)
    with smtplib.SMTP(SMTP_HOST) as smtp:
        smtp.sendmail("noreply@example.org", ["support@example.org"], payload.encode("utf-8"))


@app.post("/contact")
def contact_form():
    deliver_raw(request.form["email"], request.form["subject"], request.form["message"])
    return "", 202


# case: header_injection-103 | bad | CWE-113 | header name and value both from the query
@app.get("/debug/echo")
def echo_header():
    resp = jsonify(ok=True)
    resp.headers[request.args["name"]] = request.args["value"]
    return resp


# case: header_injection-104 | good | CWE-113 | secure_filename with a fallback
@app.get("/archives/<int:archive_id>")
def fetch_archive(archive_id):
    name = secure_filename(request.args.get("name", "")) or "archive"
    resp = make_response(current_app.config["ARCHIVES"][archive_id])
    resp.headers["Content-Type"] = "application/zip"
    resp.headers["Content-Disposition"] = f'attachment; filename="{name}.zip"'
    return resp


# case: header_injection-105 | good | CWE-113 | file name argument of FileResponse (Django)
def download_statement(request, year: int):
    handle = open(f"{EXPORT_ROOT}/statement-{int(year)}.pdf", "rb")
    wanted = request.GET.get("filename", "statement")
    return DjangoFileResponse(handle, as_attachment=True, filename=wanted + ".pdf")


# case: header_injection-106 | good | CWE-113 | next link built with urlencode, tag matched by pattern (FastAPI)
TAG_PATTERN = re.compile(r"[a-z0-9-]{1,32}")


@api.get("/articles")
def list_articles(response: ApiResponse, tag: str = "all", page: int = 1):
    if not TAG_PATTERN.fullmatch(tag):
        tag = "all"
    following = urlencode({"tag": tag, "page": page + 1})
    response.headers["Link"] = f'</articles?{following}>; rel="next"'
    response.headers["X-Tag"] = tag
    return []


# case: header_injection-107 | good | CWE-113 | request id is parsed as a UUID before the echo
def correlation_id():
    try:
        return uuid.UUID(request.headers.get("X-Request-ID", ""))
    except ValueError:
        return uuid.uuid4()


@app.after_request
def add_correlation_id(resp):
    resp.headers["X-Request-ID"] = str(correlation_id())
    return resp


# case: header_injection-108 | bad | CWE-93 | upstream request written to a socket by hand
@app.get("/upstream/status")
def upstream_status():
    tenant = request.args.get("tenant", "default")
    lines = ["GET /status HTTP/1.1", "Host: backend.internal", f"X-Tenant: {tenant}", "Connection: close"]
    with socket.create_connection(("backend.internal", 8080), timeout=5) as conn:
        conn.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        reply = conn.recv(65536)
    return Response(reply.split(b"\r\n\r\n", 1)[-1], mimetype="application/json")


# case: header_injection-109 | good | CWE-644 | content type looked up in a mapping
RAW_TYPES = {"txt": "text/plain", "csv": "text/csv", "json": "application/json"}


@app.route("/pastes/<int:paste_id>/raw")
def raw_paste(paste_id):
    kind = RAW_TYPES.get(request.args.get("as", "txt"))
    if kind is None:
        return "unknown format", 415
    paste = current_app.config["PASTES"][paste_id]
    return Response(paste, headers={"Content-Type": kind, "X-Content-Type-Options": "nosniff"})


# case: header_injection-110 | good | CWE-113 | policy source from server configuration
def widget_policy():
    cdn = os.environ.get("WIDGET_CDN", "https://cdn.example.org")
    return f"default-src 'none'; img-src {cdn}; frame-ancestors 'self'"


@app.get("/widget")
def widget():
    resp = make_response("<h1>Widget for order %d</h1>" % request.args.get("order", 0, type=int))
    resp.headers["Content-Security-Policy"] = widget_policy()
    return resp


# case: header_injection-111 | bad | CWE-113 | raw header pair appended with a body field (FastAPI)
class LocalePrefs(BaseModel):
    locale: str
    currency: str = "EUR"


@api.post("/prefs/locale")
def save_locale(prefs: LocalePrefs):
    response = ApiResponse(status_code=204)
    cookie = "locale={}; Path=/; Secure".format(prefs.locale)
    response.raw_headers.append((b"set-cookie", cookie.encode("latin-1")))
    return response


# case: header_injection-112 | good | CWE-113 | download name handed to send_file
@app.route("/reports/latest.csv")
def latest_report():
    title = request.args.get("title", "report")
    return send_file(
        EXPORT_ROOT + "/latest.csv",
        mimetype="text/csv",
        as_attachment=True,
        download_name=title + ".csv",
    )


# case: header_injection-113 | bad | CWE-113 | header lines given by the client are set one by one (Django)
def proxy_preview(request):
    response = JsonResponse({"status": "ok"})
    for line in request.GET.getlist("header"):
        name, _, value = line.partition(":")
        if not value:
            continue
        response[name.strip()] = value.strip()
    return response


# case: header_injection-114 | bad | CWE-113 | line breaks removed but cookie attributes stay possible
def one_line(value):
    return value.replace("\r", "").replace("\n", "")


@app.post("/prefs/region")
def store_region():
    region = one_line(request.form.get("region", "eu"))
    resp = make_response("", 204)
    resp.headers.add("Set-Cookie", "region=" + region + "; Path=/; HttpOnly")
    return resp


# case: header_injection-115 | good | CWE-113 | content_disposition_header builds the value (Django)
def export_contract(request):
    name = request.GET.get("name", "contract")
    response = HttpResponse(b"%PDF-1.4", content_type="application/pdf")
    response["Content-Disposition"] = content_disposition_header(True, name + ".pdf")
    return response


# case: header_injection-116 | bad | CWE-113 | embedding origin from the query checked by prefix only (FastAPI)
@api.get("/embed/transfer")
def embed_transfer(embedder: str = "https://app.example.org"):
    if not embedder.startswith("https://"):
        embedder = "https://app.example.org"
    policy = {"Content-Security-Policy": f"frame-ancestors {embedder}; default-src 'self'"}
    return HTMLResponse("<form method='post' action='/transfer'></form>", headers=policy)


# case: header_injection-117 | bad | CWE-644 | content type chosen by the caller for stored text
@app.route("/snippets/<int:snippet_id>/raw")
def raw_snippet(snippet_id):
    snippet = current_app.config["SNIPPETS"][snippet_id]
    return Response(snippet, headers={"Content-Type": request.args.get("type", "text/plain")})


# case: header_injection-118 | bad | CWE-113 | injected options decide the headers of a stream (FastAPI)
def export_options(request: ApiRequest):
    query = request.query_params
    return {"Content-Type": query.get("mime", "text/csv"), "Content-Disposition": query.get("disposition", "inline")}


@api.get("/notes/stream")
def stream_notes(text: str = "", options: dict = Depends(export_options)):
    return StreamingResponse(iter([text]), headers=options)


# case: header_injection-119 | bad | CWE-113 | response overrides copied from the query in a loop
@app.get("/objects/<int:object_id>")
def fetch_object(object_id):
    resp = make_response(current_app.config["OBJECTS"][object_id])
    for key, value in request.args.items():
        if key.startswith("response-"):
            resp.headers[key[len("response-"):]] = value
    return resp


# case: header_injection-120 | good | CWE-93 | send_mail refuses line breaks (Django)
def ask_question(request):
    topic = request.POST.get("topic", "")
    send_mail(
        subject=f"Question about {topic}",
        message=request.POST.get("body", ""),
        from_email="noreply@example.org",
        recipient_list=["support@example.org"],
    )
    return JsonResponse({"sent": True})


# case: header_injection-121 | good | CWE-113 | http.server handler with a fixed set of languages
class LanguageProbe(BaseHTTPRequestHandler):
    languages = ("en", "de", "fr")

    def do_GET(self):
        params = parse_qs(urlsplit(self.path).query)
        lang = params.get("lang", ["en"])[0]
        if lang not in self.languages:
            lang = "en"
        self.send_response(200)
        self.send_header("Content-Language", lang)
        self.end_headers()


# case: header_injection-122 | good | CWE-113 | percent-encoded filename* (FastAPI)
@api.get("/books/{title}/export")
def export_book(title: str):
    buf = io.StringIO()
    csv.writer(buf).writerows(load_rows())
    disposition = "attachment; filename*=UTF-8''" + quote(title, safe="")
    return ApiResponse(buf.getvalue(), media_type="text/csv", headers={"Content-Disposition": disposition})


# case: header_injection-123 | good | CWE-113 | cache directives picked from an allow-list in a loop
CACHE_FLAGS = {"nocache": "no-cache", "nostore": "no-store", "private": "private"}


@app.get("/tiles/<int:tile_id>")
def fetch_tile(tile_id):
    resp = make_response(current_app.config["TILES"][tile_id])
    directives = []
    for flag, directive in CACHE_FLAGS.items():
        if flag in request.args:
            directives.append(directive)
    resp.headers["Cache-Control"] = ", ".join(directives) or "public"
    return resp


# case: header_injection-124 | bad | CWE-113 | http.server handler sends a decoded query value
class LegacyRedirector(BaseHTTPRequestHandler):
    def do_GET(self):
        params = parse_qs(urlsplit(self.path).query)
        lang = params.get("lang", ["en"])[0]
        self.send_response(200)
        self.send_header("Content-Language", lang)
        self.end_headers()
        self.wfile.write(b"ok")


# case: header_injection-125 | bad | CWE-93 | dataclass renders a raw mail from POST fields (Django)
@dataclass
class Invitation:
    to: str
    inviter: str

    def render(self):
        head = [f"To: {self.to}", f"Reply-To: {self.inviter}", "Subject: You are invited"]
        return "\n".join(head) + "\n\nJoin us at https://app.example.org/\n"


def send_invitation(request):
    mail = Invitation(to="team@example.org", inviter=request.POST["inviter"])
    with smtplib.SMTP(SMTP_HOST) as smtp:
        smtp.sendmail("noreply@example.org", "team@example.org", mail.render())
    return JsonResponse({"sent": True})


# case: header_injection-126 | bad | CWE-113 | query value formatted into a Set-Cookie header
@app.route("/prefs/theme")
def store_theme():
    theme = request.args.get("theme", "light")
    resp = make_response("", 204)
    resp.headers["Set-Cookie"] = f"theme={theme}; Path=/; Secure"
    return resp


# case: header_injection-127 | bad | CWE-113 | attachment name from the path parameter (FastAPI)
@api.get("/files/{label}/export")
def export_label(label: str, text: str = ""):
    disposition = f'attachment; filename="{label}"'
    return ApiResponse(
        content=text,
        media_type="application/octet-stream",
        headers={"Content-Disposition": disposition},
    )


# case: header_injection-128 | bad | CWE-113 | file name put between quotes without escaping (Django)
def export_invoice(request):
    name = request.GET.get("name", "invoice")
    response = HttpResponse(request.GET.get("note", ""), content_type="text/plain")
    response["Content-Disposition"] = 'attachment; filename="%s.txt"' % name
    return response


# case: header_injection-129 | good | CWE-93 | EmailMessage with the default policy
@app.post("/feedback")
def feedback_form():
    msg = EmailMessage()
    msg["From"] = "noreply@example.org"
    msg["To"] = "support@example.org"
    try:
        msg["Subject"] = "Feedback: " + request.form["subject"]
    except ValueError:
        return "invalid subject", 400
    msg.set_content(request.form["message"])
    with smtplib.SMTP(SMTP_HOST) as smtp:
        smtp.send_message(msg)
    return "", 202


# case: header_injection-130 | bad | CWE-113 | policy source from the query joined into CSP (Django)
class EmbedView(View):
    def policy(self, host):
        return "; ".join(["default-src 'none'", f"img-src {host}", "frame-ancestors 'self'"])

    def get(self, request):
        response = HttpResponse("<h1>Preview</h1>")
        response.headers["Content-Security-Policy"] = self.policy(request.GET.get("cdn", "'self'"))
        return response


# case: header_injection-131 | good | CWE-113 | numbers only in paging headers
@app.get("/api/orders")
def list_orders():
    page = request.args.get("page", default=1, type=int)
    size = min(request.args.get("size", default=20, type=int), 100)
    resp = jsonify(orders=[])
    resp.headers["X-Page"] = str(page)
    resp.headers["X-Page-Size"] = str(size)
    return resp


# case: header_injection-132 | good | CWE-113 | enum parameter and FileResponse name (FastAPI)
class Period(str, enum.Enum):
    month = "month"
    year = "year"


@api.get("/statements/{period}")
def fetch_statement(period: Period, name: str = Query("statement", max_length=60)):
    return FileResponse(
        f"{EXPORT_ROOT}/{period.value}.pdf",
        filename=name,
        headers={"X-Period": period.value},
    )
