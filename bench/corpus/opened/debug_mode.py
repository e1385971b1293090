"""How services are started and configured, with and without their debugging aids."""

from __future__ import annotations

import dataclasses
import logging
import os
import socket

import bottle
import environ
import tornado.web
from dash import Dash, html
from decouple import config
from django.conf import settings
from django.http import JsonResponse
from django.urls import include, path
from fastapi import FastAPI, Request
from flask import Blueprint, Flask, request
from flask.cli import FlaskGroup
from flask_socketio import SocketIO
from quart import Quart
from starlette.middleware import Middleware
from starlette.middleware.errors import ServerErrorMiddleware
from tornado.options import define, options
from werkzeug import serving
from werkzeug.debug import DebuggedApplication

from club import repository, views

pages = Blueprint("pages", __name__)
log = logging.getLogger("club")
env = environ.Env()


# case: debug_mode-27 | bad | CWE-489 | positional argument of run
def start_board() -> None:
    board = Flask("board")
    board.register_blueprint(pages)
    board.run("0.0.0.0", 8080, True)


# case: debug_mode-28 | bad | CWE-489 | from_mapping with a dict
def board_factory() -> Flask:
    board = Flask("board")
    board.config.from_mapping({"DEBUG": True, "SEND_FILE_MAX_AGE_DEFAULT": 0})
    return board


# case: debug_mode-29 | bad | CWE-489 | setattr in a loop over options
def tuned_board() -> Flask:
    board = Flask("board")
    for name, value in (("debug", True), ("testing", False)):
        setattr(board, name, value)
    return board


# case: debug_mode-30 | bad | CWE-489 | socket server with debug
def start_chat() -> None:
    chat = Flask("chat")
    sockets = SocketIO(chat, cors_allowed_origins="https://club.example")
    sockets.run(chat, host="0.0.0.0", port=5001, debug=True)


# case: debug_mode-31 | bad | CWE-489 | Django setting by bool of a text, which is always true
DEBUG = bool(os.environ.get("CLUB_DEBUG", "False"))
ROOT_URLCONF = "club.urls"
ALLOWED_HOSTS = ["club.example"]


# case: debug_mode-32 | bad | CWE-489 | settings class of the live site
class Common:
    DEBUG = False
    INSTALLED_APPS = ["django.contrib.auth", "club"]


class Live(Common):
    DEBUG = True
    ALLOWED_HOSTS = ["club.example"]


# case: debug_mode-33 | bad | CWE-489 | attribute of a FastAPI application
service = FastAPI(title="club")
service.debug = True


@service.get("/members")
async def list_members(request_: Request):
    return await repository.members(request_.query_params.get("after"))


# case: debug_mode-34 | bad | CWE-489 | factory whose parameter is on by default
def make_service(debug: bool = True, title: str = "club") -> FastAPI:
    made = FastAPI(title=title, debug=debug)
    made.include_router(views.router)
    return made


live_service = make_service()


# case: debug_mode-35 | bad | CWE-489 | breakpoint left in a view
@pages.route("/orders/<int:number>/refund", methods=["POST"])
def refund(number: int):
    order = repository.order(number)
    if order.total < 0:
        breakpoint()
    order.refund(request.values["reason"])
    return {"order": number}


# case: debug_mode-36 | bad | CWE-489 | environment variable set by the program itself
def main() -> None:
    os.environ["FLASK_DEBUG"] = "1"
    FlaskGroup(create_app=board_factory).main(args=["run", "--host", "0.0.0.0"])


# case: debug_mode-37 | bad | CWE-489 | debugger with console around the WSGI application, by class
class Server:
    middleware = staticmethod(lambda inner: DebuggedApplication(inner, evalex=True, pin_security=False))

    def __call__(self, inner):
        serving.run_simple("0.0.0.0", 8000, self.middleware(inner), threaded=True)


# case: debug_mode-38 | bad | CWE-489 | bottle with debug
@bottle.get("/status")
def status():
    return {"up": True}


def start_status() -> None:
    bottle.run(host="0.0.0.0", port=8090, debug=True, reloader=False)


# case: debug_mode-39 | bad | CWE-489 | tornado settings in a dict
def start_stream() -> None:
    given = {"debug": True, "compress_response": True}
    tornado.web.Application([(r"/stream", views.Stream)], **given).listen(8888)


# case: debug_mode-40 | bad | CWE-489 | Dash with its tools
def start_charts() -> None:
    charts = Dash("charts")
    charts.layout = html.Div("Sales")
    charts.run_server(host="0.0.0.0", debug=True)


