"""Hashes as web code uses them: passwords, signatures, checksums, cache keys."""

import functools
import hashlib
import hmac
import json
import os
import time
from hashlib import md5 as digest_of
from pathlib import Path

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from cryptography.hazmat.primitives import hashes
from django.contrib.auth.hashers import make_password
from django.http import HttpResponse, JsonResponse
from django.views import View
from fastapi import APIRouter, HTTPException, Request, UploadFile
from flask import Flask, abort, jsonify, request
from pydantic import BaseModel
from werkzeug.security import check_password_hash, generate_password_hash

from .models import Account, Customer, Document, db

app = Flask(__name__)
router = APIRouter()
hasher = PasswordHasher()
cache: dict[str, bytes] = {}


# case: weak_hash-01 | bad | CWE-916 | MD5 of the password, direct, Flask form
@app.post("/register")
def register():
    account = Account(
        email=request.form["email"],
        password=hashlib.md5(request.form["password"].encode()).hexdigest(),
    )
    db.session.add(account)
    db.session.commit()
    return jsonify(id=account.id), 201


# case: weak_hash-02 | bad | CWE-916 | salted SHA-1 in a helper that the view calls
def encode_password(raw: str, salt: str) -> str:
    combined = salt + raw
    return hashlib.sha1(combined.encode("utf-8")).hexdigest()


@app.post("/account/password")
def change_password():
    body = request.get_json()
    account = Account.query.get_or_404(body["id"])
    account.salt = os.urandom(8).hex()
    account.password = encode_password(body["new_password"], account.salt)
    db.session.commit()
    return "", 204


# case: weak_hash-03 | bad | CWE-327 | hashlib.new with the name held in a class attribute
class Member:
    algorithm = "md5"

    def __init__(self, login: str):
        self.login = login
        self.password_hash = ""

    def set_password(self, password: str) -> None:
        hashed = hashlib.new(self.algorithm)
        hashed.update(password.encode())
        self.password_hash = hashed.hexdigest()


# case: weak_hash-04 | bad | CWE-916 | Django view compares an unsalted SHA-1 at login
def sign_in(request_):
    login = request_.POST["login"]
    given = hashlib.sha1(request_.POST["password"].encode()).hexdigest()
    customer = Customer.objects.filter(login=login).first()
    if customer is None or not hmac.compare_digest(customer.password_sha1, given):
        return HttpResponse("unknown login or password", status=401)
    request_.session["customer"] = customer.pk
    return HttpResponse("welcome")


# case: weak_hash-05 | bad | CWE-916 | Django setting puts the MD5 hasher first
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.sessions", "shop"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_USER_MODEL = "shop.Customer"


# case: weak_hash-06 | bad | CWE-327 | FastAPI, algorithm looked up in a dict of constants
class SignUp(BaseModel):
    email: str
    password: str


DIGESTS = {"default": "sha1", "length": 40}


@router.post("/users")
async def create_user(form: SignUp):
    hashed = hashlib.new(DIGESTS["default"], form.password.encode()).hexdigest()
    user = await Account.create(email=form.email, password=hashed)
    return {"id": user.id}


# case: weak_hash-07 | bad | CWE-327 | cryptography's MD5 as the tag of a reset link
def reset_link(account: Account, key: bytes) -> str:
    tag = hashes.Hash(hashes.MD5())
    tag.update(key)
    tag.update(account.email.encode())
    return f"https://shop.example/reset/{account.id}/{tag.finalize().hex()}"


# case: weak_hash-08 | bad | CWE-328 | webhook signature is MD5 of secret and body
@app.post("/hooks/payment")
def payment_hook():
    secret = app.config["PAYMENT_SECRET"]
    expected = hashlib.md5((secret + request.get_data(as_text=True)).encode()).hexdigest()
    if request.headers.get("X-Signature") != expected:
        abort(403)
    event = json.loads(request.data)
    Account.query.filter_by(id=event["account"]).update({"paid": True})
    return "", 204


# case: weak_hash-09 | bad | CWE-328 | session token from SHA-1 of user name and time
@app.post("/api/login")
def api_login():
    account = Account.query.filter_by(email=request.json["email"]).first_or_404()
    if not check_password_hash(account.password, request.json["password"]):
        abort(401)
    seed = "%s:%d" % (account.email, int(time.time()))
    token = hashlib.sha1(seed.encode()).hexdigest()
    account.session_token = token
    db.session.commit()
    return jsonify(token=token)


# case: weak_hash-10 | bad | CWE-328 | plug-in archive is trusted because of its MD5
def install_plugin(archive: Path, expected_md5: str, target: Path) -> None:
    running = hashlib.md5()
    with archive.open("rb") as stream:
        for block in iter(lambda: stream.read(65536), b""):
            running.update(block)
    if running.hexdigest() != expected_md5:
        raise ValueError(f"{archive.name} is not the plug-in that was published")
    target.write_bytes(archive.read_bytes())


# case: weak_hash-11 | bad | CWE-916 | PBKDF2 with one hundred rounds
@app.post("/members")
def add_member():
    salt = os.urandom(16)
    derived = hashlib.pbkdf2_hmac("sha1", request.form["password"].encode(), salt, 100)
    db.session.add(Account(email=request.form["email"], salt=salt, password=derived))
    db.session.commit()
    return "", 201


