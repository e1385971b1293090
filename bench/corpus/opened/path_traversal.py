"""Corpus, opened part: path traversal."""

import os
import posixpath
import re
import shutil
import tarfile
from functools import wraps
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import aiofiles
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.views.generic import TemplateView, View
from documents.models import Document
from fastapi import Depends, FastAPI, File, HTTPException, Query, UploadFile
from fastapi.responses import StreamingResponse
from flask import Blueprint, Response, abort, current_app, jsonify, make_response, request, send_file
from flask.views import MethodView
from itsdangerous import BadSignature, URLSafeSerializer
from pydantic import BaseModel
from werkzeug.utils import secure_filename

files = Blueprint("files", __name__, url_prefix="/files")
service = FastAPI(title="archive")

DATA_DIR = Path(os.environ.get("DATA_DIR", "/var/lib/archive"))

# case: path_traversal-27 | bad | CWE-22 | open_resource joins without looking
class ResourceView(MethodView):
    def get(self):
        wanted = request.args["resource"]
        with current_app.open_resource(wanted) as stream:
            return Response(stream.read(), mimetype="application/octet-stream")


files.add_url_rule("/resource", view_func=ResourceView.as_view("resource"))


# case: path_traversal-28 | good | CWE-22 | only accepted when it equals its own base name
class PlainView(MethodView):
    def get(self):
        wanted = request.args["resource"]
        if wanted != os.path.basename(wanted) or wanted in ("", ".", ".."):
            abort(404)
        return send_file(DATA_DIR / wanted)


files.add_url_rule("/plain", view_func=PlainView.as_view("plain"))


# case: path_traversal-29 | bad | CWE-22 | repeated query values spread into joinpath
@files.get("/tree")
def tree_entry():
    node = DATA_DIR.joinpath(*request.args.getlist("part"))
    if node.is_dir():
        return jsonify(sorted(child.name for child in node.iterdir()))
    return jsonify(content=node.read_text())


# case: path_traversal-30 | good | CWE-22 | name has to be one of the directory's entries
@files.get("/flat")
def flat_entry():
    entry = request.args.get("entry")
    if entry not in os.listdir(DATA_DIR):
        return jsonify(error="no such entry"), 404
    return jsonify(content=DATA_DIR.joinpath(entry).read_text())


# case: path_traversal-31 | bad | CWE-22 | members of an uploaded tar written one by one
@service.post("/restore")
def restore(dump: Annotated[UploadFile, File()]):
    count = 0
    with tarfile.open(fileobj=dump.file, mode="r:gz") as tape:
        for member in tape:
            if member.isfile():
                place = DATA_DIR / member.name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(tape.extractfile(member).read())
                count += 1
    return {"restored": count}


# case: path_traversal-32 | good | CWE-22 | extractall with the data filter
@service.post("/restore/all")
def restore_all(dump: Annotated[UploadFile, File()]):
    with tarfile.open(fileobj=dump.file, mode="r:gz") as tape:
        tape.extractall(DATA_DIR / "restored", filter="data")
    return {"restored": True}


# case: path_traversal-33 | bad | CWE-22 | generator opens the file while the response is streamed
def tail(location, skip):
    with open(location, errors="replace") as log:
        for number, line in enumerate(log):
            if number >= skip:
                yield line


@files.post("/log")
def stream_log():
    options = {"skip": int(request.form.get("skip", 0)), "location": "/var/log/archive/" + request.form["log"]}
    return Response(tail(**options), mimetype="text/plain")


# case: path_traversal-34 | good | CWE-22 | condition that is always true leaves a constant name
@files.post("/summary")
def stream_summary():
    limit = 10
    name = "summary.csv" if limit * 2 < 50 else request.form["name"]
    with open(f"/var/lib/archive/{name}") as table:
        return Response(table.read(), mimetype="text/csv")


# case: path_traversal-35 | bad | CWE-22 | Django class view with a path converter, read through kwargs
class FolderPage(TemplateView):
    template_name = "folder.html"

    def get_context_data(self, **kwargs):
        context = super().get_context_data(**kwargs)
        location = DATA_DIR / self.kwargs["location"]
        context["text"] = location.read_text(encoding="utf-8")
        return context


urlpatterns = [path("folder/<path:location>", FolderPage.as_view())]


# case: path_traversal-36 | good | CWE-22 | Django storage keeps names below its root
class StoredFile(View):
    def get(self, request):
        name = request.GET.get("name", "")
        if not name or not default_storage.exists(name):
            raise Http404
        return FileResponse(default_storage.open(name, "rb"))


# case: path_traversal-37 | bad | CWE-22 | decorator hands the query value to the view
def with_document(view):
    @wraps(view)
    def wrapper(request, *args, **kwargs):
        return view(request, request.GET["doc"], *args, **kwargs)

    return wrapper


@with_document
def show_document(request, doc):
    stream = (DATA_DIR / "docs" / doc).open("rb")
    return FileResponse(stream)


