"""Every hole of examples/planetary-api is used, and its safe twin withstands the same attempt.

Each test bears the name of a pair in truth.yaml. Nothing leaves the machine: the servers are on loopback.
"""

import ast
import contextlib
import hashlib
import http.server
import importlib.util
import os
import pickle
import re
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import yaml
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from tests.lab.loopback import free_port

PLANETARY = Path(__file__).parents[2] / "examples" / "planetary-api"
SAFE_PASSWORD = "a password for tests only"
UNION = "' UNION SELECT id, email, password, first_name, 0, 0, 0 FROM users -- "


def _constant(file: str, name: str) -> str:
    """Return what whoever has the source has: the value that a module gives to a name."""
    for node in ast.parse((PLANETARY / file).read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return str(ast.literal_eval(node.value))
    raise AssertionError(f"{file} does not set {name}")


def _code(message: Path) -> str:
    """Return the reset code, the last line of a mail from a safe endpoint."""
    return message.read_text().splitlines()[-1]


@pytest.mark.parametrize(
    "credentials",
    [
        {"email": "test@test.com", "password": "' or 1=1;--"},
        {"email": "' or 1=1;--", "password": ""},
        {"email": "test@test.com' -- ", "password": "wrong"},
    ],
)
@pytest.mark.parametrize("how", ["json", "data"])
def test_sqli_login(api: FlaskClient, credentials: dict[str, str], how: str) -> None:
    caught = api.post("/login", **{how: credentials})
    assert (caught.status_code, caught.get_json()["message"]) == (200, "Login succeeded!")
    headers = {"Authorization": f"Bearer {caught.get_json()['access_token']}"}
    assert api.get("/get_planet/Earth", headers=headers).status_code == 200
    assert api.post("/safe/login", **{how: credentials}).status_code == 401


def test_sqli_get_planet(api: FlaskClient, bearer: dict[str, str], safe_bearer: dict[str, str]) -> None:
    stolen = api.get(f"/get_planet/{UNION}", headers=bearer).get_json()
    assert (stolen["planet_name"], stolen["planet_type"]) == ("test@test.com", "P@ssw0rd")
    assert api.get(f"/safe/get_planet/{UNION}", headers=safe_bearer).status_code == 404


def test_sqli_get_planet_sqlmap(api: FlaskClient) -> None:
    stolen = api.get("/get_planet_sqlmap", query_string={"planet_name": UNION}).get_json()
    assert (stolen["planet_name"], stolen["planet_type"]) == ("test@test.com", "P@ssw0rd")
    assert api.get("/safe/get_planet_sqlmap", query_string={"planet_name": UNION}).status_code == 404


@pytest.mark.parametrize("payload", ["planets.db;id -u", "planets.db&&id -u", "$(id -u)planets.db; id -u", "x||id -u"])
def test_command_injection_dbsize(api: FlaskClient, payload: str) -> None:
    answer = api.get(f"/dbsize/{payload}")
    assert answer.status_code == 200
    assert answer.text.splitlines()[-1] == str(os.geteuid())
    assert api.get(f"/safe/dbsize/{payload}").status_code == 400


def test_command_injection_dbsize_leads_nowhere_by_links(api: FlaskClient, tmp_path: Path) -> None:
    (tmp_path / "data" / "link.db").symlink_to("/etc/passwd")
    assert api.get("/safe/dbsize/link.db").status_code == 400
    assert api.get("/safe/dbsize/..").status_code == 400


def test_path_traversal_read_log(api: FlaskClient, tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("not a log")
    logs = tmp_path / "data" / "logs"
    logs.mkdir()
    (logs / "link.log").symlink_to(outside)
    for filename in ("../../outside.txt", str(outside), "link.log"):
        assert api.get("/read_log", query_string={"filename": filename}).text == "not a log"
        answer = api.get("/read_log/safe", query_string={"filename": filename})
        assert answer.status_code in {403, 404}
        assert "not a log" not in answer.text
    assert api.get("/read_log/safe", query_string={"filename": ".."}).status_code == 404


class _Inside(http.server.BaseHTTPRequestHandler):
    """A service that only this machine should reach."""

    def do_GET(self) -> None:
        self.send_response(302 if self.path == "/away" else 200)
        if self.path == "/away":
            self.send_header("Location", "/secret")
        self.end_headers()
        if self.path == "/secret":
            self.wfile.write(b"inside")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Keep the test's output clean."""


@pytest.fixture
def inside() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Inside) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_ssrf_fetch(start: Any, inside: str) -> None:
    api = start(FETCH_ALLOWED_URLS=(f"{inside}/away", "http://127.0.0.1:1/")).test_client()
    port = inside.rpartition(":")[2]
    for address in (f"{inside}/secret", f"http://localhost:{port}/secret", f"http://2130706433:{port}/secret"):
        assert api.get("/fetch", query_string={"url": address}).text == "inside"
        assert api.get("/fetch/safe", query_string={"url": address}).status_code == 403
    assert api.get("/fetch", query_string={"url": f"{inside}/away"}).text == "inside"
    followed = api.get("/fetch/safe", query_string={"url": f"{inside}/away"})
    assert (followed.status_code, followed.text) == (200, "")
    assert api.get("/fetch/safe", query_string={"url": "file:///etc/passwd"}).status_code == 400
    for path in ("/fetch", "/fetch/safe"):
        assert api.get(path, query_string={"url": "http://127.0.0.1:1/"}).status_code == 500


def test_ssrf_fetch_safe_passes_on_what_is_allowed(start: Any, inside: str) -> None:
    api = start(FETCH_ALLOWED_URLS=(f"{inside}/secret",)).test_client()
    assert api.get("/fetch/safe", query_string={"url": f"{inside}/secret"}).text == "inside"


def test_xss_planetary(api: FlaskClient) -> None:
    script = "<script>alert(1)</script>"
    answer = api.get("/planetary", query_string={"name": script})
    assert answer.mimetype == "text/html"
    assert f"<b>{script}</b>" in answer.text
    escaped = api.get("/safe/planetary", query_string={"name": script}).text
    assert "<b>&lt;script&gt;alert(1)&lt;/script&gt;</b>" in escaped


def test_weak_hash_reset(api: FlaskClient, tmp_path: Path) -> None:
    """Without reading any mail, take over an account."""
    guess = hashlib.md5(b"test@test.com").hexdigest()
    change = {"email": "test@test.com", "code": guess, "password": "taken over now"}
    assert api.post("/reset_password", json=change).status_code == 200
    assert api.post("/login", json={"email": "test@test.com", "password": "taken over now"}).status_code == 200
    assert api.post("/reset_password", json=change | {"code": "wrong"}).status_code == 401
    api.get("/safe/retrieve_password/test@test.com")
    for code in (guess, hashlib.sha256(b"test@test.com").hexdigest(), ""):
        assert api.post("/safe/reset_password", json=change | {"code": code}).status_code == 401
    (message,) = (tmp_path / "outbox").iterdir()
    change["code"] = _code(message)
    assert api.post("/safe/reset_password", json=change | {"email": "test2@test.com"}).status_code == 401
    assert api.post("/safe/reset_password", json=change).status_code == 200
    assert api.post("/safe/reset_password", json=change).status_code == 401, "a code works once"
    assert api.post("/safe/login", json={"email": "test@test.com", "password": "taken over now"}).status_code == 200


def test_weak_hash_reset_safe_codes_run_out(api: FlaskClient, tmp_path: Path) -> None:
    for _ in range(2):
        api.get("/safe/retrieve_password/test@test.com")
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "planets.db")) as database:
        assert database.execute("SELECT count(*) FROM password_resets").fetchone() == (1,), "the newer code replaces"
        database.execute("UPDATE password_resets SET expires_at = ?", (int(time.time()) - 1,))
        database.commit()
    for message in (tmp_path / "outbox").iterdir():
        change = {"email": "test@test.com", "code": _code(message), "password": "too late by now"}
        assert api.post("/safe/reset_password", json=change).status_code == 401


