"""HTML answers in web applications: greetings, search pages, comments, badges, error pages."""
import html
import json
import re
from dataclasses import dataclass, field
from enum import Enum
from typing import List, Literal
from urllib.parse import urlparse

import nh3
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join, json_script
from django.utils.safestring import mark_safe
from django.views import View
from fastapi import Depends, FastAPI, Form, Query, Request
from fastapi.responses import HTMLResponse, PlainTextResponse
from flask import Flask, Response, jsonify, make_response, render_template, render_template_string, request
from jinja2 import DictLoader, Environment
from markupsafe import Markup, escape
from pydantic import BaseModel

app = Flask(__name__)
api = FastAPI()

SITE_NAME = "Harbour"


def page_frame(body):
    return "<!doctype html><html><head><title>" + SITE_NAME + "</title></head><body>" + body + "</body></html>"


# case: cross_site_scripting-101 | bad | CWE-79 | query argument in a concatenated string
@app.route("/hello")
def hello():
    name = request.args.get("name", "guest")
    return "<h1>Hello " + name + "</h1>"


# case: cross_site_scripting-102 | bad | CWE-79 | Markup around an f-string
@app.route("/search")
def search_page():
    term = request.args.get("q", "")
    heading = Markup(f"Results for <em>{term}</em>")
    return render_template("search.html", heading=heading, results=[])


# case: cross_site_scripting-103 | good | CWE-79 | markupsafe escape in the f-string
@app.route("/welcome")
def welcome():
    visitor = request.args.get("visitor", "guest")
    return f"<h1>Welcome to {SITE_NAME}, {escape(visitor)}</h1>"


# case: cross_site_scripting-104 | good | CWE-79 | Markup template filled by the modulo operator
@app.route("/tags/<path:tag>")
def tag_page(tag):
    heading = Markup("Articles about <strong>%s</strong>") % tag
    return render_template("tag.html", heading=heading)


# case: cross_site_scripting-105 | bad | CWE-79 | Django HttpResponse with modulo formatting
def product_search(request):
    query = request.GET.get("q", "")
    if len(query) < 2:
        return HttpResponse("<p>Type at least two letters</p>")
    return HttpResponse("<p>No products found for <b>%s</b></p>" % query)


# case: cross_site_scripting-106 | good | CWE-79 | format_html with a placeholder
def store_search(request):
    query = request.GET.get("q", "")
    notice = format_html("<p>No stores found near <b>{}</b></p>", query)
    return HttpResponse(notice)


# case: cross_site_scripting-107 | bad | CWE-79 | HTMLResponse with an f-string
@api.get("/status", response_class=HTMLResponse)
async def status_page(service: str):
    return HTMLResponse(f"<html><body><h2>Status of {service}</h2><p>running</p></body></html>")


# case: cross_site_scripting-108 | bad | CWE-79 | safe filter on a form value
@app.route("/profile/preview", methods=["POST"])
def preview_profile():
    bio = request.form.get("bio", "")
    headline = request.form.get("headline", "")
    return render_template_string(
        "<h2>{{ headline }}</h2><div class='bio'>{{ bio|safe }}</div>", headline=headline, bio=bio
    )


# case: cross_site_scripting-109 | good | CWE-79 | html.escape before the HTMLResponse
@api.get("/lookup", response_class=HTMLResponse)
async def lookup_page(word: str):
    shown = html.escape(word)
    return HTMLResponse(page_frame(f"<p>No entry for <i>{shown}</i></p>"))


# case: cross_site_scripting-110 | good | CWE-79 | constant template string with autoescaping
@app.route("/orders/confirm", methods=["POST"])
def confirm_order():
    return render_template_string(
        "<p>Thanks {{ customer }}, we send it to {{ address }}.</p>",
        customer=request.form["customer"],
        address=request.form["address"],
    )


# case: cross_site_scripting-111 | bad | CWE-79 | jinja2 Environment with its default settings
mail_env = Environment(loader=DictLoader({"card.html": "<div><h3>{{ to }}</h3><p>{{ text }}</p></div>"}))


@app.route("/cards/view")
def view_card():
    card = mail_env.get_template("card.html")
    return card.render(to=request.args.get("to"), text=request.args.get("text"))


