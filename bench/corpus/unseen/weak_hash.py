import base64
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from Crypto.Hash import MD5, SHA256
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from django import template
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.crypto import salted_hmac
from fastapi import Depends, FastAPI, Form, HTTPException, UploadFile
from flask import Flask, abort, jsonify, make_response, request, send_file
from passlib.context import CryptContext
from passlib.hash import apr_md5_crypt
from pydantic import BaseModel
from werkzeug.security import generate_password_hash

from store import accounts, blobs, db, experiments, releases

app = Flask(__name__)
api = FastAPI()
register = template.Library()




# case: weak_hash-101 | bad | CWE-328 | password digest stored at sign-up
@app.post("/signup")
def signup():
    email = request.form["email"]
    password = request.form["password"]
    digest = hashlib.md5(password.encode("utf-8")).hexdigest()
    accounts.insert(email=email, password=digest)
    return jsonify(created=email), 201


# case: weak_hash-102 | good | CWE-328 | validator of a cached response
@app.get("/catalogue.json")
def catalogue():
    body = blobs.read("catalogue.json")
    etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
    if request.if_none_match.contains(etag):
        return "", 304
    response = make_response(body)
    response.set_etag(etag)
    return response


# case: weak_hash-103 | bad | CWE-916 | salted digest for a member's password
def change_password(request, pk):
    member = get_object_or_404(User, pk=pk)
    salt = secrets.token_hex(8)
    raw = request.POST["new_password"]
    member.password = "sha1$%s$%s" % (salt, hashlib.sha1((salt + raw).encode()).hexdigest())
    member.save(update_fields=["password"])
    return redirect("profile", pk=pk)


# case: weak_hash-104 | good | CWE-916 | library hasher behind a login endpoint
hasher = PasswordHasher()


class LoginBody(BaseModel):
    username: str
    password: str


@api.post("/login")
async def login(body: LoginBody):
    row = await db.fetch_one("select id, pw from users where name = :n", {"n": body.username})
    try:
        hasher.verify(row["pw"], body.password)
    except VerifyMismatchError:
        raise HTTPException(status_code=401)
    return {"id": row["id"]}


# case: weak_hash-105 | bad | CWE-327 | context object for the password scheme
crypt_context = CryptContext(schemes=["md5_crypt"])


@api.post("/members")
async def create_member(name: str = Form(...), password: str = Form(...)):
    hashed = crypt_context.hash(password)
    await db.execute("insert into members(name, pw) values (:n, :p)", {"n": name, "p": hashed})
    return {"name": name}


# case: weak_hash-106 | good | CWE-916 | framework helper for an invited user
def accept_invitation(request, token):
    invitation = accounts.invitation(token)
    user = User(username=invitation.email, email=invitation.email)
    user.password = make_password(request.POST["password"])
    user.save()
    invitation.close()
    return redirect("welcome")


# case: weak_hash-107 | bad | CWE-328 | algorithm name held by the class
class CredentialStore:
    algorithm = "md5"

    def __init__(self, table):
        self.table = table

    def digest(self, secret):
        h = hashlib.new(self.algorithm)
        h.update(secret.encode())
        return h.hexdigest()

    def check(self, user, secret):
        return hmac.compare_digest(self.table[user], self.digest(secret))


@app.post("/session")
def open_session():
    store = CredentialStore(accounts.table())
    return ("", 204) if store.check(request.form["user"], request.form["password"]) else ("", 401)


