"""The entry for `flask --app app run`; `python app.py` starts the development server."""

import os

from flask import Flask

from planetary import create_app

__all__ = ["create_app"]


def main() -> None:
    """Serve until interrupted; HOST and PORT say where."""
    server: Flask = create_app()
    host, port = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "5000"))
    server.run(host=host, port=port, debug=True, use_reloader=False)


if __name__ == "__main__":
    main()
