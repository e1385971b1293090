"""A blueprint within a blueprint."""

from flask import Blueprint

cart = Blueprint("cart", __name__)
lines = Blueprint("lines", __name__, url_prefix="/lines")


@lines.delete("/<uuid:line>")
def remove(line):
    return str(line)


@cart.post("/cart/")
def add():
    return "added"


cart.register_blueprint(lines)
