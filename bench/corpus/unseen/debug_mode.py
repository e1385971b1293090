import asyncio
import logging
import os
import pdb
import sys
import traceback
import uuid

import uvicorn
from configurations import Configuration, values
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.shortcuts import render
from django.views.debug import technical_500_response
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from flask import Flask, jsonify, render_template, request
from pydantic_settings import BaseSettings
from starlette.middleware.errors import ServerErrorMiddleware
from werkzeug.debug import DebuggedApplication
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.serving import run_simple

from store import catalogue, db

logger = logging.getLogger(__name__)




# case: debug_mode-101 | bad | CWE-489 | start of a small site
def serve_guestbook():
    guestbook = Flask("guestbook")

    @guestbook.get("/")
    def index():
        return render_template("guestbook.html", entries=db.entries())

    guestbook.run(host="0.0.0.0", port=5000, debug=True)


# case: debug_mode-102 | good | CWE-489 | start of a site with a switch
def serve_recipes():
    recipes = Flask("recipes")

    @recipes.get("/")
    def recipe_index():
        return render_template("recipes.html", recipes=db.recipes())

    recipes.run(host="127.0.0.1", port=5000, debug=os.environ.get("RECIPES_DEBUG", "0") == "1")


# case: debug_mode-103 | good | CWE-489 | switch of a django site
ROOT_URLCONF = "library.urls"
DEBUG = os.environ.get("DJANGO_DEBUG", "").lower() in ("1", "true", "yes")
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "library.example.org").split(",")
INSTALLED_APPS = ["django.contrib.staticfiles", "library"]
if DEBUG:
    INSTALLED_APPS.append("django_extensions")


# case: debug_mode-104 | bad | CWE-489 | api object of a shop
shop_api = FastAPI(title="shop", version="2.4", debug=True)


@shop_api.get("/items/{item_id}")
async def shop_item(item_id: int):
    item = await db.item(item_id)
    return {"id": item.id, "price": str(item.price)}


# case: debug_mode-105 | good | CWE-489 | api object with a settings model
class StoreSettings(BaseSettings):
    debug: bool = False
    title: str = "store"


store_settings = StoreSettings()
store_api = FastAPI(title=store_settings.title, debug=store_settings.debug)


@store_api.get("/shelves/{shelf_id}")
async def shelf(shelf_id: int):
    return await db.shelf(shelf_id)


# case: debug_mode-106 | good | CWE-489 | configuration object of a factory
class BaseConfig:
    DEBUG = False
    TESTING = False
    PREFERRED_URL_SCHEME = "https"


def create_ledger():
    ledger = Flask("ledger")
    ledger.config.from_object(BaseConfig)
    ledger.config["SECRET_KEY"] = os.environ["LEDGER_SECRET_KEY"]
    return ledger


# case: debug_mode-107 | bad | CWE-489 | configuration object of a portal
class PortalConfig:
    DEBUG = True
    TEMPLATES_AUTO_RELOAD = True
    SESSION_COOKIE_SECURE = True


def serve_portal():
    portal = Flask("portal")
    portal.config.from_object(PortalConfig)
    portal.run(host="0.0.0.0", port=int(os.environ.get("PORT", 8080)))


# case: debug_mode-108 | bad | CWE-489 | wrapper of the wsgi object
def create_gallery():
    gallery = Flask("gallery")
    gallery.wsgi_app = ProxyFix(gallery.wsgi_app, x_for=1, x_proto=1)
    gallery.wsgi_app = DebuggedApplication(gallery.wsgi_app, evalex=True)

    @gallery.get("/pictures/<int:number>")
    def picture(number):
        return jsonify(db.picture(number))

    return gallery


# case: debug_mode-109 | good | CWE-489 | middlewares of the wsgi object
class RequestIdMiddleware:
    def __init__(self, wsgi):
        self.wsgi = wsgi

    def __call__(self, environ, start_response):
        environ["REQUEST_ID"] = uuid.uuid4().hex
        logger.debug("start %s %s", environ["REQUEST_ID"], environ["PATH_INFO"])
        return self.wsgi(environ, start_response)


