"""The safe twin of `python app.py`: the same server, which keeps its tracebacks to itself."""

import os

from flask import Flask

from planetary import create_app


def main() -> None:
    """Serve until interrupted; HOST and PORT say where."""
    server: Flask = create_app()
    host, port = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "5000"))
    server.run(host=host, port=port, debug=False, use_reloader=False)


if __name__ == "__main__":
    main()
