"""Corpus, tuned half: path traversal."""

import io
import os
import re
import shutil
import uuid
import zipfile
from enum import Enum
from pathlib import Path
from urllib.parse import unquote

from django.conf import settings
from django.http import FileResponse, Http404, HttpResponse, JsonResponse
from django.utils._os import safe_join as django_safe_join
from django.views import View
from fastapi import APIRouter, FastAPI, HTTPException, UploadFile
from fastapi.responses import FileResponse as ApiFileResponse
from flask import Flask, Response, abort, current_app, jsonify, request, send_file, send_from_directory, session
from pydantic import BaseModel
from werkzeug.utils import safe_join, secure_filename

app = Flask(__name__)
api = FastAPI()
router = APIRouter(prefix="/v1")

REPORTS = "/srv/portal/reports"
UPLOADS = Path("/srv/portal/uploads")

# case: path_traversal-01 | bad | CWE-22 | query value joined to a directory and opened
@app.get("/reports/view")
def view_report():
    name = request.args.get("name", "latest.txt")
    path = os.path.join(REPORTS, name)
    with open(path, encoding="utf-8") as handle:
        return Response(handle.read(), mimetype="text/plain")


# case: path_traversal-02 | good | CWE-22 | secure_filename before the join
@app.get("/reports/text")
def report_text():
    name = secure_filename(request.args.get("name", "latest.txt"))
    if not name:
        abort(400)
    with open(os.path.join(REPORTS, name), encoding="utf-8") as handle:
        return Response(handle.read(), mimetype="text/plain")


# case: path_traversal-03 | bad | CWE-22 | path converter inside an f-string to send_file
@app.route("/assets/<path:asset>")
def asset_file(asset):
    return send_file(f"/srv/portal/assets/{asset}", conditional=True)


# case: path_traversal-04 | good | CWE-22 | send_from_directory does the joining
@app.route("/media/<path:asset>")
def media_file(asset):
    return send_from_directory("/srv/portal/media", asset, conditional=True)


# case: path_traversal-05 | bad | CWE-22 | client's file name of an upload used for saving
@app.post("/avatar")
def save_avatar():
    upload = request.files["avatar"]
    target = UPLOADS / upload.filename
    upload.save(target)
    return jsonify(saved=target.name), 201


# case: path_traversal-06 | good | CWE-22 | stored under a random name with a listed extension
@app.post("/banner")
def save_banner():
    upload = request.files["banner"]
    suffix = os.path.splitext(upload.filename or "")[1].lower()
    if suffix not in {".png", ".jpg", ".webp"}:
        abort(415)
    target = UPLOADS / f"{uuid.uuid4().hex}{suffix}"
    upload.save(target)
    return jsonify(saved=target.name), 201


# case: path_traversal-07 | bad | CWE-22 | Django view, FileResponse on a joined query value
def download_invoice(request):
    filename = request.GET["file"]
    full_path = os.path.join(settings.MEDIA_ROOT, "invoices", filename)
    if not os.path.exists(full_path):
        raise Http404(filename)
    return FileResponse(open(full_path, "rb"), as_attachment=True)


# case: path_traversal-08 | good | CWE-22 | Django view, number converted with int
def download_statement(request):
    try:
        number = int(request.GET["number"])
    except (KeyError, ValueError):
        raise Http404("no such statement") from None
    full_path = os.path.join(settings.MEDIA_ROOT, "statements", f"{number}.pdf")
    return FileResponse(open(full_path, "rb"), as_attachment=True)


# case: path_traversal-09 | bad | CWE-22 | FastAPI path parameter that takes slashes
@api.get("/manuals/{manual:path}")
async def get_manual(manual: str):
    location = "%s/%s" % ("/srv/portal/manuals", manual)
    if not os.path.isfile(location):
        raise HTTPException(status_code=404)
    return ApiFileResponse(location)


# case: path_traversal-10 | good | CWE-22 | FastAPI, resolve and is_relative_to
@api.get("/guides/{guide:path}")
async def get_guide(guide: str):
    base = Path("/srv/portal/guides").resolve()
    location = (base / guide).resolve()
    if not location.is_relative_to(base) or not location.is_file():
        raise HTTPException(status_code=404)
    return ApiFileResponse(location)


# case: path_traversal-11 | bad | CWE-22 | one pass of replace on the dots
@app.get("/snippets")
def snippet():
    name = request.args["name"].replace("../", "")
    with open("/srv/portal/snippets/" + name, encoding="utf-8") as handle:
        return jsonify(body=handle.read())


# case: path_traversal-12 | good | CWE-22 | name must match a strict expression in full
@app.get("/fragments")
def fragment():
    name = request.args["name"]
    if not re.fullmatch(r"[a-z0-9_-]{1,40}", name):
        abort(404)
    with open("/srv/portal/fragments/" + name + ".txt", encoding="utf-8") as handle:
        return jsonify(body=handle.read())


# case: path_traversal-13 | bad | CWE-22 | prefix check on a directory without its separator
@app.get("/home/file")
def home_file():
    home = f"/srv/homes/{int(session['uid'])}"
    wanted = os.path.abspath(os.path.join(home, request.args["path"]))
    if not wanted.startswith(home):
        abort(403)
    return send_file(wanted)


