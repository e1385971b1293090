"""Labelled cases: Python code evaluated or executed by web code (tuned half)."""

import ast
import json
import math
import operator
from pathlib import Path

import redis
from django.http import HttpResponseBadRequest, JsonResponse
from fastapi import FastAPI, Header
from flask import Flask, abort, jsonify, request
from pydantic import BaseModel
from sqlmodel import Session, SQLModel, select

app = Flask(__name__)
api = FastAPI()


# case: code_injection-01 | bad | CWE-95 | Flask query argument straight into eval
@app.route("/calc")
def calculate():
    result = eval(request.args.get("expression", "0"))
    return jsonify(result=result)


# case: code_injection-02 | good | CWE-95 | Flask query argument parsed by ast.literal_eval
@app.route("/points")
def read_points():
    try:
        points = ast.literal_eval(request.args.get("points", "[]"))
    except (ValueError, SyntaxError):
        abort(400)
    return jsonify(count=len(points))


# case: code_injection-03 | bad | CWE-94 | Flask form field executed as a script
@app.route("/macros/run", methods=["POST"])
def run_macro():
    source = request.form["macro"]
    scope = {"total": 0}
    exec(source, scope)
    return jsonify(total=scope["total"])


# case: code_injection-04 | good | CWE-95 | Flask operator looked up in a dict of functions
OPERATORS = {"add": operator.add, "sub": operator.sub, "mul": operator.mul}


@app.route("/compute/<name>")
def compute(name):
    function = OPERATORS.get(name)
    if function is None:
        abort(404)
    left, right = float(request.args["left"]), float(request.args["right"])
    return jsonify(result=function(left, right))


# case: code_injection-05 | bad | CWE-95 | Flask, empty __builtins__ as the only fence
@app.route("/formula", methods=["POST"])
def formula():
    payload = request.get_json()
    names = {"sqrt": math.sqrt, "pi": math.pi}
    value = eval(payload["formula"], {"__builtins__": {}}, names)
    return jsonify(value=value)


# case: code_injection-06 | good | CWE-95 | Flask, float() and a fixed operator string go into eval
@app.route("/convert")
def convert_units():
    amount = float(request.args.get("amount", "1"))
    factor = {"km": "0.001", "mile": "0.000621371"}.get(request.args.get("unit"), "1")
    return jsonify(value=eval(f"{amount!r} * {factor}", {"inf": math.inf, "nan": math.nan}))


# case: code_injection-07 | bad | CWE-95 | Flask header through a helper that compiles it
def build_predicate(expression):
    code = compile(expression, "<filter>", "eval")
    return lambda row: eval(code, {"row": row})


@app.route("/rows")
def filtered_rows():
    rows = json.loads(Path("rows.json").read_text(encoding="utf-8"))
    keep = build_predicate(request.headers.get("X-Filter", "True"))
    return jsonify([row for row in rows if keep(row)])


# case: code_injection-08 | good | CWE-94 | Flask, exec of a settings file of the program's own
@app.route("/settings")
def show_settings():
    wanted = request.args.get("name", "")
    namespace = {}
    exec(compile(Path("/etc/shop/settings.py").read_text(encoding="utf-8"), "settings.py", "exec"), namespace)
    public = {"CURRENCY", "LANGUAGE", "TIMEZONE"}
    return jsonify({key: namespace[key] for key in public if key == wanted and key in namespace})


# case: code_injection-09 | bad | CWE-95 | Django POST value formatted into a lambda
def price_rule(request):
    rule = request.POST.get("rule", "price")
    discount = eval("lambda price: %s" % rule)
    prices = [10, 25, 40]
    return JsonResponse({"prices": [discount(price) for price in prices]})


# case: code_injection-10 | good | CWE-95 | Django body parsed as JSON
def save_layout(request):
    try:
        layout = json.loads(request.body)
    except json.JSONDecodeError:
        return HttpResponseBadRequest("layout")
    return JsonResponse({"widgets": len(layout.get("widgets", []))})


# case: code_injection-11 | bad | CWE-94 | Django template of a function filled from GET and executed
FIELD_TEMPLATE = """
def compute(record):
    return record[{field!s}]
"""


def computed_field(request):
    namespace = {}
    exec(FIELD_TEMPLATE.format(field=request.GET["field"]), namespace)
    record = {"net": 100, "tax": 20}
    return JsonResponse({"value": namespace["compute"](record)})


