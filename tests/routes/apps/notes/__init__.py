"""Notes in FastAPI: nested routers with prefixes, an application below another, an order that matters."""
