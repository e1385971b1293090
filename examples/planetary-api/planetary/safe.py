"""The safe twin of every endpoint in `vulnerable.py`, with the same answers to honest requests."""

import functools
import hashlib
import hmac
import secrets
import time
from pathlib import Path

import requests
import yaml
from flask import Blueprint, Response, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy import delete, select
from werkzeug.security import check_password_hash, generate_password_hash

from planetary import body, journal, mail, tokens
from planetary.models import Account, PasswordReset, Planet, db
from planetary.planets import UNKNOWN_PLANET, add_missing

safe = Blueprint("safe", __name__)

SHORTEST_PASSWORD = 12
RESET_SECONDS = 15 * 60
LONGEST_ANSWER = 1_000_000  # bytes that /fetch/safe passes on


@safe.post("/safe/login")
def login() -> ResponseReturnValue:
    """Give a token for an e-mail address and its password."""
    fields = body.sent()
    email, password = fields.get("email"), fields.get("password")
    if not isinstance(email, str) or not isinstance(password, str):
        return jsonify(message="Bad email or password"), 401
    account = db.session.scalar(select(Account).filter_by(email=email))
    # An unknown address costs the same time as a wrong password.
    known = account.password_hash if account else _nobodys_hash()
    if not check_password_hash(known, password) or account is None:
        journal.note(f"{email} failed to log in")
        return jsonify(message="Bad email or password"), 401
    journal.note(f"{account.email} logged in")
    return jsonify(message="Login succeeded!", access_token=tokens.issue(account.email))


@functools.cache
def _nobodys_hash() -> str:
    return generate_password_hash(secrets.token_urlsafe())


@safe.post("/safe/register")
def register() -> ResponseReturnValue:
    """Add an account with a new e-mail address."""
    fields = body.sent()
    email = body.text(fields, "email", 120)
    if db.session.scalar(select(Account.id).filter_by(email=email)):
        return jsonify(message="That email already exists."), 409
    first_name, last_name = (body.text(fields, key, 50) for key in ("first_name", "last_name"))
    password_hash = generate_password_hash(_new_password())
    db.session.add(Account(first_name=first_name, last_name=last_name, email=email, password_hash=password_hash))
    db.session.commit()
    return jsonify(message="User created successfully."), 201


def _new_password() -> str:
    password = body.text(body.sent(), "password", 120)
    if len(password) < SHORTEST_PASSWORD:
        raise body.Refused(f"password has fewer than {SHORTEST_PASSWORD} characters")
    return password


@safe.get("/safe/get_planet/<string:planet_name>")
@tokens.token_required
def get_planet(planet_name: str) -> ResponseReturnValue:
    """Answer with the planet of that name."""
    planet = db.session.scalar(select(Planet).where(Planet.planet_name == planet_name))
    if planet is None:
        return jsonify(message=UNKNOWN_PLANET), 404
    return jsonify(planet.as_dict())


@safe.get("/safe/get_planet_sqlmap")
def get_planet_sqlmap() -> ResponseReturnValue:
    """Answer with the planet whose name is in the query string; no token is asked for."""
    planet_name = request.args.get("planet_name", "")
    if not planet_name:
        return jsonify(message="Missing planet name"), 400
    planet = db.session.scalar(select(Planet).where(Planet.planet_name == planet_name))
    if planet is None:
        return jsonify(message=UNKNOWN_PLANET), 404
    return jsonify(planet.as_dict())


@safe.get("/safe/retrieve_password/<string:email>")
def retrieve_password(email: str) -> ResponseReturnValue:
    """Mail a code with which a new password can be set; the answer does not tell who has an account."""
    account = db.session.scalar(select(Account).filter_by(email=email))
    if account is not None:
        code = reset_code(account)
        words = f"The code for /safe/reset_password, on a line of its own:\n{code}\n"
        mail.send(account.email, "A new planetary API password", words)
    return jsonify(message="If that address has an account, a code is on its way to it")


def reset_code(account: Account) -> str:
    """Return a new code for an account; it holds for RESET_SECONDS and replaces earlier ones."""
    code = secrets.token_urlsafe(32)
    db.session.execute(delete(PasswordReset).filter_by(account_id=account.id))
    expires_at = int(time.time()) + RESET_SECONDS
    db.session.add(PasswordReset(account_id=account.id, code_hash=_digest(code), expires_at=expires_at))
    db.session.commit()
    return code


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


