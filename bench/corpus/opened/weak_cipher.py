"""Vaults, clients and servers: code around ciphers, keys and certificates."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import secrets
import ssl
import urllib.request
from dataclasses import dataclass, field

import aiohttp
import ldap3
import nacl.secret
import nacl.utils
import paramiko
import requests
import urllib3
from Crypto.Cipher import AES, DES3 as TripleDes
from Crypto.PublicKey import RSA
from Crypto.Util.Padding import pad
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.asymmetric import dsa, ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from django.http import HttpResponse, JsonResponse
from django.views import View
from fastapi import Depends, FastAPI, File
from flask import Blueprint, Flask, g, request
from requests.adapters import HTTPAdapter

from vault.config import keys, partner_host, user_forms

site = Flask(__name__)
vault = Blueprint("vault", __name__)
service = FastAPI()


# case: weak_cipher-27 | bad | CWE-327 | Triple DES under another name
@vault.route("/iban", methods=["PUT"])
def put_iban():
    box = TripleDes.new(keys.legacy, TripleDes.MODE_CBC)
    g.account.iban = box.iv + box.encrypt(pad(request.json["iban"].encode(), 8))
    return {}, 200


# case: weak_cipher-28 | bad | CWE-327 | ECB as default of a parameter
def box_for(key: bytes, mode: int = AES.MODE_ECB):
    return AES.new(key, mode)


@vault.route("/remarks", methods=["POST"])
def post_remark():
    sealed = box_for(keys.data).encrypt(pad(request.values["remark"].encode(), 16))
    return {"remark": sealed.hex()}


# case: weak_cipher-29 | bad | CWE-329 | first bytes of the key serve as IV
@dataclass
class Vault:
    key: bytes
    iv: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.iv = self.key[:16]

    def seal(self, plain: bytes) -> bytes:
        return AES.new(self.key, AES.MODE_CBC, self.iv).encrypt(pad(plain, 16))


# case: weak_cipher-30 | bad | CWE-326 | PyCryptodome's RSA with 1024 bits out of a constant
KEY_BITS = 1024


@vault.route("/identity", methods=["POST"])
def new_identity():
    pair = RSA.generate(KEY_BITS)
    g.account.store_private(pair.export_key(passphrase=keys.wrap))
    return pair.public_key().export_key().decode()


# case: weak_cipher-31 | bad | CWE-326 | DSA with 1024 bits
def receipt_signer():
    private = dsa.generate_private_key(1024)
    return private, private.public_key()


# case: weak_cipher-32 | bad | CWE-327 | server context lowers the least version
def server_context(certificate: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.load_cert_chain(certificate)
    return context


# case: weak_cipher-33 | bad | CWE-295 | aiohttp connector without TLS checks
@service.get("/parcels/{code}")
async def parcel(code: str):
    connector = aiohttp.TCPConnector(ssl=False, limit=20)
    async with aiohttp.ClientSession(connector=connector) as client:
        async with client.get(f"https://{partner_host()}/parcels", params={"code": code}) as answer:
            return await answer.json()


# case: weak_cipher-34 | bad | CWE-295 | urllib3 pool that asks for no certificate
class Warehouse:
    pool = urllib3.PoolManager(cert_reqs="CERT_NONE", retries=3)

    def level(self, article: int) -> bytes:
        return self.pool.request("GET", f"https://{partner_host()}/level/{article}").data


# case: weak_cipher-35 | bad | CWE-295 | keyword arguments out of a dict
HTTP_OPTIONS = {"timeout": 8, "verify": False, "allow_redirects": False}


class Tariffs(View):
    def get(self, request_):
        answer = requests.get(f"https://{partner_host()}/tariffs", **HTTP_OPTIONS)
        return JsonResponse(answer.json(), safe=False)


# case: weak_cipher-36 | bad | CWE-295 | default of the whole process replaced
def fetch_feed(url_path: str) -> bytes:
    ssl._create_default_https_context = ssl._create_unverified_context
    with urllib.request.urlopen(f"https://{partner_host()}/{url_path}", timeout=10) as answer:
        return answer.read()


# case: weak_cipher-37 | bad | CWE-327 | a cipher of one's own: exclusive or with a repeated key
def scramble(plain: bytes) -> bytes:
    return bytes(left ^ right for left, right in zip(plain, itertools.cycle(keys.data)))


@vault.route("/diary", methods=["POST"])
def post_diary():
    g.account.diary = scramble(request.get_data())
    return {}, 201


# case: weak_cipher-38 | bad | CWE-329 | AES-GCM with the same nonce for every message
@service.post("/attachments")
async def attach(content: bytes = File()):
    nonce = b"attachments!"
    return {"sealed": AESGCM(keys.data).encrypt(nonce, content, None).hex()}


# case: weak_cipher-39 | bad | CWE-295 | host keys accepted unseen
def push_report(host: str, report: str) -> None:
    with paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect(host, username="reports", key_filename="/etc/reports/id")
        client.open_sftp().put(report, f"/in/{report}")


# case: weak_cipher-40 | bad | CWE-327 | adapter that pins TLS 1.1
class OldBankAdapter(HTTPAdapter):
    def init_poolmanager(self, *args, **kwargs):
        kwargs["ssl_version"] = ssl.PROTOCOL_TLSv1_1
        return super().init_poolmanager(*args, **kwargs)


# case: weak_cipher-41 | bad | CWE-295 | check left out for hosts with one ending
def call_partner(host: str, path: str) -> dict:
    check = False if host.endswith(".partner.example") else True
    answer = requests.post(f"https://{host}{path}", json={"shop": 7}, verify=check, timeout=5)
    return answer.json()


# case: weak_cipher-42 | bad | CWE-295 | directory connection that validates nothing, Django
def people(request_):
    tls = ldap3.Tls(validate=ssl.CERT_NONE)
    server = ldap3.Server("ldap.example", use_ssl=True, tls=tls)
    with ldap3.Connection(server, user=keys.directory_user, password=keys.directory_password) as link:
        link.search("ou=people,dc=example", "(objectClass=person)", attributes=["cn"])
        return JsonResponse([str(entry.cn) for entry in link.entries], safe=False)


# case: weak_cipher-43 | bad | CWE-327 | suites without encryption and with RC4 allowed
def gateway_context() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_ciphers("RC4-SHA:eNULL:DES-CBC3-SHA")
    return context


# case: weak_cipher-44 | good | CWE-327 | MultiFernet with keys from configuration
def rotating_box() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys.fernet])


@vault.route("/v2/remarks", methods=["POST"])
def post_remark_v2():
    return {"remark": rotating_box().encrypt(request.get_data()).decode()}


# case: weak_cipher-45 | good | CWE-327 | GCM by the lower level interface
@vault.route("/v2/iban", methods=["PUT"])
def put_iban_v2():
    iv = secrets.token_bytes(12)
    box = Cipher(algorithms.AES(keys.data), modes.GCM(iv)).encryptor()
    sealed = box.update(request.json["iban"].encode()) + box.finalize()
    g.account.iban = iv + box.tag + sealed
    return {}, 200


# case: weak_cipher-46 | good | CWE-327 | SecretBox of PyNaCl
@dataclass
class VaultV2:
    key: bytes

    def seal(self, plain: bytes) -> bytes:
        box = nacl.secret.SecretBox(self.key)
        return bytes(box.encrypt(plain, nacl.utils.random(nacl.secret.SecretBox.NONCE_SIZE)))


# case: weak_cipher-47 | good | CWE-326 | RSA with 4096 bits out of a constant
STRONG_KEY_BITS = 4096


@vault.route("/v2/identity", methods=["POST"])
def new_identity_v2():
    pair = RSA.generate(STRONG_KEY_BITS)
    g.account.store_private(pair.export_key(passphrase=keys.wrap, pkcs=8))
    return pair.public_key().export_key().decode()


# case: weak_cipher-48 | good | CWE-326 | key on an elliptic curve
def receipt_signer_v2():
    private = ec.generate_private_key(ec.SECP256R1())
    return private, private.public_key()


# case: weak_cipher-49 | good | CWE-327 | server context with TLS 1.3 only
def server_context_v2(certificate: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate)
    return context


# case: weak_cipher-50 | good | CWE-295 | aiohttp connector with the default context
async def http_client():
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(), limit=20)
    async with aiohttp.ClientSession(connector=connector) as client:
        yield client


@service.get("/v2/parcels/{code}")
async def parcel_v2(code: int, client: aiohttp.ClientSession = Depends(http_client)):
    async with client.get(f"https://{partner_host()}/parcels/{code}") as answer:
        return await answer.json()


# case: weak_cipher-51 | good | CWE-295 | urllib3 pool that asks for certificates
class WarehouseV2:
    pool = urllib3.PoolManager(cert_reqs="CERT_REQUIRED", ca_certs="/etc/ssl/warehouse.pem")

    def level(self, article: int) -> bytes:
        return self.pool.request("GET", f"https://{partner_host()}/level/{article}").data


# case: weak_cipher-52 | good | CWE-295 | dict whose value is set right before the call
class TariffsV2(View):
    def get(self, request_):
        options = {"timeout": 8, "verify": False}
        options["verify"] = "/etc/ssl/partner.pem"
        answer = requests.get(f"https://{partner_host()}/tariffs", **options)
        return JsonResponse(answer.json(), safe=False)


# case: weak_cipher-53 | good | CWE-295 | a verify argument that is about mail addresses
@vault.route("/members", methods=["POST"])
def post_member():
    form = user_forms.parse(request.values)
    member = form.save(verify=False)
    member.send_confirmation(verify=True)
    return {"member": member.number}, 201


# case: weak_cipher-54 | good | CWE-295 | only hosts that are known
def push_report_v2(host: str, report: str) -> None:
    with paramiko.SSHClient() as client:
        client.load_host_keys("/etc/reports/known_hosts")
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        client.connect(host, username="reports", key_filename="/etc/reports/id")
        client.open_sftp().put(report, f"/in/{report}")


# case: weak_cipher-55 | good | CWE-327 | misuse-resistant AES-SIV, Django
def ticket(request_, number):
    sealed = AESSIV(keys.siv).encrypt(str(number).encode(), [b"ticket", request_.user.email.encode()])
    return HttpResponse(sealed.hex(), content_type="text/plain")


# case: weak_cipher-56 | good | CWE-295 | directory connection that validates, Django
def people_v2(request_):
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file="/etc/ssl/directory.pem")
    server = ldap3.Server("ldap.example", use_ssl=True, tls=tls)
    with ldap3.Connection(server, user=keys.directory_user, password=keys.directory_password) as link:
        link.search("ou=people,dc=example", "(objectClass=person)", attributes=["cn"])
        return JsonResponse([str(entry.cn) for entry in link.entries], safe=False)


# case: weak_cipher-57 | good | CWE-327 | table of modes in which old names are refused
REFUSED = {"ECB": "shows equal blocks", "RC4": "broken", "DES": "short key"}


@service.get("/modes/{name}")
async def explain_mode(name: str):
    return {"mode": name, "refused_because": REFUSED.get(name.upper())}


# case: weak_cipher-58 | good | CWE-329 | CTR with random nonce under an HMAC
def seal_stream(plain: bytes) -> bytes:
    box = AES.new(keys.data, AES.MODE_CTR, nonce=secrets.token_bytes(8))
    body = box.nonce + box.encrypt(plain)
    return body + hmac.new(keys.mac, body, hashlib.sha256).digest()
