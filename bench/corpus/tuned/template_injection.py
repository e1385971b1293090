"""Corpus, tuned half: template injection."""

import string

import jinja2
from django.http import HttpResponse
from django.shortcuts import render
from django.template import Context, Engine, Template
from django.template import engines
from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.templating import Jinja2Templates
from flask import Flask, Response, abort, current_app, render_template, render_template_string, request
from jinja2 import Environment, FileSystemLoader, select_autoescape
from jinja2.sandbox import SandboxedEnvironment
from mako.template import Template as MakoTemplate
from markupsafe import escape
from pydantic import BaseModel

app = Flask(__name__)
api = FastAPI()
pages = Jinja2Templates(directory="templates")

# case: template_injection-01 | bad | CWE-1336 | query value is the template
@app.get("/render")
def render_page():
    return render_template_string(request.args.get("template", ""))


# case: template_injection-02 | good | CWE-1336 | constant template, value in the context
@app.get("/card")
def card():
    return render_template_string("<p>{{ title }}</p>", title=request.args.get("title", ""))


# case: template_injection-03 | bad | CWE-1336 | f-string puts the value into the template text
@app.get("/hello")
def hello():
    name = request.args.get("name", "you")
    template = f"<h1>Hello {name}</h1><p>{{{{ config.APP_TITLE }}}}</p>"
    return render_template_string(template)


# case: template_injection-04 | good | CWE-1336 | f-string of constants only, value in the context
HEADING = "h2"


@app.get("/greet")
def greet():
    template = f"<{HEADING}>Hello {{{{ name }}}}</{HEADING}>"
    return render_template_string(template, name=request.args.get("name", "you"))


# case: template_injection-05 | bad | CWE-1336 | jinja2.Template from a form field
@app.post("/mail/preview")
def mail_preview():
    subject = request.form["subject"]
    body = jinja2.Template(subject).render(user="Ada", shop="Corner shop")
    return {"subject": body}


# case: template_injection-06 | good | CWE-1336 | string.Template substitutes without code
@app.post("/mail/subject")
def mail_subject():
    subject = string.Template(request.form["subject"])
    return {"subject": subject.safe_substitute(user="Ada", shop="Corner shop")}


# case: template_injection-07 | bad | CWE-1336 | Environment.from_string with a JSON value
@app.post("/labels")
def make_label():
    env = Environment(autoescape=True)
    layout = request.get_json()["layout"]
    return env.from_string(layout).render(items=[1, 2, 3])


# case: template_injection-08 | good | CWE-1336 | template file by constant name from a loader
loader_env = Environment(loader=FileSystemLoader("templates"), autoescape=select_autoescape())


@app.post("/labels/standard")
def standard_label():
    layout = request.get_json()["layout"]
    return loader_env.get_template("label.html").render(layout=layout)


# case: template_injection-09 | bad | CWE-1336 | Django Template of posted text
def newsletter_preview(request):
    template = Template(request.POST["body"])
    return HttpResponse(template.render(Context({"user": request.user})))


# case: template_injection-10 | good | CWE-1336 | Django Template constant, posted text as context
def newsletter_draft(request):
    template = Template("<article>{{ body|linebreaks }}</article>")
    return HttpResponse(template.render(Context({"body": request.POST["body"]})))


# case: template_injection-11 | bad | CWE-1336 | Django engine from_string with concatenation
def banner(request):
    engine = engines["django"]
    source = "<div class='banner'>" + request.GET.get("text", "") + "</div>"
    return HttpResponse(engine.from_string(source).render({}, request))


# case: template_injection-12 | good | CWE-1336 | ordinary render of a template file
def banner_page(request):
    return render(request, "banner.html", {"text": request.GET.get("text", "")})


# case: template_injection-13 | bad | CWE-1336 | FastAPI form field to a Jinja template
@api.post("/contracts")
async def contract(clause: str = Form()):
    source = "Contract\n\n{}\n\nSigned: {{{{ signer }}}}".format(clause)
    return PlainTextResponse(jinja2.Template(source).render(signer="A. Lovelace"))


# case: template_injection-14 | good | CWE-1336 | FastAPI TemplateResponse
@api.get("/contracts/{number}")
async def show_contract(request: Request, number: int, clause: str = ""):
    return pages.TemplateResponse(request, "contract.html", {"number": number, "clause": clause})


# case: template_injection-15 | bad | CWE-1336 | Mako template through a helper
def render_mako(source, **values):
    return MakoTemplate(source).render(**values)


class Memo(BaseModel):
    text: str


@api.post("/memos")
def memo(body: Memo):
    return PlainTextResponse(render_mako(body.text, author="Grace"))


# case: template_injection-16 | good | CWE-1336 | Mako with a fixed source
MEMO_SOURCE = "From: ${author}\n\n${text}\n"


@api.post("/memos/plain")
def plain_memo(text: str = Form()):
    return PlainTextResponse(MakoTemplate(text=MEMO_SOURCE).render(author="Grace", text=text))


# case: template_injection-17 | bad | CWE-1336 | first brace pair removed, statements still run
@app.get("/signature")
def signature():
    text = request.args.get("text", "").replace("{{", "").replace("}}", "")
    return render_template_string("<footer>" + text + "</footer>")


# case: template_injection-18 | good | CWE-1336 | sandboxed environment for customers' templates
customer_env = SandboxedEnvironment(autoescape=True)


@app.post("/customer/template")
def customer_template():
    source = request.form["source"]
    try:
        text = customer_env.from_string(source).render(order_number=1042)
    except jinja2.TemplateError:
        abort(422)
    return Response(text, mimetype="text/plain")


# case: template_injection-19 | bad | CWE-1336 | escaped for HTML, but still a template
@app.errorhandler(404)
def missing(error):
    page = "<h1>404</h1><p>" + escape(request.args.get("from", request.path)) + "</p>"
    return render_template_string(page), 404


# case: template_injection-20 | good | CWE-1336 | template name picked from a dict
VIEWS = {"grid": "list_grid.html", "table": "list_table.html"}


@app.get("/list")
def listing():
    name = VIEWS.get(request.args.get("view", "grid"), "list_grid.html")
    return render_template(name, sort=request.args.get("sort", "name"))


# case: template_injection-21 | bad | CWE-1336 | template kept in an attribute, rendered by a method
class Report:
    def __init__(self, layout):
        self.layout = layout

    def html(self, rows):
        return Environment().from_string(self.layout).render(rows=rows)


@api.post("/reports", response_class=HTMLResponse)
async def report(request: Request):
    data = await request.json()
    return Report(data["layout"]).html([])


# case: template_injection-22 | good | CWE-1336 | template text from the configuration
@app.get("/motd")
def motd():
    source = current_app.config["MOTD_TEMPLATE"]
    return render_template_string(source, visitor=request.args.get("visitor", ""))


# case: template_injection-23 | bad | CWE-1336 | Engine object and a header
def tenant_page(request):
    layout = request.headers.get("X-Layout", "<p>{{ name }}</p>")
    page = Engine.get_default().from_string(layout)
    return HttpResponse(page.render(Context({"name": "tenant", "user": request.user})))


# case: template_injection-24 | good | CWE-1336 | placeholders replaced by hand, plain text
def tenant_text(request):
    layout = request.POST.get("layout", "")
    for key, value in {"%name%": "tenant", "%plan%": "basic"}.items():
        layout = layout.replace(key, value)
    return HttpResponse(layout, content_type="text/plain")
