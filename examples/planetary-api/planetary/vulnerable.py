"""The endpoints with a deliberate hole each. `truth.yaml` names the hole and its safe twin."""

import hashlib
import hmac
import pickle
import subprocess
from pathlib import Path

import requests
import yaml
from flask import Blueprint, Response, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_jwt_extended import create_access_token, jwt_required
from markupsafe import Markup
from sqlalchemy import select, text

from planetary import body, journal, mail
from planetary.models import User, db
from planetary.planets import UNKNOWN_PLANET, add_missing

vulnerable = Blueprint("vulnerable", __name__)


@vulnerable.post("/login")
def login() -> ResponseReturnValue:
    """Give a token for an e-mail address and its password."""
    sent = request.get_json(silent=True) if request.is_json else request.form
    fields = sent if isinstance(sent, dict) else {}
    email = fields.get("email", "")
    password = fields.get("password", "")
    query = f"SELECT * FROM users WHERE email = '{email}' AND password = '{password}'"
    user = db.session.execute(text(query)).first()
    if user is None:
        journal.note(f"{email} failed to log in")
        return jsonify(message="Bad email or password"), 401
    journal.note(f"{user.email} logged in")
    return jsonify(message="Login succeeded!", access_token=create_access_token(identity=user.email))


@vulnerable.post("/register")
def register() -> ResponseReturnValue:
    """Add a user with a new e-mail address."""
    fields = body.sent()
    email = body.text(fields, "email", 120)
    if db.session.scalar(select(User.id).filter_by(email=email)):
        return jsonify(message="That email already exists."), 409
    first_name, last_name = (body.text(fields, key, 50) for key in ("first_name", "last_name"))
    password = body.text(fields, "password", 120)
    db.session.add(User(first_name=first_name, last_name=last_name, email=email, password=password))
    db.session.commit()
    return jsonify(message="User created successfully."), 201


@vulnerable.get("/get_planet/<string:planet_name>")
@jwt_required()
def get_planet(planet_name: str) -> ResponseReturnValue:
    """Answer with the planet of that name."""
    query = "SELECT * FROM planets WHERE planet_name = '%s'" % planet_name
    row = db.session.execute(text(query)).first()
    if row is None:
        return jsonify(message=UNKNOWN_PLANET), 404
    return jsonify(dict(row._mapping))


@vulnerable.get("/get_planet_sqlmap")
def get_planet_sqlmap() -> ResponseReturnValue:
    """Answer with the planet whose name is in the query string; no token is asked for."""
    planet_name = request.args.get("planet_name", "")
    if not planet_name:
        return jsonify(message="Missing planet name"), 400
    row = db.session.execute(text("SELECT * FROM planets WHERE planet_name = '" + planet_name + "'")).first()
    if row is None:
        return jsonify(message=UNKNOWN_PLANET), 404
    return jsonify(dict(row._mapping))


@vulnerable.get("/retrieve_password/<string:email>")
def retrieve_password(email: str) -> ResponseReturnValue:
    """Mail a forgotten password, and a code with which a new one can be set."""
    user = db.session.scalar(select(User).filter_by(email=email))
    if user is None:
        return jsonify(message="That email doesn't exist"), 401
    code = reset_code(user.email)
    words = f"Your planetary API password is {user.password}\nThe code for /reset_password is {code}\n"
    mail.send(user.email, "Your planetary API password", words)
    return jsonify(message=f"Password sent to {email}")


def reset_code(email: str) -> str:
    """Return the code that lets the owner of an address set a new password."""
    return hashlib.md5(email.encode()).hexdigest()


@vulnerable.post("/reset_password")
def reset_password() -> ResponseReturnValue:
    """Set a new password for whoever knows the mailed code."""
    fields = body.sent()
    email, code, password = (body.text(fields, key, 120) for key in ("email", "code", "password"))
    user = db.session.scalar(select(User).filter_by(email=email))
    if user is None or not hmac.compare_digest(code.encode(), reset_code(email).encode()):
        return jsonify(message="Bad email or code"), 401
    user.password = password
    db.session.commit()
    return jsonify(message="Password changed")


@vulnerable.get("/dbsize/<string:dbfile>")
def dbsize(dbfile: str) -> ResponseReturnValue:
    """Answer with the size of a file in the data folder, as `du` prints it."""
    data = current_app.config["DATA_DIR"]
    try:
        size = subprocess.check_output("du " + dbfile, shell=True, cwd=data, stderr=subprocess.STDOUT)
    except subprocess.CalledProcessError:
        return jsonify(message="Error"), 400
    return Response(size, mimetype="text/plain")


@vulnerable.get("/fetch")
def fetch() -> ResponseReturnValue:
    """Answer with what another server says."""
    target = request.args.get("url")
    if not target:
        return Response("Missing 'url' parameter", 400, mimetype="text/plain")
    try:
        answer = requests.get(target, timeout=10)
    except requests.RequestException:
        return Response("Error fetching URL", 500, mimetype="text/plain")
    return Response(answer.text, mimetype="text/plain")


@vulnerable.get("/read_log")
def read_log() -> ResponseReturnValue:
    """Answer with one of the application's logs."""
    filename = request.args.get("filename")
    if not filename:
        return Response("Missing 'filename' parameter", 400, mimetype="text/plain")
    path = Path(current_app.config["DATA_DIR"]) / "logs" / filename
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            return Response(log.read(), mimetype="text/plain")
    except OSError:
        return Response("Log file not found", 404, mimetype="text/plain")


@vulnerable.get("/planetary")
def planetary() -> ResponseReturnValue:
    """Greet the visitor, by name if there is one."""
    name = request.args.get("name")
    if not name:
        return "Planetary-API!"
    greeting = Markup(f"Welcome to the Planetary-API, <b>{name}</b>!")
    return render_template("greeting.html", greeting=greeting)


@vulnerable.post("/restore_planets")
@jwt_required()
def restore_planets() -> ResponseReturnValue:
    """Add the planets of a saved list of dictionaries that are not there."""
    return add_missing(pickle.loads(request.get_data()))


@vulnerable.post("/import_planets")
@jwt_required()
def import_planets() -> ResponseReturnValue:
    """Add the planets of a YAML list that are not there."""
    return add_missing(yaml.load(request.get_data(), Loader=yaml.UnsafeLoader))


@vulnerable.get("/backup")
def backup() -> ResponseReturnValue:
    """Answer with every user's address, for the backup job that knows the token."""
    token = request.headers.get("X-Backup-Token", "")
    if not hmac.compare_digest(token.encode(), current_app.config["BACKUP_TOKEN"].encode()):
        return jsonify(message="The backup token is wrong"), 403
    return jsonify(users=list(db.session.scalars(select(User.email).order_by(User.id))))
