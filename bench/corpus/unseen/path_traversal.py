"""File handling in web applications: downloads, uploads, archives, log viewers, themes."""
import io
import json
import mimetypes
import os
import shutil
import tarfile
import uuid
import zipfile
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.http import FileResponse as DjangoFileResponse
from django.http import Http404, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.urls import path as url_path
from django.views import View
from fastapi import Depends, FastAPI, HTTPException, Query, UploadFile
from fastapi.responses import FileResponse, PlainTextResponse
from flask import Flask, abort, jsonify, request, send_file, send_from_directory
from flask.views import MethodView
from pydantic import BaseModel, Field
from werkzeug.utils import safe_join, secure_filename

app = Flask(__name__)
api = FastAPI()
urlpatterns = []

DATA_DIR = "/srv/portal/data"
UPLOAD_DIR = Path("/srv/portal/uploads")


# case: path_traversal-101 | bad | CWE-22 | query argument joined to a directory and opened
@app.route("/manuals")
def show_manual():
    manual = request.args.get("file", "index.txt")
    with open(os.path.join(DATA_DIR, "manuals", manual)) as fh:
        return fh.read(), 200, {"Content-Type": "text/plain"}


# case: path_traversal-102 | good | CWE-22 | send_from_directory with a path converter
@app.route("/media/<path:asset>")
def media_asset(asset):
    return send_from_directory(os.path.join(DATA_DIR, "media"), asset)


# case: path_traversal-103 | good | CWE-22 | upload name through secure_filename
@app.route("/profile/picture", methods=["POST"])
def upload_picture():
    picture = request.files.get("picture")
    if picture is None or picture.filename == "":
        return jsonify(error="no file"), 400
    name = secure_filename(picture.filename)
    if not name:
        return jsonify(error="bad name"), 400
    picture.save(os.path.join(UPLOAD_DIR, name))
    return jsonify(stored=name), 201


# case: path_traversal-104 | bad | CWE-22 | client's file name kept for the upload
@app.route("/tickets/<int:ticket_id>/attachments", methods=["POST"])
def attach_file(ticket_id):
    target_dir = UPLOAD_DIR / str(ticket_id)
    target_dir.mkdir(parents=True, exist_ok=True)
    saved = []
    for upload in request.files.getlist("attachments"):
        if not upload.filename:
            continue
        destination = os.path.join(target_dir, upload.filename)
        upload.save(destination)
        saved.append(upload.filename)
    return jsonify(ticket=ticket_id, files=saved)


# case: path_traversal-105 | good | CWE-22 | resolve and is_relative_to before the response
@api.get("/exports/download")
def download_export(name: str):
    root = Path("/srv/portal/exports").resolve()
    candidate = (root / name).resolve()
    if not candidate.is_relative_to(root) or not candidate.is_file():
        raise HTTPException(status_code=404, detail="no such export")
    return FileResponse(candidate, filename=candidate.name)


# case: path_traversal-106 | bad | CWE-22 | Django GET parameter under MEDIA_ROOT
def invoice_document(request):
    doc = request.GET.get("doc")
    if not doc:
        return HttpResponseBadRequest("doc is required")
    full_path = os.path.join(settings.MEDIA_ROOT, "invoices", doc)
    return DjangoFileResponse(open(full_path, "rb"), as_attachment=True)


# case: path_traversal-107 | good | CWE-22 | dictionary from form name to file
FORM_FILES = {
    "w9": "forms/w9-2024.pdf",
    "leave": "forms/leave-request.pdf",
    "expense": "forms/expense-claim.pdf",
}


def hr_form(request):
    relative = FORM_FILES.get(request.GET.get("form", ""))
    if relative is None:
        raise Http404("unknown form")
    return DjangoFileResponse(open(os.path.join(settings.BASE_DIR, relative), "rb"))


# case: path_traversal-108 | bad | CWE-22 | FastAPI query parameter in an f-string path
@api.get("/backups")
async def fetch_backup(filename: str):
    return FileResponse(f"/var/backups/portal/{filename}", media_type="application/octet-stream")


# case: path_traversal-109 | bad | CWE-22 | prefix test on a path that is not normalised
@app.route("/wiki/raw")
def wiki_raw():
    wiki_root = "/srv/portal/wiki/"
    page_path = os.path.join(wiki_root, request.args["page"])
    if not page_path.startswith(wiki_root):
        abort(403)
    with open(page_path, encoding="utf-8") as fh:
        text = fh.read()
    return jsonify(page=request.args["page"], text=text)


# case: path_traversal-110 | good | CWE-22 | integer converter in the file name
@app.route("/statements/<int:year>/<int:month>")
def monthly_statement(year, month):
    pdf = f"{DATA_DIR}/statements/{year:04d}-{month:02d}.pdf"
    if not os.path.isfile(pdf):
        abort(404)
    return send_file(pdf, mimetype="application/pdf")


