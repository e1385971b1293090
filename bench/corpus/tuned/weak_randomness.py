"""Random numbers as web code uses them: tokens and passwords, but also games and jitter."""

import asyncio
import base64
import os
import random
import secrets
import string
import time
import uuid
from random import choice, randint

import numpy
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.http import HttpResponse, JsonResponse
from django.utils.crypto import get_random_string
from django.views import View
from fastapi import APIRouter, Response
from flask import Flask, jsonify, make_response, render_template, request, session
from pydantic import BaseModel

from .models import Account, Coupon, db

app = Flask(__name__)
router = APIRouter()
LETTERS = string.ascii_letters + string.digits


# case: weak_randomness-01 | bad | CWE-338 | password joined from random.choice
@app.post("/invite")
def invite():
    password = "".join(random.choice(LETTERS) for _ in range(12))
    account = Account(email=request.form["email"])
    account.set_password(password)
    db.session.add(account)
    db.session.commit()
    return render_template("invited.html", password=password)


# case: weak_randomness-02 | bad | CWE-338 | one-time code by randint
@app.post("/login/code")
def send_code():
    account = Account.query.filter_by(phone=request.form["phone"]).first_or_404()
    account.login_code = "%06d" % random.randint(0, 999999)
    db.session.commit()
    account.send_sms(f"Your code is {account.login_code}")
    return "", 204


# case: weak_randomness-03 | bad | CWE-330 | session id by getrandbits in a helper
def new_session_id() -> str:
    return format(random.getrandbits(128), "032x")


@app.post("/sessions")
def open_session():
    response = make_response("", 201)
    response.set_cookie("sid", new_session_id(), secure=True, httponly=True, samesite="Lax")
    return response


# case: weak_randomness-04 | bad | CWE-330 | CSRF token from random.random
@app.before_request
def ensure_csrf_token():
    if "csrf_token" not in session:
        session["csrf_token"] = str(random.random())[2:]


# case: weak_randomness-05 | bad | CWE-338 | Django reset token, imported names
def forgot_password(request_):
    user = User.objects.get(email=request_.POST["email"])
    reset_token = "".join([choice(LETTERS) for _ in range(32)])
    user.profile.reset_token = reset_token
    user.profile.save()
    send_mail("Reset", f"https://shop.example/reset/{reset_token}", None, [user.email])
    return HttpResponse("sent")


# case: weak_randomness-06 | bad | CWE-338 | random.choices in a class that makes API keys
class KeyMaker:
    def __init__(self, length: int = 40):
        self.rng = random.Random()
        self.length = length

    def api_key(self) -> str:
        return "".join(self.rng.choices(LETTERS, k=self.length))


# case: weak_randomness-07 | bad | CWE-338 | generator seeded with the time
@router.post("/tokens")
async def create_token(account: int):
    random.seed(int(time.time()))
    token = bytes(random.randrange(256) for _ in range(24))
    await Account.store_token(account, token)
    return {"token": base64.urlsafe_b64encode(token).decode()}


# case: weak_randomness-08 | bad | CWE-330 | uuid1 as the secret of a download link
@app.post("/exports")
def export():
    link_secret = uuid.uuid1().hex
    db.session.add(Account.export_job(request.json["account"], link_secret))
    db.session.commit()
    return jsonify(link=f"/exports/{link_secret}")


# case: weak_randomness-09 | bad | CWE-338 | numpy's generator for a password salt and key
def derive_key_material() -> tuple[bytes, bytes]:
    salt = numpy.random.bytes(16)
    key = numpy.random.bytes(32)
    return salt, key


# case: weak_randomness-10 | bad | CWE-338 | loop that appends digits to a PIN, FastAPI model
class Card(BaseModel):
    owner: str
    pin: str = ""


@router.post("/cards")
async def issue_card(card: Card):
    pin = ""
    while len(pin) < 6:
        pin += str(randint(0, 9))
    card.pin = pin
    return card


# case: weak_randomness-11 | bad | CWE-330 | gift codes made by sample in a comprehension, Django view
class CouponView(View):
    def post(self, request_):
        number = int(request_.POST["number"])
        codes = ["".join(random.sample(string.ascii_uppercase, 10)) for _ in range(number)]
        Coupon.objects.bulk_create([Coupon(code=code, value=5000) for code in codes])
        return JsonResponse({"codes": codes})