# case: code_injection-12 | good | CWE-95 | Django membership test before eval of a name
AGGREGATES = ("sum", "min", "max", "len")


def aggregate(request):
    name = request.GET.get("function", "sum")
    if name not in AGGREGATES:
        return HttpResponseBadRequest("function")
    values = [int(item) for item in request.GET.getlist("value")] or [0]
    return JsonResponse({"result": eval(name)(values)})


# case: code_injection-13 | bad | CWE-95 | FastAPI path parameter in eval
@api.get("/constants/{name}")
async def constant(name: str):
    try:
        value = eval(f"math.{name}")
    except AttributeError:
        return {"value": None}
    return {"value": value}


# case: code_injection-14 | good | CWE-95 | FastAPI path parameter through getattr on a checked list
@api.get("/functions/{name}")
async def math_function(name: str, x: float = 0.0):
    if name not in {"sin", "cos", "tan"}:
        return {"value": None}
    return {"value": getattr(math, name)(x)}


# case: code_injection-15 | bad | CWE-95 | FastAPI pydantic body, list of expressions in a comprehension
class Dashboard(BaseModel):
    title: str
    expressions: list[str]


@api.post("/dashboards")
def evaluate_dashboard(body: Dashboard):
    metrics = {"visits": 120, "sales": 7}
    return {"title": body.title, "values": [eval(item, {}, dict(metrics)) for item in body.expressions]}


# case: code_injection-16 | good | CWE-95 | FastAPI, SQLModel session.exec is a query and not Python's exec
class Product(SQLModel, table=True):
    sku: str
    name: str


@api.get("/products/{sku}")
def product(sku: str, session: Session):
    statement = select(Product).where(Product.sku == sku)
    return session.exec(statement).first()


# case: code_injection-17 | bad | CWE-94 | Flask, words blacklisted before exec
@app.route("/plugins", methods=["POST"])
def install_plugin():
    code = request.data.decode("utf-8")
    for word in ("import", "open", "os."):
        if word in code:
            abort(400)
    plugin = {}
    exec(code, plugin)
    return jsonify(names=[name for name in plugin if not name.startswith("_")])


# case: code_injection-18 | good | CWE-95 | Flask, variable overwritten by a constant before eval
@app.route("/probe")
def probe():
    expression = request.args.get("expression", "")
    app.logger.info("probe with %d characters", len(expression))
    expression = "6 * 7"
    return jsonify(answer=eval(expression))


# case: code_injection-19 | bad | CWE-95 | Flask cookie kept in an attribute, evaluated by a method
class Preferences:
    def __init__(self, raw):
        self.raw = raw

    def as_dict(self):
        return dict(eval(self.raw))


@app.route("/preferences")
def preferences():
    stored = Preferences(request.cookies.get("prefs", "{}"))
    return jsonify(stored.as_dict())


# case: code_injection-20 | good | CWE-95 | Flask, redis EVAL of a fixed script with the request value as an argument
COUNT_SCRIPT = "return redis.call('INCRBY', KEYS[1], ARGV[1])"


@app.route("/counter", methods=["POST"])
def counter():
    client = redis.Redis(host="cache")
    step = request.form.get("step", "1")
    return jsonify(value=client.eval(COUNT_SCRIPT, 1, "visits", step))


# case: code_injection-21 | bad | CWE-95 | FastAPI header through a dict and a conditional
@api.get("/sorted")
def sorted_items(x_sort_key: str | None = Header(default=None)):
    options = {"key": "item['name']"}
    if x_sort_key:
        options["key"] = x_sort_key
    items = [{"name": "b", "price": 2}, {"name": "a", "price": 3}]
    return sorted(items, key=lambda item: eval(options["key"], {"item": item}))


# case: code_injection-22 | good | CWE-95 | FastAPI, method named eval of the class's own rules table
class RuleBook:
    def __init__(self):
        self.rules = {"adult": lambda age: age >= 18, "senior": lambda age: age >= 65}

    def eval(self, name, age):
        rule = self.rules.get(name)
        return rule is not None and rule(age)


@api.get("/rules/{name}")
def check_rule(name: str, age: int):
    return {"matches": RuleBook().eval(name, age)}
