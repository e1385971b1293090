import base64
import hashlib
import hmac
import os
import smtplib
import ssl
from itertools import cycle
from urllib.request import urlopen

import httpx
import nacl.secret
import nacl.utils
import paramiko
import requests
from Crypto.Cipher import AES, ARC4, Blowfish, DES
from Crypto.Random import get_random_bytes
from Crypto.Util.Padding import pad, unpad
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives import padding as sym_padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect
from fastapi import Depends, FastAPI, HTTPException
from flask import Flask, abort, jsonify, request
from pydantic import BaseModel

from orders.models import Order
from store import db, keyring, messages

app = Flask(__name__)
api = FastAPI()




# case: weak_cipher-101 | bad | CWE-327 | card number encrypted before it is stored
@app.post("/cards")
def store_card():
    number = request.form["number"].encode()
    cipher = DES.new(keyring.get("cards")[:8], DES.MODE_ECB)
    blob = cipher.encrypt(pad(number, DES.block_size))
    db.save_card(request.form["customer"], base64.b64encode(blob).decode())
    return "", 201


# case: weak_cipher-102 | good | CWE-327 | iban encrypted before it is stored
@app.post("/ibans")
def store_iban():
    iban = request.form["iban"].encode()
    nonce = os.urandom(12)
    blob = AESGCM(keyring.get("ibans")).encrypt(nonce, iban, request.form["customer"].encode())
    db.save_iban(request.form["customer"], nonce + blob)
    return "", 201


# case: weak_cipher-103 | good | CWE-327 | list of keys from the settings
def note_cipher():
    return MultiFernet([Fernet(key) for key in settings.NOTE_KEYS])


class Note(models.Model):
    owner = models.ForeignKey("auth.User", on_delete=models.CASCADE)
    body = models.BinaryField()

    def write(self, text):
        self.body = note_cipher().encrypt(text.encode())
        self.save(update_fields=["body"])


# case: weak_cipher-104 | bad | CWE-327 | mode kept as a class attribute
class ProfileVault:
    mode = AES.MODE_ECB

    def __init__(self, key: bytes):
        self.key = key

    def seal(self, text: str) -> bytes:
        return AES.new(self.key, self.mode).encrypt(pad(text.encode(), 16))


@api.put("/profiles/{profile_id}/notes")
async def put_profile_notes(profile_id: int, text: str):
    vault = ProfileVault(keyring.get("profiles"))
    await db.execute("update profiles set notes = :n where id = :i", {"n": vault.seal(text), "i": profile_id})
    return {"id": profile_id}


# case: weak_cipher-105 | bad | CWE-295 | call to the payment partner
@app.post("/pay")
def pay():
    payload = {"order": request.form["order"], "amount": request.form["amount"]}
    reply = requests.post(
        "https://payments.partner.example/v2/charges",
        json=payload,
        headers={"Authorization": f"Bearer {os.environ['PARTNER_TOKEN']}"},
        timeout=10,
        verify=False,
    )
    return jsonify(reply.json()), reply.status_code


# case: weak_cipher-106 | good | CWE-295 | call to a service of the house
CA_BUNDLE = "/etc/ssl/internal/ca.pem"


@app.get("/stock/<int:sku>")
def stock(sku):
    reply = requests.get(f"https://stock.internal.example/items/{sku}", timeout=5, verify=CA_BUNDLE)
    if reply.status_code == 404:
        abort(404)
    return jsonify(reply.json())


# case: weak_cipher-107 | bad | CWE-295 | context for a feed import
def import_feed(request):
    context = ssl._create_unverified_context()
    with urlopen(settings.SUPPLIER_FEED_URL, timeout=20, context=context) as feed:
        lines = feed.read().decode().splitlines()
    for line in lines[1:]:
        sku, price = line.split(";")[:2]
        Order.reprice(sku, price)
    return JsonResponse({"imported": len(lines) - 1})


# case: weak_cipher-108 | bad | CWE-326 | key pair for a new tenant
@app.post("/tenants/<int:tenant_id>/keys")
def tenant_keys(tenant_id):
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(keyring.get("tenant-pem")),
    )
    db.save_key(tenant_id, pem)
    return "", 201


