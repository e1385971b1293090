"""Labelled code: bytes of a request turned back into objects (opened part)."""

import ast
import functools
import hashlib
import hmac
import importlib
import io
import json
import marshal
import pickle
import plistlib
import shelve
import struct
import tempfile
import tomllib
import types
import zlib
from pathlib import Path
from pickle import Unpickler
from pickle import loads as unpack_object

import cloudpickle
import msgpack
import torch
import yaml
from django.conf import settings
from django.http import HttpResponse, HttpResponseBadRequest, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from fastapi import APIRouter, Cookie, Depends, File, Form, HTTPException, WebSocket
from flask import Blueprint, abort, current_app, request
from flask.views import MethodView
from itsdangerous import BadSignature, URLSafeSerializer
from ruamel.yaml import YAML

jobs = Blueprint("jobs", __name__)
router = APIRouter()


# case: unsafe_deserialisation-23 | bad | CWE-502 | Flask method view, aliased pickle function over a compressed upload
class BackupView(MethodView):
    def put(self):
        packed = request.files["backup"].stream.read()
        entries = unpack_object(zlib.decompress(packed))
        return {"restored": len(entries)}


# case: unsafe_deserialisation-24 | good | CWE-502 | Flask method view, JSON in a compressed upload
class ArchiveView(MethodView):
    def put(self):
        packed = request.files["archive"].stream.read()
        entries = json.loads(zlib.decompressobj().decompress(packed, 1_000_000))
        return {"restored": len(entries)}


# case: unsafe_deserialisation-25 | bad | CWE-502 | FastAPI, pickled messages over a WebSocket
@router.websocket("/updates")
async def updates(websocket: WebSocket):
    await websocket.accept()
    while True:
        frame = await websocket.receive_bytes()
        kind, payload = pickle.loads(frame)
        await websocket.send_json({"kind": str(kind), "size": len(payload)})


# case: unsafe_deserialisation-26 | good | CWE-502 | FastAPI, MessagePack over a WebSocket
@router.websocket("/changes")
async def changes(websocket: WebSocket):
    await websocket.accept()
    while True:
        frame = await websocket.receive_bytes()
        kind, payload = msgpack.unpackb(frame, raw=False)
        await websocket.send_json({"kind": str(kind), "size": len(payload)})


# case: unsafe_deserialisation-27 | bad | CWE-502 | Django class-based view, YAML that may build any object
class ManifestView(View):
    def post(self, request):
        manifests = list(yaml.load_all(request.POST["manifest"], yaml.UnsafeLoader))
        return JsonResponse({"kinds": [manifest.get("kind") for manifest in manifests]})


# case: unsafe_deserialisation-28 | good | CWE-502 | Django class-based view, safe loader with one tag of our own
class RecipeLoader(yaml.SafeLoader):
    pass


RecipeLoader.add_constructor("!upper", lambda loader, node: loader.construct_scalar(node).upper())


class RecipeView(View):
    def post(self, request):
        recipes = list(yaml.load_all(request.POST["recipe"], RecipeLoader))
        return JsonResponse({"kinds": [recipe.get("kind") for recipe in recipes]})


# case: unsafe_deserialisation-29 | bad | CWE-502 | code object of the request made into a function
@jobs.post("/rules/<name>")
def add_rule(name):
    code = marshal.loads(request.get_data())
    rule = types.FunctionType(code, {"__builtins__": {}}, name)
    return {"name": name, "result": rule(request.args)}


# case: unsafe_deserialisation-30 | good | CWE-502 | fixed record of numbers taken apart by struct
@jobs.post("/samples/<name>")
def add_sample(name):
    record = struct.Struct("<IHHd")
    if len(request.get_data()) % record.size:
        abort(400)
    samples = [value for *_, value in record.iter_unpack(request.get_data())]
    return {"name": name, "highest": max(samples, default=None)}


# case: unsafe_deserialisation-31 | bad | CWE-502 | type looked at after the object was built
def load_mapping(stream):
    content = Unpickler(stream, fix_imports=False).load()
    if not isinstance(content, dict):
        raise TypeError("a mapping, please")
    return content


@jobs.post("/options")
def options():
    try:
        return {"names": sorted(load_mapping(io.BytesIO(request.get_data())))}
    except TypeError:
        return {"error": "not a mapping"}, 400


# case: unsafe_deserialisation-32 | good | CWE-502 | Python literals read without building objects
def load_literal(text):
    content = ast.literal_eval(text)
    if not isinstance(content, dict):
        raise TypeError("a mapping, please")
    return content


@jobs.post("/choices")
def choices():
    try:
        return {"names": sorted(load_literal(request.get_data(as_text=True)))}
    except (TypeError, ValueError, SyntaxError):
        return {"error": "not a mapping"}, 400


# case: unsafe_deserialisation-33 | bad | CWE-502 | FastAPI, uploaded network read with all of pickle
@router.post("/networks")
def load_network(network: bytes = File()):
    with tempfile.NamedTemporaryFile(suffix=".pt") as stored:
        stored.write(network)
        stored.flush()
        weights = torch.load(stored.name, map_location="cpu", weights_only=False)
    return {"layers": len(weights)}


