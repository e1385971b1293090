"""The tables: planets for everybody, `users` for the old endpoints, `accounts` for the safe ones."""

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Double, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

db = SQLAlchemy()

PLANET_COLUMNS = ("planet_id", "planet_name", "planet_type", "home_star", "mass", "radius", "distance")


class Planet(db.Model):
    """A planet: mass in kg, radius and mean distance from its star in km.

    The name is not unique in the table: the original API lets an update give two planets one name.
    """

    __tablename__ = "planets"

    planet_id: Mapped[int] = mapped_column(primary_key=True)
    planet_name: Mapped[str] = mapped_column(String(60), index=True)
    planet_type: Mapped[str] = mapped_column(String(60))
    home_star: Mapped[str] = mapped_column(String(60))
    # MySQL's FLOAT ends at 3.4e38, and known collections send 2.3e44.
    mass: Mapped[float] = mapped_column(Double)
    radius: Mapped[float] = mapped_column(Double)
    distance: Mapped[float] = mapped_column(Double)

    def as_dict(self) -> dict[str, int | str | float]:
        """Return the planet as the JSON object that every endpoint answers with."""
        return {column: getattr(self, column) for column in PLANET_COLUMNS}


class User(db.Model):
    """A user of the old endpoints."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    first_name: Mapped[str] = mapped_column(String(50))
    last_name: Mapped[str] = mapped_column(String(50))
    email: Mapped[str] = mapped_column(String(120), unique=True)
    password: Mapped[str] = mapped_column(String(120))


class Account(db.Model):
    """A user of the safe endpoints: only a salted scrypt hash of the password is kept."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    first_name: Mapped[str] = mapped_column(String(50))
    last_name: Mapped[str] = mapped_column(String(50))
    email: Mapped[str] = mapped_column(String(120), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))


class PasswordReset(db.Model):
    """A mailed reset code, kept as its SHA-256; deleted when it is used."""

    __tablename__ = "password_resets"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[int]  # seconds since 1970, UTC