class _MakesAFolder:
    """Unpickles to a call of os.mkdir: proof that a body runs code."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


PLUTO = {"planet_name": "Pluto", "planet_type": "D", "home_star": "Sol", "mass": 1e22, "radius": 1188, "distance": 6e9}


def test_deserialisation_pickle(
    api: FlaskClient, bearer: dict[str, str], safe_bearer: dict[str, str], tmp_path: Path
) -> None:
    attack = pickle.dumps(_MakesAFolder(tmp_path / "run"))
    assert api.post("/safe/restore_planets", headers=safe_bearer, data=attack).status_code == 400
    assert not (tmp_path / "run").exists()
    assert api.post("/restore_planets", headers=bearer, data=attack).status_code == 400
    assert (tmp_path / "run").exists()
    assert api.post("/safe/restore_planets", headers=bearer, data=attack).status_code == 401
    honest = api.post("/restore_planets", headers=bearer, data=pickle.dumps([PLUTO]))
    assert (honest.status_code, honest.get_json()["added"]) == (201, 1)
    assert api.post("/safe/restore_planets", headers=safe_bearer, json=[PLUTO]).get_json()["added"] == 0


def test_deserialisation_yaml(
    api: FlaskClient, bearer: dict[str, str], safe_bearer: dict[str, str], tmp_path: Path
) -> None:
    attack = f"!!python/object/apply:os.mkdir ['{tmp_path / 'run'}']"
    assert api.post("/safe/import_planets", headers=safe_bearer, data=attack).status_code == 400
    assert not (tmp_path / "run").exists()
    assert api.post("/import_planets", headers=bearer, data=attack).status_code == 400
    assert (tmp_path / "run").exists()
    honest = api.post("/safe/import_planets", headers=safe_bearer, data=yaml.safe_dump([PLUTO]))
    assert (honest.status_code, honest.get_json()["added"]) == (201, 1)
    assert api.post("/import_planets", headers=bearer, data=yaml.safe_dump([PLUTO])).get_json()["added"] == 0
    assert api.post("/safe/import_planets", headers=safe_bearer, data="- {planet_name: X}").status_code == 400


def test_plaintext_passwords(api: FlaskClient, tmp_path: Path) -> None:
    person = {"first_name": "Edwin", "last_name": "Hubble", "email": "e@test.com", "password": "Galaxies-1924"}
    for path in ("/register", "/safe/register"):
        assert api.post(path, json=person).status_code == 201
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "planets.db")) as database:
        find = "SELECT * FROM {} WHERE email = 'e@test.com'"
        assert "Galaxies-1924" in database.execute(find.format("users")).fetchone()
        kept = database.execute(find.format("accounts")).fetchone()
    assert "Galaxies-1924" not in " ".join(map(str, kept))
    assert kept[-1].startswith("scrypt:")


def test_mailed_password(api: FlaskClient, tmp_path: Path) -> None:
    def mailed(path: str) -> str:
        api.get(path)
        (message,) = (tmp_path / "outbox").iterdir()
        text = message.read_text()
        message.unlink()
        return text

    assert "P@ssw0rd" in mailed("/retrieve_password/test@test.com")
    assert SAFE_PASSWORD not in mailed("/safe/retrieve_password/test@test.com")
    known, unknown = (api.get(f"/safe/retrieve_password/{name}@test.com") for name in ("test", "nobody"))
    assert (known.status_code, known.get_json()) == (unknown.status_code, unknown.get_json())


def test_default_credentials(api: FlaskClient) -> None:
    source = (PLANETARY / "planetary" / "seeds.py").read_text()
    printed = re.findall(r'email="([^"]+)", password="([^"]+)"', source)
    assert len(printed) == 2
    for email, password in printed:
        assert api.post("/login", json={"email": email, "password": password}).status_code == 200
        assert api.post("/safe/login", json={"email": email, "password": password}).status_code == 401


def test_hardcoded_jwt_key(api: FlaskClient, bearer: dict[str, str], safe_bearer: dict[str, str]) -> None:
    key = _constant("planetary/settings.py", "JWT_SECRET_KEY")
    claims = jwt.decode(bearer["Authorization"].split()[1], key, algorithms=["HS256"]) | {"sub": "nobody"}
    forged = {"Authorization": f"Bearer {jwt.encode(claims, key, algorithm='HS256')}"}
    assert api.delete("/remove_planet/9", headers=forged).status_code == 202
    claims |= {"aud": "planetary-api/safe"}
    for token in (jwt.encode(claims, key, algorithm="HS256"), jwt.encode(claims, "", algorithm="none"), "junk", ""):
        answer = api.get("/safe/get_planet/Earth", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
    assert api.get("/get_planet/Earth", headers=safe_bearer).status_code == 422, "nor the other way round"


def test_hardcoded_jwt_key_safe_tokens_run_out(start: Any) -> None:
    app = start(SAFE_JWT_KEY="k" * 32)
    claims = {"sub": "test@test.com", "aud": "planetary-api/safe", "exp": int(time.time()) + 60}
    for change, status in (({}, 200), ({"exp": int(time.time()) - 1}, 401), ({"aud": "other"}, 401)):
        token = jwt.encode(claims | change, "k" * 32, algorithm="HS256")
        answer = app.test_client().get("/safe/get_planet/Earth", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status


def test_hardcoded_backup_token(api: FlaskClient, start: Any) -> None:
    token = {"X-Backup-Token": _constant("planetary/settings.py", "BACKUP_TOKEN")}
    assert api.get("/backup", headers=token).get_json() == {"users": ["test@test.com", "test2@test.com"]}
    assert api.get("/backup").status_code == 403
    for headers in (token, {"X-Backup-Token": ""}, {}):
        assert api.get("/safe/backup", headers=headers).status_code == 403
    configured = start(SAFE_BACKUP_TOKEN="from outside").test_client()
    assert configured.get("/safe/backup", headers=token).status_code == 403
    assert configured.get("/safe/backup", headers={"X-Backup-Token": "from outside"}).status_code == 200


def _tool(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"planetary_{name}", PLANETARY / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_hardcoded_monitor_token(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    app = start()
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        assert _tool("monitor").check(address)
        monkeypatch.setenv("MONITOR_EMAIL", "test@test.com")
        for password, works in ((SAFE_PASSWORD, True), ("wrong", False)):
            monkeypatch.setenv("MONITOR_PASSWORD", password)
            assert _tool("monitor_safe").check(address) is works
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    stolen = {"Authorization": f"Bearer {_constant('tools/monitor.py', 'MONITOR_TOKEN')}"}
    assert app.test_client().delete("/remove_planet/1", headers=stolen).status_code == 202
    assert app.test_client().get("/safe/get_planet/Earth", headers=stolen).status_code == 401
    assert "eyJ" not in (PLANETARY / "tools" / "monitor_safe.py").read_text()


def _answer_to_an_error(script: str, data: Path) -> str:
    """Start a script of the example on a free port, provoke an error, and return the page."""
    port = free_port()
    environment = os.environ | {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "PLANETARY_DATA": str(data),
        "FLASK_DEBUG": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with (data / "server.log").open("w") as log:
        server = subprocess.Popen([sys.executable, script], cwd=PLANETARY, env=environment, stdout=log, stderr=log)
    try:
        return _page(f"http://127.0.0.1:{port}/get_planet_sqlmap?planet_name='", server)
    finally:
        server.terminate()
        server.wait(10)


def _page(address: str, server: subprocess.Popen[bytes]) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + 30
    while time.monotonic() < until and server.poll() is None:
        try:
            opener.open(address, timeout=10).close()
        except urllib.error.HTTPError as error:
            with error:
                return error.read().decode()
        except urllib.error.URLError:
            time.sleep(0.1)  # not listening yet
    raise AssertionError("the server did not come up, or answered without an error")


@pytest.mark.parametrize(("script", "opened"), [("app.py", True), ("serve.py", False)])
def test_debug_mode(start: Any, tmp_path: Path, script: str, opened: bool) -> None:
    start()
    page = _answer_to_an_error(script, tmp_path / "data")
    assert ("Werkzeug Debugger" in page) is opened
    assert ("EVALEX = true" in page) is opened
    assert ("SELECT * FROM planets" in page) is opened


def test_every_pair_is_tried() -> None:
    """Images and dependencies are read in test_planetary_api.py: neither is built or installed here."""
    pairs = {entry["pair"] for entry in yaml.safe_load((PLANETARY / "truth.yaml").read_text())["entries"]}
    tried = {name.removeprefix("test_").replace("_", "-") for name in globals() if name.startswith("test_")}
    assert {pair for pair in pairs if not pair.startswith(("image-", "dependency-"))} <= tried