# case: cross_site_scripting-112 | good | CWE-79 | jinja2 Environment with autoescape
widget_env = Environment(
    loader=DictLoader({"widget.html": "<aside><h4>{{ title }}</h4>{{ note }}</aside>"}),
    autoescape=True,
)


@app.route("/widgets/note")
def note_widget():
    widget = widget_env.get_template("widget.html")
    return widget.render(title=request.args.get("title", "Note"), note=request.args.get("note", ""))


# case: cross_site_scripting-113 | bad | CWE-79 | stored comments joined to a page by a generator
COMMENTS = []


def comment_items(comments):
    for number, comment in enumerate(comments, start=1):
        yield f"<li id='c{number}'><b>{comment['author']}</b>: {comment['text']}</li>"


@app.route("/comments", methods=["GET", "POST"])
def comments_page():
    if request.method == "POST":
        COMMENTS.append({"author": request.form["author"], "text": request.form["text"]})
    return page_frame("<ul>" + "\n".join(comment_items(COMMENTS)) + "</ul>")


# case: cross_site_scripting-114 | good | CWE-79 | the same data given as JSON
@app.route("/echo", methods=["POST"])
def echo():
    message = request.form.get("message", "")
    return jsonify(message=f"<b>{message}</b>", length=len(message))


# case: cross_site_scripting-115 | bad | CWE-79 | escaped value as the address of a link
@app.route("/share")
def share_link():
    target = request.args.get("link", "")
    label = request.args.get("label", "open")
    return f'<p><a href="{escape(target)}">{escape(label)}</a></p>'


# case: cross_site_scripting-116 | good | CWE-79 | scheme tested and value escaped in a link
@app.route("/homepage")
def homepage_link():
    site = request.args.get("site", "")
    if urlparse(site).scheme not in ("http", "https"):
        return "<p>No homepage given</p>", 400
    return f'<p><a rel="nofollow" href="{escape(site)}">homepage</a></p>'


# case: cross_site_scripting-117 | bad | CWE-79 | json.dumps inside a script element
@app.route("/dashboard")
def dashboard():
    options = {"range": request.args.get("range", "7d"), "group": request.args.get("group", "all")}
    script = "<script>window.OPTIONS = " + json.dumps(options) + ";</script>"
    response = make_response(page_frame("<div id='chart'></div>" + script))
    response.headers["Cache-Control"] = "no-store"
    return response


# case: cross_site_scripting-118 | good | CWE-79 | Django json_script
def planner(request):
    prefs = {"view": request.GET.get("view", "week"), "tz": request.GET.get("tz", "UTC")}
    body = format_html("<div id='planner'></div>{}", json_script(prefs, "planner-prefs"))
    return HttpResponse(body)


# case: cross_site_scripting-119 | bad | CWE-79 | mark_safe in a helper
def alert_box(kind, text):
    return mark_safe(f'<div class="alert alert-{kind}">{text}</div>')


def login_notice(request):
    message = request.GET.get("message", "Please sign in")
    return render(request, "login.html", {"notice": alert_box("info", message)})


# case: cross_site_scripting-120 | bad | CWE-79 | script tags removed by a regular expression
def strip_scripts(markup):
    return re.sub(r"(?is)<\s*/?\s*script[^>]*>", "", markup)


@app.route("/guestbook/preview", methods=["POST"])
def guestbook_preview():
    entry = strip_scripts(request.form.get("entry", ""))
    return page_frame("<blockquote>" + entry + "</blockquote>")


# case: cross_site_scripting-121 | good | CWE-79 | nh3 cleans the posted markup
@app.route("/articles/preview", methods=["POST"])
def article_preview():
    markup = request.form.get("markup", "")
    cleaned = nh3.clean(markup, tags={"p", "b", "i", "ul", "li"})
    return page_frame("<article>" + cleaned + "</article>")


# case: cross_site_scripting-122 | bad | CWE-79 | format_html on an f-string in a class based view
class WishlistView(View):
    def get(self, request, *args, **kwargs):
        owner = request.GET.get("owner", "someone")
        wishes = request.session.get("wishes", [])
        return HttpResponse(format_html(f"<h1>Wishlist of {owner}</h1><p>{{}} items</p>", len(wishes)))


