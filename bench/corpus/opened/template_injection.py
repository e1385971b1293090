"""Corpus, opened part: template injection."""

from pathlib import Path
from typing import Annotated

import tornado.template
from chameleon import PageTemplate, PageTemplateFile
from django.conf import settings
from django.http import HttpResponse
from django.template import Context, Template, TemplateSyntaxError, engines
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.views.generic import View
from fastapi import Body, Depends, FastAPI, Query
from fastapi.responses import PlainTextResponse
from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    render_template,
    render_template_string,
    request,
    stream_template_string,
)
from flask.views import MethodView
from jinja2 import DictLoader, Environment
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

site = Blueprint("site", __name__)
service = FastAPI()
mailer = Environment(autoescape=False, enable_async=True)
letters = Environment(autoescape=False)

# case: template_injection-25 | bad | CWE-1336 | environment of the application, from_string
class Snippet(MethodView):
    def post(self):
        env = current_app.jinja_env
        compiled = env.from_string(request.values["code"])
        return compiled.render(**{"now": "today"})


site.add_url_rule("/snippet", view_func=Snippet.as_view("snippet"))


# case: template_injection-26 | good | CWE-1336 | environment of the application, constant source
class Note(MethodView):
    SOURCE = "<aside>{{ text }}</aside>"

    def post(self):
        compiled = current_app.jinja_env.from_string(self.SOURCE)
        return compiled.render(**{"text": request.values["code"]})


site.add_url_rule("/note", view_func=Note.as_view("note"))


# case: template_injection-27 | bad | CWE-1336 | streamed template from an uploaded file
@site.post("/try-template")
def try_template():
    source = request.files["template"].read().decode("utf-8")
    return Response(stream_template_string(source, rows=range(3)))


# case: template_injection-28 | good | CWE-1336 | streamed constant, upload as a value
@site.post("/try-data")
def try_data():
    data = request.files["data"].read().decode("utf-8").splitlines()
    return Response(stream_template_string("{% for row in rows %}<li>{{ row }}</li>{% endfor %}", rows=data))


# case: template_injection-29 | bad | CWE-1336 | Tornado template, which is Python inside
@site.get("/ticker")
def ticker():
    wanted = request.args.to_dict()
    page = tornado.template.Template("<marquee>" + wanted.get("line", "") + "</marquee>")
    return page.generate()


# case: template_injection-30 | good | CWE-1336 | Tornado loader with a fixed name
@site.get("/headline")
def headline():
    wanted = request.args.to_dict()
    loader = tornado.template.Loader("templates")
    return loader.load("headline.html").generate(line=wanted.get("line", ""))


# case: template_injection-31 | bad | CWE-1336 | lines of a JSON list joined, rendered by a helper
def compose(*lines, **values):
    return render_template_string("\n".join(lines), **values)


@site.post("/compose")
def compose_page():
    return compose("<main>", *request.json["lines"], "</main>", author="staff")


# case: template_injection-32 | good | CWE-1336 | format on a constant pattern, sent as text
PATTERN = "Dear {name},\n\n{body}\n\nYours, {sender}"


@site.post("/letter")
def letter_text():
    values = request.get_json()
    text = PATTERN.format(name=values["name"], body=values["body"], sender="staff")
    return Response(text, mimetype="text/plain")


# case: template_injection-33 | bad | CWE-1336 | request value becomes an entry of a DictLoader
@site.post("/skin")
def skin():
    sources = {"base": "<html>{% block body %}{% endblock %}</html>"}
    sources["page"] = "{% extends 'base' %}{% block body %}" + request.form["markup"] + "{% endblock %}"
    return Environment(loader=DictLoader(sources)).get_template("page").render()


# case: template_injection-34 | good | CWE-1336 | DictLoader of constants, request value as a variable
SKINS = DictLoader({"dark": "<body class='dark'>{{ markup }}</body>", "light": "<body>{{ markup }}</body>"})


@site.post("/theme")
def theme():
    chosen = "dark" if "dark" in request.form else "light"
    return Environment(loader=SKINS, autoescape=True).get_template(chosen).render(markup=request.form["markup"])


# case: template_injection-35 | bad | CWE-1336 | Jinja backend of Django, from_string in a TemplateResponse
class Landing(View):
    def get(self, request, *args, **kwargs):
        params = request.GET.dict()
        source = engines["jinja2"].from_string("<h1>%(title)s</h1>" % {"title": params.get("title", "Hi")})
        return TemplateResponse(request, source, {})


# case: template_injection-36 | good | CWE-1336 | render_to_string of a named file
class Confirmation(View):
    def get(self, request, *args, **kwargs):
        params = request.GET.dict()
        body = render_to_string("mail/confirmation.html", {"title": params.get("title", "Hi")}, request=request)
        return HttpResponse(body)