# case: path_traversal-14 | good | CWE-22 | realpath compared with commonpath
@app.get("/home/note")
def home_note():
    home = os.path.realpath(f"/srv/homes/{int(session['uid'])}")
    wanted = os.path.realpath(os.path.join(home, request.args["path"]))
    if os.path.commonpath([home, wanted]) != home:
        abort(403)
    return send_file(wanted)


# case: path_traversal-15 | bad | CWE-22 | through a helper function that reads
def load_letter(letter_name):
    letter = Path(settings.BASE_DIR) / "letters" / letter_name
    return letter.read_text(encoding="utf-8")


def preview_letter(request):
    return HttpResponse(load_letter(request.POST.get("letter")), content_type="text/plain")


# case: path_traversal-16 | good | CWE-22 | Django's own safe_join raises on escape
def preview_notice(request):
    location = django_safe_join(settings.MEDIA_ROOT, request.POST["notice"])
    with open(location, encoding="utf-8") as handle:
        return HttpResponse(handle.read(), content_type="text/plain")


# case: path_traversal-17 | bad | CWE-22 | JSON list of names packed into an archive in a loop
class BundleOrder(BaseModel):
    title: str
    files: list[str]


@router.post("/bundles")
def make_bundle(order: BundleOrder):
    with zipfile.ZipFile("/tmp/bundle.zip", "w") as archive:
        for entry in order.files:
            archive.write(os.path.join(REPORTS, entry), arcname=os.path.basename(entry))
    return ApiFileResponse("/tmp/bundle.zip", filename="bundle.zip")


# case: path_traversal-18 | good | CWE-22 | enum parameter picks the file
class Quarter(str, Enum):
    Q1 = "q1"
    Q2 = "q2"
    Q3 = "q3"
    Q4 = "q4"


@router.get("/quarters")
def quarter_report(quarter: Quarter):
    return ApiFileResponse(os.path.join(REPORTS, f"{quarter.value}.pdf"))


# case: path_traversal-19 | bad | CWE-22 | root in an attribute, key from a JSON body, file removed
class BlobStore:
    def __init__(self, root):
        self.root = root

    def remove(self, key):
        os.remove(os.path.join(self.root, key))


blobs = BlobStore("/srv/portal/blobs")


@app.delete("/blobs")
def delete_blob():
    payload = request.get_json()
    blobs.remove(payload["key"])
    return "", 204


# case: path_traversal-20 | good | CWE-22 | werkzeug safe_join, None means not found
class DocumentStore:
    def __init__(self, root):
        self.root = root

    def remove(self, key):
        location = safe_join(self.root, key)
        if location is None:
            abort(404)
        os.remove(location)


documents = DocumentStore("/srv/portal/documents")


@app.delete("/documents")
def delete_document():
    documents.remove(request.get_json()["key"])
    return "", 204


# case: path_traversal-21 | bad | CWE-22 | archive members written under their own names
@app.post("/themes")
def install_theme():
    data = io.BytesIO(request.files["theme"].read())
    with zipfile.ZipFile(data) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            out = os.path.join("/srv/portal/themes", info.filename)
            os.makedirs(os.path.dirname(out), exist_ok=True)
            with archive.open(info) as source, open(out, "wb") as sink:
                shutil.copyfileobj(source, sink)
    return jsonify(installed=True)


# case: path_traversal-22 | good | CWE-22 | file chosen from a dict of known forms
FORMS = {"w9": "tax/w9.pdf", "claim": "insurance/claim.pdf", "leave": "hr/leave.pdf"}


@app.get("/forms")
def blank_form():
    relative = FORMS.get(request.args.get("form", ""))
    if relative is None:
        abort(404)
    return send_file(os.path.join("/srv/portal/forms", relative))


# case: path_traversal-23 | bad | CWE-22 | dots looked for before the value is decoded once more
class AttachmentView(View):
    def get(self, request):
        raw = request.headers.get("X-Attachment", "")
        if ".." in raw or raw.startswith("/"):
            return JsonResponse({"error": "refused"}, status=400)
        attachment = unquote(raw)
        with open(os.path.join(settings.MEDIA_ROOT, attachment), "rb") as handle:
            return HttpResponse(handle.read(), content_type="application/octet-stream")


# case: path_traversal-24 | good | CWE-22 | path from configuration, request only chooses the format
@app.get("/terms")
def terms():
    path = current_app.config["TERMS_FILE"]
    with open(path, encoding="utf-8") as handle:
        body = handle.read()
    if request.args.get("format") == "json":
        return jsonify(terms=body)
    return Response(body, mimetype="text/plain")


# case: path_traversal-25 | bad | CWE-22 | upload stored under the client's name, FastAPI
@api.post("/scans")
async def store_scan(scan: UploadFile):
    destination = f"/srv/portal/scans/{scan.filename}"
    with open(destination, "wb") as out:
        shutil.copyfileobj(scan.file, out)
    return {"stored": scan.filename}


# case: path_traversal-26 | good | CWE-22 | typed UUID path parameter
@api.get("/scans/{scan_id}")
async def fetch_scan(scan_id: uuid.UUID):
    return ApiFileResponse(f"/srv/portal/scans/{scan_id}.tiff")
