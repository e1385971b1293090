"""Template engines in web applications: pages, mails, labels, error pages, previews."""
import json
import re
import string
from enum import Enum
from pathlib import Path
from typing import List, Literal

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBadRequest, JsonResponse
from django.template import Context, Engine, Template
from django.template.loader import render_to_string
from django.views import View
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.templating import Jinja2Templates
from flask import Flask, current_app, jsonify, render_template, render_template_string, request
from jinja2 import Environment, FileSystemLoader, select_autoescape
from jinja2 import Template as JinjaTemplate
from jinja2.sandbox import ImmutableSandboxedEnvironment
from mako.template import Template as MakoTemplate
from markupsafe import escape
from pydantic import BaseModel

app = Flask(__name__)
api = FastAPI()
pages = Jinja2Templates(directory="templates")

COMPANY = "Northwind Marine"


# case: template_injection-101 | bad | CWE-1336 | query argument is the template
@app.route("/preview")
def preview_template():
    source = request.args.get("tpl", "<p>empty</p>")
    return render_template_string(source)


# case: template_injection-102 | good | CWE-1336 | constant source, value in the context
@app.route("/greet")
def greet():
    name = request.args.get("name", "guest")
    return render_template_string("<h1>Hello {{ name }}</h1><p>{{ company }}</p>", name=name, company=COMPANY)


# case: template_injection-103 | bad | CWE-1336 | f-string before render_template_string
@app.route("/hello")
def hello_visitor():
    visitor = request.args.get("visitor", "guest")
    page = f"<h1>Hello {visitor}</h1><p>You are visiting {{{{ company }}}}</p>"
    return render_template_string(page, company=COMPANY)


# case: template_injection-104 | bad | CWE-1336 | error page with the path put in by the modulo operator
@app.errorhandler(404)
def page_missing(error):
    template = """{%% extends "layout.html" %%}
    {%% block body %%}<h2>Nothing at %s</h2>{%% endblock %%}""" % request.path
    return render_template_string(template), 404


# case: template_injection-105 | good | CWE-1336 | template file with context values
@app.route("/account", methods=["POST"])
def account_page():
    details = {"name": request.form["name"], "city": request.form.get("city", "")}
    return render_template("account.html", **details)


# case: template_injection-106 | bad | CWE-1336 | Django Template joined with a GET parameter
@login_required
def letter(request):
    salutation = request.GET.get("salutation", "Dear")
    source = salutation + " {{ user.first_name }},<br>your order is on its way."
    return HttpResponse(Template(source).render(Context({"user": request.user})))


# case: template_injection-107 | good | CWE-1336 | Django Template from a constant
RECEIPT = "Dear {{ name }}, we received {{ amount }} EUR.{% if note %} Note: {{ note }}{% endif %}"


def receipt(request):
    context = Context({
        "name": request.POST["name"],
        "amount": request.POST["amount"],
        "note": request.POST.get("note"),
    })
    return HttpResponse(Template(RECEIPT).render(context))


# case: template_injection-108 | bad | CWE-1336 | pydantic field compiled by jinja2
class LabelJob(BaseModel):
    template: str
    values: dict = {}


@api.post("/labels")
async def print_label(job: LabelJob):
    label = JinjaTemplate(job.template)
    return {"label": label.render(**job.values)}


# case: template_injection-109 | good | CWE-1336 | immutable sandbox renders the user's text
class SnippetJob(BaseModel):
    text: str
    first_name: str
    last_name: str


@api.post("/snippets/render")
async def render_snippet(job: SnippetJob):
    env = ImmutableSandboxedEnvironment(autoescape=True)
    rendered = env.from_string(job.text).render(first_name=job.first_name, last_name=job.last_name)
    return {"rendered": rendered}


# case: template_injection-110 | good | CWE-1336 | error page with the path in the context
@app.errorhandler(410)
def page_gone(error):
    template = "{% extends 'layout.html' %}{% block body %}<h2>{{ path }} is gone</h2>{% endblock %}"
    return render_template_string(template, path=request.path), 410


# case: template_injection-111 | bad | CWE-1336 | mail renderer class compiles what it is given
class MailRenderer:
    def __init__(self):
        self.env = Environment(loader=FileSystemLoader("mails"), autoescape=select_autoescape())

    def compose(self, subject, body, **values):
        return {
            "subject": subject,
            "html": self.env.from_string(body).render(company=COMPANY, **values),
        }


@app.route("/campaigns/preview", methods=["POST"])
def campaign_preview():
    form = request.form
    mail = MailRenderer().compose(form["subject"], form["body"], recipient="Sam")
    return jsonify(mail)


