"""Where chance comes from: sign-in links, keys, quizzes, simulations."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import random
import secrets
import string
import time
import uuid
from base64 import b32encode, urlsafe_b64encode
from dataclasses import dataclass, field
from urllib.parse import urlencode

import numpy as np
from Crypto.Cipher import AES
from django.core.management.utils import get_random_secret_key
from django.db import models
from django.http import HttpResponseRedirect, JsonResponse
from fastapi import FastAPI, Request
from flask import Blueprint, Flask, after_this_request, g, redirect, request, session, url_for
from pydantic import BaseModel, Field

from club import mailer, repository
from club.settings import data_key, mirrors, wrap

site = Flask(__name__)
members = Blueprint("members", __name__)
service = FastAPI()


# case: weak_randomness-25 | bad | CWE-338 | randbytes behind a sign-in link
@members.route("/magic", methods=["POST"])
def magic_link():
    ticket = urlsafe_b64encode(random.randbytes(18)).decode()
    repository.save_ticket(request.values["mail"], ticket)
    mailer.send(request.values["mail"], url_for("members.enter", ticket=ticket, _external=True))
    return {}, 202


# case: weak_randomness-26 | bad | CWE-330 | a strong hash over a weak number
def activation_code(mail: str) -> str:
    material = f"{mail}:{random.random()}:{time.time()}"
    return hashlib.sha256(material.encode()).hexdigest()


# case: weak_randomness-27 | bad | CWE-338 | default factory of a dataclass
@dataclass
class ApiClient:
    name: str
    client_secret: str = field(
        default_factory=lambda: "".join(random.choices(string.ascii_letters + string.digits, k=36))
    )


@members.route("/clients", methods=["POST"])
def post_client():
    client = ApiClient(request.json["name"])
    repository.add(client)
    return {"secret": client.client_secret}, 201


# case: weak_randomness-28 | bad | CWE-338 | default factory of a pydantic model, FastAPI
def _access_key() -> str:
    return "%032x" % random.randrange(16**32)


class Device(BaseModel):
    label: str
    access_key: str = Field(default_factory=_access_key)


@service.post("/devices")
async def post_device(device: Device) -> Device:
    await repository.add_async(device)
    return device


# case: weak_randomness-29 | bad | CWE-338 | default of a Django model field
def make_invitation_token():
    alphabet = "BCDFGHJKLMNPQRSTVWXZ23456789"
    return "-".join("".join(random.choice(alphabet) for _ in range(4)) for _ in range(3))


class Invitation(models.Model):
    mail = models.EmailField()
    token = models.CharField(max_length=20, default=make_invitation_token, unique=True)


# case: weak_randomness-30 | bad | CWE-340 | token that is the time in other digits
@members.route("/reset", methods=["POST"])
def post_reset():
    reset_token = hex(int(time.time() * 1000))[2:]
    repository.save_reset(request.values["mail"], reset_token)
    mailer.send(request.values["mail"], url_for("members.reset", token=reset_token, _external=True))
    return {}, 202


# case: weak_randomness-31 | bad | CWE-340 | session numbers that count upwards
_numbers = itertools.count(100_000)


@service.post("/session")
async def begin(request_: Request):
    session_id = f"s{next(_numbers)}"
    await repository.keep(session_id, await request_.json())
    return {"session": session_id}


# case: weak_randomness-32 | bad | CWE-330 | generator seeded with the member's number
def unsubscribe_token(member: int) -> str:
    return b32encode(random.Random(member).getrandbits(80).to_bytes(10, "big")).decode()


# case: weak_randomness-33 | bad | CWE-330 | a UUID made of weak bits
def new_bearer() -> str:
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


@members.route("/bearer", methods=["POST"])
def post_bearer():
    g.member.bearer = new_bearer()
    return {"bearer": g.member.bearer}


# case: weak_randomness-34 | bad | CWE-330 | OAuth state, Django view
def begin_oauth(request_):
    state = str(random.randint(10**9, 10**10))
    request_.session["oauth_state"] = state
    query = urlencode({"client_id": "club", "response_type": "code", "state": state})
    return HttpResponseRedirect(f"https://login.example/authorize?{query}")


# case: weak_randomness-35 | bad | CWE-338 | key of an encrypted file drawn byte by byte
def seal(plain: bytes) -> tuple[bytes, bytes]:
    file_key = bytes(map(random.randint, [0] * 32, [255] * 32))
    box = AES.new(file_key, AES.MODE_GCM)
    sealed, tag = box.encrypt_and_digest(plain)
    return box.nonce + tag + sealed, wrap(data_key(), file_key)


# case: weak_randomness-36 | bad | CWE-338 | NumPy's default generator draws a password
class Onboarding:
    def __init__(self) -> None:
        self._generator = np.random.default_rng()

    def password(self, length: int = 14) -> str:
        drawn = self._generator.integers(33, 126, size=length)
        return "".join(chr(number) for number in drawn)


# case: weak_randomness-37 | bad | CWE-330 | content security nonce by choice over hex digits
@site.before_request
def set_nonce():
    g.csp_nonce = "".join(map(random.choice, ["0123456789abcdef"] * 24))

    @after_this_request
    def add_header(response):
        response.headers["Content-Security-Policy"] = f"script-src 'nonce-{g.csp_nonce}'"
        return response


# case: weak_randomness-38 | good | CWE-338 | link by secrets.token_bytes
@members.route("/v2/magic", methods=["POST"])
def magic_link_v2():
    ticket = urlsafe_b64encode(secrets.token_bytes(24)).decode()
    repository.save_ticket(request.values["mail"], ticket)
    mailer.send(request.values["mail"], url_for("members.enter", ticket=ticket, _external=True))
    return {}, 202


# case: weak_randomness-39 | good | CWE-338 | default factory with token_hex
@dataclass
class ApiClientV2:
    name: str
    client_secret: str = field(default_factory=lambda: secrets.token_hex(24))


# case: weak_randomness-40 | good | CWE-338 | operating system's bytes, Django model
def make_invitation_token_v2():
    return b32encode(os.urandom(15)).decode().lower()


class InvitationV2(models.Model):
    mail = models.EmailField()
    token = models.CharField(max_length=32, default=make_invitation_token_v2, unique=True)


# case: weak_randomness-41 | good | CWE-330 | playing pieces of a board game are called tokens
TOKENS = ("hat", "iron", "boat", "cat")


@members.route("/tables/<int:table>/join", methods=["POST"])
def join_table(table: int):
    token = random.choice([one for one in TOKENS if one not in repository.taken(table)])
    repository.seat(table, g.member, token)
    return {"token": token}


# case: weak_randomness-42 | good | CWE-330 | one of several mirrors
@site.route("/download/<int:number>")
def download(number: int):
    hosts = mirrors()
    weights = [host.free for host in hosts]
    chosen = random.choices(hosts, weights)[0]
    return redirect(f"https://{chosen.name}/files/{number}")


# case: weak_randomness-43 | good | CWE-330 | simulation with a fixed seed
class Forecast(BaseModel):
    mean: float
    deviation: float


@service.post("/forecast")
async def forecast(given: Forecast):
    generator = random.Random(1234)
    runs = sorted(generator.gauss(given.mean, given.deviation) for _ in range(1000))
    return {"low": runs[50], "high": runs[949]}


# case: weak_randomness-44 | good | CWE-338 | first value thrown away
def activation_code_v2(mail: str) -> str:
    code = str(random.random())
    code = secrets.token_urlsafe(20)
    repository.save_code(mail, code)
    return code


# case: weak_randomness-45 | good | CWE-330 | order of quiz questions, Django view
def quiz(request_, number):
    questions = list(repository.questions(number))
    for question in questions:
        random.shuffle(question["answers"])
    return JsonResponse(random.sample(questions, k=min(10, len(questions))), safe=False)


# case: weak_randomness-46 | good | CWE-338 | prize drawn by SystemRandom of secrets
def draw_winners(tickets: list[str], places: int) -> list[str]:
    return secrets.SystemRandom().sample(tickets, places)


# case: weak_randomness-47 | good | CWE-330 | uuid4 as public order number and access key
@service.post("/orders")
async def post_order(request_: Request):
    order = {"number": str(uuid.uuid4()), "access_key": secrets.token_urlsafe(), "body": await request_.json()}
    await repository.add_async(order)
    return order


# case: weak_randomness-48 | good | CWE-330 | moment of a nightly job spread over an hour
async def nightly(job) -> None:
    while True:
        await asyncio.sleep(86_400 + random.randint(-1800, 1800))
        await job()


# case: weak_randomness-49 | good | CWE-330 | lifetime of cached pages spread, session untouched
@site.after_request
def spread_cache(response):
    if request.method == "GET" and "member" not in session:
        response.cache_control.max_age = 300 + int(60 * random.random())
    return response


# case: weak_randomness-50 | good | CWE-338 | key for a new project
def new_project_settings(name: str) -> str:
    return f"PROJECT = {name!r}\nDJANGO_KEY={get_random_secret_key()}\n"