# case: path_traversal-38 | good | CWE-22 | row looked up in the database, file field opened
def show_record(request, slug):
    record = get_object_or_404(Document, slug=slug, owner=request.user)
    response = FileResponse(record.file.open("rb"), content_type="application/pdf")
    response["X-Content-Type-Options"] = "nosniff"
    return response


# case: path_traversal-39 | bad | CWE-22 | dependency builds the path, aiofiles opens it
async def requested_file(name: Annotated[str, Query(min_length=1, max_length=200)]) -> Path:
    return DATA_DIR / name


@service.get("/raw")
async def raw(location: Annotated[Path, Depends(requested_file)]):
    async with aiofiles.open(location, "r") as stream:
        return {"text": await stream.read()}


# case: path_traversal-40 | good | CWE-22 | dependency resolves and looks at the parents
async def inner_file(name: str) -> Path:
    root = DATA_DIR.resolve()
    location = (root / name).resolve()
    if root not in location.parents:
        raise HTTPException(404)
    return location


@service.get("/inner")
async def inner(location: Path = Depends(inner_file)):
    async with aiofiles.open(location, "r") as stream:
        return {"text": await stream.read()}


# case: path_traversal-41 | bad | CWE-22 | secure name is computed, the raw one is used
@files.post("/deposit")
def deposit():
    item = request.files["item"]
    cleaned = secure_filename(item.filename)
    if not cleaned or not cleaned.endswith(".pdf"):
        abort(415)
    item.save(os.path.join(DATA_DIR, "deposits", item.filename))
    return make_response(cleaned, 201)


# case: path_traversal-42 | good | CWE-22 | secure name kept in a dict and used from there
@files.post("/hand-in")
def hand_in():
    item = request.files["item"]
    entry = {"name": secure_filename(item.filename), "size": item.content_length}
    if not entry["name"].endswith(".pdf"):
        abort(415)
    item.save(os.path.join(DATA_DIR, "hand-in", entry["name"]))
    return jsonify(entry), 201


# case: path_traversal-43 | bad | CWE-22 | only the leading slash is refused
@files.get("/part")
def part():
    if (wanted := request.args.get("p", "")).startswith("/"):
        return "absolute paths are not served", 400
    handle = os.open(os.sep.join([str(DATA_DIR), wanted]), os.O_RDONLY)
    try:
        return Response(os.read(handle, 65536), mimetype="application/octet-stream")
    finally:
        os.close(handle)


# case: path_traversal-44 | good | CWE-22 | literal type in the model, loop over the accepted values
class Export(BaseModel):
    periods: list[Literal["daily", "weekly", "monthly"]]


@service.post("/export")
async def export(wish: Export):
    def chunks():
        for period in wish.periods:
            yield (DATA_DIR / f"{period}.csv").read_bytes()

    return StreamingResponse(chunks(), media_type="text/csv")


# case: path_traversal-45 | bad | CWE-22 | normpath on the relative value keeps its leading dots
def cover(request):
    relative = posixpath.normpath(request.GET.get("cover", "default.png"))
    source = os.path.join("/var/lib/archive/covers", relative)
    with open(source, "rb") as picture:
        return HttpResponse(picture.read(), content_type="image/png")


# case: path_traversal-46 | good | CWE-22 | normpath on a rooted value cannot climb
def sleeve(request):
    relative = posixpath.normpath("/" + request.GET.get("sleeve", "default.png")).lstrip("/")
    source = os.path.join("/var/lib/archive/sleeves", relative)
    with open(source, "rb") as picture:
        return HttpResponse(picture.read(), content_type="image/png")


# case: path_traversal-47 | bad | CWE-22 | expression checks the beginning only
NAME = re.compile(r"[\w.-]+")


@files.get("/translation")
def translation():
    name = request.headers.get("X-Translation", "en.json")
    if not NAME.match(name):
        abort(400)
    return Path("/var/lib/archive/i18n/", name).read_text()


# case: path_traversal-48 | good | CWE-22 | UUID conversion, failure is a 404
@files.get("/ticket")
def ticket():
    try:
        key = UUID(request.args.get("key", ""))
    except ValueError:
        abort(404)
    return send_file(DATA_DIR / "tickets" / f"{key}.pdf")


# case: path_traversal-49 | bad | CWE-22 | folder named in JSON is removed as a tree
class Workspace:
    base = "/var/lib/archive/workspaces"

    def folder(self, team):
        return "{0}/{1}".format(self.base, team)

    def drop(self, team):
        shutil.rmtree(self.folder(team), ignore_errors=False)


@files.post("/workspace/drop")
def drop_workspace():
    data = request.get_json(force=True)
    Workspace().drop(data.get("team"))
    return jsonify(dropped=True)


# case: path_traversal-50 | good | CWE-22 | path travels in a token that we signed
@files.get("/signed")
def signed_download():
    serializer = URLSafeSerializer(os.environ["DOWNLOAD_KEY"], salt="download")
    try:
        location = serializer.loads(request.args.get("token", ""))["path"]
    except BadSignature:
        abort(403)
    return send_file(location, as_attachment=True)
