import asyncio
import hashlib
import os
import random
import secrets
import string
import time
import uuid
from dataclasses import dataclass, field
from functools import wraps
from random import choices, sample as draw

import httpx
import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.contrib.auth.models import User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.mail import send_mail
from django.db import models
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.crypto import get_random_string
from fastapi import Depends, FastAPI, Request, Response
from flask import Flask, abort, jsonify, make_response, redirect as flask_redirect, request, session
from pydantic import BaseModel, Field

from mailer import deliver, send_sms
from shop.models import Coupon, Question
from store import accounts, db, files, metrics

app = Flask(__name__)
api = FastAPI()

ALPHABET = string.ascii_letters + string.digits




# case: weak_randomness-101 | bad | CWE-338 | token for a forgotten password
@app.post("/forgot")
def forgot():
    email = request.form["email"]
    token = "".join(random.choice(string.ascii_letters + string.digits) for _ in range(32))
    accounts.save_reset(email, token)
    deliver(email, "Reset", f"https://example.org/reset/{token}")
    return "", 202


# case: weak_randomness-102 | good | CWE-338 | token for an e-mail confirmation
@app.post("/confirm-mail")
def confirm_mail():
    email = request.form["email"]
    token = secrets.token_urlsafe(32)
    accounts.save_confirmation(email, token)
    deliver(email, "Confirm", f"https://example.org/confirm/{token}")
    return "", 202


# case: weak_randomness-103 | bad | CWE-338 | one-time code by text message
@app.post("/otp")
def send_otp():
    phone = accounts.phone(session["user_id"])
    code = random.randint(100000, 999999)
    accounts.save_otp(session["user_id"], code, ttl=300)
    send_sms(phone, f"Your code: {code}")
    return "", 202


# case: weak_randomness-104 | bad | CWE-340 | identifier of an invitation
class Invitation(models.Model):
    email = models.EmailField()
    token = models.CharField(max_length=32, unique=True)

    def save(self, *args, **kwargs):
        if not self.token:
            self.token = uuid.uuid1().hex
        super().save(*args, **kwargs)


def accept(request, token):
    invitation = get_object_or_404(Invitation, token=token)
    User.objects.create_user(invitation.email, invitation.email, request.POST["password"])
    return redirect("login")


# case: weak_randomness-105 | good | CWE-338 | second factor by text message
@app.post("/second-factor")
def second_factor():
    code = f"{secrets.randbelow(1_000_000):06d}"
    accounts.save_otp(session["user_id"], code, ttl=120)
    send_sms(accounts.phone(session["user_id"]), f"Your code: {code}")
    return "", 202


# case: weak_randomness-106 | good | CWE-338 | string helper of the framework
def invite_colleague(request):
    code = get_random_string(40)
    request.user.team.invitations.create(email=request.POST["email"], code=code)
    send_mail("Invitation", f"https://example.org/i/{code}", None, [request.POST["email"]])
    return redirect("team")


# case: weak_randomness-107 | bad | CWE-330 | identifier of a session
SESSIONS: dict[str, int] = {}


def open_session(user_id: int) -> str:
    sid = f"{random.getrandbits(64):016x}"
    SESSIONS[sid] = user_id
    return sid


@api.post("/sessions")
async def create_session(name: str, password: str, response: Response):
    user = await accounts.authenticate(name, password)
    response.set_cookie("sid", open_session(user.id), httponly=True, secure=True)
    return {"user": user.id}


# case: weak_randomness-108 | good | CWE-330 | pause between attempts
@api.get("/quotes/{symbol}")
async def quote(symbol: str):
    async with httpx.AsyncClient(base_url="https://quotes.partner.example") as client:
        for attempt in range(4):
            reply = await client.get("/latest", params={"symbol": symbol})
            if reply.status_code != 503:
                return reply.json()
            await asyncio.sleep(2 ** attempt * 0.1 + random.uniform(0, 0.25))
    return {"symbol": symbol, "price": None}


# case: weak_randomness-109 | bad | CWE-337 | generator that is started by the clock
def temporary_password(length=10):
    random.seed(int(time.time()))
    letters = string.ascii_lowercase + string.digits
    return "".join(random.choices(letters, k=length))


@app.post("/admin/users")
def admin_create_user():
    password = temporary_password()
    accounts.insert(email=request.form["email"], password=password)
    deliver(request.form["email"], "Welcome", f"Your first password is {password}")
    return "", 201


# case: weak_randomness-110 | good | CWE-338 | generator held by a class
class PinMaker:
    source = random.SystemRandom()

    def __init__(self, digits=8):
        self.digits = digits

    def make(self):
        return "".join(self.source.choice(string.digits) for _ in range(self.digits))


@app.post("/lockers/<int:locker_id>/pin")
def locker_pin(locker_id):
    pin = PinMaker().make()
    db.set_pin(locker_id, pin)
    return jsonify(pin=pin)


