import ast
import builtins
import code
import contextlib
import enum
import importlib
import io
import json
import math
import operator
import os
import re
import string
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
import redis
import torch
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBadRequest, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from fastapi import Body, Depends, FastAPI, HTTPException, Query, UploadFile
from flask import Flask, abort, current_app, jsonify, request, session
from pydantic import BaseModel
from sympy import sympify

app = Flask(__name__)
api = FastAPI()
store = redis.Redis(host="cache")
SALES = pd.DataFrame({"region": ["n", "s"], "amount": [10, 20], "year": [2023, 2024]})


# case: code_injection-101 | good | CWE-95 | literal_eval of a filter value
@app.route("/points", methods=["POST"])
def add_points():
    try:
        points = ast.literal_eval(request.form["points"])
    except (ValueError, SyntaxError):
        abort(400)
    return jsonify(count=len(points))


# case: code_injection-102 | bad | CWE-95 | eval of a query parameter
@app.route("/calc")
def calc():
    expression = request.args.get("expr", "0")
    return jsonify(result=eval(expression))


# case: code_injection-103 | bad | CWE-94 | exec of the posted script
@app.route("/console", methods=["POST"])
def console():
    source = request.get_json()["source"]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(source, {"np": np, "pd": pd})
    return jsonify(output=out.getvalue())


# case: code_injection-104 | bad | CWE-95 | eval with emptied builtins
@app.route("/formula", methods=["POST"])
def formula():
    body = request.get_json()
    names = {"__builtins__": {}, "sqrt": math.sqrt, "pi": math.pi}
    try:
        value = eval(body["formula"], names, {"x": float(body["x"])})
    except Exception as exc:
        return jsonify(error=str(exc)), 422
    return jsonify(value=value)


# case: code_injection-105 | good | CWE-95 | operators in a dict
OPERATIONS = {"add": operator.add, "sub": operator.sub, "mul": operator.mul, "pow": math.pow}


@app.route("/math/<op>")
def math_op(op):
    fn = OPERATIONS.get(op)
    if fn is None:
        abort(404)
    a = request.args.get("a", 0, type=float)
    b = request.args.get("b", 0, type=float)
    return jsonify(result=fn(a, b))


# case: code_injection-106 | good | CWE-95 | expression tree walked by hand
NODES = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def walk(node):
    if isinstance(node, ast.Expression):
        return walk(node.body)
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in NODES:
        return NODES[type(node.op)](walk(node.left), walk(node.right))
    raise ValueError("unsupported expression")


@app.route("/price/eval")
def price_eval():
    return jsonify(price=walk(ast.parse(request.args["expr"], mode="eval")))


# case: code_injection-107 | bad | CWE-95 | eval in a Django filter builder
@login_required
def report_rows(request):
    condition = request.GET.get("where", "True")
    rows = SALES.to_dict("records")
    kept = [row for row in rows if eval(condition, {}, row)]
    return JsonResponse({"rows": kept})


# case: code_injection-108 | good | CWE-95 | field and operator by allow-list
COMPARE = {"eq": operator.eq, "lt": operator.lt, "gt": operator.gt}


@login_required
def sales_rows(request):
    column, op = request.GET.get("column"), request.GET.get("op", "eq")
    if column not in SALES.columns or op not in COMPARE:
        return HttpResponseBadRequest("unknown filter")
    wanted = SALES[column].dtype.type(request.GET["value"])
    kept = SALES[COMPARE[op](SALES[column], wanted)]
    return JsonResponse({"rows": kept.to_dict("records")})


# case: code_injection-109 | bad | CWE-94 | compiled code of a pydantic model
class Transform(BaseModel):
    name: str
    code: str


@api.post("/transforms/run")
def run_transform(transform: Transform):
    scope = {"frame": SALES.copy()}
    compiled = compile(transform.code, f"<{transform.name}>", "exec")
    exec(compiled, scope)
    return scope["frame"].to_dict("records")


