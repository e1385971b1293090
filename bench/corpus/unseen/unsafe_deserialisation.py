import base64
import hashlib
import hmac
import io
import json
import os
import pickle
import socketserver
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dill
import joblib
import jsonpickle
import msgpack
import numpy as np
import pandas as pd
import torch
import yaml
from django.core import signing
from django.core.cache import cache
from django.http import HttpResponseBadRequest, JsonResponse
from django.views import View
from django.views.decorators.http import require_POST
from fastapi import Depends, FastAPI, File, Header, HTTPException, UploadFile, WebSocket
from flask import Flask, abort, jsonify, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic import BaseModel, ValidationError

app = Flask(__name__)
api = FastAPI()

MODEL_DIR = Path(__file__).parent / "models"


# case: unsafe_deserialisation-101 | bad | CWE-502 | uploaded YAML with unsafe_load (Django)
@require_POST
def import_fixtures(request):
    upload = request.FILES["fixtures"]
    documents = yaml.unsafe_load(upload.read().decode("utf-8"))
    return JsonResponse({"count": len(documents)})


# case: unsafe_deserialisation-102 | good | CWE-502 | packaged checkpoint, weights only (FastAPI)
def load_weights(name="encoder.pt"):
    return torch.load(MODEL_DIR / name, map_location="cpu", weights_only=True)


@api.get("/encoder/layers")
def encoder_layers(prefix: str = ""):
    return [key for key in load_weights() if key.startswith(prefix)]


# case: unsafe_deserialisation-103 | bad | CWE-502 | uploaded checkpoint with full unpickling (FastAPI)
@api.post("/checkpoints")
async def upload_checkpoint(file: UploadFile):
    buffer = io.BytesIO(await file.read())
    state = torch.load(buffer, map_location="cpu", weights_only=False)
    total = sum(tensor.numel() for tensor in state.values())
    return {"parameters": total}


# case: unsafe_deserialisation-104 | good | CWE-502 | websocket frames as msgpack (FastAPI)
async def unpacked(socket):
    while True:
        frame = await socket.receive_bytes()
        yield msgpack.unpackb(frame, raw=False, strict_map_key=True)


@api.websocket("/sensors")
async def sensor_channel(socket: WebSocket):
    await socket.accept()
    async for message in unpacked(socket):
        await socket.send_json({"ack": message["id"]})


# case: unsafe_deserialisation-105 | good | CWE-502 | JSON instead of pickle for the request body
@app.post("/tasks")
def submit_task():
    try:
        task = json.loads(request.data)
    except json.JSONDecodeError:
        abort(400)
    return jsonify(name=task["name"], body=base64.b64encode(pickle.dumps(task)).decode())


# case: unsafe_deserialisation-106 | bad | CWE-502 | uploaded estimator loaded with joblib
@app.post("/models/score")
def score_model():
    upload = request.files["model"]
    path = os.path.join("/tmp", os.urandom(8).hex() + ".joblib")
    upload.save(path)
    model = joblib.load(path)
    return jsonify(params=str(model.get_params()))


# case: unsafe_deserialisation-107 | bad | CWE-502 | digest sent along by the client is the only check (Django)
@require_POST
def import_state(request):
    blob = base64.b64decode(request.POST["state"])
    digest = hashlib.sha256(blob).hexdigest()
    if not hmac.compare_digest(digest, request.POST.get("sha256", "")):
        return HttpResponseBadRequest("checksum mismatch")
    state = pickle.loads(blob)
    cache.set("state", state)
    return JsonResponse({"keys": sorted(state)})


# case: unsafe_deserialisation-108 | good | CWE-502 | dependency validates a header as a model (FastAPI)
class ClientState(BaseModel):
    user: str = ""
    page: int = 1


def client_state(x_state: str = Header("{}")):
    try:
        return ClientState.model_validate_json(x_state)
    except ValidationError:
        raise HTTPException(status_code=400)


@api.get("/me/page")
def my_page(state: ClientState = Depends(client_state)):
    return {"page": state.page}


# case: unsafe_deserialisation-109 | bad | CWE-502 | numpy archive with objects allowed
@app.post("/arrays/mean")
def array_mean():
    buffer = io.BytesIO(request.files["array"].read())
    archive = np.load(buffer, allow_pickle=True)
    means = {key: float(np.mean(archive[key])) for key in archive.files}
    return jsonify(means=means)