# case: weak_randomness-12 | bad | CWE-338 | shuffled alphabet as temporary password
def temporary_password(length: int = 10) -> str:
    letters = list(LETTERS)
    random.shuffle(letters)
    return "".join(letters[:length])


# case: weak_randomness-13 | good | CWE-338 | secrets.choice
@app.post("/v2/invite")
def invite_v2():
    password = "".join(secrets.choice(LETTERS) for _ in range(16))
    account = Account(email=request.form["email"])
    account.set_password(password)
    db.session.add(account)
    db.session.commit()
    return render_template("invited.html", password=password)


# case: weak_randomness-14 | good | CWE-338 | code by secrets.randbelow
@app.post("/v2/login/code")
def send_code_v2():
    account = Account.query.filter_by(phone=request.form["phone"]).first_or_404()
    account.login_code = "%06d" % secrets.randbelow(1_000_000)
    db.session.commit()
    account.send_sms(f"Your code is {account.login_code}")
    return "", 204


# case: weak_randomness-15 | good | CWE-330 | session id by token_urlsafe
@app.post("/v2/sessions")
def open_session_v2():
    response = make_response("", 201)
    response.set_cookie("sid", secrets.token_urlsafe(32), secure=True, httponly=True, samesite="Lax")
    return response


# case: weak_randomness-16 | good | CWE-338 | SystemRandom behind the same method names
class KeyMakerV2:
    def __init__(self, length: int = 40):
        self.rng = random.SystemRandom()
        self.length = length

    def api_key(self) -> str:
        return "".join(self.rng.choices(LETTERS, k=self.length))


# case: weak_randomness-17 | good | CWE-338 | Django's get_random_string
def forgot_password_v2(request_):
    user = User.objects.get(email=request_.POST["email"])
    user.profile.reset_token = get_random_string(48)
    user.profile.save()
    send_mail("Reset", f"https://shop.example/reset/{user.profile.reset_token}", None, [user.email])
    return HttpResponse("sent")


# case: weak_randomness-18 | good | CWE-330 | jitter of a retry
async def with_retries(call, attempts: int = 5):
    for attempt in range(attempts):
        try:
            return await call()
        except ConnectionError:
            await asyncio.sleep(2**attempt + random.uniform(0, 1))
    raise ConnectionError(f"gave up after {attempts} attempts")


# case: weak_randomness-19 | good | CWE-330 | dice of a game
@app.post("/games/<int:game>/roll")
def roll(game: int):
    dice = [random.randint(1, 6) for _ in range(2)]
    session["last_roll"] = dice
    return jsonify(game=game, dice=dice, double=dice[0] == dice[1])


# case: weak_randomness-20 | good | CWE-330 | quote of the day
@router.get("/quote")
async def quote(response: Response):
    quotes = ["Measure twice, cut once.", "Release early.", "Read the logs."]
    response.headers["Cache-Control"] = "no-store"
    return {"quote": random.choice(quotes)}


# case: weak_randomness-21 | good | CWE-330 | uuid4 and urandom
@app.post("/v2/exports")
def export_v2():
    job = uuid.uuid4()
    link_secret = base64.urlsafe_b64encode(os.urandom(24)).decode()
    db.session.add(Account.export_job(job, link_secret))
    db.session.commit()
    return jsonify(link=f"/exports/{link_secret}")


# case: weak_randomness-22 | good | CWE-330 | shuffled order of products on a page, Django view
def front_page(request_):
    products = list(Coupon.objects.filter(featured=True)[:20])
    random.shuffle(products)
    return JsonResponse({"products": [product.pk for product in products[:5]]})


# case: weak_randomness-23 | good | CWE-330 | one request in a hundred is traced
@router.get("/health")
async def health():
    if random.random() < 0.01:
        print("health check sampled", time.monotonic())
    return {"status": "ok"}


# case: weak_randomness-24 | good | CWE-330 | seeded noise for a chart
def demo_series(points: int = 100) -> list[float]:
    generator = numpy.random.default_rng(42)
    return [float(value) for value in generator.normal(0, 1, points).cumsum()]
