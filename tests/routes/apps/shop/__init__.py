"""A shop in Flask: a factory, nested blueprints, classes of views, rules without decorators, converters."""

from flask import Flask

from shop import admin, cart
from shop.items import items

VERSION = "v1"


def create_app():
    app = Flask(__name__)
    for part in (items, cart.cart):
        app.register_blueprint(part, url_prefix=f"/api/{VERSION}")
    admin.plug_into(app)

    @app.route("/")
    def home():
        return "shop"

    app.add_url_rule("/about", "about", view_func=about, methods=["GET", "POST"])
    return app


def about():
    return "a shop"