def create_museum():
    museum = Flask("museum")
    museum.wsgi_app = RequestIdMiddleware(ProxyFix(museum.wsgi_app, x_for=1))
    return museum


# case: debug_mode-110 | bad | CWE-489 | server of the toolkit
def serve_wiki(port=8000):
    wiki = Flask("wiki")

    @wiki.get("/pages/<name>")
    def page(name):
        return jsonify(db.page(name))

    run_simple("0.0.0.0", port, wiki, use_reloader=False, use_debugger=True)


# case: debug_mode-111 | good | CWE-489 | server of the toolkit on a laptop
def serve_preview(port=8001):
    preview = Flask("preview")

    @preview.get("/drafts/<int:number>")
    def draft(number):
        return jsonify(db.draft(number))

    run_simple("127.0.0.1", port, preview, use_reloader=True, use_debugger=False)


# case: debug_mode-112 | bad | CWE-489 | switch with a default
def serve_tickets():
    tickets = Flask("tickets")
    debug = os.environ.get("TICKETS_DEBUG", "1") == "1"

    @tickets.get("/tickets/<int:number>")
    def ticket(number):
        return jsonify(db.ticket(number))

    tickets.run(host="0.0.0.0", port=5001, debug=debug)


# case: debug_mode-113 | bad | CWE-489 | switch read from text
class SurveyConfig:
    HOST = os.environ.get("SURVEY_HOST", "0.0.0.0")
    DEBUG = bool(os.environ.get("SURVEY_DEBUG", "False"))


def serve_survey():
    survey = Flask("survey")
    survey.config.from_object(SurveyConfig)
    survey.run(host=SurveyConfig.HOST, debug=SurveyConfig.DEBUG)


# case: debug_mode-114 | good | CWE-489 | switch read from a table
FLAGS = {"1": True, "true": True, "on": True}


def flag(name):
    return FLAGS.get(os.environ.get(name, "").strip().lower(), False)


def serve_polls():
    polls = Flask("polls")
    polls.config.from_mapping(DEBUG=flag("POLLS_DEBUG"), JSON_AS_ASCII=False)
    polls.run(host="127.0.0.1", port=5002, debug=polls.config["DEBUG"])


# case: debug_mode-115 | bad | CWE-489 | site in a single file
def single_file_site():
    settings.configure(
        DEBUG=True,
        ROOT_URLCONF="minisite.urls",
        ALLOWED_HOSTS=["*"],
        SECRET_KEY=os.environ["MINISITE_SECRET_KEY"],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": ["templates"]}],
    )
    return get_wsgi_application()


# case: debug_mode-116 | good | CWE-489 | status page in a single file
def status_site():
    options = {
        "DEBUG": False,
        "ROOT_URLCONF": "status.urls",
        "ALLOWED_HOSTS": ["status.example.org"],
        "SECRET_KEY": os.environ["STATUS_SECRET_KEY"],
    }
    settings.configure(**options)
    return get_wsgi_application()


# case: debug_mode-117 | good | CWE-489 | class of a configuration set
class Live(Configuration):
    DEBUG = values.BooleanValue(False)
    SECRET_KEY = values.SecretValue()
    ALLOWED_HOSTS = values.ListValue(["shop.example.org"])
    SECURE_HSTS_SECONDS = 31536000


# case: debug_mode-118 | bad | CWE-489 | class of a production set
class Production(Configuration):
    DEBUG = True
    SECRET_KEY = values.SecretValue()
    ALLOWED_HOSTS = [".tickets.example.org"]
    SECURE_SSL_REDIRECT = True


# case: debug_mode-119 | bad | CWE-489 | options of an api in a dict
API_OPTIONS = {"title": "booking", "root_path": "/booking", "debug": True}


def build_booking():
    booking = FastAPI(**API_OPTIONS)

    @booking.get("/rooms/{room_id}")
    async def room(room_id: int):
        return await db.room(room_id)

    return booking


# case: debug_mode-120 | good | CWE-489 | options of an api and of its server
SERVER_OPTIONS = {"host": "127.0.0.1", "port": 8002, "log_level": "debug", "proxy_headers": True}


