"""Debug switches as web code sets them."""

import logging
import os

import uvicorn
from django.conf import settings as django_settings
from fastapi import FastAPI
from flask import Flask, jsonify, request
from flask_debugtoolbar import DebugToolbarExtension
from pydantic_settings import BaseSettings
from starlette.applications import Starlette
from werkzeug.debug import DebuggedApplication
from werkzeug.serving import run_simple

log = logging.getLogger(__name__)


# case: debug_mode-01 | bad | CWE-489 | app.run with debug=True
shop = Flask("shop")


@shop.get("/")
def shop_index():
    return jsonify(version=3)


if __name__ == "__main__":
    shop.run(host="0.0.0.0", port=8000, debug=True)


# case: debug_mode-02 | bad | CWE-489 | debug attribute in a factory
def create_blog() -> Flask:
    blog = Flask("blog")
    blog.debug = True
    blog.config["JSON_SORT_KEYS"] = False
    return blog


# case: debug_mode-03 | bad | CWE-489 | DEBUG key of app.config, then run
def serve_orders() -> None:
    orders = Flask("orders")
    orders.config["DEBUG"] = True
    orders.config["PORT"] = 8080
    orders.run(host="0.0.0.0", port=orders.config["PORT"])


# case: debug_mode-04 | bad | CWE-489 | Django settings module
ALLOWED_HOSTS = ["shop.example.org"]
DEBUG = True
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"


# case: debug_mode-05 | bad | CWE-489 | FastAPI(debug=True)
def create_api() -> FastAPI:
    api = FastAPI(title="orders", debug=True)

    @api.get("/orders/{number}")
    async def order(number: int):
        return {"number": number}

    return api


# case: debug_mode-06 | bad | CWE-489 | werkzeug's debugger around a WSGI application
def wrap(application):
    application = DebuggedApplication(application, evalex=True)
    log.info("middleware is ready")
    return application


# case: debug_mode-07 | bad | CWE-489 | run_simple with use_debugger
def serve_tickets(application) -> None:
    address = ("0.0.0.0", 5000)
    run_simple(address[0], address[1], application, use_reloader=False, use_debugger=True)


# case: debug_mode-08 | bad | CWE-489 | config.update by keyword
def create_wiki() -> Flask:
    wiki = Flask("wiki")
    wiki.config.update(DEBUG=True, TEMPLATES_AUTO_RELOAD=True, MAX_CONTENT_LENGTH=2**20)
    return wiki


# case: debug_mode-09 | bad | CWE-489 | options in a dict that is unpacked
def serve_forum() -> None:
    forum = Flask("forum")
    options = {"host": "0.0.0.0", "port": 9000, "debug": True}
    forum.run(**options)


# case: debug_mode-10 | bad | CWE-489 | value through a local variable
def serve_photos() -> None:
    photos = Flask("photos")
    verbose = True
    port = int(os.environ.get("PORT", "5000"))
    photos.run("0.0.0.0", port, debug=verbose)


# case: debug_mode-11 | bad | CWE-489 | configuration class given to from_object
class SiteConfig:
    TESTING = False
    DEBUG = True
    SEND_FILE_MAX_AGE_DEFAULT = 3600


def create_site() -> Flask:
    site = Flask("site")
    site.config.from_object(SiteConfig)
    return site


# case: debug_mode-12 | bad | CWE-489 | settings.configure of a small Django service
def main_django() -> None:
    django_settings.configure(
        DEBUG=True,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        SECRET_KEY=os.environ["DJANGO_KEY"],
    )


# case: debug_mode-13 | bad | CWE-489 | Starlette(debug=True)
def create_events(routes) -> Starlette:
    events = Starlette(debug=True, routes=routes)
    events.state.ready = True
    return events


# case: debug_mode-14 | good | CWE-489 | app.run without debug
def serve_plain() -> None:
    plain = Flask("plain")
    plain.run(host="127.0.0.1", port=8000)


# case: debug_mode-15 | good | CWE-489 | debug=False
def serve_quiet() -> None:
    quiet = Flask("quiet")
    quiet.run(host="0.0.0.0", port=8000, debug=False)


# case: debug_mode-16 | good | CWE-489 | switch from the environment, off by default
def serve_by_environment() -> None:
    notes = Flask("notes")
    notes.run(port=8000, debug=os.environ.get("NOTES_DEBUG", "0") == "1")


# case: debug_mode-17 | good | CWE-489 | logging at debug level
def create_chatty() -> Flask:
    chatty = Flask("chatty")
    chatty.logger.setLevel(logging.DEBUG)
    logging.basicConfig(level=logging.DEBUG if os.environ.get("VERBOSE") else logging.INFO)
    return chatty


# case: debug_mode-18 | good | CWE-489 | Django settings as a class, from the environment
class ProductionSettings:
    DEBUG = os.environ.get("DJANGO_DEBUG", "") == "yes"
    ALLOWED_HOSTS = ["shop.example.org"]
    ROOT_URLCONF = "shop.urls"


# case: debug_mode-19 | good | CWE-489 | FastAPI with debug from typed settings that default to off
class ApiSettings(BaseSettings):
    debug: bool = False
    title: str = "orders"


def create_api_v2() -> FastAPI:
    settings = ApiSettings()
    return FastAPI(title=settings.title, debug=settings.debug)


# case: debug_mode-20 | good | CWE-489 | run_simple without the debugger
def serve_tickets_v2(application) -> None:
    run_simple("0.0.0.0", 5000, application, use_reloader=False, use_debugger=False, threaded=True)


# case: debug_mode-21 | good | CWE-489 | test configuration, testing flag only
def create_for_tests() -> Flask:
    site = Flask("site")
    site.config.update(TESTING=True, WTF_CSRF_ENABLED=False, DEBUG=False)
    return site


# case: debug_mode-22 | good | CWE-489 | debug parameter that is a field of the API
def create_search() -> Flask:
    search = Flask("search")

    @search.get("/explain")
    def explain():
        debug = request.args.get("debug") == "true"
        return jsonify(query=request.args.get("q", ""), plan="index scan" if debug else None)

    return search


# case: debug_mode-23 | good | CWE-489 | overwritten before the server starts
def serve_overwritten() -> None:
    forum = Flask("forum")
    options = {"host": "127.0.0.1", "port": 9000, "debug": True}
    options["debug"] = False
    forum.run(**options)


# case: debug_mode-24 | good | CWE-489 | uvicorn with a log level called debug
def serve_api() -> None:
    uvicorn.run("shop.api:app", host="0.0.0.0", port=8000, log_level="debug", reload=False)


# case: debug_mode-25 | good | CWE-489 | settings.configure with debug off
def main_django_v2() -> None:
    django_settings.configure(
        DEBUG=False, ALLOWED_HOSTS=["shop.example.org"], SECRET_KEY=os.environ["DJANGO_KEY"]
    )


# case: debug_mode-26 | good | CWE-489 | toolbar only when the application is in debug mode
def create_with_toolbar() -> Flask:
    site = Flask("site")
    site.config["SECRET_KEY"] = os.environ["SITE_KEY"]
    if site.debug:
        DebugToolbarExtension(site)
    return site
