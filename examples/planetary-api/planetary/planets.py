"""The endpoints without a twin: the page, the list of planets and its changes."""

import secrets

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue
from flask_jwt_extended import jwt_required
from sqlalchemy import select

from planetary import body
from planetary.models import Planet, db

planets = Blueprint("planets", __name__)

UNKNOWN_PLANET = "That planet does not exist"
NO_NAME = "missing planet name"
UNKNOWN_RESOURCE = "That resource was not found"
LARGEST_ID = 2**31 - 1  # MySQL's INTEGER


@planets.get("/")
def index() -> ResponseReturnValue:
    """Show a page on which the API can be tried."""
    return render_template("index.html")


@planets.get("/planets")
def all_planets() -> ResponseReturnValue:
    """Answer with every planet, in the order in which they were added."""
    return jsonify([planet.as_dict() for planet in db.session.scalars(select(Planet).order_by(Planet.planet_id))])


@planets.get("/planet_details/<int:planet_id>")
def planet_details(planet_id: int) -> ResponseReturnValue:
    """Answer with one planet."""
    planet = _planet(planet_id)
    if planet is None:
        return jsonify(message=UNKNOWN_PLANET), 404
    return jsonify(planet.as_dict())


def _planet(planet_id: int) -> Planet | None:
    return db.session.get(Planet, planet_id) if 0 < planet_id <= LARGEST_ID else None


@planets.get("/random_planet")
def random_planet() -> ResponseReturnValue:
    """Answer with the name of some planet."""
    names = db.session.scalars(select(Planet.planet_name)).all()
    if not names:
        return jsonify(message=UNKNOWN_PLANET), 404
    return jsonify(planet_name=secrets.choice(names))


@planets.post("/add_planet")
@jwt_required()
def add_planet() -> ResponseReturnValue:
    """Add a planet with a new name."""
    fields = body.planet(body.sent())
    if not fields["planet_name"]:
        return jsonify(message=NO_NAME), 400
    if _is_taken(fields["planet_name"]):
        return jsonify(message="There is already a planet by that name"), 409
    planet = Planet(**fields)
    db.session.add(planet)
    db.session.commit()
    return jsonify(message="You added a planet", id=planet.planet_id), 201


def _is_taken(planet_name: str) -> bool:
    return db.session.scalar(select(Planet.planet_id).filter_by(planet_name=planet_name).limit(1)) is not None


def add_missing(records: object) -> ResponseReturnValue:
    """Add every planet of a list whose name is new, and answer with their number."""
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        return jsonify(message="A list of planets is needed"), 400
    wanted = [body.planet(record) for record in records]
    if not all(fields["planet_name"] for fields in wanted):
        return jsonify(message=NO_NAME), 400
    added = 0
    for fields in wanted:
        if not _is_taken(fields["planet_name"]):
            db.session.add(Planet(**fields))
            added += 1
    db.session.commit()
    return jsonify(message="Planets imported", added=added), 201


@planets.put("/update_planet")
@jwt_required()
def update_planet() -> ResponseReturnValue:
    """Change every field of a planet but its id."""
    sent = body.sent()
    fields = body.planet(sent)
    planet = _planet(int(body.number(sent, "planet_id")))
    if planet is None:
        return jsonify(message=UNKNOWN_PLANET), 404
    for name, value in fields.items():
        setattr(planet, name, value)
    db.session.commit()
    return jsonify(message="You updated a planet"), 202


@planets.delete("/remove_planet/<int:planet_id>")
@jwt_required()
def remove_planet(planet_id: int) -> ResponseReturnValue:
    """Delete a planet."""
    planet = _planet(planet_id)
    if planet is None:
        return jsonify(message=UNKNOWN_PLANET), 404
    db.session.delete(planet)
    db.session.commit()
    return jsonify(message="You deleted a planet"), 202


@planets.get("/not_found")
def not_found() -> ResponseReturnValue:
    """Answer as every unknown address is answered."""
    return jsonify(message=UNKNOWN_RESOURCE), 404
