"""A part that gets the application as an argument."""

from flask import Blueprint

admin = Blueprint("admin", __name__, url_prefix="/admin")


@admin.get("/users")
def users():
    return "users"


def plug_into(server):
    server.register_blueprint(admin)

    @server.get("/health")
    def health():
        return "ok"
