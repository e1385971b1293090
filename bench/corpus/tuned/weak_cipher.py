"""Encryption and TLS as web code uses them."""

import base64
import hmac
import os
import smtplib
import socket
import ssl

import httpx
import requests
from Crypto.Cipher import AES, ARC4, DES
from Crypto.Random import get_random_bytes
from Crypto.Util.Padding import pad, unpad
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from django.conf import settings
from django.http import HttpResponse, JsonResponse
from fastapi import APIRouter, Request
from flask import Flask, jsonify, request
from pydantic import BaseModel

app = Flask(__name__)
router = APIRouter()
KEY = bytes.fromhex(os.environ["DATA_KEY"])
MAC_KEY = bytes.fromhex(os.environ["MAC_KEY"])


# case: weak_cipher-01 | bad | CWE-327 | DES, direct, Flask form
@app.post("/cards")
def store_card():
    cipher = DES.new(KEY[:8], DES.MODE_CBC)
    number = pad(request.form["number"].encode(), DES.block_size)
    return jsonify(card=base64.b64encode(cipher.iv + cipher.encrypt(number)).decode())


# case: weak_cipher-02 | bad | CWE-327 | AES in ECB mode
@app.post("/notes")
def store_note():
    text = request.get_json()["text"].encode()
    cipher = AES.new(KEY, AES.MODE_ECB)
    return jsonify(note=cipher.encrypt(pad(text, 16)).hex())


# case: weak_cipher-03 | bad | CWE-327 | RC4 in a helper class
class TokenBox:
    def __init__(self, key: bytes):
        self._cipher = ARC4.new(key)

    def seal(self, text: str) -> str:
        return base64.urlsafe_b64encode(self._cipher.encrypt(text.encode())).decode()


@app.get("/ticket")
def ticket():
    return TokenBox(KEY).seal(request.args["seat"])


# case: weak_cipher-04 | bad | CWE-329 | CBC with an IV of zeros held by the module
ZERO_IV = b"\x00" * 16


def encrypt_profile(profile: bytes) -> bytes:
    cipher = AES.new(KEY, AES.MODE_CBC, iv=ZERO_IV)
    return cipher.encrypt(pad(profile, AES.block_size))


# case: weak_cipher-05 | bad | CWE-326 | RSA key of 1024 bits
@router.post("/keys")
async def new_key():
    private = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    numbers = private.public_key().public_numbers()
    return {"n": str(numbers.n), "e": numbers.e}


# case: weak_cipher-06 | bad | CWE-295 | requests without certificate check
@app.get("/rates")
def rates():
    answer = requests.get("https://rates.example/latest", timeout=5, verify=False)
    answer.raise_for_status()
    return jsonify(answer.json())


# case: weak_cipher-07 | bad | CWE-295 | unverified context given to SMTP
def send_invoice(recipient: str, text: str) -> None:
    context = ssl._create_unverified_context()
    with smtplib.SMTP("mail.example", 587) as server:
        server.starttls(context=context)
        server.login(os.environ["MAIL_USER"], os.environ["MAIL_PASSWORD"])
        server.sendmail("shop@example.org", recipient, text)


