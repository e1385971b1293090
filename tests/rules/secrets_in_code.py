"""Keys, tokens and passwords in code, and places to read them from. Every value here was made up for this file."""

import enum
import os
import secrets

import jwt
from flask import Flask
from itsdangerous import URLSafeSerializer

from shop.database import connect
from shop.models import User

app = Flask(__name__)
# ruleid: python-hardcoded-secret-key
app.config["SECRET_KEY"] = "correct horse battery staple"
# ruleid: python-hardcoded-secret-key
app.config["JWT_SECRET_KEY"] = "super-secret"
# ruleid: python-hardcoded-secret-key
app.secret_key = b"made up"
# ruleid: python-hardcoded-secret-key
app.config.update(SECRET_KEY="dev", TESTING=False)
# ruleid: python-hardcoded-secret-key
app.config.from_mapping(SECRET_KEY="dev")
# ruleid: python-hardcoded-secret-key
JWT_SECRET_KEY = "8b1d2f"
# ruleid: python-hardcoded-secret-key
app.config["SECRET_KEY"] = os.environ.get("SECRET_KEY", "dev")
# ruleid: python-hardcoded-secret-key
app.config["SECRET_KEY"] = os.environ.get("SECRET_KEY") or "dev"
# ruleid: python-hardcoded-cipher-key
token = jwt.encode({"sub": "me"}, "made up", algorithm="HS256")
# ruleid: python-hardcoded-cipher-key
signer = URLSafeSerializer("made up")


class Config:
    # ruleid: python-hardcoded-secret-key
    SECRET_KEY = "made up"
    # ok: python-hardcoded-secret-key
    CSRF_SECRET = os.environ["CSRF_SECRET"]


# ok: python-hardcoded-secret-key
app.config["SECRET_KEY"] = os.environ["SECRET_KEY"]
# ok: python-hardcoded-secret-key
app.config["SECRET_KEY"] = os.environ.get("SECRET_KEY") or secrets.token_hex()
# ok: python-hardcoded-secret-key
app.config["JWT_SECRET_KEY"] = JWT_SECRET_KEY
# ok: python-hardcoded-secret-key
app.secret_key = ""
# ok: python-hardcoded-secret-key
SECRET_KEY = "APP_SECRET_KEY"
# ok: python-hardcoded-cipher-key
claims = jwt.decode(token, app.config["SECRET_KEY"], algorithms=["HS256"])
# ok: python-hardcoded-secret-key
settings = {"SECRET_KEY": JWT_SECRET_KEY, "PRIMARY_KEY": "id"}

# ruleid: python-hardcoded-token
BACKUP_TOKEN = "k3Jq9ZxV7bTn2LwR8sYd"
# ruleid: python-hardcoded-token
api_key: str = "live.4f9a8b7c6d5e4f3a2b1c"
# ruleid: python-hardcoded-token
headers = {"X-Api-Key": "4f9a8b7c6d5e4f3a2b1c0d9e"}
# ok: python-hardcoded-token
API_KEY = os.environ["API_KEY"]
# ok: python-hardcoded-token
API_TOKEN = "your-token-here-12345678"
# ok: python-hardcoded-token
csrf_token = "csrf_token"
# ok: python-hardcoded-token
TOKEN_ADDRESS = "https://login.example.com/oauth2/v1/token"

# ruleid: python-hardcoded-password
connection = connect(host="db", user="shop", password="tulip7")
# ruleid: python-hardcoded-password
user = User(email="admin@example.com", password="tulip")
# ruleid: python-hardcoded-password
app.config["MYSQL_PASSWORD"] = "tulip"
# ruleid: python-hardcoded-password
DB_PASSWORD = "tulip-7"
# ruleid: python-hardcoded-password
password = os.environ.get("DB_PASSWORD", "tulip")
# ok: python-hardcoded-password
connection = connect(host="db", user="shop", password=os.environ["DB_PASSWORD"])
# ok: python-hardcoded-password
connection = connect(host="db", user="shop", password="")
# ok: python-hardcoded-password
PASSWORD = "password"
# ok: python-hardcoded-password
form = dict(password="Choose a password of 12 letters")
# ok: python-hardcoded-password
mail_password = os.environ.get("MAIL_PASSWORD", "")
# ok: python-hardcoded-password
connection = connect(password_file="/run/secrets/db-1")


class Kind(enum.StrEnum):
    # ok: python-hardcoded-secret-key
    SECRET = "secret"


class Sort(str, enum.Enum):
    # ok: python-hardcoded-secret-key
    SECRET_KEY = "secret key"


def open_all(form, create_engine):
    # ruleid: python-hardcoded-connection-string
    one = create_engine("postgresql://shop:tulip7@db.internal/shop")
    # ruleid: python-hardcoded-connection-string
    two = create_engine("redis://:tulip7@10.0.0.5:6379/0" if form else "amqp://shop:tulip7@queue:5672//")
    # ok: python-hardcoded-connection-string
    three = create_engine("postgresql://user:password@localhost/shop")
    # ok: python-hardcoded-connection-string
    four = create_engine(f"postgresql://shop:{form['key']}@db.internal/shop")
    # ok: python-hardcoded-connection-string
    five = create_engine("postgresql://db.internal/shop")
    # ruleid: python-hardcoded-password
    six = form["password"] == "tulip"
    # ok: python-hardcoded-password
    seven = form["password"] == form["password_again"]
    return one, two, three, four, five, six, seven


# ruleid: python-hardcoded-password
DATABASES = {"default": {"NAME": "shop", "PASSWORD": "tulip-7"}}
# ok: python-hardcoded-password
LABELS = {"password": "password", "new_password": "Choose a new password"}
# ok: python-hardcoded-secret-key
VAULT_SECRET = "shop/orders/signing"