# case: weak_randomness-111 | bad | CWE-337 | voucher of a customer
def voucher_for(user):
    rng = random.Random(user.pk)
    return "-".join("".join(rng.choices(string.ascii_uppercase, k=4)) for _ in range(3))


def birthday_voucher(request):
    code = voucher_for(request.user)
    Coupon.objects.get_or_create(code=code, defaults={"value": 25, "single_use": True})
    return JsonResponse({"code": code})


# case: weak_randomness-112 | good | CWE-330 | order of the questions
def quiz(request, topic):
    questions = list(Question.objects.filter(topic__slug=topic)[:50])
    random.shuffle(questions)
    picked = questions[:10]
    return render(request, "quiz.html", {"questions": picked, "hint": random.choice(picked) if picked else None})


# case: weak_randomness-113 | bad | CWE-338 | default of a model field
def make_key() -> str:
    return "k_" + "".join(choices("0123456789abcdef", k=40))


class ApiClient(BaseModel):
    name: str
    key: str = Field(default_factory=make_key)


@api.post("/clients")
async def create_client(name: str):
    client = ApiClient(name=name)
    await db.save_client(client.name, client.key)
    return client


# case: weak_randomness-114 | good | CWE-338 | default of a robot account
class RobotAccount(BaseModel):
    name: str
    key: str = Field(default_factory=lambda: secrets.token_hex(24))


@api.post("/robots")
async def create_robot(name: str):
    robot = RobotAccount(name=name)
    await db.save_robot(robot.name, hashlib.sha256(robot.key.encode()).hexdigest())
    return robot


# case: weak_randomness-115 | bad | CWE-338 | digest over a drawn number
@app.post("/api-keys")
def new_api_key():
    seed = f"{random.random()}{random.random()}"
    key = hashlib.sha256(seed.encode()).hexdigest()
    accounts.add_key(session["user_id"], key)
    return jsonify(key=key), 201


# case: weak_randomness-116 | good | CWE-330 | banner of the start page
BANNERS = ["spring.jpg", "summer.jpg", "autumn.jpg", "winter.jpg"]


@app.get("/banner")
def banner():
    name = random.choice(BANNERS)
    response = make_response("", 302)
    response.headers["Location"] = f"/static/banners/{name}"
    response.headers["Cache-Control"] = "no-store"
    return response


# case: weak_randomness-117 | bad | CWE-338 | array of drawn letters
@app.post("/shares")
def create_share():
    letters = np.array(list(string.ascii_letters + string.digits))
    picked = np.random.choice(letters, size=24)
    token = "".join(picked.tolist())
    files.share(request.form["file"], token)
    return jsonify(url=f"/shared/{token}"), 201


# case: weak_randomness-118 | good | CWE-330 | repeatable simulation
class Scenario(BaseModel):
    mean: float
    spread: float = Field(gt=0)
    runs: int = Field(default=1000, le=100_000)


@api.post("/simulate")
async def simulate(scenario: Scenario):
    rng = np.random.default_rng(42)
    values = rng.normal(scenario.mean, scenario.spread, scenario.runs)
    return {"p5": float(np.percentile(values, 5)), "p95": float(np.percentile(values, 95))}


# case: weak_randomness-119 | bad | CWE-338 | backup codes for an account
def backup_codes(count):
    for _ in range(count):
        yield "".join(draw(string.digits + string.ascii_lowercase, 8))


@app.post("/account/backup-codes")
def renew_backup_codes():
    codes = list(backup_codes(10))
    accounts.replace_backup_codes(session["user_id"], codes)
    return jsonify(codes=codes)


# case: weak_randomness-120 | good | CWE-340 | token derived from the state of an account
class ActivationTokenGenerator(PasswordResetTokenGenerator):
    def _make_hash_value(self, user, timestamp):
        return f"{user.pk}{timestamp}{user.is_active}{user.email}"


activation_tokens = ActivationTokenGenerator()


def resend_activation(request):
    user = get_object_or_404(User, email=request.POST["email"], is_active=False)
    token = activation_tokens.make_token(user)
    user.email_user("Activate", f"https://example.org/activate/{user.pk}/{token}")
    return HttpResponse(status=204)


# case: weak_randomness-121 | bad | CWE-330 | number of a gift card
def card_number():
    return str(random.randrange(10**11, 10**12))


class GiftCard(models.Model):
    number = models.CharField(max_length=12, unique=True, default=card_number)
    balance = models.DecimalField(max_digits=8, decimal_places=2)


def redeem(request):
    card = get_object_or_404(GiftCard, number=request.POST["number"])
    request.user.wallet.credit(card.balance)
    card.delete()
    return redirect("wallet")


# case: weak_randomness-122 | good | CWE-340 | key of a shared album
class SharedAlbum(models.Model):
    key = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey("auth.User", on_delete=models.CASCADE)
    title = models.CharField(max_length=80)


