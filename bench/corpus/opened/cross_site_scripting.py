"""Corpus, opened part: cross-site scripting."""

import html
import io
import json
import uuid
import xml.etree.ElementTree as ET
from functools import wraps
from urllib.parse import quote

from django.http import HttpResponse
from django.template import Context, Template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.generic import View
from fastapi import FastAPI, Query
from fastapi.responses import HTMLResponse
from fastapi.responses import Response as ApiResponse
from flask import Blueprint, Response, abort, render_template_string, request, stream_with_context
from flask.views import MethodView
from jinja2 import Environment
from markupsafe import Markup, escape

site = Blueprint("site", __name__)
service = FastAPI()

# case: cross_site_scripting-28 | bad | CWE-79 | generator streams rows of a list
class Basket(MethodView):
    def get(self):
        def rows():
            yield "<ul>"
            for item in request.args.getlist("item"):
                yield f"<li>{item}</li>"
            yield "</ul>"

        return Response(stream_with_context(rows()))


site.add_url_rule("/basket", view_func=Basket.as_view("basket"))


# case: cross_site_scripting-29 | good | CWE-79 | the same generator with escape
class Wishlist(MethodView):
    def get(self):
        def rows():
            yield "<ul>"
            for item in request.args.getlist("item"):
                yield f"<li>{escape(item)}</li>"
            yield "</ul>"

        return Response(stream_with_context(rows()))


site.add_url_rule("/wishlist", view_func=Wishlist.as_view("wishlist"))


# case: cross_site_scripting-30 | bad | CWE-79 | page written into a string buffer
@site.get("/invoice")
def invoice():
    buffer = io.StringIO()
    buffer.write("<table>")
    for field in ("name", "street", "city"):
        buffer.write("<tr><th>" + field + "</th><td>" + request.args.get(field, "") + "</td></tr>")
    buffer.write("</table>")
    return buffer.getvalue()


# case: cross_site_scripting-31 | good | CWE-79 | element tree escapes the text on output
@site.get("/address")
def address():
    table = ET.Element("table")
    for field in ("name", "street", "city"):
        row = ET.SubElement(table, "tr")
        ET.SubElement(row, "td").text = request.args.get(field, "")
    return ET.tostring(table, encoding="unicode", method="html")


# case: cross_site_scripting-32 | bad | CWE-79 | quotes not escaped inside an attribute
@site.get("/filter")
def filter_box():
    term = html.escape(request.args.get("term", ""), quote=False)
    return f'<form><input name="term" value="{term}"></form>'


# case: cross_site_scripting-33 | good | CWE-79 | quotes escaped inside a quoted attribute
@site.get("/lookup")
def lookup_box():
    term = html.escape(request.args.get("term", ""))
    return f'<form><input name="term" value="{term}"></form>'


# case: cross_site_scripting-34 | bad | CWE-79 | escaped value in an attribute without quotes
@site.get("/zoom")
def zoom():
    picture = {"alt": escape(request.args.get("alt", "")), "src": "/static/zoom.png"}
    return "<img src={src} alt={alt}>".format(**picture)


# case: cross_site_scripting-35 | good | CWE-79 | percent-encoded value in a query of our own link
@site.get("/more")
def more():
    term = quote(request.args.get("term", ""), safe="")
    return '<a href="/search?page=2&amp;term=' + term + '">More</a>'


# case: cross_site_scripting-36 | bad | CWE-79 | f-string prepared before format_html sees it
class Greeting(View):
    def get(self, request):
        nick = request.GET.get("nick", "friend")
        return HttpResponse(format_html(f"<p>Hi {nick}, you are number {{}}</p>", 7))


# case: cross_site_scripting-37 | good | CWE-79 | format_html_join over pairs
class Choices(View):
    def get(self, request):
        pairs = ((value, value.title()) for value in request.GET.getlist("choice"))
        options = format_html_join("\n", '<option value="{}">{}</option>', pairs)
        return HttpResponse(format_html("<select>{}</select>", options))


# case: cross_site_scripting-38 | bad | CWE-79 | SafeString in the context of a template
def quote_of_the_day(request):
    author = SafeString(request.GET.get("author", "unknown"))
    page = Template("<blockquote>{{ text }}<cite>{{ author }}</cite></blockquote>")
    return HttpResponse(page.render(Context({"text": "Know thyself.", "author": author})))


# case: cross_site_scripting-39 | good | CWE-79 | the same template with a plain string
def proverb(request):
    author = str(request.GET.get("author", "unknown"))
    page = Template("<blockquote>{{ text }}<cite>{{ author }}</cite></blockquote>")
    return HttpResponse(page.render(Context({"text": "Know thyself.", "author": author})))


