"""Debug modes and temporary files."""

import asyncio
import os
import tempfile

from fastapi import FastAPI
from flask import Flask
from werkzeug.debug import DebuggedApplication
from werkzeug.serving import run_simple

from shop import create_app

app = Flask(__name__)
# ruleid: python-debug-mode
app.config["DEBUG"] = True
# ruleid: python-debug-mode
app.debug = True
# ruleid: python-debug-mode
api = FastAPI(debug=True)
# ok: python-debug-mode
app.config["DEBUG"] = False
# ok: python-debug-mode
app.debug = os.environ.get("APP_DEBUG") == "1"
# ruleid: python-debug-mode
wrapped = DebuggedApplication(app)


class Config:
    # ruleid: python-debug-mode
    DEBUG = True


class DevelopmentConfig(Config):
    # ok: python-debug-mode
    DEBUG = True


async def main():
    pass


def scratch():
    # ruleid: python-insecure-temporary-file
    one = tempfile.mktemp(suffix=".txt")
    # ok: python-insecure-temporary-file
    two, _ = tempfile.mkstemp()
    # ok: python-insecure-temporary-file
    with tempfile.TemporaryDirectory() as three:
        return one, two, three


if __name__ == "__main__":
    # ruleid: python-debug-mode
    app.run(host="127.0.0.1", debug=True)
    # ruleid: python-debug-mode
    create_app("local").run(debug=True)
    options = {"port": 8000, "debug": True}
    # ruleid: python-debug-mode
    app.run(**options)
    # ruleid: python-debug-mode
    run_simple("0.0.0.0", 8000, app, use_debugger=True)
    # ruleid: python-debug-mode
    app.run(debug=os.environ.get("APP_DEBUG", "1"))
    # ok: python-debug-mode
    run_simple("0.0.0.0", 8000, app)
    # ok: python-debug-mode
    app.run(debug=False)
    # ok: python-debug-mode
    app.run()
    # ok: python-debug-mode
    asyncio.run(main(), debug=True)
