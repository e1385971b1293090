import base64
import getpass
import hashlib
import hmac
import json
import os
import secrets
import smtplib
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

import boto3
import httpx
import jwt
import keyring
import paramiko
import psycopg2
import redis
import requests
from argon2 import PasswordHasher
from cryptography.fernet import Fernet
from django import forms
from django.conf import settings
from django.http import JsonResponse
from django.shortcuts import redirect
from fastapi import Depends, FastAPI, Form, HTTPException
from fastapi.security import APIKeyHeader, HTTPBasic, HTTPBasicCredentials, OAuth2PasswordBearer
from flask import Flask, abort, flash, g, jsonify, request, session
from flask_sqlalchemy import SQLAlchemy
from pydantic import SecretStr
from pydantic_settings import BaseSettings
from sqlalchemy.engine import URL

from store import db

app = Flask(__name__)
api = FastAPI()




# case: hardcoded_secret-101 | bad | CWE-798 | application factory of a forum
def create_forum():
    forum = Flask("forum")
    forum.secret_key = "q8Vd!forum-2xLw0-session-Zt41"
    forum.config["MAX_CONTENT_LENGTH"] = 4 * 1024 * 1024

    @forum.post("/login")
    def forum_login():
        session["user"] = db.login(request.form["name"], request.form["password"])
        return "", 204

    return forum


# case: hardcoded_secret-102 | good | CWE-798 | application factory of a wiki
def create_wiki():
    wiki = Flask("wiki")
    wiki.secret_key = os.environ["WIKI_SECRET_KEY"]
    wiki.config.update(SESSION_COOKIE_SECURE=True, SESSION_COOKIE_SAMESITE="Lax")

    @wiki.post("/login")
    def wiki_login():
        session["user"] = db.login(request.form["name"], request.form["password"])
        return "", 204

    return wiki


# case: hardcoded_secret-103 | bad | CWE-259 | connection for each request
@app.before_request
def connect_orders():
    g.orders = psycopg2.connect(
        host="pg-orders.internal.example",
        dbname="orders",
        user="orders_rw",
        password="Walnut-Harbour-58",
        connect_timeout=5,
    )


# case: hardcoded_secret-104 | good | CWE-259 | connection with a mounted file
def stock_password():
    return Path("/run/secrets/stock_db_password").read_text().strip()


@app.get("/stock/<int:sku>")
def stock(sku):
    with psycopg2.connect(host="pg-stock", dbname="stock", user="stock_ro", password=stock_password()) as conn:
        with conn.cursor() as cur:
            cur.execute("select count from stock where sku = %s", (sku,))
            row = cur.fetchone()
    return jsonify(count=row[0] if row else 0)


# case: hardcoded_secret-105 | bad | CWE-321 | key of the issued tokens
SIGNING_KEY = "n3ver-mind-the-gap-7741-tokens"
ALGORITHM = "HS256"


@api.post("/token")
async def issue_token(username: str = Form(...), password: str = Form(...)):
    user = await db.authenticate(username, password)
    if user is None:
        raise HTTPException(status_code=401)
    claims = {"sub": str(user.id), "exp": datetime.now(timezone.utc) + timedelta(minutes=30)}
    return {"access_token": jwt.encode(claims, SIGNING_KEY, algorithm=ALGORITHM), "token_type": "bearer"}


# case: hardcoded_secret-106 | good | CWE-798 | settings model of an api
class LedgerSettings(BaseSettings):
    jwt_secret: SecretStr
    database_password: SecretStr
    token_minutes: int = 20


def ledger_settings() -> LedgerSettings:
    return LedgerSettings()


@api.get("/ledger/me")
async def ledger_me(token: str, conf: LedgerSettings = Depends(ledger_settings)):
    return jwt.decode(token, conf.jwt_secret.get_secret_value(), algorithms=["HS256"])


# case: hardcoded_secret-107 | good | CWE-259 | databases of a settings class
class ShopSettings:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ.get("DB_NAME", "shop"),
            "USER": os.environ.get("DB_USER", "shop"),
            "PASSWORD": os.environ["DB_PASSWORD"],
            "HOST": os.environ.get("DB_HOST", "localhost"),
        }
    }