def run_parking():
    parking = FastAPI(title="parking")

    @parking.get("/spaces")
    async def spaces(level: int = 0):
        return await db.spaces(level)

    uvicorn.run(parking, **SERVER_OPTIONS)


# case: debug_mode-121 | bad | CWE-489 | price of a basket
def create_basket():
    basket = Flask("basket")

    @basket.post("/price")
    def price():
        lines = request.get_json()["lines"]
        total = sum(catalogue.price(line["sku"]) * line["count"] for line in lines)
        if total < 0:
            pdb.set_trace()
        return jsonify(total=str(total))

    return basket


# case: debug_mode-122 | good | CWE-489 | price of a freight
def create_freight():
    freight = Flask("freight")
    freight.logger.setLevel(logging.DEBUG)

    @freight.post("/price")
    def freight_price():
        weight = float(request.get_json()["weight"])
        if __debug__:
            freight.logger.debug("freight for %.2f kg", weight)
        return jsonify(total=str(catalogue.freight(weight)))

    return freight


# case: debug_mode-123 | bad | CWE-215 | page that shows the surroundings
def create_events():
    events = Flask("events")

    @events.get("/debug/env")
    def debug_env():
        return jsonify(
            environ=dict(os.environ),
            config={k: str(v) for k, v in events.config.items()},
            path=sys.path,
        )

    return events


# case: debug_mode-124 | good | CWE-215 | page that shows the state
def create_news():
    news = Flask("news")

    @news.get("/status")
    def status():
        return jsonify(
            version=os.environ.get("RELEASE", "unknown"),
            python=".".join(map(str, sys.version_info[:2])),
            database=db.ping(),
        )

    return news


# case: debug_mode-125 | bad | CWE-489 | outer layer of an api
def build_tours():
    tours = FastAPI(title="tours")

    @tours.get("/tours/{tour_id}")
    async def tour(tour_id: int):
        return await db.tour(tour_id)

    return ServerErrorMiddleware(tours, debug=True)


# case: debug_mode-126 | good | CWE-215 | last handler of an api
def build_rentals():
    rentals = FastAPI(title="rentals")

    @rentals.exception_handler(Exception)
    async def on_error(request: Request, exc: Exception):
        reference = uuid.uuid4().hex
        logger.error("%s %s\n%s", reference, request.url.path, "".join(traceback.format_exception(exc)))
        return JSONResponse({"error": "internal error", "reference": reference}, status_code=500)

    return rentals


# case: debug_mode-127 | bad | CWE-215 | middleware for failed views
class ErrorPageMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        logger.exception("view failed")
        return technical_500_response(request, *sys.exc_info())


# case: debug_mode-128 | good | CWE-215 | middleware for failing views
class FailureMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        logger.exception("view failed", extra={"path": request.path})
        return render(request, "500.html", status=500)


# case: debug_mode-129 | bad | CWE-489 | environment set before the start
def serve_lottery():
    os.environ.setdefault("FLASK_DEBUG", "1")
    lottery = Flask("lottery")

    @lottery.get("/draws/<int:number>")
    def show_draw(number):
        return jsonify(db.draw(number))

    lottery.run(host="0.0.0.0", port=5003)


# case: debug_mode-130 | good | CWE-489 | event loop of a worker
async def refresh_feeds():
    for feed in await db.feeds():
        logger.debug("feed %s", feed.id)
        await feed.refresh()


def refresh_command():
    asyncio.run(refresh_feeds(), debug=True)


# case: debug_mode-131 | good | CWE-489 | argument of a function of the house
def explain_price(sku, debug=False):
    steps = catalogue.price_steps(sku)
    return steps if debug else steps[-1:]


def price_page(request, sku):
    steps = explain_price(sku, debug=True)
    return render(request, "price.html", {"sku": sku, "steps": steps})


# case: debug_mode-132 | bad | CWE-489 | settings of a site
WSGI_APPLICATION = "portal.wsgi.application"
DEBUG = True
ALLOWED_HOSTS = ["portal.example.org", "www.portal.example.org"]
STATIC_URL = "/static/"
CSRF_TRUSTED_ORIGINS = ["https://portal.example.org"]
