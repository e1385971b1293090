"""Credentials and keys as web code holds them."""

import base64
import getpass
import os
import secrets
import smtplib
from pathlib import Path

import boto3
import jwt
import paramiko
import psycopg2
import redis
import requests
from Crypto.Cipher import AES
from django.http import HttpResponse, JsonResponse
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from flask import Flask, abort, jsonify, request
from itsdangerous import URLSafeTimedSerializer
from pydantic import SecretStr
from pydantic_settings import BaseSettings
from sqlalchemy import create_engine
from sqlalchemy.engine import URL

app = Flask(__name__)
api = FastAPI()
router = APIRouter()
basic = HTTPBasic()


# case: hardcoded_secret-01 | bad | CWE-798 | Flask SECRET_KEY in app.config
app.config["SECRET_KEY"] = "harbour-lantern-8842-kettle"
app.config["SESSION_COOKIE_SECURE"] = True


# case: hardcoded_secret-02 | bad | CWE-798 | secret_key attribute inside an application factory
def create_app() -> Flask:
    application = Flask("shop")
    application.secret_key = b"_7yq\x12L!w8z\xec]/"
    application.config["MAX_CONTENT_LENGTH"] = 2**20
    return application


# case: hardcoded_secret-03 | bad | CWE-798 | Django DATABASES with a password
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "orders",
        "USER": "orders_app",
        "PASSWORD": "Gr4nite&Willow71",
        "HOST": "db.internal.example",
    }
}


# case: hardcoded_secret-04 | bad | CWE-321 | JWT signed with a literal
@app.post("/login")
def login():
    user = request.get_json()["user"]
    token = jwt.encode({"sub": user}, "quarry-otter-lamp-39", algorithm="HS256")
    return jsonify(token=token)


# case: hardcoded_secret-05 | bad | CWE-321 | JWT key in a module constant, FastAPI dependency
JWT_SECRET = "copper!Meadow!5521"


def current_user(request_: Request) -> str:
    scheme, _, token = request_.headers.get("Authorization", "").partition(" ")
    try:
        return jwt.decode(token, JWT_SECRET, algorithms=["HS256"])["sub"]
    except jwt.InvalidTokenError:
        raise HTTPException(status_code=401) from None


# case: hardcoded_secret-06 | bad | CWE-259 | connection call with password argument
def open_reports():
    return psycopg2.connect(
        host="reports.internal.example", dbname="reports", user="reader", password="Th1stle-Barge-09"
    )


# case: hardcoded_secret-07 | bad | CWE-798 | connection string with credentials
engine = create_engine("postgresql+psycopg2://billing:Fennel77Anchor@10.3.0.12:5432/billing", pool_pre_ping=True)


# case: hardcoded_secret-08 | bad | CWE-798 | environment lookup that falls back to a literal
TOKEN_KEY = os.environ.get("TOKEN_KEY", "plum-Turbine-2021")
serializer = URLSafeTimedSerializer(TOKEN_KEY)


@app.get("/confirm/<token>")
def confirm(token: str):
    return jsonify(email=serializer.loads(token, max_age=3600))


# case: hardcoded_secret-09 | bad | CWE-259 | password compared with a literal
@app.post("/admin/login")
def admin_login():
    if request.form["user"] == "admin" and request.form["password"] == "Larkspur#2020":
        return jsonify(admin=True)
    abort(401)


# case: hardcoded_secret-10 | bad | CWE-798 | credentials of a service class as class attributes
class Mailer:
    host = "mail.example"
    username = "newsletter"
    password = "c0bbler-Finch"

    def send(self, recipient: str, text: str) -> None:
        with smtplib.SMTP_SSL(self.host) as server:
            server.login(self.username, self.password)
            server.sendmail("news@example.org", recipient, text)


# case: hardcoded_secret-11 | bad | CWE-798 | settings class with a default password
class ReportSettings(BaseSettings):
    db_user: str = "report"
    db_password: str = "Maple-Crane-664"
    page_size: int = 50


# case: hardcoded_secret-12 | bad | CWE-321 | encryption key as literal bytes
def seal_remark(remark: str) -> bytes:
    key = b"orchard-violin-7"
    cipher = AES.new(key, AES.MODE_GCM)
    sealed, tag = cipher.encrypt_and_digest(remark.encode())
    return cipher.nonce + tag + sealed


# case: hardcoded_secret-13 | bad | CWE-798 | basic authentication tuple of an outgoing call, Django view
def supplier_stock(request_, article):
    answer = requests.get(
        f"https://supplier.example/stock/{int(article)}", auth=("shop-42", "Bramble!Ferry8"), timeout=10
    )
    return JsonResponse(answer.json())