# case: code_injection-110 | good | CWE-94 | submitted code is only parsed
@api.post("/snippets/check")
def check_snippet(source: Annotated[str, Body(embed=True, max_length=20000)]):
    try:
        tree = compile(source, "<snippet>", "exec", flags=ast.PyCF_ONLY_AST)
    except SyntaxError as exc:
        return {"ok": False, "line": exc.lineno, "message": exc.msg}
    functions = [n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    return {"ok": True, "functions": functions}


# case: code_injection-111 | bad | CWE-95 | denylist of words before eval
FORBIDDEN = ("import", "open", "exec", "os.")


@app.route("/rules/test", methods=["POST"])
def test_rule():
    rule = request.form["rule"]
    if any(word in rule for word in FORBIDDEN):
        abort(400, "forbidden word")
    order = {"total": 120, "items": 3, "country": "SE"}
    return jsonify(matches=bool(eval(rule, None, order)))


# case: code_injection-112 | bad | CWE-95 | value interpolated into evaluated text
def cast_value(kind, raw):
    return eval(f"{kind}('{raw}')")


@app.route("/config/<key>", methods=["PUT"])
def put_config(key):
    body = request.get_json()
    store.hset("config", key, json.dumps(cast_value("int", body["value"])))
    return "", 204


# case: code_injection-113 | good | CWE-95 | casts in a dict
CASTS = {"int": int, "float": float, "decimal": lambda v: str(Decimal(v)), "str": str}


@app.route("/options/<key>", methods=["PUT"])
def put_option(key):
    body = request.get_json()
    cast = CASTS.get(body.get("kind"), str)
    store.hset("options", key, json.dumps(cast(body["value"])))
    return "", 204


# case: code_injection-114 | good | CWE-95 | integers formatted into evaluated text
@app.route("/dice")
def roll_dice():
    count = int(request.args.get("count", 1))
    sides = int(request.args.get("sides", 6))
    highest = eval(f"{count} * {sides}")
    return jsonify(lowest=count, highest=highest)


# case: code_injection-115 | bad | CWE-94 | name of a builtin taken from the path
@api.get("/apply/{name}")
def apply_builtin(name: str, value: str):
    fn = getattr(builtins, name, None)
    if not callable(fn):
        raise HTTPException(404)
    return {"result": str(fn(value))}


# case: code_injection-116 | good | CWE-94 | getattr limited by a Literal
@api.get("/text/{name}")
def apply_text(name: Literal["upper", "lower", "title", "strip"], value: str):
    method = getattr(value, name)
    return {"result": method()}


# case: code_injection-117 | bad | CWE-94 | uploaded plugin is executed
@app.route("/plugins", methods=["POST"])
def upload_plugin():
    upload = request.files["plugin"]
    namespace = {"__name__": "plugin"}
    exec(compile(upload.read(), upload.filename, "exec"), namespace)
    hooks = sorted(k for k, v in namespace.items() if callable(v))
    current_app.extensions.setdefault("plugins", {})[upload.filename] = namespace
    return jsonify(hooks=hooks), 201


# case: code_injection-118 | good | CWE-94 | module from a fixed table
EXPORTERS = {"csv": "shop.exporters.csv_file", "xlsx": "shop.exporters.excel", "json": "shop.exporters.json_file"}


@app.route("/export/<fmt>")
def export_orders(fmt):
    if fmt not in EXPORTERS:
        abort(404)
    module = importlib.import_module(EXPORTERS[fmt])
    return module.export(session["shop_id"])


# case: code_injection-119 | good | CWE-94 | server script is a constant and takes the values as arguments
RATE_SCRIPT = """
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return n
"""


@app.before_request
def rate_limit():
    who = request.headers.get("X-Api-Client", request.remote_addr)
    if store.eval(RATE_SCRIPT, 1, f"rate:{who}", 60) > 100:
        abort(429)


# case: code_injection-120 | bad | CWE-95 | class keeps the expression and evaluates it later
class ComputedColumn:
    def __init__(self, name, expression):
        self.name = name
        self.expression = expression

    def value(self, row):
        return eval(self.expression, {"round": round}, dict(row))


class ComputedReport(View):
    def post(self, request):
        spec = json.loads(request.body)
        columns = [ComputedColumn(c["name"], c["expression"]) for c in spec["columns"]]
        rows = [{c.name: c.value(row) for c in columns} for row in SALES.to_dict("records")]
        return JsonResponse({"rows": rows})


# case: code_injection-121 | good | CWE-95 | expressions are module constants
METRICS = {"total": "amount * 1.25", "net": "amount - fee", "double": "amount * 2"}


class MetricReport(View):
    def get(self, request, metric):
        expression = METRICS.get(metric)
        if expression is None:
            return HttpResponseBadRequest("unknown metric")
        rows = [eval(expression, {}, {"amount": int(a), "fee": 5}) for a in SALES["amount"]]
        return JsonResponse({"rows": rows})


# case: code_injection-122 | bad | CWE-95 | pandas query with the python engine
@api.get("/sales/query")
def query_sales(filter: str = Query("amount > 0"), limit: int = 100):
    frame = SALES.query(filter, engine="python")
    return frame.head(limit).to_dict("records")


# case: code_injection-123 | good | CWE-95 | pandas query with a local variable
@api.get("/sales/min")
def sales_minimum(minimum: int = 0, region: str | None = None):
    frame = SALES.query("amount >= @minimum")
    if region is not None:
        frame = frame[frame["region"] == region]
    return frame.to_dict("records")


# case: code_injection-124 | bad | CWE-95 | symbolic parser that evaluates
@app.route("/derive")
def derive():
    text = request.args.get("f", "x**2")
    variable = request.args.get("var", "x")
    expression = sympify(text)
    return jsonify(f=str(expression), derivative=str(expression.diff(variable)))


# case: code_injection-125 | good | CWE-95 | numbers of a polynomial
@app.route("/poly")
def poly_derivative():
    coefficients = [float(c) for c in request.args.get("c", "1,0,0").split(",")]
    derived = np.polyder(np.poly1d(coefficients))
    return jsonify(c=derived.coeffs.tolist())


# case: code_injection-126 | bad | CWE-94 | interpreter fed with lines of the body
def run_cell(request):
    interpreter = code.InteractiveInterpreter({"settings": settings})
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        for line in request.POST.get("cell", "").splitlines():
            interpreter.runsource(line)
    return HttpResponse(out.getvalue(), content_type="text/plain")


# case: code_injection-127 | good | CWE-94 | method named eval of a model
class Classifier:
    def __init__(self, path):
        self.net = torch.jit.load(path)
        self.net.eval()

    def __call__(self, values):
        with torch.no_grad():
            return self.net(torch.tensor([values])).argmax().item()


def classify(request):
    try:
        values = [float(v) for v in json.loads(request.body)["values"]]
    except (KeyError, TypeError, ValueError):
        return HttpResponseBadRequest("values expected")
    return JsonResponse({"label": Classifier(settings.MODEL_PATH)(values)})


# case: code_injection-128 | bad | CWE-94 | function text generated from posted names
def build_getter(fields):
    lines = ["def getter(row):", "    return {"]
    for name in fields:
        lines.append(f"        '{name}': row['{name}'],")
    lines.append("    }")
    scope = {}
    exec("\n".join(lines), scope)
    return scope["getter"]


@app.route("/sales/columns", methods=["POST"])
def sales_columns():
    getter = build_getter(request.get_json()["fields"])
    return jsonify([getter(row) for row in SALES.to_dict("records")])


# case: code_injection-129 | good | CWE-94 | generated function text with checked identifiers
def build_row_class(names):
    for name in names:
        if not re.fullmatch(r"[a-z][a-z_]{0,30}", name):
            raise ValueError(name)
    source = "class Row:\n    __slots__ = (" + "".join(f"'{n}', " for n in names) + ")\n"
    scope = {}
    exec(source, scope)
    return scope["Row"]


@app.route("/sales/shape", methods=["POST"])
def sales_shape():
    try:
        row_class = build_row_class(request.get_json()["names"])
    except ValueError:
        abort(400)
    return jsonify(slots=list(row_class.__slots__))


# case: code_injection-130 | bad | CWE-95 | dependency evaluates the sort key
def sort_key(key: str = "row['amount']"):
    return eval("lambda row: " + key)


@api.get("/sales/sorted")
def sorted_sales(key=Depends(sort_key), reverse: bool = False):
    return sorted(SALES.to_dict("records"), key=key, reverse=reverse)


# case: code_injection-131 | bad | CWE-95 | stored cookie value evaluated in a Django view
class CartView(View):
    def items(self):
        raw = self.request.COOKIES.get("cart") or "[]"
        if len(raw) > 4096:
            return []
        return eval(raw)

    def get(self, request):
        items = self.items()
        return JsonResponse({"count": len(items), "items": list(items)})


# case: code_injection-132 | good | CWE-94 | dependency chooses the handler by enum
class Aggregate(str, enum.Enum):
    total = "sum"
    average = "mean"
    biggest = "max"


def aggregate_of(how: Aggregate = Aggregate.total):
    return getattr(SALES["amount"], how.value)


@api.get("/sales/aggregate")
def aggregate_sales(aggregate=Depends(aggregate_of)):
    return {"value": float(aggregate())}
