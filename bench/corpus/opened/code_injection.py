"""Labelled cases: Python code evaluated or executed by web code (opened part)."""

import ast
import asyncio
import code
import importlib
import re
import runpy
import tempfile
import timeit
from decimal import Decimal, InvalidOperation
from functools import reduce
from string import Template
from typing import Annotated, Any

import sympy
import torch
from django.http import JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.http import require_POST
from fastapi import APIRouter, Body, Depends, Request, UploadFile
from flask import Blueprint, jsonify, request
from flask.views import MethodView
from pydantic import BaseModel

bp = Blueprint("sheets", __name__)
router = APIRouter()
CELLS: dict[str, float] = {"a1": 3.0, "b1": 4.0}


# case: code_injection-23 | bad | CWE-94 | Flask MethodView, uploaded script executed
class ScriptView(MethodView):
    def post(self):
        uploaded = request.files["script"]
        env: dict[str, Any] = {"cells": dict(CELLS)}
        exec(uploaded.stream.read(), env)
        return jsonify(env["cells"])


# case: code_injection-24 | good | CWE-94 | Flask MethodView, uploaded script parsed and never run
class OutlineView(MethodView):
    def post(self):
        tree = ast.parse(request.files["script"].read(), mode="exec")
        names = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        return jsonify(functions=names)


# case: code_injection-25 | bad | CWE-94 | Flask, statement from the query handed to timeit
@bp.get("/benchmark")
def benchmark():
    stmt = request.args.get("stmt", "pass")
    return jsonify(seconds=timeit.timeit(stmt, setup="import math", number=1000))


# case: code_injection-26 | good | CWE-94 | Flask, timeit of a fixed statement with a number from the query
@bp.get("/benchmark/sort")
def benchmark_sort():
    rounds = min(int(request.args.get("rounds", "10")), 100)
    return jsonify(seconds=timeit.timeit("sorted(data)", setup="data = list(range(500))[::-1]", number=rounds))


# case: code_injection-27 | bad | CWE-95 | Django class-based view, syntax check and then eval of the raw text
class CellView(View):
    def post(self, request):
        source = request.POST.get("formula", "").lstrip("=")
        try:
            ast.parse(source, mode="eval")
        except SyntaxError as error:
            return JsonResponse({"error": error.msg}, status=400)
        return JsonResponse({"value": eval(source, dict(CELLS))})


# case: code_injection-28 | good | CWE-95 | Django class-based view, tree checked node by node before it is compiled
ARITHMETIC = (ast.Expression, ast.BinOp, ast.Constant, ast.Add, ast.Sub, ast.Load)


class SumView(View):
    def post(self, request):
        try:
            tree = ast.parse(request.POST.get("sum", "0")[:200], mode="eval")
        except SyntaxError:
            return JsonResponse({"error": "sum"}, status=400)
        if not all(isinstance(node, ARITHMETIC) for node in ast.walk(tree)):
            return JsonResponse({"error": "sum"}, status=400)
        return JsonResponse({"value": str(eval(compile(tree, "<sum>", "eval"), {"__builtins__": {}}))})


# case: code_injection-29 | bad | CWE-95 | FastAPI, sympify evaluates the text it is given
@router.get("/derivative")
def derivative(f: str, by: str = "x"):
    expression = sympy.sympify(f)
    return {"derivative": str(sympy.diff(expression, sympy.Symbol(by)))}


# case: code_injection-30 | good | CWE-95 | FastAPI, coefficients become Decimal values
@router.get("/polynomial")
def polynomial(coefficients: str, x: str = "1"):
    try:
        values = [Decimal(part) for part in coefficients.split(",")]
        point = Decimal(x)
    except InvalidOperation:
        return {"value": None}
    return {"value": str(reduce(lambda total, c: total * point + c, values, Decimal(0)))}


# case: code_injection-31 | bad | CWE-94 | Flask, interactive interpreter fed from JSON lines
@bp.post("/shell")
def shell():
    session = code.InteractiveInterpreter({"cells": CELLS})
    answers = []
    for line in request.get_json(silent=True) or []:
        answers.append(session.runsource(line, "<web>", "single"))
    return jsonify(answers)


# case: code_injection-32 | good | CWE-94 | Flask, module name looked up in a dict before it is imported
EXPORTERS = {"csv": "sheets.export.as_csv", "ods": "sheets.export.as_ods"}


@bp.get("/export/<kind>")
def export(kind):
    try:
        module = importlib.import_module(EXPORTERS[kind])
    except KeyError:
        return jsonify(error="kind"), 404
    return module.render(CELLS)


