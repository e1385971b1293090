"""Items: decorators of all kinds, converters, two rules for one function."""

from flask import Blueprint, request
from flask.views import MethodView, View

from . import helpers

items = Blueprint("items", __name__, url_prefix="/replaced")


@items.get("/items")
@items.route("/things", methods=("GET", "post"))
def list_items():
    return helpers.find(request.args["q"])


@items.route("/items/<int:number>")
def item(number):
    return str(number)


@items.route("/items/new")
def new_item():
    return "new"


@items.get("/files/<path:name>")
def file(name):
    return name


class Reviews(MethodView):
    def get(self, number):
        return str(number)

    def post(self, number):
        return str(number), 201


class Report(View):
    methods = ["PUT"]

    def dispatch_request(self):
        return "report"


items.add_url_rule("/items/<int:number>/reviews", view_func=Reviews.as_view("reviews"))
items.add_url_rule("/report", view_func=Report.as_view("report"))
