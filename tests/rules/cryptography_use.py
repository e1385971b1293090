"""Hashes, random numbers and certificates."""

import hashlib
import hmac
import random
import secrets
import ssl
import uuid

import bcrypt
import httpx
import paramiko
import requests
from cryptography.hazmat.primitives import hashes
from werkzeug.security import generate_password_hash


def store(user, password, salt, data):
    # ruleid: python-weak-password-hash
    user.one = hashlib.md5(password.encode()).hexdigest()
    # ruleid: python-weak-password-hash
    user.two = hashlib.sha256((salt + password).encode()).hexdigest()
    # ruleid: python-weak-password-hash
    user.three = hashlib.new("sha512", password.encode()).hexdigest()
    digest = hashlib.sha256()
    # ruleid: python-weak-password-hash
    digest.update(password.encode())
    # ok: python-weak-password-hash
    digest.update(data)
    # ok: python-weak-password-hash
    user.four = generate_password_hash(password)
    # ok: python-weak-password-hash
    user.five = bcrypt.hashpw(password.encode(), bcrypt.gensalt())
    # ok: python-weak-password-hash
    user.six = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 600_000)
    # ok: python-weak-password-hash
    user.seven = hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)
    # ok: python-weak-password-hash
    user.eight = hashlib.sha256(user.password_hash).hexdigest()
    # ok: python-weak-password-hash
    user.text = hashlib.sha256(b"password = 'hidden'\n").hexdigest()
    # ok: python-weak-password-hash
    user.nine = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest()[:5]


def fingerprint(data):
    # ruleid: python-weak-hash
    one = hashlib.md5(data).hexdigest()
    # ruleid: python-weak-hash
    two = hashlib.sha1(data, usedforsecurity=True).hexdigest()
    # ruleid: python-weak-hash
    three = hashlib.new("md5", data).hexdigest()
    # ruleid: python-weak-hash
    four = hashes.Hash(hashes.MD5())
    # ok: python-weak-hash
    five = hashlib.md5(data, usedforsecurity=False).hexdigest()
    # ok: python-weak-hash
    six = hashlib.new("md5", data, usedforsecurity=False).hexdigest()
    # ok: python-weak-hash
    seven = hashlib.sha256(data).hexdigest()
    # ok: python-weak-hash
    eight = hashlib.new("sha256", data).hexdigest()
    # ok: python-weak-hash
    nine = hashlib.blake2b(data).hexdigest()
    return one, two, three, four, five, six, seven, eight, nine


def reset_code():
    # ruleid: python-insecure-random
    return str(random.randint(100_000, 999_999))


def draw(user, session):
    # ruleid: python-insecure-random
    token = "".join(random.choice("abcdef") for _ in range(32))
    # ruleid: python-insecure-random
    user.password = "".join(random.choices("abcdef", k=12))
    # ruleid: python-insecure-random
    session["csrf_token"] = random.getrandbits(64)
    # ruleid: python-insecure-random
    otp = random.randrange(10**6)
    # ok: python-insecure-random
    safe_token = secrets.token_urlsafe(32)
    # ok: python-insecure-random
    password = "".join(secrets.choice("abcdef") for _ in range(12))
    # ok: python-insecure-random
    password = "".join(random.SystemRandom().choice("abcdef") for _ in range(12))
    # ok: python-insecure-random
    delay = random.uniform(0.1, 0.5)
    # ok: python-insecure-random
    planet = random.choice(["Earth", "Mars"])
    return token, otp, safe_token, password, delay, planet


def call(session):
    # ruleid: python-tls-verification-disabled
    requests.get("https://example.com", verify=False, timeout=10)
    # ruleid: python-tls-verification-disabled
    httpx.Client(verify=False)
    # ruleid: python-tls-verification-disabled
    session.verify = False
    # ruleid: python-tls-verification-disabled
    session.post("https://example.com", verify=False)
    # ruleid: python-tls-verification-disabled
    unchecked = ssl._create_unverified_context()
    context = ssl.create_default_context()
    # ruleid: python-tls-verification-disabled
    context.verify_mode = ssl.CERT_NONE
    # ok: python-tls-verification-disabled
    requests.get("https://example.com", verify="/etc/ssl/ours.pem", timeout=10)
    # ok: python-tls-verification-disabled
    requests.get("https://example.com", timeout=10)
    # ok: python-tls-verification-disabled
    context.verify_mode = ssl.CERT_REQUIRED
    return unchecked


def kept(data, key):
    # ok: python-weak-hash
    cache_key = hashlib.md5(data).hexdigest()
    # ok: python-weak-hash
    tag = hmac.new(key, data, hashlib.sha1).hexdigest()
    # ruleid: python-weak-hash
    make = hashlib.md5
    # ruleid: python-weak-hash
    signature = hashlib.sha1(key + data).hexdigest()
    return cache_key, tag, make, signature


def shuffled_password(letters):
    random.shuffle(letters)
    # ruleid: python-insecure-random
    return "".join(letters[:12])


def prizes(count):
    # ruleid: python-insecure-random
    codes = ["".join(random.sample("ABCDEF", 6)) for _ in range(count)]
    winner = random.choice(["Ann", "Ben"])
    # ok: python-insecure-random
    order = random.sample(codes, 2)
    # ruleid: python-insecure-random
    link_secret = uuid.uuid1().hex
    # ok: python-insecure-random
    other_secret = uuid.uuid4().hex
    return winner, order, link_secret, other_secret


def more_calls(ssh, context):
    # ruleid: python-tls-verification-disabled
    ssh.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    # ok: python-tls-verification-disabled
    ssh.set_missing_host_key_policy(paramiko.RejectPolicy())