# case: hardcoded_secret-14 | bad | CWE-798 | bearer token in a dict of headers
PARTNER_HEADERS = {
    "Accept": "application/json",
    "Authorization": "Bearer pt-7f31c0de9a-kingfisher-2b",
}


@router.get("/partners")
async def partners():
    return requests.get("https://partner.example/v1/list", headers=PARTNER_HEADERS, timeout=10).json()


# case: hardcoded_secret-15 | good | CWE-798 | SECRET_KEY from the environment
def create_app_v2() -> Flask:
    application = Flask("shop")
    application.config["SECRET_KEY"] = os.environ["SHOP_SECRET_KEY"]
    application.config["SESSION_COOKIE_SECURE"] = True
    return application


# case: hardcoded_secret-16 | good | CWE-798 | names of form fields
PASSWORD_FIELD = "password"
TOKEN_FIELD = "csrf_token"


@app.post("/v2/signup")
def signup():
    if not request.form.get(PASSWORD_FIELD) or not request.form.get(TOKEN_FIELD):
        abort(400)
    return "", 204


# case: hardcoded_secret-17 | good | CWE-798 | Django DATABASES with password from the environment
REPLICAS = {
    "replica": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "orders",
        "USER": "orders_reader",
        "PASSWORD": os.environ["REPLICA_PASSWORD"],
        "HOST": "replica.internal.example",
    }
}


# case: hardcoded_secret-18 | good | CWE-321 | JWT key read from a mounted file
def signing_key() -> str:
    return Path("/run/secrets/jwt_signing_key").read_text().strip()


@app.post("/v2/login")
def login_v2():
    user = request.get_json()["user"]
    return jsonify(token=jwt.encode({"sub": user}, signing_key(), algorithm="HS256"))


# case: hardcoded_secret-19 | good | CWE-798 | name of a secret, value from Secrets Manager
DB_PASSWORD_SECRET = "prod/reports/db-password"


def open_reports_v2():
    answer = boto3.client("secretsmanager").get_secret_value(SecretId=DB_PASSWORD_SECRET)
    return psycopg2.connect(host="reports.internal.example", user="reader", password=answer["SecretString"])


# case: hardcoded_secret-20 | good | CWE-798 | connection URL built from the environment
billing = create_engine(
    URL.create(
        "postgresql+psycopg2",
        username=os.environ["BILLING_USER"],
        password=os.environ["BILLING_PASSWORD"],
        host="10.3.0.12",
        database="billing",
    )
)


# case: hardcoded_secret-21 | good | CWE-798 | messages and labels that speak of passwords
MESSAGES = {
    "password": "The password must have twelve letters or more.",
    "token": "This link is too old. Ask for a new one.",
    "secret": "Your secret answer is not the one we know.",
}


@router.get("/messages/{name}")
async def message(name: str):
    return {"text": MESSAGES.get(name, "")}


# case: hardcoded_secret-22 | good | CWE-259 | FastAPI basic authentication against the environment
@router.get("/metrics")
def metrics(given: HTTPBasicCredentials = Depends(basic)):
    expected = os.environ["METRICS_PASSWORD"]
    if not secrets.compare_digest(given.password.encode(), expected.encode()):
        raise HTTPException(status_code=401)
    return {"up": True}


# case: hardcoded_secret-23 | good | CWE-798 | settings class whose password has no default
class ReportSettingsV2(BaseSettings):
    db_user: str = "report"
    db_password: SecretStr
    page_size: int = 50


# case: hardcoded_secret-24 | good | CWE-259 | password asked for, empty default
def open_shell(host: str, user: str, password: str = "") -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    client.load_system_host_keys()
    client.connect(host, username=user, password=password or getpass.getpass(f"{user}@{host}: "))
    return client


# case: hardcoded_secret-25 | good | CWE-798 | URLs and header names around tokens, Django view
TOKEN_URL = "https://login.example/oauth2/token"
API_KEY_HEADER = "X-Api-Key"


def whoami(request_):
    answer = requests.post(TOKEN_URL, headers={API_KEY_HEADER: os.environ["LOGIN_KEY"]}, timeout=10)
    return HttpResponse(answer.json()["sub"])


# case: hardcoded_secret-26 | good | CWE-321 | key made at start
def one_time_key() -> str:
    secret_key = base64.b64encode(secrets.token_bytes(32)).decode()
    redis.Redis(host="cache.internal.example", password=os.environ["CACHE_PASSWORD"]).set("key", secret_key)
    return secret_key
