"""Account stores, payment gateways, asset pipelines: code around hash functions."""

from __future__ import annotations

import base64
import colorsys
import hashlib
import hmac
import pickle
import secrets
import uuid
import zlib
from dataclasses import dataclass
from functools import reduce, wraps

from Crypto.Hash import MD5, SHA256
from django.contrib.auth.hashers import BasePasswordHasher
from django.http import HttpResponseForbidden, JsonResponse
from django.views.decorators.http import require_POST
from fastapi import Depends, FastAPI, Header, HTTPException
from flask import Blueprint, Flask, current_app, g, redirect, request, url_for
from flask.views import MethodView
from itsdangerous import TimestampSigner
from passlib.context import CryptContext
from passlib.hash import md5_crypt
from pydantic import BaseModel
from werkzeug.security import generate_password_hash

from shop import repository
from shop.settings import gateway_key, link_key

site = Flask(__name__)
accounts = Blueprint("accounts", __name__)
service = FastAPI()


# case: weak_hash-26 | bad | CWE-916 | PyCryptodome's MD5 in a method view
class Registration(MethodView):
    def post(self):
        form = request.form.to_dict()
        state = MD5.new()
        state.update(form.pop("passphrase").encode("utf-8"))
        repository.insert_account({**form, "passphrase": state.hexdigest()})
        return redirect(url_for("accounts.welcome"))


# case: weak_hash-27 | bad | CWE-916 | passlib's md5_crypt, FastAPI
class Credentials(BaseModel):
    name: str
    passphrase: str


@service.put("/accounts/{name}")
async def replace(name: str, given: Credentials):
    await repository.save(name, crypt=md5_crypt.hash(given.passphrase))
    return {"name": name}


# case: weak_hash-28 | bad | CWE-916 | hasher class of one's own for Django
class IntranetHasher(BasePasswordHasher):
    algorithm = "intranet"

    def encode(self, password, salt):
        inner = hashlib.md5(password.encode()).hexdigest()
        return "$".join((self.algorithm, salt, hashlib.md5((salt + inner).encode()).hexdigest()))

    def verify(self, password, encoded):
        _, salt, _ = encoded.split("$", 2)
        return hmac.compare_digest(self.encode(password, salt), encoded)


# case: weak_hash-29 | bad | CWE-328 | getattr on hashlib inside a decorator that checks signatures
def signed(view):
    compute = getattr(hashlib, "sha1")

    @wraps(view)
    def inner(*args, **kwargs):
        material = current_app.config["PARTNER_KEY"].encode() + request.get_data()
        if compute(material).hexdigest() != request.args.get("sig"):
            return "signature does not match", 403
        return view(*args, **kwargs)

    return inner


# case: weak_hash-30 | bad | CWE-916 | MD5 repeated ten times
def stretch(passphrase: str, salt: bytes) -> bytes:
    current = salt + passphrase.encode()
    for _ in range(10):
        current = hashlib.md5(current).digest()
    return current


@accounts.route("/passphrase", methods=["PUT"])
def put_passphrase():
    salt = secrets.token_bytes(8)
    repository.set_passphrase(g.account, salt, stretch(request.json["passphrase"], salt))
    return {}, 200


# case: weak_hash-31 | bad | CWE-916 | directory entry in the {SHA} scheme, f-string
def directory_password(passphrase: str) -> str:
    raw = hashlib.sha1(passphrase.encode()).digest()
    return f"{{SHA}}{base64.b64encode(raw).decode()}"


# case: weak_hash-32 | bad | CWE-328 | gateway request signed by MD5 over joined fields
class Charge(BaseModel):
    order: str
    amount: int
    currency: str


@service.post("/charges")
async def charge(body: Charge):
    fields = sorted(body.model_dump().items())
    line = "&".join(f"{key}={value}" for key, value in fields) + "&key=" + gateway_key()
    sign = hashlib.md5(line.encode()).hexdigest().upper()
    return await repository.forward({**dict(fields), "sign": sign})


# case: weak_hash-33 | bad | CWE-328 | CRC-32 stands in for a password hash
@accounts.route("/door", methods=["POST"])
def open_door():
    code = request.values["code"].strip()
    if zlib.crc32(code.encode()) not in repository.door_codes():
        return "no", 403
    return "open", 200


# case: weak_hash-34 | bad | CWE-916 | werkzeug told to use one round of SHA-1
def add_operator(name: str, passphrase: str) -> None:
    repository.insert_account(
        {"name": name, "hash": generate_password_hash(passphrase, method="pbkdf2:sha1:1", salt_length=4)}
    )


# case: weak_hash-35 | bad | CWE-916 | declared as not for security, and yet a password
@require_POST
def set_parent_code(request_):
    code = request_.POST.get("code", "")
    hashed = hashlib.md5(code.encode(), usedforsecurity=False).hexdigest()
    repository.set_parent_code(request_.user.pk, hashed)
    return JsonResponse({"saved": True})


# case: weak_hash-36 | bad | CWE-916 | extension configured to hash passwords by MD5
def configure_security(flask_app: Flask) -> None:
    flask_app.config.update(
        SECURITY_REGISTERABLE=True,
        SECURITY_PASSWORD_SCHEMES=["hex_md5"],
        SECURITY_PASSWORD_HASH="hex_md5",
    )


