"""The planetary API: a training target with deliberate holes, each beside its safe twin."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from flask_jwt_extended import JWTManager

from planetary import body, commands, mail, settings
from planetary.models import db
from planetary.planets import UNKNOWN_RESOURCE, planets
from planetary.safe import safe
from planetary.vulnerable import vulnerable

__all__ = ["create_app"]


def create_app(overrides: Mapping[str, Any] | None = None) -> Flask:
    """Return the application; `overrides` replaces what the environment says."""
    app = Flask(__name__)
    app.config.from_mapping(settings.from_environment())
    app.config.from_mapping(overrides or {})
    Path(app.config["DATA_DIR"]).mkdir(parents=True, exist_ok=True)
    db.init_app(app)
    JWTManager(app)
    for blueprint in (planets, vulnerable, safe):
        app.register_blueprint(blueprint)
    _answer_errors(app)
    commands.register(app)
    return app


def _answer_errors(app: Flask) -> None:
    @app.errorhandler(body.Refused)
    @app.errorhandler(UnicodeEncodeError)
    def refused(error: Exception) -> ResponseReturnValue:
        return jsonify(message="Missing Parameter", errno=str(error)), 400

    @app.errorhandler(404)
    def unknown(_error: Exception) -> ResponseReturnValue:
        return jsonify(message=UNKNOWN_RESOURCE), 404

    @app.errorhandler(mail.NotSent)
    def not_sent(error: Exception) -> ResponseReturnValue:
        app.logger.error("mail was not sent: %s", error)
        return jsonify(message="The mail could not be sent"), 503