def shared_album(request, key: uuid.UUID):
    album = get_object_or_404(SharedAlbum, key=key)
    return render(request, "album.html", {"album": album})


# case: weak_randomness-123 | bad | CWE-330 | state of a sign-in round trip
@app.get("/oauth/start")
def oauth_start():
    state = str(random.randint(0, 999999999))
    session["oauth_state"] = state
    return flask_redirect(
        "https://id.partner.example/authorize"
        f"?client_id={app.config['OAUTH_CLIENT']}&response_type=code&state={state}"
    )


# case: weak_randomness-124 | good | CWE-330 | state and verifier of a sign-in round trip
@app.get("/sso/start")
def sso_start():
    session["sso_state"] = secrets.token_urlsafe(24)
    session["sso_nonce"] = secrets.token_hex(16)
    return flask_redirect(
        "https://sso.partner.example/authorize?response_type=code"
        f"&state={session['sso_state']}&nonce={session['sso_nonce']}"
    )


# case: weak_randomness-125 | bad | CWE-338 | data key for an archive
@dataclass
class ArchiveKey:
    archive: int
    material: bytes = field(default_factory=lambda: random.randbytes(32))


@api.post("/archives/{archive_id}/seal")
async def seal_archive(archive_id: int):
    key = ArchiveKey(archive_id)
    nonce = os.urandom(12)
    blob = AESGCM(key.material).encrypt(nonce, await files.read(archive_id), None)
    await files.write(archive_id, nonce + blob)
    await db.save_archive_key(archive_id, key.material)
    return {"archive": archive_id}


# case: weak_randomness-126 | good | CWE-338 | data key for a recording
@dataclass
class RecordingKey:
    recording: int
    material: bytes = field(default_factory=lambda: os.urandom(32))


@api.post("/recordings/{recording_id}/seal")
async def seal_recording(recording_id: int):
    key = RecordingKey(recording_id)
    nonce = os.urandom(12)
    blob = AESGCM(key.material).encrypt(nonce, await files.read(recording_id), None)
    await files.write(recording_id, nonce + blob)
    await db.save_recording_key(recording_id, key.material)
    return {"recording": recording_id}


# case: weak_randomness-127 | bad | CWE-340 | link to an exported report
@app.post("/exports")
def start_export():
    stamp = int(time.time() * 1000)
    link_id = hashlib.sha256(str(stamp).encode()).hexdigest()[:20]
    files.export(session["user_id"], f"/srv/public/exports/{link_id}.csv")
    return jsonify(url=f"https://files.example.org/exports/{link_id}.csv"), 202


# case: weak_randomness-128 | good | CWE-330 | pick of a replica
class ReplicaPool:
    def __init__(self, names):
        self.names = list(names)

    def pick(self):
        return random.choices(self.names, weights=[db.free(n) for n in self.names])[0]


@app.get("/reports/<int:report_id>")
def report(report_id):
    replica = ReplicaPool(app.config["REPLICAS"]).pick()
    return jsonify(db.on(replica).report(report_id))


# case: weak_randomness-129 | bad | CWE-338 | token checked by a decorator
def form_token():
    if "form_token" not in session:
        session["form_token"] = "%032x" % random.getrandbits(128)
    return session["form_token"]


def needs_form_token(view):
    @wraps(view)
    def inner(*args, **kwargs):
        if request.form.get("form_token") != form_token():
            abort(400)
        return view(*args, **kwargs)
    return inner


@app.post("/email")
@needs_form_token
def change_email():
    accounts.set_email(session["user_id"], request.form["email"])
    return "", 204


# case: weak_randomness-130 | good | CWE-338 | password that meets a rule
def first_password(length=16):
    while True:
        candidate = "".join(secrets.choice(ALPHABET) for _ in range(length))
        if any(c.isdigit() for c in candidate) and any(c.isupper() for c in candidate):
            return candidate


@app.post("/admin/staff")
def admin_create_staff():
    password = first_password()
    accounts.insert(email=request.form["email"], password=password)
    return jsonify(password=password), 201


# case: weak_randomness-131 | bad | CWE-338 | bearer token from a dependency
class TokenIssuer:
    def __init__(self, length: int = 40):
        self.length = length
        self.rng = random.Random()

    def issue(self) -> str:
        return "".join(self.rng.choice(ALPHABET) for _ in range(self.length))


@api.post("/devices/{device_id}/token")
async def device_token(device_id: int, issuer: TokenIssuer = Depends(TokenIssuer)):
    token = issuer.issue()
    await db.save_device_token(device_id, token)
    return {"token": token}


# case: weak_randomness-132 | good | CWE-330 | share of requests that are measured
SAMPLE_RATE = 0.02


@api.middleware("http")
async def measure(request: Request, call_next):
    sampled = random.random() < SAMPLE_RATE
    started = time.perf_counter()
    response = await call_next(request)
    if sampled:
        metrics.timing(request.url.path, time.perf_counter() - started)
    return response