# case: weak_hash-37 | bad | CWE-328 | remember-me cookie by SHA-1 of the number and a word, Django
def remember(request_):
    def mark(number):
        return hashlib.sha1(b"%d.%s" % (number, link_key())).hexdigest()

    number, _, given = request_.COOKIES.get("remember", "0.").partition(".")
    if given != mark(int(number)):
        return HttpResponseForbidden("please sign in")
    request_.session["account"] = int(number)
    return JsonResponse({"account": int(number)})


# case: weak_hash-38 | bad | CWE-916 | match statement, each arm is weak
def fingerprint_password(version: int, passphrase: bytes) -> str:
    match version:
        case 1:
            return hashlib.md5(passphrase).hexdigest()
        case 2:
            return hashlib.sha1(b"shop" + passphrase).hexdigest()
        case _:
            return hashlib.new("ripemd160", passphrase).hexdigest()


# case: weak_hash-39 | good | CWE-916 | passlib context with argon2
pwd_context = CryptContext(schemes=["argon2"], deprecated="auto")


@service.post("/accounts")
async def insert(given: Credentials):
    await repository.save(given.name, crypt=pwd_context.hash(given.passphrase))
    return {"name": given.name}


# case: weak_hash-40 | good | CWE-916 | PBKDF2 with six hundred thousand rounds
ROUNDS = 600_000


def derive(passphrase: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, ROUNDS)


# case: weak_hash-41 | good | CWE-328 | PyCryptodome's SHA-256 over a release file
class Release(MethodView):
    def put(self, name):
        state = SHA256.new(data=request.get_data())
        if not hmac.compare_digest(state.hexdigest(), repository.published_digest(name)):
            return {"error": "digest"}, 422
        repository.store_release(name, request.get_data())
        return {}, 201


# case: weak_hash-42 | good | CWE-327 | fingerprint in the names of static files
@site.template_global()
def asset(name: str) -> str:
    content = repository.read_asset(name)
    stamp = hashlib.md5(content).hexdigest()[:8]
    return url_for("static", filename=name, v=stamp)


# case: weak_hash-43 | good | CWE-327 | ETag property of a dataclass, hashlib.new with the flag
@dataclass(frozen=True)
class Page:
    title: str
    body: str

    @property
    def etag(self) -> str:
        state = hashlib.new("md5", usedforsecurity=False)
        state.update(self.title.encode())
        state.update(self.body.encode())
        return f'W/"{state.hexdigest()}"'


# case: weak_hash-44 | good | CWE-328 | TimestampSigner of itsdangerous with SHA-256
def unsubscribe_link(address: str) -> str:
    signer = TimestampSigner(link_key(), salt="unsubscribe", digest_method=hashlib.sha256)
    return url_for("accounts.unsubscribe", token=signer.sign(address).decode(), _external=True)


# case: weak_hash-45 | good | CWE-916 | old MD5 records are sent to a reset, nothing is hashed by it
@accounts.route("/session", methods=["POST"])
def begin_session():
    record = repository.account(request.values["name"])
    scheme, _, rest = record["hash"].partition("$")
    if scheme in {"md5", "sha1"}:
        return redirect(url_for("accounts.reset", reason="outdated"))
    if not pwd_context.verify(request.values["passphrase"], rest):
        return "no", 403
    return "", 204


# case: weak_hash-46 | good | CWE-916 | Django setting with Argon2 first
PASSWORD_HASHERS = (
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
)


# case: weak_hash-47 | good | CWE-327 | memoising decorator with SHA-1 over the arguments
def memoised(function):
    kept: dict[str, object] = {}

    @wraps(function)
    def inner(*args):
        slot = hashlib.sha1(pickle.dumps(args)).hexdigest()
        if slot not in kept:
            kept[slot] = function(*args)
        return kept[slot]

    return inner


# case: weak_hash-48 | good | CWE-328 | keyed BLAKE2 on download links, Django
def download_mark(path: str, expires: int) -> str:
    return hashlib.blake2b(f"{path}|{expires}".encode(), key=link_key(), digest_size=32).hexdigest()


def download(request_, path):
    given = request_.GET.get("mark", "")
    if not hmac.compare_digest(given, download_mark(path, int(request_.GET["expires"]))):
        return HttpResponseForbidden("link")
    return JsonResponse({"url": repository.url(path)})


# case: weak_hash-49 | good | CWE-327 | name-based UUID
def stable_id(kind: str, name: str) -> str:
    space = uuid.uuid5(uuid.NAMESPACE_URL, "https://shop.example/" + kind)
    return str(uuid.uuid5(space, name))


# case: weak_hash-50 | good | CWE-327 | colour of an avatar out of the MD5 of a name
@site.template_filter("avatar_colour")
def avatar_colour(name: str) -> str:
    hue = hashlib.md5(name.lower().encode()).digest()[0] / 255
    red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb(hue, 0.6, 0.5))
    return f"#{red:02x}{green:02x}{blue:02x}"


# case: weak_hash-51 | good | CWE-328 | name of the algorithm replaced before use
def seal_release(blocks) -> str:
    name = "md5"
    name = "sha3_256"
    return reduce(lambda state, block: state.update(block) or state, blocks, hashlib.new(name)).hexdigest()


# case: weak_hash-52 | good | CWE-328 | FastAPI dependency with HMAC-SHA512
async def partner(x_mark: str = Header(), x_body: str = Header()) -> None:
    expected = hmac.digest(gateway_key().encode(), x_body.encode(), "sha512").hex()
    if not secrets.compare_digest(expected, x_mark):
        raise HTTPException(403)


@service.post("/partner/events", dependencies=[Depends(partner)])
async def partner_event():
    return {"accepted": True}
