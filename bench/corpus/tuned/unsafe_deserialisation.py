"""Labelled code: bytes of a request turned back into objects (tuned half)."""

import base64
import copy
import hashlib
import hmac
import io
import json
import logging
import os
import pickle
import tempfile
from collections import OrderedDict
from pathlib import Path

import dill
import joblib
import jsonpickle
import numpy as np
import pandas as pd
import yaml
from django.core import signing
from django.http import HttpResponse, HttpResponseForbidden, JsonResponse
from fastapi import FastAPI, HTTPException, Request, UploadFile
from flask import Flask, abort, current_app, jsonify, make_response, request
from pydantic import BaseModel

app = Flask(__name__)
api = FastAPI()
log = logging.getLogger(__name__)
SIGNING_KEY = os.environ["SIGNING_KEY"].encode()


# case: unsafe_deserialisation-01 | bad | CWE-502 | Flask, pickle in a base64 cookie
@app.get("/cart")
def cart():
    stored = request.cookies.get("cart")
    if stored is None:
        return jsonify(items=[])
    items = pickle.loads(base64.b64decode(stored))
    return jsonify(items=items)


# case: unsafe_deserialisation-02 | good | CWE-502 | Flask, JSON in a base64 cookie
@app.get("/basket")
def basket():
    stored = request.cookies.get("basket")
    if stored is None:
        return jsonify(items=[])
    items = json.loads(base64.b64decode(stored))
    return jsonify(items=items)


# case: unsafe_deserialisation-03 | bad | CWE-502 | Flask, YAML upload with the full-power loader
@app.post("/pipelines")
def create_pipeline():
    upload = request.files["definition"]
    definition = yaml.load(upload.read(), Loader=yaml.Loader)
    return jsonify(name=definition["name"], stages=len(definition["stages"]))


# case: unsafe_deserialisation-04 | good | CWE-502 | Flask, YAML upload with the safe loader
@app.post("/workflows")
def create_workflow():
    upload = request.files["definition"]
    definition = yaml.load(upload.read(), Loader=yaml.SafeLoader)
    return jsonify(name=definition["name"], stages=len(definition["stages"]))


# case: unsafe_deserialisation-05 | bad | CWE-502 | Django, header value through a helper to pickle
def decode_filter(token):
    raw = base64.urlsafe_b64decode(token.encode())
    return pickle.loads(raw)


def search(request):
    token = request.headers.get("X-Filter", "")
    criteria = decode_filter(token) if token else {}
    return JsonResponse({"count": len(criteria)})


# case: unsafe_deserialisation-06 | good | CWE-502 | Django, signed value read back with Django's signer
def unsubscribe(request):
    try:
        payload = signing.loads(request.GET["token"], max_age=86400)
    except signing.BadSignature:
        return HttpResponseForbidden("the link is no longer valid")
    return JsonResponse({"address": payload["address"]})


# case: unsafe_deserialisation-07 | bad | CWE-502 | FastAPI, jsonpickle over a field of a model
class Snapshot(BaseModel):
    state: str


@api.post("/snapshots")
async def restore_snapshot(snapshot: Snapshot):
    restored = jsonpickle.decode(snapshot.state)
    return {"kind": type(restored).__name__}


# case: unsafe_deserialisation-08 | good | CWE-502 | FastAPI, JSON text validated by a model
class Preset(BaseModel):
    name: str
    values: list[float]


@api.post("/presets")
async def restore_preset(request: Request):
    preset = Preset.model_validate_json(await request.body())
    return {"name": preset.name, "mean": sum(preset.values) / max(1, len(preset.values))}


# case: unsafe_deserialisation-09 | bad | CWE-502 | Flask, numpy upload with pickled objects allowed
@app.post("/matrices")
def upload_matrix():
    upload = request.files["matrix"]
    matrix = np.load(io.BytesIO(upload.read()), allow_pickle=True)
    return jsonify(shape=list(matrix.shape))


# case: unsafe_deserialisation-10 | good | CWE-502 | Flask, numpy upload without pickled objects
@app.post("/vectors")
def upload_vector():
    upload = request.files["vector"]
    vector = np.load(io.BytesIO(upload.read()), allow_pickle=False)
    return jsonify(shape=list(vector.shape))


# case: unsafe_deserialisation-11 | bad | CWE-502 | unpickler that forbids one module only
class FilteringUnpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if module == "os":
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        return super().find_class(module, name)


