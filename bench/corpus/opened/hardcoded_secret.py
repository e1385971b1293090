"""Configuration of services: where keys, passwords and connection strings come from."""

from __future__ import annotations

import argparse
import base64
import enum
import hashlib
import hmac
import os
import re
from dataclasses import dataclass

import boto3
import hvac
import jwt
import keyring
import pymysql
import redis
from celery import Celery
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from decouple import config
from django.http import HttpResponse, JsonResponse
from fastapi import Body, FastAPI, Form, HTTPException
from flask import Blueprint, Flask, current_app, request
from flask_httpauth import HTTPBasicAuth
from ldap3 import Connection, Server
from pymongo import MongoClient
from starlette.middleware.sessions import SessionMiddleware

site = Flask(__name__)
pages = Blueprint("pages", __name__)
service = FastAPI()
auth = HTTPBasicAuth()


# case: hardcoded_secret-27 | bad | CWE-798 | from_mapping by keyword
def build_site() -> Flask:
    built = Flask("club", instance_relative_config=True)
    built.config.from_mapping(SECRET_KEY="Pebble.Wharf.1906", DATABASE="club.sqlite")
    return built


# case: hardcoded_secret-28 | bad | CWE-798 | configuration class in an inheritance chain
class BaseConfig:
    JSON_SORT_KEYS = False


class LiveConfig(BaseConfig):
    SECRET_KEY = "s0mbre-Heron-of-the-fjord"
    SESSION_COOKIE_HTTPONLY = True


# case: hardcoded_secret-29 | bad | CWE-798 | Django mail settings
EMAIL_HOST = "smtp.example.net"
EMAIL_HOST_USER = "club-mailer"
EMAIL_HOST_PASSWORD = "Tansy*Rook*33"
EMAIL_USE_TLS = True


# case: hardcoded_secret-30 | bad | CWE-798 | document database address put together from constants
MONGO_USER = "events"
MONGO_PASS = "juniper-Skiff-5"


def events():
    return MongoClient(f"mongodb://{MONGO_USER}:{MONGO_PASS}@mongo.example:27017/events").get_default_database()


# case: hardcoded_secret-31 | bad | CWE-798 | password in a redis address
class Throttle:
    def __init__(self) -> None:
        self.store = redis.from_url("redis://:Gravel-Plover-12@cache.example:6379/3")

    def hit(self, address: str) -> int:
        return self.store.incr(f"hits:{address}")


# case: hardcoded_secret-32 | bad | CWE-798 | broker address of a worker
worker = Celery("club", broker="amqp://club:Walnut66Petrel@queue.example:5672//")


@worker.task
def send_newsletter(number: int) -> None:
    current_app.logger.info("newsletter %d", number)


# case: hardcoded_secret-33 | bad | CWE-798 | environment or else a literal
def session_key() -> str:
    return os.getenv("CLUB_SESSION_KEY") or "drizzle-Marten-440"


service.add_middleware(SessionMiddleware, secret_key=session_key())


# case: hardcoded_secret-34 | bad | CWE-259 | table of users for basic authentication
USERS = {"editor": "Sorrel+Dune4", "printer": "Hazel+Quay9"}


@auth.verify_password
def verify_password(name, given):
    return name if name in USERS and hmac.compare_digest(USERS[name], given) else None


