"""The same holes in FastAPI: text parameters are request data, numbers and dependencies are not."""

import subprocess
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from sqlalchemy import select, text

from shop.models import Item, Session, session

app = FastAPI()


@app.get("/items")
async def items(name: str, limit: int = 10, database: Session = Depends(session)):
    # ruleid: python-sql-injection
    database.execute(text(f"SELECT * FROM items WHERE name = '{name}'"))
    # ok: python-sql-injection
    database.execute(text(f"SELECT * FROM items LIMIT {limit}"))
    # ok: python-sql-injection
    return database.execute(select(Item).where(Item.name == name)).all()


@app.post("/run")
async def run(request: Request):
    # ruleid: python-command-injection
    return subprocess.run("convert " + request.query_params["file"], shell=True, check=True)


@app.get("/file/{name}")
def file(name: Annotated[str, "a name"]):
    # ruleid: python-path-traversal
    return FileResponse("/srv/files/" + name)


@app.get("/hello", response_class=HTMLResponse)
def hello(name: str | None = None):
    # ruleid: python-cross-site-scripting
    return f"<h1>Hello {name}</h1>"


@app.get("/greeting")
def greeting(name: str):
    # ok: python-cross-site-scripting
    return f"Hello {name}"


@app.get("/go")
def go(target: str):
    # ruleid: python-open-redirect
    return RedirectResponse(url=target)