# case: code_injection-33 | bad | CWE-95 | Flask, expression checked by re.match, which stops early
@bp.get("/quick")
def quick():
    if (text := request.args.get("q", "")) and re.match(r"[\d.]+\s*[-+*/]", text):
        answer = eval(text)
    else:
        answer = None
    return jsonify(answer=answer)


# case: code_injection-34 | good | CWE-95 | Flask, expression checked as a whole by re.fullmatch
@bp.get("/quick/sum")
def quick_sum():
    text = request.args.get("q", "")
    if not re.fullmatch(r"[1-9][0-9]{0,8}( [-+] [1-9][0-9]{0,8}){0,20}", text):
        return jsonify(error="q"), 400
    return jsonify(answer=eval(text))


# case: code_injection-35 | bad | CWE-95 | Flask, eval mapped over repeated arguments
@bp.get("/range")
def cell_range():
    low, high = map(eval, request.args.getlist("bound")[:2])
    return jsonify({name: value for name, value in CELLS.items() if low <= value <= high})


# case: code_injection-36 | good | CWE-95 | Flask, float mapped over repeated arguments
@bp.get("/range/numbers")
def number_range():
    low, high = map(float, request.args.getlist("bound")[:2])
    return jsonify({name: value for name, value in CELLS.items() if low <= value <= high})


# case: code_injection-37 | bad | CWE-95 | Django, length and printability are the only checks
@require_POST
def conditional_format(request):
    condition = request.POST["condition"]
    if len(condition) > 120 or not condition.isprintable():
        return JsonResponse({"error": "condition"}, status=400)
    marked = []
    for name, value in CELLS.items():
        if eval(condition, {"value": value, "name": name}):
            marked.append(name)
    return JsonResponse({"marked": marked})


# case: code_injection-38 | good | CWE-95 | Django, eval of a neural network is a mode switch
@method_decorator(require_POST, name="dispatch")
class ForecastView(View):
    network = torch.nn.Linear(2, 1)

    def post(self, request):
        row = [float(request.POST["a"]), float(request.POST["b"])]
        self.network.eval()
        with torch.no_grad():
            return JsonResponse({"forecast": self.network(torch.tensor(row)).item()})


# case: code_injection-39 | bad | CWE-94 | FastAPI pydantic steps become lines of one script
class Step(BaseModel):
    target: str
    formula: str


class Sheet(BaseModel):
    steps: list[Step]


@router.post("/sheets/run")
async def run_sheet(sheet: Sheet):
    script = "\n".join(f"cells[{step.target!r}] = {step.formula}" for step in sheet.steps)
    cells = dict(CELLS)
    exec(compile(script, "<sheet>", "exec"), {"cells": cells})
    return cells


# case: code_injection-40 | good | CWE-94 | FastAPI, text put into a string.Template and only returned
class Letter(BaseModel):
    recipient: str
    body: str


@router.post("/letters")
async def letter(data: Letter):
    filled = Template("Dear $recipient,\n\n$body\n").safe_substitute(data.model_dump())
    return {"letter": filled, "lines": filled.count("\n")}


# case: code_injection-41 | bad | CWE-95 | FastAPI, eval as a callable in a worker thread
def expression_of(req: Request) -> str:
    return req.headers.get("x-expression") or req.cookies.get("expression", "0")


@router.get("/background")
async def background(expression: Annotated[str, Depends(expression_of)]):
    return {"value": await asyncio.to_thread(eval, expression)}


# case: code_injection-42 | good | CWE-95 | FastAPI, request flag chooses between constant expressions
@router.post("/selfcheck")
async def selfcheck(deep: Annotated[bool, Body(embed=True)] = False):
    expression = "sum(range(100000))" if deep else "sum(range(10))"
    return {"value": eval(expression)}


# case: code_injection-43 | bad | CWE-94 | FastAPI upload written to a file and run by runpy
@router.post("/extensions")
async def extension(file: UploadFile):
    with tempfile.NamedTemporaryFile(suffix=".py") as target:
        target.write(await file.read())
        target.flush()
        names = runpy.run_path(target.name)
    return {"names": sorted(name for name in names if name.isidentifier())}


# case: code_injection-44 | good | CWE-94 | Flask, runpy of a task from a fixed set
@bp.post("/tasks/<task>")
def run_task(task):
    for known in ("cleanup", "reindex", "digest"):
        if task == known:
            runpy.run_module("sheets.tasks." + known, run_name="__main__")
            return jsonify(done=known)
    return jsonify(error="task"), 404
