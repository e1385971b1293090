"""Deserialisers that can build any object, and those that cannot."""

import base64
import json
import pickle

import yaml
from flask import Flask, request
from itsdangerous import URLSafeSerializer

app = Flask(__name__)


@app.post("/restore")
def restore():
    # ruleid: python-unsafe-deserialisation
    one = pickle.loads(request.get_data())
    cart = base64.b64decode(request.cookies.get("cart", ""))
    # ruleid: python-unsafe-deserialisation, python-unsafe-unpickling
    two = pickle.loads(cart)
    # ruleid: python-unsafe-deserialisation
    three = pickle.load(request.files["cart"])
    # ruleid: python-unsafe-deserialisation, python-unsafe-yaml-load
    four = yaml.load(request.data, Loader=yaml.UnsafeLoader)
    # ruleid: python-unsafe-deserialisation, python-unsafe-yaml-load
    five = yaml.load(request.data, yaml.Loader)
    # ruleid: python-unsafe-deserialisation, python-unsafe-yaml-load
    six = yaml.unsafe_load(request.form["settings"])
    # ok: python-unsafe-deserialisation
    seven = yaml.safe_load(request.data)
    # ok: python-unsafe-deserialisation
    eight = yaml.load(request.data, Loader=yaml.SafeLoader)
    # ok: python-unsafe-deserialisation
    nine = json.loads(request.data)
    # ok: python-unsafe-deserialisation
    ten = URLSafeSerializer(app.secret_key).loads(request.cookies["cart"])
    return {"all": [one, two, three, four, five, six, seven, eight, nine, ten]}


def from_our_own_cache(path):
    with open(path, "rb") as cache:
        # ok: python-unsafe-deserialisation
        return pickle.load(cache)