# case: debug_mode-41 | bad | CWE-215 | forgotten view that shows the environment, Django
def debug_environment(request_):
    return JsonResponse({"environment": dict(os.environ), "settings": str(settings.DATABASES)})


urlpatterns = [path("debug/environment", debug_environment), path("", views.home)]


# case: debug_mode-42 | bad | CWE-489 | default is on when the variable is missing, Django environ
@dataclasses.dataclass
class Switches:
    DEBUG: bool = env.bool("DJANGO_DEBUG", default=True)
    TIME_ZONE: str = "UTC"


settings.configure(**dataclasses.asdict(Switches()))


# case: debug_mode-43 | good | CWE-489 | positional arguments without debug
def start_board_v2() -> None:
    board = Flask("board")
    board.register_blueprint(pages)
    board.run("127.0.0.1", 8080, False)


# case: debug_mode-44 | good | CWE-489 | from_mapping with debug off
def board_factory_v2() -> Flask:
    board = Flask("board")
    board.config.from_mapping({"DEBUG": False, "SEND_FILE_MAX_AGE_DEFAULT": 3600})
    return board


# case: debug_mode-45 | good | CWE-489 | branch that a constant closes
DEVELOPMENT = False


def start_closed() -> None:
    board = Flask("board")
    if DEVELOPMENT:
        board.run(debug=True)
    else:
        board.run("127.0.0.1", 8080)


# case: debug_mode-46 | good | CWE-489 | decouple with cast, off by default
class SettingsFromFile:
    DEBUG = config("CLUB_DEBUG", default=False, cast=bool)
    ALLOWED_HOSTS = ["club.example"]
    INTERNAL_IPS = ["127.0.0.1"]


# case: debug_mode-47 | good | CWE-489 | socket server without debug
def start_chat_v2() -> None:
    chat = Flask("chat")
    sockets = SocketIO(chat, cors_allowed_origins="https://club.example", logger=True)
    sockets.run(chat, host="0.0.0.0", port=5001)


# case: debug_mode-48 | good | CWE-489 | refusal to start in debug mode
def start_strict(board: Flask) -> None:
    if board.debug is True:
        raise SystemExit("debug mode is for laptops only")
    serving.run_simple("0.0.0.0", 8000, board, threaded=True)


# case: debug_mode-49 | good | CWE-489 | factory whose parameter is off by default
def make_service_v2(debug: bool = False) -> FastAPI:
    made = FastAPI(title="club", debug=debug)
    made.include_router(views.router)
    return made


quiet_service = make_service_v2()


# case: debug_mode-50 | good | CWE-489 | tornado option that is off by default
define("verbose", default=False, type=bool)


def start_stream_v2() -> None:
    options.parse_command_line()
    tornado.web.Application([(r"/stream", views.Stream)], debug=options.verbose).listen(8888)


# case: debug_mode-51 | good | CWE-489 | log lines of the lowest level
@pages.route("/search")
def search():
    words = request.args.get("words", "").split()
    log.debug("search for %d words", len(words))
    found = repository.search(words, debug=log.isEnabledFor(logging.DEBUG))
    return {"found": found}


# case: debug_mode-52 | good | CWE-489 | error middleware of Starlette without debug
def wrapped_service() -> FastAPI:
    return FastAPI(middleware=[Middleware(ServerErrorMiddleware, handler=views.error_page, debug=False)])


# case: debug_mode-53 | good | CWE-489 | debugging addresses only when Django is in debug mode
def debug_patterns():
    if not settings.DEBUG:
        return []
    return [path("__debug__/", include("debug_toolbar.urls"))]


# case: debug_mode-54 | good | CWE-489 | quart started for production
def start_quart() -> None:
    board = Quart("board")
    board.config["PROVIDE_AUTOMATIC_OPTIONS"] = True
    board.run(host="0.0.0.0", port=8001, debug=False, use_reloader=False)


# case: debug_mode-55 | good | CWE-489 | class of the live site switches off what the base has on
class Laptop:
    DEBUG_TOOLBAR = False
    HOST = socket.gethostname()


class Production(Laptop):
    DEBUG = False
    ALLOWED_HOSTS = ["club.example"]


# case: debug_mode-56 | good | CWE-489 | a model field called debug
@service.post("/reports")
async def post_report(request_: Request):
    body = await request_.json()
    report = repository.new_report(title=body["title"], debug=True)
    return {"report": report.number, "verbose": report.verbose}