# case: weak_hash-108 | good | CWE-328 | signature of an incoming webhook
@app.post("/hooks/build")
def build_hook():
    key = os.environ["BUILD_HOOK_KEY"].encode()
    sent = request.headers.get("X-Signature-256", "")
    expected = "sha256=" + hmac.new(key, request.get_data(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(sent, expected):
        abort(403)
    return "", 202


# case: weak_hash-109 | bad | CWE-916 | derived value for the password column
ROUNDS = 1000


def stretch(password, salt):
    return hashlib.pbkdf2_hmac("sha1", password.encode(), salt, ROUNDS)


@app.post("/account/password")
def set_account_password():
    salt = os.urandom(16)
    value = stretch(request.form["password"], salt)
    accounts.update(request.form["user"], salt=salt.hex(), pw=value.hex())
    return "", 204


# case: weak_hash-110 | good | CWE-916 | key derivation with a module constant
PBKDF2_ITERATIONS = 600_000


def derive(password: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, PBKDF2_ITERATIONS)


@app.post("/vault/unlock")
def unlock_vault():
    record = accounts.vault(request.form["user"])
    candidate = derive(request.form["passphrase"], record.salt)
    if not hmac.compare_digest(candidate, record.verifier):
        abort(401)
    return jsonify(entries=record.entries())


# case: weak_hash-111 | bad | CWE-328 | signed download link
def link_signature(path, expires):
    base = f"{app.config['LINK_KEY']}:{path}:{expires}"
    return hashlib.md5(base.encode()).hexdigest()


@app.get("/dl/<path:name>")
def signed_download(name):
    expires = request.args["e"]
    if request.args["s"] != link_signature(name, expires):
        abort(403)
    return send_file(blobs.open(name), download_name="file.bin")


# case: weak_hash-112 | good | CWE-916 | lookup value of a generated access token
@app.post("/tokens")
def issue_token():
    token = secrets.token_urlsafe(32)
    lookup = hashlib.sha256(token.encode()).hexdigest()
    accounts.add_token(request.form["label"], lookup)
    return jsonify(token=token), 201


# case: weak_hash-113 | good | CWE-327 | order of the hashers in settings
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]


# case: weak_hash-114 | bad | CWE-327 | signature made over an invoice
@api.get("/invoices/{number}/signature")
async def sign_invoice(number: int):
    pem = open("/run/secrets/invoice.pem", "rb").read()
    key = serialization.load_pem_private_key(pem, password=None)
    document = blobs.read(f"invoice-{number}.pdf")
    signature = key.sign(document, padding.PKCS1v15(), hashes.SHA1())
    return {"number": number, "signature": base64.b64encode(signature).decode()}


# case: weak_hash-115 | bad | CWE-916 | dataclass that knows its own check
@dataclass
class Operator:
    name: str
    pw_digest: str

    def matches(self, candidate: str) -> bool:
        return hashlib.sha256(candidate.encode()).hexdigest() == self.pw_digest


@app.post("/operators/login")
def operator_login():
    operator = Operator(**accounts.operator(request.form["name"]))
    if not operator.matches(request.form["password"]):
        abort(401)
    return jsonify(name=operator.name)


# case: weak_hash-116 | good | CWE-327 | signature made over a statement
@api.get("/statements/{number}/signature")
async def sign_statement(number: int):
    pem = open("/run/secrets/statement.pem", "rb").read()
    key = serialization.load_pem_private_key(pem, password=None)
    scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.MAX_LENGTH)
    signature = key.sign(blobs.read(f"statement-{number}.pdf"), scheme, hashes.SHA256())
    return {"number": number, "signature": base64.b64encode(signature).decode()}


# case: weak_hash-117 | good | CWE-916 | form password goes through a work-factor hash
@app.post("/staff")
def add_staff():
    raw = request.form["password"]
    if len(raw) < 12:
        return jsonify(error="password too short"), 400
    hashed = bcrypt.hashpw(raw.encode(), bcrypt.gensalt(rounds=12))
    accounts.insert(email=request.form["email"], password=hashed.decode())
    return "", 201


# case: weak_hash-118 | bad | CWE-328 | table of digest functions for a plugin upload
DIGESTS = {"md5": hashlib.md5, "sha1": hashlib.sha1}


@app.post("/plugins")
def install_plugin():
    algorithm, _, expected = request.headers["X-Checksum"].partition(":")
    if algorithm not in DIGESTS:
        abort(400)
    data = request.get_data()
    if DIGESTS[algorithm](data).hexdigest() != releases.approved(request.args["name"], algorithm):
        abort(422)
    releases.install(data, expected)
    return "", 201


# case: weak_hash-119 | good | CWE-328 | table of digest names for an artefact upload
ACCEPTED = {"sha256": "sha256", "sha512": "sha512"}


@app.put("/artefacts/<int:artefact_id>")
def put_artefact(artefact_id):
    name = ACCEPTED.get(request.headers.get("X-Digest-Alg", "sha256"))
    if name is None:
        return jsonify(error="unsupported digest"), 400
    digest = hashlib.new(name, request.get_data()).hexdigest()
    if not hmac.compare_digest(digest, request.headers.get("X-Digest", "")):
        abort(422)
    releases.save(artefact_id, request.get_data())
    return "", 204


# case: weak_hash-120 | bad | CWE-328 | link mailed for a forgotten password
def forgot_password(request):
    user = get_object_or_404(User, email=request.POST["email"])
    day = timezone.now().strftime("%Y-%m-%d")
    token = hashlib.sha1(f"{user.pk}{user.email}{day}".encode()).hexdigest()
    user.email_user("Reset", f"https://portal.example.org/reset/{user.pk}/{token}/")
    return HttpResponse(status=204)


# case: weak_hash-121 | good | CWE-328 | link mailed to leave a newsletter
def unsubscribe(request, pk, mac):
    user = get_object_or_404(User, pk=pk)
    expected = salted_hmac("newsletter.unsubscribe", str(user.pk), algorithm="sha256").hexdigest()
    if not hmac.compare_digest(mac, expected):
        return HttpResponse(status=403)
    user.profile.newsletter = False
    user.profile.save()
    return redirect("goodbye")