# case: unsafe_deserialisation-110 | good | CWE-502 | HMAC with the server key checked before unpickling (Django)
@require_POST
def import_snapshot(request):
    key = os.environ["SNAPSHOT_KEY"].encode()
    blob = base64.b64decode(request.POST["snapshot"])
    expected = hmac.new(key, blob, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, request.POST.get("signature", "")):
        return HttpResponseBadRequest("signature mismatch")
    snapshot = pickle.loads(blob)
    return JsonResponse({"keys": sorted(snapshot)})


# case: unsafe_deserialisation-111 | bad | CWE-502 | decoder chosen by the caller from a table
class Codec:
    decoders = {"json": json.loads, "pickle": pickle.loads, "msgpack": msgpack.unpackb}

    def decode(self, kind, blob):
        return self.decoders[kind](blob)


@app.post("/events")
def post_event():
    event = Codec().decode(request.args.get("format", "json"), request.get_data())
    return jsonify(type=event.get("type"))


# case: unsafe_deserialisation-112 | good | CWE-502 | YAML body read with safe_load
@app.put("/workflows/<name>")
def put_workflow(name):
    spec = yaml.safe_load(request.get_data())
    if not isinstance(spec, dict):
        abort(400)
    return jsonify(name=name, steps=[step["run"] for step in spec.get("steps", [])])


