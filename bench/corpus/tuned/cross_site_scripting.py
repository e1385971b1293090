"""Corpus, tuned half: cross-site scripting."""

import html
import json

import bleach
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.html import escape as django_escape
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from fastapi import FastAPI, Form
from fastapi.responses import HTMLResponse, PlainTextResponse
from flask import Flask, Response, jsonify, make_response, render_template, render_template_string, request
from markupsafe import Markup, escape

app = Flask(__name__)
api = FastAPI()

# case: cross_site_scripting-01 | bad | CWE-79 | f-string page returned from the view
@app.get("/hello")
def hello():
    name = request.args.get("name", "guest")
    return f"<h1>Hello, {name}!</h1>"


# case: cross_site_scripting-02 | good | CWE-79 | same page with escape
@app.get("/welcome")
def welcome():
    name = escape(request.args.get("name", "guest"))
    return f"<h1>Hello, {name}!</h1>"


# case: cross_site_scripting-03 | bad | CWE-79 | concatenation into make_response
@app.post("/echo")
def echo():
    message = request.form["message"]
    page = "<html><body><p>You wrote: " + message + "</p></body></html>"
    response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    return response


# case: cross_site_scripting-04 | good | CWE-79 | plain text with nosniff
@app.post("/echo.txt")
def echo_text():
    response = make_response("You wrote: " + request.form["message"])
    response.headers["Content-Type"] = "text/plain; charset=utf-8"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


# case: cross_site_scripting-05 | bad | CWE-79 | Markup around an interpolated value, then a template
@app.get("/badge")
def badge():
    label = request.args.get("label", "")
    chip = Markup(f'<span class="chip">{label}</span>')
    return render_template("badge.html", chip=chip)


# case: cross_site_scripting-06 | good | CWE-79 | Markup.format escapes its arguments
@app.get("/chip")
def chip():
    label = request.args.get("label", "")
    tag = Markup('<span class="chip">{}</span>').format(label)
    return render_template("badge.html", chip=tag)


# case: cross_site_scripting-07 | bad | CWE-79 | Django HttpResponse with percent formatting
def greeting(request):
    who = request.GET.get("who", "")
    return HttpResponse("<p>Good morning %s</p>" % who)


# case: cross_site_scripting-08 | good | CWE-79 | Django format_html with arguments
def salutation(request):
    who = request.GET.get("who", "")
    return HttpResponse(format_html("<p>Good morning {}</p>", who))


# case: cross_site_scripting-09 | bad | CWE-79 | mark_safe on a query value handed to a template
def dashboard(request):
    motto = request.GET.get("motto", "")
    context = {"motto": mark_safe("<em>" + motto + "</em>"), "title": "Dashboard"}
    return render(request, "dashboard.html", context)


# case: cross_site_scripting-10 | good | CWE-79 | value left to the template's autoescape
def account(request):
    context = {"motto": request.GET.get("motto", ""), "title": "Account"}
    return render(request, "account.html", context)


# case: cross_site_scripting-11 | bad | CWE-79 | FastAPI HTMLResponse from a query parameter
@api.get("/search", response_class=HTMLResponse)
async def search(q: str = ""):
    return HTMLResponse("<h2>Results for {}</h2><ul></ul>".format(q))


# case: cross_site_scripting-12 | good | CWE-79 | FastAPI with html.escape
@api.get("/find", response_class=HTMLResponse)
async def find(q: str = ""):
    return HTMLResponse("<h2>Results for {}</h2><ul></ul>".format(html.escape(q)))


# case: cross_site_scripting-13 | bad | CWE-79 | one tag removed by replace
@app.post("/comments/preview")
def preview_comment():
    text = request.form.get("text", "")
    text = text.replace("<script>", "").replace("</script>", "")
    return "<div class='preview'>" + text + "</div>"


# case: cross_site_scripting-14 | good | CWE-79 | bleach cleans the markup
@app.post("/comments/show")
def show_comment():
    text = bleach.clean(request.form.get("text", ""), tags={"b", "i", "p"}, attributes={}, strip=True)
    return "<div class='preview'>" + text + "</div>"


# case: cross_site_scripting-15 | bad | CWE-79 | escaped value used as an address of a link
@app.get("/leave")
def leave():
    target = escape(request.args.get("to", "/"))
    return f'<p>You are leaving us. <a href="{target}">Continue</a></p>'


# case: cross_site_scripting-16 | good | CWE-79 | integer in an attribute and in text
@app.get("/pages")
def pages():
    number = request.args.get("page", default=1, type=int)
    return f'<a href="/pages?page={number + 1}">Page {number} of many</a>'


# case: cross_site_scripting-17 | bad | CWE-79 | list items joined through a helper
def as_list(values):
    return "<ul>" + "".join("<li>%s</li>" % value for value in values) + "</ul>"


@app.get("/tags")
def tags():
    return as_list(request.args.getlist("tag"))


# case: cross_site_scripting-18 | good | CWE-79 | helper escapes each item
def as_table(values):
    return "<table>" + "".join("<tr><td>%s</td></tr>" % escape(value) for value in values) + "</table>"


@app.get("/labels")
def labels():
    return as_table(request.args.getlist("label"))


# case: cross_site_scripting-19 | bad | CWE-79 | json.dumps inside a script element
def chart(request):
    options = json.dumps({"title": request.GET.get("title", ""), "kind": "bar"})
    body = "<div id='c'></div><script>drawChart(" + options + ");</script>"
    return HttpResponse(body)


# case: cross_site_scripting-20 | good | CWE-79 | data returned as JSON
def chart_data(request):
    return JsonResponse({"title": request.GET.get("title", ""), "kind": "bar"})


# case: cross_site_scripting-21 | bad | CWE-79 | safe filter in an inline template
@app.get("/notice")
def notice():
    page = "<section>{{ body | safe }}</section>"
    return render_template_string(page, body=request.args.get("body", ""))


# case: cross_site_scripting-22 | good | CWE-79 | inline template with autoescape
@app.get("/bulletin")
def bulletin():
    page = "<section>{{ body }}</section>"
    return render_template_string(page, body=request.args.get("body", ""))


# case: cross_site_scripting-23 | bad | CWE-79 | query parameter in a dict of page parts
@api.get("/theme")
async def theme(colour: str = "blue"):
    parts = {"head": "<title>Theme</title>", "body": f"<body class='{colour}'>"}
    return HTMLResponse(parts["head"] + parts["body"] + "</body>")


# case: cross_site_scripting-24 | good | CWE-79 | text response in FastAPI
@api.post("/receipt")
async def receipt(customer: str = Form()):
    return PlainTextResponse(f"Receipt for {customer}\nThank you.")


# case: cross_site_scripting-25 | bad | CWE-79 | unknown path shown by an error handler
@app.errorhandler(404)
def page_not_found(error):
    body = "<h1>Not found</h1><p>No page at %s?%s</p>" % (request.path, request.args.get("ref", ""))
    return Response(body, status=404, mimetype="text/html")


# case: cross_site_scripting-26 | good | CWE-79 | value chosen from a dict of texts
STATES = {"open": "<b>Open</b>", "closed": "<i>Closed</i>"}


def ticket_state(request):
    state = STATES.get(request.GET.get("state"), "<i>Unknown</i>")
    return HttpResponse(f"<p>{state}</p><p>{django_escape(request.GET.get('note', ''))}</p>")


# case: cross_site_scripting-27 | good | CWE-79 | jsonify of request data
@app.post("/validate")
def validate():
    payload = request.get_json()
    return jsonify(name=payload.get("name"), ok=bool(payload.get("name")))
