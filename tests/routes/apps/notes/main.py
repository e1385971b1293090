"""The application."""

from fastapi import FastAPI

from notes.routers import notes, users

app = FastAPI()
inner = FastAPI()
app.include_router(notes.router, prefix="/api")
app.include_router(users.router)
app.mount("/inner", inner)


@app.get("/")
async def root():
    return {}


@inner.post("/deep/{name}")
def deep(name: str):
    return {"name": name}


def ready():
    return {}


app.add_api_route("/ready", ready, methods=["GET", "HEAD"])