# case: unsafe_deserialisation-113 | good | CWE-502 | unpickler with an allow-list of plain classes
class PlainUnpickler(pickle.Unpickler):
    allowed = {("datetime", "date"): date, ("builtins", "set"): set}

    def find_class(self, module, name):
        try:
            return self.allowed[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not permitted") from None


@app.post("/plans")
def post_plan():
    plan = PlainUnpickler(io.BytesIO(request.get_data())).load()
    return jsonify(entries=len(plan))


# case: unsafe_deserialisation-114 | good | CWE-502 | packaged estimator, features from the request
@app.post("/models/predict")
def predict_price():
    model = joblib.load(MODEL_DIR / "price.joblib")
    features = [float(request.form["area"]), int(request.form["rooms"])]
    return jsonify(price=float(model.predict([features])[0]))


# case: unsafe_deserialisation-115 | good | CWE-502 | uploaded table as CSV, pickled for the own process (FastAPI)
@api.post("/tables")
def upload_table(file: UploadFile = File(...)):
    frame = pd.read_csv(file.file, nrows=10000)
    snapshot = pickle.dumps(frame)
    copy = pickle.loads(snapshot)
    copy.columns = [str(c).lower() for c in copy.columns]
    return {"rows": len(copy), "columns": list(copy.columns)}


# case: unsafe_deserialisation-116 | good | CWE-502 | numpy archive without objects
@app.post("/arrays/shape")
def array_shape():
    buffer = io.BytesIO(request.files["array"].read())
    try:
        array = np.load(buffer, allow_pickle=False)
    except ValueError:
        abort(400)
    return jsonify(shape=list(array.shape))


# case: unsafe_deserialisation-117 | good | CWE-502 | decoder table with data-only formats
class Reader:
    readers = {"json": json.loads, "yaml": yaml.safe_load, "msgpack": msgpack.unpackb}

    def read(self, kind, blob):
        reader = self.readers.get(kind)
        if reader is None:
            abort(415)
        return reader(blob)


@app.post("/metrics")
def post_metric():
    metric = Reader().read(request.args.get("format", "json"), request.get_data())
    return jsonify(name=metric.get("name"))


# case: unsafe_deserialisation-118 | bad | CWE-502 | TCP handler unpickles from the connection
class RecordHandler(socketserver.StreamRequestHandler):
    def handle(self):
        size = int.from_bytes(self.rfile.read(4), "big")
        record = pickle.loads(self.rfile.read(size))
        self.wfile.write(record["name"].encode())


def serve_records():
    with socketserver.TCPServer(("0.0.0.0", 9020), RecordHandler) as server:
        server.serve_forever()


# case: unsafe_deserialisation-119 | bad | CWE-502 | unpickler that refuses only a few modules
class FilteringUnpickler(pickle.Unpickler):
    refused = {"os", "subprocess", "sys"}

    def find_class(self, module, name):
        if module in self.refused:
            raise pickle.UnpicklingError(module)
        return super().find_class(module, name)


@app.post("/graphs")
def post_graph():
    graph = FilteringUnpickler(io.BytesIO(request.get_data())).load()
    return jsonify(nodes=len(graph))


# case: unsafe_deserialisation-120 | bad | CWE-502 | cookie decoded and unpickled
@app.route("/cart")
def show_cart():
    raw = request.cookies.get("cart")
    items = []
    if raw:
        items = pickle.loads(base64.urlsafe_b64decode(raw))
    return jsonify(items=items)


# case: unsafe_deserialisation-121 | bad | CWE-502 | jsonpickle on a form field
@app.post("/drafts/restore")
def restore_draft():
    blob = request.form["draft"]
    draft = jsonpickle.decode(blob)
    title = getattr(draft, "title", "untitled")
    return jsonify(title=title)


# case: unsafe_deserialisation-122 | good | CWE-502 | cookie carries signed JSON
@app.route("/basket")
def show_basket():
    serializer = URLSafeTimedSerializer(os.environ["BASKET_KEY"], salt="basket")
    try:
        items = serializer.loads(request.cookies.get("basket", ""), max_age=86400)
    except BadSignature:
        items = []
    return jsonify(items=items)


# case: unsafe_deserialisation-123 | bad | CWE-502 | uploaded data frame pickle (FastAPI)
@api.post("/frames")
def upload_frame(file: UploadFile = File(...)):
    frame = pd.read_pickle(file.file, compression=None)
    return {"rows": len(frame), "columns": list(map(str, frame.columns))}


# case: unsafe_deserialisation-124 | good | CWE-502 | dataclass built from JSON fields
@dataclass
class Draft:
    title: str
    body: str = ""

    @classmethod
    def from_json(cls, blob):
        data = json.loads(blob)
        return cls(title=str(data["title"])[:200], body=str(data.get("body", "")))


@app.post("/drafts/load")
def load_draft():
    return jsonify(title=Draft.from_json(request.form["draft"]).title)


# case: unsafe_deserialisation-125 | bad | CWE-502 | dependency decodes a header (FastAPI)
def session_state(x_state: str = Header("")):
    if not x_state:
        return {}
    try:
        return pickle.loads(base64.b64decode(x_state))
    except pickle.UnpicklingError:
        raise HTTPException(status_code=400)


@api.get("/me")
def me(state: dict = Depends(session_state)):
    return {"user": state.get("user")}


# case: unsafe_deserialisation-126 | good | CWE-502 | TOML upload of a project file (FastAPI)
@api.post("/projects/metadata")
async def project_metadata(file: UploadFile):
    try:
        document = tomllib.loads((await file.read()).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise HTTPException(status_code=422)
    return {"name": document.get("project", {}).get("name")}


# case: unsafe_deserialisation-127 | bad | CWE-502 | YAML body read with the full Python loader
@app.put("/pipelines/<name>")
def put_pipeline(name):
    spec = yaml.load(request.get_data(), Loader=yaml.Loader)
    steps = [step["run"] for step in spec.get("steps", [])]
    return jsonify(name=name, steps=steps)


# case: unsafe_deserialisation-128 | bad | CWE-502 | pickle.loads of the request body
@app.post("/jobs")
def submit_job():
    job = pickle.loads(request.data)
    return jsonify(name=job["name"])


# case: unsafe_deserialisation-129 | bad | CWE-502 | websocket frames are unpickled (FastAPI)
async def incoming(socket):
    while True:
        frame = await socket.receive_bytes()
        yield pickle.loads(frame)


@api.websocket("/workers")
async def worker_channel(socket: WebSocket):
    await socket.accept()
    async for message in incoming(socket):
        await socket.send_json({"ack": message["id"]})


# case: unsafe_deserialisation-130 | good | CWE-502 | subclass of SafeLoader with one more tag (Django)
class FixtureLoader(yaml.SafeLoader):
    pass


FixtureLoader.add_constructor("!date", lambda loader, node: date.fromisoformat(loader.construct_scalar(node)))


@require_POST
def import_calendar(request):
    documents = list(yaml.load_all(request.FILES["calendar"].read(), Loader=FixtureLoader))
    return JsonResponse({"count": len(documents)})


# case: unsafe_deserialisation-131 | bad | CWE-502 | class based view hands the body to dill (Django)
class FunctionRegistry(View):
    functions = {}

    def load(self, payload):
        return dill.loads(payload)

    def put(self, request, name):
        self.functions[name] = self.load(request.body)
        return JsonResponse({"registered": name})


# case: unsafe_deserialisation-132 | good | CWE-502 | signed value of the signing module (Django)
class UnsubscribeView(View):
    def get(self, request):
        try:
            data = signing.loads(request.GET.get("token", ""), salt="newsletter", max_age=7 * 86400)
        except signing.BadSignature:
            return HttpResponseBadRequest("invalid link")
        return JsonResponse({"address": data["address"]})