# case: weak_cipher-109 | good | CWE-295 | context for a price import
def import_prices(request):
    context = ssl.create_default_context(cafile=settings.SUPPLIER_CA)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with urlopen(settings.SUPPLIER_PRICE_URL, timeout=20, context=context) as feed:
        rows = [line.split(b";") for line in feed]
    Order.reprice_all(rows)
    return JsonResponse({"imported": len(rows)})


# case: weak_cipher-110 | good | CWE-326 | size of the generated key is given by the device
class KeyFactory:
    minimum = 3072

    def __init__(self, size):
        self.size = min(max(int(size), self.minimum), 4096)

    def make(self):
        return rsa.generate_private_key(public_exponent=65537, key_size=self.size)


@app.post("/devices/<int:device_id>/keys")
def device_keys(device_id):
    key = KeyFactory(request.form.get("bits", 3072)).make()
    db.save_public_key(device_id, key.public_key())
    return "", 201


# case: weak_cipher-111 | bad | CWE-327 | stream cipher for a message body
class ChatMessage(BaseModel):
    room: int
    text: str


def encrypt_text(text: str, key: bytes) -> str:
    return base64.b64encode(ARC4.new(key).encrypt(text.encode())).decode()


@api.post("/messages")
async def post_message(message: ChatMessage):
    messages.append(message.room, encrypt_text(message.text, keyring.get("chat")))
    return {"room": message.room}


# case: weak_cipher-112 | good | CWE-327 | authenticated cipher for a mail body
class MailDraft(BaseModel):
    mailbox: int
    text: str


def seal_text(text: str, key: bytes, mailbox: int) -> bytes:
    nonce = os.urandom(12)
    return nonce + ChaCha20Poly1305(key).encrypt(nonce, text.encode(), str(mailbox).encode())


@api.post("/drafts")
async def post_draft(draft: MailDraft):
    messages.append(draft.mailbox, seal_text(draft.text, keyring.get("mail"), draft.mailbox))
    return {"mailbox": draft.mailbox}


# case: weak_cipher-113 | bad | CWE-329 | block mode with a module constant
IV = b"0123456789abcdef"


def encrypt_address(text, key):
    cipher = AES.new(key, AES.MODE_CBC, IV)
    return cipher.encrypt(pad(text.encode(), AES.block_size))


@app.post("/addresses")
def add_address():
    blob = encrypt_address(request.form["address"], keyring.get("addresses"))
    db.save_address(request.form["customer"], blob)
    return "", 201


# case: weak_cipher-114 | good | CWE-329 | block mode followed by a tag
def encrypt_then_mac(text, enc_key, mac_key):
    iv = get_random_bytes(AES.block_size)
    body = iv + AES.new(enc_key, AES.MODE_CBC, iv).encrypt(pad(text.encode(), AES.block_size))
    return body + hmac.new(mac_key, body, hashlib.sha256).digest()


@app.post("/phones")
def add_phone():
    blob = encrypt_then_mac(request.form["phone"], keyring.get("phone-enc"), keyring.get("phone-mac"))
    db.save_phone(request.form["customer"], blob)
    return "", 201


# case: weak_cipher-115 | bad | CWE-322 | remote shell of a backup host
@app.post("/backups/<int:host_id>/start")
def start_backup(host_id):
    host = db.backup_host(host_id)
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(host.address, username="backup", password=keyring.text("backup"))
    client.exec_command("/usr/local/bin/backup --full")
    client.close()
    return "", 202


# case: weak_cipher-116 | bad | CWE-323 | counter mode with a fixed nonce
class DocumentSealer:
    def __init__(self, key: bytes, nonce: bytes = b"\x00" * 12):
        self.aead = AESGCM(key)
        self.nonce = nonce

    def seal(self, data: bytes) -> bytes:
        return self.aead.encrypt(self.nonce, data, None)


def sealer():
    return DocumentSealer(keyring.get("documents"))


@api.post("/documents/{document_id}")
async def post_document(document_id: int, text: str, box: DocumentSealer = Depends(sealer)):
    await db.execute("update documents set body = :b where id = :i", {"b": box.seal(text.encode()), "i": document_id})
    return {"id": document_id}