# case: unsafe_deserialisation-34 | good | CWE-502 | FastAPI, uploaded network read as weights and nothing else
@router.post("/weights")
def load_weights(weights: bytes = File()):
    state = torch.load(io.BytesIO(weights), map_location="cpu", weights_only=True)
    return {"layers": len(state)}


# case: unsafe_deserialisation-35 | bad | CWE-502 | JSON that names the class to import and its arguments
def revive(mapping):
    if "$type" not in mapping:
        return mapping
    module, _, name = mapping.pop("$type").rpartition(".")
    return getattr(importlib.import_module(module), name)(**mapping)


@jobs.post("/schedule")
def schedule():
    plan = json.loads(request.data, object_hook=revive)
    return {"plan": repr(plan)}


# case: unsafe_deserialisation-36 | good | CWE-502 | JSON that names one of two classes of ours
class Daily(types.SimpleNamespace):
    pass


class Weekly(types.SimpleNamespace):
    pass


KINDS = {"daily": Daily, "weekly": Weekly}


@jobs.post("/calendar")
def calendar():
    plan = json.loads(request.data)
    kind = KINDS.get(plan.get("kind"))
    if kind is None:
        abort(400)
    return {"plan": repr(kind(hour=int(plan["hour"]), minute=int(plan["minute"])))}


# case: unsafe_deserialisation-37 | bad | CWE-502 | uploaded file opened as a shelf
def import_shelf(request):
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "import.db")
        with target.open("wb") as stream:
            stream.writelines(request.FILES["shelf"].chunks())
        with shelve.open(str(target), flag="r") as shelf:
            names = [str(value) for value in shelf.values()]
    return JsonResponse({"names": names})


# case: unsafe_deserialisation-38 | good | CWE-502 | shelf of the application, the request only gives the key
def look_up(request):
    with shelve.open(settings.GLOSSARY_PATH, flag="r") as shelf:
        meaning = shelf.get(request.GET.get("word", ""))
    if meaning is None:
        return HttpResponse(status=404)
    return JsonResponse({"meaning": meaning})


# case: unsafe_deserialisation-39 | bad | CWE-502 | FastAPI, first bytes checked, the rest is pickle all the same
def saved_search(search: str = Cookie(default="")):
    raw = bytes.fromhex(search)
    if not raw.startswith(b"\x80\x04"):
        raise HTTPException(status_code=400)
    return cloudpickle.loads(raw)


@router.get("/searches")
async def searches(saved=Depends(saved_search)):
    return {"words": list(saved)}


# case: unsafe_deserialisation-40 | good | CWE-502 | FastAPI, value signed by the application, JSON inside
def stored_search(search: str = Cookie(default="")):
    try:
        return URLSafeSerializer(current_key(), salt="search").loads(search)
    except BadSignature as error:
        raise HTTPException(status_code=400) from error


def current_key():
    return Path("/run/secrets/search_key").read_text().strip()


@router.get("/finds")
async def finds(saved=Depends(stored_search)):
    return {"words": list(saved)}


# case: unsafe_deserialisation-41 | bad | CWE-502 | built-in names allowed to the unpickler, eval and exec among them
class BuiltinsUnpickler(Unpickler):
    def find_class(self, module, name):
        if module.startswith("builtins"):
            return getattr(importlib.import_module(module), name)
        raise pickle.UnpicklingError(name)


@jobs.patch("/draft")
def patch_draft():
    changes = {key: BuiltinsUnpickler(io.BytesIO(bytes.fromhex(text))).load() for key, text in request.json.items()}
    return {"changed": sorted(changes)}


# case: unsafe_deserialisation-42 | good | CWE-502 | decorator refuses a body without a right signature, then pickle
def signed_body(view):
    @functools.wraps(view)
    def wrapper(request, *args, **kwargs):
        mac = hmac.digest(settings.WORKER_KEY, request.body, hashlib.sha256)
        if not hmac.compare_digest(mac.hex().encode(), request.headers.get("X-Mac", "").encode()):
            return HttpResponseBadRequest("signature")
        return view(request, *args, **kwargs)

    return wrapper


@method_decorator(signed_body, name="dispatch")
class WorkerView(View):
    def post(self, request):
        result = pickle.loads(request.body)
        return JsonResponse({"state": result["state"]})


# case: unsafe_deserialisation-43 | bad | CWE-502 | FastAPI, ruamel with the type that builds objects
@router.post("/compose")
async def compose(text: str = Form()):
    reader = YAML(typ="unsafe")
    services = reader.load(text)["services"]
    return {"services": sorted(services)}


# case: unsafe_deserialisation-44 | good | CWE-502 | Flask, reader of the format by dictionary, none of them builds objects
@jobs.post("/import/<kind>")
def import_settings(kind):
    readers = {
        "toml": lambda raw: tomllib.loads(raw.decode()),
        "yaml": YAML(typ="safe").load,
        "yml": yaml.safe_load,
        "plist": plistlib.loads,
    }
    if kind not in readers:
        abort(415)
    current_app.logger.info("import of %s", kind)
    return {"keys": sorted(readers[kind](request.get_data()))}