@app.post("/jobs/restore")
def restore_job():
    job = FilteringUnpickler(io.BytesIO(request.get_data())).load()
    return jsonify(job=str(job))


# case: unsafe_deserialisation-12 | good | CWE-502 | unpickler that knows one harmless class and no other
class RecordUnpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed")


@app.post("/records/restore")
def restore_record():
    record = RecordUnpickler(io.BytesIO(request.get_data())).load()
    return jsonify(record=list(record))


# case: unsafe_deserialisation-13 | bad | CWE-502 | FastAPI, uploaded model saved to disk and loaded by joblib
@api.post("/models")
async def upload_model(model: UploadFile):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.joblib"
        path.write_bytes(await model.read())
        estimator = joblib.load(path)
    return {"estimator": type(estimator).__name__}


# case: unsafe_deserialisation-14 | good | CWE-502 | FastAPI, model file chosen from our own by dictionary
MODELS = {"price": "models/price.joblib", "churn": "models/churn.joblib"}


@api.get("/predict/{model}")
def predict(model: str, value: float):
    path = MODELS.get(model)
    if path is None:
        raise HTTPException(status_code=404)
    return {"prediction": joblib.load(path).predict([[value]]).tolist()}


# case: unsafe_deserialisation-15 | bad | CWE-502 | Flask, decoder chosen from a table by the content type
class Codec:
    decoders = {"application/json": json.loads, "application/x-python": pickle.loads}

    def decode(self, content_type, raw):
        return self.decoders[content_type](raw)


@app.post("/events")
def receive_event():
    event = Codec().decode(request.headers["Content-Type"], request.get_data())
    return jsonify(kind=event["kind"])


# case: unsafe_deserialisation-16 | good | CWE-502 | Flask, pickle only of what this process wrote itself
@app.post("/templates/copy")
def copy_template():
    defaults = {"title": "", "blocks": [], "theme": "plain"}
    cloned = pickle.loads(pickle.dumps(defaults))
    cloned["title"] = request.form["title"]
    return jsonify(cloned, original=copy.deepcopy(defaults))


# case: unsafe_deserialisation-17 | bad | CWE-502 | signature compared, a wrong one only logged
@app.post("/sync")
def sync():
    payload = request.get_data()
    expected = hmac.new(SIGNING_KEY, payload, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, request.headers.get("X-Signature", "")):
        log.warning("signature mismatch from %s", request.remote_addr)
    state = pickle.loads(payload)
    return jsonify(entries=len(state))


# case: unsafe_deserialisation-18 | good | CWE-502 | signature compared, a wrong one refused before the load
@app.post("/replicate")
def replicate():
    payload = request.get_data()
    expected = hmac.new(SIGNING_KEY, payload, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, request.headers.get("X-Signature", "")):
        abort(403)
    state = pickle.loads(payload)
    return jsonify(entries=len(state))


# case: unsafe_deserialisation-19 | bad | CWE-502 | FastAPI, dill over the awaited body in a try block
@api.post("/tasks")
async def submit_task(request: Request):
    try:
        task = dill.loads(await request.body())
    except dill.UnpicklingError as error:
        raise HTTPException(status_code=400) from error
    return {"task": getattr(task, "__name__", "anonymous")}


# case: unsafe_deserialisation-20 | good | CWE-502 | Flask, pickle of a file of the application's own folder
@app.get("/suggest")
def suggest():
    index_file = Path(current_app.instance_path) / "suggestions.pickle"
    with index_file.open("rb") as stream:
        index = pickle.load(stream)
    return make_response(jsonify(index.get(request.args.get("q", ""), [])))


# case: unsafe_deserialisation-21 | bad | CWE-502 | Django, uploaded data frame read as pickle
def upload_frame(request):
    upload = request.FILES["frame"]
    if Path(upload.name).suffix == ".pkl":
        frame = pd.read_pickle(upload)
    else:
        frame = pd.read_csv(upload)
    return HttpResponse(frame.to_html())


# case: unsafe_deserialisation-22 | good | CWE-502 | Django, uploaded data frame read as CSV or JSON only
def upload_table(request):
    upload = request.FILES["table"]
    readers = {".csv": pd.read_csv, ".json": pd.read_json}
    reader = readers.get(Path(upload.name).suffix)
    if reader is None:
        return HttpResponseForbidden("CSV or JSON, please")
    return HttpResponse(reader(upload).to_html())