# case: path_traversal-111 | bad | CWE-22 | zip members of an upload written under their own names
@app.route("/import/bundle", methods=["POST"])
def import_bundle():
    archive = zipfile.ZipFile(io.BytesIO(request.files["bundle"].read()))
    dest = os.path.join(DATA_DIR, "bundles")
    count = 0
    for info in archive.infolist():
        if info.is_dir():
            continue
        out_path = os.path.join(dest, info.filename)
        os.makedirs(os.path.dirname(out_path), exist_ok=True)
        with open(out_path, "wb") as out:
            out.write(archive.read(info))
        count += 1
    return jsonify(imported=count)


# case: path_traversal-112 | good | CWE-22 | tar upload extracted with the data filter
@app.route("/import/dataset", methods=["POST"])
def import_dataset():
    workdir = UPLOAD_DIR / uuid.uuid4().hex
    workdir.mkdir()
    with tarfile.open(fileobj=request.files["dataset"].stream, mode="r:gz") as tar:
        tar.extractall(workdir, filter="data")
    return jsonify(dataset=workdir.name, entries=len(list(workdir.iterdir())))


# case: path_traversal-113 | good | CWE-22 | Literal values only
@api.get("/docs/{lang}/terms")
async def terms_of_service(lang: Literal["en", "de", "fr", "it"]):
    return FileResponse(f"/srv/portal/legal/terms-{lang}.html")


# case: path_traversal-114 | bad | CWE-22 | method view removes a file named in the JSON body
class DraftApi(MethodView):
    root = Path(DATA_DIR) / "drafts"

    def delete(self):
        body = request.get_json()
        draft = self.root / body["name"]
        if draft.exists():
            os.remove(draft)
            return "", 204
        return jsonify(error="not found"), 404


app.add_url_rule("/drafts", view_func=DraftApi.as_view("drafts"))


# case: path_traversal-115 | good | CWE-22 | realpath and commonpath in a helper
def locate_snippet(relative):
    base = os.path.realpath(os.path.join(DATA_DIR, "snippets"))
    full = os.path.realpath(os.path.join(base, relative))
    if os.path.commonpath([base, full]) != base:
        raise ValueError(f"outside of the snippet folder: {relative!r}")
    return full


@app.route("/snippets")
def show_snippet():
    try:
        location = locate_snippet(request.args.get("path", ""))
    except ValueError:
        abort(400)
    return send_file(location, mimetype="text/plain")


# case: path_traversal-116 | bad | CWE-22 | storage class reads whatever key the view hands on
class BlobStore:
    def __init__(self, root):
        self.root = root

    def _location(self, key):
        return "%s/%s" % (self.root, key)

    def read(self, key):
        with open(self._location(key), "rb") as blob:
            return blob.read()


def get_blob(request):
    store = BlobStore(settings.BLOB_ROOT)
    data = store.read(request.GET["key"])
    return HttpResponse(data, content_type="application/octet-stream")


# case: path_traversal-117 | good | CWE-22 | Django uuid converter builds the file name
def signed_contract(request, contract_id: uuid.UUID):
    location = Path(settings.MEDIA_ROOT) / "contracts" / f"{contract_id}.pdf"
    if not location.exists():
        raise Http404
    return DjangoFileResponse(location.open("rb"), content_type="application/pdf")


urlpatterns.append(url_path("contracts/<uuid:contract_id>/", signed_contract))


# case: path_traversal-118 | bad | CWE-22 | pydantic field used as part of a path
class RenderJob(BaseModel):
    layout: str
    title: str = "Untitled"


@api.post("/render")
def render_layout(job: RenderJob):
    layout_dir = Path("/srv/portal/layouts")
    source = layout_dir.joinpath(job.layout).read_text(encoding="utf-8")
    return {"title": job.title, "source": source}


# case: path_traversal-119 | good | CWE-22 | pydantic field held to a pattern
class PresetRequest(BaseModel):
    preset: str = Field(pattern=r"^[a-z0-9_-]{1,40}$")


@api.post("/presets/load")
def load_preset(body: PresetRequest):
    preset_file = Path("/srv/portal/presets") / f"{body.preset}.json"
    if not preset_file.exists():
        raise HTTPException(404)
    return json.loads(preset_file.read_text())


# case: path_traversal-120 | bad | CWE-22 | class based Django view with a path converter
class PackageFileView(View):
    storage_root = "/srv/portal/packages"

    def get(self, request, *args, **kwargs):
        target = os.path.join(self.storage_root, self.kwargs["relpath"])
        ctype, _ = mimetypes.guess_type(target)
        with open(target, "rb") as fh:
            return HttpResponse(fh.read(), content_type=ctype or "application/octet-stream")


urlpatterns.append(url_path("packages/<path:relpath>", PackageFileView.as_view()))


# case: path_traversal-121 | good | CWE-22 | Django FileSystemStorage opens the file
def shared_file(request):
    storage = FileSystemStorage(location="/srv/portal/shared")
    name = request.GET.get("name", "")
    if not name or not storage.exists(name):
        raise Http404("no such file")
    return DjangoFileResponse(storage.open(name, "rb"), as_attachment=True)