# case: weak_cipher-117 | good | CWE-322 | remote shell of a log host
@app.post("/logs/<int:host_id>/rotate")
def rotate_logs(host_id):
    host = db.log_host(host_id)
    client = paramiko.SSHClient()
    client.load_system_host_keys()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.connect(host.address, username="logs", key_filename="/run/secrets/logs_ed25519")
    client.exec_command("/usr/sbin/logrotate /etc/logrotate.conf")
    client.close()
    return "", 202


# case: weak_cipher-118 | good | CWE-323 | secret box behind a dependency
def token_box():
    return nacl.secret.SecretBox(keyring.get("tokens"))


@api.post("/connections/{name}")
async def save_connection(name: str, token: str, box: nacl.secret.SecretBox = Depends(token_box)):
    nonce = nacl.utils.random(nacl.secret.SecretBox.NONCE_SIZE)
    sealed = box.encrypt(token.encode(), nonce)
    await db.execute("insert into connections(name, token) values (:n, :t)", {"n": name, "t": bytes(sealed)})
    return {"name": name}


# case: weak_cipher-119 | bad | CWE-327 | server context with a chosen protocol
def serve_terminal():
    terminal = Flask("terminal")
    context = ssl.SSLContext(ssl.PROTOCOL_TLSv1)
    context.load_cert_chain("/etc/ssl/terminal/cert.pem", "/etc/ssl/terminal/key.pem")
    terminal.run(host="0.0.0.0", port=8443, ssl_context=context)


# case: weak_cipher-120 | good | CWE-327 | server context with a lower bound
def serve_kiosk():
    kiosk = Flask("kiosk")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.load_cert_chain("/etc/ssl/kiosk/cert.pem", "/etc/ssl/kiosk/key.pem")
    kiosk.run(host="0.0.0.0", port=8444, ssl_context=context)


# case: weak_cipher-121 | bad | CWE-327 | model field that encrypts on the way in
class SealedCharField(models.TextField):
    def get_prep_value(self, value):
        if value is None:
            return None
        padder = sym_padding.PKCS7(64).padder()
        data = padder.update(value.encode()) + padder.finalize()
        iv = os.urandom(8)
        enc = Cipher(algorithms.TripleDES(settings.FIELD_KEY), modes.CBC(iv)).encryptor()
        return base64.b64encode(iv + enc.update(data) + enc.finalize()).decode()


# case: weak_cipher-122 | good | CWE-327 | model field with a ready-made recipe
class TokenField(models.TextField):
    def from_db_value(self, value, expression, connection):
        if value is None:
            return None
        return Fernet(settings.TOKEN_FIELD_KEY).decrypt(value.encode()).decode()

    def get_prep_value(self, value):
        if value is None:
            return None
        return Fernet(settings.TOKEN_FIELD_KEY).encrypt(value.encode()).decode()


# case: weak_cipher-123 | bad | CWE-295 | client options kept in a dict
CLIENT_OPTIONS = {"timeout": 8.0, "verify": False, "follow_redirects": False}


@api.get("/weather/{station}")
async def weather(station: int):
    async with httpx.AsyncClient(**CLIENT_OPTIONS) as client:
        reply = await client.get(f"https://weather.partner.example/stations/{station}",
                                 headers={"X-Key": os.environ["WEATHER_KEY"]})
    if reply.status_code != 200:
        raise HTTPException(status_code=502)
    return reply.json()


# case: weak_cipher-124 | good | CWE-295 | client with a certificate of its own
async def ledger_client():
    context = ssl.create_default_context(cafile="/etc/ssl/ledger/ca.pem")
    context.load_cert_chain("/etc/ssl/ledger/client.pem", "/run/secrets/ledger.key")
    async with httpx.AsyncClient(verify=context, base_url="https://ledger.internal.example") as client:
        yield client


@api.get("/ledger/{entry}")
async def ledger_entry(entry: int, client: httpx.AsyncClient = Depends(ledger_client)):
    reply = await client.get(f"/entries/{entry}")
    reply.raise_for_status()
    return reply.json()