# case: cross_site_scripting-123 | good | CWE-79 | integer conversion before the output
def page_indicator(request):
    try:
        page = int(request.GET.get("page", "1"))
    except ValueError:
        page = 1
    return HttpResponse(f"<p>Page {page} of 20</p><a href='?page={page + 1}'>next</a>")


# case: cross_site_scripting-124 | bad | CWE-79 | pydantic list joined to table rows
class ReportRequest(BaseModel):
    title: str
    columns: List[str]


def table_head(names):
    return "<tr>" + "".join("<th>{}</th>".format(n) for n in names) + "</tr>"


def report_form(title: str = Form(...), columns: str = Form("")) -> ReportRequest:
    return ReportRequest(title=title, columns=columns.split(","))


@api.post("/reports/html")
def html_report(report: ReportRequest = Depends(report_form)):
    return HTMLResponse(page_frame("<table>" + table_head(report.columns) + "</table>"))


# case: cross_site_scripting-125 | good | CWE-79 | message chosen by key from a constant mapping
NOTICES = {
    "saved": "<p class='ok'>Your changes are saved.</p>",
    "expired": "<p class='warn'>Your session has expired.</p>",
}


@api.get("/notice", response_class=HTMLResponse)
def notice_page(code: str = "saved"):
    return HTMLResponse(page_frame(NOTICES.get(code, "<p>Nothing to tell.</p>")))


# case: cross_site_scripting-126 | bad | CWE-79 | exception handler prints the missing name
class TopicMissing(Exception):
    def __init__(self, topic):
        self.topic = topic


@api.exception_handler(TopicMissing)
async def topic_missing_page(request: Request, exc: TopicMissing):
    return HTMLResponse(f"<h1>404</h1><p>There is no topic {exc.topic}</p>", status_code=404)


@api.get("/topics")
async def topic(name: str):
    if name not in ("sailing", "rowing"):
        raise TopicMissing(name)
    return {"topic": name}


# case: cross_site_scripting-127 | good | CWE-79 | plain text answer
@api.get("/whoami")
async def whoami(request: Request, label: str = Query("client")):
    agent = request.headers.get("user-agent", "unknown")
    headers = {"X-Content-Type-Options": "nosniff"}
    return PlainTextResponse(f"{label}: <{agent}>", headers=headers)


# case: cross_site_scripting-128 | bad | CWE-79 | escaped value in an attribute without quotes
@api.get("/form", response_class=HTMLResponse)
def search_form(term: str = ""):
    shown = html.escape(term)
    return f"<form><input type=text name=term value={shown}><button>Go</button></form>"


# case: cross_site_scripting-129 | good | CWE-79 | Literal parameter in the markup
@api.get("/badge", response_class=HTMLResponse)
def badge(level: Literal["gold", "silver", "bronze"] = "bronze"):
    return f"<span class='badge {level}'>{level.title()} member</span>"


# case: cross_site_scripting-130 | bad | CWE-79 | SVG built from query arguments
@dataclass
class SvgBadge:
    label: str
    colour: str = "#4c1"
    parts: list = field(default_factory=list)

    def draw(self):
        self.parts.append('<svg xmlns="http://www.w3.org/2000/svg" width="120" height="20">')
        self.parts.append(f'<rect width="120" height="20" fill="{self.colour}"/>')
        self.parts.append(f'<text x="10" y="14">{self.label}</text></svg>')
        return "".join(self.parts)


@app.route("/badge.svg")
def svg_badge():
    drawing = SvgBadge(request.args.get("label", "build"), request.args.get("colour", "#4c1"))
    return Response(drawing.draw(), mimetype="image/svg+xml")


# case: cross_site_scripting-131 | good | CWE-79 | format_html_join over posted names
def team_list(request):
    names = request.POST.getlist("member")
    items = format_html_join("\n", "<li>{}</li>", ((name,) for name in names))
    return HttpResponse(format_html("<ul>{}</ul>", items))


# case: cross_site_scripting-132 | good | CWE-79 | enum value printed, free text kept out
class Theme(str, Enum):
    day = "day"
    night = "night"


@app.route("/theme")
def theme_page():
    wanted = request.args.get("theme", "day")
    theme = Theme(wanted) if wanted in Theme.__members__ else Theme.day
    return f"<body class='{theme.value}'><h1>{SITE_NAME}</h1></body>"
