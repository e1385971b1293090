"""Functions that take a key, a password or a token: at which place, and what sort of secret it is."""

from __future__ import annotations

import functools

from hardgate.dataflow.frame import Call
from hardgate.dataflow.values import Value

# Dotted name: (position, keywords, rule). From the documentation of PyJWT, python-jose, Authlib, itsdangerous,
# cryptography, PyCryptodome, PyNaCl, hmac, hashlib, Django, Flask, smtplib, ftplib, ldap3, requests, httpx, aiohttp.
_CIPHER, _PASSWORD, _TOKEN, _KEY = (
    f"python-hardcoded-{one}" for one in ("cipher-key", "password", "token", "secret-key")
)
_Place = tuple[int | None, tuple[str, ...], str]


def _each(names: str, position: int | None, keywords: str, rule: str) -> dict[str, _Place]:
    return {one: (position, tuple(keywords.split()), rule) for one in names.split()}


_PLACES: dict[str, _Place] = {
    **_each(
        "jwt.encode jwt.decode jose.jwt.encode jose.jwt.decode jose.jws.sign jose.jws.verify "
        "jwt.PyJWT().encode jwt.PyJWT().decode python_jwt.generate_jwt", 1, "key secret", _CIPHER),
    **_each("authlib.jose.jwt.encode authlib.jose.JsonWebToken().encode", 2, "key", _CIPHER),
    **_each("authlib.jose.jwt.decode authlib.jose.JsonWebToken().decode", 1, "key", _CIPHER),
    **_each(
        "itsdangerous.Signer itsdangerous.TimestampSigner itsdangerous.Serializer "
        "itsdangerous.URLSafeSerializer itsdangerous.URLSafeTimedSerializer "
        "itsdangerous.TimedSerializer itsdangerous.JSONWebSignatureSerializer "
        "itsdangerous.TimedJSONWebSignatureSerializer itsdangerous.url_safe.URLSafeSerializer "
        "itsdangerous.url_safe.URLSafeTimedSerializer", 0, "secret_key", _CIPHER),
    **_each(
        "cryptography.fernet.Fernet nacl.secret.SecretBox nacl.secret.Aead nacl.signing.SigningKey "
        "nacl.public.PrivateKey", 0, "key seed private_key", _CIPHER),
    **_each(" ".join(f"cryptography.hazmat.primitives.ciphers.aead.{one}" for one in ("AESGCM", "AESCCM", "AESSIV",
    "AESOCB3", "AESGCMSIV", "ChaCha20Poly1305")), 0, "key", _CIPHER),
    **_each(" ".join(f"cryptography.hazmat.primitives.ciphers.algorithms.{one}" for one in ("AES", "AES128",
    "AES256", "TripleDES", "Blowfish", "ChaCha20", "Camellia", "CAST5", "SEED", "ARC4", "IDEA", "SM4")), 0, "key",
    _CIPHER),
    **_each(" ".join(f"{top}.Cipher.{one}.new" for top in ("Crypto", "Cryptodome") for one in ("AES", "DES", "DES3",
    "ARC2", "ARC4", "Blowfish", "CAST", "ChaCha20", "ChaCha20_Poly1305", "Salsa20", "XOR")), 0, "key", _CIPHER),
    **_each(
        "hmac.new hmac.digest hmac.HMAC Crypto.Hash.HMAC.new Cryptodome.Hash.HMAC.new "
        "Crypto.Hash.CMAC.new cryptography.hazmat.primitives.hmac.HMAC "
        "cryptography.hazmat.primitives.cmac.CMAC", 0, "key", _CIPHER),
    **_each("hashlib.pbkdf2_hmac", 1, "password", _CIPHER),
    **_each("hashlib.scrypt Crypto.Protocol.KDF.PBKDF2 Crypto.Protocol.KDF.scrypt Cryptodome.Protocol.KDF.PBKDF2", 0,
    "password", _CIPHER),
    **_each(
        "cryptography.hazmat.primitives.kdf.pbkdf2.PBKDF2HMAC().derive "
        "cryptography.hazmat.primitives.kdf.scrypt.Scrypt().derive "
        "cryptography.hazmat.primitives.kdf.hkdf.HKDF().derive", 0, "key_material", _CIPHER),
    **_each("django.core.signing.Signer django.core.signing.TimestampSigner", None, "key", _CIPHER),
    **_each("django.core.signing.dumps django.core.signing.loads", 1, "key", _CIPHER),
    **_each("starlette.middleware.sessions.SessionMiddleware", 1, "secret_key", _KEY),
    **_each(
        "requests.auth.HTTPBasicAuth requests.auth.HTTPDigestAuth requests.auth.HTTPProxyAuth "
        "httpx.BasicAuth httpx.DigestAuth aiohttp.BasicAuth requests_ntlm.HttpNtlmAuth", 1, "password", _PASSWORD),
    **_each(
        "pymysql.connect MySQLdb.connect mysql.connector.connect pymssql.connect cx_Oracle.connect "
        "oracledb.connect pymysql.Connection ftplib.FTP ftplib.FTP_TLS", 2, "password passwd", _PASSWORD),
    **_each("cx_Oracle.connect oracledb.connect", 1, "password", _PASSWORD),
    **_each("ldap3.Connection", 2, "password", _PASSWORD),
    **_each(
        "github.Github telegram.Bot sendgrid.SendGridAPIClient telebot.TeleBot slack_sdk.WebClient "
        "slack.WebClient gitlab.Gitlab().auth discord.Client().run discord.ext.commands.Bot().run "
        "openai.OpenAI", 0, "token api_key login_or_token", _TOKEN),
    **_each("twilio.rest.Client", 1, "password", _TOKEN),
}  # fmt: skip
# By the last word of what is called, whatever it belongs to.
_LASTS: dict[str, _Place] = {
    **_each("simple_bind_s simple_bind bind_s", 1, "cred", _PASSWORD),
    **_each(
        "set_password make_password generate_password_hash setpassword hash_password",
        0,
        "password raw_password pwd",
        _PASSWORD,
    ),
    **_each("create_superuser create_user", 2, "password", _PASSWORD),
    **_each("login", 1, "password passwd", _PASSWORD),
    **_each("pass_", 0, "pswd", _PASSWORD),
}


@functools.lru_cache(maxsize=8192)
def _place(names: frozenset[str], last: frozenset[str]) -> _Place | None:
    found = next((_PLACES[name] for name in names if name in _PLACES), None)
    return found or next((_LASTS[one] for one in last if one in _LASTS), None)


def key_and_rule(call: Call) -> tuple[Value | None, str]:
    """The secret that the call is given, None when it takes none or is given none; and the rule that it falls under."""
    found = _place(call.names, call.last)
    return (call.arg(found[0], *found[1]), found[2]) if found is not None else (None, "")


def key_of(call: Call) -> Value | None:
    """The secret that the call is given, None when it takes none or is given none."""
    return key_and_rule(call)[0]