# case: weak_cipher-08 | bad | CWE-327 | TLS 1.0 asked for
def open_channel(host: str) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLSv1)
    context.load_verify_locations("/etc/ssl/certs/ca-certificates.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    return context.wrap_socket(socket.create_connection((host, 443)), server_hostname=host)


# case: weak_cipher-09 | bad | CWE-327 | cryptography's Blowfish, Django view
def export_customer(request_, number):
    iv = os.urandom(8)
    encryptor = Cipher(algorithms.Blowfish(KEY), modes.CBC(iv)).encryptor()
    plain = pad(request_.POST["remarks"].encode(), 8)
    return HttpResponse(iv + encryptor.update(plain) + encryptor.finalize())


# case: weak_cipher-10 | bad | CWE-295 | httpx client without certificate check in an async view
@router.get("/stock/{article}")
async def stock(article: int):
    async with httpx.AsyncClient(verify=False, timeout=10) as client:
        answer = await client.get(f"https://warehouse.example/stock/{article}")
    return answer.json()


# case: weak_cipher-11 | bad | CWE-295 | context whose checks are switched off one after the other
def directory_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


# case: weak_cipher-12 | bad | CWE-327 | mode taken out of a dict of constants
PROFILE = {"mode": AES.MODE_ECB, "pad": 16}


def encrypt_field(value: str) -> str:
    cipher = AES.new(KEY, PROFILE["mode"])
    return cipher.encrypt(pad(value.encode(), PROFILE["pad"])).hex()


# case: weak_cipher-13 | bad | CWE-295 | session object's verify attribute, Django view
def exchange_view(request_):
    session = requests.Session()
    session.verify = False
    session.headers["Authorization"] = f"Bearer {settings.EXCHANGE_TOKEN}"
    return JsonResponse(session.get("https://exchange.example/orders", timeout=10).json(), safe=False)


# case: weak_cipher-14 | bad | CWE-327 | cryptography's ECB for a pydantic field
class Payment(BaseModel):
    iban: str
    amount: int


@router.post("/payments")
async def pay(payment: Payment):
    encryptor = Cipher(algorithms.AES(KEY), modes.ECB()).encryptor()
    sealed = encryptor.update(pad(payment.iban.encode(), 16)) + encryptor.finalize()
    return {"reference": sealed.hex(), "amount": payment.amount}


# case: weak_cipher-15 | good | CWE-327 | AES-GCM with a fresh nonce
@app.post("/v2/cards")
def store_card_v2():
    nonce = os.urandom(12)
    sealed = AESGCM(KEY).encrypt(nonce, request.form["number"].encode(), b"card")
    return jsonify(card=base64.b64encode(nonce + sealed).decode())


# case: weak_cipher-16 | good | CWE-327 | Fernet with a key from the environment
@app.post("/v2/notes")
def store_note_v2():
    box = Fernet(os.environ["NOTE_KEY"])
    return jsonify(note=box.encrypt(request.get_json()["text"].encode()).decode())


# case: weak_cipher-17 | good | CWE-329 | CBC with random IV, then HMAC
def encrypt_profile_v2(profile: bytes) -> bytes:
    iv = get_random_bytes(16)
    body = iv + AES.new(KEY, AES.MODE_CBC, iv=iv).encrypt(pad(profile, AES.block_size))
    return body + hmac.digest(MAC_KEY, body, "sha256")


# case: weak_cipher-18 | good | CWE-329 | CBC decryption reads the IV from the authenticated message
def decrypt_profile_v2(message: bytes) -> bytes:
    body, tag = message[:-32], message[-32:]
    if not hmac.compare_digest(hmac.digest(MAC_KEY, body, "sha256"), tag):
        raise ValueError("message was changed")
    return unpad(AES.new(KEY, AES.MODE_CBC, iv=body[:16]).decrypt(body[16:]), AES.block_size)


# case: weak_cipher-19 | good | CWE-326 | RSA key of 3072 bits
@router.post("/v2/keys")
async def new_key_v2():
    private = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    return {"n": str(private.public_key().public_numbers().n)}


# case: weak_cipher-20 | good | CWE-327 | default context that asks for TLS 1.2 at least
def open_channel_v2(host: str) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context.wrap_socket(socket.create_connection((host, 443)), server_hostname=host)


# case: weak_cipher-21 | good | CWE-295 | verify names the company's own authority
@app.get("/v2/rates")
def rates_v2():
    answer = requests.get("https://rates.example/latest", timeout=5, verify="/etc/ssl/company-ca.pem")
    answer.raise_for_status()
    return jsonify(answer.json())


# case: weak_cipher-22 | good | CWE-327 | ChaCha20-Poly1305, Django view
def export_customer_v2(request_, number):
    nonce = os.urandom(12)
    remarks = request_.POST["remarks"].encode()
    return HttpResponse(nonce + ChaCha20Poly1305(KEY).encrypt(nonce, remarks, str(number).encode()))


# case: weak_cipher-23 | good | CWE-295 | bundle path from settings, Django view
def exchange_view_v2(request_):
    session = requests.Session()
    session.verify = settings.EXCHANGE_CA_BUNDLE
    answer = session.get("https://exchange.example/orders", timeout=10)
    return JsonResponse(answer.json(), safe=False)


# case: weak_cipher-24 | good | CWE-327 | mode overwritten before it is used
def encrypt_field_v2(value: str) -> str:
    mode = AES.MODE_ECB
    mode = AES.MODE_GCM
    cipher = AES.new(KEY, mode, nonce=get_random_bytes(12))
    sealed, tag = cipher.encrypt_and_digest(value.encode())
    return (cipher.nonce + tag + sealed).hex()


# case: weak_cipher-25 | good | CWE-295 | httpx client with a context of its own
@router.get("/v2/stock/{article}")
async def stock_v2(article: int, request_: Request):
    context = ssl.create_default_context(cafile="/etc/ssl/warehouse.pem")
    async with httpx.AsyncClient(verify=context, timeout=10) as client:
        answer = await client.get(f"https://warehouse.example/stock/{article}")
    return answer.json()


# case: weak_cipher-26 | good | CWE-326 | Ed25519 key pair
def signing_pair() -> tuple[bytes, bytes]:
    private = ed25519.Ed25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()
