"""File names out of a request, and the ways to keep them in their folder."""

import io
import os
import shutil
from pathlib import Path

from flask import Flask, abort, request, send_file, send_from_directory
from werkzeug.utils import safe_join, secure_filename

from shop.files import allowed_file, find_upload

app = Flask(__name__)
FOLDER = Path("/srv/files")
REPORTS = {"daily": "/srv/daily.txt"}


@app.route("/read")
def read():
    name = request.args.get("name")
    # ruleid: python-path-traversal
    with open("/srv/files/" + name) as file:
        file.read()
    # ruleid: python-path-traversal
    with open(os.path.join("/srv/files", name)) as file:
        file.read()
    path = FOLDER / "public" / name
    # ruleid: python-path-traversal
    path.read_text()
    # ruleid: python-path-traversal
    Path(f"/srv/files/{name}").write_bytes(b"")
    # ruleid: python-path-traversal
    os.remove(f"/srv/files/{name}")
    # ruleid: python-path-traversal
    shutil.copy("/srv/template.txt", "/srv/files/" + name)
    # ruleid: python-path-traversal
    one = send_file(path)
    # ruleid: python-path-traversal
    two = send_from_directory("/srv/" + name, "index.html")
    # ok: python-path-traversal
    three = send_from_directory("/srv/files", name)
    # ok: python-path-traversal
    four = open(os.path.join("/srv/files", secure_filename(name)))
    # ok: python-path-traversal
    five = open(safe_join("/srv/files", name))
    # ok: python-path-traversal
    six = open("/srv/files/" + os.path.basename(name))
    # ok: python-path-traversal
    seven = open(REPORTS[name])
    # ok: python-path-traversal
    eight = send_file(io.BytesIO(request.files["image"].read()), download_name="image.png")
    # ok: python-path-traversal
    nine = open("/srv/names.txt", name if name in ("r", "rb") else "r")
    return {"all": [one, two, three, four, five, six, seven, eight, nine]}


@app.post("/upload")
def upload():
    file = request.files["file"]
    # ruleid: python-path-traversal
    file.save(os.path.join("/srv/files", file.filename))
    # ok: python-path-traversal
    file.save(os.path.join("/srv/files", secure_filename(file.filename)))
    if not allowed_file(file.filename):
        abort(400)
    # ruleid: python-path-traversal
    file.save(os.path.join("/srv/files", file.filename))


@app.get("/log/<path:name>")
def resolved(name):
    path = os.path.realpath(os.path.join("/srv/logs", name))
    if not path.startswith("/srv/logs/"):
        abort(403)
    # ok: python-path-traversal
    return open(path).read()


@app.get("/log2/<path:name>")
def not_resolved(name):
    path = os.path.join("/srv/logs", name)
    if not path.startswith("/srv/logs/"):
        abort(403)
    # ruleid: python-path-traversal
    return {"text": open(path).read()}


@app.get("/log3/<path:name>")
def relative(name):
    path = (FOLDER / name).resolve()
    if not path.is_relative_to(FOLDER):
        abort(403)
    # ok: python-path-traversal
    return path.read_text()


@app.get("/log4/<path:name>")
def common(name):
    path = os.path.abspath(os.path.join("/srv/logs", name))
    if os.path.commonpath(["/srv/logs", path]) != "/srv/logs":
        abort(403)
    # ok: python-path-traversal
    return open(path).read()


@app.get("/log5/<name>")
def no_way_up(name):
    if ".." in name or name.startswith("/"):
        abort(403)
    # ok: python-path-traversal
    return open("/srv/logs/" + name).read()


@app.get("/log6/<name>")
def only_the_dots(name):
    if ".." in name:
        abort(403)
    # ruleid: python-path-traversal
    return {"text": open(os.path.join("/srv/logs", name)).read()}


@app.get("/looked-up/<name>")
def looked_up(name):
    files = {entry.name: entry for entry in FOLDER.iterdir()}
    if name not in files:
        abort(404)
    # ok: python-path-traversal
    return files[name].read_text()


@app.get("/user/<name>")
def stored(name):
    user = User.query.filter_by(name=name).first_or_404()
    # ok: python-path-traversal
    return send_file(user.picture)


@app.get("/part/<int:number>")
def numbered(number):
    # ok: python-path-traversal
    return send_file(f"/srv/parts/{number}.bin")