# case: path_traversal-122 | bad | CWE-22 | dot-dot test made before the second decoding
@app.route("/gallery/image")
def gallery_image():
    img = request.args.get("img", "")
    if ".." in img or img.startswith("/"):
        abort(400)
    img = unquote(img)
    return send_file(os.path.join("/srv/portal/gallery", img))


# case: path_traversal-123 | good | CWE-22 | name must be in the directory listing
def view_report(request):
    report_dir = os.path.join(DATA_DIR, "reports")
    wanted = request.GET.get("name", "")
    if wanted not in os.listdir(report_dir):
        raise Http404("no such report")
    with open(os.path.join(report_dir, wanted)) as fh:
        return JsonResponse({"report": wanted, "body": fh.read()})


# case: path_traversal-124 | bad | CWE-22 | folder from the form beside a cleaned file name
@app.route("/library/upload", methods=["POST"])
def library_upload():
    doc = request.files["document"]
    folder = request.form.get("folder", "inbox")
    filename = secure_filename(doc.filename)
    target = os.path.join(DATA_DIR, "library", folder)
    os.makedirs(target, exist_ok=True)
    doc.save(os.path.join(target, filename))
    return jsonify(folder=folder, file=filename), 201


# case: path_traversal-125 | good | CWE-22 | basename of the query argument
@app.route("/logs/tail")
def tail_log():
    log_name = os.path.basename(request.args.get("log", "app.log"))
    with open(os.path.join("/var/log/portal", log_name), errors="replace") as fh:
        lines = fh.readlines()[-200:]
    return jsonify(log=log_name, lines=lines)


# case: path_traversal-126 | bad | CWE-22 | FastAPI dependency builds the path
def log_location(service: str = Query("web"), file: str = Query("current.log")) -> Path:
    return Path("/var/log/portal") / service / file


@api.get("/ops/logs")
def read_service_log(location: Path = Depends(log_location)):
    with location.open() as fh:
        return PlainTextResponse(fh.read())


# case: path_traversal-127 | good | CWE-22 | upload stored under a generated name
@api.post("/evidence")
async def store_evidence(file: UploadFile):
    suffix = ".png" if file.content_type == "image/png" else ".bin"
    destination = UPLOAD_DIR / f"{uuid.uuid4()}{suffix}"
    with destination.open("wb") as out:
        shutil.copyfileobj(file.file, out)
    return {"stored": destination.name, "original": file.filename}


# case: path_traversal-128 | bad | CWE-22 | FastAPI upload written under the client's name
@api.post("/firmware")
async def upload_firmware(image: UploadFile):
    content = await image.read()
    if len(content) > 32 * 1024 * 1024:
        raise HTTPException(status_code=413)
    destination = UPLOAD_DIR / "firmware" / image.filename
    destination.write_bytes(content)
    return {"size": len(content), "path": str(destination)}


# case: path_traversal-129 | good | CWE-22 | enum chosen by the query
class ChartKind(str, Enum):
    sales = "sales"
    churn = "churn"
    margin = "margin"


@app.route("/charts")
def chart_image():
    try:
        kind = ChartKind(request.args.get("kind", "sales"))
    except ValueError:
        return jsonify(error="unknown chart"), 400
    return send_file(os.path.join(DATA_DIR, "charts", kind.value + ".png"))


# case: path_traversal-130 | bad | CWE-22 | Django helper moves a file to a posted destination
def relocate(source, folder, label):
    destination = os.path.join(settings.MEDIA_ROOT, folder, label)
    shutil.move(source, destination)
    return destination


def archive_scan(request):
    scan = request.FILES["scan"]
    moved = relocate(scan.temporary_file_path(), "scans", request.POST["label"])
    return JsonResponse({"stored": os.path.basename(moved)})


# case: path_traversal-131 | bad | CWE-22 | dataclass carries the path from the request to the reader
@dataclass
class TranslationQuery:
    locale: str
    bundle: str

    @classmethod
    def from_args(cls, args):
        return cls(locale=args.get("locale", "en"), bundle=args.get("bundle", "messages.json"))

    @property
    def location(self):
        return os.path.join(DATA_DIR, "i18n", self.locale, self.bundle)


@app.route("/i18n")
def translations():
    query = TranslationQuery.from_args(request.args)
    with open(query.location, encoding="utf-8") as fh:
        return fh.read(), 200, {"Content-Type": "application/json"}


# case: path_traversal-132 | good | CWE-22 | werkzeug safe_join with a test for None
@app.route("/plugins/readme")
def plugin_readme():
    location = safe_join(os.path.join(DATA_DIR, "plugins"), request.args.get("plugin", ""), "README.md")
    if location is None or not os.path.isfile(location):
        abort(404)
    with open(location, encoding="utf-8") as fh:
        return jsonify(readme=fh.read())