# case: hardcoded_secret-108 | bad | CWE-259 | databases of a site
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.mysql",
        "NAME": "portal",
        "USER": "portal",
        "PASSWORD": "gr4niteFerry_portal",
        "HOST": "mysql.internal.example",
        "OPTIONS": {"charset": "utf8mb4"},
    }
}


# case: hardcoded_secret-109 | bad | CWE-798 | key with a fallback
JWT_KEY = os.environ.get("BOOKING_JWT_KEY", "booking-jwt-9f2Lq7!riverside")


@app.get("/bookings")
def bookings():
    raw = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        claims = jwt.decode(raw, JWT_KEY, algorithms=["HS256"])
    except jwt.InvalidTokenError:
        abort(401)
    return jsonify(db.bookings(claims["sub"]))


# case: hardcoded_secret-110 | good | CWE-798 | key with a check at start
def create_calendar():
    calendar = Flask("calendar")
    key = os.environ.get("CALENDAR_SECRET_KEY", "")
    if key in ("", "changeme") or len(key) < 32:
        raise RuntimeError("CALENDAR_SECRET_KEY is missing or too short")
    calendar.config["SECRET_KEY"] = key
    calendar.config["SESSION_COOKIE_NAME"] = "calendar_session"
    return calendar


# case: hardcoded_secret-111 | bad | CWE-259 | entry to the back office
@app.post("/backoffice/login")
def backoffice_login():
    name = request.form.get("name", "")
    password = request.form.get("password", "")
    if name == "office" and password == "Mulberry!Lane22":
        session["office"] = True
        return "", 204
    flash("Wrong name or password")
    return "", 401


# case: hardcoded_secret-112 | good | CWE-259 | names and messages of a form
PASSWORD_FIELD = "password"
PASSWORD_CONFIRM_FIELD = "password_confirm"
PASSWORD_MISMATCH = "The two passwords are not the same."
PASSWORD_TOO_SHORT = "The password needs at least 12 characters."


@app.post("/register")
def register():
    password = request.form[PASSWORD_FIELD]
    if password != request.form[PASSWORD_CONFIRM_FIELD]:
        return jsonify(error=PASSWORD_MISMATCH), 400
    if len(password) < 12:
        return jsonify(error=PASSWORD_TOO_SHORT), 400
    db.add_user(request.form["email"], PasswordHasher().hash(password))
    return "", 201


# case: hardcoded_secret-113 | bad | CWE-798 | database address in the configuration
def create_inventory():
    inventory = Flask("inventory")
    inventory.config.from_mapping(
        SQLALCHEMY_DATABASE_URI="postgresql://inventory:Sextant-Moss-904@db.internal.example:5432/inventory",
        SQLALCHEMY_ENGINE_OPTIONS={"pool_pre_ping": True},
    )
    SQLAlchemy(inventory)
    return inventory


# case: hardcoded_secret-114 | good | CWE-798 | database address put together at start
def create_archive():
    archive = Flask("archive")
    archive.config["SQLALCHEMY_DATABASE_URI"] = URL.create(
        "postgresql+psycopg2",
        username="archive",
        password=os.environ["ARCHIVE_DB_PASSWORD"],
        host="db.internal.example",
        database="archive",
    ).render_as_string(hide_password=False)
    SQLAlchemy(archive)
    return archive


# case: hardcoded_secret-115 | good | CWE-798 | schemes of an api
api_key_header = APIKeyHeader(name="X-API-Key", auto_error=True)
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token", scopes={"orders:read": "read orders"})


@api.get("/partner/orders")
async def partner_orders(key: str = Depends(api_key_header)):
    partner = await db.partner_by_digest(hashlib.sha256(key.encode()).hexdigest())
    if partner is None:
        raise HTTPException(status_code=403)
    return await db.orders_of(partner.id)


# case: hardcoded_secret-116 | bad | CWE-798 | headers of a call to a partner
GEOCODER_HEADERS = {
    "Accept": "application/json",
    "Authorization": "Bearer geo.7vKp2mWs90xRtYe4HnQb",
}


@api.get("/geocode")
async def geocode(q: str):
    async with httpx.AsyncClient(base_url="https://geo.partner.example", headers=GEOCODER_HEADERS) as client:
        reply = await client.get("/v1/search", params={"q": q})
    return reply.json()


