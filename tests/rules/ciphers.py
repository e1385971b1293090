"""Ciphers, modes, keys, TLS versions and signatures."""

import hashlib
import os
import ssl

import bcrypt
import jwt
from Crypto.Cipher import AES, ARC4, DES3
from Crypto.PublicKey import RSA
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FIXED_IV = bytes(16)


def encrypt(key, data, stream):
    # ruleid: python-weak-cipher
    one = DES3.new(key, DES3.MODE_CBC)
    # ruleid: python-weak-cipher
    two = ARC4.new(key)
    # ruleid: python-weak-cipher
    three = Cipher(algorithms.Blowfish(key), modes.CBC(os.urandom(8)))
    # ok: python-weak-cipher
    four = AES.new(key, AES.MODE_GCM)
    # ruleid: python-ecb-mode
    five = AES.new(key, AES.MODE_ECB)
    # ruleid: python-ecb-mode
    six = Cipher(algorithms.AES(key), modes.ECB())
    mode = AES.MODE_ECB
    # ruleid: python-ecb-mode
    seven = AES.new(key, mode)
    # ruleid: python-ecb-mode
    settings = {"mode": AES.MODE_ECB}
    mode = AES.MODE_CBC
    # ok: python-ecb-mode
    eight = AES.new(key, mode)
    # ruleid: python-fixed-initial-vector
    nine = AES.new(key, AES.MODE_CBC, iv=b"0123456789abcdef")
    # ruleid: python-fixed-initial-vector
    ten = Cipher(algorithms.AES(key), modes.CBC(FIXED_IV))
    nonce = b"twelve bytes"
    # ruleid: python-fixed-initial-vector
    eleven = AESGCM(key).encrypt(nonce, data, None)
    # ok: python-fixed-initial-vector
    twelve = AES.new(key, AES.MODE_CBC, iv=os.urandom(16))
    # ok: python-fixed-initial-vector
    thirteen = AES.new(key, AES.MODE_CBC, iv=stream.read(16))
    # ok: python-fixed-initial-vector
    fourteen = AES.new(key, AES.MODE_CBC, iv=data[:16])
    return one, two, three, four, five, six, seven, settings, eight, nine, ten, eleven, twelve, thirteen, fourteen


def keys():
    # ruleid: python-short-key
    one = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    # ruleid: python-short-key
    two = RSA.generate(1024)
    # ruleid: python-short-key
    three = ec.generate_private_key(ec.SECP192R1())
    # ok: python-short-key
    four = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    # ok: python-short-key
    five = ec.generate_private_key(ec.SECP256R1())
    return one, two, three, four, five


def connect():
    # ruleid: python-old-tls
    old = ssl.SSLContext(ssl.PROTOCOL_TLSv1)
    context = ssl.create_default_context()
    # ruleid: python-old-tls
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    # ruleid: python-old-tls
    context.set_ciphers("ALL:@SECLEVEL=0")
    # ok: python-old-tls
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # ok: python-old-tls
    context.set_ciphers("ECDHE+AESGCM:!aNULL")
    # ok: python-old-tls
    new = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return old, new


def read(token, key):
    # ruleid: python-unverified-jwt
    one = jwt.decode(token, options={"verify_signature": False})
    # ruleid: python-unverified-jwt
    two = jwt.decode(token, key, algorithms=["HS256", "none"])
    # ok: python-unverified-jwt
    three = jwt.decode(token, key, algorithms=["HS256"])
    return one, two, three


def derive(password, salt):
    # ruleid: python-weak-key-derivation
    one = hashlib.pbkdf2_hmac("sha256", password, salt, 1000)
    # ruleid: python-weak-key-derivation
    two = bcrypt.hashpw(password, bcrypt.gensalt(rounds=4))
    # ok: python-weak-key-derivation
    three = hashlib.pbkdf2_hmac("sha256", password, salt, 600_000)
    # ok: python-weak-key-derivation
    four = bcrypt.hashpw(password, bcrypt.gensalt())
    return one, two, three, four


# ruleid: python-weak-password-hasher
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# ok: python-weak-password-hasher
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.UnsaltedMD5PasswordHasher",
]