@safe.post("/safe/reset_password")
def reset_password() -> ResponseReturnValue:
    """Set a new password for whoever knows the mailed code, once."""
    fields = body.sent()
    email, code = (body.text(fields, key, 120) for key in ("email", "code"))
    password_hash = generate_password_hash(_new_password())
    reset = db.session.scalar(select(PasswordReset).filter_by(code_hash=_digest(code)))
    account = db.session.get(Account, reset.account_id) if reset else None
    if reset is None or account is None or account.email != email or reset.expires_at < time.time():
        return jsonify(message="Bad email or code"), 401
    account.password_hash = password_hash
    db.session.delete(reset)
    db.session.commit()
    return jsonify(message="Password changed")


@safe.get("/safe/dbsize/<string:dbfile>")
def dbsize(dbfile: str) -> ResponseReturnValue:
    """Answer with the size of a file in the data folder, as `du` prints it."""
    blocks = {entry.name: entry.lstat().st_blocks for entry in _files(Path(current_app.config["DATA_DIR"]))}
    if dbfile not in blocks:
        return jsonify(message="Error"), 400
    # POSIX counts blocks of 512 bytes in st_blocks; `du` prints units of 1024.
    return Response(f"{blocks[dbfile] // 2}\t{dbfile}\n", mimetype="text/plain")


def _files(folder: Path) -> list[Path]:
    """Return the regular files directly in a folder; links are left out, they may lead elsewhere."""
    if not folder.is_dir():
        return []
    return [entry for entry in folder.iterdir() if entry.is_file() and not entry.is_symlink()]


@safe.get("/fetch/safe")
def fetch() -> ResponseReturnValue:
    """Answer with what one of the allowed addresses says; FETCH_ALLOWED_URLS names them in full."""
    wanted = request.args.get("url")
    if not wanted:
        return Response("Missing 'url' parameter", 400, mimetype="text/plain")
    if not wanted.startswith(("http://", "https://")):
        return Response("Invalid URL scheme", 400, mimetype="text/plain")
    allowed = [address for address in current_app.config["FETCH_ALLOWED_URLS"] if address == wanted]
    if not allowed:
        return Response("Access to this URL is not allowed", 403, mimetype="text/plain")
    try:
        # A redirect could lead to an address that is not on the list.
        with requests.get(allowed[0], timeout=10, allow_redirects=False, stream=True) as answer:
            content = next(answer.iter_content(LONGEST_ANSWER), b"")
    except requests.RequestException:
        return Response("Error fetching URL", 500, mimetype="text/plain")
    return Response(content, mimetype="text/plain")


@safe.get("/read_log/safe")
def read_log() -> ResponseReturnValue:
    """Answer with one of the application's logs."""
    filename = request.args.get("filename")
    if not filename:
        return Response("Missing 'filename' parameter", 400, mimetype="text/plain")
    if set(filename) & {"/", "\\", "\0"}:
        return Response("Access to this file is not allowed", 403, mimetype="text/plain")
    logs = {entry.name: entry for entry in _files(Path(current_app.config["DATA_DIR"]) / "logs")}
    if filename not in logs:
        return Response("Log file not found", 404, mimetype="text/plain")
    return Response(logs[filename].read_bytes(), mimetype="text/plain")


@safe.get("/safe/planetary")
def planetary() -> ResponseReturnValue:
    """Greet the visitor, by name if there is one."""
    name = request.args.get("name")
    if not name:
        return "Planetary-API!"
    # Markup.format escapes what it puts in.
    greeting = Markup("Welcome to the Planetary-API, <b>{}</b>!").format(name)
    return render_template("greeting.html", greeting=greeting)


@safe.post("/safe/restore_planets")
@tokens.token_required
def restore_planets() -> ResponseReturnValue:
    """Add the planets of a saved JSON list that are not there."""
    return add_missing(request.get_json(force=True, silent=True))


@safe.post("/safe/import_planets")
@tokens.token_required
def import_planets() -> ResponseReturnValue:
    """Add the planets of a YAML list that are not there."""
    try:
        records = yaml.safe_load(request.get_data())
    except yaml.YAMLError:
        records = None
    return add_missing(records)


@safe.get("/safe/backup")
def backup() -> ResponseReturnValue:
    """Answer with every account's address, for the backup job that knows SAFE_BACKUP_TOKEN."""
    expected = current_app.config["SAFE_BACKUP_TOKEN"]
    token = request.headers.get("X-Backup-Token", "")
    if not expected or not hmac.compare_digest(token.encode(), expected.encode()):
        return jsonify(message="The backup token is wrong"), 403
    return jsonify(users=list(db.session.scalars(select(Account.email).order_by(Account.id))))
