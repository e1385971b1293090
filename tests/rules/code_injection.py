"""Python code and module names out of a request."""

import ast
import importlib
import json

from flask import Flask, request

app = Flask(__name__)
OPERATIONS = {"sum": sum, "max": max}
PLUGINS = ["csv", "json"]


@app.post("/calculate")
def calculate():
    formula = request.form["formula"]
    # ruleid: python-code-injection
    first = eval(formula)
    # ruleid: python-code-injection
    exec("result = " + formula)
    # ruleid: python-code-injection
    second = compile(f"1 + {formula}", "formula", "eval")
    # ruleid: python-code-injection
    importlib.import_module("plugins." + formula)
    # ok: python-code-injection
    third = ast.literal_eval(formula)
    # ok: python-code-injection
    fourth = OPERATIONS[request.form["operation"]](json.loads(formula))
    # ok: python-code-injection
    fifth = eval("1 + 1")
    return [first, second, third, fourth, fifth]


@app.post("/plugin/<name>")
def plugin(name):
    if name not in PLUGINS:
        return "unknown", 404
    # ok: python-code-injection
    return importlib.import_module(name).__doc__


def from_the_operator(formula):
    # ok: python-code-injection
    return eval(formula)
