"""A to-do list: one page, and a small JSON API behind it."""

import os
from pathlib import Path

from flask import Flask, Response, abort, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from todo.tasks import MOST, Tasks, TitleError

LARGEST_BODY = 16 * 1024  # bytes
POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'"


def create_app(database: str | None = None) -> Flask:
    """Make the application over an SQLite file.

    Without one it is that of TODO_DATABASE, or todo.db in this folder.
    """
    file = database or os.environ.get("TODO_DATABASE", "todo.db")
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    tasks = Tasks(Path(file))
    app.register_error_handler(HTTPException, _refused)
    app.after_request(_hardened)

    @app.get("/")
    def page() -> str:
        return render_template("page.html")

    @app.get("/health")
    def health() -> Response:
        return jsonify(tasks=tasks.count())

    @app.get("/api/tasks")
    def listed() -> Response:
        return jsonify([task._asdict() for task in tasks.all()])

    @app.post("/api/tasks")
    def added() -> tuple[Response, int]:
        if tasks.count() >= MOST:
            abort(409, f"there are {MOST} tasks already")
        try:
            task = tasks.add(_body().get("title"))
        except TitleError as error:
            abort(400, str(error))
        return jsonify(task._asdict()), 201

    @app.patch("/api/tasks/<int:number>")
    def changed(number: int) -> Response:
        done = _body().get("done")
        if not isinstance(done, bool):
            abort(400, "`done` must be true or false")
        task = tasks.mark(number, done=done)
        if task is None:
            abort(404, "there is no such task")
        return jsonify(task._asdict())

    @app.delete("/api/tasks/<int:number>")
    def removed(number: int) -> tuple[str, int]:
        if not tasks.remove(number):
            abort(404, "there is no such task")
        return "", 204

    return app


def _body() -> dict[str, object]:
    """The JSON object of the request; a form of another site cannot send one.

    See https://developer.mozilla.org/docs/Web/HTTP/CORS#simple_requests
    """
    body = request.get_json()
    if not isinstance(body, dict):
        abort(400, "the body must be a JSON object")
    return body


def _refused(error: HTTPException) -> tuple[Response, int]:
    return jsonify(message=error.description), error.code or 500


def _hardened(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