# case: hardcoded_secret-35 | bad | CWE-321 | literal bytes as the key of an HMAC
@pages.route("/hooks/shop", methods=["POST"])
def shop_hook():
    mark = hmac.new(b"brook-Lynx-saffron", request.get_data(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(mark, request.headers.get("X-Mark", "")):
        return {}, 403
    return {}, 204


# case: hardcoded_secret-36 | bad | CWE-798 | cloud storage client with literal keys
def storage():
    return boto3.client(
        "s3",
        endpoint_url="https://objects.example",
        aws_access_key_id="club-objects",
        aws_secret_access_key="Birch/Gannet/17",
    )


# case: hardcoded_secret-37 | bad | CWE-259 | keyword arguments of a connection in a dict
LEDGER = dict(host="ledger.example", user="ledger", passwd="Copse&Tern82", database="ledger")


def ledger_rows(request_):
    with pymysql.connect(**LEDGER) as link, link.cursor() as cursor:
        cursor.execute("SELECT day, total FROM days ORDER BY day DESC LIMIT 31")
        return JsonResponse(list(cursor.fetchall()), safe=False)


# case: hardcoded_secret-38 | bad | CWE-321 | key decoded from a literal
ARCHIVE_KEY = base64.b64decode("aGVhdGhlci1jdXJsZXctMTIzNDU2Nzg5MC1zdG9uZSE=")


def seal_archive(content: bytes) -> bytes:
    nonce = os.urandom(12)
    return nonce + AESGCM(ARCHIVE_KEY[:32]).encrypt(nonce, content, None)


# case: hardcoded_secret-39 | bad | CWE-259 | default value of a parameter
def directory(user: str = "cn=reader,dc=example", password: str = "Ash-Bittern-28") -> Connection:
    return Connection(Server("ldap.example", use_ssl=True), user, password, auto_bind=True)


# case: hardcoded_secret-40 | bad | CWE-321 | token check with a literal put together, FastAPI
@service.post("/whoami")
async def whoami(token: str = Form()):
    try:
        claims = jwt.decode(token, key="mica-" + "Stoat-" + "7710", algorithms=["HS512"])
    except jwt.PyJWTError as error:
        raise HTTPException(401) from error
    return {"name": claims["name"]}


# case: hardcoded_secret-41 | bad | CWE-798 | environment filled in for Django
def configure_environment() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "club.settings")
    os.environ.setdefault("DJANGO_SECRET_KEY", "lichen-Osprey-delta-9")


# case: hardcoded_secret-42 | bad | CWE-798 | default of a command-line option
def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--user", default="backup")
    parser.add_argument("--password", default="Reed!Dunlin!61")
    return parser.parse_args()


# case: hardcoded_secret-43 | good | CWE-798 | Flask takes prefixed environment variables
def build_site_v2() -> Flask:
    built = Flask("club", instance_relative_config=True)
    built.config.from_prefixed_env("CLUB")
    if not built.config.get("SECRET_KEY"):
        raise RuntimeError("CLUB_SECRET_KEY is not set")
    return built


# case: hardcoded_secret-44 | good | CWE-798 | decouple for Django settings
SECRET_KEY = config("DJANGO_SECRET_KEY")
EMAIL_HOST = "smtp.example.net"
SERVER_EMAIL_PASSWORD = config("EMAIL_HOST_PASSWORD", default="")


# case: hardcoded_secret-45 | good | CWE-798 | refusal of the placeholder from the manual
def checked_key() -> str:
    key = os.environ["CLUB_SESSION_KEY"]
    if key in {"changeme", "secret", "password"}:
        raise RuntimeError("CLUB_SESSION_KEY is still the one from the manual")
    return key


# case: hardcoded_secret-46 | good | CWE-798 | kinds of credentials in an enumeration
class Grant(enum.Enum):
    PASSWORD = "password"
    REFRESH_TOKEN = "refresh_token"
    CLIENT_SECRET = "client_secret"


@service.post("/oauth/token")
async def oauth_token(grant_type: Grant = Form()):
    return {"token_type": "bearer", "grant": grant_type.value}


# case: hardcoded_secret-47 | good | CWE-798 | value from Vault
def ledger_password() -> str:
    client = hvac.Client(url="https://vault.example:8200", token=os.environ["VAULT_TOKEN"])
    answer = client.secrets.kv.v2.read_secret_version(path="club/ledger")
    return answer["data"]["data"]["password"]


# case: hardcoded_secret-48 | good | CWE-798 | value from the key ring
@dataclass
class Backup:
    host: str
    user: str = "backup"

    @property
    def password(self) -> str:
        found = keyring.get_password("club-backup", self.user)
        if found is None:
            raise LookupError("no password of club-backup in the key ring")
        return found


# case: hardcoded_secret-49 | good | CWE-798 | addresses without credentials
DATABASE_URL = "postgresql://db.example:5432/club?sslmode=verify-full"
CACHE_URL = "redis://cache.example:6379/3"
BROKER_URL = "amqps://queue.example:5671//"


# case: hardcoded_secret-50 | good | CWE-259 | what a password must look like
PASSWORD_PATTERN = r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d).{12,}"
PASSWORD_HINT = "Twelve characters, both cases and a digit."


@pages.route("/password/check", methods=["POST"])
def check_password():
    fits = re.fullmatch(PASSWORD_PATTERN, request.values["password"]) is not None
    return {"fits": fits, "hint": "" if fits else PASSWORD_HINT}


# case: hardcoded_secret-51 | good | CWE-321 | alias of a key that a key service holds
DATA_KEY_ALIAS = "alias/club-data-key"


def data_key() -> bytes:
    answer = boto3.client("kms").generate_data_key(KeyId=DATA_KEY_ALIAS, KeySpec="AES_256")
    return answer["Plaintext"]


# case: hardcoded_secret-52 | good | CWE-321 | public key that checks tokens
TOKEN_PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----"""


@service.post("/v2/whoami")
async def whoami_v2(token: str = Form()):
    return {"name": jwt.decode(token, TOKEN_PUBLIC_KEY, algorithms=["EdDSA"])["name"]}


# case: hardcoded_secret-53 | good | CWE-259 | descriptions in an interface document, FastAPI
@service.put("/members/{number}/password", status_code=204)
async def put_password(
    number: int,
    password: str = Body(description="The new password, sent over TLS only", min_length=12),
    token: str = Body(description="The token of the mail", examples=["from-your-mail"]),
):
    if number < 1:
        raise HTTPException(404)


# case: hardcoded_secret-54 | good | CWE-798 | names under which a view keeps things, Django
SESSION_TOKEN_KEY = "oauth_token"
PASSWORD_RESET_TEMPLATE = "registration/password_reset.html"


def forget_token(request_):
    request_.session.pop(SESSION_TOKEN_KEY, None)
    response = HttpResponse(status=204)
    response.delete_cookie("remember_token")
    return response


# case: hardcoded_secret-55 | good | CWE-321 | key file named by configuration
class Sealer:
    def __init__(self, key_file: str = "/etc/club/fernet.key") -> None:
        with open(key_file, "rb") as stream:
            self._box = Fernet(stream.read().strip())

    def seal(self, text: str) -> bytes:
        return self._box.encrypt(text.encode())


# case: hardcoded_secret-56 | good | CWE-798 | literal replaced before anything sees it
def broker_address() -> str:
    password = "to-be-set"
    password = os.environ["CLUB_BROKER_PASSWORD"]
    return "amqps://club:{}@queue.example:5671//".format(password)
