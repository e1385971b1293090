"""Request data in headers of answers and mails: where line ends and separators are not refused."""

import re
import smtplib
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, quote, urlsplit

from django.http import HttpResponse
from flask import Flask, make_response, request

app = Flask(__name__)


def application(environ, start_response):
    campaign = parse_qs(environ["QUERY_STRING"])["campaign"][0]
    # todoruleid: python-header-injection
    start_response("200 OK", [("X-Campaign", campaign)])
    # ok: python-header-injection
    start_response("200 OK", [("X-Campaign", quote(campaign))])
    return [b""]


async def asgi(scope, receive, send):
    layer = parse_qs(scope["query_string"])[b"layer"][0]
    # todoruleid: python-header-injection
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-layer", layer)]})
    # ok: python-header-injection
    await send({"type": "http.response.body", "body": layer})


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        query = parse_qs(urlsplit(self.path).query)
        # todoruleid: python-header-injection
        self.send_header("X-Name", query["name"][0])
        # ok: python-header-injection
        self.send_header("X-Width", str(int(query["width"][0])))


@app.route("/names")
def names_and_values():
    response = make_response("")
    # ruleid: python-header-injection
    response.headers[request.args["name"]] = "on"
    # ruleid: python-header-injection
    response.headers["Set-Cookie"] = "lang=%s; Secure" % request.args["lang"]
    # ok: python-header-injection
    response.headers["X-Request-Id"] = request.headers["X-Request-Id"]
    # ok: python-header-injection
    response.headers["Set-Cookie"] = "lang=%s; Secure" % quote(request.args["lang"])
    return response


def django_view(request):
    response = HttpResponse("")
    # ruleid: python-header-injection
    response["Content-Security-Policy"] = "report-uri " + request.GET["report"]
    # ok: python-header-injection
    response["X-Page"] = request.GET["page"]
    return response


@app.post("/mail")
def mail():
    subject = request.form["subject"]
    server = smtplib.SMTP("localhost")
    # ruleid: python-header-injection
    server.sendmail("a@shop.example", ["b@shop.example"], f"Subject: {subject}\r\n\r\nhello")
    clean = re.sub(r"[\r\n]+", " ", subject)
    # ok: python-header-injection
    server.sendmail("a@shop.example", ["b@shop.example"], f"Subject: {clean}\r\n\r\nhello")
    message = EmailMessage()
    message["Subject"] = subject
    # ok: python-header-injection
    server.send_message(message)
    return ""