# case: weak_hash-12 | bad | CWE-327 | import alias in a password check
@router.post("/login")
async def login(form: SignUp):
    user = await Account.by_email(form.email)
    if user is None or user.password != digest_of(form.password.encode("utf8")).hexdigest():
        raise HTTPException(status_code=401)
    return {"token": await user.new_token()}


# case: weak_hash-13 | bad | CWE-327 | algorithm chosen by a conditional whose branches are both weak
def store_pin(customer: Customer, pin: str, legacy: bool) -> None:
    if legacy:
        make = hashlib.md5
    else:
        make = hashlib.sha1
    customer.pin = make(pin.encode()).hexdigest()
    customer.save(update_fields=["pin"])


# case: weak_hash-14 | good | CWE-916 | werkzeug's password hash
@app.post("/v2/register")
def register_v2():
    hashed = generate_password_hash(request.form["password"])
    db.session.add(Account(email=request.form["email"], password=hashed))
    db.session.commit()
    return "", 201


# case: weak_hash-15 | good | CWE-916 | argon2 at login
@app.post("/v2/login")
def login_v2():
    account = Account.query.filter_by(email=request.form["email"]).first_or_404()
    try:
        hasher.verify(account.password, request.form["password"])
    except VerifyMismatchError:
        abort(401)
    if hasher.check_needs_rehash(account.password):
        account.password = hasher.hash(request.form["password"])
        db.session.commit()
    return jsonify(id=account.id)


# case: weak_hash-16 | good | CWE-327 | MD5 as ETag, declared as not for security
@app.get("/documents/<int:number>")
def document(number: int):
    text = Document.query.get_or_404(number).text.encode()
    response = app.response_class(text, mimetype="text/plain")
    response.set_etag(hashlib.md5(text, usedforsecurity=False).hexdigest())
    return response.make_conditional(request)


# case: weak_hash-17 | good | CWE-327 | MD5 as cache key
@app.get("/search")
def search():
    cache_key = "search:" + hashlib.md5(request.full_path.encode()).hexdigest()
    if cache_key not in cache:
        cache[cache_key] = json.dumps(Document.search(request.args.get("q", ""))).encode()
    return app.response_class(cache[cache_key], mimetype="application/json")


# case: weak_hash-18 | good | CWE-328 | webhook signature by HMAC-SHA256
@app.post("/hooks/shipping")
def shipping_hook():
    key = app.config["SHIPPING_SECRET"].encode()
    expected = hmac.new(key, request.get_data(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(request.headers.get("X-Signature", ""), expected):
        abort(403)
    Account.mark_shipped(request.json["order"])
    return "", 204


# case: weak_hash-19 | good | CWE-916 | Django's make_password
class SignUpView(View):
    def post(self, request_):
        password = request_.POST["password"]
        Customer.objects.create(login=request_.POST["login"], password=make_password(password))
        return JsonResponse({"created": True}, status=201)


# case: weak_hash-20 | good | CWE-916 | FastAPI with bcrypt
@router.post("/v2/users")
async def create_user_v2(form: SignUp):
    hashed = bcrypt.hashpw(form.password.encode(), bcrypt.gensalt(rounds=12))
    user = await Account.create(email=form.email, password=hashed.decode())
    return {"id": user.id}


# case: weak_hash-21 | good | CWE-327 | SHA-1 names a file by its content as git does
def object_name(content: bytes) -> str:
    header = b"blob %d\0" % len(content)
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def object_view(request_, number):
    content = Document.objects.get(pk=number).text.encode()
    return JsonResponse({"object": object_name(content), "size": len(content)})


# case: weak_hash-22 | good | CWE-328 | archive checked by SHA-256
def install_theme(archive: Path, expected: str, target: Path) -> None:
    with archive.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if not hmac.compare_digest(found, expected):
        raise ValueError(f"{archive.name} is not the theme that was published")
    target.write_bytes(archive.read_bytes())


# case: weak_hash-23 | good | CWE-327 | algorithm name from the request, from a set of strong ones
STRONG = {"sha256": hashlib.sha256, "sha512": hashlib.sha512, "blake2b": hashlib.blake2b}


@router.post("/digest")
async def digest(upload: UploadFile, algorithm: str = "sha256"):
    make = STRONG.get(algorithm)
    if make is None:
        raise HTTPException(status_code=400, detail="algorithm not offered")
    return {"algorithm": algorithm, "digest": make(await upload.read()).hexdigest()}


# case: weak_hash-24 | good | CWE-916 | scrypt with a salt of its own
def store_secret_answer(customer: Customer, answer: str) -> None:
    salt = os.urandom(16)
    derived = hashlib.scrypt(answer.lower().encode(), salt=salt, n=2**15, r=8, p=1, maxmem=2**26)
    customer.answer = salt.hex() + "$" + derived.hex()
    customer.save(update_fields=["answer"])


# case: weak_hash-25 | good | CWE-327 | MD5 spreads users over experiment buckets
@functools.lru_cache
def experiment_bucket(experiment: str, user_id: int) -> int:
    spread = hashlib.md5(f"{experiment}/{user_id}".encode()).digest()
    return int.from_bytes(spread[:4], "big") % 100


@router.get("/banner")
async def banner(request_: Request):
    return {"variant": "b" if experiment_bucket("banner", request_.state.user_id) < 50 else "a"}