# case: hardcoded_secret-117 | bad | CWE-259 | defaults of a mail account
@dataclass
class MailAccount:
    host: str = "smtp.example.org"
    port: int = 587
    user: str = "noreply@example.org"
    password: str = "Cobble_Lantern_31"


@app.post("/feedback")
def feedback():
    account = MailAccount()
    with smtplib.SMTP(account.host, account.port, timeout=10) as relay:
        relay.starttls()
        relay.login(account.user, account.password)
        relay.sendmail(account.user, "desk@example.org", request.form["text"])
    return "", 202


# case: hardcoded_secret-118 | good | CWE-259 | defaults of a relay account
@dataclass
class RelayAccount:
    host: str = "relay.example.org"
    user: str = "web"
    password: str = field(default_factory=lambda: os.environ["RELAY_PASSWORD"], repr=False)


@app.post("/complaints")
def complaints():
    account = RelayAccount()
    with smtplib.SMTP(account.host, 587, timeout=10) as relay:
        relay.starttls()
        relay.login(account.user, account.password)
        relay.sendmail("web@example.org", "desk@example.org", request.form["text"])
    return "", 202


# case: hardcoded_secret-119 | bad | CWE-798 | client of a payment service
class PaymentGateway:
    base = "https://gateway.partner.example"
    merchant = "M-20417"
    api_secret = "pgw-Xk29-Tulip-66b1-dd07"

    def charge(self, order, amount):
        body = json.dumps({"merchant": self.merchant, "order": order, "amount": str(amount)})
        mac = hmac.new(self.api_secret.encode(), body.encode(), hashlib.sha256).hexdigest()
        return requests.post(f"{self.base}/charge", data=body, headers={"X-Mac": mac}, timeout=10)


def checkout(request):
    reply = PaymentGateway().charge(request.session["order"], request.session["total"])
    return redirect("thanks" if reply.ok else "basket")


# case: hardcoded_secret-120 | good | CWE-798 | secret fetched from a store
class ShippingGateway:
    secret_id = "prod/shipping/api"

    def __init__(self):
        raw = boto3.client("secretsmanager").get_secret_value(SecretId=self.secret_id)["SecretString"]
        self.api_secret = json.loads(raw)["api_secret"]

    def label(self, order):
        return requests.post("https://shipping.partner.example/labels", json={"order": order},
                             headers={"X-Api-Secret": self.api_secret}, timeout=10).json()


def shipping_label(request, order_id):
    return JsonResponse(ShippingGateway().label(order_id))


# case: hardcoded_secret-121 | bad | CWE-321 | key of the encrypted column
BOX = Fernet(b"bWFkZS11cC1rZXktZm9yLXRoZS1ib29rLXNob3AtMDE=")


@app.post("/customers/<int:customer_id>/tax-number")
def save_tax_number(customer_id):
    sealed = BOX.encrypt(request.form["tax_number"].encode())
    db.save_tax_number(customer_id, sealed)
    return "", 204


# case: hardcoded_secret-122 | good | CWE-321 | key of the encrypted file
KEY_FILE = os.environ.get("CLAIMS_KEY_FILE", "/run/secrets/claims_fernet_key")


def claims_box():
    with open(KEY_FILE, "rb") as fh:
        return Fernet(fh.read().strip())


@app.post("/claims/<int:claim_id>/note")
def save_claim_note(claim_id):
    db.save_claim_note(claim_id, claims_box().encrypt(request.form["note"].encode()))
    return "", 204


# case: hardcoded_secret-123 | bad | CWE-321 | key of a signed hook
def hook_key():
    return base64.b64decode("b3JjaGFyZC1ob29rLWtleS0yMDI0LXNwcmluZw==")


@app.post("/hooks/orders")
def orders_hook():
    expected = hmac.new(hook_key(), request.get_data(), "sha256").hexdigest()
    if not hmac.compare_digest(expected, request.headers.get("X-Mac", "")):
        abort(403)
    db.apply_order_event(request.get_json())
    return "", 204