# case: template_injection-112 | good | CWE-1336 | renderer class picks a constant source by key
class SmsRenderer:
    sources = {
        "reminder": "{{ company }}: your visit is on {{ day }}.",
        "cancel": "{{ company }}: your visit on {{ day }} is cancelled.",
    }

    def __init__(self):
        self.env = Environment(autoescape=True)

    def compose(self, kind, **values):
        return self.env.from_string(self.sources[kind]).render(company=COMPANY, **values)


@app.route("/sms/preview", methods=["POST"])
def sms_preview():
    kind = request.form.get("kind")
    if kind not in SmsRenderer.sources:
        return jsonify(error="unknown kind"), 400
    return jsonify(text=SmsRenderer().compose(kind, day=request.form["day"]))


# case: template_injection-113 | bad | CWE-1336 | HTML escaping before the value enters the source
@app.route("/team")
def team_page():
    team = escape(request.args.get("team", "Sales"))
    source = "<h1>Team " + str(team) + "</h1>{% for m in members %}<p>{{ m }}</p>{% endfor %}"
    return render_template_string(source, members=["Ada", "Linus"])


# case: template_injection-114 | good | CWE-1336 | string.Template for the user's pattern
@app.route("/filenames/preview", methods=["POST"])
def filename_preview():
    pattern = string.Template(request.get_json()["pattern"])
    try:
        sample = pattern.substitute(year="2024", number="0042", customer="acme")
    except (KeyError, ValueError):
        return jsonify(error="unknown placeholder"), 400
    return jsonify(sample=sample)


# case: template_injection-115 | bad | CWE-1336 | only the double braces are removed
def drop_expressions(text):
    for token in ("{{", "}}"):
        text = text.replace(token, "")
    return text


@app.route("/banner", methods=["POST"])
def banner():
    headline = drop_expressions(request.form.get("headline", ""))
    layout = "<div class='banner'>" + headline + "<small>{{ company }}</small></div>"
    return render_template_string(layout, company=COMPANY)


# case: template_injection-116 | bad | CWE-1336 | mako template from the request body
@app.route("/exports/custom", methods=["POST"])
def custom_export():
    rows = [{"id": 1, "name": "rope"}, {"id": 2, "name": "anchor"}]
    layout = request.get_data(as_text=True)
    output = MakoTemplate(text=layout).render(rows=rows)
    return output, 200, {"Content-Type": "text/plain"}


# case: template_injection-117 | good | CWE-1336 | render_to_string with a file and a context
def invitation(request):
    guest = request.POST.get("guest", "")
    text = render_to_string("mail/invitation.html", {"guest": guest, "host": request.user})
    return JsonResponse({"preview": text})


# case: template_injection-118 | bad | CWE-1336 | Django engine compiles a posted page body
class PageBuilderView(View):
    def post(self, request):
        body = request.POST.get("body", "")
        if len(body) > 20000:
            return HttpResponseBadRequest("too long")
        engine = Engine.get_default()
        compiled = engine.from_string("{% load static %}<main>" + body + "</main>")
        return HttpResponse(compiled.render(Context({"request": request, "user": request.user})))


# case: template_injection-119 | good | CWE-1336 | TemplateResponse with a fixed name
@api.get("/items/{item_id}", response_class=HTMLResponse)
async def item_page(request: Request, item_id: int, note: str = ""):
    return pages.TemplateResponse(request, "item.html", {"item_id": item_id, "note": note})


# case: template_injection-120 | bad | CWE-1336 | autoescaping environment compiles the query parameter
@api.get("/render", response_class=HTMLResponse)
async def render_block(block: str, title: str = "Block"):
    env = Environment(autoescape=True)
    template = env.from_string("<h3>{{ title }}</h3>" + block)
    return HTMLResponse(template.render(title=title))


# case: template_injection-121 | good | CWE-1336 | Literal selects one of two sources
DIGESTS = {
    "short": "<p>{{ count }} new messages for {{ who }}</p>",
    "long": "<h2>{{ who }}</h2><p>There are {{ count }} new messages.</p>",
}


@api.get("/digest", response_class=HTMLResponse)
async def digest(who: str, style: Literal["short", "long"] = "short"):
    template = Environment(autoescape=True).from_string(DIGESTS[style])
    return template.render(who=who, count=3)


# case: template_injection-122 | bad | CWE-1336 | stored signature becomes part of the source later
SIGNATURES = {}