# case: weak_hash-122 | bad | CWE-327 | digest of a card holder's pin
def pin_digest(pin: str) -> str:
    h = MD5.new()
    h.update(pin.encode())
    return h.hexdigest()


@api.post("/cards/{card_id}/pin")
async def set_pin(card_id: int, pin: str = Form(..., min_length=4, max_length=8)):
    await db.execute("update cards set pin = :p where id = :i", {"p": pin_digest(pin), "i": card_id})
    return {"card": card_id}


# case: weak_hash-123 | good | CWE-328 | content address of an upload
@api.post("/objects")
async def put_object(file: UploadFile):
    h = hashlib.blake2b(digest_size=32)
    while chunk := await file.read(1 << 16):
        h.update(chunk)
    await file.seek(0)
    name = h.hexdigest()
    blobs.write(name, await file.read())
    return {"object": name}


# case: weak_hash-124 | bad | CWE-916 | digest repeated in a loop
def harden(password: str, salt: str) -> str:
    value = salt + password
    for _ in range(50):
        value = hashlib.md5(value.encode()).hexdigest()
    return value


@app.post("/customers")
def add_customer():
    salt = os.urandom(4).hex()
    accounts.insert(email=request.form["email"], salt=salt, password=harden(request.form["password"], salt))
    return "", 201


# case: weak_hash-125 | good | CWE-916 | helper of the web toolkit
class Subscriber:
    def __init__(self, email):
        self.email = email
        self.password_hash = None

    def set_password(self, raw):
        self.password_hash = generate_password_hash(raw, method="scrypt")


@app.post("/subscribers")
def add_subscriber():
    subscriber = Subscriber(request.form["email"])
    subscriber.set_password(request.form["password"])
    accounts.add(subscriber)
    return jsonify(email=subscriber.email), 201


# case: weak_hash-126 | bad | CWE-328 | line of a htpasswd file
def htpasswd_line(user: str, password: str) -> str:
    return f"{user}:{apr_md5_crypt.hash(password)}"


def write_htpasswd(path, users):
    with open(path, "w") as fh:
        for user, password in sorted(users.items()):
            fh.write(htpasswd_line(user, password) + "\n")


# case: weak_hash-127 | good | CWE-328 | picture address in a template filter
@register.filter
def avatar_url(email, size=80):
    key = hashlib.md5(email.strip().lower().encode(), usedforsecurity=False).hexdigest()
    return f"https://www.gravatar.com/avatar/{key}?s={int(size)}&d=identicon"


# case: weak_hash-128 | bad | CWE-760 | pepper shared by all rows
PEPPER = b"orchard-2019"


@app.post("/partners/login")
def partner_login():
    row = accounts.partner(request.form["login"])
    given = hashlib.sha512(PEPPER + request.form["password"].encode()).hexdigest()
    if row is None or not hmac.compare_digest(given, row["password"]):
        abort(401)
    return jsonify(partner=row["name"])


# case: weak_hash-129 | good | CWE-328 | bucket of an experiment
@app.get("/experiment/<int:user_id>")
def experiment_bucket(user_id):
    raw = hashlib.md5(f"checkout-colour:{user_id}".encode()).digest()
    bucket = int.from_bytes(raw[:4], "big") % 100
    variant = "green" if bucket < 50 else "blue"
    experiments.record(user_id, variant)
    return jsonify(variant=variant)


# case: weak_hash-130 | bad | CWE-916 | dependency that checks the form login
def current_clerk(username: str = Form(...), password: str = Form(...)):
    clerk = accounts.clerk(username)
    if clerk is None:
        raise HTTPException(status_code=401)
    supplied = hashlib.sha1(password.encode("utf-8")).hexdigest()
    if not secrets.compare_digest(supplied, clerk.password_sha1):
        raise HTTPException(status_code=401)
    return clerk


@api.post("/till/open")
async def open_till(clerk=Depends(current_clerk)):
    return {"till": clerk.till_id}


# case: weak_hash-131 | good | CWE-328 | digest of a release file
@api.get("/releases/{version}/check")
async def check_release(version: str):
    release = releases.get(version)
    if release is None:
        raise HTTPException(status_code=404)
    with open(release.path, "rb") as fh:
        digest = hashlib.file_digest(fh, "sha256").hexdigest()
    return {"version": release.version, "ok": hmac.compare_digest(digest, release.sha256)}


# case: weak_hash-132 | bad | CWE-916 | hashers of a settings class
class PortalSettings:
    ALLOWED_HOSTS = ["portal.example.org"]
    AUTH_USER_MODEL = "members.Member"
    PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
    SESSION_COOKIE_AGE = 3600
