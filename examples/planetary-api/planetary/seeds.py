"""The data that every collection of requests for this API counts on."""

import secrets

from flask import current_app
from sqlalchemy import select
from werkzeug.security import generate_password_hash

from planetary.models import Account, Planet, User, db

# Class, star, mass in kg, mean radius in km and mean distance from the star in km: NASA's Planetary
# Fact Sheet for the eight; Vulcan's figures are as good as its existence.
_PLANETS = {
    "Mercury": ("Class D", "Sol", 3.301e23, 2439.7, 57.909e6),
    "Venus": ("Class K", "Sol", 4.867e24, 6051.8, 108.21e6),
    "Earth": ("Class M", "Sol", 5.972e24, 6371.0, 149.598e6),
    "Mars": ("Class K", "Sol", 6.417e23, 3389.5, 227.956e6),
    "Jupiter": ("Class J", "Sol", 1.898e27, 69911.0, 778.479e6),
    "Saturn": ("Class J", "Sol", 5.683e26, 58232.0, 1432.041e6),
    "Uranus": ("Class J", "Sol", 8.681e25, 25362.0, 2867.043e6),
    "Neptune": ("Class J", "Sol", 1.024e26, 24622.0, 4514.953e6),
    "Vulcan": ("Class M", "40 Eridani A", 4.865e24, 6051.0, 83.776e6),
}


def planets() -> list[Planet]:
    """Return new objects for the planets of the seed; Mercury is the first."""
    columns = ("planet_type", "home_star", "mass", "radius", "distance")
    return [Planet(planet_name=name, **dict(zip(columns, row, strict=True))) for name, row in _PLANETS.items()]


def users() -> list[User]:
    """Return new objects for the users of the old endpoints."""
    return [
        User(first_name="William", last_name="Herschel", email="test@test.com", password="P@ssw0rd"),
        User(first_name="Caroline", last_name="Herschel", email="test2@test.com", password="Comet1786"),
    ]


def sow() -> list[tuple[str, str]]:
    """Add what is missing, and return address and password of the new accounts that got a random one."""
    known = set(db.session.scalars(select(Planet.planet_name)))
    db.session.add_all(planet for planet in planets() if planet.planet_name not in known)
    known = set(db.session.scalars(select(User.email)))
    db.session.add_all(user for user in users() if user.email not in known)
    told = _sow_accounts()
    db.session.commit()
    return told


def _sow_accounts() -> list[tuple[str, str]]:
    """Give the same people an account at the safe endpoints, with SAFE_SEED_PASSWORD or a random password."""
    chosen = current_app.config["SAFE_SEED_PASSWORD"]
    known = set(db.session.scalars(select(Account.email)))
    told = []
    for user in users():
        if user.email in known:
            continue
        secret = chosen or secrets.token_urlsafe(16)
        names = {"first_name": user.first_name, "last_name": user.last_name, "email": user.email}
        db.session.add(Account(**names, password_hash=generate_password_hash(secret)))
        if not chosen:
            told.append((user.email, secret))
    return told