@app.route("/signature/<int:user_id>", methods=["PUT"])
def save_signature(user_id):
    SIGNATURES[user_id] = request.get_json()["signature"]
    return "", 204


@app.route("/signature/<int:user_id>/mail")
def mail_with_signature(user_id):
    source = "<p>{{ text }}</p><hr>" + SIGNATURES.get(user_id, "")
    return render_template_string(source, text="Your parcel was sent today.")


# case: template_injection-123 | good | CWE-1336 | source from the application's configuration
@app.route("/footer")
def footer():
    source = current_app.config.get("FOOTER_TEMPLATE", "<footer>{{ company }} / {{ lang }}</footer>")
    return render_template_string(source, company=COMPANY, lang=request.args.get("lang", "en"))


# case: template_injection-124 | bad | CWE-1336 | helper compiles a subject from the JSON body
def expand(source, user):
    template = Template(source)
    return template.render(Context({"user": user, "company": COMPANY}))


def trial_notification(request):
    payload = json.loads(request.body)
    subject = expand(payload.get("subject", "News"), request.user)
    request.user.email_user(subject, payload.get("text", ""))
    return JsonResponse({"subject": subject})


# case: template_injection-125 | good | CWE-1336 | user's lines are values in a loop
def checklist(request):
    lines = [line.strip() for line in request.POST.get("lines", "").splitlines() if line.strip()]
    template = Template("<ol>{% for line in lines %}<li>{{ line }}</li>{% endfor %}</ol>")
    return HttpResponse(template.render(Context({"lines": lines})))


# case: template_injection-126 | bad | CWE-1336 | dependency formats the source
def greeting_source(nickname: str = "friend", mood: str = "happy") -> str:
    return "<p>Hi {}, we are {} to see you at {{{{ company }}}}</p>".format(nickname, mood)


@api.get("/greeting", response_class=HTMLResponse)
def greeting(source: str = Depends(greeting_source)):
    return Environment(autoescape=True).from_string(source).render(company=COMPANY)


# case: template_injection-127 | good | CWE-1336 | source read from a file of the application
WELCOME_FILE = Path(__file__).parent / "mails" / "welcome.html.j2"


@api.get("/welcome-mail", response_class=HTMLResponse)
def welcome_mail(recipient: str):
    if not WELCOME_FILE.exists():
        raise HTTPException(status_code=503)
    template = Environment(autoescape=True).from_string(WELCOME_FILE.read_text("utf-8"))
    return template.render(recipient=recipient, company=COMPANY)


# case: template_injection-128 | bad | CWE-1336 | generator compiles each posted block
class BlockPage(BaseModel):
    blocks: List[str]


def compiled_blocks(blocks):
    env = Environment(autoescape=True)
    for block in blocks:
        yield env.from_string(block).render(company=COMPANY)


@api.post("/pages/assemble")
def assemble_page(page: BlockPage):
    return PlainTextResponse("\n".join(compiled_blocks(page.blocks)))


# case: template_injection-129 | good | CWE-1336 | enum member's value is the source
class Salutation(Enum):
    formal = "Dear {{ title }} {{ surname }},"
    casual = "Hi {{ surname }},"


@app.route("/salutation")
def salutation_line():
    tone = request.args.get("tone", "formal")
    if tone not in Salutation.__members__:
        return "unknown tone", 400
    return render_template_string(
        Salutation[tone].value, title=request.args.get("title", ""), surname=request.args.get("surname", "")
    )


# case: template_injection-130 | bad | CWE-1336 | cookie in the source after a conditional
@app.route("/landing")
def landing():
    parts = ["<header>{{ company }}</header>"]
    campaign = request.cookies.get("campaign")
    if campaign:
        parts.append("<p>Special offer: " + campaign + "</p>")
    parts.append("<footer>since 1987</footer>")
    return render_template_string("".join(parts), company=COMPANY)


# case: template_injection-131 | good | CWE-1336 | integer put into the source
@app.route("/grid")
def grid():
    columns = max(1, min(int(request.args.get("columns", 3)), 12))
    source = "<div class='grid-" + str(columns) + "'>{% for c in cells %}<i>{{ c }}</i>{% endfor %}</div>"
    return render_template_string(source, cells=range(columns * 2))


# case: template_injection-132 | good | CWE-1336 | letters only before the value enters the source
def name_tag(request):
    name = request.GET.get("name", "")
    if not re.fullmatch(r"[A-Za-z]{1,30}", name):
        return HttpResponseBadRequest("letters only")
    source = "<div class='tag'>" + name + " | {{ company }}</div>"
    return HttpResponse(Template(source).render(Context({"company": COMPANY})))