# case: cross_site_scripting-40 | bad | CWE-79 | autoescape switched off in the template
RAW_PAGE = Template("{% autoescape off %}<h1>{{ heading }}</h1>{% endautoescape %}")


def heading_page(request):
    values = {key: request.GET[key] for key in ("heading",) if key in request.GET}
    return HttpResponse(RAW_PAGE.render(Context(values)))


# case: cross_site_scripting-41 | good | CWE-79 | JSON written by hand with its content type
def suggestions(request):
    found = [word for word in ("red", "green") if word.startswith(request.GET.get("q", ""))]
    body = json.dumps({"query": request.GET.get("q", ""), "found": found})
    return HttpResponse(body, content_type="application/json")


# case: cross_site_scripting-42 | bad | CWE-79 | plain Response with an HTML media type
@service.get("/card/{owner}")
async def card(owner: str):
    lines = ["<article>", "<h3>", owner, "</h3>", "</article>"]
    return ApiResponse(content="\n".join(lines), media_type="text/html")


# case: cross_site_scripting-43 | good | CWE-79 | FastAPI encodes a returned string as JSON
@service.get("/label/{owner}")
async def label(owner: str):
    return f"<b>{owner}</b>"


# case: cross_site_scripting-44 | bad | CWE-79 | Jinja environment as it comes, without autoescape
jinja_plain = Environment()
RESULT = "<p>You searched for <b>{{ q }}</b></p>"


@service.get("/results", response_class=HTMLResponse)
def results(q: str = Query(default="", max_length=300)):
    return jinja_plain.from_string(RESULT).render(q=q)


# case: cross_site_scripting-45 | good | CWE-79 | Jinja environment with autoescape
jinja_html = Environment(autoescape=True)
OUTCOME = "<p>You looked for <b>{{ q }}</b></p>"


@service.get("/outcome", response_class=HTMLResponse)
def outcome(q: str = Query(default="", max_length=300)):
    return jinja_html.from_string(OUTCOME).render(q=q)


# case: cross_site_scripting-46 | bad | CWE-79 | HTML escaping inside a script
@site.route("/tracker", methods=["GET"])
def tracker():
    campaign = escape(request.values.get("campaign", "0"))
    return "<script>var campaign = %s; track(campaign);</script>" % campaign


# case: cross_site_scripting-47 | good | CWE-79 | tojson filter inside a script
@site.route("/counter", methods=["GET"])
def counter():
    page = "<script>var campaign = {{ campaign|tojson }}; track(campaign);</script>"
    return render_template_string(page, campaign=request.values.get("campaign", "0"))


# case: cross_site_scripting-48 | bad | CWE-79 | escaped and then unescaped again
def tidy(text):
    text = html.escape(text.strip())
    return html.unescape(text).replace("\n", "<br>")


@site.post("/preview")
def preview():
    return Response("<div>" + tidy(request.form.get("text", "")) + "</div>", content_type="text/html; charset=utf-8")


# case: cross_site_scripting-49 | good | CWE-79 | UUID and integer conversion before output
@site.get("/receipt/<int:year>")
def receipt(year):
    try:
        number = uuid.UUID(request.args["number"])
    except (KeyError, ValueError):
        return "<p>No such receipt</p>", 404
    return f"<h1>Receipt {number}</h1><p>of {year}</p>"


# case: cross_site_scripting-50 | bad | CWE-79 | decorator wraps what the view returns
def with_layout(view):
    @wraps(view)
    def page(*args, **kwargs):
        return "<html><body>%s</body></html>" % view(*args, **kwargs)

    return page


@site.get("/motto")
@with_layout
def motto():
    return request.args.get("motto", "").strip().capitalize()


# case: cross_site_scripting-51 | good | CWE-79 | decorator uses the Markup operator, which escapes
def with_frame(view):
    @wraps(view)
    def page(*args, **kwargs):
        return Markup("<html><body>%s</body></html>") % view(*args, **kwargs)

    return page


@site.get("/slogan")
@with_frame
def slogan():
    return request.args.get("slogan", "").strip().capitalize()


# case: cross_site_scripting-52 | bad | CWE-79 | text of the exception repeats the input
@site.get("/convert")
def convert():
    try:
        value = float(request.args["value"])
    except ValueError as problem:
        return f"<p class='error'>{problem}</p>", 400
    return f"<p>{value * 2.54:.2f} cm</p>"


# case: cross_site_scripting-53 | good | CWE-79 | description of an abort is escaped by werkzeug
@site.get("/measure")
def measure():
    unit = request.args.get("unit", "cm")
    if unit not in ("cm", "in"):
        abort(400, description=f"unknown unit {unit}")
    return f"<p>Unit: {unit}</p>"
