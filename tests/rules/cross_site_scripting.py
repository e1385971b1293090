"""Request data in HTML, and the ways that escape it or send something else."""

import html
import json

from django.http import HttpResponse
from django.utils.safestring import mark_safe
from flask import Flask, Response, jsonify, make_response, render_template, request
from markupsafe import Markup, escape

from shop.models import User
from shop.planets import add_missing

app = Flask(__name__)


@app.route("/plain")
def plain():
    # ruleid: python-cross-site-scripting
    return request.args.get("name", "")


@app.route("/format")
def formatted():
    name = request.args.get("name")
    page = "<h1>Hello {}</h1>".format(name.strip())
    # ruleid: python-cross-site-scripting
    return page


@app.route("/list")
def joined():
    lines = []
    for name in request.args.getlist("name"):
        lines.append("<li>" + name)
    # ruleid: python-cross-site-scripting
    return "".join(lines)


@app.route("/status/<name>")
def with_a_status(name):
    # ruleid: python-cross-site-scripting
    return f"{name} is unknown", 404


@app.route("/response")
def response():
    # ruleid: python-cross-site-scripting
    return make_response("<p>%s</p>" % request.form["name"], 200)


@app.route("/markup")
def markup():
    name = request.args.get("name")
    # ruleid: python-cross-site-scripting
    greeting = Markup(f"<b>{name}</b>")
    # ok: python-cross-site-scripting
    return render_template("greeting.html", greeting=greeting)


@app.route("/html")
def said_to_be_html():
    # ruleid: python-cross-site-scripting
    return Response(f"<p>{request.args['name']}</p>", mimetype="text/html")


@app.route("/escaped")
def escaped():
    # ok: python-cross-site-scripting
    return f"<p>{escape(request.args['name'])}</p>"


@app.route("/escaped-too")
def escaped_too():
    name = html.escape(request.args["name"])
    # ok: python-cross-site-scripting
    return "<p>" + name + "</p>"


@app.route("/template")
def template():
    # ok: python-cross-site-scripting
    return render_template("page.html", name=request.args["name"])


@app.route("/markup-format")
def markup_format():
    # ok: python-cross-site-scripting
    greeting = Markup("<b>{}</b>").format(request.args["name"])
    # ok: python-cross-site-scripting
    return greeting


@app.route("/json")
def as_json():
    name = request.args["name"]
    if not name:
        # ok: python-cross-site-scripting
        return jsonify(message=f"no {name}"), 400
    if name == "dictionary":
        # ok: python-cross-site-scripting
        return {"name": name}
    answer = {"name": name}
    # ok: python-cross-site-scripting
    return answer, 200


@app.route("/text")
def as_text():
    # ok: python-cross-site-scripting
    return Response(request.args["name"], mimetype="text/plain")


@app.route("/text-later")
def as_text_later():
    answer = make_response(request.args["name"])
    answer.headers["Content-Type"] = "text/plain"
    # ok: python-cross-site-scripting
    return answer


@app.route("/text-tuple")
def as_text_tuple():
    # ok: python-cross-site-scripting
    return request.args["name"], 200, {"Content-Type": "text/plain"}


@app.route("/header")
def in_a_header():
    answer = make_response("done")
    answer.headers["X-Name"] = request.args["name"]
    # ok: python-cross-site-scripting
    return answer


@app.route("/number/<int:number>")
def number(number):
    # ok: python-cross-site-scripting
    return f"<p>{number} and {int(request.args['other'])}</p>"


@app.route("/stored/<name>")
def stored(name):
    user = User.query.filter_by(name=name).first()
    # ok: python-cross-site-scripting
    return f"<p>{user.age}</p>"


@app.post("/handed-on")
def handed_on():
    # ok: python-cross-site-scripting
    return add_missing(request.get_json(force=True))


def helper(name):
    # ok: python-cross-site-scripting
    return f"<p>{name}</p>"


def django_view(request):
    if request.method == "POST":
        # ruleid: python-cross-site-scripting
        return HttpResponse("<p>" + request.POST["name"])
    if request.GET.get("how") == "json":
        # ok: python-cross-site-scripting
        return HttpResponse(json.dumps(request.GET["name"]), content_type="application/json")
    # ruleid: python-cross-site-scripting
    return mark_safe(request.GET["name"])
