"""What the API reads from its environment, and the values it falls back on.

Every name is listed in README.md, "Environment".
"""

import os
import secrets
from pathlib import Path
from typing import Any

from sqlalchemy import URL

ROOT = Path(__file__).resolve().parent.parent

JWT_SECRET_KEY = "143e120a73e5763e373ced0e7847d5f80c7c08e154d86748a4f723be5a0e860f"
BACKUP_TOKEN = "e4M8ztQGaHMDQ6GLJSfvLnek5i_Cqhzgm9XRiosj"


def from_environment() -> dict[str, Any]:
    """Return the Flask configuration that the environment asks for."""
    data = Path(os.environ.get("PLANETARY_DATA", ROOT / "instance"))
    return {
        "DATA_DIR": data,
        "OUTBOX_DIR": Path(os.environ.get("PLANETARY_OUTBOX", ROOT / "outbox")),
        "SQLALCHEMY_DATABASE_URI": database_uri(data),
        "JWT_SECRET_KEY": JWT_SECRET_KEY,
        "BACKUP_TOKEN": BACKUP_TOKEN,
        "SAFE_JWT_KEY": signing_key(),
        "SAFE_BACKUP_TOKEN": os.environ.get("SAFE_BACKUP_TOKEN", ""),
        "SAFE_SEED_PASSWORD": os.environ.get("SAFE_SEED_PASSWORD", ""),
        "FETCH_ALLOWED_URLS": tuple(os.environ.get("FETCH_ALLOWED_URLS", "").split()),
        **mail_settings(),
    }


def database_uri(data: Path) -> str | URL:
    """Return MySQL's address when DB_HOST is set, else that of a SQLite file in the data folder."""
    host = os.environ.get("DB_HOST")
    if not host:
        return f"sqlite:///{data / 'planets.db'}"
    return URL.create(
        "mysql+pymysql",
        username=os.environ.get("DB_USER"),
        password=os.environ.get("DB_PASSWORD"),
        host=host,
        port=int(os.environ.get("DB_PORT", "3306")),
        database=os.environ.get("DB_NAME", "planetary"),
        query={"charset": "utf8mb4"},
    )


def signing_key() -> str:
    """Return SAFE_JWT_KEY, or a key that lives as long as this process.

    Raises:
        ValueError: the key is shorter than RFC 7518, section 3.2, allows for HS256 (32 bytes).
    """
    key = os.environ.get("SAFE_JWT_KEY") or secrets.token_urlsafe(48)
    if len(key.encode()) < 32:
        raise ValueError("SAFE_JWT_KEY has fewer than 32 bytes. Set a longer one, or unset it.")
    return key


def mail_settings() -> dict[str, Any]:
    """Return the SMTP settings; an empty MAIL_SERVER means that mail goes to the outbox folder."""
    return {
        "MAIL_SERVER": os.environ.get("MAIL_SERVER", ""),
        "MAIL_PORT": int(os.environ.get("MAIL_PORT", "25")),
        "MAIL_USE_TLS": os.environ.get("MAIL_USE_TLS", "false").lower() in {"1", "true", "yes"},
        "MAIL_USERNAME": os.environ.get("MAIL_USERNAME", ""),
        "MAIL_PASSWORD": os.environ.get("MAIL_PASSWORD", ""),
        "MAIL_SENDER": os.environ.get("MAIL_SENDER", "admin@planetary-api.example"),
    }