# case: weak_cipher-125 | bad | CWE-297 | mail relay context
@app.post("/contact")
def contact():
    context = ssl.create_default_context()
    if app.config.get("MAIL_USE_TLS", True):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    with smtplib.SMTP("mail.example.org", 587, timeout=10) as relay:
        relay.starttls(context=context)
        relay.login("web", os.environ["SMTP_PASSWORD"])
        relay.sendmail("web@example.org", "desk@example.org", "Subject: contact\n\n" + request.form["text"])
    return "", 202


# case: weak_cipher-126 | bad | CWE-327 | basket kept with the customer
class BasketCodec:
    def __init__(self, key):
        self._cipher = Blowfish.new(key, Blowfish.MODE_ECB)

    def dumps(self, lines):
        text = "|".join(f"{sku};{count};{price}" for sku, count, price in lines)
        return base64.urlsafe_b64encode(self._cipher.encrypt(pad(text.encode(), 8))).decode()

    def loads(self, value):
        text = unpad(self._cipher.decrypt(base64.urlsafe_b64decode(value)), 8).decode()
        return [line.split(";") for line in text.split("|")]


def place_order(request):
    lines = BasketCodec(settings.BASKET_KEY).loads(request.COOKIES["basket"])
    order = Order.from_lines(request.user, lines)
    return JsonResponse({"order": order.pk, "state": order.state})


# case: weak_cipher-127 | good | CWE-297 | mail relay for an invoice
@app.post("/invoices/<int:number>/mail")
def mail_invoice(number):
    context = ssl.create_default_context()
    with smtplib.SMTP("mail.example.org", 587, timeout=10) as relay:
        relay.starttls(context=context)
        relay.login("billing", os.environ["SMTP_PASSWORD"])
        relay.sendmail("billing@example.org", db.invoice(number).email, f"Subject: invoice {number}\n\n")
    return "", 202


# case: weak_cipher-128 | bad | CWE-295 | session object of a client class
class RegistryClient:
    def __init__(self, base, token):
        self.base = base
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"Token {token}"
        self.http.verify = False

    def person(self, number):
        return self.http.get(f"{self.base}/people/{number}", timeout=5).json()


@app.get("/people/<int:number>")
def show_person(number):
    return jsonify(RegistryClient("https://registry.partner.example", os.environ["REGISTRY_TOKEN"]).person(number))


# case: weak_cipher-129 | good | CWE-327 | source of the exchange rates
@app.get("/rates/<currency>")
def rates(currency):
    source = request.args.get("source", "ECB")
    if source not in {"ECB", "SNB"}:
        abort(400)
    rate = db.rate(source, currency.upper())
    return jsonify(source=source, currency=currency.upper(), rate=str(rate))


# case: weak_cipher-130 | good | CWE-322 | agreed key for an upload channel
class ChannelRequest(BaseModel):
    device: int
    ephemeral: str


@api.post("/channels")
async def open_channel(body: ChannelRequest):
    device_public = X25519PublicKey.from_public_bytes(db.device_public_key(body.device))
    ours = X25519PrivateKey.from_private_bytes(keyring.get("channel"))
    theirs = X25519PublicKey.from_public_bytes(base64.b64decode(body.ephemeral))
    secret = ours.exchange(device_public) + ours.exchange(theirs)
    key = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"channel v1").derive(secret)
    nonce = os.urandom(12)
    return {"hello": base64.b64encode(nonce + AESGCM(key).encrypt(nonce, b"ready", None)).decode()}


# case: weak_cipher-131 | bad | CWE-327 | cookie value for a remembered customer
def scramble(text, key):
    return bytes(a ^ b for a, b in zip(text.encode(), cycle(key.encode())))


def remember_customer(request):
    value = f"{request.user.pk}|{request.user.email}"
    token = base64.urlsafe_b64encode(scramble(value, settings.COOKIE_KEY)).decode()
    response = redirect("home")
    response.set_cookie("remember", token, secure=True, httponly=True, samesite="Lax")
    return response


# case: weak_cipher-132 | good | CWE-295 | keyword of a method on a model
def repeat_order(request, pk):
    order = get_object_or_404(Order, pk=pk, owner=request.user)
    copy = order.duplicate(verify=False, notify=True)
    copy.save()
    return redirect("order-detail", pk=copy.pk)