# case: template_injection-37 | bad | CWE-1336 | request data stored as a template file and rendered
@site.post("/custom-footer")
def custom_footer():
    folder = Path(current_app.root_path) / "templates"
    (folder / "custom_footer.html").write_text(request.form["footer"], encoding="utf-8")
    return render_template("custom_footer.html", year=2024)


# case: template_injection-38 | good | CWE-1336 | request data stored as data and rendered as a variable
@site.post("/custom-note")
def custom_note():
    store = Path(current_app.instance_path) / "note.txt"
    store.write_text(request.form["note"], encoding="utf-8")
    return render_template("note.html", note=store.read_text(encoding="utf-8"), year=2024)


# case: template_injection-39 | bad | CWE-1336 | dependency builds the source with an f-string
async def opening(name: Annotated[str, Query(max_length=400)]) -> str:
    return f"Dear {name},\n{{% for line in lines %}}{{{{ line }}}}\n{{% endfor %}}"


@service.get("/letters/preview")
async def preview_letter(source: Annotated[str, Depends(opening)]):
    text = await mailer.from_string(source).render_async(lines=["Thank you for your order."])
    return PlainTextResponse(text)


# case: template_injection-40 | good | CWE-1336 | compiled once from a constant, rendered with values
LETTER = mailer.from_string("Dear {{ name }},\n{% for line in lines %}{{ line }}\n{% endfor %}")


@service.get("/letters/final")
async def final_letter(name: Annotated[str, Query(max_length=400)]):
    return PlainTextResponse(await LETTER.render_async(name=name, lines=["Thank you for your order."]))


# case: template_injection-41 | bad | CWE-1336 | Chameleon page template of the body
@service.post("/pages/render")
def render_page(source: str = Body(embed=True), title: str = Body("Untitled", embed=True)):
    page = PageTemplate(source)
    return {"html": page(title=title)}


# case: template_injection-42 | good | CWE-1336 | Chameleon page template of a file
PAGE = PageTemplateFile("templates/page.pt")


@service.post("/pages/standard")
def standard_page(source: str = Body(embed=True), title: str = Body("Untitled", embed=True)):
    return {"html": PAGE(title=title, content=source)}


# case: template_injection-43 | bad | CWE-1336 | double underscores refused, other ways stay open
@site.get("/formula")
def formula():
    text = request.args.get("f", "")
    if "__" in text or "import" in text:
        abort(400)
    return render_template_string(f"<output>{text}</output>")


# case: template_injection-44 | good | CWE-1336 | one of two constants by a condition
SHORT = "<b>{{ total }}</b>"
LONG = "<p>The total of your order is <b>{{ total }}</b>.</p>"


@site.get("/total")
def total():
    source = SHORT if request.args.get("style") == "short" else LONG
    return render_template_string(source, total=request.args.get("total", "0"))


# case: template_injection-45 | bad | CWE-1336 | expression of the request compiled by Jinja
@service.get("/rules/evaluate")
def evaluate_rule(rule: str, amount: int = 0):
    check = letters.compile_expression(rule, undefined_to_none=True)
    return {"matches": bool(check(amount=amount))}


# case: template_injection-46 | good | CWE-1336 | immutable sandbox kept in an attribute
class CustomerMail:
    def __init__(self):
        self.env = ImmutableSandboxedEnvironment(autoescape=True)

    def text(self, source, **values):
        return self.env.from_string(source).render(**values)


@service.post("/mails/custom")
def custom_mail(source: Annotated[str, Body(embed=True)]):
    return {"text": CustomerMail().text(source, first_name="Ada", order=17)}


# case: template_injection-47 | bad | CWE-1336 | Django template built in a try, value by percent
def invitation(request):
    guest = request.GET.get("guest") or "guest"
    try:
        page = Template("<p>Dear %s, join {{ event.name }}!</p>" % guest)
    except TemplateSyntaxError:
        return HttpResponse("bad name", status=400)
    return HttpResponse(page.render(Context({"event": {"name": "PyCamp"}, "user": request.user})))


# case: template_injection-48 | good | CWE-1336 | Django template of the settings, loop over requested names
def reminders(request):
    page = Template(settings.REMINDER_TEMPLATE)
    parts = [page.render(Context({"name": name})) for name in request.GET.getlist("name")]
    return HttpResponse("<hr>".join(parts))


# case: template_injection-49 | bad | CWE-1336 | Markup with a formatted value is still template source
@site.get("/sale")
def sale():
    ribbon = Markup("<div class='ribbon'>{text}</div>").format(text=request.args.get("text", ""))
    page = Markup("<html>{% if user %}{{ user }}{% endif %}") + ribbon + Markup("</html>")
    return render_template_string(page, user=None)


# case: template_injection-50 | good | CWE-1336 | formatted value is handed in as a variable
@site.get("/offer")
def offer():
    ribbon = Markup("<div class='ribbon'>{text}</div>").format(text=request.args.get("text", ""))
    return render_template_string("<html>{{ ribbon }}</html>", ribbon=ribbon)