# case: hardcoded_secret-124 | good | CWE-321 | key of a signed callback
@app.post("/callbacks/parcels")
def parcels_callback():
    key = app.config["PARCELS_CALLBACK_KEY"].encode()
    expected = hmac.new(key, request.get_data(), "sha256").hexdigest()
    if not hmac.compare_digest(expected, request.headers.get("X-Signature", "")):
        abort(403)
    db.apply_parcel_event(request.get_json())
    return "", 204


# case: hardcoded_secret-125 | bad | CWE-259 | people who may see the metrics
METRICS_USERS = {"grafana": "Thistle-copper-17", "oncall": "Saffron-dune-83"}
basic = HTTPBasic()


def metrics_user(credentials: HTTPBasicCredentials = Depends(basic)) -> str:
    known = METRICS_USERS.get(credentials.username)
    if known is None or not secrets.compare_digest(known.encode(), credentials.password.encode()):
        raise HTTPException(status_code=401, headers={"WWW-Authenticate": "Basic"})
    return credentials.username


@api.get("/metrics")
async def metrics(user: str = Depends(metrics_user)):
    return await db.metrics()


# case: hardcoded_secret-126 | good | CWE-259 | people who may see the queues
basic_queues = HTTPBasic(realm="queues")


async def queues_user(credentials: HTTPBasicCredentials = Depends(basic_queues)) -> str:
    row = await db.fetch_one("select pw from operators where name = :n", {"n": credentials.username})
    if row is None:
        raise HTTPException(status_code=401)
    PasswordHasher().verify(row["pw"], credentials.password)
    return credentials.username


@api.get("/queues")
async def queues(user: str = Depends(queues_user)):
    return await db.queues()


# case: hardcoded_secret-127 | bad | CWE-798 | settings model with a value for the key
class ReportSettings(BaseSettings):
    redis_url: str = "redis://localhost:6379/0"
    internal_api_token: str = "rpt-internal-55Yw0bZq81"
    page_size: int = 50


report_settings = ReportSettings()


@api.post("/internal/reports/rebuild")
async def rebuild_reports(token: str):
    if not secrets.compare_digest(token, report_settings.internal_api_token):
        raise HTTPException(status_code=403)
    await db.rebuild_reports(report_settings.page_size)
    return {"ok": True}


# case: hardcoded_secret-128 | good | CWE-798 | factory of a demo board
def create_demo_board():
    board = Flask("demo_board")
    board.secret_key = secrets.token_hex(32)
    board.config["SESSION_COOKIE_HTTPONLY"] = True

    @board.post("/name")
    def name():
        session["name"] = request.form["name"][:40]
        return "", 204

    return board


# case: hardcoded_secret-129 | bad | CWE-798 | upload to a partner's host
def push(path, host="sftp.partner.example", user="acme-feed", password="Juniper#Canal64"):
    client = paramiko.SSHClient()
    client.load_system_host_keys()
    client.connect(host, username=user, password=password)
    with client.open_sftp() as sftp:
        sftp.put(path, "/in/" + Path(path).name)
    client.close()


@app.post("/feeds/<int:feed_id>/push")
def push_feed(feed_id):
    push(db.feed_path(feed_id))
    return "", 202


# case: hardcoded_secret-130 | good | CWE-798 | cache that asks the operator or the key store
def cache_connection(host="cache.internal.example"):
    password = keyring.get_password("cache", "web") or getpass.getpass("cache password: ")
    return redis.Redis(host=host, username="web", password=password, ssl=True)


@app.cli.command("flush-cache")
def flush_cache():
    cache_connection().flushdb()


# case: hardcoded_secret-131 | good | CWE-259 | form with a field for a secret
class ConnectForm(forms.Form):
    username = forms.CharField(max_length=80)
    password = forms.CharField(widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}))
    token = forms.CharField(label="Token", required=False, help_text="six digits from your app")


def connect(request):
    form = ConnectForm(request.POST)
    if not form.is_valid():
        return JsonResponse(form.errors, status=400)
    request.session["connection"] = db.connect_account(**form.cleaned_data)
    return redirect("connections")


# case: hardcoded_secret-132 | bad | CWE-798 | settings of a site
ROOT_URLCONF = "portal.urls"
SECRET_KEY = "4k-z!pw7@portal-&m2x^hv9#o0c$s8r3tq6jyel1"
ALLOWED_HOSTS = ["portal.example.org"]
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
CSRF_COOKIE_SECURE = True
