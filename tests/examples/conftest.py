"""Fixtures for examples/planetary-api: the application on a seeded SQLite file of each test's own."""

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask
from flask.testing import FlaskClient

pytest.register_assert_rewrite("tests.examples.attempts")
PLANETARY = Path(__file__).parents[2] / "examples" / "planetary-api"
SAFE_PASSWORD = "a password for tests only"
FROM_THE_ENVIRONMENT = (
    "DB_HOST",
    "DB_PORT",
    "DB_USER",
    "DB_PASSWORD",
    "DB_NAME",
    "MAIL_SERVER",
    "MAIL_PORT",
    "MAIL_USE_TLS",
    "MAIL_USERNAME",
    "MAIL_PASSWORD",
    "MAIL_SENDER",
    "PLANETARY_DATA",
    "PLANETARY_OUTBOX",
    "SAFE_JWT_KEY",
    "SAFE_BACKUP_TOKEN",
    "SAFE_SEED_PASSWORD",
    "FETCH_ALLOWED_URLS",
    "FLASK_APP",
    "FLASK_DEBUG",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
)

Start = Callable[..., Flask]


@pytest.fixture(scope="session")
def planetary_package() -> ModuleType:
    """Import the example's package from its path: the folder above it has a dash."""
    folder = PLANETARY / "planetary"
    spec = importlib.util.spec_from_file_location(
        "planetary", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["planetary"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FROM_THE_ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


def _dispose(app: Flask) -> None:
    with app.app_context():
        app.extensions["sqlalchemy"].engine.dispose()


@pytest.fixture(scope="session")
def seeded_database(planetary_package: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create and seed a database once, by the example's own commands."""
    data = tmp_path_factory.mktemp("planetary")
    app: Flask = planetary_package.create_app(
        {
            "DATA_DIR": data,
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{data / 'planets.db'}",
            "SAFE_SEED_PASSWORD": SAFE_PASSWORD,
        }
    )
    for command in ("db_create", "db_seed"):
        assert app.test_cli_runner().invoke(args=[command]).exit_code == 0
    _dispose(app)
    return data / "planets.db"


@pytest.fixture
def start(planetary_package: ModuleType, seeded_database: Path, tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts an application over a copy of the seeded database."""
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(seeded_database, data / "planets.db")
    apps: list[Flask] = []

    def _start(**overrides: object) -> Flask:
        own = {
            "DATA_DIR": data,
            "OUTBOX_DIR": tmp_path / "outbox",
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{data / 'planets.db'}",
        }
        app: Flask = planetary_package.create_app(own | overrides)
        apps.append(app)
        return app

    yield _start
    for app in apps:
        _dispose(app)


@pytest.fixture
def api(start: Start) -> FlaskClient:
    """Return a client of an application with its defaults."""
    return start().test_client()


@pytest.fixture
def bearer(api: FlaskClient) -> dict[str, str]:
    """Return the header of a user of the old endpoints."""
    answer = api.post("/login", json={"email": "test@test.com", "password": "P@ssw0rd"})
    return {"Authorization": f"Bearer {answer.get_json()['access_token']}"}


@pytest.fixture
def safe_bearer(api: FlaskClient) -> dict[str, str]:
    """Return the header of a user of the safe endpoints."""
    answer = api.post("/safe/login", json={"email": "test@test.com", "password": SAFE_PASSWORD})
    return {"Authorization": f"Bearer {answer.get_json()['access_token']}"}
