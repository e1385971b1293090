"""Templates made of request data, and templates that are given request data."""

import jinja2
from flask import Flask, render_template, render_template_string, request

app = Flask(__name__)
PAGE = "<h1>Hello {{ name }}</h1>"


@app.route("/hello")
def hello():
    name = request.args.get("name", "you")
    # ruleid: python-template-injection
    one = render_template_string("<h1>Hello %s</h1>" % name)
    page = f"<h1>Hello {name}</h1>"
    # ruleid: python-template-injection
    two = render_template_string(page)
    # ruleid: python-template-injection
    three = jinja2.Template("Hello " + name).render()
    # ruleid: python-template-injection
    four = jinja2.Environment(autoescape=True).from_string(name).render()
    # ok: python-template-injection
    five = render_template_string(PAGE, name=name)
    # ok: python-template-injection
    six = jinja2.Template("Hello {{ name }}").render(name=name)
    # ok: python-template-injection
    seven = render_template("hello.html", name=name)
    return {"all": [one, two, three, four, five, six, seven]}


@app.errorhandler(404)
def unknown(_error):
    # ruleid: python-template-injection
    return render_template_string("<p>%s is not here</p>" % request.url), 404
